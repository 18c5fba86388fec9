package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// Grant types of the token endpoint.
const (
	GrantClient   = "client_credentials"
	GrantCode     = "authorization_code" // Shopify sends no grant_type with a code; both are accepted
	GrantRefresh  = "refresh_token"
	GrantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

type access struct {
	expires time.Time // zero: never
	revoked bool
}

// family is a refresh token with what came of it: an old token stays usable until one of its successors is used, so that a lost answer can be
// asked for again.
type family struct {
	parent  *family
	dead    bool
	expires time.Time
}

type tokens struct {
	s       *Shop
	access  map[string]*access
	refresh map[string]*family
	codes   map[string]time.Time
}

type secret struct {
	value string
	until time.Time // zero: current
}

func newTokens(s *Shop) tokens {
	t := tokens{s: s, access: map[string]*access{}, refresh: map[string]*family{}, codes: map[string]time.Time{}}
	for _, permanent := range s.cfg.PermanentTokens {
		t.access[permanent] = &access{}
	}
	return t
}

// valid says whether an access token is accepted now.
func (t *tokens) valid(token string) bool {
	a := t.access[token]
	return a != nil && !a.revoked && (a.expires.IsZero() || t.s.now().Before(a.expires)) && t.s.installed
}

func (t *tokens) issue(life time.Duration) (string, *access) {
	token := "shpat_" + t.s.hex(32)
	a := &access{}
	if life > 0 {
		a.expires = t.s.now().Add(life)
	}
	t.access[token] = a
	return token, a
}

func (s *Shop) hex(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%016x", s.rnd.Uint64())
	}
	return b.String()[:n]
}

// IssueToken makes an access token as an installation would; a life of zero never expires.
func (s *Shop) IssueToken(life time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, _ := s.tokens.issue(life)
	return token
}

// IssueRefresh makes a pair of expiring tokens as an installation would.
func (s *Shop) IssueRefresh() (accessToken, refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.tokens.pair(nil)
	return answer["access_token"].(string), answer["refresh_token"].(string)
}

// IssueCode makes an authorization code, good for ten minutes and one exchange.
func (s *Shop) IssueCode() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := s.hex(32)
	s.tokens.codes[code] = s.now().Add(10 * time.Minute)
	return code
}

// RevokeTokens makes every access token given out so far invalid; refresh tokens stay.
func (s *Shop) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.tokens.access {
		a.revoked = true
	}
}

// RotateSecret gives the app a new client secret. For an hour the old one is still accepted at the token endpoint and still signs about half
// of the webhooks.
func (s *Shop) RotateSecret(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.secrets {
		if s.secrets[i].until.IsZero() {
			s.secrets[i].until = s.now().Add(time.Hour)
		}
	}
	s.secrets = append(s.secrets, secret{value: value})
}

func (s *Shop) liveSecrets() []string {
	var live []string
	for _, sec := range s.secrets {
		if sec.until.IsZero() || s.now().Before(sec.until) {
			live = append(live, sec.value)
		}
	}
	return live
}

func (t *tokens) pair(parent *family) kv {
	token, _ := t.issue(t.s.cfg.TokenLife)
	refresh := "shprt_" + t.s.hex(32)
	t.refresh[refresh] = &family{parent: parent, expires: t.s.now().Add(t.s.cfg.RefreshLife)}
	return kv{
		"access_token": token, "scope": t.s.scopeText(), "expires_in": int(t.s.cfg.TokenLife.Seconds()),
		"refresh_token": refresh, "refresh_token_expires_in": int(t.s.cfg.RefreshLife.Seconds()),
	}
}

func (t *tokens) rotate(token string) (kv, bool) {
	f := t.refresh[token]
	if f == nil || f.dead || !t.s.now().Before(f.expires) {
		return nil, false
	}
	// Using a token ends the life of the one it came from, and of every other token that came from that one.
	for p := f.parent; p != nil; p = p.parent {
		p.dead = true
	}
	for _, sibling := range t.refresh {
		if sibling != f && f.parent != nil && sibling.parent == f.parent {
			sibling.dead = true
		}
	}
	return t.pair(f), true
}

func (s *Shop) scopeText() string {
	list := make([]string, 0, len(s.scopes))
	for sc := range s.scopes {
		list = append(list, sc)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// serveToken is POST /admin/oauth/access_token: JSON, or a form as OAuth libraries send it.
func (s *Shop) serveToken(w http.ResponseWriter, r *http.Request) {
	form, err := tokenForm(r)
	if err != nil {
		sim.WriteJSON(w, http.StatusBadRequest, oauthError("invalid_request", err.Error()))
		return
	}
	s.mu.Lock()
	status, answer := s.grant(form)
	s.mu.Unlock()
	note := "ok"
	if status != http.StatusOK {
		note = fmt.Sprint("refused: ", answer["error"])
	}
	// Neither secrets nor tokens are recorded.
	s.Record.Add(sim.Entry{At: s.now(), Dir: sim.In, Kind: "token", Ref: form["grant_type"], Method: r.Method, Path: r.URL.Path, Status: status, Note: note})
	sim.WriteJSON(w, status, answer)
}

func tokenForm(r *http.Request) (map[string]string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	form := map[string]string{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		values, err := url.ParseQuery(string(body))
		for k := range values {
			form[k] = values.Get(k)
		}
		return form, err
	}
	var loose map[string]any
	if err := json.Unmarshal(body, &loose); err != nil {
		return nil, fmt.Errorf("body is no JSON object")
	}
	for k, v := range loose {
		form[k] = fmt.Sprint(v)
	}
	return form, nil
}

func oauthError(code, text string) kv { return kv{"error": code, "error_description": text} }

func (s *Shop) grant(form map[string]string) (int, kv) {
	if form["client_id"] != s.cfg.ClientID || !slices.Contains(s.liveSecrets(), form["client_secret"]) {
		return http.StatusBadRequest, oauthError("invalid_client", "Client authentication failed.")
	}
	if !s.installed {
		return http.StatusBadRequest, oauthError("shop_not_permitted", "Client credentials cannot be performed on this shop.")
	}
	kind := form["grant_type"]
	if kind == "" && form["code"] != "" {
		kind = GrantCode
	}
	if s.cfg.Grants != nil && !slices.Contains(s.cfg.Grants, kind) {
		return http.StatusBadRequest, oauthError("unsupported_grant_type", "The grant type is not supported for this app.")
	}
	switch kind {
	case GrantClient:
		token, _ := s.tokens.issue(s.cfg.ClientTokenLife)
		return http.StatusOK, kv{"access_token": token, "scope": s.scopeText(), "expires_in": int(s.cfg.ClientTokenLife.Seconds())}
	case GrantCode:
		until, known := s.tokens.codes[form["code"]]
		delete(s.tokens.codes, form["code"])
		if !known || !s.now().Before(until) {
			return http.StatusBadRequest, oauthError("invalid_request", "The authorization code was not found or was already used.")
		}
		return http.StatusOK, s.offline(form)
	case GrantExchange:
		if form["subject_token"] == "" || form["requested_token_type"] != "urn:shopify:params:oauth:token-type:offline-access-token" {
			return http.StatusBadRequest, oauthError("invalid_subject_token", "The subject token is missing or its type is not supported.")
		}
		return http.StatusOK, s.offline(form)
	case GrantRefresh:
		answer, ok := s.tokens.rotate(form["refresh_token"])
		if !ok {
			return http.StatusBadRequest, oauthError("invalid_grant", "The refresh token is invalid, expired or was replaced.")
		}
		return http.StatusOK, answer
	}
	return http.StatusBadRequest, oauthError("unsupported_grant_type", "The grant type is not supported.")
}

// offline gives an expiring pair when expiring=1 was sent, a permanent token otherwise.
func (s *Shop) offline(form map[string]string) kv {
	if e := form["expiring"]; e == "1" || e == "true" {
		return s.tokens.pair(nil)
	}
	token, _ := s.tokens.issue(0)
	return kv{"access_token": token, "scope": s.scopeText()}
}

// serveAuthorize is GET /admin/oauth/authorize with a merchant who always agrees: it goes back to redirect_uri with a code, signed in hex.
func (s *Shop) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || !back.IsAbs() || q.Get("client_id") != s.cfg.ClientID {
		http.Error(w, "Oauth error invalid_request: The redirect_uri is not whitelisted", http.StatusBadRequest)
		return
	}
	values := url.Values{"code": {s.IssueCode()}, "shop": {s.cfg.Domain}, "state": {q.Get("state")}, "timestamp": {fmt.Sprint(s.now().Unix())}}
	s.mu.Lock()
	key := s.secrets[len(s.secrets)-1].value
	s.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(values.Encode())) // Encode sorts by name
	values.Set("hmac", hex.EncodeToString(mac.Sum(nil)))
	back.RawQuery = values.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}
