package daraz

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
)

// Unpack implements channel.Unpacker: repack, by package. Daraz drops the packages with their tracking numbers; their units say repacked and can be packed anew, which is
// also what keeps a cancellation of one of them from cancelling the others (channel-daraz.md §1.7, §1.8).
//
// Safe to repeat: what Daraz refuses is looked at again, and a package of which no unit is packed any more is done. One that is ready or has left is fault.Conflict.
func (s *shop) Unpack(ctx context.Context, h channel.Handling, packages []string) error {
	items, err := s.rows(ctx, h.Order)
	if err != nil {
		return err
	}
	if len(packages) == 0 {
		packages = holding(items, h.Units)
	}
	packages = slices.DeleteFunc(slices.Clone(packages), func(id string) bool { return opened(items, id) })
	for batch := range slices.Chunk(packages, packageBatch) {
		errs, err := s.tellBatch(ctx, "repack", "rePackReq", batch)
		for _, id := range batch {
			if err == nil {
				err = errs[id]
			}
		}
		if err == nil {
			continue
		}
		again, lost := s.rows(ctx, h.Order)
		if lost != nil || slices.ContainsFunc(batch, func(id string) bool { return !opened(again, id) }) {
			return err
		}
	}
	return nil
}

// holding are the packages that units are packed in.
func holding(items []rawItem, units []string) []string {
	var ids []string
	for _, unit := range units {
		if r := unitOf(items, unit); r != nil && unitStatus(r.Status.String()) == channel.Packed && r.PackageID != "" && !slices.Contains(ids, r.PackageID.String()) {
			ids = append(ids, r.PackageID.String())
		}
	}
	return ids
}

// opened reports whether no unit is in the package any more, but for cancelled ones.
func opened(items []rawItem, id string) bool {
	return !slices.ContainsFunc(items, func(r rawItem) bool {
		st := unitStatus(r.Status.String())
		return r.PackageID.String() == id && st != channel.Cancelled && st != channel.Open
	})
}
