package daraz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Decode implements channel.Channel: rows become lines, amounts stay as Daraz computed them.
func (s *shop) Decode(raw channel.Raw) (channel.Order, error) {
	if raw.Shape != shape && raw.Shape != "" {
		return channel.Order{}, fault.Field("shape", "%q is none of ours", raw.Shape)
	}
	o, err := readOrder(raw.Doc("order"))
	if err != nil {
		return channel.Order{}, err
	}
	items, err := readItems(raw.Doc("items"))
	if err != nil {
		return channel.Order{}, err
	}
	return s.toOrder(o, items)
}

// draft is an order on its way from theirs to ours.
type draft struct {
	*shop
	raw      rawOrder
	items    []rawItem
	currency string
	out      channel.Order
	units    []channel.Status
	lineOf   map[string]string // unit → line
}

func (s *shop) toOrder(o rawOrder, items []rawItem) (channel.Order, error) {
	d := draft{shop: s, raw: o, items: items, lineOf: map[string]string{}}
	d.out = channel.Order{
		External: o.OrderID.String(), Number: o.OrderNumber.String(), TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
		Statuses: map[string]string{}, Extra: map[string]string{},
	}
	for _, step := range []func() error{d.sameOrder, d.oneCurrency, d.lines, d.charges, d.totals} {
		if err := step(); err != nil {
			return channel.Order{}, err
		}
	}
	d.times()
	d.status()
	d.payment()
	d.parcels()
	d.cancelRequest()
	d.people()
	d.extra()
	return d.out, nil
}

// sameOrder refuses rows of another order and drops a row that is there twice.
func (d *draft) sameOrder() error {
	seen := map[iop.Scalar]bool{}
	d.items = slices.DeleteFunc(slices.Clone(d.items), func(r rawItem) bool {
		twice := r.OrderItemID != "" && seen[r.OrderItemID]
		seen[r.OrderItemID] = true
		if twice {
			d.out.Extra["repeated_rows"] = "yes"
		}
		return twice
	})
	for i, r := range d.items {
		if r.OrderItemID == "" {
			return fault.Field(fmt.Sprintf("items[%d].order_item_id", i), "is missing")
		}
		if r.OrderID != "" && r.OrderID != d.raw.OrderID {
			return fault.Field(fmt.Sprintf("items[%d].order_id", i), "belongs to another order")
		}
	}
	return nil
}

func (d *draft) oneCurrency() error {
	d.currency = d.shop.currency
	for i := range d.items {
		c := strings.ToUpper(d.items[i].Currency.String())
		if c == "" {
			c = d.shop.currency
		}
		if i == 0 {
			d.currency = c
		}
		if c != d.currency || !money.Valid(c) {
			return fault.Field(fmt.Sprintf("items[%d].currency", i), "%.10q does not go with %.10q", c, d.currency)
		}
	}
	d.out.Currency = d.currency
	return nil
}

// amount reads one amount and names the field that is none.
func (d *draft) amount(field string, s iop.Scalar) (money.Amount, error) {
	a, err := s.Money(d.currency)
	if err != nil {
		return a, fault.Field(field, "%.40q is no amount of %s", s.String(), d.currency)
	}
	if s == "" {
		a = money.Zero(d.currency)
	}
	return a, nil
}

// charges are the shipping fee and the fee for paying cash.
func (d *draft) charges() error {
	fee, err := d.shippingFee()
	if err != nil {
		return err
	}
	full, err := d.amount("order.shipping_fee_original", d.raw.ShippingFull)
	if err != nil {
		return err
	}
	discounts, cut, err := d.shippingDiscounts()
	if err != nil {
		return err
	}
	if d.setting("shipping_fee") == "gross" {
		full = fee
		if fee, err = fee.Sub(cut); err != nil {
			return fault.Field("order.shipping_fee", "is too large")
		}
	}
	// Without its original the fee is all that is known: how it came about is told only when the parts make it.
	if rest, err := full.Sub(cut); d.raw.ShippingFull == "" && d.setting("shipping_fee") != "gross" || err != nil || full.IsZero() && rest != fee {
		full, discounts = fee, nil
	}
	if !full.IsZero() || !fee.IsZero() {
		d.out.Charges = append(d.out.Charges, channel.Charge{
			Kind: channel.ChargeShipping, External: "shipping", Title: "Shipping", Amount: full, Discounts: discounts, Total: fee,
		})
	}
	cash, err := d.amount("order.cash_payment_fee", d.raw.CashFee)
	if err != nil {
		return err
	}
	if !cash.IsZero() && d.setting("cash_fee") == "added" {
		d.out.Charges = append(d.out.Charges, channel.Charge{
			Kind: channel.ChargeFee, External: "cash_payment_fee", Title: "Cash payment fee", Amount: cash, Total: cash,
		})
	}
	return nil
}

// shippingFee is the order's, or where the order does not say, that of its units.
func (d *draft) shippingFee() (money.Amount, error) {
	if d.raw.Shipping != "" {
		return d.amount("order.shipping_fee", d.raw.Shipping)
	}
	sum, told := money.Zero(d.currency), false
	for i, r := range d.items {
		field := fmt.Sprintf("items[%d].shipping_amount", i)
		a, err := d.amount(field, r.Shipping)
		if err != nil {
			return sum, err
		}
		told = told || r.Shipping != ""
		if sum, err = sum.Add(a); err != nil {
			return sum, fault.Field(field, "is too large")
		}
	}
	if !told {
		d.out.Money = channel.MoneyPartial
	}
	return sum, nil
}

func (d *draft) shippingDiscounts() (list []channel.Discount, sum money.Amount, err error) {
	sum = money.Zero(d.currency)
	for _, part := range []struct {
		field  string
		value  iop.Scalar
		funder channel.Party
	}{
		{"order.shipping_fee_discount_seller", d.raw.ShippingSeller, channel.Seller},
		{"order.shipping_fee_discount_platform", d.raw.ShippingOurs, channel.ByChannel},
	} {
		a, err := d.amount(part.field, part.value)
		if err != nil {
			return nil, sum, err
		}
		if a = a.Abs(); a.IsZero() {
			continue
		}
		if sum, err = sum.Add(a); err != nil {
			return nil, sum, fault.Field(part.field, "is too large")
		}
		list = append(list, channel.Discount{Title: "Shipping discount", Amount: a, Funder: part.funder})
	}
	return list, sum, nil
}

// totals is what the buyer pays: price − voucher + shipping_fee (+ cash_payment_fee), from the order document alone, so that parity with the rows
// means something.
func (d *draft) totals() error {
	if d.raw.Price == "" {
		d.out.Money = channel.MoneyPartial
		if !slices.ContainsFunc(d.items, func(r rawItem) bool { return r.ItemPrice != "" }) {
			d.out.Money = channel.MoneyAbsent
		}
		return nil
	}
	price, err := d.amount("order.price", d.raw.Price)
	if err != nil {
		return err
	}
	voucher, err := d.orderVoucher()
	if err != nil {
		return err
	}
	total := []money.Amount{price, voucher.Neg()}
	for _, c := range d.out.Charges {
		total = append(total, c.Total)
	}
	if d.out.Total, err = money.Sum(d.currency, total...); err != nil {
		return fault.Field("order.price", "is too large")
	}
	return nil
}

// orderVoucher is the order's voucher; where only its two halves are told, their sum.
func (d *draft) orderVoucher() (money.Amount, error) {
	if d.raw.Voucher != "" {
		a, err := d.amount("order.voucher", d.raw.Voucher)
		return a.Abs(), err
	}
	seller, err := d.amount("order.voucher_seller", d.raw.VoucherSeller)
	if err != nil {
		return seller, err
	}
	theirs, err := d.amount("order.voucher_platform", d.raw.VoucherChannel)
	if err != nil {
		return theirs, err
	}
	sum, err := seller.Abs().Add(theirs.Abs())
	if err != nil {
		return sum, fault.Field("order.voucher_platform", "is too large")
	}
	return sum, nil
}

func (d *draft) when(s iop.Scalar) time.Time {
	t, _ := s.Time(d.zone)
	return t
}

// times: the version is the latest change of order or rows, since rows are read after the order.
func (d *draft) times() {
	d.out.PlacedAt = d.when(d.raw.CreatedAt)
	d.out.Version = d.when(d.raw.UpdatedAt)
	for i := range d.items {
		r := &d.items[i]
		if at := d.when(r.UpdatedAt); at.After(d.out.Version) {
			d.out.Version = at
		}
		if at := d.when(r.CreatedAt); d.out.PlacedAt.IsZero() {
			d.out.PlacedAt = at
		}
		if unitStatus(r.Status.String()) == channel.Cancelled {
			continue
		}
		earliest(&d.out.ShipBy, d.shipBy(r))
		earliest(&d.out.DeliverBy, d.when(r.DeliverTill))
	}
	if d.out.ShipBy.IsZero() {
		for _, part := range strings.Split(d.raw.Promised.String(), ",") {
			earliest(&d.out.ShipBy, d.when(iop.Scalar(part)))
		}
	}
}

// shipBy is a row's deadline: the platform's SLA, else what was promised.
func (d *draft) shipBy(r *rawItem) time.Time {
	if at := d.when(r.SLA); !at.IsZero() {
		return at
	}
	return d.when(r.Promised)
}

func earliest(into *time.Time, at time.Time) {
	if !at.IsZero() && (into.IsZero() || at.Before(*into)) {
		*into = at
	}
}

func (d *draft) status() {
	d.out.Status = rollUp(d.units)
	words := map[string]bool{}
	for _, w := range d.raw.Statuses {
		words[w.String()] = true
	}
	for i := range d.items {
		words[d.items[i].Status.String()] = true
	}
	delete(words, "")
	if all := sorted(words); len(all) > 0 {
		d.out.Statuses["unit"] = strings.Join(all, ",")
	}
}

// payment: COD is collected by Daraz; every other method is prepaid, and paid unless units are unpaid. What a cancelled order had been paid is told
// only by payment_time.
func (d *draft) payment() {
	word := d.raw.PaymentMethod.String()
	if word == "" {
		return
	}
	p := channel.Payment{Gateway: word, Method: method(word), Amount: d.out.Total, Status: channel.Paid}
	for i := range d.items {
		earliest(&p.At, d.when(d.items[i].PaymentTime))
	}
	cash := d.cod[strings.ToLower(word)]
	switch {
	case cash:
		p.Method, p.Collector, p.Status, p.At = channel.PayCOD, channel.ByChannel, channel.Due, time.Time{}
		if d.out.Status == channel.Cancelled {
			p.Status = channel.Voided
		}
	case d.out.Status == channel.Unpaid:
		p.Status = channel.Due
	case d.out.Status == channel.Cancelled && p.At.IsZero(), d.out.Status == channel.Unknown:
		p.Status = channel.Unknown
	}
	d.out.Payments = []channel.Payment{p}
}

// method reads the kind of payment out of words that Daraz does not publish: MIXEDCARD, PAYMENT_ACCOUNT, wallet and bank names.
func method(word string) channel.PaymentMethod {
	w := strings.ToUpper(word)
	switch {
	case strings.Contains(w, "CARD"):
		return channel.PayCard
	case strings.Contains(w, "WALLET"), strings.Contains(w, "PAYMENT_ACCOUNT"):
		return channel.PayWallet
	case strings.Contains(w, "BANK"):
		return channel.PayBank
	}
	return channel.PayOther
}

// extra keeps what a person may want to see, and where Daraz contradicts itself.
func (d *draft) extra() {
	keep := func(name string, s iop.Scalar) {
		if text := s.String(); text != "" && len(text) <= 200 {
			d.out.Extra[name] = text
		}
	}
	keep("warehouse_code", d.raw.Warehouse)
	keep("delivery_info", d.raw.Delivery)
	keep("voucher_code", d.raw.VoucherCode)
	keep("branch_number", d.raw.BranchNumber)
	if d.raw.GiftOption.Bool() {
		d.out.Extra["gift_option"] = "yes"
	}
	types, flags := map[string]bool{}, map[string]bool{}
	for i := range d.items {
		r := &d.items[i]
		types[r.OrderType.String()], flags[r.OrderFlag.String()] = true, true
		keep("stage_pay_status", r.StagePay)
		if r.OwnFleet.Bool() {
			d.out.Extra["own_fleet"] = "yes"
		}
	}
	for name, words := range map[string]map[string]bool{"order_type": types, "order_flag": flags} {
		maps.DeleteFunc(words, func(word string, _ bool) bool { return word == "" || strings.EqualFold(word, "normal") })
		keep(name, iop.Scalar(strings.Join(sorted(words), ",")))
	}
	d.check()
	if len(d.out.Extra) == 0 {
		d.out.Extra = nil
	}
}

// check compares the order document with its rows and notes what differs; only the total, judged by import, holds an order.
func (d *draft) check() {
	if n, ok := d.raw.ItemsCount.Int(); ok && n != int64(len(d.items)) {
		d.out.Extra["check_items_count"] = fmt.Sprintf("order says %d, rows are %d", n, len(d.items))
	}
	sum := func(pick func(*rawItem) iop.Scalar) (money.Amount, bool) {
		total := money.Zero(d.currency)
		for i := range d.items {
			a, err := pick(&d.items[i]).Money(d.currency)
			if err != nil || a.IsNone() {
				return total, false
			}
			if total, err = total.Add(a); err != nil {
				return total, false
			}
		}
		return total, true
	}
	differ := func(name string, order iop.Scalar, pick func(*rawItem) iop.Scalar) {
		want, err := order.Money(d.currency)
		if got, ok := sum(pick); ok && err == nil && !want.IsNone() && got != want {
			d.out.Extra[name] = fmt.Sprintf("order says %s, rows make %s", want.Decimal(), got.Decimal())
		}
	}
	differ("check_price", d.raw.Price, func(r *rawItem) iop.Scalar { return r.ItemPrice })
	differ("check_voucher", d.raw.Voucher, func(r *rawItem) iop.Scalar { return r.Voucher })
}

func lower(s iop.Scalar) string { return strings.ToLower(strings.TrimSpace(s.String())) }

func sorted(set map[string]bool) []string {
	all := make([]string, 0, len(set))
	for k := range set {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
