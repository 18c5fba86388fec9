package money_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func decode(in string) (money.Amount, error) {
	a := money.Of(1, "USD") // to be overwritten, by null as well
	err := json.Unmarshal([]byte(in), &a)
	return a, err
}

func TestJSON(t *testing.T) {
	t.Parallel()
	t.Run("the_form_is_an_object_of_two_texts", func(t *testing.T) {
		t.Parallel()
		for expected, a := range map[string]money.Amount{
			`{"amount":"409.940","currency":"OMR"}`: money.Of(409940, "OMR"),
			`{"amount":"-5","currency":"JPY"}`:      money.Of(-5, "JPY"),
			`{"amount":"0.00","currency":"PKR"}`:    money.Zero("PKR"),
			`null`:                                  {},
		} {
			got, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, string(got)); diff != "" {
				t.Error(diff)
			}
			want(t, a)(decode(string(got)))
		}
	})
	t.Run("numbers_and_loose_layout_are_read_exactly", func(t *testing.T) {
		t.Parallel()
		for in, minor := range map[string]int64{
			`{"amount":409.94,"currency":"OMR"}`:                              409940,
			`{"amount":4.0994e2,"currency":"OMR"}`:                            409940,
			`{"currency":"OMR","amount":"409.94"}`:                            409940,
			"{ \"amount\" : \"409.940\" ,\n\"currency\":\"OMR\" , \"x\":[] }": 409940,
			`{"amount":9007199254740993,"currency":"OMR"}`:                    9007199254740993000,
			`{"amount":"\u0031","currency":"\u004fMR"}`:                       1000,
			`{"amount":0.1,"currency":"OMR"}`:                                 100,
			`{"amount":-0,"currency":"OMR"}`:                                  0,
		} {
			want(t, money.Of(minor, "OMR"))(decode(in))
		}
	})
	t.Run("anything_else_is_refused_and_changes_nothing", func(t *testing.T) {
		t.Parallel()
		for _, in := range []string{
			`{}`, `[]`, `5`, `"5"`, `true`, `{"amount":"5"}`, `{"currency":"PKR"}`, `{"amount":null,"currency":"PKR"}`, `{"amount":"","currency":"PKR"}`,
			`{"amount":"5","currency":"ZZZ"}`, `{"amount":"5","currency":"pkr"}`, `{"amount":"5","currency":null}`, `{"amount":"5","currency":5}`,
			`{"amount":"1e3","currency":"PKR"}`, `{"amount":"1,000","currency":"PKR"}`, `{"amount":"5.001","currency":"PKR"}`, `{"amount":5.001,"currency":"PKR"}`,
			`{"amount":true,"currency":"PKR"}`, `{"amount":{},"currency":"PKR"}`, `{"amount":"NaN","currency":"PKR"}`, `{"amount":1e99,"currency":"PKR"}`,
			`{"amount":"99999999999999999999","currency":"PKR"}`,
		} {
			got := money.Of(1, "USD")
			if err := json.Unmarshal([]byte(in), &got); !fault.Is(err, fault.Invalid) || got != money.Of(1, "USD") {
				t.Errorf("%s is read as %v, %v", in, got, err)
			}
		}
	})
	t.Run("a_fault_names_the_member", func(t *testing.T) {
		t.Parallel()
		for in, message := range map[string]string{
			`{"amount":"5.001","currency":"PKR"}`: `amount: "5.001" has more decimals than the 2 of PKR`,
			`{"amount":"5","currency":"ZZZ"}`:     `currency: "ZZZ" is not a currency of ISO 4217`,
			`{"currency":"PKR"}`:                  `amount: is missing`,
		} {
			var got money.Amount
			if diff := cmp.Diff(message, fault.Message(json.Unmarshal([]byte(in), &got))); diff != "" {
				t.Error(diff)
			}
		}
	})
	t.Run("an_amount_of_an_unknown_currency_is_not_written", func(t *testing.T) {
		t.Parallel()
		for _, a := range []money.Amount{money.Of(5, "ZZZ"), {Minor: 5}, {Minor: -1 << 63, Currency: "PKR"}} {
			if out, err := json.Marshal(a); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v is written as %s, %v", a, out, err)
			}
		}
	})
}

func FuzzUnmarshalJSON(f *testing.F) {
	for _, s := range []string{
		`{"amount":"409.940","currency":"OMR"}`, `{"amount":409.94,"currency":"OMR"}`, `null`, `{"amount":1e3,"currency":"JPY"}`, `{}`, `{"amount":"`,
		`{"amount":"5","currency":"PKR"}x`, `{"amount":"","currency":""}`, `{"amount":"5","currency":"PKR","amount":"6"}`, "\x00", `{"amount":{"amount":{}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var a money.Amount
		if err := a.UnmarshalJSON(data); err != nil {
			wantInvalid(t)(a, err)
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is no JSON but read as %v", data, a)
		}
		out, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		want(t, a)(decode(string(out)))
	})
}
