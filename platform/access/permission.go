package access

import (
	"slices"
)

// Permission is one thing somebody may do: "orders.read". Every operation of the API, every page of the console and, through the API, every
// command names the one it needs.
type Permission string

// Right describes a permission.
type Right struct {
	Name  Permission
	Scope Scope  // the scope of an API key that includes it
	Text  string // what it allows, for people
}

// Rights is every permission there is, the table that docs/permissions.md is made from.
var Rights = []Right{
	{"orders.read", Read, "see orders, their lines, payments and timeline, without personal data"},
	{"orders.edit", Write, "hold and release orders, write notes, read them again at their channel"},
	{"orders.cancel", Write, "cancel orders and units of them"},
	{"sourcing.read", Read, "see why each location may send an order, or not"},
	{"orders.source", Write, "choose the location an order is sent from"},
	{"orders.replay", Write, "decode an order again from what its channel sent, decide what is stuck in the inbox"},
	{"personal.read", Write, "read a buyer's name, address and phone for a purpose that is written down"},
	{"personal.erase", Admin, "erase what is kept of a buyer"},
	{"personal.export", Admin, "export all that is kept of a buyer"},
	{"backups.record", Admin, "back up and restore the database"},
	{"payments.work", Write, "capture and void payments, settle cash on delivery"},
	{"refunds.read", Read, "see refunds"},
	{"refunds.ask", Write, "give money back"},
	{"refunds.settle", Write, "say that money was paid out, settle or drop a refund"},
	{"exceptions.read", Read, "see the cases that need a person"},
	{"exceptions.work", Write, "assign, snooze, act on and resolve cases"},
	{"fulfillment.read", Read, "see fulfillment orders and pick lists"},
	{"fulfillment.work", Write, "accept, pick, pack and hold fulfillment orders"},
	{"fulfillment.route", Write, "move, split, merge and reject fulfillment orders"},
	{"shipments.read", Read, "see shipments and their scans, without addresses"},
	{"shipments.work", Write, "set waybills, scan and hand over"},
	{"shipments.book", Write, "cancel and book again with a courier"},
	{"labels.read", Write, "print labels, which bear name and address; every reading is written down"},
	{"returns.read", Read, "see returns"},
	{"returns.decide", Write, "request, approve, decline and close returns"},
	{"returns.work", Write, "receive and inspect what comes back"},
	{"returns.money", Write, "exchange, refund or waive what a return is owed"},
	{"stock.read", Read, "see stock, movements, reservations and shortages"},
	{"stock.count", Write, "count, adjust and transfer stock"},
	{"stock.policy", Write, "set safety stock and buffers"},
	{"listings.read", Read, "see what channels list"},
	{"listings.edit", Write, "map and ignore listings, accept prices"},
	{"accounts.read", Read, "see accounts at channels, their health and drift"},
	{"accounts.pull", Write, "have an account read now"},
	{"accounts.manage", Admin, "add accounts, set their mode, pause, resume and map their locations"},
	{"storefronts.read", Read, "see the own shops"},
	{"storefronts.manage", Admin, "open, change and close the own shops"},
	{"locations.read", Read, "see branches, warehouses and legal entities"},
	{"locations.manage", Admin, "add branches and warehouses, and change them"},
	{"entities.manage", Admin, "add legal entities and change them"},
	{"events.read", Read, "read the feed of events"},
	{"work.read", Read, "see jobs, parked events and what is told to channels"},
	{"work.settle", Write, "repeat, settle and skip work that stopped"},
	{"subscriptions.read", Read, "see who is sent events, and what came of it"},
	{"subscriptions.resend", Write, "send events again"},
	{"subscriptions.manage", Admin, "add, change and end subscriptions"},
	{"imports.run", Write, "import products, prices, costs and stock from files"},
	{"health.read", Admin, "look whether everything is in order"},
	{"keys.manage", Admin, "make, rotate and end API keys, never with more than one's own rights"},
	{"policy.set", Admin, "set the rules of a country, such as what takes a second person"},
	{"vault.rotate", Admin, "replace the key-encryption key"},
	{"users.read", Admin, "see people, their roles and sessions"},
	{"users.manage", Admin, "add people, give them roles, end their sessions"},
	{"audit.read", Admin, "read and verify the audit log"},
}

// Role is a set of permissions that a person holds in an area.
type Role string

// The roles there are.
const (
	Owner          Role = "owner"
	CountryManager Role = "country_manager"
	BranchManager  Role = "branch_manager"
	Picker         Role = "picker"
	Finance        Role = "finance"
	Support        Role = "support"
	Integrator     Role = "integrator"
	Auditor        Role = "auditor"
)

// Job describes a role.
type Job struct {
	Role  Role
	Title string
	Text  string
	May   []Permission
}

// Jobs is every role with what it may do, the table that docs/permissions.md is made from.
var Jobs = []Job{
	{Owner, "Owner", "everything", names(func(Right) bool { return true })},
	{CountryManager, "Country manager", "runs the trade of a country or a legal entity", names(func(r Right) bool {
		return r.Scope == Read || r.Name == "accounts.manage" || r.Name == "storefronts.manage" || r.Name == "locations.manage" ||
			r.Scope == Write && r.Name != "imports.run" && r.Name != "subscriptions.resend" && r.Name != "orders.replay"
	})},
	{BranchManager, "Branch manager", "runs a branch or warehouse", []Permission{
		"orders.read", "orders.edit", "refunds.read", "exceptions.read", "exceptions.work", "fulfillment.read", "fulfillment.work", "fulfillment.route",
		"shipments.read", "shipments.work", "shipments.book", "labels.read", "returns.read", "returns.decide", "returns.work", "stock.read", "stock.count", "stock.policy", "locations.read",
	}},
	{Picker, "Picker", "picks, packs and hands over", []Permission{
		"orders.read", "exceptions.read", "fulfillment.read", "fulfillment.work", "shipments.read", "shipments.work", "labels.read", "returns.read", "returns.work", "stock.read", "locations.read",
	}},
	{Finance, "Finance", "answers for money", []Permission{
		"orders.read", "payments.work", "refunds.read", "refunds.ask", "refunds.settle", "exceptions.read", "exceptions.work", "returns.read", "returns.money",
		"accounts.read", "locations.read", "events.read",
	}},
	{Support, "Support", "answers buyers", []Permission{
		"orders.read", "orders.edit", "orders.cancel", "personal.read", "refunds.read", "refunds.ask", "exceptions.read", "exceptions.work", "fulfillment.read", "shipments.read",
		"returns.read", "returns.decide", "stock.read", "listings.read", "accounts.read", "locations.read",
	}},
	{Integrator, "Integrator", "connects channels and programs", slices.Concat(names(func(r Right) bool { return r.Scope == Read }), []Permission{
		"accounts.pull", "accounts.manage", "storefronts.manage", "listings.edit", "orders.replay", "exceptions.work", "work.settle", "subscriptions.resend", "subscriptions.manage",
		"imports.run", "health.read", "keys.manage",
	})},
	{Auditor, "Auditor", "sees everything but personal data, changes nothing", slices.Concat(names(func(r Right) bool { return r.Scope == Read }), []Permission{
		"health.read", "users.read", "audit.read",
	})},
}

func names(want func(Right) bool) []Permission {
	var all []Permission
	for _, r := range Rights {
		if want(r) {
			all = append(all, r.Name)
		}
	}
	return all
}

// RightOf describes a permission; false when there is none of that name.
func RightOf(p Permission) (Right, bool) {
	i := slices.IndexFunc(Rights, func(r Right) bool { return r.Name == p })
	if i < 0 {
		return Right{}, false
	}
	return Rights[i], true
}

// JobOf describes a role; false when there is none of that name.
func JobOf(r Role) (Job, bool) {
	i := slices.IndexFunc(Jobs, func(j Job) bool { return j.Role == r })
	if i < 0 {
		return Job{}, false
	}
	return Jobs[i], true
}

// Includes reports whether a role has a permission.
func (r Role) Includes(p Permission) bool {
	j, ok := JobOf(r)
	return ok && slices.Contains(j.May, p)
}

// includes reports whether the scope of an API key has a permission.
func (s Scope) includes(p Permission) bool {
	r, ok := RightOf(p)
	return ok && (s == r.Scope || s == Admin || s == Write && r.Scope == Read)
}
