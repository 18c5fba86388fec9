package privacy_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// TestRehash replaces the key of the lookup while buyers are looked for, and while another process still hashes with the old one.
func TestRehash(t *testing.T) {
	t.Parallel()
	story := func(t *testing.T, open func(t testing.TB, c ...dbtest.Config) *db.DB) {
		t.Parallel()
		ctx, clock := context.Background(), dbtest.NewClock(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
		d := open(t, dbtest.Config{Now: clock.Now})
		path := filepath.Join(t.TempDir(), "key")
		if err := vault.CreateKeyFile(path); err != nil {
			t.Fatal(err)
		}
		process := func() world {
			t.Helper()
			v, err := vault.Open(ctx, d, vault.Options{KeyFile: path, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			log, err := audit.New(ctx, v)
			if err != nil {
				t.Fatal(err)
			}
			s, err := privacy.Open(ctx, d, v, log, privacy.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return world{s, d, log}
		}
		w, other := process(), process()
		const many = 450
		var ids []string
		for i := range many {
			r := record()
			r.External, r.Person.Phone = fmt.Sprint(i), fmt.Sprintf("+92300%07d", i)
			sealed := w.seal(t, r)
			ids = append(ids, sealed.ID)
			w.save(t, sealed)
		}
		content, err := w.ContentKey()
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, func(tx *db.Tx) error { return w.Destroy(tx, nil) })
		w.write(t, func(tx *db.Tx) error { return w.Erase(tx, ids[:1]) })
		finds := func(s world, n int) (found int) {
			t.Helper()
			if err := d.Read(ctx, func(tx *db.Tx) error {
				all, err := s.FindPhone(tx, fmt.Sprintf("+92300%07d", n), "PK", 10)
				found = len(all)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return found
		}
		rehash := func(s world) (n int) {
			t.Helper()
			n, err := s.Rehash(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := rehash(w); n != 0 {
			t.Errorf("%d are hashed anew, and nobody asked", n)
		}
		if err := w.StartRehash(ctx, "cli:amina", "q1"); err != nil {
			t.Fatal(err)
		}
		if err := w.StartRehash(ctx, "cli:amina", "q1"); !fault.Is(err, fault.Conflict) {
			t.Errorf("begun twice: %v", err)
		}
		late := record()
		late.External, late.Person.Phone = "late", fmt.Sprintf("+92300%07d", many)
		first := rehash(w)
		other.save(t, other.seal(t, late)) // by the old key: that process has not looked yet
		if n := finds(w, many); n != 1 {
			t.Errorf("the late one is found %d times", n)
		}
		again := process() // killed, and started again: it goes on where it was
		sum := first
		for n := 1; n > 0; {
			n = rehash(again)
			sum += n
			for _, i := range []int{1, 200, many - 1, many} {
				if got := finds(again, i); got != 1 {
					t.Errorf("%d is found %d times", i, got)
				}
			}
		}
		if sum != many && sum != many-1 {
			t.Errorf("%d were hashed anew of %d", sum, many)
		}
		clock.Advance(4 * time.Minute)
		for range 3 { // what came late, then the end
			for rehash(again) > 0 {
			}
		}
		var st privacy.Rehash
		if err := d.Read(ctx, func(tx *db.Tx) (err error) { st, err = again.Progress(tx); return err }); err != nil {
			t.Fatal(err)
		}
		if st.Running || st.Left != 0 || st.Done != many {
			t.Errorf("%+v", st)
		}
		fresh := process()
		for _, i := range []int{1, 200, many - 1, many} {
			if got := finds(fresh, i); got != 1 {
				t.Errorf("%d is found %d times by the new key alone", i, got)
			}
		}
		if n := finds(fresh, 0); n != 0 {
			t.Error("what was erased is found again")
		}
		if k, err := fresh.ContentKey(); err != nil || string(k) != string(content) {
			t.Errorf("the key of content hashes changed: %v", err)
		}
		if n := fresh.count(t, "vault_keys where purpose = 'find' and state <> 'revoked'"); n != 1 {
			t.Errorf("%d keys for finding", n)
		}
	}
	t.Run("sqlite", func(t *testing.T) { story(t, dbtest.SQLite) })
	t.Run("postgres", func(t *testing.T) { story(t, dbtest.Postgres) })
}
