package channel

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Leaf is one value of the partner's documents.
type Leaf struct {
	Path    string   // order.line_items[3].price, refund[9].note: the document's name, then members and elements
	Pattern string   // order.line_items[].price
	At      []string // what stands in the brackets of Path
	Text    string   // a text without its quotes, all else as it is written
	Kind    LeafKind
}

// LeafKind is what a Leaf is in JSON.
type LeafKind string

// Kinds of leaves.
const (
	LeafText   LeafKind = "text"
	LeafNumber LeafKind = "number"
	LeafBool   LeafKind = "yes or no"
	LeafNull   LeafKind = "nothing" // null, and empty lists and objects
	LeafPart   LeafKind = "part"    // a list or an object that is taken as one
)

// Leaves lists what the documents say, members in alphabetical order. What whole reports a pattern for is one leaf, however much stands below it; nil is none.
// A document that is no JSON is one leaf of its name.
func (r Raw) Leaves(whole func(pattern string) bool) []Leaf {
	l := leaves{whole: whole}
	for _, d := range r.Docs {
		name, number, many := strings.Cut(d.Name, ".")
		at := Leaf{Path: name, Pattern: name}
		if many {
			at = at.element(number)
		}
		dec := json.NewDecoder(bytes.NewReader(d.Body))
		dec.UseNumber()
		var tree any
		if dec.Decode(&tree) != nil {
			l.say(at, LeafPart, string(d.Body))
			continue
		}
		l.walk(at, tree)
	}
	return l.all
}

type leaves struct {
	whole func(pattern string) bool
	all   []Leaf
}

func (l *leaves) walk(at Leaf, v any) {
	switch v := v.(type) {
	case nil:
		l.say(at, LeafNull, "")
	case bool:
		l.say(at, LeafBool, strconv.FormatBool(v))
	case json.Number:
		l.say(at, LeafNumber, v.String())
	case string:
		l.say(at, LeafText, v)
	case map[string]any:
		if l.asOne(at, v, len(v)) {
			return
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			l.walk(at.member(k), v[k])
		}
	case []any:
		if l.asOne(at, v, len(v)) {
			return
		}
		for i, e := range v {
			l.walk(at.element(strconv.Itoa(i)), e)
		}
	}
}

// asOne takes a list or an object as one leaf, if it is empty or wanted so.
func (l *leaves) asOne(at Leaf, v any, n int) bool {
	switch {
	case n == 0:
		l.say(at, LeafNull, "")
	case l.whole != nil && l.whole(at.Pattern):
		text, _ := json.Marshal(v) // it was read from JSON
		l.say(at, LeafPart, string(text))
	default:
		return false
	}
	return true
}

func (l *leaves) say(at Leaf, kind LeafKind, text string) {
	at.Kind, at.Text = kind, text
	l.all = append(l.all, at)
}

// member is a leaf below another. A name that is no plain word may have been made of what a buyer typed: it is not shown.
func (l Leaf) member(name string) Leaf {
	if !plain(name) {
		name = "?"
	}
	l.Path, l.Pattern = l.Path+"."+name, l.Pattern+"."+name
	return l
}

func (l Leaf) element(at string) Leaf {
	l.Path, l.Pattern, l.At = l.Path+"["+at+"]", l.Pattern+"[]", append(slices.Clip(l.At), at)
	return l
}

// plain reports whether a name is of the kind that programmers give: a letter or underscore, then letters, digits and underscores.
func plain(name string) bool {
	for i, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 60
}
