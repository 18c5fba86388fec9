package order

import (
	"fmt"
	"slices"
	"strconv"
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

// change applies a newer reading to an order we hold, in memory: to open quantities; what is packed is held for a person, what is shipped raised.
func (s *Service) change(tx *db.Tx, w *work, committed map[string]int64) {
	o, h := &w.a.Order, &w.head
	buyerBefore := h.Buyer
	w.copyFacts(tx)
	h.Version++
	if h.Buyer != buyerBefore && buyerBefore != "" {
		w.readdressed(committed)
	}
	seen := map[string]bool{}
	for i := range o.Lines {
		cl := &o.Lines[i]
		seen[cl.External] = true
		if l := w.lineBy(cl.External); l != nil {
			if !w.knowsLess {
				l.takeMoney(cl, w.money.lines[i])
			}
			w.changeLine(l, cl, committed[l.ID])
			continue
		}
		if err := w.addLine(tx, i); err != nil {
			w.stuckOn = append(w.stuckOn, raised{"undecodable", err.Error()})
		}
	}
	if o.Money == channel.MoneyComplete {
		for i := range w.lines {
			if l := &w.lines[i]; !seen[l.External] && l.Open > 0 {
				w.cancelUnits(l, l.Ordered-l.Shipped, nil, committed[l.ID])
				w.edited(l)
			}
		}
	}
	w.initiator = initiatorOf(o)
	w.count()
}

// readdressed says what a change of the buyer's data means for what has left the shelf already.
func (w *work) readdressed(committed map[string]int64) {
	for i := range w.lines {
		l := &w.lines[i]
		if committed[l.ID] > 0 {
			w.readdress = true
		}
		if l.OnTheWay > 0 && len(w.stuckOn) == 0 {
			w.stuckOn = append(w.stuckOn, raised{"change_after_pack", "the buyer's data or address changed at the channel; a parcel is on the way to the old one"})
		}
	}
}

// changeLine applies one line of the new reading.
func (w *work) changeLine(l *Line, cl *channel.Line, committed int64) {
	if l.Variant == "" && l.Ours() && l.Open > 0 {
		w.listings = append(w.listings, w.index(l))
	}
	if cl.Title != "" {
		l.Title = cl.Title
	}
	was, unitsBefore := l.Seen, slices.Clone(l.Units)
	l.Seen = seenOf(cl.Progress)
	if !w.head.Effective() || !l.Ours() {
		w.follow(l, cl)
	} else {
		w.grow(l, cl)
		w.backwards(l, was)
		want := cl.Progress.Cancelled + (l.Ordered - cl.Quantity)
		if w.a.Order.Status == channel.Cancelled {
			want = l.Ordered - l.Shipped
		}
		w.cancelUnits(l, want, cl, committed)
		w.contradict(l, cl)
	}
	w.unitsOf(l, cl, unitsBefore)
	w.edited(l)
}

// grow adds units that the channel added to a line; they are open, whatever it says of them: where a unit is counted is our decision.
func (w *work) grow(l *Line, cl *channel.Line) {
	known := map[string]bool{}
	for _, u := range l.Units {
		known[u.External] = true
	}
	if d := cl.Quantity - l.Ordered; d > 0 {
		l.Ordered += d
		l.Open += d
		if w.grown == nil {
			w.grown = map[int]int64{}
		}
		w.grown[w.index(l)] += d
	}
	for _, cu := range cl.Units {
		if !known[cu.External] && int64(len(l.Units)) < l.Ordered {
			l.Units = append(l.Units, unitOf(cu, InOpen))
		}
	}
}

// follow counts a line as the channel does: it fulfils it, or the order is not ours to act on. What it cancels of an order of ours is made known.
func (w *work) follow(l *Line, cl *channel.Line) {
	refunded, exchanged, cancelled, gone := l.Refunded, l.Exchanged, l.Cancelled, l.unitsIn(InCancelled)
	l.start(cl)
	l.Refunded, l.Exchanged = refunded, exchanged
	if d := l.Cancelled - cancelled; d > 0 && w.head.Effective() {
		now := slices.DeleteFunc(l.unitsIn(InCancelled), func(u string) bool { return slices.Contains(gone, u) })
		w.cancelled = append(w.cancelled, event.CancelledUnits{LineID: l.ID, External: l.External, Quantity: d, Units: now})
	}
}

// cancelUnits takes units the channel no longer wants out of what is open. Packed ones are held for a person, shipped ones raised.
func (w *work) cancelUnits(l *Line, want int64, cl *channel.Line, committed int64) {
	d := max(want-l.Cancelled, l.gone(cl))
	if w.a.Order.Status == channel.Cancelled && l.OnTheWay > 0 {
		w.stuckOn = append(w.stuckOn, raised{"change_after_pack", fmt.Sprintf("line %d: the channel cancelled it, %d units are on the way", l.N, l.OnTheWay)})
	}
	if d <= 0 {
		return // we may be ahead: what was cancelled here has still to be told
	}
	open := l.cuttable(cl, w.a.Order.Status == channel.Cancelled)
	now := min(d, max(0, l.Open-committed), open)
	packed := min(d, l.Open) - now
	if d > l.Open && w.a.Order.Status != channel.Cancelled {
		w.stuckOn = append(w.stuckOn, raised{"change_after_pack", fmt.Sprintf("line %d: the channel cancels %d units, %d of them are shipped", l.N, d, d-l.Open)})
	}
	if now > 0 {
		l.Cancelled += now
		l.Open -= now
		w.cancelled = append(w.cancelled, event.CancelledUnits{LineID: l.ID, External: l.External, Quantity: now, Units: l.dropUnits(now, cl)})
	}
	if packed > 0 {
		w.afterPack.add(l, cl, d, packed)
	}
}

// gone counts the units that the channel names as cancelled and we do not: what was cancelled here says nothing about them.
func (l *Line) gone(cl *channel.Line) int64 {
	if cl == nil {
		return 0
	}
	var n int64
	for _, cu := range cl.Units {
		if cu.Status == channel.Cancelled && slices.ContainsFunc(l.Units, func(u Unit) bool { return u.External == cu.External && u.Bucket != InCancelled }) {
			n++
		}
	}
	return n
}

// cuttable counts the open units that a cancellation may take: where the channel addresses units, those it names.
func (l *Line) cuttable(cl *channel.Line, whole bool) int64 {
	if len(l.Units) == 0 || cl == nil || len(cl.Units) == 0 || whole {
		return l.Open
	}
	var n int64
	for _, cu := range cl.Units {
		if cu.Status == channel.Cancelled && slices.ContainsFunc(l.Units, func(u Unit) bool { return u.External == cu.External && u.Bucket == InOpen }) {
			n++
		}
	}
	return n
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
	if theirs := seenOf(cl.Progress).Shipped; theirs > l.Shipped {
		w.stuckOn = append(w.stuckOn, raised{
			"contradicting_status",
			fmt.Sprintf("line %d: the channel counts %d units as shipped, we hold %d", l.N, theirs, l.Shipped),
		})
	}
}

// backwards raises a line of which the channel counts less than it did: our status stands.
func (w *work) backwards(l *Line, was Seen) {
	now := l.Seen
	for _, c := range []struct {
		what    string
		was, is int64
	}{{"cancelled", was.Cancelled, now.Cancelled}, {"shipped", was.Shipped, now.Shipped}, {"delivered or coming back", was.Past, now.Past}} {
		if c.is < c.was {
			w.stuckOn = append(w.stuckOn, raised{"stale_status", fmt.Sprintf("line %d: the channel counted %d units as %s, and %d now", l.N, c.was, c.what, c.is)})
			return
		}
	}
}

// unitsOf keeps the channel's word on every unit, and notes which rows changed.
func (w *work) unitsOf(l *Line, cl *channel.Line, before []Unit) {
	word := make(map[string]channel.Unit, len(cl.Units))
	for _, cu := range cl.Units {
		word[cu.External] = cu
	}
	known := make(map[string]Unit, len(before))
	for _, u := range before {
		known[u.External] = u
	}
	for i := range l.Units {
		u := &l.Units[i]
		if cu, ok := word[u.External]; ok {
			*u = unitOf(cu, u.Bucket)
		}
		was, had := known[u.External]
		if !had || was != *u {
			w.unitEdits = append(w.unitEdits, unitEdit{l.ID, *u, !had})
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
	if h.Units.Open == 0 || !h.Ours {
		return want
	}
	if w.afterPack.detail != "" {
		want[HoldAfterPack] = wantHold{detail: w.afterPack.detail, by: "channel", request: &w.afterPack.held}
	}
	if o.Status == channel.Cancelled {
		return want
	}
	wantsOf(h, w.lines, short, want)
	switch {
	case w.knowsLess:
		w.stays(HoldMoney, want)
	case w.money.off != "":
		want[HoldMoney] = wantHold{detail: w.money.off, by: "system"}
	}
	if h.Money != channel.MoneyComplete {
		want[HoldPartial] = wantHold{detail: "the channel gives amounts later", by: "channel"}
	}
	if o.Status == channel.Unpaid || h.Sums.Total > 0 && (h.PayState == Unpaid || h.PayState == PartPaid) {
		if w.stays(HoldUnpaid, want); want[HoldUnpaid].by == "" {
			want[HoldUnpaid] = wantHold{detail: "waits for the buyer's payment", by: "channel", deadline: w.unpaidUntil(), fallback: "cancel"}
		}
	}
	if !h.AddressOK {
		want[HoldAddress] = wantHold{detail: "a parcel cannot be sent with the address as it is", by: "system"}
	}
	if w.readdress {
		want[HoldReaddress] = wantHold{detail: "the buyer's data or address changed at the channel after packing", by: "channel"}
	} else {
		w.stays(HoldReaddress, want)
	}
	if c := o.CancelRequest; c != nil {
		want[HoldCancel] = wantHold{detail: c.Reason, by: string(c.By), deadline: c.Decide, fallback: string(c.Default), request: c}
	}
	switch {
	case o.Status == channel.Held:
		want[HoldChannel] = wantHold{detail: "on hold at the channel", by: "channel"}
	case slices.Contains(o.Silent, channel.SilentHeld):
		w.stays(HoldChannel, want)
	}
	return want
}

// wantsOf adds the holds that follow from lines and stock alone.
func wantsOf(h *Head, lines []Line, short int64, want map[HoldType]wantHold) {
	for i := range lines {
		if l := &lines[i]; l.Ours() && l.Open > 0 && l.Variant == "" {
			want[HoldUnmapped] = wantHold{detail: fmt.Sprintf("line %d: %s", l.N, l.Title), by: "system"}
			break
		}
	}
	if short > 0 && h.Effective() {
		want[HoldShortage] = wantHold{detail: fmt.Sprintf("%d units are short", short), by: "system"}
	}
}

// stays wants a hold on just as it is, when it is open: this reading says nothing about it.
func (w *work) stays(typ HoldType, want map[HoldType]wantHold) {
	o := w.isOpen(typ)
	if o == nil {
		return
	}
	want[typ] = wantHold{detail: o.Detail, by: o.By, deadline: o.until(), fallback: o.Default, request: o.Request}
}

// unpaidUntil is when an order that nobody pays is given up: by the account's setting in hours, else by the country's rule, else after two days.
// One that is old already when it is first seen gets the time anew.
func (w *work) unpaidUntil() time.Time {
	wait := w.rules.UnpaidExpiry
	if n, err := strconv.Atoi(w.a.Account.Settings["unpaid_hours"]); err == nil && n > 0 {
		wait = time.Duration(n) * time.Hour
	}
	if wait <= 0 {
		wait = 48 * time.Hour
	}
	if until := w.head.PlacedAt.Add(wait); until.After(w.head.UpdatedAt) {
		return until
	}
	return w.head.UpdatedAt.Add(wait)
}

// fromChannel are the holds that import decides on; a person's own hold is not its business.
var fromChannel = []HoldType{HoldUnmapped, HoldMoney, HoldPartial, HoldUnpaid, HoldAddress, HoldCancel, HoldChannel, HoldShortage, HoldAfterPack, HoldReaddress}
