package db

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Scanner is a row to be scanned, see sql.Rows.Scan.
type Scanner interface{ Scan(dest ...any) error }

// ID makes an identifier: a UUID of version 7 as text, so that newer ones sort later (RFC 9562 §5.7).
func ID() string { return uuid.Must(uuid.NewV7()).String() }

// Micros is a time as it is stored: µs since 1970 UTC as int64; nil, which is null, for the zero time.
func Micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Time scans null or µs since 1970 into a time in UTC; null is the zero time.
func Time(dst *time.Time) *TimeScan { return (*TimeScan)(dst) }

// TimeScan is what Time returns; it implements sql.Scanner.
type TimeScan time.Time

// Scan implements sql.Scanner.
func (s *TimeScan) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = TimeScan{}
	case int64:
		*s = TimeScan(time.UnixMicro(v).UTC())
	default:
		return fmt.Errorf("cannot scan %T into a time: want µs", src)
	}
	return nil
}

// Text scans null or text; null is "".
func Text[T ~string](dst *T) *TextScan[T] { return &TextScan[T]{dst} }

// TextScan is what Text returns; it implements sql.Scanner.
type TextScan[T ~string] struct{ dst *T }

// Scan implements sql.Scanner.
func (s *TextScan[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.dst = ""
	case string:
		*s.dst = T(v)
	case []byte:
		*s.dst = T(v)
	default:
		return fmt.Errorf("cannot scan %T into text", src)
	}
	return nil
}

// Int scans null or a number; null is 0.
func Int[T ~int | ~int64](dst *T) *IntScan[T] { return &IntScan[T]{dst} }

// IntScan is what Int returns; it implements sql.Scanner.
type IntScan[T ~int | ~int64] struct{ dst *T }

// Scan implements sql.Scanner.
func (s *IntScan[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.dst = 0
	case int64:
		*s.dst = T(v)
	default:
		return fmt.Errorf("cannot scan %T into a number", src)
	}
	return nil
}

// JSON scans null or JSON text into *dst; null leaves it as it is.
func JSON[T any](dst *T) *JSONScan[T] { return &JSONScan[T]{dst} }

// JSONScan is what JSON returns; it implements sql.Scanner.
type JSONScan[T any] struct{ dst *T }

// Scan implements sql.Scanner.
func (s *JSONScan[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), s.dst)
	case []byte:
		return json.Unmarshal(v, s.dst)
	}
	return fmt.Errorf("cannot scan %T as JSON", src)
}

// Keys is a list of keys as `in (select key from json_each($1))` takes it on both engines.
func Keys(ids []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		quoted, _ := json.Marshal(id) // a string always marshals
		b.Write(quoted)
		b.WriteString(":0")
	}
	b.WriteByte('}')
	return b.String()
}

// value brings an argument to what both engines take alike: nil, int64, bool, string or []byte. Times and floats are refused,
// and so is text that PostgreSQL would refuse.
func value(v any) (any, error) {
	switch v := v.(type) {
	case nil, int64, bool:
		return v, nil
	case int:
		return int64(v), nil
	case string:
		return v, text(v)
	case []byte:
		if v == nil {
			return nil, nil
		}
		return v, nil
	case json.RawMessage:
		if v == nil {
			return nil, nil
		}
		return string(v), text(string(v))
	case time.Time:
		return nil, fault.New(fault.Internal, "a time as an argument: use db.Micros")
	case driver.Valuer:
		inner, err := driver.DefaultParameterConverter.ConvertValue(v)
		if err != nil {
			return nil, err
		}
		if _, again := inner.(driver.Valuer); again {
			return nil, fault.New(fault.Internal, "%T gives a driver.Valuer", v)
		}
		return value(inner)
	}
	return reflected(v)
}

// reflected handles named types and pointers.
func reflected(v any) (any, error) {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer:
		if r.IsNil() {
			return nil, nil
		}
		return value(r.Elem().Interface())
	case reflect.String:
		return r.String(), text(r.String())
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return r.Int(), nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(r.Uint()), nil
	case reflect.Bool:
		return r.Bool(), nil
	case reflect.Slice:
		if r.Type().Elem().Kind() == reflect.Uint8 {
			return value(r.Bytes())
		}
	}
	return nil, fault.New(fault.Internal, "%T cannot be an argument", v)
}

// text refuses what PostgreSQL refuses and SQLite would store.
func text(s string) error {
	if !utf8.ValidString(s) {
		return fault.New(fault.Invalid, "the text is not valid UTF-8")
	}
	if strings.IndexByte(s, 0) >= 0 {
		return fault.New(fault.Invalid, "the text contains a NUL character")
	}
	return nil
}

func values(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := value(a)
		if err != nil {
			return nil, fmt.Errorf("$%d: %w", i+1, err)
		}
		out[i] = v
	}
	return out, nil
}
