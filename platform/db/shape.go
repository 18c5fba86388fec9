package db

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db/internal/lex"
)

// column is one column of rows(…).
type column struct{ name, typ string }

func (c column) fits(v any) bool {
	ok := v == nil
	switch v.(type) {
	case int64:
		ok = c.typ == "bigint"
	case string:
		ok = c.typ == "text"
	case bool:
		ok = c.typ == "boolean"
	case []byte:
		ok = c.typ == "bytea"
	}
	return ok
}

// shape is a text with rows(…), taken apart once.
type shape struct {
	before, after string
	alias         string
	columns       []column
	params        int  // highest $n of the text itself
	split         bool // may be run in pieces on SQLite: every row is handled by itself
	keyed         bool // needs distinct keys
	err           error

	postgres string
	one      string           // SQLite: one row
	eight    string           // SQLite: eight rows
	padded   [3]func() string // SQLite: up to 8, 64, 512 rows in one statement
}

// statement is what an engine runs: one text, or several for a batch on SQLite.
type statement struct {
	texts []string
	args  [][]any
}

func (s statement) empty() bool { return len(s.texts) == 0 }

// memo keeps what was worked out for a text. It is bounded against texts that are built anew each time.
type memo[T any] struct {
	mu sync.RWMutex
	m  map[string]T
}

const memoSize = 4096

func (c *memo[T]) of(text string, work func(string) T) T {
	c.mu.RLock()
	v, known := c.m[text]
	c.mu.RUnlock()
	if known {
		return v
	}
	v = work(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= memoSize {
		c.m = map[string]T{}
	}
	c.m[text] = v
	return v
}

// shapes are the texts taken apart so far, of every DB.
var shapes memo[*shape]

func shapeOf(text string) *shape { return shapes.of(text, parse) }

// prepare turns a text and its arguments into statements for an engine. whole asks for one statement, whose rows are one answer.
func prepare(e Engine, text string, args []any, whole bool) (statement, error) {
	var batch *Batch
	if len(args) > 0 {
		if b, ok := args[0].(*Batch); ok {
			batch, args = b, args[1:]
		}
	}
	clean, err := values(args)
	if err != nil {
		return statement{}, err
	}
	if batch == nil {
		if e == PostgreSQL {
			text = listed(text)
		}
		return statement{[]string{text}, [][]any{clean}}, nil
	}
	if batch.err != nil {
		return statement{}, batch.err
	}
	s := shapeOf(text)
	switch {
	case s.err != nil:
		return statement{}, s.err
	case s.keyed && batch.key == 0:
		return statement{}, fault.New(fault.Internal, "this statement needs a batch with a key")
	case s.params > len(clean):
		return statement{}, fault.New(fault.Internal, "the text has $%d, there are %d arguments", s.params, len(clean))
	case len(batch.rows) == 0:
		return statement{}, nil
	}
	clean = clean[:s.params]
	if err := batch.check(s.columns); err != nil {
		return statement{}, err
	}
	return s.fill(e, clean, batch.rows, whole)
}

// maxValues is how many values SQLite takes in one statement (SQLITE_MAX_VARIABLE_NUMBER); held to on both engines.
const maxValues = 32766

func (s *shape) fill(e Engine, args []any, rows [][]any, whole bool) (statement, error) {
	whole = whole || !s.split
	if whole && len(args)+len(rows)*(len(s.columns)+1) > maxValues {
		return statement{}, fault.New(fault.Internal, "%d rows of %d columns are too many for one statement", len(rows), len(s.columns))
	}
	switch {
	case e == PostgreSQL:
		return statement{[]string{s.postgres}, [][]any{s.arrays(args, rows)}}, nil
	case whole && len(rows) > 1:
		return s.fillPadded(args, rows), nil
	}
	var out statement
	for len(rows) > 0 {
		text, n := s.one, 1
		if len(rows) >= 8 {
			text, n = s.eight, 8
		}
		out.texts = append(out.texts, text)
		out.args = append(out.args, flat(args, rows[:n], false))
		rows = rows[n:]
	}
	return out, nil
}

// fillPadded runs all rows in one statement of 8, 64 or 512 rows, of which those that are not meant carry a false flag.
func (s *shape) fillPadded(args []any, rows [][]any) statement {
	size, text := 8, ""
	for _, form := range s.padded {
		if len(rows) <= size {
			text = form()
			break
		}
		size *= 8
	}
	if text == "" {
		size = len(rows)
		text = s.lite(size, true)
	}
	all := flat(args, rows, true)
	for range size - len(rows) {
		for range s.columns {
			all = append(all, nil)
		}
		all = append(all, false)
	}
	return statement{[]string{text}, [][]any{all}}
}

func flat(args []any, rows [][]any, flag bool) []any {
	all := make([]any, 0, len(args)+len(rows)*(len(rows[0])+1))
	all = append(all, args...)
	for _, row := range rows {
		all = append(all, row...)
		if flag {
			all = append(all, true)
		}
	}
	return all
}

// arrays appends one array per column, typed as the column says.
func (s *shape) arrays(args []any, rows [][]any) []any {
	all := make([]any, 0, len(args)+len(s.columns))
	all = append(all, args...)
	for j, c := range s.columns {
		switch c.typ {
		case "bigint":
			all = append(all, array(rows, j, func(v int64) pgtype.Int8 { return pgtype.Int8{Int64: v, Valid: true} }))
		case "text":
			all = append(all, array(rows, j, func(v string) pgtype.Text { return pgtype.Text{String: v, Valid: true} }))
		case "boolean":
			all = append(all, array(rows, j, func(v bool) pgtype.Bool { return pgtype.Bool{Bool: v, Valid: true} }))
		case "bytea":
			all = append(all, array(rows, j, func(v []byte) []byte { return v }))
		}
	}
	return all
}

// array is column j of the rows; null stays the zero value of N.
func array[V, N any](rows [][]any, j int, with func(V) N) []N {
	out := make([]N, len(rows))
	for i, row := range rows {
		if v, ok := row[j].(V); ok {
			out[i] = with(v)
		}
	}
	return out
}

// parse takes a text apart at its one rows(…).
func parse(text string) *shape {
	tokens := lex.Split(text)
	s := &shape{alias: "r"}
	at, end := -1, -1
	for i, t := range tokens {
		if !t.Is("rows") || !tokenAt(tokens, lex.Next(tokens, i+1)).Sym('(') {
			continue
		}
		if at >= 0 {
			return &shape{err: fault.New(fault.Internal, "more than one rows(…) in a text")}
		}
		at, end = i, lex.Close(tokens, i+1)
	}
	if at < 0 || end < 0 {
		return &shape{err: fault.New(fault.Internal, "a batch, but no rows(…) in the text")}
	}
	if s.columns, s.err = columnsOf(tokens[at+1 : end]); s.err != nil {
		return s
	}
	next := end + 1
	if as := lex.Next(tokens, next); tokenAt(tokens, as).Is("as") {
		if name := lex.Next(tokens, as+1); tokenAt(tokens, name).Kind == lex.Word {
			s.alias, next = tokens[name].Text, name+1
		}
	}
	s.before, s.after = join(tokens[:at]), join(tokens[next:])
	s.judge(slices.Concat(tokens[:at], tokens[next:]))
	s.render()
	return s
}

func tokenAt(tokens []lex.Token, i int) lex.Token {
	if i < len(tokens) {
		return tokens[i]
	}
	return lex.Token{}
}

func join(tokens []lex.Token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.Text)
	}
	return b.String()
}

// columnsOf reads "(name type, …".
func columnsOf(tokens []lex.Token) ([]column, error) {
	var words []string
	var columns []column
	for _, t := range append(slices.Clip(tokens), lex.Token{Kind: lex.Symbol, Text: ","}) {
		switch {
		case t.Blank() || t.Sym('('):
		case t.Sym(','):
			if len(words) != 2 || !typed(words[1]) {
				return nil, fault.New(fault.Internal, "a column of rows(…) is not \"name type\": %q", words)
			}
			columns = append(columns, column{words[0], strings.ToLower(words[1])})
			words = nil
		default:
			words = append(words, t.Text)
		}
	}
	return columns, nil
}

func typed(word string) bool {
	switch strings.ToLower(word) {
	case "bigint", "text", "boolean", "bytea":
		return true
	}
	return false
}

// wholeWords are words of statements in which rows are looked at together, so that pieces would answer differently.
var wholeWords = map[string]bool{
	"exists": true, "group": true, "order": true, "limit": true, "distinct": true, "count": true, "sum": true,
	"min": true, "max": true, "avg": true, "over": true, "union": true, "except": true, "intersect": true, "having": true,
	"string_agg": true, "with": true, "values": true,
}

// judge decides from the text around rows(…) whether it can be run in pieces, whether it needs a key, and how many $n it has.
func (s *shape) judge(tokens []lex.Token) {
	verb := strings.ToLower(tokenAt(tokens, lex.Next(tokens, 0)).Text)
	s.split = verb == "insert" || verb == "update" || verb == "delete"
	s.keyed = verb == "update"
	selects := 0
	for i, t := range tokens {
		next := tokenAt(tokens, lex.Next(tokens, i+1))
		switch {
		case t.Kind == lex.Param:
			n, _ := strconv.Atoi(t.Text[1:])
			s.params = max(s.params, n)
		case t.Is("select"):
			selects++
		case t.Is("not") && next.Is("in"), t.Kind == lex.Word && wholeWords[strings.ToLower(t.Text)]:
			s.split = false
		case t.Is("do") && next.Is("update"), verb == "delete" && t.Is("using"):
			s.keyed = true
		}
	}
	if selects > 1 {
		s.split = false
	}
}

func (s *shape) render() {
	var arrays, names []string
	for i, c := range s.columns {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", s.params+1+i, c.typ))
		names = append(names, c.name)
	}
	s.postgres = listed(fmt.Sprintf("%sunnest(%s) as %s(%s)%s", s.before, strings.Join(arrays, ", "), s.alias, strings.Join(names, ", "), s.after))
	s.one = s.liteOne()
	s.eight = s.lite(8, false)
	for i, n := range []int{8, 64, 512} {
		s.padded[i] = sync.OnceValue(func() string { return s.lite(n, true) })
	}
}

func (s *shape) liteOne() string {
	var b strings.Builder
	b.WriteString(s.before + "(select ")
	for i, c := range s.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d as %s", s.params+1+i, c.name)
	}
	return b.String() + ") as " + s.alias + s.after
}

// lite is SQLite's form with n rows; a flagged one has a column more, that says whether the row is meant.
func (s *shape) lite(n int, flagged bool) string {
	width := len(s.columns)
	if flagged {
		width++
	}
	var b strings.Builder
	b.WriteString(s.before + "(select ")
	for i, c := range s.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "column%d as %s", i+1, c.name)
	}
	b.WriteString(" from (values ")
	for row := range n {
		if row > 0 {
			b.WriteString(", ")
		}
		for i := range width {
			switch {
			case row == 0 && i == 0:
				b.WriteString("(?" + strconv.Itoa(s.params+1)) // behind the text's own $n, wherever these stand
			case i == 0:
				b.WriteString("(?")
			default:
				b.WriteString(", ?") // without a name: the driver asks for each name, which SQLite searches in a list of all
			}
		}
		b.WriteByte(')')
	}
	b.WriteByte(')')
	if flagged {
		fmt.Fprintf(&b, " where column%d", width)
	}
	return b.String() + ") as " + s.alias + s.after
}
