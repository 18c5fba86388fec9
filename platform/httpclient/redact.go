package httpclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Hidden stands where something was taken away.
const Hidden = "•••"

// maxRedact is the largest body that is shown; a larger one is described.
const maxRedact = 1 << 20

// Parts of names, in small letters and without separators, whose values are secrets or personal.
var (
	secretParts = []string{
		"token", "secret", "password", "passwd", "passphrase", "signature", "authoriz", "apikey", "accesskey", "privatekey", "cookie", "credential",
		"hmac", "session", "cardnumber", "assertion",
	}
	secretNames   = []string{"sign", "sig", "auth", "pin", "otp", "cvv", "cvc", "pan", "jwt", "pwd", "bearer"}
	personalParts = []string{
		"phone", "mobile", "email", "firstname", "lastname", "fullname", "middlename", "customername", "customer", "buyer", "recipient", "receiver",
		"consignee", "address", "street", "postcode", "zipcode", "taxid", "taxnumber", "vatnumber", "nationalid", "passport", "cnic", "iban", "accountnumber",
		"birth", "latitude", "longitude", "browserip", "clientip",
	}
	personalNames = []string{"zip", "note", "notes", "remark", "remarks", "ip", "contact", "whatsapp", "vat", "lat", "lng"}
)

// plain is a name in small letters and without separators.
func plain(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, name))
}

func named(name string, parts, names []string) bool {
	name = plain(name)
	for _, n := range names {
		if name == n {
			return true
		}
	}
	for _, p := range parts {
		if strings.Contains(name, p) {
			return true
		}
	}
	return false
}

func secretName(name string) bool   { return named(name, secretParts, secretNames) }
func personalName(name string) bool { return named(name, personalParts, personalNames) }

var (
	pair       = regexp.MustCompile(`(?i)\b([a-z0-9_.-]*(?:token|secret|password|passwd|signature|sign|hmac|api_?key|authorization))(["']?\s*[=:]\s*["']?)(?:bearer\s+|basic\s+)?[^\s"'&,;}<>]+`)
	bearer     = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/_.=~-]{6,}`)
	jwt        = regexp.MustCompile(`\beyJ[\w-]+\.[\w-]+\.[\w-]*`)
	mail       = regexp.MustCompile(`[\p{L}\p{N}._%+-]+(?:@|%40)[\p{L}\p{N}.-]+\.\p{L}{2,}`)
	phone      = regexp.MustCompile(`(?:\+|\b00)\d[\d ().-]{6,}\d`)
	randomText = regexp.MustCompile(`[A-Za-z0-9+_=~-]{20,}`)
	uuidText   = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	letters    = regexp.MustCompile(`[A-Za-z]`)
	digits     = regexp.MustCompile(`[0-9].*[0-9]`)
)

// RedactText takes from free text what looks like a secret, an e-mail address or a phone number.
func RedactText(s string) string {
	s = jwt.ReplaceAllString(s, Hidden)
	s = bearer.ReplaceAllString(s, "$1 "+Hidden)
	s = pair.ReplaceAllString(s, "$1$2"+Hidden)
	s = mail.ReplaceAllString(s, Hidden)
	s = phone.ReplaceAllString(s, Hidden)
	return randomText.ReplaceAllStringFunc(s, func(word string) string {
		// Words, numbers and ids of the usual form are no secrets; letters and digits mixed at length are likely one.
		if uuidText.MatchString(word) || !letters.MatchString(word) || !digits.MatchString(word) {
			return word
		}
		return Hidden
	})
}

// RedactURL shows an address without user, without fragment and with the query's values only where their names and looks are harmless.
func RedactURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: RedactText(u.Path)}
	out := shown.String()
	if u.RawQuery != "" {
		out += "?" + redactQuery(u.RawQuery)
	}
	return out
}

// redactQuery keeps the order of the parameters.
func redactQuery(raw string) string {
	var out []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		clear, err := url.QueryUnescape(value)
		plainName, err2 := url.QueryUnescape(name)
		switch {
		case err != nil || err2 != nil:
			name, value = Hidden, Hidden
		case secretName(plainName) || personalName(plainName) || plain(plainName) == "code":
			value = Hidden
		case RedactText(clear) != clear:
			value = Hidden
		}
		out = append(out, name+"="+value)
	}
	return strings.Join(out, "&")
}

// RedactHeader is a copy of a header without what must not be shown.
func RedactHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, v := range values {
			if secretName(name) || personalName(name) {
				v = Hidden
			}
			out.Add(name, RedactText(v))
		}
	}
	return out
}

// RedactBody shows a JSON or form body without secrets and personal data, and describes any other.
func RedactBody(contentType string, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(body) > maxRedact, !utf8.Valid(body):
	case kind == "application/x-www-form-urlencoded":
		return redactQuery(string(body))
	case kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "" || kind == "text/plain" || kind == "text/json":
		if out, ok := redactJSON(body); ok {
			return out
		}
	}
	return fmt.Sprintf("(%d bytes of %s)", len(body), kind)
}

func redactJSON(body []byte) (string, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		return "", false
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(redactValue(v, false)); err != nil {
		return "", false
	}
	return strings.TrimSpace(out.String()), true
}

// redactValue hides all texts and numbers below a name that says so.
func redactValue(v any, hide bool) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = redactValue(inner, hide || secretName(name) || personalName(name))
		}
	case []any:
		for i, inner := range v {
			v[i] = redactValue(inner, hide)
		}
	case string:
		if hide && v != "" {
			return Hidden
		}
		// Some partners put JSON into a text.
		if t := strings.TrimSpace(v); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
			if out, ok := redactJSON([]byte(t)); ok {
				return out
			}
		}
		return RedactText(v)
	case json.Number:
		if hide {
			return Hidden
		}
	}
	return v
}

// ReplaceAttr is a slog.HandlerOptions.ReplaceAttr that keeps secrets and personal data out of a log: by the attribute's name, and by
// what texts and errors look like.
func ReplaceAttr(_ []string, a slog.Attr) slog.Attr {
	if secretName(a.Key) || personalName(a.Key) {
		return slog.String(a.Key, Hidden)
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, RedactText(v.String()))
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			return slog.String(a.Key, RedactText(x.Error()))
		case *url.URL:
			return slog.String(a.Key, RedactURL(x))
		case http.Header:
			return slog.Any(a.Key, RedactHeader(x))
		case []byte:
			return slog.String(a.Key, fmt.Sprintf("(%d bytes)", len(x)))
		case fmt.Stringer:
			return slog.String(a.Key, RedactText(x.String()))
		}
	}
	return a
}
