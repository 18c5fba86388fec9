package connect

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestBeside(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		id := h.shop.PlaceBasket(demo.Basket{Items: []demo.Item{{SKU: "TEA-1", Quantity: 2}, {SKU: "RICE-5", Quantity: 1}}, Note: "for Zainab"})
		h.work()
		order := h.orders()[0]
		must(t, d.Write(ctx, func(tx *db.Tx) error { // as if an earlier version had read it wrongly
			_, err := tx.Exec(`update orders set origin = 'elsewhere' where id = $1`, order.ID)
			return err
		}))
		b, err := h.s.Beside(ctx, order.ID)
		must(t, err)
		at := map[string]Value{}
		for _, v := range b.Values {
			at[v.Field] = v
			if v.Differs != (v.Field == "origin") {
				t.Errorf("%+v", v)
			}
		}
		want := map[string]Value{
			"origin":            {Field: "origin", Ours: "elsewhere", Read: "web", Held: true, Differs: true, From: []From{{Path: "order.Origin", Text: "web", Times: 1}}},
			"lines[1].quantity": {Field: "lines[1].quantity", Ours: "1", Read: "1", Held: true, From: []From{{Path: "order.Lines[1].Quantity", Text: "1", Times: 1}}},
			"note":              {Field: "note", Ours: "••• ••••••", Read: "••• ••••••", From: []From{{Path: "order.Note", Text: "••• ••••••", Times: 1}}},
		}
		for field, v := range want {
			if diff := cmp.Diff(v, at[field]); diff != "" {
				t.Error(diff)
			}
		}
		if !b.Traced || len(b.Readings) == 0 {
			t.Errorf("traced %t, %d readings", b.Traced, len(b.Readings))
		}
		for _, v := range b.Values {
			for _, f := range append(v.From, From{Text: v.Ours}, From{Text: v.Read}) {
				if strings.Contains(f.Text, "Ayesha") || strings.Contains(f.Text, "1234567") || strings.Contains(f.Text, "Street") {
					t.Errorf("%s shows %q", v.Field, f.Text)
				}
			}
		}
		must(t, d.Write(ctx, func(tx *db.Tx) error { return h.s.Erase(tx, h.acc.ID, []string{id}) }))
		if _, err := h.s.Beside(ctx, order.ID); fault.CodeOf(err) != "erased" {
			t.Fatalf("%v", err)
		}
	})
}
