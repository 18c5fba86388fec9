package lex_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db/internal/lex"
)

func TestSplitFindsWhatStandsOutsideQuotesAndComments(t *testing.T) {
	t.Parallel()
	var words []string
	for _, tok := range lex.Split("select a1, 'it''s not', \"nor this\" -- nor this\n/* nor\nthis */ from Ünder_score where x = $12::b and y > 1.5e3") {
		if tok.Kind == lex.Word || tok.Kind == lex.Param || tok.Kind == lex.Number {
			words = append(words, tok.Text)
		}
	}
	want := strings.Fields("select a1 from Ünder_score where x $12 b and y 1.5e3")
	if diff := cmp.Diff(want, words); diff != "" {
		t.Error(diff)
	}
}

func TestCloseFindsTheMatchingBracket(t *testing.T) {
	t.Parallel()
	tokens := lex.Split("f(a, (b), ')')c")
	if got := lex.Close(tokens, 1); !tokens[got+1].Is("C") {
		t.Errorf("token %d", got)
	}
	if got := lex.Close(lex.Split("((a)"), 0); got != -1 {
		t.Errorf("an open bracket was closed at %d", got)
	}
}

func FuzzSplitLosesNothing(f *testing.F) {
	for _, s := range []string{"", "'", "''", "--", "/*", "/**/x", "$", "$1$", "a\x00b", "'a''", `"`, "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		for _, tok := range lex.Split(text) {
			if tok.Text == "" {
				t.Fatal("an empty token")
			}
			b.WriteString(tok.Text)
		}
		if b.String() != text {
			t.Errorf("%q became %q", text, b.String())
		}
	})
}
