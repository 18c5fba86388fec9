package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// base is what both kinds can do.
type base struct {
	shop *Shop
	cfg  channel.Config
}

// plain is the shop, market the marketplace: it packs.
type (
	plain  struct{ base }
	market struct{ base }
)

// call runs one exchange with the partner, under its lock and its faults, with a token where the account has tokens.
func (b *base) call(ctx context.Context, name string, do func(s *Shop) error) error {
	if b.cfg.Tokens == nil {
		return b.once(ctx, name, do, func(*Shop) bool { return true })
	}
	return channel.WithToken(ctx, b.cfg.Tokens, func(ctx context.Context, token string) error {
		return b.once(ctx, name, do, func(s *Shop) bool { return token == s.access() && !s.strikes(ExpiredToken, name) })
	})
}

func (b *base) once(ctx context.Context, name string, do func(s *Shop) error, admitted func(s *Shop) bool) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the call was cancelled")
	}
	s := b.shop
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !admitted(s):
		return fault.New(fault.Unauthorized, "the demo shop refuses the token").WithCode("expired_token")
	case s.strikes(Throttle, name):
		return fault.Wait(2*time.Second, "the demo shop was asked too often").WithCode("throttled")
	case s.strikes(ServerError, name):
		return fault.New(fault.Unavailable, "the demo shop is down").WithCode("500")
	case s.strikes(Refuse, name):
		return fault.New(fault.Refused, "the demo shop will not do it").WithCode("refused")
	}
	lost := s.strikes(LostAnswer, name) || s.strikes(CutBody, name)
	if err := do(s); err != nil || !lost {
		return err
	}
	return fault.New(fault.Unavailable, "the demo shop's answer was lost").WithCode("lost_answer")
}

const pageSize = 5

// Orders implements channel.Channel. The cursor is the partner's number of the change.
func (b *base) Orders(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		after, err := number(since)
		for err == nil {
			var page []channel.Change
			if page, err = b.page(ctx, &after); err != nil || len(page) == 0 {
				break
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(channel.Change{}, err)
		}
	}
}

func number(c channel.Cursor) (int64, error) {
	if c == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(c), 10, 64)
	return n, fault.Wrap(fault.Invalid, err, "the cursor is none of ours")
}

func (b *base) page(ctx context.Context, after *int64) ([]channel.Change, error) {
	var page []channel.Change
	err := b.call(ctx, "orders", func(s *Shop) error {
		var changed []*entry
		for _, id := range s.ids {
			if e := s.orders[id]; e.seq > *after {
				changed = append(changed, e)
			}
		}
		slices.SortFunc(changed, func(x, y *entry) int { return int(x.seq - y.seq) })
		for _, e := range changed[:min(pageSize, len(changed))] {
			c := b.change(s, e)
			c.Cursor = channel.Cursor(strconv.FormatInt(e.seq, 10))
			page = append(page, c)
			*after = e.seq
		}
		return nil
	})
	return page, err
}

// change is a reading of an order; the caller holds the lock.
func (b *base) change(s *Shop, e *entry) channel.Change {
	return channel.Change{External: e.order.External, Version: e.order.Version, ReadAt: b.cfg.Now(), Raw: raw(s.document(e))}
}

func raw(document []byte) channel.Raw {
	return channel.Raw{Shape: "demo", Docs: []channel.Doc{{Name: "order", Body: document}}}
}

// document is what the partner sends for an order: our own shape as JSON. A marketplace hides how to reach the buyer.
func (s *Shop) document(e *entry) []byte {
	o := e.order
	if s.market {
		o.Buyer.Phone, o.Buyer.Email = mask(o.Buyer.Phone), ""
		o.ShipTo.Phone, o.ShipTo.Masked = mask(o.ShipTo.Phone), true
		o.BillTo = channel.Address{}
	}
	return must(json.Marshal(o))
}

func mask(phone string) string {
	if len(phone) < 8 {
		return ""
	}
	return phone[:4] + strings.Repeat("*", len(phone)-6) + phone[len(phone)-2:]
}

func copied(o channel.Order) channel.Order {
	var out channel.Order
	if err := json.Unmarshal(must(json.Marshal(o)), &out); err != nil {
		panic(err)
	}
	return out
}

// Order implements channel.Channel.
func (b *base) Order(ctx context.Context, external string) (channel.Change, error) {
	var c channel.Change
	err := b.call(ctx, "order", func(s *Shop) error {
		e := s.orders[external]
		if e == nil {
			return errUnknown
		}
		c = b.change(s, e)
		return nil
	})
	return c, err
}

// Decode implements channel.Channel.
func (b *base) Decode(raw channel.Raw) (channel.Order, error) {
	if raw.Shape != "demo" {
		return channel.Order{}, fault.Field("shape", "is none of the demo shop's")
	}
	var o channel.Order
	if err := json.Unmarshal(raw.Doc("order"), &o); err != nil {
		return channel.Order{}, fault.Wrap(fault.Invalid, unquoted(err), "the document is no order of the demo shop")
	}
	if o.External == "" {
		return channel.Order{}, fault.Field("External", "is missing")
	}
	if !money.Valid(o.Currency) {
		return channel.Order{}, fault.Field("Currency", "is none")
	}
	if !slices.ContainsFunc(statuses, func(r channel.StatusRow) bool { return r.Ours == o.Status }) {
		o.Statuses = map[string]string{"order": string(o.Status)}
		o.Status = channel.Unknown
	}
	return o, nil
}

// unquoted keeps what an error of the decoder says about places and types, and drops what it quotes: that may be a person's name.
func unquoted(err error) error {
	if f, ok := err.(*fault.Error); ok {
		return fault.Field(f.Field, "is no amount")
	}
	return fmt.Errorf("%T", err)
}
