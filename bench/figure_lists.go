package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"
)

// question is something that people or programs ask all the time.
type question struct {
	name string
	ask  func(ctx context.Context, rnd *rand.Rand) error
}

// measureLists asks every question in turn until the time is over. Ours is the p99 of the slowest of them; the limit is that of a bare program that reads the newest
// fifty orders with one statement on the same database. A set larger than small is compared with one of that size.
func measureLists(ctx context.Context, s settings, r *Result) error {
	worst, best, err := askAll(ctx, s, r.Detail)
	if err != nil {
		return err
	}
	r.Ours, r.Limit = millis(worst), millis(best)
	r.Ratio = r.Limit / r.Ours
	r.Met = r.Ours < 50
	if r.Detail["orders_there"] < 2*small {
		return nil
	}
	s.db, s.orders = "", small
	before := map[string]float64{}
	worst, _, err = askAll(ctx, s, before)
	if err != nil {
		return err
	}
	r.Detail["slowest_at_10k"], r.Detail["growth"] = millis(worst), r.Ours/millis(worst)
	r.Met = r.Met && r.Detail["growth"] <= 2
	return nil
}

// small is what a large data set is compared with.
const small = 10_000

// askAll asks every question of a data set, puts the p99 of each into detail, and answers that of the slowest and that of the bare read.
func askAll(ctx context.Context, s settings, detail map[string]float64) (worst, best time.Duration, err error) {
	h, address, done, err := dataset(ctx, s)
	if err != nil {
		return 0, 0, err
	}
	defer done()
	all, err := h.questions(ctx)
	if err != nil {
		return 0, 0, err
	}
	desk, err := h.desk(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer desk.close()
	pages, err := desk.questions(ctx)
	if err != nil {
		return 0, 0, err
	}
	all = append(all, pages...)
	count, err := h.count(ctx, `select count(*) from orders`)
	if err != nil {
		return 0, 0, err
	}
	detail["orders_there"] = float64(count)
	took, err := interview(ctx, all, s.duration)
	if err != nil {
		return 0, 0, err
	}
	for i, q := range all {
		p := quantile(took[i], 0.99)
		detail[q.name] = millis(p)
		worst = max(worst, p)
	}
	detail["largest_page_kb"] = float64(desk.largest) / 1000
	best, err = bareRead(ctx, address, len(took[0]))
	return worst, best, err
}

// interview asks all questions in turn for so long, and answers how long each took.
func interview(ctx context.Context, all []question, d time.Duration) ([][]time.Duration, error) {
	rnd := rand.New(rand.NewPCG(21, 22))
	for _, q := range all {
		if err := q.ask(ctx, rnd); err != nil { // once, so that statements are prepared
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
	}
	took := make([][]time.Duration, len(all))
	for start := time.Now(); time.Since(start) < d || len(took[0]) < 30; {
		for i, q := range all {
			began := time.Now()
			if err := q.ask(ctx, rnd); err != nil {
				return nil, fmt.Errorf("%s: %w", q.name, err)
			}
			took[i] = append(took[i], time.Since(began))
		}
		if time.Since(start) > 4*d { // slow questions: fewer rounds must do
			break
		}
	}
	return took, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	return s[min(len(s)-1, int(float64(len(s))*q))]
}

// bareRead is the p99 of a bare read of the newest fifty orders.
func bareRead(ctx context.Context, address string, times int) (time.Duration, error) {
	conn, err := openBare(address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var took []time.Duration
	for range max(30, times) {
		began := time.Now()
		rows, err := conn.QueryContext(ctx, `select id, number, state, total, created_at from orders order by created_at desc, id desc limit 50`)
		if err != nil {
			return 0, err
		}
		for rows.Next() {
			var id, number, state string
			var total, at int64
			if err := rows.Scan(&id, &number, &state, &total, &at); err != nil {
				return 0, err
			}
		}
		if err := rows.Close(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return quantile(took, 0.99), nil
}

// get asks the API.
func (h *house) get(ctx context.Context, path string, values ...string) (*httptest.ResponseRecorder, error) {
	q := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		q.Set(values[i], values[i+1])
	}
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1"+path+"?"+q.Encode(), nil)
	req.Header.Set("Authorization", "Bearer "+localKey)
	w := httptest.NewRecorder()
	h.app.API.Handler().ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		return w, fmt.Errorf("GET %s: %d %.200s", req.URL, w.Code, w.Body)
	}
	return w, nil
}

// questions are what is asked of a data set. Some have no answer, which must not take longer.
func (h *house) questions(ctx context.Context) ([]question, error) {
	ids, err := h.texts(ctx, `select id from orders order by created_at desc, id desc limit 2000`)
	if err != nil {
		return nil, err
	}
	old, err := h.texts(ctx, `select id from orders order by created_at, id limit 2000`)
	if err != nil {
		return nil, err
	}
	ids = append(ids, old...)
	numbers, err := h.texts(ctx, `select number from orders order by created_at desc, id desc limit 500`)
	if err != nil {
		return nil, err
	}
	externals, err := h.texts(ctx, `select external from orders order by created_at, id limit 500`)
	if err != nil {
		return nil, err
	}
	hashes, err := h.texts(ctx, `select phone_hash from personal_records where phone_hash is not null order by id limit 500`)
	if err != nil {
		return nil, err
	}
	account, err := h.texts(ctx, `select id from channel_accounts order by id limit 1`)
	if err != nil {
		return nil, err
	}
	head, err := h.count(ctx, `select position from event_head where name = 'events'`)
	if err != nil {
		return nil, err
	}
	one := func(all []string) func(*rand.Rand) string {
		return func(rnd *rand.Rand) string { return all[rnd.IntN(len(all))] }
	}
	is := func(v string) func(*rand.Rand) string { return func(*rand.Rand) string { return v } }
	list := func(name, path string, pairs ...param) question {
		return question{name, func(ctx context.Context, rnd *rand.Rand) error {
			var values []string
			for _, p := range pairs {
				values = append(values, p.name, p.value(rnd))
			}
			_, err := h.get(ctx, path, values...)
			return err
		}}
	}
	week := time.Now().Add(-7 * 24 * time.Hour)
	return []question{
		list("orders", "/orders"),
		{"orders_page_2", h.secondPage},
		list("orders_oldest", "/orders", param{"oldest_first", is("true")}),
		list("orders_account", "/orders", param{"account", one(account)}),
		list("orders_state", "/orders", param{"state", is("open")}),
		list("orders_state_none", "/orders", param{"state", is("cancelled")}),
		list("orders_channel", "/orders", param{"channel", is("shopify")}),
		list("orders_channel_none", "/orders", param{"channel", is("daraz")}),
		list("orders_country_none", "/orders", param{"country", is("DE")}),
		list("orders_pay", "/orders", param{"pay_state", is("paid")}),
		list("orders_pay_none", "/orders", param{"pay_state", is("refunded")}),
		list("orders_held", "/orders", param{"held", is("true")}),
		list("orders_held_old", "/orders", param{"held", is("true")}, param{"oldest_first", is("true")}),
		list("orders_week", "/orders", param{"from", is(week.Format(time.RFC3339))}, param{"until", is(week.Add(time.Hour).Format(time.RFC3339))}, param{"state", is("delivered")}),
		list("orders_sku", "/orders", param{"sku", func(rnd *rand.Rand) string { return skuOf(anySKU(rnd, skuCount)) }}),
		list("orders_sku_none", "/orders", param{"sku", is("NO-SUCH-SKU")}),
		list("orders_number", "/orders", param{"number", one(numbers)}),
		list("orders_external", "/orders", param{"number", one(externals)}),
		list("orders_number_none", "/orders", param{"number", is("NO-SUCH-NUMBER")}),
		{"buyer_phone", func(ctx context.Context, rnd *rand.Rand) error {
			_, err := h.texts(ctx, `select o.id from personal_records p join orders o on o.buyer_id = p.id where p.phone_hash = $1 limit 50`, one(hashes)(rnd))
			return err
		}},
		{"order", func(ctx context.Context, rnd *rand.Rand) error {
			_, err := h.get(ctx, "/orders/"+one(ids)(rnd))
			return err
		}},
		{"order_timeline", func(ctx context.Context, rnd *rand.Rand) error {
			_, err := h.get(ctx, "/orders/"+one(ids)(rnd)+"/timeline")
			return err
		}},
		list("exceptions", "/exceptions"),
		list("exceptions_order", "/exceptions", param{"order", one(ids)}),
		list("exceptions_cause_none", "/exceptions", param{"cause", is("oversold")}),
		list("exceptions_counts", "/exceptions/counts"),
		list("events", "/events", param{"after", func(rnd *rand.Rand) string { return strconv.FormatInt(rnd.Int64N(max(1, head)), 10) }}),
		list("events_type", "/events", param{"after", func(rnd *rand.Rand) string { return strconv.FormatInt(rnd.Int64N(max(1, head)), 10) }}, param{"type", is("RefundIssued")}),
		list("fulfillment_open", "/fulfillment-orders", param{"state", is("new")}),
		list("shipments", "/shipments"),
		list("shipments_state_none", "/shipments", param{"state", is("lost")}),
		list("returns", "/returns"),
		list("refunds", "/refunds"),
		list("stock", "/stock"),
		list("movements", "/stock/"+skuOf(1)+"/movements"),
		list("reservations", "/reservations", param{"sku", is(skuOf(1))}),
		list("shortages", "/shortages"),
		list("tells", "/tells"),
	}, nil
}

// param is a parameter of a question whose value may differ from one asking to the next.
type param struct {
	name  string
	value func(*rand.Rand) string
}

func (h *house) secondPage(ctx context.Context, _ *rand.Rand) error {
	w, err := h.get(ctx, "/orders")
	if err != nil {
		return err
	}
	var page struct {
		Next string `json:"next"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		return err
	}
	_, err = h.get(ctx, "/orders", "after", page.Next)
	return err
}

// sizeOf is what a database takes on the disk.
func sizeOf(ctx context.Context, address string) (int64, error) {
	if path, ok := sqlitePath(address); ok {
		var n int64
		for _, p := range []string{path, path + "-wal"} {
			if st, err := os.Stat(p); err == nil {
				n += st.Size()
			}
		}
		return n, nil
	}
	conn, err := openBare(address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var n int64
	err = conn.QueryRowContext(ctx, `select pg_database_size(current_database())`).Scan(&n)
	return n, err
}
