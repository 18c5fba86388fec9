package all_test

import (
	"slices"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/pos/all"
	"github.com/openclaw-pos/commerce/pos/embedded"
)

func TestKinds_are_in_order_and_each_is_found(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range all.Kinds {
		names = append(names, k.Name)
		if got, ok := all.Find(k.Name); !ok || got.Title != k.Title {
			t.Errorf("%s is listed and not found", k.Name)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%v is not sorted and unique", names)
	}
	if _, ok := all.Find("abacus"); ok {
		t.Error("a core that does not exist is found")
	}
}

func TestWith_gives_the_embedded_core_its_store(t *testing.T) {
	t.Parallel()
	if _, err := all.Kinds[0].Open(partner.Config{}); err == nil {
		t.Error("the embedded core opens without a store")
	}
	if _, err := all.With(&embedded.Memory{})[0].Open(partner.Config{}); err != nil {
		t.Error(err)
	}
}
