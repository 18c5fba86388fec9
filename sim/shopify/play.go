package shopify

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/sim"
)

// What buyers, carriers and the merchant's own staff do in the shop, played by whoever runs the simulator. Orders are named by numeric id, by
// gid or by name (#1001).

// ProductSpec is a product with one variant.
type ProductSpec struct {
	SKU       string         `json:"sku"`
	Barcode   string         `json:"barcode,omitempty"`
	Title     string         `json:"title,omitempty"`
	Variant   string         `json:"variant,omitempty"` // title of the variant; "Default Title" when empty
	Vendor    string         `json:"vendor,omitempty"`
	Price     string         `json:"price"`
	Quantity  int            `json:"quantity,omitempty"` // at the first location
	Stock     map[string]int `json:"stock,omitempty"`    // by location name, instead of Quantity
	Grams     int64          `json:"grams,omitempty"`
	GiftCard  bool           `json:"gift_card,omitempty"`
	NoTax     bool           `json:"no_tax,omitempty"`
	Untracked bool           `json:"untracked,omitempty"`
	Policy    string         `json:"policy,omitempty"`     // DENY or CONTINUE
	ProductOf string         `json:"product_of,omitempty"` // a SKU whose product gets one more variant
}

// AddProduct puts a product on sale and answers the gid of its variant. A SKU may be used twice, as in a real shop.
func (s *Shop) AddProduct(spec ProductSpec) (string, error) {
	price, err := parseAmount(spec.Price, s.cfg.Currency)
	if err != nil {
		return "", err
	}
	var id string
	err = s.do(func(e *event) error {
		p, topic, err := s.productFor(spec, e)
		if err != nil {
			return err
		}
		v := &variant{
			p: p, id: s.id("ProductVariant"), itemID: s.id("InventoryItem"), title: cmp.Or(spec.Variant, "Default Title"), sku: spec.SKU, barcode: spec.Barcode,
			price: price, policy: cmp.Or(spec.Policy, s.cfg.InventoryPolicy), taxable: !spec.NoTax && !spec.GiftCard, tracked: !spec.Untracked && !spec.GiftCard,
			shipped: !spec.GiftCard, grams: cmp.Or(spec.Grams, 500), created: e.at, updated: e.at, levels: map[int64]*level{},
		}
		stock := spec.Stock
		if stock == nil {
			stock = map[string]int{s.locations[0].name: spec.Quantity}
		}
		for _, loc := range s.locations {
			v.levels[loc.id] = &level{v: v, loc: loc, id: s.id("InventoryLevel"), available: stock[loc.name], updated: e.at}
		}
		p.variants = append(p.variants, v)
		p.updated = e.at
		s.variants[v.id], s.items[v.itemID] = v, v
		s.bySKU[v.sku] = append(s.bySKU[v.sku], v)
		e.emit(topic, gid("Product", p.id), p.rest)
		id = gid("ProductVariant", v.id)
		return nil
	})
	return id, err
}

func (s *Shop) productFor(spec ProductSpec, e *event) (*product, string, error) {
	if spec.ProductOf != "" {
		sibling := s.bySKU[spec.ProductOf]
		if len(sibling) == 0 {
			return nil, "", fmt.Errorf("no such SKU %q", spec.ProductOf)
		}
		return sibling[0].p, "PRODUCTS_UPDATE", nil
	}
	title := cmp.Or(spec.Title, spec.SKU)
	p := &product{
		s: s, id: s.id("Product"), title: title, vendor: cmp.Or(spec.Vendor, s.cfg.Name), handle: strings.ToLower(strings.ReplaceAll(title, " ", "-")),
		status: "ACTIVE", tags: []string{}, created: e.at, updated: e.at, giftCard: spec.GiftCard,
	}
	s.products = append(s.products, p)
	return p, "PRODUCTS_CREATE", nil
}

// lookup finds an order by numeric id, gid or name.
func (s *Shop) lookup(ref string) *order {
	var n int64
	if id, ok := parseGID("Order", ref); ok {
		return s.orderByID[id]
	}
	if _, err := fmt.Sscanf(ref, "%d", &n); err == nil {
		if o := s.orderByID[n]; o != nil {
			return o
		}
	}
	for _, o := range s.orders {
		if o.name == ref || o.name == "#"+ref {
			return o
		}
	}
	return nil
}

// onOrder runs one change of one order.
func (s *Shop) onOrder(ref string, change func(o *order, e *event) error) error {
	return s.do(func(e *event) error {
		o := s.lookup(ref)
		if o == nil {
			return fmt.Errorf("no order %s", ref)
		}
		return change(o, e)
	})
}

// Pay takes what is outstanding: an authorization is captured, anything else paid by hand.
func (s *Shop) Pay(ref string) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		if o.cancelled != nil || o.outstanding().pres <= 0 {
			return fmt.Errorf("nothing to pay on %s", o.name)
		}
		for _, t := range slices.Clone(o.txs) {
			if t.kind == "AUTHORIZATION" && t.status == "SUCCESS" && !o.capturable().zero() {
				c := o.pay("CAPTURE", "SUCCESS", t.gateway, o.capturable(), t, e.at)
				e.emit("ORDER_TRANSACTIONS_CREATE", gid("OrderTransaction", c.id), c.rest)
				if o.outstanding().pres <= 0 {
					e.emit("ORDERS_PAID", gid("Order", o.id), o.rest)
				}
				o.touch(e)
				return nil
			}
		}
		o.markPaid(e)
		return nil
	})
}

// Cancel is the buyer's cancellation, as staff enters it: restocked, money given back. Orders with parcels refuse.
func (s *Shop) Cancel(ref string) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		if shipped, _, _, _ := o.units(); o.cancelled != nil || shipped > 0 {
			return fmt.Errorf("%s can no longer be cancelled", o.name)
		}
		o.cancel(e, "CUSTOMER", true, true, "")
		return nil
	})
}

// EditQuantity sets the wanted units of a SKU by an order edit; a SKU that is not on the order is added.
func (s *Shop) EditQuantity(ref, sku string, quantity int) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		if o.cancelled != nil || quantity < 0 {
			return fmt.Errorf("%s cannot be edited so", o.name)
		}
		ed := &edit{id: s.id("CalculatedOrder"), o: o, staged: map[*line]int{}, back: map[*line]bool{}}
		for _, l := range o.lines {
			if l.sku != sku {
				continue
			}
			if quantity < l.shippedNow() {
				return fmt.Errorf("%d of %s have left already", l.shippedNow(), sku)
			}
			ed.staged[l], ed.back[l] = quantity, true
			ed.commit(e)
			return nil
		}
		if len(s.bySKU[sku]) == 0 {
			return fmt.Errorf("no such SKU %q", sku)
		}
		ed.added = []stagedLine{{id: s.id("LineItem"), v: s.bySKU[sku][0], n: quantity}}
		ed.commit(e)
		return nil
	})
}

// ChangeAddress gives the order another shipping address.
func (s *Shop) ChangeAddress(ref string, to Address) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		o.shipTo = &to
		o.touch(e)
		return nil
	})
}

// RequestReturn is the buyer asking to send units of a SKU back; it answers the return's gid.
func (s *Shop) RequestReturn(ref, sku string, quantity int, reason string) (string, error) {
	var id string
	err := s.onOrder(ref, func(o *order, e *event) error {
		for _, f := range o.parcels {
			for _, l := range f.lines {
				if f.status != "SUCCESS" || l.line.sku != sku || l.quantity-l.returned < quantity {
					continue
				}
				rl := &retLine{parcel: l, quantity: quantity, reason: cmp.Or(reason, "UNWANTED"), customer: "played by the simulator"}
				id = gid("Return", o.openReturn(e, "REQUESTED", []*retLine{rl}).id)
				return nil
			}
		}
		return fmt.Errorf("%s has no parcel with %d of %s", o.name, quantity, sku)
	})
	return id, err
}

// RefundAmount is staff giving money back without touching lines, in the buyer's currency.
func (s *Shop) RefundAmount(ref, amount string) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		minor, err := parseAmount(amount, o.cur.pres)
		if err != nil {
			return err
		}
		return o.giveBack(e, suggestion{o: o}, minor)
	})
}

// RefundLine is staff taking units of a SKU off the order with their money: restock is CANCEL, RETURN or NO_RESTOCK.
func (s *Shop) RefundLine(ref, sku string, quantity int, restock string) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		for _, l := range o.lines {
			if l.sku != sku || l.current() < quantity || restock == "CANCEL" && l.fulfillable() < quantity {
				continue
			}
			sg := suggestion{o: o}
			sg.value(l, quantity, restock, s.locations[0])
			return o.giveBack(e, sg, min(sg.amount().pres, o.netPayment().pres))
		}
		return fmt.Errorf("%s has no %d of %s to refund", o.name, quantity, sku)
	})
}

// giveBack refunds an amount over the payments, newest first.
func (o *order) giveBack(e *event, sg suggestion, minor int64) error {
	var list []repayment
	left := minor
	for _, t := range slices.Backward(o.txs) {
		can := t.refundable()
		if can.pres <= 0 || left <= 0 {
			continue
		}
		b := can
		if left < can.pres {
			b = bag{unconvert(left, o.fx, o.cur.shop, o.cur.pres), left}
		}
		left -= b.pres
		list = append(list, repayment{t, b})
	}
	if left > 0 {
		return fmt.Errorf("%s more than was received on %s", plain(left, o.cur.pres), o.name)
	}
	o.refund(e, sg, list, "", "")
	return nil
}

// Ship is staff sending everything that is open, by hand.
func (s *Shop) Ship(ref, company, number string) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		m := &mutation{s: s, e: e}
		sent := false
		for _, fo := range slices.Clone(o.fos) {
			if fo.status == "OPEN" || fo.status == "IN_PROGRESS" {
				if picks, _ := fo.pick(nil); len(picks) > 0 {
					m.ship(fo, picks, []tracking{{company: company, number: number}})
					sent = true
				}
			}
		}
		if !sent {
			return fmt.Errorf("%s has nothing to send", o.name)
		}
		return nil
	})
}

// Deliver is the carrier bringing every parcel of the order to the door.
func (s *Shop) Deliver(ref string) error { return s.Scan(ref, "DELIVERED") }

// Scan is a carrier event on every living parcel of the order: IN_TRANSIT, OUT_FOR_DELIVERY, ATTEMPTED_DELIVERY, FAILURE, DELIVERED, ….
func (s *Shop) Scan(ref, status string) error {
	return s.onOrder(ref, func(o *order, e *event) error {
		if shownAs[status] == "" {
			return fmt.Errorf("no such event %q", status)
		}
		sent := false
		for _, f := range o.parcels {
			if f.status == "SUCCESS" {
				f.happen(e, &parcelEvent{id: s.id("FulfillmentEvent"), status: status, happened: e.at, created: e.at})
				sent = true
			}
		}
		if !sent {
			return fmt.Errorf("%s has no parcel", o.name)
		}
		return nil
	})
}

// SetStock is staff counting: the sellable number of a SKU at a location ("" is the first).
func (s *Shop) SetStock(sku, locationName string, available int) error {
	return s.do(func(e *event) error {
		l := s.levelOf(sku, locationName)
		if l == nil {
			return fmt.Errorf("no %s at %q", sku, locationName)
		}
		l.change(e, available-l.available, 0)
		return nil
	})
}

// Stock is what the shop shows as sellable of a SKU at a location ("" is the first); open orders are subtracted already.
func (s *Shop) Stock(sku, locationName string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.levelOf(sku, locationName); l != nil {
		return l.available
	}
	return 0
}

// Available is what the shop front sells of a SKU, over all locations.
func (s *Shop) Available(sku string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.bySKU[sku]; len(list) > 0 {
		return list[0].stock()
	}
	return 0
}

// Committed is how many units of a SKU open orders hold, over all locations.
func (s *Shop) Committed(sku string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, v := range s.bySKU[sku] {
		for _, l := range v.levels {
			n += l.committed
		}
	}
	return n
}

func (s *Shop) levelOf(sku, locationName string) *level {
	if list := s.bySKU[sku]; len(list) > 0 {
		if loc := s.locationNamed(locationName); locationName == "" || loc.name == locationName {
			return list[0].levels[loc.id]
		}
	}
	return nil
}

// Told are the calls of one kind (fulfillmentCreate, inventorySetQuantities, …) that somebody made, oldest first; "" is all of them.
func (s *Shop) Told(kind string) []sim.Entry {
	return s.Record.Entries(sim.Filter{Dir: sim.In, Kind: kind})
}

// Webhook is the signed request that Shopify would send now about an order, under fresh ids, for whoever wants to send it himself.
func (s *Shop) Webhook(topic, ref string) (http.Header, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.lookup(ref)
	if o == nil {
		return nil, nil, fmt.Errorf("no order %s", ref)
	}
	body := encode(o.rest())
	return s.webhookHeader(s.newEvent(), topic, body), body, nil
}
