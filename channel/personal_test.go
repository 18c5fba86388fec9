package channel_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// sold is an order that has every personal field.
func sold() channel.Order {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	rs := func(minor int64) money.Amount { return money.Of(minor, "PKR") }
	return channel.Order{
		External: "1001", Number: "#1001", Version: at, PlacedAt: at, Status: channel.Open, Statuses: map[string]string{"financial": "PAID", "fulfillment": "OPEN"},
		Country: "PK", Currency: "PKR", TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete, Total: rs(300),
		Lines: []channel.Line{
			{External: "l1", Title: "Shirt", Quantity: 1, UnitPrice: rs(100), Total: rs(100), FulfilledBy: channel.Seller, Ships: true},
			{External: "l2", Title: "Shoe", Quantity: 2, UnitPrice: rs(100), Total: rs(200), FulfilledBy: channel.Seller, Ships: true, Properties: []channel.Property{{Name: "Engraving", Value: "for Zainab"}}},
		},
		Payments: []channel.Payment{{External: "p1", Method: channel.PayCOD, Status: channel.Due, Amount: rs(300), Collector: channel.Courier}},
		Buyer:    channel.Person{External: "c1", Name: "Muhammad Khan", Email: "m@example.com", Phone: "0300", Company: "Khan", TaxID: "42"},
		ShipTo: channel.Address{
			Name: "Muhammad Khan", Company: "Khan", Phone: "0300", Phone2: "0301", Line1: "House 12", Line2: "Street 4",
			District: "DHA", City: "Lahore", Province: "Punjab", Postcode: "54000", Country: "PK",
		},
		BillTo: channel.Address{Name: "Amina Khan", Line1: "House 13", City: "Lahore", Country: "PK", Masked: true},
		Note:   "ring twice", Tags: []string{"a", "b"},
	}
}

func TestStrip(t *testing.T) {
	t.Parallel()
	want := sold()
	want.Buyer, want.Note, want.Lines[1].Properties = channel.Person{}, "", nil
	want.ShipTo = channel.Address{City: "Lahore", Province: "Punjab", Postcode: "54000", Country: "PK"}
	want.BillTo = channel.Address{City: "Lahore", Country: "PK", Masked: true}
	got := sold()
	channel.Strip(&got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stripped (-want +got):\n%s", diff)
	}
	for _, word := range []string{"Khan", "0300", "0301", "House", "Street", "DHA", "example", "ring", "Zainab"} {
		if strings.Contains(fmt.Sprintf("%+v", got), word) {
			t.Errorf("%s is left", word)
		}
	}
}

func TestContentHash(t *testing.T) {
	t.Parallel()
	key := []byte("a key of thirty-two random bytes")
	hash := channel.ContentHash(key, sold())

	t.Run("alike", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*channel.Order){
			"nothing":                 func(*channel.Order) {},
			"the version":             func(o *channel.Order) { o.Version = o.Version.Add(time.Hour) },
			"the zone of a time":      func(o *channel.Order) { o.PlacedAt = o.PlacedAt.In(time.FixedZone("PKT", 5*3600)) },
			"the order of lines":      func(o *channel.Order) { slices.Reverse(o.Lines) },
			"the order of tags":       func(o *channel.Order) { slices.Reverse(o.Tags) },
			"empty instead of no one": func(o *channel.Order) { o.Parcels, o.Extra = []channel.Parcel{}, map[string]string{} },
		} {
			o := sold()
			change(&o)
			if channel.ContentHash(key, o) != hash {
				t.Errorf("%s changed the hash", name)
			}
		}
	})
	t.Run("another_key_gives_another_hash", func(t *testing.T) {
		t.Parallel()
		if channel.ContentHash([]byte("another"), sold()) == hash {
			t.Error("the hash does not depend on the key")
		}
	})
	t.Run("a_text_cannot_move_into_the_next_field", func(t *testing.T) {
		t.Parallel()
		a, b := sold(), sold()
		a.ShipTo.Line1, a.ShipTo.Line2 = "ab", "c"
		b.ShipTo.Line1, b.ShipTo.Line2 = "a", "bc"
		if channel.ContentHash(key, a) == channel.ContentHash(key, b) {
			t.Error("equal")
		}
	})
	t.Run("every_field_counts", func(t *testing.T) {
		t.Parallel()
		full := filled()
		seen := map[string]string{channel.ContentHash(key, full): "nothing"}
		leaves(reflect.ValueOf(&full).Elem(), "Order", func(path string, v reflect.Value) {
			if path == "Order.Version" || strings.HasPrefix(path, "Order.Silent") {
				return
			}
			was := reflect.ValueOf(v.Interface())
			mutate(v)
			got := channel.ContentHash(key, full)
			if before, twice := seen[got]; twice {
				t.Errorf("changing %s gives the same hash as changing %s", path, before)
			}
			seen[got] = path
			v.Set(was)
		})
		if len(seen) < 150 {
			t.Errorf("only %d fields were tried", len(seen))
		}
	})
}

// filled is an order in which every slice, map and pointer holds something.
func filled() (o channel.Order) {
	fill(reflect.ValueOf(&o).Elem())
	return o
}

func fill(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case v.Kind() == reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "b"}))
	default:
		mutate(v)
	}
}

// leaves visits every value that is not made of others.
func leaves(v reflect.Value, path string, visit func(string, reflect.Value)) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time](), v.Kind() == reflect.Map:
		visit(path, v)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	case v.Kind() == reflect.Slice:
		leaves(v.Index(0), path+"[0]", visit)
	case v.Kind() == reflect.Pointer:
		leaves(v.Elem(), path, visit)
	default:
		visit(path, v)
	}
}

func mutate(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Microsecond)))
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "x")
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.Kind() == reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "c"}))
	default:
		v.SetInt(v.Int() + 1)
	}
}

func BenchmarkContentHash(b *testing.B) {
	key, o := make([]byte, 32), sold()
	for b.Loop() {
		channel.ContentHash(key, o)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	o := channel.Order{Number: "#\x001", Tags: []string{"a\xff"}, Extra: map[string]string{"k\x00": "v\x00"}, CancelRequest: &channel.CancelRequest{Reason: "x\x00"}}
	o.Lines = []channel.Line{{Title: "t\x00", Units: []channel.Unit{{Raw: "r\x00"}}}}
	channel.Clean(&o)
	if o.Number != "#1" || o.Tags[0] != "a\ufffd" || o.Extra["k"] != "v" || o.CancelRequest.Reason != "x" || o.Lines[0].Title != "t" || o.Lines[0].Units[0].Raw != "r" {
		t.Fatalf("%+v", o)
	}
}
