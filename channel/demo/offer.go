package demo

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Listings implements channel.Lister. The cursor is the partner's number of the listing: a listing is never renumbered.
func (b *base) Listings(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Listing, error] {
	return func(yield func(channel.Listing, error) bool) {
		after, err := number(since)
		var all []channel.Listing
		if err == nil {
			err = b.call(ctx, "listings", func(s *Shop) error {
				for i, it := range s.items[min(max(0, after), int64(len(s.items))):] {
					l := it.listing
					n := it.number
					l.Quantity, l.Cursor = &n, channel.Cursor(strconv.FormatInt(after+int64(i)+1, 10))
					all = append(all, l)
				}
				return nil
			})
		}
		for _, l := range all {
			if !yield(l, nil) {
				return
			}
		}
		if err != nil {
			yield(channel.Listing{}, err)
		}
	}
}

// SetStock implements channel.StockSetter, by compare-and-swap where Was is given.
func (b *base) SetStock(ctx context.Context, levels []channel.StockLevel) ([]channel.Verdict, error) {
	var out []channel.Verdict
	err := b.call(ctx, "set-stock", func(s *Shop) error {
		for _, l := range levels {
			out = append(out, s.setStock(l))
		}
		return nil
	})
	if err != nil {
		out = nil
	}
	return out, err
}

func (s *Shop) setStock(l channel.StockLevel) channel.Verdict {
	it := s.find(l.Listing)
	if it == nil {
		return channel.Verdict{Err: fault.New(fault.NotFound, "the demo shop has no such listing").WithCode("unknown_listing")}
	}
	now := it.number
	switch {
	case l.Quantity < 0 || s.market && l.Quantity < s.held(it.listing.Ref):
		return channel.Verdict{Err: fault.New(fault.Refused, "%d is less than the units of open orders", l.Quantity).WithCode("below_held"), Now: &now}
	case l.Was != nil && *l.Was != now && now != l.Quantity:
		return channel.Verdict{Err: fault.New(fault.Conflict, "the demo shop shows %d, not %d", now, *l.Was).WithCode("stale"), Now: &now}
	}
	it.number, now = l.Quantity, l.Quantity
	return channel.Verdict{Now: &now}
}

// Stock implements channel.StockReader.
func (b *base) Stock(ctx context.Context, listings []channel.ListingRef) ([]channel.StockReading, error) {
	var out []channel.StockReading
	err := b.call(ctx, "stock", func(s *Shop) error {
		for _, ref := range listings {
			if it := s.find(ref); it != nil {
				r := channel.StockReading{Listing: it.listing.Ref, Quantity: it.number}
				if s.market {
					r.Held = s.held(it.listing.Ref)
				}
				out = append(out, r)
			}
		}
		return nil
	})
	return out, err
}

// SetPrices implements channel.PriceSetter.
func (b *base) SetPrices(ctx context.Context, prices []channel.PriceLevel) ([]channel.Verdict, error) {
	var out []channel.Verdict
	err := b.call(ctx, "set-prices", func(s *Shop) error {
		for _, p := range prices {
			out = append(out, s.setPrice(p.Listing, p.Price))
		}
		return nil
	})
	if err != nil {
		out = nil
	}
	return out, err
}

func (s *Shop) setPrice(ref channel.ListingRef, price money.Amount) channel.Verdict {
	it := s.find(ref)
	switch {
	case it == nil:
		return channel.Verdict{Err: fault.New(fault.NotFound, "the demo shop has no such listing").WithCode("unknown_listing")}
	case price.Currency != s.currency || price.Sign() <= 0:
		return channel.Verdict{Err: fault.New(fault.Refused, "%s is no price here", price).WithCode("bad_price")}
	}
	it.listing.Price, it.listing.Updated = price, s.now()
	return channel.Verdict{}
}

// Returns implements channel.ReturnReader. The cursor is the partner's number of the order's change.
func (b *base) Returns(ctx context.Context, since channel.Cursor) iter.Seq2[channel.ReturnChange, error] {
	return func(yield func(channel.ReturnChange, error) bool) {
		after, err := number(since)
		var all []channel.ReturnChange
		if err == nil {
			err = b.call(ctx, "returns", func(s *Shop) error {
				var changed []*entry
				for _, id := range s.ids {
					if e := s.orders[id]; e.seq > after && len(e.order.Returns) > 0 {
						changed = append(changed, e)
					}
				}
				slices.SortFunc(changed, func(x, y *entry) int { return int(x.seq - y.seq) })
				before := after
				for _, e := range changed {
					for i, r := range e.order.Returns {
						// Only behind the last return of an order has all of that order been seen.
						cursor := before
						if i == len(e.order.Returns)-1 {
							cursor = e.seq
						}
						all = append(all, channel.ReturnChange{Order: e.order.External, Return: r, Cursor: channel.Cursor(strconv.FormatInt(cursor, 10))})
					}
					before = e.seq
				}
				return nil
			})
		}
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(channel.ReturnChange{}, err)
		}
	}
}

// verdicts say which status a decision leads to, and from which.
var verdicts = map[channel.ReturnVerdict]struct {
	to   channel.Status
	from []channel.Status
}{
	channel.ReturnApprove: {channel.Open, []channel.Status{channel.Requested}},
	channel.ReturnDecline: {channel.Declined, []channel.Status{channel.Requested}},
	channel.ReturnReceive: {channel.Returned, []channel.Status{channel.Open, channel.Returning}},
	channel.ReturnRefund:  {channel.Completed, []channel.Status{channel.Requested, channel.Open, channel.Returned}},
	channel.ReturnRefuse:  {channel.Declined, []channel.Status{channel.Returned}},
}

// DecideReturn implements channel.ReturnDecider. Goods that came back leave delivered for returned.
func (b *base) DecideReturn(ctx context.Context, d channel.ReturnDecision) error {
	return b.call(ctx, "decide-return", func(s *Shop) error {
		e := s.orders[d.Order]
		if e == nil {
			return errUnknown
		}
		i := slices.IndexFunc(e.order.Returns, func(r channel.Return) bool { return r.External == d.Return.External })
		v, known := verdicts[d.Verdict]
		if i < 0 || !known {
			return fault.New(fault.NotFound, "the demo shop knows no such return").WithCode("unknown_return")
		}
		r := &e.order.Returns[i]
		if r.Status == v.to {
			return nil
		}
		if !slices.Contains(v.from, r.Status) {
			return fault.New(fault.Conflict, "the return is %s", r.Status).WithCode("wrong_state")
		}
		r.Status, r.Raw = v.to, string(v.to)
		if d.Verdict == channel.ReturnReceive {
			comeBack(&e.order, *r)
		}
		e.told.Returns = append(e.told.Returns, d)
		s.touch(e)
		return nil
	})
}

func comeBack(o *channel.Order, r channel.Return) {
	for _, q := range r.Lines {
		for i := range o.Lines {
			if p := &o.Lines[i].Progress; o.Lines[i].External == q.Line {
				n := min(q.Quantity, p.Delivered)
				p.Delivered, p.Returned = p.Delivered-n, p.Returned+n
			}
		}
	}
}
