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
	where, args := f.where([]any{by, id, limit + 1})
	seen, args := tx.Within("fulfillment orders", "f", args)
	ids, err := db.All(tx, func(row db.Scanner) (v struct {
		id string
		by int64
	}, err error,
	) {
		err = row.Scan(&v.id, &v.by)
		return v, err
	}, `select f.id, `+shipBy+` from fulfillment_orders f where (`+shipBy+`, f.id) > ($1, $2)`+where+seen+`
		order by `+shipBy+`, f.id limit $3`, args...)
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

func (f Filter) where(args []any) (string, []any) {
	var where strings.Builder
	add := func(clause string, v any) {
		args = append(args, v)
		where.WriteString(" and " + strings.ReplaceAll(clause, "?", "$"+strconv.Itoa(len(args))))
	}
	if f.Location != "" {
		add(`f.location_id = ?`, f.Location)
	}
	switch len(f.States) {
	case 0:
	case 1: // in plain words, so that the index gives them in order
		add(`f.state = ?`, string(f.States[0]))
	default:
		add(`f.state in (select key from json_each(?))`, db.Keys(f.States))
	}
	if f.Account != "" {
		add(`f.account_id = ?`, f.Account)
	}
	if f.Order != "" {
		add(`f.order_id = ?`, f.Order)
	}
	return where.String(), args
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
