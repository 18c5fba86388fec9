package shopify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// object is a thing GraphQL can select fields of. field answers with plain values, objects, lists of either, a connection, nil, or unheld
// when the simulator keeps nothing for that field.
type object interface {
	typeName() string
	field(name string, a args) any
}

type notHeld struct{}

// unheld is answered as null or as an empty list or connection where the schema allows it, and as an error where it does not.
var unheld = notHeld{}

// record is an object made on the spot, for payloads and small value types. Fields it does not name are unheld.
type record struct {
	typ    string
	values kv
}

type kv = map[string]any

func (r record) typeName() string { return r.typ }

func (r record) field(name string, a args) any {
	v, ok := r.values[name]
	if !ok {
		return unheld
	}
	if list, ok := v.(listing); ok {
		return list(a)
	}
	return v
}

// listing is a connection that waits for its paging arguments.
type listing func(a args) any

// ordered is a JSON object that keeps the order in which fields were selected.
type ordered struct {
	keys   []string
	values []any
}

// MarshalJSON implements json.Marshaler.
func (o *ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := write(&b, o)
	return b.Bytes(), err
}

// write renders an answer in one pass; leaving nested objects to encoding/json would check each of them again at every level.
func write(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case *ordered:
		b.WriteByte('{')
		for i, key := range v.keys {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Quote(key) + ":") // names of GraphQL are plain ASCII
			if err := write(b, v.values[i]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := write(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	default:
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the encoder's newline
	}
	return nil
}

// gqlError is one entry of the errors list as Shopify writes it.
type gqlError struct {
	Message    string           `json:"message"`
	Locations  []map[string]int `json:"locations,omitempty"`
	Path       []any            `json:"path,omitempty"`
	Extensions kv               `json:"extensions,omitempty"`
}

// Error implements error.
func (e *gqlError) Error() string { return e.Message }

// execution is one run of one operation.
type execution struct {
	schema *ast.Schema
	vars   map[string]any
	errs   []*gqlError
	path   []any
	cost   float64
	// mutation runs a field of the mutation type; queries are resolved by their root object.
	mutation func(f *ast.Field, a args) (any, *gqlError)
}

// errNull travels up to the nearest nullable parent, as the GraphQL specification wants it.
var errNull = fmt.Errorf("null where the schema says non-null")

func (x *execution) run(op *ast.OperationDefinition, root object) any {
	x.cost = 0
	data, err := x.selection(op.SelectionSet, root, op.Operation == ast.Mutation)
	if err != nil {
		return nil
	}
	return data
}

func (x *execution) selection(set ast.SelectionSet, parent object, mutation bool) (*ordered, error) {
	out := &ordered{}
	for _, f := range x.collect(set, parent.typeName(), nil) {
		x.path = append(x.path, f.Alias)
		value, err := x.fieldValue(f, parent, mutation)
		x.path = x.path[:len(x.path)-1]
		if err != nil {
			return nil, err
		}
		out.keys = append(out.keys, f.Alias)
		out.values = append(out.values, value)
	}
	return out, nil
}

// collect flattens fragments and merges fields of one response key.
func (x *execution) collect(set ast.SelectionSet, typ string, into []*ast.Field) []*ast.Field {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if !x.included(s.Directives) {
				continue
			}
			i := slices.IndexFunc(into, func(f *ast.Field) bool { return f.Alias == s.Alias })
			if i < 0 {
				into = append(into, s)
				continue
			}
			merged := *into[i]
			merged.SelectionSet = slices.Concat(into[i].SelectionSet, s.SelectionSet)
			into[i] = &merged
		case *ast.InlineFragment:
			if x.included(s.Directives) && x.applies(s.TypeCondition, typ) {
				into = x.collect(s.SelectionSet, typ, into)
			}
		case *ast.FragmentSpread:
			if x.included(s.Directives) && x.applies(s.Definition.TypeCondition, typ) {
				into = x.collect(s.Definition.SelectionSet, typ, into)
			}
		}
	}
	return into
}

func (x *execution) included(list ast.DirectiveList) bool {
	if d := list.ForName("skip"); d != nil && d.ArgumentMap(x.vars)["if"] == true {
		return false
	}
	if d := list.ForName("include"); d != nil && d.ArgumentMap(x.vars)["if"] == false {
		return false
	}
	return true
}

func (x *execution) applies(condition, typ string) bool {
	if condition == "" || condition == typ {
		return true
	}
	def := x.schema.Types[condition]
	if def == nil {
		return false
	}
	return slices.ContainsFunc(x.schema.GetPossibleTypes(def), func(d *ast.Definition) bool { return d.Name == typ })
}

func (x *execution) fieldValue(f *ast.Field, parent object, mutation bool) (any, error) {
	if f.Name == "__typename" {
		return parent.typeName(), nil
	}
	if strings.HasPrefix(f.Name, "__") {
		return nil, x.fail(f, "Introspection is not answered here; the schema is published by Shopify", nil)
	}
	a := args(f.ArgumentMap(x.vars))
	for _, def := range f.Definition.Arguments {
		if _, given := a[def.Name]; !given && def.DefaultValue != nil {
			a[def.Name], _ = def.DefaultValue.Value(nil)
		}
	}
	var value any
	if mutation {
		x.cost += 10
		var failed *gqlError
		if value, failed = x.mutation(f, a); failed != nil {
			failed.Path, failed.Locations = slices.Clone(x.path), where(f)
			x.errs = append(x.errs, failed)
			value = nil
		}
	} else {
		value = parent.field(f.Name, a)
	}
	if failed, ok := value.(*gqlError); ok {
		failed.Path, failed.Locations = slices.Clone(x.path), where(f)
		x.errs = append(x.errs, failed)
		value = nil
	}
	if value == unheld {
		value = twin(f, parent)
	}
	return x.complete(f, f.Definition.Type, value)
}

// twin answers the deprecated money fields, which are the shop's side of a money bag that has the same name with Set behind it.
func twin(f *ast.Field, parent object) any {
	if t := f.Definition.Type.NamedType; t != "Money" && t != "MoneyV2" {
		return unheld
	}
	set, ok := parent.field(strings.TrimSuffix(f.Name, "V2")+"Set", args{}).(object)
	if !ok {
		return unheld
	}
	money, ok := set.field("shopMoney", nil).(object)
	if !ok || f.Definition.Type.NamedType == "MoneyV2" {
		return set.field("shopMoney", nil)
	}
	return money.field("amount", nil)
}

func (x *execution) complete(f *ast.Field, t *ast.Type, value any) (any, error) {
	if value == unheld {
		value = x.empty(t)
	}
	if isNil(value) {
		if !t.NonNull {
			return nil, nil
		}
		if value == unheld {
			return nil, x.fail(f, fmt.Sprintf("Field '%s' is not simulated", f.Name), kv{"code": "INTERNAL_SERVER_ERROR"})
		}
		return nil, x.fail(f, fmt.Sprintf("Cannot return null for non-nullable field %s.%s", f.ObjectDefinition.Name, f.Name), kv{"code": "INTERNAL_SERVER_ERROR"})
	}
	done, err := x.nonNull(f, t, value)
	if err != nil && !t.NonNull {
		return nil, nil
	}
	return done, err
}

// empty is what stands for a field the simulator keeps nothing for; unheld again where the schema leaves no room.
func (x *execution) empty(t *ast.Type) any {
	switch {
	case t.Elem != nil && t.NonNull:
		return []any{}
	case !t.NonNull:
		return nil
	case strings.HasSuffix(t.NamedType, "Connection"):
		return connect(t.NamedType, nil, args{})
	}
	return unheld
}

func (x *execution) nonNull(f *ast.Field, t *ast.Type, value any) (any, error) {
	if t.Elem != nil {
		return x.list(f, t, value)
	}
	def := x.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Scalar, ast.Enum:
		return scalar(value), nil
	}
	obj, ok := value.(object)
	if !ok {
		return nil, x.fail(f, fmt.Sprintf("Field '%s' is no object (%T)", f.Name, value), kv{"code": "INTERNAL_SERVER_ERROR"})
	}
	x.cost += objectCost(f, x.vars, obj)
	return x.selection(f.SelectionSet, obj, false)
}

func (x *execution) list(f *ast.Field, t *ast.Type, value any) (any, error) {
	rv := reflect.ValueOf(value)
	if rv.Kind() != reflect.Slice {
		return nil, x.fail(f, fmt.Sprintf("Field '%s' is no list (%T)", f.Name, value), kv{"code": "INTERNAL_SERVER_ERROR"})
	}
	out := make([]any, 0, rv.Len())
	for i := range rv.Len() {
		x.path = append(x.path, i)
		v, err := x.complete(f, t.Elem, rv.Index(i).Interface())
		x.path = x.path[:len(x.path)-1]
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (x *execution) fail(f *ast.Field, message string, ext kv) error {
	x.errs = append(x.errs, &gqlError{Message: message, Path: slices.Clone(x.path), Locations: where(f), Extensions: ext})
	return errNull
}

func where(f *ast.Field) []map[string]int {
	if f.Position == nil {
		return nil
	}
	return []map[string]int{{"line": f.Position.Line, "column": f.Position.Column}}
}

func isNil(v any) bool {
	if v == nil || v == unheld {
		return true
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Interface:
		return rv.IsNil()
	}
	return false
}

// scalar renders a value as Shopify serialises it: times in UTC with whole seconds, 64-bit numbers as strings.
func scalar(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case *time.Time:
		return v.UTC().Format(time.RFC3339)
	case *string:
		return *v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return v
}

// args are the arguments of a field as the schema coerced them. Every reader takes what GraphQL allows for its type.
type args map[string]any

func (a args) given(name string) bool { _, ok := a[name]; return ok }

func (a args) text(name string) string {
	switch v := a[name].(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

func (a args) flag(name string) bool { v, _ := a[name].(bool); return v }

func (a args) number(name string) (int, bool) {
	switch v := a[name].(type) {
	case json.Number:
		n, err := strconv.Atoi(v.String())
		return n, err == nil
	case int64:
		return clamp(v), true
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v)
	}
	return 0, false
}

func clamp(v int64) int { return int(max(math.MinInt32, min(math.MaxInt32, v))) }

func (a args) object(name string) args {
	switch v := a[name].(type) {
	case map[string]any:
		return v
	case args:
		return v
	}
	return nil
}

func (a args) objects(name string) []args {
	var list []args
	for _, v := range a.any(name) {
		if m, ok := v.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

func (a args) texts(name string) []string {
	var list []string
	for _, v := range a.any(name) {
		list = append(list, args{"v": v}.text("v"))
	}
	return list
}

// any reads a list, or one value given where a list is wanted, which GraphQL allows.
func (a args) any(name string) []any {
	switch v := a[name].(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	rv := reflect.ValueOf(a[name])
	if rv.Kind() != reflect.Slice {
		return []any{a[name]}
	}
	list := make([]any, rv.Len())
	for i := range list {
		list[i] = rv.Index(i).Interface()
	}
	return list
}

// canonical is the arguments as JSON with sorted keys, to compare two requests by.
func (a args) canonical() string {
	text, _ := json.Marshal(maps.Clone(map[string]any(a)))
	return string(text)
}
