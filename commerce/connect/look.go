package connect

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

const (
	// lookAfter is how long after a hint a number is compared: what the hint tells of is most often an order that is on its way to us, or our own number.
	lookAfter = 15 * time.Second
	// lookAgain is when a number that was being changed is compared once more.
	lookAgain = time.Minute
	// lookBatch is how many listings are compared together.
	lookBatch = 50
)

// sureRounds is how often what differs is read anew while it, or orders that may explain it, is on its way; surePause lies between.
const (
	sureRounds = 4
	surePause  = 250 * time.Millisecond
)

// hinted has the numbers compared that a channel says it has changed; one that is what we told it is left alone.
func (s *Service) hinted(tx *db.Tx, acc Account, hints []channel.Hint) error {
	if acc.Mode != channel.Live || s.kinds[acc.Channel].Stock == channel.StockNone {
		return nil
	}
	says := map[string][]channel.Hint{}
	for _, h := range hints {
		if h.Subject == channel.AboutStock && h.External != "" {
			says[h.External] = append(says[h.External], h)
		}
	}
	if len(says) == 0 {
		return nil
	}
	offers, err := s.need.Stock.Named(tx, acc.ID, slices.Sorted(keysOf(says)))
	if err != nil {
		return err
	}
	seen, b := map[[2]string]bool{}, db.NewBatch(2)
	for _, o := range offers {
		for _, name := range []string{o.Ref.External, o.Ref.Stock, o.Ref.SKU} {
			for _, h := range says[name] {
				where, shows := "", any(nil) // wherever it is shown
				if h.Stock != nil {
					where, shows = h.Stock.Location, h.Stock.Quantity
				}
				if k := [2]string{o.ID, where}; !seen[k] {
					seen[k] = true
					b.Add(o.ID, where, shows)
				}
			}
		}
	}
	_, err = tx.Exec(`update channel_stock set look_at = $2 where account_id = $1 and look_at is null and shown is not null and exists (select 1 from rows(l text, o text, q bigint)
		where channel_stock.listing_id = r.l and (r.q is null or channel_stock.location in ('', r.o) and channel_stock.shown <> r.q))`,
		b, acc.ID, db.Micros(tx.Now.Add(lookAfter)))
	return err
}

// LookOnce compares the numbers of an account that are due for it with what the channel shows. It answers how many listings it looked at.
func (s *Service) LookOnce(ctx context.Context, account string) (int, error) {
	o, err := s.open(ctx, account)
	if err != nil {
		return 0, err
	}
	if _, ok := o.ch.(channel.StockReader); !ok || o.acc.Mode != channel.Live || o.acc.State != Active {
		return 0, nil
	}
	var due []Offer
	err = s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		due, err = s.takeLooks(tx, o.acc.ID)
		return err
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	offers := byExternal(due)
	readings, since, err := s.shows(ctx, o, offers)
	if err != nil {
		return len(due), err
	}
	var found []Drift
	err = s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		if found, err = differing(tx, o.acc.ID, offers, readings, since); err != nil {
			return err
		}
		var same []string
		for _, f := range due {
			if !slices.ContainsFunc(found, func(d Drift) bool { return d.Listing == f.ID }) {
				same = append(same, f.ID)
			}
		}
		return lookAt(tx, o.acc.ID, same, nil)
	})
	if err == nil && len(found) > 0 {
		_, err = s.confirm(ctx, o, offers, found)
	}
	return len(due), err
}

// takeLooks takes the listings of an account that are due to be compared; if this process dies they come again. What is not mapped any more is forgotten.
func (s *Service) takeLooks(tx *db.Tx, account string) ([]Offer, error) {
	rows, err := db.All(tx, func(row db.Scanner) ([2]string, error) {
		var k [2]string
		return k, row.Scan(&k[0], &k[1])
	}, `select distinct listing_id, variant_id from channel_stock where account_id = $1 and look_at <= $2 order by listing_id limit $3`, account, db.Micros(tx.Now), lookBatch)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var ids, variants []string
	for _, k := range rows {
		ids, variants = append(ids, k[0]), append(variants, k[1])
	}
	slices.Sort(variants)
	found, err := s.need.Stock.Listings(tx, account, slices.Compact(variants))
	if err != nil {
		return nil, err
	}
	var due []Offer
	var there, gone []string
	for _, f := range found {
		if slices.Contains(ids, f.ID) {
			due, there = append(due, f), append(there, f.ID)
		}
	}
	for _, id := range ids {
		if !slices.Contains(there, id) {
			gone = append(gone, id)
		}
	}
	if err := lookAt(tx, account, gone, nil); err != nil {
		return nil, err
	}
	return due, lookAt(tx, account, there, db.Micros(tx.Now.Add(lookAgain)))
}

// lookAt says when listings are to be compared; nil is never.
func lookAt(tx *db.Tx, account string, listings []string, at any) error {
	if len(listings) == 0 {
		return nil
	}
	_, err := tx.Exec(`update channel_stock set look_at = $3 where account_id = $1 and listing_id in (select key from json_each($2))`, account, db.Keys(listings), at)
	return err
}

// confirm reads once more what differs, after what the channel had to tell came in: an order that took the units may have been on its way to us, or our own number on its
// way there. What differs still, and was not touched meanwhile, is mended and raised; what is being changed is compared again later.
func (s *Service) confirm(ctx context.Context, o *opened, offers map[string]Offer, found []Drift) ([]Drift, error) {
	var all []Drift
	for round := 0; len(found) > 0 && round < sureRounds; round++ {
		if round > 0 {
			select {
			case <-ctx.Done():
				return all, fault.Wrap(fault.Unavailable, ctx.Err(), "the comparison was stopped")
			case <-time.After(surePause):
			}
		}
		if err := s.catchUp(ctx, o.acc.ID); err != nil {
			return all, err
		}
		some := map[string]Offer{}
		for name, f := range offers {
			if slices.ContainsFunc(found, func(d Drift) bool { return d.Listing == f.ID }) {
				some[name] = f
			}
		}
		readings, since, err := s.shows(ctx, o, some)
		if err != nil {
			return all, err
		}
		sure, left, err := s.settleDrift(ctx, o, some, found, readings, since)
		if err != nil {
			return all, err
		}
		all, found = append(all, sure...), left
	}
	return all, nil
}

// catchUp brings in what an account's channel has to tell, and what stock it changes.
func (s *Service) catchUp(ctx context.Context, account string) error {
	p, err := s.of(ctx, account)
	if err != nil {
		return err
	}
	if _, err := s.Poll(ctx, account); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	for n := 1; n > 0; {
		var err error
		if n, err = s.importFrom(ctx, p); err != nil {
			return err
		}
	}
	for n := 1; n > 0; {
		var err error
		if n, err = s.MarkChanged(ctx, 500); err != nil {
			return err
		}
	}
	return nil
}

// settleDrift mends what was found twice, untouched in between, and answers what is still on its way.
func (s *Service) settleDrift(ctx context.Context, o *opened, offers map[string]Offer, before []Drift, readings []channel.StockReading, since time.Time) (sure, left []Drift, err error) {
	p, err := s.at(o.acc.Residency)
	if err != nil {
		return nil, nil, err
	}
	count := func(tx *db.Tx) (int64, error) {
		return db.One(tx, scanCount, `select count(*)`+inboxStored, o.acc.ID)
	}
	var waiting int64
	if p.far {
		if err := p.Look(ctx, func(tx *db.Tx) (err error) { waiting, err = count(tx); return err }); err != nil {
			return nil, nil, err
		}
	}
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		sure, left = nil, nil
		again, err := differing(tx, o.acc.ID, offers, readings, since)
		if err != nil {
			return err
		}
		if !p.far {
			if waiting, err = count(tx); err != nil {
				return err
			}
		}
		for _, d := range again {
			if d.Pending || waiting > 0 || !slices.ContainsFunc(before, d.same) {
				left = append(left, d)
			} else {
				sure = append(sure, d)
			}
		}
		var done []string
		var mended []Offer
		for _, f := range offers {
			of := func(d Drift) bool { return d.Listing == f.ID }
			if slices.ContainsFunc(sure, of) {
				mended = append(mended, f)
			}
			if !slices.ContainsFunc(left, of) {
				done = append(done, f.ID)
			}
		}
		if err := lookAt(tx, o.acc.ID, done, nil); err != nil {
			return err
		}
		if err := lookAt(tx, o.acc.ID, listingsOf(left), db.Micros(tx.Now.Add(lookAgain))); err != nil || len(sure) == 0 {
			return err
		}
		return s.mendDrift(tx, o, sure, mended)
	})
	return sure, left, err
}

// same reports whether a second reading found what the first had found, and nothing was told in between.
func (d Drift) same(first Drift) bool {
	return d.Listing == first.Listing && d.Location == first.Location && d.Shows == first.Shows && *d.Told == *first.Told && d.ToldAt.Equal(first.ToldAt)
}

func listingsOf(all []Drift) []string {
	var ids []string
	for _, d := range all {
		ids = append(ids, d.Listing)
	}
	return ids
}
