package daraz

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// Push message types that this marketplace sends. Daraz publishes a sample of 14 only; the others are Lazada's (channel-daraz §1.12).
const (
	TypeOrder   = 0  // a unit changed its status
	TypeToken   = 8  // a token ends within 48 hours
	TypeReverse = 10 // a reverse order line changed
	TypePackage = 14 // a package changed
)

// Push says how the Dazop Message Service speaks. Per app there is one callback; every message is about one order line.
type Push struct {
	URL    string        // nothing is sent while it is empty; SetCallback sets it later
	Off    bool          // start silent
	Types  []int         // all four when empty
	Budget time.Duration // what the callback has to answer 200 in; 500 ms when zero
	Scale  float64       // real waits are 12 × 30 minutes; a factor on them, 1 when zero
	Site   SiteStyle
}

// SiteStyle is how the field site is written.
type SiteStyle string

// Spellings of site that were seen.
const (
	SiteMixed SiteStyle = "mixed" // per message type one of the three; the default
	SiteLower SiteStyle = "lower" // daraz_pk
	SiteUpper SiteStyle = "upper" // DARAZ_PK
	SiteDash  SiteStyle = "dash"  // daraz-pk
)

func (p Push) filled() Push {
	if len(p.Types) == 0 {
		p.Types = []int{TypeOrder, TypeToken, TypeReverse, TypePackage}
	}
	p.Budget = or(p.Budget, 500*time.Millisecond)
	p.Site = or(p.Site, SiteMixed)
	return p
}

// SignPush is the Authorization header of a push: HMAC-SHA256 over the app key and the raw body, in lower-case hex (Lazada docId 120168).
func SignPush(key, secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, key) //nolint:errcheck // a hash never fails
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func newOutbox(m *Market) *sim.Outbox {
	retries := make([]time.Duration, 12)
	for i := range retries {
		retries[i] = 30 * time.Minute
	}
	return sim.NewOutbox(sim.OutboxConfig{
		Client: m.cfg.Client, Timeout: m.cfg.Push.Budget, Retries: retries, Scale: m.cfg.Push.Scale,
		Accept: func(status int) bool { return status == http.StatusOK },
		Faults: m.faults, Record: m.record, Now: m.now, Log: m.log, Seed: m.cfg.Seed,
	})
}

// Outbox is the push sender; its Idle waits until nothing is left to send.
func (m *Market) Outbox() *sim.Outbox { return m.outbox }

// SetCallback is the app's console: where pushes go, "" for nowhere.
func (m *Market) SetCallback(url string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.callback = url
}

// Pushing switches pushes on or off; what happens while they are off is never pushed later.
func (m *Market) Pushing(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pushing = on
}

// send queues one message, unless nobody listens or the shop's token has ended.
func (m *Market) send(s *Shop, kind int, ref string, fields map[string]any) {
	if !m.pushing || !slices.Contains(m.cfg.Push.Types, kind) || (kind != TypeToken && !m.connected(s)) {
		return
	}
	now := m.now()
	// Seconds or milliseconds depend on the type of the message.
	stamp := now.UnixMilli()
	if kind == TypePackage || kind == TypeToken {
		stamp = now.Unix()
	}
	body, err := json.Marshal(map[string]any{
		"seller_id": s.seller.ID, "message_type": kind, "data": fields, "timestamp": stamp, "site": m.site(kind),
	})
	if err != nil {
		m.log.Error("simulator", "error", err)
		return
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("Authorization", SignPush(m.cfg.AppKey, m.cfg.AppSecret, body))
	d := sim.Delivery{Topic: Topic(kind), Ref: ref, URL: m.callback, Header: h, Body: body}
	if o := s.byID[ref]; o != nil {
		o.messages = append(o.messages[max(0, len(o.messages)-messagesKept+1):], d)
	}
	if m.callback != "" {
		m.outbox.Send(d)
	}
}

// Topic is the name of a push type in the record and for faults: "push/0".
func Topic(kind int) string { return "push/" + strconv.Itoa(kind) }

func (m *Market) site(kind int) string {
	style := m.cfg.Push.Site
	if style == SiteMixed {
		style = []SiteStyle{SiteLower, SiteUpper, SiteDash}[kind%3]
	}
	switch style {
	case SiteUpper:
		return strings.ToUpper(m.venture.site)
	case SiteDash:
		return strings.ReplaceAll(m.venture.site, "_", "-")
	}
	return m.venture.site
}

func (m *Market) pushUnit(u *unit) {
	m.send(u.order.shop, TypeOrder, u.order.id, map[string]any{
		"order_status": u.status, "trade_order_id": u.order.id, "trade_order_line_id": u.id, "status_update_time": u.updated.Unix(),
		"buyer_id": u.order.buyer.ID,
	})
}

func (m *Market) pushPackage(p *parcel, status string) {
	m.send(p.order.shop, TypePackage, p.order.id, map[string]any{
		"trade_order_id": p.order.id, "buyer_id": p.order.buyer.ID, "fulfillment_package_id": p.id, "status": status,
		"status_update_time": m.second().Unix(),
	})
}

func (m *Market) pushReverse(r *reverse, l *reverseLine, status string) {
	m.send(r.order.shop, TypeReverse, r.order.id, map[string]any{
		"reverse_status": status, "reverse_order_id": r.id, "reverse_order_line_id": l.id, "trade_order_id": r.order.id,
		"trade_order_line_id": l.unit.id, "buyer_id": r.order.buyer.ID, "status_update_time": r.modified.Unix(),
	})
}

func (m *Market) pushToken(g *grant) {
	m.send(g.shop, TypeToken, g.shop.seller.ID, map[string]any{
		"app_key": m.cfg.AppKey, "expire_time": g.accessUntil.Unix(), "seller_id": g.shop.seller.ID, "country": m.cfg.Venture,
	})
}
