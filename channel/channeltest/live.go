package channeltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

func (e *env) liveCases() []conform.Case {
	bench := unless(e.Bench != nil, "no bench")
	can := func(ok bool, what string) string { return unless(ok, "no "+what) }
	all := []conform.Case{
		applies("live/an_order_is_read_as_it_was_placed", e.readAsPlaced, bench),
		applies("live/an_order_nobody_placed_is_not_found", e.notFound, bench),
		applies("live/a_cancelled_context_returns_at_once", e.liveCancelled, bench),
		applies("live/resuming_from_every_cursor_misses_none", e.resumes, bench),
		applies("live/a_delivery_and_a_read_agree", e.liveDelivery, bench, can(e.hooks, "Webhooker")),
		applies("live/acknowledging_twice_is_harmless", e.acknowledges, bench, can(e.can.Acknowledge, "Acknowledger")),
		applies("live/ten_orders_take_ten_from_the_shop_front", e.tenOrders, bench, can(e.can.SetStock, "StockSetter")),
		applies("live/stock_set_twice_is_set_once", e.stockTwice, bench, can(e.can.SetStock, "StockSetter")),
		applies("live/a_refused_item_is_not_a_failed_call", e.refusedItem, bench, can(e.can.SetStock, "StockSetter")),
	}
	for _, a := range acts() {
		why := []string{bench, can(a.can(e.can), a.capability)}
		all = append(all,
			applies("live/"+a.name+"_twice_is_once", func(tb testing.TB) { e.twice(tb, a) }, why...),
			applies("live/"+a.name+"_with_a_lost_answer_is_once", func(tb testing.TB) { e.lostAnswer(tb, a) }, append(why, e.noFault(LostAnswer))...))
	}
	all = append(all, applies("live/pack_whose_answer_was_lost_is_found_with_every_package", e.lostPackages, bench, can(e.can.Pack, "Packer"), can(e.can.Find, "Finder"), e.noFault(LostAnswer)))
	for _, f := range []string{Throttle, ServerError, HTML, CutBody} {
		all = append(all, applies("live/"+f+"_is_classified", func(tb testing.TB) { e.liveFault(tb, f) }, bench, e.noFault(f)))
	}
	return append(all, applies("live/an_expired_token_is_refreshed_once", e.liveExpired, bench, can(e.can.RefreshToken, "TokenRefresher"), e.noFault(ExpiredToken)))
}

func (e *env) noFault(f string) string {
	return unless(e.Faults == nil || slices.Contains(e.Faults, f), "the bench cannot make the fault "+f)
}

// read reads and decodes an order; anything but success ends the case.
func (l *live) read(tb testing.TB, e *env, id string) channel.Order {
	tb.Helper()
	c, err := l.Order(tb.Context(), id)
	if e.hear(err) != nil {
		tb.Fatalf("read %s: %v", id, err)
	}
	o, err := l.Decode(c.Raw)
	if e.hear(err) != nil {
		tb.Fatalf("decode %s: %v", id, err)
	}
	if c.External != id || o.External != id {
		tb.Fatalf("asked for %s, got a change of %s with order %s", id, c.External, o.External)
	}
	return o
}

// same reports whether a line sells what was offered: every key that both name is equal, and one at least is.
func same(a, b channel.ListingRef) bool {
	agree := false
	for _, p := range [][2]string{{a.External, b.External}, {a.SKU, b.SKU}, {a.Barcode, b.Barcode}, {a.Alt, b.Alt}} {
		if p[0] != "" && p[1] != "" {
			if p[0] != p[1] {
				return false
			}
			agree = true
		}
	}
	return agree
}

func (e *env) readAsPlaced(tb testing.TB) {
	l := e.live(tb)
	offers := l.Offers()
	if len(offers) < 2 {
		tb.Fatal("the bench offers fewer than two things")
	}
	id := l.Place(tb, Sale{offers[0], 2}, Sale{offers[1], 1})
	o := l.read(tb, e, id)
	for i, want := range []int64{2, 1} {
		var got int64
		for _, line := range o.Lines {
			if same(line.Listing, offers[i].Listing) {
				got += line.Quantity
			}
		}
		if got != want {
			tb.Errorf("%d of %+v were ordered, %d are read", want, offers[i].Listing, got)
		}
	}
	if moved(o) != 0 {
		tb.Errorf("a new order has units that moved: %s", without(tb, o, ""))
	}
	for _, c := range Inspect(o) {
		tb.Error(c)
	}
}

func (e *env) notFound(tb testing.TB) {
	l := e.live(tb)
	id := l.Place(tb, Sale{l.Offers()[0], 1})
	ghost := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '9' - (r - '0')
		}
		return r
	}, id)
	if _, err := l.Order(tb.Context(), ghost); !fault.Is(e.hear(err), fault.NotFound) {
		tb.Errorf("order %s gives %v, and should be NotFound", ghost, err)
	}
}

func (e *env) liveCancelled(tb testing.TB) {
	l := e.live(tb)
	id := l.Place(tb, Sale{l.Offers()[0], 1})
	l.read(tb, e, id)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	if _, err := l.Order(ctx, id); !fault.Is(e.hear(err), fault.Unavailable) {
		tb.Errorf("reading with a cancelled context: %v, and should be Unavailable", err)
	}
	if _, err := collect(l.Orders(ctx, "")); !fault.Is(e.hear(err), fault.Unavailable) {
		tb.Errorf("listing with a cancelled context: %v, and should be Unavailable", err)
	}
}

// resumes lists a dozen orders, then resumes from each cursor: what came before it and what comes after it must be all there is, a later order included.
func (e *env) resumes(tb testing.TB) {
	l := e.live(tb)
	placed := map[string]bool{}
	for range 12 {
		placed[l.Place(tb, Sale{l.Offers()[0], 1})] = true
	}
	all, err := collect(l.Orders(tb.Context(), ""))
	if e.hear(err) != nil {
		tb.Fatalf("listing: %v", err)
	}
	later := l.Place(tb, Sale{l.Offers()[1], 1})
	placed[later] = true
	seen := map[string]bool{}
	for i, c := range all {
		seen[c.External] = true
		if c.Cursor == "" || len(c.Cursor) > 1024 || strings.IndexFunc(string(c.Cursor), func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			tb.Errorf("cursor %q of item %d is empty, not printable, or over 1 KB", c.Cursor, i)
		}
		if _, err := l.Decode(c.Raw); e.hear(err) != nil {
			tb.Errorf("item %d does not decode: %v", i, err)
		}
		rest, err := collect(l.Orders(tb.Context(), c.Cursor))
		if e.hear(err) != nil {
			tb.Fatalf("resuming from item %d: %v", i, err)
		}
		after := map[string]bool{}
		for _, r := range rest {
			after[r.External] = true
		}
		for id := range placed {
			if !seen[id] && !after[id] {
				tb.Errorf("resuming from item %d misses %s", i, id)
			}
		}
	}
	for id := range placed {
		if id != later && !seen[id] {
			tb.Errorf("the listing misses %s", id)
		}
	}
	e.stopsEarly(tb, l)
}

// stopsEarly leaves a listing after its first item, as a caller does who has enough.
func (e *env) stopsEarly(tb testing.TB, l *live) {
	tb.Helper()
	defer func() {
		if p := recover(); p != nil {
			tb.Errorf("leaving a listing early: %v", p)
		}
	}()
	for range l.Orders(tb.Context(), "") {
		break
	}
}

func (e *env) liveDelivery(tb testing.TB) {
	l := e.live(tb)
	id := l.Place(tb, Sale{l.Offers()[0], 2}, Sale{l.Offers()[1], 1})
	o := l.read(tb, e, id)
	hooks := l.Channel.(channel.Webhooker)
	sent := l.Deliveries(tb, id)
	if len(sent) == 0 {
		tb.Fatal("the partner sent nothing about a new order")
	}
	about := 0
	for _, d := range sent {
		if _, err := hooks.Verify(d); e.hear(err) != nil {
			tb.Errorf("a genuine delivery is refused: %v", err)
			continue
		}
		hints, err := hooks.Hints(d)
		if e.hear(err) != nil {
			tb.Errorf("a genuine delivery is not understood: %v", err)
		}
		for _, h := range hints {
			if h.Subject != channel.AboutOrder || h.External != id {
				continue
			}
			about++
			if h.Raw == nil {
				continue
			}
			delivered, err := l.Decode(*h.Raw)
			if e.hear(err) != nil {
				tb.Errorf("the order in the delivery: %v", err)
				continue
			}
			if d := cmp.Diff(without(tb, o, e.Differs), without(tb, delivered, e.Differs)); d != "" {
				tb.Errorf("read and delivery of one order differ (-read +delivered):\n%s", d)
			}
		}
	}
	if about == 0 {
		tb.Errorf("%d deliveries, and none hints at order %s", len(sent), id)
	}
}

func (e *env) acknowledges(tb testing.TB) {
	l := e.live(tb)
	id := l.Place(tb, Sale{l.Offers()[0], 1})
	for range 2 {
		if err := l.Channel.(channel.Acknowledger).Acknowledge(tb.Context(), id, "PK-000001"); e.hear(err) != nil {
			tb.Errorf("acknowledge: %v", err)
		}
	}
	if n := l.Told(tb, id).Acknowledged; n != 1 {
		tb.Errorf("acknowledged twice counts %d at the partner", n)
	}
}

// set shows a promise in the meaning of Kind.Stock: of a total, the units that the partner holds back for open orders are added.
func (l *live) set(tb testing.TB, e *env, offer Offer, promise, held int64, key string) {
	tb.Helper()
	level := channel.StockLevel{Listing: offer.Listing, Location: offer.Location, Quantity: promise, Key: key}
	if l.kind.Stock == channel.StockTotal {
		level.Quantity += held
	}
	v, err := l.Channel.(channel.StockSetter).SetStock(tb.Context(), []channel.StockLevel{level})
	if e.hear(err) != nil || len(v) != 1 || e.hear(v[0].Err) != nil {
		tb.Fatalf("set stock: %v, verdicts %+v", err, v)
	}
}

func (l *live) shows(tb testing.TB, offer Offer, want int64, when string) {
	tb.Helper()
	if got := l.Shown(tb, offer.Listing); got != want {
		tb.Errorf("%s the shop front shows %d, and should show %d", when, got, want)
	}
}

func (e *env) tenOrders(tb testing.TB) {
	l := e.live(tb)
	offer := l.Offers()[0]
	l.set(tb, e, offer, 50, 0, "ten-1")
	l.shows(tb, offer, 50, "set to 50,")
	for range 10 {
		l.Place(tb, Sale{offer, 1})
	}
	l.shows(tb, offer, 40, "ten orders later")
	held := int64(10)
	if r, ok := l.Channel.(channel.StockReader); ok {
		all, err := r.Stock(tb.Context(), []channel.ListingRef{offer.Listing})
		if e.hear(err) != nil || len(all) == 0 {
			tb.Fatalf("read stock: %v, %d readings", err, len(all))
		}
		want := int64(40)
		if l.kind.Stock == channel.StockTotal {
			want, held = 50, all[0].Held
		}
		if all[0].Quantity != want || l.kind.Stock == channel.StockTotal && held != 10 {
			tb.Errorf("ten orders later the reading is %+v, and should be %d", all[0], want)
		}
	}
	l.set(tb, e, offer, 40, held, "ten-2")
	l.shows(tb, offer, 40, "told our own count of 40")
}

func (e *env) stockTwice(tb testing.TB) {
	l := e.live(tb)
	offer := l.Offers()[0]
	for range 2 {
		l.set(tb, e, offer, 37, 0, "twice")
		l.shows(tb, offer, 37, "set to 37")
	}
	if e.noFault(LostAnswer) != "" {
		return
	}
	l.Fault(tb, LostAnswer, "set-stock", 1)
	level := channel.StockLevel{Listing: offer.Listing, Location: offer.Location, Quantity: 36, Key: "lost"}
	v, err := l.Channel.(channel.StockSetter).SetStock(tb.Context(), []channel.StockLevel{level})
	if e.hear(err) == nil {
		tb.Errorf("its answer was lost, and the call says it is done: %+v", v)
	}
	l.set(tb, e, offer, 36, 0, "lost")
	l.shows(tb, offer, 36, "set to 36 after a lost answer")
}

func (e *env) refusedItem(tb testing.TB) {
	l := e.live(tb)
	offers := l.Offers()
	ghost := channel.ListingRef{External: "999999999999", Parent: "999999999998", SKU: "NO-SUCH-SKU", Stock: "999999999997", Alt: "NO-SUCH"}
	levels := []channel.StockLevel{
		{Listing: offers[0].Listing, Location: offers[0].Location, Quantity: 21, Key: "item-1"},
		{Listing: ghost, Location: offers[0].Location, Quantity: 5, Key: "item-2"},
		{Listing: offers[1].Listing, Location: offers[1].Location, Quantity: 22, Key: "item-3"},
	}
	v, err := l.Channel.(channel.StockSetter).SetStock(tb.Context(), levels)
	if e.hear(err) != nil || len(v) != 3 {
		tb.Fatalf("one unknown listing among three: %v, %d verdicts", err, len(v))
	}
	if v[0].Err != nil || v[2].Err != nil || v[1].Err == nil || !classified(e.hear(v[1].Err)) {
		tb.Errorf("verdicts are %v, %v, %v", v[0].Err, v[1].Err, v[2].Err)
	}
	l.shows(tb, offers[0], 21, "set beside an unknown listing")
	l.shows(tb, offers[1], 22, "set beside an unknown listing")
}

func (e *env) liveFault(tb testing.TB, f string) {
	l := e.live(tb)
	id := l.Place(tb, Sale{l.Offers()[0], 1})
	l.read(tb, e, id)
	l.Fault(tb, f, "", -1)
	want := fault.Unavailable
	if f == Throttle {
		want = fault.Throttled
	}
	_, err := l.Order(tb.Context(), id)
	if !fault.Is(e.hear(err), want) || f == Throttle && fault.After(err) <= 0 {
		tb.Errorf("reading an order: %v, wait %s, and should be %s", err, fault.After(err), want)
	}
	if _, err := collect(l.Orders(tb.Context(), "")); !fault.Is(e.hear(err), want) {
		tb.Errorf("listing orders: %v, and should be %s", err, want)
	}
	l.Fault(tb, f, "", 0)
	l.read(tb, e, id)
}

func (e *env) liveExpired(tb testing.TB) {
	l := e.live(tb)
	id := l.Place(tb, Sale{l.Offers()[0], 1})
	l.read(tb, e, id)
	before := l.tokens.count()
	l.Fault(tb, ExpiredToken, "", 1)
	l.read(tb, e, id)
	if n := l.tokens.count() - before; n != 1 {
		tb.Errorf("an expired token was refreshed %d times", n)
	}
	l.Fault(tb, ExpiredToken, "", -1)
	before = l.tokens.count()
	_, err := l.Order(tb.Context(), id)
	if n := l.tokens.count() - before; !fault.Is(e.hear(err), fault.Unauthorized) || n != 1 {
		tb.Errorf("refused for ever: %d refreshes, then %v; and should be one, then Unauthorized", n, err)
	}
}

// act is one effect at the partner that must happen once.
type act struct {
	name       string
	capability string
	can        func(channel.Can) bool
	do         func(tb testing.TB, l *live, o channel.Order, h channel.Handling) error
	told       func(Told) int64
	whole      bool // on both units, else on one
}

func acts() []act {
	return []act{
		{"pack", "Packer", func(c channel.Can) bool { return c.Pack }, doActPack, func(t Told) int64 { return t.Packed }, false},
		{"ship", "Shipper", func(c channel.Can) bool { return c.Ship }, doActShip, func(t Told) int64 { return t.Shipped }, false},
		{"cancel", "Canceller", func(c channel.Can) bool { return c.Cancel }, doActCancel, func(t Told) int64 { return t.Cancelled }, true},
		{"refund", "Refunder", func(c channel.Can) bool { return c.Refund }, doActRefund, func(t Told) int64 { return t.Refunds }, false},
	}
}

// handling names units of the first line.
func handling(o channel.Order, units int64, reference, location string) channel.Handling {
	h := channel.Handling{Order: o.External, Reference: reference, Location: location}
	line := o.Lines[0]
	if len(line.Units) == 0 {
		h.Lines = []channel.Quantity{{Line: line.External, Quantity: units}}
		return h
	}
	for _, u := range line.Units[:units] {
		h.Units = append(h.Units, u.External)
	}
	return h
}

func doActPack(tb testing.TB, l *live, _ channel.Order, h channel.Handling) error {
	tb.Helper()
	res, err := l.Channel.(channel.Packer).Pack(tb.Context(), h)
	for _, r := range res.Refused {
		err = errors.Join(err, r.Err)
	}
	return err
}

func doActShip(tb testing.TB, l *live, o channel.Order, h channel.Handling) error {
	tb.Helper()
	n := channel.ShipNotice{Handling: h, Carrier: "TCS", Tracking: "TRK" + h.Reference, At: o.PlacedAt}
	if p, ok := l.Channel.(channel.Packer); ok && l.kind.Parcels == channel.ParcelTheirs {
		n.Packages = append(n.Packages, l.packed[h.Reference]...)
		if len(n.Packages) == 0 {
			pack := h
			pack.Reference += "-pack"
			res, err := p.Pack(tb.Context(), pack)
			if err != nil || len(res.Packages) == 0 {
				return fmt.Errorf("pack before shipping: %w, %d packages", err, len(res.Packages))
			}
			for _, pkg := range res.Packages {
				n.Packages = append(n.Packages, pkg.External)
			}
			if l.packed == nil {
				l.packed = map[string][]string{}
			}
			l.packed[h.Reference] = n.Packages
			if len(res.Packages) > 0 {
				n.Carrier, n.Tracking = res.Packages[0].Carrier, res.Packages[0].Tracking
			}
		}
	}
	_, err := l.Channel.(channel.Shipper).Ship(tb.Context(), n)
	return err
}

func doActCancel(tb testing.TB, l *live, _ channel.Order, h channel.Handling) error {
	tb.Helper()
	return l.Channel.(channel.Canceller).Cancel(tb.Context(), channel.Cancellation{Handling: h, Whole: true, Reason: channel.CancelOther, Restock: true})
}

func doActRefund(tb testing.TB, l *live, o channel.Order, h channel.Handling) error {
	tb.Helper()
	line := o.Lines[0]
	r := channel.RefundRequest{
		Handling: h, Amount: line.UnitPrice, Reason: "damaged",
		Lines: []channel.RefundLine{{Line: line.External, Quantity: 1, Amount: line.UnitPrice, Restock: channel.RestockNone}},
	}
	got, err := l.Channel.(channel.Refunder).Refund(tb.Context(), r)
	if err == nil && (got.External == "" || got.Amount != r.Amount) {
		return fmt.Errorf("refund of %s answered %+v", r.Amount, got)
	}
	return err
}

// start places an order of two units for an act; it returns what the partner should count in the end.
func (e *env) start(tb testing.TB, a act) (l *live, o channel.Order, h channel.Handling, want int64) {
	tb.Helper()
	l = e.live(tb)
	offer := l.Offers()[0]
	o = l.read(tb, e, l.Place(tb, Sale{offer, 2}))
	units := int64(1)
	if a.whole {
		units = 2
	}
	want = units
	if a.name == "refund" {
		want = 1
	}
	return l, o, handling(o, units, "ref-"+a.name+"-1", offer.Location), want
}

func (e *env) counts(tb testing.TB, l *live, a act, o channel.Order, want int64) {
	tb.Helper()
	t := l.Told(tb, o.External)
	if got := a.told(t); got != want {
		tb.Errorf("the partner counts %d, and should count %d", got, want)
	}
	if a.name == "refund" && t.Refunded != o.Lines[0].UnitPrice {
		tb.Errorf("the partner gave back %s, and should have %s", t.Refunded, o.Lines[0].UnitPrice)
	}
}

// looked searches by our reference. It reports whether the effect was found, and whether searching is a way at all.
func (e *env) looked(tb testing.TB, l *live, a act, h channel.Handling) (found, possible bool) {
	tb.Helper()
	f, ok := l.Channel.(channel.Finder)
	if !ok {
		return false, false
	}
	_, err := f.Find(tb.Context(), a.name, h)
	switch {
	case e.hear(err) == nil:
		return true, true
	case fault.Is(err, fault.NotFound):
		return false, true
	case fault.Is(err, fault.Invalid):
		return false, false // this act is not searched for
	}
	tb.Errorf("find: %v", err)
	return false, false
}

// settled are the answers that a repeat may get when the first one counted.
func settled(err error) bool {
	return err == nil || fault.Is(err, fault.Conflict) || fault.Is(err, fault.Refused)
}

func (e *env) twice(tb testing.TB, a act) {
	l, o, h, want := e.start(tb, a)
	never := h
	never.Reference = "ref-never-used"
	if found, possible := e.looked(tb, l, a, never); possible && found {
		tb.Error("what was never done is found")
	}
	if err := a.do(tb, l, o, h); e.hear(err) != nil {
		tb.Fatalf("the first time: %v", err)
	}
	found, possible := e.looked(tb, l, a, h)
	if possible && !found {
		tb.Error("what was done is not found by its reference")
	}
	if !possible || a.name == "refund" || a.name == "cancel" {
		if err := a.do(tb, l, o, h); !settled(e.hear(err)) {
			tb.Errorf("the second time: %v", err)
		}
	}
	e.counts(tb, l, a, o, want)
}

// lostAnswer plays what dispatch does when an answer is lost: look for it by reference, else repeat under the same reference.
func (e *env) lostAnswer(tb testing.TB, a act) {
	l, o, h, want := e.start(tb, a)
	l.Fault(tb, LostAnswer, a.name, 1)
	err := a.do(tb, l, o, h)
	// An adapter that read again and saw the effect knows, and may say so; the count below is the judge.
	if e.hear(err) != nil && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.OutcomeUnknown) {
		tb.Fatalf("its answer was lost, and the call says %v", err)
	}
	e.counts(tb, l, a, o, want)
	found, possible := e.looked(tb, l, a, h)
	if possible && !found {
		tb.Error("what was done is not found by its reference")
	}
	if !possible {
		if err := a.do(tb, l, o, h); !settled(e.hear(err)) {
			tb.Errorf("the second time: %v", err)
		}
	}
	e.counts(tb, l, a, o, want)
}

// lostPackages packs a whole order, loses the answer, and looks for what became of it: every unit is in one of the packages found, each of which names its number.
func (e *env) lostPackages(tb testing.TB) {
	l := e.live(tb)
	offers := l.Offers()
	o := l.read(tb, e, l.Place(tb, Sale{offers[0], 2}, Sale{offers[1], 1}))
	h := channel.Handling{Order: o.External, Reference: "ref-pack-all", Location: offers[0].Location}
	want := []string{}
	for _, line := range o.Lines {
		if len(line.Units) == 0 {
			h.Lines = append(h.Lines, channel.Quantity{Line: line.External, Quantity: line.Quantity})
		}
		for _, u := range line.Units {
			h.Units = append(h.Units, u.External)
			want = append(want, u.External)
		}
	}
	l.Fault(tb, LostAnswer, "pack", 1)
	if err := doActPack(tb, l, o, h); e.hear(err) != nil && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.OutcomeUnknown) {
		tb.Fatalf("its answer was lost, and the call says %v", err)
	}
	found, err := l.Channel.(channel.Finder).Find(tb.Context(), "pack", h)
	if e.hear(err) != nil {
		tb.Fatalf("find: %v", err)
	}
	got := []string{}
	numbers := map[string]bool{}
	for _, p := range found.Packages {
		if p.External == "" || p.Tracking == "" || numbers[p.External] {
			tb.Errorf("a package without a name or number of its own: %+v", p)
		}
		numbers[p.External] = true
		got = append(got, p.Units...)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(found.Packages) == 0 || !slices.Equal(want, got) {
		tb.Errorf("units %v were packed, those found are %v", want, got)
	}
}
