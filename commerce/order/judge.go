package order

import (
	"fmt"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// judged is an arrival's money, added up and compared with what the channel said.
type judged struct {
	sums    Sums
	lines   []lineMoney
	charges []chargeMoney
	// off says why the order must be held, in words for a person; "" when it adds up.
	off string
}

type lineMoney struct{ goods, discount, discountChannel, tax, taxChannel, total int64 }

type chargeMoney struct{ amount, discount, discountChannel, tax, taxChannel, total int64 }

// judge adds up what the channel computed. Parity is judged only when the money is complete: a difference of at most one minor unit a line
// becomes the explicit rounding line, more holds the order with the difference shown. Nothing is recomputed.
// A mixed or unknown currency is fault.Invalid.
func judge(o *channel.Order) (judged, error) {
	var j judged
	if _, ok := money.Exponent(o.Currency); !ok {
		return j, fault.Field("currency", "%q is not an ISO 4217 currency", o.Currency)
	}
	add := &adder{currency: o.Currency}
	for i := range o.Lines {
		at := fmt.Sprintf("lines[%d]", i)
		l := &o.Lines[i]
		if err := countable(at, l); err != nil {
			return j, err
		}
		var m lineMoney
		m.goods = add.times(at+".unit_price", l.UnitPrice, l.Quantity)
		add.owed(at+".unit_price", l.UnitPrice)
		add.owed(at+".total", l.Total)
		m.discount, m.discountChannel = add.discounts(at, l.Discounts)
		m.tax, m.taxChannel = add.taxes(at, l.Taxes)
		m.total = add.one(at+".total", l.Total)
		if o.Money == channel.MoneyComplete {
			add.compare(at, o.TaxMode, m.goods-m.discount, m.tax, m.total, &j)
		}
		j.lines = append(j.lines, m)
		j.sums.Goods = add.plus(j.sums.Goods, m.goods)
		j.sums.take(add, m.discount, m.discountChannel, m.tax, m.taxChannel)
		j.sums.Total = add.plus(j.sums.Total, m.total)
	}
	for i := range o.Charges {
		at := fmt.Sprintf("charges[%d]", i)
		c := &o.Charges[i]
		var m chargeMoney
		m.amount = add.one(at+".amount", c.Amount)
		m.discount, m.discountChannel = add.discounts(at, c.Discounts)
		m.tax, m.taxChannel = add.taxes(at, c.Taxes)
		m.total = add.one(at+".total", c.Total)
		j.charges = append(j.charges, m)
		j.sums.take(add, m.discount, m.discountChannel, m.tax, m.taxChannel)
		j.sums.Charges = add.plus(j.sums.Charges, m.total)
		j.sums.Total = add.plus(j.sums.Total, m.total)
	}
	said := add.one("total", o.Total)
	add.owed("total", o.Total)
	for i := range o.Payments {
		add.one(fmt.Sprintf("payments[%d].amount", i), o.Payments[i].Amount)
		add.owed(fmt.Sprintf("payments[%d].amount", i), o.Payments[i].Amount)
	}
	for i := range o.Refunds {
		add.one(fmt.Sprintf("refunds[%d].amount", i), o.Refunds[i].Amount)
		add.owed(fmt.Sprintf("refunds[%d].amount", i), o.Refunds[i].Amount)
	}
	if add.err != nil {
		return judged{}, add.err
	}
	if o.Money == channel.MoneyComplete {
		j.balance(said, int64(len(o.Lines)+len(o.Charges)))
	} else if o.Total.Currency != "" {
		j.sums.Total = said
	}
	j.sums.Owed = j.sums.Total + j.sums.DiscountChannel - j.sums.TaxChannel
	return j, nil
}

// balance compares the sum with the channel's total.
func (j *judged) balance(said, parts int64) {
	diff := said - j.sums.Total
	switch {
	case diff == 0:
	case diff >= -parts && diff <= parts:
		j.sums.Rounding, j.sums.Total = diff, said
	default:
		j.sums.Difference, j.sums.Total = diff, said
		j.off = fmt.Sprintf("lines and charges add up to %d minor units less than the channel's total", diff)
		if diff < 0 {
			j.off = fmt.Sprintf("lines and charges add up to %d minor units more than the channel's total", -diff)
		}
	}
}

func (s *Sums) take(add *adder, discount, discountChannel, tax, taxChannel int64) {
	s.Discount = add.plus(s.Discount, discount)
	s.DiscountChannel = add.plus(s.DiscountChannel, discountChannel)
	s.Tax = add.plus(s.Tax, tax)
	s.TaxChannel = add.plus(s.TaxChannel, taxChannel)
}

// adder adds amounts of one currency and remembers the first thing that is wrong.
type adder struct {
	currency string
	err      error
}

// compare checks one line's own arithmetic; a line may be off by one minor unit.
func (a *adder) compare(at string, mode channel.TaxMode, net, tax, total int64, j *judged) {
	if mode == channel.TaxExclusive {
		net += tax
	}
	if d := total - net; (d > 1 || d < -1) && j.off == "" {
		j.off = fmt.Sprintf("%s: price × quantity less discounts gives %d minor units, the channel says %d", at, net, total)
		j.sums.Difference = d
	}
}

func (a *adder) one(at string, x money.Amount) int64 {
	if x.Currency != "" && x.Currency != a.currency && a.err == nil {
		a.err = fault.Field(at, "is in %s, the order is in %s", x.Currency, a.currency).WithCode(secondCurrency)
	}
	if (x.Minor > most || x.Minor < -most) && a.err == nil {
		a.err = fault.Field(at, "is larger than any amount that can be right")
	}
	return x.Minor
}

// secondCurrency is the code of an amount that is not in the order's currency, and the cause of its exception.
const secondCurrency = "second_currency"

// owed refuses what cannot be negative.
func (a *adder) owed(at string, x money.Amount) {
	if x.Minor < 0 && a.err == nil {
		a.err = fault.Field(at, "is negative")
	}
}

// mostUnits bounds a line's quantity, so that no count of an order can overflow.
const mostUnits = 100_000_000

// countable checks that a line's units can be what they are said to be.
func countable(at string, l *channel.Line) error {
	p := &l.Progress
	switch {
	case l.Quantity <= 0:
		return fault.Field(at+".quantity", "must be at least 1, is %d", l.Quantity)
	case l.Quantity > mostUnits:
		return fault.Field(at+".quantity", "is larger than any quantity that can be right")
	}
	for _, n := range []int64{p.Cancelled, p.Shipped, p.Delivered, p.Failed, p.Returning, p.Returned, p.Lost} {
		if n < 0 || n > l.Quantity {
			return fault.Field(at+".progress", "counts %d units of %d", n, l.Quantity)
		}
	}
	if p.Sum() > l.Quantity {
		return fault.Field(at+".progress", "counts %d units of %d", p.Sum(), l.Quantity)
	}
	if n := int64(len(l.Units)); n > 0 && n != l.Quantity {
		return fault.Field(at+".units", "lists %d units of %d", n, l.Quantity)
	}
	return nil
}

// most bounds a single amount, so that no sum of an order can overflow.
const most = 1_000_000_000_000_000

func (a *adder) times(at string, x money.Amount, n int64) int64 {
	a.one(at, x)
	r, err := x.Times(n)
	if err != nil && a.err == nil {
		a.err = fault.Field(at, "is too large")
	}
	return r.Minor
}

func (a *adder) plus(x, y int64) int64 {
	r, err := money.Of(x, a.currency).Add(money.Of(y, a.currency))
	if err != nil && a.err == nil {
		a.err = fault.Field("total", "is too large")
	}
	return r.Minor
}

func (a *adder) discounts(at string, all []channel.Discount) (sum, byChannel int64) {
	for i, d := range all {
		v := a.one(fmt.Sprintf("%s.discounts[%d]", at, i), d.Amount)
		sum = a.plus(sum, v)
		if d.Funder == channel.ByChannel {
			byChannel = a.plus(byChannel, v)
		}
	}
	return sum, byChannel
}

func (a *adder) taxes(at string, all []channel.Tax) (sum, byChannel int64) {
	for i, t := range all {
		v := a.one(fmt.Sprintf("%s.taxes[%d]", at, i), t.Amount)
		sum = a.plus(sum, v)
		if t.Remitter == channel.ByChannel {
			byChannel = a.plus(byChannel, v)
		}
	}
	return sum, byChannel
}
