package order

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestChangeSets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		elsewhere := &Readdressing{Record: "rec-2", Country: "PK", Province: "Sindh", City: "Karachi", Postcode: "75500", Complete: true}
		t.Run("a cancellation is shown, then done on the version that was shown", func(t *testing.T) {
			h := setup(t, d)
			v := h.get(h.imports(arrival("cs1"))[0].Number)
			set, err := h.s.Propose(ctx, Change{
				Order: v.ID, Version: v.Version, Actor: "clerk", Source: "api",
				Cancel: &Cancelling{Lines: []CutLine{{LineID: v.Lines[0].ID, Quantity: 1}}, Reason: "out_of_stock", Initiator: "seller"},
			})
			must(t, err)
			if h.get(v.Number).Units.Cancelled != 0 || !strings.Contains(string(set.Preview), `"PKR 1400.00"`) && !strings.Contains(string(set.Preview), "1400") {
				t.Fatalf("%s", set.Preview)
			}
			_, err = h.s.Confirm(ctx, set.ID, "chief")
			must(t, err)
			if h.get(v.Number).Units.Cancelled != 1 {
				t.Fatal("not cancelled")
			}
			if _, err := h.s.Confirm(ctx, set.ID, "chief"); !fault.Is(err, fault.Conflict) {
				t.Fatalf("confirmed twice: %v", err)
			}
		})
		t.Run("a change of an order that has changed since is refused", func(t *testing.T) {
			h := setup(t, d)
			v := h.get(h.imports(arrival("cs2"))[0].Number)
			set, err := h.s.Propose(ctx, Change{Order: v.ID, Cancel: &Cancelling{Initiator: "seller"}, Actor: "clerk", Source: "api"})
			must(t, err)
			must(t, h.s.HoldBy(ctx, v.ID, 0, "other", "look at it"))
			if _, err := h.s.Confirm(ctx, set.ID, "clerk"); fault.CodeOf(err) != "version" {
				t.Fatalf("%v", err)
			}
			must(t, h.s.Discard(ctx, set.ID))
			if err := h.s.Discard(ctx, set.ID); !fault.Is(err, fault.Conflict) {
				t.Fatalf("%v", err)
			}
		})
		t.Run("a completed address releases the order, and stands until the channel says another", func(t *testing.T) {
			h := setup(t, d)
			vague := func(a *channel.Arrival) { a.AddressOK = false }
			l := h.imports(arrival("cs3", vague))[0]
			set, err := h.s.Propose(ctx, Change{Order: l.OrderID, Address: elsewhere, Actor: "clerk", Source: "api"})
			must(t, err)
			_, err = h.s.Confirm(ctx, set.ID, "clerk")
			must(t, err)
			if got := h.imports(arrival("cs3", vague, later(1)))[0]; len(got.Held) != 0 {
				t.Fatalf("%+v", got)
			}
			if v := h.get(l.Number); v.Buyer != "rec-2" || v.ShipCity != "Karachi" || v.Holds != 0 {
				t.Fatalf("%+v", v.Head)
			}
			h.imports(arrival("cs3", later(2), func(a *channel.Arrival) { a.Buyer = "buyer-new" }))
			if v := h.get(l.Number); v.Buyer != "buyer-new" || v.ShipCity != "Lahore" {
				t.Fatalf("%+v", v.Head)
			}
		})
		t.Run("an address does not change after packing, nor its country at all", func(t *testing.T) {
			h := setup(t, d)
			v := h.get(h.imports(arrival("cs4"))[0].Number)
			abroad := *elsewhere
			abroad.Country = "AE"
			if _, err := h.s.Propose(ctx, Change{Order: v.ID, Address: &abroad}); !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v", err)
			}
			set, err := h.s.Propose(ctx, Change{Order: v.ID, Address: elsewhere, Actor: "clerk", Source: "api"})
			must(t, err)
			h.packed[v.Lines[0].ID] = 1
			if _, err := h.s.Confirm(ctx, set.ID, "clerk"); fault.CodeOf(err) != "packed" {
				t.Fatalf("%v", err)
			}
		})
		t.Run("a note is in the timeline, and every change in its list", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("cs5"))[0]
			set, err := h.s.Propose(ctx, Change{Order: l.OrderID, Note: "call first", Actor: "clerk", Source: "api"})
			must(t, err)
			_, err = h.s.Confirm(ctx, set.ID, "clerk")
			must(t, err)
			must(t, d.Read(ctx, func(tx *db.Tx) error {
				facts, err := h.s.Timeline(tx, l.OrderID)
				kinds := map[string]bool{}
				for _, f := range facts {
					kinds[f.Kind] = true
				}
				sets, err2 := h.s.ChangeSets(tx, l.OrderID)
				if !kinds["note"] || err2 != nil || len(sets) != 1 || !cmp.Equal("applied", sets[0].State) {
					t.Errorf("%v %+v %v", kinds, sets, err2)
				}
				return err
			}))
		})
	})
}
