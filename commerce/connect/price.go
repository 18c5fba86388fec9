package connect

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// pricePush is one price on its way to a channel.
type pricePush struct {
	listing, variant string
	wanted           int64
	currency         string
	shown            *int64
	attempts         int64
	offer            Offer
}

// RunPrices works out and pushes prices of live accounts, minute by minute, until the context ends.
func (s *Service) RunPrices(ctx context.Context) error {
	for ctx.Err() == nil {
		var accounts []Account
		err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			accounts, err = s.Accounts(tx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.need.Log.Warn("prices", "err", err)
		}
		for _, acc := range accounts {
			if acc.Mode != channel.Live || acc.State != Active || s.Pressed(ctx) {
				continue
			}
			if err = s.WorkOutPrices(ctx, acc.ID); err == nil {
				err = s.PushPrices(ctx, acc.ID)
			}
			if err != nil && ctx.Err() == nil {
				s.need.Log.Warn("prices", "account", acc.Name, "kind", fault.KindOf(err).String(), "err", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
	}
	return nil
}

// WorkOutPrices compares what the price lists say with what was last told. A price of 0, or one that changes by more than the account's limit
// (price_limit_percent, 30 unless set), waits for a person. A channel that is told no prices, like our own shop, which reads them from us, has none that wait.
func (s *Service) WorkOutPrices(ctx context.Context, account string) error {
	o, err := s.open(ctx, account)
	if err != nil {
		return err
	}
	if _, ok := o.ch.(channel.PriceSetter); !ok {
		return s.dropPrices(ctx, o.acc.ID)
	}
	for after, more := "", true; more; {
		err = s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
			acc, err := s.Account(tx, account)
			if err != nil {
				return err
			}
			page, err := s.need.Stock.OffersOf(tx, acc.ID, after, 200)
			if err != nil || len(page) == 0 {
				more = false
				return err
			}
			after = page[len(page)-1].ID
			return s.wantPrices(tx, acc, page)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropPrices forgets the prices of an account whose channel is told none, and what was raised about them.
func (s *Service) dropPrices(ctx context.Context, account string) error {
	left := 0
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		ids, err := db.All(tx, scanID, `select listing_id from channel_prices where account_id = $1 limit 1`, account)
		left = len(ids)
		return err
	})
	if err != nil || left == 0 {
		return err
	}
	return s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		ids, err := db.All(tx, scanID, `delete from channel_prices where account_id = $1 returning listing_id`, account)
		if err != nil {
			return err
		}
		var gone []exception.Key
		for _, id := range ids {
			gone = append(gone, priceCases(id)...)
		}
		return exception.Clear(tx, "system", "the shop reads its prices from us", gone...)
	})
}

func (s *Service) wantPrices(tx *db.Tx, acc Account, page []Offer) error {
	prices, err := s.need.Stock.Prices(tx, acc.brief(), variantsOf(page))
	if err != nil || len(prices) == 0 {
		return err
	}
	known, err := s.pricesOf(tx, acc.ID, page)
	if err != nil {
		return err
	}
	b := db.NewBatch(2)
	var cases []exception.Case
	var clear []exception.Key
	for _, o := range page {
		p, ok := prices[o.Variant]
		k, had := known[o.ID]
		if !ok || had && k.wanted == p.Price.Minor {
			continue
		}
		state := "due"
		clear = append(clear, priceCases(o.ID)...) // they were about another price
		if why := priceDoubt(acc, k, p.Price); why != "" {
			state = "held"
			cases = append(cases, exception.Case{
				Cause: exception.PriceHeld, SubjectKind: "listing", Subject: o.ID, Account: acc.ID,
				Detail: map[string]any{"sku": o.SKU, "price": p.Price, "reason": why},
			})
		}
		b.Add(acc.ID, o.ID, o.Variant, p.Price.Minor, p.Price.Currency, state)
	}
	_, err = tx.Exec(`insert into channel_prices (account_id, listing_id, variant_id, wanted, currency, state, attempts, next_at, updated_at, version)
		select a, l, v, w, c, s, 0, 0, cast($1 as bigint), 1 from rows(a text, l text, v text, w bigint, c text, s text) where true
		on conflict (account_id, listing_id) do update set wanted = excluded.wanted, currency = excluded.currency, state = excluded.state, attempts = 0,
			next_at = case when channel_prices.state = 'due' then channel_prices.next_at else 0 end,
			updated_at = excluded.updated_at, version = channel_prices.version + 1`, b, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if err := exception.Clear(tx, "system", "the price lists say another price", clear...); err != nil {
		return err
	}
	return exception.Raise(tx, cases...)
}

// priceCases are the cases that a price of a listing may have.
func priceCases(listing string) []exception.Key {
	return []exception.Key{
		{Cause: exception.PriceHeld, SubjectKind: "listing", Subject: listing},
		{Cause: exception.PushRefused, SubjectKind: "price", Subject: listing},
	}
}

// priceDoubt says why a price is not pushed without a person; "" when it is.
func priceDoubt(acc Account, known pricePush, p money.Amount) string {
	if p.Minor <= 0 {
		return "a price of nothing"
	}
	if known.shown == nil || *known.shown == 0 {
		return ""
	}
	limit := int64(30)
	if n, err := strconv.ParseInt(acc.Settings["price_limit_percent"], 10, 64); err == nil && n > 0 {
		limit = n
	}
	d := p.Minor - *known.shown
	if d < 0 {
		d = -d
	}
	if d > *known.shown*limit/100 {
		return "it changes by more than " + itoa(limit) + " percent"
	}
	return ""
}

func (s *Service) pricesOf(tx *db.Tx, account string, page []Offer) (map[string]pricePush, error) {
	var ids []string
	for _, o := range page {
		ids = append(ids, o.ID)
	}
	all := map[string]pricePush{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var p pricePush
		var shown any
		err := row.Scan(&p.listing, &p.variant, &p.wanted, &p.currency, &shown, &p.attempts)
		if n, ok := shown.(int64); ok {
			p.shown = &n
		}
		all[p.listing] = p
		return struct{}{}, err
	}, `select listing_id, variant_id, wanted, currency, shown, attempts from channel_prices where account_id = $1 and listing_id in (select key from json_each($2))`, account, db.Keys(ids))
	return all, err
}

// PushPrices tells the channel the prices that are due, 50 at a time. Prices are set, not changed by an amount: repeating one does no harm, and what a killed process
// had taken comes again when its lease ends.
func (s *Service) PushPrices(ctx context.Context, account string) error {
	o, err := s.open(ctx, account)
	if err != nil {
		return err
	}
	setter, ok := o.ch.(channel.PriceSetter)
	if !ok {
		return nil
	}
	for {
		due, err := s.duePrices(ctx, account)
		if err != nil || len(due) == 0 {
			return err
		}
		levels := make([]channel.PriceLevel, len(due))
		for i, p := range due {
			levels[i] = channel.PriceLevel{Listing: p.offer.Ref, Price: money.Of(p.wanted, p.currency), Key: db.ID()}
		}
		callCtx, cancel := context.WithTimeout(ctx, pushLease-5*time.Second)
		verdicts, callErr := setter.SetPrices(callCtx, levels)
		cancel()
		if callErr != nil {
			s.unwell(ctx, o.acc, callErr)
		}
		if err := s.settlePrices(context.WithoutCancel(ctx), o, due, verdicts, callErr); err != nil {
			return err
		}
		if callErr != nil {
			return callErr
		}
	}
}

// duePrices leases prices that are due, so that two pushes of one listing never overlap. One whose listing is not mapped any more is forgotten.
func (s *Service) duePrices(ctx context.Context, account string) ([]pricePush, error) {
	var due []pricePush
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		due = nil
		for len(due) == 0 {
			ids, err := db.All(tx, scanID, `select listing_id from channel_prices where account_id = $1 and state = 'due' and next_at <= $2 order by next_at, listing_id limit 50`+tx.Lock(),
				account, db.Micros(tx.Now))
			if err != nil || len(ids) == 0 {
				return err
			}
			if due, err = s.offered(tx, account, ids); err != nil {
				return err
			}
			_, err = tx.Exec(`update channel_prices set next_at = $3 where account_id = $1 and listing_id in (select key from json_each($2))`,
				account, db.Keys(ids), db.Micros(tx.Now.Add(pushLease)))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return due, err
}

// offered reads the prices of listings; those of listings that are not mapped any more are deleted.
func (s *Service) offered(tx *db.Tx, account string, ids []string) ([]pricePush, error) {
	var page []Offer
	for _, id := range ids {
		page = append(page, Offer{ID: id})
	}
	known, err := s.pricesOf(tx, account, page)
	if err != nil {
		return nil, err
	}
	var variants []string
	for _, id := range ids {
		variants = append(variants, known[id].variant)
	}
	slices.Sort(variants)
	offers, err := s.need.Stock.Listings(tx, account, slices.Compact(variants))
	if err != nil {
		return nil, err
	}
	var due []pricePush
	for _, f := range offers {
		if k, ok := known[f.ID]; ok {
			k.offer = f
			due = append(due, k)
			delete(known, f.ID)
		}
	}
	gone := slices.Sorted(keysOf(known))
	_, err = tx.Exec(`delete from channel_prices where account_id = $1 and listing_id in (select key from json_each($2))`, account, db.Keys(gone))
	return due, err
}

func (s *Service) settlePrices(ctx context.Context, o *opened, due []pricePush, verdicts []channel.Verdict, callErr error) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		b := db.NewBatch(2)
		var cases []exception.Case
		var clear []exception.Key
		for i, p := range due {
			err := callErr
			if i < len(verdicts) {
				err = verdicts[i].Err
			} else if err == nil {
				err = fault.New(fault.Unavailable, "the channel gave no verdict")
			}
			state, shown, attempts, next := "told", any(p.wanted), int64(0), tx.Now
			if err != nil {
				state, shown, attempts, next = "due", nullable(p.shown), p.attempts+1, tx.Now.Add(max(fault.After(err), backoff(p.attempts)))
				if k := fault.KindOf(err); attempts >= 3 && (k == fault.Refused || k == fault.Invalid || k == fault.NotFound) {
					state = "refused"
					cases = append(cases, exception.Case{
						Cause: exception.PushRefused, SubjectKind: "price", Subject: p.listing, Account: o.acc.ID,
						Detail: map[string]any{"sku": p.offer.SKU, "price": money.Of(p.wanted, p.currency), "reason": fault.Message(err), "code": fault.CodeOf(err)},
					})
				}
			}
			if err == nil {
				clear = append(clear, priceCases(p.listing)...)
			}
			b.Add(o.acc.ID, p.listing, p.wanted, state, shown, attempts, db.Micros(next), causeText(err))
		}
		_, err := tx.Exec(`update channel_prices set state = r.s, shown = r.sh, attempts = r.n, next_at = r.x, cause = r.c, told_at = $1
			from rows(a text, l text, w bigint, s text, sh bigint, n bigint, x bigint, c text)
			where channel_prices.account_id = r.a and channel_prices.listing_id = r.l and channel_prices.wanted = r.w and channel_prices.state = 'due'`, b, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		// Another price was wanted meanwhile: it is due now that this push is over. What the channel shows by now is not that.
		again := db.NewBatch(3)
		for i, p := range due {
			if i < len(verdicts) && verdicts[i].Err == nil {
				again.Add(o.acc.ID, p.listing, p.wanted)
			}
		}
		_, err = tx.Exec(`update channel_prices set next_at = 0, shown = r.w from rows(a text, l text, w bigint)
			where channel_prices.account_id = r.a and channel_prices.listing_id = r.l and channel_prices.wanted <> r.w`, again)
		if err != nil {
			return err
		}
		if err := exception.Clear(tx, "system", "the channel took the price", clear...); err != nil {
			return err
		}
		return exception.Raise(tx, cases...)
	})
}

// AcceptPrice lets a held price go out.
func (s *Service) AcceptPrice(ctx context.Context, account, listing, actor string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`update channel_prices set state = 'due', next_at = 0, attempts = 0, version = version + 1 where account_id = $1 and listing_id = $2 and state in ('held', 'refused')`, account, listing)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "no price of this listing waits")
		}
		if err := exception.Clear(tx, actor, "the price was accepted", priceCases(listing)...); err != nil {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "price.accept", SubjectKind: "listing", Subject: listing})
	})
}
