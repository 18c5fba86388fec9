package daraz

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

var settings = []channel.Setting{
	{Name: "venture", Title: "Country", Help: "Which Daraz the shop belongs to.", Required: true, Options: []string{"pk", "bd", "lk", "np", "mm"}},
	{Name: "app_key", Title: "App key", Help: "App Console → App Management → Basic Info.", Required: true},
	{Name: "app_secret", Title: "App secret", Help: "Beside the app key; it signs every call and proves every push.", Required: true, Secret: true},
	{Name: "code", Title: "Authorisation code", Help: "The code the seller's consent page came back with; it makes the first tokens, once, within 30 minutes.", Secret: true},
	{Name: "seller_id", Title: "Seller id", Help: "Expect this shop and refuse tokens of any other; learnt from the first token when empty."},
	{Name: "base_url", Title: "Gateway address", Help: "Only to talk to something else than the country's own gateway.", Check: checkURL},
	{
		Name: "auth_url", Title: "Token address", Help: "Where tokens are made and refreshed; the gateway's address when empty.", Check: checkURL,
		Unverified: "Daraz's own sample uses https://api.daraz.com/rest for the token calls, its endpoint tables the country's host.",
	},
	{Name: "authorize_url", Title: "Consent page", Help: "Where the seller agrees in a browser; the country's own page when empty.", Check: checkURL},

	{Name: "overlap", Title: "Overlap of order reads", Help: "How far before the last seen change each read begins again; at least 30m.", Default: "30m", Check: checkOverlap},
	{Name: "since", Title: "Read orders from", Help: "Where the very first read begins.", Default: "2012-01-01T00:00:00Z", Check: checkInstant},
	{Name: "page_size", Title: "Orders a page", Help: "At most 100.", Default: "100", Check: checkInt(1, 100)},
	{
		Name: "limit_param", Title: "Name of the page size", Help: "Which parameter carries the page size.", Default: "limit", Options: []string{"limit", "limt"},
		Unverified: "Daraz's table prints limt; a live gateway took limit.",
	},
	{
		Name: "offset_ceiling", Title: "Greatest offset", Help: "Where one listing of orders ends and a later window must begin.", Default: "5000", Check: checkInt(100, 100000),
		Unverified: "5000 is Lazada's figure.",
	},
	{Name: "items_batch", Title: "Orders per item read", Help: "At most 50.", Default: "50", Check: checkInt(1, 50), Unverified: "50 is Lazada's figure; Daraz says only that too many are refused."},

	{Name: "currency", Title: "Currency", Help: "The country's own when empty.", Check: checkCurrency, Unverified: "The country's own currency is inferred."},
	{Name: "zone", Title: "Time zone", Help: "For times without an offset; the country's own when empty.", Check: checkZone, Unverified: "That such times are local is inferred."},
	{
		Name: "cod_methods", Title: "Words for cash on delivery", Help: "Payment methods, separated by commas, that Daraz collects in cash.", Default: "COD",
		Unverified: "Daraz publishes no list of payment methods; everything else is taken as prepaid.",
	},
	{
		Name: "cash_fee", Title: "Cash payment fee", Help: "Whether cash_payment_fee comes on top of price − voucher + shipping_fee.", Default: "added", Options: []string{"added", "included"},
		Unverified: "The field is Daraz's own and has no formula.",
	},
	{
		Name: "shipping_fee", Title: "Shipping fee", Help: "Whether shipping_fee is after its discounts (net) or before them (gross).", Default: "net", Options: []string{"net", "gross"},
		Unverified: "Lazada's text says that it includes the discount.",
	},

	{Name: "ask_providers", Title: "Ask for carriers", Help: "Ask who may carry a parcel before packing it.", Default: "yes", Options: []string{"yes", "no"}, Unverified: "The list of carriers per order is Lazada's."},
	{
		Name: "shipping_allocate_type", Title: "Allocation of carriers", Help: "TFS for local sellers, NTFS across borders; what Daraz answers when asked wins.", Default: "TFS",
		Options: []string{"TFS", "NTFS"},
	},
	{Name: "shipment_provider", Title: "Carrier", Help: "Code or name of the carrier where the seller must choose; the first one offered when empty."},
	{Name: "label_format", Title: "Label", Help: "PDF, or HTML as Daraz draws it.", Default: "PDF", Options: []string{"PDF", "HTML"}},
	{
		Name: "label_api", Title: "Label call", Help: "By package, or the older call by order items.", Default: "package", Options: []string{"package", "order"},
		Unverified: "The call by package is Lazada's newer one.",
	},
	{
		Name: "cancel_api", Title: "Cancel call", Help: "The reverse-order calls, or the older one by order item.", Default: "reverse", Options: []string{"reverse", "legacy"},
		Unverified: "Daraz's own list of calls has no OrderCancelValidate; Lazada announced the older calls' end for April 2023.",
	},
	{
		Name: "cancel_reasons", Title: "Cancel reasons", Check: checkPairs,
		Help: "Reason ids of Daraz for ours, as buyer=10,out_of_stock=15; what is not named is matched by its wording, and never to a reason that empties the stock.",
	},
	{Name: "returns_days", Title: "Returns from", Help: "How many days back the very first read of returns goes.", Default: "180", Check: checkInt(1, 3650)},
	{
		Name: "reverse_amounts", Title: "Amounts of returns", Help: "Whether refund_amount counts hundredths (minor) or whole units with decimals (major).", Default: "minor", Options: []string{"minor", "major"},
		Unverified: "Hundredths are Lazada's rule.",
	},
	{Name: "push_window", Title: "Age of pushes", Help: "Older pushes are refused; Daraz repeats one for six hours. 0 takes any age.", Default: "12h", Check: checkDuration},
	{
		Name: "paths", Title: "Other paths", Check: func(v string) error { _, err := parsePaths(v); return err },
		Help:       "Calls that live elsewhere, as pack=/order/pack,rts=/order/rts.",
		Unverified: "Paths of fulfilment, cancel, returns and /seller/get are Lazada's.",
	},
}

// defaultPaths are the calls by our name for them. Sources: channel-daraz.md §1.2, §1.4, §1.7–§1.10.
var defaultPaths = map[string]string{
	"token_create": "/auth/token/create", "token_refresh": "/auth/token/refresh", "seller": "/seller/get",
	"orders": "/orders/get", "order": "/order/get", "items": "/order/items/get", "items_batch": "/orders/items/get",
	"providers": "/order/shipment/providers/get", "pack": "/order/fulfill/pack", "document": "/order/package/document/get",
	"order_document": "/order/document/get", "rts": "/order/package/rts", "repack": "/order/package/repack", "delivered": "/order/package/sof/delivered",
	"failed_delivery": "/order/package/sof/failed_delivery", "digital": "/order/digital/delivered",
	"cancel_validate": "/order/reverse/cancel/validate", "cancel_create": "/order/reverse/cancel/create",
	"cancel_decide": "/order/reverse/cancel/seller/decide", "cancel": "/order/cancel", "failure_reasons": "/order/failure_reason/get",
	"returns": "/reverse/getreverseordersforseller", "return_detail": "/order/reverse/return/detail/list", "return_reasons": "/order/reverse/reason/list",
	"return_update": "/order/reverse/return/update", "refund_decide": "/order/reverse/onlyrefund/seller/decide",
	"products": "/products/get", "price_quantity": "/product/price_quantity/update",
}

func parsePaths(text string) (map[string]string, error) {
	paths := maps.Clone(defaultPaths)
	more, err := parsePairs(text)
	if err != nil {
		return nil, err
	}
	for name, path := range more {
		if _, ok := defaultPaths[name]; !ok {
			return nil, fault.New(fault.Invalid, "no call is named %q; the names are %s", name, strings.Join(slices.Sorted(maps.Keys(defaultPaths)), " "))
		}
		if !strings.HasPrefix(path, "/") {
			return nil, fault.New(fault.Invalid, "the path of %s does not begin with a slash", name)
		}
		paths[name] = path
	}
	return paths, nil
}

// parsePairs reads name=value,name=value.
func parsePairs(text string) (map[string]string, error) {
	pairs := map[string]string{}
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok || strings.TrimSpace(name) == "" || strings.TrimSpace(value) == "" {
			return nil, fault.New(fault.Invalid, "%q is not name=value", part)
		}
		pairs[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return pairs, nil
}

func checkPairs(v string) error { _, err := parsePairs(v); return err }

func checkURL(v string) error {
	if u, err := url.Parse(v); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fault.New(fault.Invalid, "%q is no http address", v)
	}
	return nil
}

func checkDuration(v string) error {
	if d, err := time.ParseDuration(v); v != "0" && (err != nil || d < 0) {
		return fault.New(fault.Invalid, "%q is no duration like 12h", v)
	}
	return nil
}

func checkOverlap(v string) error {
	if d, err := time.ParseDuration(v); err != nil || d < 30*time.Minute || d > 7*24*time.Hour {
		return fault.New(fault.Invalid, "%q is not between 30m and 168h", v)
	}
	return nil
}

func checkInstant(v string) error {
	if _, err := time.Parse(time.RFC3339, v); err != nil {
		return fault.New(fault.Invalid, "%q is no time like 2026-01-31T00:00:00Z", v)
	}
	return nil
}

func checkInt(low, high int) func(string) error {
	return func(v string) error {
		if n, err := strconv.Atoi(v); err != nil || n < low || n > high {
			return fault.New(fault.Invalid, "%q is not between %d and %d", v, low, high)
		}
		return nil
	}
}

func checkCurrency(v string) error {
	if !money.Valid(v) {
		return fault.New(fault.Invalid, "%q is no ISO 4217 currency", v)
	}
	return nil
}

func checkZone(v string) error {
	if _, err := time.LoadLocation(v); err != nil {
		return fault.New(fault.Invalid, "%q is no time zone", v)
	}
	return nil
}

// number is a whole-number setting; its Check has been passed at open.
func (s *shop) number(name string) int {
	n, _ := strconv.Atoi(s.setting(name))
	return n
}

func (s *shop) duration(name string) time.Duration {
	d, _ := time.ParseDuration(s.setting(name))
	return d
}
