package httpclient_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/httpclient"
)

func TestRedactText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"the order 1234567890123 was shipped":                                 "the order 1234567890123 was shipped",
		"write to m.khan@example.com":                                         "write to •••",
		"call +92 300 1234567 or 00923001234567":                              "call ••• or •••",
		"Authorization: Bearer abcdefgh":                                      "Authorization: •••",
		"with Bearer abc.def.ghi-123":                                         "with Bearer •••",
		"access_token=abc&page=2":                                             "access_token=•••&page=2",
		`{"client_secret":"abc","a":1}`:                                       `{"client_secret":"•••","a":1}`,
		"refused IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED":                         "refused IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
		"id 0198a6c2-7d4e-7abc-8def-0123456789ab":                             "id 0198a6c2-7d4e-7abc-8def-0123456789ab",
		"key shpat_0123456789abcdef0123456789abcdef":                          "key •••",
		"/hooks/T00000000/B00000000/a1b2c3d4e5f6g7h8i9j0k1l2":                 "/hooks/T00000000/B00000000/•••",
		"eyJhbGciOiJIUzI1NiJ9xx.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN": "•••",
		"at 2026-11-22T09:00:00Z":                                             "at 2026-11-22T09:00:00Z",
		"gid://shopify/FulfillmentOrder/1234567890":                           "gid://shopify/FulfillmentOrder/1234567890",
		"": "",
	} {
		if got := httpclient.RedactText(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://u:p@h.example/orders/12?limit=50&access_token=x&sign=ABC#frag": "https://h.example/orders/12?limit=50&access_token=•••&sign=•••",
		"https://h.example/?code=short&state=x&email=a%40b.co":                  "https://h.example/?code=•••&state=x&email=•••",
		"https://h.example/?q=a%40example.com&bad=%zz&updated_after=2026-11-22": "https://h.example/?q=•••&•••=•••&updated_after=2026-11-22",
		"https://h.example/?": "https://h.example/",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := httpclient.RedactURL(u); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	if httpclient.RedactURL(nil) != "" {
		t.Error("no URL is shown as something")
	}
}

func TestRedactBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, body, want string }{
		{
			"application/json; charset=utf-8", `{"id":9007199254740993,"total":"12.50","token":"x","lines":[{"sku":"A","customer":{"id":7,"vip":true}}]}`,
			`{"id":9007199254740993,"lines":[{"customer":{"id":"•••","vip":true},"sku":"A"}],"token":"•••","total":"12.50"}`,
		},
		{"application/json", `{"a":1} trailing`, "(16 bytes of application/json)"},
		{"application/json", "{", "(1 bytes of application/json)"},
		{"application/x-www-form-urlencoded", "a=1&password=x", "a=1&password=•••"},
		{"text/html", "<p>Khan</p>", "(11 bytes of text/html)"},
		{"", "\xff", "(1 bytes of )"},
		{"application/json", "", ""},
	} {
		if got := httpclient.RedactBody(tt.kind, []byte(tt.body)); got != tt.want {
			t.Errorf("%s %q is shown as %q, want %q", tt.kind, tt.body, got, tt.want)
		}
	}
}

func TestRedactHeader(t *testing.T) {
	t.Parallel()
	in := http.Header{"Authorization": {"Basic x"}, "X-Api-Key": {"x"}, "Retry-After": {"2.0"}, "Set-Cookie": {"a", "b"}, "X-Note": {"from a@example.com"}}
	want := http.Header{"Authorization": {"•••"}, "X-Api-Key": {"•••"}, "Retry-After": {"2.0"}, "Set-Cookie": {"•••", "•••"}, "X-Note": {"from •••"}}
	if diff := cmp.Diff(want, httpclient.RedactHeader(in)); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if in.Get("Authorization") != "Basic x" {
		t.Error("the header itself was changed")
	}
}

func TestReplaceAttr(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{ReplaceAttr: httpclient.ReplaceAttr}))
	u, _ := url.Parse("https://h.example/?token=canary")
	log.Info("message", "access_token", "canary", "email", "canary", "order", "o-1", "error", errors.New("for canary@example.com"), "url", u,
		"header", http.Header{"Cookie": {"canary"}}, "body", []byte("canary"), "n", 7, slog.Group("g", "secret", "canary", "plain", "yes"))
	if strings.Contains(said.String(), "canary") || !strings.Contains(said.String(), "order=o-1") || !strings.Contains(said.String(), "n=7") ||
		!strings.Contains(said.String(), "g.plain=yes") {
		t.Error(said.String())
	}
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{`{"token":"x","a":[1,{"email":"y"}]}`, "a=1&b=%zz&&=", "Bearer abcdefgh", "+92 300 1234567", "a@b.cd", "\xff", "[[[[", `"{\"a\":1}"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		httpclient.RedactText(s)
		for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", s} {
			httpclient.RedactBody(kind, []byte(s))
		}
		if u, err := url.Parse(s); err == nil {
			httpclient.RedactURL(u)
		}
		// Whatever surrounds it, a secret under its name does not show.
		body, err := json.Marshal(map[string]any{"client_secret": "canary", "text": s, "inner": []any{map[string]any{"phone": []any{"canary", s}}}})
		if err != nil || strings.Contains(s, "canary") {
			return
		}
		if got := httpclient.RedactBody("application/json", body); strings.Contains(got, "canary") {
			t.Errorf("%q is shown as %q", body, got)
		}
	})
}
