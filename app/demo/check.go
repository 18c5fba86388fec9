package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
)

// rule is one invariant of the design as a question to the database: every row it answers is a breach.
type rule struct{ name, query string }

var rules = []rule{
	{"an order exists exactly once", `select account_id || ' ' || external from orders group by account_id, external having count(*) > 1`},
	{"line progress adds up", `select id from order_lines where ordered <> cancelled + open + shipped or shipped <> on_the_way + delivered + coming_back + returned + lost`},
	{"an order's units are the sum of its lines'", `select o.id from orders o where o.units_open <> (select coalesce(sum(l.open), 0) from order_lines l where l.order_id = o.id)
		or o.units_shipped <> (select coalesce(sum(l.shipped), 0) from order_lines l where l.order_id = o.id)
		or o.units_cancelled <> (select coalesce(sum(l.cancelled), 0) from order_lines l where l.order_id = o.id)`},
	{"the channel's units stand in exactly one bucket, as counted", `select l.id from order_lines l where exists (select 1 from order_units u where u.line_id = l.id)
		and (select count(*) from order_units u where u.line_id = l.id and u.bucket = 'open') <> l.open`},
	{"events of one aggregate have no gaps", `select aggregate from events group by aggregate having count(*) <> max(seq)`},
	{"every event has its position", `select id from events where position is null`},
	{"no event waits for a consumer in trouble", `select consumer || ' ' || event_id from event_parked`},
	{"money of complete orders balances to the minor unit", `select o.id from orders o where o.money = 'complete' and o.difference = 0
		and o.total <> (select coalesce(sum(l.total), 0) from order_lines l where l.order_id = o.id) + (select coalesce(sum(c.total), 0) from order_charges c where c.order_id = o.id)`},
	{"both views of the money agree", `select id from orders where owed <> total + discount_channel - tax_channel`},
	{"refunds of ours stay below what was captured", `select r.order_id from refunds r where r.origin = 'ours' and r.state <> 'refused' group by r.order_id
		having sum(r.amount) > (select coalesce(sum(p.captured), 0) from order_payments p where p.order_id = r.order_id)`},
	{"what was handed over has left the stock once", `select s.id from dispatch_shipments s where s.handed_over_at is not null and s.state <> 'cancelled'
		and (select coalesce(sum(-m.delta), 0) from stock_movements m where m.reference_kind = 'shipment' and m.reference_id = s.id)
		<> (select coalesce(sum(d.quantity), 0) from dispatch_lines d where d.shipment_id = s.id)`},
	{"every shipped unit is in a shipment", `select l.id from order_lines l join orders o on o.id = l.order_id where o.ours and o.mode <> 'shadow' and l.fulfilled_by = 'seller' and l.ships and l.shipped > 0
		and l.parts is null and l.shipped <> (select coalesce(sum(d.line_quantity), 0) from dispatch_lines d join dispatch_shipments s on s.id = d.shipment_id
		where d.order_line_id = l.id and s.handed_over_at is not null and s.state <> 'cancelled')`},
	{"nothing stored waits to be imported", `select id from inbox where state = 'stored'`},
	{"nothing told is left half-way", `select id from tells where state = 'running'`},
	{"no payment gives back more than it took", `select p.id from order_payments p where p.refunded > p.captured and not exists (select 1 from refunds r where r.order_id = p.order_id and r.origin = 'channel')`},
	{"a parcel that came back captured nothing at the door", `select r.order_id from returns_rma r join order_payments p on p.order_id = r.order_id where r.kind = 'return_to_origin' and p.method = 'cod' and p.captured > 0
		and not exists (select 1 from dispatch_shipments s where s.order_id = r.order_id and s.delivered_at is not null)`},
	{"no refund is left half-way", `select id from refunds where state in ('intended', 'unknown')`},
	{"no parcel that came back waits for a person", `select id from exceptions where cause = 'return_waiting' and state = 'open'`},
	{"goods that came back are somewhere", `select id from return_lines where received <> waiting + sellable + quarantine + damaged + rejected`},
	{"each contract event is said once", `select order_id || ' ' || type from events where contract and type in ('OrderCreated', 'OrderPaid') group by order_id, type having count(*) > 1`},
}

// check asks every rule, and the simulators' own record, and lists what does not hold.
func check(ctx context.Context, a *app.App, stalls []stall) ([]string, error) {
	var broken []string
	err := a.DB.Read(ctx, func(tx *db.Tx) error {
		broken = nil
		for _, r := range rules {
			rows, err := db.All(tx, func(row db.Scanner) (string, error) {
				var v string
				return v, row.Scan(db.Text(&v))
			}, r.query+` limit 5`)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if len(rows) > 0 {
				broken = append(broken, fmt.Sprintf("%s: %v", r.name, rows))
			}
		}
		stock, err := a.Inventory.Verify(tx)
		if err != nil {
			return err
		}
		broken = append(broken, stock...)
		twice, err := repeated(tx)
		if err != nil {
			return err
		}
		broken = append(broken, twice...)
		for _, s := range stalls {
			found, err := compare(tx, s)
			if err != nil {
				return err
			}
			broken = append(broken, found...)
		}
		return nil
	})
	return broken, err
}

// repeated finds contract events under one idempotency key.
func repeated(tx *db.Tx) ([]string, error) {
	seen := map[string]bool{}
	var twice []string
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var body string
		if err := row.Scan(&body); err != nil {
			return struct{}{}, err
		}
		var m event.Meta
		err := json.Unmarshal([]byte(body), &m)
		if seen[m.IdempotencyKey] {
			twice = append(twice, "two events are one thing that happened: "+m.IdempotencyKey)
		}
		seen[m.IdempotencyKey] = true
		return struct{}{}, err
	}, `select body from events where contract`)
	return twice, err
}

// silent lists the contract events that never happened: a demo of some size has them all.
func silent(got map[string]int64) []string {
	var none []string
	for _, typ := range event.Contracts {
		if got[typ] == 0 {
			none = append(none, "no "+typ+" was ever announced")
		}
	}
	return none
}

// compare holds what a channel has against what we have.
func compare(tx *db.Tx, s stall) ([]string, error) {
	have := map[string]bool{}
	_, err := db.All(tx, func(row db.Scanner) (string, error) {
		var x string
		err := row.Scan(&x)
		have[x] = true
		return x, err
	}, `select `+s.key()+` from orders where account_id = $1`, s.account())
	if err != nil {
		return nil, err
	}
	var broken []string
	sent := s.sent()
	for _, x := range sent {
		if !have[x] {
			broken = append(broken, fmt.Sprintf("%s: order %s never arrived", s.name(), x))
		}
		delete(have, x)
	}
	for x := range have {
		broken = append(broken, fmt.Sprintf("%s: order %s was never placed", s.name(), x))
	}
	ours, err := db.One(tx, func(row db.Scanner) (int64, error) {
		var n int64
		return n, row.Scan(&n)
	}, `select cast(coalesce(sum(d.line_quantity), 0) as bigint) from dispatch_lines d join dispatch_shipments p on p.id = d.shipment_id
		where p.account_id = $1 and p.handed_over_at is not null and p.state <> 'cancelled'`, s.account())
	if err != nil {
		return nil, err
	}
	if told := s.shipped(); told >= 0 && int64(told) != ours {
		broken = append(broken, fmt.Sprintf("%s: we handed %d units over, the channel knows of %d", s.name(), ours, told))
	}
	off, err := disagree(tx, s)
	if err != nil {
		return nil, err
	}
	for _, o := range off {
		broken = append(broken, s.name()+": "+o)
	}
	if len(broken) > 10 {
		broken = append(broken[:10], fmt.Sprintf("… and %d more", len(broken)-10))
	}
	return broken, nil
}
