package iop_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// TestSign holds the vectors of channels-common.md §0.2.
func TestSign(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, secret, path string
		params             map[string]string
		want               string
	}{
		{
			"the_official_worked_example_of_lazada_docId_108069", "helloworld", "/order/get",
			map[string]string{"access_token": "test", "app_key": "123456", "order_id": "1234", "sign_method": "sha256", "timestamp": "1517820392000"},
			"4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
		},
		{
			"the_unit_test_of_lazada_sdk", "test-secret", "/order/cancel",
			map[string]string{"app_key": "123456", "timestamp": "1700000000000", "sign_method": "sha256", "access_token": "test-token"},
			"91375F42B474CECEE7172759B6400E74F10FBB6E9E9E145EA2A27DFA17556B18",
		},
		{
			"an_underscore_sorts_before_a_letter", "secret", "/test/api",
			map[string]string{"foo": "1", "bar": "2", "foo_bar": "3", "foobar": "4"},
			"C9E42CE09BA9FE95ECCB17111AA4E3F41D1C82F000435219C75936A427D9C945",
		},
		{
			"a_token_call_has_no_access_token", "helloworld", "/auth/token/create",
			map[string]string{"app_key": "12345678", "code": "3_500102_JxZ05Ux3cnnSSUm6dCxYg6Q26", "sign_method": "sha256", "timestamp": "1517820392000"},
			"35607762342831B6A417A0DED84B79C05FEFBF116969C48AD6DC00279A9F4D81",
		},
		{
			"the_sync_gateway_signs_without_a_path", "helloworld", "",
			map[string]string{
				"app_key": "123456", "session": "test", "timestamp": "1517820392000", "sign_method": "sha256",
				"method": "aliexpress.solution.order.get", "param0": `{"current_page":1,"page_size":20}`,
			},
			"F3D16940B4FFD275F9B8BF7B47F20DFDFC1CEFA2B628CEE06266513D31263CA1",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, iop.Sign(tc.secret, tc.path, tc.params, "")); diff != "" {
				t.Error(diff)
			}
			tc.params["sign"], tc.params["empty"] = "x", ""
			if diff := cmp.Diff(tc.want, iop.Sign(tc.secret, tc.path, tc.params, "")); diff != "" {
				t.Errorf("sign and empty values take part:\n%s", diff)
			}
		})
	}
}

const (
	pushBody = `{"seller_id":"1234567","message_type":0,"data":{"order_status":"unpaid","trade_order_id":"260422900198363","trade_order_line_id":"260422900298363","status_update_time":1603698638},"timestamp":1603766859530,"site":"lazada_vn"}`
	pushSign = "b0cfd0349e915667babf3c35e2335fb09653527421c46a94bd9e70e874c16322"
)

func TestVerifyPush(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		secrets []string
		body    string
		sign    string
		want    bool
	}{
		{"the_vector_of_channels_common", []string{"helloworld"}, pushBody, pushSign, true},
		{"the_older_of_two_secrets_still_verifies", []string{"new", "helloworld"}, pushBody, pushSign, true},
		{"one_flipped_byte_does_not", []string{"helloworld"}, strings.Replace(pushBody, "unpaid", "unpaie", 1), pushSign, false},
		{"reserialised_json_does_not", []string{"helloworld"}, strings.Replace(pushBody, `,"site"`, `, "site"`, 1), pushSign, false},
		{"upper_case_is_not_what_the_partner_sends", []string{"helloworld"}, pushBody, strings.ToUpper(pushSign), false},
		{"no_signature", []string{"helloworld"}, pushBody, "", false},
		{"no_secret_known", nil, pushBody, pushSign, false},
		{"an_empty_secret_is_none", []string{""}, pushBody, iop.SignPush("123456", "", []byte(pushBody)), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := iop.VerifyPush("123456", tc.secrets, []byte(tc.body), tc.sign); got != tc.want {
				t.Errorf("verified %v, want %v", got, tc.want)
			}
		})
	}
}

func TestScalar(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		json, text string
		truth      bool
		number     int64
		whole      bool
	}{
		{`"12"`, "12", false, 12, true},
		{`12`, "12", false, 12, true},
		{`1`, "1", true, 1, true},
		{`"1"`, "1", true, 1, true},
		{`0`, "0", false, 0, true},
		{`true`, "true", true, 0, false},
		{`"True"`, "True", true, 0, false},
		{`"False"`, "False", false, 0, false},
		{`null`, "", false, 0, false},
		{`"null"`, "", false, 0, false},
		{`" NULL "`, "", false, 0, false},
		{`""`, "", false, 0, false},
		{`"1,234.00"`, "1,234.00", false, 1234, true},
		{`"1,234.50"`, "1,234.50", false, 0, false},
		{`9007199254740993123`, "9007199254740993123", false, 9007199254740993123, true},
		{`92233720368547758070`, "92233720368547758070", false, 0, false},
		{`{"a":1}`, `{"a":1}`, false, 0, false},
		{`[1]`, `[1]`, false, 0, false},
	} {
		var s iop.Scalar
		if err := json.Unmarshal([]byte(tc.json), &s); err != nil {
			t.Errorf("%s: %v", tc.json, err)
			continue
		}
		n, whole := s.Int()
		if s.String() != tc.text || s.Bool() != tc.truth || n != tc.number && whole || whole != tc.whole {
			t.Errorf("%s: %q bool %v int %d %v", tc.json, s, s.Bool(), n, whole)
		}
	}
}

func TestScalarMoney(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want money.Amount
		kind fault.Kind
	}{
		{"99.00", money.Of(9900, "PKR"), 0},
		{"1,234.50", money.Of(123450, "PKR"), 0},
		{"-0.62", money.Of(-62, "PKR"), 0},
		{"3962.41 PKR", money.Of(396241, "PKR"), 0},
		{"", money.Amount{}, 0},
		{"3962.41 EUR", money.Amount{}, fault.Invalid},
		{"12.345", money.Amount{}, fault.Invalid},
		{"twelve", money.Amount{}, fault.Invalid},
	} {
		got, err := iop.Scalar(tc.text).Money("PKR")
		if diff := cmp.Diff(tc.want, got); diff != "" || (err != nil) != (tc.kind != 0) || err != nil && !fault.Is(err, tc.kind) {
			t.Errorf("%q: %v %s", tc.text, err, diff)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]iop.List[iop.Scalar]{
		`["a",1]`:         {"a", "1"},
		`"[\"a\",\"b\"]"`: {"a", "b"},
		`"a"`:             {"a"},
		`null`:            nil,
		`"null"`:          nil,
		`""`:              nil,
		`[]`:              {},
	} {
		var got iop.List[iop.Scalar]
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	pk := time.FixedZone("Asia/Karachi", 5*3600)
	for in, want := range map[string]string{
		"2018-02-09T22:44:30+08:00":     "2018-02-09T14:44:30Z",
		"2024-02-29 14:59:56 +0700":     "2024-02-29T07:59:56Z",
		"1413786247000":                 "2014-10-20T06:24:07Z",
		"1603698638":                    "2020-10-26T07:50:38Z",
		"2024-02-29 14:59:56":           "2024-02-29T09:59:56Z",
		"2024-02-29T14:59:56":           "2024-02-29T09:59:56Z",
		"2024-02-29T14:59:56Z":          "2024-02-29T14:59:56Z",
		"2024-02-29T14:59:56.123+05:00": "2024-02-29T09:59:56Z",
		"2024-02-29 14:59:56.5":         "2024-02-29T09:59:56Z",
		" 2024-02-29 ":                  "2024-02-28T19:00:00Z",
		"s":                             "", "": "", "0": "", "null": "", "17 May 2016": "", "1999-12-31T00:00:00Z": "", "99999999999999999999": "",
	} {
		got, ok := iop.Time(in, pk)
		text := ""
		if ok {
			text = got.Truncate(time.Second).Format(time.RFC3339)
		}
		if text != want {
			t.Errorf("%q reads as %q, want %q", in, text, want)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	type want struct {
		Payload string
		Failure *iop.Failure
		Broken  bool
	}
	for _, tc := range []struct {
		name, body string
		want       want
	}{
		{"data", `{"code":"0","data":{"a":1},"request_id":"r"}`, want{Payload: `{"a":1}`}},
		{"a_number_for_a_code", `{"code":0,"data":[1]}`, want{Payload: `[1]`}},
		{"a_write_without_data", `{"code":"0","request_id":"r","_trace_id_":"t"}`, want{}},
		{"data_null", `{"code":"0","data":null}`, want{}},
		{"result_data", `{"code":"0","result":{"success":true,"data":{"a":1},"errorCode":null}}`, want{Payload: `{"a":1}`}},
		{"result_without_data", `{"code":"0","result":{"success":"true","total":0,"items":[]}}`, want{Payload: `{"success":"true","total":0,"items":[]}`}},
		{"result_without_an_outer_code", `{"result":{"success":true,"data":[]}}`, want{Payload: `[]`}},
		{
			"the_outer_refusal", `{"code":"IllegalAccessToken","type":"ISV","message":"m","request_id":"r"}`,
			want{Failure: &iop.Failure{Code: "IllegalAccessToken", Type: "ISV", Message: "m", RequestID: "r"}},
		},
		{
			"the_inner_refusal_errorCode", `{"code":"0","result":{"success":false,"errorCode":"700021","errorMsg":"order not found"},"request_id":"r"}`,
			want{Failure: &iop.Failure{Code: "700021", Message: "order not found", RequestID: "r", Inner: true}},
		},
		{
			"the_inner_refusal_error_code", `{"code":"0","result":{"success":"false","error_code":6,"error_msg":"busy"}}`,
			want{Failure: &iop.Failure{Code: "6", Message: "busy", Inner: true}},
		},
		{"html", `<!DOCTYPE html><html></html>`, want{Broken: true}},
		{"cut", `{"code":"0","data":{"orders":[`, want{Broken: true}},
		{"empty", ``, want{Broken: true}},
		{"no_code", `{"data":{}}`, want{Broken: true}},
		{"an_array", `[]`, want{Broken: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, f, err := iop.Open([]byte(tc.body))
			if err != nil && !fault.Is(err, fault.Unavailable) {
				t.Errorf("kind %v", fault.KindOf(err))
			}
			if diff := cmp.Diff(tc.want, want{string(a.Payload()), f, err != nil}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestClassify holds every code of channel-daraz.md §1.13.
func TestClassify(t *testing.T) {
	t.Parallel()
	own := map[string]iop.Code{"16": {Kind: fault.NotFound, Say: "unknown order"}}
	for _, tc := range []struct {
		f      iop.Failure
		effect bool
		kind   fault.Kind
		after  time.Duration
	}{
		{iop.Failure{Code: "ApiCallLimit", Message: "The request limit; this ban will last 37 more seconds"}, false, fault.Throttled, 37 * time.Second},
		{iop.Failure{Code: "ApiCallLimit"}, true, fault.Throttled, time.Second},
		{iop.Failure{Code: "AppCallLimit"}, false, fault.Throttled, 10 * time.Second},
		{iop.Failure{Code: "SellerCallLimit"}, false, fault.Throttled, time.Second},
		{iop.Failure{Code: "901", Message: "E901: The request is too frequent"}, false, fault.Throttled, time.Second},
		{iop.Failure{Code: "ServiceTimeout"}, false, fault.Unavailable, time.Second},
		{iop.Failure{Code: "ServiceTimeout"}, true, fault.OutcomeUnknown, time.Second},
		{iop.Failure{Code: "SERVICE_UNAVAILABLE"}, true, fault.Unavailable, time.Second},
		{iop.Failure{Code: "6"}, false, fault.Unavailable, time.Second},
		{iop.Failure{Code: "E006"}, false, fault.Unavailable, time.Second},
		{iop.Failure{Code: "513"}, false, fault.Unavailable, time.Second},
		{iop.Failure{Code: "1000"}, false, fault.Unavailable, time.Second},
		{iop.Failure{Code: "15"}, false, fault.Unavailable, time.Second},
		{iop.Failure{Code: "998"}, false, fault.Unavailable, 10 * time.Minute},
		{iop.Failure{Code: "IllegalAccessToken"}, false, fault.Unauthorized, 0},
		{iop.Failure{Code: "IllegalRefreshToken"}, false, fault.Unauthorized, 0},
		{iop.Failure{Code: "InvalidCode"}, false, fault.Unauthorized, 0},
		{iop.Failure{Code: "IncompleteSignature"}, false, fault.Unauthorized, 0},
		{iop.Failure{Code: "InvalidAppKey"}, false, fault.Unauthorized, 0},
		{iop.Failure{Code: "APP_KEY_INVALID"}, false, fault.Unauthorized, 0},
		{iop.Failure{Code: "AUTH_TYPE_UNSUPPORTED"}, false, fault.Refused, 0},
		{iop.Failure{Code: "MissingParameter"}, false, fault.Invalid, 0},
		{iop.Failure{Code: "InsufficientPermission"}, false, fault.Forbidden, 0},
		{iop.Failure{Code: "AppWhiteIpLimit"}, false, fault.Forbidden, 0},
		{iop.Failure{Code: "SellerNotVerified"}, false, fault.Forbidden, 0},
		{iop.Failure{Code: "Mp3SellerApiLimit"}, false, fault.Forbidden, 0},
		{iop.Failure{Code: "16"}, false, fault.NotFound, 0},
		{iop.Failure{Code: "E016", Type: "ISP"}, false, fault.NotFound, 0},
		{iop.Failure{Code: "E0", Type: "ISV"}, false, fault.Refused, 0},
		{iop.Failure{Code: "E", Type: "ISV"}, false, fault.Refused, 0},
		{iop.Failure{Code: "whatever", Type: "ISV"}, true, fault.Refused, 0},
		{iop.Failure{Code: "whatever", Type: "ISP"}, false, fault.Unavailable, 0},
		{iop.Failure{Code: "whatever", Type: "SYSTEM"}, true, fault.OutcomeUnknown, 0},
		{iop.Failure{Code: "whatever"}, false, fault.Refused, 0},
	} {
		err := iop.Classify(tc.f, own, tc.effect)
		if fault.KindOf(err) != tc.kind || fault.After(err) != tc.after || fault.CodeOf(err) != tc.f.Code {
			t.Errorf("%+v effect %v: kind %v after %v code %q", tc.f, tc.effect, fault.KindOf(err), fault.After(err), fault.CodeOf(err))
		}
	}
}

func TestClassify_shows_the_partners_words_without_secrets(t *testing.T) {
	t.Parallel()
	err := iop.Classify(iop.Failure{Code: "X", Type: "ISV", Message: "token tok-12345\x00 is\nbad " + strings.Repeat("x", 300)}, nil, false, "tok-12345", "")
	if msg := err.Error(); strings.Contains(msg, "tok-12345") || strings.ContainsAny(msg, "\x00\n") || len(msg) > 300 {
		t.Errorf("message: %q", msg)
	}
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		retry  string
		body   string
		wait   time.Duration
		want   bool
	}{
		{"in_a_200_body_with_its_wait", 200, "", `{"code":"ApiCallLimit","type":"ISV","message":"ban will last 5 seconds"}`, 5 * time.Second, true},
		{"901", 200, "", `{"code":901,"type":"ISP","message":"E901"}`, time.Second, true},
		{"429_with_retry_after", 429, "12", ``, 12 * time.Second, true},
		{"429_alone", 429, "", `too many`, time.Second, true},
		{"success", 200, "", `{"code":"0","data":{}}`, 0, false},
		{"a_large_page_is_not_read_twice", 200, "", `{"code":"901","x":"` + strings.Repeat("x", 9000) + `"}`, 0, false},
		{"another_refusal", 200, "", `{"code":"IllegalAccessToken"}`, 0, false},
		{"a_web_page", 503, "", `<html>`, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			wait, got := iop.Throttled(tc.status, http.Header{"Retry-After": {tc.retry}}, []byte(tc.body))
			if got != tc.want || wait != tc.wait {
				t.Errorf("got %v %v", wait, got)
			}
		})
	}
}
