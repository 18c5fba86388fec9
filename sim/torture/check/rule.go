package check

// rule is one invariant as a question to the database: every row it answers is a breach. The queries run on SQLite and on PostgreSQL.
type rule struct{ name, query string }

var rules = []rule{
	// Invariant 1: exactly once.
	{"an order exists exactly once", `select account_id || ' ' || external from orders group by account_id, external having count(*) > 1`},
	{"every order is known to its channel's side", `select o.id from orders o where o.mode <> 'shadow' and o.origin not in ('exchange', 'direct') and
		not exists (select 1 from channel_orders c where c.account_id = o.account_id and c.external = o.external) and
		exists (select 1 from channel_accounts a where a.id = o.account_id and a.channel <> 'ownsite')`},
	{"nothing stored waits to be imported", `select id from inbox where state = 'stored'`},
	{"nothing waits to be read", `select account_id || ' ' || external from reads where state <> 'dead'`},
	// Invariant 2: stock.
	{"reserved is within what is there", `select variant_id || ' at ' || location_id from stock_levels where reserved < 0 or (reserved > 0 and reserved > on_hand)`},
	{"movements replay to on hand", `select l.variant_id || ' at ' || l.location_id from stock_levels l where l.on_hand <> (select coalesce(sum(m.delta), 0) from stock_movements m
		where m.variant_id = l.variant_id and m.location_id = l.location_id and m.condition = l.condition)`},
	{"every movement has its level", `select m.variant_id || ' at ' || m.location_id from stock_movements m where not exists (select 1 from stock_levels l
		where l.variant_id = m.variant_id and l.location_id = m.location_id and l.condition = m.condition)`},
	{"open reservations add up to reserved", `select l.variant_id || ' at ' || l.location_id from stock_levels l where l.condition = 'sellable' and l.reserved <> (select coalesce(sum(r.quantity), 0)
		from reservations r where r.variant_id = l.variant_id and r.location_id = l.location_id)`},
	{"no line reserves more than it has open", `select r.holder_id from reservations r join order_lines l on l.id = r.holder_id where r.holder_kind = 'line' and l.parts is null
		group by r.holder_id, l.open having sum(r.quantity) > l.open`},
	{"every shortage has exactly one case", `select s.id from shortages s where s.closed_at is null and s.holder_kind = 'line' and
		((select count(*) from exceptions e where e.cause = 'shortage' and e.subject_id = s.id and e.state = 'open') > 1 or
		not exists (select 1 from exceptions e where e.cause = 'shortage' and e.subject_id = s.id))`},
	{"every case of a shortage has its shortage", `select e.id from exceptions e where e.cause = 'shortage' and e.subject_kind = 'shortage' and e.state = 'open' and
		not exists (select 1 from shortages s where s.id = e.subject_id and s.closed_at is null)`},
	// Invariant 3: states, history, events.
	{"line progress adds up", `select id from order_lines where ordered <> cancelled + open + shipped or shipped <> on_the_way + delivered + coming_back + returned + lost`},
	{"an order's units are the sum of its lines'", `select o.id from orders o where o.units_open <> (select coalesce(sum(l.open), 0) from order_lines l where l.order_id = o.id)
		or o.units_shipped <> (select coalesce(sum(l.shipped), 0) from order_lines l where l.order_id = o.id)
		or o.units_cancelled <> (select coalesce(sum(l.cancelled), 0) from order_lines l where l.order_id = o.id)`},
	{"the channel's units stand in exactly one bucket", `select l.id from order_lines l where exists (select 1 from order_units u where u.line_id = l.id)
		and (select count(*) from order_units u where u.line_id = l.id and u.bucket = 'open') <> l.open`},
	{"an order's state follows from its units", `select id from orders where (state = 'cancelled' and units_open + units_shipped > 0) or (state = 'open' and units_shipped > 0)
		or (state in ('shipped', 'delivered') and units_open > 0)`},
	{"history explains every order", `select o.id from orders o where not exists (select 1 from order_history h where h.order_id = o.id)`},
	{"events of one aggregate have no gaps", `select aggregate from events group by aggregate having count(*) <> max(seq) or min(seq) <> 1`},
	{"every event has its position", `select id from events where position is null`},
	{"no position is given twice", `select cast(position as text) from events where position is not null group by position having count(*) > 1`},
	{"events are placed in their aggregate's order", `select e.id from events e join events f on f.aggregate = e.aggregate and f.seq = e.seq - 1 and f.position > e.position`},
	{"no event waits for a consumer in trouble", `select consumer || ' ' || event_id || ': ' || cause from event_parked`},
	{"every order of ours is announced once", `select o.id from orders o where o.ours and o.mode <> 'shadow' and (select count(*) from events e where e.order_id = o.id and e.type = 'OrderCreated') <> 1`},
	{"a payment is announced once", `select order_id from events where contract and type = 'OrderPaid' group by order_id having count(*) > 1`},
	{"every order of ours to be sent was sourced", `select o.id from orders o where o.ours and o.mode <> 'shadow' and o.holds = 0 and o.state = 'open' and o.units_open > 0
		and exists (select 1 from reservations r where r.order_id = o.id and r.quantity > 0)
		and not exists (select 1 from fulfillment_orders f where f.order_id = o.id)
		and not exists (select 1 from order_lines l where l.order_id = o.id and (l.fulfilled_by <> 'seller' or l.variant_id is null))`},
	{"no fulfillment sends more than was ordered", `select l.id from order_lines l join fulfillment_lines f on f.order_line_id = l.id join fulfillment_orders o on o.id = f.fulfillment_id
		where l.parts is null and o.state not in ('cancelled', 'moved', 'rejected') group by l.id, l.ordered having sum(f.quantity) > l.ordered`},
	// Invariant 4: money.
	{"money of complete orders balances", `select o.id from orders o where o.money = 'complete' and o.difference = 0
		and o.total <> (select coalesce(sum(l.total), 0) from order_lines l where l.order_id = o.id) + (select coalesce(sum(c.total), 0) from order_charges c where c.order_id = o.id)`},
	{"both views of the money agree", `select id from orders where owed <> total + discount_channel - tax_channel`},
	{"refunds of ours stay below what was captured", `select r.order_id from refunds r where r.origin = 'ours' and r.state <> 'refused' group by r.order_id
		having sum(r.amount) > (select coalesce(sum(p.captured), 0) from order_payments p where p.order_id = r.order_id)`},
	// Invariant 5: outside effects.
	{"what was handed over has left the stock once", `select s.id from dispatch_shipments s where s.handed_over_at is not null and s.state <> 'cancelled'
		and (select coalesce(sum(-m.delta), 0) from stock_movements m where m.reference_kind = 'shipment' and m.reference_id = s.id)
		<> (select coalesce(sum(d.quantity), 0) from dispatch_lines d where d.shipment_id = s.id)`},
	{"every shipped unit is in a shipment", `select l.id from order_lines l join orders o on o.id = l.order_id where o.ours and o.mode <> 'shadow' and l.fulfilled_by = 'seller' and l.ships
		and l.parts is null and l.shipped > 0 and l.shipped <> (select coalesce(sum(d.line_quantity), 0) from dispatch_lines d join dispatch_shipments s on s.id = d.shipment_id
		where d.order_line_id = l.id and s.handed_over_at is not null and s.state <> 'cancelled')`},
	{"nothing told is left half-way", `select id from tells where state = 'running'`},
	{"no job is left half-way", `select id from jobs where state = 'running'`},
	{"an unknown outcome waits for a person", `select t.id from tells t where t.state = 'unknown' and not exists (select 1 from exceptions e where e.order_id = t.order_id)`},
	// Invariant 7: who did what.
	{"every order is explained by somebody", `select id from order_history where actor = '' or source = ''`},
	{"the audit log names who did what", `select id from audit_log where actor = '' or action = ''`},
}
