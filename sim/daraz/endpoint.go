package daraz

// endpoint is one API of the gateway.
type endpoint struct {
	methods string // "GET", "POST" or both
	open    bool   // a token call: no access_token wanted
	ref     string // the parameter that names what the call is about
	do      func(*call) (answer, error)
}

// endpoints are the APIs that exist under this configuration; every other path is InvalidApiPath.
func endpoints(cfg Config) map[string]endpoint {
	const get, post, both = "GET", "POST", "GET POST"
	all := map[string]endpoint{
		"/auth/token/create":  {both, true, "", (*call).tokenCreate},
		"/auth/token/refresh": {both, true, "", (*call).tokenRefresh},
		"/seller/get":         {get, false, "", (*call).sellerGet},

		"/orders/get":             {get, false, "", (*call).ordersGet},
		"/order/get":              {get, false, "order_id", (*call).orderGet},
		"/order/items/get":        {get, false, "order_id", (*call).orderItemsGet},
		"/orders/items/get":       {get, false, "order_ids", (*call).ordersItemsGet},
		"/order/logistic/get":     {get, false, "order_id", (*call).orderLogisticGet},
		"/logistic/order/trace":   {get, false, "order_id", (*call).logisticTrace},
		"/order/document/get":     {get, false, "order_item_ids", (*call).documentGet},
		"/shipment/providers/get": {get, false, "", (*call).providersGet},

		"/order/shipment/providers/get":      {both, false, "", (*call).orderProvidersGet},
		"/order/fulfill/pack":                {post, false, "", (*call).pack},
		"/order/package/document/get":        {both, false, "", (*call).packageDocument},
		"/order/package/rts":                 {post, false, "", (*call).readyToShip},
		"/order/package/repack":              {both, false, "", (*call).repack},
		"/order/package/sof/delivered":       {post, false, "", (*call).ownFleetDelivered},
		"/order/package/sof/failed_delivery": {post, false, "", (*call).ownFleetFailed},
		"/order/invoice_number/set":          {post, false, "order_item_id", (*call).invoiceNumber},

		"/products/get":                  {get, false, "", (*call).productsGet},
		"/product/item/get":              {get, false, "item_id", (*call).productItemGet},
		"/product/price_quantity/update": {post, false, "", (*call).priceQuantity},
		"/product/update":                {post, false, "", (*call).productUpdate},
		"/product/deactivate":            {post, false, "", (*call).productDeactivate},

		"/finance/transaction/details/get": {get, false, "", (*call).transactions},
		"/finance/payout/status/get":       {get, false, "", (*call).payouts},
	}
	add := func(more map[string]endpoint) {
		for path, ep := range more {
			all[path] = ep
		}
	}
	if cfg.Cancel == PathsBoth || cfg.Cancel == PathsNew {
		add(map[string]endpoint{
			"/order/reverse/cancel/validate":      {get, false, "order_id", (*call).cancelValidate},
			"/order/reverse/cancel/create":        {get, false, "order_id", (*call).cancelCreate},
			"/order/reverse/cancel/seller/decide": {get, false, "reverse_order_id", (*call).cancelDecide},
		})
	}
	if cfg.Cancel == PathsBoth || cfg.Cancel == PathsLegacy {
		add(map[string]endpoint{
			"/order/cancel":             {both, false, "order_item_id", (*call).cancelLegacy},
			"/order/failure_reason/get": {get, false, "", (*call).failureReasons},
		})
	}
	if !cfg.NoReverse {
		add(map[string]endpoint{
			"/reverse/getreverseordersforseller":      {both, false, "trade_order_id", (*call).reverseList},
			"/order/reverse/return/detail/list":       {get, false, "reverse_order_id", (*call).reverseDetail},
			"/order/reverse/return/history/list":      {get, false, "reverse_order_line_id", (*call).reverseHistory},
			"/order/reverse/reason/list":              {get, false, "reverse_order_line_id", (*call).reverseReasons},
			"/order/reverse/return/update":            {both, false, "reverse_order_id", (*call).reverseUpdate},
			"/order/reverse/onlyrefund/seller/decide": {both, false, "reverse_order_id", (*call).onlyRefundDecide},
		})
	}
	if !cfg.NoSellable {
		add(map[string]endpoint{
			"/product/stock/sellable/update": {post, false, "", (*call).sellableUpdate},
			"/product/stock/sellable/adjust": {post, false, "", (*call).sellableAdjust},
		})
	}
	return all
}
