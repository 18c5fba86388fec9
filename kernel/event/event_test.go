package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

var update = flag.Bool("update", false, "write the goldens of new contracts; never changes one that is there")

func golden(typ string) string {
	return filepath.Join("testdata", outbox.Name(typ, 1)+".json")
}

// schema is the generated schema of a contract.
func schema(t *testing.T, typ string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(filepath.Join("..", "..", "docs", "events", outbox.Name(typ, 1)+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestContracts(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Contracts {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			t.Run("an example marshals as it always has", func(t *testing.T) {
				got, err := json.MarshalIndent(examples[typ], "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, '\n')
				if _, err := os.Stat(golden(typ)); *update && os.IsNotExist(err) {
					if err := os.WriteFile(golden(typ), got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(string(read(t, golden(typ))), string(got)); diff != "" {
					t.Errorf("a released contract changed: make a new version beside it\n%s", diff)
				}
			})
			t.Run("what was sent is read back the same", func(t *testing.T) {
				got := event.Kinds()[typ]
				dec := json.NewDecoder(bytes.NewReader(read(t, golden(typ))))
				dec.DisallowUnknownFields()
				if err := dec.Decode(got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(examples[typ], reflect.ValueOf(got).Elem().Interface()); diff != "" {
					t.Error(diff)
				}
			})
			t.Run("the example fits its schema", func(t *testing.T) {
				v, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, golden(typ))))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema(t, typ).Validate(v); err != nil {
					t.Error(err)
				}
			})
			t.Run("every required field is missed when it is gone", func(t *testing.T) { missed(t, typ) })
			t.Run("no number is a float, money is text", func(t *testing.T) { noFloat(t, read(t, golden(typ))) })
		})
	}
}

// missed removes the members of the example one by one: all of them but the optional ones are required.
func missed(t *testing.T, typ string) {
	s := schema(t, typ)
	var whole map[string]any
	if err := json.Unmarshal(read(t, golden(typ)), &whole); err != nil {
		t.Fatal(err)
	}
	optional := map[string]bool{}
	walk(reflect.TypeOf(examples[typ]), func(f reflect.StructField) {
		if name, rest, _ := strings.Cut(f.Tag.Get("json"), ","); rest == "omitempty" {
			optional[name] = true
		}
	})
	for name, v := range whole {
		delete(whole, name)
		if err := s.Validate(anyNumbers(t, whole)); (err == nil) != optional[name] {
			t.Errorf("without %s: %v", name, err)
		}
		whole[name] = v
	}
}

func anyNumbers(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func noFloat(t *testing.T, body []byte) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return
		}
		if n, ok := token.(json.Number); ok && strings.ContainsAny(n.String(), ".eE") {
			t.Errorf("%s is a float", n)
		}
	}
}

// walk visits the fields of a struct, embedded structs in place.
func walk(typ reflect.Type, visit func(reflect.StructField)) {
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Anonymous {
			walk(f.Type, visit)
		} else {
			visit(f)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	kinds := event.Kinds()
	if len(kinds) != len(event.Contracts) {
		t.Fatalf("%d structs for %d contracts", len(kinds), len(event.Contracts))
	}
	for _, typ := range event.Contracts {
		shape := reflect.TypeOf(kinds[typ]).Elem()
		t.Run(typ+" begins with what every contract carries, and says of each field what it means", func(t *testing.T) {
			if f := shape.Field(0); !f.Anonymous || f.Type != reflect.TypeFor[event.Meta]() {
				t.Error("it has no Meta")
			}
			checkFields(t, shape, map[reflect.Type]bool{})
		})
	}
}

// checkFields finds floats, nameless and unexplained fields, at every depth.
func checkFields(t *testing.T, typ reflect.Type, seen map[reflect.Type]bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	switch {
	case typ.Kind() == reflect.Float32 || typ.Kind() == reflect.Float64 || typ.Kind() == reflect.Interface || typ.Kind() == reflect.Map:
		t.Errorf("a contract holds a %s", typ)
	case typ.Kind() != reflect.Struct || seen[typ] || typ == reflect.TypeFor[money.Amount]() || typ == reflect.TypeFor[time.Time]():
		return
	}
	seen[typ] = true
	walk(typ, func(f reflect.StructField) {
		if f.Tag.Get("json") == "" || f.Tag.Get("doc") == "" {
			t.Errorf("%s.%s has no name in JSON or no doc", typ.Name(), f.Name)
		}
		checkFields(t, f.Type, seen)
	})
}

func TestKey(t *testing.T) {
	t.Parallel()
	t.Run("the same facts give the same key on every replay, today and in any later program", func(t *testing.T) {
		const frozen = "ordercreated-7ee7b8d180173b53011013bbc6d586a1"
		if got := event.Key(event.OrderCreated, "account-1", "1001"); got != frozen {
			t.Errorf("got %s, want %s", got, frozen)
		}
	})
	t.Run("another type, another fact or another cut between facts gives another key", func(t *testing.T) {
		seen := map[string]string{}
		for name, key := range map[string]string{
			"one":     event.Key(event.OrderCreated, "a", "bc"),
			"type":    event.Key(event.OrderPaid, "a", "bc"),
			"cut":     event.Key(event.OrderCreated, "ab", "c"),
			"joined":  event.Key(event.OrderCreated, "abc"),
			"order":   event.Key(event.OrderCreated, "bc", "a"),
			"nothing": event.Key(event.OrderCreated),
		} {
			if other := seen[key]; other != "" {
				t.Errorf("%s and %s have the same key", name, other)
			}
			seen[key] = name
		}
	})
}

func TestAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, zone, at, utc, local string }{
		{"in Karachi it is five hours later", "Asia/Karachi", "2026-11-22T20:30:00Z", "2026-11-22T20:30:00Z", "2026-11-23T01:30:00+05:00"},
		{"in Berlin winter time holds in November", "Europe/Berlin", "2026-11-22T20:30:00Z", "2026-11-22T20:30:00Z", "2026-11-22T21:30:00+01:00"},
		{"in Berlin summer time holds in July", "Europe/Berlin", "2026-07-22T20:30:00Z", "2026-07-22T20:30:00Z", "2026-07-22T22:30:00+02:00"},
		{"in Kathmandu the offset has minutes", "Asia/Kathmandu", "2026-11-22T20:30:00Z", "2026-11-22T20:30:00Z", "2026-11-23T02:15:00+05:45"},
		{"a time given in another zone is the same instant", "Asia/Dubai", "2026-11-22T10:00:00-08:00", "2026-11-22T18:00:00Z", "2026-11-22T22:00:00+04:00"},
		{"what a database cannot keep is cut off", "UTC", "2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00.123456Z", "2026-11-22T10:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339Nano, c.at)
			if err != nil {
				t.Fatal(err)
			}
			var m event.Meta
			m.At(at, zone)
			got := []string{m.OccurredAt.Format(time.RFC3339Nano), m.OccurredLocal, m.Zone, m.OccurredAt.Location().String()}
			if diff := cmp.Diff([]string{c.utc, c.local, c.zone, "UTC"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
