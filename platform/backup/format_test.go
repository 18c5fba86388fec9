package backup

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db"
)

var (
	someTable = db.Table{Name: "t", Last: 3, Columns: []db.Column{{Name: "a", Kind: db.Number}, {Name: "b", Kind: db.Words}, {Name: "c", Kind: db.Bytes}, {Name: "d", Kind: db.Truth}}}
	someRows  = [][]any{{int64(-1 << 63), "naïve\x00", []byte{}, true}, {nil, "", bytes.Repeat([]byte{7}, 1<<17), false}, {int64(5), nil, nil, nil}}
)

func written(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := newWriter(&b)
	err := errors.Join(w.header(Header{Format: format, Kind: Data, Backup: "x"}), w.table(someTable))
	for _, r := range someRows {
		err = errors.Join(err, w.row(r))
	}
	if err = errors.Join(err, w.tableEnd(), w.end()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll reads to the end, as a restore does.
func readAll(b []byte) (all [][]any, err error) {
	r := newReader(bytes.NewReader(b))
	if _, err := r.header(); err != nil {
		return nil, err
	}
	for {
		if _, more, err := r.next(); err != nil || !more {
			return all, err
		}
		for {
			row, err := r.row()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			all = append(all, row)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	whole := written(t)
	got, err := readAll(whole)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someRows, got); diff != "" {
		t.Error(diff)
	}
	for n := range whole {
		if n > 200 && n < len(whole)-200 {
			continue
		}
		if _, err := readAll(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken for a whole", n, len(whole))
		}
	}
	if _, err := readAll(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("something after the end is overlooked")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f))
	f.Add([]byte("H\x02{}T\x02{}E\x00Z\x00"))
	f.Add([]byte("H\x02{}T\x1f{\"columns\":[{\"name\":\"a\"},{}]}R\x02\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = readAll(b) })
}

func FuzzReadList(f *testing.F) {
	f.Add([]byte(`{"id":"1","kind":"order","account":"a","subject":"7","cause":"wish","at":"2026-11-22T10:00:00Z"}` + "\n{\"id\""))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ReadList(bytes.NewReader(b))
		for _, e := range all {
			if err == nil && (e.ID == "" || e.Subject == "") {
				t.Errorf("%+v is an erasure", e)
			}
		}
	})
}
