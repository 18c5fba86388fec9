// Package iop speaks the open-platform protocol that Daraz, Lazada, AliExpress and Alibaba.com share: signed calls, an envelope that says
// "failed" inside an HTTP 200, numbers and times in whatever dress, and signed pushes. Start at Client.Do, then Failure.
//
// Everything partner-specific (hosts, paths, business codes, field maps) stays with the adapters; this package knows the gateway only.
package iop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strings"
)

// Sign is the request signature: HMAC-SHA256 with the app secret over the API path, the parameters sorted bytewise by name (name and raw value
// without separators, "sign" and empty values left out) and the raw body, if there is one besides the parameters; upper-case hex.
// The "/sync" gateway of AliExpress signs the same way with an empty path. Source: Lazada and Daraz Open Platform, "Signature" (docId 108069).
func Sign(secret, path string, params map[string]string, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(base(path, params, body)))
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

func base(path string, params map[string]string, body string) string {
	keys := make([]string, 0, len(params))
	for k, v := range params {
		if k != "sign" && v != "" {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	var b strings.Builder
	b.WriteString(path)
	for _, k := range keys {
		b.WriteString(k)
		b.WriteString(params[k])
	}
	b.WriteString(body)
	return b.String()
}

// SignPush is the signature of a pushed message: HMAC-SHA256 with the app secret over the app key and the raw body, lower-case hex, sent in the
// Authorization header. Source: Lazada Open Platform docId 120168; Dazop Message Service says the same.
func SignPush(appKey, secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(appKey))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// VerifyPush reports whether a pushed message was signed with one of the secrets, in constant time for each. Two are valid during a rotation;
// with none nothing verifies.
func VerifyPush(appKey string, secrets []string, body []byte, signature string) bool {
	good := false
	for _, secret := range secrets {
		if secret != "" && hmac.Equal([]byte(SignPush(appKey, secret, body)), []byte(signature)) {
			good = true
		}
	}
	return good
}
