package console_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what authenticator apps use
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/platform/access"
)

var typed = regexp.MustCompile(`<bdi class="code" dir="ltr">([A-Z2-7 ]{32,})</bdi>`)

// codeAt is what an authenticator app shows (RFC 6238, six digits, half a minute).
func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// TestCodes sets one-time codes up at the console, signs in with one, and ends them.
func TestCodes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := hire(t, s, access.Support)
		in := url.Values{"email": {"support@example.com"}, "password": {demo.StagePassword}}
		begin := p.post(t, "/console/me/codes", nil)
		m := typed.FindStringSubmatch(begin.body)
		if m == nil || !strings.Contains(begin.body, `<svg class="qr"`) || begin.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("nothing to set an app up with: %d %s %s", begin.status, begin.header.Get("Cache-Control"), begin.body)
		}
		if a := p.get(t, "/console/me"); typed.MatchString(a.body) {
			t.Error("the secret is shown twice")
		}
		if a := p.post(t, "/console/me/codes/confirm", url.Values{"code": {"000000"}}); !strings.Contains(a.body, "is not right") {
			t.Errorf("a wrong code: %d", a.status)
		}
		if a := visitor(s).post(t, "/console/signin", in); a.status != http.StatusOK || strings.Contains(a.at, "signin") {
			t.Errorf("asked for a code before codes are in use: %d %s", a.status, a.at)
		}
		now := s.App.DB.Now()
		if a := p.post(t, "/console/me/codes/confirm", url.Values{"code": {codeAt(t, m[1], now)}}); !strings.Contains(a.body, "From now on you are asked for a code") {
			t.Fatalf("the right code: %d %s", a.status, a.body)
		}
		if a := visitor(s).post(t, "/console/signin", in); !strings.Contains(a.at, "signin") || !strings.Contains(a.body, `name="code"`) {
			t.Errorf("the password alone: %s", a.at)
		}
		in.Set("code", codeAt(t, m[1], now.Add(30*time.Second))) // the one before is spent
		if a := visitor(s).post(t, "/console/signin", in); strings.Contains(a.at, "signin") {
			t.Errorf("with a code: %s %s", a.at, a.body)
		}
		in.Del("code")
		if a := p.post(t, "/console/me/codes/end", nil); !strings.Contains(a.body, "No code is asked for any more") {
			t.Errorf("not ended: %d", a.status)
		}
		if a := visitor(s).post(t, "/console/signin", in); strings.Contains(a.at, "signin") {
			t.Errorf("still asked for a code: %s", a.at)
		}
	})
}
