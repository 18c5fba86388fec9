package outbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTogether(t *testing.T) {
	t.Parallel()
	all := []int64{0, 3, 5, 6, 9, 15}
	for _, tt := range []struct {
		shards  []int64
		waiting int
		want    [][]int64
	}{
		{nil, 10, [][]int64{}},
		{all[:1], 10_000, [][]int64{{0}}},
		{all, 0, [][]int64{all}},
		{all, batchSize, [][]int64{all}},
		{all, batchSize + 1, [][]int64{{0, 5, 9}, {3, 6, 15}}},
		{all, 1_000_000, [][]int64{{0, 9}, {3, 15}, {5}, {6}}},
	} {
		if diff := cmp.Diff(tt.want, together(tt.shards, tt.waiting)); diff != "" {
			t.Errorf("%v with %d: %s", tt.shards, tt.waiting, diff)
		}
	}
}
