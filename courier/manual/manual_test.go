package manual_test

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/courier/couriertest"
	"github.com/openclaw-pos/commerce/courier/manual"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

func TestConformance(t *testing.T) {
	couriertest.Run(t, couriertest.Suite{
		Kind:   manual.Kind(&manual.Memory{}),
		Bench:  func(testing.TB) couriertest.Bench { return &desk{} },
		Faults: []string{}, // there is no wire to break
	})
}

// desk is a person with a book of waybills.
type desk struct{ manual.Memory }

func (d *desk) Account() couriertest.Account {
	kind := manual.Kind(&d.Memory)
	return couriertest.Account{Kind: &kind}
}

func (d *desk) Parcel(n int) courier.Parcel {
	return courier.Parcel{
		Number: "PK-1", Grams: 500, Cash: money.Of(249950, "PKR"),
		From: courier.Address{Name: "Store", City: "Lahore", Country: "PK"}, To: courier.Address{Name: "Ayesha Siddiqui", Phone: "+923001234567", City: "Karachi", Country: "PK"},
		Waybill: &courier.Waybill{Carrier: "TCS", Tracking: "77941232690" + string(rune('0'+n))},
	}
}

func (d *desk) Parcels(testing.TB) int                           { return d.Len() }
func (d *desk) Fate(testing.TB, string, courier.Status)          {}
func (d *desk) HandOver(testing.TB, string)                      {}
func (d *desk) Pass(testing.TB, time.Duration)                   {}
func (d *desk) Fault(testing.TB, string, string, int)            {}
func (d *desk) Deliveries(testing.TB, string) []partner.Delivery { return nil }

func open(t *testing.T, settings map[string]string) courier.Courier {
	t.Helper()
	c, err := manual.Kind(&manual.Memory{}).Open(partner.Config{Account: "a", Settings: settings, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func book(t *testing.T, c courier.Courier, reference, carrier, tracking string) (courier.Booking, error) {
	t.Helper()
	return c.Book(t.Context(), reference, courier.Parcel{Waybill: &courier.Waybill{Carrier: carrier, Tracking: tracking}})
}

func TestBook_refuses_a_number_that_is_on_another_parcel(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	if _, err := book(t, c, "r1", "TCS", "7794 1232 6902"); err != nil {
		t.Fatal(err)
	}
	if _, err := book(t, c, "r1", "tcs", "779412326902"); err != nil {
		t.Errorf("the same parcel again: %v", err)
	}
	if _, err := book(t, c, "r2", "tcs", "779412326902"); !fault.Is(err, fault.Conflict) {
		t.Errorf("another parcel with the same number: %v", err)
	}
	if _, err := book(t, c, "r3", "Leopards", "779412326902"); err != nil {
		t.Errorf("the same number at another carrier: %v", err)
	}
}

func TestBook_reads_what_people_type(t *testing.T) {
	t.Parallel()
	c := open(t, map[string]string{"carriers": "TCS, Leopards Courier", "track_url": "https://track.example/{tracking}"})
	got, err := book(t, c, "r1", " leopards  courier ", "le 123 456\u200e 789")
	want := courier.Waybill{Carrier: "Leopards Courier", Tracking: "LE123456789", URL: "https://track.example/LE123456789"}
	if err != nil || got.Waybill != want {
		t.Errorf("%+v, %v", got.Waybill, err)
	}
	for name, w := range map[string]courier.Waybill{
		"a_carrier_nobody_knows": {Carrier: "Pigeon", Tracking: "12345"}, "no_carrier": {Tracking: "12345"}, "no_number": {Carrier: "TCS", Tracking: "  "},
	} {
		if _, err := book(t, c, "r2", w.Carrier, w.Tracking); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Book(t.Context(), "r3", courier.Parcel{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("nothing typed: %v", err)
	}
}
