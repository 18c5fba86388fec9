package order

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

func openCauses(t *testing.T, d *db.DB, order string) []string {
	t.Helper()
	var causes []string
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		rows, _, err := exception.List(tx, exception.Filter{Order: order}, "", 50)
		causes = nil
		for _, r := range rows {
			causes = append(causes, r.Cause)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return causes
}

func TestImport(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Run("a paid order is made, reserved and made known", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("1001"))[0]
			if l.Decision != channel.Imported || l.Number == "" {
				t.Fatalf("landed as %+v", l)
			}
			v := h.get(l.Number)
			if v.State != Open || v.PayState != Paid || v.Units.Open != 3 || len(v.Lines) != 2 {
				t.Fatalf("%+v", v)
			}
			if v.Totals.Total != money.Of(350000, "PKR") || v.Totals.Owed != money.Of(370000, "PKR") {
				t.Fatalf("the buyer pays %v, the seller is owed %v", v.Totals.Total, v.Totals.Owed)
			}
			if got := h.reserved[v.Lines[0].ID+"/var-SHIRT"]; got != 2 {
				t.Fatalf("%d reserved", got)
			}
			if diff := cmp.Diff([]string{event.OrderImported, event.OrderCreated, event.OrderPaid, event.OrderReady}, h.events(v.ID)); diff != "" {
				t.Fatal(diff)
			}
			if v.BusinessDate != "2026-11-11" {
				t.Fatalf("business date %s", v.BusinessDate)
			}
		})
		t.Run("the same order twice changes nothing", func(t *testing.T) {
			h := setup(t, d)
			first := h.imports(arrival("1002"))[0]
			again := h.imports(arrival("1002"))[0]
			if again.Decision != channel.Unchanged || again.OrderID != first.OrderID {
				t.Fatalf("%+v", again)
			}
			if n := len(h.events(first.OrderID)); n != 4 {
				t.Fatalf("%d events", n)
			}
		})
		t.Run("an older reading loses", func(t *testing.T) {
			h := setup(t, d)
			h.imports(arrival("1003", later(5)))
			if l := h.imports(arrival("1003"))[0]; l.Decision != channel.Stale {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("of two readings with one time the later read wins", func(t *testing.T) {
			h := setup(t, d)
			h.imports(arrival("1004"))
			read := func(hash string, d time.Duration) func(*channel.Arrival) {
				return func(a *channel.Arrival) { a.Source, a.Hash, a.Change.ReadAt = "read", hash, a.Change.ReadAt.Add(d) }
			}
			newer := arrival("1004", read("other", time.Second))
			if l := h.imports(newer)[0]; l.Decision != channel.Updated {
				t.Fatalf("%+v", l)
			}
			older := arrival("1004", read("third", -time.Second))
			if l := h.imports(older)[0]; l.Decision != channel.Stale {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("a message of the same time with other content is not believed: the order has to be read", func(t *testing.T) {
			h := setup(t, d)
			first := h.imports(arrival("1404"))[0]
			for _, late := range []time.Duration{-time.Second, time.Second} {
				pushed := arrival("1404", status(channel.Cancelled), func(a *channel.Arrival) { a.Hash = "other"; a.Change.ReadAt = a.Change.ReadAt.Add(late) })
				if l := h.imports(pushed)[0]; l.Decision != channel.Contradicts || l.OrderID != first.OrderID {
					t.Fatalf("%+v", l)
				}
			}
			if v := h.get(first.Number); v.Units.Cancelled != 0 || v.Version != 1 {
				t.Fatalf("%+v", v.Head)
			}
		})
		t.Run("a time in the future is no version", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("1005", func(a *channel.Arrival) { a.Change.Version = a.Change.ReadAt.Add(time.Hour) }))[0]
			if l.Decision != channel.Stuck || l.Cause != "future_version" {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("an order does not change its currency", func(t *testing.T) {
			h := setup(t, d)
			h.imports(arrival("1006"))
			l := h.imports(arrival("1006", later(1), func(a *channel.Arrival) { a.Order.Currency = "USD" }))[0]
			if l.Decision != channel.Stuck || l.Cause != "currency_changed" {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("one bad order does not hold up the others of its batch", func(t *testing.T) {
			h := setup(t, d)
			bad := arrival("1008", func(a *channel.Arrival) { a.Order.Lines[0].Quantity = -2 })
			got := h.imports(arrival("1007"), bad, arrival("1009"))
			if got[0].Decision != channel.Imported || got[1].Decision != channel.Stuck || got[2].Decision != channel.Imported {
				t.Fatalf("%+v", got)
			}
		})
		t.Run("a shadow order is kept and nothing is done about it", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("1010", func(a *channel.Arrival) { a.Account.Mode = channel.Shadow }))[0]
			if l.Decision != channel.Imported || len(h.reserved) != 0 || len(h.events(l.OrderID)) != 0 {
				t.Fatalf("%+v, reserved %v, events %v", l, h.reserved, h.events(l.OrderID))
			}
		})
		t.Run("an order that nobody mapped waits and is released by the mapping", func(t *testing.T) {
			h := setup(t, d)
			h.unmapped["CAP"] = true
			l := h.imports(arrival("1011"))[0]
			if diff := cmp.Diff([]string{"unmapped_sku"}, l.Held); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff([]string{"unmapped_sku"}, openCauses(t, d, l.OrderID)); diff != "" {
				t.Fatal(diff)
			}
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				return h.s.Mapped(tx, "listing-CAP", Resolved{Listing: "listing-CAP", Variant: "var-CAP", SKU: "CAP", Ships: true})
			})
			if err != nil {
				t.Fatal(err)
			}
			if c := openCauses(t, d, l.OrderID); len(c) != 0 {
				t.Fatalf("still open: %v", c)
			}
			evs := h.events(l.OrderID)
			if evs[len(evs)-1] != event.OrderReady || h.reserved[h.get(l.Number).Lines[1].ID+"/var-CAP"] != 1 {
				t.Fatalf("%v", evs)
			}
		})
		t.Run("money that does not add up holds the order with the difference shown", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("1012", total(350500)))[0]
			v := h.get(l.Number)
			if v.Totals.Difference == nil || *v.Totals.Difference != money.Of(500, "PKR") || len(l.Held) != 1 || l.Held[0] != "money_mismatch" {
				t.Fatalf("%+v %v", v.Totals, l.Held)
			}
			if err := h.s.Release(context.Background(), v.ID, v.Version, HoldMoney, "clerk"); err != nil {
				t.Fatal(err)
			}
			again := h.imports(arrival("1012", later(1), total(350500)))[0]
			if len(again.Held) != 0 {
				t.Fatalf("an accepted difference holds again: %v", again.Held)
			}
		})
		t.Run("a cent between lines and total becomes a rounding line", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("1013", total(350001)))[0]
			v := h.get(l.Number)
			if len(l.Held) != 0 || v.Totals.Rounding != money.Of(1, "PKR") || v.Charges[len(v.Charges)-1].Kind != "rounding" {
				t.Fatalf("%+v %+v", l, v.Charges)
			}
		})
		t.Run("what stock is short becomes a shortage, the rest is reserved", func(t *testing.T) {
			h := setup(t, d)
			h.onHand["var-SHIRT"] = 1
			l := h.imports(arrival("1014"))[0]
			if l.Short != 1 || len(l.Held) != 1 || l.Held[0] != "shortage" {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("a cancelled line gives its units back, and only that", func(t *testing.T) {
			h := setup(t, d)
			first := h.imports(arrival("1015"))[0]
			h.imports(arrival("1015", later(1), func(a *channel.Arrival) { a.Order.Lines[1].Progress.Cancelled = 1 }))
			v := h.get(first.Number)
			if v.Lines[1].Cancelled != 1 || v.Lines[1].Open != 0 || v.Units.Open != 2 || h.reserved[v.Lines[1].ID+"/var-CAP"] != 0 {
				t.Fatalf("%+v", v.Lines)
			}
			evs := h.events(first.OrderID)
			if diff := cmp.Diff([]string{event.OrderChanged, event.OrderCancelled}, evs[len(evs)-2:]); diff != "" {
				t.Fatal(diff)
			}
			if len(h.withdrawn) != 1 || h.withdrawn[0].Quantity != 1 {
				t.Fatalf("%+v", h.withdrawn)
			}
		})
		t.Run("a cancellation of packed units is raised for a person", func(t *testing.T) {
			h := setup(t, d)
			first := h.imports(arrival("1016"))[0]
			h.packed[h.get(first.Number).Lines[1].ID] = 1
			h.imports(arrival("1016", later(1), func(a *channel.Arrival) { a.Order.Lines[1].Progress.Cancelled = 1 }))
			if v := h.get(first.Number); v.Lines[1].Cancelled != 0 {
				t.Fatal("packed units were cancelled")
			}
			if diff := cmp.Diff([]string{"change_after_pack"}, openCauses(t, d, first.OrderID)); diff != "" {
				t.Fatal(diff)
			}
		})
		t.Run("a status further along than ours is recorded, never taken", func(t *testing.T) {
			h := setup(t, d)
			first := h.imports(arrival("1017"))[0]
			h.imports(arrival("1017", later(1), func(a *channel.Arrival) { a.Order.Lines[0].Progress.Shipped = 2 }))
			if v := h.get(first.Number); v.Lines[0].Open != 2 {
				t.Fatalf("%+v", v.Lines[0])
			}
			if diff := cmp.Diff([]string{"contradicting_status"}, openCauses(t, d, first.OrderID)); diff != "" {
				t.Fatal(diff)
			}
		})
		t.Run("handing over and cancelling exclude each other", func(t *testing.T) {
			h := setup(t, d)
			v := h.get(h.imports(arrival("1018"))[0].Number)
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				return h.s.Ship(tx, v.ID, []Moved{{LineID: v.Lines[0].ID, Quantity: 2}, {LineID: v.Lines[1].ID, Quantity: 1}})
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.s.Cancel(context.Background(), Cancelling{Order: v.ID, Reason: "late", Initiator: "buyer", Actor: "clerk", Source: "api"})
			if !fault.Is(err, fault.Conflict) || fault.CodeOf(err) != "handed_over" {
				t.Fatalf("got %v", err)
			}
			if got := h.get(v.Number).State; got != Shipped {
				t.Fatalf("state %s", got)
			}
		})
		t.Run("a person cancels an order whole, once", func(t *testing.T) {
			h := setup(t, d)
			v := h.get(h.imports(arrival("1019"))[0].Number)
			p, err := h.s.Cancel(context.Background(), Cancelling{Order: v.ID, Version: v.Version, Reason: "buyer called", Initiator: "buyer", Actor: "clerk", Source: "api"})
			if err != nil || !p.Whole || p.StateThen != Cancelled {
				t.Fatalf("%+v %v", p, err)
			}
			if v := h.get(v.Number); v.State != Cancelled || v.Units.Open != 0 || len(h.voided) != 1 {
				t.Fatalf("%+v", v.Head)
			}
			if _, err := h.s.Cancel(context.Background(), Cancelling{Order: v.ID, Reason: "again", Initiator: "buyer", Actor: "clerk", Source: "api"}); !fault.Is(err, fault.Conflict) {
				t.Fatalf("cancelled twice: %v", err)
			}
		})
		t.Run("orders of a shadow shop are adopted once when it goes live", func(t *testing.T) {
			h := setup(t, d)
			shadow := func(a *channel.Arrival) { a.Account.Mode = channel.Shadow; a.Account.ID = "acc-adopt" }
			l := h.imports(arrival("1020", shadow))[0]
			acc := arrival("1020", shadow).Account
			acc.Mode = channel.Live
			for range 2 {
				err := d.Write(context.Background(), func(tx *db.Tx) error {
					_, done, err := h.s.Adopt(tx, acc, "", 100)
					if err == nil && !done {
						t.Error("not done")
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]string{event.OrderImported, event.OrderCreated, event.OrderPaid, event.OrderReady}, h.events(l.OrderID)); diff != "" {
				t.Fatal(diff)
			}
			if v := h.get(l.Number); v.Mode != channel.Live || h.reserved[v.Lines[0].ID+"/var-SHIRT"] != 2 {
				t.Fatalf("%+v", v.Head)
			}
			must(t, d.Read(t.Context(), func(tx *db.Tx) error {
				all, err := outbox.OfOrder(tx, l.OrderID)
				if err != nil {
					return err
				}
				for _, ev := range all {
					if ev.Type != event.OrderPaid {
						continue
					}
					paid, err := outbox.Decode[event.OrderPaidV1](ev)
					if err != nil || paid.Method != "card" || !cmp.Equal([]string{"p1"}, paid.Payments) || paid.Amount.Minor != 350000 {
						t.Errorf("%+v %v", paid, err)
					}
				}
				return nil
			}))
		})
	})
}
