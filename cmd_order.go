package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

// Listing are the flags of every list.
type Listing struct {
	Limit int    `help:"How many." default:"50"`
	After string `help:"Where the list goes on, as the page before says."`
}

func (l Listing) query(pairs ...string) url.Values {
	q := url.Values{}
	if l.Limit > 0 {
		q.Set("limit", strconv.Itoa(l.Limit))
	}
	if l.After != "" {
		q.Set("after", l.After)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

type orderCmd struct {
	List         orderListCmd     `cmd:"" help:"List orders, newest first."`
	Show         orderShowCmd     `cmd:"" help:"Show an order: its lines, holds, money and, with --timeline, everything that happened to it."`
	Cancel       orderCancelCmd   `cmd:"" help:"Cancel an order, or units of it, before hand-over."`
	Replay       orderReplayCmd   `cmd:"" help:"Decode an order again from what the channel sent, and show the difference."`
	Hold         orderHoldCmd     `cmd:"" help:"Put an order on hold."`
	Release      orderReleaseCmd  `cmd:"" help:"Let a hold go."`
	Note         orderNoteCmd     `cmd:"" help:"Write a note into the timeline."`
	Refund       orderRefundCmd   `cmd:"" help:"Give money back."`
	DecideCancel orderDecideCmd   `cmd:"" help:"Answer somebody who asks to cancel."`
	Reread       orderRereadCmd   `cmd:"" help:"Have an order read from its channel again."`
	Address      orderAddressCmd  `cmd:"" help:"Correct the address, until something is packed."`
	Changes      orderChangesCmd  `cmd:"" help:"Changes proposed of an order."`
	Confirm      orderConfirmCmd  `cmd:"" help:"Carry a proposed change out."`
	Discard      orderDiscardCmd  `cmd:"" help:"Give a proposed change up."`
	Cash         orderCashCmd     `cmd:"" help:"Say what became of cash on delivery."`
	Payment      orderPaymentCmd  `cmd:"" help:"Take, or let go of, what payment providers hold."`
	Personal     orderPersonalCmd `cmd:"" help:"Show who bought it and where it goes, for a purpose."`
	Erase        orderEraseCmd    `cmd:"" help:"Destroy what is kept of the buyer, for good."`
}

type orderListCmd struct {
	Listing
	Account string `help:"Of this account, by name or id."`
	Channel string `help:"Of this kind of channel."`
	Country string `help:"Of this country."`
	State   string `help:"open, part_shipped, shipped, delivered, closed, cancelled."`
	Pay     string `help:"unpaid, due, authorized, part_paid, paid, part_refunded, refunded, voided."`
	Held    bool   `help:"Only orders that wait."`
	SKU     string `name:"sku" help:"With this SKU."`
	Number  string `help:"Our number, or the channel's number or id."`

	Hold        string `help:"Waits for this: unmapped_sku, money_mismatch, unpaid, address_incomplete, cancel_request, shortage, person, …"`
	COD         string `name:"cash-on-delivery" enum:",true,false" default:"" help:"Only cash on delivery (true), or only what is paid otherwise (false)."`
	Location    string `help:"Id of a branch or warehouse that sends something of it."`
	Parcel      string `name:"parcel-state" help:"A parcel of it is issued, in_transit, attempted, lost, …"`
	Back        bool   `name:"coming-back" help:"Units of it are on the way back."`
	DueUntil    string `help:"Units have not gone and are to go before this time (RFC 3339), what is due first first."`
	PlacedFrom  string `help:"The buyer ordered at or after (RFC 3339)."`
	PlacedUntil string `help:"The buyer ordered before."`
	Currency    string `help:"In this currency."`
	TotalFrom   string `help:"What the buyer pays, at least."`
	TotalTo     string `help:"And at most."`
}

// Run lists orders.
func (c *orderListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		q := c.query("account", c.Account, "channel", c.Channel, "country", c.Country, "state", c.State, "pay_state", c.Pay, "sku", c.SKU, "number", c.Number, "hold", c.Hold,
			"cash_on_delivery", c.COD, "location", c.Location, "parcel_state", c.Parcel, "due_until", c.DueUntil, "placed_from", c.PlacedFrom, "placed_until", c.PlacedUntil, "currency", c.Currency,
			"total_from", c.TotalFrom, "total_to", c.TotalTo)
		if c.Back {
			q.Set("coming_back", "true")
		}
		if c.Held {
			q.Set("held", "true")
		}
		r, err := cl.get(ctx, "/orders", q)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.OrderHead]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, o := range p.Items {
				rows = append(rows, []string{o.Number, o.Channel, o.ExternalNumber, string(o.State), string(o.PayState), itoa(o.Holds), itoa(o.Units.Ordered), o.Total.String(), when(o.PlacedAt)})
			}
			if err := table(w, "NUMBER CHANNEL THEIRS STATE MONEY HOLDS UNITS TOTAL PLACED", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type orderShowCmd struct {
	Order    string `arg:"" help:"Our number or id, or the channel's."`
	Timeline bool   `help:"Also everything that happened to it."`
}

// Run shows an order.
func (c *orderShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		if c.Timeline {
			return c.timeline(ctx, cl)
		}
		r, err := cl.get(ctx, at("orders", c.Order), nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var o api.Order
			if err := r.into(&o); err != nil {
				return err
			}
			return printOrder(w, o)
		})
	})
}

func printOrder(w io.Writer, o api.Order) error {
	fmt.Fprintf(w, "%s  %s %s  %s, %s  version %d\n", o.Number, o.Channel, clean(o.ExternalNumber), o.State, o.PayState, o.Version)
	fmt.Fprintf(w, "placed %s  to %s %s  total %s  owed to seller %s\n\n", when(o.PlacedAt), o.ShipCountry, clean(o.ShipCity), o.Totals.Total, o.Totals.Owed)
	rows := make([][]string, 0, len(o.Lines))
	for _, l := range o.Lines {
		rows = append(rows, []string{l.ID, dash(l.SKU), l.Title, itoa(l.Ordered), itoa(l.Open), itoa(l.Shipped), itoa(l.Delivered), itoa(l.Cancelled), itoa(l.Returned), l.Total.String()})
	}
	if err := table(w, "LINE SKU TITLE ORDERED OPEN SHIPPED DELIVERED CANCELLED RETURNED TOTAL", rows); err != nil {
		return err
	}
	for _, h := range o.Held {
		if h.Released.IsZero() {
			fmt.Fprintf(w, "\nheld since %s: %s %s (%s)", when(h.Since), h.Title, clean(h.Detail), h.Type)
		}
	}
	for _, p := range o.Payments {
		fmt.Fprintf(w, "\npaid by %s: %s, %s captured, %s refunded", dash(p.Method), p.State, p.Captured, p.Refunded)
	}
	for _, x := range o.Refunds {
		fmt.Fprintf(w, "\nrefund %s: %s, %s", x.Amount, x.State, clean(x.Reason))
	}
	_, err := fmt.Fprintln(w)
	return err
}

func (c *orderShowCmd) timeline(ctx context.Context, cl *client) error {
	r, err := cl.get(ctx, at("orders", c.Order, "timeline"), nil)
	if err != nil {
		return err
	}
	return cl.show(r, func(w io.Writer) error {
		var p api.Page[order.Fact]
		if err := r.into(&p); err != nil {
			return err
		}
		rows := make([][]string, 0, len(p.Items))
		for _, f := range p.Items {
			rows = append(rows, []string{whenExactly(f.At), f.Kind, f.Source, dash(f.Actor), facts(f.Detail)})
		}
		return table(w, "AT WHAT SOURCE WHO DETAIL", rows)
	})
}

type orderCancelCmd struct {
	Order  string           `arg:"" help:"Our number or id, or the channel's."`
	Line   map[string]int64 `help:"Only so many units of a line: --line ID=2. May be repeated." placeholder:"ID=N"`
	Reason string           `help:"Why; the channel is told." required:""`
	DryRun bool             `help:"Only say what would happen."`
	Yes    bool             `help:"Do not ask."`
}

// Run previews, asks and cancels the order in the version that was previewed.
func (c *orderCancelCmd) Run(ctx context.Context, g *Globals, s streams) error {
	type line struct {
		LineID   string `json:"line_id"`
		Quantity int64  `json:"quantity"`
	}
	body := struct {
		Lines  []line `json:"lines,omitempty"`
		Reason string `json:"reason"`
	}{Reason: c.Reason}
	for id, n := range c.Line {
		body.Lines = append(body.Lines, line{id, n})
	}
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, at("orders", c.Order, "cancel-preview"), "", body)
		if err != nil {
			return err
		}
		var p order.Preview
		if err := r.into(&p); err != nil {
			return err
		}
		if c.DryRun {
			return cl.show(r, func(w io.Writer) error { return printPreview(w, p) })
		}
		if !c.Yes && s.person() {
			if err := printPreview(s.err, p); err != nil {
				return err
			}
		}
		if err := s.sure(c.Yes, "cancel"); err != nil {
			return err
		}
		r, err = cl.act(ctx, http.MethodPost, at("orders", c.Order, "cancel"), fmt.Sprintf("%q", itoa(p.Version)), body)
		if err != nil {
			return err
		}
		return cl.said(r, "cancelled: %s is %s", p.Number, p.StateThen)
	})
}

func printPreview(w io.Writer, p order.Preview) error {
	var units int64
	for _, u := range p.Cancelled {
		units += u.Quantity
	}
	_, err := fmt.Fprintf(w, "%s: %d units, %s; %d of them are packed; the order is then %s; the channel is told: %s\n", p.Number, units, p.Amount, p.Packed, p.StateThen, yes(p.Tells))
	return err
}

type orderReplayCmd struct {
	Order string `arg:"" help:"Our number or id, or the channel's."`
	Apply bool   `help:"Import it again, so that what differs is applied by the usual rules."`
}

// Run decodes an order again.
func (c *orderReplayCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, at("orders", c.Order, "replay"), "", map[string]bool{"apply": c.Apply})
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var d connect.ReplayDiff
			if err := r.into(&d); err != nil {
				return err
			}
			return printReplay(w, d)
		})
	})
}

func printReplay(w io.Writer, d connect.ReplayDiff) error {
	readings := make([][]string, 0, len(d.Readings))
	for _, x := range d.Readings {
		readings = append(readings, []string{when(x.ReadAt), x.Source, x.State, itoa(len(x.Changed)), dash(x.Error)})
	}
	if err := table(w, "READ SOURCE STATE CHANGES ERROR", readings); err != nil {
		return err
	}
	if len(d.Differences) == 0 {
		_, err := fmt.Fprintln(w, "\nthe newest reading is what we hold")
		return err
	}
	rows := make([][]string, 0, len(d.Differences))
	for _, x := range d.Differences {
		rows = append(rows, []string{x.Field, dash(x.Was), dash(x.Now)})
	}
	fmt.Fprintln(w)
	return table(w, "FIELD HELD READ", rows)
}

type orderHoldCmd struct {
	Order  string `arg:"" help:"Our number or id."`
	Reason string `help:"Why." required:""`
}

// Run holds an order.
func (c *orderHoldCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return orderAct(ctx, g, s, c.Order, "hold", map[string]string{"reason": c.Reason}, "on hold")
}

type orderReleaseCmd struct {
	Order string `arg:"" help:"Our number or id."`
	Hold  string `help:"Which: person, money_mismatch (accepts the difference), cancel_request (declines it; the channel is told), change_after_pack or address_changed (sends it as packed), …" default:"person"`
}

// Run releases a hold.
func (c *orderReleaseCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return orderAct(ctx, g, s, c.Order, "release", map[string]string{"hold": c.Hold}, "released")
}

type orderNoteCmd struct {
	Order string   `arg:"" help:"Our number or id."`
	Text  []string `arg:"" help:"The note; no personal data."`
}

// Run writes a note.
func (c *orderNoteCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("orders", c.Order, "notes"), map[string]string{"text": strings.Join(c.Text, " ")}, "noted")
}

func orderAct(ctx context.Context, g *Globals, s streams, ref, action string, body any, done string) error {
	return on(ctx, g, s, at("orders", ref), action, body, "%s: %s", ref, done)
}

type orderRefundCmd struct {
	Order  string           `arg:"" help:"Our number or id."`
	Line   map[string]int64 `help:"So many units of a line: --line ID=2." placeholder:"ID=N"`
	Amount string           `help:"How much, such as 1250.00; with lines, what they come to."`
	Reason string           `help:"Why." required:""`
	Payout bool             `help:"By bank, wallet or store credit through the payout list."`
	Yes    bool             `help:"Do not ask."`
}

// Run asks for a refund.
func (c *orderRefundCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		now, err := cl.get(ctx, at("orders", c.Order), nil)
		if err != nil {
			return err
		}
		var o api.Order
		if err := now.into(&o); err != nil {
			return err
		}
		body := map[string]any{"reason": c.Reason}
		if c.Payout {
			body["method"] = "payout"
		}
		if c.Amount != "" {
			body["amount"] = map[string]string{"amount": c.Amount, "currency": o.Currency}
		}
		var lines []map[string]any
		for id, n := range c.Line {
			lines = append(lines, map[string]any{"line_id": id, "quantity": n})
		}
		if len(lines) > 0 {
			body["lines"] = lines
		}
		if c.Amount == "" && len(lines) == 0 {
			return fault.Field("amount", "say --amount or --line")
		}
		if err := s.sure(c.Yes, "give money back for "+o.Number); err != nil {
			return err
		}
		r, err := cl.act(ctx, http.MethodPost, at("orders", c.Order, "refunds"), now.etag, body)
		if err != nil {
			return err
		}
		var x api.Refund
		if err := r.into(&x); err != nil {
			return err
		}
		return cl.said(r, "refund of %s is %s", x.Amount, x.State)
	})
}
