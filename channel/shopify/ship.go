package shopify

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// maxShipLines is how many lines one fulfillment may hold. https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate
const maxShipLines = 512

// fulfillmentOrder is Shopify's own grouping of what is to be sent from one location.
type fulfillmentOrder struct {
	ID      string `json:"id"`
	Status  text   `json:"status"`
	Request text   `json:"requestStatus"`
	Actions []struct {
		Action text `json:"action"`
	} `json:"supportedActions"`
	Assigned *struct {
		Location *legacy `json:"location"`
	} `json:"assignedLocation"`
	Lines connection[foLine] `json:"lineItems"`
}

type foLine struct {
	ID        string `json:"id"`
	Remaining text   `json:"remainingQuantity"`
	Line      node   `json:"lineItem"`
}

func (l foLine) remaining() int64 {
	n, err := strconv.ParseInt(string(l.Remaining), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

func (f fulfillmentOrder) location() string {
	if f.Assigned == nil {
		return ""
	}
	return f.Assigned.Location.id()
}

// ready reports whether it can be fulfilled now: neither closed, nor held, nor waiting for its date.
func (f fulfillmentOrder) ready() bool {
	switch f.Status {
	case "OPEN", "IN_PROGRESS":
	default:
		return false
	}
	return len(f.Actions) == 0 || slices.ContainsFunc(f.Actions, func(a struct {
		Action text `json:"action"`
	},
	) bool {
		return a.Action == "CREATE_FULFILLMENT"
	})
}

// standing is why it is not ready: its status, or where that would allow it, the request to the service that fulfils it, which may be asked to cancel.
// https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentOrderRequestStatus
func (f fulfillmentOrder) standing() text {
	if (f.Status == "OPEN" || f.Status == "IN_PROGRESS") && f.Request != "" && f.Request != "UNSUBMITTED" {
		return f.Request
	}
	return f.Status
}

// piece is so many units of one line of one fulfillment order.
type piece struct {
	order, line, location string // gids of fulfillment order and its line; the location's number
	orderLine             string
	quantity              int64
}

// Ship tells that units were handed over. What is already fulfilled under the same tracking number is not told again, so repeating is safe; a parcel
// without a tracking number carries our reference instead. Fulfillment orders are read right before, because Shopify splits, merges, moves and holds them;
// those at another location are moved first, and each location gets a fulfillment of its own.
func (a *adapter) Ship(ctx context.Context, s channel.ShipNotice) (channel.ShipResult, error) {
	number := s.Tracking
	if number == "" {
		number = s.Reference
	}
	if number == "" {
		return channel.ShipResult{}, fault.Field("tracking", "a tracking number or a reference is needed")
	}
	orders, fulfillments, err := a.fulfillmentOrders(ctx, s.Order)
	if err != nil {
		return channel.ShipResult{}, err
	}
	ids, sent, err := a.sentUnder(ctx, fulfillments, number, s.Reference)
	if err != nil {
		return channel.ShipResult{}, err
	}
	want := wanted(s.Lines, sent, orders)
	if len(ids) > 0 && (len(s.Lines) == 0 || len(want) == 0) {
		return channel.ShipResult{External: strings.Join(ids, ",")}, nil
	}
	pieces, err := allot(orders, want, s.Location)
	if err != nil {
		return channel.ShipResult{}, err
	}
	if pieces, err = a.moveHere(ctx, pieces, s.Location); err != nil {
		return channel.ShipResult{}, err
	}
	for _, group := range groups(pieces) {
		id, err := a.fulfil(ctx, group, s, number)
		if err != nil {
			return channel.ShipResult{External: strings.Join(ids, ",")}, err
		}
		ids = append(ids, id)
	}
	return channel.ShipResult{External: strings.Join(ids, ",")}, nil
}

// fulfillmentOrders reads all fulfillment orders of an order, and the ids of its fulfillments.
func (a *adapter) fulfillmentOrders(ctx context.Context, order string) (all []fulfillmentOrder, fulfillments []node, err error) {
	vars := map[string]any{"id": gid("Order", order)}
	for {
		var answer struct {
			Order *struct {
				Fulfillments []node                       `json:"fulfillments"`
				Orders       connection[fulfillmentOrder] `json:"fulfillmentOrders"`
			} `json:"order"`
		}
		if _, err := a.ask(ctx, "FulfillmentOrders", vars, &answer); err != nil {
			return nil, nil, err
		}
		if answer.Order == nil {
			return nil, nil, unknownOrder(order)
		}
		fulfillments = answer.Order.Fulfillments
		for _, f := range answer.Order.Orders.Nodes {
			more, err := a.moreShipLines(ctx, f.ID, f.Lines.Page)
			if err != nil {
				return nil, nil, err
			}
			f.Lines.Nodes = append(f.Lines.Nodes, more...)
			all = append(all, f)
		}
		if vars, err = answer.Order.Orders.Page.next(vars); err != nil || vars == nil {
			return all, fulfillments, err
		}
	}
}

func (a *adapter) moreShipLines(ctx context.Context, id string, p page) ([]foLine, error) {
	vars := map[string]any{"id": id}
	var all []foLine
	for {
		var err error
		if vars, err = p.next(vars); err != nil || vars == nil {
			return all, err
		}
		var answer struct {
			Order *fulfillmentOrder `json:"fulfillmentOrder"`
		}
		if _, err := a.ask(ctx, "FulfillmentOrderLines", vars, &answer); err != nil {
			return nil, err
		}
		if answer.Order == nil {
			return all, nil
		}
		all, p = append(all, answer.Order.Lines.Nodes...), answer.Order.Lines.Page
	}
}

// sentUnder finds the fulfillments that carry one of the numbers, and how many units of each line are in them.
func (a *adapter) sentUnder(ctx context.Context, fulfillments []node, numbers ...string) (ids []string, units map[string]int64, err error) {
	units = map[string]int64{}
	for _, n := range fulfillments {
		p, err := a.parcel(ctx, n.ID)
		if err != nil {
			return nil, nil, err
		}
		if p.status != "SUCCESS" && p.status != "OPEN" && p.status != "PENDING" ||
			!slices.ContainsFunc(p.numbers, func(have string) bool { return slices.Contains(numbers, have) }) {
			continue
		}
		ids = append(ids, p.id)
		for _, l := range p.lines {
			units[l.line] += l.quantity
		}
	}
	return ids, units, nil
}

// parcel reads one fulfillment with all its lines.
func (a *adapter) parcel(ctx context.Context, id string) (sheetParcel, error) {
	raw := channel.Raw{}
	f := &fetch{a: a, raw: &raw}
	if err := f.pages(ctx, docFulfillment, "Fulfillment", gid("Fulfillment", id)); err != nil {
		return sheetParcel{}, err
	}
	s, r := &sheet{}, &reader{}
	for _, d := range raw.Docs {
		if err := readMore(r, d, s, nil); err != nil {
			return sheetParcel{}, err
		}
	}
	if len(s.parcels) == 0 {
		return sheetParcel{}, fault.New(fault.NotFound, "Shopify knows no fulfillment %.60s", tail(id))
	}
	return s.parcels[0], r.err
}

// wanted is what is left to ship, by line: what was asked for less what was sent before; everything open when nothing was named.
func wanted(lines []channel.Quantity, sent map[string]int64, orders []fulfillmentOrder) map[string]int64 {
	want := map[string]int64{}
	for _, l := range lines {
		want[l.Line] += l.Quantity
	}
	if len(lines) == 0 {
		for _, f := range orders {
			for _, l := range f.Lines.Nodes {
				if f.ready() {
					want[tail(l.Line.ID)] += l.remaining()
				}
			}
		}
		return want
	}
	for line, n := range sent {
		if want[line] -= n; want[line] <= 0 {
			delete(want, line)
		}
	}
	return want
}

// allot takes the units from fulfillment orders, those at the location first. Units that are held or no longer open are a fault.Conflict.
func allot(orders []fulfillmentOrder, want map[string]int64, location string) ([]piece, error) {
	orders = slices.Clone(orders)
	slices.SortStableFunc(orders, func(x, y fulfillmentOrder) int {
		switch {
		case x.location() == location && y.location() != location:
			return -1
		case y.location() == location && x.location() != location:
			return 1
		}
		return 0
	})
	left := map[string]int64{}
	for line, n := range want {
		left[line] = n
	}
	var out []piece
	for _, f := range orders {
		if !f.ready() {
			continue
		}
		for _, l := range f.Lines.Nodes {
			line := tail(l.Line.ID)
			if n := min(left[line], l.remaining()); n > 0 {
				left[line] -= n
				out = append(out, piece{order: f.ID, line: l.ID, location: f.location(), orderLine: line, quantity: n})
			}
		}
	}
	for line, n := range left {
		if n > 0 {
			return nil, notReady(orders, line, n)
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Conflict, "nothing of the order is left to ship at Shopify").WithCode("NOTHING_OPEN")
	}
	return out, nil
}

func notReady(orders []fulfillmentOrder, line string, n int64) error {
	for _, f := range orders {
		for _, l := range f.Lines.Nodes {
			if tail(l.Line.ID) == line && l.remaining() > 0 && !f.ready() {
				return fault.New(fault.Conflict, "%d units of line %s cannot be shipped: their fulfillment order is %s", n, line, f.standing()).WithCode(string(f.standing()))
			}
		}
	}
	return fault.New(fault.Conflict, "%d units of line %s are no longer open at Shopify", n, line).WithCode("NOT_OPEN")
}

// moveHere moves what is assigned to another location, since a fulfillment is told from where the fulfillment order is.
// https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderMove
func (a *adapter) moveHere(ctx context.Context, pieces []piece, location string) ([]piece, error) {
	var stay []piece
	moves := map[string][]piece{}
	var order []string
	for _, p := range pieces {
		if location == "" || p.location == location {
			stay = append(stay, p)
			continue
		}
		if moves[p.order] == nil {
			order = append(order, p.order)
		}
		moves[p.order] = append(moves[p.order], p)
	}
	for _, id := range order {
		moved, err := a.move(ctx, id, location, moves[id])
		if err != nil {
			return nil, err
		}
		stay = append(stay, moved...)
	}
	return stay, nil
}

func (a *adapter) move(ctx context.Context, id, location string, pieces []piece) ([]piece, error) {
	var lines []map[string]any
	for _, p := range pieces {
		lines = append(lines, map[string]any{"id": p.line, "quantity": p.quantity})
	}
	var answer struct {
		Move struct {
			Moved  *fulfillmentOrder `json:"movedFulfillmentOrder"`
			Errors []userError       `json:"userErrors"`
		} `json:"fulfillmentOrderMove"`
	}
	if _, err := a.ask(ctx, "Move", map[string]any{"id": id, "location": gid("Location", location), "lines": lines}, &answer); err != nil {
		return nil, err
	}
	if err := refused(answer.Move.Errors); err != nil {
		return nil, err
	}
	if answer.Move.Moved == nil {
		return nil, fault.New(fault.Conflict, "Shopify did not move the fulfillment order")
	}
	moved := *answer.Move.Moved
	moved.Status, moved.Actions = "OPEN", nil
	moved.Assigned = &struct {
		Location *legacy `json:"location"`
	}{&legacy{text(location)}}
	want := map[string]int64{}
	for _, p := range pieces {
		want[p.orderLine] += p.quantity
	}
	return allot([]fulfillmentOrder{moved}, want, location)
}

// groups are the fulfillments to make: one location each, and no more lines than one may hold.
func groups(pieces []piece) [][]piece {
	byLocation := map[string][]piece{}
	var order []string
	for _, p := range pieces {
		if byLocation[p.location] == nil {
			order = append(order, p.location)
		}
		byLocation[p.location] = append(byLocation[p.location], p)
	}
	var out [][]piece
	for _, location := range order {
		out = append(out, slices.Collect(slices.Chunk(byLocation[location], maxShipLines))...)
	}
	return out
}

// fulfil makes one fulfillment and returns its number.
func (a *adapter) fulfil(ctx context.Context, group []piece, s channel.ShipNotice, number string) (string, error) {
	lines := map[string][]map[string]any{}
	var orders []string
	for _, p := range group {
		if lines[p.order] == nil {
			orders = append(orders, p.order)
		}
		lines[p.order] = append(lines[p.order], map[string]any{"id": p.line, "quantity": p.quantity})
	}
	var by []map[string]any
	for _, id := range orders {
		by = append(by, map[string]any{"fulfillmentOrderId": id, "fulfillmentOrderLineItems": lines[id]})
	}
	tracking := map[string]any{"number": number}
	if s.Carrier != "" {
		tracking["company"] = s.Carrier
	}
	if s.URL != "" {
		tracking["url"] = s.URL
	}
	var answer struct {
		Create struct {
			Fulfillment *legacy     `json:"fulfillment"`
			Errors      []userError `json:"userErrors"`
		} `json:"fulfillmentCreate"`
	}
	input := map[string]any{"lineItemsByFulfillmentOrder": by, "trackingInfo": tracking, "notifyCustomer": s.Notify}
	if _, err := a.ask(ctx, "Ship", map[string]any{"fulfillment": input}, &answer); err != nil {
		return "", err
	}
	if err := refused(answer.Create.Errors); err != nil {
		return "", err
	}
	if answer.Create.Fulfillment.id() == "" {
		return "", fault.New(fault.OutcomeUnknown, "Shopify does not say which fulfillment it made")
	}
	return answer.Create.Fulfillment.id(), nil
}
