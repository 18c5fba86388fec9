package inventory

import (
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Grants lists what the lines of orders have reserved, by line, variant and location.
func (s *Service) Grants(tx *db.Tx, orders []string) ([]stock.Grant, error) {
	return db.All(tx, func(row db.Scanner) (g stock.Grant, err error) {
		err = row.Scan(&g.HolderID, &g.Variant, &g.Location, &g.Quantity)
		return g, err
	}, `select holder_id, variant_id, location_id, quantity from reservations
		where order_id in (select key from json_each($1)) and quantity > 0 order by holder_id, variant_id, location_id`, db.Keys(distinct(orders)))
}

// ShortOf counts the units orders are short of; those that are not are left out.
func (s *Service) ShortOf(tx *db.Tx, orders []string) (map[string]int64, error) {
	out := map[string]int64{}
	tx.SendQuery(`select order_id, cast(sum(quantity) as bigint) from shortages
		where order_id in (select key from json_each($1)) and closed_at is null group by order_id`, func(row db.Scanner) error {
		var order string
		var n int64
		err := row.Scan(&order, &n)
		out[order] = n
		return err
	}, db.Keys(distinct(orders)))
	return out, tx.Flush()
}

// Moved is a recorded movement.
type Moved struct {
	ID           string             `json:"id"`
	Variant      string             `json:"variant_id"`
	Location     string             `json:"location_id"`
	Condition    stock.Condition    `json:"condition"`
	Delta        int64              `json:"delta"`
	Kind         stock.MovementKind `json:"kind"`
	RefKind      string             `json:"reference_kind"`
	RefID        string             `json:"reference_id"`
	UnitCost     money.Amount       `json:"unit_cost,omitzero"` // zero value = unknown
	BusinessDate string             `json:"business_date"`
	At           time.Time          `json:"at"`
	Actor        string             `json:"actor,omitempty"`
	Note         string             `json:"note,omitempty"`
}

// Movements lists what happened to a variant, newest first, at one location or ("") all; after is the id of the last one seen.
func (s *Service) Movements(tx *db.Tx, variant, location, after string, limit int) ([]Moved, error) {
	seen, args := tx.Within("stock movements", "stock_movements", []any{variant, location, after, page(limit)})
	return db.All(tx, scanMoved, `select id, variant_id, location_id, condition, delta, kind, reference_kind, reference_id, unit_cost, currency,
		business_date, at, actor, note from stock_movements
		where variant_id = $1 and (location_id = $2 or $2 = '') and (id < $3 or $3 = '')`+seen+` order by id desc limit $4`, args...)
}

func scanMoved(row db.Scanner) (m Moved, err error) {
	err = row.Scan(&m.ID, &m.Variant, &m.Location, db.Text(&m.Condition), &m.Delta, db.Text(&m.Kind), &m.RefKind, &m.RefID,
		db.Int(&m.UnitCost.Minor), db.Text(&m.UnitCost.Currency), &m.BusinessDate, db.Time(&m.At), &m.Actor, db.Text(&m.Note))
	return m, err
}

// page bounds a limit: up to a page of 500 that callers read, and the row that tells them of another.
func page(limit int) int {
	if limit < 1 || limit > 1000 {
		return 100
	}
	return limit
}

// Level is what is at one place.
type Level struct {
	Variant   string          `json:"variant_id"`
	Location  string          `json:"location_id"`
	Condition stock.Condition `json:"condition"`
	OnHand    int64           `json:"on_hand"`
	Reserved  int64           `json:"reserved"`
	Safety    int64           `json:"safety"`
	Free      int64           `json:"free"` // max(0, on hand − reserved − safety); 0 for what is not sellable
	UpdatedAt time.Time       `json:"updated_at"`
}

// LevelFilter narrows a list of levels; zero fields do not.
type LevelFilter struct {
	Variants []string
	Location string
}

// LevelKey is where a list of levels goes on.
type LevelKey struct{ Variant, Location, Condition string }

// Levels lists stock by variant, location and condition, after the key given.
func (s *Service) Levels(tx *db.Tx, f LevelFilter, after LevelKey, limit int) ([]Level, error) {
	where, args := "", []any{after.Variant, after.Location, after.Condition, f.Location, page(limit)}
	if len(f.Variants) > 0 {
		where, args = ` and variant_id in (select key from json_each($6))`, append(args, db.Keys(distinct(f.Variants)))
	}
	seen, args := tx.Within("stock levels", "stock_levels", args)
	return db.All(tx, scanLevelRow, `select variant_id, location_id, condition, on_hand, reserved, safety, updated_at from stock_levels
		where (variant_id, location_id, condition) > ($1, $2, $3) and (location_id = $4 or $4 = '')`+where+seen+`
		order by variant_id, location_id, condition limit $5`, args...)
}

// Sum is what there is of a variant over locations.
type Sum struct {
	OnHand, Reserved, Safety, Free, Other int64 // Other: on hand and not sellable
	Doubt                                 bool  // somewhere it is less than nothing
}

// Sums adds up the levels of variants, at one location or ("") at all that whoever asks may see.
func (s *Service) Sums(tx *db.Tx, variants []string, location string) (map[string]Sum, error) {
	all := map[string]Sum{}
	if len(variants) == 0 {
		return all, nil
	}
	seen, args := tx.Within("stock levels", "stock_levels", []any{db.Keys(distinct(variants)), location})
	add := func(what string) string { return `cast(sum(` + what + `) as bigint)` }
	sellable := func(what string) string {
		return add(`case when condition = 'sellable' then ` + what + ` else 0 end`)
	}
	tx.SendQuery(`select variant_id, `+strings.Join([]string{
		sellable(`on_hand`), sellable(`reserved`), sellable(`safety`), sellable(`case when on_hand > reserved + safety then on_hand - reserved - safety else 0 end`),
		add(`case when condition = 'sellable' then 0 else on_hand end`), sellable(`case when on_hand < 0 then 1 else 0 end`),
	}, ", ")+` from stock_levels where variant_id in (select key from json_each($1)) and (location_id = $2 or $2 = '')`+seen+` group by variant_id`, func(row db.Scanner) error {
		var variant string
		var x Sum
		var less int64
		err := row.Scan(&variant, &x.OnHand, &x.Reserved, &x.Safety, &x.Free, &x.Other, &less)
		x.Doubt = less > 0
		all[variant] = x
		return err
	}, args...)
	return all, tx.Flush()
}

func scanLevelRow(row db.Scanner) (l Level, err error) {
	err = row.Scan(&l.Variant, &l.Location, db.Text(&l.Condition), &l.OnHand, &l.Reserved, &l.Safety, db.Time(&l.UpdatedAt))
	if l.Condition == stock.Sellable {
		l.Free = max(0, l.OnHand-l.Reserved-l.Safety)
	}
	return l, err
}

// Reserved is an open reservation.
type Reserved struct {
	ID        string           `json:"id"`
	Holder    stock.HolderKind `json:"holder"`
	HolderID  string           `json:"holder_id"`
	Order     string           `json:"order_id,omitempty"`
	Variant   string           `json:"variant_id"`
	Location  string           `json:"location_id"`
	Quantity  int64            `json:"quantity"`
	Expires   time.Time        `json:"expires_at,omitzero"`
	CreatedAt time.Time        `json:"created_at"`
}

// ReservedFilter narrows a list of reservations; zero fields do not.
type ReservedFilter struct{ Variant, Location, Order string }

// Reservations lists open reservations by id.
func (s *Service) Reservations(tx *db.Tx, f ReservedFilter, after string, limit int) ([]Reserved, error) {
	where, args := "", []any{after, page(limit)}
	for _, c := range [...]struct{ column, is string }{{"variant_id", f.Variant}, {"location_id", f.Location}, {"order_id", f.Order}} {
		if c.is != "" { // in plain words, so that an index serves
			args = append(args, c.is)
			where += " and " + c.column + " = $" + strconv.Itoa(len(args))
		}
	}
	seen, args := tx.Within("reservations", "reservations", args)
	return db.All(tx, func(row db.Scanner) (r Reserved, err error) {
		err = row.Scan(&r.ID, db.Text(&r.Holder), &r.HolderID, db.Text(&r.Order), &r.Variant, &r.Location, &r.Quantity, db.Time(&r.Expires), db.Time(&r.CreatedAt))
		return r, err
	}, `select id, holder_kind, holder_id, order_id, variant_id, location_id, quantity, expires_at, created_at from reservations
		where quantity > 0 and id > $1`+where+seen+` order by id limit $2`, args...)
}

// Short is an open shortage.
type Short struct {
	ID       string    `json:"id"`
	Holder   string    `json:"holder"`
	HolderID string    `json:"holder_id"`
	Order    string    `json:"order_id,omitempty"`
	Variant  string    `json:"variant_id"`
	Quantity int64     `json:"quantity"`
	Rank     int64     `json:"rank"`
	Since    time.Time `json:"since"`
	Cause    string    `json:"cause"`
}

// Shortages lists open shortages by id; a zero variant or order does not narrow.
func (s *Service) Shortages(tx *db.Tx, variant, order, after string, limit int) ([]Short, error) {
	seen, args := tx.Within("shortages", "shortages", []any{after, variant, order, page(limit)})
	return db.All(tx, func(row db.Scanner) (x Short, err error) {
		err = row.Scan(&x.ID, &x.Holder, &x.HolderID, db.Text(&x.Order), &x.Variant, &x.Quantity, &x.Rank, db.Time(&x.Since), &x.Cause)
		return x, err
	}, `select id, holder_kind, holder_id, order_id, variant_id, quantity, rank, since, cause from shortages
		where closed_at is null and id > $1 and (variant_id = $2 or $2 = '') and (order_id = $3 or $3 = '')`+seen+` order by id limit $4`, args...)
}
