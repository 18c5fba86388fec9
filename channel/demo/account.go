package demo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Secret is what the shop signs its webhooks with: give it as HookSecret.
const Secret = "demo-hook-secret"

// Fresh is how old a webhook may be.
const Fresh = 10 * time.Minute

// Sign signs a delivery as the shop does at d.At.
func Sign(d channel.Delivery, secret string) channel.Delivery {
	stamp := strconv.FormatInt(d.At.Unix(), 10)
	d.Header.Set("X-Demo-Time", stamp)
	d.Header.Set("X-Demo-Signature", signature(secret, stamp, d.Body))
	return d
}

func signature(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Deliveries are the webhooks that the shop sends about an order as it stands. The shop sends whole orders, the marketplace ids.
func (s *Shop) Deliveries(id string) []channel.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.must(id)
	body := s.document(e)
	if s.market {
		body = must(json.Marshal(note{Order: id, Version: e.order.Version}))
	}
	h := http.Header{"X-Demo-Id": {fmt.Sprintf("D-%s-%d", id, e.seq)}, "X-Demo-Topic": {"order"}}
	return []channel.Delivery{Sign(channel.Delivery{Header: h, Body: body, At: e.order.Version}, Secret)}
}

// note is what a marketplace says about an order.
type note struct {
	Order   string    `json:"order_id"`
	Version time.Time `json:"updated_at"`
}

// Verify implements channel.Webhooker.
func (b *base) Verify(d channel.Delivery) (channel.Receipt, error) {
	no := fault.New(fault.Unauthorized, "the delivery is not signed by the demo shop")
	stamp := d.Header.Get("X-Demo-Time")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || d.At.Sub(time.Unix(at, 0)).Abs() > Fresh || b.cfg.Secret == nil {
		return channel.Receipt{}, no
	}
	for _, secret := range b.cfg.Secret(HookSecret) {
		if secret != "" && hmac.Equal([]byte(d.Header.Get("X-Demo-Signature")), []byte(signature(secret, stamp, d.Body))) {
			return channel.Receipt{ID: d.Header.Get("X-Demo-Id"), Topic: d.Header.Get("X-Demo-Topic"), Shop: shopID}, nil
		}
	}
	return channel.Receipt{}, no
}

// Hints implements channel.Webhooker.
func (b *base) Hints(d channel.Delivery) ([]channel.Hint, error) {
	if b.shop.market {
		var n note
		if err := json.Unmarshal(d.Body, &n); err != nil || n.Order == "" {
			return nil, fault.Field("order_id", "is missing from the delivery")
		}
		return []channel.Hint{{Subject: channel.AboutOrder, External: n.Order, Version: n.Version}}, nil
	}
	r := raw(d.Body)
	o, err := b.Decode(r)
	if err != nil {
		return nil, err
	}
	return []channel.Hint{{Subject: channel.AboutOrder, External: o.External, Version: o.Version, Raw: &r}}, nil
}

const shopID = "demo-shop-1"

func (s *Shop) access() string { return fmt.Sprint("demo-access-", s.token) }

// RefreshToken implements channel.TokenRefresher: the access token before is dead at once.
func (b *base) RefreshToken(ctx context.Context, current channel.TokenSet) (channel.TokenSet, error) {
	if err := ctx.Err(); err != nil {
		return channel.TokenSet{}, fault.Wrap(fault.Unavailable, err, "the call was cancelled")
	}
	if b.cfg.FirstSecret(AppSecret) == "" {
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "the account has no app secret")
	}
	s := b.shop
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token++
	return channel.TokenSet{Access: s.access(), Refresh: fmt.Sprint("demo-refresh-", s.token), ExpiresAt: b.cfg.Now().Add(time.Hour), Shop: shopID}, nil
}

// BuyerOf implements channel.BuyerReader. Without a purpose it is refused.
func (b *base) BuyerOf(ctx context.Context, external, purpose string) (channel.Person, channel.Address, error) {
	var p channel.Person
	var a channel.Address
	err := b.call(ctx, "buyer", func(s *Shop) error {
		e := s.orders[external]
		switch {
		case e == nil:
			return errUnknown
		case purpose == "":
			return fault.New(fault.Forbidden, "personal data is given for a purpose only").WithCode("no_purpose")
		}
		p, a = e.order.Buyer, e.order.ShipTo
		return nil
	})
	return p, a, err
}

// zones are the business zones of the countries that the demo speaks of.
var zones = map[string]string{"PK": "Asia/Karachi", "AE": "Asia/Dubai", "DE": "Europe/Berlin"}

// Identify implements channel.Identifier.
func (b *base) Identify(ctx context.Context) (channel.Shop, error) {
	var out channel.Shop
	err := b.call(ctx, "identify", func(s *Shop) error {
		out = channel.Shop{
			ID: shopID, Name: "Demo shop", Country: s.country, Currency: s.currency, Zone: zones[s.country], Version: "1",
			Locations: []channel.Location{{External: "L-1", Name: "Demo store", Country: s.country, Active: true}},
		}
		return nil
	})
	return out, err
}

// Subscribe implements channel.Subscriber.
func (b *base) Subscribe(ctx context.Context, address string) ([]string, error) {
	var mended []string
	err := b.call(ctx, "subscribe", func(s *Shop) error {
		if !slices.Contains(s.hooks, address) {
			s.hooks = append(s.hooks, address)
			mended = []string{"order"}
		}
		return nil
	})
	return mended, err
}

// Subscriptions are the addresses that the shop would deliver to.
func (s *Shop) Subscriptions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hooks)
}
