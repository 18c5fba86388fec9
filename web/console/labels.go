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

	"act_acknowledge": "That the order arrived", "act_pack": "That it is packed", "act_ship": "That it left", "act_complete": "That it was delivered", "act_cancel": "That it is cancelled", "act_decide_cancel": "What was decided about a cancellation", "act_refund": "That money goes back",
	"act_return": "What was decided about a return", "act_open_return": "That goods come back", "act_unpack": "That a parcel was opened again", "act_retrack": "Another tracking number", "fault_internal": "Our own", "fault_invalid": "The input", "fault_not_found": "Not found", "fault_conflict": "Not possible as things stand",
	"fault_unauthorized": "Credentials refused", "fault_forbidden": "Not allowed", "fault_throttled": "Asked too often", "fault_unavailable": "No answer", "fault_refused": "Refused", "fault_outcome_unknown": "Outcome unknown", "fault_full": "Disk full", "condition_damaged": "Damaged",
	"why_refresh_failing": "the partner does not renew the token", "why_not_renewable": "nothing renews this token", "why_refresh_ends": "what renews the token ends", "redact_customer": "Erase a buyer", "redact_shop": "Erase everything of the shop", "access_customer": "Tell a buyer what is kept",

	"booked": "Announced", "pickup_failed": "Not picked up", "picked_up": "Taken over", "delivery_attempted": "Delivery failed", "awaiting_instruction": "The courier asks what to do", "ready_for_pickup": "Waits at a counter", "on_hold": "Stopped by the courier", "partially_delivered": "Partly delivered",
	"return_initiated": "Will come back", "return_in_transit": "On its way back", "destroyed": "Destroyed", "forward": "On its way there", "exchange_back": "Taken along at the door",
	"customer.not_available": "The buyer was not there", "customer.refused": "The buyer refused it", "customer.wants_to_inspect": "The buyer wants to look inside first", "customer.cod_not_ready": "The buyer had no cash", "customer.changed_mind": "The buyer changed their mind",
	"customer.requested_reschedule": "The buyer wants another day", "customer.phone_unreachable": "The phone does not answer", "customer.fake_order": "Nobody there ordered it", "address.incomplete": "The address is incomplete", "address.incorrect": "The address is wrong",
	"address.not_found": "The address was not found", "address.moved": "The buyer has moved", "address.out_of_service_area": "The courier does not go there", "address.restricted_access": "The courier was not let in", "address.business_closed": "The shop or office was closed",
	"carrier.missort": "It went to a wrong place", "carrier.not_attempted": "The courier did not try", "carrier.damaged": "The courier damaged it", "carrier.delayed": "The courier is late", "shipper.not_ready": "It was not ready", "shipper.wrong_data": "Our data was wrong",
	"shipper.prohibited": "It may not be carried", "customs.documents": "Customs want papers", "customs.duties_unpaid": "Duties are not paid", "external.weather": "The weather", "external.holiday": "A holiday", "external.strike": "A strike", "external.security": "It was not safe there",
	"payment.cod_mismatch": "The cash was not right", "other.unknown": "The courier gives no reason",

	"table_products": "Products", "table_prices": "Prices", "table_costs": "Costs", "table_stock": "Stock", "job_due": "Waiting", "job_running": "Running", "job_dead": "Given up", "job_unknown": "Outcome unknown",
	"subscription_active": "Works", "subscription_paused": "Paused", "subscription_revoked": "Ended", "delivery_due": "Waiting", "delivery_delivered": "Delivered", "delivery_dead": "Given up",
	"person_invited": "Invited", "person_active": "May sign in", "person_disabled": "Shut out",
	"scope_read": "Read: see everything but personal data", "scope_write": "Write: change orders, stock and shipments", "scope_admin": "Admin: everything, also accounts, people and keys", "scope_hooks": "Hooks: deliver events to us",
}
