package fulfillment

import (
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Filter narrows a list; the zero value is everything.
type Filter struct {
	Location string
	States   []string
	Account  string
	Order    string
}

// Page is one page of a list; Next is empty at the end.
type Page struct {
	Items []FO   `json:"items"`
	Next  string `json:"next,omitempty"`
}

// shipBy is the deadline; what has none sorts last. It is in the very words of the indexes.
const shipBy = `coalesce(f.ship_by, 4611686018427387903)`

// List pages through fulfillment orders, the earliest deadline first.
func (s *Service) List(tx *db.Tx, f Filter, after string, limit int) (Page, error) {
	if limit < 1 || limit > 500 {
		limit = 50
	}
	by, id := int64(-1), ""
	if after != "" {
		head, rest, ok := strings.Cut(after, "_")
		n, err := strconv.ParseInt(head, 10, 64)
		if !ok || err != nil {
			return Page{}, fault.Field("after", "is not a cursor of this list")
		}
		by, id = n, rest
	}
	text, args := f.text(tx, by, id, limit+1)
	ids, err := db.All(tx, func(row db.Scanner) (v struct {
		id string
		by int64
	}, err error,
	) {
		err = row.Scan(&v.id, &v.by)
		return v, err
	}, text, args...)
	if err != nil || len(ids) == 0 {
		return Page{Items: []FO{}}, err
	}
	var p Page
	if len(ids) > limit {
		ids = ids[:limit]
		last := ids[limit-1]
		p.Next = strconv.FormatInt(last.by, 10) + "_" + last.id
	}
	keys := make([]string, len(ids))
	at := map[string]int{}
	for i, v := range ids {
		keys[i], at[v.id] = v.id, i
	}
	fos, err := byID(tx, keys)
	p.Items = make([]FO, len(fos))
	for _, f := range fos {
		p.Items[at[f.ID]] = f
	}
	return p, err
}

// Count counts fulfillment orders, up to so many.
func (s *Service) Count(tx *db.Tx, f Filter, most int) (n int, err error) {
	text, args := f.text(tx, -1, "", most)
	err = tx.QueryRow(`select count(*) from (`+text+`) found`, args...).Scan(&n)
	return n, err
}

// text selects the ids and deadlines of the first rows after one, by both.
func (f Filter) text(tx *db.Tx, by int64, id string, limit int) (string, []any) {
	where, each, args := f.where([]any{by, id, limit})
	seen, args := tx.Within("fulfillment orders", "f", args)
	return db.Merged(`select f.id, `+shipBy+` from fulfillment_orders f where (`+shipBy+`, f.id) > ($1, $2)`+where+seen, each, `order by 2, 1`, `$3`), args
}

// where is what all rows meet, and what each of the states asks.
func (f Filter) where(args []any) (where string, each []string, more []any) {
	bound := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	if f.Location != "" {
		where += ` and f.location_id = ` + bound(f.Location)
	}
	if f.Account != "" {
		where += ` and f.account_id = ` + bound(f.Account)
	}
	if f.Order != "" {
		where += ` and f.order_id = ` + bound(f.Order)
	}
	for _, state := range distinct(f.States) {
		each = append(each, `f.state = `+bound(state))
	}
	return where, each, args
}

// Get reads one fulfillment order by id or number. Fault: NotFound.
func (s *Service) Get(tx *db.Tx, ref string) (FO, error) {
	ids, err := db.All(tx, scanText, `select id from fulfillment_orders where id = $1 or number = $1`, ref)
	if err != nil {
		return FO{}, err
	}
	if len(ids) == 0 {
		return FO{}, noSuch(ref)
	}
	fos, err := byID(tx, ids[:1])
	if err != nil {
		return FO{}, err
	}
	return fos[0], nil
}

// Of reads the fulfillment orders of an order, oldest first.
func (s *Service) Of(tx *db.Tx, order string) ([]FO, error) {
	known, err := ofOrders(tx, []string{order})
	var all []FO
	for _, f := range known[order] {
		all = append(all, *f)
	}
	return all, err
}
