package shopify

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// resources are the first halves of topics that hold an underscore themselves; all others end at their first one.
var resources = []string{
	"ORDER_TRANSACTIONS", "FULFILLMENT_ORDERS", "FULFILLMENT_EVENTS", "FULFILLMENT_HOLDS", "INVENTORY_LEVELS", "INVENTORY_ITEMS",
	"REVERSE_FULFILLMENT_ORDERS", "REVERSE_DELIVERIES", "BULK_OPERATIONS", "TENDER_TRANSACTIONS", "DRAFT_ORDERS", "PRODUCT_LISTINGS",
	"COLLECTION_LISTINGS", "CUSTOMER_PAYMENT_METHODS", "SELLING_PLAN_GROUPS", "SUBSCRIPTION_CONTRACTS", "PAYMENT_TERMS", "PAYMENT_SCHEDULES",
}

// wireTopic is a topic as the header spells it: ORDERS_CREATE becomes orders/create.
func wireTopic(topic string) string {
	for _, r := range resources {
		if rest, ok := strings.CutPrefix(topic, r+"_"); ok {
			return strings.ToLower(r + "/" + rest)
		}
	}
	resource, rest, _ := strings.Cut(topic, "_")
	return strings.ToLower(resource + "/" + rest)
}

// Sign is the signature Shopify puts on a webhook: base64 of the HMAC-SHA256 of the raw body, keyed by the app's client secret.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Shop) newOutbox() *sim.Outbox {
	return sim.NewOutbox(sim.OutboxConfig{
		Client: s.cfg.Client, Workers: s.cfg.WebhookWorkers, Timeout: s.cfg.WebhookTimeout, Retries: s.cfg.WebhookRetries, Scale: s.cfg.WebhookScale,
		Faults: s.Faults, Record: s.Record, Now: s.now, Log: s.log, Seed: s.cfg.Seed,
		Failed: s.webhookFailed,
	})
}

// webhookFailed deletes the subscription: that is what eight failed retries of one delivery come to.
func (s *Shop) webhookFailed(d sim.Delivery, _ int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.ParseInt(d.Tag, 10, 64)
	n := len(s.subs)
	s.subs = slices.DeleteFunc(s.subs, func(w *subscription) bool { return w.id == id })
	if len(s.subs) < n {
		s.log.Warn("subscription deleted after repeated failures", "topic", d.Topic)
		s.Record.Add(sim.Entry{At: s.now(), Dir: sim.Out, Kind: "subscription deleted", Ref: gid("WebhookSubscription", id), Note: d.Topic})
	}
}

// tell sends what an event emitted to everybody who subscribed. Bodies are the state after the event.
func (s *Shop) tell(e *event) {
	for _, t := range e.told {
		var body []byte
		for _, w := range s.subs {
			if w.topic != t.topic {
				continue
			}
			if body == nil {
				body = encode(t.body())
			}
			s.deliver(e, t.topic, t.ref, w, body)
		}
	}
	e.told = nil
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // plain values only
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func (s *Shop) deliver(e *event, topic, ref string, w *subscription, body []byte) {
	if !w.wants(body) {
		return
	}
	if len(w.include) > 0 {
		body = only(body, w.include)
	}
	h := s.webhookHeader(e, wireTopic(topic), body)
	if w.name != "" {
		h.Set("X-Shopify-Name", w.name)
	}
	s.outbox.Send(sim.Delivery{Topic: wireTopic(topic), Ref: ref, URL: w.uri, Header: h, Body: body, Tag: fmt.Sprint(w.id)})
}

func (s *Shop) webhookHeader(e *event, topic string, body []byte) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Shopify-Captain-Hook")
	h.Set("X-Shopify-Topic", topic)
	h.Set("X-Shopify-Shop-Domain", s.cfg.Domain)
	h.Set("X-Shopify-Api-Version", s.cfg.WebhookVersion)
	h.Set("X-Shopify-Webhook-Id", s.uuid())
	h.Set("X-Shopify-Event-Id", e.id)
	h.Set("X-Shopify-Triggered-At", s.now().UTC().Format("2006-01-02T15:04:05.000000000Z"))
	h.Set("X-Shopify-Hmac-Sha256", Sign(s.signingSecret(), body))
	return h
}

// signingSecret is the newest one, or for an hour after a rotation sometimes the one before.
func (s *Shop) signingSecret() string {
	live := s.liveSecrets()
	if len(live) > 1 && s.rnd.IntN(2) == 0 {
		return live[len(live)-2]
	}
	return live[len(live)-1]
}

// wants applies the subscription's filter, Shopify's search syntax over the payload's own field names.
func (w *subscription) wants(body []byte) bool {
	if w.filter == "" {
		return true
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var doc map[string]any
	if dec.Decode(&doc) != nil {
		return true
	}
	return matches(parseSearch(w.filter), func(t term) (bool, bool) {
		values := dig(doc, strings.Split(t.field, "."))
		return slices.ContainsFunc(values, func(v any) bool { return v != nil && compareText(fmt.Sprint(v), t) }), t.field != ""
	})
}

// dig follows a dotted path; lists are looked into.
func dig(v any, path []string) []any {
	switch v := v.(type) {
	case map[string]any:
		if len(path) > 0 {
			return dig(v[path[0]], path[1:])
		}
	case []any:
		var all []any
		for _, e := range v {
			all = append(all, dig(e, path)...)
		}
		return all
	}
	if len(path) > 0 {
		return nil
	}
	return []any{v}
}

// only keeps the top-level fields named; ids are always kept, as far as the documentation tells (inferred).
func only(body []byte, fields []string) []byte {
	var doc map[string]json.RawMessage
	if json.Unmarshal(body, &doc) != nil {
		return body
	}
	for k := range doc {
		if !slices.Contains(fields, k) && k != "admin_graphql_api_id" {
			delete(doc, k)
		}
	}
	return encode(doc)
}

// Subscriptions are the webhook subscriptions that live now: wire topic to addresses.
func (s *Shop) Subscriptions() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := map[string][]string{}
	for _, w := range s.subs {
		live[wireTopic(w.topic)] = append(live[wireTopic(w.topic)], w.uri)
	}
	return live
}

// DropSubscriptions loses the subscriptions of a wire topic, or all of them for "", as happens to apps in the wild.
func (s *Shop) DropSubscriptions(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = slices.DeleteFunc(s.subs, func(w *subscription) bool { return topic == "" || wireTopic(w.topic) == topic })
}

// later lets the due jobs run although nobody calls.
func (s *Shop) later(wait time.Duration) {
	time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tick()
	})
}

// Uninstall removes the app: tokens stop working, app/uninstalled goes out, then the subscriptions are gone.
func (s *Shop) Uninstall() {
	_ = s.do(func(e *event) error {
		s.installed = false
		e.emit("APP_UNINSTALLED", gid("Shop", 68_120_000_017), s.restShop)
		s.tell(e)
		s.subs = nil
		return nil
	})
}

// Reinstall installs the app again; it has no subscriptions yet.
func (s *Shop) Reinstall() {
	_ = s.do(func(*event) error { s.installed = true; return nil })
}

// Compliance sends one of the three mandatory privacy webhooks to the configured address, or to every subscriber's when there is none:
// customers/data_request, customers/redact (both about the buyer of an order) or shop/redact.
func (s *Shop) Compliance(topic, orderID string) error {
	return s.do(func(e *event) error {
		body := kv{"shop_id": int64(68_120_000_017), "shop_domain": s.cfg.Domain}
		if topic != "shop/redact" {
			o := s.lookup(orderID)
			if o == nil || o.customer == nil {
				return fmt.Errorf("no order %s with a customer", orderID)
			}
			body["customer"] = kv{"id": o.customer.id, "email": optional(o.email), "phone": optional(o.phone)}
			if topic == "customers/redact" {
				body["orders_to_redact"] = []int64{o.id}
				o.customer.redacted = true
			} else {
				body["orders_requested"] = []int64{o.id}
				body["data_request"] = kv{"id": s.id("DataRequest")}
			}
		}
		raw := encode(body)
		for _, uri := range s.complianceAddresses() {
			s.outbox.Send(sim.Delivery{Topic: topic, Ref: s.cfg.Domain, URL: uri, Header: s.webhookHeader(e, topic, raw), Body: raw})
		}
		return nil
	})
}

func (s *Shop) complianceAddresses() []string {
	if s.cfg.ComplianceURI != "" {
		return []string{s.cfg.ComplianceURI}
	}
	var list []string
	for _, w := range s.subs {
		if !slices.Contains(list, w.uri) {
			list = append(list, w.uri)
		}
	}
	return list
}
