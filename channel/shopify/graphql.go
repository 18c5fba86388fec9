package shopify

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// shapeGraphQL is the shape of poll and re-read: "order", and as the order needs them "lines.2"…, "transactions", "parts", "fulfillment.ID",
// "refund.ID", "return.ID", each with ".2"… for further pages of lines. Every document is the data member of one answer.
const shapeGraphQL = "graphql"

type graphOrder struct {
	ID                 text   `json:"legacyResourceId"`
	Name               string `json:"name"`
	ConfirmationNumber text   `json:"confirmationNumber"`
	PO                 text   `json:"poNumber"`
	SourceName         text   `json:"sourceName"`
	SourceIdentifier   text   `json:"sourceIdentifier"`
	Test               bool   `json:"test"`
	CreatedAt          text   `json:"createdAt"`
	ProcessedAt        text   `json:"processedAt"`
	UpdatedAt          text   `json:"updatedAt"`
	CancelledAt        text   `json:"cancelledAt"`
	ClosedAt           text   `json:"closedAt"`
	CancelReason       text   `json:"cancelReason"`
	Currency           string `json:"currencyCode"`
	Presentment        string `json:"presentmentCurrencyCode"`
	TaxesIncl          bool   `json:"taxesIncluded"`
	TaxExempt          bool   `json:"taxExempt"`
	DutiesIncl         bool   `json:"dutiesIncluded"`
	Estimated          bool   `json:"estimatedTaxes"`
	Financial          text   `json:"displayFinancialStatus"`
	Fulfillment        text   `json:"displayFulfillmentStatus"`
	Returning          text   `json:"returnStatus"`
	Note               text   `json:"note"`
	Tags               []text `json:"tags"`
	Email              text   `json:"email"`
	Phone              text   `json:"phone"`
	Customer           *struct {
		ID    text `json:"legacyResourceId"`
		First text `json:"firstName"`
		Last  text `json:"lastName"`
	} `json:"customer"`
	Purchasing *struct {
		Company *struct {
			ID string `json:"id"`
		} `json:"company"`
	} `json:"purchasingEntity"`
	ShipTo   *graphAddress `json:"shippingAddress"`
	BillTo   *graphAddress `json:"billingAddress"`
	Gateways []string      `json:"paymentGatewayNames"`
	Total    *bag          `json:"totalPriceSet"`
	Current  *bag          `json:"currentTotalPriceSet"`
	Received *bag          `json:"totalReceivedSet"`
	Tip      *bag          `json:"totalTipReceivedSet"`
	Duties   *bag          `json:"originalTotalDutiesSet"`
	Fees     *bag          `json:"originalTotalAdditionalFeesSet"`
	Rounding *struct {
		Payment *bag `json:"paymentSet"`
	} `json:"totalCashRoundingAdjustment"`
	TransactionsCount *struct {
		Count text `json:"count"`
	} `json:"transactionsCount"`
	Transactions []graphTransaction `json:"transactions"`
	Fulfillments []node             `json:"fulfillments"`
	Refunds      []node             `json:"refunds"`
	Shipping     connection[struct {
		ID          string            `json:"id"`
		Title       text              `json:"title"`
		Removed     bool              `json:"isRemoved"`
		Price       *bag              `json:"originalPriceSet"`
		Allocations []graphAllocation `json:"discountAllocations"`
		Taxes       []graphTax        `json:"taxLines"`
	}] `json:"shippingLines"`
	Lines connection[graphLine] `json:"lineItems"`
}

type node struct {
	ID string `json:"id"`
}

// connection is one page of a list. https://shopify.dev/docs/api/usage/pagination-graphql
type connection[T any] struct {
	Nodes []T  `json:"nodes"`
	Page  page `json:"pageInfo"`
}

type page struct {
	More bool   `json:"hasNextPage"`
	End  string `json:"endCursor"`
}

type graphAddress struct {
	First    text `json:"firstName"`
	Last     text `json:"lastName"`
	Name     text `json:"name"`
	Company  text `json:"company"`
	Address1 text `json:"address1"`
	Address2 text `json:"address2"`
	City     text `json:"city"`
	Province text `json:"province"`
	Zip      text `json:"zip"`
	Country  text `json:"countryCodeV2"`
	Phone    text `json:"phone"`
}

type graphTransaction struct {
	ID      string `json:"id"`
	Kind    text   `json:"kind"`
	Status  text   `json:"status"`
	Gateway string `json:"gateway"`
	Parent  *node  `json:"parentTransaction"`
	Amount  *bag   `json:"amountSet"`
}

type graphAllocation struct {
	Amount      *bag `json:"allocatedAmountSet"`
	Application *struct {
		Type  string `json:"__typename"`
		Code  text   `json:"code"`
		Title text   `json:"title"`
	} `json:"discountApplication"`
}

type graphTax struct {
	Title   text `json:"title"`
	Rate    text `json:"rate"`
	Channel bool `json:"channelLiable"`
	Price   *bag `json:"priceSet"`
}

type legacy struct {
	ID text `json:"legacyResourceId"`
}

func (l *legacy) id() string {
	if l == nil {
		return ""
	}
	return string(l.ID)
}

type graphLine struct {
	ID          string `json:"id"`
	Name        text   `json:"name"`
	SKU         text   `json:"sku"`
	Quantity    text   `json:"quantity"`
	Current     text   `json:"currentQuantity"`
	Unfulfilled text   `json:"unfulfilledQuantity"`
	Ships       bool   `json:"requiresShipping"`
	GiftCard    bool   `json:"isGiftCard"`
	Taxable     bool   `json:"taxable"`
	Attributes  []struct {
		Name  text `json:"key"`
		Value text `json:"value"`
	} `json:"customAttributes"`
	Variant     *legacy           `json:"variant"`
	Product     *legacy           `json:"product"`
	Price       *bag              `json:"originalUnitPriceSet"`
	Allocations []graphAllocation `json:"discountAllocations"`
	Taxes       []graphTax        `json:"taxLines"`
}

type graphFulfillment struct {
	ID        text    `json:"legacyResourceId"`
	Status    text    `json:"status"`
	Display   text    `json:"displayStatus"`
	CreatedAt text    `json:"createdAt"`
	Location  *legacy `json:"location"`
	Tracking  []struct {
		Company text `json:"company"`
		Number  text `json:"number"`
		URL     text `json:"url"`
	} `json:"trackingInfo"`
	Lines connection[struct {
		ID       string `json:"id"`
		Quantity text   `json:"quantity"`
		Line     node   `json:"lineItem"`
	}] `json:"fulfillmentLineItems"`
}

type graphRefund struct {
	ID           text                         `json:"legacyResourceId"`
	ProcessedAt  text                         `json:"processedAt"`
	Note         text                         `json:"note"`
	Transactions connection[graphTransaction] `json:"transactions"`
	Lines        connection[struct {
		Quantity text `json:"quantity"`
		Restock  text `json:"restockType"`
		Line     node `json:"lineItem"`
		Subtotal *bag `json:"subtotalSet"`
		Tax      *bag `json:"totalTaxSet"`
	}] `json:"refundLineItems"`
}

type graphReturn struct {
	ID        string           `json:"id"`
	Name      text             `json:"name"`
	Status    text             `json:"status"`
	CreatedAt text             `json:"createdAt"`
	Exchange  connection[node] `json:"exchangeLineItems"`
	Lines     connection[struct {
		ID          string `json:"id"`
		Quantity    text   `json:"quantity"`
		Reason      text   `json:"returnReason"`
		Note        text   `json:"returnReasonNote"`
		Fulfillment *struct {
			ID   string `json:"id"`
			Line node   `json:"lineItem"`
		} `json:"fulfillmentLineItem"`
		Value *bag `json:"withCodeDiscountedTotalPriceSet"`
	}] `json:"returnLineItems"`
}

// readGraphQL reads the documents of a poll or re-read.
func readGraphQL(raw channel.Raw) (*sheet, error) {
	first := raw.Doc(docOrder)
	if first == nil {
		return nil, fault.Field(docOrder, "the document is missing")
	}
	var answer struct {
		Order *graphOrder `json:"order"`
	}
	if err := json.Unmarshal(first, &answer); err != nil {
		return nil, badJSON(err)
	}
	o := answer.Order
	if o == nil {
		return nil, fault.Field(docOrder, "holds no order")
	}
	r := &reader{}
	s := o.head(r)
	o.shipping(r, s)
	for i := range o.Lines.Nodes {
		s.lines = append(s.lines, o.Lines.Nodes[i].read(r, fmt.Sprintf("lineItems[%d]", i), s.currency))
	}
	txs := o.Transactions
	for _, d := range raw.Docs {
		if err := readMore(r, d, s, &txs); err != nil {
			return nil, err
		}
	}
	for i, t := range txs {
		s.txs = append(s.txs, t.read(r, fmt.Sprintf("transactions[%d]", i), s.currency))
	}
	return s, r.err
}

// readMore reads the documents beside the first.
func readMore(r *reader, d channel.Doc, s *sheet, txs *[]graphTransaction) error {
	kind, _, _ := strings.Cut(d.Name, ".")
	if kind == docOrder || kind == docParts {
		return nil
	}
	var answer struct {
		Order *struct {
			Lines        connection[graphLine] `json:"lineItems"`
			Transactions []graphTransaction    `json:"transactions"`
		} `json:"order"`
		Fulfillment *graphFulfillment `json:"fulfillment"`
		Refund      *graphRefund      `json:"refund"`
		Return      *graphReturn      `json:"return"`
	}
	if err := json.Unmarshal(d.Body, &answer); err != nil {
		return badJSON(err)
	}
	switch {
	case kind == docLines && answer.Order != nil:
		for i := range answer.Order.Lines.Nodes {
			s.lines = append(s.lines, answer.Order.Lines.Nodes[i].read(r, fmt.Sprintf("%s.lineItems[%d]", d.Name, i), s.currency))
		}
	case kind == docTransactions && answer.Order != nil:
		*txs = answer.Order.Transactions
	case kind == docFulfillment && answer.Fulfillment != nil:
		p := answer.Fulfillment.read(r, d.Name)
		if last := len(s.parcels) - 1; last >= 0 && s.parcels[last].id == p.id {
			s.parcels[last].lines = append(s.parcels[last].lines, p.lines...)
		} else {
			s.parcels = append(s.parcels, p)
		}
	case kind == docRefund && answer.Refund != nil:
		f := answer.Refund.read(r, d.Name, s.currency)
		if last := len(s.refunds) - 1; last >= 0 && s.refunds[last].id == f.id {
			s.refunds[last].lines = append(s.refunds[last].lines, f.lines...)
		} else {
			s.refunds = append(s.refunds, f)
		}
	case kind == docReturn && answer.Return != nil:
		t := answer.Return.read(r, d.Name, s.currency)
		if last := len(s.returns) - 1; last >= 0 && s.returns[last].id == t.id {
			s.returns[last].lines = append(s.returns[last].lines, t.lines...)
		} else {
			s.returns = append(s.returns, t)
		}
	}
	return nil
}

func (o *graphOrder) head(r *reader) *sheet {
	s := &sheet{
		id: string(o.ID), name: o.Name, confirmation: string(o.ConfirmationNumber), po: string(o.PO), source: string(o.SourceName), sourceID: string(o.SourceIdentifier),
		test: o.Test, taxIncluded: o.TaxesIncl, taxExempt: o.TaxExempt, dutyIncluded: o.DutiesIncl, estimated: o.Estimated, cancelReason: o.CancelReason.said(),
		processed: r.time("processedAt", o.ProcessedAt), updated: r.time("updatedAt", o.UpdatedAt), cancelled: r.time("cancelledAt", o.CancelledAt),
		closed: r.time("closedAt", o.ClosedAt), shopCurrency: o.Currency, currency: o.Presentment, financial: o.Financial.said(),
		fulfillment: o.Fulfillment.said(), returning: o.Returning.said(), note: string(o.Note), email: string(o.Email), phone: string(o.Phone),
		ship: o.ShipTo.place(), bill: o.BillTo.place(), gateways: o.Gateways,
	}
	if s.id == "" {
		r.fail("legacyResourceId", "is missing")
	}
	if s.processed.IsZero() {
		s.processed = r.time("createdAt", o.CreatedAt)
	}
	r.currencies(s)
	for _, t := range o.Tags {
		s.tags = append(s.tags, string(t))
	}
	if o.Customer != nil {
		s.customer, s.first, s.last = string(o.Customer.ID), string(o.Customer.First), string(o.Customer.Last)
	}
	if o.Purchasing != nil && o.Purchasing.Company != nil {
		s.company = tail(o.Purchasing.Company.ID)
	}
	o.money(r, s)
	return s
}

func (o *graphOrder) money(r *reader, s *sheet) {
	s.total = r.presentment("totalPriceSet", o.Total, s.currency)
	if s.shopCurrency != s.currency {
		s.shop = r.shop("totalPriceSet", o.Total, s.shopCurrency)
	}
	s.current = r.presentment("currentTotalPriceSet", o.Current, s.currency)
	s.received = r.presentment("totalReceivedSet", o.Received, s.currency)
	s.tip = r.presentment("totalTipReceivedSet", o.Tip, s.currency)
	s.duties = r.presentment("originalTotalDutiesSet", o.Duties, s.currency)
	s.fees = r.presentment("originalTotalAdditionalFeesSet", o.Fees, s.currency)
	if o.Rounding != nil {
		s.rounding = r.presentment("totalCashRoundingAdjustment", o.Rounding.Payment, s.currency)
	}
}

func (o *graphOrder) shipping(r *reader, s *sheet) {
	for i, sh := range o.Shipping.Nodes {
		at := fmt.Sprintf("shippingLines[%d]", i)
		s.shipping = append(s.shipping, sheetShipping{
			id: tail(sh.ID), title: string(sh.Title), price: r.presentment(at+".originalPriceSet", sh.Price, s.currency), removed: sh.Removed,
			discounts: graphDiscounts(r, at, sh.Allocations, s.currency), taxes: graphTaxes(r, at, sh.Taxes, s.currency),
		})
	}
}

func (a *graphAddress) place() *place {
	if a == nil {
		return nil
	}
	return &place{
		first: string(a.First), last: string(a.Last), name: string(a.Name), company: string(a.Company), address1: string(a.Address1), address2: string(a.Address2),
		city: string(a.City), province: string(a.Province), zip: string(a.Zip), country: strings.ToUpper(string(a.Country)), phone: string(a.Phone),
	}
}

func (l *graphLine) read(r *reader, at, currency string) sheetLine {
	out := sheetLine{
		id: tail(l.ID), title: string(l.Name), sku: string(l.SKU), variant: l.Variant.id(), product: l.Product.id(),
		quantity: r.count(at+".quantity", l.Quantity), current: -1, open: -1, price: r.presentment(at+".originalUnitPriceSet", l.Price, currency),
		ships: l.Ships, giftCard: l.GiftCard, taxable: l.Taxable, discounts: graphDiscounts(r, at, l.Allocations, currency), taxes: graphTaxes(r, at, l.Taxes, currency),
	}
	if out.id == "" {
		r.fail(at+".id", "is missing")
	}
	if l.Current != "" {
		out.current = r.count(at+".currentQuantity", l.Current)
	}
	for _, p := range l.Attributes {
		out.properties = append(out.properties, channel.Property{Name: string(p.Name), Value: string(p.Value)})
	}
	if l.Unfulfilled != "" {
		out.open = r.count(at+".unfulfilledQuantity", l.Unfulfilled)
	}
	return out
}

// discountKinds are GraphQL's application types in REST's words.
var discountKinds = map[string]string{
	"DiscountCodeApplication": "discount_code", "AutomaticDiscountApplication": "automatic", "ManualDiscountApplication": "manual", "ScriptDiscountApplication": "script",
}

func graphDiscounts(r *reader, at string, all []graphAllocation, currency string) []sheetDiscount {
	var out []sheetDiscount
	for i, a := range all {
		d := sheetDiscount{amount: r.presentment(fmt.Sprintf("%s.discountAllocations[%d]", at, i), a.Amount, currency)}
		if a.Application != nil {
			d.kind, d.code, d.title = discountKinds[a.Application.Type], string(a.Application.Code), string(a.Application.Title)
		}
		out = append(out, d)
	}
	return out
}

func graphTaxes(r *reader, at string, all []graphTax, currency string) []sheetTax {
	var out []sheetTax
	for i, t := range all {
		field := fmt.Sprintf("%s.taxLines[%d]", at, i)
		out = append(out, sheetTax{title: string(t.Title), rate: r.rate(field+".rate", t.Rate), channel: t.Channel, amount: r.presentment(field+".priceSet", t.Price, currency)})
	}
	return out
}

func (t graphTransaction) read(r *reader, at, currency string) transaction {
	out := transaction{id: tail(t.ID), kind: t.Kind.said(), status: t.Status.said(), gateway: t.Gateway, amount: r.presentment(at+".amountSet", t.Amount, currency)}
	if t.Parent != nil {
		out.parent = tail(t.Parent.ID)
	}
	return out
}

func (f *graphFulfillment) read(r *reader, at string) sheetParcel {
	p := sheetParcel{id: string(f.ID), status: f.Status.said(), display: f.Display.said(), location: f.Location.id(), at: r.time(at+".createdAt", f.CreatedAt)}
	for _, t := range f.Tracking {
		if p.carrier == "" {
			p.carrier = string(t.Company)
		}
		if p.url == "" {
			p.url = string(t.URL)
		}
		if t.Number != "" {
			p.numbers = append(p.numbers, string(t.Number))
		}
	}
	for i, l := range f.Lines.Nodes {
		p.lines = append(p.lines, lineCount{tail(l.Line.ID), r.count(fmt.Sprintf("%s.fulfillmentLineItems[%d].quantity", at, i), l.Quantity), l.ID})
	}
	return p
}

func (f *graphRefund) read(r *reader, at, currency string) sheetRefund {
	out := sheetRefund{id: string(f.ID), note: string(f.Note), at: r.time(at+".processedAt", f.ProcessedAt)}
	for i, t := range f.Transactions.Nodes {
		out.txs = append(out.txs, t.read(r, fmt.Sprintf("%s.transactions[%d]", at, i), currency))
	}
	for i, l := range f.Lines.Nodes {
		field := fmt.Sprintf("%s.refundLineItems[%d]", at, i)
		out.lines = append(out.lines, sheetRefundLine{
			line: tail(l.Line.ID), restock: l.Restock.said(), quantity: r.count(field+".quantity", l.Quantity),
			subtotal: r.presentment(field+".subtotalSet", l.Subtotal, currency), tax: r.presentment(field+".totalTaxSet", l.Tax, currency),
		})
	}
	return out
}

func (t *graphReturn) read(r *reader, at, currency string) sheetReturn {
	out := sheetReturn{id: tail(t.ID), name: string(t.Name), status: t.Status.said(), at: r.time(at+".createdAt", t.CreatedAt), exchange: len(t.Exchange.Nodes) > 0}
	for i, l := range t.Lines.Nodes {
		field := fmt.Sprintf("%s.returnLineItems[%d]", at, i)
		line := sheetReturnLine{id: tail(l.ID), reason: l.Reason.said(), quantity: r.count(field+".quantity", l.Quantity)}
		if l.Fulfillment != nil {
			line.line, line.parcelLine = tail(l.Fulfillment.Line.ID), l.Fulfillment.ID
		}
		if out.reference == "" {
			out.reference = channel.Here(string(l.Note))
		}
		if l.Value != nil {
			line.value = r.presentment(field+".withCodeDiscountedTotalPriceSet", l.Value, currency)
		}
		out.lines = append(out.lines, line)
	}
	return out
}
