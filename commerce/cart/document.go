package cart

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// ownOrder writes the order of a cart as it was fixed when it was placed. Nothing is computed here.
func (c *basket) ownOrder(store Storefront, b Buyer, p gateway.Payment, now time.Time) channel.OwnOrder {
	t := c.totals
	o := channel.OwnOrder{
		Schema: 1, ID: c.id, Storefront: store.Code, PlacedAt: now, UpdatedAt: now, Status: "placed", Country: store.Country, Language: c.language, Currency: c.currency,
		TaxMode: t.TaxMode, Total: t.Total, Buyer: b.Person, ShipTo: b.ShipTo, BillTo: b.BillTo, Note: b.Note, Hold: c.id,
	}
	for i, l := range t.Lines {
		ol := channel.OwnLine{
			ID: strconv.Itoa(i + 1), Variant: l.Variant, SKU: l.SKU, Title: l.Title, Quantity: l.Quantity, Price: l.Price, Total: l.Total, Digital: l.Digital,
		}
		if !l.Tax.IsZero() {
			ol.Taxes = []channel.OwnTax{{Title: t.TaxName, Rate: l.TaxRate, Amount: l.Tax}}
		}
		o.Lines = append(o.Lines, ol)
	}
	if d := t.Delivery; d != nil {
		ch := channel.OwnCharge{Kind: channel.ChargeShipping, ID: d.Code, Title: d.Title, Amount: d.Amount, Total: d.Total}
		if !d.Tax.IsZero() {
			ch.Taxes = []channel.OwnTax{{Title: t.TaxName, Rate: d.TaxRate, Amount: d.Tax}}
		}
		o.Charges = append(o.Charges, ch)
	}
	if !t.Rounding.IsZero() {
		o.Rounding = t.Rounding
	}
	if d, ok := store.delivery(c.delivery); ok && d.Days > 0 {
		by := now.AddDate(0, 0, int(d.Days))
		o.DeliverBy = &by
	}
	m, _ := store.method(c.payment)
	pay := channel.OwnPayment{ID: p.External, Method: m.Method, Provider: c.payment, Status: payStatus(p), Amount: t.Total, At: &now}
	if m.Method == channel.PayCOD {
		pay.Collector, pay.At = channel.Courier, nil
	}
	o.Payments = []channel.OwnPayment{pay}
	return o
}

// opened is the order a placed cart keeps. Fault: NotFound with code erased when its key was destroyed.
func (c *basket) opened(keys privacy.Keys) (channel.OwnOrder, error) {
	var o channel.OwnOrder
	plain, err := keys.OpenRaw(c.documentKey, c.document, "cart/"+c.id+"/order")
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(plain, &o); err != nil {
		return o, fault.New(fault.Internal, "a sealed order cannot be read") // what the decoder quotes may be a person's name
	}
	return o, nil
}

// revise changes the order of a placed cart, and puts the new one into c. The order's version is its time, so each is later than the one before.
func (s *Service) revise(ctx context.Context, id string, change func(c *basket, doc *channel.OwnOrder) bool, into *basket) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := get(tx, id)
		if err != nil {
			return err
		}
		keys, err := s.need.Privacy.Keys(tx, []string{c.documentKey})
		if err != nil {
			return err
		}
		doc, err := c.opened(keys)
		if err != nil {
			return err
		}
		if change(&c, &doc) {
			doc.UpdatedAt = tx.Now
			if !doc.UpdatedAt.After(c.changedAt) {
				doc.UpdatedAt = c.changedAt.Add(time.Microsecond)
			}
			if err := s.keep(tx, &c, doc); err != nil {
				return err
			}
			if err := c.save(tx); err != nil {
				return err
			}
		}
		*into = c
		return nil
	})
}

// land brings the order of a placed cart in and keeps its number. Safe to repeat, and beside others who do the same: the document lands once.
func (s *Service) land(ctx context.Context, store Storefront, c *basket) error {
	ch, err := s.One(ctx, store.Account, c.id)
	if err != nil {
		return err
	}
	l, err := s.need.Import(ctx, store.Account, ch)
	if err != nil && ctx.Err() == nil { // somebody else may be bringing it in just now: then it is there the second time
		l, err = s.need.Import(ctx, store.Account, ch)
	}
	if err != nil {
		return err
	}
	if l.OrderID == "" {
		return fault.New(fault.Conflict, "the order waits: %s %s", l.Decision, l.Cause)
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		now, err := get(tx, c.id)
		if err != nil {
			return err
		}
		if now.order == "" {
			now.order, now.number = l.OrderID, l.Number
			if err := now.save(tx); err != nil {
				return err
			}
		}
		*c = now
		return nil
	})
}

// proofOf is what is kept of a buyer's phone number to recognise it by: keyed, and bound to the order.
func (s *Service) proofOf(id, phone string) string {
	mac := hmac.New(sha256.New, s.need.HashKey)
	mac.Write([]byte("cart proof\x00" + id + "\x00" + phone))
	return hex.EncodeToString(mac.Sum(nil))
}

// Prove answers our id of the order with this number when the phone number is the one it was placed with; for an order that replaces what came back of another, the one
// which that was placed with. Fault: NotFound otherwise, whichever of the two is wrong; the time it takes says nothing about the phone number.
func (s *Service) Prove(tx *db.Tx, store Storefront, number, phone string) (order string, err error) {
	normal, isPhone := privacy.NormalPhone(phone, store.Country)
	c, order, err := s.numbered(tx, store, number)
	if err != nil {
		return "", err
	}
	same := hmac.Equal([]byte(s.proofOf(c.id, normal)), []byte(c.proof))
	if !same || !isPhone || order == "" {
		return "", fault.New(fault.NotFound, "there is no order with this number and phone number").WithCode("no_order")
	}
	return order, nil
}

// numbered finds an order of a storefront by our number, and the cart by which the buyer placed it, or what it replaces; nothing when there is none.
func (s *Service) numbered(tx *db.Tx, store Storefront, number string) (c basket, order string, err error) {
	all, err := db.All(tx, scan, `select `+columns+` from carts c where c.order_number = $1 and c.storefront_id = $2`, number, store.ID)
	if err != nil {
		return c, "", err
	}
	if len(all) > 0 {
		return all[0], all[0].order, nil
	}
	order, placed, err := s.need.Instead(tx, store.Account, number)
	if err != nil || order == "" {
		return c, "", err
	}
	all, err = db.All(tx, scan, `select `+columns+` from carts c where c.id = $1 and c.storefront_id = $2`, placed, store.ID)
	if err != nil || len(all) == 0 {
		return c, "", err
	}
	return all[0], order, nil
}

// Forget destroys what carts keep of their buyers: the erasure of these orders' own copies. Safe to repeat.
func (s *Service) Forget(tx *db.Tx, orders []string) error {
	all, err := db.All(tx, scan, `select `+columns+` from carts c where c.state = 'placed' and c.id in (select key from json_each($1)) order by c.id`+tx.Lock(), db.Keys(orders))
	if err != nil {
		return err
	}
	var keys []string
	for _, c := range all {
		for _, k := range []string{c.buyerKey, c.documentKey} {
			if k != "" {
				keys = append(keys, k)
			}
		}
	}
	if err := s.need.Privacy.Destroy(tx, keys); err != nil {
		return err
	}
	_, err = tx.Exec(`update carts set buyer = null, buyer_key = null, document = null, document_key = null, proof = null, changed_at = null, version = version + 1, updated_at = $2
		where state = 'placed' and id in (select key from json_each($1))`, db.Keys(orders), db.Micros(tx.Now))
	return err
}

func number(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0
}
