//go:build !unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// lockPath makes a file that must not exist yet; where a process ended without removing it, and no serve answers, the file is taken over.
func lockPath(path string) (unlock func() error, ok bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		if at, err := readServed(filepath.Dir(path)); err == nil && answers(context.Background(), at) {
			return nil, false, nil
		}
		f, err = os.OpenFile(path, os.O_CREATE, 0o600)
		if err != nil {
			return nil, false, err
		}
	}
	if err != nil {
		return nil, false, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, true, nil
}
