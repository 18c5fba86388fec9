package cart

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Buyer is who buys and where it goes.
type Buyer struct {
	Person channel.OwnPerson   `json:"buyer"`
	ShipTo channel.OwnAddress  `json:"ship_to"`
	BillTo *channel.OwnAddress `json:"bill_to,omitempty"`
	Note   string              `json:"note,omitempty"`
}

// View is a cart as its buyer sees it. Buyer and address are masked.
type View struct {
	State    string    `json:"state"`
	Version  int64     `json:"version"`
	Currency string    `json:"currency"`
	Language string    `json:"language"`
	Totals   Totals    `json:"totals"`
	Gone     bool      `json:"items_gone,omitempty"` // some lines are not sold any more and not counted
	Buyer    *Masked   `json:"buyer,omitempty"`
	Delivery string    `json:"delivery,omitempty"`
	Payment  string    `json:"payment,omitempty"`
	Missing  []string  `json:"missing"` // what has to be said before it can be placed
	Held     time.Time `json:"held_until,omitzero"`
	Order    string    `json:"order_number,omitempty"`
	PlacedAt time.Time `json:"placed_at,omitzero"`
}

// Masked is a buyer as shown back: enough to recognise oneself.
type Masked struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone"`
	City  string `json:"city"`
}

// Create opens a cart and answers the token, which is shown this once and kept as a hash.
func (s *Service) Create(ctx context.Context, store Storefront, language string) (token string, v View, err error) {
	token, hash := newToken()
	c := basket{id: db.ID(), store: store.ID, state: Open, currency: store.Currency, language: store.language(language), version: 1}
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into carts (id, storefront_id, token_hash, state, currency, language, delivery, payment, attempt, totals, created_at, updated_at, version)
			values ($1, $2, $3, $4, $5, $6, '', '', 0, '{}', $7, $7, 1)`, c.id, c.store, hash, c.state, c.currency, c.language, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		v, err = s.view(tx, store, &c)
		return err
	})
	return token, v, err
}

// Get shows a cart. Fault: Unauthorized for a token nobody has.
func (s *Service) Get(ctx context.Context, store Storefront, token string) (View, error) {
	var v View
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		c, err := find(tx, store.ID, token, false)
		if err == nil {
			v, err = s.view(tx, store, &c)
		}
		return err
	})
	return v, err
}

// Edit names a cart and the version the buyer saw; 0 is whatever it is.
type Edit struct {
	Store   Storefront
	Token   string
	Version int64
}

// edit changes an open cart. Faults: Conflict with code stale when the buyer saw another version, not_open when it is being placed or was.
func (s *Service) edit(ctx context.Context, e Edit, do func(tx *db.Tx, c *basket) error) (View, error) {
	var v View
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := find(tx, e.Store.ID, e.Token, true)
		if err != nil {
			return err
		}
		if c.state != Open {
			return fault.New(fault.Conflict, "the cart is %s and cannot be changed", c.state).WithCode("not_open")
		}
		if e.Version != 0 && e.Version != c.version {
			return stale()
		}
		if err := do(tx, &c); err != nil {
			return err
		}
		if err := c.save(tx); err != nil {
			return err
		}
		v, err = s.view(tx, e.Store, &c)
		return err
	})
	return v, err
}

// Add puts so many more of a SKU into the cart. Faults: NotFound for what the storefront does not sell, Invalid for too many.
func (s *Service) Add(ctx context.Context, e Edit, sku string, quantity int64) (View, error) {
	if quantity < 1 {
		return View{}, fault.Field("quantity", "must be at least 1")
	}
	return s.setLine(ctx, e, sku, func(have int64) int64 { return have + quantity }, quantity)
}

// Set makes it so many of a SKU; 0 takes it out.
func (s *Service) Set(ctx context.Context, e Edit, sku string, quantity int64) (View, error) {
	if quantity < 0 {
		return View{}, fault.Field("quantity", "must not be negative")
	}
	return s.setLine(ctx, e, sku, func(int64) int64 { return quantity }, quantity)
}

func (s *Service) setLine(ctx context.Context, e Edit, sku string, want func(have int64) int64, given int64) (View, error) {
	if given > MaxQuantity {
		return View{}, fault.Field("quantity", "must be at most %d", MaxQuantity)
	}
	if err := plain("sku", sku, 100); err != nil {
		return View{}, err
	}
	return s.edit(ctx, e, func(tx *db.Tx, c *basket) error {
		ids, err := s.need.Variants(tx, []string{sku})
		if err != nil {
			return err
		}
		id := ids[sku]
		if id == "" {
			return unknownSKU(sku)
		}
		i := slices.IndexFunc(c.lines, func(l line) bool { return l.variant == id })
		var have int64
		if i >= 0 {
			have = c.lines[i].quantity
		}
		return s.putLine(tx, e.Store, c, id, i, want(have))
	})
}

// putLine writes one line: new, changed or gone.
func (s *Service) putLine(tx *db.Tx, store Storefront, c *basket, variant string, i int, n int64) error {
	if n > MaxQuantity {
		return fault.Field("quantity", "makes more than %d of one thing", MaxQuantity)
	}
	if n == 0 {
		_, err := tx.Exec(`delete from cart_lines where cart_id = $1 and variant_id = $2`, c.id, variant)
		c.lines = slices.DeleteFunc(c.lines, func(l line) bool { return l.variant == variant })
		return err
	}
	if i < 0 {
		if len(c.lines) >= MaxLines {
			return fault.Field("lines", "a cart has at most %d lines", MaxLines)
		}
		if err := s.sold(tx, store, variant); err != nil {
			return err
		}
		c.lines = append(c.lines, line{variant, n})
	} else {
		c.lines[i].quantity = n
	}
	_, err := tx.Exec(`insert into cart_lines (id, cart_id, variant_id, quantity) values ($1, $2, $3, $4)
		on conflict (cart_id, variant_id) do update set quantity = excluded.quantity`, db.ID(), c.id, variant, n)
	return err
}

// sold refuses what the storefront does not sell.
func (s *Service) sold(tx *db.Tx, store Storefront, variant string) error {
	items, err := s.need.Items(tx, []string{variant})
	if err != nil {
		return err
	}
	prices, err := s.need.Prices(tx, store, []string{variant})
	if err != nil {
		return err
	}
	if _, known := items[variant]; !known || !sells(prices[variant], store) {
		return unknownSKU("")
	}
	return nil
}

// SetBuyer says who buys and where it goes: checked, sealed, and never kept in clear. Fault: Invalid naming the field.
func (s *Service) SetBuyer(ctx context.Context, e Edit, b Buyer) (View, error) {
	if err := s.checkBuyer(ctx, e.Store, &b); err != nil {
		return View{}, err
	}
	plain, err := json.Marshal(b)
	if err != nil {
		return View{}, fault.Wrap(fault.Internal, err, "the buyer cannot be written")
	}
	return s.edit(ctx, e, func(tx *db.Tx, c *basket) error {
		sealed, err := s.need.Privacy.Seal(plain, "cart/"+c.id+"/buyer")
		if err != nil {
			return err
		}
		if err := s.dropBuyer(tx, c); err != nil {
			return err
		}
		c.buyer, c.buyerKey = sealed.Box, sealed.KeyID
		return s.need.Privacy.Write(tx, []privacy.Sealed{sealed})
	})
}

// dropBuyer destroys what was said about the buyer before.
func (s *Service) dropBuyer(tx *db.Tx, c *basket) error {
	if c.buyerKey == "" {
		return nil
	}
	err := s.need.Privacy.Destroy(tx, []string{c.buyerKey})
	c.buyer, c.buyerKey = nil, ""
	return err
}

// openBuyer opens what the cart keeps of its buyer; nil when nothing was said.
func (s *Service) openBuyer(tx *db.Tx, c *basket) (*Buyer, error) {
	if c.buyerKey == "" {
		return nil, nil
	}
	keys, err := s.need.Privacy.Keys(tx, []string{c.buyerKey})
	if err != nil {
		return nil, err
	}
	plain, err := keys.Open(c.buyerKey, c.buyer, "cart/"+c.id+"/buyer")
	if err != nil {
		return nil, err
	}
	var b Buyer
	if err := json.Unmarshal(plain, &b); err != nil {
		return nil, fault.New(fault.Internal, "a sealed buyer cannot be read") // what the decoder quotes may be a person's name
	}
	return &b, nil
}

// SetDelivery chooses a way to be sent the goods. Fault: Invalid for one the storefront does not offer.
func (s *Service) SetDelivery(ctx context.Context, e Edit, code string) (View, error) {
	if _, ok := e.Store.delivery(code); !ok {
		return View{}, fault.Field("code", "is no delivery of this shop")
	}
	return s.edit(ctx, e, func(_ *db.Tx, c *basket) error { c.delivery = code; return nil })
}

// SetPayment chooses a way to pay. Fault: Invalid for one the storefront does not offer.
func (s *Service) SetPayment(ctx context.Context, e Edit, provider string) (View, error) {
	if _, ok := e.Store.method(provider); !ok {
		return View{}, fault.Field("provider", "is no way to pay in this shop")
	}
	return s.edit(ctx, e, func(_ *db.Tx, c *basket) error { c.payment = provider; return nil })
}

// view shows a cart: computed now while it is open, as it was fixed afterwards.
func (s *Service) view(tx *db.Tx, store Storefront, c *basket) (View, error) {
	v := View{
		State: c.state, Version: c.version, Currency: c.currency, Language: c.language, Delivery: c.delivery, Payment: c.payment, Missing: []string{},
		Order: c.number, PlacedAt: c.placedAt, Totals: c.totals,
	}
	if c.state == Placing {
		v.Held = c.holdUntil
	}
	if c.state != Open {
		return v, nil
	}
	p, err := s.price(tx, store, c)
	if err != nil {
		return v, err
	}
	v.Totals, v.Gone = p.Totals, len(p.gone) > 0
	ids := make([]string, len(v.Totals.Lines))
	for i, l := range v.Totals.Lines {
		ids[i] = l.Variant
	}
	promises, err := s.need.Promise(tx, store, ids)
	if err != nil {
		return v, err
	}
	for i := range v.Totals.Lines {
		st := shown(promises[v.Totals.Lines[i].Variant])
		v.Totals.Lines[i].Stock = &st
	}
	b, err := s.openBuyer(tx, c)
	if err != nil {
		return v, err
	}
	if b != nil {
		v.Buyer = &Masked{
			Name: privacy.MaskName(b.Person.Name), Email: privacy.MaskEmail(b.Person.Email), Phone: privacy.MaskPhone(b.Person.Phone), City: b.ShipTo.City,
		}
	}
	v.Missing = c.missing(store)
	return v, nil
}

// missing names what has to be said before the cart can be placed.
func (c *basket) missing(store Storefront) []string {
	all := []string{}
	if len(c.lines) == 0 {
		all = append(all, "lines")
	}
	if c.buyerKey == "" {
		all = append(all, "buyer")
	}
	if _, ok := store.delivery(c.delivery); !ok {
		all = append(all, "delivery")
	}
	if _, ok := store.method(c.payment); !ok {
		all = append(all, "payment")
	}
	return all
}

// checkBuyer brings what a buyer typed into form, and refuses what a parcel or a call could not use.
func (s *Service) checkBuyer(ctx context.Context, store Storefront, b *Buyer) error {
	if b.BillTo != nil && *b.BillTo == (channel.OwnAddress{}) {
		b.BillTo = nil
	}
	for _, f := range b.fields() {
		*f.text = strings.TrimSpace(*f.text)
		if err := plain(f.name, *f.text, f.most); err != nil {
			return err
		}
	}
	b.Person.ID = ""
	if b.Person.Name == "" {
		return fault.Field("buyer.name", "is missing")
	}
	if b.Person.Email != "" {
		normal, ok := privacy.NormalEmail(b.Person.Email)
		if !ok {
			return fault.Field("buyer.email", "is no e-mail address")
		}
		b.Person.Email = normal
	}
	phone, ok := privacy.NormalPhone(b.Person.Phone, store.Country)
	if !ok {
		return fault.Field("buyer.phone", "is no phone number")
	}
	b.Person.Phone = phone
	to := &b.ShipTo
	if to.Country == "" {
		to.Country = store.Country
	}
	if to.Country != store.Country {
		return fault.Field("ship_to.country", "this shop delivers in %s only", store.Country)
	}
	if to.Name == "" {
		to.Name = b.Person.Name
	}
	if to.Phone == "" {
		to.Phone = phone
	}
	missing, err := s.need.Missing(ctx, to.Country, addressOf(*to))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fault.Field("ship_to."+strings.ReplaceAll(missing[0], "|", " or "), "is missing, or not right for %s", to.Country)
	}
	return nil
}

// field is one text a buyer typed.
type field struct {
	name string
	text *string
	most int
}

func (b *Buyer) fields() []field {
	all := []field{
		{"buyer.name", &b.Person.Name, 120},
		{"buyer.email", &b.Person.Email, 200},
		{"buyer.phone", &b.Person.Phone, 40},
		{"buyer.company", &b.Person.Company, 120},
		{"buyer.tax_id", &b.Person.TaxID, 40},
		{"note", &b.Note, 1000},
	}
	all = append(all, addressFields("ship_to.", &b.ShipTo)...)
	if b.BillTo != nil {
		all = append(all, addressFields("bill_to.", b.BillTo)...)
	}
	return all
}

func addressFields(at string, a *channel.OwnAddress) []field {
	return []field{
		{at + "name", &a.Name, 120},
		{at + "company", &a.Company, 120},
		{at + "phone", &a.Phone, 40},
		{at + "phone2", &a.Phone2, 40},
		{at + "line1", &a.Line1, 200},
		{at + "line2", &a.Line2, 200},
		{at + "district", &a.District, 100},
		{at + "city", &a.City, 100},
		{at + "province", &a.Province, 100},
		{at + "postcode", &a.Postcode, 20},
		{at + "country", &a.Country, 2},
	}
}

// plain refuses text that is too long, is no UTF-8, or has control characters but line breaks.
func plain(field, text string, most int) error {
	if !utf8.ValidString(text) {
		return fault.Field(field, "is not written in UTF-8")
	}
	if utf8.RuneCountInString(text) > most {
		return fault.Field(field, "is longer than %d characters", most)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return fault.Field(field, "has control characters")
	}
	return nil
}

func addressOf(a channel.OwnAddress) channel.Address {
	return channel.Address{
		Name: a.Name, Company: a.Company, Phone: a.Phone, Phone2: a.Phone2, Line1: a.Line1, Line2: a.Line2, District: a.District, City: a.City, Province: a.Province,
		Postcode: a.Postcode, Country: a.Country,
	}
}
