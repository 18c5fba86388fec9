// Package shopify sells through Shopify shops, over the Admin GraphQL API and its webhooks. Start at Kind for what an account needs, at order.go for how
// their order becomes ours, and at api.go for how a call is made and what can go wrong with it.
//
// Orders come in two shapes: "graphql" from poll and re-read, "rest" from webhook bodies. Both are read into one sheet (sheet.go) and become canonical
// in one place, so that one order is the same order whichever way it came. Facts are from shopify.dev and from Shopify's own schema (npm @shopify/dev-mcp).
package shopify

import (
	"cmp"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Names of settings that others read too.
const (
	SettingImportPOS  = "import_pos"  // yes or no: import orders rung up at a till of the shop
	SettingImportTest = "import_test" // yes or no: import test orders
)

// OriginPOS is Order.Origin of an order rung up at a till of the shop. https://shopify.dev/docs/api/admin-graphql/latest/objects/Order (sourceName)
const OriginPOS = "pos"

// NewestVersion is the Admin API version that accounts use unless they say otherwise. https://shopify.dev/docs/api/usage/versioning
const NewestVersion = "2026-10"

// Versions of the Admin API whose differences this package knows.
var versions = []string{"2025-10", "2026-01", "2026-04", "2026-07", NewestVersion}

// Grants an account can get its tokens by.
const (
	grantClient    = "client_credentials"
	grantRefresh   = "refresh_token"
	grantPermanent = "permanent"
)

// Kind describes the Shopify channel.
var Kind = channel.Kind{
	Name:     "shopify",
	Title:    "Shopify",
	Docs:     "https://shopify.dev/docs/api/admin-graphql",
	Settings: settings,
	Statuses: statuses,
	Fields:   fields,
	// Calls are limited by their cost in points, which every answer tells, not by their number. https://shopify.dev/docs/api/usage/limits
	Limits:  channel.Limits{Concurrency: 4, StockBatch: maxQuantities, Throttled: throttled},
	Stock:   channel.StockAvailable,
	Parcels: channel.ParcelOurs,
	Scopes:  scopes,
	Unverified: []string{
		"No live shop was called. Recorded exchanges are written from the documented shapes; queries and simulated answers are held against Shopify's own schema.",
		"Line and order totals follow from the field descriptions: price × quantity − discount allocations, plus taxes where prices exclude them.",
		"A partial cancellation is told as a refund whose lines are restocked as CANCEL; on an unpaid order it carries no transaction.",
		"A change of a return is expected to move the order's updatedAt, which is how returns are found.",
		"Shipping lines removed by an edit are taken to be out of the order's total.",
		"A body in REST shape does not say that an order is on hold; only a re-read does.",
		"Bodies of webhooks about returns, fulfillment orders and reverse fulfillment orders follow their descriptions; where one names no order, its order is looked up.",
		"HTTP 402, 403, 404, 422, 423 and 430 and the codes ACCESS_DENIED, MAX_COST_EXCEEDED, INTERNAL_SERVER_ERROR, SHOP_INACTIVE and TIMEOUT are taken by their names; no answer with them was seen.",
		"Throttling is said with HTTP 200; a few reports have it with 429, which is understood alike.",
		"The words with which the token endpoint refuses an app beyond RFC 6749 (shop_not_permitted, application_cannot_be_found, app_not_installed) were not seen in an answer.",
		"A return opened from here keeps our reference as the note of its lines, which a reading is expected to say unchanged.",
		"Units that a fulfilment service was asked to send are taken as ours to ship only where Shopify offers CREATE_FULFILLMENT.",
	},
	Unused: []string{
		"orderEditBegin … orderEditCommit: cancelling a part is told as a refund of its lines, which also works for orders that were paid.",
		"fulfillmentCancel: what was told to have left is put right by its tracking number, or by a person: a parcel that is taken back after it was told is their case.",
		"fulfillmentOrderAcceptFulfillmentRequest and its rejection: this is no fulfilment service that another app could ask.",
		"fulfillmentOrderHold: a hold here stops the parcel here; Shopify's own holds are read.",
		"inventoryAdjustQuantities: stock is set as a number compared with what was shown before, so that a lost answer can be asked again.",
		"priceListFixedPricesAdd: one price a listing; prices of Shopify's markets stay as the shop has them.",
		"bulkOperationRunQuery: a backfill pages through orders like every other reading, and can be broken off and resumed at each of them.",
		"returnRequest, returnRefund and returnReopen: a return is opened as agreed, its money goes back with a key that makes it happen once, and what is off stays off.",
	},
	Open: open,
}

var settings = []channel.Setting{
	{Name: "shop", Title: "Shop address", Help: "The shop's myshopify.com address, as in Settings > Domains.", Required: true, Check: checkShop},
	{Name: "base_url", Title: "Base URL", Help: "Where the Admin API is; {shop} stands for the shop address. Change it only for tests.", Default: "https://{shop}", Check: checkURL},
	{Name: "api_version", Title: "API version", Help: "The Admin API version to speak.", Default: NewestVersion, Options: versions},
	{
		Name: "grant", Title: "How tokens are got", Help: "client_credentials for an app of your own organisation, refresh_token for an installed app with expiring tokens, permanent for a custom app's token.",
		Default: grantClient, Options: []string{grantClient, grantRefresh, grantPermanent},
	},
	{Name: "client_id", Title: "Client id", Help: "From the app's settings in the developer dashboard."},
	{Name: "client_secret", Title: "Client secret", Help: "From the app's settings; it also proves that webhooks are Shopify's.", Required: true, Secret: true},
	{Name: "access_token", Title: "Access token", Help: "The permanent token of a custom app (shpat_…); only for the grant permanent.", Secret: true},
	{Name: "refresh_token", Title: "First refresh token", Help: "Where the grant refresh_token starts; afterwards the newest one is kept by itself.", Secret: true},
	{Name: "authorization_code", Title: "Authorization code", Help: "The code that came back from the installation page, instead of a first refresh token.", Secret: true},
	{
		Name: "cod_gateways", Title: "Cash on delivery", Help: "Names of payment methods that are cash on delivery, comma-separated; a method counts when these words are in its name.",
		Default: "cash on delivery, cod", Unverified: "Shopify has no flag for cash on delivery.",
	},
	{Name: "cod_collector", Title: "Who collects the cash", Help: "Who takes the cash at the door.", Default: string(channel.Courier), Options: []string{string(channel.Courier), string(channel.ByChannel), string(channel.Branch)}},
	{
		Name: "tip_titles", Title: "Titles of tips", Help: "A line without product whose title is one of these, comma-separated, and whose amount is the order's tip, is the tip and no goods.",
		Default: "Tip", Unverified: "Whether a tip also appears among the lines is not documented.",
	},
	{
		Name: "cash_rounding", Title: "Cash rounding", Help: "Whether Shopify's total holds the cash rounding (in_total) or stands beside it (beside).",
		Default: "in_total", Options: []string{"in_total", "beside"}, Unverified: "Which of the two holds was inferred from the field descriptions.",
	},
	{Name: SettingImportPOS, Title: "Import till orders", Help: "Whether orders rung up at a till of the shop are imported.", Default: "no", Options: []string{"yes", "no"}},
	{Name: SettingImportTest, Title: "Import test orders", Help: "Whether test orders are imported.", Default: "no", Options: []string{"yes", "no"}},
	{
		Name: "overlap_seconds", Title: "Overlap of polls", Help: "How far behind the last seen change a poll starts again, because Shopify's search index lags.",
		Default: "120", Check: checkSeconds, Unverified: "How much the index lags is not documented.",
	},
	{Name: "stock_reason", Title: "Reason of stock changes", Help: "One of Shopify's reasons for inventory changes, shown in the inventory history.", Default: "correction"},
	{
		Name: "return_disposition", Title: "Returned goods", Help: "What Shopify is told of goods that came back: NOT_RESTOCKED leaves its stock alone, because we push it; RESTOCKED adds them.",
		Default: "NOT_RESTOCKED", Options: []string{"NOT_RESTOCKED", "RESTOCKED", "PROCESSING_REQUIRED"},
	},
	{Name: "acknowledge_tag", Title: "Tag for orders taken over", Help: "A tag put on every order that has arrived here; {number} is our number. Empty = no tag."},
}

// adapter is one opened account.
type adapter struct {
	cfg      channel.Config
	log      *slog.Logger
	base     string // without a trailing slash
	shop     string // lower case
	version  string
	overlap  time.Duration
	rules    rules
	answered atomic.Pointer[string] // the API version of the latest answer
}

func open(cfg channel.Config) (channel.Channel, error) {
	a := &adapter{cfg: cfg, log: cfg.Log, shop: strings.ToLower(cfg.Setting("shop")), version: cmp.Or(cfg.Setting("api_version"), NewestVersion), rules: rulesOf(cfg)}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if err := checkShop(a.shop); err != nil {
		return nil, err
	}
	if !slices.Contains(versions, a.version) {
		return nil, fault.Field("api_version", "%q is not one of %s", a.version, strings.Join(versions, ", "))
	}
	a.base = strings.TrimSuffix(strings.ReplaceAll(cmp.Or(cfg.Setting("base_url"), "https://{shop}"), "{shop}", a.shop), "/")
	if err := checkURL(a.base); err != nil {
		return nil, err
	}
	seconds := cmp.Or(cfg.Setting("overlap_seconds"), "120")
	if err := checkSeconds(seconds); err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(seconds)
	a.overlap = time.Duration(n) * time.Second
	if cfg.HTTP == nil || cfg.Now == nil {
		return nil, fault.New(fault.Internal, "shopify: opened without an HTTP client or a clock")
	}
	return a, nil
}

// atLeast reports whether the account speaks this API version or a later one.
func (a *adapter) atLeast(version string) bool { return a.version >= version }

var shopPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+$`)

func checkShop(v string) error {
	if !shopPattern.MatchString(strings.ToLower(v)) {
		return fault.Field("shop", "%q is not a shop address like my-shop.myshopify.com", v)
	}
	return nil
}

func checkURL(v string) error {
	u, err := url.Parse(strings.ReplaceAll(v, "{shop}", "shop.test"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fault.Field("base_url", "%q is not a web address", v)
	}
	return nil
}

func checkSeconds(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 0 || n > 86400 {
		return fault.Field("overlap_seconds", "%q is not a number of seconds up to a day", v)
	}
	return nil
}

// rules are the settings that decide how an order is understood.
type rules struct {
	country   string
	cod       []string // slugs
	collector channel.Party
	tips      []string
	rounding  bool // the total holds the cash rounding
}

func rulesOf(cfg channel.Config) rules {
	r := rules{
		country: cfg.Country, collector: channel.Party(cmp.Or(cfg.Setting("cod_collector"), string(channel.Courier))),
		rounding: cfg.Setting("cash_rounding") != "beside", tips: list(cfg.Setting("tip_titles")),
	}
	for _, name := range list(cfg.Setting("cod_gateways")) {
		r.cod = append(r.cod, slug(name))
	}
	return r
}

func list(v string) []string {
	var all []string
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// slug is a name in lower case with everything but letters and digits as one underscore: "Cash on Delivery (COD)" is cash_on_delivery_cod.
func slug(name string) string {
	fields := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r < 0x80
	})
	return strings.Join(fields, "_")
}

// isCOD reports whether a gateway's name has the words of cash on delivery in it.
func (r rules) isCOD(gateway string) bool {
	name := "_" + slug(gateway) + "_"
	return slices.ContainsFunc(r.cod, func(words string) bool { return strings.Contains(name, "_"+words+"_") })
}
