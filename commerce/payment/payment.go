// Package payment keeps what was paid, what is still to be collected and what went back: several payments an order, cash on delivery with its collector and life,
// refunds capped at what was captured. Start at Service.Record, which takes a channel's word, and Service.Refund in refund.go.
//
// It owns order_payments, refunds and refund_lines.
package payment

import (
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
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
	Reference  string    `json:"-"`
	At         time.Time `json:"at"`
	Version    int64     `json:"version"`
}

const columns = `p.id, p.order_id, p.account_id, p.external, p.method, p.gateway, p.provider, p.state, p.currency, p.amount, p.authorized, p.captured, p.refunded,
	p.collector, p.cod_state, p.cod_due, p.cod_collected, p.cod_basis, p.reference, p.at, p.version`

func scan(row db.Scanner) (Payment, error) {
	var p Payment
	err := row.Scan(&p.ID, &p.OrderID, &p.Account, &p.External, &p.Method, &p.Gateway, &p.Provider, &p.State, &p.Currency, &p.Amount, &p.Authorized, &p.Captured, &p.Refunded,
		db.Text(&p.Collector), db.Text(&p.CODState), db.Int(&p.CODDue), db.Int(&p.CODGot), db.Text(&p.CODBasis), db.Text(&p.Reference), db.Time(&p.At), &p.Version)
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

// Life is the life of a payment.
var Life = state.Life{Name: "payment", Start: Due, Moves: map[state.State]map[state.Event]state.State{
	Due:        {"authorize": Authorized, "capture": Captured, "void": Voided, "fail": Failed, "lose": Unknown},
	Authorized: {"capture": Captured, "void": Voided, "fail": Failed, "lose": Unknown},
	Unknown:    {"authorize": Authorized, "capture": Captured, "void": Voided, "fail": Failed},
	Captured:   {},
	Voided:     {},
	Failed:     {"authorize": Authorized, "capture": Captured},
}}

// CashLife is the life of cash on delivery.
var CashLife = state.Life{Name: "cash on delivery", Start: "due", Moves: map[state.State]map[state.Event]state.State{
	"due":           {"collect": "collected", "void": "void"},
	"collected":     {"hand_in": "in_remittance", "reverse": "reversed", "write_off": "written_off", "remit": "remitted"},
	"in_remittance": {"remit": "remitted", "short_pay": "short_paid", "reverse": "reversed"},
	"remitted":      {"reconcile": "reconciled", "short_pay": "short_paid"},
	"short_paid":    {"remit": "remitted", "write_off": "written_off"},
	"reconciled":    {},
	"reversed":      {"collect": "collected", "void": "void"},
	"written_off":   {},
	"void":          {},
}}

// Lives are the life cycles of this context.
var Lives = []state.Life{Life, CashLife}

// StateOf is the order's money state: what has come, what is promised, what went back. total is what the buyer owes now.
func StateOf(total int64, all []Payment) string {
	var captured, refunded int64
	due, authorized, voided := false, false, 0
	for _, p := range all {
		captured += p.Captured
		refunded += p.Refunded
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
	case total == 0:
		return "paid"
	}
	return "unpaid"
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
