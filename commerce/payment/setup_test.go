package payment_test

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
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/vault"
)

var start = time.Date(2026, 11, 11, 6, 0, 0, 0, time.UTC)

// house is payments among the real orders, with a payment provider in memory. Stock is plenty.
type house struct {
	*testing.T
	d     *db.DB
	clock *dbtest.Clock
	order *order.Service
	s     *payment.Service
	bank  *demo.Provider
	till  gateway.Gateway

	relay     *outbox.Relay
	consumers *outbox.Consumers
	jobs      *jobs.Runner
	presumed  bool
	numbered  atomic.Int64
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
	h := &house{T: t, d: d, clock: clock, bank: demo.New(clock.Now)}
	h.till, err = demo.Kind(h.bank).Open(partner.Config{Now: clock.Now, Secret: func(string) []string { return []string{demo.Secret} }})
	if err != nil {
		t.Fatal(err)
	}
	h.s = payment.New(payment.Needs{
		DB: d, Audit: book, Orders: h.orders,
		Meta:     func(tx *db.Tx, ids []string) (map[string]event.Meta, error) { return h.order.Meta(tx, ids) },
		Refunded: func(tx *db.Tx, id string, parts []event.RefundPart) error { return h.order.Refunded(tx, id, parts) },
		PayChanged: func(tx *db.Tx, id, state, basis string, at time.Time) error {
			return h.order.PayChanged(tx, id, order.PayState(state), basis, at)
		},
		CashStep:  func(*db.Tx, string, string) (int64, string, error) { return 100, "half_up", nil },
		Presumed:  func(*db.Tx, string) (bool, error) { return h.presumed, nil },
		CanRefund: func(channel string) bool { return channel != "daraz" },
		Gateway: func(name string) (gateway.Gateway, error) {
			if name != "demo" {
				return nil, fault.New(fault.NotFound, "there is no payment provider %s", name)
			}
			return h.till, nil
		},
	})
	h.order = order.New(h.orderNeeds())
	for _, kind := range []string{"demo", "ownsite"} {
		if err := h.order.Stock(t.Context(), "PK", kind, 100); err != nil {
			t.Fatal(err)
		}
	}
	h.relay = outbox.NewRelay(d, log)
	h.consumers = outbox.NewConsumers(d, log, h.s.Consumers()...)
	h.jobs = jobs.New(d, log, h.s.Handlers()...)
	return h
}

func (h *house) orderNeeds() order.Needs {
	return order.Needs{
		DB: h.d,
		Resolve: func(_ *db.Tx, wanted []order.Wanted) ([]order.Resolved, error) {
			all := make([]order.Resolved, len(wanted))
			for i, w := range wanted {
				all[i] = order.Resolved{Listing: "listing-" + w.Ref.SKU, Variant: "var-" + w.Ref.SKU, SKU: w.Ref.SKU, Ships: true}
			}
			return all, nil
		},
		Costs: func(*db.Tx, string, []string, time.Time) (map[string]money.Amount, error) {
			return map[string]money.Amount{}, nil
		},
		Rank:    func(_ *db.Tx, rs []order.Route) ([][]string, error) { return make([][]string, len(rs)), nil },
		Reserve: func(*db.Tx, []stock.Demand) (stock.Outcome, error) { return stock.Outcome{}, nil },
		Release: func(*db.Tx, []order.Released) error { return nil },
		Short:   func(*db.Tx, []string) (map[string]int64, error) { return map[string]int64{}, nil },
		Pay: func(tx *db.Tx, facts []order.Money) (map[string]order.PayState, error) {
			all := make([]payment.Facts, len(facts))
			for i, f := range facts {
				all[i] = payment.Facts(f)
			}
			states, err := h.s.Record(tx, all)
			out := map[string]order.PayState{}
			for id, s := range states {
				out[id] = order.PayState(s)
			}
			return out, err
		},
		Paid: h.s.Paid, Announce: h.s.Announce, Void: h.s.Void,
		Rules: func(*db.Tx, string, time.Time) (order.Rules, error) {
			return order.Rules{Zone: "Asia/Karachi", UnpaidExpiry: 48 * time.Hour}, nil
		},
		Numbers: func(_ context.Context, prefix string, n int) ([]string, error) {
			var all []string
			for range n {
				all = append(all, fmt.Sprintf("%s-%06d", prefix, h.numbered.Add(1)))
			}
			return all, nil
		},
		Committed: func(*db.Tx, []string) (map[string]int64, error) { return map[string]int64{}, nil },
		Withdraw:  func(*db.Tx, string, []event.UnitsMove, string) error { return nil },
		Parcels:   func(*db.Tx, []order.ParcelFact) error { return nil },
		Returns:   func(*db.Tx, []channel.ReturnChange, string) error { return nil },
	}
}

func (h *house) orders(tx *db.Tx, ids []string, lock bool) (map[string]payment.Order, error) {
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

func (h *house) write(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.d.Write(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

// try writes and hands the error back.
func (h *house) try(fn func(tx *db.Tx) error) error { return h.d.Write(context.Background(), fn) }

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

// drain plays every event and every job that is due to its end.
func (h *house) drain() {
	h.Helper()
	for {
		if err := outbox.Drain(context.Background(), h.relay, h.consumers); err != nil {
			h.Fatal(err)
		}
		n, err := h.jobs.Drain(context.Background())
		if err != nil {
			h.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if n := read(h, func(tx *db.Tx) (int64, error) {
		return db.One(tx, func(s db.Scanner) (n int64, err error) { err = s.Scan(&n); return n, err }, `select count(*) from event_parked`)
	}); n > 0 {
		h.Errorf("%d events are parked", n)
	}
}

func pkr(minor int64) money.Amount { return money.Of(minor, "PKR") }

// arrival is an order of two lines and shipping: three shirts for 3,000.01 and one cap for 500.00, shipping 200.00, paid by card.
func arrival(external string, edit ...func(*channel.Arrival)) channel.Arrival {
	o := channel.Order{
		External: external, Number: "#" + external, Version: start, PlacedAt: start, Status: channel.Open, Statuses: map[string]string{"financial": "PAID"},
		Country: "PK", Currency: "PKR", TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
		Lines: []channel.Line{
			{
				External: "l1", Listing: channel.ListingRef{External: "x1", SKU: "SHIRT"}, Title: "Shirt", Quantity: 3, UnitPrice: pkr(110000), Total: pkr(300001),
				Discounts: []channel.Discount{{Amount: pkr(29999), Funder: channel.Seller}}, FulfilledBy: channel.Seller, Ships: true,
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

// paidBy replaces the payments.
func paidBy(ps ...channel.Payment) func(*channel.Arrival) {
	return func(a *channel.Arrival) { a.Order.Payments = ps }
}

func refundedBy(rs ...channel.Refund) func(*channel.Arrival) {
	return func(a *channel.Arrival) { a.Order.Refunds = rs }
}

// cash makes it cash on delivery.
func cash(collector channel.Party) func(*channel.Arrival) {
	return paidBy(channel.Payment{External: "cod", Method: channel.PayCOD, Status: channel.Due, Amount: pkr(370001), At: start, Collector: collector})
}

// own makes it an order of our own site, whose money the demo provider has authorized, or captured.
func (h *house) own(capture bool) func(*channel.Arrival) {
	return func(a *channel.Arrival) {
		p, err := h.s.Authorize(context.Background(), "demo", gateway.Request{Reference: "ref-" + a.Order.External, Amount: pkr(370001), Capture: capture})
		if err != nil {
			h.Fatal(err)
		}
		status := channel.Authorized
		if capture {
			status = channel.Paid
		}
		a.Account.Channel, a.Account.ID = "ownsite", "acc-own"
		a.Order.Payments = []channel.Payment{{External: p.External, Method: channel.PayCard, Gateway: "demo", Status: status, Amount: pkr(370001), At: start}}
	}
}

// newer makes an arrival the nth reading after the first.
func newer(n int) func(*channel.Arrival) {
	return func(a *channel.Arrival) {
		a.Change.Version = a.Change.Version.Add(time.Duration(n) * time.Minute)
		a.Change.ReadAt = a.Change.ReadAt.Add(time.Duration(n) * time.Minute)
		a.Hash = fmt.Sprintf("h%d", n+1)
	}
}

// imported takes an order in, and answers our id.
func (h *house) imported(as ...channel.Arrival) string {
	h.Helper()
	var id string
	h.write(func(tx *db.Tx) error {
		out, err := h.order.Import(tx, as)
		if err == nil {
			id = out[0].OrderID
		}
		return err
	})
	return id
}

func (h *house) get(id string) order.View {
	h.Helper()
	return read(h, func(tx *db.Tx) (order.View, error) { return h.order.Get(tx, id) })
}

func (h *house) payments(id string) []payment.Payment {
	h.Helper()
	return read(h, func(tx *db.Tx) ([]payment.Payment, error) { return h.s.PaymentsOf(tx, id) })
}

func (h *house) refunds(id string) []payment.Refund {
	h.Helper()
	return read(h, func(tx *db.Tx) ([]payment.Refund, error) { return h.s.RefundsOf(tx, id) })
}

// purse is a payment in short: state, amount, captured, refunded.
func purse(p payment.Payment) string {
	return fmt.Sprint(p.State, " ", p.Amount, " ", p.Captured, " ", p.Refunded)
}

// cashOf is the cash of the order's first payment: state, due, got, basis.
func (h *house) cashOf(id string) string {
	h.Helper()
	p := h.payments(id)[0]
	return fmt.Sprint(p.CODState, " ", p.CODDue, " ", p.CODGot, " ", p.CODBasis)
}

func (h *house) refund(a payment.Ask) payment.Refund {
	h.Helper()
	if a.Actor == "" {
		a.Actor = "clerk"
	}
	r, err := h.s.Refund(context.Background(), a)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// settled writes the outcome of a refund, as connect does when the channel has answered.
func (h *house) settled(refund, external string, cause error) {
	h.Helper()
	h.write(func(tx *db.Tx) error { return h.s.Settle(tx, refund, external, cause) })
}

// events counts the order's events by type.
func (h *house) events(order string) map[string]int {
	h.Helper()
	n := map[string]int{}
	for _, e := range read(h, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfOrder(tx, order) }) {
		n[e.Type]++
	}
	return n
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

func refused(t testing.TB, want fault.Kind, code string, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want || code != "" && fault.CodeOf(err) != code {
		t.Errorf("want %s %s, got %v (%s)", want, code, err, fault.CodeOf(err))
	}
}
