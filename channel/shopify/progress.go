package shopify

import "github.com/openclaw-pos/commerce/channel"

// progress counts a line's units by where Shopify sees them. Parcels say what was sent; refund lines say whether a unit was cancelled (CANCEL) or came
// back (RETURN); NO_RESTOCK says neither, so that it counts as cancelled only for units that are neither sent nor still to be sent, else it is money only.
// What an edit took out shows as the difference of quantity and current quantity.
func (s *sheet) progress(l sheetLine) channel.Progress {
	var p channel.Progress
	sent := s.sent(l, &p)
	var cancelled, returned, loose int64
	for _, f := range s.refunds {
		for _, fl := range f.lines {
			switch {
			case fl.line != l.id:
			case fl.restock == "CANCEL":
				cancelled += fl.quantity
			case fl.restock == "RETURN":
				returned += fl.quantity
			default:
				loose += fl.quantity
			}
		}
	}
	if l.current >= 0 {
		cancelled += max(0, l.quantity-l.current-cancelled-returned-loose) // taken out by an edit
	}
	waiting := int64(0)
	if l.open > 0 {
		waiting = l.open
	}
	idle := max(0, l.quantity-sent-cancelled) // neither sent nor cancelled so far
	cancelled += min(loose, max(0, idle-waiting))
	if !s.cancelled.IsZero() {
		cancelled = l.quantity - sent
	}
	p.Cancelled = min(cancelled, l.quantity-sent)
	takeBack(&p, min(returned, l.quantity-p.Cancelled))
	return p
}

// sent counts units in parcels that were not called off, by the parcel's state, never more than were ordered.
func (s *sheet) sent(l sheetLine, p *channel.Progress) int64 {
	var sum int64
	for _, parcel := range s.parcels {
		if parcel.status != "SUCCESS" {
			continue
		}
		var n int64
		for _, c := range parcel.lines {
			if c.line == l.id {
				n += c.quantity
			}
		}
		n = min(n, l.quantity-sum)
		sum += n
		switch parcel.state() {
		case channel.Delivered:
			p.Delivered += n
		case channel.Failed:
			p.Failed += n
		default:
			p.Shipped += n
		}
	}
	return sum
}

// takeBack moves units that came back out of where they were: from delivered first, then failed, then on the way.
func takeBack(p *channel.Progress, n int64) {
	p.Returned = n
	for _, from := range []*int64{&p.Delivered, &p.Failed, &p.Shipped} {
		moved := min(n, *from)
		*from -= moved
		n -= moved
	}
}
