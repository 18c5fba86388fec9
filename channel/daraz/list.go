package daraz

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// A cursor is the update time of the order it follows, and that order's id, which only people read. Times of Daraz are whole seconds.
func cursorOf(at time.Time, id string) channel.Cursor {
	return channel.Cursor(at.UTC().Format(time.RFC3339) + "/" + id)
}

// instant is the time in a cursor.
func instant(c channel.Cursor) (time.Time, error) {
	text, _, _ := strings.Cut(string(c), "/")
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fault.Field("cursor", "%.60q is no cursor of Daraz", string(c))
	}
	return t, nil
}

// Orders implements channel.Channel. It reads by update time, oldest first, beginning the overlap before the cursor. Each page begins at the last time
// the page before it ended with, not at an offset: an order that changes while we page moves to the end, and everything behind it would slide over an
// offset unseen. An offset is used only inside one second that fills a page.
func (s *shop) Orders(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		mark, from, err := s.begin(since)
		if err != nil {
			yield(channel.Change{}, err)
			return
		}
		seen := map[string]bool{} // order at its version, so that pages which touch do not repeat
		for w := (window{after: from, limit: s.number("page_size")}); ; {
			readAt := s.cfg.Now()
			page, err := s.page(ctx, w)
			if err == nil {
				err = page.ascending(w.after)
			}
			if err != nil {
				yield(channel.Change{}, err)
				return
			}
			for change, err := range s.withItems(ctx, page.fresh(seen), readAt) {
				if err != nil {
					yield(channel.Change{}, err)
					return
				}
				if at := page.at[change.External]; at.After(mark) {
					mark = at
				}
				change.Cursor = cursorOf(mark, change.External)
				if !yield(change, nil) {
					return
				}
			}
			if len(page.orders) < w.limit {
				return
			}
			if w, err = w.next(page.last, s.number("offset_ceiling")); err != nil {
				yield(channel.Change{}, err)
				return
			}
		}
	}
}

// begin is where reading starts: the watermark, and the overlap before it.
func (s *shop) begin(since channel.Cursor) (mark, from time.Time, err error) {
	if since == "" {
		mark, err = time.Parse(time.RFC3339, s.setting("since"))
		return mark, mark, err
	}
	if mark, err = instant(since); err != nil {
		return mark, mark, err
	}
	return mark, mark.Add(-s.duration("overlap")), nil
}

// window is one request of a listing: what changed at or after a time, from an offset on.
type window struct {
	after  time.Time
	offset int
	limit  int
}

// next is the window after a full page that ended with last. The bound is inclusive on some gateways and exclusive on others, so it stays a second
// behind; a page that does not get past its own bound pages on inside it.
func (w window) next(last time.Time, ceiling int) (window, error) {
	if after := last.Add(-time.Second); after.After(w.after) {
		return window{after: after, limit: w.limit}, nil
	}
	w.offset += w.limit
	if w.offset > ceiling {
		return w, fault.New(fault.Refused, "more than %d orders changed within one second of %s: Daraz cannot list them", ceiling, w.after.Format(time.RFC3339))
	}
	return w, nil
}

// listed is one page of orders.
type listed struct {
	orders []listedOrder
	at     map[string]time.Time
	last   time.Time
}

type listedOrder struct {
	id   string
	at   time.Time
	body json.RawMessage
}

func (s *shop) page(ctx context.Context, w window) (listed, error) {
	var data struct {
		Orders iop.List[json.RawMessage] `json:"orders"`
	}
	params := map[string]string{
		"update_after": w.after.UTC().Format(time.RFC3339), "sort_by": "updated_at", "sort_direction": "ASC", s.setting("limit_param"): strconv.Itoa(w.limit),
	}
	if w.offset > 0 {
		params["offset"] = strconv.Itoa(w.offset)
	}
	if err := s.into(ctx, get("orders", orderCodes, params), &data); err != nil {
		return listed{}, err
	}
	page := listed{at: map[string]time.Time{}}
	for _, body := range data.Orders {
		var head struct {
			OrderID   iop.Scalar `json:"order_id"`
			CreatedAt iop.Scalar `json:"created_at"`
			UpdatedAt iop.Scalar `json:"updated_at"`
		}
		if err := json.Unmarshal(body, &head); err != nil || head.OrderID == "" {
			return listed{}, fault.New(fault.Unavailable, "Daraz listed an order without an id")
		}
		at, ok := head.UpdatedAt.Time(s.zone)
		if !ok {
			if at, ok = head.CreatedAt.Time(s.zone); !ok {
				return listed{}, fault.New(fault.Unavailable, "Daraz listed order %s without a time", head.OrderID)
			}
		}
		page.orders = append(page.orders, listedOrder{id: head.OrderID.String(), at: at, body: body})
		page.at[head.OrderID.String()] = at
		page.last = at
	}
	return page, nil
}

// ascending refuses a page that is not sorted as asked: a watermark over unsorted pages would lose orders silently. A row before the bound means the
// same, beyond the second that gateways round away.
func (p listed) ascending(after time.Time) error {
	before := after.Add(-time.Second)
	for _, o := range p.orders {
		if o.at.Before(before) {
			return fault.New(fault.Unavailable, "Daraz lists orders in another order than by update time (order %s)", o.id).WithCode("unsorted")
		}
		before = o.at
	}
	return nil
}

func (p listed) fresh(seen map[string]bool) []listedOrder {
	var out []listedOrder
	for _, o := range p.orders {
		key := o.id + "@" + o.at.Format(time.RFC3339)
		if !seen[key] {
			seen[key] = true
			out = append(out, o)
		}
	}
	return out
}

// withItems joins orders with their rows, read in batches.
func (s *shop) withItems(ctx context.Context, orders []listedOrder, readAt time.Time) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		for size := s.number("items_batch"); len(orders) > 0; {
			batch := orders[:min(size, len(orders))]
			orders = orders[len(batch):]
			items, err := s.itemsOf(ctx, batch)
			if err != nil {
				yield(channel.Change{}, err)
				return
			}
			for _, o := range batch {
				rows := items[o.id]
				if rows == nil { // left out of the batch: asked for alone
					if rows, err = s.items(ctx, o.id); err != nil {
						yield(channel.Change{}, fmt.Errorf("items of order %s: %w", o.id, err))
						return
					}
				}
				if !yield(s.change(o.id, o.body, rows, readAt), nil) {
					return
				}
			}
		}
	}
}

// change is one reading. Its version is that of the canonical order: the latest time in the documents.
func (s *shop) change(id string, order, items json.RawMessage, readAt time.Time) channel.Change {
	c := channel.Change{External: id, ReadAt: readAt, Raw: rawOf(order, items)}
	type stamped struct {
		UpdatedAt iop.Scalar `json:"updated_at"`
	}
	var head stamped
	var rows iop.List[stamped]
	_ = json.Unmarshal(order, &head)
	_ = json.Unmarshal(items, &rows) // what cannot be read is found by Decode, with the order stored
	c.Version, _ = head.UpdatedAt.Time(s.zone)
	for _, r := range rows {
		if at, ok := r.UpdatedAt.Time(s.zone); ok && at.After(c.Version) {
			c.Version = at
		}
	}
	return c
}

// itemsOf reads the rows of a batch. An order that Daraz does not know spoils its whole batch, which is then read one by one.
func (s *shop) itemsOf(ctx context.Context, batch []listedOrder) (map[string]json.RawMessage, error) {
	texts := make([]string, len(batch))
	for i, o := range batch {
		texts[i] = o.id
	}
	ids, err := iop.IDs("order_id", texts)
	if err != nil {
		return nil, err
	}
	var data iop.List[struct {
		OrderID iop.Scalar      `json:"order_id"`
		Items   json.RawMessage `json:"order_items"`
	}]
	err = s.into(ctx, get("items_batch", orderCodes, map[string]string{"order_ids": jsonText(ids)}), &data)
	switch {
	case fault.Is(err, fault.NotFound):
		return map[string]json.RawMessage{}, nil
	case err != nil:
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for _, o := range data {
		out[o.OrderID.String()] = o.Items
	}
	return out, nil
}

// items reads the rows of one order.
func (s *shop) items(ctx context.Context, order string) (json.RawMessage, error) {
	answer, err := s.call(ctx, get("items", orderCodes, map[string]string{"order_id": order}))
	return answer.Payload(), err
}

// Order implements channel.Channel.
func (s *shop) Order(ctx context.Context, external string) (channel.Change, error) {
	if _, err := iop.ID("order_id", external); err != nil {
		return channel.Change{}, fault.New(fault.NotFound, "%.40q is no order of Daraz", external)
	}
	readAt := s.cfg.Now()
	answer, err := s.call(ctx, ask{method: http.MethodGet, path: "order", params: map[string]string{"order_id": external}, codes: orderCodes})
	if err != nil {
		return channel.Change{}, err
	}
	var head struct {
		OrderID iop.Scalar `json:"order_id"`
	}
	if err := answer.Decode(&head); err != nil {
		return channel.Change{}, err
	}
	if head.OrderID.String() != external {
		return channel.Change{}, fault.New(fault.Unavailable, "asked for order %s, Daraz answered with another", external)
	}
	items, err := s.items(ctx, external)
	if err != nil {
		return channel.Change{}, err
	}
	return s.change(external, answer.Payload(), items, readAt), nil
}

// rows reads the units of one order as they are now: what every write is checked against.
func (s *shop) rows(ctx context.Context, order string) ([]rawItem, error) {
	if _, err := iop.ID("order_id", order); err != nil {
		return nil, err
	}
	body, err := s.items(ctx, order)
	if err != nil {
		return nil, err
	}
	items, err := readItems(body)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "Daraz's answer has no unit rows")
	}
	return items, nil
}
