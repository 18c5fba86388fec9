package fulfillment

import (
	"encoding/json"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

const columns = `f.id, f.order_id, f.number, f.account_id, f.location_id, f.legal_entity_id, f.country, f.state, f.held_reason, f.held_from, f.ship_by, f.deliver_by,
	f.cod, f.decision, f.created_at, f.updated_at, f.picked_at, f.packed_at, f.handed_over_at, f.version`

func scan(row db.Scanner) (f FO, err error) {
	err = row.Scan(&f.ID, &f.OrderID, &f.Number, &f.Account, &f.Location, &f.LegalEntity, &f.Country, &f.State, db.Text(&f.HeldReason), db.Text(&f.HeldFrom),
		db.Time(&f.ShipBy), db.Time(&f.DeliverBy), &f.COD, db.JSON(&f.Decision), db.Time(&f.CreatedAt), db.Time(&f.UpdatedAt), db.Time(&f.PickedAt),
		db.Time(&f.PackedAt), db.Time(&f.HandedOver), &f.Version)
	f.was = f.State
	return f, err
}

const lineColumns = `l.id, l.fulfillment_id, l.order_line_id, l.variant_id, l.sku, l.title, l.quantity, l.picked, l.short, l.packed, l.shipped, l.per_line, l.units`

func scanLine(row db.Scanner) (l Line, err error) {
	err = row.Scan(&l.ID, &l.FO, &l.LineID, &l.Variant, &l.SKU, &l.Title, &l.Quantity, &l.Picked, &l.Short, &l.Packed, &l.Shipped, &l.PerLine, db.JSON(&l.Units))
	return l, err
}

// ofOrders reads everything of orders, by order, oldest first.
func ofOrders(tx *db.Tx, orders []string) (map[string][]*FO, error) {
	fos, err := withLines(tx, `f.order_id in (select key from json_each($1))`, orders)
	if err != nil {
		return nil, err
	}
	all := map[string][]*FO{}
	for i := range fos {
		all[fos[i].OrderID] = append(all[fos[i].OrderID], &fos[i])
	}
	return all, nil
}

// byID reads fulfillment orders with their lines, in the order of the ids; those that do not exist are left out.
func byID(tx *db.Tx, ids []string) ([]FO, error) {
	return withLines(tx, `f.id in (select key from json_each($1))`, ids)
}

// withLines reads fulfillment orders by a condition over f and a list of keys, oldest first.
func withLines(tx *db.Tx, where string, keys []string) ([]FO, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var fos []FO
	var lines []Line
	db.Later(tx, &fos, scan, `select `+columns+` from fulfillment_orders f where `+where+` order by f.id`, db.Keys(keys))
	db.Later(tx, &lines, scanLine, `select `+lineColumns+` from fulfillment_lines l join fulfillment_orders f on f.id = l.fulfillment_id where `+where+` order by l.id`, db.Keys(keys))
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	at := make(map[string]*FO, len(fos))
	for i := range fos {
		fos[i].Allowed = fos[i].allowed()
		at[fos[i].ID] = &fos[i]
	}
	for _, l := range lines {
		if f := at[l.FO]; f != nil {
			f.Lines = append(f.Lines, l)
		}
	}
	return fos, nil
}

// insert writes new fulfillment orders with their lines.
func insert(tx *db.Tx, fos []*FO) error {
	heads, lines := db.NewBatch(1), db.NewBatch(1)
	for _, f := range fos {
		heads.Add(f.ID, f.OrderID, f.Number, f.Account, f.Location, f.LegalEntity, f.Country, f.State, null(f.HeldReason), null(f.HeldFrom), db.Micros(f.ShipBy),
			db.Micros(f.DeliverBy), f.COD, text(f.Decision), db.Micros(f.PickedAt), db.Micros(f.PackedAt))
		for i := range f.Lines {
			l := &f.Lines[i]
			lines.Add(l.ID, f.ID, l.LineID, l.Variant, l.SKU, l.Title, l.Quantity, l.Picked, l.Short, l.Packed, l.Shipped, l.PerLine, text(l.Units))
		}
	}
	tx.Send(`insert into fulfillment_orders (id, order_id, number, account_id, location_id, legal_entity_id, country, state, held_reason, held_from, ship_by, deliver_by,
			cod, decision, created_at, updated_at, picked_at, packed_at, version)
		select i, o, n, a, l, e, c, s, h, hf, sb, dl, cd, d, cast($1 as bigint), cast($1 as bigint), pk, pa, 1
		from rows(i text, o text, n text, a text, l text, e text, c text, s text, h text, hf text, sb bigint, dl bigint, cd boolean, d text, pk bigint, pa bigint)`,
		heads, db.Micros(tx.Now))
	tx.Send(insertLines, lines)
	return tx.Flush()
}

const insertLines = `insert into fulfillment_lines (id, fulfillment_id, order_line_id, variant_id, sku, title, quantity, picked, short, packed, shipped, per_line, units)
	select i, f, o, v, s, t, q, p, sh, pa, sp, n, u
	from rows(i text, f text, o text, v text, s text, t text, q bigint, p bigint, sh bigint, pa bigint, sp bigint, n bigint, u text)`

// save writes fulfillment orders that were read in this transaction as their next version, and what became of them into their history. fault.Conflict when
// one was changed meanwhile.
func save(tx *db.Tx, fos ...*FO) error {
	heads, lines := db.NewBatch(1), db.NewBatch(1)
	var moved []outbox.Event
	for _, f := range fos {
		heads.Add(f.ID, f.Version, f.Location, f.LegalEntity, f.State, null(f.HeldReason), null(f.HeldFrom), db.Micros(f.ShipBy), db.Micros(f.DeliverBy), text(f.Decision),
			db.Micros(f.PickedAt), db.Micros(f.PackedAt), db.Micros(f.HandedOver))
		for i := range f.Lines {
			l := &f.Lines[i]
			lines.Add(l.ID, l.Quantity, l.Picked, l.Short, l.Packed, l.Shipped, text(l.Units))
		}
		if f.State != f.was {
			moved = append(moved, f.event(event.FulfillmentChanged, tx.Now, Fact{From: f.was, Reason: f.HeldReason, Actor: f.by, Lines: f.facts()}))
		}
		f.was = f.State
		f.Version++
		f.UpdatedAt = tx.Now
		f.Allowed = f.allowed()
	}
	n, err := tx.Exec(`update fulfillment_orders set location_id = r.l, legal_entity_id = r.e, state = r.s, held_reason = r.h, held_from = r.hf, ship_by = r.sb,
			deliver_by = r.dl, decision = r.d, picked_at = r.pk, packed_at = r.pa, handed_over_at = r.ho, updated_at = $1, version = fulfillment_orders.version + 1
		from rows(i text, w bigint, l text, e text, s text, h text, hf text, sb bigint, dl bigint, d text, pk bigint, pa bigint, ho bigint)
		where fulfillment_orders.id = r.i and fulfillment_orders.version = r.w`, heads, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if n != int64(heads.Len()) {
		return fault.New(fault.Conflict, "somebody else changed the fulfillment order first").WithCode("version")
	}
	if err := outbox.Append(tx, moved...); err != nil {
		return err
	}
	_, err = tx.Exec(`update fulfillment_lines set quantity = r.q, picked = r.p, short = r.sh, packed = r.pa, shipped = r.sp, units = r.u
		from rows(i text, q bigint, p bigint, sh bigint, pa bigint, sp bigint, u text) where fulfillment_lines.id = r.i`, lines)
	return err
}

// addLine writes a line that joins a fulfillment order.
func addLine(tx *db.Tx, f *FO, l Line) {
	l.ID, l.FO = db.ID(), f.ID
	f.Lines = append(f.Lines, l)
	tx.Send(insertLines, db.NewBatch(1).Add(l.ID, f.ID, l.LineID, l.Variant, l.SKU, l.Title, l.Quantity, l.Picked, l.Short, l.Packed, l.Shipped, l.PerLine, text(l.Units)))
}

func scanText(row db.Scanner) (v string, err error) {
	err = row.Scan(&v)
	return v, err
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null" // plain data always marshals
	}
	return string(b)
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func distinct(ids []string) []string {
	all := slices.Clone(ids)
	slices.Sort(all)
	return slices.Compact(all)
}

func newID() string { return db.ID() }
