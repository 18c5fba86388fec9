package channeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// patience bounds what should take no time at all; it is no measurement.
var patience = 10 * time.Second

func (e *env) goldenCases() []conform.Case {
	var all []conform.Case
	for _, r := range e.files {
		kind, _ := r.wants()
		if r.Raw != nil {
			all = append(all, conform.Case{Name: "decodes/" + r.Name, Run: func(tb testing.TB) { e.goldenRaw(tb, r) }})
		}
		if r.do() != "" {
			all = append(all, conform.Case{Name: "plays/" + r.Name, Run: func(tb testing.TB) { e.plays(tb, r) }})
		}
		d, sent := r.delivery(e.Now)
		if sent && kind == "" {
			all = append(all, conform.Case{Name: "delivers/" + r.Name, Run: func(tb testing.TB) { e.delivers(tb, r, d) }})
		}
		if kind == "" && (r.Raw != nil || r.do() == "order" || sent && r.Keys["order"] != "") {
			all = append(all, conform.Case{Name: "adds_up/" + r.Name, Run: func(tb testing.TB) { e.addsUp(tb, r) }})
		}
	}
	return all
}

// golden compares an order or a result with what is kept in the recording, or writes it.
func (r *recording) golden(tb testing.TB, file string, v any) {
	tb.Helper()
	got, err := conform.JSON(v)
	if err != nil {
		tb.Fatalf("cannot be written: %v", err)
	}
	if conform.Update() {
		if err := r.rewrite(file, []byte(got)); err != nil {
			tb.Fatal(err)
		}
		r.Files[file] = []byte(got)
		return
	}
	want, ok := r.Files[file]
	if !ok {
		tb.Errorf("%s has no %s: write it with -update and read it before it is committed", r.Path, file)
		return
	}
	if d := cmp.Diff(string(want), got); d != "" {
		tb.Errorf("%s of %s (-recorded +now):\n%s", file, r.Path, d)
	}
}

func (r *recording) raw() channel.Raw { return channel.Raw{Shape: r.Keys["shape"], Docs: r.Raw} }

func (e *env) goldenRaw(tb testing.TB, r *recording) {
	ch := e.mustOpen(tb, r)
	o, err := ch.Decode(r.raw())
	if e.hear(err) != nil {
		r.ends(tb, err)
		return
	}
	r.golden(tb, "golden.json", o)
}

// ends checks a failure against "error:" and "after:".
func (r *recording) ends(tb testing.TB, err error) {
	tb.Helper()
	kind, code := r.wants()
	switch {
	case kind == "" && err != nil:
		tb.Errorf("failed: %v", err)
	case kind == "":
	case err == nil:
		tb.Errorf("succeeded, and should have been %s", kind)
	case fault.KindOf(err).String() != kind || code != "" && fault.CodeOf(err) != code:
		tb.Errorf("is %s %s (%v), and should have been %s %s", fault.KindOf(err), fault.CodeOf(err), err, kind, code)
	}
	if want, bad := time.ParseDuration(r.Keys["after"]); bad == nil && fault.After(err) != want {
		tb.Errorf("asks to wait %s, and should have %s", fault.After(err), want)
	}
}

func (e *env) play(r *recording, a *account) (any, error) {
	out, err := calls[r.do()].do(context.Background(), a.Channel, r)
	return out, e.hear(err)
}

func (e *env) plays(tb testing.TB, r *recording) {
	if calls[r.do()].do == nil {
		tb.Fatalf("do: %s is none of %v", r.do(), Calls())
	}
	a := e.mustOpen(tb, r)
	out, err := e.play(r, a)
	for _, no := range a.replay.rest() {
		tb.Errorf("%s: %s", r.Path, no)
	}
	r.ends(tb, err)
	kind, _ := r.wants()
	switch {
	case err != nil || kind != "":
	case r.do() != "order":
		if out != nil {
			r.golden(tb, "result.json", out)
		}
	default:
		got := out.(read)
		if got.External != r.Keys["order"] || got.Order.External != r.Keys["order"] {
			tb.Errorf("asked for %q, the change is of %q and the order %q", r.Keys["order"], got.External, got.Order.External)
		}
		if !got.ReadAt.Equal(r.now(e.Now)) {
			tb.Errorf("ReadAt is %s, and should be when the read began by Config.Now", got.ReadAt)
		}
		if !got.Version.Equal(got.Order.Version) {
			tb.Errorf("the change says version %s, its order %s", got.Version, got.Order.Version)
		}
		r.golden(tb, "golden.json", got.Order)
	}
}

// delivers verifies a recorded delivery, reads it, and where it carries the whole order compares it with what a read gives.
func (e *env) delivers(tb testing.TB, r *recording, d channel.Delivery) {
	hooks, ok := e.mustOpen(tb, r).Channel.(channel.Webhooker)
	if !ok {
		tb.Fatal("a delivery is recorded, and the channel takes none")
	}
	d = e.signed(d)
	if _, err := hooks.Verify(d); e.hear(err) != nil {
		tb.Fatalf("a genuine delivery is refused: %v", err)
	}
	hints, err := hooks.Hints(d)
	if e.hear(err) != nil {
		tb.Fatalf("not understood: %v", err)
	}
	for i := range hints {
		raw := hints[i].Raw
		if raw == nil {
			continue
		}
		hints[i].Raw = &channel.Raw{Shape: raw.Shape} // the body is in the recording already
		o, err := hooks.(channel.Channel).Decode(*raw)
		if e.hear(err) != nil {
			tb.Errorf("the order in the delivery: %v", err)
			continue
		}
		if o.External != hints[i].External {
			tb.Errorf("the hint is about %q, the order in it is %q", hints[i].External, o.External)
		}
		if r.Raw == nil && r.do() != "order" {
			r.golden(tb, "golden.json", o)
			continue
		}
		e.agree(tb, r, o)
	}
	r.golden(tb, "hints.json", hints)
}

// agree compares the order of a delivery with that of a read, apart from what "differs:" names.
func (e *env) agree(tb testing.TB, r *recording, delivered channel.Order) {
	tb.Helper()
	want, err := r.readOrder(e)
	if err != nil {
		tb.Errorf("the read: %v", err)
		return
	}
	if d := cmp.Diff(without(tb, want, r.Keys["differs"]), without(tb, delivered, r.Keys["differs"])); d != "" {
		tb.Errorf("read and delivery of one order differ (-read +delivered):\n%s", d)
	}
}

// readOrder is the order of a recording, by the exchanges, else the documents, else the delivery.
func (r *recording) readOrder(e *env) (channel.Order, error) {
	a, err := e.open(r)
	if err != nil {
		return channel.Order{}, err
	}
	if r.do() == "order" {
		out, err := e.play(r, a)
		if err != nil {
			return channel.Order{}, err
		}
		return out.(read).Order, nil
	}
	raw := r.raw()
	if d, ok := r.delivery(e.Now); ok && raw.Docs == nil {
		hooks, ok := a.Channel.(channel.Webhooker)
		if !ok {
			return channel.Order{}, fmt.Errorf("%s: the channel takes no deliveries", r.Path)
		}
		hints, err := hooks.Hints(e.signed(d))
		if err != nil || len(hints) == 0 || hints[0].Raw == nil {
			return channel.Order{}, err
		}
		raw = *hints[0].Raw
	}
	return a.Decode(raw)
}

// without is the order as JSON, less the named fields.
func without(tb testing.TB, o channel.Order, fields string) string {
	tb.Helper()
	text, err := conform.JSON(o)
	if err != nil {
		tb.Fatal(err)
	}
	var tree map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		tb.Fatal(err)
	}
	delete(tree, "Silent") // what a shape cannot tell is about the shape
	for _, f := range strings.FieldsFunc(fields, func(c rune) bool { return c == ',' || c == ' ' }) {
		delete(tree, f)
	}
	text, err = conform.JSON(tree)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func (e *env) addsUp(tb testing.TB, r *recording) {
	o, err := r.readOrder(e)
	if err != nil {
		tb.Fatal(err)
	}
	if o.External == "" { // a delivery that only points at an order
		return
	}
	complaints := Inspect(o)
	if r.Keys["money"] == "differs" {
		if !slices.ContainsFunc(complaints, func(s string) bool { return strings.HasPrefix(s, "money: ") }) {
			tb.Error("money: differs is said, and it adds up")
		}
		complaints = slices.DeleteFunc(complaints, func(s string) bool { return strings.HasPrefix(s, "money: ") })
	}
	for _, c := range complaints {
		tb.Error(c)
	}
}

// Inspect checks a canonical order against its own rules and returns what is wrong with it: money that does not add up (each begins with "money: "),
// units counted twice, words that are none of ours. An empty answer is a good order.
func Inspect(o channel.Order) []string {
	in := inspection{o: o}
	in.heads()
	for i := range o.Lines {
		in.line(&o.Lines[i])
	}
	for _, c := range o.Charges {
		in.charge(c)
	}
	in.parts()
	if o.Money == channel.MoneyComplete {
		in.total()
	}
	return in.out
}

type inspection struct {
	o     channel.Order
	out   []string
	units map[string]bool
}

func (in *inspection) add(format string, args ...any) {
	in.out = append(in.out, fmt.Sprintf(format, args...))
}

func (in *inspection) heads() {
	o := in.o
	in.units = map[string]bool{}
	if o.External == "" {
		in.add("the order has no External")
	}
	if !slices.Contains([]channel.Completeness{channel.MoneyComplete, channel.MoneyPartial, channel.MoneyAbsent}, o.Money) {
		in.add("Money is %q", o.Money)
	}
	if !slices.Contains([]channel.Status{channel.Unpaid, channel.Held, channel.Open, channel.Cancelled, channel.Completed, channel.Unknown}, o.Status) {
		in.add("Status of an order is %q", o.Status)
	}
	if o.Money != channel.MoneyAbsent && !money.Valid(o.Currency) {
		in.add("Currency is %q", o.Currency)
	}
	if o.Money == channel.MoneyComplete && !slices.Contains([]channel.TaxMode{channel.TaxInclusive, channel.TaxExclusive, channel.TaxNone}, o.TaxMode) {
		in.add("TaxMode is %q", o.TaxMode)
	}
	for _, at := range []time.Time{o.Version, o.PlacedAt, o.CancelledAt, o.ClosedAt, o.ShipBy, o.DeliverBy} {
		if !at.IsZero() && at.Location() != time.UTC {
			in.add("a time is in zone %s: times of an order are UTC", at.Location())
		}
	}
	ids := map[string]bool{}
	for _, l := range o.Lines {
		if l.External == "" || ids[l.External] {
			in.add("line %q: External is empty or there twice", l.External)
		}
		ids[l.External] = true
	}
}

func (in *inspection) line(l *channel.Line) {
	at := "line " + l.External
	p := l.Progress
	if l.Quantity <= 0 {
		in.add("%s: quantity %d", at, l.Quantity)
	}
	if min(p.Cancelled, p.Shipped, p.Delivered, p.Failed, p.Returning, p.Returned, p.Lost) < 0 || p.Sum() > l.Quantity {
		in.add("%s: progress %+v of %d", at, p, l.Quantity)
	}
	if l.Listing == (channel.ListingRef{}) && l.Ships {
		in.add("%s: ships, and no listing is named", at)
	}
	if l.FulfilledBy != channel.Seller && l.FulfilledBy != channel.ByChannel {
		in.add("%s: FulfilledBy is %q", at, l.FulfilledBy)
	}
	if n := int64(len(l.Units)); n > 0 && n != l.Quantity {
		in.add("%s: %d units of %d", at, n, l.Quantity)
	}
	for _, u := range l.Units {
		if u.External == "" || in.units[u.External] {
			in.add("%s: unit %q is empty or there twice", at, u.External)
		}
		in.units[u.External] = true
		if !slices.Contains(our, u.Status) {
			in.add("%s: unit %s is %q", at, u.External, u.Status)
		}
	}
	in.discountsAndTaxes(at, l.Discounts, l.Taxes)
	if in.o.Money == channel.MoneyComplete {
		gross, err := l.UnitPrice.Times(l.Quantity)
		if err != nil {
			in.add("money: %s: %v", at, err)
			return
		}
		in.whole(at, gross, l.Discounts, l.Taxes, l.Total)
	}
}

func (in *inspection) charge(c channel.Charge) {
	at := fmt.Sprintf("charge %s %s", c.Kind, c.External)
	if !slices.Contains([]channel.ChargeKind{channel.ChargeShipping, channel.ChargeTip, channel.ChargeDuty, channel.ChargeFee, channel.ChargeRounding}, c.Kind) {
		in.add("%s: no such kind", at)
	}
	in.discountsAndTaxes(at, c.Discounts, c.Taxes)
	if in.o.Money == channel.MoneyComplete {
		in.whole(at, c.Amount, c.Discounts, c.Taxes, c.Total)
	}
}

func (in *inspection) discountsAndTaxes(at string, discounts []channel.Discount, taxes []channel.Tax) {
	for _, d := range discounts {
		if d.Funder != channel.Seller && d.Funder != channel.ByChannel {
			in.add("%s: a discount is funded by %q", at, d.Funder)
		}
		if d.Amount.Sign() < 0 {
			in.add("%s: a discount of %s: discounts are positive", at, d.Amount)
		}
	}
	for _, t := range taxes {
		if t.Remitter != channel.Seller && t.Remitter != channel.ByChannel {
			in.add("%s: a tax is remitted by %q", at, t.Remitter)
		}
		if _, err := money.ParseRate(t.Rate); t.Rate != "" && err != nil {
			in.add("%s: tax rate %q", at, t.Rate)
		}
	}
}

// whole checks total = gross − discounts (+ taxes when they are not in the prices).
func (in *inspection) whole(at string, gross money.Amount, discounts []channel.Discount, taxes []channel.Tax, total money.Amount) {
	parts := []money.Amount{gross}
	for _, d := range discounts {
		parts = append(parts, d.Amount.Neg())
	}
	if in.o.TaxMode == channel.TaxExclusive {
		for _, t := range taxes {
			parts = append(parts, t.Amount)
		}
	}
	in.same(at, parts, total, 1)
}

func (in *inspection) total() {
	var parts []money.Amount
	for _, l := range in.o.Lines {
		parts = append(parts, l.Total)
	}
	for _, c := range in.o.Charges {
		parts = append(parts, c.Total)
	}
	in.same("the order", parts, in.o.Total, int64(max(1, len(in.o.Lines))))
}

func (in *inspection) same(at string, parts []money.Amount, total money.Amount, within int64) {
	sum, err := money.Sum(in.o.Currency, parts...)
	if err != nil {
		in.add("money: %s: %v", at, err)
		return
	}
	off, err := sum.Sub(total)
	if err != nil || off.Abs().Minor > within {
		in.add("money: %s: its parts are %s, its total is %s", at, sum, total)
	}
}

func (in *inspection) parts() {
	o := in.o
	lines := map[string]bool{"": true}
	for _, l := range o.Lines {
		lines[l.External] = true
	}
	for _, p := range o.Parcels {
		for _, q := range p.Lines {
			if !lines[q.Line] {
				in.add("parcel %s holds line %q, which the order does not have", p.External, q.Line)
			}
		}
		for _, u := range p.Units {
			if !in.units[u] {
				in.add("parcel %s holds unit %q, which the order does not have", p.External, u)
			}
		}
	}
	for _, f := range o.Refunds {
		if f.Amount.Sign() < 0 {
			in.add("refund %s is %s: refunds are positive", f.External, f.Amount)
		}
	}
	for _, p := range o.Payments {
		if !slices.Contains([]channel.Status{channel.Due, channel.Authorized, channel.Paid, channel.Voided, channel.Failed, channel.Unknown}, p.Status) {
			in.add("payment %s is %q", p.External, p.Status)
		}
		if p.Method == channel.PayCOD && p.Collector == "" {
			in.add("payment %s is cash on delivery, and nobody collects it", p.External)
		}
	}
}
