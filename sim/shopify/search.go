package shopify

import (
	"strings"
	"time"
)

// term is one condition of Shopify's search syntax: field:value, with an optional comparator and negation.
type term struct {
	field, op, value string
	not              bool
	at               time.Time // the value as a time, when it is one
	day              bool      // the value is a whole day
}

// parseSearch reads a search into alternatives (OR) of conditions that must all hold (AND). AND is also what a blank means. Words without a
// field match nothing here and are kept with an empty field. https://shopify.dev/docs/api/usage/search-syntax
func parseSearch(query string) [][]term {
	words := searchWords(query)
	var all [][]term
	var current []term
	negate := false
	for _, w := range words {
		switch w {
		case "OR":
			if len(current) > 0 {
				all = append(all, current)
			}
			current = nil
		case "AND", "(", ")":
		case "NOT":
			negate = true
		default:
			t := parseTerm(w)
			t.not = t.not != negate
			negate = false
			current = append(current, t)
		}
	}
	if len(current) > 0 {
		all = append(all, current)
	}
	return all
}

// searchWords splits at blanks and parentheses outside quotes.
func searchWords(query string) []string {
	var words []string
	var b strings.Builder
	var quote rune
	flush := func() {
		if b.Len() > 0 {
			words = append(words, b.String())
			b.Reset()
		}
	}
	for _, r := range query {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
			b.WriteRune(r)
		case r == '"' || r == '\'':
			quote = r
			b.WriteRune(r)
		case r == ' ' || r == '\t' || r == '\n' || r == '(' || r == ')':
			flush()
		default:
			b.WriteRune(r)
		}
	}
	flush()
	return words
}

func parseTerm(w string) term {
	t := term{}
	if rest, ok := strings.CutPrefix(w, "-"); ok {
		t.not, w = true, rest
	}
	field, value, ok := strings.Cut(w, ":")
	if !ok {
		t.value = unquote(w)
		return t
	}
	t.field, t.op = field, "="
	for _, op := range []string{">=", "<=", ">", "<"} {
		if rest, ok := strings.CutPrefix(value, op); ok {
			t.op, value = op, rest
			break
		}
	}
	t.value = unquote(value)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, t.value); err == nil {
			t.at, t.day = at, layout == "2006-01-02"
		}
	}
	return t
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		s = s[1 : len(s)-1]
	}
	return strings.NewReplacer(`\"`, `"`, `\'`, `'`).Replace(s)
}

// matches asks hold for every condition; hold says whether it knows the field at all. Conditions on unknown fields are ignored, as Shopify does.
func matches(alternatives [][]term, hold func(t term) (yes, known bool)) bool {
	if len(alternatives) == 0 {
		return true
	}
	for _, all := range alternatives {
		ok := true
		for _, t := range all {
			yes, known := hold(t)
			if known && yes == t.not {
				ok = false
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// compareTime holds a search value, a date or a time with or without zone (then UTC), against a time.
func compareTime(at time.Time, t term) bool {
	switch {
	case t.at.IsZero():
		return false
	case t.day && t.op == "=":
		return !at.Before(t.at) && at.Before(t.at.AddDate(0, 0, 1))
	}
	return compareBy(at.Compare(t.at), t.op)
}

func compareBy(c int, op string) bool {
	switch op {
	case ">=":
		return c >= 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case "<":
		return c < 0
	}
	return c == 0
}

// compareID holds numeric ids, or gids, against each other by number.
func compareID(id int64, t term) bool {
	value := t.value
	if i := strings.LastIndexByte(value, '/'); i >= 0 {
		value = value[i+1:]
	}
	a, b := pad(id), strings.Repeat("0", max(0, 20-len(value)))+value
	return compareBy(strings.Compare(a, b), t.op)
}

// compareText ignores case; a trailing * is a prefix search; several values may be given with commas.
func compareText(have string, t term) bool {
	have = strings.ToLower(have)
	for want := range strings.SplitSeq(strings.ToLower(t.value), ",") {
		if prefix, ok := strings.CutSuffix(want, "*"); ok {
			if strings.HasPrefix(have, prefix) {
				return true
			}
		} else if have == want {
			return true
		}
	}
	return false
}
