package all_test

import (
	"slices"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/courier/all"
	"github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/courier/manual"
	"github.com/openclaw-pos/commerce/kernel/partner"
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
	if _, ok := all.Find("pigeon"); ok {
		t.Error("a courier that does not exist is found")
	}
}

func TestWith_opens_them_all(t *testing.T) {
	t.Parallel()
	for _, k := range all.With(&manual.Memory{}, demo.New(time.Now)) {
		if _, err := k.Open(partner.Config{Now: time.Now}); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
	if k, _ := all.Find("manual"); k.Open != nil {
		if _, err := k.Open(partner.Config{Now: time.Now}); err == nil {
			t.Error("the manual courier opens without a ledger")
		}
	}
}
