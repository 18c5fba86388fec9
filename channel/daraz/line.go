package daraz

import (
	"fmt"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// lines counts rows that are alike into lines and keeps each row's id as a unit: pack, cancel, return and finance all address rows.
func (d *draft) lines() error {
	at := map[string]int{}
	for i := range d.items {
		r := &d.items[i]
		key, err := d.lineKey(i)
		if err != nil {
			return err
		}
		n, ok := at[key]
		if !ok {
			n = len(d.out.Lines)
			at[key] = n
			d.out.Lines = append(d.out.Lines, d.newLine(key, r))
		}
		if err := d.addUnit(&d.out.Lines[n], i); err != nil {
			return err
		}
	}
	return nil
}

// lineKey is the row's key with its amounts in one spelling: "99", "99.0" and "99.00" are one price.
func (d *draft) lineKey(i int) (string, error) {
	r := d.items[i]
	for _, a := range []struct {
		name  string
		value *iop.Scalar
	}{{"item_price", &r.ItemPrice}, {"paid_price", &r.PaidPrice}} {
		if *a.value == "" {
			continue
		}
		amount, err := d.amount(fmt.Sprintf("items[%d].%s", i, a.name), *a.value)
		if err != nil {
			return "", err
		}
		*a.value = iop.Scalar(amount.Decimal())
	}
	r.Currency = iop.Scalar(d.currency)
	return r.key(), nil
}

var escaped = strings.NewReplacer("%", "%25", "|", "%7C")

func joinKey(parts []iop.Scalar) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = escaped.Replace(p.String())
	}
	return strings.Join(texts, "|")
}

func (d *draft) newLine(key string, r *rawItem) channel.Line {
	zero := money.Zero(d.currency)
	l := channel.Line{
		External: key, Title: title(r), UnitPrice: zero, Total: zero, FulfilledBy: channel.Seller, Ships: !r.digital(), Location: place(r.Warehouse.String()),
		Listing: channel.ListingRef{External: r.SkuID.String(), Parent: r.ProductID.String(), SKU: r.SKU.String(), Alt: r.ShopSKU.String()},
	}
	if r.theirs() {
		l.FulfilledBy = channel.ByChannel
	}
	if l.Listing == (channel.ListingRef{}) {
		// Something must be there to map by hand; the name is all that Daraz told.
		l.Listing.SKU = r.Name.String()
	}
	return l
}

// place is the warehouse as a location. "dropshipping" is how Daraz calls the only place of a seller who has named none: that is no location.
func place(warehouse string) string {
	if strings.EqualFold(warehouse, "dropshipping") {
		return ""
	}
	return warehouse
}

func title(r *rawItem) string {
	name, variation := r.Name.String(), r.Variation.String()
	if variation == "" || strings.Contains(name, variation) {
		return name
	}
	return name + " (" + variation + ")"
}

func (d *draft) addUnit(l *channel.Line, i int) error {
	r := &d.items[i]
	status := unitStatus(r.Status.String())
	d.units = append(d.units, status)
	d.lineOf[r.OrderItemID.String()] = l.External
	l.Quantity++
	count(&l.Progress, status)
	l.Units = append(l.Units, channel.Unit{
		External: r.OrderItemID.String(), Status: status, Raw: r.Status.String(), Package: r.PackageID.String(), Tracking: r.Tracking.String(), Reason: reason(r),
	})
	return d.addMoney(l, i)
}

// reason is who and why of a cancelled or returned unit. "null-null" was seen live on rows that are neither.
func reason(r *rawItem) string {
	var parts []string
	for _, p := range []iop.Scalar{r.Initiator, r.Reason} {
		if text := p.String(); text != "" && text != "null-null" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ": ")
}

// addMoney adds one row's amounts to its line. The total is paid_price as Daraz gives it; without one it is the price less the vouchers told.
func (d *draft) addMoney(l *channel.Line, i int) error {
	r := &d.items[i]
	field := func(name string) string { return fmt.Sprintf("items[%d].%s", i, name) }
	price, err := d.amount(field("item_price"), r.ItemPrice)
	if err != nil {
		return err
	}
	if r.ItemPrice == "" {
		d.out.Money = channel.MoneyPartial
	}
	cuts, err := d.vouchers(r, field, price)
	if err != nil {
		return err
	}
	paid := price
	if r.PaidPrice != "" {
		if paid, err = d.amount(field("paid_price"), r.PaidPrice); err != nil {
			return err
		}
	} else {
		for _, c := range cuts {
			if paid, err = paid.Sub(c.Amount); err != nil {
				return fault.Field(field("voucher_amount"), "is too large")
			}
		}
	}
	tax, err := d.amount(field("tax_amount"), r.Tax)
	if err != nil {
		return err
	}
	l.UnitPrice = price
	if l.Total, err = l.Total.Add(paid); err != nil {
		return fault.Field(field("paid_price"), "is too large")
	}
	return d.addParts(l, cuts, tax, field)
}

// addParts sums discounts of the same funder and code, and the tax inside the price, over a line's rows.
func (d *draft) addParts(l *channel.Line, cuts []channel.Discount, tax money.Amount, field func(string) string) error {
	var err error
	for _, c := range cuts {
		n := -1
		for j, have := range l.Discounts {
			if have.Funder == c.Funder && have.Code == c.Code && have.Title == c.Title {
				n = j
			}
		}
		if n < 0 {
			l.Discounts = append(l.Discounts, c)
			continue
		}
		if l.Discounts[n].Amount, err = l.Discounts[n].Amount.Add(c.Amount); err != nil {
			return fault.Field(field("voucher_amount"), "is too large")
		}
	}
	if tax.IsZero() {
		return nil
	}
	if len(l.Taxes) == 0 {
		l.Taxes = []channel.Tax{{Title: "Tax", Amount: money.Zero(d.currency), Remitter: channel.Seller}}
	}
	if l.Taxes[0].Amount, err = l.Taxes[0].Amount.Add(tax); err != nil {
		return fault.Field(field("tax_amount"), "is too large")
	}
	return nil
}

// voucher is one part of what a row was reduced by.
type voucher struct {
	field  string
	value  iop.Scalar
	title  string
	code   iop.Scalar
	funder channel.Party
	bonus  bool
}

// vouchers are a row's reductions with who pays for them. Whether the bonuses (lpi) are part of paid_price is said nowhere; they count when they,
// and only they, explain the difference between the two prices.
func (d *draft) vouchers(r *rawItem, field func(string) string, price money.Amount) ([]channel.Discount, error) {
	var plain, bonus []channel.Discount
	for _, v := range d.voucherParts(r) {
		a, err := d.amount(field(v.field), v.value)
		if err != nil {
			return nil, err
		}
		if a = a.Abs(); a.IsZero() {
			continue
		}
		cut := channel.Discount{Code: v.code.String(), Title: v.title, Amount: a, Funder: v.funder}
		if v.bonus {
			bonus = append(bonus, cut)
		} else {
			plain = append(plain, cut)
		}
	}
	if len(bonus) == 0 || r.PaidPrice == "" {
		return plain, nil
	}
	both := append(plain[:len(plain):len(plain)], bonus...)
	if !d.explains(price, plain, r.PaidPrice) && d.explains(price, both, r.PaidPrice) {
		return both, nil
	}
	d.out.Extra["voucher_lpi"] = "told beside paid_price"
	return plain, nil
}

func (d *draft) voucherParts(r *rawItem) []voucher {
	code := func(own iop.Scalar) iop.Scalar {
		if own != "" {
			return own
		}
		return r.VoucherCode
	}
	parts := []voucher{
		{"voucher_seller", r.VoucherSeller, "Seller voucher", code(r.CodeSeller), channel.Seller, false},
		{"voucher_platform", r.VoucherChannel, "Daraz voucher", code(r.CodeChannel), channel.ByChannel, false},
	}
	if r.VoucherSeller == "" && r.VoucherChannel == "" {
		parts = []voucher{{"voucher_amount", r.Voucher, "Voucher", r.VoucherCode, d.funder(), false}}
	}
	return append(parts,
		voucher{"voucher_seller_lpi", r.BonusSeller, "Seller bonus", "", channel.Seller, true},
		voucher{"voucher_platform_lpi", r.BonusChannel, "Daraz bonus", "", channel.ByChannel, true})
}

// funder is who pays for a voucher whose row does not say: Daraz, when the order says that its vouchers are all Daraz's, else the seller, which is
// the cautious side.
func (d *draft) funder() channel.Party {
	seller, err1 := d.raw.VoucherSeller.Money(d.currency)
	theirs, err2 := d.raw.VoucherChannel.Money(d.currency)
	if err1 == nil && err2 == nil && seller.IsZero() && !theirs.IsZero() {
		return channel.ByChannel
	}
	return channel.Seller
}

func (d *draft) explains(price money.Amount, cuts []channel.Discount, paid iop.Scalar) bool {
	want, err := paid.Money(d.currency)
	for _, c := range cuts {
		if err == nil {
			price, err = price.Sub(c.Amount)
		}
	}
	return err == nil && price == want
}

// parcels are the packages units are in.
func (d *draft) parcels() {
	at := map[string]int{}
	for i := range d.items {
		r := &d.items[i]
		id := r.PackageID.String()
		status := unitStatus(r.Status.String())
		if id == "" || status == channel.Cancelled {
			continue
		}
		n, ok := at[id]
		if !ok {
			n = len(d.out.Parcels)
			at[id] = n
			d.out.Parcels = append(d.out.Parcels, channel.Parcel{
				External: id, Status: status, Raw: r.Status.String(), Carrier: carrier(r.Provider.String()), Tracking: r.Tracking.String(), Location: place(r.Warehouse.String()),
			})
		}
		p := &d.out.Parcels[n]
		p.Units = append(p.Units, r.OrderItemID.String())
		line := d.lineOf[r.OrderItemID.String()]
		if last := len(p.Lines) - 1; last >= 0 && p.Lines[last].Line == line {
			p.Lines[last].Quantity++
			continue
		}
		p.Lines = append(p.Lines, channel.Quantity{Line: line, Quantity: 1})
	}
}

// carrier is who delivers: "Pickup: X, Delivery: Y" names two, and the one after the first comma is on the road.
func carrier(provider string) string {
	_, tail, ok := strings.Cut(provider, ",")
	if !ok {
		return strings.TrimSpace(provider)
	}
	if name, rest, ok := strings.Cut(tail, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "delivery") {
		tail = rest
	}
	return strings.TrimSpace(tail)
}

// cancelRequest is a buyer's wish that waits: for us (need_cancel_confirm), or, agreed to already, for the logistics (is_cancel_pending). Either way
// these units must not go out.
func (d *draft) cancelRequest() {
	var req *channel.CancelRequest
	asked := func() *channel.CancelRequest {
		if req == nil {
			req = &channel.CancelRequest{By: channel.ByBuyer, Default: channel.Cancelled}
		}
		return req
	}
	for i := range d.items {
		r := &d.items[i]
		if !r.NeedCancelConfirm.Bool() && !r.CancelPending.Bool() || unitStatus(r.Status.String()) == channel.Cancelled {
			continue
		}
		c := asked()
		if c.External == "" {
			c.External = r.ReverseOrderID.String()
		}
		if c.Reason == "" {
			c.Reason = r.Reason.String()
		}
		earliest(&c.Decide, d.when(r.CancelTrigger))
		unit := r.OrderItemID.String()
		c.Units = append(c.Units, unit)
		addQuantity(&c.Lines, d.lineOf[unit])
		if !r.NeedCancelConfirm.Bool() {
			d.out.Extra["cancel_pending"] = "agreed, waits for logistics"
		}
	}
	if (d.raw.NeedCancelConfirm.Bool() || d.raw.CancelPending.Bool()) && d.out.Status != channel.Cancelled {
		asked() // the order alone says so: it is about all of it
	}
	d.out.CancelRequest = req
}

func addQuantity(list *[]channel.Quantity, line string) {
	for i := range *list {
		if (*list)[i].Line == line {
			(*list)[i].Quantity++
			return
		}
	}
	*list = append(*list, channel.Quantity{Line: line, Quantity: 1})
}
