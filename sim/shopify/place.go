package shopify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ErrSoldOut is the answer to a buyer who wants more than there is of something that is not sold beyond its stock.
var ErrSoldOut = errors.New("sold out")

// PlaceOrder is a buyer checking out: stock is committed, payment recorded, orders/create and its companions are sent.
func (s *Shop) PlaceOrder(spec OrderSpec) (Placed, error) {
	var p Placed
	err := s.do(func(e *event) error {
		o, err := s.draft(spec, e)
		if err != nil {
			return err
		}
		if !spec.Oversell && !o.inStock() {
			return ErrSoldOut
		}
		s.place(o, spec, e)
		p = Placed{ID: fmt.Sprint(o.id), GID: gid("Order", o.id), Name: o.name}
		return nil
	})
	return p, err
}

// draft is the order with its money, before anything else is touched. It fails without leaving a trace.
func (s *Shop) draft(spec OrderSpec, e *event) (*order, error) {
	o := &order{
		s: s, included: !s.cfg.TaxesExcluded, test: spec.Test, note: spec.Note, tags: mergeTags(nil, spec.Tags),
		source: cmp.Or(spec.Source, map[bool]string{true: "pos", false: "web"}[spec.POS]), locale: cmp.Or(spec.Locale, "en"),
		shipTo: spec.Shipping, billTo: spec.Billing, created: e.at, updated: e.at,
		cur: currencies{s.cfg.Currency, cmp.Or(spec.Currency, s.cfg.Currency)},
	}
	if o.billTo == nil {
		o.billTo = spec.Shipping
	}
	if !spec.At.IsZero() {
		o.created = spec.At.UTC().Truncate(time.Second)
		o.updated = o.created
	}
	o.processed = o.created
	if o.cur.pres != o.cur.shop {
		if o.fx = s.rates[o.cur.pres]; o.fx == nil {
			return nil, fmt.Errorf("the shop does not sell in %s", o.cur.pres)
		}
	}
	if len(spec.Lines) == 0 {
		return nil, fmt.Errorf("an order needs a line")
	}
	for i, ls := range spec.Lines {
		l, err := o.specLine(ls)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i, err)
		}
		o.lines = append(o.lines, l)
	}
	for _, k := range slices.Sorted(maps.Keys(spec.Attrs)) {
		o.attrs = append(o.attrs, [2]string{k, spec.Attrs[k]})
	}
	if err := o.price(spec); err != nil {
		return nil, err
	}
	return o, o.checkPayments(spec)
}

// amount is a decimal text in the shop's currency, in both currencies of the order.
func (o *order) amount(text string) (bag, error) {
	if text == "" {
		return bag{}, nil
	}
	minor, err := parseAmount(text, o.cur.shop)
	if err != nil {
		return bag{}, err
	}
	return o.both(minor), nil
}

func (o *order) both(minor int64) bag {
	return bag{minor, convert(minor, o.fx, o.cur.shop, o.cur.pres)}
}

// newLine is a line of a variant at its own price and with the shop's tax, without a place in the order yet.
func (o *order) newLine(v *variant, n int) *line {
	l := &line{
		o: o, v: v, p: v.p, title: v.p.title, variant: v.title, sku: v.sku, vendor: v.p.vendor, quantity: n, unit: o.both(v.price),
		giftCard: v.p.giftCard, ships: v.shipped, taxable: v.taxable && !v.p.giftCard, grams: v.grams,
	}
	l.taxes = taxOn(l.net(), o.s.defaultTaxes(l.taxable), o.included)
	return l
}

func (o *order) specLine(ls LineSpec) (*line, error) {
	if ls.Quantity <= 0 {
		return nil, fmt.Errorf("quantity %d", ls.Quantity)
	}
	var l *line
	if ls.SKU == "" {
		l = &line{o: o, title: cmp.Or(ls.Title, "Custom item"), quantity: ls.Quantity, ships: !ls.GiftCard, taxable: !ls.GiftCard, giftCard: ls.GiftCard}
		l.taxes = o.s.defaultTaxes(l.taxable)
	} else {
		found := o.s.bySKU[ls.SKU]
		if len(found) == 0 {
			return nil, fmt.Errorf("no such SKU %q", ls.SKU)
		}
		l = o.newLine(found[0], ls.Quantity)
	}
	if ls.GiftCard {
		l.giftCard, l.ships, l.taxable, l.taxes = true, false, false, nil
	}
	if ls.NoTax {
		l.taxable, l.taxes = false, nil
	}
	if ls.Price != "" {
		var err error
		if l.unit, err = o.amount(ls.Price); err != nil {
			return nil, err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(ls.Attrs)) {
		l.attrs = append(l.attrs, [2]string{k, ls.Attrs[k]})
	}
	if err := l.specTaxes(ls); err != nil {
		return nil, err
	}
	if ls.Duty != "" {
		b, err := o.amount(ls.Duty)
		if err != nil {
			return nil, err
		}
		l.duties = []*duty{{code: "6109.10", origin: cmp.Or(ls.Origin, "CN"), amount: b}}
	}
	return l, nil
}

func (l *line) specTaxes(ls LineSpec) error {
	if ls.Rates != nil && l.taxable {
		l.taxes = nil
		for _, t := range ls.Rates {
			r, err := parseRate(t.Rate)
			if err != nil {
				return err
			}
			l.taxes = append(l.taxes, taxLine{title: t.Title, rate: r})
		}
	}
	for i := range l.taxes {
		l.taxes[i].channel = ls.ChannelTax
	}
	return nil
}

func (s *Shop) defaultTaxes(taxable bool) []taxLine {
	r, _ := parseRate(s.cfg.TaxRate) // checked by New
	if !taxable || r == 0 {
		return nil
	}
	return []taxLine{{title: s.cfg.TaxName, rate: r}}
}

// price computes discounts, shipping and taxes, once in each currency, so that either adds up by itself.
func (o *order) price(spec OrderSpec) error {
	if err := o.priceShipping(spec); err != nil {
		return err
	}
	for i, ds := range spec.Discount {
		if err := o.discount(i, ds); err != nil {
			return fmt.Errorf("discount %d: %w", i, err)
		}
	}
	for _, l := range o.lines {
		l.taxes = taxOn(l.net(), l.taxes, o.included)
	}
	for _, sl := range o.shipping {
		if o.s.cfg.ShippingTaxed {
			sl.taxes = taxOn(sl.discounted(), o.s.defaultTaxes(true), o.included)
		}
	}
	var err error
	o.tip, err = o.amount(spec.Tip)
	return err
}

func (o *order) priceShipping(spec OrderSpec) error {
	if spec.Shipping == nil || spec.POS {
		return nil
	}
	price, err := o.amount(cmp.Or(spec.ShippingPrice, "0"))
	if err != nil {
		return fmt.Errorf("shipping: %w", err)
	}
	title := cmp.Or(spec.ShippingTitle, "Standard")
	o.shipping = []*shippingLine{{o: o, title: title, code: title, source: "shopify", price: price}}
	return nil
}

// taxOn computes tax lines on a net amount; where prices include tax it is taken out of the amount, all rates together.
func taxOn(net bag, rates []taxLine, included bool) []taxLine {
	sum := int64(0)
	for _, t := range rates {
		sum += int64(t.rate)
	}
	den := int64(1_000_000)
	if included {
		den += sum
	}
	out := make([]taxLine, 0, len(rates))
	for _, t := range rates {
		t.amount = bag{muldiv(net.shop, int64(t.rate), den), muldiv(net.pres, int64(t.rate), den)}
		out = append(out, t)
	}
	return out
}

func (o *order) discount(index int, ds DiscountSpec) error {
	d := &discount{index: index, kind: "manual", title: cmp.Or(ds.Title, "Discount"), target: "LINE_ITEM", selection: "ALL", method: "ACROSS"}
	switch {
	case ds.Code != "":
		d.kind, d.title = "code", ds.Code
	case !ds.Manual && ds.Title != "":
		d.kind = "automatic"
	}
	var err error
	if ds.Percent != "" {
		d.percent, err = parseRate(ds.Percent)
	} else {
		d.amount, err = o.amount(ds.Amount)
	}
	if err != nil {
		return err
	}
	o.discounts = append(o.discounts, d)
	if ds.Shipping {
		d.target, d.method = "SHIPPING_LINE", "EACH"
		for _, sl := range o.shipping {
			take := d.of(sl.discounted())
			sl.allocs = append(sl.allocs, allocation{d, take})
			d.total = d.total.add(take)
		}
		return nil
	}
	targets := o.lines
	if len(ds.Lines) > 0 {
		d.selection = "EXPLICIT"
		targets = nil
		for _, i := range ds.Lines {
			if i < 0 || i >= len(o.lines) {
				return fmt.Errorf("no line %d", i)
			}
			targets = append(targets, o.lines[i])
		}
	}
	d.allocate(targets)
	return nil
}

// of is what the discount takes off one amount, never more than there is.
func (d *discount) of(b bag) bag {
	if d.percent > 0 {
		return bag{muldiv(b.shop, int64(d.percent), 1_000_000), muldiv(b.pres, int64(d.percent), 1_000_000)}
	}
	return bag{min(b.shop, d.amount.shop), min(b.pres, d.amount.pres)}
}

// allocate spreads the discount over lines by what they cost after earlier discounts; gift cards are never discounted.
func (d *discount) allocate(lines []*line) {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l *line) bool { return l.giftCard })
	var sum bag
	shop, pres := make([]int64, len(lines)), make([]int64, len(lines))
	for i, l := range lines {
		net := l.net()
		shop[i], pres[i] = net.shop, net.pres
		sum = sum.add(net)
	}
	total := d.of(sum)
	parts, presParts := spread(total.shop, shop), spread(total.pres, pres)
	for i, l := range lines {
		take := bag{parts[i], presParts[i]}
		l.allocs = append(l.allocs, allocation{d, take})
		d.total = d.total.add(take)
	}
}

// inStock says whether every tracked item is there in full, over all locations together.
func (o *order) inStock() bool {
	want := map[*variant]int{}
	for _, l := range o.lines {
		if l.v != nil && l.v.tracked && l.v.policy == "DENY" {
			want[l.v] += l.quantity
		}
	}
	for v, n := range want {
		if v.stock() < n {
			return false
		}
	}
	return true
}

// place gives the order its numbers, routes and commits its units, records payment, and tells.
func (s *Shop) place(o *order, spec OrderSpec, e *event) {
	s.numbers++
	o.id, o.number = s.id("Order"), s.numbers
	o.name, o.confirm = fmt.Sprintf("#%d", o.number), strings.ToUpper(s.hex(9))
	for _, l := range o.lines {
		l.id = s.id("LineItem")
		for _, d := range l.duties {
			d.id = s.id("Duty")
		}
	}
	for _, sl := range o.shipping {
		sl.id = s.id("ShippingLine")
	}
	o.placed = o.total()
	if spec.Buyer != nil {
		o.email, o.phone = spec.Buyer.Email, spec.Buyer.Phone
		o.customer = s.buyer(spec, o)
	}
	s.orders = append(s.orders, o)
	s.orderByID[o.id] = o
	if spec.POS {
		o.retail = s.locationNamed(spec.Location)
	}
	o.route(e, s.forced(spec))
	o.payments(spec)
	e.emit("ORDERS_CREATE", gid("Order", o.id), o.rest)
	for _, t := range o.txs {
		e.emit("ORDER_TRANSACTIONS_CREATE", gid("OrderTransaction", t.id), t.rest)
	}
	if o.financialStatus() == "PAID" {
		e.emit("ORDERS_PAID", gid("Order", o.id), o.rest)
	}
	e.emit("FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE", gid("Order", o.id), func() kv { return kv{"order": kv{"id": gid("Order", o.id), "status": "open"}} })
	if spec.POS {
		m := &mutation{s: s, e: e}
		for _, fo := range o.fos {
			picks, _ := fo.pick(nil)
			m.ship(fo, picks, nil)
		}
	}
	if spec.At.IsZero() {
		o.touch(e)
	} else {
		o.settle(e) // an order of the past keeps its times
	}
}

func (s *Shop) locationNamed(name string) *location {
	for _, l := range s.locations {
		if l.name == name {
			return l
		}
	}
	return s.locations[0]
}

func (s *Shop) forced(spec OrderSpec) *location {
	if spec.Location == "" && !spec.POS {
		return nil
	}
	return s.locationNamed(spec.Location)
}

// buyer finds the customer by e-mail or phone, or makes one.
func (s *Shop) buyer(spec OrderSpec, o *order) *customer {
	for _, c := range s.customers {
		if !c.redacted && (spec.Buyer.Email != "" && c.person.Email == spec.Buyer.Email || spec.Buyer.Email == "" && spec.Buyer.Phone != "" && c.person.Phone == spec.Buyer.Phone) {
			c.orders++
			c.updated = o.updated
			return c
		}
	}
	c := &customer{s: s, id: s.id("Customer"), person: *spec.Buyer, created: o.created, updated: o.updated, orders: 1, defaultAddr: spec.Shipping}
	s.customers = append(s.customers, c)
	return c
}

// route sends everything from the first location that has it all; else each line from the first that has it, else from the first.
func (o *order) route(e *event, forced *location) {
	var ships []*line
	for _, l := range o.lines {
		if l.ships {
			ships = append(ships, l)
		}
	}
	whole := forced
	for _, loc := range o.s.locations {
		if whole == nil && loc.fulfills && o.allAt(ships, loc) {
			whole = loc
		}
	}
	for _, l := range ships {
		loc := whole
		if loc == nil {
			loc = o.source0(l, l.quantity)
		}
		o.assign(e, loc, l, l.quantity)
	}
}

func (o *order) allAt(lines []*line, loc *location) bool {
	want := map[*level]int{}
	for _, l := range lines {
		if l.v == nil || !l.v.tracked {
			continue
		}
		st := l.stockAt(loc)
		if st == nil {
			return false
		}
		if want[st] += l.quantity; st.available < want[st] {
			return false
		}
	}
	return true
}

func (o *order) checkPayments(spec OrderSpec) error {
	for i, p := range spec.Payments {
		if p.Amount == "" {
			continue
		}
		if _, err := parseAmount(p.Amount, o.cur.pres); err != nil {
			return fmt.Errorf("payment %d: %w", i, err)
		}
	}
	return nil
}

// payments records how the order is paid: at the door, by the payments given, or in full by card.
func (o *order) payments(spec OrderSpec) {
	total := o.total()
	switch {
	case spec.COD:
		o.pay("SALE", "PENDING", o.s.cfg.CODGateway, total, nil, o.created).manual = true
		return
	case total.zero():
		return
	case len(spec.Payments) == 0 && spec.POS:
		o.pay("SALE", "SUCCESS", "cash", total, nil, o.created)
		return
	case len(spec.Payments) == 0 && spec.Test:
		o.pay("SALE", "SUCCESS", "bogus", total, nil, o.created)
		return
	case len(spec.Payments) == 0:
		o.pay("SALE", "SUCCESS", "shopify_payments", total, nil, o.created)
		return
	}
	left := total
	for _, p := range spec.Payments {
		amount := left
		if p.Amount != "" {
			amount.pres, _ = parseAmount(p.Amount, o.cur.pres)
			amount.shop = unconvert(amount.pres, o.fx, o.cur.shop, o.cur.pres)
			if amount.pres == left.pres {
				amount.shop = left.shop
			}
		}
		if cmp.Or(p.Status, "SUCCESS") != "FAILURE" {
			left = left.sub(amount)
		}
		o.pay(cmp.Or(p.Kind, "SALE"), cmp.Or(p.Status, "SUCCESS"), cmp.Or(p.Gateway, "shopify_payments"), amount, nil, o.created)
	}
}
