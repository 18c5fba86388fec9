package channel

import (
	"fmt"
	"strings"
)

// Field says which value of the partner's documents a value of the canonical order is made of. The conformance suite proves each on the recorded exchanges:
// another value there is another value here.
type Field struct {
	Shape string // Raw.Shape it is about
	// Ours is a path as in Fact.Pattern: lines[].unit_price. A word in the brackets, charges[shipping].total, means elements of that kind or funder only.
	// It is "" for what is read, and decides by itself no value of the order: a currency that must be the same everywhere, an id of a page.
	Ours string
	// Theirs is a path as in Leaf.Pattern: order.line_items[].price. All that stands below it belongs to it. [*] means that every element counts for each of ours.
	// It is "" where Ours follows from no value: a settings, a rule, always the same.
	Theirs string
	// Names says that the value is the id of an element of ours, so that the list it stands in is matched by it: any list that says nothing is matched by position.
	Names bool
	// As is another value of theirs that is read by the very same code, such as the one on the first page of a list: that one is proved.
	As string
}

// As repeats the fields that are made of what stands under one path for another, where the same is read by the same code.
func As(fields []Field, path, another string) []Field {
	var all []Field
	for _, f := range fields {
		if rest, ok := strings.CutPrefix(f.Theirs, path); ok {
			f.As, f.Theirs = f.Theirs, another+rest
			all = append(all, f)
		}
	}
	return all
}

// Fields reads a table of fields, a line for each of ours and then all of theirs it is made of:
//
//	lines[].external = order.line_items[].id
//	lines[].title      order.line_items[].name order.line_items[].title
//	lines[].external ~ order.refunds[].refund_line_items[].line_item_id
//	lines[].ships      .
//	-                  order.currency
//
// "=" also names the element, "~" does nothing else, "." follows from no value, "-" is read for no value of its own.
// A table that cannot be read panics: it is written beside the code.
func Fields(shape, table string) []Field {
	var all []Field
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 2 {
			panic(fmt.Sprintf("a table of fields has the line %q", line))
		}
		ours, mark, theirs := words[0], "", words[1:]
		if theirs[0] == "=" || theirs[0] == "~" {
			mark, theirs = theirs[0], theirs[1:]
		}
		if ours == "-" {
			ours = ""
		}
		for _, t := range theirs {
			if t == "." {
				t = ""
			}
			if mark != "" {
				all = append(all, Field{Shape: shape, Ours: ours, Theirs: t, Names: true})
			}
			if mark != "~" {
				all = append(all, Field{Shape: shape, Ours: ours, Theirs: t})
			}
		}
	}
	return all
}

// general is a pattern without the words in its brackets, and those words.
func general(path string) (pattern string, words []string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(path, "[")
		b.WriteString(before)
		if !found {
			return b.String(), words
		}
		word, after, _ := strings.Cut(rest, "]")
		b.WriteString("[]")
		words, path = append(words, word), after
	}
}

// lists are the parts of a pattern up to each of its lists: a[].b[].c has a[] and a[].b[].
func lists(pattern string) []string {
	var all []string
	for at := 0; ; {
		i := strings.Index(pattern[at:], "[]")
		if i < 0 {
			return all
		}
		at += i + len("[]")
		all = append(all, pattern[:at])
	}
}

// shared is how many lists two patterns have in common.
func shared(a, b string) int {
	x, y := lists(a), lists(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}
