package catalog

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// PriceQuery asks for the prices of variants where they are sold.
type PriceQuery struct {
	Country, Currency, Channel, Account string
	Variants                            []string
	At                                  time.Time
}

// Price is what a variant costs, and what is struck through beside it.
type Price struct {
	Amount  money.Amount `json:"amount"`
	Compare money.Amount `json:"compare,omitzero"`
	List    string       `json:"list_id"`
}

// Price gives the prices of variants at a moment. Of the active lists for this country and currency, one made for the account comes before one
// for the channel before a general one, then the smaller priority; within a list the price that began last. A variant without a price is left out.
func (s *Service) Price(tx *db.Tx, q PriceQuery) (map[string]Price, error) {
	all := map[string]Price{}
	if len(q.Variants) == 0 {
		return all, nil
	}
	tx.SendQuery(`select p.variant_id, p.list_id, p.amount, p.compare from prices p join price_lists l on l.id = p.list_id
		where p.variant_id in (select key from json_each($1)) and l.active and l.country = $2 and l.currency = $3
		and (l.channel is null or l.channel = $4) and (l.account_id is null or l.account_id = $5)
		and p.valid_from <= $6 and (p.valid_to is null or p.valid_to > $6)
		order by p.variant_id, case when l.account_id is not null then 0 when l.channel is not null then 1 else 2 end, l.priority, l.name, p.valid_from desc`,
		func(row db.Scanner) error {
			var variant, list string
			var amount int64
			var compare *int64
			err := row.Scan(&variant, &list, &amount, &compare)
			if _, better := all[variant]; better {
				return err
			}
			p := Price{Amount: money.Of(amount, q.Currency), List: list}
			if compare != nil {
				p.Compare = money.Of(*compare, q.Currency)
			}
			all[variant] = p
			return err
		}, keys(q.Variants), q.Country, q.Currency, q.Channel, q.Account, q.At.UnixMicro())
	return all, tx.Flush()
}

// List is a price list.
type List struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Country  string `json:"country"`
	Currency string `json:"currency"`
	Channel  string `json:"channel,omitempty"`    // "" = any
	Account  string `json:"account_id,omitempty"` // "" = any
	Priority int64  `json:"priority"`             // smaller comes first
	Active   bool   `json:"active"`
}

// Lists reads price lists by name, or all of them, ordered by name.
func (s *Service) Lists(tx *db.Tx, names ...string) ([]List, error) {
	where, args := "true", []any(nil)
	if len(names) > 0 {
		where, args = "name in (select key from json_each($1))", []any{keys(names)}
	}
	return db.All(tx, func(row db.Scanner) (l List, err error) {
		err = row.Scan(&l.ID, &l.Name, &l.Country, &l.Currency, db.Text(&l.Channel), db.Text(&l.Account), &l.Priority, &l.Active)
		return l, err
	}, `select id, name, country, currency, channel, account_id, priority, active from price_lists where `+where+` order by name`, args...)
}

// NewList is a price list with prices by variant, in minor units of its currency, valid from now.
type NewList struct {
	Name, Country, Currency string
	Channel, Account        string // "" = any
	Priority                int64
	Prices                  map[string]int64
}

// SavePrices adds a price list, or prices to the one of that name, which takes the other values given. Fault: Invalid.
func (s *Service) SavePrices(tx *db.Tx, l NewList) error {
	prices := make([]NewPrice, 0, len(l.Prices))
	for _, v := range slices.Sorted(maps.Keys(l.Prices)) {
		prices = append(prices, NewPrice{List: l.Name, Variant: v, Amount: l.Prices[v]})
	}
	if err := s.SaveLists(tx, []List{{Name: l.Name, Country: l.Country, Currency: l.Currency, Channel: l.Channel, Account: l.Account, Priority: l.Priority, Active: true}}); err != nil {
		return err
	}
	return s.AddPrices(tx, prices)
}

// SaveLists adds price lists and changes those whose name is known; a list keeps its currency. Faults: Invalid; Conflict for another currency.
func (s *Service) SaveLists(tx *db.Tx, all []List) error {
	batch := db.NewBatch(1)
	for _, l := range slices.SortedFunc(slices.Values(all), func(a, b List) int { return cmp.Compare(a.Name, b.Name) }) {
		if l.Name == "" || len(l.Country) != 2 || !money.Valid(l.Currency) {
			return fault.Field("list", "the price list %q needs a name, a country of two letters and an ISO 4217 currency", l.Name)
		}
		batch.Add(l.Name, db.ID(), l.Country, l.Currency, orNull(l.Channel), orNull(l.Account), l.Priority, l.Active)
	}
	n, err := tx.Exec(`insert into price_lists (name, id, country, currency, channel, account_id, priority, active)
		select r.n, r.i, r.c, r.y, r.h, r.x, r.p, r.a from rows(n text, i text, c text, y text, h text, x text, p bigint, a boolean) where true
		on conflict (name) do update set country = excluded.country, channel = excluded.channel, account_id = excluded.account_id,
			priority = excluded.priority, active = excluded.active where price_lists.currency = excluded.currency`, batch)
	if err == nil && n != int64(len(all)) {
		err = fault.New(fault.Conflict, "a price list keeps its currency: make another list").WithCode("currency")
	}
	return err
}

// NewPrice is one price of a list, by the list's name.
type NewPrice struct {
	List, Variant string
	Amount        int64     // minor units of the list's currency
	Compare       int64     // struck through beside it; 0 = none
	From          time.Time // zero = now
	To            time.Time // the first instant it is no longer valid; zero = open
}

// AddPrices adds prices; one with the same list, variant and begin replaces the earlier. The lists must exist.
// Fault: Invalid for a negative price, a struck-through price below it, an end before the begin or a list that does not exist.
func (s *Service) AddPrices(tx *db.Tx, all []NewPrice) error {
	batch := db.NewBatch(3)
	for _, p := range all {
		if p.From.IsZero() {
			p.From = tx.Now
		}
		if err := p.check(); err != nil {
			return err
		}
		batch.Add(p.List, p.Variant, p.From.UnixMicro(), db.Micros(p.To), p.Amount, positive(p.Compare))
	}
	n, err := tx.Exec(`insert into prices (list_id, variant_id, valid_from, valid_to, amount, compare)
		select l.id, r.v, r.f, r.t, r.a, r.c from rows(n text, v text, f bigint, t bigint, a bigint, c bigint) join price_lists l on l.name = r.n where true
		on conflict (list_id, variant_id, valid_from) do update set amount = excluded.amount, compare = excluded.compare, valid_to = excluded.valid_to`, batch)
	if err == nil && n != int64(batch.Len()) {
		err = fault.Field("list", "a price list does not exist")
	}
	return err
}

func (p NewPrice) check() error {
	switch {
	case p.Amount < 0:
		return fault.Field("price", "must not be negative")
	case p.Compare != 0 && p.Compare < p.Amount:
		return fault.Field("compare", "a struck-through price must not be below the price")
	case !p.To.IsZero() && !p.To.After(p.From):
		return fault.Field("to", "must lie after from")
	}
	return nil
}

func positive(n int64) any {
	if n <= 0 {
		return nil
	}
	return n
}

// Costs gives what a unit of each variant costs a company at a moment; one that is not known is left out.
func (s *Service) Costs(tx *db.Tx, legalEntity string, variants []string, at time.Time) (map[string]money.Amount, error) {
	all := map[string]money.Amount{}
	if len(variants) == 0 {
		return all, nil
	}
	tx.SendQuery(`select variant_id, amount, currency from costs where variant_id in (select key from json_each($1)) and legal_entity_id = $2
		and valid_from <= $3 order by variant_id, valid_from`, func(row db.Scanner) error {
		var variant, currency string
		var amount int64
		err := row.Scan(&variant, &amount, &currency)
		all[variant] = money.Of(amount, currency)
		return err
	}, keys(variants), legalEntity, at.UnixMicro())
	return all, tx.Flush()
}

// Cost is what a unit costs a company from a moment on.
type Cost struct {
	Variant, LegalEntity string
	Amount               money.Amount
	From                 time.Time // zero = now
}

// SaveCosts adds costs; one with the same variant, company and begin replaces the earlier. Fault: Invalid for a negative cost.
func (s *Service) SaveCosts(tx *db.Tx, all []Cost) error {
	batch := db.NewBatch(3)
	for _, c := range all {
		if c.Amount.Minor < 0 || !money.Valid(c.Amount.Currency) {
			return fault.Field("cost", "%s is no cost", c.Amount)
		}
		if c.From.IsZero() {
			c.From = tx.Now
		}
		batch.Add(c.Variant, c.LegalEntity, c.From.UnixMicro(), c.Amount.Minor, c.Amount.Currency)
	}
	_, err := tx.Exec(`insert into costs (variant_id, legal_entity_id, valid_from, amount, currency)
		select r.v, r.l, r.f, r.a, r.c from rows(v text, l text, f bigint, a bigint, c text) where true
		on conflict (variant_id, legal_entity_id, valid_from) do update set amount = excluded.amount, currency = excluded.currency`, batch)
	return err
}
