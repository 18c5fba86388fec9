//go:build unix

package torture

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// stranger is the user PostgreSQL runs as where we are root, which it refuses; nil means ourselves.
func stranger() (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// give makes a folder that user's.
func give(dir string, to *syscall.SysProcAttr) error {
	if to == nil {
		return nil
	}
	return os.Chown(dir, int(to.Credential.Uid), int(to.Credential.Gid))
}

// freeze stops a process in the middle of whatever it does, as a virtual machine is that moves; thaw lets it go on, and it does not know.
func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
func thaw(p *os.Process) error   { return p.Signal(syscall.SIGCONT) }

// slowed is a command whose every sync of the disk takes so many µs longer, and is noted in a file; false where strace is not there or may not trace.
func slowed(cmd *exec.Cmd, micros, log string) bool {
	strace, err := exec.LookPath("strace")
	if err != nil || exec.Command(strace, "-f", "-o", os.DevNull, "true").Run() != nil {
		return false
	}
	cmd.Args = append([]string{strace, "-D", "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=" + micros, "-o", log, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	return true
}
