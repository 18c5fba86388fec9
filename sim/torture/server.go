package torture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a PostgreSQL of the run's own, which may crash, restart and run out of disk as no shared one may. Its folder is a small disk of its own where this
// machine lets us mount one.
type server struct {
	folder string
	port   int
	small  bool // the folder is a disk that can be filled
	as     *syscall.SysProcAttr
}

// smallDisk is room for a server without data, its write-ahead log and one short run.
const smallDisk = "size=320m,mode=0755"

// settings make commits wait for the disk, as in production, and keep the log small.
var settings = "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=on -c synchronous_commit=on -c full_page_writes=on -c max_connections=150 -c shared_buffers=64MB " +
	"-c min_wal_size=8MB -c max_wal_size=64MB -c autovacuum=off -c deadlock_timeout=100ms -c wal_level=minimal -c max_wal_senders=0"

// openServer makes a server in a folder that must not exist yet, and starts it.
func openServer(ctx context.Context, folder string) (*server, error) {
	s := &server{folder: folder}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil { // the server's user comes through here
		return nil, err
	}
	s.small = exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", smallDisk, "openclaw-torture", folder).Run() == nil
	err := s.make(ctx)
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.close(false))
	}
	return s, nil
}

func (s *server) data() string { return filepath.Join(s.folder, "data") }

func (s *server) address() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

func (s *server) make(ctx context.Context) error {
	if err := os.Mkdir(s.data(), 0o700); err != nil {
		return err
	}
	var err error
	if s.as, err = stranger(); err != nil {
		return err
	}
	if err := give(s.data(), s.as); err != nil {
		return err
	}
	if err := s.tool(ctx, "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}

func (s *server) start(ctx context.Context) error {
	return s.tool(ctx, "pg_ctl", "-D", s.data(), "-w", "-t", "60", "-l", filepath.Join(s.data(), "log"), "-o", settings+" -p "+strconv.Itoa(s.port), "start")
}

// restart ends the server and starts it again: in order, or as power failure does.
func (s *server) restart(ctx context.Context, crash bool) error {
	how := "fast"
	if crash {
		how = "immediate"
	}
	return errors.Join(s.tool(ctx, "pg_ctl", "-D", s.data(), "-w", "-m", how, "stop"), s.start(ctx))
}

// full leaves no byte of the small disk for a while. A server that gave up over it is started again, as a person does who has made room.
func (s *server) full(ctx context.Context, lasts time.Duration) error {
	path := filepath.Join(s.folder, "filler")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return errors.Join(err, f.Close())
	}
	_ = wait(ctx, lasts)
	if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); ; {
		if s.tool(ctx, "pg_ctl", "-D", s.data(), "status") != nil {
			if err := s.start(ctx); err != nil && time.Now().After(deadline) {
				return err
			}
		}
		if err = s.tool(ctx, "pg_isready", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-t", "5"); err == nil || time.Now().After(deadline) {
			return err
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// close ends the server; what is to be kept is moved from the small disk to the folder below it.
func (s *server) close(keep bool) error {
	ctx := context.Background()
	var errs []error
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err == nil {
		errs = append(errs, s.tool(ctx, "pg_ctl", "-D", s.data(), "-w", "-m", "fast", "stop"))
	}
	if s.small {
		if keep {
			errs = append(errs, exec.CommandContext(ctx, "cp", "-a", s.data(), s.folder+"-kept").Run())
		}
		errs = append(errs, exec.CommandContext(ctx, "umount", "-l", s.folder).Run()) // whoever still looks into it may finish
	}
	if !keep {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	return errors.Join(errs...)
}

// tool runs one of PostgreSQL's programs. Its output goes to a file: a server holds on to what it inherits.
func (s *server) tool(ctx context.Context, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil { // Debian keeps them apart
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		if len(found) == 0 {
			return fmt.Errorf("PostgreSQL's %s is needed: %w", name, err)
		}
		path = found[len(found)-1]
	}
	out, err := os.CreateTemp("", "openclaw-torture-pg-*")
	if err != nil {
		return err
	}
	defer func() { _, _ = out.Close(), os.Remove(out.Name()) }()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = os.TempDir(), out, out, s.as
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(said)))
	}
	return nil
}
