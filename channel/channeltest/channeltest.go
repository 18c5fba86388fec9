// Package channeltest is the conformance suite of the channel seam: green means that an adapter is done. Start at Run; recording says how a
// testdata/*.txtar is written, Bench how a simulator is plugged in.
//
// An adapter's whole test is one call:
//
//	func TestConformance(t *testing.T) {
//		channeltest.Run(t, channeltest.Suite{
//			Kind:     daraz.Kind,
//			Settings: map[string]string{"base_url": "{url}/rest"},
//			Secrets:  map[string][]string{"app_secret": {"canary-app-secret"}},
//			Sign:     sign, // written from the partner's documentation, not with the adapter's code
//			SignedBy: "app_secret",
//			Bench:    bench,
//		})
//	}
//
// What ran and what did not apply is printed and must be exactly what testdata/conformance.txt says. The first run writes it: go test -update.
package channeltest

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
)

// Suite says what is to be proved about one adapter. Only Kind is required.
type Suite struct {
	Kind     channel.Kind
	Country  string            // of the account; the kind's first country, else PK, when empty
	Settings map[string]string // over the defaults; "{url}" stands for the partner's address
	Secrets  map[string][]string

	// Now is the account's clock for recordings; 2026-11-22 10:00 UTC when zero.
	Now time.Time
	// Testdata holds the recordings and conformance.txt; "testdata" when empty.
	Testdata string
	// Source is the folder whose Go files are searched for floats; "." when empty.
	Source string

	// Sign signs a delivery with one secret as the partner does at d.At. Recorded deliveries are then kept unsigned. It must not use the adapter's code.
	Sign func(d channel.Delivery, secret string) channel.Delivery
	// SignedBy names the secret setting that deliveries are signed with.
	SignedBy string
	// Fresh is how old a delivery may be by the time it carries; 0 when the partner signs no time.
	Fresh time.Duration

	// Bench plugs in a simulator of the partner; nil = recordings only.
	Bench func(tb testing.TB) Bench
	// Faults are those that the bench can make; nil = all.
	Faults []string
	// Differs names fields of the order that a delivery of this partner cannot tell like a read.
	Differs string

	// Must lists cases that may not be "n/a".
	Must []string
}

// Update reports whether -update was given; for an adapter's own goldens.
func Update() bool { return conform.Update() }

// Run proves the adapter.
func Run(t *testing.T, s Suite) {
	t.Helper()
	s = s.filled()
	conform.Run(t, filepath.Join(s.Testdata, "conformance.txt"), s.Must, cases(t, s))
}

func (s Suite) filled() Suite {
	if s.Country == "" {
		s.Country = "PK"
		if len(s.Kind.Countries) > 0 {
			s.Country = s.Kind.Countries[0]
		}
	}
	if s.Now.IsZero() {
		s.Now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	}
	if s.Testdata == "" {
		s.Testdata = "testdata"
	}
	if s.Source == "" {
		s.Source = "."
	}
	return s
}

// settings are the defaults, then the suite's, with the partner's address filled in.
func (s Suite) settings(url string, more map[string]string) map[string]string {
	all := map[string]string{}
	for _, set := range s.Kind.Settings {
		if !set.Secret && set.Default != "" {
			all[set.Name] = set.Default
		}
	}
	maps.Copy(all, s.Settings)
	maps.Copy(all, more)
	for k, v := range all {
		all[k] = strings.ReplaceAll(v, "{url}", url)
	}
	return all
}

// cases lists every promise of the seam, each with the reason when it does not apply.
func cases(tb testing.TB, s Suite) []conform.Case {
	tb.Helper()
	files, err := load(s.Testdata)
	if err != nil {
		tb.Fatal(err)
	}
	e := &env{Suite: s, files: files}
	ch, err := e.offline()
	if err != nil {
		tb.Fatalf("%s cannot be opened with the suite's settings: %v", s.Kind.Name, err)
	}
	e.can = channel.CanOf(ch)
	_, e.hooks = ch.(channel.Webhooker)

	var all []conform.Case
	all = append(all, e.kindCases()...)
	all = append(all, e.goldenCases()...)
	all = append(all, e.decodeCases()...)
	all = append(all, e.fieldCases()...)
	all = append(all, e.callCases()...)
	all = append(all, e.faultCases()...)
	all = append(all, e.deliveryCases()...)
	all = append(all, e.mutationCases()...)
	all = append(all, e.liveCases()...)
	return append(all, e.secretCase())
}

// applies is a case that runs unless one of the reasons is not empty.
func applies(name string, run func(tb testing.TB), reasons ...string) conform.Case {
	for _, why := range reasons {
		if why != "" {
			return conform.Case{Name: name, Why: why}
		}
	}
	return conform.Case{Name: name, Run: run}
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}
