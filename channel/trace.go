package channel

import (
	"slices"
	"strconv"
	"strings"
)

// Origin is a fact of an order with the values of the documents that it is made of, in the order in which its fields are declared.
type Origin struct {
	Fact
	From     []Source
	ByRule   bool // follows from no value of the documents
	Personal bool
}

// Source is a value that a fact is made of.
type Source struct {
	Leaf
	Personal bool // it also makes a fact that is
}

// Trace says of every fact of an order, which was decoded from the documents, what it is made of, and lists the values that nothing reads. Fields of other shapes
// do not count; without any, nothing is known of either.
func Trace(fields []Field, raw Raw, o Order) (all []Origin, unread []Leaf) {
	t := newTracer(fields, raw, o)
	for _, f := range t.facts {
		all = append(all, t.origin(f))
	}
	if len(t.declared) == 0 {
		return all, nil
	}
	for _, l := range t.leaves {
		if !t.declared[l.Pattern] && l.Kind != LeafNull {
			unread = append(unread, l)
		}
	}
	return all, unread
}

type tracer struct {
	facts    []Fact
	leaves   []Leaf
	said     map[string][]Fact  // by pattern
	there    map[string][]Leaf  // by pattern
	text     map[string]string  // of a leaf, by pattern and place
	ours     map[string][]field // by pattern of ours
	names    []field
	declared map[string]bool // patterns of theirs
	personal map[string]bool // patterns of theirs
}

// field is a Field taken apart.
type field struct {
	ours, theirs string
	kinds        []string // words in the brackets of ours
	free         int      // from which list of theirs on every element counts
}

func newTracer(fields []Field, raw Raw, o Order) *tracer {
	t := &tracer{
		facts: Facts(o), said: map[string][]Fact{}, there: map[string][]Leaf{}, text: map[string]string{}, ours: map[string][]field{}, declared: map[string]bool{},
		personal: map[string]bool{},
	}
	for _, f := range fields {
		if f.Shape == raw.Shape {
			t.declare(f)
		}
	}
	t.leaves = raw.Leaves(func(pattern string) bool { return t.declared[pattern] })
	for _, f := range t.facts {
		t.said[f.Pattern] = append(t.said[f.Pattern], f)
	}
	for _, l := range t.leaves {
		t.there[l.Pattern] = append(t.there[l.Pattern], l)
		t.text[placed(l.Pattern, l.At)] = l.Text
	}
	return t
}

func (t *tracer) declare(f Field) {
	var one field
	one.ours, one.kinds = general(f.Ours)
	theirs, words := general(f.Theirs)
	one.theirs, one.free = theirs, len(words)
	if n := slices.Index(words, "*"); n >= 0 {
		one.free = n
	}
	if f.Theirs != "" {
		t.declared[theirs] = true
	}
	switch {
	case f.Names:
		t.names = append(t.names, one)
	case f.Ours != "":
		t.ours[one.ours] = append(t.ours[one.ours], one)
		if Personal(one.ours) {
			t.personal[theirs] = true
		}
	}
}

func (t *tracer) origin(f Fact) Origin {
	o := Origin{Fact: f, Personal: Personal(f.Pattern)}
	for _, d := range t.declaredOf(f) {
		if d.theirs == "" {
			o.ByRule = true
			continue
		}
		for _, l := range t.there[d.theirs] {
			if t.belongs(f, d, l) {
				o.From = append(o.From, Source{l, t.personal[l.Pattern]})
			}
		}
	}
	return o
}

// declaredOf are the fields that a fact is declared by: its own, else those of the whole map it stands in.
func (t *tracer) declaredOf(f Fact) []field {
	all := t.ours[f.Pattern]
	if all == nil {
		if i := strings.LastIndexByte(f.Pattern, '.'); i > 0 {
			all = t.ours[f.Pattern[:i]+".*"]
		}
	}
	var out []field
	for _, d := range all {
		fits := true
		for i, kind := range d.kinds {
			fits = fits && (kind == "" || i < len(f.Kinds) && f.Kinds[i] == kind)
		}
		if fits {
			out = append(out, d)
		}
	}
	return out
}

// belongs reports whether a value stands in the element of their lists that a fact's element was made of.
func (t *tracer) belongs(f Fact, d field, l Leaf) bool {
	n, c, named := t.nearest(f, d, l)
	if n > 0 {
		ours := t.said[named.ours]
		id := t.text[placed(named.theirs, l.At[:n])]
		if !slices.ContainsFunc(ours, func(o Fact) bool { return slices.Equal(o.At[:c], f.At[:c]) && sameID(id, o.Text) }) {
			return false
		}
	}
	for i := n; i < d.free && c < len(f.At); i, c = i+1, c+1 {
		if l.At[i] != strconv.Itoa(f.At[c]) {
			return false
		}
	}
	return true
}

// nearest is the id that tells most closely which element of ours a value belongs to: so many of its lists are decided by it, and so many of the fact's.
func (t *tracer) nearest(f Fact, d field, l Leaf) (theirs, ours int, named field) {
	for _, k := range t.names {
		n, c := len(lists(k.theirs)), shared(k.ours, f.Pattern)
		if n == 0 || c == 0 || n > d.free || shared(k.theirs, l.Pattern) < n || n < theirs || n == theirs && c <= ours {
			continue
		}
		if t.text[placed(k.theirs, l.At[:n])] != "" {
			theirs, ours, named = n, c, k
		}
	}
	return theirs, ours, named
}

// sameID reports whether a text of theirs is the id that we know: in other case, or at the end of a longer name, as in gid://shopify/LineItem/1.
func sameID(theirs, ours string) bool {
	return strings.EqualFold(theirs, ours) || strings.HasSuffix(theirs, "/"+ours)
}

func placed(pattern string, at []string) string {
	return pattern + "\x00" + strings.Join(at, "\x00")
}
