package daraz

import (
	"fmt"
	"time"
)

// Statuses of a unit, in the platform's own words (channel-daraz §1.6). There is no status of an order.
const (
	unpaid      = "unpaid"
	pending     = "pending"
	repacked    = "repacked"
	packed      = "packed"
	readyToShip = "ready_to_ship"
	shipped     = "shipped"
	delivered   = "delivered"
	failed      = "failed"
	canceled    = "canceled"
	returned    = "returned"
	shippedBack = "shipped_back"
	backSuccess = "shipped_back_success"
	backFailed  = "shipped_back_failed"
	lost        = "lost_by_3pl"
	damaged     = "damaged_by_3pl"
)

// Events of a unit.
const (
	evPay      = "pay"
	evPack     = "pack"
	evRepack   = "repack"
	evReady    = "ready"
	evShip     = "ship"
	evDeliver  = "deliver"
	evFail     = "fail"
	evBack     = "ship back"
	evArrived  = "arrive back"
	evVanished = "not arrive back"
	evLose     = "lose"
	evDamage   = "damage"
	evCancel   = "cancel"
	evReturn   = "return"
	evReship   = "try again"
)

// life is every transition of a unit: event, from, to. Only pending and repacked can be packed, only packed can be made ready (§1.7).
var life = map[string]map[string]string{
	evPay:      {unpaid: pending},
	evPack:     {pending: packed, repacked: packed},
	evRepack:   {packed: repacked},
	evReady:    {packed: readyToShip},
	evShip:     {readyToShip: shipped},
	evDeliver:  {shipped: delivered},
	evFail:     {shipped: failed},
	evReship:   {failed: shipped},
	evBack:     {shipped: shippedBack, failed: shippedBack},
	evArrived:  {shippedBack: backSuccess},
	evVanished: {shippedBack: backFailed},
	evLose:     {shipped: lost, readyToShip: lost},
	evDamage:   {shipped: damaged},
	evCancel:   {unpaid: canceled, pending: canceled, repacked: canceled, packed: canceled, readyToShip: canceled},
	evReturn:   {delivered: returned},
}

// statuses are the filter words of /orders/get: Daraz's set, and Lazada's beyond it.
var statuses = map[string]bool{
	unpaid: true, pending: true, canceled: true, readyToShip: true, delivered: true, returned: true, shipped: true, failed: true,
	"topack": true, "toship": true, packed: true, repacked: true, "lost": true, lost: true, damaged: true, "failed_delivery": true,
	shippedBack: true, backSuccess: true, backFailed: true, "package_scrapped": true,
}

// matches says whether a unit counts under a filter word.
func (u *unit) matches(filter string) bool {
	switch filter {
	case "topack":
		return u.status == pending || u.status == repacked
	case "toship":
		return u.status == packed
	case "failed_delivery":
		return u.status == failed
	case "lost":
		return u.status == lost
	}
	return u.status == filter
}

// unit is one piece ordered: one row, one order_item_id. There is no quantity anywhere.
type unit struct {
	id        string
	order     *order
	product   *product
	status    string
	warehouse string
	price     int64 // item_price, minor units
	seller    int64 // voucher paid by the seller
	platform  int64 // voucher paid by Daraz
	shipping  money3
	central   bool // fulfilled by Daraz (FBD)
	ownFleet  bool // the seller delivers (SOF, DBS)
	parcel    *parcel
	reason    string
	detail    string
	initiator string // cancel_return_initiator
	returning string // return_status
	invoice   string
	updated   time.Time
	ask       *reverse // a cancel the buyer has asked for and nobody has decided
	back      *reverse // the latest return
}

// money3 is a fee before discounts and who gave those, minor units.
type money3 struct{ original, seller, platform int64 }

func (f money3) net() int64 { return f.original - f.seller - f.platform }

func (u *unit) paid() int64 { return u.price - u.seller - u.platform }

// parcel is a package: units packed together, with the tracking number of the platform's carrier.
type parcel struct {
	id, tracking, provider string
	order                  *order
	units                  []*unit
	dropped                bool // undone by a repack or a cancel
	scans                  []scan
}

type scan struct {
	at    time.Time
	title string
}

// held says which bucket of stock a status keeps a unit in.
func held(status string) string {
	switch status {
	case unpaid:
		return "withheld"
	case pending, repacked, packed:
		return "occupied"
	}
	return ""
}

// move takes a unit along one event, or says why not. It moves stock with it, stamps the order, and pushes.
func (m *Market) move(u *unit, event string) error {
	next, ok := life[event][u.status]
	if !ok {
		return fmt.Errorf("unit %s is %s: cannot %s", u.id, u.status, event)
	}
	from := u.status
	u.status = next
	m.moveStock(u, from, next)
	m.touch(u)
	m.pushUnit(u)
	return nil
}

// moveStock keeps the shop front's arithmetic: ready to ship takes the unit out of the occupied ones and out of the total. A unit cancelled
// after that does not come back by itself; the documents do not say that it does.
func (m *Market) moveStock(u *unit, from, to string) {
	if u.central {
		if held(from) != "" && to == canceled {
			u.product.central++
		}
		return
	}
	l := u.product.level(u.warehouse)
	was, is := held(from), held(to)
	if was == is {
		return
	}
	switch was {
	case "withheld":
		l.withheld--
	case "occupied":
		l.occupied--
	}
	switch is {
	case "withheld":
		l.withheld++
	case "occupied":
		l.occupied++
	}
	if to == readyToShip {
		l.real--
	}
}

// touch stamps a unit and its order; an order's time never runs backwards, whatever the clock does.
func (m *Market) touch(u *unit) {
	now := m.second()
	u.updated = now
	if now.After(u.order.updated) {
		u.order.updated = now
	}
}
