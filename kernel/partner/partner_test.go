package partner_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

type tokens struct{ refreshed int }

func (t *tokens) Access(context.Context) (string, error) { return "old", nil }
func (t *tokens) Refresh(context.Context, string) (string, error) {
	t.refreshed++
	return "new", nil
}

func TestWithToken(t *testing.T) {
	t.Parallel()
	refused := fault.New(fault.Unauthorized, "refused")
	cases := map[string]struct {
		answers   map[string]error
		refreshed int
		kind      fault.Kind
	}{
		"a_good_token_is_used_once":       {map[string]error{"old": nil}, 0, 0},
		"a_refused_one_is_refreshed_once": {map[string]error{"old": refused, "new": nil}, 1, 0},
		"refused_again_it_gives_up":       {map[string]error{"old": refused, "new": refused}, 1, fault.Unauthorized},
		"other_failures_refresh_nothing":  {map[string]error{"old": fault.New(fault.Unavailable, "down")}, 0, fault.Unavailable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok := &tokens{}
			err := partner.WithToken(t.Context(), tok, func(_ context.Context, token string) error { return c.answers[token] })
			if tok.refreshed != c.refreshed || err != nil && fault.KindOf(err) != c.kind || (err == nil) != (c.kind == 0) {
				t.Errorf("%d refreshes, then %v", tok.refreshed, err)
			}
		})
	}
}

func TestTokenSet_gives_nothing_away(t *testing.T) {
	t.Parallel()
	set := partner.TokenSet{Access: "secret-access", Refresh: "secret-refresh"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, set); got != "TokenSet(…)" {
			t.Errorf("%s shows %s", verb, got)
		}
	}
}

func TestConfig_without_a_vault_has_no_secrets(t *testing.T) {
	t.Parallel()
	if got := (partner.Config{}).FirstSecret("key"); got != "" {
		t.Errorf("a secret out of nowhere: %q", got)
	}
}
