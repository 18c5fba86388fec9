package daraz

import (
	"fmt"
	"strconv"
	"time"
)

// Fees this marketplace takes, in ten-thousandths of the item price. Invented: rates differ by category and are not published with the API.
const (
	commissionRate = 1000
	paymentRate    = 125
)

// payAfter is how long after a statement's end it counts as paid.
const payAfter = 3 * 24 * time.Hour

// ledgerRow is one line of the seller's account, signed from the seller's side: credits positive, fees negative.
type ledgerRow struct {
	at      time.Time
	number  string
	feeType int
	unit    *unit
	amount  int64
}

// fees are the type ids that are booked here, with their names and groups (channel-daraz §1.11).
var fees = map[int]struct{ name, group string }{
	13:  {"Item Price Credit", "Orders-Sales"},
	8:   {"Shipping Fee (Paid By Customer)", "Orders-Logistics"},
	16:  {"Commission", "Orders-Lazada Fees"},
	3:   {"Payment Fee", "Orders-Lazada Fees"},
	28:  {"Automatic Shipping Fee", "Orders-Logistics"},
	202: {"Seller Funded Voucher", "Orders-Marketing Fees"},
	14:  {"Reversal Item Price", "Refunds-Sales"},
	15:  {"Reversal Commission", "Refunds-Lazada Fees"},
	203: {"Reversal Seller Funded Voucher", "Refunds-Marketing Fees"},
}

func (m *Market) book(u *unit, number string, feeType int, amount int64) {
	if amount != 0 {
		s := u.order.shop
		s.ledger = append(s.ledger, &ledgerRow{at: m.second(), number: number, feeType: feeType, unit: u, amount: amount})
	}
}

// bookDelivered credits a delivered unit. All rows of it share one transaction number, as live rows do.
func (m *Market) bookDelivered(u *unit) {
	n := m.id(9)
	m.book(u, n, 13, u.price)
	m.book(u, n, 8, u.shipping.net())
	m.book(u, n, 28, -u.shipping.net())
	m.book(u, n, 202, -u.seller)
	m.book(u, n, 16, -u.price*commissionRate/10000)
	m.book(u, n, 3, -u.price*paymentRate/10000)
}

// bookReturned takes the item price back and returns the commission; the payment fee stays.
func (m *Market) bookReturned(u *unit) {
	n := m.id(9)
	m.book(u, n, 14, -u.price)
	m.book(u, n, 15, u.price*commissionRate/10000)
	m.book(u, n, 203, u.seller)
}

// statement is the week a row falls into, Monday to Sunday in the venture's zone.
func (m *Market) statement(t time.Time) (from, to time.Time) {
	t = t.In(m.venture.zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, m.venture.zone)
	from = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	return from, from.AddDate(0, 0, 6)
}

func (m *Market) settled(to, now time.Time) bool { return now.After(to.AddDate(0, 0, 1).Add(payAfter)) }

// transactions are the account's rows. A span of 180 days or more is refused.
func (c *call) transactions() (answer, error) {
	from, err1 := time.ParseInLocation("2006-01-02", c.get("start_time"), c.m.venture.zone)
	to, err2 := time.ParseInLocation("2006-01-02", c.get("end_time"), c.m.venture.zone)
	if err1 != nil || err2 != nil {
		return answer{}, refuse(isp, "17", "E017: Invalid Date Format")
	}
	if to.Before(from) || to.Sub(from) >= 180*24*time.Hour {
		return answer{}, refuse(isp, "InvalidParameter", "The time span must be less than 180 days")
	}
	offset, limit := 0, 500
	for name, into := range map[string]*int{"offset": &offset, "limit": &limit} {
		if text := c.get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || (name == "limit" && n > 500) {
				return answer{}, refuse(isp, "19", "E019: %q Invalid Limit", text)
			}
			*into = n
		}
	}
	rows := []any{}
	for _, r := range c.shop.ledger {
		day := r.at.In(c.m.venture.zone)
		if day.Before(from) || !day.Before(to.AddDate(0, 0, 1)) || !c.wantsRow(r) {
			continue
		}
		rows = append(rows, c.row(r))
	}
	return data(rows[min(offset, len(rows)):min(offset+limit, len(rows))]), nil
}

func (c *call) wantsRow(r *ledgerRow) bool {
	if t := c.get("trans_type"); t != "" && t != "-1" && t != strconv.Itoa(r.feeType) {
		return false
	}
	if id := c.get("trade_order_id"); id != "" && id != r.unit.order.id {
		return false
	}
	id := c.get("trade_order_line_id")
	return id == "" || id == r.unit.id
}

func (c *call) row(r *ledgerRow) map[string]any {
	m, u := c.m, r.unit
	q := m.quill(r.number + strconv.Itoa(r.feeType))
	from, to := m.statement(r.at)
	paid := "Not paid"
	if m.settled(to, c.now) {
		paid = "Paid"
	}
	amount := decimal(r.amount)
	if !q.plain && q.pick("amount", 3) == 0 {
		amount = grouped(r.amount)
	}
	return map[string]any{
		"transaction_date": r.at.In(m.venture.zone).Format("02 Jan 2006"), "transaction_number": r.number,
		"transaction_type": fees[r.feeType].group, "fee_name": fees[r.feeType].name, "fee_type": strconv.Itoa(r.feeType),
		"amount": amount, "VAT_in_amount": "0.00", "WHT_amount": "0.00", "WHT_included_in_amount": "No",
		"statement": day(from) + " - " + day(to), "paid_status": paid, "order_no": u.order.id, "orderItem_no": u.id,
		"orderItem_status": u.status, "seller_sku": u.product.sku, "lazada_sku": u.product.shopSKU, "reference": "", "comment": "",
		"payment_ref_id": "", "shipping_provider": "", "shipping_speed": "", "shipment_type": "", "details": u.product.name,
	}
}

func day(t time.Time) string { return t.Format("02 Jan 2006") }

// payouts are the weekly statements: subtotal1 = item_revenue + other_revenue_total − fees_total, subtotal2 = subtotal1 − refunds, with fees
// and refunds as positive magnitudes.
func (c *call) payouts() (answer, error) {
	var after time.Time
	if text := c.get("created_after"); text != "" {
		t, err := time.ParseInLocation("2006-01-02", text, c.m.venture.zone)
		if err != nil {
			return answer{}, refuse(isp, "17", "E017: %q Invalid Date Format", text)
		}
		after = t
	}
	type sums struct{ item, other, fees, refunds int64 }
	weeks := map[time.Time]*sums{}
	var order []time.Time
	for _, r := range c.shop.ledger {
		from, _ := c.m.statement(r.at)
		w := weeks[from]
		if w == nil {
			w = &sums{}
			weeks[from] = w
			order = append(order, from)
		}
		switch {
		case r.feeType == 13:
			w.item += r.amount
		case r.feeType == 14:
			w.refunds -= r.amount
		case r.amount > 0:
			w.other += r.amount
		default:
			w.fees -= r.amount
		}
	}
	list := []any{}
	var opening int64
	for _, from := range order {
		w, to := weeks[from], from.AddDate(0, 0, 6)
		sub1 := w.item + w.other - w.fees
		sub2 := sub1 - w.refunds
		closing := opening + sub2
		paid, payout := "0", closing
		if c.m.settled(to, c.now) {
			paid = "1"
		}
		if closing < 0 {
			payout = 0
		}
		if created := to.AddDate(0, 0, 1); !created.Before(after) && !created.After(c.now) {
			list = append(list, map[string]any{
				"statement_number": fmt.Sprintf("%s-%s", c.shop.seller.ShortCode, from.Format("2006-0102")),
				"created_at":       created.Format("2006-01-02 15:04:05"), "updated_at": created.Format("2006-01-02 15:04:05"),
				"opening_balance": decimal(opening), "item_revenue": decimal(w.item), "other_revenue_total": decimal(w.other),
				"shipment_fee": "0.00", "shipment_fee_credit": "0.00", "fees_total": decimal(w.fees), "refunds": decimal(w.refunds),
				"fees_on_refunds_total": "0.00", "subtotal1": decimal(sub1), "subtotal2": decimal(sub2), "guarantee_deposit": "0.00",
				"closing_balance": decimal(closing), "payout": decimal(payout) + " " + c.m.venture.currency, "paid": paid,
			})
		}
		opening = closing - payout
	}
	return data(list), nil
}
