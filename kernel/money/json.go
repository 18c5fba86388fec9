package money

import (
	"bytes"
	"encoding/json"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// MarshalJSON writes {"amount":"409.940","currency":"OMR"}, the amount as text with all the currency's digits; "no money" is null.
// A currency outside ISO 4217 is an Invalid fault.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a.IsNone() {
		return []byte("null"), nil
	}
	if err := a.Check(); err != nil {
		return nil, err
	}
	dst := append(make([]byte, 0, 64), `{"amount":"`...)
	dst = append(a.AppendDecimal(dst), `","currency":"`...)
	return append(append(dst, a.Currency...), `"}`...), nil
}

// UnmarshalJSON reads what MarshalJSON writes, in any order of members and ignoring others; the amount may be a string as Parse
// takes it or a JSON number, exponent included, which is read as text. null is "no money". Anything else is an Invalid fault that
// leaves the amount as it was.
func (a *Amount) UnmarshalJSON(data []byte) error {
	if amount, ok := readCanonical(data); ok {
		*a = amount
		return nil
	}
	if string(bytes.TrimSpace(data)) == "null" {
		*a = Amount{}
		return nil
	}
	var in struct {
		Amount   json.RawMessage `json:"amount"`
		Currency string          `json:"currency"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return fault.Wrap(fault.Invalid, err, "money is written as an object with amount and currency")
	}
	amount, err := readAmount(in.Amount, in.Currency)
	if err != nil {
		return err
	}
	*a = amount
	return nil
}

// readCanonical reads exactly the form that MarshalJSON writes, without decoding.
func readCanonical(data []byte) (Amount, bool) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"amount":"`))
	if !ok {
		return Amount{}, false
	}
	text, rest, ok := bytes.Cut(rest, []byte(`","currency":"`))
	if !ok || len(rest) != len(`OMR"}`) || string(rest[3:]) != `"}` {
		return Amount{}, false
	}
	u := lookup(string(rest[:3]))
	if u == nil {
		return Amount{}, false
	}
	minor, ok := parseShort(string(text), int(u.digits))
	return Amount{minor, u.code}, ok
}

func readAmount(raw json.RawMessage, currency string) (Amount, error) {
	u := lookup(currency)
	switch {
	case u == nil:
		return Amount{}, inField("currency", unknown(currency))
	case len(raw) == 0:
		return Amount{}, fault.Field("amount", "is missing")
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return Amount{}, fault.Wrap(fault.Invalid, err, "the amount is no text")
		}
		amount, err := Parse(text, currency)
		return amount, inField("amount", err)
	}
	n, ok := scan(text)
	if !ok {
		return Amount{}, fault.Field("amount", "%s is neither decimal text nor a number", quoted(text))
	}
	amount, err := n.amount(text, u)
	return amount, inField("amount", err)
}

// inField says which member a fault is about.
func inField(name string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Field(name, "%s", fault.Message(err))
}
