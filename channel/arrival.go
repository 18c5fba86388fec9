package channel

import "time"

// Account is what import needs to know of the account an order came through.
type Account struct {
	ID          string
	Name        string
	Channel     string // kind
	Country     string
	Currency    string
	Zone        string // IANA
	LegalEntity string
	Mode        Mode
	CutOver     time.Time  // orders placed before it are not ours unless OpenOrders says so; zero = none
	OpenOrders  OpenOrders // which orders open at the cut-over are ours
	Settings    map[string]string
}

// Mode is how much of an account is ours.
type Mode string

const (
	Shadow Mode = "shadow" // imports and compares; reserves, pushes, tells, posts and emits nothing
	Intake Mode = "intake" // imports, reserves, fulfils, emits; tells and pushes nothing to the channel
	Live   Mode = "live"
)

// OpenOrders decides which orders that were open at the cut-over are fulfilled here.
type OpenOrders string

const (
	OpenOurs      OpenOrders = "ours"      // all open ones
	OpenTheirs    OpenOrders = "theirs"    // none: the old system finishes them
	OpenUnshipped OpenOrders = "unshipped" // those of which nothing has been packed or shipped
)

// Arrival is one decoded reading on its way into the house: what connect hands to order.Import.
type Arrival struct {
	Inbox   string // id of the stored raw
	Source  string // webhook, poll, read, direct
	Account Account
	Change  Change // External, Version, ReadAt, Hold; Raw is not carried along
	Order   Order  // decoded; personal fields are emptied, they are in the record
	Hash    string // of the canonical content, personal fields included
	Buyer   string // id of the sealed personal record; "" when there is nothing personal
	// AddressOK says that a parcel could be sent: name, street, city and what the country demands are there.
	AddressOK bool
	// Replay says that a person wants this stored reading applied as it is decoded today, though we hold one of the same time.
	Replay bool
}

// Decision is what became of an arrival.
type Decision string

const (
	Imported  Decision = "imported"  // a new order
	Updated   Decision = "updated"   // an order we had, changed
	Unchanged Decision = "unchanged" // nothing new in it
	Stale     Decision = "stale"     // older than what we hold
	// Contradicts is of the same time as what we hold and says something else, and nobody knows which is the later: the order has to be read again.
	Contradicts Decision = "contradicts"
	Shadowed    Decision = "shadow"  // kept to compare only
	History     Decision = "history" // kept for reports only
	Skipped     Decision = "skipped" // by rule: test order, POS order
	Stuck       Decision = "stuck"   // cannot be applied; waits with its cause
)

// NoNumbers is the code of an import for which no order numbers were ready: make some ready, and repeat it.
const NoNumbers = "no_numbers"

// Landing answers one arrival.
type Landing struct {
	Inbox    string
	Decision Decision
	OrderID  string
	Number   string
	Cause    string   // for Stuck: the exception's cause
	Why      string   // for Stuck: field and reason, for a person
	Held     []string // open hold types after it
	Short    int64    // units short after it
	// Doubt, of Stale, says that nothing but our own clocks made it the older one: reading the order again decides.
	Doubt bool
}
