package demo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Secret is what the provider signs its webhooks with: give it as hook_secret.
const Secret = "demo-gateway-hook-secret"

// Fresh is how old a webhook may be.
const Fresh = 5 * time.Minute

// Sign signs a delivery as the provider does at d.At.
func Sign(d partner.Delivery, secret string) partner.Delivery {
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

// notice is the body of a webhook: the payment as it stands.
type notice struct {
	ID        string           `json:"id"`
	Reference string           `json:"reference"`
	State     string           `json:"state"`
	Amount    money.Amount     `json:"amount"`
	Captured  money.Amount     `json:"captured"`
	Refunded  money.Amount     `json:"refunded"`
	Method    string           `json:"method"`
	Decline   *gateway.Decline `json:"decline,omitempty"`
	Redirect  string           `json:"redirect,omitempty"`
	At        time.Time        `json:"at"`
	Expires   time.Time        `json:"expires"`
}

// Deliveries are the webhooks that the provider sends about a payment as it stands.
func (p *Provider) Deliveries(external string) []partner.Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.payments[external]
	if one == nil {
		return nil
	}
	n := notice{one.External, one.Reference, one.Raw, one.Amount, one.Captured, one.Refunded, one.Method, one.Decline, one.Redirect, one.At, one.Expires}
	body, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	h := http.Header{"X-Demo-Id": {fmt.Sprintf("%s-%d", external, p.changes[external])}}
	return []partner.Delivery{Sign(partner.Delivery{Header: h, Body: body, At: p.now()}, Secret)}
}

// Verify implements gateway.Webhooker.
func (t *till) Verify(d partner.Delivery) (partner.Receipt, error) {
	stamp := d.Header.Get("X-Demo-Time")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err == nil && d.At.Sub(time.Unix(at, 0)).Abs() <= Fresh {
		for _, secret := range t.Secrets(settingSecret) {
			if secret != "" && hmac.Equal([]byte(d.Header.Get("X-Demo-Signature")), []byte(signature(secret, stamp, d.Body))) {
				return partner.Receipt{ID: d.Header.Get("X-Demo-Id"), Topic: "payment", Signed: true}, nil
			}
		}
	}
	return partner.Receipt{}, fault.New(fault.Unauthorized, "the delivery is not signed by the demo provider")
}

// Hints implements gateway.Webhooker.
func (t *till) Hints(d partner.Delivery) ([]gateway.Hint, error) {
	var n notice
	if err := json.Unmarshal(d.Body, &n); err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("%T", err), "the delivery is no payment")
	}
	if n.ID == "" || n.Amount.IsNone() {
		return nil, fault.Field("id", "or the amount is missing")
	}
	p := gateway.Payment{
		External: n.ID, Reference: n.Reference, State: state(n.State), Raw: n.State, Amount: n.Amount, Captured: n.Captured, Refunded: n.Refunded, Method: n.Method,
		Decline: n.Decline, Redirect: n.Redirect, At: n.At.UTC(), Expires: n.Expires.UTC(),
	}
	return []gateway.Hint{{External: n.ID, Reference: n.Reference, Payment: &p}}, nil
}
