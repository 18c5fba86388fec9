package daraz

import (
	"crypto/subtle"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// codeLife is how long a consent's code can be exchanged, once.
const codeLife = 30 * time.Minute

// expiringSoon is when the platform announces the end of a token by push (type 8).
const expiringSoon = 48 * time.Hour

// consent is a person's yes on the authorize page, until its code is exchanged.
type consent struct {
	shop  *Shop
	until time.Time
}

// grant is one authorisation of the app by a seller: its tokens rotate, the day it ends does not.
type grant struct {
	shop            *Shop
	access, refresh string
	accessUntil     time.Time
	refreshUntil    time.Time
	warned          bool
}

type oldToken struct {
	shop  *Shop
	until time.Time
}

// Token is a pair as the token endpoints hand it out.
type Token struct {
	Access         string    `json:"access_token"`
	Refresh        string    `json:"refresh_token"`
	AccessExpires  time.Time `json:"access_expires"`
	RefreshExpires time.Time `json:"refresh_expires"`
}

// Authorize is a person's consent without a browser: the code for /auth/token/create, valid once and for 30 minutes.
func (s *Shop) Authorize() string {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.consent(s)
}

// Grant is consent and exchange in one: tokens ready to use.
func (s *Shop) Grant() Token {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.grant(s).token()
}

// ExpireTokens ends the access tokens of this shop; they can still be refreshed.
func (s *Shop) ExpireTokens() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for _, g := range s.m.refresh {
		if g.shop == s {
			g.accessUntil = s.m.now()
		}
	}
	for t, o := range s.m.old {
		if o.shop == s {
			delete(s.m.old, t)
		}
	}
}

// Revoke takes the seller's consent back: no token of this shop works any more.
func (s *Shop) Revoke() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for t, g := range s.m.refresh {
		if g.shop == s {
			delete(s.m.refresh, t)
			delete(s.m.access, g.access)
		}
	}
	for t, o := range s.m.old {
		if o.shop == s {
			delete(s.m.old, t)
		}
	}
}

func (g *grant) token() Token {
	return Token{Access: g.access, Refresh: g.refresh, AccessExpires: g.accessUntil, RefreshExpires: g.refreshUntil}
}

func (m *Market) consent(s *Shop) string {
	code := fmt.Sprintf("0_%s_%s", m.cfg.AppKey, m.word(24))
	m.codes[code] = consent{shop: s, until: m.now().Add(codeLife)}
	return code
}

func (m *Market) grant(s *Shop) *grant {
	g := &grant{shop: s, refreshUntil: m.now().Add(m.cfg.Tokens.Refresh)}
	m.rotate(g)
	return g
}

// rotate gives a grant new tokens. The access token's life starts again, the refresh token's does not (channel-daraz §1.2).
func (m *Market) rotate(g *grant) {
	if g.access != "" {
		delete(m.access, g.access)
		delete(m.refresh, g.refresh)
		if m.cfg.Tokens.Grace > 0 {
			m.old[g.access] = oldToken{shop: g.shop, until: m.now().Add(m.cfg.Tokens.Grace)}
		}
	}
	g.access = "5000" + m.word(44)
	g.refresh = "5001" + m.word(44)
	g.accessUntil, g.warned = m.now().Add(m.cfg.Tokens.Access), false
	if g.accessUntil.After(g.refreshUntil) && !m.cfg.Tokens.NotRefreshable {
		g.accessUntil = g.refreshUntil
	}
	m.access[g.access], m.refresh[g.refresh] = g, g
}

// word is a random token text.
func (m *Market) word(n int) string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[m.rnd.IntN(len(letters))]
	}
	return string(b)
}

// checkToken finds the shop of a call's access token. Token calls need none, but one that is sent is judged all the same: a stale one there
// was seen to be answered by IllegalAccessToken.
func (m *Market) checkToken(c *call, open bool) error {
	token := c.get("access_token")
	if token == "" {
		if open {
			return nil
		}
		return missing("access_token")
	}
	g := m.access[token]
	if _, ok := m.faults.Take(sim.ExpiredToken, c.path); ok && g != nil {
		g.accessUntil = c.now
	}
	switch {
	case g != nil && c.now.Before(g.accessUntil):
		c.shop = g.shop
		m.warn(g, c.now)
	case c.now.Before(m.old[token].until):
		c.shop = m.old[token].shop
	default:
		return refuse(isv, "IllegalAccessToken", "The specified access token is invalid or expired")
	}
	return nil
}

// connected says whether the platform still pushes for this shop: not once its token is expired or revoked.
func (m *Market) connected(s *Shop) bool {
	now := m.now()
	for _, g := range m.access {
		if g.shop == s && now.Before(g.accessUntil) {
			return true
		}
	}
	return false
}

// warn announces, once per token, that it ends within 48 hours.
func (m *Market) warn(g *grant, now time.Time) {
	if !g.warned && g.accessUntil.Sub(now) < expiringSoon {
		g.warned = true
		m.pushToken(g)
	}
}

func (c *call) tokenCreate() (answer, error) {
	code := c.get("code")
	if code == "" {
		return answer{}, missing("code")
	}
	yes, ok := c.m.codes[code]
	delete(c.m.codes, code)
	if !ok || !c.now.Before(yes.until) {
		return answer{}, refuse(isp, "InvalidCode", "Invalid authorization code")
	}
	g := c.m.grant(yes.shop)
	c.ref = yes.shop.seller.ID
	return answer{flat: c.m.tokenFields(g, c.now, "country_user_info")}, nil
}

func (c *call) tokenRefresh() (answer, error) {
	token := c.get("refresh_token")
	if token == "" {
		return answer{}, missing("refresh_token")
	}
	g := c.m.refresh[token]
	if g == nil || c.m.cfg.Tokens.NotRefreshable || !c.now.Before(g.refreshUntil) {
		return answer{}, refuse(isp, "IllegalRefreshToken", "The specified refresh token is invalid or expired")
	}
	c.m.rotate(g)
	c.ref = g.shop.seller.ID
	return answer{flat: c.m.tokenFields(g, c.now, "country_user_info_list")}, nil
}

// tokenFields is the flat body of a token answer; list is the documented name of the seller list, which differs on refresh.
func (m *Market) tokenFields(g *grant, now time.Time, list string) map[string]any {
	seller := g.shop.seller
	out := map[string]any{
		"access_token": g.access, "refresh_token": g.refresh,
		"expires_in":         int64(g.accessUntil.Sub(now) / time.Second),
		"refresh_expires_in": int64(g.refreshUntil.Sub(now) / time.Second),
		"account":            seller.Account, "account_platform": "seller_center", "country": m.cfg.Venture,
	}
	if m.cfg.Tokens.NotRefreshable {
		out["refresh_expires_in"] = 0
	}
	info := map[string]any{
		"country": m.cfg.Venture, "seller_id": seller.ID, "user_id": seller.UserID, "short_code": seller.ShortCode,
	}
	if m.cfg.Tokens.Shape == ShapeCountry {
		out[list] = []any{info}
		return out
	}
	delete(info, "country")
	out["user_info"] = info
	return out
}

func (c *call) sellerGet() (answer, error) {
	s := c.shop.seller
	c.ref = s.ID
	return data(map[string]any{
		"seller_id": s.ID, "short_code": s.ShortCode, "name": "Shop " + s.ShortCode, "name_company": "Shop " + s.ShortCode,
		"email": s.Account, "verified": "true", "cb": "false", "location": c.m.venture.country, "logo_url": "",
	}), nil
}

var consentPage = template.Must(template.New("consent").Parse(`<!DOCTYPE html><html><head><title>Authorize</title></head><body>
<h1>Which shop may the app see?</h1><ul>{{range .}}<li><a href="{{.URL}}">{{.Name}}</a></li>{{end}}</ul></body></html>
`))

// serveAuthorize is the seller's consent page. With one shop it agrees at once; with several a person picks, or seller_id does.
func (m *Market) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("response_type") != "code":
		http.Error(w, "response_type must be code", http.StatusBadRequest)
		return
	case subtle.ConstantTimeCompare([]byte(q.Get("client_id")), []byte(m.cfg.AppKey)) != 1:
		http.Error(w, "unknown client_id", http.StatusBadRequest)
		return
	case err != nil || !redirect.IsAbs() || (m.cfg.RedirectURI != "" && q.Get("redirect_uri") != m.cfg.RedirectURI):
		http.Error(w, "redirect_uri does not match the registered callback", http.StatusBadRequest)
		return
	}
	shop := m.Shop(q.Get("seller_id"))
	if q.Get("seller_id") == "" && len(m.shops) > 1 {
		m.askWhichShop(w, r)
		return
	}
	if shop == nil {
		http.Error(w, "no such shop", http.StatusBadRequest)
		return
	}
	back := redirect.Query()
	back.Set("code", shop.Authorize())
	if state := q.Get("state"); state != "" {
		back.Set("state", state)
	}
	redirect.RawQuery = back.Encode()
	http.Redirect(w, r, redirect.String(), http.StatusFound)
}

func (m *Market) askWhichShop(w http.ResponseWriter, r *http.Request) {
	type choice struct{ URL, Name string }
	var choices []choice
	for i, s := range m.shops {
		q := r.URL.Query()
		q.Set("seller_id", s.seller.ID)
		choices = append(choices, choice{URL: "/oauth/authorize?" + q.Encode(), Name: "Shop " + strconv.Itoa(i+1) + ", " + s.seller.ShortCode})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage.Execute(w, choices)
}
