package db

import (
	"encoding/binary"
	"fmt"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Batch is rows for a statement over rows(…). When a *Batch is the first argument of Exec, Query, QueryRow, Send or SendQuery, it
// fills the one rows(name type, …) in the text, a relation called r (or as `rows(…) as name` says); the arguments after it are $1…$n
// of the text. Types are bigint, text, boolean and bytea; any value may be nil.
//
//	insert into payments (order_id, ref, amount) select o, f, m from rows(o text, f text, m bigint) where true on conflict do nothing
//	update stock set reserved = stock.reserved + r.q from rows(sku text, q bigint) where stock.sku = r.sku
//
// An empty batch is not run and affects 0 rows. `returning` names the target's columns only, and its rows come in any order.
type Batch struct {
	key  int
	rows [][]any
	seen map[string]struct{}
	err  error
}

// NewBatch makes a batch whose first key columns together are distinct: a second row with the same ones is refused (Invalid) when
// the statement is run, since `update … from` would lose it silently. Key 0 stands for no key, for plain inserts and selects.
func NewBatch(key int) *Batch { return &Batch{key: key} }

// Add adds a row. What is wrong with it is said when the statement is run.
func (b *Batch) Add(row ...any) *Batch {
	clean, err := values(row)
	switch {
	case b.err != nil:
	case err != nil:
		b.err = fmt.Errorf("row %d: %w", len(b.rows)+1, err)
	case len(row) < max(b.key, 1), len(b.rows) > 0 && len(row) != len(b.rows[0]):
		b.err = fault.New(fault.Internal, "row %d has %d values", len(b.rows)+1, len(row))
	case !b.distinct(clean):
		b.err = fault.New(fault.Invalid, "the same key twice in one batch (row %d)", len(b.rows)+1)
	}
	b.rows = append(b.rows, clean)
	return b
}

// Len is how many rows were added.
func (b *Batch) Len() int { return len(b.rows) }

func (b *Batch) distinct(row []any) bool {
	if b.key == 0 {
		return true
	}
	if b.seen == nil {
		b.seen = map[string]struct{}{}
	}
	key := make([]byte, 0, 64)
	for _, v := range row[:b.key] {
		key = appendKey(key, v)
	}
	if _, twice := b.seen[string(key)]; twice {
		return false
	}
	b.seen[string(key)] = struct{}{}
	return true
}

// appendKey appends a value so that different rows never give the same bytes.
func appendKey(key []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(append(key, 'i'), uint64(v))
	case string:
		return append(binary.AppendUvarint(append(key, 's'), uint64(len(v))), v...)
	case []byte:
		return append(binary.AppendUvarint(append(key, 'x'), uint64(len(v))), v...)
	case bool:
		if v {
			return append(key, 't')
		}
		return append(key, 'f')
	}
	return append(key, 'n')
}

// check compares the rows with the columns the text declares.
func (b *Batch) check(columns []column) error {
	if len(b.rows[0]) != len(columns) {
		return fault.New(fault.Internal, "rows(…) declares %d columns, the batch has %d", len(columns), len(b.rows[0]))
	}
	for i, row := range b.rows {
		for j, c := range columns {
			if !c.fits(row[j]) {
				return fault.New(fault.Internal, "row %d: %T in column %s %s", i+1, row[j], c.name, c.typ)
			}
		}
	}
	return nil
}
