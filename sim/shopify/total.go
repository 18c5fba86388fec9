package shopify

// Everything about an order that is derived from its lines, payments and refunds: nothing here is stored, so nothing can disagree.
//
// The rules are those of Shopify's field descriptions: originals count units that were refunded or removed later, current values do not; prices
// hold tax when the order's taxesIncluded says so.

func (l *line) current() int { return l.quantity - l.removed - l.refunded }

func (l *line) gross() bag { return l.unit.times(l.quantity) }

func (l *line) discount() bag {
	var sum bag
	for _, a := range l.allocs {
		sum = sum.add(a.amount)
	}
	return sum
}

func (l *line) lineDiscount() bag {
	var sum bag
	for _, a := range l.allocs {
		if a.d.selection == "EXPLICIT" {
			sum = sum.add(a.amount)
		}
	}
	return sum
}

func (l *line) tax() bag { return taxSum(l.taxes) }

func taxSum(list []taxLine) bag {
	var sum bag
	for _, t := range list {
		sum = sum.add(t.amount)
	}
	return sum
}

func (l *line) net() bag { return l.gross().sub(l.discount()) }

// fulfillable is what fulfillment orders still have to send.
func (l *line) fulfillable() int {
	n := 0
	for _, fo := range l.o.fos {
		for _, fl := range fo.lines {
			if fl.line == l && fo.status != "CANCELLED" {
				n += fl.remaining
			}
		}
	}
	return n
}

// share is the part of a whole-line amount that the next n units to be refunded or removed carry.
func (l *line) share(total bag, n int) bag {
	gone := l.removed + l.refunded
	return total.part(gone, gone+n, l.quantity)
}

// keep is the part of a whole-line amount that stays with the current units.
func (l *line) keep(total bag) bag {
	return total.part(l.removed+l.refunded, l.quantity, l.quantity)
}

func (l *line) dutySum() bag {
	var sum bag
	for _, d := range l.duties {
		sum = sum.add(d.amount)
	}
	return sum
}

func (sl *shippingLine) discounted() bag {
	b := sl.price
	for _, a := range sl.allocs {
		b = b.sub(a.amount)
	}
	return b
}

func (o *order) sum(of func(l *line) bag) bag {
	var total bag
	for _, l := range o.lines {
		total = total.add(of(l))
	}
	return total
}

func (o *order) subtotal() bag { return o.sum((*line).net) }

func (o *order) currentSubtotal() bag {
	return o.sum(func(l *line) bag { return l.keep(l.net()) })
}

func (o *order) shippingTotal() bag {
	var sum bag
	for _, sl := range o.shipping {
		sum = sum.add(sl.discounted())
	}
	return sum
}

func (o *order) shippingRefunded() bag {
	var sum bag
	for _, sl := range o.shipping {
		sum = sum.add(sl.refunded)
	}
	return sum
}

func (o *order) shippingTax() bag {
	var sum bag
	for _, sl := range o.shipping {
		sum = sum.add(taxSum(sl.taxes))
	}
	return sum
}

func (o *order) tax() bag { return o.sum((*line).tax).add(o.shippingTax()) }

func (o *order) currentTax() bag {
	total := o.sum(func(l *line) bag { return l.keep(l.tax()) }).add(o.shippingTax())
	for _, sl := range o.shipping {
		total = total.sub(sl.taxBack)
	}
	return total
}

func (o *order) discountTotal() bag {
	total := o.sum((*line).discount)
	for _, sl := range o.shipping {
		total = total.add(sl.price).sub(sl.discounted())
	}
	return total
}

func (o *order) currentDiscounts() bag {
	total := o.sum(func(l *line) bag { return l.keep(l.discount()) })
	for _, sl := range o.shipping {
		total = total.add(sl.price).sub(sl.discounted())
	}
	return total
}

func (o *order) duties() bag { return o.sum((*line).dutySum) }

func (o *order) currentDuties() bag {
	return o.sum(func(l *line) bag {
		total := l.dutySum()
		for _, d := range l.duties {
			total = total.sub(d.returns)
		}
		return total
	})
}

func (o *order) total() bag {
	t := o.subtotal().add(o.shippingTotal()).add(o.tip).add(o.duties())
	if !o.included {
		t = t.add(o.tax())
	}
	return t
}

func (o *order) currentTotal() bag {
	t := o.currentSubtotal().add(o.shippingTotal()).sub(o.shippingRefunded()).add(o.tip).add(o.currentDuties())
	if !o.included {
		t = t.add(o.currentTax())
	}
	return t
}

func (o *order) txSum(match func(t *transaction) bool) bag {
	var sum bag
	for _, t := range o.txs {
		if match(t) {
			sum = sum.add(t.amount)
		}
	}
	return sum
}

func (o *order) received() bag {
	return o.txSum(func(t *transaction) bool { return t.status == "SUCCESS" && (t.kind == "SALE" || t.kind == "CAPTURE") })
}

func (o *order) refundedTotal() bag {
	return o.txSum(func(t *transaction) bool { return t.status == "SUCCESS" && t.kind == "REFUND" })
}

func (o *order) netPayment() bag { return o.received().sub(o.refundedTotal()) }

func (o *order) outstanding() bag {
	if o.cancelled != nil && o.received().zero() {
		return bag{}
	}
	return o.currentTotal().sub(o.netPayment())
}

// capturable is what is authorized and neither captured nor voided.
func (o *order) capturable() bag {
	sum := o.txSum(func(t *transaction) bool { return t.status == "SUCCESS" && t.kind == "AUTHORIZATION" })
	for _, t := range o.txs {
		if t.status == "SUCCESS" && t.parent != nil && t.parent.kind == "AUTHORIZATION" && (t.kind == "CAPTURE" || t.kind == "VOID") {
			sum = sum.sub(t.amount)
		}
	}
	if sum.pres < 0 || sum.shop < 0 {
		return bag{}
	}
	return sum
}

// refundable is what may still go back on one payment.
func (t *transaction) refundable() bag {
	if t.status != "SUCCESS" || t.kind != "SALE" && t.kind != "CAPTURE" {
		return bag{}
	}
	left := t.amount
	for _, r := range t.o.txs {
		if r.kind == "REFUND" && r.parent == t && r.status == "SUCCESS" {
			left = left.sub(r.amount)
		}
	}
	return left
}

func (o *order) financialStatus() string {
	received, refunded := o.received().pres, o.refundedTotal().pres
	switch {
	case refunded > 0 && refunded >= received:
		return "REFUNDED"
	case refunded > 0:
		return "PARTIALLY_REFUNDED"
	case o.voided:
		return "VOIDED"
	case received == 0 && o.capturable().pres > 0:
		return "AUTHORIZED"
	case received > 0 && received < o.currentTotal().pres:
		return "PARTIALLY_PAID"
	case received > 0 || o.total().pres == 0:
		return "PAID"
	}
	return "PENDING"
}

func (o *order) units() (shipped, open, held, working int) {
	for _, l := range o.lines {
		shipped += l.shipped
	}
	for _, fo := range o.fos {
		for _, fl := range fo.lines {
			if fo.status == "CANCELLED" {
				continue
			}
			open += fl.remaining
			if fo.status == "ON_HOLD" {
				held += fl.remaining
			}
			if fo.progress {
				working += fl.remaining
			}
		}
	}
	return shipped, open, held, working
}

func (o *order) fulfillmentStatus(version string) string {
	shipped, open, held, working := o.units()
	ships := false
	for _, l := range o.lines {
		ships = ships || l.ships
	}
	switch {
	case !ships && version >= "2026-10":
		return "FULFILLMENT_NOT_REQUIRED"
	case shipped > 0 && open > 0:
		return "PARTIALLY_FULFILLED"
	case shipped > 0:
		return "FULFILLED"
	case held > 0 && held == open:
		return "ON_HOLD"
	case working > 0:
		return "IN_PROGRESS"
	}
	return "UNFULFILLED"
}

func (o *order) returnStatus() string {
	status := "NO_RETURN"
	for _, r := range o.returns {
		switch r.status {
		case "REQUESTED":
			return "RETURN_REQUESTED"
		case "OPEN":
			status = "IN_PROGRESS"
			if r.settled() {
				status = "INSPECTION_COMPLETE"
			}
		case "CLOSED":
			if status == "NO_RETURN" {
				status = "RETURNED"
			}
		}
	}
	return status
}

func (r *ret) settled() bool {
	for _, l := range r.lines {
		if l.processed < l.quantity {
			return false
		}
	}
	return true
}

// taxesByRate sums tax lines of one title and rate, of lines and shipping together, keeping part of each as share says.
func (o *order) taxesByRate(share func(l *line, b bag) bag) []taxLine {
	var all []taxLine
	add := func(t taxLine) {
		for i := range all {
			if all[i].title == t.title && all[i].rate == t.rate && all[i].channel == t.channel {
				all[i].amount = all[i].amount.add(t.amount)
				return
			}
		}
		all = append(all, t)
	}
	for _, l := range o.lines {
		for _, t := range l.taxes {
			t.amount = share(l, t.amount)
			add(t)
		}
	}
	for _, sl := range o.shipping {
		for _, t := range sl.taxes {
			add(t)
		}
	}
	return all
}
