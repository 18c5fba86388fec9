package daraz_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/channel/daraz"
)

const (
	appKey    = "123456"
	appSecret = "canary-app-secret"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, channeltest.Suite{
		Kind:     daraz.Kind,
		Country:  "PK",
		Settings: map[string]string{"venture": "pk", "app_key": appKey, "base_url": "{url}/rest"},
		Secrets:  map[string][]string{"app_secret": {appSecret, "canary-older-secret"}, "code": {"canary-code-3_500102"}},
		Sign:     sign,
		SignedBy: "app_secret",
		Fresh:    12 * time.Hour,
		Bench:    newBench,
	})
}

// sign is the push signature, written from Lazada docId 120168: lower-case hex of HMAC-SHA256 over app key and body.
func sign(d channel.Delivery, secret string) channel.Delivery {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(appKey + string(d.Body)))
	d.Header.Set("Authorization", hex.EncodeToString(mac.Sum(nil)))
	return d
}
