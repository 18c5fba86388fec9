package console

import (
	"cmp"
	"net/url"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// fix is something a person can do about a case: a link, or a form that is one click where that is safe.
type fix struct {
	Route string // who may
	Title string
	Path  string
	Post  bool
	With  map[string]string
	Name  string // of the action, as the cause has it
}

// fixes are what can be done about a case here and by this person, best first.
func (v *visit) fixes(c caseRow) []fix {
	if c.State != exception.Open {
		return nil
	}
	var out []fix
	for _, a := range c.Actions {
		f, ok := fixOf(a.Name, c)
		if !ok || !v.allowed(v.who, f.Route) || f.Post && !v.who.Has(deeds[f.With["what"]].need) {
			continue
		}
		f.Title, f.Name = a.Title, a.Name
		out = append(out, f)
	}
	return out
}

// fixOf says where an action of a cause is done; false where this console has no desk for it, or the case does not say about what.
func fixOf(action string, c caseRow) (fix, bool) {
	do := func(what string) fix {
		return fix{Route: "case.do", Path: casePath(c.ID) + "/do", Post: true, With: map[string]string{"what": what}}
	}
	at := Base + "/channels/" + url.PathEscape(c.Account)
	switch action {
	case "order.address":
		return fix{Route: "order.change.do", Path: orderPath(c.Order) + "/change"}, c.Order != ""
	case "order.show", "shipment.show", "shipment.scan", "shipment.cancel", "fulfillment.unpack":
		return fix{Route: "order", Path: orderPath(c.Order)}, c.Order != ""
	case "order.cancel":
		return fix{Route: "order.cancel", Path: orderPath(c.Order) + "/cancel"}, c.Order != ""
	case "fulfillment.explain", "fulfillment.source", "fulfillment.move":
		return fix{Route: "order.source", Path: orderPath(c.Order) + "/source"}, c.Order != ""
	case "order.reread":
		return do("reread"), c.Order != "" || c.SubjectKind == "channel_order"
	case "order.release":
		f := do("release")
		f.With["hold"] = string(order.HoldMoney)
		return f, c.Order != "" && c.Row.Cause == exception.MoneyMismatch
	case "order.cancel.accept":
		return do("agree"), c.Order != ""
	case "order.cancel.decline":
		return do("decline"), c.Order != ""
	case "exception.resolve":
		return do("accept"), true
	case "inbox.replay":
		return do("again"), c.SubjectKind == "inbox"
	case "inbox.apply":
		return do("as_received"), c.SubjectKind == "inbox"
	case "listing.map":
		return fix{Route: "listings", Path: Base + "/listings?account=" + url.QueryEscape(c.Account)}, true
	case "channel.listings":
		return do("listings"), c.Account != ""
	case "channel.check":
		return do("check"), c.Account != ""
	case "channel.authorize", "channel.diff":
		return fix{Route: "channel", Path: at}, c.Account != ""
	case "channel.list", "channel.pause":
		return fix{Route: "channels", Path: Base + "/channels"}, true
	case "stock.explain", "stock.count", "location.show":
		return fix{Route: "stock", Path: Base + "/stock?" + url.Values{"location": {c.Location}}.Encode()}, true
	case "location.heard":
		return do("heard"), c.Location != ""
	case "stock.push":
		return do("push"), c.Account != ""
	case "tell.retry":
		if c.SubjectKind == "shipment" {
			return do("rebook"), true
		}
		return do("tell"), c.SubjectKind == "tell"
	case "tell.done":
		return do("told"), c.SubjectKind == "tell"
	case "outcome.look", "outcome.happened", "outcome.retry":
		return outcome(action, c, do)
	case "job.replay":
		return do("job"), c.SubjectKind == "job"
	case "job.discard":
		return do("discard"), c.SubjectKind == "job"
	case "return.approve", "return.decline", "return.inspect":
		return fix{Route: "return", Path: returnPath(c.Subject)}, c.SubjectKind == "return"
	case "price.approve":
		return do("price"), c.SubjectKind == "listing" && c.Account != ""
	case "refund.retry":
		return do("not_refunded"), c.SubjectKind == "refund"
	case "refund.done":
		return do("refunded"), c.SubjectKind == "refund"
	}
	return fix{}, false
}

// outcome is how a person settles what nobody knows: by what it is about.
func outcome(action string, c caseRow, do func(string) fix) (fix, bool) {
	yes := map[string]string{"tell": "told", "refund": "refunded", "job": "happened"}[c.SubjectKind]
	no := map[string]string{"tell": "tell", "refund": "not_refunded", "job": "not_happened"}[c.SubjectKind]
	if action == "outcome.look" {
		return fix{}, false
	}
	what := yes
	if action == "outcome.retry" {
		what = no
	}
	return do(what), cmp.Or(what, "") != ""
}
