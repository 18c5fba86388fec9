package order

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

const headColumns = `o.id, o.number, o.account_id, o.channel, o.external, o.external_number, o.legal_entity_id, o.country, o.currency, o.tax_mode, o.money,
	o.state, o.pay_state, o.mode, o.ours, o.origin, o.placed_at, o.business_date, o.ship_by, o.deliver_by, o.cancelled_at, o.closed_at, o.paid_at, o.version_at, o.read_at,
	o.content_hash, o.raw_id, o.buyer_id, o.seen_buyer_id, o.zone, o.ship_country, o.ship_province, o.ship_city, o.ship_postcode, o.address_ok,
	o.goods, o.discount, o.discount_channel, o.tax, o.tax_channel, o.charges, o.rounding, o.total, o.owed, o.difference,
	o.shop_total, o.shop_currency, o.shop_rate, o.cod, o.statuses, o.tags, o.extra,
	o.units_ordered, o.units_cancelled, o.units_open, o.units_shipped, o.units_delivered, o.units_back, o.holds, o.created_at, o.updated_at, o.version`

func scanHead(row db.Scanner) (Head, error) {
	var h Head
	s := &h.Sums
	err := row.Scan(&h.ID, &h.Number, &h.Account, &h.Channel, &h.External, &h.ExternalNumber, &h.LegalEntity, &h.Country, &h.Currency, &h.TaxMode, &h.Money,
		&h.State, &h.PayState, &h.Mode, &h.Ours, &h.Origin, db.Time(&h.PlacedAt), &h.BusinessDate, db.Time(&h.ShipBy), db.Time(&h.DeliverBy), db.Time(&h.CancelledAt),
		db.Time(&h.ClosedAt), db.Time(&h.PaidAt), db.Time(&h.VersionAt), db.Time(&h.ReadAt), &h.Hash, &h.Raw, db.Text(&h.Buyer), db.Text(&h.SeenBuyer), &h.Zone, &h.ShipCountry, &h.ShipProvince, &h.ShipCity,
		&h.ShipPostcode, &h.AddressOK, &s.Goods, &s.Discount, &s.DiscountChannel, &s.Tax, &s.TaxChannel, &s.Charges, &s.Rounding, &s.Total, &s.Owed, &s.Difference,
		db.Int(&h.ShopTotal.Minor), db.Text(&h.ShopTotal.Currency), db.Text(&h.ShopRate), &h.COD, db.JSON(&h.Statuses), db.JSON(&h.Tags), db.JSON(&h.Extra),
		&h.Units.Ordered, &h.Units.Cancelled, &h.Units.Open, &h.Units.Shipped, &h.Units.Delivered, &h.Units.Back, &h.Holds,
		db.Time(&h.CreatedAt), db.Time(&h.UpdatedAt), &h.Version)
	return h, err
}

// headRow is the order as rows(…) takes it, in the order of headTypes.
func headRow(h *Head) []any {
	s := &h.Sums
	return []any{
		h.ID, h.Number, h.Account, h.Channel, h.External, h.ExternalNumber, h.LegalEntity, h.Country, h.Currency, string(h.TaxMode), string(h.Money),
		string(h.State), string(h.PayState), string(h.Mode), h.Ours, h.Origin, db.Micros(h.PlacedAt), h.BusinessDate, db.Micros(h.ShipBy), db.Micros(h.DeliverBy),
		db.Micros(h.CancelledAt), db.Micros(h.ClosedAt), db.Micros(h.PaidAt), db.Micros(h.VersionAt), db.Micros(h.ReadAt), h.Hash, h.Raw, orNull(h.Buyer), orNull(h.SeenBuyer), h.Zone, h.ShipCountry, h.ShipProvince,
		h.ShipCity, h.ShipPostcode, h.AddressOK, s.Goods, s.Discount, s.DiscountChannel, s.Tax, s.TaxChannel, s.Charges, s.Rounding, s.Total, s.Owed, s.Difference,
		shopMinor(h.ShopTotal), orNull(h.ShopTotal.Currency), orNull(h.ShopRate), h.COD, text(h.Statuses), text(h.Tags), text(h.Extra),
		h.Units.Ordered, h.Units.Cancelled, h.Units.Open, h.Units.Shipped, h.Units.Delivered, h.Units.Back, h.Holds, db.Micros(h.CreatedAt), db.Micros(h.UpdatedAt), h.Version,
	}
}

// headTypes declares the columns of headRow, by the names of the table.
const headTypes = `id text, number text, account_id text, channel text, external text, external_number text, legal_entity_id text, country text, currency text, tax_mode text, money text,
	state text, pay_state text, mode text, ours boolean, origin text, placed_at bigint, business_date text, ship_by bigint, deliver_by bigint,
	cancelled_at bigint, closed_at bigint, paid_at bigint, version_at bigint, read_at bigint, content_hash text, raw_id text, buyer_id text, seen_buyer_id text, zone text, ship_country text, ship_province text,
	ship_city text, ship_postcode text, address_ok boolean, goods bigint, discount bigint, discount_channel bigint, tax bigint, tax_channel bigint, charges bigint, rounding bigint, total bigint, owed bigint, difference bigint,
	shop_total bigint, shop_currency text, shop_rate text, cod boolean, statuses text, tags text, extra text,
	units_ordered bigint, units_cancelled bigint, units_open bigint, units_shipped bigint, units_delivered bigint, units_back bigint, holds bigint, created_at bigint, updated_at bigint, version bigint`

const lineColumns = `l.id, l.order_id, l.n, l.external, l.listing_id, l.variant_id, l.sku, l.title, l.fulfilled_by, l.ships, l.kit, l.currency, l.unit_price, l.goods,
	l.discount, l.discount_channel, l.tax, l.tax_channel, l.total, l.discounts, l.taxes, l.unit_cost, l.cost_currency, l.parts,
	l.ordered, l.cancelled, l.open, l.shipped, l.on_the_way, l.delivered, l.coming_back, l.returned, l.lost, l.refunded, l.exchanged, l.seen_cancelled, l.seen_shipped, l.seen_past, l.location_hint`

func scanLine(row db.Scanner) (Line, error) {
	var l Line
	p := &l.Progress
	err := row.Scan(&l.ID, &l.OrderID, &l.N, &l.External, db.Text(&l.Listing), db.Text(&l.Variant), &l.SKU, &l.Title, &l.FulfilledBy, &l.Ships, &l.Kit, &l.Currency, &l.UnitPrice,
		&l.Goods, &l.Discount, &l.DiscountChannel, &l.Tax, &l.TaxChannel, &l.Total, db.JSON(&l.Discounts), db.JSON(&l.Taxes), db.Int(&l.UnitCost.Minor),
		db.Text(&l.UnitCost.Currency), db.JSON(&l.Parts), &p.Ordered, &p.Cancelled, &p.Open, &p.Shipped, &p.OnTheWay, &p.Delivered, &p.Returning, &p.Returned, &p.Lost,
		&p.Refunded, &p.Exchanged, &l.Seen.Cancelled, &l.Seen.Shipped, &l.Seen.Past, &l.Location)
	return l, err
}

const lineTypes = `id text, order_id text, n bigint, external text, listing_id text, variant_id text, sku text, title text, fulfilled_by text, ships boolean, kit boolean, currency text,
	unit_price bigint, goods bigint, discount bigint, discount_channel bigint, tax bigint, tax_channel bigint, total bigint, discounts text, taxes text, unit_cost bigint, cost_currency text, parts text,
	ordered bigint, cancelled bigint, open bigint, shipped bigint, on_the_way bigint, delivered bigint, coming_back bigint, returned bigint, lost bigint, refunded bigint, exchanged bigint,
	seen_cancelled bigint, seen_shipped bigint, seen_past bigint, location_hint text`

func lineRow(l *Line) []any {
	p := &l.Progress
	var cost any
	if l.UnitCost.Currency != "" {
		cost = l.UnitCost.Minor
	}
	var parts any
	if len(l.Parts) > 0 {
		parts = text(l.Parts)
	}
	return []any{
		l.ID, l.OrderID, l.N, l.External, orNull(l.Listing), orNull(l.Variant), l.SKU, l.Title, string(l.FulfilledBy), l.Ships, l.Kit, l.Currency,
		l.UnitPrice, l.Goods, l.Discount, l.DiscountChannel, l.Tax, l.TaxChannel, l.Total, text(l.Discounts), text(l.Taxes), cost, orNull(l.UnitCost.Currency), parts,
		p.Ordered, p.Cancelled, p.Open, p.Shipped, p.OnTheWay, p.Delivered, p.Returning, p.Returned, p.Lost, p.Refunded, p.Exchanged,
		l.Seen.Cancelled, l.Seen.Shipped, l.Seen.Past, l.Location,
	}
}

// names strips the types of a rows(…) declaration.
func names(types string) string {
	parts := strings.Split(types, ",")
	for i, p := range parts {
		parts[i] = strings.Fields(p)[0]
	}
	return strings.Join(parts, ", ")
}

// assign makes `a = r.a, b = r.b` of the columns of a declaration, the first skip left out.
func assign(types string, skip int) string {
	parts := strings.Split(names(types), ", ")[skip:]
	for i, p := range parts {
		parts[i] = p + " = r." + p
	}
	return strings.Join(parts, ", ")
}

var (
	insertHeads = `insert into orders (` + names(headTypes) + `) select ` + names(headTypes) + ` from rows(` + headTypes + `) where true on conflict (account_id, external) do nothing returning id`
	insertLines = `insert into order_lines (` + names(lineTypes) + `) select ` + names(lineTypes) + ` from rows(` + lineTypes + `)`
	updateHeads = `update orders set ` + assign(headTypes, 2) + ` from rows(` + headTypes + `) where orders.id = r.id and orders.version = r.version - 1`
	updateLines = `update order_lines set ` + assign(lineTypes, 4) + ` from rows(` + lineTypes + `) where order_lines.id = r.id`
)

// byExternal reads and locks the orders of these (account, external id) pairs, in key order.
func byExternal(tx *db.Tx, arrivals []channel.Arrival) ([]Head, error) {
	b := db.NewBatch(0)
	for i := range arrivals {
		b.Add(arrivals[i].Account.ID, arrivals[i].Change.External)
	}
	return db.All(tx, scanHead, `select `+headColumns+` from orders o, rows(a text, x text) where o.account_id = r.a and o.external = r.x order by o.id`+tx.Lock(), b)
}

// byID reads orders, locked in key order when asked.
func byID(tx *db.Tx, ids []string, lock bool) ([]Head, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var heads []Head
	laterHeads(tx, &heads, ids, lock)
	return heads, tx.Flush()
}

func laterHeads(tx *db.Tx, heads *[]Head, ids []string, lock bool) {
	q := `select ` + headColumns + ` from orders o where o.id in (select key from json_each($1)) order by o.id`
	if lock {
		q += tx.Lock()
	}
	db.Later(tx, heads, scanHead, q, db.Keys(ids))
}

// linesOf reads the lines of orders with their units, in order.
func linesOf(tx *db.Tx, ids []string) (map[string][]Line, error) {
	if len(ids) == 0 {
		return map[string][]Line{}, nil
	}
	r := laterLines(tx, ids)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	return r.lines(), nil
}

// lineRows are the rows that make up the lines of some orders, once they have been flushed.
type lineRows struct {
	found []Line
	units []unitRow
}

type unitRow struct {
	line string
	Unit
}

func laterLines(tx *db.Tx, ids []string) *lineRows {
	var r lineRows
	db.Later(tx, &r.found, scanLine, `select `+lineColumns+` from order_lines l where l.order_id in (select key from json_each($1)) order by l.order_id, l.n`, db.Keys(ids))
	db.Later(tx, &r.units, func(row db.Scanner) (u unitRow, err error) {
		err = row.Scan(&u.line, &u.External, &u.Bucket, &u.Status, &u.Raw, db.Text(&u.Package), db.Text(&u.Tracking))
		return u, err
	}, `select line_id, external, bucket, status, raw, package, tracking from order_units where order_id in (select key from json_each($1)) order by line_id, external`, db.Keys(ids))
	return &r
}

func (r *lineRows) lines() map[string][]Line {
	units := map[string][]Unit{}
	for _, u := range r.units {
		units[u.line] = append(units[u.line], u.Unit)
	}
	all := map[string][]Line{}
	for _, l := range r.found {
		l.Units = units[l.ID]
		all[l.OrderID] = append(all[l.OrderID], l)
	}
	return all
}

// hold is one row of order_holds.
type hold struct {
	ID       string
	OrderID  string
	Type     HoldType
	Detail   string
	By       string
	Deadline any
	Default  string
	Request  *channel.CancelRequest // of a cancel_request: what is asked; of a change_after_pack: what is still to be cancelled; without personal data
}

// until is the hold's deadline; zero when it has none.
func (h *hold) until() time.Time {
	if n, ok := h.Deadline.(int64); ok {
		return time.UnixMicro(n).UTC()
	}
	return time.Time{}
}

func holdsOf(tx *db.Tx, ids []string) (map[string][]hold, error) {
	if len(ids) == 0 {
		return map[string][]hold{}, nil
	}
	rows, err := db.All(tx, func(row db.Scanner) (hold, error) {
		var h hold
		err := row.Scan(&h.ID, &h.OrderID, &h.Type, &h.Detail, &h.By, &h.Deadline, db.Text(&h.Default), db.JSON(&h.Request))
		return h, err
	}, `select id, order_id, type, detail, requester, deadline, default_outcome, request from order_holds where order_id in (select key from json_each($1)) and released_at is null order by order_id, id`, db.Keys(ids))
	if err != nil {
		return nil, err
	}
	all := map[string][]hold{}
	for _, h := range rows {
		all[h.OrderID] = append(all[h.OrderID], h)
	}
	return all, nil
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func shopMinor(a money.Amount) any {
	if a.Currency == "" {
		return nil
	}
	return a.Minor
}

// text is v as JSON text; what cannot fail to marshal here are maps, slices and plain structs of our own.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}
