package shopify

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Decode reads either shape into the canonical order. fault.Invalid names the field that cannot be understood.
func (a *adapter) Decode(raw channel.Raw) (channel.Order, error) {
	s, err := read(raw)
	if err != nil {
		return channel.Order{}, err
	}
	return toOrder(s, a.rules)
}

func read(raw channel.Raw) (*sheet, error) {
	switch raw.Shape {
	case shapeGraphQL:
		return readGraphQL(raw)
	case shapeREST:
		body := raw.Doc(docOrder)
		if body == nil {
			return nil, fault.Field(docOrder, "the document is missing")
		}
		return readREST(body)
	}
	return nil, fault.Field("shape", "%.40q is not a shape of Shopify orders", raw.Shape)
}

// toOrder makes the canonical order. Numbers are kept as Shopify computed them: nothing is repaired here.
func toOrder(s *sheet, rules rules) (channel.Order, error) {
	r := &reader{}
	o := channel.Order{
		External: s.id, Number: s.name, Version: s.updated, PlacedAt: s.processed, CancelledAt: s.cancelled, ClosedAt: s.closed,
		Statuses: s.words(), Origin: s.source, Test: s.test, Country: s.country(rules), Currency: s.currency, TaxMode: s.taxMode(), Money: s.completeness(),
		Total: s.total, Current: s.current, Shop: s.shop, Note: s.note, Tags: s.sortedTags(), Extra: s.extra(),
		Buyer: s.buyer(), ShipTo: s.ship.address(), BillTo: s.bill.address(), Silent: s.silent,
	}
	tip := s.tipLine(rules)
	for i, l := range s.lines {
		if i != tip && l.quantity > 0 {
			o.Lines = append(o.Lines, s.line(r, l))
		}
	}
	o.Charges = s.charges(r, rules, tip)
	o.Payments = s.payments(r, rules)
	for _, f := range s.refunds {
		if refund, ok := f.canonical(r, s); ok {
			o.Refunds = append(o.Refunds, refund)
		}
	}
	for _, p := range s.parcels {
		o.Parcels = append(o.Parcels, p.canonical())
	}
	for _, t := range s.returns {
		o.Returns = append(o.Returns, t.canonical())
	}
	o.Status = s.standing(rules)
	return o, r.err
}

func (s *sheet) words() map[string]string {
	words := map[string]string{}
	for axis, word := range map[string]string{"financial": s.financial, "fulfillment": s.fulfillment, "return": s.returning} {
		if word != "" && word != "NO_RETURN" {
			words[axis] = word
		}
	}
	all := s.txs
	for _, f := range s.refunds {
		all = append(all[:len(all):len(all)], f.txs...)
	}
	var strange []string
	for _, t := range all {
		if !slices.Contains(transactionWords, t.status) {
			strange = append(strange, t.status)
		}
	}
	if slices.Sort(strange); len(strange) > 0 {
		words["transaction"] = strings.Join(slices.Compact(strange), ", ")
	}
	return words
}

// transactionWords are the states of a transaction that are understood; another one is kept among the order's words.
// https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderTransactionStatus
var transactionWords = []string{"SUCCESS", "PENDING", "AWAITING_RESPONSE", "FAILURE", "ERROR"}

func (s *sheet) sortedTags() []string {
	tags := slices.Clone(s.tags)
	slices.Sort(tags)
	return tags
}

// country is where the goods go, else where the invoice goes, else the shop's.
func (s *sheet) country(rules rules) string {
	for _, p := range []*place{s.ship, s.bill} {
		if p != nil && p.country != "" {
			return p.country
		}
	}
	return rules.country
}

func (s *sheet) taxMode() channel.TaxMode {
	switch {
	case s.taxIncluded:
		return channel.TaxInclusive
	case slices.ContainsFunc(s.lines, func(l sheetLine) bool { return len(l.taxes) > 0 }),
		slices.ContainsFunc(s.shipping, func(sh sheetShipping) bool { return len(sh.taxes) > 0 }):
		return channel.TaxExclusive
	}
	return channel.TaxNone
}

func (s *sheet) completeness() channel.Completeness {
	switch {
	case s.total.IsNone():
		return channel.MoneyAbsent
	case len(s.blind) > 0:
		return channel.MoneyPartial
	}
	return channel.MoneyComplete
}

func (s *sheet) extra() map[string]string {
	extra := map[string]string{}
	for name, value := range map[string]string{
		"confirmation_number": s.confirmation, "po_number": s.po, "source_identifier": s.sourceID, "cancel_reason": s.cancelReason, "company_id": s.company,
	} {
		if value != "" {
			extra[name] = value
		}
	}
	if n := s.personalised(); n > 0 {
		extra["personalised_lines"] = strconv.Itoa(n) // what is asked of them is personal: it is in the buyer's record
	}
	if s.taxExempt {
		extra["tax_exempt"] = "true"
	}
	if s.estimated {
		extra["estimated_taxes"] = "true"
	}
	if s.dutyIncluded {
		extra["duties_included"] = "true"
	}
	return extra
}

// personalised counts the lines of which the buyer asked something that they were shown themselves: names that begin with an underscore are notes of apps.
// https://shopify.dev/docs/storefronts/themes/architecture/templates/product#line-item-properties
func (s *sheet) personalised() int {
	n := 0
	for _, l := range s.lines {
		if slices.ContainsFunc(l.properties, func(p channel.Property) bool { return p.Value != "" && !strings.HasPrefix(p.Name, "_") }) {
			n++
		}
	}
	return n
}

func (s *sheet) buyer() channel.Person {
	p := channel.Person{External: s.customer, Name: strings.TrimSpace(s.first + " " + s.last), Email: s.email, Phone: s.phone}
	for _, at := range []*place{s.ship, s.bill} {
		if at == nil {
			continue
		}
		if p.Name == "" {
			p.Name = at.fullName()
		}
		if p.Phone == "" {
			p.Phone = at.phone
		}
	}
	if s.bill != nil {
		p.Company = s.bill.company
	}
	return p
}

func (p *place) fullName() string {
	if p.name != "" {
		return p.name
	}
	return strings.TrimSpace(p.first + " " + p.last)
}

// address is a place as ours. Shopify blanks what the app was not approved to see, and keeps country and city.
// https://shopify.dev/docs/apps/launch/protected-customer-data
func (p *place) address() channel.Address {
	if p == nil {
		return channel.Address{}
	}
	a := channel.Address{
		Name: p.fullName(), Company: p.company, Phone: p.phone, Line1: p.address1, Line2: p.address2, City: p.city, Province: p.province, Postcode: p.zip, Country: p.country,
	}
	a.Masked = a.Name == "" && a.Line1 == "" && a.Phone == "" && a != (channel.Address{})
	return a
}

// standing is the whole order's status. A cancellation wins over every other word; a word we do not know moves nothing.
func (s *sheet) standing(rules rules) channel.Status {
	fulfillment := status("order", s.fulfillment)
	switch {
	case !s.cancelled.IsZero():
		return channel.Cancelled
	case !s.closed.IsZero() && s.finished():
		return channel.Completed
	case fulfillment == channel.Unknown, s.financial != "" && status("payment", s.financial) == channel.Unknown:
		return channel.Unknown
	case fulfillment == channel.Held:
		return channel.Held
	case s.financial == "" && !s.total.IsZero():
		return channel.Unknown
	case s.unpaid(rules):
		return channel.Unpaid
	}
	return channel.Open
}

// finished reports whether nothing is left to be sent.
func (s *sheet) finished() bool {
	switch s.fulfillment {
	case "FULFILLED", "RESTOCKED", "FULFILLMENT_NOT_REQUIRED":
		return true
	}
	return !slices.ContainsFunc(s.lines, func(l sheetLine) bool { return l.ships })
}

// unpaid reports whether the order waits for the buyer's money before anything is sent: not so for cash on delivery.
func (s *sheet) unpaid(rules rules) bool {
	switch s.financial {
	case "PENDING":
		return !s.total.IsZero() && !slices.ContainsFunc(s.gateways, rules.isCOD)
	case "EXPIRED", "VOIDED":
		return true
	}
	return false
}

func (s *sheet) line(r *reader, l sheetLine) channel.Line {
	out := channel.Line{
		External: l.id, Listing: channel.ListingRef{External: l.variant, Parent: l.product, SKU: l.sku}, Title: l.title, Quantity: l.quantity, Progress: s.progress(l),
		UnitPrice: l.price, Discounts: discounts(l.discounts), Taxes: taxes(l.taxes), FulfilledBy: channel.Seller, Ships: l.ships, GiftCard: l.giftCard,
		Properties: wishes(l.properties),
	}
	if out.Listing == (channel.ListingRef{}) {
		out.Listing.Alt = l.title // a custom sale, or a product deleted since: its title is all there is to know it by
	}
	gross, err := l.price.Times(l.quantity)
	r.keep("line "+l.id, err)
	out.Total = s.net(r, "line "+l.id, gross, out.Discounts, out.Taxes)
	return out
}

// wishes are the properties that say something: forms send the fields that were left empty too.
func wishes(all []channel.Property) []channel.Property {
	return slices.DeleteFunc(slices.Clone(all), func(p channel.Property) bool { return p.Value == "" })
}

// net is what the buyer pays for something: before discounts, less discounts, plus taxes where prices do not hold them.
func (s *sheet) net(r *reader, field string, gross money.Amount, ds []channel.Discount, ts []channel.Tax) money.Amount {
	total := gross
	for _, d := range ds {
		total = r.sub(field, total, d.Amount)
	}
	if s.taxIncluded {
		return total
	}
	for _, t := range ts {
		total = r.add(field, total, t.Amount)
	}
	return total
}

// discounts are the allocations of a line or of shipping. A discount in Shopify is the merchant's own.
func discounts(all []sheetDiscount) []channel.Discount {
	var out []channel.Discount
	for _, d := range all {
		out = append(out, channel.Discount{Code: d.code, Title: d.title, Amount: d.amount, Funder: channel.Seller})
	}
	return out
}

func taxes(all []sheetTax) []channel.Tax {
	var out []channel.Tax
	for _, t := range all {
		tax := channel.Tax{Title: t.title, Rate: t.rate, Amount: t.amount, Remitter: channel.Seller}
		if t.channel {
			tax.Remitter = channel.ByChannel
		}
		out = append(out, tax)
	}
	return out
}

// tipLine is the index of the line that is the order's tip, -1 when there is none: such a line has no product, ships nothing and amounts to the tip.
func (s *sheet) tipLine(rules rules) int {
	if s.tip.IsZero() {
		return -1
	}
	return slices.IndexFunc(s.lines, func(l sheetLine) bool {
		return l.variant == "" && l.product == "" && !l.ships && !l.giftCard && l.quantity == 1 && l.price == s.tip &&
			slices.ContainsFunc(rules.tips, func(title string) bool { return strings.EqualFold(title, l.title) })
	})
}

func (s *sheet) charges(r *reader, rules rules, tip int) []channel.Charge {
	var out []channel.Charge
	for _, sh := range s.shipping {
		if sh.removed {
			continue
		}
		c := channel.Charge{Kind: channel.ChargeShipping, External: sh.id, Title: sh.title, Amount: sh.price, Discounts: discounts(sh.discounts), Taxes: taxes(sh.taxes)}
		c.Total = s.net(r, "shipping "+sh.id, sh.price, c.Discounts, c.Taxes)
		out = append(out, c)
	}
	plain := func(kind channel.ChargeKind, external, title string, amount money.Amount) {
		if !amount.IsZero() {
			out = append(out, channel.Charge{Kind: kind, External: external, Title: title, Amount: amount, Total: amount})
		}
	}
	if tip >= 0 {
		plain(channel.ChargeTip, s.lines[tip].id, s.lines[tip].title, s.tip)
	} else {
		plain(channel.ChargeTip, "", "Tip", s.tip)
	}
	if !s.dutyIncluded {
		plain(channel.ChargeDuty, "", "Duties", s.duties)
	}
	plain(channel.ChargeFee, "", "Additional fees", s.fees)
	if rules.rounding {
		plain(channel.ChargeRounding, "", "Cash rounding", s.rounding)
	}
	return out
}

func (p sheetParcel) canonical() channel.Parcel {
	out := channel.Parcel{
		External: p.id, Raw: p.word(), Status: p.state(), Carrier: p.carrier, Tracking: strings.Join(p.numbers, ", "), URL: p.url, Location: p.location, At: p.at,
	}
	for _, l := range p.lines {
		out.Lines = append(out.Lines, channel.Quantity{Line: l.line, Quantity: l.quantity})
	}
	return out
}

// word is the carrier's progress where there is any, else the fulfillment's own status: some display words only restate it, and REST lacks them.
func (p sheetParcel) word() string {
	switch p.display {
	case "", "FULFILLED", "MARKED_AS_FULFILLED", "SUBMITTED", "CANCELED":
		return p.status
	}
	return p.display
}

func (p sheetParcel) state() channel.Status {
	if p.status != "SUCCESS" || p.word() == p.status {
		return status("fulfillment", p.status)
	}
	return status("parcel", p.display)
}

func (t sheetReturn) canonical() channel.Return {
	out := channel.Return{External: t.id, Reference: t.reference, Status: status("return", t.status), Raw: t.status, Kind: "return", At: t.at}
	if t.exchange {
		out.Kind = "exchange"
	}
	for _, l := range t.lines {
		if out.Reason == "" {
			out.Reason = l.reason
		}
		out.Lines = append(out.Lines, channel.ReturnLine{External: l.id, Line: l.line, Quantity: l.quantity, Reason: l.reason, Refund: l.value})
	}
	return out
}
