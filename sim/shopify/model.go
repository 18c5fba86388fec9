package shopify

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

func gid(typ string, id int64) string { return fmt.Sprintf("gid://shopify/%s/%d", typ, id) }

func pad(id int64) string { return fmt.Sprintf("%020d", id) }

// parseGID reads an id of one type; a bare number is not one.
func parseGID(typ, text string) (int64, bool) {
	rest, ok := strings.CutPrefix(text, "gid://shopify/"+typ+"/")
	if !ok {
		return 0, false
	}
	var id int64
	if _, err := fmt.Sscanf(rest, "%d", &id); err != nil || fmt.Sprint(id) != rest {
		return 0, false
	}
	return id, true
}

// product, variant and item are Shopify's three views of a thing for sale: the page, the choice on it, and what lies on the shelf.
type product struct {
	s        *Shop
	id       int64
	title    string
	vendor   string
	handle   string
	kind     string
	status   string
	tags     []string
	created  time.Time
	updated  time.Time
	variants []*variant
	giftCard bool
}

type variant struct {
	p         *product
	id        int64
	itemID    int64
	title     string
	sku       string
	barcode   string
	price     int64 // shop currency
	compareAt *int64
	policy    string // DENY or CONTINUE
	taxable   bool
	tracked   bool
	shipped   bool // requires shipping
	grams     int64
	created   time.Time
	updated   time.Time
	levels    map[int64]*level // by location
}

// level is the stock of one item at one location. On hand is the sum; only available may go below zero.
type level struct {
	v         *variant
	loc       *location
	id        int64
	available int
	committed int
	updated   time.Time
}

func (l *level) onHand() int { return l.available + l.committed }

type location struct {
	s        *Shop
	id       int64
	name     string
	addr     Address
	active   bool
	fulfills bool
	created  time.Time
}

type customer struct {
	s           *Shop
	id          int64
	person      Person
	created     time.Time
	updated     time.Time
	orders      int
	redacted    bool
	defaultAddr *Address
}

// order is one order with everything that happened to it. Amounts that are fixed at placement are kept, totals are derived (see total.go).
type order struct {
	s         *Shop
	id        int64
	number    int
	name      string
	confirm   string
	cur       currencies
	fx        *big.Rat // buyer's currency per unit of the shop's
	included  bool
	test      bool
	edited    bool
	source    string
	sourceID  string
	locale    string
	note      string
	poNumber  string
	tags      []string
	attrs     [][2]string
	email     string
	phone     string
	customer  *customer
	shipTo    *Address
	billTo    *Address
	retail    *location // where a point-of-sale order was rung up
	created   time.Time
	processed time.Time
	updated   time.Time
	closed    *time.Time
	cancelled *time.Time
	reason    string // of the cancellation, GraphQL's spelling
	staffNote string
	voided    bool

	lines     []*line
	shipping  []*shippingLine
	discounts []*discount
	tip       bag
	txs       []*transaction
	refunds   []*refund
	fos       []*fulfillmentOrder
	parcels   []*fulfillment
	returns   []*ret
	placed    bag // total at placement
}

type taxLine struct {
	title   string
	rate    rate
	amount  bag
	channel bool // the channel remits it
}

type allocation struct {
	d      *discount
	amount bag
}

type discount struct {
	index     int
	kind      string // code, automatic, manual
	title     string // or the code
	percent   rate   // of value; or
	amount    bag    // a fixed amount
	target    string // LINE_ITEM or SHIPPING_LINE
	selection string // ALL or EXPLICIT
	method    string // ACROSS or EACH
	total     bag    // what it came to
}

type line struct {
	o        *order
	id       int64
	v        *variant // nil for custom lines and deleted products
	p        *product
	title    string
	variant  string
	sku      string
	vendor   string
	quantity int // ever ordered
	removed  int // taken out by edits
	refunded int // units in refunds
	shipped  int // units in parcels that were not cancelled
	unit     bag
	allocs   []allocation
	taxes    []taxLine
	duties   []*duty
	giftCard bool
	ships    bool
	taxable  bool
	grams    int64
	attrs    [][2]string
}

type duty struct {
	id      int64
	code    string // harmonized system code
	origin  string // country
	amount  bag
	returns bag
}

type shippingLine struct {
	o        *order
	id       int64
	title    string
	code     string
	source   string
	price    bag
	allocs   []allocation
	taxes    []taxLine
	refunded bag // before taxes where prices exclude them
	taxBack  bag
}

type transaction struct {
	o       *order
	id      int64
	kind    string
	status  string
	gateway string
	manual  bool
	amount  bag
	parent  *transaction
	at      time.Time
	test    bool
}

type refund struct {
	o       *order
	id      int64
	at      time.Time
	note    string
	lines   []*refundLine
	ship    []*refundShipping
	duties  []kv
	adjust  []*adjustment
	txs     []*transaction
	ret     *ret
	restock bool
}

type refundLine struct {
	id       int64
	line     *line
	quantity int
	restock  string
	loc      *location
	subtotal bag
	tax      bag
}

type refundShipping struct {
	id     int64
	line   *shippingLine
	amount bag
	tax    bag
}

type adjustment struct {
	id     int64
	reason string
	amount bag
	tax    bag
	kind   string // REST: shipping_refund or refund_discrepancy
}

type fulfillmentOrder struct {
	o        *order
	id       int64
	loc      *location
	status   string
	request  string
	created  time.Time
	updated  time.Time
	lines    []*foLine
	holds    []*hold
	method   string
	progress bool
}

type foLine struct {
	fo        *fulfillmentOrder
	id        int64
	line      *line
	total     int
	remaining int
}

type hold struct {
	id      int64
	reason  string
	notes   string
	handle  string
	created time.Time
}

type fulfillment struct {
	o         *order
	id        int64
	name      string
	loc       *location
	status    string
	shown     string // display status
	created   time.Time
	updated   time.Time
	tracking  []tracking
	lines     []*parcelLine
	events    []*parcelEvent
	delivered *time.Time
	transit   *time.Time
}

type tracking struct{ company, number, url string }

type parcelLine struct {
	f        *fulfillment
	id       int64
	line     *line
	fo       *fulfillmentOrder
	quantity int
	returned int // units in returns that were not refused
}

type parcelEvent struct {
	id       int64
	status   string
	message  string
	city     string
	country  string
	happened time.Time
	created  time.Time
}

// ret is a return; the word itself belongs to Go.
type ret struct {
	o        *order
	id       int64
	name     string
	status   string
	created  time.Time
	approved *time.Time
	closed   *time.Time
	decline  string
	declNote string
	lines    []*retLine
	reverse  []*reverseOrder
	refunds  []*refund
}

type retLine struct {
	r         *ret
	id        int64
	parcel    *parcelLine
	quantity  int
	reason    string
	note      string
	customer  string
	processed int
	refunded  int
}

type reverseOrder struct {
	r      *ret
	id     int64
	status string
	lines  []*reverseLine
}

type reverseLine struct {
	id           int64
	line         *retLine
	dispositions []disposition
}

type disposition struct {
	id       int64
	kind     string
	quantity int
	loc      *location
	at       time.Time
}

type job struct {
	s    *Shop
	id   string
	due  time.Time
	done bool
	run  func(e *event)
}

type subscription struct {
	s       *Shop
	id      int64
	topic   string // enum name
	uri     string
	format  string
	include []string
	filter  string
	name    string
	created time.Time
	updated time.Time
}
