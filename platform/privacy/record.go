package privacy

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// SealedRecord is a record ready to be saved.
type SealedRecord struct {
	Sealed
	ID        string // derived from account, external id and content: the same record has the same id, whenever it is sealed
	Account   string
	External  string
	Hash      string // of the content, keyed
	PhoneHash string // "" when there is no phone number in it
	EmailHash string // "" when there is no e-mail address in it
	HashKey   string // under which the two were made
	ExpiresAt time.Time
}

// SealRecord seals a record outside any transaction. It does no I/O.
func (s *Store) SealRecord(r Record) (SealedRecord, error) {
	plain, err := json.Marshal(inClear(r))
	if err != nil {
		return SealedRecord{}, fault.Wrap(fault.Internal, err, "a personal record cannot be written")
	}
	sum, err := s.hash.Sum("record", plain)
	if err != nil {
		return SealedRecord{}, err
	}
	out := SealedRecord{ID: recordID(sum), Account: r.Account, External: r.External, Hash: hex.EncodeToString(sum)}
	key, hashes, err := s.hash.Keyed(r.found())
	if err != nil {
		return SealedRecord{}, err
	}
	out.HashKey, out.PhoneHash, out.EmailHash = key, hashes[byPhone], hashes[byEmail]
	out.Sealed, err = s.Seal(plain, recordBound(out.ID))
	return out, err
}

// found is what a record is found by.
func (r Record) found() map[string]string {
	by := map[string]string{}
	if phone := r.phone(); phone != "" {
		by[byPhone] = phone
	}
	if email, ok := NormalEmail(r.Person.Email); ok {
		by[byEmail] = email
	}
	return by
}

// recordID makes a UUID of version 8 out of a hash (RFC 9562 §5.8).
func recordID(sum []byte) string {
	var id uuid.UUID
	copy(id[:], sum)
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

func recordBound(id string) string { return "personal_records\x00" + id }

// SaveRecords stores records with their keys. One that is stored already is left as it is, so saving is safe to repeat; and one of an
// order that was erased is not stored, so that nothing comes back.
func (s *Store) SaveRecords(tx *db.Tx, records ...SealedRecord) error {
	batch, keys := db.NewBatch(1), db.NewBatch(1)
	// In the order of their ids, so that transactions that save the same records do not wait for each other in a circle.
	records = slices.SortedFunc(slices.Values(records), func(a, b SealedRecord) int { return cmp.Compare(a.ID, b.ID) })
	records = slices.CompactFunc(records, func(a, b SealedRecord) bool { return a.ID == b.ID })
	for _, r := range records {
		batch.Add(r.ID, r.Account, r.External, r.KeyID, r.Hash, r.Box, null(r.PhoneHash), null(r.EmailHash), db.Micros(r.ExpiresAt), null(r.HashKey))
		keys.Add(r.KeyID, r.ZoneKey, r.Wrapped, r.ID)
	}
	tx.Send(`insert into personal_records (id, zone, account_id, external, key_id, content_hash, sealed, phone_hash, email_hash, created_at, expires_at, hash_key)
		select r.i, $1, r.a, r.e, r.k, r.h, r.b, r.p, r.m, $2, r.x, r.hk
		from rows(i text, a text, e text, k text, h text, b bytea, p text, m text, x bigint, hk text)
		where not exists (select 1 from personal_records o where o.account_id = r.a and o.external = r.e and o.erased_at is not null)
			and not exists (select 1 from erasures g where g.kind = 'order' and g.account_id = r.a and g.subject = r.e)
		on conflict (id) do nothing`, batch, s.zone, tx.Now.UnixMicro())
	// Only the record that was stored gets its key: of two processes that seal the same record, one wins, with its own key.
	tx.Send(`insert into personal_keys (id, zone, zone_key, wrapped) select r.k, $1, r.z, r.w
		from rows(k text, z text, w bytea, i text) join personal_records o on o.id = r.i and o.key_id = r.k and o.erased_at is null
		where true on conflict (id) do nothing`, keys, s.zone)
	return nil
}

// Reading says who reads personal data and why; it is what the audit log keeps.
type Reading struct {
	Actor     string // see audit.Entry
	Purpose   string // "print label", "answer the buyer", …
	RequestID string
	To        string // who gets it, if not the one who reads: "courier:leopards"; "export" for a file
}

// Read opens one record for a purpose; the reading is in the audit log before anything is returned. Faults: Invalid without actor or
// purpose; NotFound with code Erased when it is no more.
func (s *Store) Read(ctx context.Context, id string, why Reading) (Record, error) {
	all, err := s.ReadAll(ctx, []string{id}, why)
	if err != nil {
		return Record{}, err
	}
	r, there := all[id]
	if !there {
		return Record{}, erased()
	}
	return r, nil
}

// ReadAll opens records for a purpose, by id; each reading is in the audit log before anything is returned. Erased ones, and ids that
// were never stored because their order had been erased, are left out. Fault: Invalid without actor or purpose.
func (s *Store) ReadAll(ctx context.Context, ids []string, why Reading) (map[string]Record, error) {
	if why.Actor == "" || why.Purpose == "" {
		return nil, fault.New(fault.Invalid, "personal data is read by somebody, for a purpose")
	}
	rows, keys, err := s.noted(ctx, ids, why)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Record, len(rows))
	for _, r := range rows {
		record, err := r.open(keys)
		switch {
		case fault.CodeOf(err) == Erased:
		case err != nil:
			return nil, err
		default:
			out[r.id] = record
		}
	}
	return out, nil
}

// noted reads boxes and has the readings be in the audit log: in one transaction, or, where the records are far, the log before anything is opened.
func (s *Store) noted(ctx context.Context, ids []string, why Reading) (rows []boxRow, keys Keys, err error) {
	read := func(tx *db.Tx) (err error) {
		rows, keys, err = s.boxes(tx, ids)
		return err
	}
	if s.far() {
		if err := s.Look(ctx, read); err != nil || len(rows) == 0 {
			return nil, keys, err
		}
	}
	err = s.home.Write(ctx, func(tx *db.Tx) error {
		if !s.far() {
			if err := read(tx); err != nil {
				return err
			}
		}
		entries := make([]audit.Entry, 0, len(rows))
		for _, r := range rows {
			detail := map[string]string{"account": r.account, "external": r.external}
			if s.far() {
				detail["zone"] = s.zone
			}
			entries = append(entries, audit.Entry{
				Actor: why.Actor, Action: "personal.read", SubjectKind: "personal_record", Subject: r.id, Purpose: why.Purpose, RequestID: why.RequestID, Detail: detail,
			})
		}
		return s.log.Write(tx, entries...)
	})
	return rows, keys, err
}

// boxRow is a stored record, still sealed.
type boxRow struct {
	id, account, external, keyID string
	box                          []byte
	erasedAt                     time.Time
}

func (s *Store) boxes(tx *db.Tx, ids []string) ([]boxRow, Keys, error) {
	rows, err := db.All(tx, func(row db.Scanner) (r boxRow, err error) {
		err = row.Scan(&r.id, &r.account, &r.external, &r.keyID, &r.box, db.Time(&r.erasedAt))
		return r, err
	}, `select id, account_id, external, key_id, sealed, erased_at from personal_records where id in (select key from json_each($1)) order by id`, db.Keys(ids))
	if err != nil {
		return nil, Keys{}, err
	}
	var keyIDs []string
	for _, r := range rows {
		if r.erasedAt.IsZero() {
			keyIDs = append(keyIDs, r.keyID)
		}
	}
	keys, err := s.Keys(tx, keyIDs)
	return rows, keys, err
}

func (r boxRow) open(keys Keys) (out Record, err error) {
	plain, err := keys.Open(r.keyID, r.box, recordBound(r.id))
	if err != nil {
		return Record{}, err
	}
	err = json.Unmarshal(plain, (*inClear)(&out))
	return out, fault.Wrap(fault.Internal, err, "a personal record cannot be read")
}

// Match is a record found by a phone number or an e-mail address.
type Match struct {
	ID, Account, External string
	CreatedAt             time.Time
}

// FindPhone finds the records with this phone number, newest first, at most limit. Country says what a number without its own means.
// Fault: Invalid for what is no phone number.
func (s *Store) FindPhone(tx *db.Tx, phone, country string, limit int) ([]Match, error) {
	normal, ok := NormalPhone(phone, country)
	if !ok {
		return nil, fault.Field("phone", "is not a phone number")
	}
	return s.find(tx, "phone", normal, limit)
}

// FindEmail finds the records with this e-mail address, newest first, at most limit. Fault: Invalid for what is no address.
func (s *Store) FindEmail(tx *db.Tx, email string, limit int) ([]Match, error) {
	normal, ok := NormalEmail(email)
	if !ok {
		return nil, fault.Field("email", "is not an e-mail address")
	}
	return s.find(tx, "email", normal, limit)
}

func (s *Store) find(tx *db.Tx, what, normal string, limit int) ([]Match, error) {
	hashes, err := s.hash.Texts(what, normal)
	if err != nil {
		return nil, err
	}
	return db.All(tx, func(row db.Scanner) (m Match, err error) {
		err = row.Scan(&m.ID, &m.Account, &m.External, db.Time(&m.CreatedAt))
		return m, err
	}, `select id, account_id, external, created_at from personal_records
		where `+what+`_hash in (select key from json_each($1)) and erased_at is null order by created_at desc, id limit $2`,
		db.Keys(hashes), max(limit, 1))
}

// Erase destroys records for good: key and content go, the row stays, marked, without the hashes by which it could be found. Safe to
// repeat.
func (s *Store) Erase(tx *db.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	tx.Send(`delete from personal_keys where id in (select key_id from personal_records where id in (select key from json_each($1)))`, db.Keys(ids))
	tx.Send(`update personal_records set erased_at = $2, sealed = $3, phone_hash = null, email_hash = null, content_hash = ''
		where id in (select key from json_each($1)) and erased_at is null`, db.Keys(ids), tx.Now.UnixMicro(), []byte{})
	return nil
}

// ErasedOrders says which orders of an account were erased: their later changes lose their personal fields on import.
func (s *Store) ErasedOrders(tx *db.Tx, account string, externals []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(externals) == 0 {
		return out, nil
	}
	tx.SendQuery(`select external from personal_records where account_id = $1 and external in (select key from json_each($2)) and erased_at is not null
		union select subject from erasures where kind = 'order' and account_id = $1 and subject in (select key from json_each($2))`, func(row db.Scanner) error {
		var external string
		err := row.Scan(&external)
		out[external] = true
		return err
	}, account, db.Keys(externals))
	return out, tx.Flush()
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
