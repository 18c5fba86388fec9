// Package gatewaytest is the conformance suite of the gateway seam: green means that an adapter is done. Start at Run; Bench says how a simulator is plugged in.
package gatewaytest

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

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Suite says what is to be proved about one adapter. Kind and Bench are required.
type Suite struct {
	Kind     gateway.Kind
	Country  string // of the account; PK when empty
	Settings map[string]string
	Secrets  map[string][]string
	Testdata string // where conformance.txt is; "testdata" when empty
	Source   string // the folder searched for floats; "." when empty
	Bench    func(tb testing.TB) Bench

	// Faults are those that the bench can make; nil = all.
	Faults []string
	// Outcomes are those that the bench can bring about beside Authorized: Declined, Action, Pending.
	Outcomes []gateway.State

	// Sign signs a delivery with a secret as the provider does at d.At, without the adapter's code; SignedBy names the secret setting.
	Sign     func(d partner.Delivery, secret string) partner.Delivery
	SignedBy string
	Fresh    time.Duration // how old a delivery may be by the time it carries; 0 = the provider signs no time

	Must []string // cases that may not be "n/a"
}

// Bench is a stand-in for the provider, usually its wire simulator, started for one case.
type Bench interface {
	Account() Account
	// Request leads to an outcome (Authorized; Due for cash; or one of Suite.Outcomes). Its reference is set by the suite.
	Request(outcome gateway.State) gateway.Request
	// Payments is how many payments the provider holds.
	Payments(tb testing.TB) int
	// Held is a payment as the provider holds it.
	Held(tb testing.TB, external string) gateway.Payment
	// Decide lets buyer or bank agree to a payment that waits for them, or refuse it.
	Decide(tb testing.TB, external string, agree bool)
	// Fault makes the next times (-1: all) calls (authorize, capture, refund, void, find, read; "" is any) go wrong. Zero times ends it.
	Fault(tb testing.TB, fault, call string, times int)
	// Deliveries are the webhooks about a payment as it stands, signed.
	Deliveries(tb testing.TB, external string) []partner.Delivery
}

// Account is how an account at a stand-in is opened. Settings and Secrets go over the suite's.
type Account struct {
	Kind     *gateway.Kind // nil = the suite's
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
	can gateway.Can

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
	gateway.Gateway
}

func (e *env) live(tb testing.TB) *live {
	tb.Helper()
	b := e.Bench(tb)
	a := b.Account()
	kind := e.Kind
	if a.Kind != nil {
		kind = *a.Kind
	}
	g, err := kind.Open(e.config(a))
	if err != nil {
		tb.Fatalf("open at the bench: %v", err)
	}
	return &live{b, g}
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
	source := s.Source
	e := &env{Suite: s}
	e.can = gateway.CanOf(e.live(tb).Gateway)
	all := []conform.Case{
		{Name: "the_kind_describes_itself", Run: e.kindDescribes},
		{Name: "every_setting_is_explained", Run: func(tb testing.TB) { conform.Settings(tb, e.Kind.Settings) }},
		{Name: "no_float_is_parsed", Run: func(tb testing.TB) { conform.NoFloat(tb, source) }},
	}
	all = append(all, e.authorizeCases()...)
	all = append(all, e.actCases()...)
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

func (e *env) noOutcome(s gateway.State) string {
	return unless(slices.Contains(e.Outcomes, s), "the bench brings about no payment that is "+string(s))
}

func (e *env) cash() string { return unless(!e.Kind.Cash, "the money is collected at the door") }

var kindName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func (e *env) kindDescribes(tb testing.TB) {
	k := e.Kind
	if !kindName.MatchString(k.Name) || k.Title == "" || k.Open == nil {
		tb.Errorf("name %q, title %q: one lower-case word, a title and Open are for every kind", k.Name, k.Title)
	}
	if u, err := url.Parse(k.Docs); k.Docs != "" && (err != nil || u.Host == "") {
		tb.Errorf("docs %q is no address", k.Docs)
	}
	seen := map[string]bool{}
	for _, r := range k.Statuses {
		if r.Theirs == "" || seen[r.Theirs] || r.Source == "" || !slices.Contains(states, r.Ours) {
			tb.Errorf("word %q: empty, there twice, without a source, or meaning %q, which is none of ours", r.Theirs, r.Ours)
		}
		seen[r.Theirs] = true
	}
}

var states = []gateway.State{
	gateway.Unknown, gateway.Pending, gateway.Action, gateway.Due, gateway.Authorized, gateway.Captured, gateway.Refunded, gateway.Voided, gateway.Declined, gateway.Expired,
}

func (e *env) noSecret(tb testing.TB) {
	l := e.live(tb)
	r := l.Request(e.good())
	r.Reference = ""
	_, err := l.Authorize(context.Background(), r)
	_ = e.hear(err)
	_, err = l.Capture(context.Background(), gateway.Act{Reference: "c", Payment: "unknown"})
	_ = e.hear(err)
	e.mu.Lock()
	said := e.said.String()
	e.mu.Unlock()
	words := map[string]string{"the buyer's name": r.Buyer.Name, "the buyer's phone": r.Buyer.Phone, "the buyer's e-mail": r.Buyer.Email, "the source": r.Source}
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
