package console

// labels are states and kinds as people say them, where the stored word alone would not do.
var labels = map[string]string{
	"open": "Open", "part_shipped": "Partly shipped", "shipped": "On the way", "delivered": "Delivered", "closed": "Closed", "cancelled": "Cancelled",
	"unpaid": "Unpaid", "due": "Payment due", "authorized": "Authorized", "part_paid": "Partly paid", "paid": "Paid", "part_refunded": "Partly refunded", "refunded": "Refunded", "voided": "Void",
	"new": "New", "accepted": "Accepted", "held": "On hold", "picking": "Being picked", "picked": "Picked", "packed": "Packed", "handed_over": "Handed over", "moved": "Moved", "rejected": "Rejected",
	"intended": "Waiting", "issued": "Label ready", "in_transit": "In transit", "out_for_delivery": "Out for delivery", "attempted": "Not met", "returning": "Coming back", "returned": "Returned", "lost": "Lost", "refused": "Refused", "unknown": "Outcome unknown",
	"active": "Works", "paused": "Paused", "unauthorized": "Credentials refused", "shadow": "Shadow", "intake": "Intake", "live": "Live",
	"unmapped": "Not linked", "mapped": "Linked", "ignored": "Ignored", "resolved": "Closed", "cash_on_delivery": "Cash on delivery", "by_channel": "Sent by the channel", "erased": "Erased",
	"auto": "Auto", "light": "Light", "dark": "Dark", "told": "Told", "withheld": "Withheld", "running": "Running", "stored": "Waiting", "read": "Read", "done": "Done", "stuck": "Stuck", "dead": "Given up",
	"out_of_stock": "Out of stock", "buyer": "The buyer's wish", "address": "The address", "pricing": "A wrong price", "fraud": "Fraud", "other": "Another reason",
	"not_found": "Not on the shelf", "damaged": "Damaged", "too_busy": "Too busy", "sellable": "Sellable", "quarantine": "Quarantine",
	"inclusive": "included", "exclusive": "added", "none": "none", "shipping": "Shipping", "webhook": "Webhook", "poll": "Poll", "api": "API", "console": "Console", "system": "System", "courier": "Courier", "cli": "Command line",
	"fulfillment.changed": "Fulfillment went on", "fulfillment.created": "A location has the work", "fulfillment.cancelled": "Fulfillment ended", "fulfillment.packed": "Packed", "fulfillment.rejected": "A location turned it down", "stock.short": "Stock fell short", "stock.refilled": "Stock has come", "order.ready": "Ready to be sourced", "order.imported": "Came in", "order.held": "Held", "order.released": "Released",
	"order.changed": "Changed", "OrderCreated": "Order created", "OrderPaid": "Order paid", "OrderCancelled": "Order cancelled", "ShipmentCreated": "Waybill issued", "ShipmentDelivered": "Delivered", "ReturnRequested": "Return requested", "ReturnApproved": "Return approved", "RefundIssued": "Refund issued",
	"shipment.handed_over": "Handed over", "shipment.scanned": "Scanned by the courier", "imported": "Read", "updated": "Read again", "event": "Event", "channel": "Channel", "person": "A person", "order": "Order", "cart": "Cart",
	"note": "Note", "cod": "Cash on delivery", "card": "Card", "wallet": "Wallet", "bank": "Bank", "captured": "Captured", "collected": "Collected", "count": "Count", "opening": "Opening stock", "sale": "Sale",

	"return": "Return", "exchange": "Exchange", "refund_only": "Refund without return", "return_to_origin": "Did not reach the buyer", "claim": "Claim: lost or damaged", "from_buyer": "The buyer", "from_seller": "Us", "from_channel": "The channel", "from_courier": "The courier",
	"decision_requested": "To decide", "decision_approved": "Approved", "decision_declined": "Declined", "decision_withdrawn": "Withdrawn",
	"goods_none": "No goods", "goods_awaited": "Goods expected", "goods_on_the_way": "Goods on the way", "goods_received": "Goods to inspect", "goods_inspected": "Goods inspected", "goods_lost": "Goods lost", "goods_cancelled": "Goods not coming",
	"money_none": "Nothing due", "money_due": "Refund due", "money_intended": "Refund under way", "money_refunded": "Money is back", "money_refused": "Money kept", "money_waived": "Buyer does without",
	"requested": "Requested", "approved": "Approved", "unapproved": "Approval taken back", "declined": "Declined", "withdrawn": "Withdrawn", "reopened": "To be decided again", "sent_back": "Sent back by the buyer", "not_sent": "Not sent after all",
	"received": "Goods came", "part_received": "Part of the goods came", "unreceived": "Receipt taken back", "inspected": "Inspected", "uninspected": "Inspection taken back", "refund_wanted": "Refund asked for", "refund_refused": "Refund failed",
	"owed": "Money is due again", "waived": "The buyer does without", "exchanged": "Replacement ordered", "unexchanged": "Replacement taken back", "completed": "Concluded by the channel", "untold": "The channel refused it", "found": "Found again",

	"table_products": "Products", "table_prices": "Prices", "table_costs": "Costs", "table_stock": "Stock", "job_due": "Waiting", "job_running": "Running", "job_dead": "Given up", "job_unknown": "Outcome unknown",
	"subscription_active": "Works", "subscription_paused": "Paused", "subscription_revoked": "Ended", "delivery_due": "Waiting", "delivery_delivered": "Delivered", "delivery_dead": "Given up",
	"person_invited": "Invited", "person_active": "May sign in", "person_disabled": "Shut out",
	"scope_read": "Read: see everything but personal data", "scope_write": "Write: change orders, stock and shipments", "scope_admin": "Admin: everything, also accounts, people and keys", "scope_hooks": "Hooks: deliver events to us",
}
