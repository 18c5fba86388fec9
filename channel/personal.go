package channel

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Strip empties the personal fields of an order: buyer, note, the properties of lines, and of the addresses everything but what tax and routing need. What it
// takes away belongs into the sealed record, before.
func Strip(o *Order) {
	o.Lines = slices.Clone(o.Lines)
	for i := range o.Lines {
		o.Lines[i].Properties = nil
	}
	o.Buyer, o.Note = Person{}, ""
	o.ShipTo, o.BillTo = o.ShipTo.Stripped(), o.BillTo.Stripped()
}

// Stripped is the address without what is personal: country, province, city, postcode, and whether the channel hid part of it.
func (a Address) Stripped() Address {
	return Address{City: a.City, Province: a.Province, Postcode: a.Postcode, Country: a.Country, Masked: a.Masked}
}

// Clean takes out of every text of an order what no database keeps: NUL characters. Invalid UTF-8 becomes U+FFFD. Partners let buyers type both.
func Clean(o *Order) { clean(reflect.ValueOf(o).Elem()) }

func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
			v.SetString(cleanText(s))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			clean(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return
		}
		for i := range v.NumField() {
			clean(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			clean(v.Index(i))
		}
	case reflect.Map:
		if m := v.Interface().(map[string]string); m != nil {
			c := make(map[string]string, len(m))
			for k, s := range m {
				c[cleanText(k)] = cleanText(s)
			}
			v.Set(reflect.ValueOf(c))
		}
	}
}

func cleanText(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\ufffd")
}

// ContentHash is a hash of everything an order says, personal fields included, but not of its Version nor of what is Silent: two readings are alike when
// their hashes are equal. The order of lines, payments and the like makes no difference, nor does the zone a time is written in, nor a
// field that is new in this binary and empty. The key keeps the hash from saying anything about who bought; an order that has been
// stripped has another hash.
func ContentHash(key []byte, o Order) string {
	o.Version, o.Silent = time.Time{}, nil
	mac := hmac.New(sha256.New, key)
	mac.Write(canonical(make([]byte, 0, 4096), reflect.ValueOf(o)))
	return hex.EncodeToString(mac.Sum(nil))
}

var timeType = reflect.TypeFor[time.Time]()

// canonical appends a value so that different content never gives the same bytes: every text has its length before it, every
// composite its number of parts.
func canonical(dst []byte, v reflect.Value) []byte {
	if v.Type() == timeType {
		at := v.Interface().(time.Time)
		return binary.AppendVarint(append(dst, 't'), at.UnixMicro())
	}
	switch v.Kind() {
	case reflect.String:
		return text(append(dst, 's'), v.String())
	case reflect.Int64, reflect.Int:
		return binary.AppendVarint(append(dst, 'i'), v.Int())
	case reflect.Bool:
		if v.Bool() {
			return append(dst, 'y')
		}
		return append(dst, 'n')
	case reflect.Pointer:
		return canonical(dst, v.Elem())
	case reflect.Struct:
		return canonicalStruct(dst, v)
	case reflect.Slice:
		return canonicalSlice(dst, v)
	case reflect.Map:
		return canonicalMap(dst, v)
	}
	panic(fmt.Sprintf("channel.Order holds a %s, which has no canonical form", v.Type())) // a test walks the whole type
}

func text(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func canonicalStruct(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	for i, name := range fieldNames(v.Type()) {
		f := v.Field(i)
		if k := f.Kind(); f.IsZero() || (k == reflect.Slice || k == reflect.Map) && f.Len() == 0 {
			continue
		}
		dst = canonical(text(append(dst, 'f'), name), f)
	}
	return append(dst, '}')
}

// names keeps what reflection would make anew for every order.
var names sync.Map // reflect.Type → []string

func fieldNames(t reflect.Type) []string {
	if all, ok := names.Load(t); ok {
		return all.([]string)
	}
	all := make([]string, t.NumField())
	for i := range all {
		all[i] = t.Field(i).Name
	}
	names.Store(t, all)
	return all
}

// canonicalSlice sorts: partners list the same things in changing order.
func canonicalSlice(dst []byte, v reflect.Value) []byte {
	parts := make([][]byte, v.Len())
	for i := range parts {
		parts[i] = canonical(nil, v.Index(i))
	}
	slices.SortFunc(parts, bytes.Compare)
	dst = binary.AppendUvarint(append(dst, '['), uint64(len(parts)))
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

func canonicalMap(dst []byte, v reflect.Value) []byte {
	m := v.Interface().(map[string]string)
	dst = binary.AppendUvarint(append(dst, 'm'), uint64(len(m)))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		dst = text(text(dst, k), m[k])
	}
	return dst
}
