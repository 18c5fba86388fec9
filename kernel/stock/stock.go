// Package stock has the words that inventory's callers need to ask for stock: Demand in, Shortage out. No I/O.
package stock

import "time"

// HolderKind is who holds a reservation.
type HolderKind string

const (
	ByLine HolderKind = "line" // an order line
	ByCart HolderKind = "cart" // a checkout's soft hold
)

// Demand asks for so many units of one variant for one holder. Several demands of one call are decided together, in key order.
type Demand struct {
	Holder   HolderKind
	HolderID string
	OrderID  string // for the order's own index; "" for carts
	Variant  string
	Quantity int64
	// Rank decides who keeps stock when a fact takes it away: the lowest rank loses first.
	Rank int64
	// Prefer lists location ids in the order in which sourcing would use them; stock spills over from one to the next. Empty = nothing can be reserved.
	Prefer []string
	// Sold says the units are already sold elsewhere: safety stock may be used. A promise (cart, own site) may not.
	Sold bool
	// Partial reserves what there is and reports the rest as short; otherwise nothing of this demand is reserved when any unit is missing.
	Partial bool
	Expires time.Time // zero = until released
	// Convert names a cart's soft hold whose units this demand takes over.
	Convert string
}

// Grant is what one demand got at one location.
type Grant struct {
	HolderID string
	Variant  string
	Location string
	Quantity int64
}

// Shortage is what a demand did not get.
type Shortage struct {
	HolderID string
	Variant  string
	Quantity int64
	// Missing is how many of these are not there; the others were given up because the demand is all or nothing.
	Missing int64
}

// Outcome answers a set of demands: every demanded unit is in exactly one Grant or one Shortage.
type Outcome struct {
	Grants    []Grant
	Shortages []Shortage
}

// Condition is the state of goods.
type Condition string

const (
	Sellable   Condition = "sellable"
	Quarantine Condition = "quarantine"
	Damaged    Condition = "damaged"
)

// MovementKind is why on hand changes.
type MovementKind string

const (
	MoveOpening     MovementKind = "opening"
	MoveReceipt     MovementKind = "receipt"
	MoveSale        MovementKind = "sale"      // handed over for an order
	MoveTillSale    MovementKind = "till_sale" // sold in the branch
	MoveCount       MovementKind = "count"
	MoveShort       MovementKind = "short_pick" // was not where it should have been
	MoveDamage      MovementKind = "damage"
	MoveTransferIn  MovementKind = "transfer_in"
	MoveTransferOut MovementKind = "transfer_out"
	MoveReturn      MovementKind = "return"
	MoveAdjust      MovementKind = "adjustment"
)

// Movement is one change of on hand. Reference makes it happen once.
type Movement struct {
	Variant   string
	Location  string
	Condition Condition
	Delta     int64
	Kind      MovementKind
	RefKind   string // shipment, return, count, import, pos
	RefID     string
	UnitCost  *int64 // minor units of Currency; nil = unknown
	Currency  string
	Serial    string
	Batch     string
	ExpiresOn string // YYYY-MM-DD
	Actor     string
	Note      string
	At        time.Time
	// Consume takes the quantity out of these holders' reservations at this location in the same step (hand-over). With a positive Delta
	// it puts it back: the exact inverse.
	Consume []Use
}

// Use is so much of a holder's reservation.
type Use struct {
	Holder   HolderKind
	HolderID string
	Quantity int64
}
