package connect

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Diff is what an account's channel has and what we have, compared.
type Diff struct {
	Account  string      `json:"account"`
	At       time.Time   `json:"at"`
	Compared int         `json:"orders_compared"`
	Missing  []string    `json:"missing_here"`  // the channel has it, we do not
	Unknown  []string    `json:"unknown_there"` // we hold it open, the channel does not know it
	Totals   []TotalDiff `json:"totals"`
	Unmapped int         `json:"listings_unmapped"`
	Stock    []StockDiff `json:"stock"`
}

// TotalDiff is an order whose total differs.
type TotalDiff struct {
	External string       `json:"external_id"`
	Theirs   money.Amount `json:"theirs"`
	Ours     money.Amount `json:"ours"`
}

// StockDiff is a listing whose stock at the channel is not what we would show.
type StockDiff struct {
	Listing  string `json:"listing_id"`
	SKU      string `json:"sku"`
	Location string `json:"location"`
	Theirs   int64  `json:"theirs"`
	Ours     int64  `json:"ours"`
}

// Clean reports whether orders and stock agree.
func (d Diff) Clean() bool { return d.Count() == 0 }

// Count is the number of differences that gate going live. Stock is among them although going live is what mends it: from then on the shop shows our numbers, and a
// person has seen them before.
func (d Diff) Count() int { return d.Orders() + len(d.Stock) }

// Orders is the number of orders that differ.
func (d Diff) Orders() int { return len(d.Missing) + len(d.Unknown) + len(d.Totals) }

// Diff reads the account's orders at the channel and compares ids, totals and stock with ours.
func (s *Service) Diff(ctx context.Context, account string) (Diff, error) {
	acc, err := s.load(ctx, account)
	if err != nil {
		return Diff{}, err
	}
	o, err := s.open(ctx, acc.ID)
	if err != nil {
		return Diff{}, err
	}
	d := Diff{Account: acc.Name, At: s.need.DB.Now(), Missing: []string{}, Unknown: []string{}, Totals: []TotalDiff{}, Stock: []StockDiff{}}
	theirs, oldest, err := s.theirs(ctx, o, s.need.HashKey, "")
	if err != nil {
		return d, err
	}
	ours, err := s.ours(ctx, acc.ID)
	if err != nil {
		return d, err
	}
	d.Compared = len(theirs)
	for x, t := range theirs {
		h, ok := ours[x]
		switch {
		case !ok:
			d.Missing = append(d.Missing, x)
		case h.skipped:
		case h.total != t.total:
			d.Totals = append(d.Totals, TotalDiff{x, t.total, h.total})
		}
	}
	for x, h := range ours {
		if _, ok := theirs[x]; !ok && !h.skipped && h.placed.After(oldest) {
			switch _, err := o.ch.Order(ctx, x); {
			case fault.Is(err, fault.NotFound):
				d.Unknown = append(d.Unknown, x)
			case fault.Temporary(err), fault.Is(err, fault.Unauthorized):
				return d, err
			}
		}
	}
	if d.Stock, err = s.stockDiff(ctx, o); err != nil || s.need.Unmapped == nil {
		return d, err
	}
	err = s.need.DB.Read(ctx, func(tx *db.Tx) (err error) {
		d.Unmapped, err = s.need.Unmapped(tx, acc.ID)
		return err
	})
	return d, err
}

// held is one order as one side knows it.
type held struct {
	total   money.Amount
	placed  time.Time
	version time.Time
	hash    string
	skipped bool // by rule: a test order, one of the till
}

// theirs reads the orders the channel gives from a cursor on. Orders that import skips by rule are left out.
func (s *Service) theirs(ctx context.Context, o *opened, key []byte, since string) (map[string]held, time.Time, error) {
	all, oldest := map[string]held{}, s.need.DB.Now()
	for c, err := range o.ch.Orders(ctx, channel.Cursor(since)) {
		if err != nil {
			return nil, oldest, err
		}
		order, err := o.ch.Decode(c.Raw)
		if err != nil {
			all[c.External] = held{version: c.Version}
			continue
		}
		if order.Test && o.acc.Settings["import_test"] != "yes" {
			continue
		}
		all[c.External] = held{total: order.Total, placed: order.PlacedAt, version: order.Version, hash: channel.ContentHash(key, order)}
		if order.PlacedAt.Before(oldest) {
			oldest = order.PlacedAt
		}
	}
	return all, oldest, nil
}

// ours reads the orders we know of an account, page by page.
func (s *Service) ours(ctx context.Context, account string) (map[string]held, error) {
	all, after := map[string]held{}, ""
	for {
		n := 0
		err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
			rows, err := db.All(tx, func(row db.Scanner) (string, error) {
				var x, currency, decision string
				var total int64
				var h held
				err := row.Scan(&x, &total, &currency, db.Time(&h.placed), db.Time(&h.version), &h.hash, &decision)
				h.total, h.skipped = money.Of(total, currency), decision == "skipped"
				all[x] = h
				return x, err
			}, `select external, total, currency, placed_at, version_at, content_hash, decision from channel_orders where account_id = $1 and external > $2 order by external limit 1000`, account, after)
			if n = len(rows); n > 0 {
				after = rows[n-1]
			}
			return err
		})
		if err != nil || n < 1000 {
			return all, err
		}
	}
}

// Reconciliation is the outcome of a daily comparison that repairs what was missed.
type Reconciliation struct {
	Account  string   `json:"account"`
	Compared int      `json:"orders_compared"`
	Missed   []string `json:"missed"`  // not here: read again
	Changed  []string `json:"changed"` // another total, or newer content, there: read again
}

// Reconcile compares the account's changed orders by count, id, total and version with ours and reads again what was missed. Since when: the cursor it kept the time before.
func (s *Service) Reconcile(ctx context.Context, account string) (Reconciliation, error) {
	acc, err := s.load(ctx, account)
	if err != nil {
		return Reconciliation{}, err
	}
	r := Reconciliation{Account: acc.Name, Missed: []string{}, Changed: []string{}}
	o, err := s.open(ctx, acc.ID)
	if err != nil {
		return r, err
	}
	p, err := s.at(acc.Residency)
	if err != nil {
		return r, err
	}
	mark, err := cursorOf(ctx, s.home(), acc.ID, "reconcile")
	if err != nil {
		return r, err
	}
	now, err := cursorOf(ctx, p, acc.ID, "orders")
	if err != nil {
		return r, err
	}
	theirs, _, err := s.theirs(ctx, o, p.key, mark.value)
	if err != nil {
		s.unwell(ctx, acc, err)
		return r, err
	}
	ours, err := s.ours(ctx, acc.ID)
	if err != nil {
		return r, err
	}
	wanted := map[string]string{}
	for x, t := range theirs {
		h, ok := ours[x]
		switch {
		case !ok:
			r.Missed = append(r.Missed, x)
			wanted[x] = "missed"
		case h.skipped:
		case h.total != t.total, t.hash != h.hash && !t.version.Truncate(time.Microsecond).Before(h.version): // many partners count in seconds
			r.Changed = append(r.Changed, x)
			wanted[x] = "changed"
		}
	}
	r.Compared = len(theirs)
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.wantReads(tx, acc.ID, wanted, 0); err != nil {
			return err
		}
		if now.value != "" && now.value != mark.value {
			if err := mark.move(tx, now.value); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`update account_health set reconciled_at = $2, reconcile_note = $3 where account_id = $1`, acc.ID, db.Micros(tx.Now),
			noteOf(r))
		return err
	})
	return r, err
}

func noteOf(r Reconciliation) string {
	if len(r.Missed)+len(r.Changed) == 0 {
		return "all there"
	}
	return itoa(int64(len(r.Missed))) + " missed, " + itoa(int64(len(r.Changed))) + " changed: read again"
}
