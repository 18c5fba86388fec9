package dispatch

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/state"
)

// The states of a shipment.
const (
	Intended   = "intended"
	Issued     = "issued"
	HandedOver = "handed_over"
	InTransit  = "in_transit"
	Out        = "out_for_delivery"
	Attempted  = "attempted"
	Delivered  = "delivered"
	Returning  = "returning"
	Returned   = "returned"
	Lost       = "lost"
	Cancelled  = "cancelled"
	Refused    = "refused"
	Unknown    = "unknown"
)

func under(more map[state.Event]state.State) map[state.Event]state.State {
	all := map[state.Event]state.State{
		"move": InTransit, "go_out": Out, "fail": Attempted, "deliver": Delivered, "turn_back": Returning, "come_back": Returned, "lose": Lost,
	}
	for ev, to := range more {
		all[ev] = to
	}
	return all
}

// Life is what may happen to a shipment. A delivery can be taken back by the courier; what is lost may turn up.
var Life = state.Life{Name: "shipment", Start: Intended, Moves: map[state.State]map[state.Event]state.State{
	Intended:   {"issue": Issued, "refuse": Refused, "lose_track": Unknown, "cancel": Cancelled},
	Unknown:    {"issue": Issued, "refuse": Refused, "retry": Intended, "cancel": Cancelled},
	Refused:    {"cancel": Cancelled},
	Issued:     {"hand_over": HandedOver, "cancel": Cancelled},
	HandedOver: under(map[state.Event]state.State{"take_back": Issued}),
	InTransit:  under(nil),
	Out:        under(nil),
	Attempted:  under(nil),
	Delivered:  {"correct_transit": InTransit, "correct_out": Out, "correct_attempt": Attempted, "correct_return": Returning, "correct_returned": Returned},
	Returning:  {"come_back": Returned, "deliver": Delivered, "turn_back": Returning},
	Returned:   {},
	Lost:       {},
	Cancelled:  {},
}}

// Lives are the life cycles of this context.
var Lives = []state.Life{Life}

func (sh *Shipment) may(ev state.Event) error {
	_, err := Life.Next(state.State(sh.State), ev)
	return err
}

// to moves to a state that the table leads to.
func (sh *Shipment) to(to string, now time.Time) error {
	for _, ev := range Life.Allowed(state.State(sh.State)) {
		if Life.Moves[state.State(sh.State)][ev] == state.State(to) {
			sh.State, sh.UpdatedAt = to, now
			return nil
		}
	}
	return fault.New(fault.Conflict, "shipment %s is %s and cannot become %s", sh.Number, sh.State, to).WithCode("not_allowed")
}

// gone reports whether the parcel has left the house.
func (sh *Shipment) gone() bool {
	switch sh.State {
	case Intended, Unknown, Refused, Issued, Cancelled:
		return false
	}
	return true
}

// void reports whether the shipment counts for nothing any more.
func (sh *Shipment) void() bool { return sh.State == Cancelled }

func (sh *Shipment) allowed() []string {
	var all []string
	for _, ev := range Life.Allowed(state.State(sh.State)) {
		all = append(all, string(ev))
	}
	return all
}
