package channeltest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
)

func (e *env) fieldCases() []conform.Case {
	return []conform.Case{
		applies("every_field_says_where_it_comes_from", e.fieldsTold, e.noOrders(), unless(len(e.Kind.Fields) > 0, "the kind does not say where its fields come from")),
	}
}

// fieldsTold holds Kind.Fields against every recorded order. Each value of the documents is replaced, and what becomes of the order is compared: a declared origin must
// change what it is said to make, a value that changes anything must be declared, and every value of an order must have an origin.
func (e *env) fieldsTold(tb testing.TB) {
	p := newProof(e, tb)
	for _, k := range sorted(p.spots) {
		tried := map[string]bool{}
		for i, s := range p.spots[k] {
			if fresh := !tried[string(s.text)]; fresh && len(tried) < enough || i < 2 {
				tried[string(s.text)] = true
				p.try(k, s)
			}
		}
	}
	p.covered(tb)
	p.complete(tb)
	p.proven(tb)
}

// proof is what is known of the fields so far. A key is a shape and a pattern of theirs.
type proof struct {
	e       *env
	samples []*traced
	spots   map[string][]spot
	parts   map[string][]spot            // objects and lists, likewise
	seen    map[string][]json.RawMessage // values that stood there
	effects map[string]map[string]bool   // what of ours changed, see tags; refused when the order was
	same    map[string]map[string]bool   // patterns of ours that had the very value
}

// traced is a sample whose documents are taken apart.
type traced struct {
	sample
	ch    channel.Channel
	docs  []any
	facts map[string]channel.Fact // by path
}

// spot is one value of one document, with what puts another in its place.
type spot struct {
	of   *traced
	doc  int
	was  any
	text json.RawMessage // the same as JSON
	set  func(any)
}

// refused is among the effects of a value that cannot be another.
const refused = "(refused)"

// enough is how many places of one pattern are tried before it is asked whether all is proved: those with values of their own first.
const enough = 4

func key(shape, pattern string) string { return shape + " " + pattern }

var words = regexp.MustCompile(`\[[^]]*\]`)

// bare is a pattern without the words in its brackets.
func bare(pattern string) string { return words.ReplaceAllString(pattern, "[]") }

func newProof(e *env, tb testing.TB) *proof {
	tb.Helper()
	p := &proof{e: e, spots: map[string][]spot{}, parts: map[string][]spot{}, seen: map[string][]json.RawMessage{}, effects: map[string]map[string]bool{}, same: map[string]map[string]bool{}}
	whole := map[string]bool{}
	for _, f := range e.Kind.Fields {
		whole[key(f.Shape, bare(f.Theirs))] = true
	}
	for _, s := range e.samples(tb) {
		t := &traced{sample: s, ch: e.mustOpen(tb, s.rec).Channel, facts: byPath(s.order)}
		p.samples = append(p.samples, t)
		for n, d := range s.raw.Docs {
			tree, err := decodeNumber(d.Body)
			if err != nil {
				tb.Fatalf("%s: %v", s.name, err)
			}
			t.docs = append(t.docs, tree)
			f := finder{p, t, n, whole}
			name, _, many := strings.Cut(d.Name, ".")
			if many {
				name += "[]"
			}
			f.find(name, tree, func(v any) { t.docs[n] = v })
		}
	}
	return p
}

func byPath(o channel.Order) map[string]channel.Fact {
	all := map[string]channel.Fact{}
	for _, f := range channel.Facts(o) {
		all[f.Path] = f
	}
	return all
}

// finder notes every value of a document as channel.Raw.Leaves lists them.
type finder struct {
	p     *proof
	of    *traced
	doc   int
	whole map[string]bool
}

func (f finder) find(pattern string, v any, set func(any)) {
	k := key(f.of.raw.Shape, pattern)
	text, _ := json.Marshal(v) // it was read from JSON
	here := spot{f.of, f.doc, v, text, set}
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 0 && !f.whole[k] {
			f.p.parts[k] = append(f.p.parts[k], here)
			for _, name := range sorted(v) {
				f.find(pattern+"."+name, v[name], func(to any) { v[name] = to })
			}
			return
		}
	case []any:
		if len(v) > 0 && !f.whole[k] {
			f.p.parts[k] = append(f.p.parts[k], here)
			for i := range v {
				f.find(pattern+"[]", v[i], func(to any) { v[i] = to })
			}
			return
		}
	}
	if !slices.ContainsFunc(f.p.seen[k], func(have json.RawMessage) bool { return bytes.Equal(have, text) }) {
		f.p.seen[k] = append(f.p.seen[k], text)
	}
	f.p.spots[k] = append(f.p.spots[k], here)
	var plain string
	if json.Unmarshal(text, &plain) != nil {
		plain = string(text)
	}
	for _, fact := range f.of.facts {
		if strings.EqualFold(fact.Text, plain) {
			note(f.p.same, k, fact.Pattern)
		}
	}
}

func note(all map[string]map[string]bool, k, what string) {
	if all[k] == nil {
		all[k] = map[string]bool{}
	}
	all[k][what] = true
}

// try puts other values in the place of one and notes what that changes.
func (p *proof) try(k string, s spot) {
	for _, other := range p.others(k, s.text) {
		for _, effect := range s.changes(s.of.facts, other) {
			if effect != refused || string(s.text) != "null" { // an object may be meant
				note(p.effects, k, effect)
			}
		}
	}
	s.set(s.was)
}

// changes decodes the documents with another value and lists what of the order is not as it was.
func (s spot) changes(was map[string]channel.Fact, other json.RawMessage) []string {
	s.set(other)
	o, err := s.of.decode(s.doc)
	if err != nil {
		return []string{refused}
	}
	var all []string
	now := byPath(o)
	for path, f := range now {
		if was[path].Text != f.Text {
			all = append(all, tags(f)...)
		}
	}
	for path, f := range was {
		if _, still := now[path]; !still {
			all = append(all, tags(f)...)
		}
	}
	return all
}

// decode reads the documents as they are now; only the named one differs from the recorded.
func (t *traced) decode(docs ...int) (channel.Order, error) {
	raw := channel.Raw{Shape: t.raw.Shape, Docs: slices.Clone(t.raw.Docs)}
	for _, n := range docs {
		body, err := json.Marshal(t.docs[n])
		if err != nil {
			return channel.Order{}, err
		}
		raw.Docs[n].Body = body
	}
	return t.ch.Decode(raw)
}

// tags are the ways in which a field may be declared: by its pattern, with the kinds of its elements, by the map it stands in.
func tags(f channel.Fact) []string {
	all := []string{f.Pattern}
	if i := strings.LastIndexByte(f.Pattern, '.'); i > 0 {
		all = append(all, f.Pattern[:i]+".*")
	}
	for i, kind := range f.Kinds {
		if kind != "" {
			n := -1
			all = append(all, words.ReplaceAllStringFunc(f.Pattern, func(string) string {
				if n++; n == i {
					return "[" + kind + "]"
				}
				return "[]"
			}))
		}
	}
	return all
}

var date = regexp.MustCompile(`^(\d{4}-\d\d-)(\d\d)(.*)$`)

// others are values to put in the place of one: nothing, one like it, and some that stand in its place elsewhere.
func (p *proof) others(k string, text json.RawMessage) []json.RawMessage {
	all := []json.RawMessage{json.RawMessage("null")}
	var s string
	switch {
	case string(text) == "null":
		all = []json.RawMessage{json.RawMessage(`"x"`), json.RawMessage(`"7"`), json.RawMessage("7")}
	case string(text) == "true":
		all = append(all, json.RawMessage("false"))
	case string(text) == "false":
		all = append(all, json.RawMessage("true"))
	case json.Unmarshal(text, &s) == nil:
		other, _ := json.Marshal(another(s))
		all = append(all, other)
	default:
		all = append(all, json.RawMessage(another(string(text))))
	}
	n := 0
	for _, v := range p.seen[k] {
		if n++; n <= 5 && !bytes.Equal(v, text) && json.Valid(v) {
			all = append(all, v)
		}
	}
	return slices.DeleteFunc(all, func(v json.RawMessage) bool { return !json.Valid(v) })
}

// another is a text of the same form: the number after a number, another day for a time, else one letter more.
func another(s string) string {
	if m := date.FindStringSubmatch(s); m != nil {
		if m[2] == "09" {
			return m[1] + "08" + m[3]
		}
		return m[1] + "09" + m[3]
	}
	whole, rest, _ := strings.Cut(s, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && !strings.HasPrefix(whole, "+") {
		return strings.TrimSuffix(strconv.FormatInt(n+1, 10)+"."+rest, ".")
	}
	return s + "x"
}

// covered holds that every value of the recorded orders has an origin, or is said to have none.
func (p *proof) covered(tb testing.TB) {
	missing := map[string]bool{}
	for _, t := range p.samples {
		for _, f := range t.facts {
			if !slices.ContainsFunc(p.e.Kind.Fields, func(d channel.Field) bool {
				return !d.Names && d.Shape == t.raw.Shape && slices.Contains(tags(f), d.Ours)
			}) {
				missing[t.raw.Shape+": "+strings.Join(tags(f), " or ")] = true
			}
		}
	}
	for _, m := range sorted(missing) {
		tb.Errorf("nothing is declared to make %s", m)
	}
}

// complete holds that every value that makes a difference is declared.
func (p *proof) complete(tb testing.TB) {
	declared := map[string]bool{}
	for _, f := range p.e.Kind.Fields {
		declared[key(f.Shape, bare(f.Theirs))] = true
	}
	for _, k := range sorted(p.effects) {
		if !declared[k] {
			tb.Errorf("%s is not declared, and makes %s", k, strings.Join(sorted(p.effects[k]), ", "))
		}
	}
}

// proven holds that every declared origin exists and makes what it is said to make.
func (p *proof) proven(tb testing.TB) {
	ours := channel.Paths()
	for _, f := range p.e.Kind.Fields {
		k := key(f.Shape, bare(f.Theirs))
		known := f.Ours == ""
		for path := range ours {
			known = known || path == bare(f.Ours) || strings.HasSuffix(path, ".*") && strings.HasPrefix(f.Ours, strings.TrimSuffix(path, "*"))
		}
		switch {
		case !known:
			tb.Errorf("an order has no %s", f.Ours)
		case f.Theirs == "" || f.As != "" || f.Names && len(p.spots[k]) > 0:
		case len(p.places(k)) == 0:
			tb.Errorf("no recording has %s, which is said to make %q", k, f.Ours)
		case f.Ours == "":
		case p.effects[k][f.Ours], p.effects[k][refused] && p.same[k][f.Ours], p.instead(f):
		default:
			tb.Errorf("%s is said to make %s, and makes %s", k, f.Ours, strings.Join(sorted(p.effects[k]), ", "))
		}
	}
}

// places are where a value stands, or where it could: partners leave out what is empty, and no recording has everything.
func (p *proof) places(k string) []spot {
	i := strings.LastIndexByte(k, '.')
	if len(p.spots[k]) > 0 || i < 0 {
		return p.spots[k]
	}
	var all []spot
	for _, part := range p.parts[k[:i]] {
		if m, ok := part.was.(map[string]any); ok {
			all = append(all, spot{part.of, part.doc, nil, json.RawMessage("null"), func(to any) {
				if m[k[i+1:]] = to; to == nil {
					delete(m, k[i+1:])
				}
			}})
		}
	}
	return all
}

// instead reports whether a value makes a field where all else that may make it is not told.
func (p *proof) instead(f channel.Field) bool {
	var firsts []string
	for _, d := range p.e.Kind.Fields {
		if d.Shape == f.Shape && d.Ours == f.Ours && d.Theirs != "" && d.Theirs != f.Theirs {
			firsts = append(firsts, key(d.Shape, apart(bare(d.Theirs), bare(f.Theirs))))
		}
	}
	for _, t := range p.samples {
		if t.raw.Shape != f.Shape {
			continue
		}
		if p.without(t, f, nil) || p.without(t, f, firsts) {
			return true
		}
		for _, first := range firsts {
			if p.without(t, f, []string{first}) {
				return true
			}
		}
	}
	return false
}

// apart is the part of a pattern in which it leaves the other: of a.set.amount and a.price it is a.set.
func apart(pattern, other string) string {
	at := 0
	for at < len(pattern) && at < len(other) && pattern[at] == other[at] {
		at++
	}
	if i := strings.IndexAny(pattern[at:], ".["); i > 0 && at > 0 {
		return pattern[:at+i]
	}
	return pattern
}

// without reports whether another value makes another field in a sample that does not tell the firsts.
func (p *proof) without(t *traced, f channel.Field, firsts []string) bool {
	var undo []spot
	docs := []int{}
	defer func() {
		for _, s := range slices.Backward(undo) {
			s.set(s.was)
		}
	}()
	for _, first := range firsts {
		for _, s := range slices.Concat(p.spots[first], p.parts[first]) {
			if s.of == t {
				s.set(nil)
				undo, docs = append(undo, s), append(docs, s.doc)
			}
		}
	}
	o, err := t.decode(docs...)
	if err != nil {
		return false
	}
	was, k := byPath(o), key(f.Shape, bare(f.Theirs))
	for _, s := range p.places(k) {
		if s.of != t {
			continue
		}
		for _, other := range p.others(k, s.text) {
			s.set(other)
			o, err := t.decode(append(slices.Clip(docs), s.doc)...)
			s.set(s.was)
			if err == nil && differs(was, byPath(o), f.Ours) {
				return true
			}
		}
	}
	return false
}

// differs reports whether facts of the pattern are not the same.
func differs(a, b map[string]channel.Fact, pattern string) bool {
	for path, f := range a {
		if slices.Contains(tags(f), pattern) && b[path].Text != f.Text {
			return true
		}
	}
	for path, f := range b {
		if slices.Contains(tags(f), pattern) && a[path].Text != f.Text {
			return true
		}
	}
	return false
}
