package iop

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Code is what one of the partner's codes means to us.
type Code struct {
	Kind  fault.Kind
	Say   string        // for the person who asked; "" leaves it at what the partner said
	After time.Duration // for Unavailable: not worth asking sooner
	// Open says that the work may have been done all the same; on a call with an effect it becomes fault.OutcomeUnknown.
	Open bool
}

// IllegalAccessToken is the one code that a new access token cures.
const IllegalAccessToken = "IllegalAccessToken"

// gateway holds the codes of the gateway itself, the same for every API. Sources: channel-daraz.md §1.13, §1.4.
var gateway = map[string]Code{
	IllegalAccessToken:    {Kind: fault.Unauthorized, Say: "the access token is expired or not valid for this shop"},
	"IllegalRefreshToken": {Kind: fault.Unauthorized, Say: "the refresh token is expired or revoked: the shop must authorise the app again"},
	"InvalidCode":         {Kind: fault.Unauthorized, Say: "the authorisation code was used before or is older than 30 minutes: authorise the app again"},
	"IncompleteSignature": {Kind: fault.Unauthorized, Say: "the partner refuses our signature: app secret, clock or our own request is wrong, not the shop's authorisation"},
	"InvalidAppKey":       {Kind: fault.Unauthorized, Say: "the partner does not know the app key"},
	"APP_KEY_INVALID":     {Kind: fault.Unauthorized, Say: "the partner does not know the app key"},
	"AUTH_TYPE_UNSUPPORTED": {
		Kind: fault.Refused, Say: "apps of this kind cannot refresh their token: the shop must authorise again when it ends",
	},
	"InvalidApiPath":         {Kind: fault.Refused, Say: "the partner has no such call at this path: see the account's paths"},
	"UnsupportedHTTPMethod":  {Kind: fault.Refused, Say: "the partner does not take this call this way"},
	"InvalidParameter":       {Kind: fault.Invalid, Say: "the partner refuses a parameter of our request"},
	"MissingParameter":       {Kind: fault.Invalid, Say: "the partner misses a parameter of our request"},
	"InsufficientPermission": {Kind: fault.Forbidden, Say: "the app lacks the permission for this call"},
	"AppWhiteIpLimit":        {Kind: fault.Forbidden, Say: "our address is not on the app's allow-list"},
	"SellerNotVerified":      {Kind: fault.Forbidden, Say: "the shop has not finished its own opening at the partner"},
	"Mp3SellerApiLimit":      {Kind: fault.Forbidden, Say: "semi-managed shops may not make this call"},
	"ServiceTimeout":         {Kind: fault.Unavailable, Say: "the partner's service took too long", After: time.Second, Open: true},
	"SERVICE_UNAVAILABLE":    {Kind: fault.Unavailable, Say: "the partner's service is not available", After: time.Second},
	"E006":                   {Kind: fault.Unavailable, Say: "the partner had an internal error", After: time.Second, Open: true},
	"6":                      {Kind: fault.Unavailable, Say: "the partner had an internal error", After: time.Second, Open: true},
	"15":                     {Kind: fault.Unavailable, Say: "the partner's service behind the gateway failed", After: time.Second, Open: true},
	"513":                    {Kind: fault.Unavailable, Say: "the partner had an internal error", After: time.Second, Open: true},
	"1000":                   {Kind: fault.Unavailable, Say: "the partner had an internal error", After: time.Second, Open: true},
	"998":                    {Kind: fault.Unavailable, Say: "the partner has switched this call off during a campaign", After: 10 * time.Minute},
	"1":                      {Kind: fault.Invalid, Say: "the partner misses a parameter of our request"},
	"5":                      {Kind: fault.Invalid, Say: "the partner cannot read our request"},
	"30":                     {Kind: fault.Invalid, Say: "the partner cannot read our request"},
}

// Classify gives a refusal its kind: throttling first, then the API's own codes, then the gateway's, then by type: ISV is the caller's fault and
// Refused, everything else Unavailable. effect says that the call does something that must not be repeated blindly.
// The partner's words are kept, shortened and without anything in hide.
func Classify(f Failure, own map[string]Code, effect bool, hide ...string) error {
	if wait, ok := f.throttle(); ok {
		return fault.Wait(wait, "asked too often%s", said(f, hide)).WithCode(f.Code)
	}
	c, known := own[f.Code]
	if !known {
		c, known = gateway[f.Code]
	}
	if !known {
		// Pages and messages spell the same code E038 that most answers spell 38.
		c, known = own[plainCode(f.Code)]
	}
	if !known {
		c = Code{Kind: fault.Refused, Say: "the partner refused"}
		if f.Type != "ISV" && f.Type != "" {
			c = Code{Kind: fault.Unavailable, Say: "the partner failed", Open: true}
		}
	}
	if effect && c.Open {
		c.Kind = fault.OutcomeUnknown
	}
	if c.Say == "" {
		c.Say = "the partner refused"
	}
	e := fault.New(c.Kind, "%s%s", c.Say, said(f, hide)).WithCode(f.Code)
	e.After = c.After
	return e
}

// plainCode is E038 as 38; what is not spelt so stays.
func plainCode(code string) string {
	digits, ok := strings.CutPrefix(code, "E")
	if plain := strings.TrimLeft(digits, "0"); ok && plain != "" && Scalar(plain).Digits() {
		return plain
	}
	return code
}

// said is the partner's own code and words, fit to be shown.
func said(f Failure, hide []string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, f.Message)
	for _, secret := range hide {
		if len(secret) >= 4 {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	if text = strings.Join(strings.Fields(text), " "); len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	code := f.Code
	if len(code) > 60 {
		code = strings.ToValidUTF8(code[:60], "") + "…"
	}
	switch {
	case text != "" && code != "":
		return " (" + code + ": " + text + ")"
	case code != "":
		return " (" + code + ")"
	}
	return ""
}
