package returns

import (
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Filter narrows a list; the zero value is everything.
type Filter struct {
	Order    string
	Account  string
	Location string
	Kind     Kind
	Decision string
	Goods    string
	Money    string
	Open     bool // only those where something is still to be done
}

// Page is one page of a keyset list; Next is empty at the end.
type Page struct {
	Items []RMA  `json:"items"`
	Next  string `json:"next,omitempty"`
}

// List pages through returns, newest first, with their lines, resuming after the last one of the page before.
func (s *Service) List(tx *db.Tx, f Filter, after string, limit int) (Page, error) {
	if limit < 1 || limit > 500 {
		limit = 50
	}
	where := []string{"r.id = r.id"}
	var args []any
	add := func(clause string, vs ...any) {
		for _, v := range vs {
			args = append(args, v)
			clause = strings.Replace(clause, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where = append(where, clause)
	}
	for _, c := range []struct{ column, is string }{
		{"order_id", f.Order}, {"account_id", f.Account}, {"location_id", f.Location}, {"kind", string(f.Kind)}, {"decision", f.Decision}, {"goods_state", f.Goods}, {"money_state", f.Money},
	} {
		if c.is != "" {
			add("r."+c.column+" = ?", c.is)
		}
	}
	if f.Open {
		add("r.closed_at is null")
	}
	if after != "" {
		at, id, ok := strings.Cut(after, "_")
		micros, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil {
			return Page{}, fault.Field("after", "is not a cursor of this list")
		}
		add("(r.requested_at, r.id) < (cast(? as bigint), ?)", micros, id)
	}
	seen, args := tx.Within("returns", "r", args)
	q := `select ` + columns + ` from returns_rma r where ` + strings.Join(where, " and ") + seen
	args = append(args, limit+1)
	found, err := db.All(tx, scan, q+` order by r.requested_at desc, r.id desc limit $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return Page{}, err
	}
	p := Page{Items: found}
	if len(found) > limit {
		p.Items = found[:limit]
		last := p.Items[limit-1]
		p.Next = strconv.FormatInt(last.RequestedAt.UnixMicro(), 10) + "_" + last.ID
	}
	p.Items, err = withLines(tx, p.Items)
	return p, err
}

// Get reads a return by our id or number, as far as whoever asks reaches. Fault: NotFound.
func (s *Service) Get(tx *db.Tx, ref string) (RMA, error) {
	seen, args := tx.Within("returns", "r", []any{ref})
	if seen != "" {
		ids, err := db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) }, `select r.id from returns_rma r where (r.id = $1 or r.number = $1)`+seen, args...)
		if err != nil {
			return RMA{}, err
		}
		if len(ids) == 0 {
			return RMA{}, notFound(ref)
		}
	}
	return one(tx, ref)
}

// Of lists the returns of an order, oldest first.
func (s *Service) Of(tx *db.Tx, order string) ([]RMA, error) {
	by, err := ofOrders(tx, []string{order})
	return by[order], err
}

// Step is one line of a return's timeline.
type Step struct {
	At     string `json:"at"` // RFC 3339, UTC
	What   string `json:"what"`
	Reason string `json:"reason,omitempty"`
	Theirs bool   `json:"by_channel,omitempty"`
}

// Timeline is everything that happened to a return, oldest first.
func (s *Service) Timeline(tx *db.Tx, id string) ([]Step, error) {
	events, err := outbox.OfAggregate(tx, "return:"+id)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, e := range events {
		if e.Type != event.ReturnChanged {
			continue
		}
		f, err := outbox.Decode[event.ReturnFact](e)
		if err != nil {
			return nil, err
		}
		steps = append(steps, Step{At: e.RecordedAt.Format("2006-01-02T15:04:05.000000Z07:00"), What: f.What, Reason: f.Reason, Theirs: f.FromChannel})
	}
	return steps, nil
}
