package access

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Area is a part of the business: what belongs to one of the legal entities and to one of the countries and to one of the locations named.
// A list that is empty does not narrow; the zero value is the whole business.
type Area struct {
	LegalEntities []string `json:"legal_entities,omitempty" doc:"Ids of legal entities"`
	Countries     []string `json:"countries,omitempty" doc:"ISO 3166-1 alpha-2"`
	Locations     []string `json:"locations,omitempty" doc:"Ids of branches and warehouses"`
}

// Whole reports whether the area is the whole business.
func (a Area) Whole() bool {
	return len(a.LegalEntities) == 0 && len(a.Countries) == 0 && len(a.Locations) == 0
}

// Contains reports whether an area lies within this one.
func (a Area) Contains(b Area) bool {
	within := func(a, b []string) bool {
		return len(a) == 0 || len(b) > 0 && !slices.ContainsFunc(b, func(x string) bool { return !slices.Contains(a, x) })
	}
	return within(a.LegalEntities, b.LegalEntities) && within(a.Countries, b.Countries) && within(a.Locations, b.Locations)
}

// Grant is a role in an area.
type Grant struct {
	Role Role `json:"role"`
	Area
}

// Reach is which rows a caller may touch with a permission: the union of areas. The zero value is everything, as the program itself sees it.
type Reach struct {
	limited bool
	areas   []Area
}

// Within is the reach of some areas; of none, it is nothing at all.
func Within(areas ...Area) Reach {
	if slices.ContainsFunc(areas, Area.Whole) {
		return Reach{}
	}
	return Reach{true, areas}
}

// Everything reports whether nothing is left out.
func (r Reach) Everything() bool { return !r.limited }

// Nothing reports whether everything is left out.
func (r Reach) Nothing() bool { return r.limited && len(r.areas) == 0 }

// Contains reports whether a whole area is within reach. It looks at one grant at a time.
func (r Reach) Contains(b Area) bool {
	return !r.limited || slices.ContainsFunc(r.areas, func(a Area) bool { return a.Contains(b) })
}

// Rows is a kind of rows that can be within reach or not.
type Rows string

// The kinds of rows there are. A row of Whole belongs to the business as a whole: only who reaches everything sees it; None are no rows of
// ours at all.
const (
	None         Rows = "none"
	Whole        Rows = "whole"
	Orders       Rows = "orders"
	Refunds      Rows = "refunds"
	Fulfillments Rows = "fulfillment orders"
	Shipments    Rows = "shipments"
	Returns      Rows = "returns"
	Exceptions   Rows = "exceptions"
	Accounts     Rows = "accounts"
	Listings     Rows = "listings"
	Locations    Rows = "locations"
	Entities     Rows = "legal entities"
	Levels       Rows = "stock levels"
	Movements    Rows = "stock movements"
	Reservations Rows = "reservations"
	Shortages    Rows = "shortages"
	Events       Rows = "events"
	Tells        Rows = "tells"
	Works        Rows = "jobs"
	Inbox        Rows = "inbox"
	Storefronts  Rows = "storefronts"
)

// rule says how rows of a kind belong to an area: conditions on the row {t}, where {in} is the list of the area. An empty condition means
// that rows of this kind never belong to an area narrowed that way.
type rule struct {
	table                     string
	entity, country, location string // of the row itself
	each                      []via  // rows that point elsewhere: every one that is set must be within reach; none set = only the whole business
}

// via is a column that names a row of another kind; unless narrows when it counts.
type via struct {
	column string
	rows   Rows
	when   string // counts only when this holds
}

// placed is how an order belongs to a branch: by a fulfillment order that was not taken away from it.
const placed = `exists (select 1 from fulfillment_orders wf where wf.order_id = {t}.id and wf.state not in ('moved', 'rejected') and wf.location_id in {in})`

var rules = map[Rows]rule{
	Orders:       {table: "orders", entity: `{t}.legal_entity_id in {in}`, country: `{t}.country in {in}`, location: placed},
	Accounts:     {table: "channel_accounts", entity: `{t}.legal_entity_id in {in}`, country: `{t}.country in {in}`},
	Locations:    {table: "locations", entity: `{t}.legal_entity_id in {in}`, country: `{t}.country in {in}`, location: `{t}.id in {in}`},
	Entities:     {table: "legal_entities", entity: `{t}.id in {in}`, country: `{t}.country in {in}`, location: `exists (select 1 from locations wl where wl.legal_entity_id = {t}.id and wl.id in {in})`},
	Fulfillments: {table: "fulfillment_orders", each: []via{{"location_id", Locations, ""}}},
	Shipments:    {table: "dispatch_shipments", each: []via{{"location_id", Locations, ""}}},
	Levels:       {table: "stock_levels", each: []via{{"location_id", Locations, ""}}},
	Movements:    {table: "stock_movements", each: []via{{"location_id", Locations, ""}}},
	Reservations: {table: "reservations", each: []via{{"location_id", Locations, ""}, {"order_id", Orders, ""}}},
	Shortages:    {table: "shortages", each: []via{{"order_id", Orders, ""}}},
	Refunds:      {table: "refunds", each: []via{{"order_id", Orders, ""}}},
	Returns:      {table: "returns_rma", each: []via{{"location_id", Locations, ""}, {"order_id", Orders, "{t}.location_id is null"}}},
	Exceptions:   {table: "exceptions", each: []via{{"location_id", Locations, ""}, {"order_id", Orders, ""}, {"account_id", Accounts, "{t}.order_id is null and {t}.location_id is null"}}},
	Listings:     {table: "channel_products", each: []via{{"account_id", Accounts, ""}}},
	Inbox:        {table: "inbox", each: []via{{"account_id", Accounts, ""}}},
	Storefronts:  {table: "storefronts", each: []via{{"account_id", Accounts, ""}}},
	Events:       {table: "events", each: []via{{"order_id", Orders, ""}, {"account_id", Accounts, "{t}.order_id is null"}}},
	Tells:        {table: "tells", each: []via{{"order_id", Orders, "{t}.order_id <> ''"}, {"account_id", Accounts, ""}}},
	Works:        {table: "jobs", each: []via{{"account_id", Accounts, ""}}},
}

// Where is the condition that a row of a kind, of the table called so in the statement, is within reach; "" when everything is. Its
// arguments are appended to those of the statement.
func (r Reach) Where(rows Rows, table string, args []any) (string, []any) {
	if !r.limited || rows == None {
		return "", args
	}
	c := condition{args: args}
	var any []string
	for _, a := range r.areas {
		any = append(any, c.of(rows, table, a, 0))
	}
	if len(any) == 0 {
		return "false", args
	}
	return "(" + strings.Join(any, " or ") + ")", c.args
}

// condition collects the arguments of a condition.
type condition struct{ args []any }

func (c *condition) of(rows Rows, table string, a Area, depth int) string {
	r, ok := rules[rows]
	if !ok {
		return "false"
	}
	if len(r.each) > 0 {
		return c.through(r, table, a, depth)
	}
	var all []string
	for _, d := range []struct {
		want []string
		test string
	}{{a.LegalEntities, r.entity}, {a.Countries, r.country}, {a.Locations, r.location}} {
		switch {
		case len(d.want) == 0:
		case d.test == "":
			return "false"
		default:
			c.args = append(c.args, db.Keys(d.want))
			all = append(all, strings.NewReplacer("{t}", table, "{in}", "(select key from json_each($"+strconv.Itoa(len(c.args))+"))").Replace(d.test))
		}
	}
	return strings.Join(all, " and ")
}

// through is the condition of rows that belong where the rows belong that they name.
func (c *condition) through(r rule, table string, a Area, depth int) string {
	var all, set []string
	for i, v := range r.each {
		target := rules[v.rows].table
		name := "w" + strconv.Itoa(depth) + strconv.Itoa(i)
		here := table + "." + v.column + " is not null"
		if v.when != "" {
			here += " and " + strings.ReplaceAll(v.when, "{t}", table)
		}
		set = append(set, "("+here+")")
		all = append(all, "(not ("+here+") or exists (select 1 from "+target+" "+name+" where "+name+".id = "+table+"."+v.column+" and "+c.of(v.rows, name, a, depth+1)+"))")
	}
	return "((" + strings.Join(set, " or ") + ") and " + strings.Join(all, " and ") + ")"
}

// Sees reports whether the row with this id is within reach. What does not exist is not.
func (r Reach) Sees(tx *db.Tx, rows Rows, id string) (bool, error) {
	switch {
	case !r.limited || rows == None:
		return true, nil
	case rows == Whole || len(r.areas) == 0:
		return false, nil
	}
	found, err := r.Only(tx, rows, []string{id})
	return found[id], err
}

// Only says which of the rows with these ids are within reach.
func (r Reach) Only(tx *db.Tx, rows Rows, ids []string) (map[string]bool, error) {
	out := make(map[string]bool, len(ids))
	if !r.limited || rows == None {
		for _, id := range ids {
			out[id] = true
		}
		return out, nil
	}
	if rows == Whole || len(r.areas) == 0 || len(ids) == 0 {
		return out, nil
	}
	where, args := r.Where(rows, "t", []any{db.Keys(ids)})
	found, err := db.All(tx, scanText, `select t.id from `+rules[rows].table+` t where t.id in (select key from json_each($1)) and `+where, args...)
	for _, id := range found {
		out[id] = true
	}
	return out, err
}

type reachKey struct{}

// WithReach returns a context that carries how far its caller reaches in what is being done: lists show no more.
func WithReach(ctx context.Context, r Reach) context.Context {
	ctx = context.WithValue(ctx, reachKey{}, r)
	if !r.limited {
		return db.Narrowed(ctx, nil)
	}
	return db.Narrowed(ctx, func(rows, table string, args []any) (string, []any) { return r.Where(Rows(rows), table, args) })
}

// ReachOf is how far the caller of a context reaches; everything where nobody said.
func ReachOf(ctx context.Context) Reach {
	r, _ := ctx.Value(reachKey{}).(Reach)
	return r
}

// Permit is the one gate: it returns the caller in a context and a context that carries how far the caller reaches with the permission.
// API, console and, through the API, the command line go through it. Faults: Unauthorized when there is no caller; Forbidden when the
// permission is missing, or when rows of the business as a whole are asked for by who reaches only a part.
func Permit(ctx context.Context, p Permission, rows Rows) (context.Context, Caller, error) {
	c, ok := From(ctx)
	if !ok {
		return ctx, Caller{}, fault.New(fault.Unauthorized, "sign in, or come with an API key")
	}
	reach := c.Reach(p)
	switch {
	case reach.Nothing() && len(c.Grants) == 0:
		right, _ := RightOf(p)
		return ctx, c, fault.New(fault.Forbidden, "this needs the scope %s", right.Scope).WithCode("permission")
	case reach.Nothing():
		return ctx, c, fault.New(fault.Forbidden, "this needs the permission %s", p).WithCode("permission")
	case rows == Whole && !reach.Everything():
		return ctx, c, fault.New(fault.Forbidden, "this is about the whole business: %s is needed without limits to countries, companies or branches", p).WithCode("area")
	}
	return WithReach(ctx, reach), c, nil
}

// Seen leaves out of a list without pages what lies outside the part of the business of the person who asks, but for what has one of these ids.
func Seen[T any](tx *db.Tx, rows Rows, all []T, id func(T) string, but ...string) ([]T, error) {
	reach := ReachOf(tx.Context())
	if reach.Everything() {
		return all, nil
	}
	ids := make([]string, len(all))
	for i, x := range all {
		ids[i] = id(x)
	}
	seen, err := reach.Only(tx, rows, ids)
	return slices.DeleteFunc(slices.Clone(all), func(x T) bool { return !seen[id(x)] && !slices.Contains(but, id(x)) }), err
}
