package channeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// market is the partner that mini talks to: a transport with a memory.
type market struct {
	mu     sync.Mutex
	orders []*wireOrder
	told   map[string]*Told
	total  map[string]int64 // stock by SKU, open units included
	acts   map[string]bool  // references seen
	faults map[string]int   // by "fault/call"
}

func newMarket(testing.TB) Bench {
	return &market{told: map[string]*Told{}, total: map[string]int64{"A": 1000, "B": 1000}, acts: map[string]bool{}, faults: map[string]int{}}
}

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func (k *market) Account() Account {
	return Account{Settings: map[string]string{"base_url": partnerURL}, HTTP: &http.Client{Transport: k}, Now: func() time.Time { return start }}
}

func (k *market) Offers() []Offer {
	return []Offer{{Listing: channel.ListingRef{SKU: "A"}}, {Listing: channel.ListingRef{SKU: "B"}}}
}

func (k *market) Place(_ testing.TB, sales ...Sale) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := len(k.orders) + 1
	o := &wireOrder{
		ID: json.RawMessage(fmt.Sprint(9007199254000000 + n)), State: "paid", Updated: start.Add(time.Duration(n) * time.Second).Format(time.RFC3339),
		Currency: "PKR", Name: "Ayesha Siddiqui", Phone: "03001234567", Shipping: "150.00",
	}
	for i, s := range sales {
		o.Lines = append(o.Lines, wireLine{ID: fmt.Sprint(n*10 + i), SKU: s.Offer.Listing.SKU, Qty: s.Quantity, Price: "2499.50"})
	}
	k.orders = append(k.orders, o)
	k.told[string(o.ID)] = &Told{Refunded: money.Zero("PKR")}
	return string(o.ID)
}

func (k *market) Shown(_ testing.TB, l channel.ListingRef) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.total[l.SKU]
	for _, o := range k.orders {
		for _, line := range o.Lines {
			if line.SKU == l.SKU {
				n -= line.Qty - line.Shipped - line.Cancelled
			}
		}
	}
	return n
}

func (k *market) Told(_ testing.TB, id string) Told {
	k.mu.Lock()
	defer k.mu.Unlock()
	return *k.told[id]
}

func (k *market) Deliveries(_ testing.TB, id string) []channel.Delivery {
	k.mu.Lock()
	defer k.mu.Unlock()
	body, _ := json.Marshal(k.find(id))
	return []channel.Delivery{sign(channel.Delivery{Header: http.Header{"X-Mini-Id": {"d" + id}}, Body: body, At: start}, secretNew)}
}

func (k *market) Fault(_ testing.TB, fault, call string, times int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.faults[fault+"/"+call] = times
}

func (k *market) strikes(fault, call string) bool {
	for _, key := range []string{fault + "/", fault + "/" + call} {
		if k.faults[key] != 0 {
			k.faults[key]--
			return true
		}
	}
	return false
}

func (k *market) find(id string) *wireOrder {
	for _, o := range k.orders {
		if string(o.ID) == id {
			return o
		}
	}
	return nil
}

// RoundTrip implements http.RoundTripper.
func (k *market) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	call := map[string]string{"stock": "set-stock", "acts": "find"}[parts[0]]
	if parts[0] == "orders" && len(parts) == 3 {
		call = parts[2]
	}
	switch {
	case k.strikes(Throttle, call):
		return say(req, 200, `{"code":"slow_down","wait":3}`), nil
	case k.strikes(ServerError, call):
		return say(req, 500, `oops`), nil
	case k.strikes(HTML, call):
		return say(req, 200, page), nil
	case k.strikes(ExpiredToken, call):
		return say(req, 200, `{"code":"token"}`), nil
	}
	lost, cut := k.strikes(LostAnswer, call), k.strikes(CutBody, call)
	var in map[string]any
	if body, _ := io.ReadAll(req.Body); len(body) > 0 {
		v, err := decodeNumber(body)
		if err != nil {
			return say(req, 400, `{"code":"body"}`), nil
		}
		in = v.(map[string]any)
	}
	resp := say(req, 200, k.work(req, parts, in))
	switch {
	case lost:
		return nil, io.EOF
	case cut:
		resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, 5), broken{}))
	}
	return resp, nil
}

func say(req *http.Request, status int, body string) *http.Response {
	return answer(req, exchange{Status: status, Reply: []byte(body)})
}

func (k *market) work(req *http.Request, parts []string, in map[string]any) string {
	switch {
	case parts[0] == "stock":
		return k.stock(in)
	case parts[0] == "acts":
		if !k.acts[parts[1]+"/"+parts[2]] {
			return `{"code":"unknown_order"}`
		}
		return `{"code":"0"}`
	case len(parts) == 1:
		return k.list(req.URL.Query().Get("since"))
	}
	o := k.find(parts[1])
	if o == nil {
		return `{"code":"unknown_order"}`
	}
	if len(parts) == 3 {
		return k.act(parts[2], o, in)
	}
	body, _ := json.Marshal(o)
	return `{"code":"0","order":` + string(body) + `}`
}

func (k *market) stock(in map[string]any) string {
	sku := in["sku"].(string)
	n, _ := in["total"].(json.Number).Int64()
	if _, ok := k.total[sku]; !ok {
		return `{"code":"unknown_sku"}`
	}
	if in["add"] == true {
		n += k.total[sku]
	}
	k.total[sku] = n
	return `{"code":"0"}`
}

// list gives five orders at a time, by the second in which they changed.
func (k *market) list(since string) string {
	after, _ := strconv.ParseInt(since, 10, 64)
	out := wirePage{Orders: []json.RawMessage{}}
	for _, o := range k.orders {
		at, _ := time.Parse(time.RFC3339, o.Updated)
		if at.Unix() <= after {
			continue
		}
		if len(out.Orders) == 5 {
			break
		}
		body, _ := json.Marshal(o)
		out.Orders = append(out.Orders, body)
		out.Next = fmt.Sprint(at.Unix())
	}
	body, _ := json.Marshal(struct {
		Code string `json:"code"`
		wirePage
	}{"0", out})
	return string(body)
}

func (k *market) act(act string, o *wireOrder, in map[string]any) string {
	ref := in["ref"].(string)
	t := k.told[string(o.ID)]
	if k.acts[act+"/"+ref] && in["again"] != true {
		return `{"code":"0"}`
	}
	k.acts[act+"/"+ref] = true
	var n int64
	if q, ok := in["qty"].(json.Number); ok {
		n, _ = q.Int64()
	}
	switch act {
	case "ack":
		t.Acknowledged++
	case "ship":
		t.Shipped += n
		o.Lines[0].Shipped += n
	case "cancel":
		t.Cancelled += n
		o.Lines[0].Cancelled += n
	case "refund":
		t.Refunds++
		amount, _ := money.Parse(in["amount"].(string), "PKR")
		t.Refunded, _ = t.Refunded.Add(amount)
	}
	return `{"code":"0"}`
}

const (
	secretNew = "canary-hook-secret-new"
	secretOld = "canary-hook-secret-old"
)

func sign(d channel.Delivery, secret string) channel.Delivery {
	stamp := fmt.Sprint(d.At.Unix())
	d.Header.Set("X-Mini-Time", stamp)
	d.Header.Set("X-Mini-Sign", miniSign(secret, stamp, d.Body))
	return d
}
