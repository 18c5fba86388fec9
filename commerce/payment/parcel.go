package payment

import (
	"cmp"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Parcel names the cash of one parcel of an order, as its waybill says, or with only the order all of its cash.
type Parcel struct {
	Order    string
	Shipment string
	Cash     int64 // minor units
}

// part is the cash of one parcel, or of no parcel yet: what an order's cash consists of. The parts of a payment sum to what it is to bring. Only parts that are no longer
// due are stored; the rest is what is due, or, while no parcel has told of its own, all of it.
type part struct {
	Payment, Shipment, Order, Currency string
	Amount, Got, Captured              int64
	State, Basis                       string
}

func (p *part) step(ev state.Event) bool {
	to, err := CashLife.Next(state.State(p.State), ev)
	if err == nil {
		p.State = string(to)
	}
	return err == nil
}

// dead reports whether the part will bring nothing.
func (p *part) dead() bool { return p.State == CashVoid || p.State == CashReversed }

// tally is the cash of one payment in its parts.
type tally struct {
	payment *Payment
	parts   []part // the last one is the rest, when its Shipment is ""
	stored  []string
}

func (t *tally) captured() (sum int64) {
	for _, p := range t.parts {
		sum += p.Captured
	}
	return sum
}

// back reports whether money of this part has gone back to the buyer, so that it cannot be undone.
func (t *tally) back(p *part) bool {
	return t.payment.Refunded > 0 && t.payment.Refunded > t.captured()-p.Captured
}

func (t *tally) several() bool { return len(t.parts) > 1 }

// settled is how much of the cash parcels have told of.
func (p *Payment) settled() int64 { return p.CODGone + p.CODTaken }

// outstanding is the cash that is still to be collected.
func (p *Payment) outstanding() int64 {
	if p.CODState != CashIsDue {
		return 0
	}
	return p.CODDue - p.settled()
}

// giveUp ends what is still due of cash of which a part was collected.
func (p *Payment) giveUp() {
	p.CODDue = p.settled()
	p.endCash()
}

// endCash ends cash of which nothing is due any more.
func (p *Payment) endCash() {
	switch {
	case p.CODState != CashIsDue || p.outstanding() > 0:
	case p.CODTaken == 0:
		if p.step("void") {
			p.cashStep("void")
		}
	case p.cashStep("collect") && p.Captured >= p.CODTaken:
		p.step("capture")
	}
}

const partColumns = `c.payment_id, c.shipment_id, c.order_id, c.currency, c.amount, c.collected, c.captured, c.state, c.basis`

func scanPart(row db.Scanner) (p part, err error) {
	err = row.Scan(&p.Payment, &p.Shipment, &p.Order, &p.Currency, &p.Amount, &p.Got, &p.Captured, &p.State, db.Text(&p.Basis))
	return p, err
}

// partsOf takes a payment's cash apart.
func partsOf(p *Payment, rows []part) *tally {
	t := &tally{payment: p}
	left := p.CODDue
	for _, r := range rows {
		if r.Payment != p.ID {
			continue
		}
		switch { // what was said of the payment as a whole since
		case r.dead() && p.CODGone == 0:
			r.State, r.Got, r.Captured, r.Basis = p.CODState, r.Amount, r.Amount, p.CODBasis
		case !r.dead() && p.State == Captured && r.Captured == 0:
			r.Captured, r.Basis = r.Amount, p.CODBasis
		}
		left -= r.Amount
		t.parts, t.stored = append(t.parts, r), append(t.stored, r.Shipment)
	}
	rest := part{Payment: p.ID, Order: p.OrderID, Currency: p.Currency, Amount: left, State: p.CODState}
	switch {
	case len(t.parts) == 0:
		rest.Got, rest.Captured, rest.Basis = p.CODGot, p.Captured, p.CODBasis
	case left <= 0:
		return t
	case p.CODState != CashIsDue && !rest.dead():
		rest.Got, rest.Basis = left, p.CODBasis
		if p.State == Captured {
			rest.Captured = left
		}
	}
	t.parts = append(t.parts, rest)
	return t
}

// carve makes the cash of a parcel a part of its own, taken from what no parcel has told of; -1 when nothing of it is left. What would be left below the cash step goes
// along, so that the parts sum to the whole.
func (t *tally) carve(c Parcel, cash int64, tiny func(int64) (bool, error)) (int, error) {
	if i := slices.IndexFunc(t.parts, func(p part) bool { return p.Shipment == c.Shipment }); i >= 0 {
		return i, nil
	}
	i := slices.IndexFunc(t.parts, func(p part) bool { return p.Shipment == "" || p.Shipment == p.Payment })
	if i < 0 || t.parts[i].Amount <= 0 || cash <= 0 {
		return -1, nil
	}
	rest := &t.parts[i]
	n := min(cash, rest.Amount)
	if small, err := tiny(rest.Amount - n); err != nil || small {
		if err != nil {
			return -1, err
		}
		n = rest.Amount
	}
	one := *rest
	one.Shipment, one.Amount = c.Shipment, n
	if n < rest.Amount {
		one.Got, one.Captured = min(n, rest.Got), min(n, rest.Captured)
	}
	rest.Amount, rest.Got, rest.Captured = rest.Amount-n, rest.Got-one.Got, rest.Captured-one.Captured
	if rest.Amount == 0 {
		t.parts = slices.Delete(t.parts, i, i+1)
	}
	t.parts = slices.Insert(t.parts, 0, one)
	return 0, nil
}

// grades ranks the states of cash by how far it has come: several parcels are as far as the one that is least so.
var grades = []string{CashIsDue, CashCollected, CashInRemittance, CashShortPaid, CashRemitted, CashReconciled, CashWrittenOff}

// sum brings the parts back to what the payment as a whole says.
func (t *tally) sum() {
	p, dead, due, open := t.payment, true, false, false
	p.CODGot, p.CODGone, p.CODTaken, p.Captured, p.CODBasis = 0, 0, 0, 0, ""
	least, basis, reversed := CashWrittenOff, "", false
	for _, c := range t.parts {
		if c.dead() {
			reversed = reversed || c.State == CashReversed
			if c.Shipment != "" {
				p.CODGone += c.Amount
			}
			continue
		}
		dead, due, open = false, due || c.State == CashIsDue, open || c.Captured == 0 && c.Amount > 0
		if slices.Index(grades, c.State) < slices.Index(grades, least) {
			least = c.State
		}
		p.CODGot += c.Got
		p.Captured += c.Captured
		if c.State != CashIsDue {
			if c.Shipment != "" {
				p.CODTaken += c.Amount
			}
			if basis = cmp.Or(basis, c.Basis); c.Basis == Presumed {
				basis = Presumed
			}
		}
	}
	p.CODBasis = basis
	switch {
	case dead && reversed:
		p.CODState = CashReversed
	case dead:
		p.CODState = CashVoid
	default:
		p.CODState = least
	}
	switch {
	case dead && p.State == Captured:
		p.step("reverse")
	case dead:
		p.step("void")
	case due || open:
		if p.State == Captured {
			p.step("uncapture")
		} else if p.State == Voided {
			p.step("unvoid")
		}
	default:
		p.step("capture")
	}
}

// cashOf changes the cash of one parcel, or of each part of an order's cash that has not come back.
func (s *Service) cashOf(tx *db.Tx, c Parcel, basis string, at time.Time, change func(o Order, t *tally, p *part) error) error {
	left := c.Cash
	return s.cash(tx, c.Order, basis, at, func(o Order, t *tally) error {
		was := slices.Clone(t.parts)
		if c.Shipment != "" {
			i, err := t.carve(c, left, func(n int64) (bool, error) {
				r, err := s.rounded(tx, o.Country, money.Of(n, t.payment.Currency))
				return n > 0 && r.IsZero(), err
			})
			if err != nil || i < 0 {
				return err
			}
			left -= t.parts[i].Amount
			if err := change(o, t, &t.parts[i]); err != nil {
				return err
			}
		} else {
			whole := !slices.ContainsFunc(t.parts, func(p part) bool { return !p.dead() })
			for i := range t.parts {
				if whole || !t.parts[i].dead() {
					if err := change(o, t, &t.parts[i]); err != nil {
						return err
					}
				}
			}
		}
		if slices.Equal(was, t.parts) {
			return nil
		}
		for i := range t.parts {
			if p := &t.parts[i]; p.Shipment == "" && t.several() && p.State != CashIsDue { // what was said of the rest stays apart from what parcels tell
				p.Shipment = p.Payment
			}
		}
		t.sum()
		return t.save(tx)
	})
}

// save stores the parts that parcels have told of. Of a payment that no parcel has told of, there is nothing to store.
func (t *tally) save(tx *db.Tx) error {
	b := db.NewBatch(2)
	var gone []string
	for i := range t.parts {
		p := &t.parts[i]
		if p.Shipment != "" && p.State != CashIsDue {
			b.Add(p.Payment, p.Shipment, p.Order, p.Currency, p.Amount, p.Got, p.Captured, p.State, orNull(p.Basis))
		}
	}
	for _, id := range t.stored {
		if !slices.ContainsFunc(t.parts, func(p part) bool { return p.Shipment == id && p.State != CashIsDue }) {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		tx.Send(`delete from cash_parcels where payment_id = $1 and shipment_id in (select key from json_each($2))`, t.payment.ID, db.Keys(gone))
	}
	tx.Send(`insert into cash_parcels (payment_id, shipment_id, order_id, currency, amount, collected, captured, state, basis, updated_at)
		select p, s, o, cy, a, g, c, st, bs, cast($1 as bigint) from rows(p text, s text, o text, cy text, a bigint, g bigint, c bigint, st text, bs text) where true
		on conflict (payment_id, shipment_id) do update set amount = excluded.amount, collected = excluded.collected, captured = excluded.captured, state = excluded.state,
			basis = excluded.basis, updated_at = excluded.updated_at`, b, db.Micros(tx.Now))
	return tx.Flush()
}

// cash changes the cash payments of an order under its lock, and tells the order its money state when something did.
func (s *Service) cash(tx *db.Tx, order, basis string, at time.Time, change func(o Order, t *tally) error) error {
	heads, err := s.need.Orders(tx, []string{order}, true)
	if err != nil {
		return err
	}
	o := heads[order]
	payments, refunds, err := s.moneyOf(tx, []string{order})
	if err != nil {
		return err
	}
	rows, err := db.All(tx, scanPart, `select `+partColumns+` from cash_parcels c where c.order_id = $1 order by c.payment_id, c.shipment_id`, order)
	if err != nil {
		return err
	}
	l := &ledger{facts: &Facts{OrderID: order}, payments: payments[order], refunds: refunds[order]}
	for i := range l.payments {
		p := &l.payments[i]
		if p.CODState == "" {
			continue
		}
		was := *p
		if err := change(o, partsOf(p, rows)); err != nil {
			return err
		}
		if *p != was {
			l.touch(i)
		}
	}
	if len(l.edited) == 0 {
		return nil
	}
	if err := s.write(tx, []*ledger{l}); err != nil {
		return err
	}
	return s.need.PayChanged(tx, order, StateOf(o.owed(), l.payments), basis, at)
}

// dueChanged has the waybills of an order follow what is to be collected.
func (s *Service) dueChanged(tx *db.Tx, order string) error {
	if s.need.DueChanged == nil {
		return nil
	}
	return s.need.DueChanged(tx, []string{order})
}
