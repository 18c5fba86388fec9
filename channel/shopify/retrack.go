package shopify

import (
	"context"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Retrack corrects carrier and number of the fulfillments that a parcel was told as. One that says so already is left alone, so repeating is safe and notifies nobody twice.
// https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentTrackingInfoUpdate
func (a *adapter) Retrack(ctx context.Context, r channel.Retracking) error {
	if r.Tracking == "" {
		return fault.Field("tracking", "is missing")
	}
	ids := list(r.Parcel)
	if len(ids) == 0 {
		_, fulfillments, err := a.fulfillmentOrders(ctx, r.Order)
		if err != nil {
			return err
		}
		if ids, err = a.carrying(ctx, fulfillments, r.Was, r.Reference, r.Tracking); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return fault.New(fault.NotFound, "Shopify has no fulfillment under %s", r.Was)
	}
	for _, id := range ids {
		if err := a.retrack(ctx, id, r); err != nil {
			return err
		}
	}
	return nil
}

// carrying are the fulfillments that carry one of the numbers; an empty one is none.
func (a *adapter) carrying(ctx context.Context, fulfillments []node, numbers ...string) ([]string, error) {
	numbers = slices.DeleteFunc(numbers, func(n string) bool { return n == "" })
	ids, _, err := a.sentUnder(ctx, fulfillments, numbers...)
	return ids, err
}

func (a *adapter) retrack(ctx context.Context, id string, r channel.Retracking) error {
	p, err := a.parcel(ctx, id)
	switch {
	case err != nil:
		return err
	case p.status == "CANCELLED":
		return fault.New(fault.Conflict, "the fulfillment is cancelled at Shopify").WithCode("CANCELLED")
	case slices.Equal(p.numbers, []string{r.Tracking}) && strings.EqualFold(p.carrier, r.Carrier) && (r.URL == "" || p.url == r.URL):
		return nil
	}
	tracking := map[string]any{"number": r.Tracking}
	if r.Carrier != "" {
		tracking["company"] = r.Carrier
	}
	if r.URL != "" {
		tracking["url"] = r.URL
	}
	var answer struct {
		Update struct {
			Errors []userError `json:"userErrors"`
		} `json:"fulfillmentTrackingInfoUpdate"`
	}
	if _, err := a.ask(ctx, "Retrack", map[string]any{"id": gid("Fulfillment", id), "tracking": tracking, "notify": r.Notify}, &answer); err != nil {
		return err
	}
	return refused(answer.Update.Errors)
}
