package daraz

import (
	"fmt"
	"time"
)

// Shop is one seller's side of the marketplace and the buyers in front of it: what a person does in Seller Center, what buyers do, and what
// the couriers report. Everything here happens at once and is pushed like the real thing.
type Shop struct {
	m        *Market
	seller   Seller
	products []*product
	bySKU    map[string]*product
	orders   []*order
	byID     map[string]*order
	units    map[string]*unit
	parcels  map[string]*parcel
	reverses []*reverse
	ledger   []*ledgerRow
}

func newShop(m *Market, i int, s Seller) *Shop {
	s.ID = or(s.ID, fmt.Sprint(100071+i))
	s.UserID = or(s.UserID, fmt.Sprint(500100+i))
	s.ShortCode = or(s.ShortCode, fmt.Sprintf("%s%s", map[string]string{"pk": "PK", "bd": "BD", "lk": "LK", "np": "NP", "mm": "MM"}[m.cfg.Venture], s.ID))
	s.Account = or(s.Account, "seller"+s.ID+"@example.com")
	if len(s.Warehouses) == 0 {
		s.Warehouses = []string{"dropshipping"}
	}
	return &Shop{
		m: m, seller: s,
		bySKU: map[string]*product{}, byID: map[string]*order{}, units: map[string]*unit{}, parcels: map[string]*parcel{},
	}
}

// Seller is who this shop belongs to.
func (s *Shop) Seller() Seller { return s.seller }

// product is one listed SKU. A listing of several variants shares its item id.
type product struct {
	shop             *Shop
	itemID, skuID    string
	sku, shopSKU     string
	name             string
	price, sale      int64 // minor units; sale 0 when there is none
	saleFrom, saleTo time.Time
	levels           map[string]*level // by warehouse
	central          int               // units Daraz itself holds (FBD)
	campaign         bool              // in a mega campaign: stock may rise, not fall
	active           bool
	created, updated time.Time
}

// level is a warehouse's stock of one SKU as the platform counts it: real is the seller's total, of which some is promised already.
type level struct {
	real, withheld, occupied, locked int
}

func (l *level) sellable() int { return l.real - l.withheld - l.occupied - l.locked }

// Stock is the arithmetic of one SKU: Sellable = Real − Withheld − Occupied − Locked (channel-daraz §1.10).
type Stock struct {
	SKU      string `json:"sku"`
	ShopSKU  string `json:"shop_sku"`
	ItemID   string `json:"item_id"`
	SkuID    string `json:"sku_id"`
	Name     string `json:"name"`
	Real     int    `json:"real"`     // the total the seller has told, less what has left as ready to ship
	Withheld int    `json:"withheld"` // units of unpaid orders
	Occupied int    `json:"occupied"` // units pending to packed
	Locked   int    `json:"locked"`   // set aside for a campaign
	Sellable int    `json:"sellable"` // what a buyer can still order
	Central  int    `json:"central"`  // units in Daraz's own warehouse
	Price    int64  `json:"price"`    // minor units
}

// AddProduct lists a SKU with its stock in the first warehouse; price is in minor units. An empty shopSKU is made up. Adding a SKU again
// sets its price and stock.
func (s *Shop) AddProduct(sku, shopSKU string, price int64, qty int) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.addProduct(sku, shopSKU, price, qty)
}

func (s *Shop) addProduct(sku, shopSKU string, price int64, qty int) *product {
	now := s.m.second()
	p := s.bySKU[sku]
	if p == nil {
		item := s.m.id(4)
		skuID := s.m.id(5)
		p = &product{
			shop: s, itemID: item, skuID: skuID, sku: sku, name: "Item " + sku, active: true, created: now, levels: map[string]*level{},
			shopSKU: or(shopSKU, fmt.Sprintf("%s_%s-%s", item, s.seller.ShortCode[:2], skuID)),
		}
		s.products = append(s.products, p)
		s.bySKU[sku] = p
	}
	p.price, p.updated = price, now
	p.level("").real = qty
	return p
}

// Name gives a listed SKU the name buyers see.
func (s *Shop) Name(sku, name string) {
	s.change(sku, func(p *product) { p.name = name })
}

// Central sets how many units of a SKU lie in Daraz's own warehouse.
func (s *Shop) Central(sku string, qty int) {
	s.change(sku, func(p *product) { p.central = qty })
}

// Campaign puts a SKU into a mega campaign, or takes it out: inside, decreases of stock are refused with 4170. Locked units are set aside
// from what buyers can order outside the campaign.
func (s *Shop) Campaign(sku string, on bool, locked int) {
	s.change(sku, func(p *product) { p.campaign, p.level("").locked = on, locked })
}

func (s *Shop) change(sku string, do func(*product)) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if p := s.bySKU[sku]; p != nil {
		do(p)
		p.updated = s.m.second()
	}
}

// Stock is a SKU's stock now; the zero value when it is not listed.
func (s *Shop) Stock(sku string) Stock {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	p := s.bySKU[sku]
	if p == nil {
		return Stock{}
	}
	return p.stock()
}

// Stocks is every SKU's stock, in the order of listing.
func (s *Shop) Stocks() []Stock {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	all := make([]Stock, 0, len(s.products))
	for _, p := range s.products {
		all = append(all, p.stock())
	}
	return all
}

func (p *product) stock() Stock {
	st := Stock{SKU: p.sku, ShopSKU: p.shopSKU, ItemID: p.itemID, SkuID: p.skuID, Name: p.name, Central: p.central, Price: p.price}
	for _, l := range p.levels {
		st.Real += l.real
		st.Withheld += l.withheld
		st.Occupied += l.occupied
		st.Locked += l.locked
		st.Sellable += l.sellable()
	}
	return st
}

// level is the SKU's stock in a warehouse, the default one for "".
func (p *product) level(warehouse string) *level {
	warehouse = or(warehouse, p.shop.seller.Warehouses[0])
	l := p.levels[warehouse]
	if l == nil {
		l = &level{}
		p.levels[warehouse] = l
	}
	return l
}

// second is now as the platform writes times down: whole seconds.
func (m *Market) second() time.Time { return m.now().Truncate(time.Second) }
