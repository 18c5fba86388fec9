package order

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Filter narrows a list; the zero value is everything.
type Filter struct {
	Account string
	Channel string
	Country string
	State   State
	Pay     PayState
	Held    *bool
	Hold    HoldType // an open hold of this kind
	COD     *bool
	Number  string // our number, the channel's number or id
	SKU     string
	Back    bool // units are coming back
	From    time.Time
	Until   time.Time
	Oldest  bool // oldest first

	// Currency, Least and Most narrow by what the buyer pays, in minor units of the currency; Most 0 is no bound.
	Currency    string
	Least, Most int64

	// DueFrom and DueUntil are about orders of which units have not gone yet, by the time they are to be handed over: those come first that are due first.
	DueFrom, DueUntil time.Time
	// PlacedFrom and PlacedUntil go by when buyers ordered, the newest first.
	PlacedFrom, PlacedUntil time.Time

	// Cuts are what other contexts know of orders: the branch, the station, the parcel.
	Cuts []db.Cut
}

// Page is one page of a keyset list; Next is empty at the end.
type Page struct {
	Items []Head `json:"items"`
	Next  string `json:"next,omitempty"`
	// LookedTo is set when the list gave up looking for more that fits, so that nobody waits: Next goes on from there. The page may be empty then.
	LookedTo time.Time `json:"-"`
}

const (
	// fewRows is up to how many rows a condition is rare: they are read and sorted, whatever else is asked for.
	fewRows = 2000
	// mostLooked is how many rows one page looks at where no index knows which ones fit.
	mostLooked = 5_000
)

// List pages through orders, newest first, resuming after the last one of the page before. Whatever is combined, a page reads a bounded number of rows by an index: the
// rarest condition leads, the others are asked of what it finds. Fault: Invalid for a cursor that is none.
func (s *Service) List(tx *db.Tx, f Filter, after string, limit int) (Page, error) {
	if limit < 1 || limit > 500 {
		limit = 50
	}
	l, err := f.plan(tx, after, limit)
	if err != nil {
		return Page{}, err
	}
	heads, err := db.All(tx, scanHead, l.text, l.args...)
	if err != nil {
		return Page{}, err
	}
	p := Page{Items: heads}
	if len(heads) > limit {
		p.Items = heads[:limit]
		last := p.Items[limit-1]
		p.Next = cursor(l.key(last), last.ID)
		return p, nil
	}
	if l.further == "" {
		return p, nil
	}
	ends, err := db.All(tx, func(row db.Scanner) (e stand, err error) { return e, row.Scan(&e.at, &e.id) }, l.further, l.walked...)
	if err != nil || len(ends) == 0 {
		return p, err
	}
	p.Next, p.LookedTo = cursor(ends[0].at, ends[0].id), time.UnixMicro(ends[0].at).UTC()
	return p, nil
}

// Count counts the orders of a filter, up to so many; where no index knows which ones fit it looks no further than the first page of List does.
func (s *Service) Count(tx *db.Tx, f Filter, most int) (int, error) {
	l, err := f.plan(tx, "", most-1)
	if err != nil {
		return 0, err
	}
	n, err := db.One(tx, scanCount, `select count(*) from (`+l.text+`) found`, l.args...)
	return int(n), err
}

// stand is where a walk stands.
type stand struct {
	at int64
	id string
}

func cursor(at int64, id string) string { return itoa(at) + "_" + id }

// cut is one condition: how its rows are found, and how a row is asked.
type cut struct {
	pred string // of the row o
	set  string // the ids that fit; "" where an index gives the rows in the order of the list
	args []any
}

// listing is a list as it is asked of the database.
type listing struct {
	text    string
	args    []any
	further string // where the walk ended that looked for what fits; "" when it need not be asked
	walked  []any
	key     func(Head) int64
}

// course is how a list goes: by which time, and with which rows.
type course struct {
	column string
	desc   bool
	walk   []cut // what its index is told
	key    func(Head) int64
}

// course says how the list goes.
func (f Filter) course() course {
	o := course{column: "o.created_at", desc: !f.Oldest, key: func(h Head) int64 { return h.CreatedAt.UnixMicro() }}
	from, until := f.From, f.Until
	switch {
	case !f.DueFrom.IsZero() || !f.DueUntil.IsZero():
		// In these words: an index holds just the orders that have not gone.
		o.column, o.desc, o.key = "o.ship_by", false, func(h Head) int64 { return h.ShipBy.UnixMicro() }
		o.walk = append(o.walk, cut{pred: `o.units_open > 0 and o.ship_by is not null`})
		o.walk = append(o.walk, between("o.created_at", f.From, f.Until)...)
		from, until = f.DueFrom, f.DueUntil
	case !f.PlacedFrom.IsZero() || !f.PlacedUntil.IsZero():
		o.column, o.key = "o.placed_at", func(h Head) int64 { return h.PlacedAt.UnixMicro() }
		o.walk = append(o.walk, between("o.created_at", f.From, f.Until)...)
		from, until = f.PlacedFrom, f.PlacedUntil
	}
	o.walk = append(o.walk, between(o.column, from, until)...)
	return o
}

func between(column string, from, until time.Time) (all []cut) {
	if !from.IsZero() {
		all = append(all, cut{pred: column + ` >= ?`, args: []any{db.Micros(from)}})
	}
	if !until.IsZero() {
		all = append(all, cut{pred: column + ` < ?`, args: []any{db.Micros(until)}})
	}
	return all
}

// cuts are the conditions of a filter: those that an index of their own gives in the order of creation, those that name their rows, and the others.
func (f Filter) cuts() (walks, sets, rest []cut) {
	for _, c := range []struct{ column, is string }{
		{"account_id", f.Account}, {"state", string(f.State)}, {"pay_state", string(f.Pay)}, {"channel", f.Channel}, {"country", f.Country},
	} {
		if c.is != "" {
			walks = append(walks, cut{pred: `o.` + c.column + ` = ?`, args: []any{c.is}})
		}
	}
	for _, c := range []struct {
		is       *bool
		yes, not string
	}{{f.Held, `o.holds > 0`, `o.holds = 0`}, {f.COD, `o.cod`, `not o.cod`}} {
		switch {
		case c.is == nil:
		case *c.is: // in these words: an index holds just these orders
			walks = append(walks, cut{pred: c.yes})
		default:
			rest = append(rest, cut{pred: c.not})
		}
	}
	return walks, f.sets(), rest
}

func (f Filter) sets() (sets []cut) {
	named := func(set, has string, args ...any) {
		sets = append(sets, cut{set: set, pred: `exists (` + strings.ReplaceAll(has, "{id}", "o.id") + `)`, args: args})
	}
	if f.Number != "" {
		const set = `select id from orders where number = ? union all select id from orders where external_number = ? union all select id from (` + byExternalID + `) x`
		sets = append(sets, cut{set: set, pred: `o.id in (` + set + `)`, args: []any{f.Number, f.Number, f.Number}})
	}
	if f.SKU != "" {
		named(`select order_id from order_lines where sku = ?`, `select 1 from order_lines s where s.sku = ? and s.order_id = {id}`, f.SKU)
	}
	if f.Hold != "" {
		named(`select order_id from order_holds where type = ? and released_at is null`, `select 1 from order_holds h where h.type = ? and h.released_at is null and h.order_id = {id}`, string(f.Hold))
	}
	if f.Back {
		named(`select order_id from order_lines where coming_back > 0`, `select 1 from order_lines b where b.coming_back > 0 and b.order_id = {id}`)
	}
	if f.Currency != "" {
		most := cmp.Or(f.Most, 1<<62)
		sets = append(sets, cut{
			set:  `select id from orders where currency = ? and total >= ? and total <= ?`,
			pred: `o.currency = ? and o.total >= ? and o.total <= ?`, args: []any{f.Currency, f.Least, most},
		})
	}
	for _, c := range f.Cuts {
		named(c.Set, c.Has, c.Args...)
	}
	return sets
}

// plan works out the statement of a page: which condition leads, and what is asked of the rows it gives.
func (f Filter) plan(tx *db.Tx, after string, limit int) (listing, error) {
	by := f.course()
	walks, sets, rest := f.cuts()
	if by.column != "o.created_at" { // its own index gives the order: the others are only asked
		rest, walks = append(rest, walks...), nil
	}
	lead, few, err := leading(tx, walks, sets)
	if err != nil {
		return listing{}, err
	}
	for i, c := range slices.Concat(walks, sets) {
		if i != lead {
			rest = append(rest, c)
		}
	}
	walk := by.walk
	if lead >= 0 && !few {
		walk = append(slices.Clone(walk), walks[lead])
	}
	at, err := by.after(after)
	if err != nil {
		return listing{}, err
	}
	walk = append(slices.Clone(walk), at...)
	if few {
		return bySet(tx, by, sets[lead-len(walks)], append(walk, rest...), limit), nil
	}
	return walking(tx, by, walk, rest, limit), nil
}

// leading finds the condition that fewest rows meet: few says that they are read by their ids. -1 is none.
func leading(tx *db.Tx, walks, sets []cut) (lead int, few bool, err error) {
	if len(walks) == 1 && len(sets) == 0 {
		return 0, false, nil
	}
	lead, least := -1, int64(0)
	for i, c := range slices.Concat(walks, sets) {
		set := cmp.Or(c.set, `select 1 from orders o where `+c.pred)
		text, args := db.Bind(`select count(*) from (select 1 from (`+set+`) found limit `+strconv.Itoa(fewRows)+`) few`, c.args, nil)
		n, err := db.One(tx, scanCount, text, args...)
		if err != nil {
			return 0, false, err
		}
		if c.set != "" && n == fewRows {
			continue
		}
		if lead < 0 || n < least {
			lead, least, few = i, n, c.set != ""
		}
	}
	return lead, few, nil
}

// after is the condition that a row comes behind a cursor.
func (o course) after(text string) ([]cut, error) {
	if text == "" {
		return nil, nil
	}
	head, id, ok := strings.Cut(text, "_")
	at, err := strconv.ParseInt(head, 10, 64)
	if !ok || err != nil {
		return nil, fault.Field("after", "is not a cursor of this list")
	}
	sign := ">"
	if o.desc {
		sign = "<"
	}
	return []cut{{pred: `(` + o.column + `, o.id) ` + sign + ` (?, ?)`, args: []any{at, id}}}, nil
}

// by is the order of the list; something may be added to the time it goes by.
func (o course) by(added string) string {
	if o.desc {
		return ` order by ` + o.column + added + ` desc, o.id desc`
	}
	return ` order by ` + o.column + added + `, o.id`
}

// all joins conditions, and appends their values.
func all(cuts []cut, args []any) (string, []any) {
	var preds []string
	for _, c := range cuts {
		var text string
		text, args = db.Bind(c.pred, c.args, args)
		preds = append(preds, text)
	}
	return strings.Join(preds, " and "), args
}

// bySet reads the few rows that the leading condition names, and sorts them. The limit says to the planner that they are few, and the sum that no index gives their order:
// it would walk all orders in that order to find the few among them.
func bySet(tx *db.Tx, by course, lead cut, rest []cut, limit int) listing {
	set, args := db.Bind(`o.id in (select * from (`+lead.set+`) named limit `+strconv.Itoa(fewRows)+`)`, lead.args, nil)
	where, args := all(rest, args)
	if where != "" {
		set += " and " + where
	}
	seen, args := tx.Within("orders", "o", args)
	return listing{text: `select ` + headColumns + ` from orders o where ` + set + seen + by.by(` + 0`) + ` limit ` + strconv.Itoa(limit+1), args: args, key: by.key}
}

// walking goes along an index and keeps the rows that fit, up to a bound.
func walking(tx *db.Tx, by course, walk, rest []cut, limit int) listing {
	from, args := all(walk, nil)
	if from != "" {
		from = ` where ` + from
	}
	l := listing{key: by.key}
	walked := args
	asked, args := all(rest, slices.Clone(args))
	seen, args := tx.Within("orders", "o", args)
	if asked == "" {
		seen = strings.TrimPrefix(seen, " and ")
	}
	if asked += seen; asked == "" {
		l.text, l.args = `select `+headColumns+` from orders o`+from+by.by(``)+` limit `+strconv.Itoa(limit+1), args
		return l
	}
	// A case, so that no planner makes a join of the condition: the rows stay in the order of the walk, and it ends as soon as the page is full.
	l.text = `select ` + headColumns + ` from (select o.* from orders o` + from + by.by(``) + ` limit ` + strconv.Itoa(mostLooked) + `) o where case when ` + asked + ` then 1 else 0 end = 1 limit ` + strconv.Itoa(limit+1)
	l.args = args
	l.further = `select ` + by.column + `, o.id from orders o` + from + by.by(``) + ` limit 1 offset ` + strconv.Itoa(mostLooked-1)
	l.walked = walked
	return l
}
