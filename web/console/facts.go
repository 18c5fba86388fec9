package console

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
)

// detail is one fact of a case, by its name.
type detail struct {
	Name  string // as people say it
	Plain bool   // nobody gave it a title: it is called as programs call it
	Value string // as it came
	Label string // a state or kind, as people say it
	Money money.Amount
	At    time.Time
	Code  bool // a number people compare
}

// factTitles are the facts of cases as people say them.
var factTitles = map[string]string{
	"account": "Account", "act": "What the channel is told", "amount": "Amount", "at": "When", "attempts": "Tries", "backup_of": "Backup of", "carrier": "Carrier", "cause": "Cause", "channel_says": "The channel says",
	"code": "Code", "collector": "Who collected it", "condition": "Condition", "consumer": "Taken by", "core": "POS core", "decide_by": "Decide by", "decision": "Decision", "detail": "What it is about",
	"due": "Payment due", "ends_at": "Access ends", "error": "What went wrong", "event": "Event", "external": "Number at the channel", "external_order": "Order at the channel", "fault": "Kind of failure", "first": "The first of them",
	"from": "From", "goods": "Goods", "got": "What came", "heard_at": "Last heard from", "holder": "Waits for it", "holder_id": "Its number", "key": "Key", "kind": "Kind", "last_error": "Last error", "listings": "Listings",
	"location_id": "Location", "method": "Payment method", "money": "Money", "name": "Name", "note": "Note", "number": "Number", "on_hand": "On hand", "order": "Order", "paused": "Paused", "price": "Price",
	"provider": "Payment provider", "quantity": "Quantity", "reason": "Reason", "records": "Records of buyers", "reference": "Our reference", "refused_units": "Units refused", "reported": "The courier says", "request": "What is asked for", "return": "Return",
	"shipment": "Parcel", "shipment_id": "Parcel", "since": "Since", "sku": "SKU", "state": "State", "status": "What the courier says", "subject": "Whom it is about", "times": "Times", "too_much": "Waybills say too much by", "topic": "Topic",
	"type": "Kind of event", "uncarried": "No parcel collects", "units": "Units", "until": "Until", "variant_id": "Item", "waiting": "Orders that wait", "we_have": "We have", "why": "Reason", "orders": "Orders",
}

// facts are the plain values of a case's detail, in their order by name. The item is called by its SKU; what waits for it is the order, which the case leads to.
func facts(raw json.RawMessage, sku string) []detail {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	var out []detail
	delete(m, "holder")
	delete(m, "holder_id")
	for name, value := range m {
		d, ok := factOf(name, value)
		if name == "variant_id" && sku != "" {
			d.Value, d.Label, d.Code = sku, "", true
		}
		if ok {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b detail) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value)) })
	return out
}

// factOf reads one fact; false when it says nothing.
func factOf(name string, raw json.RawMessage) (d detail, ok bool) {
	if d.Name = factTitles[name]; d.Name == "" {
		d.Name, d.Plain = strings.ReplaceAll(name, "_", " "), true
	}
	if d.Value = string(raw); d.Value == "null" || d.Value == `""` {
		return d, false
	}
	if raw[0] == '{' && json.Unmarshal(raw, &d.Money) == nil && !d.Money.IsNone() {
		return d, true
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return d, true
	}
	d.Value = text
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		d.At = at
	}
	for _, word := range []string{name + "_" + text, text} {
		if labels[word] != "" {
			d.Label = labels[word]
			break
		}
	}
	d.Code = d.Label == "" && !strings.Contains(text, " ")
	return d, true
}
