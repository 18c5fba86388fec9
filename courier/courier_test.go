package courier_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func scans(all ...courier.Status) []courier.Scan {
	var out []courier.Scan
	for i, s := range all {
		out = append(out, courier.Scan{Status: s, Raw: string(s), At: noon.Add(time.Duration(i) * time.Hour)})
	}
	return out
}

func ExampleFold() {
	told := []courier.Scan{
		{Status: courier.Attempted, Raw: "PN1", Reason: courier.NotAvailable, At: noon},
		{Status: courier.PickedUp, Raw: "SP", At: noon.Add(-20 * time.Hour)}, // told late
		{Status: courier.Attempted, Raw: "PN1", Reason: courier.NotAvailable, At: noon},
	}
	st := courier.Fold("LE123", told)
	fmt.Println(st.Status, st.Reason, st.Attempts)
	// Output: delivery_attempted customer.not_available 1
}

func TestFold(t *testing.T) {
	t.Parallel()
	late := scans(courier.PickedUp, courier.OutForDelivery, courier.Delivered)
	late = append(late, courier.Scan{Status: courier.InTransit, Raw: "late", At: noon.Add(30 * time.Minute)})
	backHome := scans(courier.PickedUp, courier.Attempted, courier.ReturnInitiated, courier.InTransit, courier.OutForDelivery, courier.Delivered)
	reversed := append(scans(courier.PickedUp, courier.Delivered), courier.Scan{Status: courier.Attempted, Raw: "reverted", At: noon.Add(9 * time.Hour), Corrects: true})
	cases := map[string]struct {
		told []courier.Scan
		want courier.Standing
	}{
		"nothing_told_is_unknown":                {nil, courier.Standing{Status: courier.Unknown, Leg: courier.Forward}},
		"the_newest_fact_stands":                 {scans(courier.Booked, courier.PickedUp), courier.Standing{Status: courier.PickedUp, Leg: courier.Forward, At: noon.Add(time.Hour), Carried: true, Scans: 2}},
		"a_late_older_fact_changes_nothing":      {late, courier.Standing{Status: courier.Delivered, Leg: courier.Forward, At: noon.Add(2 * time.Hour), Carried: true, Scans: 4}},
		"after_delivery_nothing_comes":           {scans(courier.Delivered, courier.InTransit), courier.Standing{Status: courier.Delivered, Leg: courier.Forward, At: noon, Carried: true, Scans: 2}},
		"a_correction_takes_a_delivery_back":     {reversed, courier.Standing{Status: courier.Attempted, Leg: courier.Forward, At: noon.Add(9 * time.Hour), Attempts: 1, Carried: true, Scans: 3}},
		"delivered_on_the_way_back_is_returned":  {backHome, courier.Standing{Status: courier.Returned, Leg: courier.Return, At: noon.Add(5 * time.Hour), Attempts: 1, Carried: true, Scans: 6}},
		"an_unknown_word_moves_nothing":          {scans(courier.PickedUp, courier.Unknown), courier.Standing{Status: courier.PickedUp, Leg: courier.Forward, At: noon, Carried: true, Scans: 2}},
		"cancelled_before_pickup_is_not_carried": {scans(courier.Booked, courier.Cancelled), courier.Standing{Status: courier.Cancelled, Leg: courier.Forward, At: noon.Add(time.Hour), Scans: 2}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, courier.Fold("1", c.told)); d != "" {
				t.Error(d)
			}
		})
	}
}

// However often and in whatever order facts of different times are told, they stand for the same.
func TestFold_does_not_depend_on_the_telling(t *testing.T) {
	t.Parallel()
	var all []courier.Status
	for _, m := range courier.Meanings() {
		all = append(all, m.Status)
	}
	rapid.Check(t, func(t *rapid.T) {
		told := scans(rapid.SliceOfN(rapid.SampledFrom(all), 1, 12).Draw(t, "scans")...)
		again := append(told, rapid.SliceOf(rapid.SampledFrom(told)).Draw(t, "again")...)
		if d := cmp.Diff(courier.Fold("1", told), courier.Fold("1", rapid.Permutation(again).Draw(t, "order"))); d != "" {
			t.Fatal(d)
		}
	})
}

func TestMeanings_are_complete_and_known(t *testing.T) {
	t.Parallel()
	seen := map[courier.Status]bool{}
	for _, m := range courier.Meanings() {
		if seen[m.Status] || m.Text == "" {
			t.Errorf("%s is there twice or says nothing", m.Status)
		}
		seen[m.Status] = true
	}
	if got := courier.MeaningOf("zz").Status; got != courier.Unknown {
		t.Errorf("a word nobody knows means %s", got)
	}
}

func TestCheckCash(t *testing.T) {
	t.Parallel()
	k := courier.Kind{Title: "Rider", Cash: []courier.CashRule{{Currency: "PKR", Step: 100, Max: money.Of(5_000_000, "PKR")}, {Currency: "AED"}}}
	cases := map[string]struct {
		cash money.Amount
		code string
	}{
		"nothing_to_collect_passes":    {money.Amount{}, ""},
		"whole_rupees_pass":            {money.Of(250_000, "PKR"), ""},
		"every_fils_passes":            {money.Of(10_025, "AED"), ""},
		"a_broken_rupee_is_refused":    {money.Of(250_050, "PKR"), "cash_step"},
		"too_much_is_refused":          {money.Of(5_000_100, "PKR"), "cash_max"},
		"a_foreign_amount_is_refused":  {money.Of(1_000, "EUR"), "cash_currency"},
		"a_negative_amount_is_invalid": {money.Of(-100, "PKR"), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := k.CheckCash(c.cash)
			negative := c.cash.Sign() < 0
			if fault.CodeOf(err) != c.code || (c.code != "") != fault.Is(err, fault.Refused) || negative != fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", c.cash, err)
			}
		})
	}
}
