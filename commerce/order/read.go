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

// commonSKU is in how many lines a SKU is common: fewer orders are sorted faster than the newest orders are looked through for it.
const commonSKU = 8000

func scanCount(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) }

// find2 finds up to two orders by any of their names, our own first. Every step goes by an index: the channel's id is looked up account by account.
func find2(tx *db.Tx, ref string) ([]string, error) {
	for _, q := range []string{
		`select id from orders where id = $1`,
		`select id from orders where number = $1`,
		strings.ReplaceAll(byExternalID, "?", "$1") + ` order by o.id limit 2`,
		`select id from orders where external_number = $1 order by id limit 2`,
	} {
		ids, err := db.All(tx, scanText, q, ref)
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

// Filter narrows a list; the zero value is everything.
type Filter struct {
	Account string
	Channel string
	Country string
	State   State
	Pay     PayState
	Held    *bool
	Number  string // our number, the channel's number or id
	SKU     string
	From    time.Time
	Until   time.Time
	Oldest  bool // oldest first

	common bool // the SKU is in so many orders that walking through the newest finds it sooner
}

// Page is one page of a keyset list; Next is empty at the end.
type Page struct {
	Items []Head `json:"items"`
	Next  string `json:"next,omitempty"`
}

// List pages through orders, newest first, resuming after the last one of the page before.
func (s *Service) List(tx *db.Tx, f Filter, after string, limit int) (Page, error) {
	if limit < 1 || limit > 500 {
		limit = 50
	}
	if f.SKU != "" {
		n, err := db.One(tx, scanCount, `select count(*) from (select 1 from order_lines where sku = $1 limit $2) few`, f.SKU, commonSKU)
		if err != nil {
			return Page{}, err
		}
		f.common = f.common || n == commonSKU
	}
	where, args := f.where()
	if seen, more := tx.Within("orders", "o", args); seen != "" {
		where, args = append(where, "o.id = o.id"+seen), more
	}
	cmp, dir := "<", "desc"
	if f.Oldest {
		cmp, dir = ">", "asc"
	}
	if after != "" {
		at, id, ok := strings.Cut(after, "_")
		if !ok {
			return Page{}, fault.Field("after", "is not a cursor of this list")
		}
		args = append(args, at, id)
		where = append(where, `(o.created_at, o.id) `+cmp+` (cast($`+itoa(int64(len(args)-1))+` as bigint), $`+itoa(int64(len(args)))+`)`)
	}
	args = append(args, limit+1)
	q := `select ` + headColumns + ` from orders o`
	if len(where) > 0 {
		q += ` where ` + strings.Join(where, " and ")
	}
	heads, err := db.All(tx, scanHead, q+` order by o.created_at `+dir+`, o.id `+dir+` limit $`+itoa(int64(len(args))), args...)
	if err != nil {
		return Page{}, err
	}
	p := Page{Items: heads}
	if len(heads) > limit {
		p.Items = heads[:limit]
		last := p.Items[limit-1]
		p.Next = itoa(last.CreatedAt.UnixMicro()) + "_" + last.ID
	}
	return p, nil
}

func (f Filter) where() (where []string, args []any) {
	add := func(clause string, v any) {
		args = append(args, v)
		where = append(where, strings.ReplaceAll(clause, "?", "$"+itoa(int64(len(args)))))
	}
	if f.Account != "" {
		add(`o.account_id = ?`, f.Account)
	}
	if f.Channel != "" {
		add(`o.channel = ?`, f.Channel)
	}
	if f.Country != "" {
		add(`o.country = ?`, f.Country)
	}
	if f.State != "" {
		add(`o.state = ?`, string(f.State))
	}
	if f.Pay != "" {
		add(`o.pay_state = ?`, string(f.Pay))
	}
	if f.Held != nil {
		clause := `o.holds = 0`
		if *f.Held { // in these words: an index holds just the orders that wait
			clause = `o.holds > 0`
		}
		where = append(where, clause)
	}
	if f.Number != "" {
		add(`o.id in (select id from orders where number = ? union all select id from orders where external_number = ? union all select id from (`+byExternalID+`) x)`, f.Number)
	}
	switch {
	case f.SKU != "" && f.common:
		add(`exists (select 1 from order_lines s where s.sku = ? and s.order_id = o.id)`, f.SKU)
	case f.SKU != "":
		add(`o.id in (select order_id from order_lines where sku = ?)`, f.SKU)
	}
	if !f.From.IsZero() {
		add(`o.created_at >= ?`, db.Micros(f.From))
	}
	if !f.Until.IsZero() {
		add(`o.created_at < ?`, db.Micros(f.Until))
	}
	return where, args
}

// Of pages through the orders of an account by their external id, for diff and reconciliation.
func (s *Service) Of(tx *db.Tx, account, after string, limit int) ([]Head, error) {
	return db.All(tx, scanHead, `select `+headColumns+` from orders o where o.account_id = $1 and o.external > $2 order by o.external limit $3`, account, after, limit)
}
