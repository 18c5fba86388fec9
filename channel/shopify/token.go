package shopify

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// RefreshToken gets or renews the access token by the account's grant. A token of client credentials is asked for anew; a refresh token is used once and
// replaced, the old one staying good until the new one is first used, so that a lost answer can be asked for again; a permanent token cannot be renewed.
// https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens
func (a *adapter) RefreshToken(ctx context.Context, current channel.TokenSet) (channel.TokenSet, error) {
	switch a.cfg.Setting("grant") {
	case grantPermanent:
		return a.permanent(current)
	case grantRefresh:
		if refresh := a.refreshToken(current); refresh != "" {
			return a.grant(ctx, map[string]string{"grant_type": "refresh_token", "refresh_token": refresh})
		}
		if code := a.cfg.FirstSecret("authorization_code"); code != "" {
			return a.grant(ctx, map[string]string{"code": code, "expiring": "1"})
		}
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "there is neither a refresh token nor an authorization code")
	}
	return a.grant(ctx, map[string]string{"grant_type": "client_credentials"})
}

func (a *adapter) refreshToken(current channel.TokenSet) string {
	if current.Refresh != "" {
		return current.Refresh
	}
	return a.cfg.FirstSecret("refresh_token")
}

func (a *adapter) permanent(current channel.TokenSet) (channel.TokenSet, error) {
	token := a.cfg.FirstSecret("access_token")
	if token == "" || token == current.Access {
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "the permanent access token is missing or no longer accepted")
	}
	return channel.TokenSet{Access: token, Shop: a.shop}, nil
}

type tokenAnswer struct {
	Access         string `json:"access_token"`
	Scope          string `json:"scope"`
	Expires        text   `json:"expires_in"`
	Refresh        string `json:"refresh_token"`
	RefreshExpires text   `json:"refresh_token_expires_in"`
	Error          string `json:"error"`
}

// grant asks the token endpoint, with each valid client secret: during a rotation one of two may already or still be refused.
func (a *adapter) grant(ctx context.Context, form map[string]string) (channel.TokenSet, error) {
	var secrets []string
	if a.cfg.Secret != nil {
		secrets = a.cfg.Secret("client_secret")
	}
	if len(secrets) == 0 {
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "the client secret is missing")
	}
	form["client_id"] = a.cfg.Setting("client_id")
	var set channel.TokenSet
	var err error
	for _, secret := range secrets {
		form["client_secret"] = secret
		if set, err = a.askToken(ctx, form); fault.CodeOf(err) != "invalid_client" {
			break
		}
	}
	return set, err
}

func (a *adapter) askToken(ctx context.Context, form map[string]string) (channel.TokenSet, error) {
	body, err := json.Marshal(form)
	if err != nil {
		return channel.TokenSet{}, fault.Wrap(fault.Internal, err, "the request cannot be written")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/admin/oauth/access_token", bytes.NewReader(body))
	if err != nil {
		return channel.TokenSet{}, fault.Wrap(fault.Invalid, err, "the base URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	now := a.cfg.Now()
	status, header, raw, err := a.send(req)
	if err != nil {
		return channel.TokenSet{}, err
	}
	var answer tokenAnswer
	bad := json.Unmarshal(raw, &answer)
	if err := tokenRefused(status, header, answer.Error); err != nil {
		return channel.TokenSet{}, err
	}
	if bad != nil || answer.Access == "" {
		// The cause would show the answer, and the answer holds the token.
		return channel.TokenSet{}, fault.New(fault.Unavailable, "Shopify's answer holds no token")
	}
	set := channel.TokenSet{Access: answer.Access, Refresh: answer.Refresh, Scopes: list(answer.Scope), Shop: a.shop}
	set.ExpiresAt = expiry(now, answer.Expires)
	set.RefreshExpiresAt = expiry(now, answer.RefreshExpires)
	return set, nil
}

// credentialErrors are the OAuth errors that speak about the credential itself; everything else may pass. RFC 6749, section 5.2, and Shopify's own.
var credentialErrors = []string{
	"invalid_client", "invalid_grant", "unauthorized_client", "invalid_token", "shop_not_permitted", "application_cannot_be_found", "app_not_installed",
}

func tokenRefused(status int, header http.Header, code string) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case slices.Contains(credentialErrors, code), status == http.StatusUnauthorized && code == "":
		return fault.New(fault.Unauthorized, "Shopify refuses the app's credentials").WithCode(code)
	}
	if wait, yes := throttled(status, header, nil); yes {
		return fault.Wait(wait, "Shopify asks to wait")
	}
	f := fault.New(fault.Unavailable, "Shopify gives no token now").WithCode(code)
	f.After = retryAfter(header)
	return f
}

// expiry is when so many seconds are over; zero when none are said.
func expiry(now time.Time, seconds text) time.Time {
	ms, ok := thousandths(string(seconds))
	if !ok || ms <= 0 || ms > 100*366*24*time.Hour.Milliseconds() {
		return time.Time{}
	}
	return now.Add(time.Duration(ms) * time.Millisecond)
}
