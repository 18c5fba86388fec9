package api

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// CaseAction is something a person can do about a case: as a request, and as a command. What the case itself knows is filled in; {name} is still to be said.
type CaseAction struct {
	Name    string         `json:"name"`
	Title   string         `json:"title"`
	Method  string         `json:"method"`
	Path    string         `json:"path" doc:"Below the base path"`
	Body    map[string]any `json:"body,omitempty" doc:"What the request says at least"`
	Command string         `json:"command" doc:"The same at the command line"`
}

// way is how an action is carried out where a case is about a thing of this kind; the first that fits is offered.
type way struct {
	kinds   string // of the case's subject, separated by spaces; "" = any
	route   string // method and path
	body    map[string]any
	command string
}

// ways are the actions that causes suggest. Placeholders: case, subject, order, account, location, and the fields of the case's detail.
var ways = map[string][]way{
	"exception.resolve": {{route: "POST /exceptions/{case}/resolve", body: map[string]any{"resolution": "{what was done}"}, command: "exception resolve {case} --note {what was done}"}},

	"inbox.replay": {{"inbox", "POST /inbox/{subject}/decide", map[string]any{"how": "again"}, "dead decide {subject} again"}},
	"inbox.apply":  {{"inbox", "POST /inbox/{subject}/decide", map[string]any{"how": "as_received"}, "dead decide {subject} as_received"}},

	"order.show": {{route: "GET /orders/{order}", command: "order show {order} --timeline"}},
	"order.reread": {
		{"inbox channel_order", "POST /accounts/{account}/reread", map[string]any{"external_id": "{external}"}, "channel reread {account} {external}"},
		{"return", "POST /accounts/{account}/pull", map[string]any{"what": "returns"}, "channel pull {account} --what returns"},
		{route: "POST /orders/{order}/reread", command: "order reread {order}"},
	},
	"order.cancel":         {{route: "POST /orders/{order}/cancel", body: map[string]any{"reason": "{why}"}, command: "order cancel {order} --reason {why}"}},
	"order.release":        {{route: "POST /orders/{order}/release", body: map[string]any{"hold": "money_mismatch"}, command: "order release {order} --hold money_mismatch"}},
	"order.address":        {{route: "POST /orders/{order}/changes", body: map[string]any{"address": map[string]any{}}, command: "order address {order} --city {city} --phone {phone}"}},
	"order.cancel.accept":  {{route: "POST /orders/{order}/decide-cancel", body: map[string]any{"agree": true}, command: "order decide-cancel {order} accept"}},
	"order.cancel.decline": {{route: "POST /orders/{order}/decide-cancel", body: map[string]any{"agree": false}, command: "order decide-cancel {order} decline"}},

	"listing.map":      {{"listing", "POST /listings/{subject}/map", map[string]any{"sku": "{sku}"}, "channel map {subject} {SKU}"}, {route: "POST /listings/{listing}/map", body: map[string]any{"sku": "{sku}"}, command: "channel map {listing} {SKU}"}},
	"channel.listings": {{route: "POST /accounts/{account}/pull", body: map[string]any{"what": "listings"}, command: "channel listings {account} --pull --unmapped"}},
	"channel.check":    {{route: "POST /accounts/{account}/check", command: "channel check {account}"}},
	"channel.list":     {{route: "GET /accounts", command: "channel list"}},
	"channel.pause":    {{route: "POST /accounts/{account}/pause", body: map[string]any{"reason": "{why}"}, command: "channel pause {account} --reason {why}"}},
	"channel.diff":     {{route: "GET /accounts/{account}/diff", command: "channel diff {account}"}},
	"channel.authorize": {
		{route: "POST /accounts/{account}/authorize", body: map[string]any{"secrets": map[string]any{}}, command: "channel authorize {account}"},
	},

	"stock.explain": {{route: "GET /stock/{sku}/explain", command: "stock explain {sku}"}},
	"stock.count":   {{route: "POST /stock/count", body: map[string]any{"items": []any{}}, command: "stock count {sku} {quantity} --location {location}"}},
	"stock.push":    {{route: "POST /accounts/{account}/push-stock", command: "stock push {account}"}},
	"stock.import":  {{route: "POST /imports/stock", command: "import stock {file.csv}"}},

	"location.heard": {{"core", "POST /core/sync", map[string]any{"how": "loaded"}, "pos sync --loaded"}, {"location", "POST /locations/{code}/heard", nil, "stock heard {code}"}},
	"location.show":  {{route: "GET /locations", command: "stock locations"}},

	"fulfillment.move":    {{route: "POST /fulfillment-orders/{fulfillment}/move", body: map[string]any{"to": "{location}"}, command: "fulfill move {fulfillment} {location}"}},
	"fulfillment.explain": {{route: "GET /orders/{order}/sourcing", command: "fulfill explain {order}"}},
	"fulfillment.source":  {{route: "POST /orders/{order}/source", body: map[string]any{"location": "{location}"}, command: "fulfill source {order} {where}"}},
	"fulfillment.unpack":  {{route: "POST /fulfillment-orders/{fulfillment}/unpack", command: "fulfill unpack {fulfillment}"}},

	"shipment.cancel": {{"shipment", "POST /shipments/{subject}/cancel", map[string]any{"reason": "{why}"}, "parcel cancel {subject} --reason {why}"}, {route: "POST /shipments/{parcel}/cancel", body: map[string]any{"reason": "{why}"}, command: "parcel cancel {parcel} --reason {why}"}},
	"shipment.scan":   {{"shipment", "POST /shipments/{subject}/scan", map[string]any{"status": "{status}", "at": "{when}"}, "parcel scan {subject} {status}"}},
	"shipment.show":   {{"shipment", "GET /shipments/{subject}", nil, "parcel show {subject}"}},

	"tell.retry": {
		{"tell", "POST /tells/{subject}/retry", map[string]any{"done": false}, "tell retry {subject}"},
		{"listing", "POST /accounts/{account}/push-stock", nil, "stock push {account}"},
		{"price", "POST /listings/{subject}/accept-price", nil, "channel price {subject}"},
		{"shipment", "POST /shipments/{subject}/rebook", nil, "parcel rebook {subject}"},
	},
	"tell.done": {
		{"tell", "POST /tells/{subject}/retry", map[string]any{"done": true}, "tell done {subject}"},
		{"shipment", "POST /shipments/{subject}/waybill", map[string]any{"carrier": "{carrier}", "tracking_number": "{number}"}, "parcel waybill {subject} {carrier} {number}"},
		{route: "POST /exceptions/{case}/resolve", body: map[string]any{"resolution": "{what was done}"}, command: "exception resolve {case} --note {what was done}"},
	},
	"outcome.look": {
		{"tell", "POST /tells/{subject}/look", nil, "tell look {subject}"},
		{"job", "POST /jobs/{subject}/replay", nil, "dead replay {subject}"},
		{"refund", "GET /refunds/{subject}", nil, "refund show {subject}"},
	},
	"outcome.happened": {
		{"tell", "POST /tells/{subject}/retry", map[string]any{"done": true}, "tell done {subject}"},
		{"job", "POST /jobs/{subject}/settle", map[string]any{"happened": true}, "dead settle {subject} happened"},
		{"refund", "POST /refunds/{subject}/settle", map[string]any{"happened": true}, "refund done {subject}"},
		{"cart", "POST /exceptions/{case}/resolve", map[string]any{"resolution": "{what was done}"}, "exception resolve {case} --note {what was done}"},
	},
	"outcome.retry": {
		{"tell", "POST /tells/{subject}/retry", map[string]any{"done": false}, "tell retry {subject}"},
		{"job", "POST /jobs/{subject}/settle", map[string]any{"happened": false}, "dead settle {subject} not"},
		{"refund", "POST /refunds/{subject}/settle", map[string]any{"happened": false}, "refund retry {subject}"},
	},

	"job.replay":  {{"job", "POST /jobs/{subject}/replay", nil, "dead replay {subject}"}},
	"job.edit":    {{"job", "POST /jobs/{subject}/replay", map[string]any{"payload": map[string]any{}}, "dead replay {subject} --payload {file.json}"}},
	"job.discard": {{"job", "POST /jobs/{subject}/discard", nil, "dead discard {subject}"}},

	"event.replay": {{route: "POST /parked-events/{consumer}/{event}/replay", command: "dead replay {consumer}/{event}"}},
	"event.skip":   {{route: "POST /parked-events/{consumer}/{event}/skip", command: "dead skip {consumer}/{event}"}},

	"price.approve": {{"listing", "POST /listings/{subject}/accept-price", nil, "channel price {subject}"}},
	"price.reject":  {{route: "POST /exceptions/{case}/resolve", body: map[string]any{"resolution": "the old price stays"}, command: "exception resolve {case} --note {what was done}"}},

	"return.approve": {{"return", "POST /returns/{subject}/approve", nil, "return approve {subject}"}},
	"return.decline": {{"return", "POST /returns/{subject}/decline", map[string]any{"reason": "{why}"}, "return decline {subject} --reason {why}"}},
	"return.inspect": {{"return", "POST /returns/{subject}/inspect", map[string]any{"verdicts": []any{}}, "return inspect {subject} --disposition {sellable}"}},

	"refund.retry":  {{"refund", "POST /refunds/{subject}/settle", map[string]any{"happened": false}, "refund retry {subject}"}},
	"refund.done":   {{"refund", "POST /refunds/{subject}/settle", map[string]any{"happened": true}, "refund done {subject}"}},
	"refund.payout": {{route: "POST /orders/{order}/refunds", body: map[string]any{"method": "payout", "reason": "{why}"}, command: "order refund {order} --payout --amount {amount} --reason {why}"}},

	"cash.remit":     {{route: "POST /orders/{order}/cash/settle", body: map[string]any{"step": "remit"}, command: "order cash {order} remit"}},
	"cash.write_off": {{route: "POST /orders/{order}/cash/settle", body: map[string]any{"step": "write_off"}, command: "order cash {order} write_off"}},
	"cash.confirm":   {{route: "POST /orders/{order}/cash/confirm", command: "order cash {order} confirm"}},

	"privacy.export": {{"privacy", "POST /personal/export", map[string]any{"request": "{subject}", "purpose": "{why}"}, "privacy export --request {subject} --purpose {why}"}},
	"privacy.erase":  {{"privacy", "POST /personal/erase", map[string]any{"request": "{subject}", "reason": "{why}"}, "privacy erase --request {subject} --reason {why} --yes"}},

	"subscription.resend": {{"subscription", "POST /subscriptions/{subject}/resend", map[string]any{"since": "{when}"}, "subscription resend {subject} --since {24h}"}},
	"subscription.resume": {{"subscription", "POST /subscriptions/{subject}/resume", nil, "subscription resume {subject}"}},
	"subscription.revoke": {{"subscription", "POST /subscriptions/{subject}/revoke", nil, "subscription revoke {subject}"}},
}

// offers are the actions of a case that fit what it is about.
func (s *Server) offers(tx *db.Tx, r exception.Row) ([]CaseAction, error) {
	cause, _ := exception.CauseOf(r.Cause)
	known, err := s.facts(tx, r)
	all := []CaseAction{}
	if err != nil {
		return all, err
	}
	for _, a := range cause.Actions {
		i := slices.IndexFunc(ways[a.Name], func(w way) bool { return w.kinds == "" || slices.Contains(strings.Fields(w.kinds), r.SubjectKind) })
		if i < 0 {
			continue
		}
		w := ways[a.Name][i]
		method, path, _ := strings.Cut(w.route, " ")
		body, _ := fillAll(w.body, known).(map[string]any)
		all = append(all, CaseAction{a.Name, a.Title, method, fill(path, known, url.PathEscape), body, fill(w.command, known, quote)})
	}
	return all, nil
}

// facts are what the case knows for its actions.
func (s *Server) facts(tx *db.Tx, r exception.Row) (map[string]string, error) {
	known := map[string]string{}
	var detail map[string]any
	if len(r.Detail) > 0 && json.Unmarshal(r.Detail, &detail) == nil {
		for k, v := range detail {
			if text, ok := v.(string); ok {
				known[k] = text
			}
		}
	}
	for k, v := range map[string]string{"case": r.ID, "subject": r.Subject, "order": r.Order, "account": r.Account, "location": r.Location} {
		if delete(known, k); v != "" {
			known[k] = v
		}
	}
	if r.SubjectKind == "fulfillment" {
		known["fulfillment"] = r.Subject
	}
	if variant := known["variant_id"]; variant != "" && known["sku"] == "" && s.Catalog != nil {
		found, err := s.Catalog.ByID(tx, []string{variant})
		if err != nil {
			return nil, err
		}
		if v, ok := found[variant]; ok {
			known["sku"] = v.SKU
		}
	}
	return known, nil
}

// fill puts what is known in place of {name}; what is not known stays.
func fill(text string, known map[string]string, escape func(string) string) string {
	var b strings.Builder
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		if v, ok := known[name]; ok {
			b.WriteString(escape(v))
		} else {
			b.WriteString("{" + name + "}")
		}
		text = after
	}
	return b.String()
}

func fillAll(v any, known map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = fillAll(x, known)
		}
		return out
	case string:
		return fill(v, known, func(s string) string { return s })
	}
	return v
}

// quote keeps a value one word of a shell.
func quote(v string) string {
	if v != "" && !strings.ContainsFunc(v, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@+,", r)
	}) {
		return v
	}
	return "'" + strings.ReplaceAll(v, "'", `'\''`) + "'"
}

// Ways are the commands of every action that a cause suggests, by the action's name: for tests that hold them against what the program knows.
func Ways() map[string][]string {
	out := map[string][]string{}
	for name, all := range ways {
		for _, w := range all {
			out[name] = append(out[name], w.command)
		}
	}
	return out
}
