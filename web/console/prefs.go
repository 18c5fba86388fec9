package console

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// year is how long a browser remembers what its person prefers.
const year = 365 * 24 * time.Hour

// themes are how the console may look; auto follows the device.
var themes = []string{"auto", "light", "dark"}

// prefer reads what the browser prefers: language, look, zone.
func (v *visit) prefer() {
	v.tongue = v.words.in(v.cookie(cookieLang), v.r.Header.Get("Accept-Language"))
	v.sayings = v.said
	v.theme = v.cookie(cookieTheme)
	if !slices.Contains(themes, v.theme) {
		v.theme = "auto"
	}
	v.zone = time.UTC
	if name, err := url.QueryUnescape(v.cookie(cookieZone)); err == nil && name != "" && len(name) < 64 && !strings.Contains(name, "..") {
		if zone, err := time.LoadLocation(name); err == nil && name != "Local" {
			v.zone = zone
		}
	}
}

// prefs keeps a choice of language or look.
func prefs(v *visit) error {
	if l := v.form("lang"); v.words.has(l) {
		v.keep(cookieLang, l, year)
	}
	if t := v.form("theme"); slices.Contains(themes, t) {
		v.keep(cookieTheme, t, year)
	}
	to := v.cameFrom()
	if to == "" {
		to = Base + "/"
	}
	v.see(to)
	return nil
}
