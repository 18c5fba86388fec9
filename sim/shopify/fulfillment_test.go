package shopify

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const fulfillmentOrders = `query($id: ID!) { order(id: $id) { displayFulfillmentStatus fulfillmentOrders(first: 10) { nodes { id status supportedActions { action }
	assignedLocation { name location { id } } lineItems(first: 10) { nodes { id remainingQuantity totalQuantity lineItem { id sku } } } } } } }`

const fulfil = `mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { fulfillment { id name status totalQuantity trackingInfo(first: 5) { company number url } }
	userErrors { field message } } }`

func (b *bench) fos(p Placed) map[string]any {
	b.t.Helper()
	return b.ask(fulfillmentOrders, map[string]any{"id": p.GID})
}

// send ships lines of one fulfillment order; a nil list ships all that remains.
func (b *bench) send(fo string, lines []any, track map[string]any) map[string]any {
	b.t.Helper()
	group := map[string]any{"fulfillmentOrderId": fo}
	if lines != nil {
		group["fulfillmentOrderLineItems"] = lines
	}
	return b.ask(fulfil, map[string]any{"f": map[string]any{"lineItemsByFulfillmentOrder": []any{group}, "trackingInfo": track}})
}

func TestFulfillment(t *testing.T) {
	t.Parallel()
	t.Run("one tee goes first, the rest later, and the shop front shows two parcels", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		got := b.fos(p)
		fo, tee := text(got, "order.fulfillmentOrders.nodes.0.id"), text(got, "order.fulfillmentOrders.nodes.0.lineItems.nodes.0.id")
		one := b.send(fo, []any{map[string]any{"id": tee, "quantity": 1}}, map[string]any{"company": "TCS", "number": "TCS-1", "url": "https://tcs.example.com/1"})
		if c := code(one, "fulfillmentCreate"); c != "" {
			t.Fatal(c)
		}
		got = b.fos(p)
		if text(got, "order.displayFulfillmentStatus") != "PARTIALLY_FULFILLED" || text(got, "order.fulfillmentOrders.nodes.0.status") != "IN_PROGRESS" ||
			text(got, "order.fulfillmentOrders.nodes.0.lineItems.nodes.0.remainingQuantity") != "1" {
			t.Error(got)
		}
		b.send(fo, nil, map[string]any{"numbers": []any{"TCS-2", "TCS-3"}, "company": "TCS"})
		v, _ := b.OrderView(p.Name)
		want := []ParcelView{
			{Status: "SUCCESS", Shown: "FULFILLED", Location: "Karachi", Company: "TCS", Numbers: []string{"TCS-1"}, Units: map[string]int{"TEE-RED": 1}},
			{Status: "SUCCESS", Shown: "FULFILLED", Location: "Karachi", Company: "TCS", Numbers: []string{"TCS-2", "TCS-3"}, Units: map[string]int{"TEE-RED": 1, "MUG-BLUE": 1}},
		}
		for i := range v.Parcels {
			v.Parcels[i].ID = ""
		}
		if diff := cmp.Diff(want, v.Parcels); diff != "" {
			t.Error(diff)
		}
		if v.Fulfillment != "FULFILLED" || len(v.Open) != 0 || b.Committed("TEE-RED") != 0 || b.Stock("TEE-RED", "Karachi") != 38 {
			t.Errorf("%+v, committed %d", v, b.Committed("TEE-RED"))
		}
	})
	t.Run("too many, unknown and closed are refused, and so are two locations in one parcel", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.must(nil, b.SetStock("MUG-BLUE", "Karachi", 0))
		p := b.order(func(o *OrderSpec) { o.Lines[0].Quantity = 12 }) // no location has all: two fulfillment orders
		got := b.fos(p)
		if n := len(get(got, "order.fulfillmentOrders.nodes").([]any)); n != 2 {
			t.Fatalf("%d fulfillment orders, want 2", n)
		}
		a, z := text(got, "order.fulfillmentOrders.nodes.0.id"), text(got, "order.fulfillmentOrders.nodes.1.id")
		tee := text(got, "order.fulfillmentOrders.nodes.0.lineItems.nodes.0.id")
		if code(b.send(a, []any{map[string]any{"id": tee, "quantity": 13}}, nil), "fulfillmentCreate") == "" {
			t.Error("thirteen of twelve went out")
		}
		if code(b.send("gid://shopify/FulfillmentOrder/1", nil, nil), "fulfillmentCreate") == "" {
			t.Error("nothing went out")
		}
		two := b.ask(fulfil, map[string]any{"f": map[string]any{"lineItemsByFulfillmentOrder": []any{map[string]any{"fulfillmentOrderId": a}, map[string]any{"fulfillmentOrderId": z}}}})
		if code(two, "fulfillmentCreate") == "" {
			t.Error("one parcel left from two locations")
		}
		b.send(a, nil, nil)
		if code(b.send(a, nil, nil), "fulfillmentCreate") == "" {
			t.Error("the same units went out twice")
		}
	})
	t.Run("a move takes the stock along, in part into a fulfillment order of its own", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		got := b.fos(p)
		fo, tee := text(got, "order.fulfillmentOrders.nodes.0.id"), text(got, "order.fulfillmentOrders.nodes.0.lineItems.nodes.0.id")
		lahore := gid("Location", b.locations[1].id)
		const move = `mutation($id: ID!, $to: ID!, $l: [FulfillmentOrderLineItemInput!]) { fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $l) {
			movedFulfillmentOrder { id assignedLocation { name } } remainingFulfillmentOrder { id } userErrors { message } } }`
		part := b.ask(move, map[string]any{"id": fo, "to": lahore, "l": []any{map[string]any{"id": tee, "quantity": 1}}})
		if c := code(part, "fulfillmentOrderMove"); c != "" || text(part, "fulfillmentOrderMove.remainingFulfillmentOrder.id") != fo ||
			text(part, "fulfillmentOrderMove.movedFulfillmentOrder.assignedLocation.name") != "Lahore" {
			t.Fatal(part)
		}
		if b.Stock("TEE-RED", "Karachi") != 39 || b.Stock("TEE-RED", "Lahore") != 9 || b.Committed("TEE-RED") != 2 {
			t.Errorf("Karachi %d, Lahore %d, committed %d", b.Stock("TEE-RED", "Karachi"), b.Stock("TEE-RED", "Lahore"), b.Committed("TEE-RED"))
		}
		whole := b.ask(move, map[string]any{"id": fo, "to": lahore})
		if text(whole, "fulfillmentOrderMove.movedFulfillmentOrder.id") != fo || b.Stock("TEE-RED", "Karachi") != 40 || b.Stock("MUG-BLUE", "Lahore") != 9 {
			t.Error(whole, b.Stock("TEE-RED", "Karachi"))
		}
	})
	t.Run("a hold stops shipping until it is released", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		fo := text(b.fos(p), "order.fulfillmentOrders.nodes.0.id")
		b.ask(`mutation($id: ID!) { fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: INVENTORY_OUT_OF_STOCK}) { userErrors { code } } }`, map[string]any{"id": fo})
		if got := b.fos(p); text(got, "order.displayFulfillmentStatus") != "ON_HOLD" || text(got, "order.fulfillmentOrders.nodes.0.supportedActions.0.action") != "RELEASE_HOLD" {
			t.Error(got)
		}
		if code(b.send(fo, nil, nil), "fulfillmentCreate") == "" {
			t.Error("shipped while on hold")
		}
		b.ask(`mutation($id: ID!) { fulfillmentOrderReleaseHold(id: $id) { userErrors { code } } }`, map[string]any{"id": fo})
		if c := code(b.send(fo, nil, nil), "fulfillmentCreate"); c != "" {
			t.Error(c)
		}
	})
	t.Run("un-shipping opens a new fulfillment order for the units", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		fo := text(b.fos(p), "order.fulfillmentOrders.nodes.0.id")
		f := text(b.send(fo, nil, nil), "fulfillmentCreate.fulfillment.id")
		cancel := func() string {
			return code(b.ask(`mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { status } userErrors { message } } }`, map[string]any{"id": f}), "fulfillmentCancel")
		}
		if c := cancel(); c != "" {
			t.Fatal(c)
		}
		if cancel() == "" {
			t.Error("cancelled twice")
		}
		got := b.fos(p)
		if text(got, "order.displayFulfillmentStatus") != "UNFULFILLED" || text(got, "order.fulfillmentOrders.nodes.0.status") != "CLOSED" ||
			text(got, "order.fulfillmentOrders.nodes.1.status") != "OPEN" || b.Committed("TEE-RED") != 2 {
			t.Error(got, b.Committed("TEE-RED"))
		}
	})
	t.Run("tracking is corrected and carrier events show", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		f := text(b.send(text(b.fos(p), "order.fulfillmentOrders.nodes.0.id"), nil, map[string]any{"number": "wrong"}), "fulfillmentCreate.fulfillment.id")
		b.ask(`mutation($id: ID!) { fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: {number: "right", company: "Leopards"}) { userErrors { message } } }`, map[string]any{"id": f})
		b.ask(`mutation($id: ID!) { fulfillmentEventCreate(fulfillmentEvent: {fulfillmentId: $id, status: DELIVERED, happenedAt: "2026-11-22T06:00:00Z"}) { userErrors { message } } }`, map[string]any{"id": f})
		got := b.ask(`query($id: ID!) { fulfillment(id: $id) { displayStatus deliveredAt trackingInfo { number company } events(first: 5) { nodes { status } } } }`, map[string]any{"id": f})
		if text(got, "fulfillment.displayStatus") != "DELIVERED" || text(got, "fulfillment.deliveredAt") != "2026-11-22T06:00:00Z" || text(got, "fulfillment.trackingInfo.0.number") != "right" {
			t.Error(got)
		}
	})
}
