package cart

import (
	"encoding/json"
	"strconv"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Totals is what a cart costs: computed by the country's rules while the cart is open, fixed when it is placed.
type Totals struct {
	TaxMode  channel.TaxMode `json:"tax_mode,omitempty"`
	TaxName  string          `json:"tax_name,omitempty"`
	Lines    []Line          `json:"lines"`
	Delivery *Charge         `json:"delivery,omitempty"`
	Goods    money.Amount    `json:"goods"`    // the lines, tax included where prices include it
	Tax      money.Amount    `json:"tax"`      // of lines and delivery
	Rounding money.Amount    `json:"rounding"` // to what coins can pay, for cash on delivery
	Total    money.Amount    `json:"total"`
}

// Line is one priced line.
type Line struct {
	Variant  string        `json:"variant_id"`
	SKU      string        `json:"sku"`
	Title    string        `json:"title"`
	Quantity int64         `json:"quantity"`
	Price    money.Amount  `json:"price"`
	Compare  *money.Amount `json:"compare_price,omitempty"`
	Tax      money.Amount  `json:"tax"`
	TaxRate  string        `json:"tax_rate"`
	Total    money.Amount  `json:"total"`
	Digital  bool          `json:"digital,omitempty"`
	Stock    *Stock        `json:"stock,omitempty"` // not kept
}

// Charge is what delivery costs.
type Charge struct {
	Code    string       `json:"code"`
	Title   string       `json:"title"`
	Amount  money.Amount `json:"amount"`
	Tax     money.Amount `json:"tax"`
	TaxRate string       `json:"tax_rate"`
	Total   money.Amount `json:"total"`
}

// taxed is one amount on its way to its tax: a line or the delivery.
type taxed struct {
	base       money.Amount
	rate       money.Rate
	tax, total *money.Amount
	shown      *string
}

// total computes a cart. Lines come with price and quantity; rates is by variant. cash rounds for cash on delivery.
func total(lines []Line, rates map[string]money.Rate, ship *Delivery, language string, rules Rules, cash bool, currency string) (Totals, error) {
	t := Totals{TaxMode: rules.TaxMode, TaxName: rules.TaxName, Lines: lines, Rounding: money.Zero(currency)}
	var bases []money.Amount
	var all []taxed
	for i := range lines {
		l := &lines[i]
		base, err := l.Price.Times(l.Quantity)
		if err != nil {
			return t, fault.Field("lines["+strconv.Itoa(i)+"].quantity", "makes an amount that is too large")
		}
		bases = append(bases, base)
		all = append(all, taxed{base, rates[l.Variant], &l.Tax, &l.Total, &l.TaxRate})
	}
	shown, err := money.Sum(currency, bases...)
	if err != nil {
		return t, err
	}
	if ship != nil {
		c := Charge{Code: ship.Code, Title: ship.In(language), Amount: ship.Price}
		if ship.FreeOver != nil && shown.Minor >= ship.FreeOver.Minor {
			c.Amount = money.Zero(currency)
		}
		t.Delivery = &c
		all = append(all, taxed{c.Amount, rules.Rate, &c.Tax, &c.Total, &c.TaxRate})
	}
	if err := tax(all, rules, currency); err != nil {
		return t, err
	}
	return t.sum(all, len(lines), rules, cash, currency)
}

// tax works out the tax of every amount: line by line, or once per rate for the whole bill and then split so that the parts sum exactly.
func tax(all []taxed, rules Rules, currency string) error {
	groups := map[string][]int{}
	var order []string
	for i, one := range all {
		key := one.rate.String()
		if !rules.Bill {
			key += "/" + strconv.Itoa(i)
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], i)
	}
	for _, key := range order {
		members := groups[key]
		base := money.Zero(currency)
		weights := make([]int64, len(members))
		var err error
		for j, i := range members {
			if base, err = base.Add(all[i].base); err != nil {
				return err
			}
			weights[j] = all[i].base.Minor
		}
		sum, err := rules.taxOf(base, all[members[0]].rate)
		if err != nil {
			return err
		}
		parts := []money.Amount{sum}
		if len(members) > 1 {
			if base.IsZero() {
				weights[0] = 1
			}
			if parts, err = sum.Split(weights); err != nil {
				return err
			}
		}
		for j, i := range members {
			if err := all[i].take(parts[j], rules.TaxMode); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r Rules) taxOf(base money.Amount, rate money.Rate) (money.Amount, error) {
	switch {
	case r.TaxMode == channel.TaxNone || rate.IsZero():
		return money.Zero(base.Currency), nil
	case r.TaxMode == channel.TaxExclusive:
		return base.TaxOn(rate, r.RoundMode)
	}
	return base.TaxInside(rate, r.RoundMode)
}

func (t taxed) take(tax money.Amount, mode channel.TaxMode) (err error) {
	*t.tax, *t.total, *t.shown = tax, t.base, t.rate.String()
	if mode == channel.TaxExclusive {
		*t.total, err = t.base.Add(tax)
	}
	return err
}

func (t Totals) sum(all []taxed, lines int, rules Rules, cash bool, currency string) (Totals, error) {
	var taxes, goods, totals []money.Amount
	for i, one := range all {
		taxes, totals = append(taxes, *one.tax), append(totals, *one.total)
		if i < lines {
			goods = append(goods, *one.total)
		}
	}
	var err error
	if t.Tax, err = money.Sum(currency, taxes...); err != nil {
		return t, err
	}
	if t.Goods, err = money.Sum(currency, goods...); err != nil {
		return t, err
	}
	if t.Total, err = money.Sum(currency, totals...); err != nil {
		return t, err
	}
	if cash && rules.CashRound != nil {
		rounded, difference, err := rules.CashRound(t.Total)
		if err != nil {
			return t, err
		}
		t.Total, t.Rounding = rounded, difference
	}
	if t.Total.Minor > most {
		return t, fault.Field("total", "is larger than any order can be")
	}
	return t, nil
}

// most is far above any basket, and far below where sums of an order's parts could overflow.
const most = 1_000_000_000_000

func text(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "the cart cannot be written")
	}
	return string(b), nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
