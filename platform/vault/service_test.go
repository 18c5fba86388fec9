package vault_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// stand is a key service that wraps by putting the place and the content into one text; it refuses whatever the real one would.
type stand struct {
	t     *testing.T
	asked atomic.Int64
	fail  atomic.Int64 // so many answers are 503
}

func (s *stand) refused(w http.ResponseWriter, status int, format string, args ...any) {
	s.t.Logf(format, args...)
	w.WriteHeader(status)
	fmt.Fprint(w, `{"errors":["permission denied, token canary-token"]}`)
}

// transit is what https://developer.hashicorp.com/vault/api-docs/secret/transit says of encrypt and decrypt.
func (s *stand) transit(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	if s.fail.Add(-1) >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var in map[string]string
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &in) != nil || r.Method != http.MethodPost || r.Header.Get("X-Vault-Request") != "true" || r.Header.Get("X-Vault-Namespace") != "shops" {
		s.refused(w, 400, "%s %s %s", r.Method, r.URL, body)
		return
	}
	if r.Header.Get("X-Vault-Token") != "canary-token" {
		s.refused(w, 403, "another token")
		return
	}
	data := map[string]string{}
	switch r.URL.Path {
	case "/v1/team/transit/encrypt/orders", "/v1/team/transit/encrypt/orders2":
		data["ciphertext"] = "vault:v1:" + base64.StdEncoding.EncodeToString([]byte(r.URL.Path[len("/v1/team/transit/encrypt/"):]+"|"+in["associated_data"]+"|"+in["plaintext"]))
	case "/v1/team/transit/decrypt/orders", "/v1/team/transit/decrypt/orders2":
		inner, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(in["ciphertext"], "vault:v1:"))
		parts := strings.Split(string(inner), "|")
		if err != nil || len(parts) != 3 || parts[0] != r.URL.Path[len("/v1/team/transit/decrypt/"):] || parts[1] != in["associated_data"] {
			s.refused(w, 400, "not ours: %s", inner)
			return
		}
		data["plaintext"] = parts[2]
	default:
		s.refused(w, 404, "nothing at %s", r.URL.Path)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

// kms checks the signature the way AWS does, from what arrived.
func (s *stand) kms(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	body, _ := io.ReadAll(r.Body)
	if why := s.signature(r, body); why != "" {
		s.refused(w, 403, "%s", why)
		return
	}
	var in struct {
		KeyId, Plaintext, CiphertextBlob string
		EncryptionContext                map[string]string
	}
	if json.Unmarshal(body, &in) != nil || in.KeyId != "alias/orders" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || len(in.EncryptionContext) != 1 {
		s.refused(w, 400, "%s", body)
		return
	}
	out := map[string]string{"KeyId": in.KeyId}
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.Encrypt":
		out["CiphertextBlob"] = base64.StdEncoding.EncodeToString([]byte(in.EncryptionContext["place"] + "|" + in.Plaintext))
	case "TrentService.Decrypt":
		inner, err := base64.StdEncoding.DecodeString(in.CiphertextBlob)
		place, plain, ok := strings.Cut(string(inner), "|")
		if err != nil || !ok || place != in.EncryptionContext["place"] {
			s.refused(w, 400, "InvalidCiphertextException")
			return
		}
		out["Plaintext"] = plain
	default:
		s.refused(w, 400, "what is %s", r.Header.Get("X-Amz-Target"))
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *stand) signature(r *http.Request, body []byte) string {
	given := r.Header.Get("Authorization")
	_, rest, ok := strings.Cut(given, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
	scope, rest, ok2 := strings.Cut(rest, ", SignedHeaders=")
	list, signature, ok3 := strings.Cut(rest, ", Signature=")
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	if !ok || !ok2 || !ok3 || err != nil || time.Since(at).Abs() > 5*time.Minute || scope != stamp[:8]+"/me-central-1/kms/aws4_request" {
		return "malformed: " + given
	}
	for _, must := range []string{"host", "x-amz-date", "x-amz-target", "x-amz-security-token", "content-type"} {
		if !strings.Contains(";"+list+";", ";"+must+";") {
			return must + " is not signed"
		}
	}
	headers := ""
	for h := range strings.SplitSeq(list, ";") {
		v := r.Header.Get(h)
		if h == "host" {
			v = r.Host
		}
		headers += h + ":" + v + "\n"
	}
	sum := func(b string) string { x := sha256.Sum256([]byte(b)); return hex.EncodeToString(x[:]) }
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + sum(r.Method+"\n"+r.URL.EscapedPath()+"\n"+r.URL.RawQuery+"\n"+headers+"\n"+list+"\n"+sum(string(body)))
	key := []byte("AWS4canary-aws-secret")
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, text))), []byte(signature)) {
		return "the signature is wrong"
	}
	return ""
}

func TestServices(t *testing.T) {
	t.Parallel()
	env := func(more map[string]string) func(string) string {
		return func(name string) string { return more[name] }
	}
	transit := map[string]string{"VAULT_TOKEN": "canary-token", "VAULT_NAMESPACE": "shops"}
	t.Run("a_key_in_Vault_Transit_wraps_and_a_rotation_leads_to_another_one", func(t *testing.T) {
		t.Parallel()
		s := &stand{t: t}
		srv := httptest.NewServer(http.HandlerFunc(s.transit))
		t.Cleanup(srv.Close)
		d := dbtest.SQLite(t)
		one, two := "transit:"+srv.URL+"/team/transit/orders", "transit:"+srv.URL+"/team/transit/orders2"
		opt := func(keys ...string) vault.Options {
			return vault.Options{Keys: keys, Env: env(transit), Fence: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
		}
		v, err := vault.Open(t.Context(), d, opt(one))
		if err != nil {
			t.Fatal(err)
		}
		put(t, d, v, "secret", "canary", vault.PutOptions{})
		s.fail.Store(1)
		if v, err = vault.Open(t.Context(), d, opt(one)); err != nil {
			t.Fatal("one 503 is borne:", err)
		}
		wantValues(t, v, "secret", "canary")
		asked := s.asked.Load()
		put(t, d, v, "secret", "canary2", vault.PutOptions{})
		wantValues(t, v, "secret", "canary2")
		if s.asked.Load() != asked {
			t.Error("the service is asked beyond the start")
		}
		_, err = vault.Open(t.Context(), d, opt(two))
		wantKind(t, err, fault.Invalid, "is not the one this database was set up with")
		// Then to another key, and from there to a file.
		file := "file:" + keyFile(t)
		for _, keys := range [][]string{{two, one}, {file, two}} {
			if v, err = vault.Open(t.Context(), d, opt(keys...)); err != nil {
				t.Fatal(err)
			}
			if _, err := v.RotateKeys(t.Context(), "cli:amina", noted); err != nil {
				t.Fatal(err)
			}
			done(t, house{vault: v})
			if v, err = vault.Open(t.Context(), d, opt(keys[0])); err != nil {
				t.Fatal(err)
			}
			wantValues(t, v, "secret", "canary2")
		}
	})
	t.Run("a_key_in_AWS_KMS_is_asked_with_a_right_signature", func(t *testing.T) {
		t.Parallel()
		s := &stand{t: t}
		srv := httptest.NewServer(http.HandlerFunc(s.kms))
		t.Cleanup(srv.Close)
		given := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary-aws-secret", "AWS_SESSION_TOKEN": "canary-session", "AWS_ENDPOINT_URL_KMS": srv.URL}
		d := dbtest.SQLite(t)
		open := func() (*vault.Vault, error) {
			return vault.Open(t.Context(), d, vault.Options{Keys: []string{"awskms:me-central-1/alias/orders"}, Env: env(given)})
		}
		v, err := open()
		if err != nil {
			t.Fatal(err)
		}
		put(t, d, v, "secret", "canary", vault.PutOptions{})
		if v, err = open(); err != nil {
			t.Fatal(err)
		}
		wantValues(t, v, "secret", "canary")
		given["AWS_SECRET_ACCESS_KEY"] = "canary-other"
		_, err = open()
		wantKind(t, err, fault.Internal, "cannot be unwrapped")
		if strings.Contains(fmt.Sprintf("%+v", err), "canary") {
			t.Errorf("the error gives a secret away: %+v", err)
		}
	})
	t.Run("what_cannot_be_a_key_service_is_refused_without_asking", func(t *testing.T) {
		t.Parallel()
		for spec, saying := range map[string]string{
			"transit:http://vault.example/transit/orders": "over https only",
			"transit:https://vault.example/orders":        "HOST/MOUNT/NAME",
			"transit:https://me:pw@vault.example/a/b":     "cannot be read",
			"awskms:orders": "REGION/KEY",
			"gcpkms:x":      "file:PATH",
		} {
			_, err := vault.Open(t.Context(), dbtest.SQLite(t), vault.Options{Keys: []string{spec}, Env: env(transit)})
			wantKind(t, err, fault.Invalid, saying)
		}
	})
	t.Run("a_redirect_is_not_followed_with_the_token", func(t *testing.T) {
		t.Parallel()
		var elsewhere atomic.Int64
		thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
		t.Cleanup(thief.Close)
		srv := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
		t.Cleanup(srv.Close)
		_, err := vault.Open(t.Context(), dbtest.SQLite(t), vault.Options{Keys: []string{"transit:" + srv.URL + "/transit/orders"}, Env: env(transit)})
		if err == nil || elsewhere.Load() > 0 {
			t.Errorf("the token went elsewhere %d times (%v)", elsewhere.Load(), err)
		}
	})
}
