package outbox_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

func stored() outbox.Stored {
	return outbox.Stored{
		ID: "0199-1", Aggregate: "shipment:7", Seq: 2, Partition: "order:5", Type: "ShipmentCreated", Version: 1, Contract: true,
		Account: "acc", Order: "5", OccurredAt: time.Date(2026, 11, 22, 9, 0, 0, 123456000, time.UTC), Position: 99,
		Body: json.RawMessage(`{"total":{"amount":"409.940","currency":"OMR"},"n":9007199254740993}`),
	}
}

func TestCloudEvent(t *testing.T) {
	t.Parallel()

	t.Run("a contract is rendered as CloudEvents 1.0 with its numbers untouched", func(t *testing.T) {
		t.Parallel()
		text, err := outbox.CloudEvent(stored(), "https://shop.example/v1/")
		if err != nil {
			t.Fatal(err)
		}
		want := `{"aggregate":"shipment:7","data":{"total":{"amount":"409.940","currency":"OMR"},"n":9007199254740993},` +
			`"datacontenttype":"application/json","dataschema":"https://shop.example/v1/schemas/shipment.created.v1.json","id":"0199-1",` +
			`"partitionkey":"order:5","sequence":"0000000002","source":"https://shop.example/v1/","specversion":"1.0","subject":"shipment:7",` +
			`"time":"2026-11-22T09:00:00.123456Z","type":"com.openclaw.commerce.shipment.created.v1"}`
		if diff := cmp.Diff(sorted(t, want), sorted(t, string(text))); diff != "" {
			t.Error(diff)
		}
		var back event.Event
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if err := back.Validate(); err != nil {
			t.Error(err)
		}
	})

	t.Run("an installation without a web address names its schemas all the same", func(t *testing.T) {
		t.Parallel()
		text, err := outbox.CloudEvent(stored(), "openclaw-commerce")
		if err != nil {
			t.Fatal(err)
		}
		var back event.Event
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if got, want := back.DataSchema(), "urn:openclaw-commerce:schema:shipment.created.v1"; got != want || back.Source() != "openclaw-commerce" {
			t.Errorf("schema %s of source %s, want %s", got, back.Source(), want)
		}
	})

	t.Run("an internal event is never rendered", func(t *testing.T) {
		t.Parallel()
		e := stored()
		e.Contract = false
		if _, err := outbox.CloudEvent(e, "https://shop.example"); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})

	t.Run("a source that is no address is refused", func(t *testing.T) {
		t.Parallel()
		if _, err := outbox.CloudEvent(stored(), ""); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

func TestName(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		"OrderCreated":             "order.created.v1",
		"RefundIssued":             "refund.issued.v1",
		"FulfillmentOrderAccepted": "fulfillment_order.accepted.v1",
		"order.ready":              "order.ready.v1",
		"ping":                     "ping.v1",
	} {
		if got := outbox.Name(typ, 1); got != want {
			t.Errorf("%s is %s, want %s", typ, got, want)
		}
	}
}

func sorted(t *testing.T, text string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
