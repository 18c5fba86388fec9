package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Verify checks the HMAC of the raw body under any valid client secret: for an hour after a rotation Shopify may still sign with the old one. Shopify signs
// no time, so there is none to check. A delivery of another shop is refused although the app's secret signed it.
// https://shopify.dev/docs/apps/build/webhooks/subscribe/https
func (a *adapter) Verify(d channel.Delivery) (channel.Receipt, error) {
	given, err := base64.StdEncoding.DecodeString(headerOf(d.Header, "Hmac-Sha256"))
	if err != nil || len(given) != sha256.Size {
		return channel.Receipt{}, fault.New(fault.Unauthorized, "the delivery carries no signature")
	}
	if !a.signed(d.Body, given) {
		return channel.Receipt{}, fault.New(fault.Unauthorized, "the delivery's signature is wrong")
	}
	r := channel.Receipt{
		ID: headerOf(d.Header, "Webhook-Id"), Event: headerOf(d.Header, "Event-Id"), Topic: headerOf(d.Header, "Topic"), Shop: strings.ToLower(headerOf(d.Header, "Shop-Domain")),
	}
	if r.Topic == "" {
		return channel.Receipt{}, fault.New(fault.Unauthorized, "the delivery names no topic")
	}
	if r.Shop != "" && r.Shop != a.shop {
		return channel.Receipt{}, fault.New(fault.Unauthorized, "the delivery is of another shop")
	}
	return r, nil
}

func (a *adapter) signed(body, given []byte) bool {
	if a.cfg.Secret == nil {
		return false
	}
	for _, secret := range a.cfg.Secret("client_secret") {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if secret != "" && hmac.Equal(mac.Sum(nil), given) {
			return true
		}
	}
	return false
}

// headerOf reads X-Shopify-NAME, or Shopify-NAME as the newer events product calls it.
func headerOf(h http.Header, name string) string {
	if v := h.Get("X-Shopify-" + name); v != "" {
		return v
	}
	return h.Get("Shopify-" + name)
}

// orderTopics carry the whole order. https://shopify.dev/docs/api/webhooks
var orderTopics = []string{"create", "updated", "paid", "cancelled", "fulfilled", "partially_fulfilled"}

// hintBody is what the bodies of all other topics have in common.
type hintBody struct {
	ID      text   `json:"id"`
	GID     string `json:"admin_graphql_api_id"`
	OrderID text   `json:"order_id"`
	Updated text   `json:"updated_at"`
	Order   *struct {
		ID  text   `json:"id"`
		GID string `json:"admin_graphql_api_id"`
	} `json:"order"`
	OrderEdit *struct {
		OrderID text `json:"order_id"`
	} `json:"order_edit"`
	FulfillmentOrder *struct {
		ID      text `json:"id"`
		OrderID text `json:"order_id"`
	} `json:"fulfillment_order"`
	Original *struct {
		ID      text `json:"id"`
		OrderID text `json:"order_id"`
	} `json:"original_fulfillment_order"`
	Moved *struct {
		ID text `json:"id"`
	} `json:"moved_fulfillment_order"`
	ItemID    text `json:"inventory_item_id"`
	Location  text `json:"location_id"`
	Available text `json:"available"`
	Customer  *struct {
		ID text `json:"id"`
	} `json:"customer"`
	Requested []text `json:"orders_requested"`
	ToRedact  []text `json:"orders_to_redact"`
	ShopID    text   `json:"shop_id"`
}

// Hints reads a verified delivery by its topic. Bodies of orders/… are whole orders and are carried along unless this one holds something that such a body
// cannot tell, like the shares of two payments; then, and for everything that only names an order, the order is read again.
func (a *adapter) Hints(d channel.Delivery) ([]channel.Hint, error) {
	topic := strings.ToLower(headerOf(d.Header, "Topic"))
	area, what, _ := strings.Cut(topic, "/")
	var b hintBody
	if err := json.Unmarshal(d.Body, &b); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the delivery is not a JSON object of Shopify's")
	}
	switch area {
	case "orders":
		return orderHint(what, b, d.Body)
	case "refunds", "order_transactions", "fulfillments", "fulfillment_events":
		return about(channel.AboutOrder, b.order(), hintBody{}, topic)
	case "fulfillment_orders":
		return about(channel.AboutOrder, b.fulfillmentOrder(), hintBody{}, topic)
	case "returns", "reverse_fulfillment_orders", "reverse_deliveries":
		return about(channel.AboutReturn, b.returned(), hintBody{}, topic)
	case "products":
		return about(channel.AboutListing, b.id(), b, topic)
	case "inventory_levels":
		return b.stock(topic)
	case "app":
		return about(channel.AboutAccess, a.shop, hintBody{}, topic)
	case "customers", "shop":
		return b.privacy(topic)
	}
	return nil, nil
}

func orderHint(what string, b hintBody, body []byte) ([]channel.Hint, error) {
	topic := "orders/" + what
	if what == "edited" && b.OrderEdit != nil {
		return about(channel.AboutOrder, string(b.OrderEdit.OrderID), hintBody{}, topic)
	}
	hints, err := about(channel.AboutOrder, b.id(), b, topic)
	if err != nil || !slices.Contains(orderTopics, what) {
		return hints, err
	}
	if s, err := readREST(body); err == nil && len(s.blind) == 0 && !s.total.IsNone() {
		hints[0].Raw = &channel.Raw{Shape: shapeREST, Docs: []channel.Doc{{Name: docOrder, Body: body}}}
	}
	return hints, nil
}

// about is a hint about one thing. The time is taken from a body that is the thing itself: a fulfillment's own time is none of its order's.
func about(subject channel.Subject, external string, b hintBody, note string) ([]channel.Hint, error) {
	if external == "" {
		return nil, fault.New(fault.Invalid, "the delivery %s does not say what it is about", note)
	}
	h := channel.Hint{Subject: subject, External: external, Note: note}
	if at, err := time.Parse(time.RFC3339, string(b.Updated)); err == nil {
		h.Version = at.UTC()
	}
	return []channel.Hint{h}, nil
}

// stock is a hint about the number of one item at one location. One that is not tracked there has none.
func (b hintBody) stock(topic string) ([]channel.Hint, error) {
	hints, err := about(channel.AboutStock, string(b.ItemID), b, topic+" location="+string(b.Location)+" available="+string(b.Available))
	if n, bad := strconv.ParseInt(string(b.Available), 10, 64); err == nil && bad == nil {
		hints[0].Stock = &channel.Shown{Location: string(b.Location), Quantity: n}
	}
	return hints, err
}

func (b hintBody) id() string {
	if b.ID != "" {
		return tail(string(b.ID))
	}
	return tail(b.GID)
}

func (b hintBody) order() string {
	switch {
	case b.OrderID != "":
		return tail(string(b.OrderID))
	case b.Order != nil && b.Order.ID != "":
		return tail(string(b.Order.ID))
	case b.Order != nil:
		return tail(b.Order.GID)
	}
	return ""
}

// returned is the order's id where the body says it, else the gid of the return or of what belongs to it, which Order resolves.
func (b hintBody) returned() string {
	if id := b.order(); id != "" || resolvable(b.GID) == "" {
		return id
	}
	return b.GID
}

// fulfillmentOrder is the order's id where the body says it, else the fulfillment order's gid, which Order resolves.
func (b hintBody) fulfillmentOrder() string {
	if id := b.order(); id != "" {
		return id
	}
	var own text
	switch {
	case b.FulfillmentOrder != nil && b.FulfillmentOrder.OrderID != "":
		return tail(string(b.FulfillmentOrder.OrderID))
	case b.Original != nil && b.Original.OrderID != "":
		return tail(string(b.Original.OrderID))
	case b.FulfillmentOrder != nil:
		own = b.FulfillmentOrder.ID
	case b.Original != nil:
		own = b.Original.ID
	case b.Moved != nil:
		own = b.Moved.ID
	default:
		own = b.ID
	}
	if own == "" {
		return ""
	}
	return gid("FulfillmentOrder", string(own))
}

// privacy reads the three compulsory topics; a shop's other news concern nobody here. https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
func (b hintBody) privacy(topic string) ([]channel.Hint, error) {
	wishes := map[string]channel.Wish{"customers/data_request": channel.WishExport, "customers/redact": channel.WishErase, "shop/redact": channel.WishEraseShop}
	wish, known := wishes[topic]
	if !known {
		return nil, nil
	}
	who := string(b.ShopID)
	if wish != channel.WishEraseShop {
		if b.Customer == nil {
			return nil, fault.Field("customer", "is missing in %s", topic)
		}
		who = string(b.Customer.ID)
	}
	hints, err := about(channel.AboutPrivacy, who, hintBody{}, topic)
	if err != nil {
		return nil, err
	}
	hints[0].Wish = wish
	for _, id := range append(b.Requested, b.ToRedact...) {
		hints[0].Orders = append(hints[0].Orders, tail(string(id)))
	}
	return hints, nil
}
