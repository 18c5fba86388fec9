package shopify

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// entry is one member of a connection with what its cursor is made of; most cursors are never asked for.
type entry struct {
	node      object
	id, value string
}

func (e entry) cursor() string { return encodeCursor(e.id, e.value) }

// page is one page of a connection: nodes, edges and pageInfo.
type page struct {
	typ       string
	entries   []entry
	next, had bool
	failed    *gqlError
}

// pageLimit is Shopify's own: more than 250 is refused.
const pageLimit = 250

func connectAll[T object](typ string, items []T, a args) object {
	entries := make([]entry, 0, len(items))
	for i, item := range items {
		at := fmt.Sprint(i)
		if id, ok := item.field("id", nil).(string); ok {
			at = id
		}
		entries = append(entries, entry{node: item, id: at})
	}
	return connect(typ, entries, a)
}

// listOf is a connection over items in their own order, to be put into a record.
func listOf[T object](typ string, items []T) listing {
	return func(a args) any { return connectAll(typ, items, a) }
}

// connect cuts one page out of all entries, in the order they are given. An order that depends on values which change is for seek.
func connect(typ string, all []entry, a args) object {
	if a.flag("reverse") {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	from, to := 0, len(all)
	for _, bound := range []string{"after", "before"} {
		text := a.text(bound)
		if text == "" {
			continue
		}
		c, ok := decodeCursor(text)
		i := slices.IndexFunc(all, func(e entry) bool { return e.id == c.LastID })
		switch {
		case !ok || i < 0:
			return badCursor(typ)
		case bound == "after":
			from = i + 1
		default:
			to = max(from, i)
		}
	}
	return cut(typ, all, from, to, a)
}

func badCursor(typ string) object {
	return &page{typ: typ, failed: &gqlError{Message: "Invalid cursor for current pagination sort.", Extensions: kv{"code": "BAD_REQUEST"}}}
}

func cut(typ string, all []entry, from, to int, a args) object {
	p := &page{typ: typ}
	first, hasFirst := a.number("first")
	last, hasLast := a.number("last")
	switch {
	case hasFirst && (first < 0 || first > pageLimit), hasLast && (last < 0 || last > pageLimit):
		p.failed = &gqlError{Message: "first and last must be between 0 and 250", Extensions: kv{"code": "BAD_REQUEST"}}
	case hasFirst:
		to = min(to, from+first)
	case hasLast:
		from = max(from, to-last)
	case len(all) > 0:
		p.failed = &gqlError{Message: "you must provide one of first or last", Extensions: kv{"code": "BAD_REQUEST"}}
	}
	p.entries, p.had, p.next = all[from:to], from > 0, to < len(all)
	return p
}

func (p *page) typeName() string { return p.typ }

func (p *page) field(name string, _ args) any {
	if p.failed != nil {
		return &gqlError{Message: p.failed.Message, Extensions: p.failed.Extensions}
	}
	switch name {
	case "nodes":
		nodes := make([]object, 0, len(p.entries))
		for _, e := range p.entries {
			nodes = append(nodes, e.node)
		}
		return nodes
	case "edges":
		edges := make([]object, 0, len(p.entries))
		typ := strings.TrimSuffix(p.typ, "Connection") + "Edge"
		for _, e := range p.entries {
			edges = append(edges, record{typ, kv{"cursor": e.cursor(), "node": e.node}})
		}
		return edges
	case "pageInfo":
		info := kv{"hasNextPage": p.next, "hasPreviousPage": p.had, "startCursor": nil, "endCursor": nil}
		if n := len(p.entries); n > 0 {
			info["startCursor"], info["endCursor"] = p.entries[0].cursor(), p.entries[n-1].cursor()
		}
		return record{"PageInfo", info}
	}
	return unheld
}

// cursor points between two entries by value, as Shopify's do: what changes its place while somebody pages is found at its new place.
type cursor struct {
	LastID    string `json:"last_id"`
	LastValue string `json:"last_value"`
}

func encodeCursor(id, value string) string {
	text, _ := json.Marshal(cursor{id, value})
	return base64.StdEncoding.EncodeToString(text)
}

func decodeCursor(text string) (cursor, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, false
	}
	var c cursor
	return c, json.Unmarshal(raw, &c) == nil && c.LastID != ""
}

// ranked is an entry with the value it is sorted by; values compare as text, ids break ties.
type ranked struct {
	object
	id    string // zero-padded, so that text order is number order
	value string
}

// seek pages over values: the page after a cursor holds what sorts behind it now.
func seek(typ string, items []ranked, a args) object {
	compare := func(a, b ranked) int {
		if c := strings.Compare(a.value, b.value); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	}
	if a.flag("reverse") {
		forward := compare
		compare = func(a, b ranked) int { return forward(b, a) }
	}
	slices.SortFunc(items, compare)
	all := make([]entry, 0, len(items))
	for _, r := range items {
		all = append(all, entry{node: r.object, id: r.id, value: r.value})
	}
	from, to := 0, len(all)
	for _, bound := range []string{"after", "before"} {
		text := a.text(bound)
		if text == "" {
			continue
		}
		c, ok := decodeCursor(text)
		if !ok {
			return badCursor(typ)
		}
		at := ranked{id: c.LastID, value: c.LastValue}
		i, exact := slices.BinarySearchFunc(items, at, compare)
		if bound == "before" {
			to = max(from, i)
			continue
		}
		if exact {
			i++
		}
		from = i
	}
	return cut(typ, all, from, to, a)
}
