package console

import (
	"fmt"
	"html/template"
	"time"
)

// When shows a time as people say it, with the exact one and its zone beside it.
func (v *visit) When(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, t.UTC().Format(time.RFC3339), v.exact(t), template.HTMLEscapeString(v.ago(t)))) //nolint:gosec // no part of it comes from outside
}

// Exact shows a time to the minute, with its zone.
func (v *visit) Exact(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	return template.HTML(fmt.Sprintf(`<time class="ltr" datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), v.exact(t))) //nolint:gosec // no part of it comes from outside
}

func (v *visit) exact(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04 MST") }

// ago is a time as seen from now.
func (v *visit) ago(t time.Time) string {
	d := v.now.Sub(t)
	if d < 0 && d > -10*time.Second { // it happened while the page was being made
		return v.T("just now")
	}
	if d < 0 {
		switch d = -d; {
		case d < time.Minute:
			return v.T("in a moment")
		case d < time.Hour:
			return v.T("in %d min", int(d.Minutes()))
		case d < 48*time.Hour:
			return v.T("in %d h", int(d.Hours()))
		}
		return v.T("in %d days", int(d.Hours()/24))
	}
	switch {
	case d < time.Minute:
		return v.T("just now")
	case d < time.Hour:
		return v.T("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return v.T("%d h ago", int(d.Hours()))
	}
	return v.T("%d days ago", int(d.Hours()/24))
}

// Late reports whether a deadline has passed; Soon whether it will within four hours.
func (v *visit) Late(t time.Time) bool { return !t.IsZero() && t.Before(v.now) }

// Soon reports whether a deadline comes within four hours.
func (v *visit) Soon(t time.Time) bool {
	return !t.IsZero() && !v.Late(t) && t.Sub(v.now) < 4*time.Hour
}
