package channeltest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// mini is the smallest adapter that keeps every promise. Its defect, when one is set, breaks exactly one.
type mini struct {
	channel.Config
	defect string
}

func miniKind(defect string) channel.Kind {
	k := channel.Kind{
		Name: "mini", Title: "Mini market", Docs: "https://partner.test/docs", Countries: []string{"PK"},
		Settings: []channel.Setting{
			{Name: "base_url", Title: "Address", Help: "Where the partner's API is.", Default: "https://partner.test"},
			{Name: "hook_secret", Title: "Webhook secret", Help: "Shown on the partner's page.", Required: true, Secret: true},
		},
		Statuses: []channel.StatusRow{
			{Axis: "order", Theirs: "paid", Ours: channel.Open, Source: "docs §1"},
			{Axis: "order", Theirs: "void", Ours: channel.Cancelled, Source: "docs §1"},
		},
		Limits: channel.Limits{PerSecond: 10, Throttled: throttled},
		Stock:  channel.StockTotal,
		Open:   func(c channel.Config) (channel.Channel, error) { return &mini{c, defect}, nil },
	}
	table := miniFields
	switch defect {
	case "says a value comes from elsewhere":
		table = strings.Replace(table, "buyer.name order.name", "buyer.name order.phone order.name", 1)
	case "says a value comes from nowhere":
		table = strings.Replace(table, "buyer.name order.name", "buyer.name order.nowhere order.name", 1)
	case "reads in secret":
		table = strings.Replace(table, "order.lines[].shipped", ".", 1)
	case "makes up values":
		table = strings.Replace(table, "number order.id", "", 1)
	}
	k.Fields = channel.Fields("order", table)
	switch defect {
	case "no title":
		k.Title = ""
	case "unexplained setting":
		k.Settings[0].Help = ""
	case "word with two meanings":
		k.Statuses = append(k.Statuses, channel.StatusRow{Axis: "order", Theirs: "paid", Ours: channel.Held, Source: "docs §2"})
	case "throttle unseen by the client":
		k.Limits.Throttled = nil
	case "reads while opening":
		k.Open = func(c channel.Config) (channel.Channel, error) {
			m := &mini{c, defect}
			_ = m.do(context.Background(), "GET", "/orders", nil, &wirePage{})
			return m, nil
		}
	}
	return k
}

func throttled(_ int, _ http.Header, body []byte) (time.Duration, bool) {
	var v struct {
		Code string
		Wait int64
	}
	if json.Unmarshal(body, &v) != nil || v.Code != "slow_down" {
		return 0, false
	}
	return time.Duration(v.Wait) * time.Second, true
}

// miniFields say what each value of an order is made of.
const miniFields = `
external order.id
number order.id
version order.updated
placed_at order.updated
status order.state
statuses.order order.state
country .
currency order.currency
tax_mode .
money .
total order.shipping order.lines[].price order.lines[].qty
buyer.name order.name
buyer.phone order.phone
extra.seq order.updated
charges[].kind .
charges[].amount order.shipping
charges[].total order.shipping
lines[].external = order.lines[].id
lines[].listing.sku order.lines[].sku
lines[].quantity order.lines[].qty
lines[].progress.shipped order.lines[].shipped
lines[].progress.cancelled order.lines[].cancelled
lines[].unit_price order.lines[].price
lines[].total order.lines[].price order.lines[].qty
lines[].fulfilled_by .
lines[].ships .
`

type wireOrder struct {
	ID       json.RawMessage `json:"id"` // a number that may pass 2^53
	State    string          `json:"state"`
	Updated  string          `json:"updated"`
	Currency string          `json:"currency"`
	Name     string          `json:"name"`
	Phone    string          `json:"phone"`
	Shipping json.Number     `json:"shipping"`
	Lines    []wireLine      `json:"lines"`
}

type wireLine struct {
	ID        string      `json:"id"`
	SKU       string      `json:"sku"`
	Qty       int64       `json:"qty"`
	Price     json.Number `json:"price"`
	Shipped   int64       `json:"shipped"`
	Cancelled int64       `json:"cancelled"`
}

type wirePage struct {
	Orders []json.RawMessage `json:"orders"`
	Next   string            `json:"next"`
}

func (m *mini) do(ctx context.Context, method, path string, in, out any) error {
	if m.defect == "refreshes never" {
		token, _ := m.Tokens.Access(ctx)
		return m.once(ctx, token, method, path, in, out)
	}
	err := channel.WithToken(ctx, m.Tokens, func(ctx context.Context, token string) error { return m.once(ctx, token, method, path, in, out) })
	if m.defect == "refreshes twice" && fault.Is(err, fault.Unauthorized) {
		return channel.WithToken(ctx, m.Tokens, func(ctx context.Context, token string) error { return m.once(ctx, token, method, path, in, out) })
	}
	return err
}

func (m *mini) once(ctx context.Context, token, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		body, _ = json.Marshal(in)
	}
	if m.defect == "deaf to its context" || m.defect == "is deaf to its end" {
		ctx = context.WithoutCancel(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, method, m.Setting("base_url")+path, bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "request")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	m.Log.Debug("call", "method", method, "path", path)
	if m.defect == "logs its token" {
		m.Log.Info("call", "authorization", token)
	}
	resp, err := m.HTTP.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "mini could not be reached")
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		if m.defect == "takes half an answer" {
			return nil
		}
		return fault.Wrap(fault.Unavailable, err, "mini's answer was cut")
	}
	return m.judge(resp, answer, out)
}

func (m *mini) judge(resp *http.Response, answer []byte, out any) error {
	if m.defect == "quotes answers" && resp.StatusCode >= 400 {
		return fault.New(fault.Unavailable, "mini said %s", answer)
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		if m.defect == "forgets Retry-After" {
			return fault.Wait(0, "mini asks to wait")
		}
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return fault.Wait(time.Duration(after)*time.Second, "mini asks to wait")
	case resp.StatusCode >= 500:
		if m.defect == "takes a web page for a refusal" {
			return fault.New(fault.Refused, "mini answered %d", resp.StatusCode)
		}
		return fault.New(fault.Unavailable, "mini answered %d", resp.StatusCode).WithCode(strconv.Itoa(resp.StatusCode))
	case resp.StatusCode >= 400 && resp.StatusCode != http.StatusNotFound:
		return fault.New(fault.Refused, "mini answered %d", resp.StatusCode)
	}
	var v struct{ Code string }
	if err := json.Unmarshal(answer, &v); err != nil {
		kind := fault.Unavailable
		if m.defect == "takes a web page for a refusal" {
			kind = fault.Refused
		}
		return fault.Wrap(kind, err, "mini's answer is no JSON")
	}
	if m.defect == "panics on strange answers" && bytes.Contains(answer, []byte("null")) {
		panic("null")
	}
	switch v.Code {
	case "0":
	case "slow_down":
		wait, _ := throttled(200, nil, answer)
		if m.defect == "forgets the wait" {
			wait = 0
		}
		return fault.Wait(wait, "mini asks to wait").WithCode(v.Code)
	case "token":
		return fault.New(fault.Unauthorized, "mini refuses the token").WithCode(v.Code)
	case "unknown_order", "unknown_sku":
		if m.defect == "reads ghosts" {
			return nil
		}
		return fault.New(fault.NotFound, "mini does not know it").WithCode(v.Code)
	case "":
		return fault.New(fault.Unavailable, "mini answered nonsense")
	default:
		if m.defect == "believes 200" {
			return nil
		}
		return fault.New(fault.Refused, "mini refused").WithCode(v.Code)
	}
	if out == nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, json.Unmarshal(answer, out), "mini's answer is of another shape")
}

// Orders implements channel.Channel.
func (m *mini) Orders(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		at := string(since)
		for {
			readAt := m.Now()
			var p wirePage
			if err := m.do(ctx, "GET", "/orders?since="+url.QueryEscape(at), nil, &p); err != nil {
				yield(channel.Change{}, err)
				return
			}
			for _, raw := range p.Orders {
				o, err := m.Decode(rawOf(raw))
				if err != nil {
					yield(channel.Change{}, err)
					return
				}
				at = o.Extra["seq"]
				cursor := channel.Cursor(at)
				if m.defect == "hands out the cursor of the page" {
					cursor = channel.Cursor(p.Next)
				}
				if !yield(channel.Change{External: o.External, Version: o.Version, ReadAt: readAt, Cursor: cursor, Raw: rawOf(raw)}, nil) {
					if m.defect == "yields after the end" {
						yield(channel.Change{}, nil)
					}
					return
				}
			}
			if at = p.Next; at == "" {
				return
			}
		}
	}
}

func rawOf(body []byte) channel.Raw {
	return channel.Raw{Shape: "order", Docs: []channel.Doc{{Name: "order", Body: body}}}
}

// Order implements channel.Channel.
func (m *mini) Order(ctx context.Context, external string) (channel.Change, error) {
	readAt := m.Now()
	var v struct{ Order json.RawMessage }
	if err := m.do(ctx, "GET", "/orders/"+url.PathEscape(external), nil, &v); err != nil {
		return channel.Change{}, err
	}
	o, err := m.Decode(rawOf(v.Order))
	if err != nil {
		return channel.Change{}, fault.Wrap(fault.Unavailable, err, "mini's order is of another shape")
	}
	return channel.Change{External: o.External, Version: o.Version, ReadAt: readAt, Raw: rawOf(v.Order)}, nil
}

// Decode implements channel.Channel.
func (m *mini) Decode(raw channel.Raw) (channel.Order, error) {
	body := raw.Doc("order")
	if raw.Shape != "order" {
		return channel.Order{}, fault.Field("shape", "is not known")
	}
	if m.defect == "panics on null" && bytes.Contains(body, []byte("null")) {
		panic("null")
	}
	var in wireOrder
	if err := json.Unmarshal(body, &in); err != nil {
		if m.defect == "takes nonsense" {
			return channel.Order{External: "x"}, nil
		}
		return channel.Order{}, fault.Wrap(fault.Invalid, err, "the order is no JSON of ours")
	}
	id := strings.Trim(string(in.ID), `"`)
	if id == "" || id == "null" || !money.Valid(in.Currency) {
		return channel.Order{}, fault.Field("id", "is missing")
	}
	if m.defect == "reads ids as floats" {
		f, _ := strconv.ParseFloat(id, 64)
		id = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if m.defect == "writes into the raw" && len(body) > 0 {
		defer func() { body[len(body)-1] = ' ' }()
	}
	return m.order(in, id)
}

func (m *mini) order(in wireOrder, id string) (channel.Order, error) {
	at, err := time.Parse(time.RFC3339, in.Updated)
	if err != nil {
		return channel.Order{}, fault.Wrap(fault.Invalid, err, "updated is no time")
	}
	o := channel.Order{
		External: id, Number: "#" + id, Version: at.UTC(), PlacedAt: at.UTC(), Status: channel.Unknown, Statuses: map[string]string{"order": in.State},
		Country: "PK", Currency: in.Currency, TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
		Buyer: channel.Person{Name: in.Name, Phone: in.Phone}, Extra: map[string]string{"seq": strconv.FormatInt(at.Unix(), 10)},
	}
	if m.defect == "keeps no buyer" {
		o.Buyer = channel.Person{}
	}
	known := false
	for _, row := range miniKind("").Statuses {
		if row.Theirs == in.State {
			o.Status, known = row.Ours, true
		}
	}
	if m.defect == "chokes on new words" && !known {
		return o, fault.Field("state", "is not known")
	}
	shipping, err := money.Parse(in.Shipping.String(), in.Currency)
	if err != nil {
		return o, err
	}
	o.Charges = []channel.Charge{{Kind: channel.ChargeShipping, Amount: shipping, Total: shipping}}
	o.Total = shipping
	for _, l := range in.Lines {
		line, err := m.line(l, in.Currency)
		if err != nil {
			return o, err
		}
		if o.Total, err = o.Total.Add(line.Total); err != nil {
			return o, err
		}
		o.Lines = append(o.Lines, line)
	}
	switch m.defect {
	case "adds wrongly":
		o.Total.Minor += 700
	case "loses a line":
		o.Lines = o.Lines[:min(1, len(o.Lines))]
		o.Total = o.Lines[0].Total
		o.Charges = nil
	}
	return o, nil
}

func (m *mini) line(l wireLine, currency string) (channel.Line, error) {
	price, err := money.Parse(l.Price.String(), currency)
	if m.defect == "reads amounts as floats" {
		f, _ := l.Price.Float64()
		price, err = money.Of(int64(f*100), currency), nil
	}
	if err != nil {
		return channel.Line{}, err
	}
	total, err := price.Times(l.Qty)
	if err != nil {
		return channel.Line{}, err
	}
	return channel.Line{
		External: l.ID, Listing: channel.ListingRef{SKU: l.SKU}, Quantity: l.Qty, Progress: channel.Progress{Cancelled: l.Cancelled, Shipped: l.Shipped},
		UnitPrice: price, Total: total, FulfilledBy: channel.Seller, Ships: true,
	}, nil
}

// Verify implements channel.Webhooker.
func (m *mini) Verify(d channel.Delivery) (channel.Receipt, error) {
	no := fault.New(fault.Unauthorized, "the delivery is not signed by mini")
	if m.defect == "parses before it verifies" && !json.Valid(d.Body) {
		return channel.Receipt{}, fault.New(fault.Invalid, "no JSON")
	}
	stamp := d.Header.Get("X-Mini-Time")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return channel.Receipt{}, no
	}
	if age := d.At.Sub(time.Unix(at, 0)).Abs(); age > 5*time.Minute && m.defect != "takes old deliveries" {
		return channel.Receipt{}, no
	}
	secrets := m.Secret("hook_secret")
	if m.defect == "knows one secret" {
		secrets = secrets[:1]
	}
	for _, s := range secrets {
		if hmac.Equal([]byte(d.Header.Get("X-Mini-Sign")), []byte(miniSign(s, stamp, d.Body))) || m.defect == "believes everybody" {
			r := channel.Receipt{ID: d.Header.Get("X-Mini-Id"), Topic: "order"}
			if m.defect == "makes up delivery ids" {
				r.ID = fmt.Sprint(rand.Int64())
			}
			return r, nil
		}
	}
	return channel.Receipt{}, no
}

// miniSign is used by the adapter and by the partner: here both are the test's.
func miniSign(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(stamp))
	_, _ = mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Hints implements channel.Webhooker.
func (m *mini) Hints(d channel.Delivery) ([]channel.Hint, error) {
	if m.defect == "panics on strange deliveries" && bytes.Contains(d.Body, []byte("null")) {
		panic("null")
	}
	if m.defect == "hints at nothing" {
		return nil, nil
	}
	if m.defect == "changes the delivery" {
		d.Header.Set("X-Seen", "yes")
	}
	raw := rawOf(d.Body)
	o, err := m.Decode(raw)
	if err != nil {
		return nil, err
	}
	if m.defect == "hints at another order" {
		o.External += "0"
	}
	return []channel.Hint{{Subject: channel.AboutOrder, External: o.External, Version: o.Version, Raw: &raw}}, nil
}

// SetStock implements channel.StockSetter.
func (m *mini) SetStock(ctx context.Context, levels []channel.StockLevel) ([]channel.Verdict, error) {
	var out []channel.Verdict
	for _, l := range levels {
		n := l.Quantity
		if m.defect == "shows one more" {
			n++
		}
		key := l.Key
		if m.defect == "loses its key" {
			key = fmt.Sprint(rand.Int64())
		}
		err := m.do(ctx, "POST", "/stock", map[string]any{"sku": l.Listing.SKU, "total": n, "key": key, "add": m.defect == "adds stock"}, nil)
		switch {
		case err == nil, fault.Is(err, fault.NotFound) && m.defect != "fails for one":
			out = append(out, channel.Verdict{Err: err})
		default:
			return out, err
		}
	}
	return out, nil
}

// Acknowledge implements channel.Acknowledger.
func (m *mini) Acknowledge(ctx context.Context, external, ourNumber string) error {
	return m.do(ctx, "POST", "/orders/"+external+"/ack", map[string]any{"ref": ourNumber, "again": m.defect == "acknowledges again"}, nil)
}

func (m *mini) act(ctx context.Context, act string, h channel.Handling, more map[string]any) error {
	ref := h.Reference
	if m.defect == "sends no reference" {
		ref = fmt.Sprint(rand.Int64())
	}
	in := map[string]any{"ref": ref}
	for _, q := range h.Lines {
		in["line"], in["qty"] = q.Line, q.Quantity
	}
	for k, v := range more {
		in[k] = v
	}
	return m.do(ctx, "POST", "/orders/"+h.Order+"/"+act, in, nil)
}

// Ship implements channel.Shipper.
func (m *mini) Ship(ctx context.Context, s channel.ShipNotice) (channel.ShipResult, error) {
	return channel.ShipResult{External: s.Reference}, m.act(ctx, "ship", s.Handling, map[string]any{"tracking": s.Tracking})
}

// Cancel implements channel.Canceller.
func (m *mini) Cancel(ctx context.Context, c channel.Cancellation) error {
	return m.act(ctx, "cancel", c.Handling, map[string]any{"reason": c.Reason})
}

// Refund implements channel.Refunder.
func (m *mini) Refund(ctx context.Context, r channel.RefundRequest) (channel.Refund, error) {
	if m.defect == "refunds and says nothing" {
		return channel.Refund{}, m.act(ctx, "refund", r.Handling, map[string]any{"amount": r.Amount.Decimal()})
	}
	return channel.Refund{External: r.Reference, Amount: r.Amount}, m.act(ctx, "refund", r.Handling, map[string]any{"amount": r.Amount.Decimal()})
}

// Find implements channel.Finder.
func (m *mini) Find(ctx context.Context, act string, h channel.Handling) (channel.Found, error) {
	if m.defect == "finds nothing" {
		return channel.Found{}, fault.New(fault.NotFound, "not found")
	}
	if m.defect == "finds everything" {
		return channel.Found{Kind: act, External: h.Reference}, nil
	}
	return channel.Found{Kind: act, External: h.Reference}, m.do(ctx, "GET", "/acts/"+act+"/"+h.Reference, nil, nil)
}

// RefreshToken implements channel.TokenRefresher.
func (m *mini) RefreshToken(context.Context, channel.TokenSet) (channel.TokenSet, error) {
	return channel.TokenSet{Access: fmt.Sprint(canary, rand.Int64())}, nil
}
