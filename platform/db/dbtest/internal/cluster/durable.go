package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Durable starts a server of the caller's own in a folder that must not exist yet: commits wait for the disk, as in production. stop ends it and removes the folder.
func Durable(ctx context.Context, folder string) (url string, stop func() error, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", nil, err
	}
	data := filepath.Join(folder, "data")
	stop = func() error {
		var err error
		if _, running := os.Stat(filepath.Join(data, "postmaster.pid")); running == nil {
			err = run(context.WithoutCancel(ctx), "pg_ctl", "-D", data, "-w", "-m", "fast", "stop")
		}
		return errors.Join(err, os.RemoveAll(folder))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stop())
		}
	}()
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", stop, err
	}
	if err := giveAway(data); err != nil {
		return "", stop, err
	}
	if err := run(ctx, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"); err != nil {
		return "", stop, err
	}
	port, err := freePort()
	if err != nil {
		return "", stop, err
	}
	settings := "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 " + DurableSettings + " -p " + strconv.Itoa(port)
	if err := run(ctx, "pg_ctl", "-D", data, "-w", "-l", filepath.Join(data, "log"), "-o", settings, "start"); err != nil {
		return "", stop, err
	}
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port), stop, nil
}

// DurableSettings are those of Durable that bear on speed; fsync, full_page_writes and synchronous_commit are on.
const DurableSettings = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c shared_buffers=1GB -c effective_cache_size=8GB -c max_wal_size=4GB -c min_wal_size=1GB " +
	"-c checkpoint_timeout=15min -c wal_compression=off -c random_page_cost=1.1"
