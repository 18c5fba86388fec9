package daraz

import (
	"strings"

	"github.com/openclaw-pos/commerce/channel"
)

const (
	unitSource   = "channel-daraz.md §1.6"
	returnSource = "channel-daraz.md §1.9, §1.12"
)

// statusRows are the words of a unit, and of a reverse order line. An order has no status of its own.
var statusRows = []channel.StatusRow{
	{Axis: "unit", Theirs: "unpaid", Ours: channel.Unpaid, Source: unitSource},
	{Axis: "unit", Theirs: "pending", Ours: channel.Open, Source: unitSource},
	{Axis: "unit", Theirs: "topack", Ours: channel.Open, Source: unitSource},
	{Axis: "unit", Theirs: "repacked", Ours: channel.Open, Source: unitSource},
	{Axis: "unit", Theirs: "processing", Ours: channel.Open, Source: unitSource + " [C]"},
	{Axis: "unit", Theirs: "packed", Ours: channel.Packed, Source: unitSource},
	{Axis: "unit", Theirs: "toship", Ours: channel.Packed, Source: unitSource},
	{Axis: "unit", Theirs: "ready_to_ship", Ours: channel.Ready, Source: unitSource},
	{Axis: "unit", Theirs: "ready_to_ship_pending", Ours: channel.Ready, Source: unitSource},
	{Axis: "unit", Theirs: "shipped", Ours: channel.Shipped, Source: unitSource},
	{Axis: "unit", Theirs: "shipping", Ours: channel.Shipped, Source: unitSource},
	{Axis: "unit", Theirs: "delivered", Ours: channel.Delivered, Source: unitSource},
	{Axis: "unit", Theirs: "confirmed", Ours: channel.Completed, Source: unitSource + " (Lazada)"},
	{Axis: "unit", Theirs: "canceled", Ours: channel.Cancelled, Source: unitSource},
	{Axis: "unit", Theirs: "failed", Ours: channel.Failed, Source: unitSource},
	{Axis: "unit", Theirs: "failed_delivery", Ours: channel.Failed, Source: unitSource},
	{Axis: "unit", Theirs: "shipped_back", Ours: channel.Returning, Source: unitSource},
	{Axis: "unit", Theirs: "shipped_back_success", Ours: channel.Returned, Source: unitSource},
	{Axis: "unit", Theirs: "shipped_back_failed", Ours: channel.Lost, Source: unitSource},
	{Axis: "unit", Theirs: "package_scrapped", Ours: channel.Lost, Source: unitSource},
	{Axis: "unit", Theirs: "returned", Ours: channel.Returned, Source: unitSource},
	{Axis: "unit", Theirs: "lost", Ours: channel.Lost, Source: unitSource},
	{Axis: "unit", Theirs: "lost_by_3pl", Ours: channel.Lost, Source: unitSource},
	{Axis: "unit", Theirs: "damaged_by_3pl", Ours: channel.Lost, Source: unitSource},
	{Axis: "unit", Theirs: "return_waiting_for_approval", Ours: channel.Delivered, Source: unitSource + " [C]"},
	{Axis: "unit", Theirs: "return_shipped_by_customer", Ours: channel.Returning, Source: unitSource + " [C]"},
	{Axis: "unit", Theirs: "return_rejected", Ours: channel.Delivered, Source: unitSource + " [C]"},

	{Axis: "return", Theirs: "REQUEST_INITIATE", Ours: channel.Requested, Source: returnSource},
	{Axis: "return", Theirs: "REQUEST_REJECT", Ours: channel.Declined, Source: returnSource},
	{Axis: "return", Theirs: "REQUEST_CANCEL", Ours: channel.Cancelled, Source: returnSource},
	{Axis: "return", Theirs: "CANCEL_SUCCESS", Ours: channel.Cancelled, Source: returnSource},
	{Axis: "return", Theirs: "CANCEL_INIT", Ours: channel.Requested, Source: returnSource},
	{Axis: "return", Theirs: "CANCEL_REFUND_ISSUED", Ours: channel.Cancelled, Source: returnSource},
	{Axis: "return", Theirs: "RTM_INIT", Ours: channel.Requested, Source: returnSource},
	{Axis: "return", Theirs: "RTM_CANCELED", Ours: channel.Cancelled, Source: returnSource},
	{Axis: "return", Theirs: "RTM_SHIPPING_BACK", Ours: channel.Returning, Source: returnSource},
	{Axis: "return", Theirs: "RTM_RECEIVE_ITEM", Ours: channel.Returned, Source: returnSource},
	{Axis: "return", Theirs: "RTW_INIT", Ours: channel.Requested, Source: returnSource + " (RTW_*)"},
	{Axis: "return", Theirs: "RTW_CANCELED", Ours: channel.Cancelled, Source: returnSource + " (RTW_*)"},
	{Axis: "return", Theirs: "RTW_SHIPPING_BACK", Ours: channel.Returning, Source: returnSource + " (RTW_*)"},
	{Axis: "return", Theirs: "RTW_RECEIVE_ITEM", Ours: channel.Returned, Source: returnSource + " (RTW_*)"},
	{Axis: "return", Theirs: "SELLER_AGREE_RETURN", Ours: channel.Open, Source: returnSource + " [R]"},
	{Axis: "return", Theirs: "SELLER_REJECT_RETURN", Ours: channel.Declined, Source: returnSource + " [R]"},
	{Axis: "return", Theirs: "BUYER_RETURN_ITEM", Ours: channel.Returning, Source: returnSource + " [R]"},
	{Axis: "return", Theirs: "REFUND_PENDING", Ours: channel.Returned, Source: returnSource + " (REFUND_*) [R]"},
	{Axis: "return", Theirs: "REFUND_AUTHORIZED", Ours: channel.Completed, Source: returnSource + " (REFUND_*) [R]"},
	{Axis: "return", Theirs: "REFUND_SUCCESS", Ours: channel.Completed, Source: returnSource + " (REFUND_*) [R]"},
	{Axis: "return", Theirs: "REFUND_REJECT", Ours: channel.Declined, Source: returnSource + " (REFUND_*) [R]"},
}

var statusOf = func() map[string]channel.Status {
	words := map[string]channel.Status{}
	for _, row := range statusRows {
		words[row.Axis+" "+strings.ToLower(row.Theirs)] = row.Ours
	}
	// The second l is not Daraz's, and costs nothing to understand.
	words["unit cancelled"] = channel.Cancelled
	return words
}()

// unitStatus is a unit's word in ours; a word we do not know is Unknown and moves nothing.
func unitStatus(word string) channel.Status { return lookup("unit", word) }

func returnStatus(word string) channel.Status { return lookup("return", word) }

func lookup(axis, word string) channel.Status {
	if s, ok := statusOf[axis+" "+strings.ToLower(strings.TrimSpace(word))]; ok {
		return s
	}
	return channel.Unknown
}

// count adds a unit to the progress of its line. Open, packed and unknown units are not counted.
func count(p *channel.Progress, s channel.Status) {
	switch s {
	case channel.Cancelled:
		p.Cancelled++
	case channel.Shipped:
		p.Shipped++
	case channel.Delivered, channel.Completed:
		p.Delivered++
	case channel.Failed:
		p.Failed++
	case channel.Returning:
		p.Returning++
	case channel.Returned:
		p.Returned++
	case channel.Lost:
		p.Lost++
	}
}

// rollUp is the order's status out of its units' (channel-daraz.md §1.6): cancelled units are left out; what is still unpaid keeps the whole order
// unpaid; it is completed once no unit can move any more.
func rollUp(units []channel.Status) channel.Status {
	var live, unpaid, unknown, done int
	for _, s := range units {
		switch s {
		case channel.Cancelled:
			continue
		case channel.Unpaid:
			unpaid++
		case channel.Unknown:
			unknown++
		case channel.Completed, channel.Returned, channel.Lost:
			done++
		}
		live++
	}
	switch {
	case len(units) == 0:
		return channel.Unknown
	case live == 0:
		return channel.Cancelled
	case unpaid > 0:
		return channel.Unpaid
	case unknown == live:
		return channel.Unknown
	case done == live:
		return channel.Completed
	}
	return channel.Open
}
