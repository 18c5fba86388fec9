package daraz

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// AuthorizeURL is the page on which a seller agrees in a browser; it comes back to redirect, which must be the registered one to the letter, with a
// code (the secret "code", good once and for 30 minutes) and the state given. Source: channel-daraz.md §1.2.
func AuthorizeURL(cfg channel.Config, redirect, state string) (string, error) {
	v, ok := ventures[cfg.Setting("venture")]
	if !ok {
		return "", fault.Field("venture", "%q is none of pk, bd, lk, np, mm", cfg.Setting("venture"))
	}
	page := cfg.Setting("authorize_url")
	if page == "" {
		page = v.host + "/oauth/authorize"
	}
	q := url.Values{
		"response_type": {"code"}, "force_auth": {"true"}, "redirect_uri": {redirect}, "client_id": {cfg.Setting("app_key")}, "state": {state},
	}
	return page + "?" + q.Encode(), nil
}

// tokenAnswer is flat, not under data. The shop is named in one of three ways: country_user_info[] as documented, country_user_info_list[] by Lazada on
// refresh, or a lone user_info with the country beside it, as local sellers get.
type tokenAnswer struct {
	Access    iop.Scalar         `json:"access_token"`
	Refresh   iop.Scalar         `json:"refresh_token"`
	Life      iop.Scalar         `json:"expires_in"`
	Renewable iop.Scalar         `json:"refresh_expires_in"`
	Country   iop.Scalar         `json:"country"`
	Several   iop.List[userInfo] `json:"country_user_info"`
	Others    iop.List[userInfo] `json:"country_user_info_list"`
	One       *userInfo          `json:"user_info"`
}

type userInfo struct {
	Country iop.Scalar `json:"country"`
	Seller  iop.Scalar `json:"seller_id"`
}

// UnmarshalJSON takes an object; a scalar cannot name a shop.
func (u *userInfo) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		return nil
	}
	type plain userInfo
	return json.Unmarshal(data, (*plain)(u))
}

// RefreshToken implements channel.TokenRefresher: the zero set is made from the secret "code", any other is renewed, which also replaces its refresh
// token without lengthening that one's life. No access token is sent along: the gateway judges a stale one even here.
// Unauthorized is said only on evidence about the credential; a signature that Daraz refuses is our fault and retryable.
func (s *shop) RefreshToken(ctx context.Context, current channel.TokenSet) (channel.TokenSet, error) {
	call := iop.Call{Method: http.MethodPost, Path: s.paths["token_refresh"], Params: map[string]string{"refresh_token": current.Refresh}}
	switch {
	case current.Refresh == "" && current.Access == "":
		code := s.cfg.FirstSecret("code")
		if code == "" {
			return channel.TokenSet{}, fault.New(fault.Unauthorized, "the shop has not authorised the app yet: there is no code")
		}
		call.Path, call.Params = s.paths["token_create"], map[string]string{"code": code}
	case current.Refresh == "":
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "this token cannot be refreshed: the shop must authorise the app again")
	case !current.RefreshExpiresAt.IsZero() && !s.cfg.Now().Before(current.RefreshExpiresAt):
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "the refresh token ended at %s: the shop must authorise the app again", current.RefreshExpiresAt.UTC().Format(time.RFC3339))
	}
	asked := s.cfg.Now()
	answer, err := s.auth.Do(ctx, call)
	if err != nil {
		return channel.TokenSet{}, tokenFault(err)
	}
	var t tokenAnswer
	if err := json.Unmarshal(answer.Body, &t); err != nil {
		return channel.TokenSet{}, fault.Wrap(fault.Unavailable, err, "the token answer has an unknown shape")
	}
	return s.tokens(t, current, asked)
}

// tokenFault keeps Unauthorized for evidence about the credential.
func tokenFault(err error) error {
	switch fault.CodeOf(err) {
	case "IllegalRefreshToken", "InvalidCode", "AUTH_TYPE_UNSUPPORTED":
		return err
	}
	switch fault.KindOf(err) {
	case fault.Throttled, fault.Unavailable:
		return err
	}
	out := &fault.Error{Kind: fault.Unavailable, Message: "Daraz did not renew the token, and not because of the token: " + fault.Message(err), Code: fault.CodeOf(err)}
	return out
}

func (s *shop) tokens(t tokenAnswer, current channel.TokenSet, asked time.Time) (channel.TokenSet, error) {
	life, ok := t.Life.Int()
	if t.Access == "" || !ok || life <= 0 {
		return channel.TokenSet{}, fault.New(fault.Unavailable, "the token answer lacks a token or its life").WithCode("half_an_answer")
	}
	seller, err := s.sellerOf(t)
	if err != nil {
		return channel.TokenSet{}, err
	}
	if seller == "" {
		seller = current.Shop
	}
	for _, expected := range []string{current.Shop, s.setting("seller_id")} {
		if expected != "" && seller != "" && seller != expected {
			return channel.TokenSet{}, fault.New(fault.Unauthorized, "these tokens belong to shop %s, and the account is shop %s", seller, expected).WithCode("other_shop")
		}
	}
	if seller == "" {
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "the tokens name no shop in %s: authorise the app with that country's shop", s.venture.name).WithCode("no_shop")
	}
	set := channel.TokenSet{Access: t.Access.String(), ExpiresAt: asked.Add(time.Duration(life) * time.Second), Shop: seller}
	// refresh_expires_in 0 means that it cannot be refreshed at all, not that it never ends.
	if left, ok := t.Renewable.Int(); ok && left > 0 {
		set.Refresh, set.RefreshExpiresAt = t.Refresh.String(), asked.Add(time.Duration(left)*time.Second)
	}
	set.Final = set.Refresh == ""
	return set, nil
}

// sellerOf is the shop id for our country, "" when the answer names no shop at all. An answer that names shops, and none in our country, is refused:
// the first entry may be another country's shop. account is an e-mail and short_code a handle: neither is an identity.
func (s *shop) sellerOf(t tokenAnswer) (string, error) {
	ours := func(c iop.Scalar) bool { return s.venture.country == strings.ToUpper(c.String()) }
	list := append(t.Several[:len(t.Several):len(t.Several)], t.Others...)
	for _, u := range list {
		if ours(u.Country) && u.Seller != "" {
			return u.Seller.String(), nil
		}
	}
	one := t.One != nil && t.One.Seller != ""
	switch {
	case len(list) == 0 && !one:
		return "", nil
	case len(list) == 0 && ours(t.Country) && (t.One.Country == "" || ours(t.One.Country)):
		return t.One.Seller.String(), nil
	}
	return "", fault.New(fault.Unauthorized, "the tokens are for shops of another country than %s", s.venture.name).WithCode("other_country")
}
