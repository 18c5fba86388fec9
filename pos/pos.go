// Package pos is the seam to the POS core: branches, items, stock, prices and tax rules come in; online sales, stock movements, returns and refunds go out. Start at Core.
//
// An adapter imports the kernel and this package, never a context and never the database. Errors are of package fault. A sale online is posted to an online
// branch of the legal entity, its stock movement to the branch or warehouse that the goods left: who posts says which, a core only keeps it.
package pos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Core is what every adapter must do. Safe for concurrent use.
type Core interface {
	// OrgUnits, Items, Prices and TaxRules read what the core shows. Where Page.Complete is false, what is absent is not deleted: it was not shown.
	OrgUnits(ctx context.Context) (Page[OrgUnit], error)
	Items(ctx context.Context) (Page[Item], error)
	Prices(ctx context.Context) (Page[Price], error)
	TaxRules(ctx context.Context) (Page[TaxRule], error)
	// Movements reads changes of stock since a mark, oldest first, with an overlap: one seen before may come again, under the same id.
	Movements(ctx context.Context, since Mark) (Feed, error)

	// The posts keep a document under its id, which is ours (see ID). A repeat changes nothing and is no error, also after a broken answer; the same id with
	// other content is fault.Conflict. Parts that are posted one by one (head, lines, payments) are completed by the repeat.
	PostSale(ctx context.Context, s Sale) error
	PostMovement(ctx context.Context, m Movement) error
	PostReturn(ctx context.Context, r Return) error
	PostRefund(ctx context.Context, r Refund) error
}

// Page is one reading of a list.
type Page[T any] struct {
	Rows     []T
	Complete bool      // everything there is; false when the core may hold more than it shows
	Problems []Problem // rows that could not be taken
}

// Problem is one row that could not be taken, and why.
type Problem struct {
	ID     string
	Field  string
	Reason string
}

// Mark is how far movements have been read: opaque to everybody but the adapter that made it, printable, at most 1 KB.
type Mark string

// Feed is movements since a mark.
type Feed struct {
	Rows     []Movement
	Mark     Mark // where to go on
	Problems []Problem
	// Gap says that what was read last is no longer shown, so that movements in between are lost to us: the stock of every location is stale until it is loaded anew.
	Gap bool
}

// UnitType is what an org unit is.
type UnitType string

const (
	Global    UnitType = "global"
	Country   UnitType = "country"
	Regional  UnitType = "regional"
	Warehouse UnitType = "warehouse"
	Branch    UnitType = "branch"
	Till      UnitType = "till"
)

// OrgUnit is one node of the company.
type OrgUnit struct {
	ID       string
	Type     UnitType
	Code     string
	Name     string
	Parent   string
	Country  string // ISO 3166-1 alpha-2
	Currency string
	Active   bool
}

// Item is one SKU at one branch or warehouse.
type Item struct {
	ID      string
	SKU     string
	Name    string
	UOM     string
	Branch  string // OrgUnit.ID; "" = everywhere
	OnHand  int64
	Reorder int64
	Active  bool
}

// Price is what a SKU costs on a list.
type Price struct {
	ID      string
	SKU     string
	List    string
	Country string
	Amount  money.Amount
	From    string // dates YYYY-MM-DD; "" = open
	To      string
	Active  bool
}

// TaxRule is one tax of a country.
type TaxRule struct {
	ID      string
	Code    string
	Country string
	Name    string
	Rate    money.Rate
	Mode    string // inclusive, exclusive
	Active  bool
}

// MovementType is why stock changed.
type MovementType string

const (
	MoveSale        MovementType = "sale"
	MovePurchase    MovementType = "purchase"
	MoveAdjustment  MovementType = "adjustment"
	MoveTransferIn  MovementType = "transfer_in"
	MoveTransferOut MovementType = "transfer_out"
	MoveSaleReturn  MovementType = "sale_return"
)

// Movement is a change of stock at one place. Delta is negative for what left.
type Movement struct {
	ID       string
	Code     string // unique, for people
	SKU      string
	Branch   string // the physical place: OrgUnit.ID
	Type     MovementType
	Delta    int64
	Date     string       // business date of the branch, YYYY-MM-DD
	UnitCost money.Amount // zero value = unknown
	RefType  string       // shipment, return, …
	RefID    string
}

// Ours reports whether the movement is one that we posted, echoed back: it has changed our stock already.
func (m Movement) Ours() bool { return Ours(m.ID) }

// Sale is an online sale as the core books it.
type Sale struct {
	ID       string
	Number   string // receipt number, unique
	Branch   string // the online branch of the legal entity
	Till     string
	Customer string
	Currency string
	Date     string // business date, YYYY-MM-DD
	Subtotal money.Amount
	Tax      money.Amount
	Discount money.Amount
	Total    money.Amount
	Status   string // paid, partial, unpaid
	Lines    []SaleLine
	Payments []SalePayment
}

// SaleLine is one line of a sale or a return.
type SaleLine struct {
	ID        string
	SKU       string
	Quantity  int64
	UnitPrice money.Amount
	Total     money.Amount
}

// SalePayment is one payment of a sale.
type SalePayment struct {
	ID         string
	Method     string // the core's payment method id
	Amount     money.Amount
	Settlement string // captured, pending, failed
}

// Return is goods that come back. Stock is moved by a Movement of its own, since the goods come back to another place than the one that books the return.
type Return struct {
	ID       string
	Number   string
	Branch   string // the online branch
	Currency string
	Date     string
	Sale     string // Sale.ID; "" when not known
	Reason   string
	Status   string // initiated, completed
	Approval string // pending, approved, rejected
	Subtotal money.Amount
	Tax      money.Amount
	Total    money.Amount
	Lines    []SaleLine
}

// Refund is money given back for a return.
type Refund struct {
	ID       string
	Return   string // Return.ID
	Method   string
	Amount   money.Amount
	Number   string // bank or provider reference
	Status   string // captured, pending, failed
	Currency string
}

// Kind describes one core. A plain value; pos/all lists them.
type Kind struct {
	Name     string // embedded, openclaw
	Title    string
	Docs     string
	Settings []partner.Setting
	Limits   partner.Limits
	Capped   int // the most rows that a list shows; 0 = all
	// Unverified lists what only a stand-in could be asked, one sentence each.
	Unverified []string
	Open       func(partner.Config) (Core, error)
}

const prefix = "occ-"

// ID is the id of a document that we post, made of what it is about: the same parts give the same id on every machine, for ever. kind is sale, line,
// payment, movement, return or refund; parts are our ids.
func ID(kind string, parts ...string) string {
	h := sha256.New()
	for _, p := range append([]string{kind}, parts...) {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:16])
}

// Ours reports whether an id was made by ID.
func Ours(id string) bool { return strings.HasPrefix(id, prefix) && len(id) == len(prefix)+32 }

// Check says what keeps a sale from being posted: a missing id or branch, a date that is none, money of another currency.
func (s Sale) Check() error {
	if err := head(s.ID, s.Number, s.Branch, s.Date); err != nil {
		return err
	}
	for i, l := range s.Lines {
		if err := l.check(s.Currency); err != nil {
			return fault.Field("lines", "%d: %s", i, fault.Message(err))
		}
	}
	for _, p := range s.Payments {
		if p.ID == "" || p.Method == "" || p.Amount.Currency != s.Currency {
			return fault.Field("payments", "one has no id, no method or another currency")
		}
	}
	return currencies(s.Currency, s.Subtotal, s.Tax, s.Discount, s.Total)
}

// Check says what keeps a return from being posted.
func (r Return) Check() error {
	if err := head(r.ID, r.Number, r.Branch, r.Date); err != nil {
		return err
	}
	for i, l := range r.Lines {
		if err := l.check(r.Currency); err != nil {
			return fault.Field("lines", "%d: %s", i, fault.Message(err))
		}
	}
	return currencies(r.Currency, r.Subtotal, r.Tax, r.Total)
}

// Check says what keeps a refund from being posted.
func (r Refund) Check() error {
	if r.ID == "" || r.Return == "" || r.Method == "" {
		return fault.Field("id", "or return or method is missing")
	}
	if r.Amount.Sign() <= 0 {
		return fault.Field("amount", "is nothing to give back")
	}
	return currencies(r.Currency, r.Amount)
}

// Check says what keeps a movement from being posted.
func (m Movement) Check() error {
	if m.SKU == "" || m.Type == "" || m.Delta == 0 {
		return fault.Field("sku", "or type or delta is missing")
	}
	return head(m.ID, m.Code, m.Branch, m.Date)
}

func (l SaleLine) check(currency string) error {
	if l.ID == "" || l.SKU == "" || l.Quantity <= 0 {
		return fault.New(fault.Invalid, "a line has no id, no SKU or no quantity")
	}
	return currencies(currency, l.UnitPrice, l.Total)
}

func head(id, number, branch, date string) error {
	if id == "" || number == "" || branch == "" {
		return fault.Field("id", "or number or branch is missing")
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return fault.Field("date", "is no business date")
	}
	return nil
}

func currencies(currency string, all ...money.Amount) error {
	if !money.Valid(currency) {
		return fault.Field("currency", "is not an ISO 4217 code")
	}
	for _, a := range all {
		if !a.IsNone() && a.Currency != currency {
			return fault.Field("currency", "is %s, and an amount is in %s", currency, a.Currency)
		}
	}
	return nil
}
