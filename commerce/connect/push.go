package connect

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// StockNeeds is what telling stock and prices gets from others.
type StockNeeds struct {
	// Changed takes variants whose stock changed and forgets that they did.
	Changed func(tx *db.Tx, limit int) ([]string, error)
	// Listings lists the mapped listings of variants, of one account or ("") of all.
	Listings func(tx *db.Tx, account string, variants []string) ([]Offer, error)
	// OffersOf pages through the mapped listings of an account by id.
	OffersOf func(tx *db.Tx, account, after string, limit int) ([]Offer, error)
	// Named lists the mapped listings of an account that its channel calls by one of these names: a listing's id, its stock item's, or a SKU.
	Named func(tx *db.Tx, account string, names []string) ([]Offer, error)
	// Promise is what an account may promise of each variant, per group of our locations (by the partner's location; "" is all of them).
	Promise func(tx *db.Tx, acc channel.Account, variants []string, groups map[string][]string) (map[string]map[string]int64, error)
	// HeldBack counts an account's own units of each variant that are open, or gone without the channel having been told: what a channel that shows a total holds back.
	HeldBack func(tx *db.Tx, account string, variants []string) (map[string]int64, error)
	// VariantsOf lists what order lines were sold as.
	VariantsOf func(tx *db.Tx, lines []string) ([]string, error)
	// Prices gives the price and struck-through price of variants on an account today; one without a price is left out.
	Prices func(tx *db.Tx, acc channel.Account, variants []string) (map[string]channel.PriceLevel, error)
}

// Offer is a mapped listing.
type Offer struct {
	ID      string
	Account string
	Variant string
	SKU     string
	Ref     channel.ListingRef
}

// push is one number on its way to a channel.
type push struct {
	listing, location, variant string
	shown                      *int64
	offer                      Offer
	quantity                   int64
	key                        string
	attempts                   int64
}

// pushLease is how long one bulk call may take.
const pushLease = time.Minute

// mostPause is how long an account is left alone at most before it is looked at again: longer than a call waits for its turn.
const mostPause = 30 * time.Second

// pushBatch is how many numbers share a call where the kind does not say; the adapter cuts it further where its partner takes fewer.
const pushBatch = 50

// batchOf is how many numbers of a channel are taken at once.
func batchOf(k *channel.Kind) int {
	if k.Limits.StockBatch > 0 {
		return k.Limits.StockBatch
	}
	return pushBatch
}

// RunStock marks what changed and pushes it until the context ends; accounts do not wait for each other.
func (s *Service) RunStock(ctx context.Context) error {
	busy := map[string]bool{}
	done := make(chan string, 64)
	for ctx.Err() == nil {
		n, err := s.MarkChanged(ctx, 500)
		if err != nil && ctx.Err() == nil {
			s.need.Log.Error("mark stock", "err", err)
		}
		due, err := s.pushable(ctx)
		if err != nil && ctx.Err() == nil {
			s.need.Log.Error("push stock", "err", err)
		}
		for _, id := range due {
			if !busy[id] {
				busy[id] = true
				go func() {
					s.pushAll(ctx, id)
					select { // what is due and cannot be taken yet, as of an account whose state this process still has to learn, must not keep it spinning
					case <-ctx.Done():
					case <-time.After(20 * time.Millisecond):
					}
					done <- id
				}()
			}
		}
		wait := s.idle(250 * time.Millisecond)
		if n > 0 {
			wait = time.After(20 * time.Millisecond)
		}
		select {
		case <-ctx.Done():
		case id := <-done:
			delete(busy, id)
		case <-wait:
		}
	}
	for len(busy) > 0 {
		delete(busy, <-done)
	}
	return nil
}

// pushAll pushes until nothing of the account is due, and compares what is due for that. Where much is due a second call is on its way while the first is answered: how
// often the partner may be called is the account's budget's to say. A partner that asked to wait is left alone for so long: what it did not take is due again then, and
// goes first if it sells out, while whatever was taken meanwhile would use up what the partner takes next.
func (s *Service) pushAll(ctx context.Context, account string) {
	var second sync.WaitGroup
	var wait atomic.Int64 // until nothing may be sent
	var lane func(fork bool)
	lane = func(fork bool) {
		for ctx.Err() == nil {
			n, err := s.PushOnce(ctx, account)
			if err != nil && ctx.Err() == nil {
				s.need.Log.Warn("push stock", "account", account, "kind", fault.KindOf(err).String(), "err", err)
			}
			if fault.Is(err, fault.Throttled) {
				wait.Store(int64(min(max(fault.After(err), time.Second), mostPause)))
			}
			if n == 0 || err != nil || wait.Load() > 0 {
				return
			}
			if fork && n >= pushBatch {
				fork = false
				second.Go(func() { lane(false) })
			}
		}
	}
	lane(true)
	second.Wait()
	if pause := time.Duration(wait.Load()); pause > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		return
	}
	if _, err := s.LookOnce(ctx, account); err != nil && ctx.Err() == nil {
		s.need.Log.Warn("compare stock", "account", account, "kind", fault.KindOf(err).String(), "err", err)
	}
}

// MarkChanged turns changed variants into numbers to push on every live account that lists them; sell-outs are urgent. It answers how many variants changed.
func (s *Service) MarkChanged(ctx context.Context, limit int) (int, error) {
	n := 0
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		variants, err := s.need.Stock.Changed(tx, limit)
		if n = len(variants); err != nil || n == 0 {
			return err
		}
		offers, err := s.need.Stock.Listings(tx, "", variants)
		if err != nil {
			return err
		}
		return s.markOffers(tx, offers)
	})
	return n, err
}

// dirtyAll marks every listing of an account.
func (s *Service) dirtyAll(tx *db.Tx, account string) error {
	for after := ""; ; {
		offers, err := s.need.Stock.OffersOf(tx, account, after, 500)
		if err != nil || len(offers) == 0 {
			return err
		}
		if err := s.markOffers(tx, offers); err != nil {
			return err
		}
		after = offers[len(offers)-1].ID
	}
}

// markOffers makes the numbers of these listings due.
func (s *Service) markOffers(tx *db.Tx, offers []Offer) error {
	byAccount := map[string][]Offer{}
	for _, o := range offers {
		byAccount[o.Account] = append(byAccount[o.Account], o)
	}
	b := db.NewBatch(3)
	for _, id := range slices.Sorted(keysOf(byAccount)) {
		acc, err := s.Account(tx, id)
		if err != nil {
			return err
		}
		if acc.Mode != channel.Live || s.kinds[acc.Channel].Stock == channel.StockNone {
			continue
		}
		groups, err := s.groups(tx, id)
		if err != nil {
			return err
		}
		promise, err := s.need.Stock.Promise(tx, acc.brief(), variantsOf(byAccount[id]), groups)
		if err != nil {
			return err
		}
		for _, o := range byAccount[id] {
			for location := range groups {
				b.Add(id, o.ID, location, o.Variant, promise[o.Variant][location] <= 0)
			}
		}
	}
	_, err := tx.Exec(`insert into channel_stock (account_id, listing_id, location, variant_id, dirty, urgent, dirty_at, attempts, next_at)
		select a, l, o, v, true, u, cast($1 as bigint), 0, 0 from rows(a text, l text, o text, v text, u boolean) where true
		on conflict (account_id, listing_id, location) do update set dirty = true, urgent = excluded.urgent, variant_id = excluded.variant_id,
			dirty_at = coalesce(channel_stock.dirty_at, excluded.dirty_at)`, b, db.Micros(tx.Now))
	return err
}

// groups lists our locations by the partner's; an account without a mapping has one number over all locations.
func (s *Service) groups(tx *db.Tx, account string) (map[string][]string, error) {
	places, err := s.Places(tx, account)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, ours := range slices.Sorted(keysOf(places)) {
		all[places[ours]] = append(all[places[ours]], ours)
	}
	if len(all) == 0 {
		all[""] = nil
	}
	return all, nil
}

func variantsOf(offers []Offer) []string {
	var all []string
	for _, o := range offers {
		all = append(all, o.Variant)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// pushable lists the accounts that have something due.
func (s *Service) pushable(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		ids, err = db.All(tx, scanID, `select a.id from channel_accounts a where a.state = 'active' and a.mode = 'live'
			and (exists (select 1 from channel_stock c where c.account_id = a.id and c.dirty and c.next_at <= $1)
				or exists (select 1 from channel_stock c where c.account_id = a.id and c.running_until < $1)
				or exists (select 1 from channel_stock c where c.account_id = a.id and c.look_at <= $1)) order by a.id`, db.Micros(tx.Now))
		return err
	})
	return ids, err
}

// PushOnce pushes one batch of an account, sell-outs first, the values read at send time. It answers how many it took.
func (s *Service) PushOnce(ctx context.Context, account string) (int, error) {
	o, err := s.open(ctx, account)
	if err != nil {
		return 0, err
	}
	setter, ok := o.ch.(channel.StockSetter)
	if !ok || o.acc.Mode != channel.Live || o.acc.State != Active {
		return 0, nil
	}
	var all []push
	taken := 0
	err = s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		var err error
		all, taken, err = s.takePushes(tx, o)
		return err
	})
	if err != nil || len(all) == 0 {
		return taken, err
	}
	levels := make([]channel.StockLevel, len(all))
	for i, p := range all {
		levels[i] = channel.StockLevel{Listing: p.offer.Ref, Location: p.location, Quantity: p.quantity, Was: p.shown, Key: p.key}
	}
	callCtx, cancel := context.WithTimeout(ctx, pushLease-5*time.Second)
	defer cancel()
	begun := s.need.DB.Now()
	verdicts, callErr := setter.SetStock(callCtx, levels)
	s.tracePushes(ctx, o, begun, all, verdicts, callErr)
	if callErr != nil {
		s.unwell(ctx, o.acc, callErr)
	}
	if err := s.settlePushes(context.WithoutCancel(ctx), o, all, verdicts, callErr); err != nil {
		return taken, err
	}
	return taken, callErr
}

// takePushes leases due numbers and reads their values. One whose value the channel shows already is simply clean, unless an attempt came before: what became of that
// is not known for sure. Numbers of one listing never overlap: a leased one waits.
func (s *Service) takePushes(tx *db.Tx, o *opened) ([]push, int, error) {
	if err := takeOver(tx, o.acc.ID); err != nil {
		return nil, 0, err
	}
	due, err := db.All(tx, func(row db.Scanner) (push, error) {
		var p push
		var shown any
		err := row.Scan(&p.listing, &p.location, &p.variant, &shown, &p.attempts)
		if n, ok := shown.(int64); ok {
			p.shown = &n
		}
		return p, err
	}, `select c.listing_id, c.location, c.variant_id, c.shown, c.attempts from channel_stock c where c.account_id = $1 and c.dirty and c.next_at <= $2
		and (c.running_until is null or c.running_until < $2) order by c.urgent desc, c.dirty_at, c.listing_id, c.location limit $3`+skip(tx), o.acc.ID, db.Micros(tx.Now), batchOf(&o.kind))
	if err != nil || len(due) == 0 {
		return nil, 0, err
	}
	if err := s.fillPushes(tx, o, due); err != nil {
		return nil, 0, err
	}
	claim, clean := db.NewBatch(3), db.NewBatch(3)
	var all []push
	for _, p := range due {
		if p.offer.ID == "" || (p.attempts == 0 && p.shown != nil && *p.shown == p.quantity) {
			clean.Add(o.acc.ID, p.listing, p.location)
			continue
		}
		p.key = db.ID()
		claim.Add(o.acc.ID, p.listing, p.location, p.key)
		all = append(all, p)
	}
	tx.Send(`update channel_stock set dirty = false, urgent = false, dirty_at = null, attempts = 0 from rows(a text, l text, o text)
		where channel_stock.account_id = r.a and channel_stock.listing_id = r.l and channel_stock.location = r.o`, clean)
	tx.Send(`update channel_stock set dirty = false, dirty_at = null, running_until = $1, told_key = r.k from rows(a text, l text, o text, k text)
		where channel_stock.account_id = r.a and channel_stock.listing_id = r.l and channel_stock.location = r.o`, claim, db.Micros(tx.Now.Add(pushLease)))
	return all, len(due), tx.Flush()
}

// takeOver makes numbers due again whose process ended, or hung, between taking them and writing down what became of them.
func takeOver(tx *db.Tx, account string) error {
	_, err := tx.Exec(`update channel_stock set dirty = true, dirty_at = coalesce(dirty_at, running_until), attempts = attempts + 1, running_until = null
		where account_id = $1 and running_until < $2`, account, db.Micros(tx.Now))
	return err
}

// fillPushes computes the number of each push: what may be promised, plus what a channel that shows a total holds back itself.
func (s *Service) fillPushes(tx *db.Tx, o *opened, due []push) error {
	var variants []string
	for _, p := range due {
		variants = append(variants, p.variant)
	}
	slices.Sort(variants)
	variants = slices.Compact(variants)
	offers, err := s.need.Stock.Listings(tx, o.acc.ID, variants)
	if err != nil {
		return err
	}
	byID := map[string]Offer{}
	for _, f := range offers {
		byID[f.ID] = f
	}
	groups, err := s.groups(tx, o.acc.ID)
	if err != nil {
		return err
	}
	promise, err := s.need.Stock.Promise(tx, o.acc.brief(), variants, groups)
	if err != nil {
		return err
	}
	held := map[string]int64{}
	if o.kind.Stock == channel.StockTotal {
		if held, err = s.need.Stock.HeldBack(tx, o.acc.ID, variants); err != nil {
			return err
		}
	}
	for i := range due {
		p := &due[i]
		p.offer = byID[p.listing]
		p.quantity = max(0, promise[p.variant][p.location]) + held[p.variant]
	}
	return nil
}

// reshow has numbers pushed anew, whatever the channel was last told: a channel that shows a total takes the units of a parcel out of it when it hears that they left.
func (s *Service) reshow(tx *db.Tx, t tell) error {
	acc, err := s.Account(tx, t.Account)
	if err != nil || acc.Mode != channel.Live || s.kinds[acc.Channel].Stock != channel.StockTotal {
		return err
	}
	var lines []string
	for _, l := range t.Payload.Lines {
		lines = append(lines, l.LineID)
	}
	variants, err := s.need.Stock.VariantsOf(tx, lines)
	if err != nil || len(variants) == 0 {
		return err
	}
	offers, err := s.need.Stock.Listings(tx, t.Account, variants)
	if err != nil {
		return err
	}
	b := db.NewBatch(2)
	for _, o := range offers {
		b.Add(t.Account, o.ID)
	}
	if _, err := tx.Exec(`update channel_stock set shown = null from rows(a text, l text) where channel_stock.account_id = r.a and channel_stock.listing_id = r.l`, b); err != nil {
		return err
	}
	return s.markOffers(tx, offers)
}

// settlePushes writes what the channel made of each number. What was not attempted, or is stale, is due again; what it refuses waits for a person after three tries.
func (s *Service) settlePushes(ctx context.Context, o *opened, all []push, verdicts []channel.Verdict, callErr error) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		b := db.NewBatch(3)
		var cases []exception.Case
		var clear []exception.Key
		for i, p := range all {
			err, shown := callErr, p.shown
			if i < len(verdicts) {
				err = verdicts[i].Err
			} else if err == nil {
				err = fault.New(fault.Unavailable, "the channel gave no verdict")
			}
			if i < len(verdicts) && verdicts[i].Now != nil {
				shown = verdicts[i].Now
			}
			dirty, attempts, next := true, p.attempts+1, tx.Now
			key := exception.Key{Cause: exception.PushRefused, SubjectKind: "listing", Subject: p.listing}
			switch fault.KindOf(err) {
			case fault.Conflict:
				if i < len(verdicts) && verdicts[i].Now == nil {
					shown = nil
				}
				next = next.Add(backoff(min(p.attempts, 4)))
			case fault.Throttled: // nothing was tried
				attempts, next = p.attempts, next.Add(fault.After(err))
			case fault.Refused, fault.Invalid, fault.NotFound:
				dirty = attempts < 3
				next = next.Add(backoff(attempts))
				if !dirty {
					cases = append(cases, exception.Case{
						Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: key.Subject, Account: o.acc.ID,
						Detail: map[string]any{"sku": p.offer.SKU, "quantity": p.quantity, "reason": fault.Message(err), "code": fault.CodeOf(err)},
					})
				}
			default:
				next = next.Add(max(fault.After(err), backoff(p.attempts)))
			}
			if err == nil {
				dirty, attempts, next = false, 0, tx.Now
				q := p.quantity
				shown = &q
				clear = append(clear, key) // attempts may have been counted anew since it was refused
			}
			b.Add(o.acc.ID, p.listing, p.location, p.key, dirty, nullable(shown), p.shown != nil, attempts, db.Micros(next), causeText(err))
		}
		// What was known when the number was taken and has been forgotten since (reshow) stays forgotten.
		_, err := tx.Exec(`update channel_stock set dirty = channel_stock.dirty or r.d, dirty_at = coalesce(channel_stock.dirty_at, $1), running_until = null,
			shown = case when r.w and channel_stock.shown is null then null else r.s end, told_at = $1, attempts = r.n, next_at = r.x, cause = r.c
			from rows(a text, l text, o text, k text, d boolean, s bigint, w boolean, n bigint, x bigint, c text)
			where channel_stock.account_id = r.a and channel_stock.listing_id = r.l and channel_stock.location = r.o and channel_stock.told_key = r.k`, b, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		if clear, err = withoutRefused(tx, o.acc.ID, clear); err != nil {
			return err
		}
		if err := exception.Clear(tx, "system", "the channel took it", clear...); err != nil {
			return err
		}
		return exception.Raise(tx, cases...)
	})
}

// withoutRefused leaves out the cases of listings of which the channel has refused another number, and took none since.
func withoutRefused(tx *db.Tx, account string, keys []exception.Key) ([]exception.Key, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var listings []string
	for _, k := range keys {
		listings = append(listings, k.Subject)
	}
	refused, err := db.All(tx, scanID, `select distinct listing_id from channel_stock where account_id = $1 and listing_id in (select key from json_each($2)) and attempts >= 3 and not dirty
		and cause is not null`, account, db.Keys(listings))
	return slices.DeleteFunc(keys, func(k exception.Key) bool { return slices.Contains(refused, k.Subject) }), err
}

func nullable(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

func causeText(err error) any {
	if err == nil {
		return nil
	}
	return fault.Message(err)
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
