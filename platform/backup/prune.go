package backup

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// keyFile is a line of a list of files of keys. When it is over is read from the file itself.
type keyFile struct {
	Path string `json:"path"`
}

// note adds a file of keys to a list, so that PruneListed finds it; "" is no list. The line is on the disk before the file has its name.
func note(list, path string) error {
	if list == "" {
		return nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	line, err := json.Marshal(keyFile{path})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(list), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(list, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	// Begun with a line break, so that what a writer that died left unfinished spoils no line but its own.
	_, err = f.Write(append(append([]byte{'\n'}, line...), '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// PruneListed deletes the files of keys on a list, as Taking.List made it, that are past their time, wherever they are, and names them. What is not there now, such as on a disk that is not
// plugged in, is looked for again the next time; what is no file of keys any more is left alone. No list is an empty one.
func PruneListed(list string, now time.Time) (gone []string, err error) {
	f, err := os.Open(list)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	done := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var k keyFile
		if json.Unmarshal(lines.Bytes(), &k) != nil || k.Path == "" || done[k.Path] {
			continue
		}
		done[k.Path] = true
		over, bad := prune(k.Path, now)
		if bad != nil {
			err = errors.Join(err, bad)
		} else if over {
			gone = append(gone, k.Path)
		}
	}
	return gone, errors.Join(err, lines.Err())
}

// Prune deletes files of keys in a folder that are past their time, and names them. Files that are none are left alone.
func Prune(dir string, now time.Time) (gone []string, err error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range names {
		path := filepath.Join(dir, entry.Name())
		over, bad := prune(path, now)
		if bad != nil {
			err = errors.Join(err, bad)
		} else if over {
			gone = append(gone, path)
		}
	}
	return gone, err
}

// prune deletes a file if it is one of keys past their time.
func prune(path string, now time.Time) (gone bool, err error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil // gone, or nothing of ours
	}
	h, err := Show(path)
	if err != nil || h.Kind != Keys || h.ExpiresAt.IsZero() || now.Before(h.ExpiresAt) {
		return false, nil
	}
	err = os.Remove(path)
	return err == nil, err
}
