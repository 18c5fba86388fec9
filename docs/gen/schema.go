package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// contract is one version of one event: its Go struct and what it is called outside.
type contract struct {
	typ     string // OrderCreated
	version int
	name    string // order.created.v1
	shape   reflect.Type
}

// contracts lists the events in the order in which an order usually lives them. The version is the number at the end of the struct's name.
func contracts() ([]contract, error) {
	kinds := event.Kinds()
	var all []contract
	for _, typ := range event.Contracts {
		shape := reflect.TypeOf(kinds[typ])
		if shape == nil || shape.Kind() != reflect.Pointer {
			return nil, fmt.Errorf("event.Kinds has no struct for %s", typ)
		}
		shape = shape.Elem()
		version, err := strconv.Atoi(strings.TrimPrefix(shape.Name(), typ+"V"))
		if err != nil {
			return nil, fmt.Errorf("%s is not named %sV and its version", shape.Name(), typ)
		}
		all = append(all, contract{typ, version, outbox.Name(typ, version), shape})
	}
	if len(all) != len(kinds) {
		return nil, fmt.Errorf("event.Kinds has %d structs, event.Contracts %d names", len(kinds), len(all))
	}
	return all, nil
}

// schemaPages are the JSON Schemas of the contracts.
func schemaPages(string) ([]page, error) {
	all, err := contracts()
	if err != nil {
		return nil, err
	}
	var out []page
	for _, c := range all {
		s, err := schemaOf(c)
		if err != nil {
			return nil, err
		}
		body, err := pretty(s)
		if err != nil {
			return nil, err
		}
		out = append(out, page{"docs/events/" + c.name + ".json", body})
	}
	return out, nil
}

// schemaOf is the JSON Schema (2020-12) of a contract. A field is required unless it is marked omitempty; unknown fields are allowed, because a later
// program may send more.
func schemaOf(c contract) (object, error) {
	defs := &definitions{known: map[string]object{}}
	properties, required, err := defs.fields(c.shape)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.shape.Name(), err)
	}
	s := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "urn:openclaw-commerce:schema:" + c.name},
		{"title", c.typ + ", version " + strconv.Itoa(c.version)},
		{"description", "The data of a CloudEvent of type " + outbox.TypePrefix + c.name + "."},
		{"type", "object"},
		{"properties", properties},
		{"required", required},
	}
	if len(defs.order) > 0 {
		var all object
		for _, name := range defs.order {
			all = append(all, member{name, defs.known[name]})
		}
		s = append(s, member{"$defs", all})
	}
	return s, nil
}

// definitions are the shapes that a schema uses more than once, in the order in which they are met.
type definitions struct {
	known map[string]object
	order []string
}

func (d *definitions) refer(name string, make func() (object, error)) (object, error) {
	if _, ok := d.known[name]; !ok {
		d.known[name] = nil
		d.order = append(d.order, name)
		made, err := make()
		if err != nil {
			return nil, err
		}
		d.known[name] = made
	}
	return object{{"$ref", "#/$defs/" + name}}, nil
}

// fields are the members of a struct, embedded ones in place.
func (d *definitions) fields(t reflect.Type) (properties object, required []string, err error) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			more, need, err := d.fields(f.Type)
			if err != nil {
				return nil, nil, err
			}
			properties, required = append(properties, more...), append(required, need...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			return nil, nil, fmt.Errorf("field %s has no name in JSON", f.Name)
		}
		value, err := d.value(f.Type)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if value, err = withTags(value, f.Tag); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		properties = append(properties, member{name, value})
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return properties, required, nil
}

// value is the schema of a type. Floating point numbers have none: money is text, everything else is counted.
func (d *definitions) value(t reflect.Type) (object, error) {
	switch t {
	case reflect.TypeFor[money.Amount]():
		return d.refer("Money", func() (object, error) { return moneySchema, nil })
	case reflect.TypeFor[time.Time]():
		return object{{"type", "string"}, {"format", "date-time"}}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.value(t.Elem())
	case reflect.String:
		return object{{"type", "string"}}, nil
	case reflect.Bool:
		return object{{"type", "boolean"}}, nil
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}, nil
	case reflect.Slice:
		items, err := d.value(t.Elem())
		return object{{"type", "array"}, {"items", items}}, err
	case reflect.Struct:
		return d.refer(t.Name(), func() (object, error) {
			properties, required, err := d.fields(t)
			return object{{"type", "object"}, {"properties", properties}, {"required", required}}, err
		})
	}
	return nil, fmt.Errorf("a contract has no %s", t)
}

// moneySchema is money.Amount as it marshals.
var moneySchema = object{
	{"description", "An amount as decimal text with all the digits of its currency: 409.940 OMR, never a floating point number."},
	{"type", "object"},
	{"properties", object{
		{"amount", object{{"type", "string"}, {"pattern", `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`}}},
		{"currency", object{{"description", "ISO 4217"}, {"type", "string"}, {"pattern", "^[A-Z]{3}$"}}},
	}},
	{"required", []string{"amount", "currency"}},
	{"additionalProperties", false},
}

// withTags adds what a field's tags say: doc, enum, format, pattern and limits.
func withTags(s object, tag reflect.StructTag) (object, error) {
	var out object
	if doc := tag.Get("doc"); doc != "" {
		out = append(out, member{"description", doc})
	}
	out = append(out, s...)
	if list := tag.Get("enum"); list != "" {
		out = append(out, member{"enum", strings.Split(list, ",")})
	}
	for _, name := range []string{"format", "pattern"} {
		if v := tag.Get(name); v != "" {
			out = append(out, member{name, v})
		}
	}
	for _, name := range []string{"minLength", "maxLength", "minimum", "maximum"} {
		v, ok := tag.Lookup(name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("tag %s: %w", name, err)
		}
		out = append(out, member{name, n})
	}
	return out, nil
}
