package privacy

import (
	"cmp"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
)

// Erasure is the mark that something was erased for good. It holds no personal data, and outlives what it is about: restoring a backup applies it.
type Erasure struct {
	ID      string    `json:"id"`
	Kind    Gone      `json:"kind"`
	Account string    `json:"account,omitempty"` // our account id, of an order
	Subject string    `json:"subject"`           // the partner's order id, or a key's id
	Cause   string    `json:"cause"`
	At      time.Time `json:"at"`
}

// Gone is what an erasure is about.
type Gone string

// What can be erased.
const (
	GoneOrder Gone = "order" // everything personal of an order
	GoneKey   Gone = "key"   // what was sealed under one key and belongs to no order
)

// Subject is an order whose personal data is meant.
type Subject struct{ Account, External string }

// Causes of an erasure.
const (
	Wish      = "wish"      // of the buyer, passed on by a person
	ByChannel = "channel"   // of the buyer, passed on by the channel
	ByShop    = "shop"      // the shop took its data back
	Retention = "retention" // kept long enough
)

// EraseOrders destroys every personal record of orders and marks the orders, so that nothing of them comes back: not by a later reading, nor by a backup. The keys of
// what else is personal of them are given by keys. What is only kept long enough (Retention) is marked in its records alone: time erases it in a restored backup too. Safe
// to repeat. It answers how many records went.
func (s *Store) EraseOrders(tx *db.Tx, cause string, orders []Subject, keys []string) (int, error) {
	orders = slices.Clone(orders)
	slices.SortFunc(orders, func(a, b Subject) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.External, b.External))
	})
	orders = slices.Compact(orders)
	marks, which := db.NewBatch(2), db.NewBatch(2)
	for _, o := range orders {
		marks.Add(o.Account, o.External, db.ID())
		which.Add(o.Account, o.External)
	}
	if cause != Retention {
		tx.Send(`insert into erasures (id, kind, account_id, subject, cause, at) select r.i, 'order', r.a, r.x, $1, $2 from rows(a text, x text, i text)
			where true on conflict (kind, account_id, subject) do nothing`, marks, cause, tx.Now.UnixMicro())
	}
	records, err := db.All(tx, scanText, `select p.id from personal_records p, rows(a text, x text) where p.account_id = r.a and p.external = r.x and p.erased_at is null order by p.id`, which)
	if err != nil {
		return 0, err
	}
	if err := s.Erase(tx, records); err != nil {
		return 0, err
	}
	return len(records), s.Destroy(tx, keys)
}

// EraseKeys destroys keys of what belongs to no order, and marks them so that no backup brings them back. Safe to repeat.
func (s *Store) EraseKeys(tx *db.Tx, cause string, keys []string) error {
	b := db.NewBatch(1)
	for _, k := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		b.Add(k, db.ID())
	}
	tx.Send(`insert into erasures (id, kind, account_id, subject, cause, at) select r.i, 'key', '', r.k, $1, $2 from rows(k text, i text)
		where true on conflict (kind, account_id, subject) do nothing`, b, cause, tx.Now.UnixMicro())
	return s.Destroy(tx, keys)
}

const erasureColumns = `n, id, kind, account_id, subject, cause, at`

type numbered struct {
	Erasure
	n int64
}

func scanErasure(row db.Scanner) (e numbered, err error) {
	err = row.Scan(&e.n, &e.ID, db.Text(&e.Kind), &e.Account, &e.Subject, &e.Cause, db.Time(&e.At))
	return e, err
}

// Erasures lists what was erased, in the order in which it was marked, after a number; it answers the last number.
func Erasures(tx *db.Tx, after int64, limit int) (all []Erasure, last int64, err error) {
	rows, err := db.All(tx, scanErasure, `select `+erasureColumns+` from erasures where n > $1 order by n limit $2`, after, limit)
	for _, r := range rows {
		all, after = append(all, r.Erasure), r.n
	}
	return all, after, err
}

// Restoring applies erasures to a database that is being restored, before the keys of personal data are put in, and answers the keys that must stay away. It needs no vault.
// Those that the database knows of itself are applied too.
func Restoring(tx *db.Tx, list []Erasure) (away map[string]bool, err error) {
	if err := takeErasures(tx, list); err != nil {
		return nil, err
	}
	away = map[string]bool{}
	for _, text := range []string{
		`select subject from erasures where kind = 'key'`,
		`select key_id from personal_records where erased_at is not null`,
		`select i.key_id from inbox i join erasures e on e.kind = 'order' and e.account_id = i.account_id and e.subject = i.external where i.key_id is not null`,
		`select s.label_key from dispatch_shipments s join orders o on o.id = s.order_id join erasures e on e.kind = 'order' and e.account_id = o.account_id and e.subject = o.external
			where s.label_key is not null`,
		`select k.buyer_key from carts k join erasures e on e.kind = 'order' and e.subject = k.id where k.buyer_key is not null`,
		`select k.document_key from carts k join erasures e on e.kind = 'order' and e.subject = k.id where k.document_key is not null`,
	} {
		tx.SendQuery(text, func(row db.Scanner) error {
			var id string
			err := row.Scan(&id)
			away[id] = true
			return err
		})
	}
	return away, tx.Flush()
}

func takeErasures(tx *db.Tx, list []Erasure) error {
	seen := map[[3]string]bool{}
	b := db.NewBatch(3)
	for _, e := range list {
		if k := [3]string{string(e.Kind), e.Account, e.Subject}; !seen[k] {
			seen[k] = true
			b.Add(string(e.Kind), e.Account, e.Subject, e.ID, e.Cause, e.At.UnixMicro())
		}
	}
	tx.Send(`insert into erasures (id, kind, account_id, subject, cause, at) select r.i, r.k, r.a, r.s, r.c, r.t from rows(k text, a text, s text, i text, c text, t bigint)
		where not exists (select 1 from erasures o where o.id = r.i) on conflict (kind, account_id, subject) do nothing`, b)
	tx.Send(`update personal_records set erased_at = $1, sealed = $2, phone_hash = null, email_hash = null, content_hash = '' where erased_at is null
		and exists (select 1 from erasures e where e.kind = 'order' and e.account_id = personal_records.account_id and e.subject = personal_records.external)`, tx.Now.UnixMicro(), []byte{})
	return tx.Flush()
}

func scanText(row db.Scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// CameBack lists orders erased since a time of which there is something again that can be read: it arrived at the very moment of their erasure.
func (s *Store) CameBack(tx *db.Tx, since time.Time, limit int) ([]Subject, error) {
	return db.All(tx, func(row db.Scanner) (o Subject, err error) {
		err = row.Scan(&o.Account, &o.External)
		return o, err
	}, `select e.account_id, e.subject from erasures e where e.kind = 'order' and e.at >= $1 and (
		exists (select 1 from personal_records p where p.account_id = e.account_id and p.external = e.subject and p.erased_at is null)
		or exists (select 1 from inbox i join personal_keys k on k.id = i.key_id where i.account_id = e.account_id and i.external = e.subject and i.state <> 'stored'))
		order by e.n limit $2`, since.UnixMicro(), limit)
}

// RecordsOf lists the records of an order that can still be read, oldest first.
func (s *Store) RecordsOf(tx *db.Tx, o Subject) ([]string, error) {
	return db.All(tx, scanText, `select id from personal_records where account_id = $1 and external = $2 and erased_at is null order by created_at, id`, o.Account, o.External)
}

// NoteRestored notes, in a database that is being made of a backup, when that was taken.
func NoteRestored(tx *db.Tx, taken time.Time) error {
	return (&Store{}).mark(tx, "restored", taken.UTC().Format(time.RFC3339), 0)
}

// RestoredFrom says of which instant the backup was that the database was made of; zero when of none, or when SettleRestored was called since.
func RestoredFrom(tx *db.Tx) (time.Time, error) {
	p, err := progressOf(tx, "restored")
	if err != nil || p.mark == "" || p.count > 0 {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, p.mark)
}

// SettleRestored notes that what follows from a restore was done.
func SettleRestored(tx *db.Tx, taken time.Time) error {
	return (&Store{}).mark(tx, "restored", taken.UTC().Format(time.RFC3339), 1)
}
