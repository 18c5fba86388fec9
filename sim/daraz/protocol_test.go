package daraz

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

func TestSign(t *testing.T) {
	t.Parallel()
	// channels-common §0.2; the first is Lazada's own worked example (docId 108069).
	for name, v := range map[string]struct {
		secret, path, params, want string
	}{
		"the documented order example": {
			"helloworld", "/order/get", "access_token=test&app_key=123456&order_id=1234&sign_method=sha256&timestamp=1517820392000",
			"4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
		},
		"a cancel": {
			"test-secret", "/order/cancel", "app_key=123456&timestamp=1700000000000&sign_method=sha256&access_token=test-token",
			"91375F42B474CECEE7172759B6400E74F10FBB6E9E9E145EA2A27DFA17556B18",
		},
		"keys are sorted as bytes": {
			"secret", "/test/api", "foo=1&bar=2&foo_bar=3&foobar=4",
			"C9E42CE09BA9FE95ECCB17111AA4E3F41D1C82F000435219C75936A427D9C945",
		},
		"a token call": {
			"helloworld", "/auth/token/create",
			"app_key=12345678&code=3_500102_JxZ05Ux3cnnSSUm6dCxYg6Q26&sign_method=sha256&timestamp=1517820392000",
			"35607762342831B6A417A0DED84B79C05FEFBF116969C48AD6DC00279A9F4D81",
		},
		"sign itself and empty values are left out": {
			"secret", "/test/api", "foo=1&bar=2&foo_bar=3&foobar=4&sign=X&empty=",
			"C9E42CE09BA9FE95ECCB17111AA4E3F41D1C82F000435219C75936A427D9C945",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params, err := url.ParseQuery(v.params)
			if err != nil {
				t.Fatal(err)
			}
			if got := Sign(v.secret, v.path, params); got != v.want {
				t.Errorf("got %s, want %s", got, v.want)
			}
		})
	}
}

func TestSignPush(t *testing.T) {
	t.Parallel()
	body := `{"seller_id":"1234567","message_type":0,"data":{"order_status":"unpaid","trade_order_id":"260422900198363","trade_order_line_id":"260422900298363","status_update_time":1603698638},"timestamp":1603766859530,"site":"lazada_vn"}`
	const want = "b0cfd0349e915667babf3c35e2335fb09653527421c46a94bd9e70e874c16322"
	if got := SignPush("123456", "helloworld", []byte(body)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGateway(t *testing.T) {
	t.Parallel()
	valid := args{"created_after": "2026-01-01T00:00:00Z"}
	for name, tc := range map[string]struct {
		spoil func(w *world, v url.Values)
		path  string
		code  string
		kind  string
	}{
		"a signed call is answered":             {func(*world, url.Values) {}, "/orders/get", "0", ""},
		"a value changed after signing":         {func(_ *world, v url.Values) { v.Set("created_after", "2026-01-02T00:00:00Z") }, "/orders/get", "IncompleteSignature", "ISV"},
		"a lower-case signature":                {func(_ *world, v url.Values) { v.Set("sign", strings.ToLower(v.Get("sign"))) }, "/orders/get", "IncompleteSignature", "ISV"},
		"no signature":                          {func(_ *world, v url.Values) { v.Del("sign") }, "/orders/get", "MissingParameter", "ISV"},
		"no access token":                       {func(w *world, v url.Values) { v.Del("access_token"); resign(w, v) }, "/orders/get", "MissingParameter", "ISV"},
		"an unknown access token":               {func(w *world, v url.Values) { v.Set("access_token", "x"); resign(w, v) }, "/orders/get", "IllegalAccessToken", "ISV"},
		"a foreign app":                         {func(_ *world, v url.Values) { v.Set("app_key", "other") }, "/orders/get", "InvalidAppKey", "ISV"},
		"a clock two hours off":                 {func(w *world, v url.Values) { v.Set("timestamp", "1773644399000"); resign(w, v) }, "/orders/get", "IncompleteSignature", "ISV"},
		"seconds instead of milliseconds":       {func(w *world, v url.Values) { v.Set("timestamp", "1773651600"); resign(w, v) }, "/orders/get", "IncompleteSignature", "ISV"},
		"an unknown path":                       {func(*world, url.Values) {}, "/orders/nothing", "InvalidApiPath", "ISP"},
		"a time just within two hours is taken": {func(w *world, v url.Values) { v.Set("timestamp", "1773644400000"); resign(w, v) }, "/orders/get", "0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			v := w.signed(tc.path, valid)
			tc.spoil(w, v)
			r, err := w.send("GET", tc.path, v)
			if err != nil {
				t.Fatal(err)
			}
			w.want(tc.code, r)
			if tc.kind != "" && (r["type"] != tc.kind || r["message"] == "" || r["request_id"] == "") {
				t.Errorf("shape of the refusal: %v", r)
			}
		})
	}
	t.Run("a write by GET where only POST exists", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.want("UnsupportedHTTPMethod", w.get("/order/fulfill/pack", packReq("1", "2")))
	})
	t.Run("endpoints that this marketplace lacks", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Cancel, c.NoReverse, c.NoSellable = PathsLegacy, true, true })
		for _, path := range []string{"/order/reverse/cancel/validate", "/reverse/getreverseordersforseller", "/product/stock/sellable/update"} {
			w.want("InvalidApiPath", w.get(path, nil))
		}
		w.want("0", w.get("/order/failure_reason/get", nil))
	})
	t.Run("no secret reaches the record", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		code := w.s.Authorize()
		w.want("0", w.post("/auth/token/create", args{"code": code}))
		w.want("0", w.get("/orders/get", valid))
		for _, e := range w.m.Told("") {
			if s := string(e.Request); strings.Contains(s, code) || strings.Contains(s, w.token) || strings.Contains(s, "sign") {
				t.Errorf("%s keeps %s", e.Kind, s)
			}
		}
	})
}

func resign(w *world, v url.Values) {
	v.Del("sign")
	v.Set("sign", Sign(w.m.cfg.AppSecret, "/orders/get", v))
}

func TestLimits(t *testing.T) {
	t.Parallel()
	after := args{"created_after": "2026-01-01T00:00:00Z"}
	t.Run("too many calls in a second ban the path for a while", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Limits = Limits{QPS: 3, Ban: 5 * time.Second} })
		for range 3 {
			w.want("0", w.get("/orders/get", after))
		}
		r := w.want("ApiCallLimit", w.get("/orders/get", after))
		if !strings.Contains(text(r["message"]), "this ban will last 5 seconds") {
			t.Errorf("message %v", r["message"])
		}
		w.want("0", w.get("/products/get", nil))
		w.clock.add(4 * time.Second)
		w.want("ApiCallLimit", w.get("/orders/get", after))
		w.clock.add(time.Second)
		w.want("0", w.get("/orders/get", after))
	})
	t.Run("a throttle on command says how long", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		if err := w.m.Faults().Set(sim.Fault{Kind: sim.Throttle, Match: "/orders/get", Delay: 2 * time.Second}); err != nil {
			t.Fatal(err)
		}
		r := w.want("ApiCallLimit", w.get("/orders/get", after))
		if !strings.Contains(text(r["message"]), "2 seconds") {
			t.Errorf("message %v", r["message"])
		}
		w.want("0", w.get("/orders/get", after))
	})
}

func TestToken(t *testing.T) {
	t.Parallel()
	after := args{"created_after": "2026-01-01T00:00:00Z"}
	t.Run("a code works once and for thirty minutes", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		code, late := w.s.Authorize(), w.s.Authorize()
		r := w.want("0", w.get("/auth/token/create", args{"code": code}))
		if text(at(r, "user_info", "seller_id")) != w.s.Seller().ID || r["country"] != "pk" || r["country_user_info"] != nil {
			t.Errorf("flat shape: %v", r)
		}
		w.want("InvalidCode", w.get("/auth/token/create", args{"code": code}))
		w.clock.add(30 * time.Minute)
		w.want("InvalidCode", w.get("/auth/token/create", args{"code": late}))
	})
	t.Run("a stale access token on a token call is refused", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		g := w.s.Grant()
		w.s.ExpireTokens()
		w.want("IllegalAccessToken", w.post("/auth/token/refresh", args{"refresh_token": g.Refresh, "access_token": g.Access}))
		w.want("0", w.post("/auth/token/refresh", args{"refresh_token": g.Refresh}))
	})
	t.Run("a refresh rotates both tokens and the end of consent stays", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		g := w.s.Grant()
		w.clock.add(10 * 24 * time.Hour)
		r := w.want("0", w.post("/auth/token/refresh", args{"refresh_token": g.Refresh}))
		if text(r["expires_in"]) != text(30*24*3600) || text(r["refresh_expires_in"]) != text(170*24*3600) {
			t.Errorf("lives: %v %v", r["expires_in"], r["refresh_expires_in"])
		}
		w.want("IllegalRefreshToken", w.post("/auth/token/refresh", args{"refresh_token": g.Refresh}))
		w.token = g.Access
		w.want("IllegalAccessToken", w.get("/orders/get", after))
		w.token = text(r["access_token"])
		w.want("0", w.get("/orders/get", after))
		w.clock.add(31 * 24 * time.Hour)
		w.want("IllegalAccessToken", w.get("/orders/get", after))
	})
	t.Run("a grace keeps the old token alive", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Tokens.Grace = time.Minute })
		g := w.s.Grant()
		w.want("0", w.post("/auth/token/refresh", args{"refresh_token": g.Refresh}))
		w.token = g.Access
		w.want("0", w.get("/orders/get", after))
		w.clock.add(time.Minute)
		w.want("IllegalAccessToken", w.get("/orders/get", after))
	})
	t.Run("tokens that cannot be refreshed say so with zero", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Tokens.NotRefreshable, c.Tokens.Shape = true, ShapeCountry })
		r := w.want("0", w.post("/auth/token/create", args{"code": w.s.Authorize()}))
		if text(r["refresh_expires_in"]) != "0" || text(at(r, "country_user_info", 0, "seller_id")) != w.s.Seller().ID || r["user_info"] != nil {
			t.Errorf("answer: %v", r)
		}
		w.want("IllegalRefreshToken", w.post("/auth/token/refresh", args{"refresh_token": text(r["refresh_token"])}))
	})
	t.Run("an expired token on command is cured by one refresh", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		g := w.s.Grant()
		w.token = g.Access
		if err := w.m.Faults().Set(sim.Fault{Kind: sim.ExpiredToken}); err != nil {
			t.Fatal(err)
		}
		w.want("IllegalAccessToken", w.get("/orders/get", after))
		w.want("IllegalAccessToken", w.get("/orders/get", after))
		r := w.want("0", w.post("/auth/token/refresh", args{"refresh_token": g.Refresh}))
		w.token = text(r["access_token"])
		w.want("0", w.get("/orders/get", after))
	})
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	w := setup(t, func(c *Config) {
		c.Sellers = []Seller{{ID: "1"}, {ID: "2"}}
		c.RedirectURI = "https://shop.example/back?x=1"
	})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(q url.Values) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/oauth/authorize?"+q.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	q := url.Values{
		"response_type": {"code"}, "client_id": {w.m.cfg.AppKey}, "redirect_uri": {"https://shop.example/back?x=1"}, "state": {"s&1"}, "force_auth": {"true"},
	}
	if resp := ask(q); resp.StatusCode != http.StatusOK {
		t.Errorf("with two shops a person picks: %d", resp.StatusCode)
	}
	q.Set("seller_id", "2")
	resp := ask(q)
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatalf("%d %v", resp.StatusCode, err)
	}
	if back.Query().Get("state") != "s&1" || back.Query().Get("x") != "1" {
		t.Errorf("callback %s", back)
	}
	r := w.want("0", w.get("/auth/token/create", args{"code": back.Query().Get("code")}))
	if text(at(r, "user_info", "seller_id")) != "2" {
		t.Errorf("seller %v", r)
	}
	q.Set("redirect_uri", "https://evil.example/")
	if resp := ask(q); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("another callback: %d", resp.StatusCode)
	}
}
