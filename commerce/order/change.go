package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
)

// unitEdit is a unit whose channel status or bucket changed.
type unitEdit struct {
	line string
	unit Unit
	made bool
}

// change applies a newer reading to an order we hold, in memory: to open quantities; what is packed or shipped is raised for a person.
func (s *Service) change(tx *db.Tx, w *work, committed map[string]int64) {
	o, h := &w.a.Order, &w.head
	addressBefore, buyerBefore := h.address(), h.Buyer
	w.copyFacts(tx)
	h.Version++
	if h.Buyer != buyerBefore && buyerBefore != "" && w.packedAny(committed) {
		w.stuckOn = append(w.stuckOn, raised{"change_after_pack", h.ID, "the buyer's data or address changed at the channel after packing"})
		if h.address() != addressBefore {
			w.stuckOn = append(w.stuckOn, raised{"contradicting_status", h.ID, "the parcel may go to the old address"})
		}
	}
	seen := map[string]bool{}
	for i := range o.Lines {
		cl := &o.Lines[i]
		seen[cl.External] = true
		if l := w.lineBy(cl.External); l != nil {
			l.takeMoney(cl, w.money.lines[i])
			w.changeLine(l, cl, committed[l.ID])
			continue
		}
		if err := w.addLine(tx, i); err != nil {
			w.stuckOn = append(w.stuckOn, raised{"undecodable", h.ID, err.Error()})
		}
	}
	if o.Money == channel.MoneyComplete {
		for i := range w.lines {
			if l := &w.lines[i]; !seen[l.External] && l.Open > 0 {
				w.cancelUnits(l, l.Ordered, nil, committed[l.ID])
				w.edited(l)
			}
		}
	}
	w.initiator = initiatorOf(o)
	w.count()
}

// changeLine applies one line of the new reading.
func (w *work) changeLine(l *Line, cl *channel.Line, committed int64) {
	before, unitsBefore := l.Progress, len(w.unitEdits)
	if l.Variant == "" && l.Ours() && l.Open > 0 {
		w.listings = append(w.listings, w.index(l))
	}
	if d := cl.Quantity - l.Ordered; d > 0 {
		l.Ordered += d
		if l.Ships {
			l.Open += d
		} else {
			l.Delivered, l.Shipped = l.Delivered+d, l.Shipped+d
		}
	}
	switch {
	case !w.head.Effective() || !l.Ours():
		w.follow(l, cl)
	default:
		want := cl.Progress.Cancelled + (l.Ordered - cl.Quantity)
		if w.a.Order.Status == channel.Cancelled {
			want = l.Ordered - l.Shipped
		}
		w.cancelUnits(l, want, cl, committed)
		w.contradict(l, cl)
	}
	w.takeUnits(l, cl)
	if l.Progress != before || len(w.unitEdits) > unitsBefore || !slices.Contains(w.newLines, w.index(l)) {
		w.edited(l)
	}
}

// follow counts a line as the channel does: it fulfils it, or the order is not ours to act on.
func (w *work) follow(l *Line, cl *channel.Line) {
	refunded, exchanged := l.Refunded, l.Exchanged
	units := l.Units
	if err := l.start(cl, "line "+cl.External); err != nil {
		w.stuckOn = append(w.stuckOn, raised{"contradicting_status", w.head.ID, err.Error()})
		return
	}
	l.Units = units
	l.Refunded, l.Exchanged = refunded, exchanged
}

// cancelUnits takes units the channel no longer wants out of what is open. Packed ones are raised for a person.
func (w *work) cancelUnits(l *Line, want int64, cl *channel.Line, committed int64) {
	d := want - l.Cancelled
	switch {
	case d == 0:
		return
	case d < 0:
		w.stuckOn = append(w.stuckOn, raised{"contradicting_status", w.head.ID,
			fmt.Sprintf("line %d: the channel counts %d cancelled, we hold %d", l.N, want, l.Cancelled)})
		return
	}
	now := min(d, max(0, l.Open-committed))
	if now < d {
		w.stuckOn = append(w.stuckOn, raised{"change_after_pack", w.head.ID,
			fmt.Sprintf("line %d: the channel cancels %d units, %d of them are packed or shipped", l.N, d, d-now)})
	}
	if now == 0 {
		return
	}
	l.Cancelled += now
	l.Open -= now
	w.cancelled = append(w.cancelled, event.CancelledUnits{LineID: l.ID, External: l.External, Quantity: now, Units: l.dropUnits(now, cl)})
}

// dropUnits moves so many open units to cancelled, those first that the channel names.
func (l *Line) dropUnits(n int64, cl *channel.Line) []string {
	if len(l.Units) == 0 {
		return nil
	}
	named := map[string]bool{}
	if cl != nil {
		for _, u := range cl.Units {
			named[u.External] = u.Status == channel.Cancelled
		}
	}
	var gone []string
	for _, first := range []bool{true, false} {
		for i := range l.Units {
			u := &l.Units[i]
			if int64(len(gone)) < n && u.Bucket == InOpen && (named[u.External] == first) {
				u.Bucket = InCancelled
				gone = append(gone, u.External)
			}
		}
	}
	return gone
}

// contradict raises what the channel has further along than we do: a fact from outside never forces a state.
func (w *work) contradict(l *Line, cl *channel.Line) {
	p := cl.Progress
	theirs := p.Shipped + p.Delivered + p.Failed + p.Returning + p.Returned + p.Lost
	if theirs > l.Shipped {
		w.stuckOn = append(w.stuckOn, raised{"contradicting_status", w.head.ID,
			fmt.Sprintf("line %d: the channel counts %d units as shipped, we hold %d", l.N, theirs, l.Shipped)})
	}
}

// takeUnits keeps the channel's word on every unit; where a unit is counted stays our decision.
func (w *work) takeUnits(l *Line, cl *channel.Line) {
	known := map[string]int{}
	for i, u := range l.Units {
		known[u.External] = i
	}
	for _, cu := range cl.Units {
		i, ok := known[cu.External]
		if !ok {
			u := Unit{External: cu.External, Bucket: bucketOf(cu.Status), Status: cu.Status, Raw: cu.Raw, Package: cu.Package, Tracking: cu.Tracking}
			l.Units = append(l.Units, u)
			w.unitEdits = append(w.unitEdits, unitEdit{l.ID, u, true})
			continue
		}
		u := &l.Units[i]
		was := *u
		u.Status, u.Raw, u.Package, u.Tracking = cu.Status, cu.Raw, cu.Package, cu.Tracking
		if !w.head.Effective() || !l.Ours() {
			u.Bucket = bucketOf(cu.Status)
		}
		if *u != was || u.Bucket == InCancelled {
			w.unitEdits = append(w.unitEdits, unitEdit{l.ID, *u, false})
		}
	}
}

func (w *work) edited(l *Line) {
	if i := w.index(l); !slices.Contains(w.editLines, i) && !slices.Contains(w.newLines, i) {
		w.editLines = append(w.editLines, i)
	}
}

func (w *work) index(l *Line) int {
	for i := range w.lines {
		if w.lines[i].ID == l.ID {
			return i
		}
	}
	return -1
}

func (w *work) packedAny(committed map[string]int64) bool {
	for i := range w.lines {
		if committed[w.lines[i].ID] > 0 || w.lines[i].OnTheWay > 0 {
			return true
		}
	}
	return false
}

type address struct{ country, province, city, postcode string }

func (h *Head) address() address {
	return address{h.ShipCountry, h.ShipProvince, h.ShipCity, h.ShipPostcode}
}

// initiatorOf is who ended what is cancelled, as far as the channel says.
func initiatorOf(o *channel.Order) string {
	if o.Extra["cancelled_by"] != "" {
		return o.Extra["cancelled_by"]
	}
	return "channel"
}

// wants is the set of holds an order should have, from what the channel says and what we know.
func (w *work) wants(short int64) map[HoldType]wantHold {
	o, h := &w.a.Order, &w.head
	want := map[HoldType]wantHold{}
	if o.Status == channel.Cancelled || h.Units.Open == 0 || !h.Effective() {
		return want
	}
	for i := range w.lines {
		if l := &w.lines[i]; l.Ours() && l.Open > 0 && l.Variant == "" {
			want[HoldUnmapped] = wantHold{detail: fmt.Sprintf("line %d: %s", l.N, l.Title), by: "system"}
		}
	}
	if w.money.off != "" {
		want[HoldMoney] = wantHold{detail: w.money.off, by: "system"}
	}
	if o.Money != channel.MoneyComplete {
		want[HoldPartial] = wantHold{detail: "the channel gives amounts later", by: "channel"}
	}
	if o.Status == channel.Unpaid || (h.Sums.Total > 0 && (h.PayState == Unpaid || h.PayState == PartPaid)) {
		want[HoldUnpaid] = wantHold{detail: "waits for the buyer's payment", by: "channel", deadline: w.unpaidUntil(), fallback: "cancel"}
	}
	if !h.AddressOK {
		want[HoldAddress] = wantHold{detail: "a parcel cannot be sent with the address as it is", by: "system"}
	}
	if c := o.CancelRequest; c != nil {
		want[HoldCancel] = wantHold{detail: c.Reason, by: string(c.By), deadline: c.Decide, fallback: string(c.Default)}
	}
	if o.Status == channel.Held {
		want[HoldChannel] = wantHold{detail: "on hold at the channel", by: "channel"}
	}
	if short > 0 {
		want[HoldShortage] = wantHold{detail: fmt.Sprintf("%d units are short", short), by: "system"}
	}
	return want
}

func (w *work) unpaidUntil() time.Time {
	if w.rules.UnpaidExpiry <= 0 {
		return w.head.PlacedAt.Add(48 * time.Hour)
	}
	return w.head.PlacedAt.Add(w.rules.UnpaidExpiry)
}

// fromChannel are the holds that import decides on; a person's own hold is not its business.
var fromChannel = []HoldType{HoldUnmapped, HoldMoney, HoldPartial, HoldUnpaid, HoldAddress, HoldCancel, HoldChannel, HoldShortage}
