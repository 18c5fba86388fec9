package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestRestoredKnowsNoMore takes a backup while something is to be told, goes on working, and restores: what was told since is not told blindly again, what was ordered since is read
// again, and people are asked to compare, once.
func TestRestoredKnowsNoMore(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openShopify()
		first := h.buyAs("Canaryword", "+923001234547")
		h.write(func(tx *db.Tx) error { // as if the backup came between the intent and the call
			_, err := tx.Exec(`update tells set state = 'intended', uncertain = false, told_at = null, answer = null, next_at = 0`)
			return err
		})
		own, lock := keyed(t)
		dir := t.TempDir()
		taken, err := backup.Take(t.Context(), backup.Taking{From: h.url, Out: filepath.Join(dir, "b"), Lock: lock, Trust: true})
		ok(t, err)
		ok(t, os.WriteFile(filepath.Join(h.data, app.ErasedList), nil, 0o600))
		h.work()
		second := h.buyAs("Otherword", "+923007654321")

		h.restore(taken, own, dir)
		if sure := h.all(`select act from tells where state in ('intended', 'running') and not uncertain`); len(sure) > 0 {
			t.Errorf("told again, whether or not they were told: %v", sure)
		}
		if len(h.all(`select id from tells where uncertain`)) == 0 {
			t.Error("nothing was to be told: the test shows nothing")
		}
		cases := func() []string {
			return h.all(`select state || ' ' || subject_id from exceptions where cause = 'restored'`)
		}
		at := taken.TakenAt.UTC().Format("2006-01-02T15:04:05Z")
		if diff := cmp.Diff([]string{"open " + at}, cases()); diff != "" {
			t.Errorf("the case (-want +got):\n%s", diff)
		}
		h.read()
		if got := h.all(`select external from orders`); !slices.Contains(got, first.external) || !slices.Contains(got, second.external) {
			t.Errorf("after reading again there are the orders %v", got)
		}
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`delete from exceptions where cause = 'restored'`)
			return err
		})
		h.leave()
		h.open()
		if again := cases(); len(again) > 0 {
			t.Errorf("opened again, it is raised again: %v", again)
		}
	})
}
