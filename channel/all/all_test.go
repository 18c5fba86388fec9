package all_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/all"
)

type nothing struct{}

func (nothing) Placed(context.Context, string, channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(func(channel.Change, error) bool) {}
}

func (nothing) One(context.Context, string, string) (channel.Change, error) {
	return channel.Change{}, nil
}

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
	if _, ok := all.Find("nowhere"); ok {
		t.Error("a channel that does not exist is found")
	}
}

func TestWith_gives_the_own_shop_its_checkout(t *testing.T) {
	t.Parallel()
	opened := 0
	for _, k := range all.With(nothing{}) {
		if k.Name != "ownsite" {
			continue
		}
		if _, err := k.Open(channel.Config{Now: time.Now}); err != nil {
			t.Error(err)
		}
		opened++
	}
	own, _ := all.Find("ownsite")
	if _, err := own.Open(channel.Config{Now: time.Now}); err == nil || opened != 1 {
		t.Errorf("without a checkout it opens, or there are %d of it", opened)
	}
}
