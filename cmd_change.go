package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

type orderDecideCmd struct {
	Order  string `arg:"" help:"Our number or id, or the channel's."`
	Answer string `arg:"" help:"accept: cancel what is asked for; decline: ship it." enum:"accept,decline"`
	Reason string `help:"What the channel is told."`
}

// Run answers somebody who asks to cancel.
func (c *orderDecideCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("orders", c.Order), "decide-cancel", given(map[string]any{"agree": c.Answer == "accept", "reason": c.Reason}), "%s: the wish to cancel is answered with %s", c.Order, c.Answer)
}

type orderRereadCmd struct {
	Order string `arg:"" help:"Our number or id, or the channel's."`
}

// Run has an order read again.
func (c *orderRereadCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("orders", c.Order, "reread"), nil, "%s is read again from its channel", c.Order)
}

type orderAddressCmd struct {
	Order    string `arg:"" help:"Our number or id, or the channel's."`
	Name     string `help:"Who gets it."`
	Company  string `help:"Company."`
	Phone    string `help:"Phone."`
	Line1    string `name:"line1" help:"Street and number."`
	Line2    string `name:"line2" help:"Second line."`
	District string `help:"Area."`
	City     string `help:"City."`
	Province string `help:"Province."`
	Postcode string `help:"Postcode."`
	DryRun   bool   `help:"Only say what would happen, and keep it as a draft for order confirm."`
	Yes      bool   `help:"Do not ask."`
}

// Run proposes another address, shows what that does, and confirms it on the version that was shown. What is not said stays.
func (c *orderAddressCmd) Run(ctx context.Context, g *Globals, s streams) error {
	to := given(map[string]any{
		"name": c.Name, "company": c.Company, "phone": c.Phone, "line_1": c.Line1, "line_2": c.Line2, "district": c.District, "city": c.City, "province": c.Province, "postcode": c.Postcode,
	})
	if len(to) == 0 {
		return fault.Field("city", "say what is different: --city, --phone, --line1, …")
	}
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.latest(ctx, at("orders", c.Order), "changes", map[string]any{"address": to})
		if err != nil {
			return err
		}
		var set order.ChangeSet
		if err := r.into(&set); err != nil {
			return err
		}
		if c.DryRun {
			return cl.said(r, "%s would change: %s; carry it out with order confirm %s %s", c.Order, facts(set.Preview), c.Order, set.ID)
		}
		if !c.Yes && s.person() {
			fmt.Fprintf(s.err, "%s changes: %s\n", c.Order, facts(set.Preview))
		}
		if err := s.sure(c.Yes, "change the address"); err != nil {
			return err
		}
		if r, err = cl.act(ctx, http.MethodPost, at("orders", c.Order, "changes", set.ID, "confirm"), "", map[string]any{}); err != nil {
			return err
		}
		return cl.said(r, "%s has another address", c.Order)
	})
}

type orderChangesCmd struct {
	Order string `arg:"" help:"Our number or id, or the channel's."`
}

// Run lists changes.
func (c *orderChangesCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, at("orders", c.Order, "changes"), nil, "CHANGE WHAT STATE VERSION WHO MADE APPLIED PREVIEW", func(x order.ChangeSet) []string {
		return []string{x.ID, string(x.Kind), x.State, itoa(x.Version), x.Actor, when(x.CreatedAt), when(x.AppliedAt), facts(x.Preview)}
	})
}

type orderConfirmCmd struct {
	Order  string `arg:"" help:"Our number or id, or the channel's."`
	Change string `arg:"" help:"Id, see order changes."`
}

// Run carries a change out.
func (c *orderConfirmCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("orders", c.Order, "changes", c.Change, "confirm"), nil, "%s is changed", c.Order)
}

type orderDiscardCmd struct {
	Order  string `arg:"" help:"Our number or id, or the channel's."`
	Change string `arg:"" help:"Id, see order changes."`
}

// Run gives a change up.
func (c *orderDiscardCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("orders", c.Order, "changes", c.Change, "discard"), nil, "the change is discarded")
}

type orderCashCmd struct {
	Order  string `arg:"" help:"Our number or id, or the channel's."`
	Step   string `arg:"" help:"confirm: it was taken; unconfirm; lower: part of it will not come; or hand_in, take_out, remit, unremit, reconcile, unreconcile, short_pay, write_off." enum:"confirm,unconfirm,lower,hand_in,take_out,remit,unremit,reconcile,unreconcile,short_pay,write_off"`
	Amount string `help:"How much, such as 1250.00: for lower, remit and short_pay."`
	Reason string `help:"Why, for unconfirm and lower."`
}

// Run says what became of cash on delivery.
func (c *orderCashCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		path := at("orders", c.Order)
		now, err := cl.get(ctx, path, nil)
		if err != nil {
			return err
		}
		var o api.Order
		if err := now.into(&o); err != nil {
			return err
		}
		action, body := "settle", given(map[string]any{"reason": c.Reason})
		switch c.Step {
		case "confirm", "unconfirm", "lower":
			action = c.Step
		default:
			body["step"] = c.Step
		}
		if c.Amount != "" {
			body["amount"] = map[string]string{"amount": c.Amount, "currency": o.Currency}
		}
		r, err := cl.act(ctx, http.MethodPost, path+"/cash/"+action, now.etag, body)
		if err != nil {
			return err
		}
		if err := r.into(&o); err != nil {
			return err
		}
		for _, p := range o.Payments {
			if p.Cash != nil {
				return cl.said(r, "%s: cash is %s, %s of %s", o.Number, p.Cash.State, p.Cash.Collected, p.Cash.Due)
			}
		}
		return cl.said(r, "%s is %s", o.Number, o.PayState)
	})
}

type orderPaymentCmd struct {
	Order string `arg:"" help:"Our number or id, or the channel's."`
	What  string `arg:"" help:"capture: take what providers hold; void: give up what is still to be paid; unvoid: make that due again." enum:"capture,void,unvoid"`
	Yes   bool   `help:"Do not ask."`
}

// Run decides about what payment providers hold.
func (c *orderPaymentCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if err := s.sure(c.Yes, c.What+" payments of "+c.Order); err != nil {
		return err
	}
	return did(ctx, g, s, at("orders", c.Order), "payments/"+c.What, map[string]any{}, func(o api.Order) string { return fmt.Sprintf("%s is %s", o.Number, o.PayState) })
}

type orderPersonalCmd struct {
	Order   string `arg:"" help:"Our number or id, or the channel's."`
	Purpose string `help:"Why; it is written down with your name." required:""`
}

// Run shows who bought it and where it goes.
func (c *orderPersonalCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, at("orders", c.Order, "personal"), "", map[string]string{"purpose": c.Purpose})
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Personal
			if err := r.into(&p); err != nil {
				return err
			}
			return table(w, "WHAT VALUE", [][]string{
				{"order", p.Number},
				{"buyer", dash(p.Buyer.Name)},
				{"phone", dash(p.Buyer.Phone)},
				{"e-mail", dash(p.Buyer.Email)},
				{"company", dash(p.Buyer.Company)},
				{"tax id", dash(p.Buyer.TaxID)},
				{"ship to", dash(addressLine(p.ShipTo))},
				{"bill to", dash(addressLine(p.BillTo))},
				{"note", dash(p.Note)},
			})
		})
	})
}

func addressLine(a api.Address) string {
	var parts []string
	for _, x := range []string{a.Name, a.Company, a.Phone, a.Phone2, a.Line1, a.Line2, a.District, a.City, a.Province, a.Postcode, a.Country} {
		if x != "" {
			parts = append(parts, x)
		}
	}
	return strings.Join(parts, ", ")
}

type orderEraseCmd struct {
	Order  string `arg:"" help:"Our number or id, or the channel's."`
	Reason string `help:"Such as the number of the buyer's wish; nothing personal." required:""`
	Yes    bool   `help:"Do not ask."`
}

// Run destroys what is kept of the person behind an order.
func (c *orderEraseCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if err := s.sure(c.Yes, "destroy what is kept of the buyer of "+c.Order+" for good"); err != nil {
		return err
	}
	return decide(ctx, g, s, at("orders", c.Order, "erase"), map[string]any{"reason": c.Reason}, "nothing is kept of the buyer of %s any more", c.Order)
}

type fulfillExplainCmd struct {
	Order string `arg:"" help:"Our number or id, or the channel's."`
}

// Run explains where an order may be sent from.
func (c *fulfillExplainCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, at("orders", c.Order, "sourcing"), nil, "RANK LOCATION CHOSEN HAS WHY", func(x fulfillment.Candidate) []string {
		var has []string
		for _, sku := range keys(x.Has) {
			has = append(has, fmt.Sprintf("%s×%d", sku, x.Has[sku]))
		}
		return []string{itoa(x.Rank), x.Code, yes(x.Chosen), dash(strings.Join(has, " ")), dash(x.Why)}
	})
}

type fulfillSourceCmd struct {
	Order    string `arg:"" help:"Our number or id, or the channel's."`
	Location string `arg:"" help:"Code or id."`
}

// Run chooses a location.
func (c *fulfillSourceCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("orders", c.Order), "source", map[string]any{"location": c.Location}, "%s is sent from %s", c.Order, c.Location)
}

// facts turns a small JSON object into words: "number PK-1, reason closed".
func facts(raw json.RawMessage) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if len(raw) == 0 || d.Decode(&v) != nil {
		return string(raw)
	}
	return words(v)
}

func words(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case map[string]any:
		if amount, ok := v["amount"].(string); ok && len(v) == 2 {
			if currency, ok := v["currency"].(string); ok {
				return currency + " " + amount
			}
		}
		var parts []string
		for _, k := range keys(v) {
			if text := words(v[k]); text != "" && text != "-" {
				parts = append(parts, strings.ReplaceAll(k, "_", " ")+" "+text)
			}
		}
		return strings.Join(parts, ", ")
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, words(x))
		}
		return strings.Join(parts, "; ")
	case string:
		return v
	case bool:
		return yes(v)
	}
	return fmt.Sprint(v)
}
