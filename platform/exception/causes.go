package exception

import "time"

// Action is something a person can do about a case; the name is the one that API, CLI and console offer.
type Action struct{ Name, Title string }

// Cause is a kind of case, in plain English for the person who gets it.
type Cause struct {
	Name     string // stored, stable
	Title    string
	Explain  string        // what happened and what waits for it
	Actions  []Action      // what can be done, best first
	Deadline time.Duration // from raising, when the case brings none; 0 is none
	Resolves string        // what resolving the case does
}

// The names of the causes.
const (
	UnmappedSKU         = "unmapped_sku"
	MoneyMismatch       = "money_mismatch"
	Shortage            = "shortage"
	StaleStatus         = "stale_status"
	ContradictingStatus = "contradicting_status"
	FutureVersion       = "future_version"
	AddressIncomplete   = "address_incomplete"
	CancelRequest       = "cancel_request"
	PushRefused         = "push_refused"
	CourierRefused      = "courier_refused"
	OutcomeUnknown      = "outcome_unknown"
	AccountUnauthorized = "account_unauthorized"
	AccessEnding        = "access_ending"
	DeadJob             = "dead_job"
	Undecodable         = "undecodable"
	SecondCurrency      = "second_currency"
	ChangeAfterPack     = "change_after_pack"
	RefundOverCaptured  = "refund_over_captured"
	RefundRefused       = "refund_refused"
	PriceHeld           = "price_held"
	StaleLocation       = "stale_location"
	CurrencyChanged     = "currency_changed"
	DuplicateShop       = "duplicate_shop"
	ReturnWaiting       = "return_waiting"
	DeliveryFailed      = "delivery_failed"
	EventParked         = "event_parked"
	SubscriberFailing   = "subscriber_failing"
	StockDrift          = "stock_drift"
	NegativeStock       = "negative_stock"
	NoLocation          = "no_location"
	CashShort           = "cash_short"
	OrderMissing        = "order_missing"
	FulfillmentRejected = "fulfillment_rejected"
	PrivacyRequest      = "privacy_request"
	Restored            = "restored"
)

// Actions that several causes share.
var (
	openOrder  = Action{"order.show", "Look at the order"}
	reread     = Action{"order.reread", "Read the order again from the channel"}
	acceptIt   = Action{"exception.resolve", "Accept it as it is"}
	cancelIt   = Action{"order.cancel", "Cancel the order or the lines"}
	checkAcc   = Action{"channel.check", "Check the account"}
	retryJob   = Action{"job.replay", "Try again"}
	discardJob = Action{"job.discard", "Give it up"}
)

// Causes says of every cause what it means, what to do and what resolving does, in the order in which an order may meet them.
var Causes = []Cause{
	{
		Name: Undecodable, Title: "A message could not be read",
		Explain:  "The channel sent something this version cannot understand. It is kept, sealed, as it came; nothing was changed because of it.",
		Actions:  []Action{{"inbox.replay", "Try to read it again"}, checkAcc, acceptIt},
		Resolves: "Nothing is read again: the message stays stored but no longer waits.",
	},
	{
		Name: FutureVersion, Title: "A change from the future",
		Explain:  "The channel dates this change more than ten minutes ahead. It was not applied, because it would hide every real change until then.",
		Actions:  []Action{reread, {"inbox.apply", "Apply it with the time it was received"}},
		Resolves: "The change is left out. The next change of the channel is applied as usual.",
	},
	{
		Name: StaleStatus, Title: "A status that goes backwards",
		Explain:  "The channel reports a status that lies before the one the order has reached. The order was left as it is.",
		Actions:  []Action{reread, openOrder, acceptIt},
		Resolves: "Our status stands; the channel's report stays in the timeline.",
	},
	{
		Name: ContradictingStatus, Title: "The channel and we disagree",
		Explain:  "The channel reports something that cannot follow from where the order is, for example delivered before it was handed over. Facts are recorded, states are not forced.",
		Actions:  []Action{reread, openOrder, acceptIt},
		Deadline: 24 * time.Hour,
		Resolves: "Our status stands; both views stay in the timeline.",
	},
	{
		Name: UnmappedSKU, Title: "An item we do not know",
		Explain:  "An order line, or a listing, is not linked to one of our SKUs. Its orders are held and reserve nothing for the line until it is.",
		Actions:  []Action{{"listing.map", "Link the listing to a SKU"}, {"channel.listings", "Read the listings again"}, cancelIt},
		Deadline: 4 * time.Hour,
		Resolves: "Only linking the listing releases the orders; resolving by hand leaves them held.",
	},
	{
		Name: MoneyMismatch, Title: "The money does not add up",
		Explain:  "Lines, tax, shipping and discounts do not give the total the channel reports, by more than rounding. The order is held; the difference is shown and nothing was recomputed.",
		Actions:  []Action{openOrder, reread, {"order.release", "Accept the difference and release the order"}, cancelIt},
		Deadline: 4 * time.Hour,
		Resolves: "The case closes; the order is released by its own action, which records the accepted difference.",
	},
	{
		Name: SecondCurrency, Title: "Two currencies in one amount",
		Explain:  "Parts of the order that must share a currency do not. The order is held, because amounts of different currencies cannot be added.",
		Actions:  []Action{openOrder, reread, cancelIt},
		Deadline: 4 * time.Hour,
		Resolves: "The case closes; the order stays held until a change of the channel brings one currency.",
	},
	{
		Name: CurrencyChanged, Title: "The order changed its currency",
		Explain:  "The channel now reports the order in another currency than before. The change was not applied: payments, tax and statements rest on the first.",
		Actions:  []Action{openOrder, reread, cancelIt},
		Deadline: 24 * time.Hour,
		Resolves: "The first currency stands.",
	},
	{
		Name: AddressIncomplete, Title: "The address is not enough to ship",
		Explain:  "Something a courier needs in this country is missing, for example the city or a phone number. The order is held and keeps its stock.",
		Actions:  []Action{{"order.address", "Complete the address"}, reread, cancelIt},
		Deadline: 12 * time.Hour,
		Resolves: "The case closes; completing the address is what releases the order.",
	},
	{
		Name: Shortage, Title: "Not enough stock for an order already sold",
		Explain:  "The channel sold more than can be reserved. What is there is reserved, the rest waits and is filled first when stock comes.",
		Actions:  []Action{{"stock.explain", "See where the stock is"}, {"stock.count", "Correct the stock"}, {"fulfillment.move", "Ship from elsewhere"}, cancelIt},
		Deadline: 24 * time.Hour,
		Resolves: "The shortage itself stays until stock comes or the units are cancelled.",
	},
	{
		Name: NoLocation, Title: "Nowhere to ship from",
		Explain:  "No branch or warehouse may fulfil this order: wrong country, wrong company, switched off, or without the goods.",
		Actions:  []Action{{"fulfillment.explain", "See why each location was turned down"}, {"fulfillment.source", "Choose a location"}, cancelIt},
		Deadline: 8 * time.Hour,
		Resolves: "The order waits; sourcing tries again when stock or locations change.",
	},
	{
		Name: FulfillmentRejected, Title: "A location turned the order down",
		Explain:  "A branch or warehouse cannot fulfil the order and said why. It was sourced again where possible.",
		Actions:  []Action{{"fulfillment.source", "Choose another location"}, {"stock.count", "Correct the stock"}, cancelIt},
		Deadline: 8 * time.Hour,
		Resolves: "The case closes; the order stays where sourcing left it.",
	},
	{
		Name: CancelRequest, Title: "Somebody asks to cancel",
		Explain:  "The buyer or the channel asks to cancel. Packing and hand-over wait for a decision; without one, the channel's default happens at the deadline.",
		Actions:  []Action{{"order.cancel.accept", "Accept: cancel the order"}, {"order.cancel.decline", "Decline: ship it"}},
		Deadline: 24 * time.Hour,
		Resolves: "Decide with accept or decline; resolving alone leaves the request to the channel's default.",
	},
	{
		Name: ChangeAfterPack, Title: "The order changed after packing",
		Explain:  "The channel changed lines or the address of something already packed or shipped. What could be applied was; the rest is shown.",
		Actions:  []Action{openOrder, {"fulfillment.unpack", "Unpack and apply the change"}, {"shipment.cancel", "Call the parcel off, as long as it has not left"}, acceptIt},
		Deadline: 4 * time.Hour,
		Resolves: "The parcel goes out as it was packed; the change stays in the timeline.",
	},
	{
		Name: PushRefused, Title: "The channel refused what we told it",
		Explain:  "The channel understood and said no: to a stock level, a price, a shipment, a cancellation. It is not sent again by itself.",
		Actions:  []Action{{"tell.retry", "Send it again"}, {"tell.done", "It was done by hand at the channel"}, checkAcc},
		Deadline: 8 * time.Hour,
		Resolves: "The channel stays untold; a newer value is sent as usual.",
	},
	{
		Name: CourierRefused, Title: "A courier refused a parcel",
		Explain:  "The courier understood the booking and said no: an address or town it does not serve, a weight, an amount of cash, a service. The parcel stays packed, without a waybill.",
		Actions:  []Action{{"tell.retry", "Ask for a waybill again, from this courier or another one"}, openOrder},
		Deadline: 4 * time.Hour,
		Resolves: "The parcel stays packed; it gets a waybill when somebody asks for one.",
	},
	{
		Name: OutcomeUnknown, Title: "We do not know whether it happened",
		Explain:  "A booking, refund, shipment notice or posting was sent, and the answer was lost. It is never repeated blindly: look at the partner's side first.",
		Actions:  []Action{{"outcome.look", "Ask the partner again"}, {"outcome.happened", "It happened"}, {"outcome.retry", "It did not happen: do it"}},
		Deadline: 4 * time.Hour,
		Resolves: "Nothing is sent. Say what happened with one of the actions.",
	},
	{
		Name: PrivacyRequest, Title: "A wish about personal data",
		Explain:  "The channel passes on a buyer's wish: to know what is kept, or to have it erased. The channel expects it to be carried out by the deadline.",
		Actions:  []Action{{"privacy.export", "Export what is kept"}, {"privacy.erase", "Erase what the law does not keep"}, acceptIt},
		Deadline: 30 * 24 * time.Hour,
		Resolves: "The wish counts as carried out; nothing is exported or erased by resolving.",
	},
	{
		Name: Restored, Title: "Restored from a backup",
		Explain:  "Everything here is as it was when the backup was taken. What was done after that, parcels booked, refunds paid, goods counted, is not known: compare with couriers, payment providers and shelves. Orders are read from their channels again from then on, and what was to be sent is looked for at the partner first.",
		Actions:  []Action{acceptIt},
		Deadline: 24 * time.Hour,
		Resolves: "Nothing changes: it says that somebody has compared.",
	},
	{
		Name: AccountUnauthorized, Title: "An account refuses our credentials",
		Explain:  "The partner no longer accepts the credentials of this account: expired, revoked, or the shop withdrew its consent. Orders wait at the partner until it does.",
		Actions:  []Action{{"channel.authorize", "Enter or renew the credentials"}, checkAcc},
		Deadline: time.Hour,
		Resolves: "Work of the account is tried again; it opens again if the credentials are still refused.",
	},
	{
		Name: AccessEnding, Title: "Access to an account ends soon",
		Explain:  "The partner's token of this account ends, and cannot be renewed by itself: it was made that way, what renews it ends too, or the partner keeps refusing. Until then everything works.",
		Actions:  []Action{{"channel.authorize", "Enter or renew the credentials"}, checkAcc},
		Resolves: "Nothing is renewed: when its time is over the account stops, with a case of its own.",
	},
	{
		Name: DuplicateShop, Title: "A second account of one shop",
		Explain:  "Two accounts lead to the same shop of the partner. The second one is refused, because every order would come twice.",
		Actions:  []Action{{"channel.list", "Look at the accounts"}, {"channel.pause", "Stop one of them"}},
		Resolves: "The second account stays refused.",
	},
	{
		Name: DeadJob, Title: "A task has given up",
		Explain:  "A task failed as often as it may, or in a way that repeating does not heal. Its error is shown.",
		Actions:  []Action{retryJob, {"job.edit", "Correct it and try again"}, discardJob},
		Deadline: 24 * time.Hour,
		Resolves: "The task stays where it is and is not tried again.",
	},
	{
		Name: EventParked, Title: "An event could not be taken",
		Explain:  "A part of the system could not take an event. It and all later ones of the same subject wait, in order; others go on. It is tried again by itself.",
		Actions:  []Action{{"event.replay", "Try again now"}, {"event.skip", "Leave the event out"}},
		Deadline: 8 * time.Hour,
		Resolves: "The events stay parked and are still tried again.",
	},
	{
		Name: PriceHeld, Title: "A price was not sent",
		Explain:  "The new price is zero, or differs from the last one by more than the limit. It waits for a person, because a wrong price sells at once.",
		Actions:  []Action{{"price.approve", "Send it"}, {"price.reject", "Keep the old price"}},
		Deadline: 24 * time.Hour,
		Resolves: "The old price stays at the channel.",
	},
	{
		Name: StockDrift, Title: "The channel shows another stock than we told it",
		Explain:  "What the channel shows differs from what it was last told and what it sold since.",
		Actions:  []Action{{"stock.push", "Send our number again"}, {"stock.explain", "See how our number comes about"}},
		Deadline: 24 * time.Hour,
		Resolves: "Nothing is sent; the next change of the stock is.",
	},
	{
		Name: NegativeStock, Title: "A location has less than nothing",
		Explain:  "A sale, a count or a short pick took more than the books had. Facts are recorded as they are; the stock of this location is in doubt.",
		Actions:  []Action{{"stock.count", "Count and correct"}, {"stock.explain", "See the movements"}},
		Deadline: 24 * time.Hour,
		Resolves: "The books stay as they are.",
	},
	{
		Name: StaleLocation, Title: "A location's stock is out of date",
		Explain:  "The POS core could not be read without a gap, or the branch has not been heard of. Less of its stock is promised until it is heard of again.",
		Actions:  []Action{{"stock.import", "Load the stock in full"}, {"location.heard", "Its stock is right as it stands"}, {"location.show", "See when it was last heard of"}},
		Deadline: 4 * time.Hour,
		Resolves: "The location stays marked until it is heard of.",
	},
	{
		Name: DeliveryFailed, Title: "A parcel was not delivered",
		Explain:  "The courier tried and failed, or the parcel is coming back.",
		Actions:  []Action{{"shipment.show", "See what the courier says"}, {"shipment.scan", "Record what was agreed with the courier: another attempt, or the way back"}, openOrder},
		Deadline: 24 * time.Hour,
		Resolves: "The parcel goes the way the courier decides.",
	},
	{
		Name: ReturnWaiting, Title: "A return waits for a decision",
		Explain:  "Goods or a request came back and nobody has decided: approve, inspect, or refund. The channel's deadline, where it has one, decides otherwise.",
		Actions:  []Action{{"return.approve", "Approve"}, {"return.decline", "Decline"}, {"return.inspect", "Inspect the goods"}},
		Deadline: 48 * time.Hour,
		Resolves: "The return stays where it is.",
	},
	{
		Name: RefundOverCaptured, Title: "More refunded than was paid",
		Explain:  "The channel reports a refund that exceeds what was captured for the order. It is recorded as reported; a refund of our own would have been refused.",
		Actions:  []Action{openOrder, reread, acceptIt},
		Deadline: 48 * time.Hour,
		Resolves: "The refund stays as the channel reported it.",
	},
	{
		Name: RefundRefused, Title: "A refund was refused",
		Explain:  "The payment provider understood and said no: the card is closed, the time for refunds is over, or not enough is left. The buyer waits for the money.",
		Actions:  []Action{{"refund.retry", "Try it again"}, {"refund.payout", "Give it back another way"}, {"refund.done", "It was given back by hand"}, openOrder},
		Deadline: 8 * time.Hour,
		Resolves: "The money stays with us.",
	},
	{
		Name: CashShort, Title: "Cash on delivery is missing",
		Explain:  "The collector remitted less than was to be collected, or took it back.",
		Actions:  []Action{{"cash.remit", "The rest has come"}, {"cash.confirm", "It was taken after all"}, {"cash.write_off", "Write it off"}, openOrder},
		Deadline: 72 * time.Hour,
		Resolves: "The amount stays open in the books.",
	},
	{
		Name: OrderMissing, Title: "An order is on one side only",
		Explain:  "Comparing with the channel found an order that one side does not have and that reading again did not bring.",
		Actions:  []Action{reread, {"channel.diff", "Compare again"}, acceptIt},
		Deadline: 24 * time.Hour,
		Resolves: "The difference is accepted and not reported again unless it changes.",
	},
	{
		Name: SubscriberFailing, Title: "A subscriber does not take its events",
		Explain:  "The address of a webhook subscription has failed for so long that deliveries were given up, or says that it is gone.",
		Actions:  []Action{{"subscription.resend", "Send what was given up again"}, {"subscription.resume", "Resume the subscription"}, {"subscription.revoke", "End the subscription"}},
		Deadline: 24 * time.Hour,
		Resolves: "What was given up stays given up; the pull feed still has it.",
	},
}

var causes = index()

func index() map[string]Cause {
	m := make(map[string]Cause, len(Causes))
	for _, c := range Causes {
		m[c.Name] = c
	}
	return m
}

// CauseOf finds a cause by name.
func CauseOf(name string) (Cause, bool) {
	c, ok := causes[name]
	return c, ok
}
