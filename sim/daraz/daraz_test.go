package daraz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a hand-moved clock.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a marketplace on a port with a client that signs as the documents say.
type world struct {
	t     *testing.T
	m     *Market
	s     *Shop
	clock *clock
	url   string
	token string
}

func setup(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	cl := &clock{at: time.Date(2026, 3, 16, 9, 0, 0, 0, time.UTC)}
	cfg := Config{Seed: 7, Now: cl.now}
	for _, f := range change {
		f(&cfg)
	}
	m := New(cfg)
	srv := httptest.NewServer(m.Handler())
	t.Cleanup(func() { srv.Close(); m.Close() })
	w := &world{t: t, m: m, s: m.Shop(""), clock: cl, url: srv.URL}
	w.token = w.s.Grant().Access
	return w
}

func plain(c *Config) { c.Orders.Plain = true; c.Orders.Dates = DatesISO }

type args map[string]string

// reply is an answer of the gateway, numbers as they were written.
type reply map[string]any

func (r reply) code() string { s, _ := r["code"].(string); return s }

func (w *world) signed(path string, business args) url.Values {
	v := url.Values{}
	v.Set("app_key", w.m.cfg.AppKey)
	v.Set("timestamp", strconv.FormatInt(w.clock.now().UnixMilli(), 10))
	v.Set("sign_method", "sha256")
	if !strings.HasPrefix(path, "/auth/") {
		v.Set("access_token", w.token)
	}
	for k, s := range business {
		v.Set(k, s)
	}
	v.Set("sign", Sign(w.m.cfg.AppSecret, path, v))
	return v
}

func (w *world) send(method, path string, v url.Values) (reply, error) {
	w.t.Helper()
	target, body := w.url+"/rest"+path+"?"+v.Encode(), io.Reader(nil)
	if method == http.MethodPost {
		target, body = w.url+"/rest"+path, strings.NewReader(v.Encode())
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, target, body)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d: %s", resp.StatusCode, raw)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var r reply
	if err := dec.Decode(&r); err != nil {
		return nil, fmt.Errorf("%w: %s", err, raw)
	}
	return r, nil
}

func (w *world) get(path string, business args) reply  { return w.call("GET", path, business) }
func (w *world) post(path string, business args) reply { return w.call("POST", path, business) }

func (w *world) call(method, path string, business args) reply {
	w.t.Helper()
	r, err := w.send(method, path, w.signed(path, business))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// want fails unless the answer has this code.
func (w *world) want(code string, r reply) reply {
	w.t.Helper()
	if r.code() != code {
		w.t.Fatalf("code %q, want %q: %v", r.code(), code, r)
	}
	return r
}

// at walks into an answer: at(r, "data", "orders", 0, "price").
func at(v any, path ...any) any {
	if r, ok := v.(reply); ok {
		v = map[string]any(r)
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func text(v any) string { return fmt.Sprint(v) }

func list(v any) []any { l, _ := v.([]any); return l }

// order places an order of qty units of SKU A, listing it first where needed, and returns it.
func (w *world) order(qty int, change ...func(*OrderSpec)) OrderView {
	w.t.Helper()
	if w.s.Stock("A").Price == 0 {
		w.s.AddProduct("A", "", 125000, 100)
	}
	spec := OrderSpec{Items: []ItemSpec{{SKU: "A", Quantity: qty}}, Buyer: Buyer{Name: "Ayesha Khan", Phone: "923001234567", Street: "House 1", City: "Lahore"}}
	for _, f := range change {
		f(&spec)
	}
	id, err := w.s.PlaceOrder(spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.view(id)
}

func (w *world) view(id string) OrderView {
	w.t.Helper()
	v, ok := w.s.OrderView(id)
	if !ok {
		w.t.Fatalf("no order %s", id)
	}
	return v
}

func (v OrderView) ids() []string {
	var ids []string
	for _, u := range v.Units {
		ids = append(ids, u.ID)
	}
	return ids
}

func (v OrderView) states() string {
	var all []string
	for _, u := range v.Units {
		all = append(all, u.Status)
	}
	return strings.Join(all, " ")
}

func packReq(order string, units ...string) args {
	return args{"packReq": fmt.Sprintf(
		`{"pack_order_list":[{"order_id":%s,"order_item_list":[%s]}],"delivery_type":"dropship","shipping_allocate_type":"TFS"}`,
		order, strings.Join(units, ","))}
}

func packageReq(param string, ids ...string) args {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(`{"package_id":%q}`, id))
	}
	return args{param: `{"packages":[` + strings.Join(all, ",") + `]}`}
}

// packed packs all of an order and returns its package id.
func (w *world) packed(o OrderView) string {
	w.t.Helper()
	w.want("0", w.post("/order/fulfill/pack", packReq(o.ID, o.ids()...)))
	p := w.view(o.ID).Units[0].Package
	if p == "" {
		w.t.Fatal("not packed")
	}
	return p
}

// ready packs an order and makes it ready to ship.
func (w *world) ready(o OrderView) {
	w.t.Helper()
	w.want("0", w.post("/order/package/rts", packageReq("readyToShipReq", w.packed(o))))
}

// delivered takes an order to the buyer's door.
func (w *world) delivered(o OrderView) {
	w.t.Helper()
	w.ready(o)
	for _, step := range []func(...string) error{w.s.Ship, w.s.Deliver} {
		if err := step(o.ids()...); err != nil {
			w.t.Fatal(err)
		}
	}
}
