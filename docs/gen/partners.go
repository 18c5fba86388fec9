package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	channels "github.com/openclaw-pos/commerce/channel/all"
	"github.com/openclaw-pos/commerce/courier"
	couriers "github.com/openclaw-pos/commerce/courier/all"
	courierdemo "github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/gateway"
	gateways "github.com/openclaw-pos/commerce/gateway/all"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// fixed is a moment for adapters that are opened only to see what they can do.
func fixed() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }

// nothing stands in for our own side of adapters that have one; it is never asked.
type nothing struct{}

func (nothing) Placed(context.Context, string, channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(func(channel.Change, error) bool) {}
}

func (nothing) One(context.Context, string, string) (channel.Change, error) {
	return channel.Change{}, errors.New("there are no orders here")
}

func (nothing) Claim(context.Context, string, string, string, string) error { return nil }

// channelPages is docs/channels.md.
func channelPages(string) ([]page, error) {
	var b strings.Builder
	b.WriteString(header + "# Channels\n\nWhere we sell. Each is one package under `channel/`, declared by its `Kind`; `openclaw-commerce channel kinds` lists the same. " +
		"Capabilities are derived from the code of the adapter, not declared. A source that begins channel-NAME.md is a section of the project's notes on the partner, which name the partner's own page. " +
		"How to add one: [CONTRIBUTING](../CONTRIBUTING.md).\n\n")
	for _, k := range channels.With(nothing{}) {
		values, err := fill(channelSettings(k))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		country := "PK"
		if len(k.Countries) > 0 {
			country = k.Countries[0]
		}
		c, err := k.Open(channel.Config{Account: "docs", Country: country, Settings: values, Secret: secret, HTTP: &http.Client{}, Now: fixed, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			return nil, fmt.Errorf("%s cannot be opened: %w", k.Name, err)
		}
		if err := writeChannel(&b, k, channel.CanOf(c)); err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
	}
	return []page{{"docs/channels.md", []byte(strings.TrimRight(b.String(), "\n") + "\n")}}, nil
}

func channelSettings(k channel.Kind) []partner.Setting {
	all := make([]partner.Setting, len(k.Settings))
	for i, s := range k.Settings {
		all[i] = partner.Setting(s)
	}
	return all
}

func writeChannel(b *strings.Builder, k channel.Kind, can channel.Can) error {
	fmt.Fprintf(b, "## %s\n\n`%s`, package `channel/%s`", k.Title, k.Name, k.Name)
	if k.Docs != "" {
		fmt.Fprintf(b, ", [their documentation](%s)", k.Docs)
	}
	fmt.Fprintf(b, ".\n\n| | |\n|---|---|\n| Countries | %s |\n", anyOf(k.Countries))
	does, err := abilities(can, channelWords)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "| Stock | %s |\n| Labels | %s |\n| Limits | %s |\n| Can | %s |\n", stockWords[k.Stock], parcelWords[k.Parcels], channelLimits(k.Limits), does)
	writeSettings(b, channelSettings(k))
	b.WriteString("\n### Statuses\n\nA word that is not listed is kept as it is and means Unknown; it never moves an order.\n\n| Of | Theirs | Ours | Where it stands |\n|---|---|---|---|\n")
	for _, r := range k.Statuses {
		fmt.Fprintf(b, "| %s | `%s` | %s | %s |\n", r.Axis, cell(r.Theirs), r.Ours, cell(r.Source))
	}
	writeUnverified(b, k.Unverified, channelSettings(k))
	if len(k.Unused) > 0 {
		fmt.Fprintf(b, "### Calls that are not made\n\n- %s\n\n", strings.Join(k.Unused, "\n- "))
	}
	return nil
}

var stockWords = map[channel.StockMeaning]string{
	channel.StockNone:      "No number of ours is shown there.",
	channel.StockAvailable: "Their number is what can still be sold: our promise is pushed as it is.",
	channel.StockTotal:     "Their number includes their own open units: our promise plus what they already hold back is pushed.",
}

var parcelWords = map[channel.ParcelSource]string{
	channel.ParcelOurs:   "Ours: we book the courier and tell the tracking number.",
	channel.ParcelTheirs: "Theirs: courier, tracking number and label come from the channel at pack.",
}

var channelWords = map[string]string{
	"Webhook": "takes webhooks", "List": "reads listings", "SetStock": "sets stock", "ReadStock": "reads stock back", "SetPrice": "sets prices", "Acknowledge": "acknowledges orders",
	"Pack": "packs and gets label and waybill", "Ship": "tells hand-over and tracking", "Complete": "tells delivered and cash paid", "Cancel": "cancels", "DecideCancel": "answers wishes to cancel",
	"Refund": "refunds", "ReadReturns": "reads returns", "DecideReturn": "decides returns", "Unpack": "takes packing back", "Retrack": "corrects a tracking number that it told", "OpenReturn": "opens returns that were agreed here", "ReadBuyer": "reads personal data on purpose", "RefreshToken": "makes and renews tokens",
	"Find": "finds an effect by our reference", "Identify": "says whose shop it is", "Subscribe": "makes and mends webhook subscriptions", "Settle": "reads settlements",
}

// courierPages is docs/couriers.md.
func courierPages(string) ([]page, error) {
	var b strings.Builder
	b.WriteString(header + "# Couriers\n\nWho carries. Each is one package under `courier/`. How to add one: [CONTRIBUTING](../CONTRIBUTING.md).\n\n")
	for _, k := range couriers.With(nothing{}, courierdemo.New(fixed)) {
		values, err := fill(k.Settings)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		c, err := k.Open(partnerConfig(k.Countries, values))
		if err != nil {
			return nil, fmt.Errorf("%s cannot be opened: %w", k.Name, err)
		}
		does, err := abilities(courier.CanOf(c), courierWords)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		writeHead(&b, "courier", k.Name, k.Title, k.Docs)
		fmt.Fprintf(&b, "| Collects in | %s |\n| Cash on delivery | %s |\n| Limits | %s |\n| Can | book, track%s |\n", anyOf(k.Countries), cash(k.Cash), limits(k.Limits), after(does))
		writeSettings(&b, k.Settings)
		if len(k.Statuses) > 0 {
			b.WriteString("\n### Statuses\n\n| Theirs | Ours | Leg | Reason | Where it stands |\n|---|---|---|---|---|\n")
			for _, r := range k.Statuses {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", cell(r.Theirs), r.Ours, r.Leg, r.Reason, cell(r.Source))
			}
		}
		writeUnverified(&b, k.Unverified, k.Settings)
	}
	b.WriteString("## What the statuses mean\n\n| Status | | Carried | Ends | Leg |\n|---|---|---|---|---|\n")
	for _, m := range courier.Meanings() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.Status, m.Text, yes(m.Carried), yes(m.Terminal), m.Leg)
	}
	return []page{{"docs/couriers.md", []byte(b.String())}}, nil
}

var courierWords = map[string]string{
	"Find": "find a booking by our reference", "Quote": "quote", "Label": "fetch labels", "Pickup": "order a pickup", "Manifest": "make a manifest", "Cancel": "call off", "Advise": "take advice on a parcel it could not deliver",
	"ReadCases": "tell which parcels wait for advice", "Webhook": "push scans", "Remit": "report remittances of cash", "ReadCities": "list its cities", "RefreshToken": "make and renew tokens",
}

// gatewayPages is docs/gateways.md.
func gatewayPages(string) ([]page, error) {
	var b strings.Builder
	b.WriteString(header + "# Payment providers\n\nWho takes the money of our own web shop. Each is one package under `gateway/`; a marketplace takes its buyers' money itself.\n\n")
	for _, k := range gateways.Kinds {
		values, err := fill(k.Settings)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		g, err := k.Open(partnerConfig(k.Countries, values))
		if err != nil {
			return nil, fmt.Errorf("%s cannot be opened: %w", k.Name, err)
		}
		does, err := abilities(gateway.CanOf(g), gatewayWords)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		writeHead(&b, "gateway", k.Name, k.Title, k.Docs)
		duty := "authorize, capture, refund, void"
		if k.Cash {
			duty = "authorize, void; that the cash came is confirmed by courier, till or statement, and it goes back through a payout list"
		}
		fmt.Fprintf(&b, "| Countries | %s |\n| Currencies | %s |\n| Collected at the door | %s |\n| Limits | %s |\n| Can | %s%s |\n", anyOf(k.Countries), anyOf(k.Currencies), yes(k.Cash), limits(k.Limits), duty, after(does))
		writeSettings(&b, k.Settings)
		b.WriteString("\n### Statuses\n\n| Theirs | Ours | Where it stands |\n|---|---|---|\n")
		for _, r := range k.Statuses {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", cell(r.Theirs), r.Ours, cell(r.Source))
		}
		writeUnverified(&b, k.Unverified, k.Settings)
	}
	return []page{{"docs/gateways.md", []byte(b.String())}}, nil
}

var gatewayWords = map[string]string{
	"Find": "find a payment by our reference", "Read": "read a payment again", "Webhook": "push what happened", "RefreshToken": "make and renew tokens",
}

func partnerConfig(countries []string, values map[string]string) partner.Config {
	country := "PK"
	if len(countries) > 0 {
		country = countries[0]
	}
	return partner.Config{Account: "docs", Country: country, Settings: values, Secret: secret, HTTP: &http.Client{}, Now: fixed, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func secret(string) []string { return []string{"example"} }

// guesses are values to try where a setting has no default.
var guesses = []string{"example", "1", "example.test", "https://example.test", "PK", "PKR", "Asia/Karachi"}

// fill gives every setting a value that its own check takes, so that an adapter opens.
func fill(settings []partner.Setting) (map[string]string, error) {
	values := map[string]string{}
	for _, s := range settings {
		switch {
		case s.Secret || s.Default == "" && !s.Required:
		case s.Default != "":
			values[s.Name] = s.Default
		case len(s.Options) > 0:
			values[s.Name] = s.Options[0]
		default:
			for _, v := range guesses {
				if s.Check == nil || s.Check(v) == nil {
					values[s.Name] = v
					break
				}
			}
			if values[s.Name] == "" {
				return nil, fmt.Errorf("no guess passes the check of setting %s: add one to guesses", s.Name)
			}
		}
	}
	return values, nil
}

// abilities lists the fields of a Can that are true, in words.
func abilities(can any, words map[string]string) (string, error) {
	v := reflect.ValueOf(can)
	var all []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if words[name] == "" {
			return "", fmt.Errorf("the capability %s has no words", name)
		}
		if v.Field(i).Bool() {
			all = append(all, words[name])
		}
	}
	return strings.Join(all, ", "), nil
}

func after(does string) string {
	if does == "" {
		return ""
	}
	return ", " + does
}

func writeHead(b *strings.Builder, seam, name, title, docs string) {
	fmt.Fprintf(b, "## %s\n\n`%s`, package `%s/%s`", title, name, seam, name)
	if docs != "" {
		fmt.Fprintf(b, ", [their documentation](%s)", docs)
	}
	b.WriteString(".\n\n| | |\n|---|---|\n")
}

func writeSettings(b *strings.Builder, settings []partner.Setting) {
	if len(settings) == 0 {
		return
	}
	b.WriteString("\n### Settings\n\n| Setting | | Default |\n|---|---|---|\n")
	for _, s := range settings {
		help := "**" + s.Title + ".** " + s.Help
		if len(s.Options) > 0 {
			help += " One of " + codes(s.Options) + "."
		}
		fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", s.Name, kindOf(s), cell(help), code(s.Default))
	}
}

func kindOf(s partner.Setting) string {
	var words []string
	if s.Required {
		words = append(words, "required")
	}
	if s.Secret {
		words = append(words, "secret")
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// writeUnverified says what only a simulator could be asked, and which settings stand in for a guess.
func writeUnverified(b *strings.Builder, facts []string, settings []partner.Setting) {
	var lines []string
	for _, f := range facts {
		lines = append(lines, "- "+f)
	}
	for _, s := range settings {
		if s.Unverified != "" {
			lines = append(lines, fmt.Sprintf("- Setting `%s`: %s", s.Name, s.Unverified))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(b, "\n### Unverified against the partner\n\nOnly our simulator could be asked about these; they are taken from the sources named, or behind a setting.\n\n%s\n", strings.Join(lines, "\n"))
	}
	b.WriteString("\n")
}

func channelLimits(l channel.Limits) string {
	words := limits(partner.Limits{PerSecond: l.PerSecond, Burst: l.Burst, Concurrency: l.Concurrency, Throttled: l.Throttled})
	if l.StockBatch > 0 {
		words += fmt.Sprintf("; %d numbers of stock in one call", l.StockBatch)
	}
	return words
}

func limits(l partner.Limits) string {
	var words []string
	if l.PerSecond > 0 {
		words = append(words, fmt.Sprintf("%g requests a second", l.PerSecond))
		if l.Burst > 0 {
			words = append(words, fmt.Sprintf("%d at once", l.Burst))
		}
	}
	words = append(words, fmt.Sprintf("%d in parallel for each account", cmp.Or(l.Concurrency, 4)))
	if l.Throttled != nil {
		words = append(words, "the partner's own throttle answer is read and waited for")
	}
	return strings.Join(words, "; ")
}

func cash(rules []courier.CashRule) string {
	var all []string
	for _, r := range rules {
		words := cmp.Or(r.Currency, "any currency")
		if r.Step > 1 {
			words += fmt.Sprintf(" in steps of %d minor units", r.Step)
		}
		if !r.Max.IsNone() {
			words += ", at most " + r.Max.String()
		}
		all = append(all, words)
	}
	return cmp.Or(strings.Join(all, "; "), "none")
}

func anyOf(list []string) string { return cmp.Or(strings.Join(list, ", "), "any") }

func yes(v bool) string {
	if v {
		return "yes"
	}
	return ""
}

func codes(list []string) string { return "`" + strings.Join(list, "`, `") + "`" }

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}

// cell keeps a text inside its table cell.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}
