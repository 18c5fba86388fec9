package vault

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// service is a key-encryption key that never leaves a service: it wraps and unwraps by request. It implements tink.AEAD; the keys are
// unwrapped once at start, so the service is not in the way of anything else.
type service struct {
	name   string
	ask    func(ctx context.Context, operation string, in, out any) error
	bodies func(s *service, operation string, content, bound []byte) (in any, out *answered)
}

type answered struct {
	text func() string // what the answer holds, as the service writes it
	raw  any
}

const serviceLimit = 10 * time.Second

// serviceClient follows no redirects: a token must not go elsewhere.
var serviceClient = &http.Client{
	Timeout: serviceLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// secureURL refuses to send tokens in clear, except within this machine.
func secureURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fault.New(fault.Invalid, "the address of the key service cannot be read")
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Scheme != "https" && !(u.Scheme == "http" && (host == "localhost" || ip != nil && ip.IsLoopback())) {
		return nil, fault.New(fault.Invalid, "the key service at %s is asked over https only", host)
	}
	return u, nil
}

// exchange sends one JSON request; what the service says goes into the cause, never the message.
func exchange(req *http.Request, out any) error {
	res, err := serviceClient.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return fault.Wrap(fault.Unavailable, err, "the key service at "+req.URL.Host+" does not answer")
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the key service at "+req.URL.Host+" broke off its answer")
	}
	switch {
	case res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized:
		return fault.New(fault.Unauthorized, "the key service at %s refuses our credentials", req.URL.Host)
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return fault.New(fault.Unavailable, "the key service at %s answered %d", req.URL.Host, res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return fault.New(fault.Refused, "the key service at %s answered %d", req.URL.Host, res.StatusCode)
	}
	return fault.Wrap(fault.Unavailable, json.Unmarshal(body, out), "the key service at "+req.URL.Host+" answered something else")
}

// Encrypt implements tink.AEAD.
func (s *service) Encrypt(plain, bound []byte) ([]byte, error) {
	text, err := s.call("encrypt", plain, bound)
	if err == nil && text == "" {
		err = fault.New(fault.Unavailable, "the key service gave nothing back")
	}
	return []byte(text), err
}

// Decrypt implements tink.AEAD.
func (s *service) Decrypt(box, bound []byte) ([]byte, error) {
	text, err := s.call("decrypt", box, bound)
	if err != nil {
		return nil, err
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	return plain, fault.Wrap(fault.Unavailable, err, "the key service answered something else")
}

func (s *service) call(operation string, content, bound []byte) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*serviceLimit)
	defer cancel()
	in, out := s.bodies(s, operation, content, bound)
	err := s.ask(ctx, operation, in, out.raw)
	if fault.Is(err, fault.Unavailable) && ctx.Err() == nil {
		err = s.ask(ctx, operation, in, out.raw)
	}
	if err != nil {
		return "", err
	}
	return out.text(), nil
}

// fromTransit is a key in HashiCorp Vault's Transit engine (https://developer.hashicorp.com/vault/api-docs/secret/transit), spelt
// https://HOST/MOUNT/NAME. The token is VAULT_TOKEN, or in the file VAULT_TOKEN_FILE, which is read anew each time.
func fromTransit(spec string, o Options) (masters, error) {
	u, err := secureURL(spec)
	if err != nil {
		return nil, err
	}
	mount, name := path.Split(strings.Trim(u.Path, "/"))
	if mount = strings.Trim(mount, "/"); mount == "" || name == "" {
		return nil, fault.New(fault.Invalid, "the key in Vault is named transit:https://HOST/MOUNT/NAME")
	}
	s := &service{name: name, bodies: transitBodies}
	s.ask = func(ctx context.Context, operation string, in, out any) error {
		token, err := transitToken(o.Env)
		if err != nil {
			return err
		}
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.Scheme+"://"+u.Host+"/v1/"+mount+"/"+operation+"/"+url.PathEscape(name), bytes.NewReader(b))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Vault-Request", "true")
		req.Header.Set("X-Vault-Token", token)
		if ns := o.Env("VAULT_NAMESPACE"); ns != "" {
			req.Header.Set("X-Vault-Namespace", ns)
		}
		return exchange(req, out)
	}
	return masters{{AEAD: s, fingerprint: "transit:" + u.Host + "/" + mount + "/" + name}}, nil
}

func transitToken(env func(string) string) (string, error) {
	if token := env("VAULT_TOKEN"); token != "" {
		return token, nil
	}
	file := env("VAULT_TOKEN_FILE")
	if file == "" {
		return "", fault.New(fault.Invalid, "say VAULT_TOKEN_FILE, or VAULT_TOKEN, for the key in Vault")
	}
	b, err := os.ReadFile(file)
	return strings.TrimSpace(string(b)), fault.Wrap(fault.Invalid, err, "the token for Vault cannot be read")
}

func transitBodies(_ *service, operation string, content, bound []byte) (any, *answered) {
	in := map[string]string{"associated_data": base64.StdEncoding.EncodeToString(bound)}
	var out struct {
		Data struct{ Plaintext, Ciphertext string }
	}
	if operation == "encrypt" {
		in["plaintext"] = base64.StdEncoding.EncodeToString(content)
		return in, &answered{func() string { return out.Data.Ciphertext }, &out}
	}
	in["ciphertext"] = string(content)
	return in, &answered{func() string { return out.Data.Plaintext }, &out}
}

// fromKMS is a key in AWS KMS (https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html), spelt REGION/KEY, where KEY is an id, an
// ARN or an alias. Credentials are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; AWS_ENDPOINT_URL_KMS says another endpoint.
func fromKMS(spec string, o Options) (masters, error) {
	region, name, ok := strings.Cut(spec, "/")
	if !ok || region == "" || name == "" {
		return nil, fault.New(fault.Invalid, "the key in AWS KMS is named awskms:REGION/KEY")
	}
	endpoint := o.Env("AWS_ENDPOINT_URL_KMS")
	if endpoint == "" {
		endpoint = "https://kms." + region + ".amazonaws.com/"
	}
	u, err := secureURL(endpoint)
	if err != nil {
		return nil, err
	}
	s := &service{name: name, bodies: kmsBodies}
	s.ask = func(ctx context.Context, operation string, in, out any) error {
		id, secret := o.Env("AWS_ACCESS_KEY_ID"), o.Env("AWS_SECRET_ACCESS_KEY")
		if id == "" || secret == "" {
			return fault.New(fault.Invalid, "say AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the key in AWS KMS")
		}
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.Scheme+"://"+u.Host+"/", bytes.NewReader(b))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "TrentService."+strings.ToUpper(operation[:1])+operation[1:])
		if token := o.Env("AWS_SESSION_TOKEN"); token != "" {
			req.Header.Set("X-Amz-Security-Token", token)
		}
		signAWS(req, b, region, "kms", id, secret, time.Now().UTC())
		return exchange(req, out)
	}
	return masters{{AEAD: s, fingerprint: "awskms:" + region + "/" + name}}, nil
}

func kmsBodies(s *service, operation string, content, bound []byte) (any, *answered) {
	in := map[string]any{"KeyId": s.name, "EncryptionContext": map[string]string{"place": base64.StdEncoding.EncodeToString(bound)}}
	var out struct{ Plaintext, CiphertextBlob string }
	if operation == "encrypt" {
		in["Plaintext"] = base64.StdEncoding.EncodeToString(content)
		return in, &answered{func() string { return out.CiphertextBlob }, &out}
	}
	in["CiphertextBlob"] = string(content)
	return in, &answered{func() string { return out.Plaintext }, &out}
}

// signAWS signs a request without a query with Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
func signAWS(req *http.Request, body []byte, region, name, id, secret string, now time.Time) {
	day, stamp := now.Format("20060102"), now.Format("20060102T150405Z")
	req.Header.Set("X-Amz-Date", stamp)
	signed := []string{"content-type", "host", "x-amz-date"}
	for _, more := range []string{"x-amz-security-token", "x-amz-target"} {
		if req.Header.Get(more) != "" {
			signed = append(signed, more)
		}
	}
	var headers strings.Builder
	for _, h := range signed {
		v := req.Header.Get(h)
		if h == "host" {
			v = req.URL.Host
		}
		headers.WriteString(h + ":" + strings.TrimSpace(v) + "\n")
	}
	list, scope := strings.Join(signed, ";"), day+"/"+region+"/"+name+"/aws4_request"
	canonical := strings.Join([]string{req.Method, "/", "", headers.String(), list, sumHex(body)}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, region, name, "aws4_request"} {
		key = macSHA256(key, part)
	}
	signature := hex.EncodeToString(macSHA256(key, strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, sumHex([]byte(canonical))}, "\n")))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+id+"/"+scope+", SignedHeaders="+list+", Signature="+signature)
}

func sumHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func macSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
