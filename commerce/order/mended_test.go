package order

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func status(s channel.Status) func(*channel.Arrival) {
	return func(a *channel.Arrival) { a.Order.Status = s }
}

// units makes the first line one of a channel that addresses units.
func units(statuses ...channel.Status) func(*channel.Arrival) {
	return func(a *channel.Arrival) {
		l := &a.Order.Lines[0]
		l.Units, l.Progress = nil, channel.Progress{}
		for i, s := range statuses {
			l.Units = append(l.Units, channel.Unit{External: string(rune('a' + i)), Status: s})
			switch s {
			case channel.Cancelled:
				l.Progress.Cancelled++
			case channel.Shipped:
				l.Progress.Shipped++
			}
		}
		more := int64(len(statuses)) - l.Quantity
		l.Quantity += more
		l.Discounts, l.Taxes = nil, nil
		l.Total = money.Of(l.UnitPrice.Minor*l.Quantity, "PKR")
		total(l.Total.Minor + 70000)(a)
	}
}

func TestReadings(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		t.Run("what lies between a reading and a newer one that said the same is stale", func(t *testing.T) {
			h := setup(t, d)
			h.imports(arrival("r1"))
			same := func(a *channel.Arrival) { a.Hash = "h1" }
			if l := h.imports(arrival("r1", later(9), same))[0]; l.Decision != channel.Unchanged {
				t.Fatalf("%+v", l)
			}
			if l := h.imports(arrival("r1", later(5)))[0]; l.Decision != channel.Stale {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("a reading that cannot tell of a hold does not lift it, one that can does", func(t *testing.T) {
			h := setup(t, d)
			silent := func(a *channel.Arrival) { a.Order.Silent = []string{channel.SilentHeld}; a.Hash = "body" }
			h.imports(arrival("r2", status(channel.Held)))
			if l := h.imports(arrival("r2", later(1), silent))[0]; !cmp.Equal([]string{"channel_hold"}, l.Held) {
				t.Fatalf("%+v", l)
			}
			if l := h.imports(arrival("r2", later(2), func(a *channel.Arrival) { a.Hash = "body" }))[0]; len(l.Held) != 0 {
				t.Fatalf("released at the channel, and still held: %+v", l)
			}
		})
		t.Run("a hold that a person let go does not come back for the same reason", func(t *testing.T) {
			h := setup(t, d)
			vague := func(a *channel.Arrival) { a.AddressOK = false }
			l := h.imports(arrival("r3", vague))[0]
			must(t, h.s.Release(ctx, l.OrderID, 0, HoldAddress, "clerk"))
			if l := h.imports(arrival("r3", vague, later(1)))[0]; len(l.Held) != 0 {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("a channel that does not know yet what we cancelled contradicts nothing", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("r4"))[0]
			v := h.get(l.Number)
			_, err := h.s.Cancel(ctx, Cancelling{Order: v.ID, Lines: []CutLine{{LineID: v.Lines[1].ID, Quantity: 1}}, Initiator: "seller", Actor: "clerk", Source: "api"})
			must(t, err)
			h.imports(arrival("r4", later(1)))
			if c := openCauses(t, d, l.OrderID); len(c) != 0 {
				t.Fatalf("%v", c)
			}
		})
		t.Run("a status that goes backwards is raised, and closed when the channel comes round", func(t *testing.T) {
			h := setup(t, d)
			shipped := func(n int64) func(*channel.Arrival) {
				return func(a *channel.Arrival) { a.Order.Lines[0].Progress.Shipped = n }
			}
			l := h.imports(arrival("r5", shipped(2)))[0]
			h.imports(arrival("r5", later(1), shipped(0)))
			if v := h.get(l.Number); v.Lines[0].OnTheWay != 2 || !cmp.Equal([]string{"stale_status"}, openCauses(t, d, l.OrderID)) {
				t.Fatalf("%+v %v", v.Lines[0].Progress, openCauses(t, d, l.OrderID))
			}
			h.imports(arrival("r5", later(2), shipped(2)))
			if c := openCauses(t, d, l.OrderID); len(c) != 0 {
				t.Fatalf("%v", c)
			}
		})
		t.Run("a unit that comes in cancelled leaves the others where they are", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("r6", units(channel.Open, channel.Open)))[0]
			h.imports(arrival("r6", later(1), units(channel.Open, channel.Open, channel.Cancelled)))
			v := h.get(l.Number)
			got := map[string]Bucket{}
			for _, u := range v.Lines[0].Units {
				got[u.External] = u.Bucket
			}
			if diff := cmp.Diff(map[string]Bucket{"a": InOpen, "b": InOpen, "c": InCancelled}, got); diff != "" || v.Lines[0].Open != 2 {
				t.Fatalf("%s %+v", diff, v.Lines[0].Progress)
			}
		})
		t.Run("what the channel fulfils and cancels is made known", func(t *testing.T) {
			h := setup(t, d)
			theirs := func(n int64) func(*channel.Arrival) {
				return func(a *channel.Arrival) {
					a.Order.Lines[1].FulfilledBy, a.Order.Lines[1].Progress.Cancelled = channel.ByChannel, n
				}
			}
			l := h.imports(arrival("r7", theirs(0)))[0]
			h.imports(arrival("r7", later(1), theirs(1)))
			if evs := h.events(l.OrderID); evs[len(evs)-1] != event.OrderCancelled || len(h.withdrawn) != 0 {
				t.Fatalf("%v %v", evs, h.withdrawn)
			}
		})
		t.Run("a listing that is none of our goods ships nothing and waits for nothing", func(t *testing.T) {
			h := setup(t, d)
			h.unmapped["CAP"] = true
			l := h.imports(arrival("r8"))[0]
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				return h.s.Mapped(tx, "listing-CAP", Resolved{Listing: "listing-CAP", Ignored: true})
			}))
			v := h.get(l.Number)
			if v.Lines[1].Delivered != 1 || v.Units.Open != 2 || len(openCauses(t, d, l.OrderID)) != 0 {
				t.Fatalf("%+v %+v", v.Lines[1], v.Units)
			}
		})
		t.Run("a reading that knows less of the money takes none away", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("r9"))[0]
			h.imports(arrival("r9", later(1), func(a *channel.Arrival) {
				a.Order.Money, a.Order.Total, a.Order.Charges = channel.MoneyAbsent, money.Amount{}, nil
				for i := range a.Order.Lines {
					a.Order.Lines[i].Total, a.Order.Lines[i].UnitPrice, a.Order.Lines[i].Discounts, a.Order.Lines[i].Taxes = money.Amount{}, money.Amount{}, nil, nil
				}
			}))
			if v := h.get(l.Number); v.Sums.Total != 350000 || v.Lines[0].Total != 280000 || len(v.Charges) != 1 || v.Holds != 0 {
				t.Fatalf("%+v %+v", v.Sums, v.Charges)
			}
		})
		t.Run("an order is told as paid once, whatever becomes of its total", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("r10"))[0]
			more := func(a *channel.Arrival) {
				a.Order.Charges[0].Amount.Minor += 5000
				a.Order.Charges[0].Total.Minor += 5000
				a.Order.Total.Minor += 5000
			}
			h.imports(arrival("r10", later(1), more))
			h.imports(arrival("r10", later(2), more, func(a *channel.Arrival) { a.Order.Payments[0].Amount.Minor += 5000 }))
			if n := strings.Count(strings.Join(h.events(l.OrderID), " ")+" ", event.OrderPaid+" "); n != 1 {
				t.Fatalf("told %d times: %v", n, h.events(l.OrderID))
			}
		})
		t.Run("a new deadline is passed on", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("r11"))[0]
			h.imports(arrival("r11", later(1), func(a *channel.Arrival) { a.Order.ShipBy = a.Order.PlacedAt.Add(time.Hour) }))
			if evs := h.events(l.OrderID); evs[len(evs)-1] != event.OrderChanged {
				t.Fatalf("%v", evs)
			}
		})
		t.Run("an address that changes after packing stops the parcel until a person has looked", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("r12"))[0]
			h.packed[h.get(l.Number).Lines[0].ID] = 2
			moved := func(a *channel.Arrival) { a.Buyer = "buyer-elsewhere" }
			h.imports(arrival("r12", later(1), moved))
			got := h.imports(arrival("r12", later(2), moved))[0]
			if !cmp.Equal([]string{"address_changed"}, got.Held) || !cmp.Equal([]string{"change_after_pack"}, openCauses(t, d, l.OrderID)) {
				t.Fatalf("%v %v", got.Held, openCauses(t, d, l.OrderID))
			}
			must(t, h.s.Release(ctx, l.OrderID, 0, HoldReaddress, "clerk"))
			if c := openCauses(t, d, l.OrderID); len(c) != 0 {
				t.Fatal(c)
			}
		})
		t.Run("a cancellation of packed units stops the parcel, and a person may send it all the same", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("r13"))[0]
			h.packed[h.get(l.Number).Lines[1].ID] = 1
			gone := func(a *channel.Arrival) { a.Order.Lines[1].Progress.Cancelled = 1 }
			if got := h.imports(arrival("r13", later(1), gone))[0]; !cmp.Equal([]string{"change_after_pack"}, got.Held) {
				t.Fatalf("%+v", got)
			}
			must(t, h.s.Release(ctx, l.OrderID, 0, HoldAfterPack, "clerk"))
			if got := h.imports(arrival("r13", later(2), gone))[0]; len(got.Held) != 0 {
				t.Fatalf("%+v", got)
			}
		})
	})
}

func TestUnpacked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		unpack := func(h *house, order string) {
			h.t.Helper()
			must(t, d.Write(ctx, func(tx *db.Tx) error { return h.s.Unpacked(tx, []string{order}) }))
		}
		gone := func(a *channel.Arrival) { a.Order.Lines[1].Progress.Cancelled = 1 }
		t.Run("what the channel cancelled of packed units is cancelled when they are unpacked, and the case closes", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("up1"))[0]
			line := h.get(l.Number).Lines[1].ID
			h.packed[line] = 1
			h.imports(arrival("up1", later(1), gone))
			unpack(h, l.OrderID)
			if v := h.get(l.Number); v.Units.Cancelled != 0 || !cmp.Equal([]string{"change_after_pack"}, openCauses(t, d, l.OrderID)) {
				t.Fatalf("it is packed still: %+v, %v", v.Units, openCauses(t, d, l.OrderID))
			}
			h.packed[line] = 0
			for range 2 {
				unpack(h, l.OrderID)
			}
			v := h.get(l.Number)
			if v.Units.Cancelled != 1 || v.Head.Holds != 0 || len(openCauses(t, d, l.OrderID)) != 0 {
				t.Fatalf("%+v, %d holds, %v", v.Units, v.Head.Holds, openCauses(t, d, l.OrderID))
			}
			evs := h.events(l.OrderID)
			if n := len(evs); !slices.Contains(evs[n-3:], event.OrderReady) || !slices.Contains(evs[n-3:], event.OrderCancelled) {
				t.Fatalf("%v", evs)
			}
			if got := h.imports(arrival("up1", later(2), gone))[0]; len(got.Held) != 0 {
				t.Fatalf("%+v", got)
			}
		})
		t.Run("an order that was cancelled whole is over when it is unpacked", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("up2"))[0]
			for _, line := range h.get(l.Number).Lines {
				h.packed[line.ID] = line.Open
			}
			h.imports(arrival("up2", later(1), status(channel.Cancelled)))
			clear(h.packed)
			unpack(h, l.OrderID)
			if v := h.get(l.Number); v.State != Cancelled || v.Head.Holds != 0 || len(openCauses(t, d, l.OrderID)) != 0 {
				t.Fatalf("%+v %v", v.Head, openCauses(t, d, l.OrderID))
			}
		})
		t.Run("of a channel that addresses units the one that it named is cancelled", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("up3", units(channel.Open, channel.Open)))[0]
			h.packed[h.get(l.Number).Lines[0].ID] = 2
			h.imports(arrival("up3", later(1), units(channel.Open, channel.Cancelled)))
			clear(h.packed)
			unpack(h, l.OrderID)
			v := h.get(l.Number)
			got := map[string]Bucket{}
			for _, u := range v.Lines[0].Units {
				got[u.External] = u.Bucket
			}
			if diff := cmp.Diff(map[string]Bucket{"a": InOpen, "b": InCancelled}, got); diff != "" || v.Head.Holds != 0 {
				t.Fatal(diff, v.Head.Holds)
			}
		})
		t.Run("who cancels the packed units by hand has done what the channel wants", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("up4"))[0]
			line := h.get(l.Number).Lines[1].ID
			h.packed[line] = 1
			h.imports(arrival("up4", later(1), gone))
			_, err := h.s.Cancel(ctx, Cancelling{Order: l.OrderID, Lines: []CutLine{{LineID: line, Quantity: 1}}, Initiator: "buyer", Actor: "clerk", Source: "api"})
			must(t, err)
			if v := h.get(l.Number); v.Head.Holds != 0 || len(openCauses(t, d, l.OrderID)) != 0 {
				t.Fatalf("%d holds, %v", v.Head.Holds, openCauses(t, d, l.OrderID))
			}
		})
		t.Run("a parcel that is packed anew goes to the new address", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("up5"))[0]
			h.packed[h.get(l.Number).Lines[0].ID] = 2
			h.imports(arrival("up5", later(1), func(a *channel.Arrival) { a.Buyer = "buyer-elsewhere" }))
			clear(h.packed)
			unpack(h, l.OrderID)
			if v := h.get(l.Number); v.Head.Holds != 0 || v.Buyer != "buyer-elsewhere" || len(openCauses(t, d, l.OrderID)) != 0 {
				t.Fatalf("%d holds, %v", v.Head.Holds, openCauses(t, d, l.OrderID))
			}
		})
	})
}

func TestDeclinedByHand(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d)
		asks := func(a *channel.Arrival) {
			a.Order.CancelRequest = &channel.CancelRequest{External: "rq-1", By: "buyer", Reason: "changed my mind"}
		}
		l := h.imports(arrival("dh1", asks))[0]
		if !cmp.Equal([]string{"cancel_request"}, l.Held) {
			t.Fatalf("%+v", l)
		}
		for range 2 {
			must(t, h.s.Release(ctx, l.OrderID, 0, HoldCancel, "clerk"))
		}
		answers := 0
		for _, e := range h.events(l.OrderID) {
			if e == event.CancelDecided {
				answers++
			}
		}
		if v := h.get(l.Number); answers != 1 || v.Head.Holds != 0 || len(openCauses(t, d, l.OrderID)) != 0 {
			t.Fatalf("the channel is told %d times, %d holds, %v", answers, v.Head.Holds, openCauses(t, d, l.OrderID))
		}
		if again := h.imports(arrival("dh1", asks, later(1)))[0]; len(again.Held) != 0 {
			t.Fatalf("%+v", again)
		}
	})
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d)
		for name, c := range map[string]struct {
			cause string
			edit  func(*channel.Arrival)
		}{
			"a negative quantity":        {"undecodable", func(a *channel.Arrival) { a.Order.Lines[0].Quantity = -1 }},
			"no quantity":                {"undecodable", func(a *channel.Arrival) { a.Order.Lines[0].Quantity = 0 }},
			"a huge quantity":            {"undecodable", func(a *channel.Arrival) { a.Order.Lines[0].Quantity = 1 << 60 }},
			"a huge price":               {"undecodable", func(a *channel.Arrival) { a.Order.Lines[0].UnitPrice.Minor = 1 << 62 }},
			"a huge total":               {"undecodable", func(a *channel.Arrival) { a.Order.Total.Minor = 1 << 62 }},
			"a negative price":           {"undecodable", func(a *channel.Arrival) { a.Order.Lines[0].UnitPrice.Minor = -5 }},
			"a negative payment":         {"undecodable", func(a *channel.Arrival) { a.Order.Payments[0].Amount.Minor = -5 }},
			"a line in another currency": {"second_currency", func(a *channel.Arrival) { a.Order.Lines[0].Total.Currency = "USD" }},
			"a payment in another one":   {"second_currency", func(a *channel.Arrival) { a.Order.Payments[0].Amount.Currency = "USD" }},
			"no such currency":           {"undecodable", func(a *channel.Arrival) { a.Order.Currency = "XXY" }},
			"negative progress":          {"undecodable", func(a *channel.Arrival) { a.Order.Lines[0].Progress.Lost = -1 }},
			"more done than ordered":     {"undecodable", func(a *channel.Arrival) { a.Order.Lines[0].Progress.Returned = 3 }},
			"a line twice":               {"undecodable", func(a *channel.Arrival) { a.Order.Lines[1].External = "l1" }},
			"no lines":                   {"undecodable", func(a *channel.Arrival) { a.Order.Lines = nil }},
			"another order inside":       {"undecodable", func(a *channel.Arrival) { a.Order.External = "x" }},
			"placed next year":           {"future_version", func(a *channel.Arrival) { a.Order.PlacedAt = a.Order.PlacedAt.AddDate(1, 0, 0) }},
			"changed next year":          {"future_version", func(a *channel.Arrival) { a.Change.Version = a.Change.Version.AddDate(1, 0, 0) }},
		} {
			t.Run(name+" is stuck with its cause, new or later", func(t *testing.T) {
				id := strings.ReplaceAll(name, " ", "-")
				if l := h.imports(arrival(id, c.edit))[0]; l.Decision != channel.Stuck || l.Cause != c.cause || l.Why == "" {
					t.Fatalf("%+v", l)
				}
				if name == "no such currency" || name == "another order inside" || name == "a line twice" {
					return // later these are a changed currency, another order, a line that is left as it is
				}
				h.imports(arrival(id))
				if l := h.imports(arrival(id, later(1), c.edit))[0]; l.Decision != channel.Stuck || l.Cause != c.cause {
					t.Fatalf("later: %+v", l)
				}
			})
		}
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		asks := func(a *channel.Arrival) {
			a.Order.CancelRequest = &channel.CancelRequest{External: "rq-1", By: channel.ByBuyer, Reason: "found it cheaper", Decide: a.Order.PlacedAt.Add(time.Hour), Default: channel.Cancelled}
		}
		t.Run("declining lets the order go on, and the same request does not hold it again", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("d1", asks))[0]
			if !cmp.Equal([]string{"cancel_request"}, l.Held) {
				t.Fatalf("%+v", l)
			}
			must(t, h.s.DecideCancel(ctx, l.OrderID, h.get(l.Number).Version, false, "packed", "clerk"))
			evs := h.events(l.OrderID)
			if diff := cmp.Diff([]string{event.OrderReady, event.CancelDecided}, evs[len(evs)-2:]); diff != "" {
				t.Fatal(diff)
			}
			if l := h.imports(arrival("d1", later(1), asks))[0]; len(l.Held) != 0 {
				t.Fatalf("%+v", l)
			}
			if c := openCauses(t, d, l.OrderID); len(c) != 0 {
				t.Fatal(c)
			}
		})
		t.Run("agreeing cancels what was asked for, and the channel hears the answer only", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("d2", asks, func(a *channel.Arrival) {
				a.Order.CancelRequest.Lines = []channel.Quantity{{Line: "l2", Quantity: 1}}
			}))[0]
			must(t, h.s.DecideCancel(ctx, l.OrderID, 0, true, "", "clerk"))
			v := h.get(l.Number)
			if v.Lines[1].Cancelled != 1 || v.Units.Open != 2 || v.Holds != 0 {
				t.Fatalf("%+v", v)
			}
			if err := h.s.DecideCancel(ctx, l.OrderID, 0, true, "", "clerk"); !fault.Is(err, fault.Conflict) {
				t.Fatalf("decided twice: %v", err)
			}
			if l := h.imports(arrival("d2", later(1), asks))[0]; len(l.Held) != 0 {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("agreeing to what has been handed over is refused", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("d3", asks, func(a *channel.Arrival) {
				a.Order.CancelRequest.Lines = []channel.Quantity{{Line: "l2", Quantity: 1}}
			}))[0]
			v := h.get(l.Number)
			must(t, d.Write(ctx, func(tx *db.Tx) error { return h.s.Ship(tx, v.ID, []Moved{{LineID: v.Lines[1].ID, Quantity: 1}}) }))
			if err := h.s.DecideCancel(ctx, l.OrderID, 0, true, "", "clerk"); fault.CodeOf(err) != "handed_over" {
				t.Fatalf("%v", err)
			}
		})
	})
}

func TestPeople(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		t.Run("a cancellation answers the version that is there", func(t *testing.T) {
			h := setup(t, d)
			v := h.get(h.imports(arrival("p1"))[0].Number)
			p, err := h.s.Cancel(ctx, Cancelling{Order: v.ID, Version: v.Version, Lines: []CutLine{{LineID: v.Lines[1].ID, Quantity: 1}}, Actor: "clerk", Source: "api", Initiator: "seller"})
			must(t, err)
			if now := h.get(v.Number); now.Version != p.Version {
				t.Fatalf("said %d, is %d", p.Version, now.Version)
			}
		})
		t.Run("an order is found by each of its names, and two of one name are not mixed up", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("f1"))[0]
			for _, ref := range []string{l.OrderID, l.Number, "f1", "#f1"} {
				if v := h.get(ref); v.ID != l.OrderID {
					t.Fatalf("%s finds %s", ref, v.ID)
				}
			}
			h.imports(arrival("f1", func(a *channel.Arrival) { a.Account.ID = "acc-2" }))
			err := d.Read(ctx, func(tx *db.Tx) error { _, err := h.s.Get(tx, "f1"); return err })
			if fault.CodeOf(err) != "ambiguous" {
				t.Fatalf("%v", err)
			}
		})
		t.Run("a review that finds nothing writes nothing", func(t *testing.T) {
			h := setup(t, d)
			v := h.get(h.imports(arrival("p2"))[0].Number)
			must(t, d.Write(ctx, func(tx *db.Tx) error { return h.s.Review(tx, []string{v.ID}, "stock") }))
			if now := h.get(v.Number); now.Version != v.Version {
				t.Fatalf("%d, was %d", now.Version, v.Version)
			}
		})
		t.Run("an order that was paid at the last moment is not given up", func(t *testing.T) {
			h := setup(t, d)
			unpaid := func(a *channel.Arrival) {
				a.Order.Payments = nil
				a.Account.Settings = map[string]string{"unpaid_hours": "1"}
				a.Order.PlacedAt = d.Now().Add(-59 * time.Minute)
				a.Change.Version, a.Change.ReadAt = d.Now(), d.Now()
			}
			l := h.imports(arrival("p3", unpaid))[0]
			if !cmp.Equal([]string{"unpaid"}, l.Held) {
				t.Fatalf("%+v", l)
			}
			late := db.Micros(d.Now().Add(-time.Minute))
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(`update order_holds set deadline = $2 where order_id = $1`, l.OrderID, late); err != nil {
					return err
				}
				return h.s.PayChanged(tx, l.OrderID, Paid, "captured", tx.Now)
			}))
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				if done, err := h.s.expire(tx, l.OrderID); done || err != nil {
					t.Errorf("given up: %v", err)
				}
				return nil
			}))
			l2 := h.imports(arrival("p4", unpaid))[0]
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`update order_holds set deadline = $2 where order_id = $1`, l2.OrderID, late)
				return err
			}))
			if n, err := h.s.ExpireUnpaid(ctx, 10); n != 1 || err != nil {
				t.Fatalf("%d %v", n, err)
			}
		})
		t.Run("units that come and go in one reading give back nothing", func(t *testing.T) {
			h := setup(t, d)
			l := h.imports(arrival("p6", units(channel.Open, channel.Open)))[0]
			v := h.get(l.Number)
			_, err := h.s.Cancel(ctx, Cancelling{Order: v.ID, Lines: []CutLine{{LineID: v.Lines[0].ID, Quantity: 2}}, Initiator: "seller", Actor: "clerk", Source: "api"})
			must(t, err)
			h.imports(arrival("p6", later(1), wordsAt([]channel.Status{channel.Open, channel.Open, channel.Cancelled})))
			v = h.get(l.Number)
			line := v.Lines[0]
			if got := h.reserved[line.ID+"/"+line.Variant]; got != 0 || line.Open != 0 || line.Cancelled != 3 {
				t.Fatalf("%d reserved, %+v", got, line.Progress)
			}
		})
		t.Run("a shop that goes back to shadow and live again tells nothing twice, and holds stay", func(t *testing.T) {
			h := setup(t, d)
			in := func(mode channel.Mode) func(*channel.Arrival) {
				return func(a *channel.Arrival) { a.Account.Mode, a.Account.ID = mode, "acc-again" }
			}
			l := h.imports(arrival("p5", in(channel.Shadow), total(350500)))[0]
			adopt := func(mode channel.Mode) {
				must(t, d.Write(ctx, func(tx *db.Tx) error {
					_, _, err := h.s.Adopt(tx, arrival("p5", in(mode)).Account, "", 100)
					return err
				}))
			}
			adopt(channel.Live)
			if v := h.get(l.Number); v.Holds != 1 || !cmp.Equal([]string{"money_mismatch"}, openCauses(t, d, v.ID)) {
				t.Fatalf("money that does not add up was let through: %+v", v.Held)
			}
			before := h.events(l.OrderID)
			adopt(channel.Shadow)
			adopt(channel.Live)
			if diff := cmp.Diff(before, h.events(l.OrderID)); diff != "" {
				t.Fatal(diff)
			}
		})
	})
}
