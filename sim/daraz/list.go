package daraz

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageMax is the greatest page of /orders/get.
const pageMax = 100

// query is a parsed /orders/get.
type query struct {
	createdAfter, createdBefore time.Time
	updatedAfter, updatedBefore time.Time
	status                      string
	byUpdate, ascending         bool
	offset, limit               int
}

func (c *call) ordersGet() (answer, error) {
	q, err := c.orderQuery()
	if err != nil {
		return answer{}, err
	}
	var found []*order
	for _, o := range c.shop.orders {
		if q.wants(o) {
			found = append(found, o)
		}
	}
	q.sort(found)
	total := len(found)
	found = found[min(q.offset, total):min(q.offset+q.limit, total)]
	docs := make([]any, 0, len(found))
	for _, o := range found {
		docs = append(docs, o.doc())
	}
	w := c.m.quill(c.get("timestamp"))
	return data(map[string]any{"count": w.number("count", len(docs)), "countTotal": w.number("total", total), "orders": docs}), nil
}

func (c *call) orderQuery() (query, error) {
	q := query{status: c.get("status"), limit: pageMax}
	for name, into := range map[string]*time.Time{
		"created_after": &q.createdAfter, "created_before": &q.createdBefore, "update_after": &q.updatedAfter, "update_before": &q.updatedBefore,
	} {
		if err := c.date(name, into); err != nil {
			return q, err
		}
	}
	if q.createdAfter.IsZero() && q.updatedAfter.IsZero() {
		return q, refuse(isp, "18", "E018: Either CreatedAfter or UpdatedAfter is mandatory")
	}
	if q.status != "" && !statuses[q.status] && q.status != "all" {
		return q, refuse(isp, "36", "E036: Invalid status filter")
	}
	if err := c.sorting(&q); err != nil {
		return q, err
	}
	return q, c.page(&q)
}

func (c *call) sorting(q *query) error {
	switch c.get("sort_by") {
	case "", "created_at":
	case "updated_at":
		q.byUpdate = true
	default:
		return refuse(isp, "75", "E075: Invalid sort filter.")
	}
	switch strings.ToUpper(c.get("sort_direction")) {
	case "", "DESC":
	case "ASC":
		q.ascending = true
	default:
		return refuse(isp, "74", "E074: Invalid sort direction.")
	}
	return nil
}

// page reads offset and limit; which spelling of limit counts is a setting, the other is ignored like any unknown parameter.
func (c *call) page(q *query) error {
	if text := c.get("offset"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > c.m.cfg.Orders.OffsetCeiling {
			return refuse(isp, "14", "E014: %q Invalid Offset", text)
		}
		q.offset = n
	}
	text := ""
	for _, name := range []string{"limit", "limt"} {
		if p := c.m.cfg.Orders.LimitParam; p == name || p == "both" {
			text = or(text, c.get(name))
		}
	}
	if text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > pageMax {
			return refuse(isp, "19", "E019: %q Invalid Limit", text)
		}
		q.limit = n
	}
	return nil
}

// date reads an ISO-8601 time with its offset; a + that arrives as a space has not been encoded, and is as wrong as it looks.
func (c *call) date(name string, into *time.Time) error {
	text := c.get(name)
	if text == "" {
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			*into = t
			return nil
		}
	}
	return refuse(isp, "17", "E017: %q Invalid Date Format", text)
}

// wants says whether an order falls under the query; the bounds belong to the range ("after or on").
func (q query) wants(o *order) bool {
	in := func(t, after, before time.Time) bool {
		return (after.IsZero() || !t.Before(after.Truncate(time.Second))) && (before.IsZero() || !t.After(before))
	}
	if !in(o.created, q.createdAfter, q.createdBefore) || !in(o.updated, q.updatedAfter, q.updatedBefore) {
		return false
	}
	if q.status == "" || q.status == "all" {
		return true
	}
	return slices.ContainsFunc(o.units, func(u *unit) bool { return u.matches(q.status) })
}

func (q query) sort(all []*order) {
	slices.SortFunc(all, func(a, b *order) int {
		n := a.created.Compare(b.created)
		if q.byUpdate {
			n = a.updated.Compare(b.updated)
		}
		n = cmp.Or(n, cmp.Compare(a.id, b.id))
		if q.ascending {
			return n
		}
		return -n
	})
}

func (c *call) order() (*order, error) {
	id := c.get("order_id")
	o := c.shop.byID[id]
	if o == nil {
		return nil, refuse(isp, "16", "E016: %q Invalid Order ID", id)
	}
	return o, nil
}

func (c *call) orderGet() (answer, error) {
	o, err := c.order()
	if err != nil {
		return answer{}, err
	}
	return data(o.doc()), nil
}

func (c *call) orderItemsGet() (answer, error) {
	o, err := c.order()
	if err != nil {
		return answer{}, err
	}
	return data(o.rows()), nil
}

func (c *call) ordersItemsGet() (answer, error) {
	ids, ok := idList(c.get("order_ids"))
	switch {
	case !ok:
		return answer{}, refuse(isp, "56", "E056: Invalid OrdersIdList format. Must use array format [1,2]")
	case len(ids) > c.m.cfg.Orders.ItemsBatch:
		return answer{}, refuse(isp, "38", "E038: Too many orders were requested")
	}
	docs := []any{}
	for _, id := range ids {
		o := c.shop.byID[id]
		if o == nil {
			return answer{}, refuse(isp, "37", "E037: One or more order id in the list are incorrect")
		}
		w := c.m.quill(id)
		docs = append(docs, map[string]any{"order_id": w.id("oid", o.id), "order_number": w.id("ono", o.number), "order_items": o.rows()})
	}
	if len(docs) == 0 {
		return answer{}, refuse(isp, "39", "E039: No orders were found")
	}
	return data(docs), nil
}

// idList reads [1,2] or ["1","2"], digits kept as they are.
func idList(text string) ([]string, bool) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var raw []any
	if dec.Decode(&raw) != nil {
		return nil, false
	}
	ids := make([]string, 0, len(raw))
	for _, v := range raw {
		switch v := v.(type) {
		case json.Number:
			ids = append(ids, v.String())
		case string:
			ids = append(ids, v)
		default:
			return nil, false
		}
	}
	return ids, true
}
