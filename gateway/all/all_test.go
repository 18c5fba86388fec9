package all_test

import (
	"slices"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/gateway/all"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

func TestKinds_are_in_order_and_each_is_found(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range all.With(demo.New(time.Now)) {
		names = append(names, k.Name)
		if got, ok := all.Find(k.Name); !ok || got.Title != k.Title {
			t.Errorf("%s is listed and not found", k.Name)
		}
		if _, err := k.Open(partner.Config{Now: time.Now}); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%v is not sorted and unique", names)
	}
	if _, ok := all.Find("barter"); ok {
		t.Error("a provider that does not exist is found")
	}
}
