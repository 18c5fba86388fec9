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
	material := make([]byte, keySize)
	_, _ = rand.Read(material) // never fails since Go 1.24
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Invalid, err, "the folder of the key file cannot be made")
	}
	temporary, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the key file cannot be made")
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.WriteString(base64.StdEncoding.EncodeToString(material) + "\n")
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fault.Wrap(fault.Internal, err, "the key file cannot be written")
	}
	// A link either appears with all its content or, when somebody was faster, not at all.
	if err := os.Link(temporary.Name(), path); errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "there is a key file at %s already", path)
	} else if err != nil {
		return fault.Wrap(fault.Internal, err, "the key file cannot be made")
	}
	return syncFolder(dir)
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

// readKeyFile reads a key as base64 or hexadecimal text.
func readKeyFile(path string) ([]byte, error) {
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
	material, err := parseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the key file %s does not hold a key: want 32 random bytes as base64 or hexadecimal text", path)
	}
	return material, nil
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
}

func newMasterKey(material []byte) (masterKey, error) {
	cipher, err := subtle.NewAESGCM(material)
	if err != nil {
		return masterKey{}, err
	}
	h := hmac.New(sha256.New, material)
	h.Write([]byte("openclaw-commerce fingerprint of a key-encryption key"))
	return masterKey{cipher, hex.EncodeToString(h.Sum(nil)[:8])}, nil
}
