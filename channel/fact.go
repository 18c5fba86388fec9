package channel

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/openclaw-pos/commerce/kernel/money"
)

// Fact is one value of a canonical order.
type Fact struct {
	Path    string   // lines[2].unit_price
	Pattern string   // lines[].unit_price
	At      []int    // the numbers in the brackets of Path
	Kinds   []string // for each of these elements its kind or funder, "" when it has none
	Text    string   // an amount in the order's currency is its decimals alone, a time is RFC 3339 in UTC
}

// Facts lists what an order says, in the order of its fields. What is empty is not listed, nor what it is silent about.
func Facts(o Order) []Fact {
	f := facts{currency: o.Currency}
	o.Silent = nil
	f.walk(Fact{}, reflect.ValueOf(o))
	return f.all
}

type facts struct {
	currency string
	all      []Fact
}

var amountType = reflect.TypeFor[money.Amount]()

func (f *facts) walk(at Fact, v reflect.Value) {
	switch {
	case v.Type() == timeType:
		f.say(at, instant(v.Interface().(time.Time)))
		return
	case v.Type() == amountType:
		f.say(at, f.amount(v.Interface().(money.Amount)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			f.walk(at, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := snake(v.Type().Field(i).Name)
			f.walk(at.member(name), v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			f.walk(at.element(i, kindOf(v.Index(i))), v.Index(i))
		}
	case reflect.Map:
		m := v.Interface().(map[string]string)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			f.say(at.member(k), m[k])
		}
	case reflect.Bool:
		if v.Bool() {
			f.say(at, "true")
		}
	case reflect.Int64:
		if v.Int() != 0 {
			f.say(at, strconv.FormatInt(v.Int(), 10))
		}
	default:
		f.say(at, v.String())
	}
}

func (f *facts) say(at Fact, text string) {
	if at.Text = text; text != "" {
		f.all = append(f.all, at)
	}
}

func (f *facts) amount(a money.Amount) string {
	switch {
	case a.IsNone():
		return ""
	case a.Currency == f.currency:
		return a.Decimal()
	}
	return a.String()
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) // as databases keep it
}

func (f Fact) member(name string) Fact {
	if f.Path != "" {
		name = "." + name
	}
	f.Path, f.Pattern = f.Path+name, f.Pattern+name
	return f
}

func (f Fact) element(i int, kind string) Fact {
	f.Path, f.Pattern = f.Path+"["+strconv.Itoa(i)+"]", f.Pattern+"[]"
	f.At, f.Kinds = append(slices.Clip(f.At), i), append(slices.Clip(f.Kinds), kind)
	return f
}

// kindOf is what tells the elements of a list apart where they have no id: a charge's kind, a discount's funder.
func kindOf(v reflect.Value) string {
	switch e := v.Interface().(type) {
	case Charge:
		return string(e.Kind)
	case Discount:
		return string(e.Funder)
	}
	return ""
}

// Paths lists the patterns of all that an order can say, with the Go names they are made of: ship_to.tax_id and ShipTo.TaxID. Maps end in ".*".
func Paths() map[string]string {
	all := map[string]string{}
	paths(all, "", "", reflect.TypeFor[Order]())
	maps.DeleteFunc(all, func(p, _ string) bool { return strings.HasPrefix(p, "silent") })
	return all
}

func paths(all map[string]string, pattern, name string, t reflect.Type) {
	switch {
	case t == timeType, t == amountType:
		all[pattern] = name
	case t.Kind() == reflect.Pointer:
		paths(all, pattern, name, t.Elem())
	case t.Kind() == reflect.Slice:
		paths(all, pattern+"[]", name+"[]", t.Elem())
	case t.Kind() == reflect.Map:
		all[pattern+".*"] = name + ".*"
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			paths(all, strings.TrimPrefix(pattern+"."+snake(f.Name), "."), strings.TrimPrefix(name+"."+f.Name, "."), f.Type)
		}
	default:
		all[pattern] = name
	}
}

// snake is a Go name in small letters: UnitPrice is unit_price, TaxID is tax_id.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Personal reports whether a fact of this pattern is personal data: what Strip empties.
func Personal(pattern string) bool {
	switch head, rest, _ := strings.Cut(pattern, "."); head {
	case "buyer", "note", "lines[]":
		return head != "lines[]" || strings.HasPrefix(rest, "properties")
	case "ship_to", "bill_to":
		switch rest {
		case "city", "province", "postcode", "country", "masked":
			return false
		}
		return true
	}
	return false
}
