package migrate

import (
	"strings"

	"github.com/openclaw-pos/commerce/platform/db/internal/lex"
)

// dialect says what an engine calls our type words, and what follows the closing bracket of a table.
type dialect struct {
	types map[string]string
	table string
}

var (
	postgres = dialect{
		types: map[string]string{
			"key":      `text collate "C"`,
			"identity": "bigint generated always as identity primary key",
		},
	}
	sqlite = dialect{
		types: map[string]string{
			"bigint":   "integer",
			"boolean":  "integer",
			"bytea":    "blob",
			"key":      "text",
			"identity": "integer primary key autoincrement",
		},
		table: " strict",
	}
)

// PostgreSQL turns a migration's text into PostgreSQL's words: key and identity are replaced where a column's type stands.
func PostgreSQL(text string) string { return postgres.render(text) }

// SQLite turns a migration's text into SQLite's words: the type words are replaced where a column's type stands, and every
// table is made strict.
func SQLite(text string) string { return sqlite.render(text) }

func (d dialect) render(text string) string {
	r := renderer{dialect: d, tokens: lex.Split(text)}
	for r.at < len(r.tokens) {
		switch {
		case r.words("create", "table"):
			r.createTable()
		case r.words("add", "column"):
			r.addColumn()
		default:
			r.copy(1)
		}
	}
	return r.out.String()
}

// renderer copies tokens to out, replacing type words on the way.
type renderer struct {
	dialect
	tokens []lex.Token
	at     int
	out    strings.Builder
}

// words reports whether these words stand here, with anything blank between them.
func (r *renderer) words(want ...string) bool {
	i := r.at
	for _, w := range want {
		if i = lex.Next(r.tokens, i); i == len(r.tokens) || !r.tokens[i].Is(w) {
			return false
		}
		i++
	}
	return !r.tokens[r.at].Blank()
}

func (r *renderer) copy(n int) {
	for ; n > 0 && r.at < len(r.tokens); n-- {
		r.out.WriteString(r.tokens[r.at].Text)
		r.at++
	}
}

func (r *renderer) copyTo(i int) { r.copy(i - r.at) }

// skip copies n tokens that mean something, with the blanks before and after them.
func (r *renderer) skip(n int) {
	for ; n > 0; n-- {
		r.copyTo(lex.Next(r.tokens, r.at))
		r.copy(1)
	}
	r.copyTo(lex.Next(r.tokens, r.at))
}

func (r *renderer) createTable() {
	open := r.at
	for open < len(r.tokens) && !r.tokens[open].Sym('(') && !r.tokens[open].Sym(';') && !r.tokens[open].Is("as") {
		open++
	}
	end := -1
	if open < len(r.tokens) && r.tokens[open].Sym('(') {
		end = lex.Close(r.tokens, open)
	}
	if end < 0 {
		r.copy(1)
		return
	}
	r.copyTo(open + 1)
	r.column()
	for depth := 0; r.at < end; {
		switch t := r.tokens[r.at]; {
		case t.Sym('('):
			depth++
		case t.Sym(')'):
			depth--
		case t.Sym(',') && depth == 0:
			r.copy(1)
			r.column()
			continue
		}
		r.copy(1)
	}
	r.copy(1)
	r.out.WriteString(r.table)
}

func (r *renderer) addColumn() {
	r.skip(2)
	if r.words("if", "not", "exists") {
		r.skip(3)
	}
	r.column()
}

// column handles the name and type of one column; a table constraint has no type word in second place.
func (r *renderer) column() {
	r.copyTo(lex.Next(r.tokens, r.at))
	if r.at == len(r.tokens) {
		return
	}
	for _, constraint := range []string{"constraint", "primary", "unique", "check", "foreign"} {
		if r.tokens[r.at].Is(constraint) && !r.typed() {
			return
		}
	}
	r.skip(1)
	if r.at < len(r.tokens) && r.tokens[r.at].Kind == lex.Word {
		if word, ok := r.types[strings.ToLower(r.tokens[r.at].Text)]; ok {
			r.out.WriteString(word)
			r.at++
		}
	}
}

// typed reports whether one of our type words follows, so that this is a column called, say, "check": in
// "primary key" and "unique key" the word key is no type.
func (r *renderer) typed() bool {
	i := lex.Next(r.tokens, r.at+1)
	if i == len(r.tokens) || r.tokens[i].Is("key") {
		return false
	}
	_, ok := sqlite.types[strings.ToLower(r.tokens[i].Text)]
	return ok && !r.tokens[r.at].Is("constraint")
}
