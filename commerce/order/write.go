package order

import (
	"maps"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// writeOrders writes heads, lines, units and charges, set-based.
func (s *Service) writeOrders(tx *db.Tx, all []*work) error {
	heads, edits := db.NewBatch(1), db.NewBatch(1)
	for _, w := range all {
		w.count()
		if w.fresh {
			heads.Add(headRow(&w.head)...)
		} else {
			edits.Add(headRow(&w.head)...)
		}
	}
	made := 0
	if heads.Len() > 0 {
		tx.SendQuery(insertHeads, func(db.Scanner) error { made++; return nil }, heads)
		if err := tx.Flush(); err != nil { // their parts refer to them
			return err
		}
	}
	if made != heads.Len() {
		return raced()
	}
	hit := tx.Send(updateHeads, edits)
	if err := writeParts(tx, all); err != nil {
		return err
	}
	return hitAll(hit, edits)
}

// hitAll insists that a guarded update that was sent has hit every row.
func hitAll(p *db.Promise, b *db.Batch) error {
	n, err := p.Affected()
	if err == nil && n != int64(b.Len()) {
		err = changedFirst()
	}
	return err
}

func changedFirst() error {
	return fault.New(fault.Conflict, "somebody else changed the order first").WithCode("version")
}

// raced says that another process made one of these orders first: the batch is repeated and finds it.
func raced() error {
	return &fault.Error{Kind: fault.Unavailable, Code: "raced", Message: "another process was first with an order of this batch"}
}

// exactly runs a guarded update and insists that every row was hit.
func exactly(tx *db.Tx, text string, b *db.Batch) error {
	n, err := tx.Exec(text, b)
	if err != nil {
		return err
	}
	if n != int64(b.Len()) {
		return changedFirst()
	}
	return nil
}

func scanText(row db.Scanner) (string, error) {
	var v string
	err := row.Scan(&v)
	return v, err
}

// writeParts writes what hangs on orders.
func writeParts(tx *db.Tx, all []*work) error {
	lines, edits, units, unitEdits, charges := db.NewBatch(1), db.NewBatch(1), db.NewBatch(2), db.NewBatch(2), db.NewBatch(2)
	stale := db.NewBatch(1)
	for _, w := range all {
		for _, i := range w.newLines {
			l := &w.lines[i]
			lines.Add(lineRow(l)...)
			for _, u := range l.Units {
				units.Add(l.ID, u.External, w.head.ID, string(u.Bucket), string(u.Status), u.Raw, orNull(u.Package), orNull(u.Tracking))
			}
		}
		for _, i := range w.editLines {
			edits.Add(lineRow(&w.lines[i])...)
		}
		w.unitRows(units, unitEdits)
		if !w.fresh && !w.knowsLess {
			stale.Add(w.head.ID)
		}
		for n, c := range w.charges {
			charges.Add(w.head.ID, int64(n+1), db.ID(), string(c.kind), c.title, c.money.amount, c.money.discount, c.money.discountChannel, c.money.tax, c.money.taxChannel,
				c.money.total, w.head.Currency, text(c.taxes))
		}
	}
	tx.Send(insertLines, lines)
	tx.Send(updateLines, edits)
	tx.Send(`insert into order_units (line_id, external, order_id, bucket, status, raw, package, tracking)
		select l, x, o, b, s, rw, p, t from rows(l text, x text, o text, b text, s text, rw text, p text, t text) where true on conflict do nothing`, units)
	tx.Send(updateUnits, unitEdits)
	tx.Send(`delete from order_charges where order_id in (select o from rows(o text))`, stale)
	tx.Send(`insert into order_charges (order_id, n, id, kind, title, amount, discount, discount_channel, tax, tax_channel, total, currency, taxes)
		select o, n, i, k, t, a, d, dc, x, xc, tt, c, tx from rows(o text, n bigint, i text, k text, t text, a bigint, d bigint, dc bigint, x bigint, xc bigint, tt bigint, c text, tx text)`, charges)
	return tx.Flush()
}

const updateUnits = `update order_units set bucket = r.b, status = r.s, raw = r.rw, package = r.p, tracking = r.t
	from rows(l text, x text, b text, s text, rw text, p text, t text) where order_units.line_id = r.l and order_units.external = r.x`

// unitRows adds the units of existing lines that are new or changed.
func (w *work) unitRows(made, changed *db.Batch) {
	done := map[string]bool{}
	for _, i := range w.newLines {
		done[w.lines[i].ID] = true
	}
	for _, e := range w.unitEdits {
		if done[e.line] {
			continue
		}
		u := e.unit
		if l := w.line(e.line); l != nil {
			for _, now := range l.Units {
				if now.External == u.External {
					u = now
				}
			}
		}
		if e.made {
			made.Add(e.line, u.External, w.head.ID, string(u.Bucket), string(u.Status), u.Raw, orNull(u.Package), orNull(u.Tracking))
		} else {
			changed.Add(e.line, u.External, string(u.Bucket), string(u.Status), u.Raw, orNull(u.Package), orNull(u.Tracking))
		}
	}
}

// withdraw takes what the channel cancelled out of fulfillment.
func (s *Service) withdraw(tx *db.Tx, all []*work) error {
	var void []string
	for _, w := range all {
		if w.head.Effective() && w.head.State == Cancelled && w.before.State != Cancelled {
			void = append(void, w.head.ID)
		}
	}
	if len(void) > 0 { // payments are locked before what is in fulfillment
		if err := s.need.Void(tx, void); err != nil {
			return err
		}
	}
	for _, w := range all {
		ours := slices.DeleteFunc(slices.Clone(w.cancelled), func(c event.CancelledUnits) bool { return !w.line(c.LineID).Ours() })
		if w.head.Effective() && len(ours) > 0 {
			if err := s.need.Withdraw(tx, w.head.ID, movesOf(ours), "cancelled at the channel"); err != nil {
				return err
			}
		}
	}
	return nil
}

func movesOf(gone []event.CancelledUnits) []event.UnitsMove {
	moves := make([]event.UnitsMove, len(gone))
	for i, c := range gone {
		moves[i] = event.UnitsMove(c)
	}
	return moves
}

// settleHolds opens and releases holds by what is now known, and brings the heads up to date.
func (s *Service) settleHolds(tx *db.Tx, all []*work) error {
	var ids []string
	for _, w := range all {
		if w.head.Effective() {
			ids = append(ids, w.head.ID)
		}
	}
	short, err := s.need.Short(tx, ids)
	if err != nil {
		return err
	}
	if err := loadAccepted(tx, all); err != nil {
		return err
	}
	c, heads := newHoldChange(), db.NewBatch(1)
	for _, w := range all {
		w.land.Short = short[w.head.ID]
		if err := s.needRules(tx, w); err != nil {
			return err
		}
		want := w.wants(short[w.head.ID])
		w.letGo(want)
		had := w.head.Holds
		w.open = c.settle(tx, &w.head, w.open, want, fromChannel, "import")
		if w.head.Holds != had {
			heads.Add(w.head.ID, w.head.Holds)
		}
	}
	tx.Send(`update orders set holds = r.h from rows(id text, h bigint) where orders.id = r.id`, heads)
	return c.write(tx, "import")
}

// needRules reads the country's rules of an order that may open an unpaid hold; a new one has them.
func (s *Service) needRules(tx *db.Tx, w *work) error {
	if w.fresh || w.rules.Zone != "" || w.head.PayState != Unpaid && w.head.PayState != PartPaid && w.a.Order.Status != channel.Unpaid {
		return nil
	}
	var err error
	w.rules, err = s.need.Rules(tx, w.head.Country, w.head.PlacedAt)
	return err
}

// loadAccepted reads which holds people have let go of orders that were here before.
func loadAccepted(tx *db.Tx, all []*work) error {
	var ids []string
	byID := map[string]*work{}
	for _, w := range all {
		if !w.fresh {
			ids = append(ids, w.head.ID)
			byID[w.head.ID] = w
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var id, detail string
		var typ HoldType
		var request *channel.CancelRequest
		err := row.Scan(&id, &typ, &detail, db.JSON(&request))
		w := byID[id]
		if w.accepted == nil {
			w.accepted = map[HoldType]map[string]bool{}
		}
		if w.accepted[typ] == nil {
			w.accepted[typ] = map[string]bool{}
		}
		w.accepted[typ][sameAs(detail, request)] = true
		return struct{}{}, err
	}, `select order_id, type, detail, request from order_holds where order_id in (select key from json_each($1)) and outcome in ('accepted', 'declined', 'agreed')`, db.Keys(ids))
	return err
}

// sameAs recognises a hold that comes again: a request to cancel by its id, others by what they say.
func sameAs(detail string, r *channel.CancelRequest) string {
	if r != nil && r.External != "" {
		return r.External
	}
	return detail
}

// letGo drops the holds that a person has let go for the very same reason.
func (w *work) letGo(want map[HoldType]wantHold) {
	for typ, v := range want {
		if w.accepted[typ][sameAs(v.detail, v.request)] && typ != HoldUnmapped && typ != HoldShortage && w.isOpen(typ) == nil {
			delete(want, typ)
		}
	}
}

// fromReading are the exceptions that a reading of an order raises, and that the next one which no longer does closes.
var fromReading = []string{"contradicting_status", "stale_status"}

// raise opens exceptions for what could not be applied, one for each cause, and closes those whose cause is gone.
func (s *Service) raise(tx *db.Tx, all []*work) error {
	var cases []exception.Case
	var gone []exception.Key
	for _, w := range all {
		if !w.head.Effective() {
			continue
		}
		details := map[string][]string{}
		for _, r := range w.stuckOn {
			details[r.cause] = append(details[r.cause], r.detail)
		}
		for _, cause := range slices.Sorted(maps.Keys(details)) {
			kind := "order"
			if cause == "change_after_pack" {
				kind = "parcel" // the order's own is its hold's
			}
			cases = append(cases, exception.Case{
				Cause: cause, SubjectKind: kind, Subject: w.head.ID, Order: w.head.ID, Account: w.head.Account,
				Detail: map[string]string{"number": w.head.Number, "detail": strings.Join(details[cause], "; ")},
			})
		}
		for _, cause := range fromReading {
			if details[cause] == nil && !w.fresh {
				gone = append(gone, exception.Key{Cause: cause, SubjectKind: "order", Subject: w.head.ID})
			}
		}
	}
	if err := exception.Clear(tx, "import", "the channel no longer says so", gone...); err != nil || len(cases) == 0 {
		return err
	}
	return exception.Raise(tx, cases...)
}

// passOn hands what the channel says about parcels and returns to those who keep them.
func (s *Service) passOn(tx *db.Tx, all []*work) error {
	var parcels []ParcelFact
	for _, w := range all {
		if w.fresh || !w.head.Effective() {
			continue
		}
		f := ParcelFact{OrderID: w.head.ID, Account: w.head.Account, Parcels: w.a.Order.Parcels, Lines: map[string]string{}, At: w.a.Change.ReadAt}
		for i := range w.lines {
			f.Lines[w.lines[i].External] = w.lines[i].ID
		}
		for i := range w.a.Order.Lines {
			f.Units = append(f.Units, w.a.Order.Lines[i].Units...)
		}
		if len(f.Parcels)+len(f.Units) > 0 {
			parcels = append(parcels, f)
		}
	}
	if len(parcels) > 0 {
		if err := s.need.Parcels(tx, parcels); err != nil {
			return err
		}
	}
	for _, w := range all {
		if !w.head.Effective() || len(w.a.Order.Returns) == 0 {
			continue
		}
		var facts []channel.ReturnChange
		for _, r := range w.a.Order.Returns {
			facts = append(facts, channel.ReturnChange{Order: w.head.External, Return: r})
		}
		if err := s.need.Returns(tx, facts, w.head.Account); err != nil {
			return err
		}
	}
	return nil
}
