package shopify

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// OpenReturn tells Shopify of a return that was agreed here, of units in parcels that were told. Our reference is the note of its lines, and a return that carries it is
// not opened a second time. The buyer is not notified: who agreed with them has told them.
// https://shopify.dev/docs/api/admin-graphql/latest/mutations/returnCreate
func (a *adapter) OpenReturn(ctx context.Context, h channel.Handling) (string, error) {
	if h.Reference == "" {
		return "", fault.Field("reference", "is needed, or the return could be opened twice")
	}
	before, err := a.returnSheets(ctx, h.Order)
	if err != nil {
		return "", err
	}
	for _, t := range before {
		if t.reference == h.Reference {
			return t.id, nil
		}
	}
	lines, err := a.returnable(ctx, h, before)
	if err != nil {
		return "", err
	}
	var answer struct {
		Create struct {
			Return *node       `json:"return"`
			Errors []userError `json:"userErrors"`
		} `json:"returnCreate"`
	}
	input := map[string]any{"orderId": gid("Order", h.Order), "returnLineItems": lines, "notifyCustomer": false}
	if _, err := a.ask(ctx, "OpenReturn", map[string]any{"input": input}, &answer); err != nil {
		return "", err
	}
	if err := refused(answer.Create.Errors); err != nil {
		return "", err
	}
	if answer.Create.Return == nil || answer.Create.Return.ID == "" {
		return "", fault.New(fault.OutcomeUnknown, "Shopify does not say which return it opened")
	}
	return tail(answer.Create.Return.ID), nil
}

// returnable finds the lines of parcels that the units to come back are in, less what other returns have of them.
func (a *adapter) returnable(ctx context.Context, h channel.Handling, before []sheetReturn) ([]map[string]any, error) {
	_, fulfillments, err := a.fulfillmentOrders(ctx, h.Order)
	if err != nil {
		return nil, err
	}
	taken := map[string]int64{}
	for _, t := range before {
		if t.status == "DECLINED" || t.status == "CANCELED" {
			continue
		}
		for _, l := range t.lines {
			taken[l.parcelLine] += l.quantity
		}
	}
	left := map[string]int64{}
	for _, l := range h.Lines {
		left[l.Line] += l.Quantity
	}
	var out []map[string]any
	for _, n := range fulfillments {
		p, err := a.parcel(ctx, n.ID)
		if err != nil {
			return nil, err
		}
		for _, l := range p.lines {
			q := min(left[l.line], l.quantity-taken[l.id])
			if p.status != "SUCCESS" || l.id == "" || q <= 0 {
				continue
			}
			left[l.line] -= q
			out = append(out, map[string]any{"fulfillmentLineItemId": l.id, "quantity": q, "returnReason": "OTHER", "returnReasonNote": channel.HereID(h.Reference)})
		}
	}
	for line, n := range left {
		if n > 0 {
			return nil, fault.New(fault.Conflict, "%d units of line %s cannot be returned at Shopify: they are in no parcel, or in another return", n, line).WithCode("NOT_RETURNABLE")
		}
	}
	return out, nil
}
