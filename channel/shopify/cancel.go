package shopify

import (
	"context"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// cancelReasons are ours in Shopify's words. https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderCancelReason
var cancelReasons = map[channel.CancelReason]string{
	channel.CancelBuyer: "CUSTOMER", channel.CancelStock: "INVENTORY", channel.CancelFraud: "FRAUD", channel.CancelUnpaid: "DECLINED",
	channel.CancelAddress: "OTHER", channel.CancelPricing: "STAFF", channel.CancelOther: "OTHER",
}

// Cancel cancels the whole order, or takes units out of it by a refund whose lines are restocked as CANCEL. Irreversible; an order that is already cancelled
// and a refund that already carries the reference are not touched again. fault.OutcomeUnknown when Shopify is still at it after a while: Find tells later.
// https://shopify.dev/docs/api/admin-graphql/latest/mutations/orderCancel
func (a *adapter) Cancel(ctx context.Context, c channel.Cancellation) error {
	if !c.Whole {
		return a.cancelPart(ctx, c)
	}
	o, err := a.state(ctx, c.Order)
	if err != nil {
		return err
	}
	if o.CancelledAt != "" {
		return nil
	}
	reason := cancelReasons[c.Reason]
	if reason == "" {
		reason = "OTHER"
	}
	var answer struct {
		Cancel struct {
			Job *struct {
				ID   string `json:"id"`
				Done bool   `json:"done"`
			} `json:"job"`
			Errors []userError `json:"orderCancelUserErrors"`
		} `json:"orderCancel"`
	}
	vars := map[string]any{
		"id": gid("Order", c.Order), "reason": reason, "restock": c.Restock, "refund": c.Refund, "notify": c.Notify, "note": signedNote(c.Note, c.Reference),
	}
	if _, err := a.ask(ctx, "CancelOrder", vars, &answer); err != nil {
		return err
	}
	if err := refused(answer.Cancel.Errors); err != nil {
		return err
	}
	if j := answer.Cancel.Job; j != nil && !j.Done {
		if err := a.await(ctx, j.ID); err != nil {
			return err
		}
	}
	return a.cancelled(ctx, c.Order)
}

// cancelled makes sure that the job has done what it should.
func (a *adapter) cancelled(ctx context.Context, order string) error {
	o, err := a.state(ctx, order)
	if err != nil {
		return err
	}
	if o.CancelledAt == "" {
		return fault.New(fault.Refused, "Shopify did not cancel the order").WithCode("NOT_CANCELLED")
	}
	return nil
}

// await asks for a job until it is done, eleven times in about twenty seconds.
func (a *adapter) await(ctx context.Context, job string) error {
	wait := 100 * time.Millisecond
	for range 11 {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fault.Wrap(fault.OutcomeUnknown, ctx.Err(), "Shopify was still cancelling the order")
		case <-timer.C:
		}
		wait = min(2*wait, 4*time.Second)
		var answer struct {
			Job *struct {
				Done bool `json:"done"`
			} `json:"job"`
		}
		if _, err := a.ask(ctx, "Job", map[string]any{"id": job}, &answer); err != nil {
			return err
		}
		if answer.Job == nil || answer.Job.Done {
			return nil
		}
	}
	return fault.New(fault.OutcomeUnknown, "Shopify is still cancelling the order")
}

func (a *adapter) cancelPart(ctx context.Context, c channel.Cancellation) error {
	if len(c.Lines) == 0 {
		return fault.Field("lines", "name the lines to cancel, or cancel the whole order")
	}
	if c.Reference == "" {
		return fault.Field("reference", "is needed, or units could be taken out twice")
	}
	g := giving{order: c.Order, reference: c.Reference, note: c.Note, notify: c.Notify, location: c.Location, suggested: c.Refund}
	for _, l := range c.Lines {
		restock := channel.RestockNone
		if c.Restock {
			restock = channel.RestockCancel
		}
		g.lines = append(g.lines, channel.RefundLine{Line: l.Line, Quantity: l.Quantity, Restock: restock})
	}
	_, err := a.give(ctx, g)
	return err
}

// signedNote ends in our reference, by which the act is recognised later.
func signedNote(note, reference string) string {
	if reference == "" {
		return note
	}
	return strings.TrimSpace(note + " [" + reference + "]")
}

func signedBy(note, reference string) bool {
	return reference != "" && strings.Contains(note, "["+reference+"]")
}
