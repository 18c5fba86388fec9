package state

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

var door = Life{Name: "door", Start: "shut", Moves: map[State]map[Event]State{
	"shut":   {"open": "ajar", "lock": "locked"},
	"ajar":   {"close": "shut"},
	"locked": {"unlock": "shut", "weld": "welded"},
	"welded": {},
}}

func TestLife(t *testing.T) {
	t.Parallel()
	t.Run("an allowed event moves", func(t *testing.T) {
		got, err := door.Next("shut", "open")
		if err != nil || got != "ajar" {
			t.Fatalf("got %q, %v", got, err)
		}
	})
	t.Run("an event that is not allowed is a conflict that says so in words", func(t *testing.T) {
		_, err := door.Next("ajar", "lock")
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "a door that is ajar cannot lock") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("an unknown state is our own bug", func(t *testing.T) {
		if _, err := door.Next("gone", "open"); !fault.Is(err, fault.Internal) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("allowed events are sorted", func(t *testing.T) {
		if diff := cmp.Diff([]Event{"lock", "open"}, door.Allowed("shut")); diff != "" {
			t.Fatal(diff)
		}
	})
	t.Run("a sound table passes the check and draws every move", func(t *testing.T) {
		if err := door.Check(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"[*] --> shut", "locked --> welded: weld", "welded --> [*]"} {
			if !strings.Contains(door.Mermaid(), want) {
				t.Errorf("diagram lacks %q", want)
			}
		}
	})
	for name, broken := range map[string]Life{
		"a move into nowhere is found":       {Name: "x", Start: "a", Moves: map[State]map[Event]State{"a": {"go": "b"}}},
		"a state nobody can reach is found":  {Name: "x", Start: "a", Moves: map[State]map[Event]State{"a": {}, "b": {}}},
		"a start outside the table is found": {Name: "x", Start: "c", Moves: map[State]map[Event]State{"a": {}}},
	} {
		t.Run(name, func(t *testing.T) {
			if broken.Check() == nil {
				t.Fatal("the mistake went unnoticed")
			}
		})
	}
}
