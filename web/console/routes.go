package console

import (
	"net/http"
	"strings"

	"github.com/openclaw-pos/commerce/platform/access"
)

// route is one thing a person can ask for. Pages ask May(name) before they show it.
type route struct {
	name, method, path string
	need               access.Permission // "" is for everybody, also before signing in; self for whoever is signed in
	rows               access.Rows       // what {id} in the path names
	do                 func(v *visit) error
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// self is what everybody may who is signed in: what concerns nobody but themselves.
const self access.Permission = "self"

// routes are all there is, with the permission each needs and the kind of rows it is about.
func (c *Console) routes() []route {
	return []route{
		{"signin", get, "/signin", "", access.None, signin},
		{"signin.do", post, "/signin", "", access.None, signinDo},
		{"signin.ask", post, "/signin/ask", "", access.None, signinAsk},
		{"signin.passkey", post, "/signin/passkey", "", access.None, signinPasskey},
		{"setup", get, "/setup", "", access.None, setup},
		{"setup.do", post, "/setup", "", access.None, setupDo},
		{"accept", get, "/accept", "", access.None, accept},
		{"accept.do", post, "/accept", "", access.None, acceptDo},
		{"signout", post, "/signout", "", access.None, signout},
		{"prefs", post, "/prefs", "", access.None, prefs},

		{"me", get, "/me", self, access.None, me},
		{"me.ask", post, "/me/ask", self, access.None, meAsk},
		{"me.passkey", post, "/me/passkeys", self, access.None, mePasskey},
		{"me.passkey.do", post, "/me/passkeys/{id}/{act}", self, access.None, mePasskeyDo},
		{"me.codes", post, "/me/codes", self, access.None, meCodes},
		{"me.codes.confirm", post, "/me/codes/confirm", self, access.None, meCodesConfirm},
		{"me.codes.end", post, "/me/codes/end", self, access.None, meCodesEnd},
		{"me.session.end", post, "/me/sessions/end", self, access.None, meSessionEnd},

		{"today", get, "/{$}", "orders.read", access.None, today},
		{"live", get, "/live", "orders.read", access.None, todayLive},
		{"find", get, "/find", "orders.read", access.None, find},
		{"find.quick", get, "/find/quick", "orders.read", access.None, findQuick},

		{"orders", get, "/orders", "orders.read", access.Orders, orders},
		{"orders.bulk", get, "/orders/bulk", "orders.edit", access.Orders, ordersBulk},
		{"orders.bulk.do", post, "/orders/bulk", "orders.edit", access.Orders, ordersBulkDo},
		{"orders.csv", get, "/orders.csv", "orders.read", access.Orders, ordersCSV},
		{"view.save", post, "/views", "orders.read", access.None, viewSave},
		{"view.do", post, "/views/{id}/{act}", "orders.read", access.None, viewDo},
		{"order.buyer", post, "/orders/buyer", "personal.read", access.Orders, orderBuyer},
		{"order", get, "/orders/{id}", "orders.read", access.Orders, orderShow},
		{"order.events", get, "/orders/{id}/events", "orders.read", access.Orders, orderEvents},
		{"order.personal", post, "/orders/{id}/personal", "personal.read", access.Orders, orderPersonal},
		{"order.raw", get, "/orders/{id}/raw", "orders.replay", access.Orders, orderRaw},
		{"order.replay", post, "/orders/{id}/replay", "orders.replay", access.Orders, orderReplay},
		{"order.hold", post, "/orders/{id}/hold", "orders.edit", access.Orders, orderHold},
		{"order.release", post, "/orders/{id}/release", "orders.edit", access.Orders, orderRelease},
		{"order.note", post, "/orders/{id}/note", "orders.edit", access.Orders, orderNote},
		{"order.reread", post, "/orders/{id}/reread", "orders.edit", access.Orders, orderReread},
		{"order.decide", post, "/orders/{id}/decide", "orders.cancel", access.Orders, orderDecide},
		{"order.cancel", get, "/orders/{id}/cancel", "orders.cancel", access.Orders, orderCancel},
		{"order.cancel.do", post, "/orders/{id}/cancel", "orders.cancel", access.Orders, orderCancelDo},
		{"order.change", get, "/orders/{id}/change", "orders.edit", access.Orders, orderChange},
		{"order.change.do", post, "/orders/{id}/change", "orders.edit", access.Orders, orderChangeDo},
		{"order.change.act", post, "/orders/{id}/changes/{change}/{act}", "orders.edit", access.Orders, orderChangeAct},
		{"order.source", get, "/orders/{id}/source", "fulfillment.read", access.Orders, orderSource},
		{"order.source.do", post, "/orders/{id}/source", "fulfillment.route", access.Orders, orderSourceDo},

		{"cases", get, "/exceptions", "exceptions.read", access.Exceptions, cases},
		{"case.bulk", post, "/exceptions/bulk", "exceptions.work", access.Exceptions, caseBulk},
		{"case", get, "/exceptions/{id}", "exceptions.read", access.Exceptions, caseShow},
		{"case.do", post, "/exceptions/{id}/do", "exceptions.work", access.Exceptions, caseDo},
		{"case.resolve", post, "/exceptions/{id}/resolve", "exceptions.work", access.Exceptions, caseResolve},
		{"case.reopen", post, "/exceptions/{id}/reopen", "exceptions.work", access.Exceptions, caseReopen},
		{"case.snooze", post, "/exceptions/{id}/snooze", "exceptions.work", access.Exceptions, caseSnooze},
		{"case.export", post, "/exceptions/{id}/export", "personal.export", access.Exceptions, caseExport},
		{"case.assign", post, "/exceptions/{id}/assign", "exceptions.work", access.Exceptions, caseAssign},

		{"triage", get, "/shortages", "fulfillment.read", access.Orders, triage},
		{"triage.do", post, "/shortages", "fulfillment.route", access.Orders, triageDo},
		{"work", get, "/work", "fulfillment.read", access.Fulfillments, work},
		{"picklist", get, "/picklist", "fulfillment.read", access.Fulfillments, picklist},
		{"picklist.pdf", get, "/picklist.pdf", "fulfillment.read", access.Fulfillments, picklistPDF},
		{"slips", get, "/slips", "labels.read", access.Fulfillments, slipWave},
		{"slip", get, "/work/{id}/slip", "labels.read", access.Fulfillments, slipOne},
		{"work.wishes", post, "/work/{id}/wishes", "labels.read", access.Fulfillments, workWishes},
		{"work.show", get, "/work/{id}", "fulfillment.read", access.Fulfillments, workShow},
		{"work.scan", post, "/work/{id}/scan", "fulfillment.work", access.Fulfillments, workScan},
		{"work.back", post, "/work/{id}/back", "fulfillment.work", access.Fulfillments, workBack},
		{"work.short", post, "/work/{id}/short", "fulfillment.work", access.Fulfillments, workShort},
		{"work.found", post, "/work/{id}/found", "fulfillment.work", access.Fulfillments, workFound},
		{"work.do", post, "/work/{id}/do/{act}", "fulfillment.work", access.Fulfillments, workDo},
		{"work.reject", post, "/work/{id}/do/reject", "fulfillment.route", access.Fulfillments, workReject},

		{"handover", get, "/handover", "shipments.read", access.Shipments, handover},
		{"handover.scan", post, "/handover/scan", "shipments.work", access.Shipments, handoverScan},
		{"handover.back", post, "/handover/back", "shipments.work", access.Shipments, handoverBack},
		{"label", get, "/parcels/{id}/label", "labels.read", access.Shipments, label},

		{"returns", get, "/returns", "returns.read", access.Returns, returnList},
		{"return.find", post, "/returns/scan", "returns.work", access.Returns, returnFind},
		{"return", get, "/returns/{id}", "returns.read", access.Returns, returnShow},
		{"return.decide", post, "/returns/{id}/decide/{act}", "returns.decide", access.Returns, returnDecide},
		{"return.scan", post, "/returns/{id}/scan", "returns.work", access.Returns, returnScan},
		{"return.do", post, "/returns/{id}/do/{act}", "returns.work", access.Returns, returnDo},
		{"return.money", post, "/returns/{id}/money/{act}", "returns.money", access.Returns, returnMoney},
		{"return.new", get, "/orders/{id}/return", "returns.decide", access.Orders, returnNew},
		{"return.new.do", post, "/orders/{id}/return", "returns.decide", access.Orders, returnNewDo},

		{"approvals", get, "/approvals", "orders.read", access.None, approvalList},
		{"approval.do", post, "/approvals/{id}/{act}", "exceptions.work", access.None, approvalDo},

		{"stock", get, "/stock", "stock.read", access.Levels, stockList},
		{"sku", get, "/stock/{sku}", "stock.read", access.Levels, skuShow},
		{"sku.shelf", post, "/stock/{sku}/shelf", "stock.count", access.Levels, skuShelf},
		{"sku.move", post, "/stock/{sku}/move", "stock.count", access.Levels, skuMove},
		{"sku.arrived", post, "/stock/{sku}/arrived", "stock.count", access.Levels, skuArrived},
		{"sku.keep", post, "/stock/{sku}/keep", "stock.policy", access.Levels, skuKeep},
		{"sku.count", post, "/stock/{sku}/count", "stock.count", access.Levels, skuCount},

		{"listings", get, "/listings", "listings.read", access.Listings, listings},
		{"listing.bulk", post, "/listings/bulk", "listings.edit", access.Listings, listingBulk},
		{"listing.map", post, "/listings/{id}/map", "listings.edit", access.Listings, listingMap},
		{"listing.unmap", post, "/listings/{id}/unmap", "listings.edit", access.Listings, listingUnmap},
		{"listing.ignore", post, "/listings/{id}/ignore", "listings.edit", access.Listings, listingIgnore},

		{"channels", get, "/channels", "accounts.read", access.Accounts, channels},
		{"channel.add", get, "/new-account/{kind}", "accounts.manage", access.Accounts, channelAdd},
		{"channel.add.do", post, "/new-account/{kind}", "accounts.manage", access.Accounts, channelAddDo},
		{"channel", get, "/channels/{id}", "accounts.read", access.Accounts, channelShow},
		{"channel.diff", get, "/channels/{id}/diff", "accounts.read", access.Accounts, channelDiff},
		{"channel.drift", get, "/channels/{id}/drift", "accounts.read", access.Accounts, channelDrift},
		{"channel.check", post, "/channels/{id}/check", "accounts.pull", access.Accounts, channelCheck},
		{"channel.pull", post, "/channels/{id}/pull", "accounts.pull", access.Accounts, channelPull},
		{"channel.pause", post, "/channels/{id}/pause", "accounts.manage", access.Accounts, channelPause},
		{"channel.resume", post, "/channels/{id}/resume", "accounts.manage", access.Accounts, channelResume},
		{"channel.authorize", post, "/channels/{id}/authorize", "accounts.manage", access.Accounts, channelAuthorize},
		{"channel.mode", post, "/channels/{id}/mode", "accounts.manage", access.Accounts, channelMode},
		{"channel.map", post, "/channels/{id}/map", "accounts.manage", access.Accounts, channelMap},
		{"channel.window", post, "/channels/{id}/window", "accounts.pull", access.Accounts, channelWindow},

		{"imports", get, "/imports", "imports.run", access.Whole, imports},
		{"import.do", post, "/imports/{what}", "imports.run", access.Whole, importDo},

		{"jobs", get, "/jobs", "work.read", access.Works, jobList},
		{"job", get, "/jobs/{id}", "work.read", access.Works, jobShow},
		{"job.do", post, "/jobs/{id}/{act}", "work.settle", access.Works, jobDo},
		{"parked", get, "/parked", "work.read", access.Whole, parked},
		{"parked.do", post, "/parked/{act}", "work.settle", access.Whole, parkedDo},

		{"subscriptions", get, "/subscriptions", "subscriptions.read", access.Whole, subscriptionList},
		{"subscription.add", post, "/subscriptions", "subscriptions.manage", access.Whole, subscriptionAdd},
		{"subscription", get, "/subscriptions/{id}", "subscriptions.read", access.Whole, subscriptionShow},
		{"subscription.resend", post, "/subscriptions/{id}/resend", "subscriptions.resend", access.Whole, subscriptionResend},
		{"subscription.do", post, "/subscriptions/{id}/{act}", "subscriptions.manage", access.Whole, subscriptionDo},

		{"people", get, "/people", "users.read", access.Whole, peopleList},
		{"person.add", post, "/people", "users.manage", access.Whole, personAdd},
		{"person", get, "/people/{id}", "users.read", access.Whole, personShow},
		{"person.do", post, "/people/{id}/{act}", "users.manage", access.Whole, personDo},
		{"session.end", post, "/people/{id}/sessions/end", "users.manage", access.Whole, sessionEnd},
		{"keys", get, "/keys", "keys.manage", access.Whole, keyList},
		{"key.add", post, "/keys", "keys.manage", access.Whole, keyAdd},
		{"key.do", post, "/keys/{id}/{act}", "keys.manage", access.Whole, keyDo},
		{"audit", get, "/audit", "audit.read", access.Whole, auditList},
		{"audit.verify", get, "/audit/verify", "audit.read", access.Whole, auditVerify},
	}
}

// desk is an entry of the navigation; Key is what follows g on the keyboard.
type desk struct {
	Route, Path, Title, Icon, Key string
	Here                          bool
}

// desks are the entries of the navigation, in the order of a day.
var desks = []desk{
	{Route: "today", Path: "/", Title: "Today", Icon: "today", Key: "t"},
	{Route: "orders", Path: "/orders", Title: "Orders", Icon: "orders", Key: "o"},
	{Route: "cases", Path: "/exceptions", Title: "Exceptions", Icon: "cases", Key: "e"},
	{Route: "work", Path: "/work", Title: "Pick and pack", Icon: "work", Key: "p"},
	{Route: "handover", Path: "/handover", Title: "Hand over", Icon: "handover", Key: "h"},
	{Route: "returns", Path: "/returns", Title: "Returns", Icon: "returns", Key: "r"},
	{Route: "approvals", Path: "/approvals", Title: "To confirm", Icon: "cases", Key: "y"},
	{Route: "stock", Path: "/stock", Title: "Stock", Icon: "stock", Key: "s"},
	{Route: "listings", Path: "/listings", Title: "Listings", Icon: "listings", Key: "l"},
	{Route: "channels", Path: "/channels", Title: "Channels", Icon: "channels", Key: "c"},
	{Route: "imports", Path: "/imports", Title: "Imports", Icon: "imports", Key: "i"},
	{Route: "jobs", Path: "/jobs", Title: "Jobs", Icon: "jobs", Key: "j"},
	{Route: "subscriptions", Path: "/subscriptions", Title: "Subscriptions", Icon: "subscriptions", Key: "w"},
	{Route: "people", Path: "/people", Title: "People", Icon: "person", Key: "u"},
	{Route: "keys", Path: "/keys", Title: "API keys", Icon: "keys", Key: "k"},
	{Route: "audit", Path: "/audit", Title: "Audit", Icon: "audit", Key: "a"},
}

// Nav are the desks the person may sit at.
func (s sheet) Nav() []desk {
	var out []desk
	for _, d := range desks {
		if !s.May(d.Route) {
			continue
		}
		d.Path, d.Title = Base+d.Path, s.T(d.Title)
		d.Here = s.Path() == d.Path || d.Path != Base+"/" && strings.HasPrefix(s.Path(), d.Path+"/")
		out = append(out, d)
	}
	return out
}
