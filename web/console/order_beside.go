package console

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
)

// rawSection is a part of the order: its times, who bought it, its lines.
type rawSection struct {
	Title  string
	Blocks []rawBlock
}

// rawBlock is one thing with its values; all of theirs stand below one path where they can.
type rawBlock struct {
	Title string // which line or charge it is; "" when there is only one such thing
	At    string // what the paths of theirs begin with
	Rows  []rawRow
}

// rawRow is one value of ours and those it is made of.
type rawRow struct {
	connect.Value
	Name string
	Code string // a name that is the channel's word
}

// rawParts are the parts of an order as a person asks for them, by the first word of a field. What is in none is in the first.
var rawParts = []struct {
	title string
	words string
}{
	{"Numbers", "external number origin test tags extra"},
	{"Times", "version placed_at cancelled_at closed_at ship_by deliver_by"},
	{"State", "status statuses cancel_request"},
	{"Money", "country currency tax_mode money total current shop"},
	{"Buyer", "buyer note"},
	{"Ship to", "ship_to"},
	{"Bill to", "bill_to"},
	{"Lines", "lines"},
	{"Charges", "charges"},
	{"Payments", "payments"},
	{"Refunds", "refunds"},
	{"Parcels", "parcels"},
	{"Returns", "returns"},
}

// rawBytes is about how much of a page of sixty thousand bytes is left for values and for what nothing reads.
const rawBytes = 40_000

// rawSize is about how much a value takes on the page: its name, what we hold, and what it is made of, of whose path what all of an element have in common stands once.
func rawSize(x connect.Value) int {
	n := 50 + len(x.Ours)
	for _, f := range x.From {
		n += 20 + len(f.Path) - (strings.LastIndexByte(f.Path, ']') + 1) + len(f.Text)
	}
	return n
}

// rawElements is how many lines, payments and the like one page shows of each, by how much there is to say of them and beside them.
func rawElements(all []connect.Value, unread []connect.Unread) int {
	things, one, rest := 1, 0, 0
	for _, x := range all {
		if _, n, _ := firstOf(x.Field); n >= 0 {
			things, one = max(things, n+1), one+rawSize(x)
		} else {
			rest += rawSize(x)
		}
	}
	for _, x := range unread {
		rest += 75 + len(x.Pattern)
	}
	if one == 0 || one+rest <= rawBytes {
		return things
	}
	return max(1, max(rawBytes-rest, rawBytes/4)*things/one)
}

// rawSections arranges the values: all, with so many elements of each list from one on, or only what differs. It answers where the elements begin that are left, or 0.
func (v *visit) rawSections(all []connect.Value, unread []connect.Unread, every bool, from int) (sections []rawSection, next int) {
	at := map[string]int{}
	for i, p := range rawParts {
		sections = append(sections, rawSection{Title: v.T(p.title)})
		for _, w := range strings.Fields(p.words) {
			at[w] = i
		}
	}
	last, page := "", rawElements(all, unread)
	for _, one := range all {
		if !every && !one.Differs {
			continue
		}
		head, n, rest := firstOf(one.Field)
		if every && n >= from+page {
			next = from + page
			continue
		}
		if every && (n >= 0 && n < from || n < 0 && from > 0) {
			continue
		}
		s := &sections[at[head]]
		if thing := head + strconv.Itoa(n); len(s.Blocks) == 0 || n >= 0 && thing != last {
			b := rawBlock{}
			if n >= 0 {
				b.Title = strconv.Itoa(n + 1)
			}
			s.Blocks, last = append(s.Blocks, b), thing
		}
		b := &s.Blocks[len(s.Blocks)-1]
		row := rawRow{Value: one}
		if n < 0 && (rest == "" || head == "extra" || head == "statuses" || head == "tags") {
			rest = one.Field
		}
		row.Name, row.Code = v.fieldName(rest)
		b.Rows = append(b.Rows, row)
	}
	for i := range sections {
		for j := range sections[i].Blocks {
			sections[i].Blocks[j].shorten()
		}
	}
	return slices.DeleteFunc(sections, func(s rawSection) bool { return len(s.Blocks) == 0 }), next
}

// firstOf takes a field apart: lines[2].total is of lines, number 2, total. The number is -1 where there is no list; tags are one thing.
func firstOf(field string) (head string, n int, rest string) {
	head, rest, _ = strings.Cut(field, ".")
	name, number, list := strings.Cut(head, "[")
	n, err := strconv.Atoi(strings.TrimSuffix(number, "]"))
	if !list || err != nil || rest == "" {
		n = -1
	}
	return name, n, rest
}

// fieldName says a path in words, and what of it is the channel's own word: discounts[1].amount is "Discount 2 · Amount".
func (v *visit) fieldName(path string) (name, code string) {
	var said []string
	for i, part := range strings.Split(path, ".") {
		word, number, list := strings.Cut(part, "[")
		label, known := fieldNames[word]
		if !known || i > 0 && (said[0] == v.T(fieldNames["extra"]) || said[0] == v.T(fieldNames["statuses"])) {
			code = part
			continue
		}
		text := v.T(label)
		if n, err := strconv.Atoi(strings.TrimSuffix(number, "]")); list && err == nil {
			text += " " + strconv.Itoa(n+1)
		}
		said = append(said, text)
	}
	return strings.Join(said, " · "), code
}

// shorten takes out of the paths of a block what they all begin with.
func (b *rawBlock) shorten() {
	first := true
	for _, r := range b.Rows {
		for _, f := range r.From {
			if first {
				b.At, first = f.Path, false
			}
			for !strings.HasPrefix(f.Path, b.At) {
				b.At = b.At[:len(b.At)-1]
			}
		}
	}
	b.At = b.At[:1+strings.LastIndexAny(b.At, ".]")]
	for i := range b.Rows {
		for j := range b.Rows[i].From {
			b.Rows[i].From[j].Path = strings.TrimPrefix(b.Rows[i].From[j].Path[len(b.At):], ".")
		}
	}
	b.At = strings.TrimSuffix(b.At, ".")
}

// leafKinds say what a raw value is.
var leafKinds = map[string]string{string(channel.LeafText): "text", string(channel.LeafNumber): "number", string(channel.LeafBool): "yes or no", string(channel.LeafPart): "part"}

// fieldNames say the fields of the canonical order.
var fieldNames = map[string]string{
	"external": "The channel's id", "number": "Number", "version": "Last change there", "placed_at": "Placed", "cancelled_at": "Cancelled", "closed_at": "Closed",
	"ship_by": "Ship by", "deliver_by": "Deliver by", "status": "State", "statuses": "The channel's word", "origin": "Where it was placed", "test": "Test order",
	"country": "Country", "currency": "Currency", "tax_mode": "Tax in prices", "money": "How much of the money is told", "total": "Total", "current": "What remains of it",
	"shop": "In the shop's currency", "note": "The buyer's note", "tags": "Tag", "extra": "More", "listing": "Listing", "parent": "Product", "sku": "SKU", "barcode": "Barcode",
	"stock": "Stock item", "alt": "Second key", "title": "Title", "quantity": "Quantity", "progress": "Units", "cancelled": "Cancelled", "shipped": "Shipped",
	"delivered": "Delivered", "failed": "Failed", "returning": "Coming back", "returned": "Returned", "lost": "Lost", "units": "Unit", "raw": "The channel's word",
	"package": "Package", "tracking": "Tracking number", "reason": "Reason", "unit_price": "Unit price", "discounts": "Discount", "taxes": "Tax", "code": "Code",
	"amount": "Amount", "funder": "Who pays for it", "rate": "Rate", "remitter": "Who remits it", "fulfilled_by": "Who ships it", "ships": "To be shipped",
	"gift_card": "Gift card", "location": "Location", "properties": "Wish", "name": "Name", "value": "Value", "kind": "Kind", "method": "Method", "gateway": "Paid through",
	"at": "Time", "collector": "Who collects it", "lines": "Line", "line": "Line", "restock": "Back on the shelf", "payment": "Payment", "carrier": "Carrier", "url": "Link",
	"reference": "Our reference", "decide": "Decided by itself after", "refund": "Refund", "cancel_request": "Cancellation asked for", "by": "Asked by",
	"default": "Else decided as", "email": "E-mail", "phone": "Phone", "phone2": "Second phone", "company": "Company", "tax_id": "Tax number", "line1": "First line",
	"line2": "Second line", "district": "Area", "city": "City", "province": "Province", "postcode": "Postcode", "masked": "Partly hidden by the channel",
}
