package shopify

import (
	"slices"
	"strings"
	"time"
)

// queryRoot is the query type.
type queryRoot struct {
	s       *Shop
	version string
}

func (q queryRoot) typeName() string { return "QueryRoot" }

func (q queryRoot) field(name string, a args) any {
	if err := q.s.allowed(name); err != nil {
		return err
	}
	s := q.s
	switch name {
	case "shop":
		return shopNode{s}
	case "currentAppInstallation":
		return s.installation()
	case "publicApiVersions":
		return s.publicVersions()
	case "order", "refund", "return", "fulfillment", "fulfillmentOrder", "product", "productVariant", "inventoryItem", "inventoryLevel", "customer", "webhookSubscription":
		typ := strings.ToUpper(name[:1]) + name[1:]
		if !strings.HasPrefix(a.text("id"), "gid://shopify/"+typ+"/") {
			return nil
		}
		return q.node(a.text("id"))
	case "orderByIdentifier":
		return q.node(a.object("identifier").text("id"))
	case "productVariantByIdentifier":
		return q.node(a.object("identifier").text("id"))
	case "location":
		if !a.given("id") {
			return s.locations[0]
		}
		return q.node(a.text("id"))
	case "node":
		return q.node(a.text("id"))
	case "nodes":
		list := []any{}
		for _, id := range a.texts("ids") {
			list = append(list, q.node(id))
		}
		return list
	case "job":
		return s.job(a.text("id"))
	}
	return q.lists(name, a)
}

func (q queryRoot) lists(name string, a args) any {
	s := q.s
	switch name {
	case "orders":
		return seek("OrderConnection", s.searchOrders(q.version, a), a)
	case "ordersCount":
		return record{"Count", kv{"count": len(s.searchOrders(q.version, a)), "precision": "EXACT"}}
	case "products":
		return seek("ProductConnection", s.searchProducts(a), a)
	case "productVariants":
		return seek("ProductVariantConnection", s.searchVariants(a), a)
	case "inventoryItems":
		return seek("InventoryItemConnection", s.searchItems(a), a)
	case "locations":
		list := []ranked{}
		for _, l := range s.locations {
			if l.active || a.flag("includeInactive") {
				list = append(list, ranked{l, pad(l.id), byKey(a, l.name, pad(l.id))})
			}
		}
		return seek("LocationConnection", list, a)
	case "fulfillmentOrders":
		return seek("FulfillmentOrderConnection", s.searchFulfillmentOrders(a), a)
	case "webhookSubscriptions":
		return seek("WebhookSubscriptionConnection", s.searchSubscriptions(a), a)
	case "webhookSubscriptionsCount":
		return record{"Count", kv{"count": len(s.subs), "precision": "EXACT"}}
	}
	return unheld
}

func byKey(a args, name, id string) string {
	if a.text("sortKey") == "ID" {
		return id
	}
	return strings.ToLower(name)
}

// node finds anything by its gid.
func (q queryRoot) node(id string) any {
	s := q.s
	rest, ok := strings.CutPrefix(id, "gid://shopify/")
	if !ok {
		return nil
	}
	typ, _, _ := strings.Cut(rest, "/")
	if typ == "InventoryLevel" {
		return s.level(id)
	}
	n, ok := parseGID(typ, id)
	if !ok {
		return nil
	}
	switch typ {
	case "Order":
		if o := s.orderByID[n]; o != nil && s.visible(o) {
			return orderNode{o, q.version}
		}
	case "Product":
		return find(s.products, func(p *product) bool { return p.id == n })
	case "ProductVariant":
		return ptr(s.variants[n])
	case "InventoryItem":
		if v := s.items[n]; v != nil {
			return item{v}
		}
	case "Location":
		return ptr(s.location(n))
	case "Customer":
		return find(s.customers, func(c *customer) bool { return c.id == n })
	case "WebhookSubscription":
		return find(s.subs, func(w *subscription) bool { return w.id == n })
	}
	return s.inOrders(typ, n, q.version)
}

// inOrders finds what only lives inside an order.
func (s *Shop) inOrders(typ string, id int64, version string) any {
	for _, o := range s.orders {
		var found any
		switch typ {
		case "Fulfillment":
			found = find(o.parcels, func(f *fulfillment) bool { return f.id == id })
		case "FulfillmentOrder":
			found = find(o.fos, func(f *fulfillmentOrder) bool { return f.id == id })
		case "Refund":
			found = find(o.refunds, func(r *refund) bool { return r.id == id })
		case "Return":
			found = find(o.returns, func(r *ret) bool { return r.id == id })
		case "LineItem":
			found = find(o.lines, func(l *line) bool { return l.id == id })
		case "OrderTransaction":
			found = find(o.txs, func(t *transaction) bool { return t.id == id })
		default:
			return nil
		}
		if found != nil {
			return found
		}
	}
	return nil
}

func find[T any](list []*T, match func(*T) bool) any {
	if i := slices.IndexFunc(list, match); i >= 0 {
		return list[i]
	}
	return nil
}

func ptr[T any](p *T) any {
	if p == nil {
		return nil
	}
	return p
}

func (s *Shop) publicVersions() []object {
	list := []object{}
	for _, v := range s.cfg.Versions {
		list = append(list, apiVersion(v, true))
	}
	return list
}

func apiVersion(v string, supported bool) object {
	return record{"ApiVersion", kv{"handle": v, "displayName": v, "supported": supported}}
}

func (s *Shop) installation() object {
	scopes := []object{}
	for sc := range strings.SplitSeq(s.scopeText(), ",") {
		scopes = append(scopes, record{"AccessScope", kv{"handle": sc, "description": sc}})
	}
	return record{"AppInstallation", kv{"id": gid("AppInstallation", 510_000_000_001), "accessScopes": scopes, "launchUrl": "https://" + s.cfg.Domain + "/admin/apps"}}
}

// job answers a running or finished job; ids of jobs that never were are null, as for any node.
func (s *Shop) job(id string) any {
	j := s.jobs[id]
	if j == nil {
		return nil
	}
	return record{"Job", kv{"id": j.id, "done": j.done, "query": nil}}
}

// shopNode is the Shop type.
type shopNode struct{ s *Shop }

func (n shopNode) typeName() string { return "Shop" }

func (n shopNode) field(name string, _ args) any {
	s := n.s
	switch name {
	case "id":
		return gid("Shop", 68_120_000_017)
	case "name":
		return s.cfg.Name
	case "myshopifyDomain":
		return s.cfg.Domain
	case "url", "storefrontUrl":
		return "https://" + s.cfg.Domain
	case "primaryDomain":
		return record{"Domain", kv{"id": gid("Domain", 91_000_000_001), "host": s.cfg.Domain, "url": "https://" + s.cfg.Domain, "sslEnabled": true}}
	case "email", "contactEmail":
		return "owner@" + s.cfg.Domain
	case "shopOwnerName":
		return s.cfg.Name
	case "currencyCode":
		return s.cfg.Currency
	case "enabledPresentmentCurrencies":
		list := []string{s.cfg.Currency}
		for c := range s.rates {
			list = append(list, c)
		}
		slices.Sort(list[1:])
		return list
	case "ianaTimezone":
		return s.cfg.TimeZone
	case "timezoneAbbreviation":
		return s.now().In(s.zone).Format("MST")
	case "timezoneOffset":
		return s.now().In(s.zone).Format("-0700")
	case "timezoneOffsetMinutes":
		_, off := s.now().In(s.zone).Zone()
		return off / 60
	case "taxesIncluded":
		return !s.cfg.TaxesExcluded
	case "taxShipping":
		return s.cfg.ShippingTaxed
	case "createdAt", "updatedAt":
		return s.created
	case "checkoutApiSupported", "setupRequired", "transactionalSmsDisabled", "marketingSmsConsentEnabledAtCheckout":
		return false
	case "orderNumberFormatPrefix":
		return "#"
	case "orderNumberFormatSuffix":
		return ""
	case "unitSystem":
		return "METRIC_SYSTEM"
	case "weightUnit":
		return "KILOGRAMS"
	case "shipsToCountries":
		return []string{s.cfg.Country}
	case "plan":
		return record{"ShopPlan", kv{"displayName": "Development", "publicDisplayName": "Development", "partnerDevelopment": true, "shopifyPlus": false}}
	case "shopAddress", "billingAddress":
		return s.shopAddress()
	}
	return unheld
}

func (s *Shop) shopAddress() object {
	addr := s.locations[0].addr
	return record{"ShopAddress", kv{
		"id": gid("ShopAddress", 68_120_000_018), "address1": addr.Address1, "city": addr.City, "countryCodeV2": s.cfg.Country, "countryCode": s.cfg.Country,
		"company": s.cfg.Name, "zip": addr.Zip, "coordinatesValidated": false, "formatted": []string{addr.Address1, addr.City, s.cfg.Country},
	}}
}

func (s *Shop) searchSubscriptions(a args) []ranked {
	topics := a.texts("topics")
	list := []ranked{}
	for _, w := range s.subs {
		if uri := a.text("uri"); uri != "" && uri != w.uri {
			continue
		}
		if url := a.text("callbackUrl"); url != "" && url != w.uri {
			continue
		}
		if format := a.text("format"); format != "" && format != w.format {
			continue
		}
		if len(topics) > 0 && !slices.Contains(topics, w.topic) {
			continue
		}
		list = append(list, ranked{w, pad(w.id), pad(w.id)})
	}
	return list
}

func (w *subscription) typeName() string { return "WebhookSubscription" }

func (w *subscription) field(name string, _ args) any {
	switch name {
	case "id":
		return gid("WebhookSubscription", w.id)
	case "legacyResourceId":
		return w.id
	case "topic":
		return w.topic
	case "uri", "callbackUrl":
		return w.uri
	case "endpoint":
		return record{"WebhookHttpEndpoint", kv{"callbackUrl": w.uri}}
	case "format":
		return w.format
	case "includeFields":
		return w.include
	case "filter":
		return optional(w.filter)
	case "name":
		return optional(w.name)
	case "apiVersion":
		return apiVersion(w.s.cfg.WebhookVersion, true)
	case "createdAt":
		return w.created
	case "updatedAt":
		return w.updated
	}
	return unheld
}

// optional is text that is null when empty.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// at is a time that may not have come.
func at(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}
