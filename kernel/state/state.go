// Package state holds life cycles as data: which event moves which state where. Start at Life.
//
// One literal per life validates moves, lists the actions a console offers, draws the diagram in docs/ and is compared with the SQL check constraint.
package state

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// State is where a thing stands; Event is what happens to it.
type (
	State string
	Event string
)

// Life is one life cycle.
type Life struct {
	Name  string // what lives it, as a person says it: "fulfillment order"
	Start State
	Moves map[State]map[Event]State
}

// Next is the state after the event. fault.Conflict when the event is not allowed there, fault.Internal for a state the life does not know.
func (l Life) Next(from State, ev Event) (State, error) {
	moves, known := l.Moves[from]
	if !known {
		return "", fault.New(fault.Internal, "%s: unknown state %q", l.Name, from)
	}
	to, ok := moves[ev]
	if !ok {
		return "", fault.New(fault.Conflict, "a %s that is %s cannot %s", l.Name, words(string(from)), words(string(ev))).WithCode("not_allowed")
	}
	return to, nil
}

// Allowed lists the events a state allows, sorted.
func (l Life) Allowed(from State) []Event {
	var all []Event
	for ev := range l.Moves[from] {
		all = append(all, ev)
	}
	slices.Sort(all)
	return all
}

// States lists every state, sorted. Each must be a key of Moves, with an empty map when it is final.
func (l Life) States() []State {
	var all []State
	for s := range l.Moves {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// Final reports whether nothing leads out of the state.
func (l Life) Final(s State) bool { return len(l.Moves[s]) == 0 }

// Check finds mistakes in the literal: a move into an unknown state, a start that is unknown, a state that cannot be reached.
func (l Life) Check() error {
	if _, ok := l.Moves[l.Start]; !ok {
		return fmt.Errorf("%s: start state %q is not in the table", l.Name, l.Start)
	}
	reached := map[State]bool{l.Start: true}
	for queue := []State{l.Start}; len(queue) > 0; queue = queue[1:] {
		for _, ev := range l.Allowed(queue[0]) {
			to := l.Moves[queue[0]][ev]
			if _, ok := l.Moves[to]; !ok {
				return fmt.Errorf("%s: %s leads from %q to unknown state %q", l.Name, ev, queue[0], to)
			}
			if !reached[to] {
				reached[to] = true
				queue = append(queue, to)
			}
		}
	}
	for _, s := range l.States() {
		if !reached[s] {
			return fmt.Errorf("%s: state %q cannot be reached", l.Name, s)
		}
	}
	return nil
}

// Mermaid draws the life as a Mermaid state diagram, in a stable order.
func (l Life) Mermaid() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stateDiagram-v2\n    [*] --> %s\n", l.Start)
	for _, s := range l.States() {
		for _, ev := range l.Allowed(s) {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", s, l.Moves[s][ev], words(string(ev)))
		}
		if l.Final(s) {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }
