package audit_test

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/vault"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// setup runs a test on both engines with a log and a clock of its own.
func setup(t *testing.T, f func(t *testing.T, d *db.DB, l *audit.Log, c *dbtest.Clock)) {
	t.Helper()
	run := func(t *testing.T, d *db.DB, c *dbtest.Clock) {
		path := filepath.Join(t.TempDir(), "key")
		if err := vault.CreateKeyFile(path); err != nil {
			t.Fatal(err)
		}
		v, err := vault.Open(t.Context(), d, vault.Options{KeyFile: path, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		l, err := audit.New(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		f(t, d, l, c)
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := dbtest.NewClock(start)
		run(t, dbtest.SQLite(t, dbtest.Config{Now: c.Now}), c)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := dbtest.NewClock(start)
		run(t, dbtest.Postgres(t, dbtest.Config{Now: c.Now}), c)
	})
}

func list(t *testing.T, d *db.DB, l *audit.Log, f audit.Filter, before int64, limit int) (rows []audit.Row) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		rows, err = l.List(tx, f, before, limit)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestWrite(t *testing.T) {
	t.Parallel()
	entry := audit.Entry{Actor: "cli:amina", Action: "order.cancel", SubjectKind: "order", Subject: "o1", Detail: map[string]int{"lines": 2}}
	t.Run("an_entry_is_read_back_as_it_was_written", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, d *db.DB, l *audit.Log, _ *dbtest.Clock) {
			second := audit.Entry{Actor: "key:k1", Action: "personal.read", SubjectKind: "personal_record", Subject: "r1", Purpose: "print label", RequestID: "q1"}
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return l.Write(tx, entry, second) }); err != nil {
				t.Fatal(err)
			}
			want := []audit.Row{
				{
					At: start, Actor: "key:k1", Action: "personal.read", SubjectKind: "personal_record", Subject: "r1", Purpose: "print label",
					Detail: json.RawMessage("{}"), RequestID: "q1", Genuine: true,
				},
				{At: start, Actor: "cli:amina", Action: "order.cancel", SubjectKind: "order", Subject: "o1", Detail: json.RawMessage(`{"lines":2}`), Genuine: true},
			}
			got := list(t, d, l, audit.Filter{}, 0, 0)
			if got[0].Action < got[1].Action { // within one batch the order of the rows is the engine's
				got[0], got[1] = got[1], got[0]
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(audit.Row{}, "N", "ID"), cmpopts.IgnoreUnexported(audit.Row{})); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("a_row_changed_in_the_database_is_not_genuine", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, d *db.DB, l *audit.Log, _ *dbtest.Clock) {
			for _, change := range []string{
				"actor = 'cli:other'", "action = 'x'", "subject_kind = 'x'", "subject_id = 'o2'", "purpose = ''",
				"detail = '{}'", "request_id = 'x'", "at = at + 1", "actor = 'cli:amin', action = 'aorder.cancel'", "id = 'x'", "mac = substr(mac, 1, 10)",
			} {
				if err := d.Write(t.Context(), func(tx *db.Tx) error {
					if _, err := tx.Exec(`delete from audit_log`); err != nil {
						return err
					}
					if err := l.Write(tx, entry); err != nil {
						return err
					}
					_, err := tx.Exec(`update audit_log set ` + change)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				// An empty purpose means the same as none.
				if got := list(t, d, l, audit.Filter{}, 0, 0)[0].Genuine; got != (change == "purpose = ''") {
					t.Errorf("after %q genuine is %v", change, got)
				}
			}
		})
	})
	t.Run("an_entry_without_actor_action_or_subject_is_refused", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, d *db.DB, l *audit.Log, _ *dbtest.Clock) {
			for _, e := range []audit.Entry{
				{},
				{Actor: "a", Action: "b"},
				{Actor: "a", Action: "b", SubjectKind: "c"},
				{Action: "b", SubjectKind: "c", Subject: "d"},
				{Actor: "a", Action: "b", SubjectKind: "c", Subject: "d", Detail: func() {}},
			} {
				if err := d.Write(t.Context(), func(tx *db.Tx) error { return l.Write(tx, e) }); !fault.Is(err, fault.Invalid) {
					t.Errorf("%+v: %v", e, err)
				}
			}
		})
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, d *db.DB, l *audit.Log, c *dbtest.Clock) {
		for i, e := range []audit.Entry{
			{Actor: "a", Action: "x", SubjectKind: "order", Subject: "1"},
			{Actor: "b", Action: "x", SubjectKind: "order", Subject: "2"},
			{Actor: "a", Action: "y", SubjectKind: "account", Subject: "1"},
		} {
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return l.Write(tx, e) }); err != nil {
				t.Fatal(i, err)
			}
			c.Advance(time.Hour)
		}
		for _, tt := range []struct {
			filter audit.Filter
			want   []string
		}{
			{audit.Filter{}, []string{"a y 1", "b x 2", "a x 1"}},
			{audit.Filter{Actor: "a"}, []string{"a y 1", "a x 1"}},
			{audit.Filter{Action: "x"}, []string{"b x 2", "a x 1"}},
			{audit.Filter{SubjectKind: "order", Subject: "1"}, []string{"a x 1"}},
			{audit.Filter{Since: start.Add(time.Hour), Until: start.Add(2 * time.Hour)}, []string{"b x 2"}},
		} {
			var got []string
			before := int64(0)
			for {
				page := list(t, d, l, tt.filter, before, 1)
				if len(page) == 0 {
					break
				}
				got, before = append(got, page[0].Actor+" "+page[0].Action+" "+page[0].Subject), page[0].N
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", tt.filter, diff)
			}
		}
	})
}
