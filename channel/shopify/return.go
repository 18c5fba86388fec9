package shopify

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// returnStatuses are the words of orders that have or had returns. https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderReturnStatus
var returnStatuses = []string{"return_requested", "in_progress", "inspection_complete", "returned", "return_failed"}

// Returns lists the returns of orders that changed since the cursor; Shopify lists returns only under their orders.
func (a *adapter) Returns(ctx context.Context, since channel.Cursor) iter.Seq2[channel.ReturnChange, error] {
	return func(yield func(channel.ReturnChange, error) bool) {
		mark, err := parseMark(since)
		if err != nil {
			yield(channel.ReturnChange{}, err)
			return
		}
		query := "(return_status:" + strings.Join(returnStatuses, " OR return_status:") + ")"
		if q := mark.query(a.overlap); q != "" {
			query = q + " AND " + query
		}
		for item, err := range a.changed(ctx, query) {
			if err != nil {
				yield(channel.ReturnChange{}, err)
				return
			}
			if mark.saw(item) {
				continue
			}
			began := a.cfg.Now()
			returns, err := a.returnsOf(ctx, item.id)
			if err != nil {
				yield(channel.ReturnChange{}, err)
				return
			}
			// The cursor moves past an order only with its last return, so that resuming in between misses none.
			before := mark
			mark = mark.with(item, began, a.overlap)
			for i, r := range returns {
				at := before
				if i == len(returns)-1 {
					at = mark
				}
				c := channel.ReturnChange{Order: item.id, Return: r}
				if !at.at.IsZero() {
					c.Cursor = at.cursor()
				}
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// returnsOf reads all returns of an order.
func (a *adapter) returnsOf(ctx context.Context, order string) ([]channel.Return, error) {
	sheets, err := a.returnSheets(ctx, order)
	if err != nil {
		return nil, err
	}
	var out []channel.Return
	for _, t := range sheets {
		out = append(out, t.canonical())
	}
	return out, nil
}

func (a *adapter) returnSheets(ctx context.Context, order string) ([]sheetReturn, error) {
	ids, err := a.returnIDs(ctx, gid("Order", order))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	about, err := a.refundContext(ctx, order)
	if err != nil {
		return nil, err
	}
	raw := channel.Raw{}
	f := &fetch{a: a, raw: &raw}
	for _, id := range ids {
		if err := f.pages(ctx, docReturn, "Return", id); err != nil {
			return nil, err
		}
	}
	s, r := sheetOf(about), &reader{}
	for _, d := range raw.Docs {
		if err := readMore(r, d, s, nil); err != nil {
			return nil, err
		}
	}
	return s.returns, r.err
}

// returnState is where a return stands at Shopify.
type returnState struct {
	Status  text `json:"status"`
	Refunds connection[struct {
		Total *bag `json:"totalRefundedSet"`
	}] `json:"refunds"`
	Lines   connection[returnLine] `json:"returnLineItems"`
	Reverse connection[struct {
		Lines connection[reverseLine] `json:"lineItems"`
	}] `json:"reverseFulfillmentOrders"`
}

// returnLine is the part of a return that belongs to a line of one parcel.
type returnLine struct {
	ID          string `json:"id"`
	Processable text   `json:"processableQuantity"`
	Refundable  text   `json:"refundableQuantity"`
	Fulfillment *struct {
		Line struct {
			ID         string `json:"id"`
			Refundable text   `json:"refundableQuantity"`
		} `json:"lineItem"`
	} `json:"fulfillmentLineItem"`
}

// is reports whether a decision's line means this one: by the id of the return's line, or else of the order's.
func (l *returnLine) is(d channel.ReturnLine) bool {
	if d.External != "" {
		return tail(l.ID) == d.External
	}
	return l.Fulfillment != nil && tail(l.Fulfillment.Line.ID) == d.Line
}

type reverseLine struct {
	ID           string `json:"id"`
	Total        text   `json:"totalQuantity"`
	Dispositions []struct {
		Quantity text `json:"quantity"`
	} `json:"dispositions"`
	Fulfillment *struct {
		Line node `json:"lineItem"`
	} `json:"fulfillmentLineItem"`
}

// DecideReturn tells Shopify what was decided: approve or decline a request, process what came (with the account's disposition), refund, or close without
// money. The return is read first; a decision that has already been taken is not told again, and one that contradicts it is fault.Conflict.
func (a *adapter) DecideReturn(ctx context.Context, d channel.ReturnDecision) error {
	st, err := a.returnState(ctx, d.Return.External)
	if err != nil {
		return err
	}
	switch d.Verdict {
	case channel.ReturnApprove:
		return a.answerRequest(ctx, st, d, "OPEN", "ApproveReturn", map[string]any{"id": gid("Return", d.Return.External)})
	case channel.ReturnDecline:
		return a.answerRequest(ctx, st, d, "DECLINED", "DeclineReturn", map[string]any{
			"id": gid("Return", d.Return.External), "declineReason": declineReason(d.Reason), "declineNote": short(d.Comment, 500),
		})
	case channel.ReturnReceive:
		return a.receive(ctx, st, d)
	case channel.ReturnRefund:
		return a.payReturn(ctx, st, d)
	case channel.ReturnRefuse:
		return a.closeReturn(ctx, st, d)
	case channel.ReturnCancel:
		return a.cancelReturn(ctx, st, d)
	}
	return fault.Field("verdict", "%q is not a decision Shopify knows", d.Verdict)
}

func (a *adapter) returnState(ctx context.Context, id string) (*returnState, error) {
	var answer struct {
		Return *returnState `json:"return"`
	}
	if _, err := a.ask(ctx, "ReturnState", map[string]any{"id": gid("Return", id)}, &answer); err != nil {
		return nil, err
	}
	if answer.Return == nil {
		return nil, fault.New(fault.NotFound, "Shopify knows no return %.60s", id)
	}
	return answer.Return, nil
}

// declineReason is one of Shopify's; other words are OTHER, with the comment as note. https://shopify.dev/docs/api/admin-graphql/latest/enums/ReturnDeclineReason
func declineReason(ours string) string {
	switch w := strings.ToUpper(ours); w {
	case "FINAL_SALE", "RETURN_PERIOD_ENDED":
		return w
	}
	return "OTHER"
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// answerRequest approves or declines a return that waits for it.
func (a *adapter) answerRequest(ctx context.Context, st *returnState, d channel.ReturnDecision, becomes, operation string, input map[string]any) error {
	switch {
	case string(st.Status) == becomes, becomes == "OPEN" && st.Status == "CLOSED":
		return nil
	case st.Status != "REQUESTED":
		return contradiction(st, d)
	}
	return a.mutateReturn(ctx, operation, map[string]any{"input": input})
}

func contradiction(st *returnState, d channel.ReturnDecision) error {
	return fault.New(fault.Conflict, "the return is already %s at Shopify, it cannot be told %s", strings.ToLower(string(st.Status)), d.Verdict).WithCode(string(st.Status))
}

// mutateReturn runs one of the mutations on returns: each answers with one member that has userErrors.
func (a *adapter) mutateReturn(ctx context.Context, operation string, vars map[string]any) error {
	var answer map[string]struct {
		Errors []userError `json:"userErrors"`
	}
	if _, err := a.ask(ctx, operation, vars, &answer); err != nil {
		return err
	}
	for _, one := range answer {
		if err := refused(one.Errors); err != nil {
			return err
		}
	}
	return nil
}

// receive processes the units that came: their number, and what became of them.
func (a *adapter) receive(ctx context.Context, st *returnState, d channel.ReturnDecision) error {
	if st.Status == "CLOSED" {
		return nil
	}
	if st.Status != "OPEN" {
		return contradiction(st, d)
	}
	lines := a.processable(st, d)
	if len(lines) == 0 {
		return nil // all of it was processed before
	}
	return a.mutateReturn(ctx, "ProcessReturn", map[string]any{"input": map[string]any{"returnId": gid("Return", d.Return.External), "returnLineItems": lines}})
}

// processable are the units still to be processed; of the lines the decision names, or of all.
func (a *adapter) processable(st *returnState, d channel.ReturnDecision) []map[string]any {
	named := slices.Clone(d.Return.Lines)
	var out []map[string]any
	for _, l := range st.Lines.Nodes {
		n := foLine{Remaining: l.Processable}.remaining()
		if len(named) > 0 {
			n = take(named, &l, n)
		}
		if n <= 0 {
			continue
		}
		line := map[string]any{"id": l.ID, "quantity": n}
		if l.Fulfillment != nil {
			if disposed := a.dispose(st, l.Fulfillment.Line.ID, n); len(disposed) > 0 {
				line["dispositions"] = disposed
			}
		}
		out = append(out, line)
	}
	return out
}

// take takes up to n units of a line from what the decision names; an order's line may stand in several parcels.
func take(named []channel.ReturnLine, l *returnLine, n int64) int64 {
	var took int64
	for i := range named {
		if l.is(named[i]) {
			part := min(n-took, named[i].Quantity)
			named[i].Quantity -= part
			took += part
		}
	}
	return took
}

// dispose says what became of n units of a line, on the reverse fulfillment orders that still wait for it.
func (a *adapter) dispose(st *returnState, line string, n int64) []map[string]any {
	word := a.cfg.Setting("return_disposition")
	if word == "" {
		word = "NOT_RESTOCKED"
	}
	var out []map[string]any
	for _, o := range st.Reverse.Nodes {
		for _, l := range o.Lines.Nodes {
			if l.Fulfillment == nil || l.Fulfillment.Line.ID != line {
				continue
			}
			open := foLine{Remaining: l.Total}.remaining()
			for _, done := range l.Dispositions {
				open -= foLine{Remaining: done.Quantity}.remaining()
			}
			if part := min(open, n); part > 0 {
				n -= part
				out = append(out, map[string]any{"reverseFulfillmentOrderLineItemId": l.ID, "quantity": part, "dispositionType": word})
			}
		}
	}
	return out
}

// payReturn gives back the money the decision proposes for the return's lines. A return for which money went back already is left alone; a refund of another
// amount goes through Refund. Units that were processed before count as refunded at Shopify, so for them it is money only.
func (a *adapter) payReturn(ctx context.Context, st *returnState, d channel.ReturnDecision) error {
	if st.paid() {
		return nil
	}
	if st.Status != "OPEN" && st.Status != "CLOSED" {
		return contradiction(st, d)
	}
	r := &reader{}
	g := giving{order: d.Order, reference: d.Reference, note: d.Reason}
	for _, l := range d.Return.Lines {
		g.amount = r.add("refund", g.amount, l.Refund)
		if st.refundable(l) >= l.Quantity {
			g.lines = append(g.lines, channel.RefundLine{Line: l.Line, Quantity: l.Quantity, Restock: channel.RestockNone})
		}
	}
	switch {
	case r.err != nil:
		return r.err
	case g.amount.Sign() <= 0:
		return fault.Field("return.lines", "hold no amount to refund")
	case d.Reference == "":
		return fault.Field("reference", "is needed, or the money could go back twice")
	}
	_, err := a.give(ctx, g)
	return err
}

// paid reports whether money went back for the return.
func (st *returnState) paid() bool {
	for _, f := range st.Refunds.Nodes {
		if f.Total == nil || f.Total.Presentment == nil {
			continue
		}
		if a, err := money.Parse(string(f.Total.Presentment.Amount), f.Total.Presentment.Currency); err == nil && a.Sign() > 0 {
			return true
		}
	}
	return false
}

// refundable is how many units of a return line can still be refunded as units, of the return and of the order.
func (st *returnState) refundable(line channel.ReturnLine) int64 {
	var n, left int64
	for _, l := range st.Lines.Nodes {
		if l.is(line) && l.Fulfillment != nil {
			n += foLine{Remaining: l.Refundable}.remaining()
			left = foLine{Remaining: l.Fulfillment.Line.Refundable}.remaining()
		}
	}
	return min(n, left)
}

// cancelReturn takes back a return that was opened from here, before its goods came.
func (a *adapter) cancelReturn(ctx context.Context, st *returnState, d channel.ReturnDecision) error {
	switch st.Status {
	case "CANCELED", "DECLINED":
		return nil
	case "OPEN", "REQUESTED":
		return a.mutateReturn(ctx, "CancelReturn", map[string]any{"id": gid("Return", d.Return.External)})
	}
	return contradiction(st, d)
}

func (a *adapter) closeReturn(ctx context.Context, st *returnState, d channel.ReturnDecision) error {
	switch st.Status {
	case "CLOSED", "DECLINED", "CANCELED":
		return nil
	case "OPEN":
		return a.mutateReturn(ctx, "CloseReturn", map[string]any{"id": gid("Return", d.Return.External)})
	}
	return contradiction(st, d)
}
