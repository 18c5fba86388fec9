package shopify

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Complete tells that parcels arrived or failed for good, and that cash on delivery was collected. Each is asked for first, so repeating is safe.
func (a *adapter) Complete(ctx context.Context, c channel.Completion) error {
	if !c.DeliveredAt.IsZero() || !c.FailedAt.IsZero() {
		if err := a.tellParcels(ctx, c); err != nil {
			return err
		}
	}
	if !c.CashPaid {
		return nil
	}
	o, err := a.state(ctx, c.Order)
	switch {
	case err != nil:
		return err
	case o.Paid:
		return nil
	case !o.CanPay:
		return fault.New(fault.Conflict, "Shopify does not let the order be marked as paid: it is %s", strings.ToLower(string(o.Financial))).WithCode(string(o.Financial))
	}
	var answer struct {
		Mark struct {
			Errors []userError `json:"userErrors"`
		} `json:"orderMarkAsPaid"`
	}
	if _, err := a.ask(ctx, "MarkAsPaid", map[string]any{"input": map[string]any{"id": gid("Order", c.Order)}}, &answer); err != nil {
		return err
	}
	return refused(answer.Mark.Errors)
}

// tellParcels marks the named fulfillments, or all of the order when none is named.
func (a *adapter) tellParcels(ctx context.Context, c channel.Completion) error {
	o, err := a.state(ctx, c.Order)
	if err != nil {
		return err
	}
	ids, err := a.parcelIDs(ctx, o, list(c.Parcel))
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return fault.New(fault.Conflict, "Shopify knows of no such parcel of the order").WithCode("NOT_SHIPPED")
	}
	word, at := "DELIVERED", c.DeliveredAt
	if c.DeliveredAt.IsZero() {
		word, at = "FAILURE", c.FailedAt
	}
	for _, id := range ids {
		if err := a.tellParcel(ctx, id, word, at); err != nil {
			return err
		}
	}
	return nil
}

// parcelIDs are the numbers of the order's fulfillments that are named by their number or by a tracking number.
func (a *adapter) parcelIDs(ctx context.Context, o *orderState, names []string) ([]string, error) {
	var ids []string
	for _, f := range o.Fulfillments {
		id := tail(f.ID)
		switch {
		case f.Status != "SUCCESS":
			continue
		case len(names) == 0 || slices.Contains(names, id):
			ids = append(ids, id)
			continue
		}
		p, err := a.parcel(ctx, f.ID)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(p.numbers, func(n string) bool { return slices.Contains(names, n) }) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (a *adapter) tellParcel(ctx context.Context, id, word string, at time.Time) error {
	var answer struct {
		Fulfillment *struct {
			Events connection[struct {
				Status text `json:"status"`
			}] `json:"events"`
		} `json:"fulfillment"`
	}
	if _, err := a.ask(ctx, "ParcelEvents", map[string]any{"id": gid("Fulfillment", id)}, &answer); err != nil {
		return err
	}
	if answer.Fulfillment == nil {
		return fault.New(fault.NotFound, "Shopify knows no fulfillment %.60s", id)
	}
	if slices.ContainsFunc(answer.Fulfillment.Events.Nodes, func(e struct {
		Status text `json:"status"`
	},
	) bool {
		return string(e.Status) == word
	}) {
		return nil
	}
	var told struct {
		Create struct {
			Errors []userError `json:"userErrors"`
		} `json:"fulfillmentEventCreate"`
	}
	event := map[string]any{"fulfillmentId": gid("Fulfillment", id), "status": word, "happenedAt": at.UTC().Format(time.RFC3339)}
	if _, err := a.ask(ctx, "TellParcel", map[string]any{"event": event}, &told); err != nil {
		return err
	}
	return refused(told.Create.Errors)
}

// orderState is what has to be known of an order before telling something about it.
type orderState struct {
	CancelledAt  text `json:"cancelledAt"`
	Paid         bool `json:"fullyPaid"`
	CanPay       bool `json:"canMarkAsPaid"`
	Financial    text `json:"displayFinancialStatus"`
	Fulfillments []struct {
		ID     string `json:"id"`
		Status text   `json:"status"`
	} `json:"fulfillments"`
	Refunds []noted `json:"refunds"`
}

type noted struct {
	ID   string `json:"id"`
	Note text   `json:"note"`
}

func (a *adapter) state(ctx context.Context, order string) (*orderState, error) {
	var answer struct {
		Order *orderState `json:"order"`
	}
	if _, err := a.ask(ctx, "OrderState", map[string]any{"id": gid("Order", order)}, &answer); err != nil {
		return nil, err
	}
	if answer.Order == nil {
		return nil, unknownOrder(order)
	}
	return answer.Order, nil
}
