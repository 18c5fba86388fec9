package backup_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// world is a database with a little of everything.
type world struct {
	*privacy.Store
	db    *db.DB
	url   string
	empty func() string // url of an empty database on the same engine
	dir   string
	key   string
	lock  backup.Lock
	who   backup.Identities
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, setup(t, dbtest.SQLiteURL(t, false), func() string { return "sqlite:" + filepath.Join(t.TempDir(), "other.db") }))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := dbtest.PostgresURL(t)
		n := 0
		f(t, setup(t, url, func() string { n++; return db.WithSchema(url, fmt.Sprintf("other%d", n)) }))
	})
}

func setup(t *testing.T, url string, empty func() string) *world {
	t.Helper()
	w := &world{url: url, empty: empty, dir: t.TempDir()}
	w.key = filepath.Join(t.TempDir(), "key")
	must(t, vault.CreateKeyFile(w.key))
	w.open(t, url)
	own, err := age.GenerateX25519Identity()
	must(t, err)
	w.who = backup.Identities{own}
	w.lock, err = backup.LockTo([]string{own.Recipient().String()})
	must(t, err)
	w.write(t, func(tx *db.Tx) error {
		for i, text := range []string{
			`insert into subscriptions (id, name, url, types, state, allow_private, created_at, version) values ('s1', 'naïve ✓', 'https://x', '', 'active', true, 1, 1)`,
			`insert into subscriptions (id, name, url, types, state, allow_private, created_at, last_success_at, version) values ('s2', '', 'https://y', '', 'paused', false, -5, 7, 9223372036854775807)`,
			`insert into products (id, code, title, brand, active, version, created_at, updated_at) values ('p1', 'P', 'Shirt', '', true, 1, 1, 1)`,
			`insert into variants (id, product_id, sku, sku_folded, title, title_folded, uom, weight_g, tax_class, kit, ships, active, version, updated_at)
				values ('v1', 'p1', 'SKU', 'sku', 'Shirt', 'shirt', 'pcs', 1, 'std', false, true, true, 1, 1)`,
			`insert into inbox (id, account_id, source, topic, external, content_hash, read_at, received_at, key_id, sealed, state, attempts, next_at)
				values ('i1', 'a1', 'poll', '', '1001', '', 1, 1, 'k1', $1, 'done', 0, 0)`,
		} {
			var args []any
			if i == 4 {
				args = []any{[]byte{}} // empty, not null
			}
			if _, err := tx.Exec(text, args...); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) open(t *testing.T, url string) {
	t.Helper()
	ctx := context.Background()
	var err error
	w.db, err = db.Open(ctx, url, db.Options{Pool: 4, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	d := w.db
	t.Cleanup(func() { must(t, d.Close()) })
	v, err := vault.Open(ctx, w.db, vault.Options{KeyFile: w.key, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	log, err := audit.New(ctx, v)
	must(t, err)
	w.Store, err = privacy.Open(ctx, w.db, v, log, privacy.Options{})
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) write(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	must(t, w.db.Write(t.Context(), fn))
}

// buyer stores a personal record of an order and answers its id.
func (w *world) buyer(t *testing.T, external string) string {
	t.Helper()
	sealed, err := w.SealRecord(privacy.Record{Account: "a1", External: external, Person: privacy.Person{Name: "Muhammad Khan", Phone: "+923001234547"}})
	must(t, err)
	w.write(t, func(tx *db.Tx) error { return w.SaveRecords(tx, sealed) })
	return sealed.ID
}

func (w *world) take(t *testing.T, name string, edit ...func(*backup.Taking)) backup.Report {
	t.Helper()
	o := backup.Taking{From: w.url, Out: filepath.Join(w.dir, name), Lock: w.lock}
	for _, e := range edit {
		e(&o)
	}
	r, err := backup.Take(t.Context(), o)
	must(t, err)
	return r
}

// marked is what a restored database holds beside the note of when the backup was taken, which must be there.
func marked(t *testing.T, there []string, taken time.Time) []string {
	t.Helper()
	mark := slices.IndexFunc(there, func(row string) bool {
		return strings.HasPrefix(row, "privacy_progress | restored | "+taken.UTC().Format(time.RFC3339)+" | 0 | ")
	})
	if mark < 0 {
		t.Fatal("the restored database does not say of when it is")
	}
	return slices.Delete(there, mark, mark+1)
}

// rows reads everything in a database but what opening it writes.
func rows(t *testing.T, url string) []string {
	t.Helper()
	s, err := db.OpenSnapshot(t.Context(), url)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	var all []string
	for _, table := range s.Tables {
		all = append(all, fmt.Sprintf("%s last %d", table.Name, table.Last))
		must(t, s.Each(t.Context(), table, func(values []any) error {
			line := table.Name
			for _, v := range values {
				switch x := v.(type) {
				case bool:
					v = map[bool]int64{true: 1}[x]
				case []byte:
					v = fmt.Sprintf("bytes %x", x)
				}
				line += fmt.Sprintf(" | %v", v)
			}
			all = append(all, line)
			return nil
		}))
	}
	slices.Sort(all)
	return all
}

var why = privacy.Reading{Actor: "cli:amina", Purpose: "look"}

func TestRestore(t *testing.T) {
	t.Parallel()
	t.Run("what was backed up in use comes back to the byte", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			id := w.buyer(t, "1001")
			want := rows(t, w.url)
			taken := w.take(t, "b", func(o *backup.Taking) {
				o.Progress = func(_, table string, _ int64) {
					if table == "inbox" { // somebody writes meanwhile
						w.write(t, func(tx *db.Tx) error {
							_, err := tx.Exec(`update products set title = 'changed since'`)
							return err
						})
					}
				}
			})
			if !taken.Verified || taken.Rows == 0 || taken.Schema == 0 {
				t.Errorf("taken %+v", taken)
			}
			to := w.empty()
			got, err := backup.Restore(t.Context(), backup.Restoring{To: to, From: taken.File, Keys: taken.KeyFile, Who: w.who})
			must(t, err)
			if got.Rows != taken.Rows || got.Tables != taken.Tables {
				t.Errorf("restored %d rows of %d tables, want %d of %d", got.Rows, got.Tables, taken.Rows, taken.Tables)
			}
			if diff := cmp.Diff(want, marked(t, rows(t, to), taken.TakenAt)); diff != "" {
				t.Errorf("restored, beside that (-want +got):\n%s", diff)
			}
			w.open(t, to)
			if _, err := w.Read(t.Context(), id, why); err != nil {
				t.Error(err)
			}
			w.write(t, func(tx *db.Tx) error { // numbers go on after the last
				_, err := tx.Exec(`insert into inbox (id, account_id, source, topic, external, content_hash, read_at, received_at, state, attempts, next_at)
					values ('i2', 'a1', 'poll', '', '1002', '', 1, 1, 'done', 0, 0)`)
				return err
			})
		})
	})
	t.Run("without the file of keys nobody reads personal data", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			id := w.buyer(t, "1001")
			taken := w.take(t, "b")
			to := w.empty()
			_, err := backup.Restore(t.Context(), backup.Restoring{To: to, From: taken.File, Who: w.who})
			must(t, err)
			w.open(t, to)
			if _, err := w.Read(t.Context(), id, why); fault.CodeOf(err) != privacy.Erased {
				t.Errorf("read: %v", err)
			}
		})
	})
	t.Run("what was erased after the backup stays erased, by list and by the keys of a later backup", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			gone, stays := w.buyer(t, "1001"), w.buyer(t, "1002")
			first := w.take(t, "first")
			list := filepath.Join(w.dir, "list")
			w.write(t, func(tx *db.Tx) error {
				_, err := w.EraseOrders(tx, privacy.Wish, []privacy.Subject{{Account: "a1", External: "1001"}}, []string{"k1"})
				return err
			})
			var b bytes.Buffer
			must(t, w.db.Read(t.Context(), func(tx *db.Tx) error {
				all, _, err := privacy.Erasures(tx, 0, 100)
				for _, e := range all {
					fmt.Fprintf(&b, `{"id":%q,"kind":%q,"account":%q,"subject":%q,"cause":%q,"at":"2026-11-22T10:00:00Z"}`+"\n", e.ID, e.Kind, e.Account, e.Subject, e.Cause)
				}
				return err
			}))
			b.WriteString(`{"id":"cut in the midd`)
			must(t, os.WriteFile(list, b.Bytes(), 0o600))
			later := w.take(t, "later")
			for _, erased := range [][]string{{list}, {later.KeyFile}, {list, later.KeyFile}} {
				to := w.empty()
				got, err := backup.Restore(t.Context(), backup.Restoring{To: to, From: first.File, Keys: first.KeyFile, Who: w.who, Erased: erased})
				must(t, err)
				if got.Erased != 1 {
					t.Errorf("%d keys stayed away, want 1", got.Erased)
				}
				v := *w
				v.open(t, to)
				if _, err := v.Read(t.Context(), gone, why); fault.CodeOf(err) != privacy.Erased {
					t.Errorf("read what was erased: %v", err)
				}
				if _, err := v.Read(t.Context(), stays, why); err != nil {
					t.Error(err)
				}
				again := v.buyer(t, "1001") // told again by its channel
				if _, err := v.Read(t.Context(), again, why); fault.CodeOf(err) != privacy.Erased {
					t.Errorf("it came back: %v", err)
				}
			}
		})
	})
	t.Run("a place that holds a database is left alone", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			taken := w.take(t, "b")
			if _, err := backup.Restore(t.Context(), backup.Restoring{To: w.url, From: taken.File, Keys: taken.KeyFile, Who: w.who}); !fault.Is(err, fault.Conflict) {
				t.Errorf("restored over a database: %v", err)
			}
			if _, err := backup.Take(t.Context(), backup.Taking{From: w.url, Out: taken.File, Lock: w.lock}); !fault.Is(err, fault.Conflict) {
				t.Errorf("written over a backup: %v", err)
			}
		})
	})
	t.Run("the wrong key, a changed byte, a cut file and keys past their time are refused with one line", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			taken := w.take(t, "b")
			whole, err := os.ReadFile(taken.File)
			must(t, err)
			other, err := backup.OpenWith("some other passphrase")
			must(t, err)
			for name, change := range map[string]func([]byte) []byte{
				"a byte":      func(b []byte) []byte { b[len(b)-200] ^= 1; return b },
				"cut":         func(b []byte) []byte { return b[:len(b)-300] },
				"cut at once": func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] },
				"first line":  func(b []byte) []byte { return bytes.Replace(b, []byte(`"schema":`), []byte(`"schema":1`), 1) },
				"no backup":   func([]byte) []byte { return []byte("hello") },
				"nothing":     func([]byte) []byte { return nil },
			} {
				path := filepath.Join(t.TempDir(), "changed")
				must(t, os.WriteFile(path, change(bytes.Clone(whole)), 0o600))
				_, err := backup.Restore(t.Context(), backup.Restoring{To: w.empty(), From: path, Keys: taken.KeyFile, Who: w.who})
				if !fault.Is(err, fault.Invalid) || strings.Contains(fault.Message(err), "\n") {
					t.Errorf("%s: %v", name, err)
				}
			}
			for name, o := range map[string]backup.Restoring{
				"wrong key":       {From: taken.File, Keys: taken.KeyFile, Who: other},
				"keys for data":   {From: taken.KeyFile, Keys: taken.KeyFile, Who: w.who},
				"another's keys":  {From: taken.File, Keys: w.take(t, "b2").KeyFile, Who: w.who},
				"no such file":    {From: taken.File + "x", Who: w.who},
				"no such erasure": {From: taken.File, Who: w.who, Erased: []string{taken.File + "x"}},
			} {
				o.To = w.empty()
				if _, err := backup.Restore(t.Context(), o); err == nil || fault.KindOf(err) == fault.Internal {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	})
	t.Run("between the engines", func(t *testing.T) {
		t.Parallel()
		lite := setup(t, dbtest.SQLiteURL(t, false), func() string { return "sqlite:" + filepath.Join(t.TempDir(), "other.db") })
		id := lite.buyer(t, "1001")
		want := rows(t, lite.url)
		pg := db.WithSchema(dbtest.PostgresURL(t), "moved")
		out := lite.take(t, "out")
		_, err := backup.Restore(t.Context(), backup.Restoring{To: pg, From: out.File, Keys: out.KeyFile, Who: lite.who})
		must(t, err)
		if diff := cmp.Diff(want, marked(t, rows(t, pg), out.TakenAt)); diff != "" {
			t.Errorf("on PostgreSQL (-want +got):\n%s", diff)
		}
		back := *lite
		back.url = pg
		again := back.take(t, "again")
		to := lite.empty()
		_, err = backup.Restore(t.Context(), backup.Restoring{To: to, From: again.File, Keys: again.KeyFile, Who: lite.who})
		must(t, err)
		if diff := cmp.Diff(want, marked(t, rows(t, to), again.TakenAt)); diff != "" {
			t.Errorf("back on SQLite (-want +got):\n%s", diff)
		}
		back.open(t, to)
		if _, err := back.Read(t.Context(), id, why); err != nil {
			t.Error(err)
		}
	})
}

func TestTake(t *testing.T) {
	t.Parallel()
	t.Run("a backup that does not hold gets no name", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			_, err := backup.Take(t.Context(), backup.Taking{From: w.url, Out: filepath.Join(w.dir, "b"), Lock: w.lock, Check: func(context.Context, *sql.DB) ([]string, error) {
				return []string{"an order exists exactly once: 7"}, nil
			}})
			if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Message(err), "exactly once: 7") {
				t.Errorf("taken: %v", err)
			}
			left, err := os.ReadDir(w.dir)
			if must(t, err); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	})
	t.Run("nothing readable is in the files, nor beside them", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			w.buyer(t, "1001")
			w.take(t, "b")
			names, err := os.ReadDir(w.dir)
			must(t, err)
			if len(names) != 2 {
				t.Errorf("%d files", len(names))
			}
			for _, n := range names {
				text, err := os.ReadFile(filepath.Join(w.dir, n.Name()))
				must(t, err)
				info, err := n.Info()
				must(t, err)
				if info.Mode().Perm() != 0o600 || bytes.Contains(text, []byte("Shirt")) || bytes.Contains(text, []byte("Khan")) {
					t.Errorf("%s can be read", n.Name())
				}
			}
		})
	})
	t.Run("a passphrase opens what it locked", func(t *testing.T) {
		t.Parallel()
		w := setup(t, dbtest.SQLiteURL(t, false), func() string { return "sqlite:" + filepath.Join(t.TempDir(), "other.db") })
		lock, err := backup.LockWith("correct horse battery")
		must(t, err)
		taken := w.take(t, "b", func(o *backup.Taking) { o.Lock, o.Trust = lock, true })
		who, err := backup.OpenWith("correct horse battery")
		must(t, err)
		_, err = backup.Restore(t.Context(), backup.Restoring{To: w.empty(), From: taken.File, Who: who})
		must(t, err)
		for _, bad := range []string{"", "short"} {
			if _, err := backup.LockWith(bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q locks: %v", bad, err)
			}
		}
		if _, err := backup.LockTo([]string{"age1nonsense"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("locked to nonsense: %v", err)
		}
	})
	t.Run("keys past their time are deleted by the next backup, and by nobody restored", func(t *testing.T) {
		t.Parallel()
		w := setup(t, dbtest.SQLiteURL(t, false), nil)
		old := w.take(t, "old")
		gone, err := backup.Prune(w.dir, time.Now().Add(backup.KeepKeys-time.Minute))
		if must(t, err); len(gone) > 0 {
			t.Errorf("too soon: %v", gone)
		}
		gone, err = backup.Prune(w.dir, time.Now().Add(backup.KeepKeys+time.Minute))
		must(t, err)
		if diff := cmp.Diff([]string{old.KeyFile}, gone); diff != "" {
			t.Error(diff)
		}
		if _, err := os.Stat(old.File); err != nil {
			t.Error(err)
		}
	})
}

// TestPruneListed has files of keys go when their time is over, wherever they were put.
func TestPruneListed(t *testing.T) {
	t.Parallel()
	w := setup(t, dbtest.SQLiteURL(t, false), nil)
	list, safe := filepath.Join(w.dir, "data", "keyfiles.list"), t.TempDir()
	in := func(days int) time.Time { return time.Now().AddDate(0, 0, days) }
	listed := func(name string) func(*backup.Taking) {
		return func(o *backup.Taking) {
			o.List, o.Keys, o.Trust = list, filepath.Join(safe, name), true
		}
	}
	if gone, err := backup.PruneListed(list, in(99)); len(gone) > 0 || err != nil {
		t.Errorf("without a list: %v, %v", gone, err)
	}
	w.take(t, "a", listed("a.keys"))
	f, err := os.OpenFile(list, os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	_, err = f.WriteString(`{"path":"/half`) // its writer died
	must(t, errors.Join(err, f.Close()))
	w.take(t, "b", listed("b.keys"))
	away := filepath.Join(t.TempDir(), "b.keys")
	must(t, os.Rename(filepath.Join(safe, "b.keys"), away))                     // a disk that is not plugged in
	w.take(t, "c", listed("c.keys"))                                            // whose place something else has taken
	must(t, os.WriteFile(filepath.Join(safe, "c.keys"), []byte("mine"), 0o600)) //
	for _, x := range []struct {
		after int
		want  []string
	}{{29, nil}, {31, []string{filepath.Join(safe, "a.keys")}}, {31, nil}} {
		gone, err := backup.PruneListed(list, in(x.after))
		must(t, err)
		if diff := cmp.Diff(x.want, gone); diff != "" {
			t.Errorf("after %d days (-want +got):\n%s", x.after, diff)
		}
	}
	must(t, os.Rename(away, filepath.Join(safe, "b.keys")))
	gone, err := backup.PruneListed(list, in(40))
	must(t, err)
	if diff := cmp.Diff([]string{filepath.Join(safe, "b.keys")}, gone); diff != "" {
		t.Errorf("plugged in again (-want +got):\n%s", diff)
	}
	left, err := os.ReadDir(safe)
	if must(t, err); len(left) != 1 || left[0].Name() != "c.keys" {
		t.Errorf("left: %v", left)
	}
}

// TestKilled kills a backup and a restore in the middle, without a chance to tidy up.
func TestKilled(t *testing.T) {
	if args := os.Getenv("BACKUP_VICTIM"); args != "" {
		victim(t, strings.Split(args, "\n"))
		return
	}
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.buyer(t, "1001")
		out := filepath.Join(w.dir, "b")
		kill(t, "take", w.url, out)
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a half backup has the name: %v", err)
		}
		taken := w.take(t, "b") // over what the dead one left
		lock, err := backup.LockWith("correct horse battery")
		must(t, err)
		by := w.take(t, "by", func(o *backup.Taking) { o.Lock, o.Trust = lock, true })
		to := w.empty()
		kill(t, "restore", to, by.File)
		if _, err := db.Open(t.Context(), to, db.Options{}); fault.CodeOf(err) != db.RestoringCode {
			t.Errorf("opened what is incomplete: %v", err)
		}
		if _, err := backup.Restore(t.Context(), backup.Restoring{To: to, From: taken.File, Keys: taken.KeyFile, Who: w.who}); fault.CodeOf(err) != db.RestoringCode {
			t.Errorf("restored over what is incomplete: %v", err)
		}
		_, err = backup.Restore(t.Context(), backup.Restoring{To: to, From: taken.File, Keys: taken.KeyFile, Who: w.who, Again: true})
		must(t, err)
		if diff := cmp.Diff(rows(t, w.url), marked(t, rows(t, to), taken.TakenAt)); diff != "" {
			t.Errorf("restored (-want +got):\n%s", diff)
		}
	})
}

func TestCopy(t *testing.T) {
	t.Parallel()

	t.Run("a shop moves to the other engine and back, to the byte", func(t *testing.T) {
		t.Parallel()
		lite := setup(t, dbtest.SQLiteURL(t, false), func() string { return "sqlite:" + filepath.Join(t.TempDir(), "other.db") })
		id := lite.buyer(t, "1001")
		want := rows(t, lite.url)
		pg, back := db.WithSchema(dbtest.PostgresURL(t), "moved"), lite.empty()
		for _, way := range [][2]string{{lite.url, pg}, {pg, back}} {
			r, err := backup.Copy(t.Context(), backup.Copying{From: way[0], To: way[1]})
			must(t, err)
			if diff := cmp.Diff(want, rows(t, way[1])); diff != "" || r.Tables == 0 || r.Kept != 0 || r.Rows < 6 {
				t.Errorf("%+v (-want +got):\n%s", r, diff)
			}
		}
		moved := *lite
		moved.open(t, pg)
		if _, err := moved.Read(t.Context(), id, why); err != nil {
			t.Error(err)
		}
		moved.write(t, func(tx *db.Tx) error { // numbers go on where they were
			_, err := tx.Exec(`insert into inbox (id, account_id, source, topic, external, content_hash, read_at, received_at, state, attempts, next_at)
				values ('i2', 'a1', 'poll', '', '1002', '', 1, 1, 'done', 0, 0)`)
			return err
		})
	})

	t.Run("one that was killed goes on and keeps what is whole, changed rows excepted", func(t *testing.T) {
		t.Parallel()
		lite := setup(t, dbtest.SQLiteURL(t, false), nil)
		lite.buyer(t, "1001")
		pg := db.WithSchema(dbtest.PostgresURL(t), "moved")
		kill(t, "copy", lite.url, pg)
		if _, err := db.Open(t.Context(), pg, db.Options{}); fault.CodeOf(err) != db.RestoringCode {
			t.Errorf("opened what is incomplete: %v", err)
		}
		lite.write(t, func(tx *db.Tx) error { // between the two somebody worked on
			_, err := tx.Exec(`update products set title = 'Trousers'`)
			return err
		})
		r, err := backup.Copy(t.Context(), backup.Copying{From: lite.url, To: pg})
		must(t, err)
		if r.Kept == 0 || r.Kept == r.Tables {
			t.Errorf("%+v", r)
		}
		if diff := cmp.Diff(rows(t, lite.url), rows(t, pg)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("a place that holds a database is left alone, one that does not hold gets no place", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			if _, err := backup.Copy(t.Context(), backup.Copying{From: w.url, To: w.url}); !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
			to := w.empty()
			if _, err := backup.Copy(t.Context(), backup.Copying{From: to, To: w.url}); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			doubt := func(context.Context, *sql.DB) ([]string, error) { return []string{"stock does not add up"}, nil }
			if _, err := backup.Copy(t.Context(), backup.Copying{From: w.url, To: to, Check: doubt}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "stock does not add up") {
				t.Error(err)
			}
			if _, err := db.OpenSnapshot(t.Context(), to); !fault.Is(err, fault.NotFound) {
				t.Errorf("it stands in its place: %v", err)
			}
		})
	})
}

// kill starts this test as another process, waits until it is in the middle, and kills it.
func kill(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "BACKUP_VICTIM="+strings.Join(args, "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said := make([]byte, 6)
	if _, err := out.Read(said); err != nil || !bytes.HasPrefix(said, []byte("middle")) {
		t.Errorf("it said %q: %v", said, err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
}

func victim(t *testing.T, args []string) {
	stop := func(_, table string, _ int64) {
		if table == "variants" {
			fmt.Print("middle")
			select {}
		}
	}
	switch args[0] {
	case "take":
		own, err := age.GenerateX25519Identity()
		must(t, err)
		lock, err := backup.LockTo([]string{own.Recipient().String()})
		must(t, err)
		_, err = backup.Take(t.Context(), backup.Taking{From: args[1], Out: args[2], Lock: lock, Progress: stop})
		must(t, err)
	case "copy":
		_, err := backup.Copy(t.Context(), backup.Copying{From: args[1], To: args[2], Progress: stop})
		must(t, err)
	case "restore":
		who, err := backup.OpenWith("correct horse battery")
		must(t, err)
		_, err = backup.Restore(t.Context(), backup.Restoring{To: args[1], From: args[2], Who: who, Progress: stop})
		must(t, err)
	}
}
