package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// receiver is a subscriber: it notes the ids and contents of what it takes, and says when it has taken so many.
type receiver struct {
	mu     sync.Mutex
	bodies map[string]string // by webhook id
	wrong  []string
	until  int
	enough chan struct{}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := req.Header.Get("webhook-id")
	if was, again := r.bodies[id]; again && was != string(body) {
		r.wrong = append(r.wrong, id)
	}
	r.bodies[id] = string(body)
	if r.enough != nil && len(r.bodies) >= r.until {
		close(r.enough)
		r.enough = nil
	}
}

// more waits until n more events than now have come.
func (r *receiver) more(t *testing.T, n int) {
	t.Helper()
	r.mu.Lock()
	enough := make(chan struct{})
	r.until, r.enough = len(r.bodies)+n, enough
	r.mu.Unlock()
	select {
	case <-enough:
	case <-time.After(patience):
		t.Fatal("the subscriber is not told")
	}
}

func TestKilledRelay(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openShopify()
		h.stock(200, "more")
		r := &receiver{bodies: map[string]string{}}
		server := httptest.NewServer(r)
		t.Cleanup(server.Close)
		h.write(func(tx *db.Tx) error {
			sub, err := outbox.Subscribe(tx, outbox.Subscription{Name: "erp", URL: server.URL, AllowPrivate: true})
			if err != nil {
				return err
			}
			_, err = h.a.Vault.Put(tx, "subscription:"+sub.ID, "secret", vault.Hide(outbox.NewSecret()), vault.PutOptions{})
			return err
		})
		orders := 0
		for _, n := range []int{3, 7, 5} {
			for range 12 {
				h.buy()
				orders++
			}
			p := h.start(app.Intake, app.Work, app.Relays)
			r.more(t, n)
			p.kill()
			h.open()
			h.expire()
		}
		h.read()
		_, err := h.a.Sender.Drain(context.Background())
		ok(t, err)
		if n := ask[int64](h, `select count(*) from orders`); n != int64(orders) {
			t.Errorf("%d orders of %d", n, orders)
		}
		for what, query := range map[string]string{
			"events have no position":                        `select id from events where position is null`,
			"positions are there twice":                      `select cast(position as text) from events group by position having count(*) > 1`,
			"positions have gaps":                            `select 'gap' from (select count(*) as n, max(position) - min(position) + 1 as m from events) e where e.n <> e.m`,
			"aggregates have gaps":                           `select aggregate from events group by aggregate having count(*) <> max(seq)`,
			"aggregates were placed out of their order":      `select e.id from events e join events f on f.aggregate = e.aggregate and f.seq < e.seq and f.position > e.position`,
			"deliveries wait":                                `select id from deliveries where state <> 'delivered'`,
			"orders were not sourced, or twice":              `select o.id from orders o where (select count(*) from fulfillment_orders f where f.order_id = o.id) <> 1`,
			"orders were not acknowledged, or twice":         `select o.id from orders o where (select count(*) from tells t where t.order_id = o.id and t.act = 'acknowledge' and t.state = 'told') <> 1`,
			"orders were announced as created twice, or not": `select o.id from orders o where (select count(*) from events e where e.order_id = o.id and e.type = 'OrderCreated') <> 1`,
		} {
			if rows := h.all(query); len(rows) != 0 {
				t.Errorf("%s: %v", what, rows)
			}
		}
		var got []string
		for id := range r.bodies {
			got = append(got, id)
		}
		if want := h.all(`select e.id from events e where e.contract order by e.id`); !slices.Equal(want, sorted(got)) {
			t.Errorf("the subscriber was told %d events, there are %d", len(got), len(want))
		}
		if len(r.wrong) != 0 {
			t.Errorf("events came again with other content: %v", r.wrong)
		}
	})
}

// shopper is a buyer with a full cart, who sends the same wish until it is answered.
type shopper struct {
	token, etag string
	number      string
}

// ask sends one request to the shop front of a process.
func (s *shopper) ask(base, method, path string, in, out any) (int, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequest(method, base+"/shop/v1/town-web"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("If-Match", s.etag)
		req.Header.Set("Idempotency-Key", "key of "+s.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if tag := res.Header.Get("ETag"); tag != "" && path != "/cart/place" {
		s.etag = tag
	}
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode < 300 {
		err = json.Unmarshal(text, out)
	}
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s answers %d: %s", method, path, res.StatusCode, text)
	}
	return res.StatusCode, err
}

// fill walks a cart to where it can be placed.
func (s *shopper) fill(t *testing.T, base string) {
	t.Helper()
	var made struct {
		Token string `json:"token"`
	}
	_, err := s.ask(base, "POST", "/cart", map[string]string{"language": "en"}, &made)
	ok(t, err)
	s.token = made.Token
	var view json.RawMessage
	for _, step := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/cart/lines", map[string]any{"sku": "TEA-1", "quantity": 2}},
		{"PUT", "/cart/buyer", map[string]any{
			"buyer":   map[string]string{"name": "A Buyer", "phone": "+92 300 1234567", "email": "buyer@example.com"},
			"ship_to": map[string]string{"name": "A Buyer", "line1": "House 1, Street 2", "city": "Lahore", "province": "Punjab", "country": "PK", "phone": "+92 300 1234567"},
		}},
		{"PUT", "/cart/delivery", map[string]string{"code": "standard"}},
		{"PUT", "/cart/payment", map[string]string{"provider": "cod"}},
	} {
		_, err := s.ask(base, step.method, step.path, step.body, &view)
		ok(t, err)
	}
}

// place sends the wish; a process that dies meanwhile gives no answer.
func (s *shopper) place(base string) (number string, err error) {
	var answer struct {
		Number string `json:"order_number"`
	}
	_, err = s.ask(base, "POST", "/cart/place", map[string]any{}, &answer)
	return answer.Number, err
}

func TestKilledCheckout(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openSite()
		h.stock(200, "more")
		p := h.start(app.Web)
		all := make([]*shopper, 24)
		for i := range all {
			all[i] = &shopper{}
			all[i].fill(t, p.url)
		}
		for _, n := range []int{1, 4, 9} { // killed when so many more have their answer, while the others wait for theirs
			h.crowd(p, all, n)
			h.open()
			h.expire()
			p = h.start(app.Web)
		}
		for _, s := range all {
			number, err := s.place(p.url)
			ok(t, err)
			if number == "" || s.number != "" && s.number != number {
				t.Errorf("the shopper had order %q and now has %q", s.number, number)
			}
			s.number = number
			if again, err := s.place(p.url); err != nil || again != number {
				t.Errorf("the same wish again: order %q, %v; it was %q", again, err, number)
			}
		}
		p.kill()
		h.open()
		h.expire()
		h.work()
		numbers := map[string]bool{}
		for _, s := range all {
			numbers[s.number] = true
		}
		if orders := ask[int64](h, `select count(*) from orders`); orders != int64(len(all)) || len(numbers) != len(all) {
			t.Errorf("%d carts became %d orders with %d numbers", len(all), orders, len(numbers))
		}
		for what, query := range map[string]string{
			"carts are not placed":                     `select id from carts where state <> 'placed' or order_id is null`,
			"holds of carts are left":                  `select holder_id from reservations where holder_kind = 'cart' and quantity > 0`,
			"orders hold something else than they ask": `select l.id from order_lines l where l.open <> (select coalesce(sum(r.quantity), 0) from reservations r where r.holder_id = l.id)`,
			"orders are short":                         `select holder_id from shortages`,
			"messages wait":                            `select id from inbox where state <> 'done'`,
		} {
			if rows := h.all(query); len(rows) != 0 {
				t.Errorf("%s: %v", what, rows)
			}
		}
		ok(t, h.a.DB.Read(context.Background(), func(tx *db.Tx) error {
			wrong, err := h.a.Inventory.Verify(tx)
			if len(wrong) > 0 {
				t.Errorf("%v", wrong)
			}
			return err
		}))
	})
}

// crowd has everybody without an answer place at once, and kills the process as soon as n of them have theirs.
func (h *town) crowd(p *process, all []*shopper, n int) {
	h.t.Helper()
	answered := make(chan struct{}, len(all))
	var wg sync.WaitGroup
	waiting := 0
	for _, s := range all {
		if s.number != "" {
			continue
		}
		waiting++
		wg.Go(func() {
			if number, err := s.place(p.url); err == nil {
				s.number = number
				answered <- struct{}{}
			}
		})
	}
	for range min(n, waiting) {
		select {
		case <-answered:
		case <-time.After(patience):
			h.t.Fatal("the checkout gives no answer")
		}
	}
	p.kill()
	wg.Wait()
}

// openSite opens our own storefront.
func (h *town) openSite() {
	h.t.Helper()
	ctx := context.Background()
	acc, err := h.a.Connect.Add(ctx, connect.Adding{
		Name: "town-web", Channel: "ownsite", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: h.entity, Mode: channel.Live, Actor: "test",
		Settings: map[string]string{"storefront": "town-web", "currency": "PKR"},
	})
	ok(h.t, err)
	h.account = acc.ID
	_, err = h.a.Cart.SaveStorefront(ctx, cart.Storefront{
		Code: "town-web", Account: acc.ID, Name: "town-web", Country: "PK", Currency: "PKR", Language: "en", Languages: []string{"en"}, Active: true,
		Payments:   []cart.Method{{Provider: "cod", Method: channel.PayCOD, Title: "Cash on delivery"}},
		Deliveries: []cart.Delivery{{Code: "standard", Name: "Standard delivery", Price: money.Of(25000, "PKR"), Days: 3}},
	}, "test")
	ok(h.t, err)
}
