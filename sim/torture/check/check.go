// Package check looks from outside whether anything was lost, doubled or made up: it knows the tables of the design and what the simulated partners say, and
// nothing of the program that filled them. Start at Run.
package check

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// World is what the simulated partners know at a quiet point: the other side of every comparison.
type World struct {
	Accounts []Account `json:"accounts"`
	Private  []string  `json:"-"` // buyers' data and secrets that no table may hold in clear; not written to reports
}

// Account is one shop at a partner, as the partner sees it.
type Account struct {
	ID      string           `json:"id"`
	Name    string           `json:"name"`
	Channel string           `json:"channel"`
	Orders  []Order          `json:"orders"`
	Acked   []Ack            `json:"acked"` // webhooks that we answered with success
	Shown   map[string]int64 `json:"shown"` // stock by SKU, as the shop front has it; nil where it shows ours
}

// Order is an order as the partner sees it.
type Order struct {
	External string `json:"external"` // the partner's id, or our number where we are the shop
	Open     int64  `json:"open"`     // units still to be sent; -1 where nobody else counts
	Shipped  int64  `json:"shipped"`  // units the partner was told are on their way; -1 likewise
	Status   string `json:"status"`   // what the partner calls its payment or its units' states now; "" where nobody else says
	Total    int64  `json:"total"`    // what the partner says the buyer pays for it, minor units; where there is a status
}

// Ack is a webhook that was answered with success.
type Ack struct {
	Delivery string `json:"delivery"` // the partner's delivery id, "" where it has none
	Topic    string `json:"topic"`
	External string `json:"external"` // the order it is about, "" for other things
}

// Finding is one thing that does not hold.
type Finding struct {
	Rule string `json:"rule"`
	What string `json:"what"`
}

// worst is how many findings of one rule are given.
const worst = 5

// Rules names every rule in the order in which Run asks them.
func Rules() []string {
	names := make([]string, 0, len(rules)+len(compared))
	for _, r := range rules {
		names = append(names, r.name)
	}
	for _, c := range compared {
		names = append(names, c.name)
	}
	return names
}

// Run asks every rule in one transaction that sees one moment; nothing found means that all hold.
func Run(ctx context.Context, base *sql.DB, w World) ([]Finding, error) {
	// One moment for all questions. SQLite's transactions always see one, and its driver knows no such option.
	tx, err := base.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		tx, err = base.BeginTx(ctx, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	var found []Finding
	for _, r := range rules {
		rows, err := texts(ctx, tx, r.query+fmt.Sprint(` limit `, worst))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		for _, what := range rows {
			found = append(found, Finding{r.name, what})
		}
	}
	for _, c := range compared {
		what, err := c.ask(ctx, tx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		for i, x := range what {
			if i == worst {
				x = fmt.Sprintf("… and %d more", len(what)-worst)
			}
			found = append(found, Finding{c.name, x})
			if i == worst {
				break
			}
		}
	}
	return found, nil
}

// texts answers the only column of a query as text.
func texts(ctx context.Context, tx *sql.Tx, query string) ([]string, error) {
	var all []string
	err := each(ctx, tx, query, func(row []string) error {
		all = append(all, row[0])
		return nil
	})
	return all, err
}

// each reads every row as texts, null as "".
func each(ctx context.Context, tx *sql.Tx, query string, do func(row []string) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	held, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range held {
		into[i] = &held[i]
	}
	row := make([]string, len(columns))
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range held {
			row[i] = v.String
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// numbers reads rows of a text key made of all columns but the last, and a number.
func numbers(ctx context.Context, tx *sql.Tx, query string) (map[string]int64, error) {
	all := map[string]int64{}
	return all, each(ctx, tx, query, func(row []string) error {
		var n int64
		if _, err := fmt.Sscan(row[len(row)-1], &n); err != nil {
			return fmt.Errorf("%q is no number: %w", row[len(row)-1], err)
		}
		all[strings.Join(row[:len(row)-1], " ")] = n
		return nil
	})
}

// comparison is a rule that holds the database against what the partners know.
type comparison struct {
	name string
	ask  func(ctx context.Context, tx *sql.Tx, w World) ([]string, error)
}

var compared = []comparison{
	{"every order that was placed is here", func(ctx context.Context, tx *sql.Tx, w World) ([]string, error) { return orders(ctx, tx, w, true) }},
	{"no order is here that was never placed", func(ctx context.Context, tx *sql.Tx, w World) ([]string, error) { return orders(ctx, tx, w, false) }},
	{"every acknowledged webhook is kept", acked},
	{"what the channel was told is shipped happened once", shipped},
	{"what happened at the channel is not noted as refused", denied},
	{"what is open at the channel is open here", open},
	{"the channel's newest word of an order is what we hold", newest},
	{"the stock shown is what we said", shown},
	{"one thing that happened is announced once", announced},
	{"no personal data or secret is in clear", private},
}

func key(a Account) string {
	if a.Channel == "ownsite" {
		return "number"
	}
	return "external"
}

// orders lists what is missing, or what nobody placed.
func orders(ctx context.Context, tx *sql.Tx, w World, missing bool) ([]string, error) {
	var found []string
	for _, a := range w.Accounts {
		have := map[string]bool{}
		got, err := texts(ctx, tx, `select `+key(a)+` from orders where account_id = `+quote(a.ID))
		if err != nil {
			return nil, err
		}
		for _, x := range got {
			have[x] = true
		}
		for _, o := range a.Orders {
			if missing && !have[o.External] {
				found = append(found, a.Name+": order "+o.External)
			}
			delete(have, o.External)
		}
		for x := range have {
			if !missing {
				found = append(found, a.Name+": order "+x)
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// acked looks for every webhook with an id of its own in the inbox, and for the order of every other. One that does not carry its order
// whole is not kept: the order is read from the channel.
func acked(ctx context.Context, tx *sql.Tx, w World) ([]string, error) {
	var found []string
	for _, a := range w.Accounts {
		kept, err := numbers(ctx, tx, `select delivery_id, count(*) from inbox where delivery_id is not null and account_id = `+quote(a.ID)+` group by delivery_id`)
		if err != nil {
			return nil, err
		}
		known, err := numbers(ctx, tx, `select external, count(*) from channel_orders where account_id = `+quote(a.ID)+` group by external`)
		if err != nil {
			return nil, err
		}
		read, err := numbers(ctx, tx, `select external, count(*) from inbox where source in ('read', 'poll') and account_id = `+quote(a.ID)+` group by external`)
		if err != nil {
			return nil, err
		}
		for _, k := range a.Acked {
			if k.Delivery != "" && kept[k.Delivery] != 1 && (kept[k.Delivery] > 1 || read[k.External] == 0) {
				found = append(found, fmt.Sprintf("%s: %s %s is kept %d times", a.Name, k.Topic, k.Delivery, kept[k.Delivery]))
			}
			if k.External != "" && known[k.External] != 1 {
				found = append(found, fmt.Sprintf("%s: %s about order %s, which was never read", a.Name, k.Topic, k.External))
			}
		}
	}
	return found, nil
}

// units compares, per order, a number of ours with the partner's. Where a person is asked about an order, both may differ until the answer.
func units(ctx context.Context, tx *sql.Tx, w World, query string, theirs func(o Order) int64) ([]string, error) {
	var found []string
	for _, a := range w.Accounts {
		ours, err := numbers(ctx, tx, fmt.Sprintf(query, quote(a.ID)))
		if err != nil {
			return nil, err
		}
		asked, err := numbers(ctx, tx, `select o.external, count(*) from orders o join exceptions e on e.order_id = o.id where e.state = 'open' and e.cause not in ('shortage', 'unmapped_sku')
			and o.account_id = `+quote(a.ID)+` group by o.external`)
		if err != nil {
			return nil, err
		}
		for _, o := range a.Orders {
			if n := theirs(o); n >= 0 && n != ours[o.External] && asked[o.External] == 0 {
				found = append(found, fmt.Sprintf("%s: order %s: %d units there, %d here", a.Name, o.External, n, ours[o.External]))
			}
		}
	}
	return found, nil
}

// handedOver counts the units of each order that have left.
const handedOver = `select o.external, cast(sum(d.line_quantity) as bigint) from orders o join dispatch_shipments s on s.order_id = o.id join dispatch_lines d on d.shipment_id = s.id
	where o.account_id = %s and s.handed_over_at is not null and s.state <> 'cancelled' group by o.external`

func shipped(ctx context.Context, tx *sql.Tx, w World) ([]string, error) {
	return units(ctx, tx, w, handedOver, func(o Order) int64 { return o.Shipped })
}

// denied looks for parcels that a channel counts as sent although we have written down that it refused them: whoever is late may not overwrite the outcome.
func denied(ctx context.Context, tx *sql.Tx, w World) ([]string, error) {
	var found []string
	for _, a := range w.Accounts {
		refused, err := numbers(ctx, tx, `select o.external, count(*) from tells t join orders o on o.id = t.order_id where t.act = 'ship' and t.state = 'refused' and o.account_id = `+quote(a.ID)+` group by o.external`)
		if err != nil {
			return nil, err
		}
		sent, err := numbers(ctx, tx, fmt.Sprintf(handedOver, quote(a.ID)))
		if err != nil {
			return nil, err
		}
		for _, o := range a.Orders {
			if n := refused[o.External]; n > 0 && o.Shipped > 0 && o.Shipped == sent[o.External] {
				found = append(found, fmt.Sprintf("%s: order %s: all %d units are sent there, %d parcels are noted as refused", a.Name, o.External, o.Shipped, n))
			}
		}
	}
	return found, nil
}

func open(ctx context.Context, tx *sql.Tx, w World) ([]string, error) {
	return units(ctx, tx, w, `select external, units_open from orders where account_id = %s`, func(o Order) int64 { return o.Open })
}

// newest compares the status and the total that the partner gives an order now with those of the reading we hold: an older one, however late it came, may not have
// taken the place of a newer one.
func newest(ctx context.Context, tx *sql.Tx, w World) ([]string, error) {
	var found []string
	for _, a := range w.Accounts {
		held := map[string][2]string{}
		err := each(ctx, tx, `select external, statuses, cast(total as text) from channel_orders where account_id = `+quote(a.ID), func(row []string) error {
			var said map[string]string
			if err := json.Unmarshal([]byte(row[1]), &said); err != nil {
				return fmt.Errorf("order %s: %w", row[0], err)
			}
			held[row[0]] = [2]string{said["financial"] + said["unit"], row[2]}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, o := range a.Orders {
			ours, known := held[o.External]
			if theirs := [2]string{o.Status, fmt.Sprint(o.Total)}; known && o.Status != "" && ours != theirs {
				found = append(found, fmt.Sprintf("%s: order %s: %v there, %v here", a.Name, o.External, theirs, ours))
			}
		}
	}
	return found, nil
}

// shown compares the last number that we said with what the shop front has.
func shown(ctx context.Context, tx *sql.Tx, w World) ([]string, error) {
	var found []string
	for _, a := range w.Accounts {
		if a.Shown == nil {
			continue
		}
		said, err := numbers(ctx, tx, `select p.sku, cast(sum(s.shown) as bigint) from channel_stock s join channel_products p on p.id = s.listing_id
			where s.shown is not null and s.account_id = `+quote(a.ID)+` group by p.sku`)
		if err != nil {
			return nil, err
		}
		for sku, n := range said {
			if a.Shown[sku] != n {
				found = append(found, fmt.Sprintf("%s: %s shows %d, we said %d", a.Name, sku, a.Shown[sku], n))
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// announced looks for two contract events under one idempotency key.
func announced(ctx context.Context, tx *sql.Tx, _ World) ([]string, error) {
	seen := map[string]bool{}
	var found []string
	err := each(ctx, tx, `select id, body from events where contract`, func(row []string) error {
		var said struct {
			Key string `json:"idempotency_key"`
		}
		if err := json.Unmarshal([]byte(row[1]), &said); err != nil {
			return fmt.Errorf("event %s: %w", row[0], err)
		}
		if said.Key == "" || seen[said.Key] {
			found = append(found, "event "+row[0]+" repeats "+said.Key)
		}
		seen[said.Key] = true
		return nil
	})
	return found, err
}

// open text is looked for wherever text is written by many hands.
var written = []string{
	"events", "event_parked", "jobs", "exceptions", "audit_log", "inbox", "channel_orders", "reads", "tells", "orders", "order_lines", "order_history", "order_change_sets", "order_holds",
	"fulfillment_orders", "dispatch_shipments", "shipment_events", "returns_rma", "refunds", "carts", "deliveries", "idempotency_keys", "channel_accounts", "account_health", "schedules", "core_documents",
}

func private(ctx context.Context, tx *sql.Tx, w World) ([]string, error) {
	var found []string
	if len(w.Private) == 0 {
		return nil, nil
	}
	for _, table := range written {
		err := each(ctx, tx, `select * from `+table, func(row []string) error {
			text := strings.Join(row, "\x00")
			if slices.ContainsFunc(w.Private, func(p string) bool { return strings.Contains(text, p) }) {
				found = append(found, table+" "+row[0])
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
	}
	return found, nil
}

// quote writes an id of ours into a query: ids are hexadecimal and dashes, whatever else is dropped.
func quote(id string) string {
	return "'" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdefABCDEF-", r) {
			return r
		}
		return -1
	}, id) + "'"
}
