package shopify

import (
	"context"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Find looks for what an act has left behind: a fulfillment whose tracking number is or holds our reference, a cancelled order, a refund whose note carries
// our reference. fault.NotFound when it surely did not happen. A fulfillment keeps nothing of ours but its number, so when the units in question are in one
// under another number the answer is fault.Invalid: this cannot be searched for, and Ship may be repeated, since it knows its own number again.
func (a *adapter) Find(ctx context.Context, act string, h channel.Handling) (channel.Found, error) {
	switch act {
	case "ship":
		return a.findShipment(ctx, h)
	case "cancel":
		o, err := a.state(ctx, h.Order)
		if err != nil {
			return channel.Found{}, err
		}
		if o.CancelledAt != "" {
			return channel.Found{Kind: act, External: h.Order}, nil
		}
		return a.findRefund(ctx, act, o, h)
	case "refund":
		o, err := a.state(ctx, h.Order)
		if err != nil {
			return channel.Found{}, err
		}
		return a.findRefund(ctx, act, o, h)
	}
	return channel.Found{}, fault.Field("act", "%q leaves nothing behind at Shopify", act)
}

func (a *adapter) findRefund(ctx context.Context, act string, o *orderState, h channel.Handling) (channel.Found, error) {
	for _, n := range o.Refunds {
		if !signedBy(string(n.Note), h.Reference) {
			continue
		}
		c, err := a.refundContext(ctx, h.Order)
		if err != nil {
			return channel.Found{}, err
		}
		refund, err := a.refund(ctx, n.ID, sheetOf(c))
		if err != nil {
			return channel.Found{}, err
		}
		return channel.Found{Kind: act, External: refund.External, Refund: &refund}, nil
	}
	return channel.Found{}, fault.New(fault.NotFound, "Shopify has no trace of %s", h.Reference)
}

func (a *adapter) findShipment(ctx context.Context, h channel.Handling) (channel.Found, error) {
	_, fulfillments, err := a.fulfillmentOrders(ctx, h.Order)
	if err != nil {
		return channel.Found{}, err
	}
	var ids []string
	strange := false
	for _, n := range fulfillments {
		p, err := a.parcel(ctx, n.ID)
		if err != nil {
			return channel.Found{}, err
		}
		switch {
		case p.status != "SUCCESS":
		case p.carries(h.Reference):
			ids = append(ids, p.id)
		case p.holds(h.Lines):
			strange = true
		}
	}
	if len(ids) > 0 {
		return channel.Found{Kind: "ship", External: strings.Join(ids, ",")}, nil
	}
	if strange {
		return channel.Found{}, fault.Field("reference", "%s is on no fulfillment, and these units are in one under another number: tell it again", h.Reference)
	}
	return channel.Found{}, fault.New(fault.NotFound, "Shopify has no fulfillment of these units")
}

// carries reports whether one of the parcel's numbers is the reference or holds it; one too short to be told from chance holds nothing.
func (p sheetParcel) carries(reference string) bool {
	return slices.ContainsFunc(p.numbers, func(n string) bool { return n == reference || len(reference) >= 6 && strings.Contains(n, reference) })
}

// holds reports whether any of the lines is in the parcel; any parcel will do when no line is named.
func (p sheetParcel) holds(lines []channel.Quantity) bool {
	return len(lines) == 0 || slices.ContainsFunc(lines, func(q channel.Quantity) bool {
		return slices.ContainsFunc(p.lines, func(l lineCount) bool { return l.line == q.Line })
	})
}
