package order

import (
	"fmt"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
)

// afterPack is what the channel cancelled of units that were packed, kept until they are unpacked: for each line how many units are to be cancelled in all,
// and where the channel addresses units, which.
type afterPack struct {
	detail string
	held   channel.CancelRequest
}

func (p *afterPack) add(l *Line, cl *channel.Line, asked, packed int64) {
	if p.detail != "" {
		p.detail += "; "
	}
	p.detail += fmt.Sprintf("line %d: the channel cancels %d units, %d of them are packed", l.N, asked, packed)
	p.held.Lines = append(p.held.Lines, channel.Quantity{Line: l.External, Quantity: l.Cancelled + packed})
	if cl == nil {
		return
	}
	for _, cu := range cl.Units {
		if cu.Status == channel.Cancelled && slices.ContainsFunc(l.Units, func(u Unit) bool { return u.External == cu.External && u.Bucket == InOpen }) {
			p.held.Units = append(p.held.Units, cu.External)
		}
	}
}

// pending is what of a change held after packing is still to be done to our lines.
func pending(lines []Line, held *channel.CancelRequest) []CutLine {
	var all []CutLine
	for i := range lines {
		l := &lines[i]
		cut := CutLine{LineID: l.ID}
		for _, u := range l.Units {
			if slices.Contains(held.Units, u.External) && u.Bucket == InOpen {
				cut.Units = append(cut.Units, u.External)
			}
		}
		for _, q := range held.Lines {
			if q.Line == l.External {
				cut.Quantity = max(q.Quantity-l.Cancelled, int64(len(cut.Units)))
			}
		}
		if cut.Quantity = min(cut.Quantity, l.Open); cut.Quantity > 0 {
			all = append(all, cut)
		}
	}
	return all
}

// Unpacked applies what the channel changed of these orders after packing to what is not packed any more, and lets the holds go of which nothing is left: the units that
// it cancelled are cancelled, and a parcel that is packed anew goes to the new address. The channel knows. Safe to repeat.
func (s *Service) Unpacked(tx *db.Tx, orders []string) error {
	ids, err := db.All(tx, scanText, `select distinct order_id from order_holds where order_id in (select key from json_each($1)) and type in ('change_after_pack', 'address_changed')
		and released_at is null order by order_id`, db.Keys(orders))
	if err != nil || len(ids) == 0 {
		return err
	}
	heads, err := s.Heads(tx, ids, true)
	if err != nil {
		return err
	}
	committed, err := s.need.Committed(tx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if h := heads[id]; h.Effective() && h.Units.Open > 0 {
			if err := s.unpacked(tx, id, committed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) unpacked(tx *db.Tx, id string, committed map[string]int64) error {
	h, lines, err := s.locked(tx, id)
	if err != nil {
		return err
	}
	open, err := holdsOf(tx, []string{id})
	if err != nil {
		return err
	}
	var packed int64
	for i := range lines {
		packed += committed[lines[i].ID]
	}
	w := work{open: open[id]}
	if w.isOpen(HoldReaddress) != nil && packed == 0 {
		if err := s.releaseLocked(tx, &h, lines, HoldReaddress, "system", "applied"); err != nil {
			return err
		}
	}
	asked := w.isOpen(HoldAfterPack)
	if asked == nil || asked.Request == nil {
		return nil
	}
	var cut []CutLine
	for _, p := range pending(lines, asked.Request) {
		l := find(lines, p.LineID)
		if p.Quantity = min(p.Quantity, l.Open-committed[l.ID]); p.Quantity > 0 {
			cut = append(cut, p)
		}
	}
	if len(cut) == 0 {
		return s.endAfterPack(tx, &h, lines, "system")
	}
	_, err = s.CancelTx(tx, Cancelling{Order: id, Lines: cut, Reason: "cancelled at the channel", Initiator: "channel", Actor: "system", Source: "system", answers: true})
	return err
}

// endAfterPack lets the hold go when nothing of what the channel changed after packing is left to do.
func (s *Service) endAfterPack(tx *db.Tx, h *Head, lines []Line, actor string) error {
	open, err := holdsOf(tx, []string{h.ID})
	if err != nil {
		return err
	}
	w := work{open: open[h.ID]}
	if asked := w.isOpen(HoldAfterPack); asked == nil || asked.Request == nil || len(pending(lines, asked.Request)) > 0 {
		return nil
	}
	return s.releaseLocked(tx, h, lines, HoldAfterPack, actor, "applied")
}
