package fulfillment

import (
	"strings"

	"github.com/openclaw-pos/commerce/platform/db"
)

// OrdersAt are the orders that a branch or warehouse sends something of, or has sent.
func OrdersAt(location string) db.Cut {
	return db.Cut{
		Set:  `select order_id from fulfillment_orders where location_id = ? and state not in ('moved', 'rejected', 'cancelled')`,
		Has:  `select 1 from fulfillment_orders fa where fa.location_id = ? and fa.state not in ('moved', 'rejected', 'cancelled') and fa.order_id = {id}`,
		Args: []any{location},
	}
}

// OrdersIn are the orders of which a fulfillment order is in one of these states.
func OrdersIn(states ...string) db.Cut {
	in := `state in (` + strings.TrimSuffix(strings.Repeat("?, ", len(states)), ", ") + `)`
	c := db.Cut{Set: `select order_id from fulfillment_orders where ` + in, Has: `select 1 from fulfillment_orders fi where fi.` + in + ` and fi.order_id = {id}`}
	for _, s := range states {
		c.Args = append(c.Args, s)
	}
	return c
}
