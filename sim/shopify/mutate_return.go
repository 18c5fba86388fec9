package shopify

import (
	"cmp"
	"fmt"
	"slices"
)

func (s *Shop) ret(id string) *ret {
	n, ok := parseGID("Return", id)
	if !ok {
		return nil
	}
	r, _ := s.inOrders("Return", n, "").(*ret)
	return r
}

func returnCreate(m *mutation, a args) object {
	return m.openReturn(a.object("returnInput"), "returnInput", "OPEN")
}

func returnRequest(m *mutation, a args) object {
	return m.openReturn(a.object("input"), "input", "REQUESTED")
}

func (m *mutation) openReturn(in args, root, status string) object {
	o := m.s.order(in.text("orderId"))
	if o == nil {
		return m.no("NOT_FOUND", "Order does not exist.", root, "orderId")
	}
	var lines []*retLine
	for i, row := range in.objects("returnLineItems") {
		id, _ := parseGID("FulfillmentLineItem", row.text("fulfillmentLineItemId"))
		pl := o.parcelLine(id)
		n, _ := row.number("quantity")
		if pl == nil {
			return m.no("NOT_FOUND", "Fulfillment line item does not exist.", root, "returnLineItems", fmt.Sprint(i), "fulfillmentLineItemId")
		}
		if n <= 0 || n > pl.quantity-pl.returned {
			return m.no("INVALID", "Return line item has an invalid quantity.", root, "returnLineItems", fmt.Sprint(i), "quantity")
		}
		lines = append(lines, &retLine{
			parcel: pl, quantity: n, reason: cmp.Or(row.text("returnReason"), "OTHER"), note: row.text("returnReasonNote"), customer: row.text("customerNote"),
		})
	}
	if len(lines) == 0 {
		return m.no("BLANK", "Return must have at least one line item.", root, "returnLineItems")
	}
	return m.done(kv{"return": o.openReturn(m.e, status, lines)})
}

func (o *order) parcelLine(id int64) *parcelLine {
	for _, f := range o.parcels {
		for _, l := range f.lines {
			if l.id == id && f.status == "SUCCESS" {
				return l
			}
		}
	}
	return nil
}

func (o *order) openReturn(e *event, status string, lines []*retLine) *ret {
	r := &ret{o: o, id: o.s.id("Return"), name: fmt.Sprintf("%s-R%d", o.name, len(o.returns)+1), status: status, created: e.at, lines: lines}
	for _, l := range lines {
		l.r, l.id = r, o.s.id("ReturnLineItem")
		l.parcel.returned += l.quantity
	}
	o.returns = append(o.returns, r)
	if status == "OPEN" {
		r.expect(e)
		r.tell(e, "RETURNS_APPROVE")
	} else {
		r.tell(e, "RETURNS_REQUEST")
	}
	return r
}

// expect opens the reverse fulfillment order by which the goods come back.
func (r *ret) expect(e *event) {
	when := e.at
	r.approved = &when
	ro := &reverseOrder{r: r, id: r.o.s.id("ReverseFulfillmentOrder"), status: "OPEN"}
	for _, l := range r.lines {
		ro.lines = append(ro.lines, &reverseLine{id: r.o.s.id("ReverseFulfillmentOrderLineItem"), line: l})
	}
	r.reverse = append(r.reverse, ro)
}

func (r *ret) tell(e *event, topic string) {
	e.emit(topic, gid("Return", r.id), r.rest)
	r.o.touch(e)
}

// judge finds a return in one of the states given.
func (m *mutation) judge(id string, states ...string) (*ret, object) {
	r := m.s.ret(id)
	if r == nil {
		return nil, m.no("NOT_FOUND", "Return does not exist.", "id")
	}
	if !slices.Contains(states, r.status) {
		return nil, m.no("INVALID_STATE", fmt.Sprintf("Return is %s.", r.status), "id")
	}
	return r, nil
}

func returnApproveRequest(m *mutation, a args) object {
	r, no := m.judge(a.object("input").text("id"), "REQUESTED")
	if r == nil {
		return no
	}
	r.status = "OPEN"
	r.expect(m.e)
	r.tell(m.e, "RETURNS_APPROVE")
	return m.done(kv{"return": r})
}

func returnDeclineRequest(m *mutation, a args) object {
	in := a.object("input")
	r, no := m.judge(in.text("id"), "REQUESTED")
	if r == nil {
		return no
	}
	r.status, r.decline, r.declNote = "DECLINED", in.text("declineReason"), in.text("declineNote")
	r.drop()
	r.tell(m.e, "RETURNS_DECLINE")
	return m.done(kv{"return": r})
}

// drop lets the units be returned again.
func (r *ret) drop() {
	for _, l := range r.lines {
		l.parcel.returned -= l.quantity - l.processed
	}
}

func returnClose(m *mutation, a args) object {
	r, no := m.judge(a.text("id"), "OPEN")
	if r == nil {
		return no
	}
	r.close(m.e)
	return m.done(kv{"return": r})
}

func (r *ret) close(e *event) {
	when := e.at
	r.status, r.closed = "CLOSED", &when
	for _, ro := range r.reverse {
		ro.status = "CLOSED"
	}
	r.tell(e, "RETURNS_CLOSE")
}

func returnCancel(m *mutation, a args) object {
	r, no := m.judge(a.text("id"), "OPEN", "REQUESTED")
	if r == nil {
		return no
	}
	if slices.ContainsFunc(r.lines, func(l *retLine) bool { return l.processed > 0 }) {
		return m.no("INVALID_STATE", "Return has processed items and can't be canceled.", "id")
	}
	r.status = "CANCELED"
	r.drop()
	for _, ro := range r.reverse {
		ro.status = "CANCELED"
	}
	r.tell(m.e, "RETURNS_CANCEL")
	return m.done(kv{"return": r})
}

// returnProcess takes the goods in by disposition and, when asked to, gives the money back. Processed units leave the order's current totals.
func returnProcess(m *mutation, a args) object {
	in := a.object("input")
	r, no := m.judge(in.text("returnId"), "OPEN")
	if r == nil {
		return no
	}
	o := r.o
	var takes []take
	sg := suggestion{o: o}
	for i, row := range in.objects("returnLineItems") {
		tk, bad := r.judgeRow(row, i)
		if bad != nil {
			return m.refuse(payloadType(m.name), *bad)
		}
		takes = append(takes, tk)
		sg.value(tk.line.parcel.line, tk.n, "NO_RESTOCK", nil)
	}
	if ship := in.object("refundShipping"); ship != nil {
		amount := args{"amount": ship.object("shippingRefundAmount")["amount"], "fullRefund": ship["fullRefund"]}
		if bad := shippingRow(&sg, amount); bad != nil {
			return m.refuse(payloadType(m.name), *bad)
		}
	}
	payments, bad := o.returnPayments(in.object("financialTransfer").object("issueRefund"))
	if bad != nil {
		return m.refuse(payloadType(m.name), *bad)
	}
	if len(takes) == 0 && len(payments) == 0 {
		return m.no("BLANK", "At least one return line item is required.", "input", "returnLineItems")
	}
	r.process(m.e, takes, sg, payments, in.text("note"))
	return m.done(kv{"return": r})
}

type take struct {
	line    *retLine
	n       int
	rows    []disposition
	reverse []*reverseLine
}

func (r *ret) judgeRow(row args, i int) (take, *problem) {
	path := []string{"input", "returnLineItems", fmt.Sprint(i)}
	id, _ := parseGID("ReturnLineItem", row.text("id"))
	l, _ := find(r.lines, func(l *retLine) bool { return l.id == id }).(*retLine)
	n, _ := row.number("quantity")
	if l == nil || n <= 0 || n > l.quantity-l.processed {
		p := userError("INVALID", "Return line item or quantity is invalid.", append(path, "quantity")...)
		return take{}, &p
	}
	tk := take{line: l, n: n}
	sum := 0
	for _, d := range row.objects("dispositions") {
		rl := r.reverseLine(d.text("reverseFulfillmentOrderLineItemId"))
		q, _ := d.number("quantity")
		kind, loc := d.text("dispositionType"), r.o.s.locationArg(d)
		if rl == nil || rl.line != l || q <= 0 || kind == "RESTOCKED" && loc == nil {
			p := userError("INVALID", "Disposition is invalid.", append(path, "dispositions")...)
			return take{}, &p
		}
		sum += q
		tk.rows = append(tk.rows, disposition{id: r.o.s.id("ReverseFulfillmentOrderDisposition"), kind: kind, quantity: q, loc: loc})
		tk.reverse = append(tk.reverse, rl)
	}
	if sum > n {
		p := userError("INVALID", "Dispositions exceed the quantity.", append(path, "dispositions")...)
		return take{}, &p
	}
	return tk, nil
}

func (r *ret) reverseLine(id string) *reverseLine {
	n, _ := parseGID("ReverseFulfillmentOrderLineItem", id)
	for _, ro := range r.reverse {
		for _, l := range ro.lines {
			if l.id == n {
				return l
			}
		}
	}
	return nil
}

func (o *order) returnPayments(in args) ([]repayment, *problem) {
	rows := []any{}
	for _, t := range in.objects("orderTransactions") {
		rows = append(rows, map[string]any{"kind": "REFUND", "parentId": t["parentId"], "amount": t.object("transactionAmount")["amount"]})
	}
	list, bad := o.refundPayments(args{"transactions": rows, "allowOverRefunding": in["allowOverRefunding"]})
	if bad != nil {
		bad.code = "INVALID"
	}
	return list, bad
}

func (r *ret) process(e *event, takes []take, sg suggestion, payments []repayment, note string) {
	o := r.o
	for i, tk := range takes {
		tk.line.processed += tk.n
		if len(payments) > 0 {
			tk.line.refunded += tk.n
		}
		for j, d := range tk.rows {
			d.at = e.at
			tk.reverse[j].dispositions = append(tk.reverse[j].dispositions, d)
			if d.kind != "RESTOCKED" {
				continue
			}
			if st := tk.line.parcel.line.stockAt(d.loc); st != nil {
				st.change(e, d.quantity, 0)
			}
			sg.lines[i].loc = d.loc
		}
	}
	if len(takes) > 0 || len(payments) > 0 {
		// What was restocked has been restocked by disposition already: the refund itself moves no stock.
		ref := o.refund(e, sg, payments, note, "")
		ref.ret = r
		for _, rl := range ref.lines {
			if rl.loc != nil {
				rl.restock = "RETURN"
			}
		}
		r.refunds = append(r.refunds, ref)
	}
	r.tell(e, "RETURNS_PROCESS")
	if r.settled() {
		r.close(e)
	}
}
