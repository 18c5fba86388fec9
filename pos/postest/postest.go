// Package postest is the conformance suite of the POS seam: green means that an adapter is done. Start at Run; Bench says how a stand-in for the core is plugged in.
package postest

import (
	"bytes"
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

	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/pos"
)

// Suite says what is to be proved about one adapter. Kind and Bench are required.
type Suite struct {
	Kind     pos.Kind
	Settings map[string]string
	Secrets  map[string][]string
	Testdata string // where conformance.txt is; "testdata" when empty
	Source   string // the folder searched for floats; "." when empty
	Bench    func(tb testing.TB) Bench
	Faults   []string // those that the bench can make; nil = all
	Must     []string // cases that may not be "n/a"
}

// Bench is a stand-in for the core, started for one case.
type Bench interface {
	Account() Account
	// Seed puts things into the core, oldest first.
	Seed(tb testing.TB, s Seeds)
	// Move lets stock change in the core, as a till or a count does.
	Move(tb testing.TB, m pos.Movement)
	// Posted counts what the core holds by kind: sale, movement (posted or moved), return, refund.
	Posted(tb testing.TB) map[string]int
	// Fault makes the next times (-1: all) calls go wrong, after skipping the first few of them. Zero times ends it.
	Fault(tb testing.TB, fault string, skip, times int)
}

// Seeds are what a core holds.
type Seeds struct {
	Units  []pos.OrgUnit
	Items  []pos.Item
	Prices []pos.Price
	Rules  []pos.TaxRule
}

// Account is how an account at a stand-in is opened. Settings and Secrets go over the suite's.
type Account struct {
	Kind     *pos.Kind // nil = the suite's
	Settings map[string]string
	Secrets  map[string][]string
	HTTP     *http.Client
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
	conform.Run(t, filepath.Join(s.Testdata, "conformance.txt"), s.Must, cases(s))
}

type env struct {
	Suite
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
	pos.Core
}

func (e *env) live(tb testing.TB) *live {
	tb.Helper()
	b := e.Bench(tb)
	a := b.Account()
	kind := e.Kind
	if a.Kind != nil {
		kind = *a.Kind
	}
	settings := map[string]string{}
	for _, s := range kind.Settings {
		if !s.Secret {
			settings[s.Name] = s.Default
		}
	}
	for _, more := range []map[string]string{e.Settings, a.Settings} {
		for k, v := range more {
			settings[k] = v
		}
	}
	if a.HTTP == nil {
		a.HTTP = &http.Client{}
	}
	c, err := kind.Open(partner.Config{
		Account: "conformance", Country: "PK", Settings: settings, HTTP: a.HTTP, Now: time.Now,
		Secret: func(name string) []string {
			if all, ok := a.Secrets[name]; ok {
				return all
			}
			return e.Secrets[name]
		},
		Log: slog.New(slog.NewJSONHandler(e, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		tb.Fatalf("open at the bench: %v", err)
	}
	return &live{b, c}
}

func cases(s Suite) []conform.Case {
	if s.Source == "" {
		s.Source = "."
	}
	e := &env{Suite: s}
	source := s.Source
	capped := unless(s.Kind.Capped > 0, "its lists show everything")
	all := []conform.Case{
		{Name: "the_kind_describes_itself", Run: e.kindDescribes},
		{Name: "every_setting_is_explained", Run: func(tb testing.TB) { conform.Settings(tb, e.Kind.Settings) }},
		{Name: "no_float_is_parsed", Run: func(tb testing.TB) { conform.NoFloat(tb, source) }},
		{Name: "what_the_core_holds_is_read_exactly", Run: e.readExactly},
		applies("a_list_that_may_hold_more_says_so", e.listCapped, capped),
		{Name: "movements_since_a_mark_miss_none", Run: e.movements},
		applies("movements_that_are_no_longer_shown_are_a_gap", e.gap, capped),
		{Name: "our_own_movement_is_recognised_when_it_comes_back", Run: e.echo},
		{Name: "a_movement_changes_the_stock_once", Run: e.stockOnce},
		{Name: "what_cannot_be_right_is_invalid_and_not_posted", Run: e.invalid},
		applies("a_sale_posted_in_halves_is_completed", e.halves, e.noFault(LostAnswer)),
	}
	for _, p := range posts() {
		all = append(all,
			conform.Case{Name: p.kind + "_posted_twice_is_posted_once", Run: func(tb testing.TB) { e.twice(tb, p) }},
			conform.Case{Name: p.kind + "_with_other_content_is_a_conflict", Run: func(tb testing.TB) { e.otherContent(tb, p) }},
			applies(p.kind+"_with_a_lost_answer_is_posted_once", func(tb testing.TB) { e.lost(tb, p) }, e.noFault(LostAnswer)))
	}
	for _, f := range []string{Throttle, ServerError, HTML, CutBody} {
		all = append(all, applies(f+"_is_classified", func(tb testing.TB) { e.fault(tb, f) }, e.noFault(f)))
	}
	return append(all,
		conform.Case{Name: "a_cancelled_context_returns_at_once", Run: e.cancelled},
		conform.Case{Name: "no_secret_is_in_a_log_or_an_error", Run: e.noSecret})
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
	if !kindName.MatchString(k.Name) || k.Title == "" || k.Open == nil || k.Capped < 0 {
		tb.Errorf("name %q, title %q, capped %d: one lower-case word, a title and Open are for every kind", k.Name, k.Title, k.Capped)
	}
	if u, err := url.Parse(k.Docs); k.Docs != "" && (err != nil || u.Host == "") {
		tb.Errorf("docs %q is no address", k.Docs)
	}
}

func (e *env) noSecret(tb testing.TB) {
	for _, f := range []string{ServerError, HTML, CutBody, LostAnswer} {
		if e.noFault(f) != "" {
			continue
		}
		l := e.live(tb)
		l.Fault(tb, f, 0, -1)
		_, err := l.Items(tb.Context())
		_ = e.hear(err)
		for _, p := range posts() {
			_ = e.hear(p.post(tb, l, "secret"))
		}
	}
	e.mu.Lock()
	said := e.said.String()
	e.mu.Unlock()
	for name, all := range e.Secrets {
		for _, s := range all {
			if len(s) < 8 {
				tb.Errorf("secret %s of the suite is too short to be searched for", name)
			}
			if strings.Contains(said, s) {
				tb.Errorf("secret %s was said in a log or an error", name)
			}
		}
	}
}
