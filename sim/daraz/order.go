package daraz

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// ErrSoldOut says that the shop front has fewer units left than an order wants.
var ErrSoldOut = errors.New("daraz: not enough sellable units")

// OrderSpec is an order as a buyer places it. All amounts are minor units of the venture's currency.
type OrderSpec struct {
	ID       string     `json:"id,omitempty"` // made up when empty; one basket in two shops has the same id in both
	Items    []ItemSpec `json:"items"`
	Payment  string     `json:"payment,omitempty"` // COD when empty; anything else is prepaid
	Paid     bool       `json:"paid,omitempty"`    // a prepaid order is paid at once, else its units are unpaid until Pay
	Buyer    Buyer      `json:"buyer"`
	Shipping int64      `json:"shipping,omitempty"` // fee before discounts

	ShippingSellerDiscount   int64  `json:"shipping_seller_discount,omitempty"`
	ShippingPlatformDiscount int64  `json:"shipping_platform_discount,omitempty"`
	VoucherSeller            int64  `json:"voucher_seller,omitempty"`   // of the whole order, spread over its units by price
	VoucherPlatform          int64  `json:"voucher_platform,omitempty"` // likewise
	VoucherCode              string `json:"voucher_code,omitempty"`
	CashFee                  int64  `json:"cash_fee,omitempty"` // cash_payment_fee, Daraz only
	Note                     string `json:"note,omitempty"`

	Placed   time.Time `json:"placed,omitzero"`    // now when zero
	Oversell bool      `json:"oversell,omitempty"` // sell what the shop front does not have
}

// ItemSpec is one SKU of an order; it becomes Quantity rows.
type ItemSpec struct {
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`            // 1 when zero
	Price     int64  `json:"price,omitempty"`     // the listing's when zero
	Central   bool   `json:"central,omitempty"`   // from Daraz's own warehouse (FBD)
	OwnFleet  bool   `json:"own_fleet,omitempty"` // the seller delivers (SOF)
	Warehouse string `json:"warehouse,omitempty"` // the shop's first when empty
}

// Buyer is who orders and where to. Address5 is the third-level area, Address3 the province, Address4 the city (channel-daraz §1.5).
type Buyer struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name"` // everything is in first_name; last names are empty
	Phone    string `json:"phone"`
	Phone2   string `json:"phone2,omitempty"`
	Street   string `json:"street"`
	Area     string `json:"area,omitempty"`
	City     string `json:"city"`
	Province string `json:"province,omitempty"`
	PostCode string `json:"post_code,omitempty"`
	TaxCode  string `json:"tax_code,omitempty"`
}

// order is a basket's part in one shop.
type order struct {
	shop             *Shop
	id, number       string
	created, updated time.Time
	payment          string
	buyer            Buyer
	cashFee          int64
	code, note       string
	units            []*unit
	askUntil         time.Time // when the buyer's cancel decides itself
	effects          Effects
	messages         []sim.Delivery
}

// PlaceOrder is a buyer's order; it returns the order id. It fails on an unknown SKU, and with ErrSoldOut unless Oversell is set.
func (s *Shop) PlaceOrder(spec OrderSpec) (string, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if err := s.canSell(spec); err != nil {
		return "", err
	}
	o := s.newOrder(spec)
	s.orders = append(s.orders, o)
	s.byID[o.id] = o
	for _, u := range o.units {
		s.units[u.id] = u
		s.m.pushUnit(u)
	}
	return o.id, nil
}

func (s *Shop) canSell(spec OrderSpec) error {
	if len(spec.Items) == 0 {
		return errors.New("daraz: an order needs items")
	}
	if spec.ID != "" && s.byID[spec.ID] != nil {
		return fmt.Errorf("daraz: order %s exists", spec.ID)
	}
	wanted := map[string]int{}
	for _, it := range spec.Items {
		p := s.bySKU[it.SKU]
		if p == nil || !p.active {
			return fmt.Errorf("daraz: SKU %q is not listed", it.SKU)
		}
		if it.Quantity < 0 || it.Quantity > 1000 {
			return fmt.Errorf("daraz: quantity %d", it.Quantity)
		}
		key, left := it.SKU+"|"+it.Warehouse, 0
		if it.Central {
			key, left = it.SKU+"|central", p.central
		} else {
			left = p.level(it.Warehouse).sellable()
		}
		if wanted[key] += max(1, it.Quantity); wanted[key] > left && !spec.Oversell {
			return ErrSoldOut
		}
	}
	return nil
}

func (s *Shop) newOrder(spec OrderSpec) *order {
	at := s.m.second()
	if !spec.Placed.IsZero() {
		at = spec.Placed.Truncate(time.Second)
	}
	id := or(spec.ID, s.m.id(1))
	o := &order{
		shop: s, id: id, number: id, created: at, updated: at, payment: or(spec.Payment, "COD"), buyer: spec.Buyer,
		cashFee: spec.CashFee, code: spec.VoucherCode, note: spec.Note,
	}
	o.buyer.ID = or(o.buyer.ID, s.m.id(6))
	first := pending
	if o.payment != "COD" && !spec.Paid {
		first = unpaid
	}
	for _, it := range spec.Items {
		p := s.bySKU[it.SKU]
		for range max(1, it.Quantity) {
			u := &unit{
				id: s.m.id(2), order: o, product: p, price: or(it.Price, p.price), central: it.Central, ownFleet: it.OwnFleet,
				warehouse: or(it.Warehouse, s.seller.Warehouses[0]), updated: at, status: "",
			}
			u.status = first
			s.m.moveStock(u, "", first)
			if u.central {
				u.warehouse = "dz-" + s.m.cfg.Venture + "-01"
				p.central--
			}
			o.units = append(o.units, u)
		}
	}
	o.spread(spec)
	return o
}

// spread divides the order's vouchers and fees over its units so that the rows add up to the order exactly.
func (o *order) spread(spec OrderSpec) {
	weights := make([]int64, len(o.units))
	left := make([]int64, len(o.units))
	var total int64
	for i, u := range o.units {
		weights[i], left[i] = u.price, u.price
		total += u.price
	}
	seller := min(spec.VoucherSeller, total)
	for i, v := range split(seller, weights) {
		o.units[i].seller = v
		left[i] -= v
	}
	// Spread by what is still to pay, so that two vouchers never exceed the price of a unit.
	for i, v := range split(min(spec.VoucherPlatform, total-seller), left) {
		o.units[i].platform = v
	}
	sd := min(spec.ShippingSellerDiscount, spec.Shipping)
	fees := split(spec.Shipping, weights)
	sds := split(sd, fees)
	rest := make([]int64, len(fees))
	for i := range fees {
		rest[i] = fees[i] - sds[i]
	}
	pds := split(min(spec.ShippingPlatformDiscount, spec.Shipping-sd), rest)
	for i, u := range o.units {
		u.shipping = money3{original: fees[i], seller: sds[i], platform: pds[i]}
	}
}

// split divides total by weights; the parts sum to total, none exceeds its weight while total does not exceed their sum.
func split(total int64, weights []int64) []int64 {
	parts := make([]int64, len(weights))
	var sum, acc, given int64
	for _, w := range weights {
		sum += w
	}
	if sum == 0 {
		if len(parts) > 0 {
			parts[0] = total
		}
		return parts
	}
	for i, w := range weights {
		acc += w
		upto := total * acc / sum
		parts[i] = upto - given
		given = upto
	}
	return parts
}

func (o *order) total(part func(*unit) int64) int64 {
	var n int64
	for _, u := range o.units {
		n += part(u)
	}
	return n
}

// statuses are the distinct statuses of the units, in the order of the rows.
func (o *order) statuses() []string {
	var all []string
	for _, u := range o.units {
		if !slices.Contains(all, u.status) {
			all = append(all, u.status)
		}
	}
	return all
}

// OrderView is an order as the platform itself knows it, for tests and for people. Amounts are minor units.
type OrderView struct {
	ID       string     `json:"id"`
	Seller   string     `json:"seller"`
	Created  time.Time  `json:"created"`
	Updated  time.Time  `json:"updated"`
	Payment  string     `json:"payment"`
	Currency string     `json:"currency"`
	Price    int64      `json:"price"`    // goods before vouchers
	Voucher  int64      `json:"voucher"`  // all vouchers
	Shipping int64      `json:"shipping"` // after discounts
	Due      int64      `json:"due"`      // what the buyer pays: price − voucher + shipping
	Units    []UnitView `json:"units"`
}

// UnitView is one row of an OrderView.
type UnitView struct {
	ID        string `json:"id"`
	SKU       string `json:"sku"`
	ShopSKU   string `json:"shop_sku"`
	Status    string `json:"status"`
	Price     int64  `json:"price"`
	Paid      int64  `json:"paid"`
	Package   string `json:"package,omitempty"`
	Tracking  string `json:"tracking,omitempty"`
	Warehouse string `json:"warehouse"`
	Central   bool   `json:"central,omitempty"`
	OwnFleet  bool   `json:"own_fleet,omitempty"`
	Initiator string `json:"initiator,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Reverse   string `json:"reverse,omitempty"` // the reverse order open or last, its state in ReverseStatus
	State     string `json:"reverse_status,omitempty"`
}

// OrderView shows one order of this shop; false when there is none.
func (s *Shop) OrderView(id string) (OrderView, bool) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.settleDue(s.m.now())
	o := s.byID[id]
	if o == nil {
		return OrderView{}, false
	}
	return o.view(), true
}

// Orders shows every order of this shop, oldest first.
func (s *Shop) Orders() []OrderView {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.settleDue(s.m.now())
	all := make([]OrderView, 0, len(s.orders))
	for _, o := range s.orders {
		all = append(all, o.view())
	}
	return all
}

func (o *order) view() OrderView {
	v := OrderView{
		ID: o.id, Seller: o.shop.seller.ID, Created: o.created, Updated: o.updated, Payment: o.payment, Currency: o.shop.m.venture.currency,
		Price:    o.total(func(u *unit) int64 { return u.price }),
		Voucher:  o.total(func(u *unit) int64 { return u.seller + u.platform }),
		Shipping: o.total(func(u *unit) int64 { return u.shipping.net() }),
	}
	v.Due = v.Price - v.Voucher + v.Shipping
	for _, u := range o.units {
		row := UnitView{
			ID: u.id, SKU: u.product.sku, ShopSKU: u.product.shopSKU, Status: u.status, Price: u.price, Paid: u.paid(),
			Warehouse: u.warehouse, Central: u.central, OwnFleet: u.ownFleet, Initiator: u.initiator, Reason: u.reason,
		}
		if u.parcel != nil {
			row.Package, row.Tracking = u.parcel.id, u.parcel.tracking
		}
		if r := or(u.ask, u.back); r != nil {
			row.Reverse = r.id
			for _, l := range r.lines {
				if l.unit == u {
					row.State = l.status
				}
			}
		}
		v.Units = append(v.Units, row)
	}
	return v
}

// Effects is what a seller has done to an order through the API, by effect: a call that is refused or recognised as done counts nothing.
type Effects struct {
	Packed    int   `json:"packed"`    // units, each time one went into a package
	Ready     int   `json:"ready"`     // units made ready to ship
	Delivered int   `json:"delivered"` // units reported delivered by the seller's own fleet
	Cancelled int   `json:"cancelled"` // units cancelled by the seller, or for a buyer whom the seller agreed with
	Refunds   int   `json:"refunds"`   // reverse order lines whose refund the seller agreed to
	Refunded  int64 `json:"refunded"`  // their amounts, minor units
}

// Effects is what the seller has done to one order; the zero value for an unknown one.
func (s *Shop) Effects(order string) Effects {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if o := s.byID[order]; o != nil {
		return o.effects
	}
	return Effects{}
}

// messagesKept bounds the pushes kept per order.
const messagesKept = 64

// Messages are the latest pushes about one order as they went out or would have gone out to a callback, oldest first, signed.
func (s *Shop) Messages(order string) []sim.Delivery {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if o := s.byID[order]; o != nil {
		return slices.Clone(o.messages)
	}
	return nil
}
