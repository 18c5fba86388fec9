// Package lex splits SQL text into tokens, far enough to find words that stand outside quotes and comments. Start at Split.
package lex

import "strings"

// Kind says what a token is.
type Kind uint8

const (
	Space   Kind = iota // blanks and line ends
	Comment             // -- to the end of the line, or /* … */
	Quoted              // 'text' or "name", quotes included
	Word                // a letter or underscore, then letters, digits, underscores
	Number              // digits, with what sticks to them
	Param               // $1
	Symbol              // one byte of anything else
)

// Token is one piece of the text; the texts of all tokens together are the whole text.
type Token struct {
	Kind Kind
	Text string
}

// Is reports whether the token is this word, in any case.
func (t Token) Is(word string) bool { return t.Kind == Word && strings.EqualFold(t.Text, word) }

// Sym reports whether the token is this symbol.
func (t Token) Sym(c byte) bool { return t.Kind == Symbol && t.Text[0] == c }

// Blank reports whether the token carries no meaning: space or comment.
func (t Token) Blank() bool { return t.Kind == Space || t.Kind == Comment }

// Split cuts the text into tokens. It never fails: an open quote or comment runs to the end.
func Split(text string) []Token {
	var out []Token
	for len(text) > 0 {
		kind, n := first(text)
		out = append(out, Token{kind, text[:n]})
		text = text[n:]
	}
	return out
}

// Next is the index of the first token at or after i that is neither space nor comment, or len(tokens).
func Next(tokens []Token, i int) int {
	for i < len(tokens) && tokens[i].Blank() {
		i++
	}
	return i
}

// Close is the index of the bracket that closes the one at index open, or -1.
func Close(tokens []Token, open int) int {
	depth := 0
	for i := open; i < len(tokens); i++ {
		switch {
		case tokens[i].Sym('('):
			depth++
		case tokens[i].Sym(')'):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func first(s string) (Kind, int) {
	c := s[0]
	switch {
	case blank(c):
		return Space, run(s, 1, blank)
	case strings.HasPrefix(s, "--"):
		return Comment, run(s, 2, func(c byte) bool { return c != '\n' })
	case strings.HasPrefix(s, "/*"):
		if end := strings.Index(s[2:], "*/"); end >= 0 {
			return Comment, end + 4
		}
		return Comment, len(s)
	case c == '\'' || c == '"':
		return Quoted, quoted(s)
	case letter(c):
		return Word, run(s, 1, func(c byte) bool { return letter(c) || digit(c) })
	case digit(c):
		return Number, run(s, 1, func(c byte) bool { return letter(c) || digit(c) || c == '.' })
	case c == '$' && len(s) > 1 && digit(s[1]):
		return Param, run(s, 1, digit)
	}
	return Symbol, 1
}

// quoted is the length of the quoted piece at the start of s; a doubled quote is part of it.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] != s[0] {
			continue
		}
		if i+1 < len(s) && s[i+1] == s[0] {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

func run(s string, from int, in func(byte) bool) int {
	for from < len(s) && in(s[from]) {
		from++
	}
	return from
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func digit(c byte) bool { return c >= '0' && c <= '9' }
func letter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
