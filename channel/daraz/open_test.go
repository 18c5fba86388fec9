package daraz_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/daraz"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// account is an opened shop with its tokens, refreshed by the adapter itself.
type account struct {
	channel.Channel
	tokens *tokens
}

type tokens struct {
	mu        sync.Mutex
	set       channel.TokenSet
	refresher channel.TokenRefresher
	refreshes int
}

func (t *tokens) Access(context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.set.Access, nil
}

func (t *tokens) Refresh(ctx context.Context, stale string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set.Access != stale {
		return t.set.Access, nil
	}
	t.refreshes++
	set, err := t.refresher.RefreshToken(ctx, t.set)
	if err != nil {
		return "", err
	}
	t.set = set
	return set.Access, nil
}

func config(t testing.TB, url string, settings map[string]string) channel.Config {
	t.Helper()
	all := map[string]string{"venture": "pk", "app_key": appKey, "base_url": url + "/rest"}
	for k, v := range settings {
		all[k] = v
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(tr.CloseIdleConnections)
	return channel.Config{
		Account: "a-1", Country: "PK", Settings: all, HTTP: &http.Client{Transport: tr}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Secret: func(name string) []string {
			if name == "app_secret" {
				return []string{appSecret}
			}
			return nil
		},
	}
}

// open opens the first shop of a bench.
func (b *bench) open(t testing.TB, settings map[string]string) *account {
	t.Helper()
	cfg := config(t, b.url, settings)
	cfg.Now = b.now
	g := b.shop.Grant()
	tk := &tokens{set: channel.TokenSet{Access: g.Access, Refresh: g.Refresh, RefreshExpiresAt: g.RefreshExpires, Shop: b.shop.Seller().ID}}
	cfg.Tokens = tk
	ch, err := daraz.Kind.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tk.refresher = ch.(channel.TokenRefresher)
	return &account{ch, tk}
}

// offline opens a shop that talks to nobody.
func offline(t testing.TB, settings map[string]string) channel.Channel {
	t.Helper()
	ch, err := daraz.Kind.Open(config(t, "http://127.0.0.1:1", settings))
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func (a *account) order(t testing.TB, id string) channel.Order {
	t.Helper()
	c, err := a.Order(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	o, err := a.Decode(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func ids(o channel.Order) []string {
	var all []string
	for _, l := range o.Lines {
		for _, u := range l.Units {
			all = append(all, u.External)
		}
	}
	return all
}

func want(t testing.TB, err error, kind fault.Kind, code string) {
	t.Helper()
	if !fault.Is(err, kind) || code != "" && fault.CodeOf(err) != code {
		t.Errorf("got %v (%v %q), want %v %q", err, fault.KindOf(err), fault.CodeOf(err), kind, code)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings map[string]string
		field    string
	}{
		"every_venture_has_its_own_address": {map[string]string{"venture": "np", "base_url": ""}, ""},
		"an_unknown_venture":                {map[string]string{"venture": "in"}, "venture"},
		"no_venture":                        {map[string]string{"venture": ""}, "venture"},
		"no_app_key":                        {map[string]string{"app_key": ""}, "app_key"},
		"an_overlap_below_half_an_hour":     {map[string]string{"overlap": "29m"}, "overlap"},
		"a_path_nobody_knows":               {map[string]string{"paths": "fly=/x"}, "paths"},
		"a_path_without_a_slash":            {map[string]string{"paths": "pack=x"}, "paths"},
		"a_reason_without_an_id":            {map[string]string{"cancel_reasons": "buyer"}, "cancel_reasons"},
		"a_page_of_500":                     {map[string]string{"page_size": "500"}, "page_size"},
		"a_zone_that_is_none":               {map[string]string{"zone": "Asia/Atlantis"}, "zone"},
		"a_currency_that_is_none":           {map[string]string{"currency": "XXZ"}, "currency"},
		"an_address_that_is_none":           {map[string]string{"base_url": "api.daraz.pk"}, "base_url"},
		"a_date_that_is_none":               {map[string]string{"since": "yesterday"}, "since"},
		"a_window_that_is_none":             {map[string]string{"push_window": "soon"}, "push_window"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := daraz.Kind.Open(config(t, "https://partner.test", tc.settings))
			if tc.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var f *fault.Error
			if !fault.Is(err, fault.Invalid) || !asFault(err, &f) || f.Field != tc.field {
				t.Errorf("got %v, want Invalid about %s", err, tc.field)
			}
		})
	}
}
