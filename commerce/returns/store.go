package returns

import (
	"encoding/json"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

const columns = `r.id, r.number, r.order_id, r.account_id, r.external, r.shipment_id, r.location_id, r.kind, r.goods_state, r.money_state, r.decision, r.reason, r.requested_by,
	r.requested_at, r.decide_by, r.approved_at, r.received_at, r.closed_at, r.refund_due, r.refunded, r.currency, r.exchange_order_id, r.detail, r.updated_at, r.version`

func scan(row db.Scanner) (RMA, error) {
	var r RMA
	err := row.Scan(&r.ID, &r.Number, &r.OrderID, &r.Account, db.Text(&r.External), db.Text(&r.Shipment), db.Text(&r.Location), &r.Kind, &r.Goods, &r.Money, &r.Decision, &r.Reason,
		&r.RequestedBy, db.Time(&r.RequestedAt), db.Time(&r.DecideBy), db.Time(&r.ApprovedAt), db.Time(&r.ReceivedAt), db.Time(&r.ClosedAt), &r.RefundDue, &r.Refunded, &r.Currency,
		db.Text(&r.Exchange), db.JSON(&r.Detail), db.Time(&r.UpdatedAt), &r.Version)
	return r, err
}

// names and types are the columns of row.
const names = `id, number, order_id, account_id, external, shipment_id, location_id, kind, goods_state, money_state, decision, reason, requested_by, requested_at, decide_by, approved_at,
	received_at, closed_at, refund_due, refunded, currency, exchange_order_id, detail, updated_at, version`

const types = `id text, number text, order_id text, account_id text, external text, shipment_id text, location_id text, kind text, goods_state text, money_state text, decision text,
	reason text, requested_by text, requested_at bigint, decide_by bigint, approved_at bigint, received_at bigint, closed_at bigint, refund_due bigint, refunded bigint, currency text,
	exchange_order_id text, detail text, updated_at bigint, version bigint`

func row(r *RMA) []any {
	detail, _ := json.Marshal(r.Detail) // strings and numbers always marshal
	return []any{
		r.ID, r.Number, r.OrderID, r.Account, orNull(r.External), orNull(r.Shipment), orNull(r.Location), string(r.Kind), r.Goods, r.Money, r.Decision, r.Reason, r.RequestedBy,
		db.Micros(r.RequestedAt), db.Micros(r.DecideBy), db.Micros(r.ApprovedAt), db.Micros(r.ReceivedAt), db.Micros(r.ClosedAt), r.RefundDue, r.Refunded, r.Currency, orNull(r.Exchange),
		string(detail), db.Micros(r.UpdatedAt), r.Version,
	}
}

const (
	insertReturns = `insert into returns_rma (` + names + `) select ` + names + ` from rows(` + types + `)`
	updateReturns = `update returns_rma set external = r.external, shipment_id = r.shipment_id, location_id = r.location_id, kind = r.kind, goods_state = r.goods_state,
		money_state = r.money_state, decision = r.decision, reason = r.reason, decide_by = r.decide_by, approved_at = r.approved_at, received_at = r.received_at, closed_at = r.closed_at,
		refund_due = r.refund_due, refunded = r.refunded, exchange_order_id = r.exchange_order_id, detail = r.detail, updated_at = r.updated_at, version = r.version
		from rows(` + types + `) where returns_rma.id = r.id and returns_rma.version = r.version - 1`

	lineNames = `return_id, order_line_id, id, variant_id, external, units, quantity, received, waiting, sellable, quarantine, damaged, rejected, reason, refund`
	lineTypes = `return_id text, order_line_id text, id text, variant_id text, external text, units text, quantity bigint, received bigint, waiting bigint, sellable bigint, quarantine bigint,
		damaged bigint, rejected bigint, reason text, refund bigint`

	putLines = `insert into return_lines (` + lineNames + `) select ` + lineNames + ` from rows(` + lineTypes + `) where true
		on conflict (return_id, order_line_id) do update set units = excluded.units, quantity = excluded.quantity, received = excluded.received, waiting = excluded.waiting,
		sellable = excluded.sellable, quarantine = excluded.quarantine, damaged = excluded.damaged, rejected = excluded.rejected, reason = excluded.reason, refund = excluded.refund`
)

func lineRow(id string, l *Line) []any {
	units := "[]"
	if len(l.Units) > 0 {
		b, _ := json.Marshal(l.Units) // strings always marshal
		units = string(b)
	}
	return []any{id, l.LineID, l.ID, orNull(l.Variant), l.External, units, l.Quantity, l.Received, l.Waiting, l.Sellable, l.Quarantine, l.Damaged, l.Rejected, l.Reason, l.Refund}
}

// withLines fills in the lines of returns.
func withLines(tx *db.Tx, all []RMA) ([]RMA, error) {
	if len(all) == 0 {
		return all, nil
	}
	at := map[string]int{}
	var ids []string
	for i, r := range all {
		at[r.ID] = i
		ids = append(ids, r.ID)
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var id string
		var l Line
		err := row.Scan(&id, &l.LineID, &l.ID, db.Text(&l.Variant), &l.External, db.JSON(&l.Units), &l.Quantity, &l.Received, &l.Waiting, &l.Sellable, &l.Quarantine, &l.Damaged,
			&l.Rejected, &l.Reason, &l.Refund)
		if len(l.Units) == 0 {
			l.Units = nil
		}
		if i, ok := at[id]; ok {
			all[i].Lines = append(all[i].Lines, l)
		}
		return struct{}{}, err
	}, `select `+lineNames+` from return_lines where return_id in (select key from json_each($1)) order by return_id, id`, db.Keys(ids))
	return all, err
}

// ofOrders reads the returns of orders, oldest first. Whoever decides by them holds the lock of the orders.
func ofOrders(tx *db.Tx, orders []string) (map[string][]RMA, error) {
	all, err := db.All(tx, scan, `select `+columns+` from returns_rma r where r.order_id in (select key from json_each($1)) order by r.id`, db.Keys(orders))
	if err != nil {
		return nil, err
	}
	if all, err = withLines(tx, all); err != nil {
		return nil, err
	}
	by := map[string][]RMA{}
	for _, r := range all {
		by[r.OrderID] = append(by[r.OrderID], r)
	}
	return by, nil
}

// byExchange reads the returns that these orders were placed for, by their orders.
func byExchange(tx *db.Tx, placed []string) ([]RMA, error) {
	all, err := db.All(tx, scan, `select `+columns+` from returns_rma r where r.exchange_order_id in (select key from json_each($1)) order by r.order_id, r.id`, db.Keys(placed))
	if err != nil {
		return nil, err
	}
	return withLines(tx, all)
}

func one(tx *db.Tx, id string) (RMA, error) {
	all, err := db.All(tx, scan, `select `+columns+` from returns_rma r where r.id = $1 or r.number = $1 order by r.id limit 1`, id)
	if err != nil {
		return RMA{}, err
	}
	if len(all) == 0 {
		return RMA{}, notFound(id)
	}
	all, err = withLines(tx, all)
	return all[0], err
}

// write brings returns to the database: the row one was read as is the one that is replaced.
func write(tx *db.Tx, all []*work) error {
	made, edits, lines := db.NewBatch(1), db.NewBatch(1), db.NewBatch(2)
	for _, w := range all {
		r := &w.rma
		r.UpdatedAt = tx.Now
		r.Version++
		if w.fresh {
			made.Add(row(r)...)
		} else {
			edits.Add(row(r)...)
		}
		for i := range r.Lines {
			lines.Add(lineRow(r.ID, &r.Lines[i])...)
		}
	}
	tx.Send(insertReturns, made)
	edited := tx.Send(updateReturns, edits)
	tx.Send(putLines, lines)
	if err := tx.Flush(); err != nil {
		return err
	}
	if edits.Len() == 0 {
		return nil
	}
	n, err := edited.Affected()
	if err == nil && n != int64(edits.Len()) {
		return fault.New(fault.Conflict, "the return has changed meanwhile").WithCode("version")
	}
	return err
}
