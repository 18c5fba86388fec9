package cart

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Wish is a buyer's wish to buy what is in the cart.
type Wish struct {
	Edit
	Key    string       // the buyer's idempotency key
	Total  money.Amount // what the buyer was shown; no money when not said
	Source string       // the provider's token for card, wallet or account; never a card number
	Return string       // where the provider sends the buyer back to
}

// Answer is what became of a checkout. Without a number the order is placed and its number follows.
type Answer struct {
	State    string       `json:"state"` // placed, or placing while the payment waits
	Number   string       `json:"order_number,omitempty"`
	Order    string       `json:"-"`
	Total    money.Amount `json:"total"`
	Payment  string       `json:"payment"`            // due, authorized, paid, action, pending
	Redirect string       `json:"redirect,omitempty"` // where the buyer has to go first
	Version  int64        `json:"version"`
}

// Refusal is a checkout for which there is not enough stock: it names each line that is short. It is a fault.Conflict.
type Refusal struct {
	Lines []ShortLine
	cause *fault.Error
}

// ShortLine is a line of which there is not enough.
type ShortLine struct {
	SKU    string `json:"sku"`
	Title  string `json:"title"`
	Wanted int64  `json:"wanted"`
	Left   int64  `json:"left"` // at most as many as buyers are shown
}

// Error names the lines.
func (r *Refusal) Error() string { return r.cause.Error() }

// Unwrap is the fault.
func (r *Refusal) Unwrap() error { return r.cause }

func refused(lines []ShortLine) *Refusal {
	var names []string
	for _, l := range lines {
		names = append(names, fmt.Sprintf("%s (%d wanted, %d left)", l.SKU, l.Wanted, l.Left))
	}
	return &Refusal{lines, fault.New(fault.Conflict, "there is not enough of %s", strings.Join(names, ", ")).WithCode("short")}
}

// Place buys what is in the cart: it holds the stock, asks for the money, keeps the order sealed and brings it in at once. Exactly one order comes of a cart,
// whatever is repeated, by whatever key, and wherever it was interrupted: a placed cart answers with its order, one that is being placed goes on.
//
// Faults: a *Refusal naming the lines that are short; Conflict with code declined, hold_expired, price_changed, stale or not_open; Invalid with what is missing, or
// with code key_reused when the key was used for another wish; Unavailable and OutcomeUnknown when the provider did not answer: repeating is safe.
func (s *Service) Place(ctx context.Context, in Wish) (Answer, error) {
	if in.Key == "" || len(in.Key) > 200 {
		return Answer{}, fault.Field("Idempotency-Key", "is missing or too long")
	}
	c, b, err := s.hold(ctx, in)
	if err != nil {
		return Answer{}, err
	}
	switch {
	case c.state == Placed:
		return s.finish(ctx, in.Store, c)
	case c.refusal != nil:
		return Answer{}, c.refusal.err()
	}
	p, err := s.authorize(ctx, in, c, b)
	if err != nil {
		return Answer{}, err
	}
	return s.settle(ctx, in.Store, c.id, c.attempt, p)
}

// hold reserves the stock of an open cart and fixes what it costs. A cart that is being placed, or was, is answered as it is, with its buyer while it has one.
func (s *Service) hold(ctx context.Context, in Wish) (c basket, b *Buyer, err error) {
	key, body := hashOf(in.Key), hashOf(in.Total.String()+"\x00"+in.Source+"\x00"+in.Return)
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		var err error
		if c, err = find(tx, in.Store.ID, in.Token, true); err != nil {
			return err
		}
		if b, err = s.openBuyer(tx, &c); err != nil {
			return err
		}
		again := c.placeKey == key
		if again && c.placeBody != body {
			return fault.Field("Idempotency-Key", "was used for something else").WithCode("key_reused")
		}
		switch {
		case c.state == Expired:
			return fault.New(fault.Conflict, "the cart has expired").WithCode("not_open")
		case c.state == Placing || c.state == Placed, again && c.refusal != nil:
			return nil
		case in.Version != 0 && in.Version != c.version:
			return stale()
		}
		p, err := s.ready(tx, in, &c)
		if err != nil {
			return err
		}
		if err := s.reserve(tx, in.Store, &c, *b, p); err != nil {
			return err
		}
		c.state, c.totals, c.placeKey, c.placeBody, c.refusal = Placing, p.Totals, key, body, nil
		c.attempt++
		c.payState, c.payExternal, c.holdUntil = "", "", tx.Now.Add(placeFor)
		return c.save(tx)
	})
	return c, b, err
}

// ready computes an open cart for the last time, and refuses one that lacks something or costs another sum than the buyer was shown.
func (s *Service) ready(tx *db.Tx, in Wish, c *basket) (priced, error) {
	if missing := c.missing(in.Store); len(missing) > 0 {
		return priced{}, fault.Field(missing[0], "is missing: say it before placing the order")
	}
	p, err := s.price(tx, in.Store, c)
	switch {
	case err != nil:
		return p, err
	case len(p.gone) > 0:
		return p, fault.New(fault.Conflict, "something in the cart is not sold any more: look at it again").WithCode("items_gone")
	case !in.Total.IsNone() && in.Total.Currency != p.Total.Currency:
		return p, fault.Field("total", "is not in %s", p.Total.Currency)
	case !in.Total.IsNone() && in.Total != p.Total:
		return p, fault.New(fault.Conflict, "the cart costs %s now", p.Total).WithCode("price_changed")
	}
	return p, nil
}

// reserve holds all or nothing.
func (s *Service) reserve(tx *db.Tx, store Storefront, c *basket, b Buyer, p priced) error {
	prefer, err := s.need.Rank(tx, store, addressOf(b.ShipTo).Stripped())
	if err != nil {
		return err
	}
	var demands []stock.Demand
	for _, l := range p.Lines {
		if l.Digital {
			continue
		}
		for _, part := range p.parts[l.Variant] {
			demands = append(demands, stock.Demand{
				Holder: stock.ByCart, HolderID: c.id, Variant: part.Variant, Quantity: l.Quantity * part.Quantity, Rank: 1<<62 - tx.Now.UnixMicro(), Prefer: prefer,
				Expires: tx.Now.Add(holdFor),
			})
		}
	}
	if len(demands) == 0 {
		return nil
	}
	out, err := s.need.Reserve(tx, demands)
	if err != nil {
		return err
	}
	if short := shortLines(p, out); len(short) > 0 {
		return refused(short)
	}
	return nil
}

// shortLines are the lines that have a part of which something is missing.
func shortLines(p priced, out stock.Outcome) []ShortLine {
	missing := map[string]stock.Shortage{}
	for _, sh := range out.Shortages {
		if sh.Missing > 0 {
			missing[sh.Variant] = sh
		}
	}
	var short []ShortLine
	for _, l := range p.Lines {
		parts := p.parts[l.Variant]
		if i := slices.IndexFunc(parts, func(x event.Part) bool { return missing[x.Variant].Missing > 0 }); i >= 0 {
			sh := missing[parts[i].Variant]
			left := max(0, sh.Quantity-sh.Missing) / max(1, parts[i].Quantity)
			short = append(short, ShortLine{SKU: l.SKU, Title: l.Title, Wanted: l.Quantity, Left: min(left, shownStock)})
		}
	}
	return short
}
