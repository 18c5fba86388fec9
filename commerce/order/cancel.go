package order

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Cancelling is what a person, or a buyer through us, wants cancelled. No lines means everything that is still open.
type Cancelling struct {
	Order      string    `json:"order_id"`
	Version    int64     `json:"version"` // the version the person saw; 0 = whatever it is
	Lines      []CutLine `json:"lines,omitempty"`
	Reason     string    `json:"reason"`
	Initiator  string    `json:"initiator"` // buyer, seller, system
	Actor      string    `json:"actor"`
	Source     string    `json:"source"`
	BeforePack bool      `json:"-"` // refuse units that are packed already: a buyer's own right ends there

	answers bool // the channel asked: it hears our answer and cancels at its side itself
}

// CutLine is so many units of a line.
type CutLine struct {
	LineID   string   `json:"line_id"`
	Quantity int64    `json:"quantity"`
	Units    []string `json:"units,omitempty"` // the channel's ids, where it addresses units; those first
}

// Preview is what a cancellation would do.
type Preview struct {
	Order     string                 `json:"order_id"`
	Number    string                 `json:"number"`
	Version   int64                  `json:"version"`
	Whole     bool                   `json:"whole"`
	Cancelled []event.CancelledUnits `json:"cancelled"`
	Packed    int64                  `json:"packed"` // of these units: label and hand-over are stopped
	Amount    string                 `json:"amount"` // what these units were to cost the buyer
	Cost      money.Amount           `json:"-"`      // the same, for who shows it
	StateThen State                  `json:"state_then"`
	Tells     bool                   `json:"tells_channel"`
}

// PreviewCancel says what Cancel would do, and changes nothing.
func (s *Service) PreviewCancel(tx *db.Tx, c Cancelling) (Preview, error) {
	heads, err := byID(tx, []string{c.Order}, false)
	if err != nil {
		return Preview{}, err
	}
	if len(heads) == 0 {
		return Preview{}, fault.New(fault.NotFound, "there is no order %s", c.Order)
	}
	lines, err := linesOf(tx, []string{c.Order})
	if err != nil {
		return Preview{}, err
	}
	return s.cut(tx, &heads[0], lines[c.Order], c)
}

// Cancel takes units out of an order before hand-over: stock, fulfillment and what was to be paid follow in the same transaction; the channel is told by event.
// fault.Conflict when units have been handed over (then it is an intercept or a return), or when somebody changed the order first.
func (s *Service) Cancel(ctx context.Context, c Cancelling) (Preview, error) {
	var p Preview
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		var err error
		p, err = s.CancelTx(tx, c)
		return err
	})
	return p, err
}

// CancelTx is Cancel in the caller's transaction.
func (s *Service) CancelTx(tx *db.Tx, c Cancelling) (Preview, error) {
	h, lines, err := s.atVersion(tx, c.Order, c.Version)
	if err != nil {
		return Preview{}, err
	}
	if !h.Effective() {
		return Preview{}, fault.New(fault.Conflict, "order %s is not ours to act on: it is kept to compare or for reports", h.Number).WithCode("not_ours")
	}
	before := map[string][]Unit{}
	for i := range lines {
		before[lines[i].ID] = slices.Clone(lines[i].Units)
	}
	p, err := s.cut(tx, &h, lines, c)
	if err != nil {
		return Preview{}, err
	}
	if err := s.writeCut(tx, &h, lines, p.Cancelled, before); err != nil {
		return Preview{}, err
	}
	if p.Whole { // payments are locked before stock
		if err := s.need.Void(tx, []string{h.ID}); err != nil {
			return Preview{}, err
		}
	}
	if err := s.takeOut(tx, &h, lines, p.Cancelled, c.Reason); err != nil {
		return Preview{}, err
	}
	if err := s.afterCut(tx, &h, lines, p, c); err != nil {
		return Preview{}, err
	}
	now, err := byID(tx, []string{h.ID}, false) // payments and holds may have written it again
	if err != nil || len(now) == 0 {
		return Preview{}, err
	}
	p.Version = now[0].Version
	return p, nil
}

// cut applies the cancellation to the lines in memory.
func (s *Service) cut(tx *db.Tx, h *Head, lines []Line, c Cancelling) (Preview, error) {
	if h.State == Cancelled {
		return Preview{}, fault.New(fault.Conflict, "order %s is cancelled already", h.Number).WithCode("already")
	}
	want := c.Lines
	if len(want) == 0 {
		if h.Units.Shipped > 0 && h.Units.Open == 0 {
			return Preview{}, fault.New(fault.Conflict, "order %s has been handed over: ask the courier to turn it back, or take it back as a return", h.Number).WithCode("handed_over")
		}
		for i := range lines {
			if lines[i].Open > 0 {
				want = append(want, CutLine{LineID: lines[i].ID, Quantity: lines[i].Open})
			}
		}
	}
	packed, err := s.need.Committed(tx, []string{h.ID})
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Order: h.ID, Number: h.Number, Version: h.Version, Tells: h.Effective()}
	var amount int64
	for i, cl := range want {
		l := find(lines, cl.LineID)
		if l == nil {
			return Preview{}, fault.Field("lines["+itoa(int64(i))+"].line_id", "order %s has no such line", h.Number)
		}
		if cl.Quantity <= 0 || cl.Quantity > l.Open {
			return Preview{}, fault.New(fault.Conflict, "line %d: %d units cannot be cancelled, %d are open and not handed over", l.N, cl.Quantity, l.Open).WithCode("handed_over")
		}
		hit := max(0, cl.Quantity-(l.Open-packed[l.ID]))
		if hit > 0 && c.BeforePack {
			return Preview{}, fault.New(fault.Conflict, "line %d is packed: it can be sent back when it arrives", l.N).WithCode("packed")
		}
		p.Packed += hit
		amount += l.share(l.Cancelled+cl.Quantity) - l.share(l.Cancelled)
		l.Cancelled += cl.Quantity
		l.Open -= cl.Quantity
		p.Cancelled = append(p.Cancelled, event.CancelledUnits{LineID: l.ID, External: l.External, Quantity: cl.Quantity, Units: l.dropUnits(cl.Quantity, named(cl.Units))})
	}
	if len(p.Cancelled) == 0 {
		return Preview{}, fault.New(fault.Conflict, "nothing of order %s is open", h.Number).WithCode("nothing_open")
	}
	after := *h
	after.derive(lines)
	p.Whole, p.StateThen, p.Cost = after.State == Cancelled, after.State, h.Amount(amount)
	p.Amount = p.Cost.String()
	return p, nil
}

// takeOut gives back stock and takes the units out of fulfillment.
func (s *Service) takeOut(tx *db.Tx, h *Head, lines []Line, gone []event.CancelledUnits, reason string) error {
	if err := s.need.Withdraw(tx, h.ID, movesOf(gone), reason); err != nil {
		return err
	}
	var released []Released
	for _, g := range gone {
		l := find(lines, g.LineID)
		if !l.Ours() || l.Variant == "" {
			continue
		}
		for _, p := range l.parts() {
			released = append(released, Released{LineID: l.ID, Variant: p.Variant, Quantity: g.Quantity * p.Quantity})
		}
	}
	if len(released) == 0 {
		return nil
	}
	return s.need.Release(tx, released)
}

func (s *Service) writeCut(tx *db.Tx, h *Head, lines []Line, gone []event.CancelledUnits, before map[string][]Unit) error {
	cut := map[string][]Unit{}
	for _, g := range gone {
		cut[g.LineID] = before[g.LineID]
	}
	if err := saveLines(tx, lines, cut); err != nil {
		return err
	}
	return s.saveHead(tx, h, lines)
}

func named(ids []string) *channel.Line {
	l := &channel.Line{}
	for _, id := range ids {
		l.Units = append(l.Units, channel.Unit{External: id, Status: channel.Cancelled})
	}
	return l
}

// afterCut releases what no longer holds, ends the payment of an order that is gone, and tells.
func (s *Service) afterCut(tx *db.Tx, h *Head, lines []Line, p Preview, c Cancelling) error {
	if p.Whole {
		if err := s.dropHolds(tx, h, c.Actor); err != nil {
			return err
		}
	} else {
		if err := s.endAfterPack(tx, h, lines, c.Actor); err != nil {
			return err
		}
		if err := s.Review(tx, []string{h.ID}, c.Actor); err != nil {
			return err
		}
	}
	err := s.Note(tx, []Fact{{
		OrderID: h.ID, Kind: "cancelled", Source: c.Source, Actor: c.Actor,
		Detail: json.RawMessage(text(map[string]any{"reason": c.Reason, "initiator": c.Initiator, "units": p.Cancelled})),
	}})
	if err != nil || !h.Effective() {
		return err
	}
	f := factOf(h, lines, nil)
	f.Cancelled, f.Initiator, f.Reason, f.Reference, f.Whole = p.Cancelled, c.Initiator, c.Reason, h.ID+":v"+itoa(h.Version), p.Whole
	f.FromChannel = c.answers
	return s.emit(tx, h.out(event.OrderChanged, false, tx.Now, f), h.cancelledEvent(lines, p.Cancelled, c.Initiator, c.Reason, tx.Now))
}

// dropHolds releases every hold of an order that is over.
func (s *Service) dropHolds(tx *db.Tx, h *Head, actor string) error {
	open, err := holdsOf(tx, []string{h.ID})
	if err != nil {
		return err
	}
	c := newHoldChange()
	var all []HoldType
	for typ := range Holds {
		all = append(all, typ)
	}
	c.settle(tx, h, open[h.ID], nil, all, actor)
	if err := c.write(tx, actor); err != nil {
		return err
	}
	_, err = tx.Exec(`update orders set holds = 0 where id = $1`, h.ID)
	return err
}

// ExpireUnpaid cancels, for each account's rule, orders that were to be paid and were not: those whose unpaid hold has passed its deadline. It answers how many.
func (s *Service) ExpireUnpaid(ctx context.Context, limit int) (int, error) {
	var due []string
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		due, err = db.All(tx, scanText, `select h.order_id from order_holds h join orders o on o.id = h.order_id
			where h.type = 'unpaid' and h.released_at is null and h.deadline < $1 and o.ours and o.mode <> 'shadow' and o.units_open > 0 order by h.deadline limit $2`, db.Micros(tx.Now), limit)
		return err
	})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range due {
		done := false
		err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
			var err error
			done, err = s.expire(tx, id)
			return err
		})
		if err != nil && !fault.Is(err, fault.Conflict) {
			return n, err
		}
		if done && err == nil {
			n++
		}
	}
	return n, nil
}

// expire cancels one order unless it was paid, or let go by a person, meanwhile.
func (s *Service) expire(tx *db.Tx, id string) (bool, error) {
	if _, _, err := s.locked(tx, id); err != nil {
		return false, err
	}
	open, err := holdsOf(tx, []string{id})
	if err != nil {
		return false, err
	}
	for _, o := range open[id] {
		if until := o.until(); o.Type == HoldUnpaid && !until.IsZero() && until.Before(tx.Now) {
			_, err := s.CancelTx(tx, Cancelling{Order: id, Reason: "not paid in time", Initiator: "system", Actor: "system", Source: "schedule"})
			return err == nil, err
		}
	}
	return false, nil
}
