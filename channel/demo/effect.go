package demo

import (
	"context"
	"fmt"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// act does something to an order once per reference: a repeat finds what the first one left.
func (b *base) act(ctx context.Context, name string, h channel.Handling, do func(s *Shop, e *entry) (channel.Found, error)) (channel.Found, error) {
	var found channel.Found
	err := b.call(ctx, name, func(s *Shop) error {
		e := s.orders[h.Order]
		if e == nil {
			return errUnknown
		}
		if h.Reference == "" {
			return fault.Field("Reference", "is missing")
		}
		key := name + "/" + h.Reference
		if known, ok := s.acts[key]; ok {
			found = known
			return nil
		}
		var err error
		if found, err = do(s, e); err != nil {
			return err
		}
		found.Kind = name
		s.acts[key] = found
		s.touch(e)
		return nil
	})
	return found, err
}

// Find implements channel.Finder.
func (b *base) Find(ctx context.Context, act string, h channel.Handling) (channel.Found, error) {
	var found channel.Found
	err := b.call(ctx, "find", func(s *Shop) error {
		var ok bool
		if found, ok = s.acts[act+"/"+h.Reference]; !ok {
			return fault.New(fault.NotFound, "the demo shop knows no %s by this reference", act).WithCode("unknown_act")
		}
		return nil
	})
	return found, err
}

// share is a handling resolved against an order: so many of each line, and which units.
type share struct {
	line  *channel.Line
	count int64
	units []*channel.Unit
}

// resolve finds what a handling names among the units whose status is one of from. Nothing is changed. More than there is is a Conflict.
func resolve(o *channel.Order, h channel.Handling, from ...channel.Status) ([]share, error) {
	var out []share
	for i := range o.Lines {
		l := &o.Lines[i]
		sh := share{line: l}
		for _, q := range h.Lines {
			if q.Line == l.External {
				sh.count += q.Quantity
			}
		}
		for n := range l.Units {
			u := &l.Units[n]
			named := slices.Contains(h.Units, u.External)
			if named && !slices.Contains(from, u.Status) {
				return nil, fault.New(fault.Conflict, "unit %s is %s", u.External, u.Status).WithCode("wrong_state")
			}
			if named || int64(len(sh.units)) < sh.count && len(h.Units) == 0 && slices.Contains(from, u.Status) {
				sh.units = append(sh.units, u)
			}
		}
		if len(l.Units) > 0 && len(h.Units) > 0 {
			sh.count = int64(len(sh.units))
		}
		open := l.Quantity - l.Progress.Sum()
		if slices.Contains(from, channel.Shipped) {
			open = l.Progress.Shipped
		}
		if sh.count < 0 || sh.count > open || len(l.Units) > 0 && int64(len(sh.units)) != sh.count {
			return nil, fault.New(fault.Conflict, "line %s has %d to take, and %d are asked for", l.External, open, sh.count).WithCode("wrong_state")
		}
		if sh.count > 0 {
			out = append(out, sh)
		}
	}
	if len(out) == 0 {
		return nil, fault.Field("Lines", "name nothing of order %s", o.External)
	}
	return out, nil
}

func (sh share) mark(to channel.Status) {
	for _, u := range sh.units {
		u.Status, u.Raw = to, string(to)
	}
}

func total(shares []share) (n int64) {
	for _, sh := range shares {
		n += sh.count
	}
	return n
}

// Acknowledge implements channel.Acknowledger.
func (b *base) Acknowledge(ctx context.Context, external, ourNumber string) error {
	return b.call(ctx, "acknowledge", func(s *Shop) error {
		e := s.orders[external]
		if e == nil {
			return errUnknown
		}
		if !slices.Contains(e.told.Acknowledged, ourNumber) {
			e.told.Acknowledged = append(e.told.Acknowledged, ourNumber)
		}
		return nil
	})
}

// Pack implements channel.Packer.
func (m *market) Pack(ctx context.Context, h channel.Handling) (channel.PackResult, error) {
	var res channel.PackResult
	found, err := m.act(ctx, "pack", h, func(s *Shop, e *entry) (channel.Found, error) {
		good := h
		good.Units = nil
		for _, id := range h.Units {
			one := h
			one.Units, one.Lines = []string{id}, nil
			if _, err := resolve(&e.order, one, channel.Open); err != nil {
				res.Refused = append(res.Refused, channel.UnitRefusal{Unit: id, Err: err})
				continue
			}
			good.Units = append(good.Units, id)
		}
		if len(h.Units) > 0 && len(good.Units) == 0 {
			return channel.Found{}, res.Refused[0].Err
		}
		shares, err := resolve(&e.order, good, channel.Open)
		if err != nil {
			return channel.Found{}, err
		}
		pkg := s.box(e, shares)
		e.told.Packed += total(shares)
		return channel.Found{External: pkg.External, Packages: []channel.Package{*pkg}}, nil
	})
	if err == nil {
		res.Packages = found.Packages
	}
	return res, err
}

// box puts units into a package with carrier, number and label of the marketplace.
func (s *Shop) box(e *entry, shares []share) *channel.Package {
	n := len(e.order.Parcels) + 1
	pkg := &channel.Package{External: fmt.Sprintf("FP-%s-%d", e.order.External, n), Carrier: "Demo Express", Tracking: fmt.Sprintf("DX%s%03d", e.order.External, n)}
	parcel := channel.Parcel{External: pkg.External, Status: channel.Packed, Raw: "packed", Carrier: pkg.Carrier, Tracking: pkg.Tracking, At: s.now()}
	for _, sh := range shares {
		sh.mark(channel.Packed)
		parcel.Lines = append(parcel.Lines, channel.Quantity{Line: sh.line.External, Quantity: sh.count})
		for _, u := range sh.units {
			u.Package, u.Tracking = pkg.External, pkg.Tracking
			pkg.Units = append(pkg.Units, u.External)
		}
	}
	parcel.Units = pkg.Units
	e.order.Parcels = append(e.order.Parcels, parcel)
	pkg.Label = &channel.Label{Format: "html", Body: []byte("<!DOCTYPE html><title>" + pkg.Tracking + "</title><h1>" + pkg.Carrier + "</h1><p>" + pkg.Tracking + "</p>\n")}
	return pkg
}

// Ship implements channel.Shipper. A marketplace ships packages that it has given, the shop anything still open.
func (b *base) Ship(ctx context.Context, n channel.ShipNotice) (channel.ShipResult, error) {
	found, err := b.act(ctx, "ship", n.Handling, func(s *Shop, e *entry) (channel.Found, error) {
		if !s.market {
			return s.ship(e, n)
		}
		for _, id := range n.Packages {
			i := slices.IndexFunc(e.order.Parcels, func(p channel.Parcel) bool { return p.External == id })
			if i < 0 {
				return channel.Found{}, fault.New(fault.NotFound, "the demo marketplace gave no package %s", id).WithCode("unknown_package")
			}
			n.Units = append(n.Units, e.order.Parcels[i].Units...)
		}
		slices.Sort(n.Units)
		n.Units = slices.Compact(n.Units)
		return s.ship(e, n)
	})
	return channel.ShipResult{External: found.External}, err
}

func (s *Shop) ship(e *entry, n channel.ShipNotice) (channel.Found, error) {
	from := channel.Open
	if s.market {
		from = channel.Packed
	}
	shares, err := resolve(&e.order, n.Handling, from)
	if err != nil {
		return channel.Found{}, err
	}
	p := channel.Parcel{
		External: fmt.Sprintf("F-%s-%d", e.order.External, len(e.order.Parcels)+1), Status: channel.Shipped, Raw: "shipped", Carrier: n.Carrier, Tracking: n.Tracking, URL: n.URL,
		Location: n.Location, At: n.At.UTC(),
	}
	for _, sh := range shares {
		sh.line.Progress.Shipped += sh.count
		sh.mark(channel.Shipped)
		p.Lines = append(p.Lines, channel.Quantity{Line: sh.line.External, Quantity: sh.count})
		if known := s.find(sh.line.Listing); known != nil && s.market {
			known.number -= sh.count
		}
	}
	for i := range e.order.Parcels {
		if slices.Contains(n.Packages, e.order.Parcels[i].External) {
			e.order.Parcels[i].Status, e.order.Parcels[i].Raw = channel.Shipped, "shipped"
			p.External = e.order.Parcels[i].External
		}
	}
	if !s.market {
		e.order.Parcels = append(e.order.Parcels, p)
	}
	e.told.Shipped += total(shares)
	e.told.Shipments = append(e.told.Shipments, n)
	return channel.Found{External: p.External}, nil
}

// Complete implements channel.Completer.
func (b *base) Complete(ctx context.Context, c channel.Completion) error {
	_, err := b.act(ctx, "complete", c.Handling, func(s *Shop, e *entry) (channel.Found, error) {
		if c.DeliveredAt.IsZero() && c.FailedAt.IsZero() && !c.CashPaid {
			return channel.Found{}, fault.Field("DeliveredAt", "or FailedAt or CashPaid says what is complete")
		}
		if !c.DeliveredAt.IsZero() || !c.FailedAt.IsZero() {
			shares, err := resolve(&e.order, c.Handling, channel.Shipped)
			if err != nil {
				return channel.Found{}, err
			}
			for _, sh := range shares {
				sh.line.Progress.Shipped -= sh.count
				if c.FailedAt.IsZero() {
					sh.line.Progress.Delivered += sh.count
					sh.mark(channel.Delivered)
					e.told.Delivered += sh.count
				} else {
					sh.line.Progress.Failed += sh.count
					sh.mark(channel.Failed)
				}
			}
		}
		for i := range e.order.Payments {
			if p := &e.order.Payments[i]; c.CashPaid && p.Status == channel.Due {
				p.Status, p.At = channel.Paid, s.now()
			}
		}
		e.told.Completions = append(e.told.Completions, c)
		return channel.Found{External: c.Parcel}, nil
	})
	return err
}

// Cancel implements channel.Canceller.
func (b *base) Cancel(ctx context.Context, c channel.Cancellation) error {
	_, err := b.act(ctx, "cancel", c.Handling, func(s *Shop, e *entry) (channel.Found, error) {
		h := c.Handling
		if c.Whole {
			h.Lines, h.Units = nil, nil
			if moved(e.order) == ordered(e.order) {
				return channel.Found{}, fault.New(fault.Conflict, "nothing of the order is left to cancel").WithCode("wrong_state")
			}
			for _, l := range e.order.Lines {
				h.Lines = append(h.Lines, channel.Quantity{Line: l.External, Quantity: l.Quantity - l.Progress.Sum()})
			}
		}
		shares, err := resolve(&e.order, h, channel.Open, channel.Packed)
		if err != nil {
			return channel.Found{}, err
		}
		for _, sh := range shares {
			var units []string
			for _, u := range sh.units {
				units = append(units, u.External)
			}
			s.cancelUnits(sh.line, sh.count, units, string(c.Reason))
		}
		if moved(e.order) == ordered(e.order) {
			setStatus(&e.order, channel.Cancelled)
		}
		e.order.CancelledAt, e.order.CancelRequest = s.now(), nil
		e.told.Cancelled += total(shares)
		e.told.Cancellations = append(e.told.Cancellations, c)
		return channel.Found{External: "C-" + c.Reference}, nil
	})
	return err
}

// DecideCancel implements channel.CancelDecider. Repeating the same decision changes nothing.
func (b *base) DecideCancel(ctx context.Context, order string, r channel.CancelRequest, agree bool, reason string) error {
	return b.call(ctx, "decide-cancel", func(s *Shop) error {
		e := s.orders[order]
		switch {
		case e == nil:
			return errUnknown
		case e.order.CancelRequest == nil && len(e.told.Decisions) > 0 && e.told.Decisions[len(e.told.Decisions)-1] == agree:
			return nil
		case e.order.CancelRequest == nil || e.order.CancelRequest.External != r.External:
			return fault.New(fault.Conflict, "no cancellation waits for a decision").WithCode("no_request")
		}
		if agree {
			for i := range e.order.Lines {
				l := &e.order.Lines[i]
				s.cancelUnits(l, l.Quantity-l.Progress.Sum(), nil, reason)
			}
			if moved(e.order) == ordered(e.order) {
				setStatus(&e.order, channel.Cancelled)
			}
			e.order.CancelledAt = s.now()
		}
		e.order.CancelRequest = nil
		e.told.Decisions = append(e.told.Decisions, agree)
		s.touch(e)
		return nil
	})
}

// Refund implements channel.Refunder. More than was paid is refused.
func (b *base) Refund(ctx context.Context, r channel.RefundRequest) (channel.Refund, error) {
	found, err := b.act(ctx, "refund", r.Handling, func(s *Shop, e *entry) (channel.Found, error) {
		sum, err := e.told.Refunded.Add(r.Amount)
		if err != nil {
			return channel.Found{}, err
		}
		if over, _ := sum.Cmp(e.order.Total); over > 0 || r.Amount.Sign() <= 0 {
			return channel.Found{}, fault.New(fault.Refused, "%s is not left to be given back", r.Amount).WithCode("over_refund")
		}
		f := channel.Refund{
			External: fmt.Sprintf("RF-%s-%d", e.order.External, len(e.order.Refunds)+1), Amount: r.Amount, At: s.now(), Reason: r.Reason, Lines: r.Lines, Payment: r.Payment,
		}
		e.order.Refunds = append(e.order.Refunds, f)
		e.told.Refunded = sum
		e.told.Refunds = append(e.told.Refunds, r)
		return channel.Found{External: f.External, Refund: &f}, nil
	})
	if err != nil || found.Refund == nil {
		return channel.Refund{}, err
	}
	return *found.Refund, nil
}
