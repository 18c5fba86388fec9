package order

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

var number atomic.Int64

// house is the order context with neighbours of the simplest honest kind: every SKU but those in unmapped has a variant, stock is a number per variant.
type house struct {
	t *testing.T
	d *db.DB
	s *Service

	mu        sync.Mutex
	unmapped  map[string]bool
	onHand    map[string]int64 // absent = plenty
	reserved  map[string]int64 // holder/variant → units
	short     map[string]int64 // order → units
	packed    map[string]int64 // line → units
	withdrawn []event.UnitsMove
	voided    []string
	parcels   []ParcelFact
}

func setup(t *testing.T, d *db.DB) *house {
	h := &house{t: t, d: d, unmapped: map[string]bool{}, onHand: map[string]int64{}, reserved: map[string]int64{}, short: map[string]int64{}, packed: map[string]int64{}}
	h.s = New(Needs{
		DB: d, Resolve: h.resolve, Rank: func(_ *db.Tx, rs []Route) ([][]string, error) {
			all := make([][]string, len(rs))
			for i := range all {
				all[i] = []string{"loc-1"}
			}
			return all, nil
		},
		Costs: func(_ *db.Tx, _ string, vs []string, _ time.Time) (map[string]money.Amount, error) {
			return map[string]money.Amount{}, nil
		},
		Reserve: h.reserve, Release: h.release,
		Short: func(_ *db.Tx, ids []string) (map[string]int64, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			all := map[string]int64{}
			for _, id := range ids {
				all[id] = h.short[id]
			}
			return all, nil
		},
		Pay: h.pay, Paid: h.paidBy, Announce: func(*db.Tx, []string) error { return nil }, Void: func(_ *db.Tx, ids []string) error { h.voided = append(h.voided, ids...); return nil },
		Rules: func(*db.Tx, string, time.Time) (Rules, error) {
			return Rules{Zone: "Asia/Karachi", UnpaidExpiry: 48 * time.Hour}, nil
		},
		Numbers: h.numbers, Committed: func(*db.Tx, []string) (map[string]int64, error) { return h.packed, nil },
		Withdraw: func(_ *db.Tx, _ string, m []event.UnitsMove, _ string) error {
			h.withdrawn = append(h.withdrawn, m...)
			return nil
		},
		Parcels: func(_ *db.Tx, f []ParcelFact) error { h.parcels = append(h.parcels, f...); return nil },
		Returns: func(*db.Tx, []channel.ReturnChange, string) error { return nil },
	})
	if err := h.s.Stock(context.Background(), "PK", "demo", 100); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) numbers(_ context.Context, prefix string, n int) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for range n {
		all = append(all, fmt.Sprintf("%s-%06d", prefix, number.Add(1)))
	}
	return all, nil
}

func (h *house) resolve(_ *db.Tx, wanted []Wanted) ([]Resolved, error) {
	all := make([]Resolved, len(wanted))
	for i, w := range wanted {
		all[i] = Resolved{Listing: "listing-" + w.Ref.SKU}
		if !h.unmapped[w.Ref.SKU] {
			all[i].Variant, all[i].SKU, all[i].Ships = "var-"+w.Ref.SKU, w.Ref.SKU, true
		}
	}
	return all, nil
}

func (h *house) reserve(_ *db.Tx, ds []stock.Demand) (stock.Outcome, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out stock.Outcome
	for _, d := range ds {
		key := d.HolderID + "/" + d.Variant
		got := d.Quantity
		if have, limited := h.onHand[d.Variant]; limited {
			got = min(got, have)
			h.onHand[d.Variant] = have - got
		}
		h.reserved[key] = got
		if s := d.Quantity - got; s > 0 {
			h.short[d.OrderID] += s
			out.Shortages = append(out.Shortages, stock.Shortage{HolderID: d.HolderID, Variant: d.Variant, Quantity: s})
		}
	}
	return out, nil
}

func (h *house) release(_ *db.Tx, gone []Released) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range gone {
		h.reserved[g.LineID+"/"+g.Variant] -= g.Quantity
	}
	return nil
}

func (h *house) pay(_ *db.Tx, facts []Money) (map[string]PayState, error) {
	all := map[string]PayState{}
	for _, f := range facts {
		var paid int64
		state := Unpaid
		for _, p := range f.Payments {
			switch p.Status {
			case channel.Paid:
				paid += p.Amount.Minor
			case channel.Due:
				state = Due
			case channel.Authorized:
				state = Authorized
			}
		}
		if paid >= f.Total && paid > 0 {
			state = Paid
		}
		all[f.OrderID] = state
	}
	return all, nil
}

// paidBy says that a card paid everything.
func (h *house) paidBy(_ *db.Tx, orders []string) (map[string][]channel.Payment, error) {
	all := map[string][]channel.Payment{}
	for _, id := range orders {
		all[id] = []channel.Payment{{External: "p1", Method: channel.PayCard, Status: channel.Paid, Amount: money.Of(350000, "PKR")}}
	}
	return all, nil
}

// arrival is one order of the demo channel: two lines, paid by card, prices with the tax inside.
func arrival(external string, edit ...func(*channel.Arrival)) channel.Arrival {
	at := time.Date(2026, 11, 11, 6, 0, 0, 0, time.UTC)
	pkr := func(minor int64) money.Amount { return money.Of(minor, "PKR") }
	o := channel.Order{
		External: external, Number: "#" + external, Version: at, PlacedAt: at, Status: channel.Open, Statuses: map[string]string{"financial": "PAID"},
		Country: "PK", Currency: "PKR", TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
		Lines: []channel.Line{
			{
				External: "l1", Listing: channel.ListingRef{External: "x1", SKU: "SHIRT"}, Title: "Shirt", Quantity: 2, UnitPrice: pkr(150000), Total: pkr(280000),
				Discounts: []channel.Discount{{Amount: pkr(20000), Funder: channel.ByChannel}}, Taxes: []channel.Tax{{Title: "GST", Rate: "0.18", Amount: pkr(42712), Remitter: channel.Seller}},
				FulfilledBy: channel.Seller, Ships: true,
			},
			{External: "l2", Listing: channel.ListingRef{External: "x2", SKU: "CAP"}, Title: "Cap", Quantity: 1, UnitPrice: pkr(50000), Total: pkr(50000), FulfilledBy: channel.Seller, Ships: true},
		},
		Charges:  []channel.Charge{{Kind: channel.ChargeShipping, Title: "Standard", Amount: pkr(20000), Total: pkr(20000)}},
		Total:    pkr(350000),
		Payments: []channel.Payment{{External: "p1", Method: channel.PayCard, Status: channel.Paid, Amount: pkr(350000), At: at}},
		ShipTo:   channel.Address{Country: "PK", City: "Lahore", Province: "Punjab", Postcode: "54000"},
	}
	a := channel.Arrival{
		Inbox: "inbox-" + external, Source: "webhook", Order: o, Hash: "h1", Buyer: "buyer-" + external, AddressOK: true,
		Account: channel.Account{ID: "acc-1", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: channel.Live, Settings: map[string]string{}},
		Change:  channel.Change{External: external, Version: at, ReadAt: at.Add(time.Second)},
	}
	for _, e := range edit {
		e(&a)
	}
	return a
}

// later makes an arrival a newer reading with other content.
func later(n int) func(*channel.Arrival) {
	return func(a *channel.Arrival) {
		a.Change.Version = a.Change.Version.Add(time.Duration(n) * time.Minute)
		a.Change.ReadAt = a.Change.ReadAt.Add(time.Duration(n) * time.Minute)
		a.Hash = fmt.Sprintf("h%d", n+1)
	}
}

func (h *house) imports(as ...channel.Arrival) []channel.Landing {
	h.t.Helper()
	var out []channel.Landing
	err := h.d.Write(context.Background(), func(tx *db.Tx) (err error) {
		out, err = h.s.Import(tx, as)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *house) get(ref string) View {
	h.t.Helper()
	var v View
	err := h.d.Read(context.Background(), func(tx *db.Tx) (err error) { v, err = h.s.Get(tx, ref); return err })
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

// events lists the types of an order's events, in order.
func (h *house) events(order string) []string {
	h.t.Helper()
	var types []string
	err := h.d.Read(context.Background(), func(tx *db.Tx) error {
		all, err := outbox.OfOrder(tx, order)
		types = nil
		for i, e := range all {
			if e.Seq != int64(i+1) {
				return fmt.Errorf("event %d has sequence %d", i+1, e.Seq)
			}
			types = append(types, e.Type)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return types
}

// total is a channel that says, and was paid, another total.
func total(minor int64) func(*channel.Arrival) {
	return func(a *channel.Arrival) {
		a.Order.Total.Minor, a.Order.Payments[0].Amount.Minor = minor, minor
	}
}
