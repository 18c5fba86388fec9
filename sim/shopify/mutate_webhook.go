package shopify

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

func webhookSubscriptionCreate(m *mutation, a args) object {
	w := &subscription{s: m.s, topic: a.text("topic"), created: m.e.at, updated: m.e.at}
	if no := m.fill(w, a.object("webhookSubscription")); no != nil {
		return no
	}
	if slices.ContainsFunc(m.s.subs, func(o *subscription) bool { return o.same(w) }) {
		return m.no("", "Address for this topic has already been taken", "webhookSubscription", "callbackUrl")
	}
	w.id = m.s.id("WebhookSubscription")
	m.s.subs = append(m.s.subs, w)
	return m.done(kv{"webhookSubscription": w})
}

func webhookSubscriptionUpdate(m *mutation, a args) object {
	id, _ := parseGID("WebhookSubscription", a.text("id"))
	w, _ := find(m.s.subs, func(w *subscription) bool { return w.id == id }).(*subscription)
	if w == nil {
		return m.no("", "Webhook subscription does not exist", "id")
	}
	changed := *w
	if no := m.fill(&changed, a.object("webhookSubscription")); no != nil {
		return no
	}
	if slices.ContainsFunc(m.s.subs, func(o *subscription) bool { return o != w && o.same(&changed) }) {
		return m.no("", "Address for this topic has already been taken", "webhookSubscription", "callbackUrl")
	}
	changed.updated = m.e.at
	*w = changed
	return m.done(kv{"webhookSubscription": w})
}

func webhookSubscriptionDelete(m *mutation, a args) object {
	id, _ := parseGID("WebhookSubscription", a.text("id"))
	n := len(m.s.subs)
	m.s.subs = slices.DeleteFunc(m.s.subs, func(w *subscription) bool { return w.id == id })
	if len(m.s.subs) == n {
		return m.no("", "Webhook subscription does not exist", "id")
	}
	return m.done(kv{"deletedWebhookSubscriptionId": gid("WebhookSubscription", id)})
}

// same says whether two subscriptions may not live side by side.
func (w *subscription) same(o *subscription) bool {
	return w.topic == o.topic && w.uri == o.uri && w.format == o.format && w.filter == o.filter && w.name == o.name
}

// fill checks and takes over what was given.
func (m *mutation) fill(w *subscription, in args) object {
	uri := in.text("uri")
	if uri == "" {
		uri = in.text("callbackUrl") // deprecated in favour of uri
	}
	if uri != "" {
		w.uri = uri
	}
	if problem := m.s.checkAddress(w.uri); problem != "" {
		return m.no("", problem, "webhookSubscription", "callbackUrl")
	}
	if f := in.text("format"); f != "" {
		w.format = f
	}
	if w.format == "" {
		w.format = "JSON"
	}
	if w.format != "JSON" {
		return m.no("", "Format must be JSON for this topic", "webhookSubscription", "format")
	}
	if in.given("includeFields") {
		w.include = in.texts("includeFields")
	}
	if w.include == nil {
		w.include = []string{}
	}
	if in.given("filter") {
		w.filter = in.text("filter")
	}
	if in.given("name") {
		w.name = in.text("name")
	}
	return nil
}

// checkAddress takes plain http of the own machine too, and elsewhere when configured, which the partner would not: a simulator's subscribers
// live there.
func (s *Shop) checkAddress(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return "Address can't be blank"
	case strings.HasPrefix(uri, "pubsub://"), strings.HasPrefix(uri, "arn:aws:events:"):
		return "Address must be an HTTP address: only HTTP deliveries are simulated"
	case err != nil || u.Host == "":
		return "Address is invalid"
	case u.Scheme == "https", u.Scheme == "http" && (s.cfg.PlainHTTP || u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1"):
		return ""
	}
	return fmt.Sprintf("Address protocol %s:// is not supported", u.Scheme)
}
