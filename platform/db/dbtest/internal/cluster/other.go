//go:build !unix

package cluster

import (
	"errors"
	"os/exec"
)

var errNeedsURL = errors.New("a PostgreSQL server cannot be started for the tests here: set " + Env)

func lock(string) (func(), error) { return nil, errNeedsURL }

func giveAway(string) error { return errNeedsURL }

func unprivileged(*exec.Cmd) error { return errNeedsURL }
