// Package couriertest is the conformance suite of the courier seam: green means that an adapter is done. Start at Run; Bench says how a simulator is plugged in.
package couriertest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Suite says what is to be proved about one adapter. Kind and Bench are required.
type Suite struct {
	Kind     courier.Kind
	Country  string // of the account; PK when empty
	Settings map[string]string
	Secrets  map[string][]string
	Testdata string // where conformance.txt is; "testdata" when empty
	Source   string // the folder searched for floats; "." when empty
	Bench    func(tb testing.TB) Bench

	// Fates are those that the bench can bring about; none = the courier does not track. See Bench.Fate.
	Fates []courier.Status
	// Faults are those that the bench can make; nil = all.
	Faults []string

	// Sign signs a delivery with a secret as the courier does at d.At, without the adapter's code; SignedBy names the secret setting.
	Sign     func(d partner.Delivery, secret string) partner.Delivery
	SignedBy string
	Fresh    time.Duration // how old a delivery may be by the time it carries; 0 = the courier signs no time

	Must []string // cases that may not be "n/a"
}

// Bench is a stand-in for the courier, usually its wire simulator, started for one case.
type Bench interface {
	Account() Account
	// Parcel is the n-th of any number of good parcels, with cash to collect where the courier collects any.
	Parcel(n int) courier.Parcel
	// Parcels is how many the courier holds.
	Parcels(tb testing.TB) int
	// Fate decides what becomes of the parcel with this reference of ours: Delivered, Attempted (delivered the second time), Returned, Lost.
	Fate(tb testing.TB, reference string, fate courier.Status)
	// HandOver gives the parcel to the rider.
	HandOver(tb testing.TB, tracking string)
	// Pass lets time pass at the courier.
	Pass(tb testing.TB, d time.Duration)
	// Fault makes the next times (-1: all) calls behind a capability (book, track, find, …; "" is any) go wrong. Zero times ends it.
	Fault(tb testing.TB, fault, call string, times int)
	// Deliveries are the webhooks about a parcel up to now, signed.
	Deliveries(tb testing.TB, tracking string) []partner.Delivery
}

// Account is how an account at a stand-in is opened. Settings and Secrets go over the suite's.
type Account struct {
	Kind     *courier.Kind // nil = the suite's
	Settings map[string]string
	Secrets  map[string][]string
	Tokens   partner.Tokens
	HTTP     *http.Client
	Now      func() time.Time
}

// Faults that a Bench is asked for.
const (
	Throttle    = "throttle"
	ServerError = "server_error"
	HTML        = "html"
	CutBody     = "cut_body"
	LostAnswer  = "lost_answer"
	Duplicate   = "duplicate" // every scan is told twice
	Reorder     = "reorder"   // scans are told newest first
	Strange     = "strange"   // a scan with a word that nobody knows
)

// Run proves the adapter.
func Run(t *testing.T, s Suite) {
	t.Helper()
	if s.Testdata == "" {
		s.Testdata = "testdata"
	}
	conform.Run(t, filepath.Join(s.Testdata, "conformance.txt"), s.Must, cases(t, s))
}

type env struct {
	Suite
	can courier.Can

	mu   sync.Mutex
	said bytes.Buffer
}

// Write hears a log record.
func (e *env) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.said.Write(p)
}

// hear keeps an error for the search for secrets and hands it on.
func (e *env) hear(err error) error {
	if err != nil {
		fmt.Fprintf(e, "%+v\n%s\n", err, fault.Message(err))
	}
	return err
}

// live is an account opened at a bench.
type live struct {
	Bench
	courier.Courier
	kind courier.Kind
}

func (e *env) live(tb testing.TB) *live {
	tb.Helper()
	b := e.Bench(tb)
	a := b.Account()
	l := &live{Bench: b, kind: e.Kind}
	if a.Kind != nil {
		l.kind = *a.Kind
	}
	c, err := l.kind.Open(e.config(a))
	if err != nil {
		tb.Fatalf("open at the bench: %v", err)
	}
	l.Courier = c
	return l
}

func (e *env) config(a Account) partner.Config {
	settings := map[string]string{}
	for _, s := range e.Kind.Settings {
		if !s.Secret {
			settings[s.Name] = s.Default
		}
	}
	for _, more := range []map[string]string{e.Settings, a.Settings} {
		for k, v := range more {
			settings[k] = v
		}
	}
	country := e.Country
	if country == "" {
		country = "PK"
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	if a.HTTP == nil {
		a.HTTP = &http.Client{}
	}
	secret := func(name string) []string {
		if all, ok := a.Secrets[name]; ok {
			return all
		}
		return e.Secrets[name]
	}
	return partner.Config{
		Account: "conformance", Country: country, Settings: settings, Secret: secret, Tokens: a.Tokens, HTTP: a.HTTP, Now: a.Now,
		Log: slog.New(slog.NewJSONHandler(e, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func cases(tb testing.TB, s Suite) []conform.Case {
	tb.Helper()
	if s.Source == "" {
		s.Source = "."
	}
	e := &env{Suite: s}
	e.can = courier.CanOf(e.live(tb).Courier)
	source := s.Source
	all := []conform.Case{
		{Name: "the_kind_describes_itself", Run: e.kindDescribes},
		{Name: "every_setting_is_explained", Run: func(tb testing.TB) { conform.Settings(tb, e.Kind.Settings) }},
		{Name: "every_status_word_has_one_meaning_and_a_source", Run: e.statusesSourced},
		{Name: "no_float_is_parsed", Run: func(tb testing.TB) { conform.NoFloat(tb, source) }},
	}
	all = append(all, e.bookCases(tb)...)
	all = append(all, e.scanCases()...)
	all = append(all, e.moreCases()...)
	all = append(all, e.deliveryCases()...)
	return append(all, conform.Case{Name: "no_secret_and_nothing_personal_is_in_a_log_or_an_error", Run: e.noSecret})
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

func (e *env) noFault(f string) string {
	return unless(e.Faults == nil || slices.Contains(e.Faults, f), "the bench cannot make the fault "+f)
}

var kindName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func (e *env) kindDescribes(tb testing.TB) {
	k := e.Kind
	if !kindName.MatchString(k.Name) || k.Title == "" || k.Open == nil {
		tb.Errorf("name %q, title %q: one lower-case word, a title and Open are for every kind", k.Name, k.Title)
	}
	if u, err := url.Parse(k.Docs); k.Docs != "" && (err != nil || u.Host == "") {
		tb.Errorf("docs %q is no address", k.Docs)
	}
	if _, err := time.LoadLocation(k.Zone); err != nil {
		tb.Errorf("zone %q is no IANA zone", k.Zone)
	}
	for _, r := range k.Cash {
		if r.Step < 0 || !r.Max.IsNone() && r.Max.Currency != r.Currency {
			tb.Errorf("cash rule %+v", r)
		}
	}
}

func (e *env) statusesSourced(tb testing.TB) {
	seen := map[string]bool{}
	for _, r := range e.Kind.Statuses {
		word := strings.ToLower(r.Theirs)
		if word == "" || seen[word] {
			tb.Errorf("%q is empty or there twice", r.Theirs)
		}
		seen[word] = true
		if courier.MeaningOf(r.Ours).Status != r.Ours {
			tb.Errorf("%q means %q, which is none of our words", r.Theirs, r.Ours)
		}
		if r.Source == "" {
			tb.Errorf("%q: where does the fact stand?", r.Theirs)
		}
	}
}

func (e *env) noSecret(tb testing.TB) {
	l := e.live(tb)
	p := l.Parcel(0)
	bad := p
	bad.To.City, bad.To.CityCode, bad.Grams = "", "", -1
	_, err := l.Book(context.Background(), "secret-1", bad)
	_ = e.hear(err)
	_, err = l.Book(context.Background(), "", p)
	_ = e.hear(err)
	e.mu.Lock()
	said := e.said.String()
	e.mu.Unlock()
	words := map[string]string{"the receiver's name": p.To.Name, "the receiver's phone": p.To.Phone, "the receiver's street": p.To.Line1, "the receiver's e-mail": p.To.Email}
	for name, all := range e.Secrets {
		for i, s := range all {
			if len(s) < 8 {
				tb.Errorf("secret %s of the suite is too short to be searched for", name)
			}
			words[fmt.Sprint("secret ", name, i)] = s
		}
	}
	for what, word := range words {
		if len(word) >= 6 && strings.Contains(said, word) {
			tb.Errorf("%s was said in a log or an error", what)
		}
	}
}
