package vault

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// masters are the key-encryption keys this process was given, the wanted one first. Two are there while one is replaced by the other.
type masters []masterKey

func (m masters) of(fingerprint string) (masterKey, bool) {
	for _, k := range m {
		if k.fingerprint == fingerprint {
			return k, true
		}
	}
	return masterKey{}, false
}

// obtain reads the keys that the options name, or makes the key file where that is allowed: while the database is empty.
func obtain(o Options, engine db.Engine, empty bool) (masters, error) {
	specs := o.Keys
	if len(specs) == 0 {
		specs = []string{"file:" + o.KeyFile}
	}
	var all masters
	for _, spec := range specs {
		kind, rest, _ := strings.Cut(spec, ":")
		var keys masters
		var err error
		switch kind {
		case "file":
			keys, err = fromFile(rest, o.Create, engine, empty)
		case "transit":
			keys, err = fromTransit(rest, o)
		case "awskms":
			keys, err = fromKMS(rest, o)
		default:
			err = fault.New(fault.Invalid, "a key-encryption key is file:PATH, transit:https://HOST/MOUNT/NAME or awskms:REGION/KEY, not %s:…", kind)
		}
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if _, twice := all.of(k.fingerprint); !twice {
				all = append(all, k)
			}
		}
	}
	return all, nil
}

func fromFile(path string, create bool, engine db.Engine, empty bool) (masters, error) {
	if path == "" {
		return nil, fault.New(fault.Invalid, "no key file is configured")
	}
	keys, err := readKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil && fault.KindOf(err) == fault.Internal {
			err = fault.Wrap(fault.Invalid, err, "the key file cannot be read")
		}
		return keys, err
	}
	switch {
	case !empty:
		return nil, fault.New(fault.Invalid, "the key file %s is missing, and the database holds what was sealed with it: restore the file from its backup", path)
	case engine != db.SQLite:
		return nil, fault.New(fault.Invalid, "the key file %s is missing: on PostgreSQL it is configured, never made, since every process needs the same; "+
			"make one with: (umask 077 && openssl rand -base64 32 > %s), and back it up apart from the database", path, path)
	case !create:
		return nil, fault.New(fault.Invalid, "the key file %s is missing", path)
	}
	// Another process that starts now may be faster; then its file is ours.
	if err := CreateKeyFile(path); err != nil && !fault.Is(err, fault.Conflict) {
		return nil, err
	}
	return readKeyFile(path)
}

// extend puts a new key before the one in a key file, both valid, durable before it returns.
func extend(path string, keep masters) error {
	return rewrite(path, newMaterial(), keep)
}

// shorten leaves one key in a key file.
func shorten(path string, keep masterKey) error { return rewrite(path, nil, masters{keep}) }

func rewrite(path string, first []byte, keep masters) error {
	var b strings.Builder
	if first != nil {
		b.WriteString(keyLine(first))
	}
	for _, k := range keep {
		b.WriteString(keyLine(k.material))
	}
	temporary, err := writeBeside(path, b.String())
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	if err := os.Rename(temporary, path); err != nil {
		return fault.Wrap(fault.Internal, err, "the key file cannot be replaced")
	}
	return syncFolder(dirOf(path))
}
