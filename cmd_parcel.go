package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

type fulfillCmd struct {
	List    fulfillListCmd    `cmd:"" help:"What locations are to do, the earliest deadline first."`
	Show    fulfillShowCmd    `cmd:"" help:"Show a fulfillment order and why it was made."`
	Explain fulfillExplainCmd `cmd:"" help:"Why each location may send an order, or not."`
	Source  fulfillSourceCmd  `cmd:"" help:"Choose the location that sends what nobody works on yet."`
	Accept  fulfillAcceptCmd  `cmd:"" help:"Say that the location will do it."`
	Hold    fulfillHoldCmd    `cmd:"" help:"Stop the work."`
	Unhold  fulfillUnholdCmd  `cmd:"" help:"Go on where hold stopped."`
	Reject  fulfillRejectCmd  `cmd:"" help:"Say that the location does not do it."`
	Move    fulfillMoveCmd    `cmd:"" help:"Give the work to another location."`
	Pick    fulfillPickCmd    `cmd:"" help:"Count goods as picked: one code, or everything."`
	Short   fulfillShortCmd   `cmd:"" help:"Say that units are not on the shelf."`
	Pack    fulfillPackCmd    `cmd:"" help:"Put what is picked into a parcel."`
	Unpack  fulfillUnpackCmd  `cmd:"" help:"Open the parcels again."`
	Ship    fulfillShipCmd    `cmd:"" help:"Hand a parcel over to its carrier: the point of no return."`
	Slip    fulfillSlipCmd    `cmd:"" help:"Print the packing slip as a PDF."`
	Picking fulfillPickingCmd `cmd:"" help:"Print what is still to be picked at a location as a PDF."`
}

type fulfillSlipCmd struct {
	ID   string `arg:"" help:"Number or id."`
	Lang string `help:"What it is printed in." enum:"en,ur,ar" default:"en"`
	Out  string `short:"o" help:"File to write, readable by you alone; default standard output." placeholder:"FILE"`
}

// Run prints a packing slip.
func (c *fulfillSlipCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return paper(ctx, g, s, at("fulfillment-orders", c.ID, "slip"), url.Values{"lang": {c.Lang}}, c.Out)
}

type fulfillPickingCmd struct {
	Location string `arg:"" help:"Code or id."`
	Lang     string `help:"What it is printed in." enum:"en,ur,ar" default:"en"`
	Out      string `short:"o" help:"File to write; default standard output." placeholder:"FILE"`
}

// Run prints a pick list.
func (c *fulfillPickingCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return paper(ctx, g, s, "/pick-list.pdf", url.Values{"lang": {c.Lang}, "location": {c.Location}}, c.Out)
}

// paper writes a document to a file of its own, or to standard output.
func paper(ctx context.Context, g *Globals, s streams, path string, query url.Values, file string) error {
	return g.with(ctx, s, func(cl *client) (err error) {
		r, err := cl.get(ctx, path, query)
		if err != nil {
			return err
		}
		if file != "" {
			f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return fault.Wrap(fault.Invalid, err, "the file "+file+" cannot be made: it may be there already")
			}
			_, err = f.Write(r.raw)
			return errors.Join(err, f.Close())
		}
		_, err = s.out.Write(r.raw)
		return err
	})
}

type fulfillListCmd struct {
	Listing
	Location string `help:"Only there, by code or id."`
	State    string `help:"new, accepted, held, picking, picked, packed, handed_over, cancelled, moved, rejected."`
	Order    string `help:"Of this order."`
}

// Run lists fulfillment orders.
func (c *fulfillListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/fulfillment-orders", c.query("location", c.Location, "state", c.State, "order", c.Order))
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p fulfillment.Page
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, fo := range p.Items {
				var n int64
				for _, l := range fo.Lines {
					n += l.Quantity
				}
				rows = append(rows, []string{fo.Number, fo.State, fo.Country, itoa(n), when(fo.ShipBy), strings.Join(fo.Allowed, ",")})
			}
			if err := table(w, "NUMBER STATE TO UNITS SHIP-BY CAN", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type fulfillShowCmd struct {
	ID string `arg:"" help:"Number or id."`
}

// Run shows a fulfillment order.
func (c *fulfillShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("fulfillment-orders", c.ID), nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var fo fulfillment.FO
			if err := r.into(&fo); err != nil {
				return err
			}
			return printWork(w, fo)
		})
	})
}

func printWork(w io.Writer, fo fulfillment.FO) error {
	fmt.Fprintf(w, "%s is %s, ship by %s; %s\n", fo.Number, fo.State, when(fo.ShipBy), clean(fo.Decision.Why))
	rows := make([][]string, 0, len(fo.Lines))
	for _, l := range fo.Lines {
		rows = append(rows, []string{l.ID, l.SKU, l.Title, itoa(l.Quantity), itoa(l.Picked), itoa(l.Packed), itoa(l.Shipped), itoa(l.Short)})
	}
	return table(w, "LINE SKU TITLE QUANTITY PICKED PACKED SHIPPED SHORT", rows)
}

// work does an action on a fulfillment order in the version it has now.
func work(ctx context.Context, g *Globals, s streams, id, action string, body any) error {
	return did(ctx, g, s, at("fulfillment-orders", id), action, body, func(fo fulfillment.FO) string { return fmt.Sprintf("%s is %s", fo.Number, fo.State) })
}

type fulfillAcceptCmd struct {
	ID string `arg:"" help:"Number or id."`
}

// Run accepts.
func (c *fulfillAcceptCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return work(ctx, g, s, c.ID, "accept", nil)
}

type fulfillHoldCmd struct {
	ID     string `arg:"" help:"Number or id."`
	Reason string `help:"Why." required:""`
}

// Run holds.
func (c *fulfillHoldCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return work(ctx, g, s, c.ID, "hold", map[string]string{"reason": c.Reason})
}

type fulfillUnholdCmd struct {
	ID string `arg:"" help:"Number or id."`
}

// Run goes on.
func (c *fulfillUnholdCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return work(ctx, g, s, c.ID, "unhold", nil)
}

type fulfillRejectCmd struct {
	ID     string `arg:"" help:"Number or id."`
	Reason string `help:"not_found and damaged correct the location's stock; closed and too_busy do not." enum:"not_found,damaged,closed,too_busy" required:""`
}

// Run rejects.
func (c *fulfillRejectCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return work(ctx, g, s, c.ID, "reject", map[string]string{"reason": c.Reason})
}

type fulfillMoveCmd struct {
	ID string `arg:"" help:"Number or id."`
	To string `arg:"" help:"Location, by code or id."`
}

// Run moves.
func (c *fulfillMoveCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return work(ctx, g, s, c.ID, "move", map[string]string{"to": c.To})
}

type fulfillPickCmd struct {
	ID       string `arg:"" help:"Number or id."`
	Code     string `arg:"" optional:"" help:"SKU or GTIN; default everything that is not picked."`
	Quantity int64  `help:"How many." default:"1"`
}

// Run picks one code, or all there is.
func (c *fulfillPickCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if c.Code != "" {
		return work(ctx, g, s, c.ID, "pick", map[string]any{"code": c.Code, "quantity": c.Quantity})
	}
	return g.with(ctx, s, func(cl *client) error {
		path := at("fulfillment-orders", c.ID)
		r, err := cl.get(ctx, path, nil)
		if err != nil {
			return err
		}
		var fo fulfillment.FO
		if err := r.into(&fo); err != nil {
			return err
		}
		left := fo.Lines
		for _, l := range left {
			if l.Quantity <= l.Picked {
				continue
			}
			if r, err = cl.act(ctx, http.MethodPost, path+"/pick", r.etag, map[string]any{"code": l.SKU, "quantity": l.Quantity - l.Picked}); err != nil {
				return err
			}
			if err := r.into(&fo); err != nil {
				return err
			}
		}
		return cl.said(r, "%s is %s", fo.Number, fo.State)
	})
}

type fulfillShortCmd struct {
	ID       string `arg:"" help:"Number or id."`
	Line     string `arg:"" help:"Id of the line, see fulfill show."`
	Quantity int64  `arg:"" help:"How many are missing."`
}

// Run records a short pick.
func (c *fulfillShortCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return work(ctx, g, s, c.ID, "short", map[string]any{"line_id": c.Line, "quantity": c.Quantity})
}

type fulfillPackCmd struct {
	ID     string `arg:"" help:"Number or id."`
	Weight int64  `help:"Grams, of the parcel."`
}

// Run packs what is picked into one parcel.
func (c *fulfillPackCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		body := map[string]any{}
		if c.Weight > 0 {
			body["boxes"] = []any{map[string]any{"weight_g": c.Weight}}
		}
		r, err := cl.latest(ctx, at("fulfillment-orders", c.ID), "pack", body)
		if err != nil {
			return err
		}
		var p fulfillment.PackedAnswer
		if err := r.into(&p); err != nil {
			return err
		}
		return cl.said(r, "%s is %s; parcels: %s", p.Number, p.State, strings.Join(p.Shipments, " "))
	})
}

type fulfillUnpackCmd struct {
	ID string `arg:"" help:"Number or id."`
}

// Run unpacks.
func (c *fulfillUnpackCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return work(ctx, g, s, c.ID, "unpack", nil)
}

type fulfillShipCmd struct {
	Parcel   string `arg:"" help:"Id, number or tracking number of a parcel, or the number of a fulfillment order: then all of its parcels."`
	Carrier  string `help:"Who carries it, where a person types carrier and number."`
	Tracking string `help:"The tracking number that goes with --carrier."`
}

// Run hands parcels over.
func (c *fulfillShipCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if (c.Carrier == "") != (c.Tracking == "") {
		return fault.Field("tracking", "--carrier and --tracking go together")
	}
	return g.with(ctx, s, func(cl *client) error {
		parcels, err := cl.parcels(ctx, c.Parcel)
		if err != nil {
			return err
		}
		if c.Carrier != "" && len(parcels) != 1 {
			return fault.New(fault.Conflict, "%s has %d parcels: give each its own carrier and number", c.Parcel, len(parcels))
		}
		var last reply
		for _, id := range parcels {
			if c.Carrier != "" {
				if _, err := cl.latest(ctx, at("shipments", id), "waybill", map[string]string{"carrier": c.Carrier, "tracking_number": c.Tracking}); err != nil {
					return err
				}
			}
			if last, err = cl.act(ctx, http.MethodPost, at("shipments", id, "hand-over"), "", map[string]any{}); err != nil {
				return err
			}
		}
		var x dispatch.Shipment
		if err := last.into(&x); err != nil {
			return err
		}
		return cl.said(last, "%d parcels handed over; the last one is %s %s", len(parcels), dash(x.Carrier), dash(x.Tracking))
	})
}

// parcels finds the shipments that a person means.
func (c *client) parcels(ctx context.Context, ref string) ([]string, error) {
	r, err := c.get(ctx, at("shipments", ref), nil)
	if err == nil {
		var x dispatch.Shipment
		return []string{ref}, r.into(&x)
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if r, err = c.get(ctx, at("fulfillment-orders", ref), nil); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, fault.New(fault.NotFound, "%q is neither a parcel nor a fulfillment order", ref)
		}
		return nil, err
	}
	var fo fulfillment.FO
	if err := r.into(&fo); err != nil {
		return nil, err
	}
	r, err = c.get(ctx, "/shipments", Listing{Limit: 500}.query("order", fo.OrderID))
	if err != nil {
		return nil, err
	}
	var p dispatch.Page
	if err := r.into(&p); err != nil {
		return nil, err
	}
	var ids []string
	for _, x := range p.Items {
		if x.Fulfillment == fo.ID && (x.State == dispatch.Issued || x.State == dispatch.Intended) {
			ids = append(ids, x.ID)
		}
	}
	if len(ids) == 0 {
		return nil, fault.New(fault.Conflict, "%s has no parcel to hand over", fo.Number)
	}
	return ids, nil
}

type returnCmd struct {
	List    returnListCmd    `cmd:"" help:"List returns, newest first."`
	Show    returnShowCmd    `cmd:"" help:"Show a return."`
	Request returnRequestCmd `cmd:"" help:"Open a return."`
	Approve returnApproveCmd `cmd:"" help:"Say that the goods may come, or that the money may go."`
	Decline returnDeclineCmd `cmd:"" help:"Turn a request down."`
	Receive returnReceiveCmd `cmd:"" help:"Record goods that came."`
	Inspect returnInspectCmd `cmd:"" help:"Decide what becomes of goods that came."`
	Refund  returnRefundCmd  `cmd:"" help:"Have the money given back."`

	Exchange   returnExchangeCmd   `cmd:"" help:"Order what the buyer gets instead; it is paid with what comes back."`
	Unexchange returnUnexchangeCmd `cmd:"" help:"Take an exchange back, until it is handed over."`
}

type returnListCmd struct {
	Listing
	Order string `help:"Of this order."`
	Open  bool   `help:"Only those where something is still to be done."`
}

// Run lists returns.
func (c *returnListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		q := c.query("order", c.Order)
		if c.Open {
			q.Set("open", "true")
		}
		r, err := cl.get(ctx, "/returns", q)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.Return]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, []string{x.Number, x.Kind, x.Decision, x.Goods, x.Money, x.Due.String(), when(x.RequestedAt), x.Reason})
			}
			if err := table(w, "NUMBER KIND DECISION GOODS MONEY DUE REQUESTED REASON", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type returnShowCmd struct {
	Return string `arg:"" help:"Number or id."`
}

// Run shows a return.
func (c *returnShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("returns", c.Return), nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var x api.Return
			if err := r.into(&x); err != nil {
				return err
			}
			return printReturn(w, x)
		})
	})
}

func printReturn(w io.Writer, x api.Return) error {
	fmt.Fprintf(w, "%s %s is %s; goods %s, money %s, %s due; can: %s\n", x.Number, x.Kind, x.Decision, x.Goods, x.Money, x.Due, strings.Join(x.Actions, " "))
	if x.Untold != "" {
		fmt.Fprintf(w, "the channel refused what it was told of it: %s\n", x.Untold)
	}
	rows := make([][]string, 0, len(x.Lines))
	for _, l := range x.Lines {
		rows = append(rows, []string{l.LineID, itoa(l.Quantity), itoa(l.Received), itoa(l.Waiting), itoa(l.Sellable), itoa(l.Quarantine), itoa(l.Damaged), itoa(l.Rejected), l.Refund.String()})
	}
	return table(w, "LINE QUANTITY RECEIVED WAITING SELLABLE QUARANTINE DAMAGED REJECTED REFUND", rows)
}

// comeback does an action on a return in the version it has now.
func comeback(ctx context.Context, g *Globals, s streams, ref, action string, body any) error {
	return did(ctx, g, s, at("returns", ref), action, body, func(x api.Return) string {
		return fmt.Sprintf("%s is %s; goods %s, money %s", x.Number, x.Decision, x.Goods, x.Money)
	})
}

// lines turns ID=N into what the API wants.
func lines(all map[string]int64) []map[string]any {
	out := []map[string]any{}
	for id, n := range all {
		out = append(out, map[string]any{"line_id": id, "quantity": n})
	}
	return out
}

type returnRequestCmd struct {
	Order   string           `arg:"" help:"Number or id."`
	Line    map[string]int64 `help:"So many units of a line: --line ID=1; default everything that is with the buyer." placeholder:"ID=N"`
	Kind    string           `help:"return, exchange, refund_only, claim." enum:"return,exchange,refund_only,claim" default:"return"`
	Reason  string           `help:"Why." required:""`
	Approve bool             `help:"Approved at once."`
	For     map[string]int64 `help:"Of an exchange, what the buyer gets instead: --for SKU=1. May be repeated." placeholder:"SKU=N"`
}

// Run opens a return.
func (c *returnRequestCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, "/returns", "", map[string]any{"order": c.Order, "kind": c.Kind, "reason": c.Reason, "approve": c.Approve, "lines": lines(c.Line), "wanted": instead(c.For)})
		if err != nil {
			return err
		}
		var x api.Return
		if err := r.into(&x); err != nil {
			return err
		}
		return cl.said(r, "%s is %s", x.Number, x.Decision)
	})
}

// instead turns SKU=N into what the API wants.
func instead(all map[string]int64) []map[string]any {
	out := []map[string]any{}
	for sku, n := range all {
		out = append(out, map[string]any{"sku": sku, "quantity": n})
	}
	return out
}

type returnExchangeCmd struct {
	Return string           `arg:"" help:"Number or id."`
	For    map[string]int64 `help:"What the buyer gets: --for SKU=1. May be repeated; default what was asked for with the return." placeholder:"SKU=N"`
}

// Run exchanges.
func (c *returnExchangeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return comeback(ctx, g, s, c.Return, "exchange", map[string]any{"lines": instead(c.For)})
}

type returnUnexchangeCmd struct {
	Return string `arg:"" help:"Number or id."`
}

// Run takes an exchange back.
func (c *returnUnexchangeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return comeback(ctx, g, s, c.Return, "unexchange", nil)
}

type returnApproveCmd struct {
	Return string `arg:"" help:"Number or id."`
}

// Run approves.
func (c *returnApproveCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return comeback(ctx, g, s, c.Return, "approve", nil)
}

type returnDeclineCmd struct {
	Return string `arg:"" help:"Number or id."`
	Reason string `help:"What the buyer gets to hear." required:""`
}

// Run declines.
func (c *returnDeclineCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return comeback(ctx, g, s, c.Return, "decline", map[string]string{"reason": c.Reason})
}

type returnReceiveCmd struct {
	Return   string           `arg:"" help:"Number or id."`
	Location string           `help:"Where it came, by code or id." required:""`
	Line     map[string]int64 `help:"So many units of a line: --line ID=1; default everything that has not come." placeholder:"ID=N"`
}

// Run receives.
func (c *returnReceiveCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return comeback(ctx, g, s, c.Return, "receive", map[string]any{"location": c.Location, "lines": lines(c.Line)})
}

type returnInspectCmd struct {
	Return      string           `arg:"" help:"Number or id."`
	Disposition string           `help:"sellable, quarantine, damaged, rejected." enum:"sellable,quarantine,damaged,rejected" required:""`
	Line        map[string]int64 `help:"So many units of a line: --line ID=1; default everything that waits." placeholder:"ID=N"`
}

// Run inspects.
func (c *returnInspectCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		path := at("returns", c.Return)
		r, err := cl.get(ctx, path, nil)
		if err != nil {
			return err
		}
		var x api.Return
		if err := r.into(&x); err != nil {
			return err
		}
		var verdicts []map[string]any
		for _, l := range x.Lines {
			n, said := c.Line[l.LineID]
			if len(c.Line) == 0 {
				n, said = l.Waiting, l.Waiting > 0
			}
			if said {
				verdicts = append(verdicts, map[string]any{"line_id": l.LineID, "quantity": n, "disposition": c.Disposition})
			}
		}
		if len(verdicts) == 0 {
			return fault.New(fault.Conflict, "nothing of %s waits for inspection", x.Number)
		}
		if r, err = cl.act(ctx, http.MethodPost, path+"/inspect", r.etag, map[string]any{"verdicts": verdicts}); err != nil {
			return err
		}
		if err := r.into(&x); err != nil {
			return err
		}
		return cl.said(r, "%s: goods %s, money %s, %s due", x.Number, x.Goods, x.Money, x.Due)
	})
}

type returnRefundCmd struct {
	Return string `arg:"" help:"Number or id."`
	Payout bool   `help:"By bank, wallet or store credit through the payout list."`
	Yes    bool   `help:"Do not ask."`
}

// Run refunds what is due.
func (c *returnRefundCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if err := s.sure(c.Yes, "give the money of "+c.Return+" back"); err != nil {
		return err
	}
	body := map[string]any{}
	if c.Payout {
		body["method"] = "payout"
	}
	return comeback(ctx, g, s, c.Return, "refund", body)
}
