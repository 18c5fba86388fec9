// Package cluster starts one throw-away PostgreSQL server that all test processes of a user share. Start at Start.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env names the variable with the url of a server to use instead; its role must be allowed to create databases.
const Env = "TEST_POSTGRES_URL"

const missing = "PostgreSQL is needed for the tests: apt-get install postgresql (or set " + Env + ")"

// Start returns the url of a running server, starting one when there is none. Several processes may call it at once.
func Start(ctx context.Context) (string, error) {
	if url := os.Getenv(Env); url != "" {
		return url, nil
	}
	unlock, err := lock(home() + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if url, err := os.ReadFile(urlFile()); err == nil && answers(ctx, string(url)) {
		return string(url), nil
	}
	if err := stop(); err != nil {
		return "", err
	}
	return start(ctx)
}

// Stop ends the server that Start has started and removes its data. Without one it does nothing.
func Stop() error {
	unlock, err := lock(home() + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	return stop()
}

// name keeps users apart, who may not share a server's files.
func name() string { return "openclaw-commerce-pg-" + strconv.Itoa(os.Getuid()) }

// home holds the url and a link to the data, wherever that is.
func home() string    { return filepath.Join(os.TempDir(), name()) }
func data() string    { return filepath.Join(home(), "data") }
func urlFile() string { return filepath.Join(home(), "url") }

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

func start(ctx context.Context) (string, error) {
	if err := os.Mkdir(home(), 0o755); err != nil {
		return "", err
	}
	if err := makeData(); err != nil {
		return "", err
	}
	initdb := []string{"-D", data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"}
	// A language's text order shows where a key lacks collate "C". Not every build has ICU.
	if err := run(ctx, "initdb", append(slices.Clone(initdb), "--locale-provider=icu", "--icu-locale=en")...); err != nil {
		if err := run(ctx, "initdb", initdb...); err != nil {
			return "", err
		}
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	settings := "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c synchronous_commit=off " +
		"-c full_page_writes=off -c max_connections=300 -c shared_buffers=128MB -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=512MB -c checkpoint_timeout=1h " +
		"-c autovacuum=off -c deadlock_timeout=100ms -p " + strconv.Itoa(port)
	if err := run(ctx, "pg_ctl", "-D", data(), "-w", "-l", filepath.Join(data(), "log"), "-o", settings, "start"); err != nil {
		return "", err
	}
	url := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	return url, os.WriteFile(urlFile(), []byte(url), 0o644)
}

// makeData makes the data folder, in memory where there is room.
func makeData() error {
	folder := data()
	if dir := memory(); dir != "" {
		folder = filepath.Join(dir, name())
		if err := os.Symlink(folder, data()); err != nil {
			return err
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	return giveAway(folder)
}

func stop() error {
	if _, err := os.Stat(filepath.Join(data(), "postmaster.pid")); err == nil {
		_ = run(context.Background(), "pg_ctl", "-D", data(), "-w", "-m", "immediate", "stop") // it may be dead already
	}
	if folder, err := os.Readlink(data()); err == nil {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return os.RemoveAll(home())
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// run runs one of PostgreSQL's programs as a user it accepts. Its output goes to a file: a server holds on to what it inherits.
func run(ctx context.Context, program string, args ...string) error {
	path, err := find(program)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp("", "openclaw-commerce-pg-*.out")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = os.TempDir()
	cmd.Stdout, cmd.Stderr = out, out
	if err := unprivileged(cmd); err != nil {
		return err
	}
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w\n%s", program, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// find looks in PATH, then where Debian keeps the newest version.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(found) == 0 {
		return "", errors.New(missing)
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	return found[len(found)-1], nil
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}
