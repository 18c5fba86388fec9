// Package payment keeps what was paid, what is still to be collected and what went back: several payments an order, cash on delivery with its collector and life,
// refunds capped at what was captured. Start at Service.Record, which takes a channel's word, and Service.Refund in refund.go.
//
// It owns order_payments, cash_parcels, refunds and refund_lines. Whatever changes the money of an order holds the lock of the order's row, which is why payments are never locked alone.
package payment

import (
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Needs is what payments get from others. app fills it.
type Needs struct {
	DB    *db.DB
	Audit *audit.Log
	// Orders reads orders, their rows locked when asked.
	Orders func(tx *db.Tx, ids []string, lock bool) (map[string]Order, error)
	// Meta is what contract events of these orders begin with.
	Meta func(tx *db.Tx, orders []string) (map[string]event.Meta, error)
	// Refunded counts refunded units on the order's lines.
	Refunded func(tx *db.Tx, order string, parts []event.RefundPart) error
	// PayChanged tells the order its money state; basis is captured, cod_presumed or cod_confirmed.
	PayChanged func(tx *db.Tx, order, payState, basis string, at time.Time) error
	// CashStep is a country's cash rounding step in minor units and its mode's name; 0 = none.
	CashStep func(tx *db.Tx, country, currency string) (step int64, mode string, err error)
	// Presumed says whether an account takes a delivery scan for the cash itself; nil = none does: cash counts as captured when it is confirmed.
	Presumed func(tx *db.Tx, account string) (bool, error)
	// DueChanged says that less or more cash is to be collected for orders whose rows are locked, so that waybills not made yet follow; nil = nobody minds.
	DueChanged func(tx *db.Tx, orders []string) error
	// CanRefund says whether a channel gives money back when it is asked to; nil = every one does.
	CanRefund func(channel string) bool
	// Second refuses what takes a second person by the country's policy, and has not got one: rule is "refund" or "payout", before is what the order gave back, or had paid
	// out, already; nil = nothing does.
	Second func(tx *db.Tx, rule, country, actor string, amount, before money.Amount) error
	// Gateway opens a payment provider of ours by name; nil while there is none. fault.NotFound for one that is not known.
	Gateway func(name string) (gateway.Gateway, error)
}

// Order is what payments need to know of an order.
type Order struct {
	ID, Number, Account, Channel, External, Country, Currency string
	Total                                                     int64 // as placed
	Effective                                                 bool
	Cancelled                                                 bool
	Version                                                   int64
	Lines                                                     []OrderLine
}

// OrderLine is one line of it.
type OrderLine struct {
	ID, External       string
	Ordered, Cancelled int64
	Total              int64
}

// Service is the context's front. Safe for concurrent use.
type Service struct{ need Needs }

// New makes the service.
func New(need Needs) *Service { return &Service{need: need} }

// Facts are what a channel says about the money of one order.
type Facts struct {
	OrderID  string
	Account  string
	Channel  string
	Currency string
	Total    int64 // what the buyer owes now
	COD      bool
	Fresh    bool
	Ours     bool
	Payments []channel.Payment
	Refunds  []channel.Refund
	Lines    map[string]string // the channel's line id → ours
	At       time.Time
}

// Payment is one payment of an order.
type Payment struct {
	ID         string    `json:"id"`
	OrderID    string    `json:"order_id"`
	Account    string    `json:"account_id"`
	External   string    `json:"external_id"`
	Method     string    `json:"method"`
	Gateway    string    `json:"gateway"`
	Provider   string    `json:"provider"` // channel, or the provider's name when it is ours
	State      string    `json:"state"`
	Currency   string    `json:"currency"`
	Amount     int64     `json:"amount_minor"`
	Authorized int64     `json:"authorized_minor"`
	Captured   int64     `json:"captured_minor"`
	Refunded   int64     `json:"refunded_minor"`
	Collector  string    `json:"collector,omitempty"`
	CODState   string    `json:"cod_state,omitempty"`
	CODDue     int64     `json:"cod_due_minor,omitempty"`
	CODGot     int64     `json:"cod_collected_minor,omitempty"`
	CODBasis   string    `json:"cod_basis,omitempty"`
	CODGone    int64     `json:"cod_gone_minor,omitempty"`  // of parcels that came back: no longer due
	CODTaken   int64     `json:"cod_taken_minor,omitempty"` // of parcels whose cash was collected, while other cash is still due
	Reference  string    `json:"-"`
	At         time.Time `json:"at"`
	Version    int64     `json:"version"`
}

const columns = `p.id, p.order_id, p.account_id, p.external, p.method, p.gateway, p.provider, p.state, p.currency, p.amount, p.authorized, p.captured, p.refunded,
	p.collector, p.cod_state, p.cod_due, p.cod_collected, p.cod_basis, p.cod_gone, p.cod_taken, p.reference, p.at, p.version`

func scan(row db.Scanner) (Payment, error) {
	var p Payment
	err := row.Scan(&p.ID, &p.OrderID, &p.Account, &p.External, &p.Method, &p.Gateway, &p.Provider, &p.State, &p.Currency, &p.Amount, &p.Authorized, &p.Captured, &p.Refunded,
		db.Text(&p.Collector), db.Text(&p.CODState), db.Int(&p.CODDue), db.Int(&p.CODGot), db.Text(&p.CODBasis), db.Int(&p.CODGone), db.Int(&p.CODTaken),
		db.Text(&p.Reference), db.Time(&p.At), &p.Version)
	return p, err
}

// The states of a payment.
const (
	Due        = "due"
	Authorized = "authorized"
	Captured   = "captured"
	Voided     = "voided"
	Failed     = "failed"
	Unknown    = "unknown"
)

// Life is the life of a payment. Money that a partner captured is a fact, also after we let go of it; only cash goes back from captured, when a collection turns out
// not to have happened.
var Life = state.Life{Name: "payment", Start: Due, Moves: map[state.State]map[state.Event]state.State{
	Due:        {"authorize": Authorized, "capture": Captured, "void": Voided, "fail": Failed, "lose": Unknown},
	Authorized: {"capture": Captured, "void": Voided, "fail": Failed, "lose": Unknown},
	Unknown:    {"authorize": Authorized, "capture": Captured, "void": Voided, "fail": Failed},
	Captured:   {"capture": Captured, "reverse": Voided, "uncapture": Due},
	Voided:     {"capture": Captured, "unvoid": Due, "unvoid_authorized": Authorized},
	Failed:     {"authorize": Authorized, "capture": Captured, "void": Voided},
}}

// CashLife is the life of cash on delivery. A collection may be presumed first and confirmed later: collected twice is collected.
var CashLife = state.Life{Name: "cash on delivery", Start: CashIsDue, Moves: map[state.State]map[state.Event]state.State{
	CashIsDue:        {"collect": CashCollected, "void": CashVoid},
	CashCollected:    {"collect": CashCollected, "uncollect": CashIsDue, "hand_in": CashInRemittance, "remit": CashRemitted, "short_pay": CashShortPaid, "void": CashReversed, "write_off": CashWrittenOff},
	CashInRemittance: {"take_out": CashCollected, "remit": CashRemitted, "short_pay": CashShortPaid, "void": CashReversed},
	CashRemitted:     {"unremit": CashInRemittance, "reconcile": CashReconciled, "short_pay": CashShortPaid},
	CashShortPaid:    {"remit": CashRemitted, "write_off": CashWrittenOff},
	CashReconciled:   {"unreconcile": CashRemitted},
	CashReversed:     {"collect": CashCollected},
	CashWrittenOff:   {"remit": CashRemitted},
	CashVoid:         {"unvoid": CashIsDue, "collect": CashCollected},
}}

// The states of cash on delivery.
const (
	CashIsDue        = "due"
	CashCollected    = "collected"
	CashInRemittance = "in_remittance"
	CashRemitted     = "remitted"
	CashReconciled   = "reconciled"
	CashShortPaid    = "short_paid"
	CashReversed     = "reversed"
	CashWrittenOff   = "written_off"
	CashVoid         = "void"
)

// Lives are the life cycles of this context.
var Lives = []state.Life{Life, CashLife}

// StateOf is the order's money state: what has come, what is promised, what went back. total is what the buyer owes now; the cash of parcels that came back is owed no
// more.
func StateOf(total int64, all []Payment) string {
	var captured, refunded int64
	due, authorized, voided := false, false, 0
	for _, p := range all {
		captured += p.Captured
		refunded += p.Refunded
		total -= p.CODGone
		due = due || p.State == Due && p.Method == string(channel.PayCOD)
		authorized = authorized || p.State == Authorized
		if p.State == Voided {
			voided++
		}
	}
	switch {
	case refunded > 0 && refunded >= captured:
		return "refunded"
	case refunded > 0:
		return "part_refunded"
	case captured > 0 && captured >= total:
		return "paid"
	case captured > 0 && !due && !authorized:
		return "part_paid"
	case due:
		return "due"
	case authorized:
		return "authorized"
	case captured > 0:
		return "part_paid"
	case voided > 0 && voided == len(all):
		return "voided"
	case total <= 0:
		return "paid"
	}
	return "unpaid"
}

// step moves the payment; what its life does not know leaves it as it is. It reports whether the move was allowed.
func (p *Payment) step(ev state.Event) bool {
	to, err := Life.Next(state.State(p.State), ev)
	if err != nil {
		return false
	}
	p.State = string(to)
	return true
}

// cashStep moves the cash of a payment.
func (p *Payment) cashStep(ev state.Event) bool {
	if p.CODState == "" {
		return false
	}
	to, err := CashLife.Next(state.State(p.CODState), ev)
	if err != nil {
		return false
	}
	p.CODState = string(to)
	return true
}

// ours reports whether a provider of ours holds the money, not the channel's.
func (p *Payment) ours() bool { return p.Provider != "channel" }

// electronic reports whether a gateway of ours can be asked to act on it.
func (p *Payment) electronic() bool {
	return p.ours() && p.Method != string(channel.PayCOD) && !p.credit()
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
