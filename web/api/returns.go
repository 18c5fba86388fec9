package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Return is what comes back, or what is owed without goods.
type Return struct {
	ID          string       `json:"id"`
	Number      string       `json:"number"`
	OrderID     string       `json:"order_id"`
	Account     string       `json:"account_id"`
	External    string       `json:"external_id,omitempty"`
	Shipment    string       `json:"shipment_id,omitempty"`
	Location    string       `json:"location_id,omitempty"`
	Kind        string       `json:"kind" doc:"return, exchange, refund_only, return_to_origin, claim"`
	Decision    string       `json:"decision"`
	Goods       string       `json:"goods_state"`
	Money       string       `json:"money_state"`
	Reason      string       `json:"reason"`
	RequestedBy string       `json:"requested_by"`
	RequestedAt time.Time    `json:"requested_at"`
	DecideBy    time.Time    `json:"decide_by,omitzero"`
	ApprovedAt  time.Time    `json:"approved_at,omitzero"`
	ReceivedAt  time.Time    `json:"received_at,omitzero"`
	ClosedAt    time.Time    `json:"closed_at,omitzero"`
	Due         money.Amount `json:"refund_due"`
	Refunded    money.Amount `json:"refunded"`
	Shipping    money.Amount `json:"shipping" doc:"Part of what is due"`
	Difference  money.Amount `json:"difference" doc:"Of an exchange: above zero the buyer pays"`
	Exchange    string       `json:"exchange_order_id,omitempty" doc:"The order that replaces it"`
	Wanted      []Wanted     `json:"wanted" doc:"What the buyer asked to get instead"`
	Status      string       `json:"channel_status,omitempty"`
	Untold      string       `json:"channel_refused,omitempty" doc:"Why the channel refused what it was told of this return"`
	Carrier     string       `json:"carrier,omitempty"`
	Tracking    string       `json:"tracking_number,omitempty"`
	Refunds     []string     `json:"refund_ids"`
	Lines       []ReturnLine `json:"lines"`
	Actions     []string     `json:"allowed" doc:"What can be done now"`
	UpdatedAt   time.Time    `json:"updated_at"`
	Version     int64        `json:"version"`
}

// Wanted is what the buyer of an exchange asked to get instead.
type Wanted struct {
	Variant  string `json:"variant_id"`
	Quantity int64  `json:"quantity"`
}

// ReturnLine is the part of a return that belongs to an order line.
type ReturnLine struct {
	LineID     string       `json:"line_id"`
	External   string       `json:"external_id"`
	Quantity   int64        `json:"quantity"`
	Received   int64        `json:"received"`
	Waiting    int64        `json:"waiting" doc:"Received and not inspected"`
	Sellable   int64        `json:"sellable"`
	Quarantine int64        `json:"quarantine"`
	Damaged    int64        `json:"damaged"`
	Rejected   int64        `json:"rejected"`
	Reason     string       `json:"reason"`
	Refund     money.Amount `json:"refund"`
}

func returnView(r returns.RMA) Return {
	m := func(minor int64) money.Amount { return money.Of(minor, r.Currency) }
	v := Return{
		ID: r.ID, Number: r.Number, OrderID: r.OrderID, Account: r.Account, External: r.External, Shipment: r.Shipment, Location: r.Location, Kind: string(r.Kind), Decision: r.Decision, Goods: r.Goods, Money: r.Money,
		Reason: r.Reason, RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt, DecideBy: r.DecideBy, ApprovedAt: r.ApprovedAt, ReceivedAt: r.ReceivedAt, ClosedAt: r.ClosedAt, Due: m(r.RefundDue), Refunded: m(r.Refunded),
		Shipping: m(r.Detail.Shipping), Difference: m(r.Detail.Difference), Exchange: r.Exchange, Status: r.Detail.Status, Untold: r.Detail.Untold, Carrier: r.Detail.Carrier, Tracking: r.Detail.Tracking, Refunds: orEmpty(r.Detail.Refunds),
		Wanted: []Wanted{}, Lines: []ReturnLine{}, Actions: orEmpty(r.Actions()), UpdatedAt: r.UpdatedAt, Version: r.Version,
	}
	for _, x := range r.Detail.Wanted {
		v.Wanted = append(v.Wanted, Wanted(x))
	}
	for _, l := range r.Lines {
		v.Lines = append(v.Lines, ReturnLine{l.LineID, l.External, l.Quantity, l.Received, l.Waiting, l.Sellable, l.Quarantine, l.Damaged, l.Rejected, l.Reason, m(l.Refund)})
	}
	return v
}

type returnList struct {
	Paging
	Order    string `query:"order" maxLength:"200"`
	Account  string `query:"account" maxLength:"100"`
	Location string `query:"location" maxLength:"100" doc:"Id or code"`
	Kind     string `query:"kind" enum:"return,exchange,refund_only,return_to_origin,claim"`
	Decision string `query:"decision" enum:"requested,approved,declined,withdrawn"`
	Goods    string `query:"goods" enum:"none,awaited,on_the_way,received,inspected,lost,cancelled"`
	Money    string `query:"money" enum:"none,due,intended,refunded,refused,waived"`
	Open     bool   `query:"open" doc:"Only those where something is still to be done"`
}

// returnUnits is so many units of an order line.
type returnUnits struct {
	LineID   string `json:"line_id" minLength:"1" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000000"`
	Reason   string `json:"reason,omitempty" maxLength:"200"`
}

type returnRequest struct {
	Write
	Body struct {
		Order    string        `json:"order" minLength:"1" maxLength:"200" doc:"Our id or number, or the channel's"`
		Kind     string        `json:"kind,omitempty" enum:"return,exchange,refund_only,claim" default:"return"`
		Lines    []returnUnits `json:"lines,omitempty" maxItems:"500" doc:"Missing: everything that is with the buyer"`
		Reason   string        `json:"reason" minLength:"1" maxLength:"500"`
		By       string        `json:"requested_by,omitempty" enum:"buyer,seller" default:"seller"`
		Shipping *MoneyIn      `json:"shipping,omitempty" doc:"Give this much of the shipping back too"`
		Location string        `json:"location,omitempty" maxLength:"100" doc:"Where it is to come; missing: wherever it comes"`
		Approve  bool          `json:"approve,omitempty" doc:"Approved at once"`
		Wanted   []replacement `json:"wanted,omitempty" maxItems:"100" doc:"Of an exchange: what the buyer gets instead, ordered when it is approved, or when the goods have come where the account says so"`
	}
}

type returnOnly struct{ Action }

type returnReason struct {
	Action
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type returnSent struct {
	Action
	Body struct {
		Carrier  string `json:"carrier,omitempty" maxLength:"100"`
		Tracking string `json:"tracking_number,omitempty" maxLength:"100"`
	}
}

type returnReceive struct {
	Action
	Body struct {
		Location string        `json:"location" minLength:"1" maxLength:"100" doc:"Id or code"`
		Lines    []returnUnits `json:"lines,omitempty" maxItems:"500" doc:"Missing: everything that has not come yet"`
	}
}

type returnInspect struct {
	Action
	Body struct {
		Verdicts []verdict `json:"verdicts" minItems:"1" maxItems:"500"`
	}
}

type verdict struct {
	LineID      string `json:"line_id" minLength:"1" maxLength:"100"`
	Quantity    int64  `json:"quantity" minimum:"1" maximum:"1000000000"`
	Disposition string `json:"disposition" enum:"sellable,quarantine,damaged,rejected" doc:"rejected: it goes to the buyer again, and no money for it"`
}

type returnRefund struct {
	Action
	Body struct {
		Amount   *MoneyIn `json:"amount,omitempty" doc:"Default: what is due"`
		Shipping *MoneyIn `json:"shipping,omitempty" doc:"Default: as the return says"`
		Method   string   `json:"method,omitempty" enum:"payout" doc:"Default: the way it came; payout: bank, wallet or store credit"`
		Reason   string   `json:"reason,omitempty" maxLength:"500"`
	}
}

type returnExchange struct {
	Action
	Body struct {
		Lines []replacement `json:"lines,omitempty" maxItems:"100" doc:"Missing: what was wanted with the return"`
		Total *MoneyIn      `json:"total,omitempty" doc:"What the replacement costs, where nobody places orders here"`
	}
}

type replacement struct {
	SKU      string `json:"sku" minLength:"1" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000000"`
}

func unitsOf(all []returnUnits) []returns.Units {
	var out []returns.Units
	for _, u := range all {
		out = append(out, returns.Units{LineID: u.LineID, Quantity: u.Quantity, Reason: u.Reason})
	}
	return out
}

// replacements finds the variants of what a buyer gets instead.
func (s *Server) replacements(tx *db.Tx, list string, all []replacement) ([]returns.Replacement, error) {
	var out []returns.Replacement
	for i, l := range all {
		v, err := s.variant(tx, field(list, i, "sku"), l.SKU)
		if err != nil {
			return nil, err
		}
		out = append(out, returns.Replacement{Variant: v, Quantity: l.Quantity})
	}
	return out, nil
}

func verdictsOf(all []verdict) []returns.Verdict {
	var out []returns.Verdict
	for _, v := range all {
		out = append(out, returns.Verdict{LineID: v.LineID, Quantity: v.Quantity, Disposition: returns.Disposition(v.Disposition)})
	}
	return out
}

func (s *Server) returnRoutes() {
	if s.Returns == nil {
		return
	}
	const tag = "returns"
	read(s, route{path: "/returns", id: "list-returns", title: "List returns", tag: tag, text: "Newest first."}, func(tx *db.Tx, in *returnList) (Page[Return], error) {
		f := returns.Filter{Account: in.Account, Kind: returns.Kind(in.Kind), Decision: in.Decision, Goods: in.Goods, Money: in.Money, Open: in.Open}
		var err error
		if f.Location, err = s.location(tx, "location", in.Location); err != nil {
			return Page[Return]{}, err
		}
		if in.Order != "" {
			v, err := s.Order.Get(tx, in.Order)
			if err != nil {
				return Page[Return]{}, err
			}
			f.Order = v.ID
		}
		p, err := s.Returns.List(tx, f, in.After, in.Limit)
		out := Page[Return]{Items: []Return{}, Next: p.Next}
		for _, r := range p.Items {
			out.Items = append(out.Items, returnView(r))
		}
		return out, err
	})
	read(s, route{path: "/returns/{id}", id: "get-return", title: "Read a return", tag: tag, text: "By id or number."}, func(tx *db.Tx, in *One) (Return, error) { return s.showReturn(tx, in.ID) })
	read(s, route{path: "/returns/{id}/timeline", id: "return-timeline", title: "Everything that happened to a return", tag: tag}, func(tx *db.Tx, in *One) (Page[returns.Step], error) {
		r, err := s.Returns.Get(tx, in.ID)
		if err != nil {
			return Page[returns.Step]{}, err
		}
		steps, err := s.Returns.Timeline(tx, r.ID)
		return Page[returns.Step]{Items: orEmpty(steps)}, err
	})
	write(s, route{path: "/returns", id: "request-return", title: "Open a return", tag: tag, status: http.StatusCreated}, s.requestReturn, func(tx *db.Tx, resource string) (Return, error) {
		if order, ok := cutPrefix(resource, "order:"); ok {
			all, err := s.Returns.Of(tx, order)
			if err != nil || len(all) == 0 {
				return Return{}, fault.New(fault.NotFound, "the return is not here any more")
			}
			return returnView(all[len(all)-1]), nil
		}
		return s.showReturn(tx, resource)
	})
	s.returnActions(tag)
}

func cutPrefix(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || text[:len(prefix)] != prefix {
		return text, false
	}
	return text[len(prefix):], true
}

func (s *Server) showReturn(tx *db.Tx, id string) (Return, error) {
	r, err := s.Returns.Get(tx, id)
	if err != nil {
		return Return{}, err
	}
	return returnView(r), nil
}

func (s *Server) requestReturn(ctx context.Context, c *call, in *returnRequest) error {
	b := in.Body
	a := returns.Ask{Kind: returns.Kind(b.Kind), Lines: unitsOf(b.Lines), Reason: b.Reason, By: b.By, Approve: b.Approve, Actor: c.actor}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		v, err := s.Order.Get(tx, b.Order)
		if err != nil {
			return fault.Field("order", "there is no order %q", b.Order)
		}
		a.Order = v.ID
		if a.Shipping, err = b.Shipping.minor("shipping", v.Currency); err != nil {
			return err
		}
		if a.Wanted, err = s.replacements(tx, "wanted", b.Wanted); err != nil {
			return err
		}
		a.Location, err = s.location(tx, "location", b.Location)
		return err
	})
	if err != nil {
		return err
	}
	c.about("order:" + a.Order)
	r, err := s.Returns.Request(ctx, a)
	if err == nil {
		c.about(r.ID)
	}
	return err
}

// act registers an action on a return.
func act[I any](s *Server, tag, name, title string, status int, do func(ctx context.Context, c *call, r returns.RMA, in *I) (returns.RMA, error)) {
	write(s, route{path: "/returns/{id}/" + name, id: name + "-return", title: title, tag: tag, status: status}, func(ctx context.Context, c *call, in *I) error {
		var r returns.RMA
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			r, err = s.Returns.Get(tx, c.claim.resource)
			return err
		})
		if err != nil {
			return err
		}
		_, err = do(ctx, c, r, in)
		return err
	}, s.showReturn)
}

func (s *Server) returnActions(tag string) {
	r := s.Returns
	plain := func(name, title string, do func(ctx context.Context, id string, version int64, actor string) (returns.RMA, error)) {
		act(s, tag, name, title, http.StatusOK, func(ctx context.Context, c *call, x returns.RMA, _ *returnOnly) (returns.RMA, error) {
			return do(ctx, x.ID, c.version, c.actor)
		})
	}
	reason := func(name, title string, do func(ctx context.Context, id string, version int64, reason, actor string) (returns.RMA, error)) {
		act(s, tag, name, title, http.StatusOK, func(ctx context.Context, c *call, x returns.RMA, in *returnReason) (returns.RMA, error) {
			return do(ctx, x.ID, c.version, in.Body.Reason, c.actor)
		})
	}
	plain("approve", "Say that the goods may come, or that the money may go", r.Approve)
	plain("unapprove", "Take an approval back", r.Unapprove)
	plain("reopen", "Put a declined or withdrawn return back to be decided", r.Reopen)
	plain("close", "Say that what has not come will not come", r.Close)
	plain("not-sent", "Say that the buyer has not sent it after all", r.NotSent)
	plain("unexchange", "Take an exchange back", r.Unexchange)
	reason("decline", "Turn a request down", r.Decline)
	reason("withdraw", "End a return that nobody wants any more", r.Withdraw)
	reason("refuse", "Keep the money: what came is not what was sold", r.Refuse)
	reason("waive", "Say that the buyer does without the money", r.Waive)
	reason("owe", "Take a refusal or a waiver back", r.Owe)
	act(s, tag, "sent", "Say that the buyer has given the goods to a carrier", http.StatusOK, func(ctx context.Context, c *call, x returns.RMA, in *returnSent) (returns.RMA, error) {
		return r.SentBack(ctx, x.ID, c.version, in.Body.Carrier, in.Body.Tracking, c.actor)
	})
	act(s, tag, "receive", "Record goods that came", http.StatusOK, func(ctx context.Context, c *call, x returns.RMA, in *returnReceive) (returns.RMA, error) {
		got := returns.Receipt{Lines: unitsOf(in.Body.Lines), Actor: c.actor}
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			got.Location, err = s.location(tx, "location", in.Body.Location)
			return err
		})
		if err != nil {
			return returns.RMA{}, err
		}
		return r.Receive(ctx, x.ID, c.version, got)
	})
	act(s, tag, "inspect", "Decide what becomes of goods that came; stock follows", http.StatusOK, func(ctx context.Context, c *call, x returns.RMA, in *returnInspect) (returns.RMA, error) {
		return r.Inspect(ctx, x.ID, c.version, verdictsOf(in.Body.Verdicts), c.actor)
	})
	act(s, tag, "uninspect", "Put inspected units back to wait", http.StatusOK, func(ctx context.Context, c *call, x returns.RMA, in *returnInspect) (returns.RMA, error) {
		return r.Uninspect(ctx, x.ID, c.version, verdictsOf(in.Body.Verdicts), c.actor)
	})
	act(s, tag, "refund", "Have the money given back", http.StatusAccepted, func(ctx context.Context, c *call, x returns.RMA, in *returnRefund) (returns.RMA, error) {
		p := returns.Paying{Method: in.Body.Method, Reason: in.Body.Reason, Actor: c.actor}
		var err error
		if p.Amount, err = in.Body.Amount.minor("amount", x.Currency); err != nil {
			return x, err
		}
		if in.Body.Shipping != nil {
			n, err := in.Body.Shipping.minor("shipping", x.Currency)
			if err != nil {
				return x, err
			}
			p.Shipping = &n
		}
		return r.Refund(ctx, x.ID, c.version, p)
	})
	act(s, tag, "exchange", "Order what replaces the goods that come back: linked, and paid with what these are worth", http.StatusAccepted, func(ctx context.Context, c *call, x returns.RMA, in *returnExchange) (returns.RMA, error) {
		total, err := in.Body.Total.minor("total", x.Currency)
		if err != nil {
			return x, err
		}
		var lines []returns.Replacement
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			lines, err = s.replacements(tx, "lines", in.Body.Lines)
			return err
		})
		if err != nil {
			return x, err
		}
		return r.Exchange(ctx, x.ID, c.version, lines, total, c.actor)
	})
}
