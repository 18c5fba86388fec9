package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// OrderHead is an order in a list.
type OrderHead struct {
	order.Head
	Total money.Amount `json:"total"`
}

// OrderLine is a line with its amounts as money.
type OrderLine struct {
	order.Line
	UnitPrice       money.Amount `json:"unit_price"`
	Goods           money.Amount `json:"goods"`
	Discount        money.Amount `json:"discount"`
	DiscountChannel money.Amount `json:"discount_by_channel"`
	Tax             money.Amount `json:"tax"`
	TaxChannel      money.Amount `json:"tax_by_channel"`
	Total           money.Amount `json:"total"`
}

// Payment is a payment with its amounts as money.
type Payment struct {
	ID         string       `json:"id"`
	External   string       `json:"external_id,omitempty"`
	Provider   string       `json:"provider"`
	Method     string       `json:"method"`
	State      string       `json:"state"`
	Amount     money.Amount `json:"amount"`
	Authorized money.Amount `json:"authorized"`
	Captured   money.Amount `json:"captured"`
	Refunded   money.Amount `json:"refunded"`
	Cash       *PaymentCash `json:"cash_on_delivery,omitempty"`
	At         time.Time    `json:"at"`
	Version    int64        `json:"version"`
}

// PaymentCash is the life of cash on delivery.
type PaymentCash struct {
	Collector string       `json:"collector"`
	State     string       `json:"state"`
	Due       money.Amount `json:"due"`
	Collected money.Amount `json:"collected"`
	Basis     string       `json:"basis,omitempty"`
}

// Refund is money that goes, or went, back.
type Refund struct {
	ID        string       `json:"id"`
	OrderID   string       `json:"order_id"`
	PaymentID string       `json:"payment_id,omitempty"`
	ReturnID  string       `json:"return_id,omitempty"`
	External  string       `json:"external_id,omitempty"`
	Reference string       `json:"reference"`
	Origin    string       `json:"origin" doc:"ours, or the channel's own"`
	State     string       `json:"state" doc:"intended, issued, refused, unknown, recorded"`
	Method    string       `json:"method"`
	Amount    money.Amount `json:"amount"`
	Shipping  money.Amount `json:"shipping"`
	Reason    string       `json:"reason"`
	Flagged   string       `json:"flagged,omitempty"`
	Actor     string       `json:"actor"`
	At        time.Time    `json:"at"`
	DoneAt    time.Time    `json:"done_at,omitzero"`
	Lines     []RefundLine `json:"lines,omitempty"`
	Version   int64        `json:"version"`
}

// RefundLine is the part of a refund that belongs to a line.
type RefundLine struct {
	LineID   string       `json:"line_id"`
	Quantity int64        `json:"quantity"`
	Amount   money.Amount `json:"amount"`
	Restock  string       `json:"restock,omitempty"`
}

// Order is an order with everything about it but personal data.
type Order struct {
	order.View
	Lines    []OrderLine `json:"lines"`
	Payments []Payment   `json:"payments"`
	Refunds  []Refund    `json:"refunds"`
}

type orderList struct {
	Paging
	Account string    `query:"account" maxLength:"200" doc:"Our id of the account"`
	Channel string    `query:"channel" maxLength:"40"`
	Country string    `query:"country" pattern:"^[A-Z]{2}$"`
	State   string    `query:"state" enum:"open,part_shipped,shipped,delivered,closed,cancelled"`
	Pay     string    `query:"pay_state" enum:"unpaid,due,authorized,part_paid,paid,part_refunded,refunded,voided"`
	Held    string    `query:"held" enum:"true,false" doc:"Only orders that wait, or only those that do not"`
	Number  string    `query:"number" maxLength:"100" doc:"Our number, or the channel's number or id"`
	SKU     string    `query:"sku" maxLength:"100"`
	From    time.Time `query:"from" doc:"Came in at or after, RFC 3339 with its zone"`
	Until   time.Time `query:"until" doc:"Came in before"`
	Oldest  bool      `query:"oldest_first"`

	Hold        string    `query:"hold" enum:"unmapped_sku,money_mismatch,money_incomplete,unpaid,address_incomplete,cancel_request,channel_hold,shortage,person,change_after_pack,address_changed" doc:"Waits for this"`
	COD         string    `query:"cash_on_delivery" enum:"true,false"`
	Location    string    `query:"location" maxLength:"100" doc:"Id of a branch or warehouse that sends something of it"`
	Parcel      string    `query:"parcel_state" enum:"intended,issued,handed_over,in_transit,out_for_delivery,attempted,delivered,returning,returned,lost,refused,unknown" doc:"A parcel of it is in this state"`
	Back        bool      `query:"coming_back" doc:"Units of it are on the way back"`
	DueFrom     time.Time `query:"due_from" doc:"Units have not gone, and are to be handed over at or after: the list then begins with what is due first"`
	DueUntil    time.Time `query:"due_until" doc:"Units have not gone, and are to be handed over before"`
	PlacedFrom  time.Time `query:"placed_from" doc:"The buyer ordered at or after: the list then goes by that"`
	PlacedUntil time.Time `query:"placed_until" doc:"The buyer ordered before"`
	Currency    string    `query:"currency" pattern:"^[A-Z]{3}$"`
	Least       string    `query:"total_from" pattern:"^[0-9]{1,15}([.][0-9]{1,4})?$" doc:"What the buyer pays, in the currency, at least; decimal text"`
	Most        string    `query:"total_to" pattern:"^[0-9]{1,15}([.][0-9]{1,4})?$" doc:"And at most"`
}

// filter is what is asked for. Fault: Invalid for an amount that its currency does not have.
func (in orderList) filter() (order.Filter, error) {
	f := order.Filter{
		Account: in.Account, Channel: in.Channel, Country: in.Country, State: order.State(in.State), Pay: order.PayState(in.Pay), Number: in.Number, SKU: in.SKU,
		From: in.From, Until: in.Until, Oldest: in.Oldest, Hold: order.HoldType(in.Hold), Back: in.Back,
		DueFrom: in.DueFrom, DueUntil: in.DueUntil, PlacedFrom: in.PlacedFrom, PlacedUntil: in.PlacedUntil, Currency: in.Currency,
	}
	for _, b := range []struct {
		text string
		to   **bool
	}{{in.Held, &f.Held}, {in.COD, &f.COD}} {
		if is := b.text == "true"; b.text != "" {
			*b.to = &is
		}
	}
	if in.Location != "" {
		f.Cuts = append(f.Cuts, fulfillment.OrdersAt(in.Location))
	}
	if in.Parcel != "" {
		f.Cuts = append(f.Cuts, dispatch.OrdersIn(in.Parcel))
	}
	for _, a := range []struct {
		field, text string
		to          *int64
	}{{"total_from", in.Least, &f.Least}, {"total_to", in.Most, &f.Most}} {
		if a.text == "" {
			continue
		}
		if in.Currency == "" {
			return f, fault.Field("currency", "say in which currency")
		}
		m, err := money.Parse(a.text, in.Currency)
		if err != nil {
			return f, fault.Field(a.field, "%s", fault.Message(err))
		}
		*a.to = m.Minor
	}
	return f, nil
}

// cancelBody is what is to be cancelled.
type cancelBody struct {
	Lines     []cancelLine `json:"lines,omitempty" maxItems:"500" doc:"Missing or empty: everything that is still open"`
	Reason    string       `json:"reason" minLength:"1" maxLength:"500"`
	Initiator string       `json:"initiator,omitempty" enum:"seller,buyer" default:"seller"`
}

type cancelLine struct {
	LineID   string `json:"line_id" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000000"`
}

func (b cancelBody) of(id string, version int64, actor string) order.Cancelling {
	c := order.Cancelling{Order: id, Version: version, Reason: b.Reason, Initiator: b.Initiator, Actor: actor, Source: "api"}
	for _, l := range b.Lines {
		c.Lines = append(c.Lines, order.CutLine{LineID: l.LineID, Quantity: l.Quantity})
	}
	return c
}

type orderCancel struct {
	Action
	Body cancelBody
}

type orderCancelPreview struct {
	One
	Body cancelBody
}

type orderDecide struct {
	Action
	Body struct {
		Agree  bool   `json:"agree" doc:"true cancels what is asked for, as far as it has not been handed over; false lets the order go on"`
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

type orderHold struct {
	Action
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type orderRelease struct {
	Action
	Body struct {
		Hold string `json:"hold" enum:"unmapped_sku,money_mismatch,money_incomplete,unpaid,address_incomplete,cancel_request,channel_hold,shortage,person,change_after_pack,address_changed" doc:"Releasing money_mismatch accepts the difference as shown; releasing cancel_request declines it, and the channel is told; releasing change_after_pack or address_changed sends the parcel as it was packed"`
	}
}

type orderNote struct {
	Write
	One
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"2000" doc:"No personal data: the timeline is read by everybody"`
	}
}

func (in orderNote) resource() string { return in.ID }

type orderRefund struct {
	Action
	Body struct {
		Lines    []refundPart `json:"lines,omitempty" maxItems:"500"`
		Amount   *MoneyIn     `json:"amount,omitempty" doc:"Without lines: how much. With lines: default what they and shipping come to"`
		Shipping *MoneyIn     `json:"shipping,omitempty"`
		Reason   string       `json:"reason" minLength:"1" maxLength:"500"`
		Method   string       `json:"method,omitempty" enum:"payout" doc:"Default: back the way it came; payout: by bank, wallet or store credit through the payout list"`
		Return   string       `json:"return_id,omitempty" maxLength:"100"`
	}
}

type refundPart struct {
	LineID   string   `json:"line_id" maxLength:"100"`
	Quantity int64    `json:"quantity" minimum:"1" maximum:"1000000000"`
	Amount   *MoneyIn `json:"amount,omitempty" doc:"Default: what these units cost the buyer"`
	Restock  string   `json:"restock,omitempty" enum:"return,cancel,no_restock" default:"no_restock"`
}

// MoneyIn is an amount as callers send it.
type MoneyIn struct {
	Amount   string `json:"amount" pattern:"^[0-9]{1,15}(\\.[0-9]{1,4})?$" doc:"Decimal text" example:"1250.00"`
	Currency string `json:"currency" pattern:"^[A-Z]{3}$"`
}

// minor is the amount in minor units of the order's currency.
func (m *MoneyIn) minor(field, currency string) (int64, error) {
	if m == nil {
		return 0, nil
	}
	if m.Currency != currency {
		return 0, fault.Field(field, "must be in %s like the order", currency)
	}
	a, err := money.Parse(m.Amount, m.Currency)
	if err != nil {
		return 0, fault.Field(field, "%s", fault.Message(err))
	}
	return a.Minor, nil
}

func (s *Server) orderRoutes() {
	if s.Order == nil {
		return
	}
	const tag = "orders"
	read(s, route{path: "/orders", id: "list-orders", title: "List orders", tag: tag, text: "Newest first, unless oldest_first. A page may hold fewer orders than the limit, also none: go on while next is given."}, func(tx *db.Tx, in *orderList) (Page[OrderHead], error) {
		f, err := in.filter()
		if err != nil {
			return Page[OrderHead]{}, err
		}
		p, err := s.Order.List(tx, f, in.After, in.Limit)
		out := Page[OrderHead]{Items: []OrderHead{}, Next: p.Next}
		for _, h := range p.Items {
			out.Items = append(out.Items, OrderHead{h, h.Amount(h.Sums.Total)})
		}
		return out, err
	})
	read(s, route{path: "/orders/{id}", id: "get-order", title: "Read an order", tag: tag, text: "By our id, our number, or the channel's number or id where only one order has it."},
		func(tx *db.Tx, in *One) (Order, error) { return s.showOrder(tx, in.ID) })
	read(s, route{path: "/orders/{id}/timeline", id: "order-timeline", title: "Everything that happened to an order", tag: tag}, func(tx *db.Tx, in *One) (Page[order.Fact], error) {
		v, err := s.Order.Get(tx, in.ID)
		if err != nil {
			return Page[order.Fact]{}, err
		}
		facts, err := s.Order.Timeline(tx, v.ID)
		return Page[order.Fact]{Items: orEmpty(facts)}, err
	})
	read(s, route{method: http.MethodPost, path: "/orders/{id}/cancel-preview", id: "preview-cancel", title: "What a cancellation would do", tag: tag, text: "Changes nothing. The version in the answer is the one to cancel with."},
		func(tx *db.Tx, in *orderCancelPreview) (order.Preview, error) {
			v, err := s.Order.Get(tx, in.ID)
			if err != nil {
				return order.Preview{}, err
			}
			return s.Order.PreviewCancel(tx, in.Body.of(v.ID, 0, ""))
		})
	s.orderActions(tag)
	s.changeRoutes(tag)
	s.personalRoutes(tag)
	s.refundRoutes(tag)
	s.replayRoutes(tag)
}

func (s *Server) orderActions(tag string) {
	write(s, route{path: "/orders/{id}/cancel", id: "cancel-order", title: "Cancel an order, or units of it, before hand-over", tag: tag, text: "Stock, fulfillment and what was to be paid follow at once; the channel is told."},
		func(ctx context.Context, c *call, in *orderCancel) error {
			id, err := s.orderID(ctx, in.ID)
			if err != nil {
				return err
			}
			_, err = s.Order.Cancel(ctx, in.Body.of(id, c.version, c.actor))
			return err
		}, s.showOrder)
	write(s, route{path: "/orders/{id}/decide-cancel", id: "decide-cancel", title: "Answer somebody who asks to cancel", tag: tag, text: "The channel is told the answer. 409 when nobody asks any more."},
		func(ctx context.Context, c *call, in *orderDecide) error {
			id, err := s.orderID(ctx, in.ID)
			if err != nil {
				return err
			}
			return s.Order.DecideCancel(ctx, id, c.version, in.Body.Agree, in.Body.Reason, c.actor)
		}, s.showOrder)
	write(s, route{path: "/orders/{id}/hold", id: "hold-order", title: "Put an order on hold", tag: tag}, func(ctx context.Context, c *call, in *orderHold) error {
		id, err := s.orderID(ctx, in.ID)
		if err != nil {
			return err
		}
		return s.Order.HoldBy(ctx, id, c.version, c.actor, in.Body.Reason)
	}, s.showOrder)
	write(s, route{path: "/orders/{id}/release", id: "release-order", title: "Let a hold go", tag: tag}, func(ctx context.Context, c *call, in *orderRelease) error {
		id, err := s.orderID(ctx, in.ID)
		if err != nil {
			return err
		}
		return s.Order.Release(ctx, id, c.version, order.HoldType(in.Body.Hold), c.actor)
	}, s.showOrder)
	write(s, route{path: "/orders/{id}/notes", id: "note-order", title: "Write a note into the timeline", tag: tag}, func(ctx context.Context, c *call, in *orderNote) error {
		id, err := s.orderID(ctx, in.ID)
		if err != nil {
			return err
		}
		detail, err := json.Marshal(map[string]string{"text": in.Body.Text})
		if err != nil {
			return err
		}
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			return s.Order.Note(tx, []order.Fact{{OrderID: id, At: tx.Now, Kind: "note", Source: "api", Actor: c.actor, Detail: detail}})
		})
	}, s.showOrder)
}

func (s *Server) refundRoutes(tag string) {
	if s.Payment == nil {
		return
	}
	write(s, route{
		path: "/orders/{id}/refunds", id: "refund-order", title: "Give money back", tag: tag, status: http.StatusAccepted,
		text: "Answers the intent: it is carried out through the channel or the payment provider, and its state follows. Never more than was captured and not yet given back.",
	},
		func(ctx context.Context, c *call, in *orderRefund) error {
			return s.DB.Write(ctx, func(tx *db.Tx) error {
				v, err := s.Order.Get(tx, in.ID)
				if err != nil {
					return err
				}
				ask, err := in.ask(v, c)
				if err != nil {
					return err
				}
				r, err := s.Payment.RefundTx(tx, ask)
				c.about(v.ID + "/" + r.ID)
				return err
			})
		}, s.showRefund)
	read(s, route{path: "/orders/{id}/refunds", id: "list-refunds", title: "Refunds of an order", tag: tag}, func(tx *db.Tx, in *One) (Page[Refund], error) {
		o, err := s.showOrder(tx, in.ID)
		return Page[Refund]{Items: o.Refunds}, err
	})
}

func (in *orderRefund) ask(v order.View, c *call) (payment.Ask, error) {
	b := in.Body
	a := payment.Ask{Order: v.ID, Version: c.version, Reason: b.Reason, Return: b.Return, Actor: c.actor, Method: b.Method, Reference: c.once()}
	var err error
	if a.Amount, err = b.Amount.minor("amount", v.Currency); err != nil {
		return a, err
	}
	if a.Shipping, err = b.Shipping.minor("shipping", v.Currency); err != nil {
		return a, err
	}
	for _, l := range b.Lines {
		m, err := l.Amount.minor("lines.amount", v.Currency)
		if err != nil {
			return a, err
		}
		a.Lines = append(a.Lines, payment.RefundLine{LineID: l.LineID, Quantity: l.Quantity, Amount: m, Restock: l.Restock})
	}
	return a, nil
}

// orderID finds the id behind what people call an order.
func (s *Server) orderID(ctx context.Context, ref string) (id string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		v, err := s.Order.Get(tx, ref)
		id = v.ID
		return err
	})
	return id, err
}

func (s *Server) showOrder(tx *db.Tx, ref string) (Order, error) {
	v, err := s.Order.Get(tx, ref)
	if err != nil {
		return Order{}, err
	}
	o := Order{View: v, Lines: []OrderLine{}, Payments: []Payment{}, Refunds: []Refund{}}
	for _, l := range v.Lines {
		o.Lines = append(o.Lines, OrderLine{l, v.Amount(l.UnitPrice), v.Amount(l.Goods), v.Amount(l.Discount), v.Amount(l.DiscountChannel), v.Amount(l.Tax), v.Amount(l.TaxChannel), v.Amount(l.Total)})
	}
	if s.Payment == nil {
		return o, nil
	}
	paid, back, err := s.Payment.Of(tx, v.ID)
	for _, p := range paid {
		o.Payments = append(o.Payments, paymentView(p))
	}
	for _, r := range back {
		o.Refunds = append(o.Refunds, refundView(r))
	}
	return o, err
}

func (s *Server) showRefund(tx *db.Tx, resource string) (Refund, error) {
	id, refund, _ := strings.Cut(resource, "/")
	_, back, err := s.Payment.Of(tx, id)
	if err != nil {
		return Refund{}, err
	}
	for _, r := range back {
		if r.ID == refund {
			return refundView(r), nil
		}
	}
	return Refund{}, fault.New(fault.NotFound, "there is no refund %s", refund)
}

func paymentView(p payment.Payment) Payment {
	m := func(minor int64) money.Amount { return money.Of(minor, p.Currency) }
	v := Payment{
		ID: p.ID, External: p.External, Provider: p.Provider, Method: string(p.Method), State: p.State, Amount: m(p.Amount), Authorized: m(p.Authorized), Captured: m(p.Captured), Refunded: m(p.Refunded),
		At: p.At, Version: p.Version,
	}
	if p.Collector != "" || p.CODState != "" {
		v.Cash = &PaymentCash{p.Collector, p.CODState, m(p.CODDue), m(p.CODGot), p.CODBasis}
	}
	return v
}

func refundView(r payment.Refund) Refund {
	m := func(minor int64) money.Amount { return money.Of(minor, r.Currency) }
	v := Refund{
		ID: r.ID, OrderID: r.OrderID, PaymentID: r.PaymentID, ReturnID: r.ReturnID, External: r.External, Reference: r.Reference, Origin: r.Origin, State: r.State, Method: r.Method,
		Amount: m(r.Amount), Shipping: m(r.Shipping), Reason: r.Reason, Flagged: r.Flagged, Actor: r.Actor, At: r.At, DoneAt: r.DoneAt, Version: r.Version,
	}
	for _, l := range r.Lines {
		v.Lines = append(v.Lines, RefundLine{l.LineID, l.Quantity, m(l.Amount), l.Restock})
	}
	return v
}

func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
