package daraz

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Cancel implements channel.Canceller. Cancelling is possible until ready to ship, irreversible, and lowers the shop's rating; the reasons "out of stock"
// and "wrong price" make Daraz set the SKU's stock to zero, so that it must be pushed again.
//
// Safe to repeat: units that are cancelled already are left out, and when none is left nothing is called. A unit packed together with others is refused,
// because Daraz would cancel the whole package. After a lost answer only units seen cancelled prove anything; else the outcome is unknown.
func (s *shop) Cancel(ctx context.Context, c channel.Cancellation) error {
	items, err := s.rows(ctx, c.Order)
	if err != nil {
		return err
	}
	units, err := cancellable(items, c)
	if err != nil || len(units) == 0 {
		return err
	}
	if s.setting("cancel_api") == "legacy" {
		err = s.cancelEach(ctx, c, units)
	} else {
		err = s.cancelReverse(ctx, c, units)
	}
	if fault.Is(err, fault.OutcomeUnknown) {
		if now, again := s.rows(ctx, c.Order); again == nil && allIn(now, units, channel.Cancelled) {
			return nil
		}
	}
	return err
}

// cancellable are the units still to cancel.
func cancellable(items []rawItem, c channel.Cancellation) ([]string, error) {
	wanted := c.Units
	if c.Whole {
		wanted = nil
		for i := range items {
			wanted = append(wanted, items[i].OrderItemID.String())
		}
	}
	if len(wanted) == 0 {
		return nil, fault.Field("units", "are missing: Daraz cancels units by their ids")
	}
	var units []string
	for _, unit := range wanted {
		item := unitOf(items, unit)
		if item == nil {
			return nil, fault.New(fault.NotFound, "Daraz does not know unit %s in this order", unit)
		}
		switch unitStatus(item.Status.String()) {
		case channel.Cancelled:
			continue
		case channel.Unpaid, channel.Open, channel.Packed, channel.Ready, channel.Unknown:
			units = append(units, unit)
		default:
			return nil, fault.New(fault.Conflict, "unit %s is %s and can no longer be cancelled", unit, item.Status).WithCode("too_late")
		}
	}
	return units, together(items, units)
}

// together refuses to cancel part of a package.
func together(items []rawItem, units []string) error {
	for _, unit := range units {
		mine := unitOf(items, unit)
		for i := range items {
			other := &items[i]
			id := other.OrderItemID.String()
			if inPackage(mine) && inPackage(other) && mine.PackageID == other.PackageID && !slices.Contains(units, id) {
				return fault.New(fault.Conflict, "unit %s is packed together with unit %s, which Daraz would cancel too: repack the package first", unit, id).WithCode("packed_together")
			}
		}
	}
	return nil
}

// reasonOption is a reason Daraz offers.
type reasonOption struct {
	ID   iop.Scalar `json:"reason_id"`
	Name iop.Scalar `json:"reason_name"`
	// Text and Type are the older call's.
	Text iop.Scalar `json:"name"`
	Type iop.Scalar `json:"type"`
}

// tip is the verdict inside data: code 0 says only that the question was understood.
type tip struct {
	Type    iop.Scalar             `json:"tip_type"`
	Content iop.Scalar             `json:"tip_content"`
	Options iop.List[reasonOption] `json:"reason_options"`
}

func (t tip) err() error {
	if lower(t.Type) == "error" {
		return iop.Classify(iop.Failure{Code: "tip_error", Message: t.Content.String(), Inner: true}, tipCodes, false)
	}
	return nil
}

var tipCodes = map[string]iop.Code{"tip_error": {Kind: fault.Conflict, Say: "Daraz refuses to cancel"}}

// cancelReverse asks what may be cancelled and why, then cancels all units in one call.
func (s *shop) cancelReverse(ctx context.Context, c channel.Cancellation, units []string) error {
	ids, err := iop.IDs("units", units)
	if err != nil {
		return err
	}
	params := map[string]string{"order_id": c.Order, "order_item_id_list": jsonText(ids)}
	var may tip
	if err := s.into(ctx, get("cancel_validate", reverseCodes, params), &may); err != nil {
		return err
	}
	if err := may.err(); err != nil {
		return err
	}
	reason, err := s.cancelReason(c.Reason, may.Options)
	if err != nil {
		return err
	}
	params["reason_id"] = reason
	var did tip
	a := ask{method: http.MethodGet, path: "cancel_create", params: params, effect: true, codes: reverseCodes}
	if err := s.into(ctx, a, &did); err != nil {
		return err
	}
	return did.err()
}

// cancelEach is the older call, unit by unit. It stops at the first refusal; a repeat goes on with what is left.
func (s *shop) cancelEach(ctx context.Context, c channel.Cancellation, units []string) error {
	var options iop.List[reasonOption]
	if err := s.into(ctx, get("failure_reasons", reverseCodes, nil), &options); err != nil {
		return err
	}
	options = slices.DeleteFunc(options, func(o reasonOption) bool {
		return o.Type != "" && !strings.Contains(lower(o.Type), "cancel")
	})
	reason, err := s.cancelReason(c.Reason, options)
	if err != nil {
		return err
	}
	for _, unit := range units {
		params := map[string]string{"order_item_id": unit, "reason_id": reason, "reason_detail": c.Note}
		a := ask{method: http.MethodGet, path: "cancel", params: params, effect: true, codes: reverseCodes}
		if _, err := s.call(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// reasonWords find a reason by its wording. Out of stock and pricing have consequences for the listing: they are chosen for nothing else.
var reasonWords = map[channel.CancelReason][]string{
	channel.CancelStock:   {"stock"},
	channel.CancelPricing: {"pric"},
	channel.CancelBuyer:   {"buyer", "customer", "mind"},
	channel.CancelFraud:   {"fraud", "suspicious"},
	channel.CancelUnpaid:  {"payment", "unpaid"},
	channel.CancelAddress: {"address", "undeliver"},
	channel.CancelOther:   {"other"},
}

// cancelReason picks Daraz's reason id: the account's own choice, else by wording, else the first reason without consequences for the listing.
func (s *shop) cancelReason(r channel.CancelReason, options []reasonOption) (string, error) {
	if id := s.reasons[string(r)]; id != "" {
		return id, nil
	}
	names := make([]string, len(options))
	harmless := ""
	for i, o := range options {
		name := lower(firstScalar(o.Name, o.Text))
		names[i] = o.ID.String() + " " + name
		if hasAny(name, reasonWords[r]) {
			return o.ID.String(), nil
		}
		if harmless == "" && !hasAny(name, []string{"stock", "pric"}) {
			harmless = o.ID.String()
		}
	}
	// Whoever says "out of stock" wants the stock emptied; without such a reason another would say something untrue.
	if harmless == "" || r == channel.CancelStock || r == channel.CancelPricing {
		return "", fault.New(fault.Refused, "Daraz offers no reason that fits %q; set cancel_reasons to one of: %s", r, strings.Join(names, "; "))
	}
	return harmless, nil
}

func hasAny(name string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
}

// DecideCancel implements channel.CancelDecider. Where rows do not name the reverse order, it is looked up by the order. A request that waits no longer is
// Conflict, unless what it has become is what we want.
func (s *shop) DecideCancel(ctx context.Context, order string, r channel.CancelRequest, agree bool, reason string) error {
	id, line := r.External, ""
	if id == "" || !agree && !iop.Scalar(reason).Digits() {
		open, err := s.openCancel(ctx, order, id)
		switch {
		case err == nil:
			id, line = open.ID.String(), open.line()
		case id == "" || fault.Temporary(err) || fault.Is(err, fault.Unauthorized):
			return err
		}
	}
	if !agree {
		var err error
		if reason, err = s.refusalReason(ctx, reason, line); err != nil {
			return err
		}
	}
	if !iop.Scalar(reason).Digits() {
		reason = ""
	}
	params := map[string]string{"reverse_order_id": id, "agree_cancel": "false", "reason_code": reason}
	if agree {
		params["agree_cancel"] = "true"
	}
	_, err := s.call(ctx, ask{method: http.MethodGet, path: "cancel_decide", params: params, effect: true, codes: reverseCodes})
	if fault.Is(err, fault.OutcomeUnknown) || fault.Is(err, fault.Conflict) {
		if items, again := s.rows(ctx, order); again == nil && decided(items, r.Units, agree) {
			return nil
		}
	}
	return err
}

// decided says whether the units show the decision: cancelled or about to be, or no longer asked about.
func decided(items []rawItem, units []string, agree bool) bool {
	if len(units) == 0 {
		for i := range items {
			units = append(units, items[i].OrderItemID.String())
		}
	}
	for _, unit := range units {
		item := unitOf(items, unit)
		if item == nil {
			return false
		}
		gone := unitStatus(item.Status.String()) == channel.Cancelled || item.CancelPending.Bool() && !item.NeedCancelConfirm.Bool()
		if agree != gone || item.NeedCancelConfirm.Bool() {
			return false
		}
	}
	return len(units) > 0
}

// openCancel finds the buyer's request that waits for a decision.
func (s *shop) openCancel(ctx context.Context, order, id string) (rawReverse, error) {
	page, err := s.reversePage(ctx, map[string]string{"trade_order_id": order, "page_no": "1", "page_size": "50"})
	if err != nil {
		return rawReverse{}, err
	}
	var latest *rawReverse
	for i := range page.Items {
		r := &page.Items[i]
		if id != "" && r.ID.String() == id {
			return *r, nil
		}
		if r.Type == "CANCEL" && (latest == nil || r.open()) {
			latest = r
		}
	}
	if latest == nil || id != "" {
		return rawReverse{}, fault.New(fault.NotFound, "Daraz has no cancel request of this order")
	}
	return *latest, nil
}

// refusalReason is a reason id for saying no: the one given, else the first that Daraz offers for the line.
func (s *shop) refusalReason(ctx context.Context, reason, line string) (string, error) {
	if iop.Scalar(reason).Digits() || line == "" {
		return reason, nil
	}
	var options iop.List[struct {
		ID   iop.Scalar `json:"reason_id"`
		Text iop.Scalar `json:"text"`
	}]
	if err := s.into(ctx, get("return_reasons", reverseCodes, map[string]string{"reverse_order_line_id": line}), &options); err != nil {
		return "", err
	}
	for _, o := range options {
		if strings.EqualFold(o.Text.String(), reason) {
			return o.ID.String(), nil
		}
	}
	if len(options) == 0 {
		return "", nil
	}
	return options[0].ID.String(), nil
}
