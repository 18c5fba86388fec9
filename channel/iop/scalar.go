package iop

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Scalar is the text of a JSON value whose type the gateways do not keep to: the same field comes as string, number, boolean or null. Numbers stay
// text, so that ids above 2^53 and amounts survive. null and the string "null" are the empty Scalar; what is no scalar stays as its JSON text.
type Scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *Scalar) UnmarshalJSON(data []byte) error {
	if len(data) > 1 && data[0] == '"' {
		// Nearly every value is plain text between quotes; the decoder has checked the syntax already.
		if inner := data[1 : len(data)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			*s = clean(string(inner))
			return nil
		}
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		*s = clean(text)
		return nil
	}
	*s = clean(string(data))
	return nil
}

func clean(text string) Scalar {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "null") {
		return ""
	}
	return Scalar(text)
}

// String is the text, "" when absent.
func (s Scalar) String() string { return string(s) }

// Bool reads true, True, 1, yes and y as true; everything else, also what is absent, is false.
func (s Scalar) Bool() bool {
	switch strings.ToLower(string(s)) {
	case "true", "1", "yes", "y":
		return true
	}
	return false
}

// Int reads a whole number; ok is false for anything else. "12.00" and "1,234" count as whole numbers.
func (s Scalar) Int() (n int64, ok bool) {
	text := strings.ReplaceAll(string(s), ",", "")
	if whole, fraction, found := strings.Cut(text, "."); found && strings.Trim(fraction, "0") == "" {
		text = whole
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Money reads an amount: commas between thousands and the currency's own code are understood. Text that is no amount is fault.Invalid; the
// empty Scalar is the zero value without a currency.
func (s Scalar) Money(currency string) (money.Amount, error) {
	if s == "" {
		return money.Amount{}, nil
	}
	return money.ParseLoose(string(s), currency)
}

// Digits reports whether the text is a plain decimal number without sign, as ids are.
func (s Scalar) Digits() bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for _, c := range []byte(s) {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// ID is an id as these APIs want it inside JSON: a bare number of any length. Anything but digits is fault.Invalid.
func ID(field, text string) (json.Number, error) {
	if !Scalar(text).Digits() || text[0] == '0' && text != "0" {
		return "", fault.Field(field, "%.40q is no id of this partner: ids are digits", text)
	}
	return json.Number(text), nil
}

// IDs is ID for each of a list.
func IDs(field string, texts []string) ([]json.Number, error) {
	ids := make([]json.Number, 0, len(texts))
	for _, text := range texts {
		id, err := ID(field, text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// List is a JSON array whose dress varies too: an array, a string that holds an array, a single element without an array around it, null or "".
type List[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '"' {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		inner := bytes.TrimSpace([]byte(text))
		if len(inner) == 0 || strings.EqualFold(text, "null") {
			*l = nil
			return nil
		}
		if inner[0] == '[' && json.Valid(inner) {
			data = inner
		}
	}
	switch {
	case len(data) == 0 || string(data) == "null":
		*l = nil
		return nil
	case data[0] == '[':
		return json.Unmarshal(data, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*l = List[T]{one}
	return nil
}
