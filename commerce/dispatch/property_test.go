package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// counts is everything that an act and its inverse must leave as it was.
type counts struct {
	Lines map[string]string // order line → progress
	Work  map[string]string // location, line and part → quantity, picked, packed, shipped, over live fulfillment orders
	Stock map[string]string
}

func (h *house) counts(orderID string) counts {
	h.Helper()
	c := counts{map[string]string{}, map[string]string{}, map[string]string{}}
	for _, l := range h.get(orderID).Lines {
		c.Lines[l.External] = fmt.Sprintf("%+v", l.Progress)
	}
	sums := map[string][4]int64{}
	for _, f := range h.fos(orderID) {
		if f.State == "cancelled" || f.State == "moved" || f.State == "rejected" {
			continue
		}
		for _, l := range f.Lines {
			k := f.Location + "/" + l.SKU
			s := sums[k]
			sums[k] = [4]int64{s[0] + l.Quantity, s[1] + l.Picked, s[2] + l.Packed, s[3] + l.Shipped}
		}
	}
	for k, s := range sums {
		c.Work[k] = fmt.Sprint(s)
	}
	for _, sku := range []string{"SHIRT", "CAP", "SHOE"} {
		for _, loc := range []string{h.wh, h.a, h.b} {
			c.Stock[sku+"@"+loc] = h.at(sku, loc)
		}
	}
	return c
}

// act is something a person may do, and what takes it back.
type act struct {
	name string
	do   func() error
	undo func() error
}

// acts are those that make sense for one of the order's fulfillment orders, whether or not they are allowed now.
func (h *house) acts(rng *rand.Rand, orderID string) []act {
	fos := h.fos(orderID)
	f := fos[rng.IntN(len(fos))]
	line := f.Lines[rng.IntN(len(f.Lines))]
	n := 1 + rng.Int64N(2)
	var made fulfillment.FO
	var ships []string
	scan := fulfillment.Scan{Code: line.SKU, Quantity: n}
	all := []act{
		{"pick", func() error { _, err := h.work.Pick(ctx, f.ID, 0, "amna", scan); return err }, func() error { _, err := h.work.PutBack(ctx, f.ID, 0, "amna", scan); return err }},
		{"hold", func() error { _, err := h.work.Hold(ctx, f.ID, 0, "amna", "wait"); return err }, func() error { _, err := h.work.Unhold(ctx, f.ID, 0, "amna"); return err }},
		{"split", func() (err error) {
			made, err = h.work.Split(ctx, f.ID, 0, "amna", []fulfillment.BoxLine{{Line: line.ID, Quantity: line.PerLine}})
			return err
		}, func() error { _, err := h.work.Merge(ctx, f.ID, 0, "amna", made.ID); return err }},
	}
	if unpicked(f) {
		to := []string{h.wh, h.a, h.b}[rng.IntN(3)]
		all = append(all, act{
			"move", func() (err error) { made, err = h.work.Move(ctx, f.ID, 0, "amna", to); return err },
			func() error { _, err := h.work.Move(ctx, made.ID, 0, "amna", f.Location); return err },
		})
	}
	if packedOf(f) == 0 {
		all = append(all, act{"pack", func() error {
			p, err := h.work.Pack(ctx, f.ID, 0, "amna", nil)
			ships = p.Shipments
			return err
		}, func() error { _, err := h.work.Unpack(ctx, f.ID, 0, "amna"); return err }})
	}
	for _, sh := range h.shipments(orderID) {
		switch sh.State {
		case "intended":
			all = append(all, act{"waybill", func() error {
				_, err := h.dispatch.Waybill(ctx, sh.ID, 0, "amna", courier.Waybill{Carrier: "TCS", Tracking: sh.Number})
				return err
			}, func() error { return nil }})
		case "issued":
			all = append(all,
				act{"hand over", func() error { _, err := h.dispatch.HandOver(ctx, sh.ID, "amna", time.Time{}); return err }, func() error { _, err := h.dispatch.Unhand(ctx, sh.ID, 0, "amna"); return err }},
				act{"call off", func() error { _, err := h.dispatch.Cancel(ctx, sh.ID, 0, "amna", "other courier"); return err }, func() error { _, err := h.dispatch.Rebook(ctx, sh.ID, 0, "amna", ""); return err }},
			)
		}
	}
	_ = ships
	return all
}

// worked checks that locations work on exactly what is reserved, where it is reserved, and that it is what the order has still to send.
func (h *house) worked(orderID string) {
	h.Helper()
	grants := read(h, func(tx *db.Tx) ([]stock.Grant, error) { return h.stock.Grants(tx, []string{orderID}) })
	want, got := map[string]int64{}, map[string]int64{}
	for _, g := range grants {
		if g.Quantity > 0 {
			want[g.HolderID+"/"+g.Variant+"@"+g.Location] += g.Quantity
		}
	}
	for _, f := range h.fos(orderID) {
		if f.State == "cancelled" || f.State == "moved" || f.State == "rejected" {
			continue
		}
		for _, l := range f.Lines {
			if n := l.Quantity - l.Shipped; n > 0 {
				got[l.LineID+"/"+l.Variant+"@"+f.Location] += n
			}
		}
	}
	same(h, want, got)
}

func unpicked(f fulfillment.FO) bool {
	for _, l := range f.Lines {
		if l.Picked > 0 {
			return false
		}
	}
	return true
}

func packedOf(f fulfillment.FO) (n int64) {
	for _, l := range f.Lines {
		n += l.Packed
	}
	return n
}

// TestInverse walks orders at random from sourcing to hand-over. Before every step it does something, takes it back, and finds every count as it was.
func TestInverse(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.kits["SET"] = []event.Part{{Variant: "var-SHIRT", SKU: "SHIRT", Title: "Shirt", Quantity: 2, Weight: 1}, {Variant: "var-CAP", SKU: "CAP", Title: "Cap", Quantity: 1, Weight: 1}}
		done := map[string]int{}
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, 3))
			for _, sku := range []string{"SHIRT", "CAP", "SHOE"} {
				h.put(sku, []string{h.wh, h.a, h.b}[rng.IntN(3)], 4)
				h.put(sku, h.wh, 5)
			}
			v := h.sold(fmt.Sprintf("walk-%d", seed), []item{{"SET", 1 + rng.Int64N(2)}, {"SHOE", 2}, {"CAP", 1}})
			if len(h.fos(v.ID)) == 0 {
				t.Fatal("nothing was sourced")
			}
			for range 40 {
				h.there(rng, v.ID, done)
			}
			h.settle()
			h.worked(v.ID)
			for range 3 {
				lines := h.get(v.ID).Lines
				cut := order.CutLine{LineID: lines[rng.IntN(len(lines))].ID, Quantity: 1}
				_, err := h.order.Cancel(ctx, order.Cancelling{Order: v.ID, Lines: []order.CutLine{cut}, Reason: "test", Initiator: "seller", Actor: "amna"})
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Fatal(err)
				}
				h.settle()
				h.worked(v.ID)
			}
			h.proof()
		}
		for _, name := range []string{"pick", "hold", "split", "move", "pack", "hand over", "call off"} {
			if done[name] < 2 {
				t.Errorf("%s was tried %d times only", name, done[name])
			}
		}
	})
}

func (h *house) there(rng *rand.Rand, orderID string, done map[string]int) {
	h.Helper()
	all := h.acts(rng, orderID)
	a := all[rng.IntN(len(all))]
	before := h.counts(orderID)
	err := a.do()
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		if diff := cmp.Diff(before, h.counts(orderID)); diff != "" {
			h.Fatalf("%s was refused and changed something\n%s", a.name, diff)
		}
		return
	}
	if err != nil {
		h.Fatalf("%s: %v", a.name, err)
	}
	if a.name == "waybill" {
		return
	}
	if err := a.undo(); err != nil {
		h.Fatalf("%s cannot be taken back: %v", a.name, err)
	}
	if diff := cmp.Diff(before, h.counts(orderID)); diff != "" {
		h.Fatalf("%s and back\n%s", a.name, diff)
	}
	done[a.name]++
	if a.name == "hold" || a.name == "split" || a.name == "move" || a.name == "call off" || (a.name == "hand over" && rng.IntN(2) == 0) {
		return
	}
	next := h.acts(rng, orderID) // and on: the same kind of act, for good
	for _, b := range next {
		if b.name == a.name {
			if err := b.do(); err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
				h.Fatalf("%s: %v", b.name, err)
			}
			return
		}
	}
}
