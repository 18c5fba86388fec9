package outbox

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "127.8.9.1": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "::": false,
		"10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "fd00::1": false, "fc00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "::ffff:169.254.169.254": false,
		"100.64.0.1": false, "198.18.0.1": false, "192.0.0.1": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:1::": false, "::7f00:1": false, "fec0::1": false, "172.32.0.1": true,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public is %t, want %t", text, got, want)
		}
	}
}

func FuzzPublic(f *testing.F) {
	for _, seed := range []string{"8.8.8.8:443", "[::1]:80", "127.0.0.1:80", "[fe80::1%lo]:1", "x", "", "[::ffff:10.0.0.1]:443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		err := refusePrivate(t.Context(), "tcp", address, nil)
		at, parse := netip.ParseAddrPort(address)
		inside := parse != nil || at.Addr().IsLoopback() || at.Addr().IsPrivate() || at.Addr().Unmap().IsLoopback() || at.Addr().Unmap().IsPrivate()
		if inside && err == nil {
			t.Errorf("%s is let through", address)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "-1": 0, "1e3": 0, "99999999999999": 0, "999999999": 24 * time.Hour,
		"Sun, 22 Nov 2026 10:00:00 GMT": time.Hour, "Sun, 22 Nov 2026 08:00:00 GMT": 0, "soon": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "120", "-1", "Sun, 22 Nov 2026 10:00:00 GMT", "99999999999999", "0x10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, time.Unix(1_800_000_000, 0)); got < 0 || got > 24*time.Hour {
			t.Errorf("%q: %s", value, got)
		}
	})
}

func FuzzSign(f *testing.F) {
	f.Add("id", int64(1_800_000_000), []byte(`{}`), byte(0))
	f.Add("", int64(0), []byte(nil), byte(7))
	secret := NewSecret()
	f.Fuzz(func(t *testing.T, id string, at int64, body []byte, flip byte) {
		h, err := sign(id, time.Unix(at, 0), body, []string{NewSecret(), secret})
		if err != nil {
			t.Fatal(err)
		}
		w, err := webhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if id == "" {
			return // never: events have ids
		}
		if err := w.VerifyIgnoringTimestamp(body, h); err != nil {
			t.Errorf("not verified: %v", err)
		}
		if err := w.VerifyIgnoringTimestamp(append([]byte{flip}, body...), h); err == nil {
			t.Error("another body is verified")
		}
		if other, _ := webhooks.NewWebhook(NewSecret()); other.VerifyIgnoringTimestamp(body, http.Header(h)) == nil {
			t.Error("another secret verifies")
		}
	})
}
