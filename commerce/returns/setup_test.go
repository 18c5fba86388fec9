package returns_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/vault"
)

var start = time.Date(2026, 11, 11, 6, 0, 0, 0, time.UTC)

// house is returns among the real orders, payments and inventory.
type house struct {
	*testing.T
	d     *db.DB
	clock *dbtest.Clock
	order *order.Service
	pay   *payment.Service
	inv   *inventory.Service
	s     *returns.Service

	relay     *outbox.Relay
	consumers *outbox.Consumers
	loc       string
	kits      map[string][]event.Part
	lists     bool // the channel lists its refunds with the order
	itself    bool // the channel gives money back by itself
	numbered  atomic.Int64
	exchanges []returns.ExchangeAsk
}

// each runs a story in a house of its own, on both engines.
func each(t *testing.T, story func(h *house)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...dbtest.Config) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock(start)
			story(setup(t, open(t, dbtest.Config{Now: clock.Now}), clock))
		})
	}
}

func setup(t *testing.T, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	h := &house{T: t, d: d, clock: clock, kits: map[string][]event.Part{}, lists: true}
	log := slog.New(slog.DiscardHandler)
	path := filepath.Join(t.TempDir(), "key")
	if err := vault.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), d, vault.Options{KeyFile: path, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	book, err := audit.New(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	h.inv = inventory.New(inventory.Needs{
		DB:       d,
		Parts:    func(*db.Tx, []string) (map[string][]event.Part, error) { return h.kits, nil },
		Variants: func(*db.Tx, []string) (map[string]string, error) { return map[string]string{}, nil },
		Routes:   func(*db.Tx, []string) (map[string]inventory.Route, error) { return map[string]inventory.Route{}, nil },
		Unheard: func(*db.Tx, string) (time.Duration, time.Duration, error) {
			return inventory.DefaultHalf, inventory.DefaultNone, nil
		},
		Audit: book.Write,
	})
	h.pay = payment.New(payment.Needs{
		DB: d, Audit: book, Orders: h.paidOrders,
		Meta:     func(tx *db.Tx, ids []string) (map[string]event.Meta, error) { return h.order.Meta(tx, ids) },
		Refunded: func(tx *db.Tx, id string, parts []event.RefundPart) error { return h.order.Refunded(tx, id, parts) },
		PayChanged: func(tx *db.Tx, id, state, basis string, at time.Time) error {
			return h.order.PayChanged(tx, id, order.PayState(state), basis, at)
		},
		CashStep: func(*db.Tx, string, string) (int64, string, error) { return 100, "half_up", nil },
	})
	h.order = order.New(h.orderNeeds())
	h.s = returns.New(h.needs(book))
	h.write(func(tx *db.Tx) error {
		ids, err := h.inv.SaveLocations(tx, []inventory.Location{
			{Code: "PK-WH", Name: "Warehouse", Kind: inventory.Warehouse, LegalEntity: "le-1", Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Priority: 1, Fulfils: true, Active: true},
		})
		if err == nil {
			h.loc = ids[0]
		}
		return err
	})
	if err := h.order.Stock(t.Context(), "PK", "demo", 100); err != nil {
		t.Fatal(err)
	}
	h.relay = outbox.NewRelay(d, log)
	h.consumers = outbox.NewConsumers(d, log, append(h.s.Consumers(), h.pay.Consumers()...)...)
	return h
}

func (h *house) orderNeeds() order.Needs {
	return order.Needs{
		DB: h.d,
		Resolve: func(_ *db.Tx, wanted []order.Wanted) ([]order.Resolved, error) {
			all := make([]order.Resolved, len(wanted))
			for i, w := range wanted {
				all[i] = order.Resolved{Listing: "listing-" + w.Ref.SKU, Variant: "var-" + w.Ref.SKU, SKU: w.Ref.SKU, Ships: true, Parts: h.kits["var-"+w.Ref.SKU], Kit: h.kits["var-"+w.Ref.SKU] != nil}
			}
			return all, nil
		},
		Costs: func(_ *db.Tx, _ string, vs []string, _ time.Time) (map[string]money.Amount, error) {
			all := map[string]money.Amount{}
			for _, v := range vs {
				all[v] = money.Of(40000, "PKR")
			}
			return all, nil
		},
		Rank: func(_ *db.Tx, rs []order.Route) ([][]string, error) {
			all := make([][]string, len(rs))
			for i := range all {
				all[i] = []string{h.loc}
			}
			return all, nil
		},
		Reserve: h.inv.Reserve, Short: h.inv.ShortOf,
		Release: func(tx *db.Tx, gone []order.Released) error {
			all := make([]inventory.Release, len(gone))
			for i, g := range gone {
				all[i] = inventory.Release{Holder: stock.ByLine, HolderID: g.LineID, Variant: g.Variant, Quantity: g.Quantity}
			}
			return h.inv.Release(tx, all)
		},
		Pay: h.paid, Paid: h.pay.Paid, Announce: h.pay.Announce, Void: h.pay.Void,
		Rules: func(*db.Tx, string, time.Time) (order.Rules, error) {
			return order.Rules{Zone: "Asia/Karachi", UnpaidExpiry: 48 * time.Hour}, nil
		},
		Numbers: h.numbers, Committed: func(*db.Tx, []string) (map[string]int64, error) { return map[string]int64{}, nil },
		Withdraw: func(*db.Tx, string, []event.UnitsMove, string) error { return nil },
		Parcels:  func(*db.Tx, []order.ParcelFact) error { return nil },
		Returns:  func(tx *db.Tx, cs []channel.ReturnChange, acc string) error { return h.s.Channel(tx, cs, acc) },
	}
}

func (h *house) needs(book *audit.Log) returns.Needs {
	moves := func(f func(*db.Tx, string, []order.Moved) error) func(*db.Tx, string, []event.UnitsMove) error {
		return func(tx *db.Tx, id string, ms []event.UnitsMove) error {
			all := make([]order.Moved, len(ms))
			for i, m := range ms {
				all[i] = order.Moved{LineID: m.LineID, Quantity: m.Quantity, Units: m.Units}
			}
			return f(tx, id, all)
		}
	}
	return returns.Needs{
		DB: h.d, Audit: book, Orders: h.orders, Known: h.order.ByExternal, Meta: h.order.Meta, Return: moves(h.order.Return), Keep: moves(h.order.Keep), Turn: moves(h.order.Turn), Unturn: moves(h.order.Unturn),
		Back: moves(h.order.Back), Unback: moves(h.order.Unback), Exchanged: moves(h.order.Exchanged), CancelExchange: func(*db.Tx, []returns.ExchangeCancel) error { return nil }, Move: h.inv.Move, Numbers: h.numbers,
		Due: func(tx *db.Tx, id string, units []returns.Units, shipping int64) ([]int64, int64, error) {
			return h.pay.Worth(tx, id, refundLines(returns.RefundAsk{Lines: units}), shipping)
		},
		Refund: func(tx *db.Tx, a returns.RefundAsk) (returns.Refund, error) {
			r, err := h.pay.RefundTx(tx, ask(a))
			return returns.Refund{ID: r.ID, State: r.State, Amount: r.Amount}, err
		},
		Settled:  func(tx *db.Tx, refund string) error { return h.pay.Settle(tx, refund, "", nil) },
		Reported: func(tx *db.Tx, a returns.RefundAsk) error { return h.pay.Reported(tx, ask(a), a.At) },
		PlaceExchange: func(_ *db.Tx, asks []returns.ExchangeAsk) ([]returns.Placed, error) {
			a := asks[0]
			h.exchanges = append(h.exchanges, a)
			return []returns.Placed{{Order: "order-" + a.Return, Total: a.Lines[0].Quantity * 100000}}, nil
		},
	}
}

func ask(a returns.RefundAsk) payment.Ask {
	return payment.Ask{Order: a.Order, Amount: a.Amount, Lines: refundLines(a), Shipping: a.Shipping, Reason: a.Reason, Return: a.Return, Actor: a.Actor, Reference: a.Reference, Method: a.Method}
}

func refundLines(a returns.RefundAsk) []payment.RefundLine {
	all := make([]payment.RefundLine, len(a.Lines))
	for i, l := range a.Lines {
		all[i] = payment.RefundLine{LineID: l.LineID, Quantity: l.Quantity}
	}
	return all
}

func (h *house) numbers(_ context.Context, prefix string, n int) ([]string, error) {
	var all []string
	for range n {
		all = append(all, fmt.Sprintf("%s-%06d", prefix, h.numbered.Add(1)))
	}
	return all, nil
}

func (h *house) paid(tx *db.Tx, facts []order.Money) (map[string]order.PayState, error) {
	all := make([]payment.Facts, len(facts))
	for i, f := range facts {
		all[i] = payment.Facts(f)
	}
	states, err := h.pay.Record(tx, all)
	out := map[string]order.PayState{}
	for id, s := range states {
		out[id] = order.PayState(s)
	}
	return out, err
}

func (h *house) paidOrders(tx *db.Tx, ids []string, lock bool) (map[string]payment.Order, error) {
	heads, err := h.order.Heads(tx, ids, lock)
	if err != nil {
		return nil, err
	}
	lines, err := h.order.Lines(tx, ids)
	all := map[string]payment.Order{}
	for id, o := range heads {
		p := payment.Order{
			ID: id, Number: o.Number, Account: o.Account, Channel: o.Channel, External: o.External, Country: o.Country, Currency: o.Currency, Total: o.Sums.Total,
			Effective: o.Effective(), Cancelled: o.State == order.Cancelled, Version: o.Version,
		}
		for _, l := range lines[id] {
			p.Lines = append(p.Lines, payment.OrderLine{ID: l.ID, External: l.External, Ordered: l.Ordered, Cancelled: l.Cancelled, Total: l.Total})
		}
		all[id] = p
	}
	return all, err
}

func (h *house) orders(tx *db.Tx, ids []string, lock bool) (map[string]returns.Order, error) {
	heads, err := h.order.Heads(tx, ids, lock)
	if err != nil {
		return nil, err
	}
	lines, err := h.order.Lines(tx, ids)
	all := map[string]returns.Order{}
	for id, o := range heads {
		r := returns.Order{
			ID: id, Number: o.Number, Account: o.Account, Channel: o.Channel, External: o.External, Country: o.Country, Currency: o.Currency, COD: o.COD,
			Effective: o.Effective(), ListsRefunds: h.lists, PaysItself: h.itself, Shipping: o.Sums.Charges, Version: o.Version,
		}
		for _, l := range lines[id] {
			rl := returns.OrderLine{
				ID: l.ID, External: l.External, Variant: l.Variant, SKU: l.SKU, Title: l.Title, Parts: l.Parts, Ours: l.Ours(), Ordered: l.Ordered,
				Cancelled: l.Cancelled, OnTheWay: l.OnTheWay, Delivered: l.Delivered, Returning: l.Returning, Returned: l.Returned, Lost: l.Lost, Refunded: l.Refunded,
				Exchanged: l.Exchanged, Cost: l.UnitCost.Minor, CostCurrency: l.UnitCost.Currency, Total: l.Total,
			}
			for _, u := range l.Units {
				rl.Units = append(rl.Units, u.External)
			}
			r.Lines = append(r.Lines, rl)
		}
		all[id] = r
	}
	return all, err
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.d.Write(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

// read asks for something in a transaction of its own.
func read[T any](h *house, fn func(tx *db.Tx) (T, error)) (out T) {
	h.Helper()
	err := h.d.Read(context.Background(), func(tx *db.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return out
}

// drain plays every event to its consumers.
func (h *house) drain() {
	h.Helper()
	if err := outbox.Drain(context.Background(), h.relay, h.consumers); err != nil {
		h.Fatal(err)
	}
	if n := read(h, func(tx *db.Tx) (int64, error) {
		return db.One(tx, func(s db.Scanner) (n int64, err error) { err = s.Scan(&n); return n, err }, `select count(*) from event_parked`)
	}); n > 0 {
		h.Errorf("%d events are parked", n)
	}
}

// arrival is an order of two lines and shipping: three shirts for 3,000.00 and one cap for 500.00, paid by card.
func arrival(external string, edit ...func(*channel.Arrival)) channel.Arrival {
	pkr := func(minor int64) money.Amount { return money.Of(minor, "PKR") }
	o := channel.Order{
		External: external, Number: "#" + external, Version: start, PlacedAt: start, Status: channel.Open, Statuses: map[string]string{"financial": "PAID"},
		Country: "PK", Currency: "PKR", TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
		Lines: []channel.Line{
			{
				External: "l1", Listing: channel.ListingRef{External: "x1", SKU: "SHIRT"}, Title: "Shirt", Quantity: 3, UnitPrice: pkr(110000), Total: pkr(300001),
				Discounts: []channel.Discount{{Amount: pkr(29999), Funder: channel.Seller}}, Taxes: []channel.Tax{{Title: "GST", Rate: "0.18", Amount: pkr(45763), Remitter: channel.Seller}},
				FulfilledBy: channel.Seller, Ships: true,
			},
			{External: "l2", Listing: channel.ListingRef{External: "x2", SKU: "CAP"}, Title: "Cap", Quantity: 1, UnitPrice: pkr(50000), Total: pkr(50000), FulfilledBy: channel.Seller, Ships: true},
		},
		Charges:  []channel.Charge{{Kind: channel.ChargeShipping, Title: "Standard", Amount: pkr(20000), Total: pkr(20000)}},
		Total:    pkr(370001),
		Payments: []channel.Payment{{External: "p1", Method: channel.PayCard, Status: channel.Paid, Amount: pkr(370001), At: start}},
		ShipTo:   channel.Address{Country: "PK", City: "Lahore", Province: "Punjab", Postcode: "54000"},
	}
	a := channel.Arrival{
		Inbox: "inbox-" + external, Source: "webhook", Order: o, Hash: "h1", Buyer: "buyer-" + external, AddressOK: true,
		Account: channel.Account{ID: "acc-1", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: channel.Live, Settings: map[string]string{}},
		Change:  channel.Change{External: external, Version: start, ReadAt: start.Add(time.Second)},
	}
	for _, e := range edit {
		e(&a)
	}
	return a
}

// cod makes the order one of cash on delivery, collected by the courier.
func cod(a *channel.Arrival) {
	p := &a.Order.Payments[0]
	p.Method, p.Status, p.Collector = channel.PayCOD, channel.Due, channel.Courier
}

// newer makes an arrival the nth reading after the first.
func newer(n int) func(*channel.Arrival) {
	return func(a *channel.Arrival) {
		a.Change.Version = a.Change.Version.Add(time.Duration(n) * time.Minute)
		a.Change.ReadAt = a.Change.ReadAt.Add(time.Duration(n) * time.Minute)
		a.Hash = fmt.Sprintf("h%d", n+1)
	}
}

// bought imports an order, hands it over and delivers it.
func (h *house) bought(a channel.Arrival) order.View {
	h.Helper()
	v := h.sent(a)
	h.write(func(tx *db.Tx) error { return h.order.Arrive(tx, v.ID, everything(v)) })
	return h.get(v.ID)
}

// sent imports an order and hands it over.
func (h *house) sent(a channel.Arrival) order.View {
	h.Helper()
	v := h.get(h.imported(a))
	h.write(func(tx *db.Tx) error {
		if _, err := h.order.Heads(tx, []string{v.ID}, true); err != nil {
			return err
		}
		return h.order.Ship(tx, v.ID, everything(v))
	})
	return h.get(v.ID)
}

func (h *house) imported(a channel.Arrival) string {
	h.Helper()
	var id string
	h.write(func(tx *db.Tx) error {
		out, err := h.order.Import(tx, []channel.Arrival{a})
		if err == nil {
			id = out[0].OrderID
		}
		return err
	})
	return id
}

func everything(v order.View) []order.Moved {
	var all []order.Moved
	for _, l := range v.Lines {
		all = append(all, order.Moved{LineID: l.ID, Quantity: l.Ordered - l.Cancelled})
	}
	return all
}

func (h *house) get(ref string) order.View {
	h.Helper()
	return read(h, func(tx *db.Tx) (order.View, error) { return h.order.Get(tx, ref) })
}

func (h *house) rma(id string) returns.RMA {
	h.Helper()
	return read(h, func(tx *db.Tx) (returns.RMA, error) { return h.s.Get(tx, id) })
}

// ofOrder is the only return of an order.
func (h *house) ofOrder(order string) returns.RMA {
	h.Helper()
	all := read(h, func(tx *db.Tx) ([]returns.RMA, error) { return h.s.Of(tx, order) })
	if len(all) != 1 {
		h.Fatalf("the order has %d returns", len(all))
	}
	return all[0]
}

// counts is a line's units: on the way, delivered, returning, returned, refunded.
func counts(l order.Line) [5]int64 {
	return [5]int64{l.OnTheWay, l.Delivered, l.Returning, l.Returned, l.Refunded}
}

// stockOf is what lies at the warehouse: sellable, quarantine, damaged.
func (h *house) stockOf(variant string) [3]int64 {
	h.Helper()
	var out [3]int64
	read(h, func(tx *db.Tx) (int, error) {
		_, err := db.All(tx, func(s db.Scanner) (struct{}, error) {
			var c string
			var n int64
			err := s.Scan(&c, &n)
			out[map[string]int{"sellable": 0, "quarantine": 1, "damaged": 2}[c]] = n
			return struct{}{}, err
		}, `select condition, on_hand from stock_levels where variant_id = $1 and location_id = $2`, variant, h.loc)
		return 0, err
	})
	return out
}

// events are the types of events of an order that match one of the given types, in order; all of them without any.
func (h *house) events(order string, types ...string) []string {
	h.Helper()
	all := read(h, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfOrder(tx, order) })
	var out []string
	for _, e := range all {
		for _, typ := range types {
			if e.Type == typ {
				out = append(out, e.Type)
			}
		}
	}
	return out
}

// what is a return's timeline in words.
func (h *house) what(id string) []string {
	h.Helper()
	var all []string
	for _, s := range read(h, func(tx *db.Tx) ([]returns.Step, error) { return h.s.Timeline(tx, id) }) {
		all = append(all, s.What)
	}
	return all
}

func (h *house) cases(cause string) int {
	h.Helper()
	return len(read(h, func(tx *db.Tx) ([]exception.Row, error) {
		rows, _, err := exception.List(tx, exception.Filter{Cause: cause, State: exception.Open}, "", 500)
		return rows, err
	}))
}

func same(t testing.TB, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func refused(t testing.TB, want fault.Kind, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("want %s, got %v", want, err)
	}
}

// must takes the result of an act of a person.
func must[T any](h *house) func(T, error) T {
	return func(v T, err error) T {
		h.Helper()
		if err != nil {
			h.Fatal(err)
		}
		return v
	}
}
