package shopify

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// shapeREST is the shape of webhook bodies: one document, "order". https://shopify.dev/docs/api/admin-rest/latest/resources/order
const (
	shapeREST = "rest"
	docOrder  = "order"
)

type restOrder struct {
	ID                 text   `json:"id"`
	GID                string `json:"admin_graphql_api_id"`
	Name               string `json:"name"`
	ConfirmationNumber text   `json:"confirmation_number"`
	PO                 text   `json:"po_number"`
	SourceName         text   `json:"source_name"`
	SourceIdentifier   text   `json:"source_identifier"`
	Company            *struct {
		ID text `json:"id"`
	} `json:"company"`
	Test         bool   `json:"test"`
	TaxesIncl    *bool  `json:"taxes_included"`
	TaxExempt    bool   `json:"tax_exempt"`
	DutiesIncl   bool   `json:"duties_included"`
	Estimated    bool   `json:"estimated_taxes"`
	CreatedAt    text   `json:"created_at"`
	ProcessedAt  text   `json:"processed_at"`
	UpdatedAt    text   `json:"updated_at"`
	CancelledAt  text   `json:"cancelled_at"`
	ClosedAt     text   `json:"closed_at"`
	CancelReason text   `json:"cancel_reason"`
	Currency     string `json:"currency"`
	Presentment  string `json:"presentment_currency"`
	Financial    text   `json:"financial_status"`
	Fulfillment  text   `json:"fulfillment_status"`
	Note         text   `json:"note"`
	Email        text   `json:"email"`
	ContactEmail text   `json:"contact_email"`
	Phone        text   `json:"phone"`
	Tags         text   `json:"tags"`
	Customer     *struct {
		ID    text `json:"id"`
		First text `json:"first_name"`
		Last  text `json:"last_name"`
	} `json:"customer"`
	ShipTo       *restAddress              `json:"shipping_address"`
	BillTo       *restAddress              `json:"billing_address"`
	Gateways     []string                  `json:"payment_gateway_names"`
	Total        text                      `json:"total_price"`
	TotalSet     *bag                      `json:"total_price_set"`
	CurrentSet   *bag                      `json:"current_total_price_set"`
	Outstanding  text                      `json:"total_outstanding"`
	Tip          text                      `json:"total_tip_received"`
	TipSet       *bag                      `json:"total_tip_received_set"`
	Duties       *bag                      `json:"original_total_duties_set"`
	Fees         *bag                      `json:"original_total_additional_fees_set"`
	Rounding     *bag                      `json:"total_cash_rounding_payment_adjustment_set"`
	Applications []restDiscountApplication `json:"discount_applications"`
	Lines        []restLine                `json:"line_items"`
	Shipping     []restShipping            `json:"shipping_lines"`
	Parcels      []restFulfillment         `json:"fulfillments"`
	Refunds      []restRefund              `json:"refunds"`
	Returns      []json.RawMessage         `json:"returns"`
}

type restAddress struct {
	First    text `json:"first_name"`
	Last     text `json:"last_name"`
	Name     text `json:"name"`
	Company  text `json:"company"`
	Address1 text `json:"address1"`
	Address2 text `json:"address2"`
	City     text `json:"city"`
	Province text `json:"province"`
	Zip      text `json:"zip"`
	Country  text `json:"country_code"`
	Phone    text `json:"phone"`
}

type restDiscountApplication struct {
	Type  text `json:"type"`
	Code  text `json:"code"`
	Title text `json:"title"`
}

type restAllocation struct {
	Index     text `json:"discount_application_index"`
	Amount    text `json:"amount"`
	AmountSet *bag `json:"amount_set"`
}

type restTax struct {
	Title   text `json:"title"`
	Rate    text `json:"rate"`
	Price   text `json:"price"`
	Set     *bag `json:"price_set"`
	Channel bool `json:"channel_liable"`
}

type restLine struct {
	ID          text             `json:"id"`
	Name        text             `json:"name"`
	Title       text             `json:"title"`
	SKU         text             `json:"sku"`
	Variant     text             `json:"variant_id"`
	Product     text             `json:"product_id"`
	Quantity    text             `json:"quantity"`
	Current     text             `json:"current_quantity"`
	Fulfillable text             `json:"fulfillable_quantity"`
	Price       text             `json:"price"`
	PriceSet    *bag             `json:"price_set"`
	Ships       bool             `json:"requires_shipping"`
	GiftCard    bool             `json:"gift_card"`
	Taxable     bool             `json:"taxable"`
	Properties  properties       `json:"properties"`
	Allocations []restAllocation `json:"discount_allocations"`
	Taxes       []restTax        `json:"tax_lines"`
}

type restShipping struct {
	ID          text             `json:"id"`
	Title       text             `json:"title"`
	Price       text             `json:"price"`
	PriceSet    *bag             `json:"price_set"`
	Removed     bool             `json:"is_removed"`
	Allocations []restAllocation `json:"discount_allocations"`
	Taxes       []restTax        `json:"tax_lines"`
}

type restFulfillment struct {
	ID        text   `json:"id"`
	Status    text   `json:"status"`
	Shipment  text   `json:"shipment_status"`
	Location  text   `json:"location_id"`
	CreatedAt text   `json:"created_at"`
	Company   text   `json:"tracking_company"`
	Number    text   `json:"tracking_number"`
	Numbers   []text `json:"tracking_numbers"`
	URL       text   `json:"tracking_url"`
	URLs      []text `json:"tracking_urls"`
	Lines     []struct {
		ID       text `json:"id"`
		Quantity text `json:"quantity"`
	} `json:"line_items"`
}

type restRefund struct {
	ID          text `json:"id"`
	Note        text `json:"note"`
	ProcessedAt text `json:"processed_at"`
	CreatedAt   text `json:"created_at"`
	Lines       []struct {
		Line     text `json:"line_item_id"`
		Quantity text `json:"quantity"`
		Restock  text `json:"restock_type"`
		Subtotal *bag `json:"subtotal_set"`
		Tax      *bag `json:"total_tax_set"`
	} `json:"refund_line_items"`
	Transactions []struct {
		ID       text   `json:"id"`
		Kind     text   `json:"kind"`
		Status   text   `json:"status"`
		Gateway  string `json:"gateway"`
		Parent   text   `json:"parent_id"`
		Amount   text   `json:"amount"`
		Currency string `json:"currency"`
	} `json:"transactions"`
}

// readREST reads a webhook body.
func readREST(body []byte) (*sheet, error) {
	var o restOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, badJSON(err)
	}
	r := &reader{}
	s := o.head(r)
	o.money(r, s)
	for i := range o.Lines {
		s.lines = append(s.lines, o.line(r, fmt.Sprintf("line_items[%d]", i), &o.Lines[i], s))
	}
	for i, sh := range o.Shipping {
		at := fmt.Sprintf("shipping_lines[%d]", i)
		s.shipping = append(s.shipping, sheetShipping{
			id: string(sh.ID), title: string(sh.Title), price: restMoney(r, at+".price_set", sh.PriceSet, sh.Price, s), removed: sh.Removed,
			discounts: o.discounts(r, at, sh.Allocations, s), taxes: restTaxes(r, at, sh.Taxes, s),
		})
	}
	for i := range o.Parcels {
		s.parcels = append(s.parcels, o.Parcels[i].read(r, fmt.Sprintf("fulfillments[%d]", i)))
	}
	for i := range o.Refunds {
		s.refunds = append(s.refunds, o.Refunds[i].read(r, fmt.Sprintf("refunds[%d]", i), s))
	}
	o.receive(r, s)
	if len(s.gateways) > 1 {
		s.blind = append(s.blind, "payments") // their shares are told by the transactions only
	}
	if len(o.Returns) > 0 {
		s.blind = append(s.blind, "returns")
	}
	if o.Lines == nil {
		s.blind = append(s.blind, "line_items")
	}
	return s, r.err
}

func badJSON(err error) error {
	return fault.Wrap(fault.Invalid, err, "the document is not the JSON of an order")
}

func (o *restOrder) head(r *reader) *sheet {
	s := &sheet{
		id: string(o.ID), name: o.Name, confirmation: string(o.ConfirmationNumber), po: string(o.PO), source: string(o.SourceName), sourceID: string(o.SourceIdentifier),
		test: o.Test, taxExempt: o.TaxExempt, dutyIncluded: o.DutiesIncl, estimated: o.Estimated, cancelReason: o.CancelReason.word(),
		processed: r.time("processed_at", o.ProcessedAt), updated: r.time("updated_at", o.UpdatedAt), cancelled: r.time("cancelled_at", o.CancelledAt),
		closed: r.time("closed_at", o.ClosedAt), shopCurrency: o.Currency, currency: o.Presentment, financial: o.Financial.word(),
		note: string(o.Note), email: string(o.Email), phone: string(o.Phone), ship: o.ShipTo.place(), bill: o.BillTo.place(), gateways: o.Gateways,
		tags: list(string(o.Tags)),
	}
	if s.id == "" {
		s.id = tail(o.GID)
	}
	if s.id == "" {
		r.fail("id", "is missing")
	}
	if s.processed.IsZero() {
		s.processed = r.time("created_at", o.CreatedAt)
	}
	r.currencies(s)
	if s.email == "" {
		s.email = string(o.ContactEmail)
	}
	if o.TaxesIncl != nil {
		s.taxIncluded = *o.TaxesIncl
	} else {
		s.blind = append(s.blind, "taxes_included")
	}
	if o.Customer != nil {
		s.customer, s.first, s.last = string(o.Customer.ID), string(o.Customer.First), string(o.Customer.Last)
	}
	if o.Company != nil {
		s.company = string(o.Company.ID)
	}
	s.fulfillment = restFulfillmentWord(o.Fulfillment)
	s.silent = []string{channel.SilentHeld} // fulfillment_status of a webhook is null also when every fulfillment order is on hold
	return s
}

// restFulfillmentWord is GraphQL's word for REST's; null there means that nothing was fulfilled.
func restFulfillmentWord(t text) string {
	switch w := t.word(); w {
	case "":
		return "UNFULFILLED"
	case "PARTIAL":
		return "PARTIALLY_FULFILLED"
	default:
		return w
	}
}

func (o *restOrder) money(r *reader, s *sheet) {
	s.total = restMoney(r, "total_price_set", o.TotalSet, o.Total, s)
	if s.shopCurrency != s.currency {
		s.shop = r.shop("total_price_set", o.TotalSet, s.shopCurrency)
	}
	s.current = r.presentment("current_total_price_set", o.CurrentSet, s.currency)
	s.duties = r.presentment("original_total_duties_set", o.Duties, s.currency)
	s.fees = r.presentment("original_total_additional_fees_set", o.Fees, s.currency)
	s.rounding = r.presentment("total_cash_rounding_payment_adjustment_set", o.Rounding, s.currency)
	s.tip = restMoney(r, "total_tip_received", o.TipSet, o.Tip, s)
}

// restMoney is the set's presentment side, else the bare amount, which is in the shop's currency and tells only when that is the buyer's too, or zero.
func restMoney(r *reader, field string, set *bag, bare text, s *sheet) money.Amount {
	if set != nil {
		return r.presentment(field, set, s.currency)
	}
	if bare == "" {
		return money.Amount{}
	}
	a := r.amount(field, bare, s.shopCurrency)
	switch {
	case s.shopCurrency == s.currency:
		return a
	case a.IsZero():
		return money.Zero(s.currency)
	}
	s.blind = append(s.blind, field)
	return money.Amount{}
}

// receive is what has been paid: what remains of the order, less what is outstanding, plus what went back.
func (o *restOrder) receive(r *reader, s *sheet) {
	if o.Outstanding == "" || s.current.IsNone() {
		return
	}
	open := restMoney(r, "total_outstanding", nil, o.Outstanding, s)
	if open.IsNone() {
		return
	}
	s.received = r.sub("total_outstanding", s.current, open)
	for _, refund := range s.refunds {
		s.received = r.add("refunds", s.received, refund.paid(r))
	}
}

func (a *restAddress) place() *place {
	if a == nil {
		return nil
	}
	return &place{
		first: string(a.First), last: string(a.Last), name: string(a.Name), company: string(a.Company), address1: string(a.Address1), address2: string(a.Address2),
		city: string(a.City), province: string(a.Province), zip: string(a.Zip), country: strings.ToUpper(string(a.Country)), phone: string(a.Phone),
	}
}

func (o *restOrder) line(r *reader, at string, l *restLine, s *sheet) sheetLine {
	out := sheetLine{
		id: string(l.ID), title: string(l.Name), sku: string(l.SKU), variant: string(l.Variant), product: string(l.Product),
		quantity: r.count(at+".quantity", l.Quantity), current: -1, open: -1, price: restMoney(r, at+".price_set", l.PriceSet, l.Price, s),
		ships: l.Ships, giftCard: l.GiftCard, taxable: l.Taxable, properties: l.Properties, discounts: o.discounts(r, at, l.Allocations, s), taxes: restTaxes(r, at, l.Taxes, s),
	}
	if out.title == "" {
		out.title = string(l.Title)
	}
	if out.id == "" {
		r.fail(at+".id", "is missing")
	}
	if l.Current != "" {
		out.current = r.count(at+".current_quantity", l.Current)
	}
	if l.Fulfillable != "" {
		out.open = r.count(at+".fulfillable_quantity", l.Fulfillable)
	}
	return out
}

func (o *restOrder) discounts(r *reader, at string, all []restAllocation, s *sheet) []sheetDiscount {
	var out []sheetDiscount
	for i, a := range all {
		d := sheetDiscount{amount: restMoney(r, fmt.Sprintf("%s.discount_allocations[%d]", at, i), a.AmountSet, a.Amount, s)}
		if n := r.count(at+".discount_application_index", a.Index); n < int64(len(o.Applications)) {
			app := o.Applications[n]
			d.kind, d.code, d.title = string(app.Type), string(app.Code), string(app.Title)
		}
		out = append(out, d)
	}
	return out
}

func restTaxes(r *reader, at string, all []restTax, s *sheet) []sheetTax {
	var out []sheetTax
	for i, t := range all {
		field := fmt.Sprintf("%s.tax_lines[%d]", at, i)
		out = append(out, sheetTax{title: string(t.Title), rate: r.rate(field+".rate", t.Rate), channel: t.Channel, amount: restMoney(r, field+".price_set", t.Set, t.Price, s)})
	}
	return out
}

func (f *restFulfillment) read(r *reader, at string) sheetParcel {
	p := sheetParcel{
		id: string(f.ID), status: f.Status.word(), display: f.Shipment.word(), location: string(f.Location), carrier: string(f.Company), url: string(f.URL),
		at: r.time(at+".created_at", f.CreatedAt),
	}
	for _, n := range f.Numbers {
		p.numbers = append(p.numbers, string(n))
	}
	if len(p.numbers) == 0 && f.Number != "" {
		p.numbers = []string{string(f.Number)}
	}
	if p.url == "" && len(f.URLs) > 0 {
		p.url = string(f.URLs[0])
	}
	for i, l := range f.Lines {
		p.lines = append(p.lines, lineCount{line: string(l.ID), quantity: r.count(fmt.Sprintf("%s.line_items[%d].quantity", at, i), l.Quantity)})
	}
	return p
}

func (f *restRefund) read(r *reader, at string, s *sheet) sheetRefund {
	out := sheetRefund{id: string(f.ID), note: string(f.Note), at: r.time(at+".processed_at", f.ProcessedAt)}
	if out.at.IsZero() {
		out.at = r.time(at+".created_at", f.CreatedAt)
	}
	for i, l := range f.Lines {
		field := fmt.Sprintf("%s.refund_line_items[%d]", at, i)
		out.lines = append(out.lines, sheetRefundLine{
			line: string(l.Line), restock: l.Restock.word(), quantity: r.count(field+".quantity", l.Quantity),
			subtotal: r.presentment(field+".subtotal_set", l.Subtotal, s.currency), tax: r.presentment(field+".total_tax_set", l.Tax, s.currency),
		})
	}
	for i, t := range f.Transactions {
		tx := transaction{id: string(t.ID), kind: t.Kind.word(), status: t.Status.word(), gateway: t.Gateway, parent: string(t.Parent)}
		if t.Currency != "" && t.Currency != s.currency {
			s.blind = append(s.blind, at+".transactions")
		} else {
			tx.amount = r.amount(fmt.Sprintf("%s.transactions[%d].amount", at, i), t.Amount, s.currency)
		}
		out.txs = append(out.txs, tx)
	}
	return out
}
