package daraz

import (
	"encoding/json"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Message types of a push. Daraz publishes a sample of 14; the others are Lazada's (channel-daraz.md §1.12).
const (
	pushOrder      = 0
	pushListingQC  = 1
	pushCreated    = 3
	pushEdited     = 4
	pushDeleted    = 5
	pushLowStock   = 6
	pushToken      = 8
	pushReverse    = 10
	pushCategory   = 12 // concerns no seller
	pushShopStatus = 13
	pushPackage    = 14
	pushReview     = 21
)

// push is a message as far as we read it. It carries ids and a status, never lines or money: everything is read again.
type push struct {
	Seller iop.Scalar `json:"seller_id"`
	Type   iop.Scalar `json:"message_type"`
	Data   pushData   `json:"data"`
	Stamp  iop.Scalar `json:"timestamp"`
	Site   iop.Scalar `json:"site"`
}

type pushData struct {
	OrderID       iop.Scalar `json:"trade_order_id"`
	OrderStatus   iop.Scalar `json:"order_status"`
	Status        iop.Scalar `json:"status"`
	Package       iop.Scalar `json:"fulfillment_package_id"`
	Updated       iop.Scalar `json:"status_update_time"`
	ReverseID     iop.Scalar `json:"reverse_order_id"`
	ReverseStatus iop.Scalar `json:"reverse_status"`
	ItemID        iop.Scalar `json:"item_id"`
	ItemID2       iop.Scalar `json:"itemId"`
	ProductID     iop.Scalar `json:"product_id"`
	SkuID         iop.Scalar `json:"sku_id"`
	SellerSKU     iop.Scalar `json:"seller_sku"`
	Expires       iop.Scalar `json:"expire_time"`
}

// UnmarshalJSON takes an object, or a string that holds one; other types' data is none of ours.
func (d *pushData) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		data = []byte(text)
	}
	if len(data) == 0 || data[0] != '{' {
		return nil
	}
	type plain pushData
	return json.Unmarshal(data, (*plain)(d))
}

// skew is how far ahead of our clock Daraz's may be.
const skew = 15 * time.Minute

// Verify implements channel.Webhooker: the signature is over app key and raw body; the time that is signed with it must not be older than push_window,
// which covers Daraz's own twelve repeats over six hours. Receipt.Shop is the seller id, since an app has one callback for all its shops.
func (s *shop) Verify(d channel.Delivery) (channel.Receipt, error) {
	var secrets []string
	if s.cfg.Secret != nil {
		secrets = s.cfg.Secret("app_secret")
	}
	if !iop.VerifyPush(s.api.AppKey, secrets, d.Body, d.Header.Get("Authorization")) {
		return channel.Receipt{}, fault.New(fault.Unauthorized, "the push is not signed by Daraz for this app")
	}
	var p push
	if err := json.Unmarshal(d.Body, &p); err != nil {
		return channel.Receipt{}, &fault.Error{Kind: fault.Unauthorized, Message: "the push is no message of Daraz", Err: err}
	}
	if at, ok := p.Stamp.Time(s.zone); ok {
		window := s.duration("push_window")
		if window > 0 && d.At.Sub(at) > window || at.Sub(d.At) > skew {
			return channel.Receipt{}, fault.New(fault.Unauthorized, "the push is dated %s, and arrived at %s", at.Format(time.RFC3339), d.At.UTC().Format(time.RFC3339))
		}
	}
	return channel.Receipt{Topic: p.Type.String(), Shop: p.Seller.String()}, nil
}

// Hints implements channel.Webhooker. Types we do not act on, and types we do not know, give none.
func (s *shop) Hints(d channel.Delivery) ([]channel.Hint, error) {
	var p push
	if err := json.Unmarshal(d.Body, &p); err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Field: "body", Message: "is no message of Daraz", Err: err}
	}
	kind, ok := p.Type.Int()
	if !ok {
		return nil, fault.Field("message_type", "is missing")
	}
	at, _ := p.Data.Updated.Time(s.zone)
	listing := firstOf(p.Data.ItemID, p.Data.ItemID2, p.Data.ProductID, p.Data.SkuID, p.Data.SellerSKU)
	switch kind {
	case pushOrder, pushPackage, pushReverse:
		return p.orderHints(kind, at)
	case pushListingQC, pushCreated, pushEdited, pushDeleted:
		return []channel.Hint{{Subject: channel.AboutListing, External: listing, Version: at, Note: p.Data.Status.String()}}, nil
	case pushLowStock:
		return []channel.Hint{{Subject: channel.AboutStock, External: firstOf(p.Data.SellerSKU, p.Data.SkuID, p.Data.ItemID), Version: at}}, nil
	case pushToken:
		return []channel.Hint{{Subject: channel.AboutAccess, External: p.Seller.String(), Note: "the access token ends within 48 hours"}}, nil
	case pushShopStatus:
		return []channel.Hint{{Subject: channel.AboutAccess, External: p.Seller.String(), Version: at, Note: "the shop's status changed: " + p.Data.Status.String()}}, nil
	case pushCategory, pushReview:
		return nil, nil
	}
	return nil, nil
}

// orderHints: a push is about one unit and stands for its whole order; with a reverse order in it, also for the order's returns.
func (p push) orderHints(kind int64, at time.Time) ([]channel.Hint, error) {
	id := p.Data.OrderID.String()
	if id == "" {
		return nil, fault.Field("data.trade_order_id", "is missing")
	}
	hints := []channel.Hint{{Subject: channel.AboutOrder, External: id, Version: at, Note: firstOf(p.Data.OrderStatus, p.Data.Status, p.Data.ReverseStatus)}}
	if kind == pushReverse || p.Data.ReverseID != "" {
		hints = append(hints, channel.Hint{Subject: channel.AboutReturn, External: id, Version: at, Note: firstOf(p.Data.ReverseStatus, p.Data.OrderStatus)})
	}
	return hints, nil
}
