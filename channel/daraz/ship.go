package daraz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// packageBatch is how many packages one call takes.
const packageBatch = 20

// Ship implements channel.Shipper: ready to ship, by package. Daraz counts the units as gone from here on; "shipped" itself is its courier's scan.
//
// Safe to repeat: only packed packages can be made ready, so one that is ready or further counts as done. Without package ids they are read from the
// units. When some packages were made ready and others refused, the error is about the refused; a repeat is about them alone.
func (s *shop) Ship(ctx context.Context, n channel.ShipNotice) (channel.ShipResult, error) {
	ids := n.Packages
	if len(ids) == 0 {
		items, err := s.rows(ctx, n.Order)
		if err != nil {
			return channel.ShipResult{}, err
		}
		if ids, err = packagesOf(items, n.Units); err != nil {
			return channel.ShipResult{}, err
		}
	}
	done := []channel.Status{channel.Ready, channel.Shipped, channel.Delivered, channel.Completed, channel.Failed, channel.Returning, channel.Returned, channel.Lost}
	if err := s.tellPackages(ctx, "rts", "readyToShipReq", n.Order, ids, done); err != nil {
		return channel.ShipResult{}, err
	}
	return channel.ShipResult{External: strings.Join(ids, ",")}, nil
}

// packagesOf are the packages that units are in; a unit in none cannot be told about.
func packagesOf(items []rawItem, units []string) ([]string, error) {
	if len(units) == 0 {
		return nil, fault.Field("packages", "are missing")
	}
	var ids []string
	for _, unit := range units {
		item := unitOf(items, unit)
		switch {
		case item == nil:
			return nil, fault.New(fault.NotFound, "Daraz does not know unit %s in this order", unit)
		case item.PackageID == "":
			return nil, fault.New(fault.Conflict, "unit %s is in no package: it is %s", unit, item.Status)
		case !slices.Contains(ids, item.PackageID.String()):
			ids = append(ids, item.PackageID.String())
		}
	}
	return ids, nil
}

// tellPackages makes a call about packages and reads each row's verdict. What is refused for its state, or has no verdict because the answer was lost, is
// read again: a package whose units are all in one of the states of done is done.
func (s *shop) tellPackages(ctx context.Context, path, param, order string, ids []string, done []channel.Status) error {
	for rest := ids; len(rest) > 0; {
		batch := rest[:min(packageBatch, len(rest))]
		rest = rest[len(batch):]
		errs, err := s.tellBatch(ctx, path, param, batch)
		if fault.Is(err, fault.OutcomeUnknown) {
			lost := err
			if errs, err = s.reread(ctx, order, batch, done, nil); err != nil {
				return lost
			}
			for id, e := range errs {
				errs[id] = &fault.Error{Kind: fault.Unavailable, Message: "Daraz did not answer, and the package is as it was", Err: e}
			}
		}
		if err != nil {
			return err
		}
		if anyConflict(errs) {
			if errs, err = s.reread(ctx, order, batch, done, errs); err != nil {
				return err
			}
		}
		for _, id := range batch {
			if errs[id] != nil {
				return fmt.Errorf("package %s: %w", id, errs[id])
			}
		}
	}
	return nil
}

func anyConflict(errs map[string]error) bool {
	for _, err := range errs {
		if fault.Is(err, fault.Conflict) {
			return true
		}
	}
	return false
}

// tellBatch makes one call; the map holds the refused packages.
func (s *shop) tellBatch(ctx context.Context, path, param string, ids []string) (map[string]error, error) {
	type pack struct {
		ID string `json:"package_id"`
	}
	packs := make([]pack, len(ids))
	for i, id := range ids {
		packs[i] = pack{id}
	}
	var data struct {
		Packages iop.List[struct {
			rowVerdict
			ID iop.Scalar `json:"package_id"`
		}] `json:"packages"`
	}
	err := s.into(ctx, post(path, fulfilCodes, map[string]string{param: jsonText(map[string][]pack{"packages": packs})}), &data)
	if err != nil {
		return nil, err
	}
	errs, told := map[string]error{}, map[string]bool{}
	for _, row := range data.Packages {
		told[row.ID.String()] = true
		if err := row.err(); err != nil {
			errs[row.ID.String()] = err
		}
	}
	for _, id := range ids {
		if !told[id] {
			errs[id] = fault.New(fault.Unavailable, "Daraz's answer says nothing about the package")
		}
	}
	return errs, nil
}

// reread keeps of the errors those whose package is not in a state of done; with no errors given, every package not done is one.
func (s *shop) reread(ctx context.Context, order string, ids []string, done []channel.Status, errs map[string]error) (map[string]error, error) {
	items, err := s.rows(ctx, order)
	if err != nil {
		return nil, err
	}
	out := map[string]error{}
	for _, id := range ids {
		state := packageState(items, id, done)
		switch {
		case state == nil:
		case errs == nil:
			out[id] = state
		case errs[id] != nil:
			out[id] = errs[id]
		}
	}
	return out, nil
}

// packageState is nil when every unit of the package is in one of the states.
func packageState(items []rawItem, id string, done []channel.Status) error {
	found := false
	for i := range items {
		if items[i].PackageID.String() != id {
			continue
		}
		found = true
		if !slices.Contains(done, unitStatus(items[i].Status.String())) {
			return fault.New(fault.Conflict, "unit %s is %s", items[i].OrderItemID, items[i].Status)
		}
	}
	if !found {
		return fault.New(fault.NotFound, "no unit of the order is in package %s", id)
	}
	return nil
}
