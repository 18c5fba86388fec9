package shop

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Parcel is one consignment as the buyer sees it.
type Parcel struct {
	Carrier   string    `json:"carrier"`
	Tracking  string    `json:"tracking"`
	URL       string    `json:"tracking_url,omitempty"`
	State     string    `json:"state"`
	SentAt    time.Time `json:"sent_at,omitzero"`
	Delivered time.Time `json:"delivered_at,omitzero"`
	Scans     []Scan    `json:"scans,omitempty"`
}

// Scan is one thing that happened to a parcel.
type Scan struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	Place string    `json:"place,omitempty"`
}

// ReturnAsk is a buyer's wish to give goods back.
type ReturnAsk struct {
	Order  string
	Kind   string // return: for the money; exchange
	Lines  []ReturnUnits
	Reason string       // one of Reasons
	Wanted []ReturnWant // what the buyer wants for it, only with exchange; none = to be settled with them
}

// ReturnWant is so many of something else, which the storefront sells.
type ReturnWant struct {
	Variant  string
	Quantity int64
}

// ReturnUnits is so many units of an order line.
type ReturnUnits struct {
	LineID   string
	Quantity int64
}

// ReturnAnswer is the return that was opened.
type ReturnAnswer struct {
	Number string `json:"return_number"`
	State  string `json:"state"`
}

// Reasons are what a buyer may say for a cancellation or a return. Free text might hold personal data, which events and timelines never carry.
var Reasons = []string{"changed_mind", "ordered_twice", "too_late", "price", "does_not_fit", "not_as_described", "damaged", "wrong_item", "other"}

// tracked is an order as its buyer sees it.
type tracked struct {
	Number    string        `json:"order_number"`
	Replaces  string        `json:"replaces,omitempty"` // the number of the order whose goods come back for it
	PlacedAt  time.Time     `json:"placed_at"`
	State     string        `json:"state"`
	Payment   string        `json:"payment"`
	Total     money.Amount  `json:"total"`
	DeliverBy time.Time     `json:"deliver_by,omitzero"`
	Lines     []trackedLine `json:"lines"`
	Parcels   []Parcel      `json:"parcels"`
	Timeline  []moment      `json:"timeline"`
}

type trackedLine struct {
	N         int64        `json:"line"`
	SKU       string       `json:"sku"`
	Title     string       `json:"title"`
	Ordered   int64        `json:"ordered"`
	Cancelled int64        `json:"cancelled"`
	Shipped   int64        `json:"shipped"`
	Delivered int64        `json:"delivered"`
	Returned  int64        `json:"returned"`
	Total     money.Amount `json:"total"`
}

// moment is one line of the buyer's timeline.
type moment struct {
	At    time.Time `json:"at"`
	What  string    `json:"what"`
	Order string    `json:"order_number,omitempty"` // of an exchange: what is sent instead, tracked by the same phone number
}

// told are the events a buyer is told of, in the buyer's words.
var told = map[string]string{
	event.OrderCreated: "ordered", event.OrderPaid: "paid", event.OrderCancelled: "cancelled", event.ShipmentCreated: "packed", event.ShipmentHandedOver: "on_the_way",
	event.ShipmentDelivered: "delivered", event.ReturnRequested: "return_requested", event.ReturnApproved: "return_approved", event.RefundIssued: "refunded",
	order.FactExchanged: order.FactExchanged,
}

// proof is what a buyer shows instead of a login.
type proof struct {
	Number string `json:"number"`
	Phone  string `json:"phone"`
}

// prove finds the order of number and phone. Tries are counted per address and per number, right ones too, so that neither can be guessed.
func (s *Shop) prove(c *call, p proof) (string, error) {
	if p.Number == "" || len(p.Number) > 40 {
		return "", fault.Field("number", "is missing or too long")
	}
	if p.Phone == "" || len(p.Phone) > 40 {
		return "", fault.Field("phone", "is missing or too long")
	}
	now := s.need.DB.Now()
	for _, key := range []string{"address " + c.addr, "number " + c.store.Code + " " + p.Number} {
		if wait := s.proofs.Take(key, now); wait > 0 {
			return "", fault.Wait(wait, "too many tries: wait a while").WithCode("too_many_tries")
		}
	}
	var id string
	err := s.need.DB.Read(c.Context(), func(tx *db.Tx) error {
		var err error
		id, err = s.need.Cart.Prove(tx, c.store, p.Number, p.Phone)
		return err
	})
	return id, err
}

func (s *Shop) track(c *call) (int, any, error) {
	in, err := input[proof](c)
	if err != nil {
		return 0, nil, err
	}
	id, err := s.prove(c, in)
	if err != nil {
		return 0, nil, err
	}
	t, err := s.view(c.Context(), id)
	return http.StatusOK, t, err
}

// view reads an order for its buyer.
func (s *Shop) view(ctx context.Context, id string) (tracked, error) {
	var t tracked
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		o, err := s.need.Orders.Get(tx, id)
		if err != nil {
			return err
		}
		t = tracked{
			Number: o.Number, Replaces: o.Extra[order.ExtraReplaces], PlacedAt: o.PlacedAt, State: string(o.State), Payment: string(o.PayState), Total: o.Totals.Total, DeliverBy: o.DeliverBy,
			Lines: []trackedLine{}, Parcels: []Parcel{}, Timeline: []moment{},
		}
		for _, l := range o.Lines {
			t.Lines = append(t.Lines, trackedLine{
				N: l.N, SKU: l.SKU, Title: l.Title, Ordered: l.Ordered, Cancelled: l.Cancelled, Shipped: l.Shipped, Delivered: l.Delivered, Returned: l.Returned,
				Total: money.Of(l.Total, l.Currency),
			})
		}
		facts, err := s.need.Orders.Timeline(tx, id)
		if err != nil {
			return err
		}
		for _, f := range facts {
			if what := told[f.Kind]; what != "" {
				t.Timeline = append(t.Timeline, moment{f.At, what, f.Replacement()})
			}
		}
		if s.need.Parcels == nil {
			return nil
		}
		parcels, err := s.need.Parcels(tx, id)
		t.Parcels = append(t.Parcels, parcels...)
		return err
	})
	return t, err
}

// wanted are units of a line by its place in the order, as tracking shows it.
type wanted struct {
	Line     int64 `json:"line"`
	Quantity int64 `json:"quantity"`
}

// lines finds the order's lines of what is wanted. Fault: Invalid naming the field.
func (s *Shop) lines(ctx context.Context, id string, want []wanted) ([]order.CutLine, error) {
	if len(want) == 0 {
		return nil, nil
	}
	var all []order.Line
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := s.need.Orders.Lines(tx, []string{id})
		all = found[id]
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []order.CutLine
	for i, w := range want {
		at := "lines[" + strconv.Itoa(i) + "]."
		n := slices.IndexFunc(all, func(l order.Line) bool { return l.N == w.Line })
		switch {
		case n < 0:
			return nil, fault.Field(at+"line", "the order has no such line")
		case w.Quantity < 1 || w.Quantity > all[n].Ordered:
			return nil, fault.Field(at+"quantity", "must be from 1 to %d", all[n].Ordered)
		case slices.ContainsFunc(out, func(c order.CutLine) bool { return c.LineID == all[n].ID }):
			return nil, fault.Field(at+"line", "stands twice")
		}
		out = append(out, order.CutLine{LineID: all[n].ID, Quantity: w.Quantity})
	}
	return out, nil
}

// wish is what a buyer wants of an order, with the proof that it is theirs.
type wish struct {
	proof
	Kind   string    `json:"kind"`
	Reason string    `json:"reason"`
	Lines  []wanted  `json:"lines"`
	Wanted []instead `json:"wanted"`
}

// instead is what a buyer wants for goods that come back.
type instead struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// maxInstead is how many different things an exchange may ask for.
const maxInstead = 20

// instead finds what the storefront sells of what a buyer wants for goods that come back. Fault: Invalid naming the field.
func (s *Shop) instead(c *call, in wish) ([]ReturnWant, error) {
	switch {
	case len(in.Wanted) > 0 && in.Kind != "exchange":
		return nil, fault.Field("wanted", "only an exchange gives something instead")
	case len(in.Wanted) > maxInstead:
		return nil, fault.Field("wanted", "has at most %d lines", maxInstead)
	}
	var all []ReturnWant
	for i, w := range in.Wanted {
		at := "wanted[" + strconv.Itoa(i) + "]."
		if w.Quantity < 1 || w.Quantity > cart.MaxQuantity {
			return nil, fault.Field(at+"quantity", "must be from 1 to %d", cart.MaxQuantity)
		}
		p, err := s.need.Cart.Product(c.Context(), c.store, w.SKU)
		if fault.Is(err, fault.NotFound) {
			return nil, fault.Field(at+"sku", "the shop does not sell this").WithCode("unknown_sku")
		}
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(one ReturnWant) bool { return one.Variant == p.Variant }) {
			return nil, fault.Field(at+"sku", "stands twice")
		}
		all = append(all, ReturnWant{p.Variant, w.Quantity})
	}
	return all, nil
}

// wish takes what a buyer wants, and finds the order.
func (s *Shop) wish(c *call) (in wish, id string, lines []order.CutLine, err error) {
	if in, err = input[wish](c); err != nil {
		return in, "", nil, err
	}
	if in.Reason == "" {
		in.Reason = "other"
	}
	if !slices.Contains(Reasons, in.Reason) {
		return in, "", nil, fault.Field("reason", "is none of %v", Reasons)
	}
	if id, err = s.prove(c, in.proof); err != nil {
		return in, "", nil, err
	}
	lines, err = s.lines(c.Context(), id, in.Lines)
	return in, id, lines, err
}

// cancel takes units out of the order while they are not packed. An order that is cancelled already is answered as it is.
func (s *Shop) cancel(c *call) (int, any, error) {
	in, id, lines, err := s.wish(c)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case in.Kind != "":
		return 0, nil, fault.Field("kind", "is not known here").WithCode("unknown_field")
	case in.Wanted != nil:
		return 0, nil, fault.Field("wanted", "is not known here").WithCode("unknown_field")
	}
	_, err = s.need.Orders.Cancel(c.Context(), order.Cancelling{
		Order: id, Lines: lines, Reason: in.Reason, Initiator: "buyer", Actor: "buyer", Source: "shop", BeforePack: true,
	})
	if err != nil && fault.CodeOf(err) != "already" {
		return 0, nil, err
	}
	t, err := s.view(c.Context(), id)
	return http.StatusOK, t, err
}

// giveBack asks for goods to be taken back. With an Idempotency-Key it happens once, however often it is sent.
func (s *Shop) giveBack(c *call) (int, any, error) {
	in, id, lines, err := s.wish(c)
	if err != nil {
		return 0, nil, err
	}
	if in.Kind == "" {
		in.Kind = "return"
	}
	if in.Kind != "return" && in.Kind != "exchange" {
		return 0, nil, fault.Field("kind", "is neither return nor exchange")
	}
	instead, err := s.instead(c, in)
	if err != nil {
		return 0, nil, err
	}
	if s.need.Return == nil {
		return 0, nil, fault.New(fault.Refused, "this shop takes nothing back by itself: please call").WithCode("no_returns")
	}
	ask := ReturnAsk{Order: id, Kind: in.Kind, Reason: in.Reason, Wanted: instead}
	for _, l := range lines {
		ask.Lines = append(ask.Lines, ReturnUnits{LineID: l.LineID, Quantity: l.Quantity})
	}
	var a ReturnAnswer
	number, replayed, err := s.once.Do(c.Context(), "buyer:"+id, c.Header.Get("Idempotency-Key"), "shop-return", fmt.Sprint(ask), id, func(ctx context.Context) (string, error) {
		var err error
		a, err = s.need.Return(ctx, ask)
		return a.Number, err
	})
	if err != nil || !replayed {
		return http.StatusCreated, a, err
	}
	c.w.Header().Set("Idempotent-Replayed", "true")
	if a.Number = number; s.need.Returned == nil {
		return http.StatusCreated, a, nil
	}
	err = s.need.DB.Read(c.Context(), func(tx *db.Tx) error {
		var err error
		a, err = s.need.Returned(tx, number)
		return err
	})
	return http.StatusCreated, a, err
}
