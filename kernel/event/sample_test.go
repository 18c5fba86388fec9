package event_test

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func rupees(minor int64) money.Amount { return money.Of(minor, "PKR") }

func when(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

func meta(typ, at string, facts ...string) event.Meta {
	m := event.Meta{
		SchemaVersion: 1, IdempotencyKey: event.Key(typ, append([]string{"019aa5e2-7c00-7000-8000-0000000000a1", "204857112345678"}, facts...)...),
		Channel: "daraz", AccountID: "019aa5e2-7c00-7000-8000-0000000000a1", OrderID: "019aa5e2-7c00-7000-8000-0000000000b1", OrderNumber: "PK-DZ-000123",
		ExternalOrderID: "204857112345678", ExternalNumber: "204857112345678", LegalEntityID: "019aa5e2-7c00-7000-8000-0000000000c1",
		Country: "PK", Currency: "PKR", TaxMode: "inclusive", BusinessDate: at[:10],
	}
	m.At(when(at), time.FixedZone("Asia/Karachi", 5*3600))
	return m
}

const (
	lamp, lampTheirs = "019aa5e2-7c00-7000-8000-0000000000d1", "LAMP-01|1500.00"
	vase, vaseTheirs = "019aa5e2-7c00-7000-8000-0000000000d2", "VASE-07|900.00"
)

func ptr[T any](v T) *T { return &v }

// examples is one event of each contract: an order of two lamps and a vase, the vase cancelled, the lamps delivered, one returned and refunded.
var examples = map[string]any{
	event.OrderCreated: event.OrderCreatedV1{
		Meta: meta(event.OrderCreated, "2026-11-22T09:15:30Z"), PlacedAt: when("2026-11-22T09:15:30Z"), Money: "complete",
		Lines: []event.Line{
			{
				LineID: lamp, ExternalID: lampTheirs, SKU: "LAMP-01", Title: "Desk lamp", Quantity: 2, UnitPrice: rupees(150000), Discount: rupees(20000),
				Tax: rupees(42712), TaxByChannel: rupees(0), Total: rupees(280000), FulfilledBy: "seller",
			},
			{
				LineID: vase, ExternalID: vaseTheirs, Title: "Vase", Quantity: 1, UnitPrice: rupees(90000), Discount: rupees(0),
				Tax: rupees(13729), TaxByChannel: rupees(0), Total: rupees(90000), FulfilledBy: "seller",
			},
		},
		Charges: rupees(14900), Discount: rupees(20000), DiscountChannel: rupees(5000), Tax: rupees(56441), TaxChannel: rupees(0), Rounding: rupees(0),
		Total: rupees(384900), Owed: rupees(389900), CashOnDelivery: true, Holds: []event.Hold{{Type: "unmapped", Detail: "An item is not linked to a SKU"}},
		ShipBy: ptr(when("2026-11-24T18:59:59Z")), DeliverBy: ptr(when("2026-11-28T18:59:59Z")), ShipToCountry: "PK", ShipToProvince: "Punjab", ShipToCity: "Lahore",
	},
	event.OrderPaid: event.OrderPaidV1{
		Meta: meta(event.OrderPaid, "2026-11-26T11:00:00Z"), Amount: rupees(294900), Method: "cod", Basis: "cod_presumed", Payments: []string{"204857112345678-cod"},
	},
	event.OrderCancelled: event.OrderCancelledV1{
		Meta: meta(event.OrderCancelled, "2026-11-22T12:00:00Z", vaseTheirs, "1"), Scope: "lines", Initiator: "buyer", Reason: "no longer wanted",
		Lines: []event.CancelledLine{{LineID: vase, ExternalID: vaseTheirs, SKU: "VASE-07", Quantity: 1}}, Amount: rupees(90000),
	},
	event.ShipmentCreated: event.ShipmentCreatedV1{
		Meta: meta(event.ShipmentCreated, "2026-11-23T07:30:00Z", "PK-DZ-000123-1"), ShipmentID: "019aa5e2-7c00-7000-8000-0000000000e1", ShipmentNumber: "PK-DZ-000123-1",
		ExternalID: "FP0012345", LocationID: "019aa5e2-7c00-7000-8000-0000000000f1", Location: "PK-LHE-WH", Courier: "DEX", Tracking: "DEX-PK-0099887766",
		TrackingURL: "https://tracking.example/DEX-PK-0099887766", CashToCollect: ptr(rupees(294900)),
		Lines: []event.ShippedLine{{LineID: lamp, ExternalID: lampTheirs, SKU: "LAMP-01", Quantity: 2}},
	},
	event.ShipmentDelivered: event.ShipmentDeliveredV1{
		Meta: meta(event.ShipmentDelivered, "2026-11-26T10:58:41Z", "PK-DZ-000123-1"), ShipmentID: "019aa5e2-7c00-7000-8000-0000000000e1", ShipmentNumber: "PK-DZ-000123-1",
		ExternalID: "FP0012345", Courier: "DEX", Tracking: "DEX-PK-0099887766", DeliveredAt: when("2026-11-26T10:58:41Z"), Source: "channel",
		Lines: []event.ShippedLine{{LineID: lamp, ExternalID: lampTheirs, SKU: "LAMP-01", Quantity: 2}},
	},
	event.ReturnRequested: event.ReturnRequestedV1{
		Meta: meta(event.ReturnRequested, "2026-11-29T08:00:00Z", "880011"), ReturnID: "019aa5e2-7c00-7000-8000-0000000000aa", ReturnNumber: "PK-R-000007", ExternalReturnID: "880011",
		Kind: "return", RequestedBy: "buyer", Lines: []event.ReturnedLine{{LineID: lamp, ExternalID: lampTheirs, SKU: "LAMP-01", Quantity: 1, Reason: "defective"}},
	},
	event.ReturnApproved: event.ReturnApprovedV1{
		Meta: meta(event.ReturnApproved, "2026-11-29T09:30:00Z", "880011"), ReturnID: "019aa5e2-7c00-7000-8000-0000000000aa", ReturnNumber: "PK-R-000007", ExternalReturnID: "880011",
		Kind: "return", Lines: []event.ReturnedLine{{LineID: lamp, ExternalID: lampTheirs, SKU: "LAMP-01", Quantity: 1, Reason: "defective"}}, RefundDue: rupees(140000),
	},
	event.RefundIssued: event.RefundIssuedV1{
		Meta: meta(event.RefundIssued, "2026-12-03T13:05:00Z", "880011"), RefundID: "019aa5e2-7c00-7000-8000-0000000000ab", ExternalRefundID: "RF-552211",
		ReturnID: "019aa5e2-7c00-7000-8000-0000000000aa", Amount: rupees(140000), Method: "cod", Origin: "channel", Reason: "defective",
		Lines: []event.ReturnedLine{{LineID: lamp, ExternalID: lampTheirs, SKU: "LAMP-01", Quantity: 1, Reason: "defective"}},
	},
}
