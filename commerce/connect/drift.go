package connect

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Drift is a listing whose stock at the channel is not what we last told it.
type Drift struct {
	Account  string    `json:"account_id"`
	Listing  string    `json:"listing_id"`
	SKU      string    `json:"sku"`
	Location string    `json:"location"`
	Shows    int64     `json:"channel_shows"`
	Told     *int64    `json:"we_told"`
	ToldAt   time.Time `json:"told_at,omitzero"`
	Pending  bool      `json:"push_pending"` // our number is on its way, or was told while the channel's was read
}

// DriftOf reads what the channel shows and lists what differs from what we told it. Mend lists what is sure to differ only, makes it due again and raises it.
func (s *Service) DriftOf(ctx context.Context, account string, mend bool) ([]Drift, error) {
	acc, err := s.load(ctx, account)
	if err != nil {
		return nil, err
	}
	o, err := s.open(ctx, acc.ID)
	if err != nil {
		return nil, err
	}
	all := []Drift{}
	err = s.eachReading(ctx, o, func(offers map[string]Offer, readings []channel.StockReading, since time.Time) error {
		var found []Drift
		err := s.need.DB.Read(ctx, func(tx *db.Tx) (err error) {
			found, err = differing(tx, o.acc.ID, offers, readings, since)
			return err
		})
		if err == nil && mend && len(found) > 0 {
			found, err = s.confirm(ctx, o, offers, found)
		}
		all = append(all, found...)
		return err
	})
	return all, err
}

// eachReading reads the stock of an account's mapped listings, page by page, each with the time when its reading began.
func (s *Service) eachReading(ctx context.Context, o *opened, f func(offers map[string]Offer, readings []channel.StockReading, since time.Time) error) error {
	if _, ok := o.ch.(channel.StockReader); !ok {
		return nil
	}
	for after := ""; ; {
		var page []Offer
		err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			page, err = s.need.Stock.OffersOf(tx, o.acc.ID, after, 200)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID
		offers := byExternal(page)
		readings, since, err := s.shows(ctx, o, offers)
		if err != nil {
			return err
		}
		if err := f(offers, readings, since); err != nil {
			return err
		}
	}
}

// byExternal are offers by what the channel calls them.
func byExternal(page []Offer) map[string]Offer {
	all := make(map[string]Offer, len(page))
	for _, p := range page {
		all[p.Ref.External] = p
	}
	return all
}

// shows reads what the channel shows of some listings, and says when it began to read.
func (s *Service) shows(ctx context.Context, o *opened, offers map[string]Offer) ([]channel.StockReading, time.Time, error) {
	refs := make([]channel.ListingRef, 0, len(offers))
	for _, name := range slices.Sorted(keysOf(offers)) {
		refs = append(refs, offers[name].Ref)
	}
	since := s.need.DB.Now()
	readings, err := o.ch.(channel.StockReader).Stock(ctx, refs)
	if err != nil {
		s.unwell(ctx, o.acc, err)
	}
	return readings, since, err
}

// differing compares readings that began at a time with what was told. A number that is on its way, or was told since then, is pending: the reading says nothing of it.
func differing(tx *db.Tx, account string, offers map[string]Offer, readings []channel.StockReading, since time.Time) ([]Drift, error) {
	b := db.NewBatch(0)
	for _, r := range readings {
		if f, ok := offers[r.Listing.External]; ok {
			b.Add(f.ID, r.Location)
		}
	}
	told := map[[2]string]Drift{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var d Drift
		var shown any
		err := row.Scan(&d.Listing, &d.Location, &shown, db.Time(&d.ToldAt), &d.Pending)
		if n, ok := shown.(int64); ok {
			d.Told = &n
		}
		d.Pending = d.Pending || !d.ToldAt.Before(since)
		told[[2]string{d.Listing, d.Location}] = d
		return struct{}{}, err
	}, `select c.listing_id, c.location, c.shown, c.told_at, c.dirty or c.running_until is not null from channel_stock c, rows(l text, o text)
		where c.account_id = $1 and c.listing_id = r.l and c.location = r.o`, b, account)
	if err != nil {
		return nil, err
	}
	var found []Drift
	for _, r := range readings {
		f, ok := offers[r.Listing.External]
		if !ok {
			continue
		}
		d, known := told[[2]string{f.ID, r.Location}]
		if !known || d.Told == nil || *d.Told == r.Quantity {
			continue
		}
		d.Account, d.SKU, d.Shows = account, f.SKU, r.Quantity
		found = append(found, d)
	}
	return found, nil
}

// mendDrift forgets what we believed the channel shows, has it pushed again, and raises what drifted.
func (s *Service) mendDrift(tx *db.Tx, o *opened, found []Drift, offers []Offer) error {
	b := db.NewBatch(3)
	for _, d := range found {
		b.Add(o.acc.ID, d.Listing, d.Location, d.Shows)
	}
	if _, err := tx.Exec(`update channel_stock set shown = r.s from rows(a text, l text, o text, s bigint)
		where channel_stock.account_id = r.a and channel_stock.listing_id = r.l and channel_stock.location = r.o`, b); err != nil {
		return err
	}
	if err := s.markOffers(tx, offers); err != nil {
		return err
	}
	return exception.Raise(tx, exception.Case{Cause: exception.StockDrift, SubjectKind: "account", Subject: o.acc.ID, Account: o.acc.ID, Detail: map[string]any{"listings": len(found), "first": found[0].SKU}})
}

// stockDiff compares what the channel shows with what we would show.
func (s *Service) stockDiff(ctx context.Context, o *opened) ([]StockDiff, error) {
	all := []StockDiff{}
	err := s.eachReading(ctx, o, func(offers map[string]Offer, readings []channel.StockReading, _ time.Time) error {
		return s.need.DB.Read(ctx, func(tx *db.Tx) error {
			groups, err := s.groups(tx, o.acc.ID)
			if err != nil {
				return err
			}
			due := make([]push, 0, len(readings))
			for _, r := range readings {
				if f, ok := offers[r.Listing.External]; ok {
					if _, ours := groups[r.Location]; ours {
						due = append(due, push{listing: f.ID, location: r.Location, variant: f.Variant, offer: f})
					}
				}
			}
			if err := s.fillPushes(tx, o, due); err != nil {
				return err
			}
			want := map[[2]string]int64{}
			for _, p := range due {
				want[[2]string{p.listing, p.location}] = p.quantity
			}
			for _, r := range readings {
				f := offers[r.Listing.External]
				if q, ok := want[[2]string{f.ID, r.Location}]; ok && q != r.Quantity {
					all = append(all, StockDiff{f.ID, f.SKU, r.Location, r.Quantity, q})
				}
			}
			return nil
		})
	})
	if fault.Is(err, fault.NotFound) {
		return all, nil
	}
	return all, err
}
