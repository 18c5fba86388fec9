package daraz_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/daraz"
	"github.com/openclaw-pos/commerce/kernel/fault"
	simdaraz "github.com/openclaw-pos/commerce/sim/daraz"
)

// authorized opens a shop whose only secret beside the app's is a fresh code.
func (b *bench) authorized(t testing.TB, settings map[string]string) channel.TokenRefresher {
	t.Helper()
	cfg := config(t, b.url, settings)
	code := b.shop.Authorize()
	cfg.Now = b.now
	cfg.Secret = func(name string) []string {
		return map[string][]string{"app_secret": {appSecret}, "code": {code}}[name]
	}
	ch, err := daraz.Kind.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return ch.(channel.TokenRefresher)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, shape := range []simdaraz.TokenShape{simdaraz.ShapeFlat, simdaraz.ShapeCountry} {
		t.Run("created_and_rotated_in_shape_"+string(shape), func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
			b := startBench(t, simdaraz.Config{Now: func() time.Time { return now }, Tokens: simdaraz.Tokens{Shape: shape}})
			r := b.authorized(t, nil)
			first, err := r.RefreshToken(t.Context(), channel.TokenSet{})
			if err != nil || first.Shop != b.shop.Seller().ID || !first.ExpiresAt.Equal(now.Add(30*24*time.Hour)) || !first.RefreshExpiresAt.Equal(now.Add(180*24*time.Hour)) {
				t.Fatalf("%+v %v", first, err)
			}
			now = now.Add(10 * 24 * time.Hour)
			b.shop.ExpireTokens() // an access token sent along would now be judged, and refused
			second, err := r.RefreshToken(t.Context(), first)
			if err != nil || second.Access == first.Access || second.Refresh == first.Refresh || !second.ExpiresAt.Equal(now.Add(30*24*time.Hour)) || !second.RefreshExpiresAt.Equal(first.RefreshExpiresAt) {
				t.Fatalf("%+v %v", second, err)
			}
			_, err = r.RefreshToken(t.Context(), first)
			want(t, err, fault.Unauthorized, "IllegalRefreshToken")
			_, err = r.RefreshToken(t.Context(), channel.TokenSet{})
			want(t, err, fault.Unauthorized, "InvalidCode")
		})
	}
	t.Run("a_token_that_cannot_be_refreshed_says_so_before_asking", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{Tokens: simdaraz.Tokens{NotRefreshable: true}})
		r := b.authorized(t, nil)
		set, err := r.RefreshToken(t.Context(), channel.TokenSet{})
		if err != nil || set.Refresh != "" {
			t.Fatalf("%+v %v", set, err)
		}
		_, err = r.RefreshToken(t.Context(), set)
		want(t, err, fault.Unauthorized, "")
		if n := len(b.market.Told("/auth/token/refresh")); n != 0 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("a_refresh_token_past_its_day_is_not_tried", func(t *testing.T) {
		t.Parallel()
		r := offline(t, nil).(channel.TokenRefresher)
		_, err := r.RefreshToken(t.Context(), channel.TokenSet{Access: "a", Refresh: "r", RefreshExpiresAt: time.Now().Add(-time.Minute)})
		want(t, err, fault.Unauthorized, "")
		_, err = r.RefreshToken(t.Context(), channel.TokenSet{})
		want(t, err, fault.Unauthorized, "") // there is no code
		_, err = r.RefreshToken(t.Context(), channel.TokenSet{Access: "a", Refresh: "r"})
		want(t, err, fault.Unavailable, "") // nobody there
	})
	t.Run("another_shop_than_expected_is_refused", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		_, err := b.authorized(t, map[string]string{"seller_id": "999"}).RefreshToken(t.Context(), channel.TokenSet{})
		want(t, err, fault.Unauthorized, "other_shop")
	})
	t.Run("a_shop_of_another_country_is_refused", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{Venture: "bd"})
		_, err := b.authorized(t, nil).RefreshToken(t.Context(), channel.TokenSet{})
		want(t, err, fault.Unauthorized, "other_country")
	})
	t.Run("a_refused_signature_burns_no_refresh_token", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		id := b.sell(t, 1, nil)
		cfg := config(t, b.url, nil)
		cfg.Tokens = a.tokens
		cfg.Secret = func(string) []string { return []string{"wrong-secret"} }
		ch, err := daraz.Kind.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ch.Order(t.Context(), id)
		want(t, err, fault.Unauthorized, "IncompleteSignature")
		if a.tokens.refreshes != 0 {
			t.Errorf("refreshed %d times", a.tokens.refreshes)
		}
	})
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	for venture, host := range map[string]string{"pk": "api.daraz.pk", "bd": "api.daraz.com.bd", "lk": "api.daraz.lk", "np": "api.daraz.com.np", "mm": "api.shop.com.mm"} {
		text, err := daraz.AuthorizeURL(config(t, "", map[string]string{"venture": venture}), "https://us.example.com/back", "nonce-1")
		u, bad := url.Parse(text)
		if err != nil || bad != nil {
			t.Fatal(err, bad)
		}
		got := map[string]string{"host": u.Host, "path": u.Path}
		for k := range u.Query() {
			got[k] = u.Query().Get(k)
		}
		if diff := cmp.Diff(map[string]string{
			"host": host, "path": "/oauth/authorize", "response_type": "code", "force_auth": "true", "redirect_uri": "https://us.example.com/back", "client_id": appKey, "state": "nonce-1",
		}, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := daraz.AuthorizeURL(config(t, "", map[string]string{"venture": "in"}), "", ""); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
