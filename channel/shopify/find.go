package shopify

import (
	"context"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Find looks for what an act has left behind: a fulfillment whose tracking number is or holds our reference, a cancelled order, a refund whose note carries
// our reference. fault.NotFound when there is no trace of it. A fulfillment keeps nothing of ours but its tracking number, which a search is not given, so a
// parcel under a courier's number is not found by our reference either: then Ship is to be repeated, which knows its number again and tells nothing twice.
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
	for _, n := range fulfillments {
		p, err := a.parcel(ctx, n.ID)
		if err != nil {
			return channel.Found{}, err
		}
		if p.status == "SUCCESS" && (p.carries(h.Reference) || h.Tracking != "" && p.carries(h.Tracking)) {
			ids = append(ids, p.id)
		}
	}
	if len(ids) == 0 {
		return channel.Found{}, fault.New(fault.NotFound, "Shopify has no fulfillment under %s", h.Reference)
	}
	return channel.Found{Kind: "ship", External: strings.Join(ids, ",")}, nil
}

// carries reports whether one of the parcel's numbers is the reference or holds it; one too short to be told from chance holds nothing.
func (p sheetParcel) carries(reference string) bool {
	return slices.ContainsFunc(p.numbers, func(n string) bool { return n == reference || len(reference) >= 6 && strings.Contains(n, reference) })
}
