package console

// labels are states and kinds as people say them, where the stored word alone would not do.
var labels = map[string]string{
	"open": "Open", "part_shipped": "Partly shipped", "shipped": "On the way", "delivered": "Delivered", "closed": "Closed", "cancelled": "Cancelled",
	"unpaid": "Unpaid", "due": "Payment due", "authorized": "Authorized", "part_paid": "Partly paid", "paid": "Paid", "part_refunded": "Partly refunded", "refunded": "Refunded", "voided": "Void",
	"new": "New", "accepted": "Accepted", "held": "On hold", "picking": "Being picked", "picked": "Picked", "packed": "Packed", "handed_over": "Handed over", "moved": "Moved", "rejected": "Rejected",
	"intended": "Waiting", "issued": "Label ready", "in_transit": "In transit", "out_for_delivery": "Out for delivery", "attempted": "Not met", "returning": "Coming back", "returned": "Returned", "lost": "Lost", "refused": "Refused", "unknown": "Outcome unknown",
	"active": "Works", "paused": "Paused", "unauthorized": "Credentials refused", "shadow": "Shadow", "intake": "Intake", "live": "Live",
	"unmapped": "Not linked", "mapped": "Linked", "ignored": "Ignored", "resolved": "Closed", "cash_on_delivery": "Cash on delivery", "by_channel": "Sent by the channel", "erased": "Erased",
	"auto": "Auto", "light": "Light", "dark": "Dark", "told": "Told", "withheld": "Withheld", "running": "Running", "stored": "Waiting", "done": "Done", "stuck": "Stuck", "dead": "Given up",
	"out_of_stock": "Out of stock", "buyer": "The buyer's wish", "address": "The address", "pricing": "A wrong price", "fraud": "Fraud", "other": "Another reason",
	"not_found": "Not on the shelf", "damaged": "Damaged", "too_busy": "Too busy", "sellable": "Sellable", "quarantine": "Quarantine",
	"inclusive": "included", "exclusive": "added", "none": "none", "shipping": "Shipping", "webhook": "Webhook", "poll": "Poll", "api": "API", "console": "Console", "system": "System", "courier": "Courier", "cli": "Command line",
	"fulfillment.changed": "Fulfillment went on", "fulfillment.created": "A location has the work", "fulfillment.cancelled": "Fulfillment ended", "order.ready": "Ready to be sourced", "order.imported": "Came in", "order.held": "Held", "order.released": "Released",
	"order.changed": "Changed", "OrderCreated": "Order created", "OrderPaid": "Order paid", "OrderCancelled": "Order cancelled", "ShipmentCreated": "Waybill issued", "ShipmentDelivered": "Delivered", "ReturnRequested": "Return requested", "ReturnApproved": "Return approved", "RefundIssued": "Refund issued",
	"shipment.handed_over": "Handed over", "shipment.scanned": "Scanned by the courier", "imported": "Read", "updated": "Read again", "event": "Event", "channel": "Channel", "person": "A person", "order": "Order", "cart": "Cart",
	"note": "Note", "cod": "Cash on delivery", "card": "Card", "wallet": "Wallet", "bank": "Bank", "captured": "Captured", "collected": "Collected", "count": "Count", "opening": "Opening stock", "sale": "Sale",
}
