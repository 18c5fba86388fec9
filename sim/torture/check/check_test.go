package check_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// acc is the account of the fixture, at a partner; web is our own shop.
const (
	acc = "00000000-0000-0000-0000-0000000000aa"
	web = "00000000-0000-0000-0000-0000000000bb"
)

// tables are those the rules read. They are replaced by copies without constraints: the database itself would refuse most of what is to be found.
var tables = []string{
	"orders", "order_lines", "order_units", "order_charges", "order_history", "order_payments", "refunds", "channel_orders", "channel_accounts", "channel_products", "channel_stock", "inbox", "reads",
	"stock_levels", "stock_movements", "reservations", "shortages", "exceptions", "events", "event_parked", "fulfillment_orders", "fulfillment_lines", "dispatch_shipments", "dispatch_lines",
	"tells", "jobs", "audit_log",
}

// sound is a small shop in which all is well: one order of three units, one of them cancelled, one shipped, one waiting, and one order that is short.
var sound = []string{
	`insert into channel_accounts (id, name, channel, mode) values ('` + acc + `', 'shop', 'shopify', 'live'), ('` + web + `', 'web', 'ownsite', 'live')`,
	`insert into orders (id, number, account_id, external, mode, ours, origin, state, money, difference, total, owed, discount_channel, tax_channel, units_ordered, units_cancelled, units_open, units_shipped, holds)
		values ('o1', 'N1', '` + acc + `', 'x1', 'live', true, '', 'part_shipped', 'complete', 0, 1000, 1000, 0, 0, 3, 1, 1, 1, 0), ('o2', 'N2', '` + web + `', 'c2', 'live', true, '', 'open', 'complete', 0, 500, 500, 0, 0, 1, 0, 1, 0, 1)`,
	`insert into order_lines (id, order_id, variant_id, fulfilled_by, ships, total, ordered, cancelled, open, shipped, on_the_way, delivered, coming_back, returned, lost)
		values ('l1', 'o1', 'v1', 'seller', true, 900, 3, 1, 1, 1, 1, 0, 0, 0, 0), ('l2', 'o2', 'v1', 'seller', true, 500, 1, 0, 1, 0, 0, 0, 0, 0, 0)`,
	`insert into order_units (order_id, line_id, external, bucket) values ('o1', 'l1', 'u1', 'open'), ('o1', 'l1', 'u2', 'on_the_way'), ('o1', 'l1', 'u3', 'cancelled')`,
	`insert into order_charges (id, order_id, total) values ('g1', 'o1', 100)`,
	`insert into order_history (id, order_id, source, actor) values ('h1', 'o1', 'channel', 'channel'), ('h2', 'o2', 'us', 'buyer')`,
	`insert into order_payments (id, order_id, captured) values ('p1', 'o1', 900)`,
	`insert into refunds (id, order_id, origin, state, amount) values ('r1', 'o1', 'ours', 'issued', 300)`,
	`insert into channel_orders (account_id, external, order_id, statuses, total) values ('` + acc + `', 'x1', 'o1', '{"financial":"PAID"}', 1000)`,
	`insert into inbox (n, id, account_id, delivery_id, state) values (1, 'i1', '` + acc + `', 'd1', 'done')`,
	`insert into channel_products (id, account_id, sku) values ('k1', '` + acc + `', 'TEA')`,
	`insert into channel_stock (account_id, listing_id, location, shown) values ('` + acc + `', 'k1', 'w', 8)`,
	`insert into stock_levels (variant_id, location_id, condition, on_hand, reserved) values ('v1', 'w', 'sellable', 9, 1)`,
	`insert into stock_movements (id, variant_id, location_id, condition, delta, reference_kind, reference_id) values ('m1', 'v1', 'w', 'sellable', 10, 'import', 'f'), ('m2', 'v1', 'w', 'sellable', -1, 'shipment', 's1')`,
	`insert into reservations (id, holder_kind, holder_id, order_id, variant_id, location_id, quantity) values ('e1', 'line', 'l1', 'o1', 'v1', 'w', 1)`,
	`insert into shortages (id, holder_kind, holder_id, order_id, variant_id, quantity) values ('t1', 'line', 'l2', 'o2', 'v1', 1)`,
	`insert into exceptions (id, cause, subject_kind, subject_id, state) values ('c1', 'shortage', 'shortage', 't1', 'open')`,
	`insert into events (id, aggregate, seq, type, contract, order_id, body, position) values ('e1', 'order:o1', 1, 'OrderCreated', true, 'o1', '{"idempotency_key":"a"}', 1),
		('e2', 'order:o1', 2, 'OrderPaid', true, 'o1', '{"idempotency_key":"b"}', 2), ('e3', 'order:o2', 1, 'OrderCreated', true, 'o2', '{"idempotency_key":"c"}', 3)`,
	`insert into fulfillment_orders (id, order_id, state) values ('f1', 'o1', 'new')`,
	`insert into fulfillment_lines (id, fulfillment_id, order_line_id, quantity) values ('fl1', 'f1', 'l1', 2)`,
	`insert into dispatch_shipments (id, order_id, state, handed_over_at) values ('s1', 'o1', 'handed_over', 1)`,
	`insert into dispatch_lines (shipment_id, order_line_id, variant_id, quantity, line_quantity) values ('s1', 'l1', 'v1', 1, 1)`,
	`insert into tells (id, order_id, state) values ('te1', 'o1', 'told')`,
	`insert into audit_log (id, actor, action) values ('a1', 'me', 'read')`,
}

// world is what the partners know of the sound shop.
func world() check.World {
	return check.World{
		Accounts: []check.Account{
			{
				ID: acc, Name: "shop", Channel: "shopify", Orders: []check.Order{{External: "x1", Open: 1, Shipped: 1, Status: "PAID", Total: 1000}}, Shown: map[string]int64{"TEA": 8},
				Acked: []check.Ack{{Delivery: "d1", Topic: "orders/create", External: "x1"}},
			},
			{ID: web, Name: "web", Channel: "ownsite", Orders: []check.Order{{External: "N2", Open: -1, Shipped: -1}}},
		},
		Private: []string{"Ayesha Khan"},
	}
}

// broken is, for every rule, one row that is wrong. Some break a neighbour's rule too.
var broken = map[string]string{
	"an order exists exactly once":                          `insert into orders select * from orders where id = 'o1'`,
	"every order is known to its channel's side":            `delete from channel_orders`,
	"nothing stored waits to be imported":                   `update inbox set state = 'stored'`,
	"nothing waits to be read":                              `insert into reads (account_id, external, state) values ('a', 'x', 'due')`,
	"reserved is within what is there":                      `update stock_levels set on_hand = 0`,
	"movements replay to on hand":                           `update stock_movements set delta = 11 where id = 'm1'`,
	"every movement has its level":                          `update stock_levels set location_id = 'elsewhere'`,
	"open reservations add up to reserved":                  `update reservations set quantity = 2`,
	"no line reserves more than it has open":                `update reservations set quantity = 2`,
	"every shortage has exactly one case":                   `delete from exceptions`,
	"every case of a shortage has its shortage":             `update shortages set closed_at = 1`,
	"line progress adds up":                                 `update order_lines set delivered = 1 where id = 'l1'`,
	"an order's units are the sum of its lines'":            `update orders set units_open = 2 where id = 'o2'`,
	"the channel's units stand in exactly one bucket":       `update order_units set bucket = 'lost' where external = 'u1'`,
	"an order's state follows from its units":               `update orders set state = 'cancelled' where id = 'o1'`,
	"history explains every order":                          `delete from order_history where order_id = 'o2'`,
	"events of one aggregate have no gaps":                  `update events set seq = 3 where id = 'e2'`,
	"every event has its position":                          `update events set position = null where id = 'e2'`,
	"no position is given twice":                            `update events set position = 1 where id = 'e3'`,
	"events are placed in their aggregate's order":          `update events set position = 9 where id = 'e1'`,
	"no event waits for a consumer in trouble":              `insert into event_parked (consumer, event_id, cause) values ('c', 'e1', 'it will not')`,
	"every order of ours is announced once":                 `delete from events where id = 'e3'`,
	"a payment is announced once":                           `update events set type = 'OrderPaid' where id = 'e1'`,
	"every order of ours to be sent was sourced":            `update orders set state = 'open', units_shipped = 0, units_cancelled = 2 where id = 'o1'; delete from fulfillment_orders`,
	"no fulfillment sends more than was ordered":            `update fulfillment_lines set quantity = 4`,
	"money of complete orders balances":                     `update orders set total = 999 where id = 'o1'`,
	"both views of the money agree":                         `update orders set owed = 999 where id = 'o1'`,
	"refunds of ours stay below what was captured":          `update refunds set amount = 901`,
	"what was handed over has left the stock once":          `delete from stock_movements where id = 'm2'`,
	"every shipped unit is in a shipment":                   `delete from dispatch_lines`,
	"nothing told is left half-way":                         `update tells set state = 'running'`,
	"no job is left half-way":                               `insert into jobs (id, state) values ('j1', 'running')`,
	"an unknown outcome waits for a person":                 `update tells set state = 'unknown'`,
	"every order is explained by somebody":                  `update order_history set actor = '' where id = 'h1'`,
	"the audit log names who did what":                      `update audit_log set actor = ''`,
	"every order that was placed is here":                   `update orders set external = 'other' where id = 'o1'`,
	"no order is here that was never placed":                `update orders set external = 'other' where id = 'o1'`,
	"every acknowledged webhook is kept":                    `delete from inbox`,
	"what the channel was told is shipped happened once":    `update dispatch_lines set line_quantity = 2`,
	"what happened at the channel is not noted as refused":  `update tells set act = 'ship', state = 'refused'`,
	"what is open at the channel is open here":              `update orders set units_open = 0 where id = 'o1'`,
	"the channel's newest word of an order is what we hold": `update channel_orders set statuses = '{"financial":"PENDING"}'`,
	"the stock shown is what we said":                       `update channel_stock set shown = 9`,
	"one thing that happened is announced once":             `update events set body = '{"idempotency_key":"a"}' where id = 'e3'`,
	"no personal data or secret is in clear":                `update order_history set detail = 'called Ayesha Khan' where id = 'h1'`,
}

func TestRules(t *testing.T) {
	t.Parallel()
	for engine, open := range map[string]func(t *testing.T) *sql.DB{"sqlite": openSQLite, "postgres": openPostgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			for _, name := range tables {
				do(t, d, `alter table `+name+` rename to kept_`+name, `create table `+name+` as select * from kept_`+name+` where 1 = 0`)
			}
			do(t, d, sound...)
			if found := ask(t, d); len(found) > 0 {
				t.Fatalf("in a sound shop: %v", found)
			}
			for _, rule := range check.Rules() {
				if broken[rule] == "" {
					t.Errorf("nothing breaks %q", rule)
					continue
				}
				do(t, d, strings.Split(broken[rule], "; ")...)
				if found := ask(t, d); !slices.ContainsFunc(found, func(f check.Finding) bool { return f.Rule == rule && f.What != "" }) {
					t.Errorf("%s: not found, only %v", rule, found)
				}
				for _, name := range tables {
					do(t, d, `delete from `+name)
				}
				do(t, d, sound...)
			}
		})
	}
}

func openSQLite(t *testing.T) *sql.DB {
	t.Helper()
	return opened(t, "sqlite", "file:"+strings.TrimPrefix(dbtest.SQLiteURL(t, false), "sqlite:"), "")
}

func openPostgres(t *testing.T) *sql.DB {
	t.Helper()
	return opened(t, "pgx", dbtest.PostgresURL(t), `select schemaname from pg_tables where tablename = 'inbox'`)
}

func opened(t *testing.T, driver, url, where string) *sql.DB {
	t.Helper()
	d, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	d.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = d.Close() })
	if where != "" {
		var schema string
		if err := d.QueryRow(where).Scan(&schema); err != nil {
			t.Fatal(err)
		}
		do(t, d, fmt.Sprintf(`set search_path to %s`, schema))
	}
	return d
}

func do(t *testing.T, d *sql.DB, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := d.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func ask(t *testing.T, d *sql.DB) []check.Finding {
	t.Helper()
	found, err := check.Run(t.Context(), d, world())
	if err != nil {
		t.Fatal(err)
	}
	return found
}
