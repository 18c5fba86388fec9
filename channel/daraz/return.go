package daraz

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// rawReverse is a reverse order: a return, a refund without one, or a buyer's cancel.
type rawReverse struct {
	ID    iop.Scalar               `json:"reverse_order_id"`
	Order iop.Scalar               `json:"trade_order_id"`
	Type  iop.Scalar               `json:"request_type"`
	Lines iop.List[rawReverseLine] `json:"reverse_order_lines"`
	More  iop.List[rawReverseLine] `json:"reverseOrderLineDTOList"` // the detail's name for them
}

type rawReverseLine struct {
	ID         iop.Scalar `json:"reverse_order_line_id"`
	Unit       iop.Scalar `json:"trade_order_line_id"`
	Status     iop.Scalar `json:"reverse_status"`
	Goods      iop.Scalar `json:"ofc_status"`
	Refund     iop.Scalar `json:"refund_amount"`
	Reason     iop.Scalar `json:"reason_text"`
	ReasonCode iop.Scalar `json:"reason_code"`
	Tracking   iop.Scalar `json:"tracking_number"`
	SLA        iop.Scalar `json:"sla"`
	Created    iop.Scalar `json:"return_order_line_gmt_create"`
	Created2   iop.Scalar `json:"gmt_create"`
	Modified   iop.Scalar `json:"return_order_line_gmt_modified"`
	Modified2  iop.Scalar `json:"gmt_modified"`
}

func (r rawReverse) lines() []rawReverseLine {
	if len(r.Lines) > 0 {
		return r.Lines
	}
	return r.More
}

// open says that a decision is waiting.
func (r rawReverse) open() bool {
	return slices.ContainsFunc(r.lines(), func(l rawReverseLine) bool { return returnStatus(l.Status.String()) == channel.Requested })
}

// line is the id of its first line.
func (r rawReverse) line() string {
	if all := r.lines(); len(all) > 0 {
		return all[0].ID.String()
	}
	return ""
}

type reversePage struct {
	Total iop.Scalar           `json:"total"`
	Items iop.List[rawReverse] `json:"items"`
}

func (s *shop) reversePage(ctx context.Context, params map[string]string) (reversePage, error) {
	var page reversePage
	err := s.into(ctx, get("returns", reverseCodes, params), &page)
	return page, err
}

// returnWindow is how much time one sweep of returns covers; returnPage how many come at once.
const (
	returnWindow = 30 * 24 * time.Hour
	returnPage   = 50
)

// Returns implements channel.ReturnReader: reverse orders by the time their lines changed, a window at a time. Their sorting is not documented, so the cursor
// moves on only with the last one of a window. Buyers' cancels are not returns: they show on the order.
func (s *shop) Returns(ctx context.Context, since channel.Cursor) iter.Seq2[channel.ReturnChange, error] {
	return func(yield func(channel.ReturnChange, error) bool) {
		now := s.cfg.Now()
		from := now.Add(-time.Duration(s.number("returns_days")) * 24 * time.Hour)
		if since != "" {
			mark, err := instant(since)
			if err != nil {
				yield(channel.ReturnChange{}, err)
				return
			}
			from = mark.Add(-s.duration("overlap"))
		}
		cursor := since
		for from.Before(now) {
			until := from.Add(returnWindow)
			if until.After(now) {
				until = now
			}
			found, err := s.sweep(ctx, from, until)
			if err != nil {
				yield(channel.ReturnChange{}, err)
				return
			}
			for i, r := range found {
				if i == len(found)-1 {
					cursor = cursorOf(until, r.ID.String())
				}
				change, err := s.toReturn(ctx, r)
				if err == nil && cursor == "" {
					cursor = cursorOf(from, "")
				}
				change.Cursor = cursor
				if !yield(change, err) || err != nil {
					return
				}
			}
			from = until
		}
	}
}

// sweep reads all pages of a window. Paging is by number: a line that changes meanwhile leaves the window and lets another slide over the page's edge, so a
// sweep that saw fewer than the total is done again.
func (s *shop) sweep(ctx context.Context, from, until time.Time) ([]rawReverse, error) {
	for range 3 {
		var found []rawReverse
		seen := map[iop.Scalar]bool{}
		total := int64(0)
		for no := 1; ; no++ {
			page, err := s.reversePage(ctx, map[string]string{
				"page_no": strconv.Itoa(no), "page_size": strconv.Itoa(returnPage),
				"ReverseOrderLineModifiedTimeRangeStart": strconv.FormatInt(from.UnixMilli(), 10),
				"ReverseOrderLineModifiedTimeRangeEnd":   strconv.FormatInt(until.UnixMilli(), 10),
			})
			if err != nil {
				return nil, err
			}
			total, _ = page.Total.Int()
			before := len(found)
			for _, r := range page.Items {
				if !seen[r.ID] && r.ID != "" {
					seen[r.ID] = true
					found = append(found, r)
				}
			}
			if len(found) == before || int64(no*returnPage) >= total {
				break
			}
		}
		if int64(len(found)) >= total {
			return slices.DeleteFunc(found, func(r rawReverse) bool { return r.Type == "CANCEL" }), nil
		}
	}
	return nil, fault.New(fault.Unavailable, "the returns changed while they were read")
}

// toReturn is one reverse order in our words; where the list leaves its lines out, as one live account saw, they are read.
func (s *shop) toReturn(ctx context.Context, r rawReverse) (channel.ReturnChange, error) {
	if len(r.lines()) == 0 {
		full, err := s.reverseDetail(ctx, r.ID.String())
		if err != nil {
			return channel.ReturnChange{}, err
		}
		r.Lines = full.lines()
	}
	out := channel.Return{External: r.ID.String(), Kind: "return"}
	if r.Type == "ONLY_REFUND" {
		out.Kind = "refund_only"
	}
	var words []string
	for _, l := range r.lines() {
		line, err := s.toReturnLine(l)
		if err != nil {
			return channel.ReturnChange{}, err
		}
		out.Lines = append(out.Lines, line)
		if word := l.word(); !slices.Contains(words, word) {
			words = append(words, word)
		}
		created := s.stamp(firstScalar(l.Created, l.Created2))
		earliest(&out.At, created)
		earliest(&out.Decide, l.decideBy(created))
		if out.Reason == "" {
			out.Reason = l.Reason.String()
		}
	}
	out.Status, out.Raw = returnRollUp(r.lines()), strings.Join(words, ",")
	return channel.ReturnChange{Order: r.Order.String(), Return: out}, nil
}

func (s *shop) toReturnLine(l rawReverseLine) (channel.ReturnLine, error) {
	refund, err := s.refund(l.Refund)
	if err != nil {
		return channel.ReturnLine{}, err
	}
	return channel.ReturnLine{
		External: l.ID.String(), Units: []string{l.Unit.String()}, Quantity: 1, Reason: l.Reason.String(), Refund: refund, Tracking: l.Tracking.String(),
	}, nil
}

// refund reads the proposed amount: hundredths by default, since Lazada's page says "currency in cent", while order amounts are decimals.
func (s *shop) refund(amount iop.Scalar) (money.Amount, error) {
	if amount == "" {
		return money.Amount{}, nil
	}
	if s.setting("reverse_amounts") == "major" {
		a, err := amount.Money(s.currency)
		if err != nil {
			return a, fault.Field("refund_amount", "%.40q is no amount", amount.String()).WithCode("refund_amount")
		}
		return a, nil
	}
	n, ok := amount.Int()
	if !ok {
		return money.Amount{}, fault.Field("refund_amount", "%.40q is no whole number of hundredths", amount.String()).WithCode("refund_amount")
	}
	return money.Of(n, s.currency), nil
}

func (l rawReverseLine) word() string {
	if l.Goods == "" {
		return l.Status.String()
	}
	return l.Status.String() + "/" + l.Goods.String()
}

// decideBy: sla is in milliseconds, documented neither as a moment nor as a span; its size tells.
func (l rawReverseLine) decideBy(created time.Time) time.Time {
	n, ok := l.SLA.Int()
	switch {
	case !ok || n <= 0:
		return time.Time{}
	case n > 1e11:
		return iop.Epoch(n)
	case created.IsZero():
		return time.Time{}
	}
	return created.Add(time.Duration(n) * time.Millisecond)
}

func (s *shop) stamp(text iop.Scalar) time.Time {
	t, _ := text.Time(s.zone)
	return t
}

// returnOrder is how far along a return is; the slowest line speaks for all, and lines that came to nothing only when none did otherwise.
var returnOrder = []channel.Status{
	channel.Requested, channel.Unknown, channel.Open, channel.Returning, channel.Returned, channel.Completed, channel.Declined, channel.Cancelled,
}

func returnRollUp(lines []rawReverseLine) channel.Status {
	best := len(returnOrder)
	for _, l := range lines {
		best = min(best, slices.Index(returnOrder, returnStatus(l.Status.String())))
	}
	if len(lines) == 0 || best < 0 {
		return channel.Unknown
	}
	return returnOrder[best]
}

func (s *shop) reverseDetail(ctx context.Context, id string) (rawReverse, error) {
	var r rawReverse
	err := s.into(ctx, get("return_detail", reverseCodes, map[string]string{"reverse_order_id": id}), &r)
	if err == nil && len(r.lines()) == 0 {
		err = fault.New(fault.NotFound, "Daraz does not know return %s in this shop", id)
	}
	return r, err
}

// actions are our verdicts in Daraz's words (channel-daraz.md §1.9), and the statuses that show them done.
var actions = map[channel.ReturnVerdict]struct {
	action string
	done   []channel.Status
}{
	channel.ReturnApprove: {"agreeReturn", []channel.Status{channel.Open, channel.Returning, channel.Returned, channel.Completed}},
	channel.ReturnDecline: {"refuseReturn", []channel.Status{channel.Declined}},
	channel.ReturnReceive: {"confirmDelivery", []channel.Status{channel.Returned, channel.Completed}},
	channel.ReturnRefund:  {"agreeRefund", []channel.Status{channel.Completed}},
	channel.ReturnRefuse:  {"refuseRefund", []channel.Status{channel.Declined}},
}

// DecideReturn implements channel.ReturnDecider. Refusing wants a reason id and a comment, and goes line by line; refusing money after the goods came also
// wants pictures, which only Seller Center can take. A refund agreed before anything was sent back is Daraz's instant refund.
// Safe to repeat: what Daraz refuses for its state is read again, and done when it shows the decision.
func (s *shop) DecideReturn(ctx context.Context, d channel.ReturnDecision) error {
	act, ok := actions[d.Verdict]
	if !ok {
		return fault.Field("verdict", "%q is none of ours", d.Verdict)
	}
	var ids []string
	for _, l := range d.Return.Lines {
		if l.External != "" {
			ids = append(ids, l.External)
		}
	}
	now, err := s.reverseDetail(ctx, d.Return.External)
	if err != nil {
		return err
	}
	if d.Return.Kind == "" && now.Type == "ONLY_REFUND" {
		d.Return.Kind = "refund_only"
	}
	if len(ids) == 0 {
		for _, l := range now.lines() {
			ids = append(ids, l.ID.String())
		}
	}
	// What shows the decision already is done: an earlier try may have brought it there.
	ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(act.done, lineStatus(now, id)) })
	refuse := d.Verdict == channel.ReturnDecline || d.Verdict == channel.ReturnRefuse
	for len(ids) > 0 {
		batch := ids
		if refuse || d.Return.Kind == "refund_only" {
			batch = ids[:1]
		}
		ids = ids[len(batch):]
		if err := s.decideLines(ctx, d, now, batch); err != nil {
			return err
		}
	}
	return nil
}

func lineStatus(r rawReverse, id string) channel.Status {
	for _, l := range r.lines() {
		if l.ID.String() == id {
			return returnStatus(l.Status.String())
		}
	}
	return channel.Unknown
}

func (s *shop) decideLines(ctx context.Context, d channel.ReturnDecision, now rawReverse, batch []string) error {
	lines, err := iop.IDs("return.lines", batch)
	if err != nil {
		return err
	}
	a := ask{method: http.MethodGet, path: "return_update", effect: true, codes: reverseCodes, params: map[string]string{
		"action": actions[d.Verdict].action, "reverse_order_id": d.Return.External, "reverse_order_item_ids": jsonText(lines), "comment": d.Comment,
	}}
	switch {
	case d.Return.Kind == "refund_only":
		a.path = "refund_decide"
		if a.params["action"], err = onlyRefund(d.Verdict); err != nil {
			return err
		}
	case d.Verdict == channel.ReturnRefund && lineStatus(now, batch[0]) == channel.Requested:
		a.params["action"] = "instantRefund"
	case d.Verdict == channel.ReturnDecline || d.Verdict == channel.ReturnRefuse:
		if a.params["reason_id"], err = s.refusalReason(ctx, d.Reason, batch[0]); err != nil {
			return err
		}
	}
	_, err = s.call(ctx, a)
	if fault.Is(err, fault.OutcomeUnknown) || fault.Is(err, fault.Conflict) {
		after, again := s.reverseDetail(ctx, d.Return.External)
		if again == nil && !slices.ContainsFunc(batch, func(id string) bool { return !slices.Contains(actions[d.Verdict].done, lineStatus(after, id)) }) {
			return nil
		}
	}
	return err
}

// onlyRefund is the decision on a refund without a return.
func onlyRefund(v channel.ReturnVerdict) (string, error) {
	switch v {
	case channel.ReturnApprove, channel.ReturnRefund:
		return "agreeRefund", nil
	case channel.ReturnDecline, channel.ReturnRefuse:
		return "startDispute", nil
	}
	return "", fault.New(fault.Refused, "nothing is sent back in a refund without a return")
}
