package shopify

import "github.com/openclaw-pos/commerce/channel"

const (
	aboutFinancial        = "https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFinancialStatus"
	aboutFulfillment      = "https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFulfillmentStatus"
	aboutParcel           = "https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentDisplayStatus"
	aboutFulfillmentState = "https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentStatus"
	aboutReturn           = "https://shopify.dev/docs/api/admin-graphql/latest/enums/ReturnStatus"
)

// statuses are Shopify's words in ours. Words of REST payloads are the same in lower case.
var statuses = []channel.StatusRow{
	{Axis: "payment", Theirs: "PENDING", Ours: channel.Due, Source: aboutFinancial},
	{Axis: "payment", Theirs: "AUTHORIZED", Ours: channel.Authorized, Source: aboutFinancial},
	{Axis: "payment", Theirs: "PARTIALLY_PAID", Ours: channel.PartPaid, Source: aboutFinancial},
	{Axis: "payment", Theirs: "PAID", Ours: channel.Paid, Source: aboutFinancial},
	{Axis: "payment", Theirs: "PARTIALLY_REFUNDED", Ours: channel.PartRefunded, Source: aboutFinancial},
	{Axis: "payment", Theirs: "REFUNDED", Ours: channel.Refunded, Source: aboutFinancial},
	{Axis: "payment", Theirs: "VOIDED", Ours: channel.Voided, Source: aboutFinancial},
	{Axis: "payment", Theirs: "EXPIRED", Ours: channel.Failed, Source: aboutFinancial},

	{Axis: "order", Theirs: "UNFULFILLED", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "OPEN", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "RESTOCKED", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "REQUEST_DECLINED", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "PENDING_FULFILLMENT", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "IN_PROGRESS", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "SCHEDULED", Ours: channel.Held, Source: aboutFulfillment},
	{Axis: "order", Theirs: "ON_HOLD", Ours: channel.Held, Source: aboutFulfillment},
	{Axis: "order", Theirs: "PARTIALLY_FULFILLED", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "FULFILLED", Ours: channel.Open, Source: aboutFulfillment},
	{Axis: "order", Theirs: "FULFILLMENT_NOT_REQUIRED", Ours: channel.Open, Source: aboutFulfillment},

	{Axis: "parcel", Theirs: "LABEL_PURCHASED", Ours: channel.Ready, Source: aboutParcel},
	{Axis: "parcel", Theirs: "LABEL_PRINTED", Ours: channel.Ready, Source: aboutParcel},
	{Axis: "parcel", Theirs: "CONFIRMED", Ours: channel.Ready, Source: aboutParcel},
	{Axis: "parcel", Theirs: "SUBMITTED", Ours: channel.Ready, Source: aboutParcel},
	{Axis: "parcel", Theirs: "READY_FOR_PICKUP", Ours: channel.Ready, Source: aboutParcel},
	{Axis: "parcel", Theirs: "CARRIER_PICKED_UP", Ours: channel.Shipped, Source: aboutParcel},
	{Axis: "parcel", Theirs: "IN_TRANSIT", Ours: channel.Shipped, Source: aboutParcel},
	{Axis: "parcel", Theirs: "OUT_FOR_DELIVERY", Ours: channel.Shipped, Source: aboutParcel},
	{Axis: "parcel", Theirs: "ATTEMPTED_DELIVERY", Ours: channel.Shipped, Source: aboutParcel},
	{Axis: "parcel", Theirs: "DELAYED", Ours: channel.Shipped, Source: aboutParcel},
	{Axis: "parcel", Theirs: "MARKED_AS_FULFILLED", Ours: channel.Shipped, Source: aboutParcel},
	{Axis: "parcel", Theirs: "FULFILLED", Ours: channel.Shipped, Source: aboutParcel},
	{Axis: "parcel", Theirs: "DELIVERED", Ours: channel.Delivered, Source: aboutParcel},
	{Axis: "parcel", Theirs: "PICKED_UP", Ours: channel.Delivered, Source: aboutParcel},
	{Axis: "parcel", Theirs: "NOT_DELIVERED", Ours: channel.Failed, Source: aboutParcel},
	{Axis: "parcel", Theirs: "FAILURE", Ours: channel.Failed, Source: aboutParcel},
	{Axis: "parcel", Theirs: "LABEL_VOIDED", Ours: channel.Ready, Source: aboutParcel},
	{Axis: "parcel", Theirs: "CANCELED", Ours: channel.Cancelled, Source: aboutParcel},

	{Axis: "fulfillment", Theirs: "SUCCESS", Ours: channel.Shipped, Source: aboutFulfillmentState},
	{Axis: "fulfillment", Theirs: "CANCELLED", Ours: channel.Cancelled, Source: aboutFulfillmentState},
	{Axis: "fulfillment", Theirs: "ERROR", Ours: channel.Cancelled, Source: aboutFulfillmentState},
	{Axis: "fulfillment", Theirs: "FAILURE", Ours: channel.Cancelled, Source: aboutFulfillmentState},
	{Axis: "fulfillment", Theirs: "OPEN", Ours: channel.Ready, Source: aboutFulfillmentState},
	{Axis: "fulfillment", Theirs: "PENDING", Ours: channel.Ready, Source: aboutFulfillmentState},

	{Axis: "return", Theirs: "REQUESTED", Ours: channel.Requested, Source: aboutReturn},
	{Axis: "return", Theirs: "OPEN", Ours: channel.Open, Source: aboutReturn},
	{Axis: "return", Theirs: "CLOSED", Ours: channel.Completed, Source: aboutReturn},
	{Axis: "return", Theirs: "CANCELED", Ours: channel.Cancelled, Source: aboutReturn},
	{Axis: "return", Theirs: "DECLINED", Ours: channel.Declined, Source: aboutReturn},
}

var ours = func() map[[2]string]channel.Status {
	m := make(map[[2]string]channel.Status, len(statuses))
	for _, row := range statuses {
		m[[2]string{row.Axis, row.Theirs}] = row.Ours
	}
	return m
}()

// status is one of Shopify's words in ours; Unknown for a new one.
func status(axis, theirs string) channel.Status {
	if s, ok := ours[[2]string{axis, theirs}]; ok {
		return s
	}
	return channel.Unknown
}
