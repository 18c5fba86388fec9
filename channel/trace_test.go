package channel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// told says of every fact of an order by which values it was made: "lines[0].title < order.items[2].name=Tea".
func told(fields []channel.Field, raw channel.Raw, o channel.Order) (all, unread []string) {
	origins, rest := channel.Trace(fields, raw, o)
	for _, f := range origins {
		var from []string
		for _, s := range f.From {
			text := s.Path + "=" + s.Text
			if s.Personal {
				text += " (personal)"
			}
			from = append(from, text)
		}
		if f.ByRule {
			from = append(from, "by rule")
		}
		all = append(all, f.Path+" < "+strings.Join(from, " "))
	}
	for _, l := range rest {
		unread = append(unread, l.Path+" "+string(l.Kind))
	}
	return all, unread
}

func TestTrace(t *testing.T) {
	t.Parallel()
	pkr := func(n int64) money.Amount { return money.Of(n, "PKR") }

	t.Run("elements are found by their ids, what stands in them by its place", func(t *testing.T) {
		t.Parallel()
		raw := channel.Raw{Shape: "s", Docs: []channel.Doc{
			{Name: "order", Body: []byte(`{"items":[{"id":"x://9","n":1,"cuts":[]},{"id":"x://7","n":2,"cuts":[{"a":"1.00"},{"a":"2.00"}]}],"sent":null}`)},
			{Name: "parcel.55", Body: []byte(`{"rows":[{"item":"7","n":1},{"item":"9","n":3}]}`)},
		}}
		fields := channel.Fields("s", `
			lines[].external = order.items[].id
			lines[].quantity   order.items[].n
			lines[].external ~ parcel[].rows[].item
			lines[].progress.shipped parcel[].rows[].n order.sent
			lines[].discounts[].amount order.items[].cuts[].a
			lines[].fulfilled_by .
		`)
		got, unread := told(fields, raw, channel.Order{Currency: "PKR", Lines: []channel.Line{{
			External: "7", Quantity: 2, Progress: channel.Progress{Shipped: 1}, Discounts: []channel.Discount{{Amount: pkr(100)}, {Amount: pkr(200)}}, FulfilledBy: channel.Seller,
		}}})
		want := []string{
			"currency < ",
			"lines[0].external < order.items[1].id=x://7",
			"lines[0].quantity < order.items[1].n=2",
			"lines[0].progress.shipped < parcel[55].rows[0].n=1 order.sent=",
			"lines[0].discounts[0].amount < order.items[1].cuts[0].a=1.00",
			"lines[0].discounts[1].amount < order.items[1].cuts[1].a=2.00",
			"lines[0].fulfilled_by < by rule",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if unread != nil {
			t.Errorf("unread: %v", unread)
		}
	})
	t.Run("a kind in the brackets means elements of that kind only", func(t *testing.T) {
		t.Parallel()
		raw := channel.Raw{Shape: "s", Docs: []channel.Doc{{Name: "order", Body: []byte(`{"fee":"3.00","ship":"5.00"}`)}}}
		fields := channel.Fields("s", "charges[].kind .\ncharges[fee].amount order.fee\ncharges[shipping].amount order.ship")
		got, _ := told(fields, raw, channel.Order{Currency: "PKR", Charges: []channel.Charge{{Kind: channel.ChargeFee, Amount: pkr(300)}, {Kind: channel.ChargeShipping, Amount: pkr(500)}}})
		want := []string{"currency < ", "charges[0].kind < by rule", "charges[0].amount < order.fee=3.00", "charges[1].kind < by rule", "charges[1].amount < order.ship=5.00"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
	t.Run("what makes personal data is personal, whatever else it makes, and unread names are shown only when plain", func(t *testing.T) {
		t.Parallel()
		raw := channel.Raw{Shape: "s", Docs: []channel.Doc{{Name: "order", Body: []byte(`{"note":"for Zainab","asked":{"Engrave for Zainab":{"font":7}},"more":{"Zainab K.":"x"},"tag":true}`)}}}
		got, unread := told(channel.Fields("s", "note order.note\nextra.noted order.note\nlines[].properties[].value order.asked"), raw, channel.Order{
			Note: "for Zainab", Extra: map[string]string{"noted": "yes"}, PlacedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
			Lines: []channel.Line{{Properties: []channel.Property{{Value: "z"}}}},
		})
		want := []string{
			"placed_at < ", `lines[0].properties[0].value < order.asked={"Engrave for Zainab":{"font":7}} (personal)`, "note < order.note=for Zainab (personal)",
			"extra.noted < order.note=for Zainab (personal)",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"order.more.? text", "order.tag yes or no"}, unread); d != "" {
			t.Error(d)
		}
	})
	t.Run("fields of another shape say nothing", func(t *testing.T) {
		t.Parallel()
		got, unread := told(channel.Fields("other", "number order.n"), channel.Raw{Shape: "s", Docs: []channel.Doc{{Name: "order", Body: []byte(`{"n":"1"}`)}}}, channel.Order{Number: "1"})
		if d := cmp.Diff([]string{"number < "}, got); d != "" || unread != nil {
			t.Error(d, unread)
		}
	})
}

// TestPersonal holds that what Strip takes away is what Personal names.
func TestPersonal(t *testing.T) {
	t.Parallel()
	a := channel.Address{Name: "a", Company: "b", Phone: "c", Phone2: "d", Line1: "e", Line2: "f", District: "g", City: "h", Province: "i", Postcode: "j", Country: "PK", Masked: true}
	o := channel.Order{
		Number: "1", Buyer: channel.Person{External: "a", Name: "b", Email: "c", Phone: "d", Company: "e", TaxID: "f"}, ShipTo: a, BillTo: a, Note: "n",
		Lines: []channel.Line{{External: "1", Properties: []channel.Property{{Name: "x", Value: "y"}}}},
	}
	left := map[string]bool{}
	stripped := o
	channel.Strip(&stripped)
	for _, f := range channel.Facts(stripped) {
		left[f.Path] = true
	}
	for _, f := range channel.Facts(o) {
		if left[f.Path] == channel.Personal(f.Pattern) {
			t.Errorf("%s: personal %t, left by Strip %t", f.Path, channel.Personal(f.Pattern), left[f.Path])
		}
	}
}
