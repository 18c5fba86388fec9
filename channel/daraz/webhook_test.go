package daraz_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/daraz"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// TestVerify holds the LAZOP push vector of channels-common.md §0.2.
func TestVerify(t *testing.T) {
	t.Parallel()
	const body = `{"seller_id":"1234567","message_type":0,"data":{"order_status":"unpaid","trade_order_id":"260422900198363","trade_order_line_id":"260422900298363","status_update_time":1603698638},"timestamp":1603766859530,"site":"lazada_vn"}`
	const sign = "b0cfd0349e915667babf3c35e2335fb09653527421c46a94bd9e70e874c16322"
	sent := time.UnixMilli(1603766859530)
	open := func(window string) channel.Webhooker {
		cfg := config(t, "https://partner.test", map[string]string{"app_key": "123456", "push_window": window})
		cfg.Secret = func(string) []string { return []string{"newer-secret", "helloworld"} }
		ch, err := daraz.Kind.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return ch.(channel.Webhooker)
	}
	for _, tc := range []struct {
		name, window, sign string
		after              time.Duration
		ok                 bool
	}{
		{"at_once", "12h", sign, time.Second, true},
		{"at_the_last_of_twelve_repeats", "12h", sign, 6 * time.Hour, true},
		{"replayed_a_day_later", "12h", sign, 24 * time.Hour, false},
		{"replayed_a_day_later_where_any_age_is_taken", "0", sign, 24 * time.Hour, true},
		{"a_little_ahead_of_our_clock", "12h", sign, -10 * time.Minute, true},
		{"far_ahead_of_our_clock", "12h", sign, -time.Hour, false},
		{"far_ahead_of_our_clock_where_any_age_is_taken", "0", sign, -time.Hour, false},
		{"signed_in_capitals", "12h", strings.ToUpper(sign), 0, false},
		{"not_signed", "12h", "", 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Set("Authorization", tc.sign)
			r, err := open(tc.window).Verify(channel.Delivery{Header: h, Body: []byte(body), At: sent.Add(tc.after)})
			if !tc.ok {
				want(t, err, fault.Unauthorized, "")
				return
			}
			if diff := cmp.Diff(channel.Receipt{Topic: "0", Shop: "1234567"}, r); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	hooks := offline(t, nil).(channel.Webhooker)
	for name, tc := range map[string]struct {
		body string
		kind fault.Kind
	}{
		"no_json":                {`<html>`, fault.Invalid},
		"no_type":                {`{"data":{}}`, fault.Invalid},
		"a_type_that_is_a_word":  {`{"message_type":"order","data":{}}`, fault.Invalid},
		"an_order_without_an_id": {`{"message_type":0,"data":{"order_status":"pending"}}`, fault.Invalid},
		"data_that_is_a_list":    {`{"message_type":14,"data":[1]}`, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := hooks.Hints(channel.Delivery{Body: []byte(tc.body)})
			want(t, err, tc.kind, "")
		})
	}
	for _, kind := range []string{"2", "7", "9", "11", "12", "15", "21", "1000", "-1"} {
		h, err := hooks.Hints(channel.Delivery{Body: []byte(`{"message_type":` + kind + `,"data":{"x":1}}`)})
		if err != nil || len(h) != 0 {
			t.Errorf("type %s: %v %v", kind, h, err)
		}
	}
}
