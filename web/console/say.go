package console

import (
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// What services say – why something was refused, what a case is about – comes as English text: they make it for the API and the log too, and keep it. Each text
// was made from a phrase with values in it, and the phrases are in lang beside the others. So the phrase is found again by what became of it, and is said in the
// language of the person with the values it came with. What was made from no phrase of ours, such as a partner's own words, stays as it is.

// saying is a phrase with values, cut up to be found again.
type saying struct {
	english string
	parts   []string // what stands before, between and after the values
	verbs   []string
	weight  int // how many letters are no values: the phrase that says most is the one
}

// fewest is how many letters a phrase needs beside its values to be found again by them.
const fewest = 4

var anyVerb = regexp.MustCompile(`%(?:\[\d\])?[0-9.#+]*[a-zA-Z]`)

// sayings are the phrases with values, those that say most first.
func (w words) sayings() []saying {
	var all []saying
	for english := range w[Languages[1].Code] {
		s := saying{english: english, verbs: anyVerb.FindAllString(english, -1), parts: anyVerb.Split(english, -1)}
		for _, p := range s.parts {
			for _, r := range p {
				if unicode.IsLetter(r) {
					s.weight++
				}
			}
		}
		if len(s.verbs) > 0 && s.weight >= fewest {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b saying) int {
		if a.weight != b.weight {
			return b.weight - a.weight
		}
		return strings.Compare(a.english, b.english)
	})
	return all
}

// values are those that make the phrase to the text; false when nothing does.
func (s *saying) values(text string) ([]string, bool) {
	rest, ok := strings.CutPrefix(text, s.parts[0])
	last := len(s.verbs)
	if !ok || !strings.HasSuffix(rest, s.parts[last]) {
		return nil, false
	}
	rest = strings.TrimSuffix(rest, s.parts[last])
	var all []string
	for i, verb := range s.verbs {
		value := rest
		if i+1 < last {
			if value, rest, ok = strings.Cut(rest, s.parts[i+1]); !ok {
				return nil, false
			}
		}
		switch verb[len(verb)-1] {
		case 'd':
			if _, err := strconv.ParseInt(value, 10, 64); err != nil {
				return nil, false
			}
		case 'q':
			plain, err := strconv.Unquote(value)
			if err != nil {
				return nil, false
			}
			value = plain
		}
		all = append(all, value)
	}
	return all, true
}

// deepest is how many phrases may stand in each other.
const deepest = 4

// Say shows what a service said, in the language of the person as far as it is a phrase of ours, and marked as English where not.
func (s sheet) Say(text string) template.HTML {
	if text == "" {
		return ""
	}
	return template.HTML(s.say(text)) //nolint:gosec // escaped piece by piece
}

func (t tongue) say(text string) string {
	if t.Code == Languages[0].Code {
		return value(text)
	}
	if said, ok := t.again(text, deepest); ok {
		return said
	}
	return foreign(text)
}

// again says in the person's language what was made from our phrases; false when nothing of it was.
func (t tongue) again(text string, deep int) (string, bool) {
	if deep == 0 || text == "" {
		return "", false
	}
	if p := t.phrases[text]; p != "" {
		return template.HTMLEscapeString(p), true
	}
	parts := strings.Split(text, "; ")
	for i := range t.sayings {
		s := &t.sayings[i]
		if strings.Count(s.english, "; ")+1 < len(parts) {
			continue // it would take what is joined for a value
		}
		if values, ok := s.values(text); ok {
			return t.fill(s, values, deep), true
		}
	}
	if len(parts) > 1 {
		return t.several(parts, deep)
	}
	head, rest, ok := strings.Cut(text, ": ")
	if !ok || !isField.MatchString(head) {
		return "", false
	}
	said, known := t.again(rest, deep-1)
	if !known {
		said = foreign(rest)
	}
	field, named := t.field(head)
	return field + ": " + said, known || named
}

// several says what was joined; it is known when one of it is.
func (t tongue) several(parts []string, deep int) (string, bool) {
	any := false
	for i, p := range parts {
		said, ok := t.again(p, deep-1)
		if !ok {
			said = foreign(p)
		}
		parts[i], any = said, any || ok
	}
	return strings.Join(parts, "; "), any
}

// fill puts values into a phrase, each in its own direction; values that are phrases or states of ours are said in the same language.
func (t tongue) fill(s *saying, values []string, deep int) string {
	var out strings.Builder
	phrase := t.phrases[s.english]
	next := 0
	for {
		at := anyVerb.FindStringIndex(phrase)
		if at == nil {
			out.WriteString(template.HTMLEscapeString(phrase))
			return out.String()
		}
		out.WriteString(template.HTMLEscapeString(phrase[:at[0]]))
		n := next
		if verb := phrase[at[0]:at[1]]; verb[1] == '[' {
			n = int(verb[2]-'0') - 1
		}
		if n >= 0 && n < len(values) {
			out.WriteString(t.inside(values[n], deep, s.verbs[n]))
		}
		phrase, next = phrase[at[1]:], n+1
	}
}

// inside is a value of a phrase. What is quoted was typed by somebody.
func (t tongue) inside(text string, deep int, verb string) string {
	if strings.HasSuffix(verb, "q") {
		return value(text)
	}
	if label := labels[text]; label != "" {
		if p := t.phrases[label]; p != "" {
			return value(p)
		}
	}
	if strings.Contains(text, " ") {
		if said, ok := t.again(text, deep-1); ok {
			return said
		}
		return foreign(text)
	}
	return value(text)
}

// value is a name, a number or what people wrote: it has a direction of its own.
func value(text string) string { return "<bdi>" + template.HTMLEscapeString(text) + "</bdi>" }

// foreign is what nobody put into the language of the page: English, unless it shows itself to be written otherwise.
func foreign(text string) string {
	if !strings.Contains(text, " ") || strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxLatin1 && unicode.IsLetter(r) }) {
		return value(text)
	}
	return `<bdi lang="en">` + template.HTMLEscapeString(text) + "</bdi>"
}

// isField is what stands before a fault's message when it is about one input.
var isField = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*(?:-[0-9a-z]+)*(?:\[\d+\])?(?:\.[a-zA-Z0-9_]+(?:\[\d+\])?)*$`)

// fields are inputs as forms call them.
var fields = map[string]string{
	"amount": "Amount", "answer": "Answer", "at": "Time", "buyer": "Buyer", "channel": "Channel", "city": "City", "code": "Code", "compare": "Price before", "condition": "Condition", "cost": "Cost",
	"country": "Country", "currency": "Currency", "days": "Days", "delta": "Difference", "disposition": "What becomes of it", "do": "Action", "effective_to": "Until", "email": "E-mail", "expires": "Ends", "external": "Location",
	"file": "File", "from": "From", "grants": "Rights", "gtin": "Bar code", "hold": "Hold", "hours": "Hours", "id": "Number", "kind": "Kind", "legal_entity": "Company", "line": "Line",
	"line_id": "Line", "lines": "Lines", "list": "Price list", "location": "Location", "location_id": "Location", "map": "Listing", "mode": "Mode", "n": "Quantity", "name": "Name", "note": "Note",
	"overlap": "Overlap", "page": "Page", "parts": "Parts", "password": "Password", "payload": "Content", "payment": "Payment", "price": "Price", "purpose": "Purpose", "quantity": "Quantity", "reason": "Reason",
	"refund": "Refund", "resolution": "What was done", "role": "Role", "safety": "Safety stock", "scopes": "Rights", "secrets": "Credentials", "shelf": "Shelf", "shipping": "Shipping", "shipping_minor": "Shipping", "sku": "SKU",
	"state": "State", "status": "State", "text": "Text", "title": "Title", "to": "Until", "total": "Total", "types": "Events", "unit": "Unit", "unit_cost": "Cost", "units": "Units",
	"until": "Until", "url": "Address", "value": "Value", "wanted": "What the buyer gets", "weight_g": "Weight", "what": "What",
}

// field names the input at fault as forms do; false when it stays as programs call it.
func (t tongue) field(path string) (string, bool) {
	name := path[strings.LastIndex(path, ".")+1:]
	at := ""
	if i := strings.IndexByte(path, '['); i >= 0 {
		at = " " + value(path)
		name, _, _ = strings.Cut(name, "[")
	}
	if p := t.phrases[fields[name]]; p != "" && !strings.HasPrefix(path, "settings.") {
		return template.HTMLEscapeString(p) + at, true
	}
	return value(path), false
}
