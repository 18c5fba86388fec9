package shopify

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

func TestSign(t *testing.T) {
	t.Parallel()
	// Computed apart from this code: openssl dgst -sha256 -hmac hush -binary | base64.
	body := []byte(`{"id":820982911946154508,"email":"jon@example.com"}`)
	if got, want := Sign("hush", body), "D0UMXmhjwBRi4y66TmhJrDlhQABD7zI2fm3p6/QLMo8="; got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
	if Sign("hush", append(body, ' ')) == Sign("hush", body) {
		t.Error("one more byte changes nothing")
	}
}

func (b *bench) grantWith(form map[string]string) (int, map[string]any) {
	b.t.Helper()
	for k, v := range map[string]string{"client_id": "client", "client_secret": "hush"} {
		if _, ok := form[k]; !ok {
			form[k] = v
		}
	}
	raw, _ := json.Marshal(form)
	resp, err := b.srv.Client().Post(b.srv.URL+"/admin/oauth/access_token", "application/json", bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, body
}

const shopName = `{ shop { name } }`

func (b *bench) works(token string) bool {
	b.t.Helper()
	b.token = token
	status, _, _ := b.post("2026-07", shopName, nil)
	return status == http.StatusOK
}

func TestTokens(t *testing.T) {
	t.Parallel()
	t.Run("client credentials give a token for a day", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		status, got := b.grantWith(map[string]string{"grant_type": GrantClient})
		if status != 200 || got["expires_in"] != 86400.0 || got["refresh_token"] != nil {
			t.Fatal(status, got)
		}
		token := text(got, "access_token")
		b.clock.advance(24*time.Hour - time.Second)
		if !b.works(token) {
			t.Error("refused before its time")
		}
		b.clock.advance(time.Second)
		if b.works(token) {
			t.Error("accepted after a day")
		}
	})
	t.Run("an expiring pair rotates and the old refresh token works until the new one is used", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, first := b.grantWith(map[string]string{"code": b.IssueCode(), "expiring": "1"})
		if first["expires_in"] != 3600.0 {
			t.Fatal(first)
		}
		refresh := func(token string) (int, map[string]any) {
			return b.grantWith(map[string]string{"grant_type": GrantRefresh, "refresh_token": token})
		}
		old := text(first, "refresh_token")
		_, lost := refresh(old) // the answer was lost on the way
		status, second := refresh(old)
		if status != 200 || second["refresh_token"] == lost["refresh_token"] {
			t.Fatal(status, second)
		}
		if status, _ := refresh(text(second, "refresh_token")); status != 200 {
			t.Fatal("the new token is refused", status)
		}
		for name, dead := range map[string]string{"old": old, "lost": text(lost, "refresh_token")} {
			if status, body := refresh(dead); status != 400 || body["error"] != "invalid_grant" {
				t.Errorf("%s token: %d %v", name, status, body)
			}
		}
		if !b.works(text(first, "access_token")) {
			t.Error("the old access token lives its hour")
		}
		b.clock.advance(time.Hour)
		if b.works(text(first, "access_token")) {
			t.Error("and not longer")
		}
	})
	t.Run("without expiring=1 a code gives a token for ever, once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		code := b.IssueCode()
		_, got := b.grantWith(map[string]string{"code": code})
		b.clock.advance(1000 * 24 * time.Hour)
		if !b.works(text(got, "access_token")) {
			t.Error("refused")
		}
		if status, _ := b.grantWith(map[string]string{"code": code}); status != 400 {
			t.Error("a code was taken twice")
		}
	})
	t.Run("a wrong secret, an unknown grant and a grant that is switched off are refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.Grants = []string{GrantClient} })
		for _, form := range []map[string]string{
			{"grant_type": GrantClient, "client_secret": "wrong"}, {"grant_type": "password"}, {"grant_type": GrantRefresh, "refresh_token": "x"},
		} {
			if status, body := b.grantWith(form); status != 400 || body["error"] == nil {
				t.Errorf("%v: %d %v", form, status, body)
			}
		}
	})
	t.Run("both client secrets are good for an hour after a rotation", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.RotateSecret("hush-2")
		try := func(secret string) int {
			status, _ := b.grantWith(map[string]string{"grant_type": GrantClient, "client_secret": secret})
			return status
		}
		if try("hush") != 200 || try("hush-2") != 200 {
			t.Error("refused during rotation")
		}
		b.clock.advance(time.Hour)
		if try("hush") != 400 || try("hush-2") != 200 {
			t.Error("the old secret outlived its hour")
		}
	})
	t.Run("revoked, uninstalled and expired on command answer 401 in Shopify's shape", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_ = b.Faults.Set(sim.Fault{Kind: sim.ExpiredToken})
		status, _, body := b.post("2026-07", shopName, nil)
		if status != 401 || !strings.HasPrefix(text(body, "errors"), "[API] Invalid API key or access token") {
			t.Error(status, body)
		}
		if !b.works("permanent") {
			t.Error("the fault was for one call")
		}
		b.RevokeTokens()
		if b.works("permanent") {
			t.Error("accepted after being revoked")
		}
		if b.works(b.IssueToken(0)); !b.works(b.token) {
			t.Error("a new token is refused")
		}
		b.Uninstall()
		if b.works(b.token) {
			t.Error("accepted after the app was removed")
		}
	})
	t.Run("the authorization page goes back with a code and a signature in hex", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Get(b.srv.URL + "/admin/oauth/authorize?client_id=client&state=n0nce&redirect_uri=" + url.QueryEscape("https://app.example.com/back"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		back, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		q := back.Query()
		given := q.Get("hmac")
		q.Del("hmac")
		mac := hmac.New(sha256.New, []byte("hush"))
		mac.Write([]byte(q.Encode()))
		if q.Get("state") != "n0nce" || given != hex.EncodeToString(mac.Sum(nil)) {
			t.Error(back)
		}
		if status, _ := b.grantWith(map[string]string{"code": q.Get("code")}); status != 200 {
			t.Error("the code is refused")
		}
	})
	t.Run("no token or secret is in the record", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, got := b.grantWith(map[string]string{"code": b.IssueCode(), "expiring": "1"})
		b.works(text(got, "access_token"))
		raw, _ := json.Marshal(b.Record.Entries(sim.Filter{}))
		for _, secret := range []string{"hush", text(got, "access_token"), text(got, "refresh_token")} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("the record holds %q", secret)
			}
		}
	})
}
