package fulfillment

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/state"
)

// The states of a fulfillment order.
const (
	Fresh      = "new"
	Accepted   = "accepted"
	Held       = "held"
	Picking    = "picking"
	Picked     = "picked"
	Packing    = "packed"
	HandedOver = "handed_over"
	Cancelled  = "cancelled"
	Moved      = "moved"
	Rejected   = "rejected"
)

// Life is what may happen to a fulfillment order. Where it stands between accepted and handed over follows from its counts.
var Life = state.Life{Name: "fulfillment order", Start: Fresh, Moves: map[state.State]map[state.Event]state.State{
	Fresh: {
		"accept": Accepted, "hold": Held, "pick": Picking, "pick_all": Picked, "split": Fresh, "merge": Fresh, "short": Fresh, "withdraw": Fresh,
		"move": Moved, "reject": Rejected, "cancel": Cancelled,
	},
	Accepted: {
		"hold": Held, "pick": Picking, "pick_all": Picked, "split": Accepted, "merge": Accepted, "short": Accepted, "withdraw": Accepted,
		"move": Moved, "reject": Rejected, "cancel": Cancelled,
	},
	Picking: {
		"pick": Picking, "pick_all": Picked, "pack_all": Packing, "hand_over_all": HandedOver, "put_back": Picking, "put_back_all": Accepted, "pack": Picking, "unpack": Picking, "hand_over": Picking, "take_back": Picking,
		"split": Picking, "merge": Picking, "short": Picking, "withdraw": Picking, "hold": Held, "move": Moved, "reject": Rejected, "cancel": Cancelled,
	},
	Picked: {
		"put_back": Picking, "put_back_all": Accepted, "pack": Picked, "pack_all": Packing, "hand_over_all": HandedOver, "unpack": Picked, "hand_over": Picked, "take_back": Picked, "withdraw": Picked, "split": Picked, "merge": Picking,
		"hold": Held, "move": Moved, "reject": Rejected, "cancel": Cancelled,
	},
	Packing: {
		"unpack": Picked, "pack": Packing, "hand_over": Packing, "hand_over_all": HandedOver, "take_back": Packing, "hold": Held, "withdraw": Packing, "cancel": Cancelled,
	},
	HandedOver: {"take_back": Packing},
	Held: {
		"unhold_new": Fresh, "unhold": Accepted, "unhold_picking": Picking, "unhold_picked": Picked, "unhold_packed": Packing, "withdraw": Held, "unpack": Held, "put_back": Held, "hand_over_all": HandedOver,
		"reject": Rejected, "cancel": Cancelled,
	},
	Cancelled: {}, Moved: {}, Rejected: {},
}}

// Lives are the life cycles of this context.
var Lives = []state.Life{Life}

// live reports whether something is still to be done, or could be undone here.
func (f *FO) live() bool {
	switch f.State {
	case HandedOver, Cancelled, Moved, Rejected:
		return false
	}
	return true
}

// may refuses an act that the state does not allow.
func (f *FO) may(ev state.Event) error {
	_, err := Life.Next(state.State(f.State), ev)
	return err
}

// settle brings the state in line with the counts; the table must have a way there.
func (f *FO) settle(now time.Time) error {
	to := f.due()
	if f.State == Held && to != Cancelled && to != HandedOver {
		f.HeldFrom = to
		return nil
	}
	if to == f.State {
		return nil
	}
	return f.to(to, now)
}

// due is the state that the counts stand for.
func (f *FO) due() string {
	var quantity, picked, packed, shipped int64
	for _, l := range f.Lines {
		quantity, picked, packed, shipped = quantity+l.Quantity, picked+l.Picked, packed+l.Packed, shipped+l.Shipped
	}
	from := f.State
	if from == Held {
		from = f.HeldFrom
	}
	switch {
	case quantity == 0:
		return Cancelled
	case shipped == quantity:
		return HandedOver
	case packed == quantity:
		return Packing
	case picked == quantity:
		return Picked
	case picked > 0:
		return Picking
	case from == Fresh:
		return Fresh
	}
	return Accepted
}

// to moves to a state that the table leads to.
func (f *FO) to(to string, now time.Time) error {
	for _, ev := range Life.Allowed(state.State(f.State)) {
		if Life.Moves[state.State(f.State)][ev] == state.State(to) {
			f.State = to
			f.stamp(now)
			return nil
		}
	}
	return fault.New(fault.Conflict, "a fulfillment order that is %s cannot become %s", f.State, to).WithCode("not_allowed")
}

func (f *FO) stamp(now time.Time) {
	first := func(t *time.Time, reached bool) {
		switch {
		case !reached:
			*t = time.Time{}
		case t.IsZero():
			*t = now
		}
	}
	switch f.State {
	case Held, Cancelled, Moved, Rejected:
		return
	}
	first(&f.PickedAt, f.State == Picked || f.State == Packing || f.State == HandedOver)
	first(&f.PackedAt, f.State == Packing || f.State == HandedOver)
	first(&f.HandedOver, f.State == HandedOver)
}

func (f *FO) allowed() []string {
	var all []string
	for _, ev := range Life.Allowed(state.State(f.State)) {
		all = append(all, string(ev))
	}
	return all
}
