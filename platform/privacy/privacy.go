// Package privacy keeps personal data apart and sealed: raw payloads and the personal record of each order, each under a random key of
// its own, so that destroying the key erases. Start at Store: SealRecord and SaveRecords on the way in, Read on the way out.
//
// Sealing is done outside any transaction and writes nothing; the keys are then written set-based in the caller's transaction, beside
// the boxes. A record's key is wrapped by its residency zone's key, which the vault unwrapped at start. Reading takes a purpose and
// leaves an audit row. Two orders are of one buyer when their keyed hashes are equal: buyers are found, never merged.
package privacy

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Options of a Store.
type Options struct {
	Zone string // residency zone; default vault.MainZone
	// Home is the main zone's database, where the audit log is; default: this one. With another the store is far: see Store.Keep.
	Home *db.DB
}

// Store seals and opens what is personal in one residency zone. It is safe for concurrent use.
type Store struct {
	vault  *vault.Vault
	db     *db.DB
	home   *db.DB // where the audit log is
	log    *audit.Log
	zone   string
	wrap   *vault.Cipher
	hash   *vault.Hasher
	inside []byte // of content hashes
	packer *zstd.Encoder
	opener *zstd.Decoder
}

// maxRaw bounds what a compressed payload may unfold to.
const maxRaw = 256 << 20

// Open opens the store of a zone; the first call ever makes the zone's keys. Call it at start, outside a transaction.
func Open(ctx context.Context, d *db.DB, v *vault.Vault, log *audit.Log, o Options) (*Store, error) {
	if o.Zone == "" {
		o.Zone = vault.MainZone
	}
	wrap, err := v.Cipher(ctx, o.Zone, vault.Personal)
	if err != nil {
		return nil, err
	}
	hash, err := v.Hasher(ctx, o.Zone, vault.Find)
	if err != nil {
		return nil, err
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "compression is not available")
	}
	opener, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxRaw))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "compression is not available")
	}
	if o.Home == nil {
		o.Home = d
	}
	s := &Store{v, d, o.Home, log, o.Zone, wrap, hash, nil, packer, opener}
	s.inside, err = s.contentKey(ctx)
	return s, err
}

// Zone is the residency zone of the store.
func (s *Store) Zone() string { return s.zone }

// DB is the database of the store.
func (s *Store) DB() *db.DB { return s.db }

// Vault holds the keys of the store.
func (s *Store) Vault() *vault.Vault { return s.vault }

// far reports whether the store has a database of its own, beside the main one.
func (s *Store) far() bool { return s.home != s.db }

// farTime is how long one use of a far store may take: who waits for it does something else then.
const farTime = 10 * time.Second

// Look runs fn in a reading transaction of the store's database; a far store that does not answer within ten seconds is Unavailable.
func (s *Store) Look(ctx context.Context, fn func(tx *db.Tx) error) error {
	if !s.far() {
		return s.db.Read(ctx, fn)
	}
	ctx, cancel := context.WithTimeout(ctx, farTime)
	defer cancel()
	return s.db.Read(ctx, fn)
}

// Keep runs fn in a writing transaction of the store's database. In a far store it commits by itself, before or after what belongs to it in the main database: both have to
// bear being repeated. What the context wants to have written beside an effect (db.Along) is written in the main database only. One that does not answer within ten
// seconds is Unavailable.
func (s *Store) Keep(ctx context.Context, fn func(tx *db.Tx) error) error {
	if !s.far() {
		return s.db.Write(ctx, fn)
	}
	ctx, cancel := context.WithTimeout(db.Along(ctx, nil), farTime)
	defer cancel()
	return s.db.Write(ctx, fn)
}

const (
	byPhone = "phone"
	byEmail = "email"
)

// contentKey is the key of content hashes, made with the first key for finding and kept since: replacing that one must not make every order look changed.
func (s *Store) contentKey(ctx context.Context) ([]byte, error) {
	owner := "privacy:" + s.zone
	held, err := s.vault.Values(ctx, owner, "content_key")
	if err != nil {
		return nil, err
	}
	if len(held) > 0 {
		return hex.DecodeString(held[0])
	}
	sum, err := s.hash.Sum("content-key", nil)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := s.vault.Put(tx, owner, "content_key", vault.Hide(hex.EncodeToString(sum)), vault.PutOptions{})
		return err
	})
	if !fault.Is(err, fault.Conflict) {
		return sum, err
	}
	// Another process was faster, and its word counts.
	v, err := s.vault.Reload(ctx, owner, "content_key")
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(v.Secret.Reveal())
}

// Sealed is something sealed under a key of its own. The box is the caller's to store, together with KeyID; Write stores the key.
type Sealed struct {
	KeyID   string // of the row in personal_keys
	ZoneKey string // which key of the zone wraps it
	Wrapped []byte // the record's own key, wrapped
	Box     []byte // the content, sealed
}

// Seal encrypts under a new random key. bound says where the box belongs, such as "inbox/<id>": opening needs the same.
// It does no I/O.
func (s *Store) Seal(plain []byte, bound string) (Sealed, error) {
	var own [32]byte
	_, _ = rand.Read(own[:]) // never fails since Go 1.24
	box, err := seal(own[:], plain, bound)
	if err != nil {
		return Sealed{}, fault.Wrap(fault.Internal, err, "personal data cannot be sealed")
	}
	out := Sealed{KeyID: db.ID(), Box: box}
	out.ZoneKey, out.Wrapped, err = s.wrap.Seal(own[:], keyBound(out.KeyID))
	return out, err
}

// SealRaw is Seal of a payload that is compressed first.
func (s *Store) SealRaw(plain []byte, bound string) (Sealed, error) {
	return s.Seal(s.packer.EncodeAll(plain, make([]byte, 0, len(plain)/3+64)), bound)
}

func keyBound(id string) string { return "personal_keys\x00" + id }

// seal encrypts with AES-256-GCM and a random nonce. The key is used once, so the nonce needs no counting.
func seal(key, plain []byte, bound string) ([]byte, error) {
	gcm, err := boxCipher(key)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(make([]byte, 0, len(plain)+gcm.Overhead()), nil, plain, []byte(bound)), nil
}

func boxCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Write stores the keys of what was sealed, in the transaction that stores the boxes. Writing one again changes nothing.
func (s *Store) Write(tx *db.Tx, sealed []Sealed) error {
	batch := db.NewBatch(1)
	for _, x := range sealed {
		batch.Add(x.KeyID, x.ZoneKey, x.Wrapped)
	}
	tx.Send(`insert into personal_keys (id, zone, zone_key, wrapped) select r.i, $1, r.z, r.w from rows(i text, z text, w bytea)
		where true on conflict (id) do nothing`, batch, s.zone)
	return nil
}

// Destroy destroys keys: what they sealed is gone for good, wherever copies of the boxes are. Safe to repeat.
func (s *Store) Destroy(tx *db.Tx, keyIDs []string) error {
	if len(keyIDs) == 0 {
		return nil
	}
	tx.Send(`delete from personal_keys where id in (select key from json_each($1))`, db.Keys(keyIDs))
	return nil
}

// Keys are wrapped keys read in a transaction, to open boxes after it.
type Keys struct {
	store *Store
	byID  map[string]wrapped
}

type wrapped struct {
	zoneKey string
	bytes   []byte
}

// Keys reads keys by id. Those that were destroyed are left out: Open says so.
func (s *Store) Keys(tx *db.Tx, ids []string) (Keys, error) {
	k := Keys{s, make(map[string]wrapped, len(ids))}
	if len(ids) == 0 {
		return k, nil
	}
	tx.SendQuery(`select id, zone_key, wrapped from personal_keys where id in (select key from json_each($1))`, func(row db.Scanner) error {
		var id string
		var w wrapped
		if err := row.Scan(&id, &w.zoneKey, &w.bytes); err != nil {
			return err
		}
		k.byID[id] = w
		return nil
	}, db.Keys(ids))
	return k, tx.Flush()
}

// Erased is the code of the fault that says that personal data was destroyed on purpose.
const Erased = "erased"

// Open opens a box. It does no I/O. Faults: NotFound with code Erased when the key was destroyed; Internal when the box was changed or
// belongs elsewhere.
func (k Keys) Open(keyID string, box []byte, bound string) ([]byte, error) {
	w, there := k.byID[keyID]
	if !there {
		return nil, erased()
	}
	own, err := k.store.wrap.Open(w.zoneKey, w.bytes, keyBound(keyID))
	if err != nil {
		return nil, err
	}
	gcm, err := boxCipher(own)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "a key of personal data cannot be used")
	}
	plain, err := gcm.Open(nil, nil, box, []byte(bound))
	return plain, fault.Wrap(fault.Internal, err, "something sealed cannot be opened: it was changed, or moved from where it belongs")
}

// OpenRaw opens what SealRaw sealed. Faults as for Open.
func (k Keys) OpenRaw(keyID string, box []byte, bound string) ([]byte, error) {
	packed, err := k.Open(keyID, box, bound)
	if err != nil {
		return nil, err
	}
	plain, err := k.store.opener.DecodeAll(packed, nil)
	return plain, fault.Wrap(fault.Internal, err, "a stored payload cannot be unpacked")
}

func erased() error {
	return fault.New(fault.NotFound, "the personal data is not there any more").WithCode(Erased)
}

// ContentKey is a key for channel.ContentHash: hashes made with it say nothing to whoever lacks it, and are stable for as long as the store is.
func (s *Store) ContentKey() ([]byte, error) { return s.inside, nil }
