package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// replayed is the topic of a stored reading that a person wants applied again.
const replayed = "replay"

// ReplayDiff is what decoding an order's stored raw payloads again came to.
type ReplayDiff struct {
	Order    string    `json:"order_id"`
	Account  string    `json:"account_id"`
	External string    `json:"external_id"`
	Readings []Reading `json:"readings"` // oldest first
	// Differences is what we hold against what the newest reading says today, field by field.
	Differences []FieldDiff `json:"differences"`
	Applied     bool        `json:"applied"` // it waits to be imported again
}

// Reading is one stored raw payload, decoded today.
type Reading struct {
	Inbox   string      `json:"inbox_id"`
	Source  string      `json:"source"`
	ReadAt  time.Time   `json:"read_at"`
	Version time.Time   `json:"version,omitzero"`
	State   string      `json:"state"`
	Erased  bool        `json:"erased,omitempty"`
	Error   string      `json:"error,omitempty"` // why it cannot be decoded
	Changed []FieldDiff `json:"changed"`         // against the reading before it
}

// FieldDiff is a field with two values; "" is none.
type FieldDiff struct {
	Field string `json:"field"`
	Was   string `json:"was"`
	Now   string `json:"now"`
}

// storedRow is a row of the inbox with its state.
type storedRow struct {
	inboxRow
	state string
}

// Replay decodes the stored raw payloads of one of our orders again with today's adapter and shows what differs: from reading to reading, and between the newest and
// what we hold. With apply the newest is imported again, by the usual rules. Personal data is not shown. fault.NotFound, with code erased, when nothing is left to read.
func (s *Service) Replay(ctx context.Context, order string, apply bool, actor string) (ReplayDiff, error) {
	r, err := s.readings(ctx, order)
	if err != nil || !apply {
		return r.ReplayDiff, err
	}
	r.Applied = true
	return r.ReplayDiff, s.importAgain(ctx, r.place, r.newest.id, actor)
}

// readings are the stored raw payloads of an order, decoded today.
type readings struct {
	ReplayDiff
	place  place
	opened *opened
	keys   privacy.Keys
	newest *storedRow
	held   *channel.Order // nil when there is nothing to compare with
}

// readings decodes what is stored of one of our orders. fault.NotFound, with code erased, when nothing is left to read.
func (s *Service) readings(ctx context.Context, order string) (readings, error) {
	d := readings{ReplayDiff: ReplayDiff{Order: order, Readings: []Reading{}, Differences: []FieldDiff{}}, place: s.home()}
	var rows []storedRow
	raws := func(tx *db.Tx) (err error) {
		rows, d.keys, err = d.place.rawsOf(tx, d.Account, d.External)
		return err
	}
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		if d.Account, d.External, err = s.seenAs(tx, order); err != nil {
			return err
		}
		acc, err := s.Account(tx, d.Account)
		if err != nil {
			return err
		}
		if d.place, err = s.at(acc.Residency); err != nil {
			return err
		}
		if !d.place.far {
			if err := raws(tx); err != nil {
				return err
			}
		}
		if s.need.Held == nil {
			return nil
		}
		h, err := s.need.Held(tx, order)
		d.held = &h
		return err
	})
	if err == nil && d.place.far {
		err = d.place.Look(ctx, raws)
	}
	if err != nil {
		return d, err
	}
	if d.opened, err = s.open(ctx, d.Account); err != nil {
		return d, err
	}
	var now *channel.Order
	if d.newest, now, err = d.decode(ctx, s, d.place, d.opened, rows, d.keys); err != nil {
		return d, err
	}
	if d.newest == nil {
		return d, fault.New(fault.NotFound, "nothing that the channel sent of this order can be read any more").WithCode(privacy.Erased)
	}
	if d.held != nil {
		d.Differences = diffOf(d.held, now)
	}
	return d, nil
}

// seenAs finds the account and the channel's id of one of our orders.
func (s *Service) seenAs(tx *db.Tx, order string) (account, external string, err error) {
	rows, err := db.All(tx, func(row db.Scanner) (struct{}, error) { return struct{}{}, row.Scan(&account, &external) },
		`select account_id, external from channel_orders where order_id = $1`, order)
	if err == nil && len(rows) == 0 {
		err = fault.New(fault.NotFound, "no channel has told us of order %s", order)
	}
	return account, external, err
}

// rawsOf reads what is stored of an order, oldest first, the last hundred.
func (p place) rawsOf(tx *db.Tx, account, external string) ([]storedRow, privacy.Keys, error) {
	rows, err := db.All(tx, func(row db.Scanner) (storedRow, error) {
		var r storedRow
		err := row.Scan(&r.id, &r.source, &r.topic, db.Time(&r.version), db.Time(&r.read), db.Text(&r.keyID), &r.box, &r.state)
		return r, err
	}, `select id, source, topic, version_at, read_at, key_id, sealed, state from inbox where account_id = $1 and external = $2 order by n desc limit 100`, account, external)
	if err != nil {
		return nil, privacy.Keys{}, err
	}
	slices.Reverse(rows)
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.keyID
	}
	keys, err := p.Keys(tx, ids)
	return rows, keys, err
}

// decode fills the readings, and answers the newest that can be read: the latest version, then the latest read.
func (d *ReplayDiff) decode(ctx context.Context, s *Service, p place, o *opened, rows []storedRow, keys privacy.Keys) (newest *storedRow, now *channel.Order, err error) {
	var before *channel.Order
	var best time.Time
	for i := range rows {
		r := &rows[i]
		reading := Reading{Inbox: r.id, Source: r.source, ReadAt: r.read, Version: r.version, State: r.state, Changed: []FieldDiff{}}
		a := &arriving{row: r.inboxRow}
		a.row.account, a.row.external = d.Account, d.External
		bad, later := s.decodeOne(ctx, p, o, keys, a)
		if later != nil { // it may be the newest
			return nil, nil, later
		}
		if bad != nil {
			reading.Erased, reading.Error = fault.CodeOf(bad) == privacy.Erased, fault.Message(bad)
			d.Readings = append(d.Readings, reading)
			continue
		}
		order := &a.arrival.Order
		if before != nil {
			reading.Changed = diffOf(before, order)
		}
		before = order
		version := a.arrival.Change.Version
		if newest == nil || version.After(best) || version.Equal(best) && !r.read.Before(newest.read) {
			newest, now, best = r, order, version
		}
		d.Readings = append(d.Readings, reading)
	}
	return newest, now, nil
}

// importAgain puts a stored reading back to be imported, whatever we hold of the same time.
func (s *Service) importAgain(ctx context.Context, p place, inbox, actor string) error {
	again := func(tx *db.Tx) error {
		s.wakes(tx, p)
		_, err := tx.Exec(`update inbox set state = 'stored', topic = $2, attempts = 0, next_at = $3, done_at = null, cause = null where id = $1`, inbox, replayed, db.Micros(tx.Now))
		return err
	}
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if !p.far {
			if err := again(tx); err != nil {
				return err
			}
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "order.replay", SubjectKind: "inbox", Subject: inbox})
	})
	if err != nil || !p.far {
		return err
	}
	return p.Keep(ctx, again)
}

// diffOf compares two readings field by field, sorted by field.
func diffOf(was, now *channel.Order) []FieldDiff {
	a, b := factsOf(was), factsOf(now)
	all := []FieldDiff{}
	for f, v := range a {
		if b[f] != v {
			all = append(all, FieldDiff{f, v, b[f]})
		}
	}
	for f, v := range b {
		if _, both := a[f]; !both && v != "" {
			all = append(all, FieldDiff{f, "", v})
		}
	}
	slices.SortFunc(all, func(x, y FieldDiff) int { return compare(x.Field, y.Field) })
	return all
}

// factsOf lists what import copies of a reading, as text by field. No personal data.
func factsOf(o *channel.Order) map[string]string {
	f := map[string]string{
		"number": o.Number, "placed_at": moment(o.PlacedAt), "ship_by": moment(o.ShipBy), "deliver_by": moment(o.DeliverBy), "origin": o.Origin,
		"currency": o.Currency, "tax_mode": string(o.TaxMode), "money": string(o.Money), "total": o.Total.String(),
	}
	for k, v := range o.Statuses {
		f["status."+k] = v
	}
	for k, v := range o.Extra {
		f["extra."+k] = v
	}
	for _, l := range o.Lines {
		at := "line " + l.External + "."
		f[at+"title"], f[at+"quantity"], f[at+"unit_price"], f[at+"total"] = l.Title, itoa(l.Quantity), l.UnitPrice.String(), l.Total.String()
		f[at+"fulfilled_by"] = string(l.FulfilledBy)
		f[at+"discounts"], f[at+"taxes"] = parts(l.Discounts), parts(l.Taxes)
	}
	for i, c := range o.Charges {
		at := fmt.Sprintf("charge %d.", i+1)
		f[at+"kind"], f[at+"title"], f[at+"amount"], f[at+"total"], f[at+"taxes"] = string(c.Kind), c.Title, c.Amount.String(), c.Total.String(), parts(c.Taxes)
	}
	return f
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// parts is a list of discounts or taxes as text; an empty one is "".
func parts[T any](all []T) string {
	if len(all) == 0 {
		return ""
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
