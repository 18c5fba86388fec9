package backup

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Copying says what to copy, and where to.
type Copying struct {
	From, To string // database urls; To is an empty PostgreSQL schema, or no file yet
	Check    Check
	// Progress is told how many rows of a table are done, with what is being done to them; nil tells nobody.
	Progress func(doing, table string, rows int64)
}

// Copied says what a copy did.
type Copied struct {
	Tables int           `json:"tables"`
	Rows   int64         `json:"rows"`
	Kept   int           `json:"kept"` // tables that an earlier copy had brought over whole
	Took   time.Duration `json:"took_ns"`
}

// Copy moves everything of one database into an empty one, of the other engine as a rule. Nobody may write to the first meanwhile. Each table is read back and compared row
// by row before it counts; a copy that was interrupted is begun again by the same call and keeps the tables that are whole (into SQLite it begins afresh). The new
// database appears in its place when everything is there and every check has passed. Faults: Conflict when To holds a database already, or a check fails; NotFound when
// From holds none.
func Copy(ctx context.Context, o Copying) (r Copied, err error) {
	start := time.Now()
	snap, err := db.OpenSnapshot(ctx, o.From)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	into, begun, err := db.ResumeLoading(ctx, o.To, snap.Version)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	c := copying{Copying: o, from: snap, into: into}
	if !begun {
		if err := errors.Join(into.Make(ctx, snap.Version), into.Pause(ctx)); err != nil {
			return r, err
		}
	}
	for _, t := range snap.Tables {
		kept, n, err := c.table(ctx, t, begun)
		if err != nil {
			return r, err
		}
		r.Tables++
		r.Rows += n
		if kept {
			r.Kept++
		}
	}
	if err := c.check(ctx); err != nil {
		return r, err
	}
	err = into.Finish(ctx)
	r.Took = time.Since(start)
	return r, err
}

type copying struct {
	Copying
	from *db.Snapshot
	into *db.Loading
}

// table brings one table over, unless it is there already.
func (c copying) table(ctx context.Context, t db.Table, begun bool) (kept bool, n int64, err error) {
	if begun {
		want, err := c.sum(ctx, "compare", c.from, t)
		if err != nil {
			return false, 0, err
		}
		got, err := c.there(ctx, t)
		if err != nil || got == want {
			return err == nil, want.rows, err
		}
		if err := c.into.Empty(ctx, t); err != nil {
			return false, 0, err
		}
	}
	var want sum
	rows, stop := pull(ctx, c.from, t)
	defer stop()
	_, err = c.into.Fill(ctx, t, func() ([]any, error) {
		values, err := rows()
		if err != nil {
			return nil, err
		}
		want.add(values)
		if want.rows%10_000 == 0 {
			c.told("copy", t.Name, want.rows)
		}
		return values, nil
	})
	if err = errors.Join(err, c.into.Pause(ctx)); err != nil {
		return false, 0, err
	}
	got, err := c.there(ctx, t)
	if err != nil {
		return false, 0, err
	}
	if got != want {
		return false, 0, fault.New(fault.Conflict, "%s has %d rows here and %d there, or one of them differs: the copy is not used", t.Name, want.rows, got.rows)
	}
	c.told("copied", t.Name, want.rows)
	return false, want.rows, nil
}

// there is the sum of a table as it was brought over.
func (c copying) there(ctx context.Context, t db.Table) (s sum, err error) {
	snap, err := db.OpenSnapshot(ctx, c.into.URL())
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	return c.sum(ctx, "compare", snap, t)
}

func (c copying) sum(ctx context.Context, doing string, of *db.Snapshot, t db.Table) (s sum, err error) {
	err = of.Each(ctx, t, func(values []any) error {
		if s.add(values); s.rows%10_000 == 0 {
			c.told(doing, t.Name, s.rows)
		}
		return nil
	})
	return s, err
}

func (c copying) told(doing, table string, rows int64) {
	if c.Progress != nil {
		c.Progress(doing, table, rows)
	}
}

func (c copying) check(ctx context.Context) error {
	if c.Check == nil {
		return nil
	}
	var broken []string
	err := c.into.Look(ctx, func(pool *sql.DB) (err error) {
		broken, err = c.Check(ctx, pool)
		return err
	})
	if err == nil && len(broken) > 0 {
		err = fault.New(fault.Conflict, "what was copied does not hold: %s", strings.Join(broken, "; "))
	}
	return err
}

// pull turns Each around: next answers one row after the other, valid until it is asked again, and io.EOF at the end. stop must be called.
func pull(ctx context.Context, from *db.Snapshot, t db.Table) (next func() ([]any, error), stop func()) {
	enough := errors.New("enough")
	more, stop := iter.Pull2(func(yield func([]any, error) bool) {
		err := from.Each(ctx, t, func(values []any) error {
			if !yield(values, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(nil, err)
		}
	})
	return func() ([]any, error) {
		values, err, ok := more()
		if !ok {
			return nil, io.EOF
		}
		return values, err
	}, stop
}

// sum is the sum of the hashes of rows: equal for equal rows in any order, on either engine.
type sum struct {
	rows   int64
	hi, lo uint64
}

func (s *sum) add(values []any) {
	h := sha256.New()
	var head [9]byte
	part := func(kind byte, n uint64) {
		head[0] = kind
		binary.BigEndian.PutUint64(head[1:], n)
		h.Write(head[:])
	}
	for _, v := range values {
		switch x := v.(type) {
		case nil:
			part(0, 0)
		case int64:
			part(1, uint64(x))
		case bool: // SQLite keeps truth as a number
			if x {
				part(1, 1)
			} else {
				part(1, 0)
			}
		case string:
			part(2, uint64(len(x)))
			h.Write([]byte(x))
		case []byte:
			part(3, uint64(len(x)))
			h.Write(x)
		}
	}
	of := h.Sum(nil)
	s.rows++
	s.hi += binary.BigEndian.Uint64(of)
	s.lo += binary.BigEndian.Uint64(of[8:])
}
