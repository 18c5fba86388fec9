package connect

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// stored is one row of the inbox on its way in.
type stored struct {
	id, account, source, topic, external, delivery, hash, hold string
	version, read                                              time.Time
	sealed                                                     privacy.Sealed
	state, cause                                               string
}

// seal compresses and seals one reading, outside any transaction.
func (p place) seal(account, source, topic string, c channel.Change) (*stored, error) {
	raw := c.Raw.Pack()
	row := &stored{
		id: db.ID(), account: account, source: source, topic: topic, external: c.External, hold: c.Hold, version: c.Version, read: c.ReadAt,
		hash: p.digest([]byte(account), raw), state: "stored",
	}
	var err error
	row.sealed, err = p.SealRaw(raw, "inbox:"+row.id)
	return row, err
}

// store writes sealed rows and their keys. A delivery id that is already there stores nothing. Every row is new; keys of rows that were not stored are not kept.
func (p place) store(tx *db.Tx, rows []*stored) error {
	_, err := p.storeNew(tx, rows)
	return err
}

// storeNew is store, and answers the ids of the rows that were stored.
func (p place) storeNew(tx *db.Tx, rows []*stored) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	b := db.NewBatch(1)
	byID := make(map[string]*stored, len(rows))
	for _, r := range rows {
		byID[r.id] = r
		b.Add(r.id, r.account, r.source, orNull(r.delivery), r.topic, r.external, r.hash, db.Micros(r.version), db.Micros(r.read), orNull(r.hold), r.sealed.KeyID, r.sealed.Box,
			r.state, orNull(r.cause))
	}
	once := ` on conflict (account_id, delivery_id) do nothing`
	if db.Sabotaged("unique_key") {
		once = ``
	}
	kept, err := db.All(tx, scanID, `insert into inbox (id, account_id, source, delivery_id, topic, external, content_hash, version_at, read_at, received_at, hold_id, key_id, sealed, state, attempts, next_at, cause)
		select i, a, s, d, t, x, h, v, r2, cast($1 as bigint), ho, k, b, st, 0, cast($1 as bigint), c
		from rows(i text, a text, s text, d text, t text, x text, h text, v bigint, r2 bigint, ho text, k text, b bytea, st text, c text)
		where true`+once+` returning id`, b, db.Micros(tx.Now))
	if err != nil {
		return nil, err
	}
	keys := make([]privacy.Sealed, 0, len(kept))
	for _, id := range kept {
		keys = append(keys, byID[id].sealed)
	}
	return kept, p.Write(tx, keys)
}

// inboxRow is a stored row taken to be imported.
type inboxRow struct {
	n                                    int64
	id, account, source, topic, external string
	hash, hold, keyID                    string
	version, read                        time.Time
	box                                  []byte
	attempts                             int64
}

func scanInbox(row db.Scanner) (inboxRow, error) {
	var r inboxRow
	err := row.Scan(&r.n, &r.id, &r.account, &r.source, &r.topic, &r.external, &r.hash, db.Time(&r.version), db.Time(&r.read), db.Text(&r.hold), db.Text(&r.keyID), &r.box, &r.attempts)
	return r, err
}

const inboxColumns = `i.n, i.id, i.account_id, i.source, i.topic, i.external, i.content_hash, i.version_at, i.read_at, i.hold_id, i.key_id, i.sealed, i.attempts`

// take leases up to limit rows of different orders, oldest first. A worker that dies gives them back when the lease ends.
func take(tx *db.Tx, limit int) ([]inboxRow, error) {
	rows, err := db.All(tx, scanInbox, `select `+inboxColumns+` from inbox i where i.state = 'stored' and i.next_at <= $1 order by i.next_at, i.n limit $2`+skip(tx), db.Micros(tx.Now), limit*2)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	seen := map[[2]string]bool{}
	b := db.NewBatch(1)
	byID := map[string]inboxRow{}
	for _, r := range rows {
		k := [2]string{r.account, r.external}
		if seen[k] || b.Len() == limit {
			continue
		}
		seen[k] = true
		b.Add(r.id, r.attempts)
		r.attempts++
		byID[r.id] = r
	}
	got, err := db.All(tx, scanID, `update inbox set next_at = $1, attempts = inbox.attempts + 1 from rows(i text, a bigint) where inbox.id = r.i and inbox.attempts = r.a and inbox.state = 'stored' returning id`,
		b, db.Micros(tx.Now.Add(importLease)))
	if err != nil {
		return nil, err
	}
	taken := make([]inboxRow, 0, len(got))
	for _, id := range got {
		taken = append(taken, byID[id])
	}
	return taken, nil
}

// skip leaves rows that another worker is just taking to it.
func skip(tx *db.Tx) string {
	if tx.Lock() == "" {
		return ""
	}
	return " for update skip locked"
}

// importLease is how long a taken row is left alone.
const importLease = 30 * time.Second

// wantReads asks for orders to be read again, at once or after a while, durably; a wish that comes while one is being read is carried out after it: one order is read by one reader at a time.
func (s *Service) wantReads(tx *db.Tx, account string, wanted map[string]string, in time.Duration) error {
	b := db.NewBatch(2)
	for _, external := range slices.Sorted(keysOf(wanted)) {
		b.Add(account, external, wanted[external])
	}
	_, err := tx.Exec(`insert into reads (account_id, external, wanted_at, reason, state, attempts, next_at)
		select a, x, cast($1 as bigint), w, 'due', 0, cast($2 as bigint) from rows(a text, x text, w text) where true
		on conflict (account_id, external) do update set wanted_at = case when reads.wanted_at < excluded.wanted_at then excluded.wanted_at else reads.wanted_at + 1 end,
			next_at = case when reads.state = 'due' and reads.next_at < excluded.next_at then reads.next_at else excluded.next_at end, state = case when reads.state = 'running' then 'running' else 'due' end,
			attempts = case when reads.state = 'running' then reads.attempts else 0 end`, b, db.Micros(tx.Now), db.Micros(tx.Now.Add(in)))
	return err
}
