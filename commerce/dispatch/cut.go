package dispatch

import "github.com/openclaw-pos/commerce/platform/db"

// OrdersIn are the orders of which a parcel is in a state.
func OrdersIn(state string) db.Cut {
	return db.Cut{
		Set:  `select order_id from dispatch_shipments where state = ?`,
		Has:  `select 1 from dispatch_shipments ds where ds.state = ? and ds.order_id = {id}`,
		Args: []any{state},
	}
}
