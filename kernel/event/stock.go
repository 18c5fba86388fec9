package event

// Internal event types of stock and catalog.
const (
	StockRefilled = "stock.refilled" // stock came for units an order was short of
	StockShort    = "stock.short"    // a fact (count, till sale, short pick, damage) took units an order had reserved
	ListingMapped = "listing.mapped" // a listing got its SKU: the orders that waited for it can go on
)

// StockFact is the body of StockRefilled and StockShort. Partition is the order's.
type StockFact struct {
	ShortageID string `json:"shortage_id"`
	OrderID    string `json:"order_id"`
	Holder     string `json:"holder"` // line
	HolderID   string `json:"holder_id"`
	Variant    string `json:"variant"`
	LocationID string `json:"location_id"`
	Quantity   int64  `json:"quantity"`        // units that came, or were taken
	Remaining  int64  `json:"remaining"`       // units the holder is short of now
	Cause      string `json:"cause,omitempty"` // what took them: till_sale, count, …
}

// ListingFact is the body of ListingMapped.
type ListingFact struct {
	ListingID string `json:"listing_id"`
	AccountID string `json:"account_id"`
	Variant   string `json:"variant"`
	SKU       string `json:"sku"`
}
