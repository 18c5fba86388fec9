package docs_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/docs"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// schemas are the embedded schemas, compiled, by the name of their contract.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	all := map[string]*jsonschema.Schema{}
	for _, typ := range event.Contracts {
		name := outbox.Name(typ, 1)
		body, err := docs.Schemas.ReadFile("events/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
		if all[name], err = c.Compile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// played is every contract event of a played day, in order.
func played(t *testing.T) []outbox.Stored {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "day.db")
	if err := demo.Run(t.Context(), demo.Options{Once: true, Orders: 30, JSON: true, DB: url, Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), url, db.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var all []outbox.Stored
	for after := int64(0); ; {
		var page []outbox.Stored
		if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
			page, after, err = outbox.Feed(tx, after, 500, outbox.FeedFilter{})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	day, known := played(t), schemas(t)
	if len(day) < 60 {
		t.Fatalf("only %d events", len(day))
	}
	t.Run("every event of a played day fits its schema", func(t *testing.T) {
		for _, e := range day {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Body))
			if err != nil {
				t.Fatal(err)
			}
			s := known[outbox.Name(e.Type, e.Version)]
			if s == nil {
				t.Fatalf("%s of version %d has no schema", e.Type, e.Version)
			}
			if err := s.Validate(v); err != nil {
				t.Errorf("%s of %s: %v\n%s", e.Type, e.Aggregate, err, e.Body)
			}
		}
	})
	t.Run("nothing is told twice, and every telling of an order begins with its creation", func(t *testing.T) {
		type head struct {
			Key   string `json:"idempotency_key"`
			Order string `json:"order_id"`
		}
		keys, created := map[string]string{}, map[string]bool{}
		for _, e := range day {
			h, err := outbox.Decode[head](e)
			if err != nil {
				t.Fatal(err)
			}
			if other := keys[h.Key]; other != "" {
				t.Errorf("%s and %s have the key %s", other, e.ID, h.Key)
			}
			keys[h.Key] = e.ID
			if e.Type == event.OrderCreated {
				created[h.Order] = true
			} else if !created[h.Order] {
				t.Errorf("%s of order %s came before OrderCreated", e.Type, h.Order)
			}
		}
	})
}
