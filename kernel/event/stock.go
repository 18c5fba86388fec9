package event

// Internal event types of stock.
const (
	StockRefilled = "stock.refilled" // stock came for units an order was short of
	StockShort    = "stock.short"    // a fact (count, till sale, short pick, damage) took units an order had reserved
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
