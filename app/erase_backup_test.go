package app_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestErasedFromBackups takes a backup, erases a buyer, and restores the backup as time goes by: for thirty days whoever has the file of its keys, and not the list of what was erased, can read the buyer
// again, as docs/privacy.md states; with the list nobody ever can; after thirty days the program has deleted the keys, and takes no copy of them, so that nobody is read in it. The books are
// the same each time.
func TestErasedFromBackups(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		h.openShopify()
		canary, other := h.buyAs("Canaryword", "+923001234547"), h.buyAs("Otherword", "+923007654321")
		h.pack()
		h.work()
		before := h.books()

		own, lock := keyed(t)
		dir, safe := t.TempDir(), t.TempDir()
		live := h.url
		take := func(name string) backup.Report {
			t.Helper()
			taken, err := backup.Take(ctx, backup.Taking{From: live, Out: filepath.Join(dir, name), Keys: filepath.Join(safe, name+".keys"), List: filepath.Join(h.data, app.KeyFiles), Lock: lock, Trust: true})
			ok(t, err)
			return taken
		}
		taken := take("before")
		stolen := filepath.Join(t.TempDir(), "copy.keys") // what nobody can delete from afar
		text, err := os.ReadFile(taken.KeyFile)
		ok(t, err)
		ok(t, os.WriteFile(stolen, text, 0o600))
		if code := h.post("/personal/erase", map[string]any{"email": canary.email, "reason": "wish 12"}, nil); code != 200 {
			t.Fatalf("the erasure is answered with %d", code)
		}
		h.gone(canary, "at once")
		after := h.books()
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the books (-before +after):\n%s", diff)
		}
		later := take("after")

		day := func(n float64) func() time.Time {
			at := taken.TakenAt.Add(time.Duration(n * 24 * float64(time.Hour)))
			return func() time.Time { return at }
		}
		n := 0
		restore := func(now func() time.Time, keys string, erased ...string) error {
			t.Helper()
			if h.a != nil {
				h.leave()
			}
			n++
			to := db.WithSchema(live, "restored"+string(rune('0'+n)))
			if to == live {
				to = "sqlite:" + filepath.Join(dir, "restored"+string(rune('0'+n))+".db")
			}
			_, err := backup.Restore(ctx, backup.Restoring{To: to, From: taken.File, Keys: keys, Who: backup.Identities{own}, Erased: erased, Now: now})
			if err == nil {
				h.url = to
				h.open()
				if diff := cmp.Diff(before, h.books()); diff != "" {
					t.Errorf("the books as restored (-before +after):\n%s", diff)
				}
			}
			return err
		}
		list := filepath.Join(h.data, app.ErasedList)

		ok(t, restore(day(29.9), taken.KeyFile))
		h.readable(canary, "within thirty days, with the keys and without a list")
		ok(t, restore(day(29.9), taken.KeyFile, list))
		h.gone(canary, "within thirty days, with the list")
		h.readable(other, "within thirty days, with the list")
		ok(t, restore(day(29.9), taken.KeyFile, later.KeyFile))
		h.gone(canary, "within thirty days, with the keys of a later backup for a list")
		ok(t, restore(day(29.9), ""))
		h.unreadable(canary, other)

		if err := restore(day(30), taken.KeyFile); !fault.Is(err, fault.Invalid) {
			t.Errorf("keys of thirty days are restored: %v", err)
		}
		// The program deletes them by itself, wherever they were put.
		h.url = live
		for _, x := range []struct {
			day  float64
			gone []string
		}{{29.9, nil}, {30.9, []string{taken.KeyFile, later.KeyFile}}} {
			cfg := config(live, h.data)
			cfg.DBOptions.Now = dbtest.NewClock(day(x.day)()).Now
			a, err := app.Open(ctx, cfg)
			ok(t, err)
			gone, err := a.PruneKeys(ctx)
			ok(t, err)
			h.a = a
			if diff := cmp.Diff(x.gone, gone); diff != "" {
				t.Errorf("on day %v (-want +got):\n%s", x.day, diff)
			}
			if got, want := ask[int](h, `select count(*) from audit_log where action = 'backup.prune'`), min(1, len(x.gone)); got != want {
				t.Errorf("on day %v the audit log has %d rows of it, not %d", x.day, got, want)
			}
			h.leave()
		}
		if err := restore(day(31), taken.KeyFile); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted keys are restored: %v", err)
		}
		if err := restore(day(31), stolen); !fault.Is(err, fault.Invalid) {
			t.Errorf("a copy of keys past their time is restored: %v", err)
		}
		ok(t, restore(day(31), "")) // the data come back, without anybody in them, and without any list
		h.unreadable(canary, other)
		if diff := cmp.Diff(after, h.books()); diff != "" {
			t.Errorf("the books after thirty days (-before +after):\n%s", diff)
		}
	})
}

// unreadable fails when anybody can be read: there is no key.
func (h *town) unreadable(all ...bought) {
	h.t.Helper()
	for _, b := range all {
		if keys := h.keysOf(b); len(keys) > 0 {
			h.t.Errorf("%d keys open something of the order", len(keys))
		}
		if code := h.post("/orders/"+b.id+"/personal", map[string]any{"purpose": "look again"}, nil); code == 200 {
			h.t.Error("somebody is read without a key")
		}
	}
}
