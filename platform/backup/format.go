package backup

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Kinds of files.
const (
	Data = "data" // every table but the keys of personal data
	Keys = "keys" // the keys of personal data, and which were destroyed
)

// Header says what a file is. It stands twice: in clear in the first line, and sealed inside.
type Header struct {
	Format    int       `json:"format"`
	Kind      string    `json:"kind"`   // Data or Keys
	Backup    string    `json:"backup"` // the same in the two files of one backup
	TakenAt   time.Time `json:"taken_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // of Keys: when they must be gone
	Engine    string    `json:"engine"`
	Schema    int64     `json:"schema"`
	Program   string    `json:"program,omitempty"`
}

const (
	format   = 1
	magic    = "openclaw-commerce backup "
	maxLine  = 4 << 10
	maxJSON  = 1 << 20
	maxValue = 1 << 30
)

// What begins with which byte. A table is followed by its rows and its end, the last table by the end of all.
const (
	isHeader   = 'H'
	isTable    = 'T'
	isRow      = 'R'
	isTableEnd = 'E'
	isEnd      = 'Z'
)

const (
	valueNull byte = iota
	valueNumber
	valueText
	valueBytes
	valueFalse
	valueTrue
)

// writer writes the inside of a file.
type writer struct {
	to    *bufio.Writer
	buf   []byte
	rows  uint64
	total uint64
}

func newWriter(to io.Writer) *writer { return &writer{to: bufio.NewWriterSize(to, 1<<18)} }

func (w *writer) json(kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.buf = binary.AppendUvarint(append(w.buf[:0], kind), uint64(len(text)))
	_, err = w.to.Write(append(w.buf, text...))
	return err
}

func (w *writer) header(h Header) error { return w.json(isHeader, h) }

func (w *writer) table(t db.Table) error {
	w.rows = 0
	return w.json(isTable, t)
}

func (w *writer) row(values []any) error {
	b := append(w.buf[:0], isRow)
	for _, v := range values {
		switch x := v.(type) {
		case nil:
			b = append(b, valueNull)
		case int64:
			b = binary.AppendVarint(append(b, valueNumber), x)
		case string:
			b = append(binary.AppendUvarint(append(b, valueText), uint64(len(x))), x...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, valueBytes), uint64(len(x))), x...)
		case bool:
			if x {
				b = append(b, valueTrue)
			} else {
				b = append(b, valueFalse)
			}
		default:
			return fault.New(fault.Internal, "a value of type %T cannot be backed up", v)
		}
	}
	w.buf = b
	w.rows++
	w.total++
	_, err := w.to.Write(b)
	return err
}

func (w *writer) tableEnd() error {
	_, err := w.to.Write(binary.AppendUvarint([]byte{isTableEnd}, w.rows))
	return err
}

func (w *writer) end() error {
	if _, err := w.to.Write(binary.AppendUvarint([]byte{isEnd}, w.total)); err != nil {
		return err
	}
	return w.to.Flush()
}

// reader reads the inside of a file.
type reader struct {
	from  *bufio.Reader
	at    db.Table
	rows  uint64
	total uint64
}

func newReader(from io.Reader) *reader { return &reader{from: bufio.NewReaderSize(from, 1<<18)} }

// damaged is what is wrong with a file that does not read as one.
func damaged(why string) error { return fault.New(fault.Invalid, "the backup is damaged: %s", why) }

// cut gives the end of a file in the middle of something its name.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it ends early")
	}
	return err
}

func (r *reader) json(v any) error {
	text, err := r.bytes(maxJSON)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return damaged("what it says of itself cannot be read")
	}
	return nil
}

func (r *reader) bytes(limit uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(r.from)
	if err != nil {
		return nil, cut(err)
	}
	if n > limit {
		return nil, damaged("a value is too long")
	}
	if n <= 1<<16 {
		out := make([]byte, n)
		_, err := io.ReadFull(r.from, out)
		return out, cut(err)
	}
	var b bytes.Buffer // grows with what is really there
	_, err = io.CopyN(&b, r.from, int64(n))
	return b.Bytes(), cut(err)
}

func (r *reader) header() (h Header, err error) {
	kind, err := r.from.ReadByte()
	if err != nil {
		return h, cut(err)
	}
	if kind != isHeader {
		return h, damaged("it does not begin with a header")
	}
	err = r.json(&h)
	return h, err
}

// next goes to the next table; ok is false at the end of all.
func (r *reader) next() (t db.Table, ok bool, err error) {
	kind, err := r.from.ReadByte()
	if err != nil {
		return t, false, cut(err)
	}
	switch kind {
	case isTable:
		r.rows, r.at = 0, db.Table{}
		err = r.json(&r.at)
		return r.at, err == nil, err
	case isEnd:
		n, err := binary.ReadUvarint(r.from)
		if err != nil {
			return t, false, cut(err)
		}
		if n != r.total {
			return t, false, damaged("rows are missing")
		}
		if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
			return t, false, errors.Join(damaged("it goes on after its end"), err)
		}
		return t, false, nil
	}
	return t, false, damaged("there is something between two tables")
}

// row reads the next row of the table, or answers io.EOF after its last.
func (r *reader) row() ([]any, error) {
	kind, err := r.from.ReadByte()
	if err != nil {
		return nil, cut(err)
	}
	switch kind {
	case isRow:
	case isTableEnd:
		n, err := binary.ReadUvarint(r.from)
		if err != nil {
			return nil, cut(err)
		}
		if n != r.rows {
			return nil, damaged("rows of " + r.at.Name + " are missing")
		}
		return nil, io.EOF
	default:
		return nil, damaged("there is something between two rows")
	}
	values := make([]any, len(r.at.Columns))
	for i := range values {
		if values[i], err = r.value(); err != nil {
			return nil, err
		}
	}
	r.rows++
	r.total++
	return values, nil
}

func (r *reader) value() (any, error) {
	kind, err := r.from.ReadByte()
	if err != nil {
		return nil, cut(err)
	}
	switch kind {
	case valueNull:
		return nil, nil
	case valueNumber:
		n, err := binary.ReadVarint(r.from)
		return n, cut(err)
	case valueText:
		b, err := r.bytes(maxValue)
		return string(b), err
	case valueBytes:
		b, err := r.bytes(maxValue)
		return b, err
	case valueFalse, valueTrue:
		return kind == valueTrue, nil
	}
	return nil, damaged("a value is of no known kind")
}
