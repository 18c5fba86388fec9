package shopify

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const cancelOrder = `mutation($id: ID!, $back: Boolean!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true, staffNote: "by phone", refundMethod: {originalPaymentMethodsRefund: $back}) {
	job { id done } orderCancelUserErrors { code message } } }`

func TestCancel(t *testing.T) {
	t.Parallel()
	t.Run("a paid order is cancelled by a job, restocked and paid back", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.JobDelay = 3 * time.Second })
		p := b.order()
		got := b.ask(cancelOrder, map[string]any{"id": p.GID, "back": true})
		job := text(got, "orderCancel.job.id")
		state := func() map[string]any {
			return b.ask(`query($id: ID!, $o: ID!) { job(id: $id) { done } order(id: $o) { cancelledAt cancelReason cancellation { staffNote } displayFinancialStatus
				currentTotalPriceSet { shopMoney { amount } } totalRefundedSet { shopMoney { amount } } totalPriceSet { shopMoney { amount } } } }`, map[string]any{"id": job, "o": p.GID})
		}
		if now := state(); get(now, "job.done") != false || get(now, "order.cancelledAt") != nil {
			t.Error("cancelled before the job ran", now)
		}
		b.clock.advance(3 * time.Second)
		now := state()
		if get(now, "job.done") != true || text(now, "order.cancelReason") != "CUSTOMER" || text(now, "order.cancellation.staffNote") != "by phone" ||
			text(now, "order.displayFinancialStatus") != "REFUNDED" || text(now, "order.currentTotalPriceSet.shopMoney.amount") != "0.0" ||
			text(now, "order.totalRefundedSet.shopMoney.amount") != text(now, "order.totalPriceSet.shopMoney.amount") {
			t.Error(now)
		}
		if b.Stock("TEE-RED", "Karachi") != 40 || b.Committed("TEE-RED") != 0 {
			t.Errorf("stock %d, committed %d", b.Stock("TEE-RED", "Karachi"), b.Committed("TEE-RED"))
		}
		if c := code(b.ask(cancelOrder, map[string]any{"id": p.GID, "back": true}), "orderCancel"); c != "INVALID" {
			t.Error(c)
		}
	})
	t.Run("cash on delivery that was never paid is voided and refunds nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order(func(o *OrderSpec) { o.COD = true })
		b.must(nil, b.Cancel(p.ID))
		v, _ := b.OrderView(p.ID)
		if v.Financial != "VOIDED" || v.Refunded != "0.00" || v.Current != "0.00" || !v.Cancelled || v.Outstanding != "0.00" {
			t.Errorf("%+v", v)
		}
	})
	t.Run("what has left can no longer be cancelled", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		b.must(nil, b.Ship(p.ID, "TCS", "1"))
		if b.Cancel(p.ID) == nil || code(b.ask(cancelOrder, map[string]any{"id": p.GID, "back": true}), "orderCancel") != "INVALID" {
			t.Error("cancelled after shipping")
		}
	})
}

func TestPayments(t *testing.T) {
	t.Parallel()
	t.Run("cash on delivery is a pending sale of a manual gateway until it is marked as paid", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order(func(o *OrderSpec) { o.COD = true })
		query := `query($id: ID!) { order(id: $id) { displayFinancialStatus totalOutstandingSet { shopMoney { amount } } transactions(first: 5) { id kind status gateway manualPaymentGateway
			parentTransaction { id } amountSet { shopMoney { amount } } } } }`
		got := b.ask(query, map[string]any{"id": p.GID})
		if text(got, "order.displayFinancialStatus") != "PENDING" || text(got, "order.transactions.0.status") != "PENDING" || get(got, "order.transactions.0.manualPaymentGateway") != true ||
			text(got, "order.transactions.0.gateway") != "Cash on Delivery (COD)" {
			t.Error(got)
		}
		mark := func() string {
			return code(b.ask(`mutation($id: ID!) { orderMarkAsPaid(input: {id: $id}) { order { id } userErrors { message } } }`, map[string]any{"id": p.GID}), "orderMarkAsPaid")
		}
		if c := mark(); c != "" {
			t.Fatal(c)
		}
		got = b.ask(query, map[string]any{"id": p.GID})
		if text(got, "order.displayFinancialStatus") != "PAID" || text(got, "order.totalOutstandingSet.shopMoney.amount") != "0.0" ||
			text(got, "order.transactions.1.parentTransaction.id") != text(got, "order.transactions.0.id") {
			t.Error(got)
		}
		if mark() == "" {
			t.Error("paid twice")
		}
	})
	t.Run("an authorization is authorized, captured is paid, and several payments add up", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order(func(o *OrderSpec) { o.Payments = []PaymentSpec{{Kind: "AUTHORIZATION"}} })
		if v, _ := b.OrderView(p.ID); v.Financial != "AUTHORIZED" {
			t.Error(v.Financial)
		}
		b.must(nil, b.Pay(p.ID))
		if v, _ := b.OrderView(p.ID); v.Financial != "PAID" || v.Received != v.Total {
			t.Errorf("%+v", v)
		}
		part := b.order(func(o *OrderSpec) {
			o.Payments = []PaymentSpec{{Gateway: "gift_card", Amount: "500.00"}, {Status: "FAILURE"}}
		})
		if v, _ := b.OrderView(part.ID); v.Financial != "PARTIALLY_PAID" || v.Received != "500.00" {
			t.Errorf("%+v", v)
		}
	})
}

func TestEdit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.order()
	begin := b.ask(`mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id totalPriceSet { shopMoney { amount } } lineItems(first: 5) { nodes { id sku quantity editableQuantity } } }
		userErrors { message } } }`, map[string]any{"id": p.GID})
	co := text(begin, "orderEditBegin.calculatedOrder.id")
	set := b.ask(`mutation($id: ID!, $l: ID!) { orderEditSetQuantity(id: $id, lineItemId: $l, quantity: 1, restock: true) { calculatedOrder { totalPriceSet { shopMoney { amount } } }
		calculatedLineItem { quantity } userErrors { message } } }`, map[string]any{"id": co, "l": text(begin, "orderEditBegin.calculatedOrder.lineItems.nodes.0.id")})
	if v, _ := b.OrderView(p.ID); v.Edited || v.Lines[0].Current != 2 {
		t.Error("changed before the commit")
	}
	b.ask(`mutation($id: ID!, $v: ID!) { orderEditAddVariant(id: $id, variantId: $v, quantity: 3) { userErrors { message } } }`,
		map[string]any{"id": co, "v": gid("ProductVariant", b.bySKU["SCARF-GOLD"][0].id)})
	b.ask(`mutation($id: ID!) { orderEditCommit(id: $id) { order { id edited } userErrors { message } } }`, map[string]any{"id": co})
	v, _ := b.OrderView(p.ID)
	want := []LineView{
		{SKU: "TEE-RED", Title: "Product TEE-RED", Quantity: 2, Current: 1, Open: 1, Price: "1499.00"},
		{SKU: "MUG-BLUE", Title: "Product MUG-BLUE", Quantity: 1, Current: 1, Open: 1, Price: "799.50"},
		{SKU: "SCARF-GOLD", Title: "Product SCARF-GOLD", Quantity: 3, Current: 3, Open: 3, Price: "333.33"},
	}
	if diff := cmp.Diff(want, v.Lines); diff != "" || !v.Edited {
		t.Error(diff)
	}
	if b.Stock("TEE-RED", "Karachi") != 39 || b.Committed("TEE-RED") != 1 || b.Committed("SCARF-GOLD") != 3 {
		t.Errorf("stock %d, committed %d and %d", b.Stock("TEE-RED", "Karachi"), b.Committed("TEE-RED"), b.Committed("SCARF-GOLD"))
	}
	// 1499 × 90 % + 250 shipping + …: the calculated total was the current total of the order without the scarves.
	if got := text(set, "orderEditSetQuantity.calculatedOrder.totalPriceSet.shopMoney.amount"); got != "2318.65" {
		t.Errorf("calculated %s", got)
	}
}

const refundMutation = `mutation($in: RefundInput!, $key: String!) { refundCreate(input: $in) @idempotent(key: $key) { refund { id totalRefundedSet { presentmentMoney { amount currencyCode } }
	orderAdjustments(first: 5) { nodes { reason amountSet { presentmentMoney { amount } } } } refundLineItems(first: 5) { nodes { quantity restockType subtotalSet { presentmentMoney { amount } } totalTaxSet { presentmentMoney { amount } } } } }
	userErrors { field message } } }`

func TestRefund(t *testing.T) {
	t.Parallel()
	suggest := `query($id: ID!, $l: [RefundLineItemInput!], $ship: Boolean) { order(id: $id) { lineItems(first: 5) { nodes { id sku } }
		suggestedRefund(refundLineItems: $l, refundShipping: $ship) { amountSet { presentmentMoney { amount } } suggestedTransactions { gateway parentTransaction { id } amountSet { presentmentMoney { amount } } } } } }`
	// row is a refund line, suggested what Shopify says it comes to.
	row := func(b *bench, p Placed, i, n int, kind string) map[string]any {
		id := text(b.ask(suggest, map[string]any{"id": p.GID}), "order.lineItems.nodes."+string(rune('0'+i))+".id")
		r := map[string]any{"lineItemId": id, "quantity": n, "restockType": kind}
		if kind == "RETURN" {
			r["locationId"] = gid("Location", b.locations[0].id)
		}
		return r
	}
	pay := func(b *bench, p Placed, amount string) []any {
		o := b.lookup(p.ID)
		return []any{map[string]any{"orderId": p.GID, "parentId": gid("OrderTransaction", o.txs[0].id), "kind": "REFUND", "gateway": o.txs[0].gateway, "amount": amount}}
	}
	refund := func(b *bench, key string, in map[string]any) (map[string]any, string) {
		got := b.ask(refundMutation, map[string]any{"in": in, "key": key})
		return got, code(got, "refundCreate")
	}
	t.Run("unit by unit the suggestions add up to what was paid, in the buyer's currency", func(t *testing.T) {
		t.Parallel()
		for _, currency := range []string{"PKR", "AED", "JPY", "OMR"} {
			b := setup(t)
			p := b.order(func(o *OrderSpec) { o.Currency = currency; o.Lines[0].Quantity = 7 })
			b.must(nil, b.Ship(p.ID, "TCS", "1"))
			for i, n := range []int{1, 2, 4} {
				l := []any{row(b, p, 0, n, "RETURN")}
				amount := text(b.ask(suggest, map[string]any{"id": p.GID, "l": l}), "order.suggestedRefund.amountSet.presentmentMoney.amount")
				if _, c := refund(b, currency+amount+string(rune('a'+i)), map[string]any{"orderId": p.GID, "currency": currency, "refundLineItems": l, "transactions": pay(b, p, amount)}); c != "" {
					t.Fatal(currency, c)
				}
			}
			l := []any{row(b, p, 1, 1, "NO_RESTOCK")}
			amount := text(b.ask(suggest, map[string]any{"id": p.GID, "l": l, "ship": true}), "order.suggestedRefund.amountSet.presentmentMoney.amount")
			got, c := refund(b, "last", map[string]any{"orderId": p.GID, "currency": currency, "refundLineItems": l, "shipping": map[string]any{"fullRefund": true}, "transactions": pay(b, p, amount)})
			if c != "" {
				t.Fatal(currency, c)
			}
			v, _ := b.OrderView(p.ID)
			if v.Financial != "REFUNDED" || v.Refunded != v.Total || v.Outstanding != plain(0, currency) || len(get(got, "refundCreate.refund.orderAdjustments.nodes").([]any)) != 0 {
				t.Errorf("%s: %+v %v", currency, v, got)
			}
			if n := b.Stock("TEE-RED", "Karachi"); n != 40 {
				t.Errorf("%s: %d tees back on the shelf, want 40", currency, n)
			}
		}
	})
	t.Run("more than was received is refused, and so is more than was bought", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		if _, c := refund(b, "a", map[string]any{"orderId": p.GID, "transactions": pay(b, p, "99999.00")}); c == "" {
			t.Error("over-refund accepted")
		}
		if _, c := refund(b, "b", map[string]any{"orderId": p.GID, "refundLineItems": []any{row(b, p, 0, 3, "CANCEL")}}); c == "" {
			t.Error("three of two cancelled")
		}
		if _, c := refund(b, "c", map[string]any{"orderId": p.GID, "refundLineItems": []any{row(b, p, 0, 1, "RETURN")}}); c == "" {
			t.Error("returned before it was sent")
		}
		if v, _ := b.OrderView(p.ID); v.Refunded != "0.00" || len(v.Refunds) != 0 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("the currency must be named when it is not the shop's", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order(func(o *OrderSpec) { o.Currency = "AED" })
		if _, c := refund(b, "a", map[string]any{"orderId": p.GID, "transactions": pay(b, p, "1.00")}); c == "" {
			t.Error("accepted without a currency")
		}
		if _, c := refund(b, "b", map[string]any{"orderId": p.GID, "currency": "AED", "transactions": pay(b, p, "1.00")}); c != "" {
			t.Error(c)
		}
	})
	t.Run("money without lines becomes a discrepancy and the same key pays once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		in := map[string]any{"orderId": p.GID, "transactions": pay(b, p, "100.00"), "note": "late"}
		first, _ := refund(b, "k", in)
		again, _ := refund(b, "k", in)
		if text(first, "refundCreate.refund.id") != text(again, "refundCreate.refund.id") || text(first, "refundCreate.refund.orderAdjustments.nodes.0.amountSet.presentmentMoney.amount") != "-100.0" {
			t.Error(first, again)
		}
		if v, _ := b.OrderView(p.ID); v.Refunded != "100.00" || v.Financial != "PARTIALLY_REFUNDED" {
			t.Errorf("%+v", v)
		}
		in["note"] = "other"
		_, _, body := b.post("2026-07", refundMutation, map[string]any{"in": in, "key": "k"})
		if text(body, "errors.0.extensions.code") != "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" {
			t.Error(body)
		}
	})
	t.Run("cancelled units come off the fulfillment order and back to the shelf", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		if _, c := refund(b, "k", map[string]any{"orderId": p.GID, "refundLineItems": []any{row(b, p, 0, 2, "CANCEL")}}); c != "" {
			t.Fatal(c)
		}
		v, _ := b.OrderView(p.ID)
		if v.Lines[0].Open != 0 || v.Lines[0].Current != 0 || v.Lines[1].Open != 1 || b.Stock("TEE-RED", "Karachi") != 40 || b.Committed("TEE-RED") != 0 {
			t.Errorf("%+v", v.Lines)
		}
	})
}

func TestReturn(t *testing.T) {
	t.Parallel()
	const states = `query($id: ID!) { return(id: $id) { status name returnLineItems(first: 5) { nodes { ... on ReturnLineItem { id quantity processableQuantity fulfillmentLineItem { id } } } }
		reverseFulfillmentOrders(first: 2) { nodes { id status lineItems(first: 5) { nodes { id dispositions { type quantity } } } } } refunds(first: 2) { nodes { id } } order { returnStatus } } }`
	t.Run("asked for, approved, taken in, restocked and paid back", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		b.must(nil, b.Ship(p.ID, "TCS", "1"))
		id := b.must(b.RequestReturn(p.ID, "TEE-RED", 1, "SIZE_TOO_SMALL"))
		if v, _ := b.OrderView(p.ID); v.Return != "RETURN_REQUESTED" {
			t.Error(v.Return)
		}
		approve := `mutation($id: ID!) { returnApproveRequest(input: {id: $id}) { return { status } userErrors { code } } }`
		if c := code(b.ask(approve, map[string]any{"id": id}), "returnApproveRequest"); c != "" {
			t.Fatal(c)
		}
		if c := code(b.ask(approve, map[string]any{"id": id}), "returnApproveRequest"); c != "INVALID_STATE" {
			t.Error(c)
		}
		r := b.ask(states, map[string]any{"id": id})
		tx := b.lookup(p.ID).txs[0]
		got := b.ask(`mutation($in: ReturnProcessInput!) { returnProcess(input: $in) { return { status } userErrors { code message field } } }`, map[string]any{"in": map[string]any{
			"returnId": id,
			"returnLineItems": []any{map[string]any{
				"id": text(r, "return.returnLineItems.nodes.0.id"), "quantity": 1, "dispositions": []any{map[string]any{
					"dispositionType": "RESTOCKED", "quantity": 1, "locationId": gid("Location", b.locations[1].id),
					"reverseFulfillmentOrderLineItemId": text(r, "return.reverseFulfillmentOrders.nodes.0.lineItems.nodes.0.id"),
				}},
			}},
			"financialTransfer": map[string]any{"issueRefund": map[string]any{"orderTransactions": []any{map[string]any{
				"parentId": gid("OrderTransaction", tx.id), "transactionAmount": map[string]any{"amount": "1349.10", "currencyCode": "PKR"},
			}}}},
		}})
		if c := code(got, "returnProcess"); c != "" {
			t.Fatal(got)
		}
		v, _ := b.OrderView(p.ID)
		if v.Return != "RETURNED" || v.Refunded != "1349.10" || v.Lines[0].Current != 1 || b.Stock("TEE-RED", "Lahore") != 11 {
			t.Errorf("%+v, Lahore %d", v, b.Stock("TEE-RED", "Lahore"))
		}
		r = b.ask(states, map[string]any{"id": id})
		if text(r, "return.status") != "CLOSED" || text(r, "return.reverseFulfillmentOrders.nodes.0.lineItems.nodes.0.dispositions.0.type") != "RESTOCKED" || get(r, "return.refunds.nodes.0") == nil {
			t.Error(r)
		}
	})
	t.Run("a declined request can be asked again, more than was sent cannot", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		b.must(nil, b.Ship(p.ID, "TCS", "1"))
		if _, err := b.RequestReturn(p.ID, "TEE-RED", 3, ""); err == nil {
			t.Error("three of two are coming back")
		}
		id := b.must(b.RequestReturn(p.ID, "TEE-RED", 2, ""))
		if _, err := b.RequestReturn(p.ID, "TEE-RED", 1, ""); err == nil {
			t.Error("a third one is coming back")
		}
		b.ask(`mutation($id: ID!) { returnDeclineRequest(input: {id: $id, declineReason: FINAL_SALE}) { userErrors { code } } }`, map[string]any{"id": id})
		if v, _ := b.OrderView(p.ID); v.Return != "NO_RETURN" || v.Returns[0].Status != "DECLINED" {
			t.Errorf("%+v", v)
		}
		b.must(b.RequestReturn(p.ID, "TEE-RED", 1, ""))
	})
	t.Run("staff opens, and closes, a return without a request", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		b.must(nil, b.Ship(p.ID, "TCS", "1"))
		pl := b.lookup(p.ID).parcels[0].lines[0]
		got := b.ask(`mutation($in: ReturnInput!) { returnCreate(returnInput: $in) { return { id status } userErrors { code } } }`, map[string]any{"in": map[string]any{
			"orderId": p.GID, "returnLineItems": []any{map[string]any{"fulfillmentLineItemId": gid("FulfillmentLineItem", pl.id), "quantity": 1, "returnReason": "DEFECTIVE"}},
		}})
		if text(got, "returnCreate.return.status") != "OPEN" {
			t.Fatal(got)
		}
		b.ask(`mutation($id: ID!) { returnClose(id: $id) { return { status } userErrors { code } } }`, map[string]any{"id": text(got, "returnCreate.return.id")})
		if v, _ := b.OrderView(p.ID); v.Return != "RETURNED" {
			t.Error(v.Return)
		}
	})
}

func TestReturnsOfTheAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.order()
	b.must(nil, b.Ship(p.ID, "TCS", "1"))
	pl := b.lookup(p.ID).parcels[0].lines[0]
	got := b.ask(`mutation($in: ReturnRequestInput!) { returnRequest(input: $in) { return { id status } userErrors { code } } }`, map[string]any{"in": map[string]any{
		"orderId": p.GID, "returnLineItems": []any{map[string]any{"fulfillmentLineItemId": gid("FulfillmentLineItem", pl.id), "quantity": 2, "customerNote": "too small"}},
	}})
	if text(got, "returnRequest.return.status") != "REQUESTED" {
		t.Fatal(got)
	}
	b.ask(`mutation($id: ID!) { returnCancel(id: $id) { return { status } userErrors { code } } }`, map[string]any{"id": text(got, "returnRequest.return.id")})
	if v, _ := b.OrderView(p.ID); v.Returns[0].Status != "CANCELED" || v.Return != "NO_RETURN" || pl.returned != 0 {
		t.Errorf("%+v", v)
	}
}

func TestCloseAndPartialHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.order()
	b.ask(`mutation($id: ID!) { orderClose(input: {id: $id}) { order { closed closedAt } userErrors { message } } }`, map[string]any{"id": p.GID})
	if b.lookup(p.ID).closed == nil {
		t.Error("still open")
	}
	fo := b.lookup(p.ID).fos[0]
	got := b.ask(`mutation($id: ID!, $l: ID!) { fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: OTHER, fulfillmentOrderLineItems: [{id: $l, quantity: 1}]}) {
		fulfillmentHold { reason } remainingFulfillmentOrder { id status } userErrors { code } } }`, map[string]any{"id": gid("FulfillmentOrder", fo.id), "l": gid("FulfillmentOrderLineItem", fo.lines[0].id)})
	v, _ := b.OrderView(p.ID)
	if text(got, "fulfillmentOrderHold.remainingFulfillmentOrder.status") != "OPEN" || len(v.Open) != 2 || v.Open[0].Units["TEE-RED"] != 1 || v.Open[1].Units["TEE-RED"] != 1 {
		t.Error(got, v.Open)
	}
}

func TestTagsAndNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.order(func(o *OrderSpec) { o.Tags = []string{"vip"} })
	b.ask(`mutation($id: ID!) { tagsAdd(id: $id, tags: ["Packed", "VIP"]) { node { id } userErrors { message } } }`, map[string]any{"id": p.GID})
	b.ask(`mutation($id: ID!) { orderUpdate(input: {id: $id, note: "door 2", shippingAddress: {city: "Lahore"}}) { order { note } userErrors { message } } }`, map[string]any{"id": p.GID})
	v, _ := b.OrderView(p.ID)
	if diff := cmp.Diff([]string{"Packed", "vip"}, v.Tags); diff != "" || v.ShipTo.City != "Lahore" || v.ShipTo.Address1 != "House 9" {
		t.Error(diff, v.ShipTo)
	}
	if c := code(b.ask(`mutation { tagsAdd(id: "gid://shopify/Order/1", tags: ["x"]) { userErrors { message } } }`, nil), "tagsAdd"); c == "" {
		t.Error("tagged an order that is not there")
	}
}
