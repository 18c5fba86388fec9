package vault

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Purpose is what a key is for; a key serves one purpose in one zone.
type Purpose string

// The purposes there are. What is sealed for one cannot be opened for another.
const (
	Credentials Purpose = "credentials" // seals credentials
	Personal    Purpose = "personal"    // wraps the keys of personal records and raw payloads
	Find        Purpose = "find"        // keyed hashes of phone numbers, addresses and content
	Audit       Purpose = "audit"       // MACs of audit rows
	Access      Purpose = "access"      // keyed hashes of API keys
)

// template is the kind of key a purpose needs. XAES-256-GCM has nonces of 192 bits: its keys need no counting, however much they wrap
// (https://c2sp.org/XAES-256-GCM).
func (p Purpose) template() *tinkpb.KeyTemplate {
	switch p {
	case Audit:
		return mac.HMACSHA256Tag256KeyTemplate()
	case Find, Access:
		return prf.HMACSHA256PRFKeyTemplate()
	}
	return aead.XAES256GCM192BitNonceKeyTemplate()
}

// key is one unwrapped key.
type key struct {
	id, zone    string
	purpose     Purpose
	state       string
	fingerprint string
	wrapped     []byte
	createdAt   time.Time

	aead tink.AEAD
	mac  tink.MAC
	prf  *prf.Set
}

const keyColumns = `id, zone, purpose, wrapped, fingerprint, state, created_at`

func scanKey(s db.Scanner) (*key, error) {
	k := &key{}
	err := s.Scan(&k.id, &k.zone, &k.purpose, &k.wrapped, &k.fingerprint, &k.state, db.Time(&k.createdAt))
	return k, err
}

// bound is the associated data of a wrapped key: a row's content cannot be moved to another.
func (k *key) bound() []byte {
	return fmt.Appendf(nil, "vault_keys\x00%s\x00%s\x00%s", k.id, k.zone, k.purpose)
}

func (k *key) use(h *keyset.Handle) (err error) {
	switch k.purpose {
	case Audit:
		k.mac, err = mac.New(h)
	case Find, Access:
		k.prf, err = prf.NewPRFSet(h)
	default:
		k.aead, err = aead.New(h)
	}
	return err
}

func (k *key) unwrap(master tink.AEAD) error {
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(k.wrapped)), master, k.bound())
	if err != nil {
		return err
	}
	return k.use(h)
}

// rewrap wraps the key with another key-encryption key.
func (k *key) rewrap(from, to tink.AEAD) ([]byte, error) {
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(k.wrapped)), from, k.bound())
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	err = h.WriteWithAssociatedData(keyset.NewBinaryWriter(&buf), to, k.bound())
	return buf.Bytes(), err
}

func newKey(zone string, p Purpose, master masterKey) (*key, error) {
	k := &key{id: db.ID(), zone: zone, purpose: p, state: "active", fingerprint: master.fingerprint}
	h, err := keyset.NewHandle(p.template())
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&buf), master, k.bound()); err != nil {
		return nil, err
	}
	k.wrapped = buf.Bytes()
	return k, k.use(h)
}

// Cipher seals and opens with the keys of one purpose in one zone. It is safe for concurrent use and does no I/O, except to look for
// a key that was made since.
type Cipher struct {
	v       *Vault
	zone    string
	purpose Purpose
}

// Cipher returns the cipher of a purpose in a zone; the first call ever makes its key. Call it at start, outside a transaction.
func (v *Vault) Cipher(ctx context.Context, zone string, p Purpose) (*Cipher, error) {
	if err := v.ensure(ctx, zone, p); err != nil {
		return nil, err
	}
	return &Cipher{v, zone, p}, nil
}

// Seal encrypts with the active key and says which that was. bound is not encrypted, but opening needs the same: put into it where
// the box belongs, so that it opens nowhere else.
func (c *Cipher) Seal(plain []byte, bound string) (keyID string, box []byte, err error) {
	k, err := c.v.current(c.zone, c.purpose)
	if err != nil {
		return "", nil, err
	}
	box, err = k.aead.Encrypt(plain, []byte(bound))
	return k.id, box, err
}

// Active names the key that seals now.
func (c *Cipher) Active() (string, error) {
	k, err := c.v.current(c.zone, c.purpose)
	if err != nil {
		return "", err
	}
	return k.id, nil
}

// Open decrypts. Faults: Internal when the box was changed, belongs elsewhere, or its key is not to be had.
func (c *Cipher) Open(keyID string, box []byte, bound string) ([]byte, error) {
	k, err := c.v.key(keyID)
	if err != nil {
		return nil, err
	}
	if k.purpose != c.purpose || k.zone != c.zone {
		return nil, fault.New(fault.Internal, "a key of %s in zone %s is used for %s in zone %s", k.purpose, k.zone, c.purpose, c.zone)
	}
	plain, err := k.aead.Decrypt(box, []byte(bound))
	return plain, fault.Wrap(fault.Internal, err, "something sealed cannot be opened: it was changed, or moved from where it belongs")
}

// Signer makes and checks message authentication codes.
type Signer struct{ v *Vault }

// Signer returns the signer of the audit log; the first call ever makes its key. Call it at start, outside a transaction.
func (v *Vault) Signer(ctx context.Context) (*Signer, error) {
	return &Signer{v}, v.ensure(ctx, MainZone, Audit)
}

// Sign returns the code of a message under the active key. The code names its key.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	k := s.v.active(MainZone, Audit)
	if k == nil {
		return nil, fault.New(fault.Internal, "the vault has no key to sign with")
	}
	return k.mac.ComputeMAC(message)
}

// Verify reports whether a code was made for this message by any of our keys.
func (s *Signer) Verify(code, message []byte) bool {
	for _, k := range s.v.all(MainZone, Audit) {
		if k.mac.VerifyMAC(code, message) == nil {
			return true
		}
	}
	return false
}

// Hasher makes keyed hashes: the same input gives the same hash, which says nothing without the key.
type Hasher struct {
	v       *Vault
	zone    string
	purpose Purpose
}

// Hasher returns the hasher of a purpose (Find or Access) in a zone; the first call ever makes its key. Call it at start, outside a
// transaction.
func (v *Vault) Hasher(ctx context.Context, zone string, p Purpose) (*Hasher, error) {
	return &Hasher{v, zone, p}, v.ensure(ctx, zone, p)
}

// Sum is the hash of an input under the active key, 32 bytes. The domain keeps apart what is hashed for different ends.
func (h *Hasher) Sum(domain string, input []byte) ([]byte, error) {
	k := h.v.active(h.zone, h.purpose)
	if k == nil {
		return nil, fault.New(fault.Internal, "the vault has no key for %s in zone %s", h.purpose, h.zone)
	}
	return k.prf.ComputePrimaryPRF(domained(domain, input), 32)
}

// Text is Sum as hexadecimal text.
func (h *Hasher) Text(domain, input string) (string, error) {
	sum, err := h.Sum(domain, []byte(input))
	return hex.EncodeToString(sum), err
}

// Texts is Text under every key that may have been used, for searching.
func (h *Hasher) Texts(domain, input string) ([]string, error) {
	var out []string
	for _, k := range h.v.all(h.zone, h.purpose) {
		sum, err := k.prf.ComputePrimaryPRF(domained(domain, []byte(input)), 32)
		if err != nil {
			return nil, err
		}
		out = append(out, hex.EncodeToString(sum))
	}
	return out, nil
}

func domained(domain string, input []byte) []byte {
	return append(append(make([]byte, 0, len(domain)+1+len(input)), domain+"\x00"...), input...)
}
