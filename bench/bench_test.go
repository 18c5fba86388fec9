package main

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPayload_is_a_signed_order_of_three_lines_and_three_kilobytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range int64(50) {
		body := payload(rnd, 5_000_000+n, skuCount, time.Now())
		var o struct {
			Lines []struct{ SKU string } `json:"line_items"`
		}
		if err := json.Unmarshal(body, &o); err != nil {
			t.Fatal(err)
		}
		if len(o.Lines) != 3 || len(body) < 2500 || len(body) > 3500 {
			t.Fatalf("%d lines in %d bytes", len(o.Lines), len(body))
		}
	}
}

func TestCheck_fails_on_a_fall_of_more_than_a_third(t *testing.T) {
	t.Parallel()
	was := []Result{{Figure: "import", Engine: sqlite, Ratio: 0.6}, {Figure: "relay", Engine: sqlite, Ratio: 0.5}}
	for name, c := range map[string]struct {
		now  []float64
		fell bool
	}{
		"one bad run of five is no fall": {[]float64{0.6, 0.1, 0.59, 0.61, 0.6}, false},
		"a little less is noise":         {[]float64{0.45, 0.44, 0.46, 0.45, 0.45}, false},
		"much less is a fall":            {[]float64{0.4, 0.41, 0.39, 0.6, 0.4}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := judgeFalls(was, map[[2]string][]float64{{"import", sqlite}: c.now}, io.Discard)
			if (err != nil) != c.fell {
				t.Errorf("it says %v", err)
			}
		})
	}
}

// A data set adds up: what the invariants say of an order holds of every copy.
func TestSeed_makes_orders_that_add_up(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "set.db")
	if err := seed(ctx, url, filepath.Join(dir, "data"), 300, func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	conn, err := openBare(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lived := livedDone + livedOpen + livedHeld
	for what, c := range map[string]struct {
		query string
		want  int
	}{
		"orders":                         {`select count(*) from orders`, lived + 300},
		"each has three lines":           {`select count(*) from orders o where (select count(*) from order_lines l where l.order_id = o.id) <> 3`, 0},
		"none without its events":        {`select count(*) from orders o where not exists (select 1 from events e where e.order_id = o.id and e.type = 'OrderCreated')`, 0},
		"no aggregate with a gap":        {`select count(*) from (select 1 from events group by aggregate having max(seq) <> count(*)) t`, 0},
		"no event without its place":     {`select count(*) from events where position is null or position > (select position from event_head)`, 0},
		"reserved is what orders hold":   {`select count(*) from stock_levels s where s.condition = 'sellable' and s.reserved <> (select coalesce(sum(quantity), 0) from reservations r where r.variant_id = s.variant_id and r.location_id = s.location_id)`, 0},
		"on hand is what movements say":  {`select count(*) from stock_levels s where s.on_hand <> (select coalesce(sum(delta), 0) from stock_movements m where m.variant_id = s.variant_id and m.location_id = s.location_id and m.condition = s.condition)`, 0},
		"parcels are of orders there":    {`select count(*) from dispatch_shipments s where not exists (select 1 from orders o where o.id = s.order_id)`, 0},
		"scans are of parcels there":     {`select count(*) from shipment_events e where not exists (select 1 from dispatch_shipments s where s.id = e.shipment_id)`, 0},
		"ids sort as orders were placed": {`select count(*) from orders a, orders b where a.created_at < b.created_at - 1000000 and a.id > b.id`, 0},
	} {
		var n int
		if err := conn.QueryRowContext(ctx, c.query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n != c.want {
			t.Errorf("%s: %d, want %d", what, n, c.want)
		}
	}
}

// Every list goes by an index: no question to the tables that grow with the orders is answered by reading one of them whole.
func TestLists_go_by_an_index(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "set.db")
	if err := seed(ctx, url, filepath.Join(dir, "data"), 200, func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	conn, err := openBare(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for name, query := range map[string]string{
		"newest":      `select o.id from orders o order by o.created_at desc, o.id desc limit 51`,
		"account":     `select o.id from orders o where o.account_id = 'x' order by o.created_at desc, o.id desc limit 51`,
		"channel":     `select o.id from orders o where o.channel = 'x' order by o.created_at desc, o.id desc limit 51`,
		"country":     `select o.id from orders o where o.country = 'x' order by o.created_at desc, o.id desc limit 51`,
		"state":       `select o.id from orders o where o.state = 'x' order by o.created_at desc, o.id desc limit 51`,
		"payment":     `select o.id from orders o where o.pay_state = 'x' order by o.created_at desc, o.id desc limit 51`,
		"held":        `select o.id from orders o where o.holds > 0 order by o.created_at desc, o.id desc limit 51`,
		"sku":         `select o.id from orders o where o.id in (select order_id from order_lines where sku = 'x') order by o.created_at desc, o.id desc limit 51`,
		"fulfillment": `select f.id from fulfillment_orders f where f.state = 'x' order by coalesce(f.ship_by, 4611686018427387903), f.id limit 51`,
		"parcels":     `select s.id from dispatch_shipments s where s.state = 'x' order by s.created_at desc, s.id desc limit 51`,
		"phone":       `select id from personal_records where phone_hash = 'x' order by created_at desc limit 51`,
	} {
		rows, err := conn.QueryContext(ctx, "explain query plan "+query)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "USING") {
				t.Errorf("%s: %s", name, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
