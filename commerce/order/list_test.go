package order

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestList(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d)
		h.unmapped["CAP"] = true
		h.imports(arrival("41", func(a *channel.Arrival) { // one line, held by nothing
			a.Order.Lines = a.Order.Lines[:1]
			a.Order.Total.Minor, a.Order.Payments[0].Amount.Minor = 300000, 300000
		}))
		h.imports(arrival("42"))
		if err := h.s.Stock(context.Background(), "PK", "other", 2); err != nil {
			t.Fatal(err)
		}
		h.imports(arrival("43", func(a *channel.Arrival) {
			a.Account.ID, a.Account.Channel = "acc-2", "other"
			a.Order.Payments[0].Status = channel.Due
		}))
		yes, no := true, false
		numbers := map[string]string{}
		all := h.list(Filter{})
		for _, o := range all {
			numbers[o.External] = o.Number
		}
		for name, c := range map[string]struct {
			f    Filter
			want []string
		}{
			"newest first":                         {Filter{}, []string{"43", "42", "41"}},
			"oldest first":                         {Filter{Oldest: true}, []string{"41", "42", "43"}},
			"by our number":                        {Filter{Number: numbers["42"]}, []string{"42"}},
			"by the channel's number":              {Filter{Number: "#41"}, []string{"41"}},
			"by the channel's id":                  {Filter{Number: "43"}, []string{"43"}},
			"by a number nobody knows":             {Filter{Number: "44"}, nil},
			"by channel":                           {Filter{Channel: "other"}, []string{"43"}},
			"by country":                           {Filter{Country: "DE"}, nil},
			"by payment":                           {Filter{Pay: Due}, []string{"43"}},
			"those that wait":                      {Filter{Held: &yes}, []string{"43", "42"}},
			"those that do not":                    {Filter{Held: &no}, []string{"41"}},
			"by SKU":                               {Filter{SKU: "CAP"}, []string{"43", "42"}},
			"by a SKU that is in very many orders": {Filter{SKU: "CAP", common: true}, []string{"43", "42"}},
			"by a SKU and the account it was sold at": {Filter{SKU: "CAP", Account: "acc-1"}, []string{"42"}},
		} {
			t.Run(name, func(t *testing.T) {
				var got []string
				for _, o := range h.list(c.f) {
					got = append(got, o.External)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func (h *house) list(f Filter) []Head {
	h.t.Helper()
	var p Page
	err := h.d.Read(context.Background(), func(tx *db.Tx) (err error) { p, err = h.s.List(tx, f, "", 50); return err })
	if err != nil {
		h.t.Fatal(err)
	}
	return p.Items
}
