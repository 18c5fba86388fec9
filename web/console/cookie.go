package console

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// The cookies there are. None is readable by scripts but the zone, which a script sets.
const (
	cookieSession = "oc_session"
	cookieDevice  = "oc_device"
	cookieFlash   = "oc_flash"
	cookieLang    = "oc_lang"
	cookieTheme   = "oc_theme"
	cookieZone    = "oc_zone"
	cookiePlace   = "oc_place"
)

// cookie is a cookie's value, or "".
func (v *visit) cookie(name string) string {
	c, err := v.r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// keep sets a cookie; "" takes it away.
func (v *visit) keep(name, value string, long time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: Base + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: v.secure()}
	if value == "" {
		c.MaxAge = -1
	} else if long > 0 {
		c.MaxAge = int(long.Seconds())
	}
	http.SetCookie(v.w, c)
}

// secure reports whether the browser speaks TLS to us or to the proxy before us.
func (v *visit) secure() bool {
	return v.r.TLS != nil || strings.EqualFold(v.r.Header.Get("X-Forwarded-Proto"), "https")
}

// flash is a word about what was just done, shown once on the next page. Undo is a form that takes it back.
type flash struct {
	Bad  bool              `json:"b,omitempty"`
	Text string            `json:"t"`           // in the person's language
	More string            `json:"m,omitempty"` // what a service said, in English
	Undo string            `json:"u,omitempty"` // where the undoing form goes
	With map[string]string `json:"w,omitempty"` // and its fields
}

// remember keeps a flash for the next page.
func (v *visit) remember(f flash) {
	text, err := json.Marshal(f)
	if err != nil {
		return
	}
	body := base64.RawURLEncoding.EncodeToString(text)
	sign, err := v.Sign("console-flash", v.session.ID+body)
	if err != nil || len(body) > 3000 {
		return
	}
	v.keep(cookieFlash, body+"."+sign, time.Minute)
}

// take reads the flash that waits, once.
func (v *visit) take() *flash {
	body, sign, ok := strings.Cut(v.cookie(cookieFlash), ".")
	if !ok {
		return nil
	}
	v.keep(cookieFlash, "", 0)
	if !v.Signed("console-flash", v.session.ID+body, sign) {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(body)
	var f flash
	if err != nil || json.Unmarshal(text, &f) != nil {
		return nil
	}
	return &f
}
