package shopify

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Documents of the shape graphql beside docOrder.
const (
	docLines        = "lines"
	docTransactions = "transactions"
	docParts        = "parts"
	docFulfillment  = "fulfillment"
	docRefund       = "refund"
	docReturn       = "return"
)

// Orders lists what changed, by update time. The relay cursors of one listing are used inside it and never kept: what is kept is the time of the last
// change and what was seen around it, because the search index lags and times are whole seconds.
func (a *adapter) Orders(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		mark, err := parseMark(since)
		if err != nil {
			yield(channel.Change{}, err)
			return
		}
		for item, err := range a.changed(ctx, mark.query(a.overlap)) {
			if err != nil {
				yield(channel.Change{}, err)
				return
			}
			if mark.saw(item) {
				continue
			}
			change, err := a.read(ctx, item.id)
			if fault.Is(err, fault.NotFound) && fault.CodeOf(err) == codeUnknownOrder {
				continue // deleted in between
			}
			if err != nil {
				yield(channel.Change{}, err)
				return
			}
			mark = mark.with(item, change.ReadAt, a.overlap)
			change.Cursor = mark.cursor()
			if !yield(change, nil) {
				return
			}
		}
	}
}

// changed lists orders by update time, oldest first, over all pages.
func (a *adapter) changed(ctx context.Context, query string) iter.Seq2[seen, error] {
	return func(yield func(seen, error) bool) {
		vars := map[string]any{"query": query}
		for {
			var answer struct {
				Orders connection[struct {
					ID      text `json:"legacyResourceId"`
					Updated text `json:"updatedAt"`
				}] `json:"orders"`
			}
			if _, err := a.ask(ctx, "OrderIndex", vars, &answer); err != nil {
				yield(seen{}, err)
				return
			}
			for _, n := range answer.Orders.Nodes {
				at, err := time.Parse(time.RFC3339, string(n.Updated))
				if err != nil || n.ID == "" {
					yield(seen{}, fault.New(fault.Unavailable, "Shopify lists an order without id or time"))
					return
				}
				if !yield(seen{string(n.ID), at.UTC()}, nil) {
					return
				}
			}
			var err error
			if vars, err = answer.Orders.Page.next(vars); err != nil {
				yield(seen{}, err)
				return
			}
			if vars == nil {
				return
			}
		}
	}
}

// Order reads one order again, by its numeric id. The gid of a fulfillment order, a return or a reverse fulfillment order, which is all that some webhooks
// carry, is resolved to its order.
func (a *adapter) Order(ctx context.Context, external string) (channel.Change, error) {
	if operation := resolvable(external); operation != "" {
		var err error
		if external, err = a.orderOf(ctx, operation, external); err != nil {
			return channel.Change{}, err
		}
	}
	if _, err := strconv.ParseUint(tail(external), 10, 64); err != nil {
		return channel.Change{}, fault.Field("order", "%.60q is not the number of a Shopify order", external)
	}
	return a.read(ctx, tail(external))
}

// resolvable is the query that finds the order of a gid; "" for what is an order itself, or nothing we know.
func resolvable(id string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(id, "gid://shopify/"), "/")
	switch {
	case !strings.HasPrefix(id, "gid://shopify/"):
		return ""
	case kind == "FulfillmentOrder", kind == "Return", kind == "ReverseFulfillmentOrder":
		return "OrderOf" + kind
	}
	return ""
}

// orderOf is the number of the order that something belongs to.
func (a *adapter) orderOf(ctx context.Context, operation, id string) (string, error) {
	type owned struct {
		OrderID string `json:"orderId"`
		Order   node   `json:"order"`
	}
	var answer map[string]*owned
	if _, err := a.ask(ctx, operation, map[string]any{"id": id}, &answer); err != nil {
		return "", err
	}
	for _, o := range answer {
		if o != nil && o.OrderID+o.Order.ID != "" {
			return tail(o.OrderID + o.Order.ID), nil
		}
	}
	return "", unknownOrder(id)
}

// codeUnknownOrder tells an order that is not there from a shop that is not.
const codeUnknownOrder = "ORDER_UNKNOWN"

func unknownOrder(id string) error {
	return fault.New(fault.NotFound, "Shopify knows no order %.60s", id).WithCode(codeUnknownOrder)
}

// read fetches an order with everything that belongs to it.
func (a *adapter) read(ctx context.Context, id string) (channel.Change, error) {
	change := channel.Change{External: id, ReadAt: a.cfg.Now(), Raw: channel.Raw{Shape: shapeGraphQL}}
	f := &fetch{a: a, raw: &change.Raw}
	var answer struct {
		Order *graphOrder `json:"order"`
	}
	vars := map[string]any{"id": gid("Order", id)}
	if err := f.doc(ctx, docOrder, "Order", vars, &answer); err != nil {
		return channel.Change{}, err
	}
	if answer.Order == nil {
		return channel.Change{}, unknownOrder(id)
	}
	o := answer.Order
	if at, err := time.Parse(time.RFC3339, string(o.UpdatedAt)); err == nil {
		change.Version = at.UTC()
	}
	if o.ID != "" {
		change.External = string(o.ID)
	}
	if err := f.rest(ctx, o, vars); err != nil {
		return channel.Change{}, err
	}
	return change, nil
}

// fetch collects the documents of one order.
type fetch struct {
	a   *adapter
	raw *channel.Raw
}

func (f *fetch) doc(ctx context.Context, name, operation string, vars map[string]any, into any) error {
	data, err := f.a.ask(ctx, operation, vars, into)
	if err != nil {
		return err
	}
	f.raw.Docs = append(f.raw.Docs, channel.Doc{Name: name, Body: data})
	return nil
}

// rest reads what did not fit into the first document.
func (f *fetch) rest(ctx context.Context, o *graphOrder, vars map[string]any) error {
	if err := f.lines(ctx, o.Lines.Page, vars); err != nil {
		return err
	}
	if o.TransactionsCount != nil && string(o.TransactionsCount.Count) != strconv.Itoa(len(o.Transactions)) && len(o.Transactions) >= 20 {
		if err := f.doc(ctx, docTransactions, "OrderTransactions", map[string]any{"id": vars["id"]}, &struct{}{}); err != nil {
			return err
		}
	}
	fulfillments, refunds := o.Fulfillments, o.Refunds
	if len(fulfillments) >= 50 || len(refunds) >= 50 {
		var parts struct {
			Order *struct {
				Fulfillments []node `json:"fulfillments"`
				Refunds      []node `json:"refunds"`
			} `json:"order"`
		}
		if err := f.doc(ctx, docParts, "OrderParts", map[string]any{"id": vars["id"]}, &parts); err != nil {
			return err
		}
		if parts.Order != nil {
			fulfillments, refunds = parts.Order.Fulfillments, parts.Order.Refunds
		}
	}
	return f.parts(ctx, o, vars["id"], fulfillments, refunds)
}

// lines reads the pages of lines after the first.
func (f *fetch) lines(ctx context.Context, p page, vars map[string]any) error {
	for {
		var err error
		if vars, err = p.next(vars); err != nil || vars == nil {
			return err
		}
		var more struct {
			Order *struct {
				Lines connection[graphLine] `json:"lineItems"`
			} `json:"order"`
		}
		if err := f.doc(ctx, f.name(docLines), "OrderLines", vars, &more); err != nil {
			return err
		}
		p = page{}
		if more.Order != nil {
			p = more.Order.Lines.Page
		}
	}
}

func (f *fetch) parts(ctx context.Context, o *graphOrder, id any, fulfillments, refunds []node) error {
	for _, n := range fulfillments {
		if err := f.pages(ctx, docFulfillment, "Fulfillment", n.ID); err != nil {
			return err
		}
	}
	for _, n := range refunds {
		if err := f.pages(ctx, docRefund, "Refund", n.ID); err != nil {
			return err
		}
	}
	if w := o.Returning.said(); w == "" || w == "NO_RETURN" {
		return nil
	}
	ids, err := f.a.returnIDs(ctx, id)
	if fault.CodeOf(err) == "ACCESS_DENIED" {
		return nil // an app without read_returns still sells
	}
	for _, n := range ids {
		if err = f.pages(ctx, docReturn, "Return", n); err != nil {
			return err
		}
	}
	return err
}

// pages reads one thing with all pages of its lines, a document each.
func (f *fetch) pages(ctx context.Context, kind, operation, id string) error {
	vars := map[string]any{"id": id}
	name := kind + "." + tail(id)
	for {
		var answer map[string]json.RawMessage
		if err := f.doc(ctx, f.name(name), operation, vars, &answer); err != nil {
			return err
		}
		var err error
		if vars, err = pageOf(answer).next(vars); err != nil || vars == nil {
			return err
		}
	}
}

// pageOf finds the page of whichever line list an answer has.
func pageOf(answer map[string]json.RawMessage) page {
	for _, one := range answer {
		var t struct {
			Fulfillment connection[struct{}] `json:"fulfillmentLineItems"`
			Refund      connection[struct{}] `json:"refundLineItems"`
			Return      connection[struct{}] `json:"returnLineItems"`
		}
		if json.Unmarshal(one, &t) != nil {
			continue
		}
		for _, p := range []page{t.Fulfillment.Page, t.Refund.Page, t.Return.Page} {
			if p.More {
				return p
			}
		}
	}
	return page{}
}

// name is the name of the next document of a kind: refund.9, refund.9.2, …; lines start with the second page.
func (f *fetch) name(name string) string {
	n := 1
	if name == docLines {
		n = 2
	}
	for _, d := range f.raw.Docs {
		if d.Name == name || strings.HasPrefix(d.Name, name+".") {
			n++
		}
	}
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s.%d", name, n)
}

// returnIDs are the gids of an order's returns.
func (a *adapter) returnIDs(ctx context.Context, order any) ([]string, error) {
	var all []string
	vars := map[string]any{"id": order}
	for {
		var answer struct {
			Order *struct {
				Returns connection[node] `json:"returns"`
			} `json:"order"`
		}
		if _, err := a.ask(ctx, "ReturnIDs", vars, &answer); err != nil {
			return nil, err
		}
		if answer.Order == nil {
			return all, nil
		}
		for _, n := range answer.Order.Returns.Nodes {
			all = append(all, n.ID)
		}
		var err error
		if vars, err = answer.Order.Returns.Page.next(vars); err != nil || vars == nil {
			return all, err
		}
	}
}

// next is what to ask for the page after this one: nil when there is none. A list that does not move on is a fault, not a loop.
func (p page) next(vars map[string]any) (map[string]any, error) {
	if !p.More {
		return nil, nil
	}
	if p.End == "" || vars["after"] == p.End {
		return nil, fault.New(fault.Unavailable, "Shopify's pages do not go on")
	}
	vars = maps.Clone(vars)
	vars["after"] = p.End
	return vars, nil
}
