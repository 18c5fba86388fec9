package order

import (
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Heads reads orders by id, locked in key order when asked. One that does not exist is left out.
func (s *Service) Heads(tx *db.Tx, ids []string, lock bool) (map[string]Head, error) {
	if lock {
		for _, id := range sorted(ids) {
			tx.Locking(db.LockOrder, id)
		}
	}
	heads, err := byID(tx, ids, lock)
	all := make(map[string]Head, len(heads))
	for _, h := range heads {
		all[h.ID] = h
	}
	return all, err
}

// Lines reads the lines of orders, in order.
func (s *Service) Lines(tx *db.Tx, orders []string) (map[string][]Line, error) {
	return linesOf(tx, orders)
}

// HoldView is an open or released hold as people see it.
type HoldView struct {
	Type     HoldType  `json:"type"`
	Title    string    `json:"title"`
	Detail   string    `json:"detail"`
	Blocks   bool      `json:"blocks"`
	By       string    `json:"by"`
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline,omitzero"`
	Default  string    `json:"default_outcome,omitempty"`
	Released time.Time `json:"released_at,omitzero"`
	Outcome  string    `json:"outcome,omitempty"`
}

// Charge is what the buyer pays besides goods.
type Charge struct {
	Kind  string       `json:"kind"`
	Title string       `json:"title"`
	Tax   money.Amount `json:"tax"`
	Total money.Amount `json:"total"`
}

// View is an order as API and command line show it; personal data is not in it.
type View struct {
	Head
	Totals  Totals     `json:"totals"`
	Lines   []Line     `json:"lines"`
	Charges []Charge   `json:"charges"`
	Held    []HoldView `json:"holds"`
}

// Totals are both views of the money: what the buyer pays and what the seller is owed.
type Totals struct {
	Goods           money.Amount  `json:"goods"`
	Discount        money.Amount  `json:"discount"`
	DiscountChannel money.Amount  `json:"discount_by_channel"`
	Tax             money.Amount  `json:"tax"`
	TaxChannel      money.Amount  `json:"tax_by_channel"`
	Charges         money.Amount  `json:"charges"`
	Rounding        money.Amount  `json:"rounding"`
	Total           money.Amount  `json:"total"`
	Owed            money.Amount  `json:"owed_to_seller"`
	Difference      *money.Amount `json:"difference,omitempty"`
	Shop            *money.Amount `json:"shop_total,omitempty"`
	ShopRate        string        `json:"shop_rate,omitempty"`
}

func (h *Head) totals() Totals {
	a, m := h.Sums, h.Amount
	t := Totals{
		Goods: m(a.Goods), Discount: m(a.Discount), DiscountChannel: m(a.DiscountChannel), Tax: m(a.Tax), TaxChannel: m(a.TaxChannel), Charges: m(a.Charges),
		Rounding: m(a.Rounding), Total: m(a.Total), Owed: m(a.Owed), ShopRate: h.ShopRate,
	}
	if a.Difference != 0 {
		d := m(a.Difference)
		t.Difference = &d
	}
	if h.ShopTotal.Currency != "" {
		t.Shop = &h.ShopTotal
	}
	return t
}

// Get reads one order by our id, our number, or the channel's id where that is unambiguous.
func (s *Service) Get(tx *db.Tx, ref string) (View, error) {
	ids, err := find2(tx, ref)
	if err != nil {
		return View{}, err
	}
	switch len(ids) {
	case 0:
		return View{}, fault.New(fault.NotFound, "there is no order %q", ref)
	case 2:
		return View{}, fault.New(fault.Conflict, "%q is an order in more than one account: use our own number", ref).WithCode("ambiguous")
	}
	heads, err := byID(tx, ids, false)
	if err != nil {
		return View{}, err
	}
	lines, err := linesOf(tx, ids)
	if err != nil {
		return View{}, err
	}
	v := View{Head: heads[0], Totals: heads[0].totals(), Lines: lines[ids[0]]}
	if v.Held, err = holdViews(tx, ids[0]); err != nil {
		return View{}, err
	}
	v.Charges, err = db.All(tx, func(row db.Scanner) (Charge, error) {
		var c Charge
		var tax, total int64
		err := row.Scan(&c.Kind, &c.Title, &tax, &total)
		c.Tax, c.Total = heads[0].Amount(tax), heads[0].Amount(total)
		return c, err
	}, `select kind, title, tax, total from order_charges where order_id = $1 order by n`, ids[0])
	return v, err
}

// byExternalID finds orders by the channel's id, account by account, so that the index of both is enough.
const byExternalID = `with recursive a(id) as (select min(account_id) from orders union all select (select min(o.account_id) from orders o where o.account_id > a.id) from a where a.id is not null)
	select o.id from a join orders o on o.account_id = a.id and o.external = ?`

func scanCount(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) }

// find2 finds up to two orders by any of their names, our own first. Every step goes by an index: the channel's id is looked up account by account. What is out of reach has
// no names: that one order is meant by a number must not tell of another.
func find2(tx *db.Tx, ref string) ([]string, error) {
	seen, args := tx.Within("orders", "o", []any{ref})
	for _, q := range []struct {
		text string
		args []any
	}{
		{`select id from orders where id = $1`, []any{ref}},
		{`select o.id from orders o where o.number = $1` + seen, args},
		{strings.ReplaceAll(byExternalID, "?", "$1") + seen + ` order by o.id limit 2`, args},
		{`select o.id from orders o where o.external_number = $1` + seen + ` order by o.id limit 2`, args},
	} {
		ids, err := db.All(tx, scanText, q.text, q.args...)
		if err != nil || len(ids) > 0 {
			return ids, err
		}
	}
	return nil, nil
}

func holdViews(tx *db.Tx, order string) ([]HoldView, error) {
	return db.All(tx, func(row db.Scanner) (HoldView, error) {
		var h HoldView
		err := row.Scan(&h.Type, &h.Detail, &h.By, db.Time(&h.Since), db.Time(&h.Deadline), db.Text(&h.Default), db.Time(&h.Released), db.Text(&h.Outcome))
		h.Title, h.Blocks = Holds[h.Type].Title, Holds[h.Type].Blocks
		return h, err
	}, `select type, detail, requester, since, deadline, default_outcome, released_at, outcome from order_holds where order_id = $1 order by id`, order)
}

// Of pages through the orders of an account by their external id, for diff and reconciliation.
func (s *Service) Of(tx *db.Tx, account, after string, limit int) ([]Head, error) {
	return db.All(tx, scanHead, `select `+headColumns+` from orders o where o.account_id = $1 and o.external > $2 order by o.external limit $3`, account, after, limit)
}
