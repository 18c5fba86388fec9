package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// childEnv tells the test binary to be another process: what it does, and on which database.
const (
	childEnv    = "DB_TEST_CHILD"
	childURLEnv = "DB_TEST_URL"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		goleak.VerifyTestMain(m)
	case "write":
		exit(writeForEver(os.Getenv(childURLEnv)))
	case "migrate":
		exit(migrateOnce(os.Getenv(childURLEnv)))
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// other starts this test binary as another process.
func other(t *testing.T, what, url string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, childURLEnv+"="+url)
	cmd.Stderr = os.Stderr
	return cmd
}

// writeForEver writes keys from several goroutines and prints each once it is acknowledged.
func writeForEver(url string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, url, db.Options{})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				if err := d.Write(ctx, put(id, int64(i))); err != nil {
					errs <- err
					return
				}
				mu.Lock()
				fmt.Println(id)
				mu.Unlock()
			}
		})
	}
	return <-errs
}

func migrateOnce(url string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, url, db.Options{NoSync: true})
	if err != nil {
		return err
	}
	return errors.Join(d.Migrate(ctx, nil), d.Close())
}

func TestKilledProcessLosesNothingItAcknowledged(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return dbtest.SQLiteURL(t, true, things) },
		"postgres": func(t *testing.T) string { return dbtest.PostgresURL(t, things) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := url(t)
			for round := range 3 {
				acknowledged := killed(t, url, 200+100*round)
				d, err := db.Open(context.Background(), url, db.Options{})
				if err != nil {
					t.Fatal(err)
				}
				there := map[string]bool{}
				for _, id := range ids(t, d) {
					there[id] = true
				}
				for _, id := range acknowledged {
					if !there[id] {
						t.Errorf("%s was acknowledged and is lost", id)
					}
				}
				// The next round starts with the same keys.
				err = d.Write(context.Background(), func(tx *db.Tx) error { _, err := tx.Exec("delete from things"); return err })
				if err := errors.Join(err, d.Close()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// killed starts a process that writes, kills it after n lines, and returns every whole line it had written.
func killed(t *testing.T, url string, n int) []string {
	t.Helper()
	cmd := other(t, "write", url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	read := bufio.NewReader(out)
	for {
		line, err := read.ReadString('\n')
		if err != nil {
			break // a line that was cut is none
		}
		if lines = append(lines, strings.TrimSuffix(line, "\n")); len(lines) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(lines) < n {
		t.Fatalf("the writer ended by itself after %d lines: %v", len(lines), err)
	}
	return lines
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	empty := map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/empty.db?sync=off" },
		"postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) + "&schema=empty" },
	}
	for name, url := range empty {
		t.Run("by several processes at once on "+name, func(t *testing.T) {
			t.Parallel()
			url := url(t)
			var all []*exec.Cmd
			for range 3 {
				cmd := other(t, "migrate", url)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				all = append(all, cmd)
			}
			for _, cmd := range all {
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
			}
			d, err := db.Open(ctx, url, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			current, latest, err := d.Version(ctx)
			if err != nil || current != latest || latest == 0 {
				t.Errorf("schema %d of %d, %v", current, latest, err)
			}
			// Every migration ran once.
			var twice int
			err = d.Read(ctx, func(tx *db.Tx) error {
				return tx.QueryRow("select count(*) from (select version_id from goose_db_version group by version_id having count(*) > 1) as v").Scan(&twice)
			})
			if err != nil || twice != 0 {
				t.Errorf("%d migrations ran twice, %v", twice, err)
			}
			if err := d.Migrate(ctx, func(line string) { t.Errorf("there was something to do: %s", line) }); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("refuses the schema of a newer binary, unless it allows", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			newer := func(oldest int64) {
				t.Helper()
				err := d.Write(ctx, func(tx *db.Tx) error {
					_, err := tx.Exec("update schema_version set current = 9999, oldest = $1", oldest)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			newer(1)
			if err := d.Migrate(ctx, nil); err != nil {
				t.Error(err)
			}
			newer(9999)
			kind(t, fault.Conflict, d.Migrate(ctx, nil))
		})
	})
	t.Run("what its use requires stays required by the next migration", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			oldest := func() (n int64) {
				t.Helper()
				if err := d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow("select oldest from schema_version").Scan(&n) }); err != nil {
					t.Fatal(err)
				}
				return n
			}
			err := d.Write(ctx, func(tx *db.Tx) error {
				return errors.Join(db.Require(tx, 8888), db.Require(tx, 3))
			})
			if err != nil || oldest() != 8888 {
				t.Fatalf("%d, %v", oldest(), err)
			}
			err = d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec("update schema_version set current = 1")
				return err
			})
			if err := errors.Join(err, d.Migrate(ctx, nil)); err != nil || oldest() != 8888 {
				t.Errorf("migrated, it is %d, %v", oldest(), err)
			}
		})
	})
	t.Run("a commit that a test lets fail keeps nothing", func(t *testing.T) {
		t.Parallel()
		for _, url := range []string{dbtest.SQLiteURL(t, false, things), dbtest.PostgresURL(t, things)} {
			var broken atomic.Bool
			full := errors.New("the disk is full")
			d, err := db.Open(ctx, url, db.Options{Fails: func(s db.Step) error {
				if s == db.AtCommit && broken.Load() {
					return full
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []error{nil, full, nil} {
				broken.Store(want != nil)
				if err := d.Write(ctx, put(string(rune('a'+i)), 0)); !errors.Is(err, want) {
					t.Errorf("write %d: %v", i, err)
				}
			}
			var n int
			err = d.Read(ctx, func(tx *db.Tx) error {
				return tx.QueryRow("select count(*) from things where id in ('a', 'b', 'c')").Scan(&n)
			})
			if err != nil || n != 2 {
				t.Errorf("%d rows, %v", n, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPostgresRepeats(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("after a deadlock", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Postgres(t, things)
		if err := d.Write(ctx, func(tx *db.Tx) error { return errors.Join(put("a", 0)(tx), put("b", 0)(tx)) }); err != nil {
			t.Fatal(err)
		}
		both := new(sync.WaitGroup)
		both.Add(2)
		var wg sync.WaitGroup
		for _, keys := range [][2]string{{"a", "b"}, {"b", "a"}} {
			wg.Go(func() {
				first := sync.OnceFunc(func() { both.Done(); both.Wait() })
				err := d.Write(ctx, func(tx *db.Tx) error {
					for _, key := range keys {
						if _, err := tx.Exec("update things set n = n + 1 where id = $1", key); err != nil {
							return err
						}
						first() // both hold one row before either asks for the other
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		err := d.Read(ctx, func(tx *db.Tx) error {
			var sum int64
			err := tx.QueryRow("select cast(sum(n) as bigint) from things").Scan(&sum)
			same(t, int64(4), sum)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, int64(1), d.Stats().Repeats)
	})
	t.Run("after a serialization failure, even one that the function hides", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Postgres(t, things)
		runs, told := 0, 0
		err := d.Write(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { told++ })
			if runs++; runs < 3 {
				tx.Send("do $$ begin raise exception 'x' using errcode = '40001'; end $$")
			}
			_ = put("a", 1)(tx)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, []int{3, 1}, []int{runs, told})
		same(t, []string{"a"}, ids(t, d))
	})
	t.Run("not for ever", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Postgres(t, things)
		runs := 0
		kind(t, fault.Unavailable, d.Write(ctx, func(tx *db.Tx) error {
			runs++
			_, err := tx.Exec("do $$ begin raise exception 'x' using errcode = '40001'; end $$")
			return err
		}))
		same(t, 6, runs)
	})
}

func TestPostgresConnectionThatIsLost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	die := "select pg_terminate_backend(pg_backend_pid())"
	c := things
	c.Options.Pool = 1
	dead := c // the server dies while it commits
	dead.DDL += `
create function die() returns trigger language plpgsql as 'begin if new.id <> ''ok'' then perform pg_terminate_backend(pg_backend_pid()); end if; return null; end';
create constraint trigger die after insert on things deferrable initially deferred for each row execute function die();`
	t.Run("before the commit is repeated", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Postgres(t, c)
		runs := 0
		err := d.Write(ctx, func(tx *db.Tx) error {
			if runs++; runs == 1 {
				_ = put("a", 1)(tx)
				_, err := tx.Exec(die)
				return err
			}
			return put("b", 1)(tx)
		})
		if err != nil {
			t.Error(err)
		}
		same(t, []string{"b"}, ids(t, d))
	})
	t.Run("with the commit is not repeated", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Postgres(t, dead)
		runs := 0
		err := d.Write(ctx, func(tx *db.Tx) error {
			runs++
			return put("a", 1)(tx)
		})
		kind(t, fault.Unavailable, err)
		same(t, []any{"commit_unknown", 1}, []any{fault.CodeOf(err), runs})
		if err := d.Write(ctx, put("ok", 1)); err != nil {
			t.Error(err)
		}
	})
	t.Run("between writes is not noticed", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Postgres(t, c)
		killer := dbtest.Postgres(t)
		var pid int64
		if err := d.Write(ctx, func(tx *db.Tx) error { return tx.QueryRow("select pg_backend_pid()").Scan(&pid) }); err != nil {
			t.Fatal(err)
		}
		if err := killer.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec("select pg_terminate_backend($1::int, 5000)", pid)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(ctx, put("a", 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestPostgresSettings(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	show := func(in func(context.Context, func(*db.Tx) error) error, names ...string) (out []string) {
		err := in(context.Background(), func(tx *db.Tx) error {
			for _, name := range names {
				var v string
				if err := tx.QueryRow("select current_setting($1)", name).Scan(&v); err != nil {
					return err
				}
				out = append(out, v)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	same(t, []string{"force_generic_plan", "off", "off", "1.1", "read committed", "commerce", "openclaw-commerce"},
		show(d.Write, "plan_cache_mode", "enable_seqscan", "jit", "random_page_cost", "transaction_isolation", "search_path", "application_name"))
	same(t, []string{"force_custom_plan", "off", "repeatable read", "on"},
		show(d.Read, "plan_cache_mode", "jit", "transaction_isolation", "transaction_read_only"))
	if off := time.Until(d.Now()); off > time.Second || off < -time.Second || d.Skewed() {
		t.Errorf("the clock is off by %s", off)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "sqlite:", ":memory:", "postgres://u:secret@h:port/x", "postgres://u:secret@127.0.0.1:1/x?schema=A;b", "postgres://u:secret@127.0.0.1:1/x?connect_timeout=1"} {
		d, err := db.Open(context.Background(), url, db.Options{})
		if err == nil {
			_ = d.Close()
			t.Errorf("%q was opened", url)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in %q", err)
		}
		if k := fault.KindOf(err); k != fault.Invalid && k != fault.Unavailable {
			t.Errorf("%q is %s: %v", url, k, err)
		}
	}
}
