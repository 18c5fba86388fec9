package console

import (
	"net/url"
	"strings"

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

// fixTitles are what can be done that no cause suggests in these words.
var fixTitles = map[string]string{"attempt": "Another attempt is agreed", "way_back": "It comes back", "triage": "Decide whom to serve"}

// fixes are what can be done about a case here and by this person, best first.
func (v *visit) fixes(c caseRow) []fix {
	if c.State != exception.Open {
		return nil
	}
	var out []fix
	add := func(title, name string, f fix, ok bool) {
		if !ok || !v.allowed(v.who, f.Route) || f.With["what"] != "" && !v.who.Has(deeds[f.With["what"]].need) {
			return
		}
		f.Title, f.Name = title, name
		out = append(out, f)
	}
	for _, a := range c.Actions {
		f, ok := fixOf(a.Name, c)
		switch {
		case a.Name == "shipment.scan": // two things can be agreed
			add(fixTitles["attempt"], a.Name, f, ok)
			add(fixTitles["way_back"], a.Name, c.do("way_back"), ok)
		case a.Name == "stock.explain" && c.Row.Cause == exception.Shortage:
			add(a.Title, a.Name, f, ok)
			add(fixTitles["triage"], a.Name, fix{Route: "triage", Path: Base + "/shortages?" + url.Values{"sku": {c.SKU}}.Encode()}, c.SKU != "")
		default:
			add(a.Title, a.Name, f, ok)
		}
	}
	return out
}

// fixOf says where an action of a cause is done; false where this console has no desk for it, or the case does not say about what.
func fixOf(action string, c caseRow) (fix, bool) {
	area, _, _ := strings.Cut(action, ".")
	switch area {
	case "order", "fulfillment":
		return orderFix(action, c)
	case "channel", "listing", "price":
		return channelFix(action, c)
	case "stock", "location":
		return stockFix(action, c)
	case "tell", "outcome":
		return tellFix(action, c)
	case "shipment", "return":
		return parcelFix(action, c)
	case "refund", "cash":
		return moneyFix(action, c)
	}
	return systemFix(action, c)
}

// do is a fix that is done at once, on the page.
func (c caseRow) do(what string) fix {
	return fix{Route: "case.do", Path: casePath(c.ID) + "/do", Post: true, With: map[string]string{"what": what}}
}

// orderFix is about an order, and where it is sent from.
func orderFix(action string, c caseRow) (fix, bool) {
	at, known := orderPath(c.Order), c.Order != ""
	switch action {
	case "order.address":
		return fix{Route: "order.change.do", Path: at + "/change"}, known
	case "order.show":
		return fix{Route: "order", Path: at}, known
	case "order.cancel":
		return fix{Route: "order.cancel", Path: at + "/cancel"}, known
	case "fulfillment.explain", "fulfillment.source", "fulfillment.move":
		return fix{Route: "order.source", Path: at + "/source"}, known
	case "fulfillment.unpack":
		return fix{Route: "order", Path: at + "#work"}, known
	case "order.reread":
		if c.SubjectKind == "return" {
			return c.do("returns"), c.Account != ""
		}
		return c.do("reread"), known || c.Account != "" && c.external() != ""
	case "order.release":
		f := c.do("release")
		f.With["hold"] = string(order.HoldMoney)
		return f, known && c.Row.Cause == exception.MoneyMismatch
	case "order.cancel.accept":
		return c.do("agree"), known
	case "order.cancel.decline":
		return c.do("decline"), known
	}
	return fix{}, false
}

// channelFix is about an account, what it offers, and at what price.
func channelFix(action string, c caseRow) (fix, bool) {
	at, known := Base+"/channels/"+url.PathEscape(c.Account), c.Account != ""
	switch action {
	case "listing.map":
		return fix{Route: "listings", Path: Base + "/listings?account=" + url.QueryEscape(c.Account)}, true
	case "channel.listings":
		return c.do("listings"), known
	case "channel.check":
		return c.do("check"), known
	case "channel.authorize":
		return fix{Route: "channel.authorize", Path: at + "#credentials"}, known
	case "channel.diff":
		return fix{Route: "channel.diff", Path: at + "/diff"}, known
	case "channel.list":
		return fix{Route: "channels", Path: Base + "/channels"}, true
	case "channel.pause":
		return fix{Route: "channel.pause", Path: at}, known
	case "price.approve":
		return c.do("price"), c.SubjectKind == "listing" && known
	case "price.reject":
		return c.do("price_stays"), c.SubjectKind == "listing"
	}
	return fix{}, false
}

// stockFix is about goods, at the item that a case names, or else at its location.
func stockFix(action string, c caseRow) (fix, bool) {
	at := fix{Route: "stock", Path: Base + "/stock?" + url.Values{"at": {c.Code}}.Encode()}
	if c.SKU != "" {
		at = fix{Route: "sku", Path: Base + "/stock/" + url.PathEscape(c.SKU)}
	}
	switch action {
	case "stock.explain":
		if c.Row.Cause == exception.StockDrift {
			return fix{Route: "channel.drift", Path: Base + "/channels/" + url.PathEscape(c.Account) + "/drift#drift"}, c.Account != ""
		}
		return at, c.SKU != "" || c.Code != ""
	case "stock.count":
		if c.SKU != "" {
			at.Route, at.Path = "sku.count", at.Path+"#count"
		}
		return at, c.SKU != "" || c.Code != ""
	case "stock.push":
		return c.do("push"), c.Account != ""
	case "stock.import":
		return fix{Route: "imports", Path: Base + "/imports?what=stock"}, true
	case "location.heard":
		if c.SubjectKind == "core" {
			return c.do("loaded"), true
		}
		return c.do("heard"), c.Location != ""
	}
	return fix{}, false
}

// tellFix is about what a partner was told, by what that was about.
func tellFix(action string, c caseRow) (fix, bool) {
	what := map[string]map[string]string{
		"tell.retry":       {"tell": "tell", "shipment": "rebook", "listing": "numbers", "price": "price"},
		"tell.done":        {"tell": "told", "listing": "by_hand", "price": "by_hand", "return": "by_hand"},
		"outcome.look":     {"tell": "look"},
		"outcome.happened": {"tell": "told", "refund": "refunded", "job": "happened", "cart": "by_hand"},
		"outcome.retry":    {"tell": "tell", "refund": "not_refunded", "job": "not_happened"},
	}[action][c.SubjectKind]
	return c.do(what), what != ""
}

// parcelFix is about a parcel on its way, or on its way back.
func parcelFix(action string, c caseRow) (fix, bool) {
	switch action {
	case "shipment.show":
		return fix{Route: "order", Path: orderPath(c.Order) + "#work"}, c.Order != ""
	case "shipment.scan":
		return c.do("attempt"), c.SubjectKind == "shipment"
	case "return.approve", "return.decline":
		return fix{Route: "return.decide", Path: returnPath(c.Subject)}, c.SubjectKind == "return" && c.Undecided
	case "return.inspect":
		return fix{Route: "return.do", Path: returnPath(c.Subject)}, c.SubjectKind == "return" && !c.Undecided
	}
	return fix{}, false
}

// moneyFix is about what was to be given back, or to come in.
func moneyFix(action string, c caseRow) (fix, bool) {
	switch action {
	case "refund.retry":
		return c.do("not_refunded"), c.SubjectKind == "refund"
	case "refund.done":
		return c.do("refunded"), c.SubjectKind == "refund"
	case "cash.remit":
		return c.do("cash_came"), c.SubjectKind == "payment" && c.Order != ""
	case "cash.write_off":
		return c.do("cash_lost"), c.SubjectKind == "payment" && c.Order != ""
	case "cash.confirm":
		return c.do("cash_taken"), c.SubjectKind == "order" && c.Order != ""
	}
	return fix{}, false
}

// systemFix is about what works behind the counter.
func systemFix(action string, c caseRow) (fix, bool) {
	job, subscription := fix{Route: "job.do", Path: Base + "/jobs/" + url.PathEscape(c.Subject)}, fix{Route: "subscription.do", Path: subscriptionPath(c.Subject)}
	switch action {
	case "exception.resolve":
		return c.do("accept"), true
	case "inbox.replay":
		return c.do("again"), c.SubjectKind == "inbox"
	case "inbox.apply":
		return c.do("as_received"), c.SubjectKind == "inbox"
	case "job.replay":
		return c.do("job"), c.SubjectKind == "job"
	case "job.edit":
		return job, c.SubjectKind == "job"
	case "job.discard":
		return c.do("discard"), c.SubjectKind == "job"
	case "event.replay", "event.skip":
		return fix{Route: "parked.do", Path: Base + "/parked"}, true
	case "subscription.resend":
		subscription.Route = action
		return subscription, c.SubjectKind == "subscription"
	case "subscription.resume", "subscription.revoke":
		return subscription, c.SubjectKind == "subscription"
	case "privacy.export":
		return fix{Route: "case.export", Path: casePath(c.ID) + "/export", Post: true}, c.SubjectKind == "privacy"
	}
	return fix{}, false
}
