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

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

const settingSecret = "hook_secret"

// Secret is what the depot signs its webhooks with: give it as hook_secret.
const Secret = "demo-courier-hook-secret"

// Fresh is how old a webhook may be.
const Fresh = 10 * time.Minute

// Sign signs a delivery as the courier does at d.At.
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

// push is the body of a webhook: one scan.
type push struct {
	Tracking string       `json:"tracking"`
	Code     string       `json:"code"`
	Text     string       `json:"text"`
	Reason   string       `json:"reason,omitempty"`
	At       string       `json:"at"`
	Place    string       `json:"place"`
	Cash     money.Amount `json:"cash"`
}

// Deliveries are the webhooks of a parcel up to now, one for each scan.
func (d *Depot) Deliveries(tracking string) []partner.Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.parcels[tracking]
	if p == nil {
		return nil
	}
	var out []partner.Delivery
	for i, s := range d.scans(p, d.now()) {
		body, err := json.Marshal(push{Tracking: tracking, Code: s.Raw, Text: s.Text, Reason: string(s.Reason), At: s.RawAt, Place: s.Location, Cash: s.Cash})
		if err != nil {
			panic(err)
		}
		h := http.Header{"X-Demo-Id": {fmt.Sprintf("%s-%d", tracking, i)}}
		out = append(out, Sign(partner.Delivery{Header: h, Body: body, At: d.now()}, Secret))
	}
	return out
}

// Verify implements courier.Webhooker.
func (k *desk) Verify(d partner.Delivery) (partner.Receipt, error) {
	stamp := d.Header.Get("X-Demo-Time")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err == nil && d.At.Sub(time.Unix(at, 0)).Abs() <= Fresh {
		for _, secret := range k.Secrets(settingSecret) {
			if secret != "" && hmac.Equal([]byte(d.Header.Get("X-Demo-Signature")), []byte(signature(secret, stamp, d.Body))) {
				return partner.Receipt{ID: d.Header.Get("X-Demo-Id"), Topic: "scan", Signed: true}, nil
			}
		}
	}
	return partner.Receipt{}, fault.New(fault.Unauthorized, "the delivery is not signed by the demo courier")
}

// Hints implements courier.Webhooker.
func (k *desk) Hints(d partner.Delivery) ([]courier.Trace, error) {
	var in push
	if err := json.Unmarshal(d.Body, &in); err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("%T", err), "the delivery is no scan")
	}
	at, err := time.Parse(time.RFC3339, in.At)
	if in.Tracking == "" || err != nil {
		return nil, fault.Field("tracking", "or the time is missing")
	}
	s := courier.Scan{
		Status: status(in.Code), Raw: in.Code, Text: in.Text, Reason: courier.Reason(in.Reason), At: at.UTC(), RawAt: in.At, Location: in.Place, Cash: in.Cash,
	}
	return []courier.Trace{{Tracking: in.Tracking, Scans: []courier.Scan{s}}}, nil
}
