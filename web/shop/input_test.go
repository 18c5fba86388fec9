package shop

import (
	"encoding/json"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/web/api"
)

// What a stranger sends is either understood as the standard library understands it, or refused as a problem below 500.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"buyer":{"name":"A","phone":"0300"},"ship_to":{"line1":"x"},"bill_to":null,"note":"n"}`, `{`, `{"buyer":{"name":1e999}}`, `{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}`,
		"{\"note\":\"\\u0000\"}", `{"note":"a","note":"b"}`, `[[[[[[[[[[[`, `{}{}`, `null`, `{"note":"\ud800"}`, `{"Note":"x"}`, "{\"note\":\"\x00\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := decode[cart.Buyer](body)
		if err != nil {
			if p := api.ProblemOf(err); p.Status >= 500 || p.Status < 400 {
				t.Errorf("%d: %v", p.Status, err)
			}
			return
		}
		var want cart.Buyer
		if err := json.Unmarshal(body, &want); err != nil {
			t.Errorf("accepted what is no buyer: %v", err)
		}
		got, _ := json.Marshal(b)
		plain, _ := json.Marshal(want)
		if string(got) != string(plain) {
			t.Errorf("%s, want %s", got, plain)
		}
	})
}
