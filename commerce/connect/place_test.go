package connect

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestMapLocation(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		h.work()
		due := func() map[string]int64 {
			all := map[string]int64{}
			must(t, d.Read(ctx, func(tx *db.Tx) error {
				_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
					var place string
					var n int64
					err := row.Scan(&place, &n)
					all[place] = n
					return struct{}{}, err
				}, `select location, count(*) from channel_stock where account_id = $1 and dirty group by location`, h.acc.ID)
				return err
			}))
			return all
		}
		if got := due(); len(got) != 0 {
			t.Fatalf("something is left to show: %v", got)
		}
		t.Run("a live account is shown all its stock at the place that was named", func(t *testing.T) {
			must(t, h.s.MapLocation(ctx, h.acc.ID, h.location, "their-1"))
			got := due()
			if got["their-1"] == 0 {
				t.Fatalf("nothing is due: %v", got)
			}
			must(t, h.s.MapLocation(ctx, h.acc.ID, h.location, "their-2"))
			want := map[string]int64{"their-2": got["their-1"]}
			if diff := cmp.Diff(want, due()); diff != "" {
				t.Fatal(diff)
			}
		})
	})
}
