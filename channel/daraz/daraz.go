// Package daraz sells on Daraz in Pakistan, Bangladesh, Sri Lanka, Nepal and Myanmar through the Daraz Open Platform. Start at Kind; a Daraz
// order becomes canonical in order.go, toOrder.
//
// Daraz has no order status and no quantities: an order is a set of unit rows, each with a status of its own. It answers 200 when it refuses, its
// pushes only point at what changed, and it counts its own open units inside the stock number it is told.
package daraz

import (
	"net/http"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Kind is Daraz as a channel.
var Kind = channel.Kind{
	Name:       "daraz",
	Title:      "Daraz",
	Docs:       "https://open.daraz.com/apps/doc/doc",
	Countries:  []string{"PK", "BD", "LK", "NP", "MM"},
	Settings:   settings,
	Statuses:   statusRows,
	Fields:     fields,
	Limits:     channel.Limits{Concurrency: 4, Throttled: iop.Throttled},
	Stock:      channel.StockTotal,
	Parcels:    channel.ParcelTheirs,
	Unverified: unverified,
	Unused:     unused,
	Open:       open,
}

// unverified is what no document of Daraz itself says; documents of Lazada, whose protocol Daraz inherited, or public code stand in.
var unverified = []string{
	"No live shop was called. Recorded exchanges are written from the documented shapes; \"live\" in their sources is what others wrote down of a shop of theirs.",
	"The five ventures' currencies and time zones are inferred from their countries.",
	"Reverse orders (returns, buyers' cancels) are documented by Lazada only; their amounts are taken as hundredths.",
	"Cancelling by /order/reverse/cancel is documented by Lazada only; the older calls are a setting away.",
	"Pack, label and ready-to-ship follow Lazada's pages; public code uses the same paths on daraz.pk.",
	"Push types other than 14 are Lazada's; Daraz publishes one sample.",
	"What the buyer paid is price − voucher + shipping_fee by Lazada's formula; that cash_payment_fee comes on top is inferred.",
	"/seller/get exists on Daraz, its answer is not published; Lazada's field names are assumed.",
	"The status words processing, return_waiting_for_approval, return_shipped_by_customer and return_rejected were seen in old connectors only.",
	"Words of reverse_status between the first and the last are those of Lazada's flow.",
	"paid_price as item_price less the vouchers told is inferred, and so is that wallet_credits are a way to pay and lower no price.",
	"A code spelt E038 is taken for 38: pages and messages use both, a live answer was seen with the number.",
	"Spellings of a push's site, and its times in seconds or milliseconds, are those of Lazada's samples.",
	"Answers of the gateway that are no JSON (429, 403, 5xx, a page with 200) are documented nowhere; they are told apart by their HTTP status.",
	"Repacking follows Lazada's page: its request and its rows are taken to be those of ready to ship, by package, and its units to say repacked after it.",
	"A SKU's own verdict inside the refusal 501 is read from detail[] by seller_sku, sku_id or field; no page describes that list.",
}

// unused is what the pages list and nothing here calls.
var unused = []string{
	"/logistic/order/trace and /order/logistic/get: Daraz lists both and describes neither an answer nor the words of its events, so no scan could be told from another. " +
		"A parcel that Daraz carries is followed by the status of its units, which come with every reading and push.",
	"/product/stock/sellable/update and /adjust: Lazada's only, missing from Daraz's list of writes. Stock is set as a total, which a live shop took. " +
		"Adjusting by a difference is not repeatable: it takes no key, so that after a lost answer nobody could say whether it was counted.",
	"/order/invoice_number/set: an order of Daraz gets no invoice number here that its buyer would look for there.",
	"/order/reverse/return/history/list: a return's detail says where it stands, and our timeline says how it got there.",
	"/product/item/get, /product/update, /product/create, /product/deactivate, /product/remove, /image/upload and /image/migrate: what is offered is written in Seller Center; " +
		"deactivating cannot be taken back, so that what is not to be sold shows 0. What an update without all attributes does is documented nowhere.",
	"/shipment/providers/get: who may carry is asked for the very order.",
}

// shop is one account. Safe for concurrent use: nothing in it changes after open.
type shop struct {
	cfg      channel.Config
	api      iop.Client
	auth     iop.Client // the token calls' host, where it differs
	venture  venture
	zone     *time.Location
	currency string
	paths    map[string]string
	reasons  map[string]string // our cancel reason → the partner's reason id
	cod      map[string]bool   // payment_method words that mean cash on delivery, lower case
}

// Every capability, checked here so that a changed signature is a build error and not a lost capability.
var _ interface {
	channel.Channel
	channel.Webhooker
	channel.Lister
	channel.StockSetter
	channel.StockReader
	channel.PriceSetter
	channel.Packer
	channel.Unpacker
	channel.Shipper
	channel.Completer
	channel.Canceller
	channel.CancelDecider
	channel.ReturnReader
	channel.ReturnDecider
	channel.BuyerReader
	channel.TokenRefresher
	channel.Finder
	channel.Identifier
} = (*shop)(nil)

// open makes an account's adapter; it does no I/O.
func open(cfg channel.Config) (channel.Channel, error) {
	for _, s := range settings {
		value := cfg.Setting(s.Name)
		if s.Required && !s.Secret && value == "" {
			return nil, fault.Field(s.Name, "is missing")
		}
		if value != "" && s.Check != nil {
			if err := s.Check(value); err != nil {
				return nil, fault.Field(s.Name, "%s", fault.Message(err))
			}
		}
	}
	v, ok := ventures[cfg.Setting("venture")]
	if !ok {
		return nil, fault.Field("venture", "%q is none of pk, bd, lk, np, mm", cfg.Setting("venture"))
	}
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	s := &shop{cfg: cfg, venture: v, zone: v.zone, currency: v.currency}
	if c := cfg.Setting("currency"); c != "" {
		s.currency = c
	}
	if name := cfg.Setting("zone"); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, fault.Field("zone", "%q is no time zone", name)
		}
		s.zone = zone
	}
	s.paths, _ = parsePaths(cfg.Setting("paths"))
	s.reasons, _ = parsePairs(cfg.Setting("cancel_reasons"))
	s.cod = map[string]bool{}
	for _, word := range strings.Split(s.setting("cod_methods"), ",") {
		s.cod[strings.ToLower(strings.TrimSpace(word))] = true
	}
	s.api = iop.Client{
		Base: s.address("base_url", v.host+"/rest"), AppKey: cfg.Setting("app_key"), HTTP: cfg.HTTP, Now: cfg.Now,
		Secret: func() string { return cfg.FirstSecret("app_secret") },
	}
	s.auth = s.api
	s.auth.Base = s.address("auth_url", s.api.Base)
	return s, nil
}

func (s *shop) address(name, otherwise string) string {
	if a := strings.TrimRight(s.cfg.Setting(name), "/"); a != "" {
		return a
	}
	return otherwise
}

// setting is a setting's value, or its declared default.
func (s *shop) setting(name string) string {
	if v := s.cfg.Setting(name); v != "" {
		return v
	}
	for _, d := range settings {
		if d.Name == name {
			return d.Default
		}
	}
	return ""
}

// venture is one country's marketplace. Hosts: channel-daraz.md §1.1 [D]; currency and zone [I].
type venture struct {
	host     string
	name     string // as addresses spell the country
	country  string // ISO 3166-1 alpha-2
	currency string
	iana     string
	zone     *time.Location // none of the five changes its clocks
}

var ventures = map[string]venture{
	"pk": {"https://api.daraz.pk", "Pakistan", "PK", "PKR", "Asia/Karachi", time.FixedZone("Asia/Karachi", 5*3600)},
	"bd": {"https://api.daraz.com.bd", "Bangladesh", "BD", "BDT", "Asia/Dhaka", time.FixedZone("Asia/Dhaka", 6*3600)},
	"lk": {"https://api.daraz.lk", "Sri Lanka", "LK", "LKR", "Asia/Colombo", time.FixedZone("Asia/Colombo", 5*3600+1800)},
	"np": {"https://api.daraz.com.np", "Nepal", "NP", "NPR", "Asia/Kathmandu", time.FixedZone("Asia/Kathmandu", 5*3600+2700)},
	"mm": {"https://api.shop.com.mm", "Myanmar", "MM", "MMK", "Asia/Yangon", time.FixedZone("Asia/Yangon", 6*3600+1800)},
}

// isoCountry reads a country as Daraz writes it, by name or code; a word that is neither is the venture's own country, since no venture ships
// across a border.
func (s *shop) isoCountry(word string) string {
	for key, v := range ventures {
		if strings.EqualFold(word, v.name) || strings.EqualFold(word, key) {
			return v.country
		}
	}
	return s.venture.country
}
