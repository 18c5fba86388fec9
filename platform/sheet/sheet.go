// Package sheet reads the tables people send as CSV files, whatever their program wrote: bounded, with a byte order mark or without, separated by
// comma, semicolon or tab. Start at Read; Report says what an import did, row by row.
package sheet

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// What a file may hold at most: more is no table a person made.
const (
	MaxBytes   = 64 << 20
	MaxRows    = 500_000
	MaxColumns = 64
	MaxField   = 4 << 10
)

// Column is a column the reader of a table knows.
type Column struct {
	Name     string
	Required bool
	Also     []string // other headings that mean the same
}

// Sheet is a table that was read.
type Sheet struct {
	Hash string // of the bytes as they came: the same file has the same
	Rows []Row
}

// Row is one line of a table.
type Row struct {
	N      int // line in the file, the heading is 1
	names  map[string]int
	fields []string
}

// Get is a column's text without blanks around it; "" when the table has no such column.
func (r Row) Get(name string) string {
	i, ok := r.names[name]
	if !ok || i >= len(r.fields) {
		return ""
	}
	return strings.TrimSpace(r.fields[i])
}

// Has reports whether the table has the column at all.
func (r Row) Has(name string) bool {
	_, ok := r.names[name]
	return ok
}

// Int is a column's whole number, or fallback when it is empty. Fault: Invalid, naming the column.
func (r Row) Int(name string, fallback int64) (int64, error) {
	text := r.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.Field(name, "%q is not a whole number", clip(text))
	}
	return n, nil
}

// Bool is a column's yes or no, or fallback when it is empty. Fault: Invalid, naming the column.
func (r Row) Bool(name string, fallback bool) (bool, error) {
	switch strings.ToLower(r.Get(name)) {
	case "":
		return fallback, nil
	case "yes", "y", "true", "1", "x":
		return true, nil
	case "no", "n", "false", "0":
		return false, nil
	}
	return false, fault.Field(name, "%q is neither yes nor no", clip(r.Get(name)))
}

// Decimal is a column's decimal number as plain digits with a point, for an amount of so many decimal digits; "" when it is empty.
// "1,250.50" and "1.250,50" are both 1250.50. Fault: Invalid for other text, and for "1,250", which may mean either.
func (r Row) Decimal(name string, digits int) (string, error) {
	text := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "").Replace(r.Get(name))
	sign, rest := "", text
	if strings.HasPrefix(text, "-") {
		sign, rest = "-", text[1:]
	}
	at := strings.LastIndexAny(rest, ".,")
	if strings.Trim(rest, "0123456789.,") != "" || at == len(rest)-1 {
		if rest == "" && sign == "" {
			return "", nil
		}
		return "", fault.Field(name, "%q is not a number", clip(r.Get(name)))
	}
	if at < 0 {
		return text, nil
	}
	whole, fraction, point := rest[:at], rest[at+1:], rest[at]
	group := byte('.' + ',' - point)
	switch {
	case strings.IndexByte(whole, point) >= 0 && strings.IndexByte(whole, group) < 0 && grouped(rest, point): // 1,250,000
		return sign + strings.ReplaceAll(rest, string(point), ""), nil
	case strings.IndexByte(whole, point) >= 0, strings.IndexByte(whole, group) >= 0 && !grouped(whole, group):
		return "", fault.Field(name, "%q is not a number", clip(r.Get(name)))
	case len(fraction) == 3 && strings.IndexByte(whole, group) < 0 && (point == ',' || digits != 3) && whole != "0":
		return "", fault.Field(name, "%q may mean thousands or a fraction: write it without separator for thousands", clip(r.Get(name)))
	}
	return sign + cmp.Or(strings.ReplaceAll(whole, string(group), ""), "0") + "." + fraction, nil
}

// grouped reports whether digits stand in groups of three behind the first.
func grouped(text string, group byte) bool {
	parts := strings.Split(text, string(group))
	for i, p := range parts {
		if i > 0 && len(p) != 3 || i == 0 && (len(p) == 0 || len(p) > 3) {
			return false
		}
	}
	return true
}

// Read reads a whole table. Headings are compared without case, blanks and underscores; columns nobody knows are left alone.
// Fault: Invalid for what is no such table: too large, not UTF-8 or UTF-16, a required heading missing, a heading twice, quotes that do not end.
func Read(r io.Reader, columns []Column) (*Sheet, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the file could not be read")
	}
	if len(raw) > MaxBytes {
		return nil, fault.New(fault.Invalid, "the file is larger than %d MB", MaxBytes>>20)
	}
	sum := sha256.Sum256(raw)
	text, err := decode(raw)
	if err != nil {
		return nil, err
	}
	s := &Sheet{Hash: hex.EncodeToString(sum[:])}
	return s, s.parse(text, columns)
}

// decode takes the byte order mark off and turns UTF-16, which spreadsheets write, into UTF-8.
func decode(raw []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xEF, 0xBB, 0xBF}):
		raw = raw[3:]
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	}
	if order != nil {
		units := make([]uint16, 0, len(raw)/2)
		for i := 2; i+1 < len(raw); i += 2 {
			units = append(units, order.Uint16(raw[i:]))
		}
		raw = []byte(string(utf16.Decode(units)))
	}
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return nil, fault.New(fault.Invalid, "the file is not text in UTF-8: save it as “CSV UTF-8”")
	}
	return raw, nil
}

func (s *Sheet) parse(text []byte, columns []Column) error {
	c := csv.NewReader(bytes.NewReader(text))
	c.Comma = separator(text)
	c.FieldsPerRecord = -1
	c.TrimLeadingSpace = true
	heading, err := c.Read()
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "the file is empty")
	}
	if err != nil {
		return broken(err)
	}
	names, err := headings(heading, columns)
	if err != nil {
		return err
	}
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		line, _ := c.FieldPos(0)
		if err := bounded(fields, line); err != nil {
			return err
		}
		if blank(fields) {
			continue
		}
		if len(s.Rows) == MaxRows {
			return fault.New(fault.Invalid, "the file has more than %d rows: split it", MaxRows)
		}
		s.Rows = append(s.Rows, Row{N: line, names: names, fields: fields})
	}
}

func broken(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fault.Wrap(fault.Invalid, err, "line "+strconv.Itoa(p.Line)+": a quote is not where it belongs")
	}
	return fault.Wrap(fault.Invalid, err, "the file is not a table of comma separated values")
}

func bounded(fields []string, line int) error {
	if len(fields) > MaxColumns {
		return fault.New(fault.Invalid, "line %d has more than %d columns", line, MaxColumns)
	}
	for _, f := range fields {
		if len(f) > MaxField {
			return fault.New(fault.Invalid, "line %d has a field of more than %d bytes; a quote may be missing", line, MaxField)
		}
	}
	return nil
}

func blank(fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return strings.TrimSpace(f) != "" })
}

// separator is what stands most often in the heading.
func separator(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// headings finds where the known columns stand.
func headings(found []string, columns []Column) (map[string]int, error) {
	if err := bounded(found, 1); err != nil {
		return nil, err
	}
	means := map[string]string{}
	for _, c := range columns {
		means[fold(c.Name)] = c.Name
		for _, also := range c.Also {
			means[fold(also)] = c.Name
		}
	}
	names := map[string]int{}
	for i, h := range found {
		name, known := means[fold(h)]
		if !known {
			continue
		}
		if _, twice := names[name]; twice {
			return nil, fault.New(fault.Invalid, "the column %q stands twice in the heading", name)
		}
		names[name] = i
	}
	var missing []string
	for _, c := range columns {
		if _, ok := names[c.Name]; c.Required && !ok {
			missing = append(missing, c.Name)
		}
	}
	if len(missing) > 0 {
		return nil, fault.New(fault.Invalid, "the heading lacks %s", strings.Join(missing, ", "))
	}
	return names, nil
}

func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// MaxProblems is how many problems a report names; further ones are counted.
const MaxProblems = 1000

// Report says what an import did, or would do.
type Report struct {
	What     string    `json:"what"`
	Dry      bool      `json:"dry_run"`
	Rows     int       `json:"rows"`
	Added    int       `json:"added"`
	Changed  int       `json:"changed"`
	Same     int       `json:"unchanged"`
	Refused  int       `json:"refused"` // rows with a problem; the others are imported
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is what is wrong with a row.
type Problem struct {
	Row    int    `json:"row"` // line in the file
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
}

// Add adds what a part of an import did.
func (r *Report) Add(part Report) {
	r.Added += part.Added
	r.Changed += part.Changed
	r.Same += part.Same
	r.Refused += part.Refused
	r.Problems = append(r.Problems, part.Problems[:min(len(part.Problems), MaxProblems-len(r.Problems))]...)
}

// Refuse notes that a row is left out, and why.
func (r *Report) Refuse(row int, err error) {
	r.Refused++
	if len(r.Problems) == MaxProblems {
		return
	}
	p := Problem{Row: row, Reason: fault.Message(err)}
	var f *fault.Error
	if errors.As(err, &f) {
		p.Column, p.Reason = f.Field, f.Message
	}
	r.Problems = append(r.Problems, p)
}
