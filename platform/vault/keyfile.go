package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

const keySize = 32 // AES-256

// CreateKeyFile writes a new random key-encryption key as base64 text, mode 0600, durable before it returns. It never overwrites:
// fault.Conflict when the file is there already.
func CreateKeyFile(path string) error {
	if err := os.MkdirAll(dirOf(path), 0o700); err != nil {
		return fault.Wrap(fault.Invalid, err, "the folder of the key file cannot be made")
	}
	temporary, err := writeBeside(path, keyLine(newMaterial()))
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	// A link either appears with all its content or, when somebody was faster, not at all.
	if err := os.Link(temporary, path); errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "there is a key file at %s already", path)
	} else if err != nil {
		return fault.Wrap(fault.Internal, err, "the key file cannot be made")
	}
	return syncFolder(dirOf(path))
}

func newMaterial() []byte {
	material := make([]byte, keySize)
	_, _ = rand.Read(material) // never fails since Go 1.24
	return material
}

func keyLine(material []byte) string { return base64.StdEncoding.EncodeToString(material) + "\n" }

func dirOf(path string) string { return filepath.Dir(path) }

// writeBeside writes a durable file of mode 0600 in the folder of another.
func writeBeside(path, text string) (string, error) {
	temporary, err := os.CreateTemp(dirOf(path), ".key-*") // mode 0600
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "the key file cannot be made")
	}
	_, err = temporary.WriteString(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		_ = os.Remove(temporary.Name())
		return "", fault.Wrap(fault.Internal, err, "the key file cannot be written")
	}
	return temporary.Name(), nil
}

func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be opened for this there
	}
	f, err := os.Open(dir)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the folder of the key file cannot be read")
	}
	return fault.Wrap(fault.Internal, errors.Join(f.Sync(), f.Close()), "the key file may not be durable")
}

// readKeyFile reads keys as base64 or hexadecimal text, one a line, the wanted one first; two at most.
func readKeyFile(path string) (masters, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "the key file %s is not a file", path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "the key file %s can be read by others (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, err
	}
	bad := fault.New(fault.Invalid, "the key file %s does not hold a key: want 32 random bytes as base64 or hexadecimal text, one key a line, two at most", path)
	var all masters
	for line := range strings.Lines(strings.TrimSpace(string(text))) {
		material, err := parseKey(strings.TrimSpace(line))
		if err != nil || len(all) == 2 {
			return nil, bad
		}
		k, err := newMasterKey(material)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the key-encryption key cannot be used")
		}
		k.path = path
		all = append(all, k)
	}
	if len(all) == 0 {
		return nil, bad
	}
	return all, nil
}

func parseKey(text string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString, hex.DecodeString} {
		if material, err := decode(text); err == nil && len(material) == keySize {
			return material, nil
		}
	}
	return nil, errors.New("not a key")
}

// masterKey is a key-encryption key: what wraps the keys in vault_keys, and what it is recognised by.
type masterKey struct {
	tink.AEAD
	fingerprint string
	path        string // of the key file; "" for one that is kept elsewhere
	material    []byte // of one from a file
}

func newMasterKey(material []byte) (masterKey, error) {
	cipher, err := subtle.NewAESGCM(material)
	if err != nil {
		return masterKey{}, err
	}
	h := hmac.New(sha256.New, material)
	h.Write([]byte("openclaw-commerce fingerprint of a key-encryption key"))
	return masterKey{AEAD: cipher, fingerprint: hex.EncodeToString(h.Sum(nil)[:8]), material: material}, nil
}
