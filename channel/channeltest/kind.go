package channeltest

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

func (e *env) kindCases() []conform.Case {
	return []conform.Case{
		{Name: "the_kind_describes_itself", Run: e.kindDescribes},
		{Name: "every_setting_is_explained", Run: e.settingsExplained},
		{Name: "every_status_word_has_one_meaning_and_a_source", Run: e.statusesSourced},
		{Name: "no_float_is_parsed", Run: func(tb testing.TB) { conform.NoFloat(tb, e.Source) }},
		applies("every_recording_names_its_source", e.sourcesNamed, unless(len(e.files) > 0, "no recordings")),
	}
}

var kindName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func (e *env) kindDescribes(tb testing.TB) {
	k := e.Kind
	if !kindName.MatchString(k.Name) {
		tb.Errorf("name %q is not one lower-case word", k.Name)
	}
	if k.Title == "" || k.Open == nil {
		tb.Error("title and Open are for every kind")
	}
	if u, err := url.Parse(k.Docs); k.Docs != "" && (err != nil || u.Host == "") {
		tb.Errorf("docs %q is no address", k.Docs)
	}
	for _, c := range k.Countries {
		if len(c) != 2 || c != strings.ToUpper(c) {
			tb.Errorf("country %q is not ISO 3166-1 alpha-2", c)
		}
	}
	if e.can.SetStock != (k.Stock != channel.StockNone) {
		tb.Errorf("StockSetter is %v, but Kind.Stock is %v: who sets stock says what the number means", e.can.SetStock, k.Stock)
	}
	if e.can.Pack != (k.Parcels == channel.ParcelTheirs) {
		tb.Errorf("Packer is %v, but Kind.Parcels is %v: a label has one source", e.can.Pack, k.Parcels)
	}
}

func (e *env) settingsExplained(tb testing.TB) {
	declared := map[string]bool{}
	var all []partner.Setting
	for _, s := range e.Kind.Settings {
		declared[s.Name] = true
		all = append(all, partner.Setting(s))
	}
	conform.Settings(tb, all)
	for name := range e.Settings {
		if !declared[name] {
			tb.Errorf("the suite sets %s, which the kind does not declare", name)
		}
	}
	for name := range e.Secrets {
		i := slices.IndexFunc(e.Kind.Settings, func(s channel.Setting) bool { return s.Name == name })
		if i < 0 || !e.Kind.Settings[i].Secret {
			tb.Errorf("the suite has a secret %s, which the kind does not declare as one", name)
		}
	}
}

// our are the words that a status table may map to.
var our = []channel.Status{
	channel.Unknown, channel.Unpaid, channel.Held, channel.Open, channel.Packed, channel.Ready, channel.Shipped, channel.Delivered, channel.Completed,
	channel.Cancelled, channel.Failed, channel.Returning, channel.Returned, channel.Lost, channel.Due, channel.Authorized, channel.Paid, channel.PartPaid,
	channel.Refunded, channel.PartRefunded, channel.Voided, channel.Requested, channel.Declined,
}

func (e *env) statusesSourced(tb testing.TB) {
	seen := map[string]bool{}
	for _, row := range e.Kind.Statuses {
		at := fmt.Sprintf("%s %q", row.Axis, row.Theirs)
		if seen[at] {
			tb.Errorf("%s is there twice", at)
		}
		seen[at] = true
		if !slices.Contains([]string{"order", "unit", "payment", "fulfillment", "parcel", "return"}, row.Axis) {
			tb.Errorf("%s: no such axis", at)
		}
		if !slices.Contains(our, row.Ours) {
			tb.Errorf("%s: %q is none of our words", at, row.Ours)
		}
		if row.Source == "" {
			tb.Errorf("%s: where does the fact stand?", at)
		}
	}
}

func (e *env) sourcesNamed(tb testing.TB) {
	for _, r := range e.files {
		if r.Keys["source"] == "" {
			tb.Errorf("%s: source: is missing", r.Path)
		}
		if do := r.do(); do != "" && calls[do].do == nil {
			tb.Errorf("%s: do: %s is none of %v", r.Path, do, Calls())
		}
	}
}
