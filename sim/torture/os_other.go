//go:build !unix

package torture

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

var errNotHere = errors.New("not on this system")

func stranger() (*syscall.SysProcAttr, error)    { return nil, nil }
func give(string, *syscall.SysProcAttr) error    { return nil }
func freeze(*os.Process) error                   { return errNotHere }
func thaw(*os.Process) error                     { return errNotHere }
func slowed(_ *exec.Cmd, _, _ string) (can bool) { return false }
