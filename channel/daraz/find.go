package daraz

import (
	"context"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Find implements channel.Finder. Daraz keeps no reference of ours; what tells is the state of the units, since each act leaves them in a state of its own.
// An act done to some of the units only is NotFound: repeating Pack, Ship and Cancel passes over what is done.
func (s *shop) Find(ctx context.Context, act string, h channel.Handling) (channel.Found, error) {
	if act != "pack" && act != "ship" && act != "cancel" {
		return channel.Found{}, fault.Field("act", "%.20q leaves no trace at Daraz", act)
	}
	items, err := s.rows(ctx, h.Order)
	if err != nil {
		return channel.Found{}, err
	}
	units := h.Units
	if len(units) == 0 && act == "cancel" {
		for i := range items {
			units = append(units, items[i].OrderItemID.String())
		}
	}
	beyond := []channel.Status{channel.Ready, channel.Shipped, channel.Delivered, channel.Completed, channel.Failed, channel.Returning, channel.Returned, channel.Lost}
	switch {
	case act == "pack" && allIn(items, units, append(beyond, channel.Packed)...):
	case act == "ship" && allIn(items, units, beyond...):
	case act == "cancel" && allIn(items, units, channel.Cancelled):
		return channel.Found{Kind: act, External: strings.Join(units, ",")}, nil
	default:
		return channel.Found{}, fault.New(fault.NotFound, "the units do not show that they were to %s", act)
	}
	return s.foundPackages(ctx, act, items, units)
}

// foundPackages gives every package of the units, with its label when it is packed.
func (s *shop) foundPackages(ctx context.Context, act string, items []rawItem, units []string) (channel.Found, error) {
	var rows []packed
	for _, unit := range units {
		rows = append(rows, unitOf(items, unit).packed())
	}
	result := packResult(channel.Handling{Units: units}, rows)
	if len(result.Packages) == 0 {
		return channel.Found{}, fault.New(fault.Unavailable, "the units are packed, and Daraz names no package")
	}
	var ids []string
	for _, p := range result.Packages {
		ids = append(ids, p.External)
	}
	found := channel.Found{Kind: act, External: strings.Join(ids, ","), Packages: result.Packages}
	if act != "pack" {
		return found, nil
	}
	for i := range found.Packages {
		p := &found.Packages[i]
		var err error
		if p.Label, err = s.label(ctx, *p); err != nil {
			if fault.Temporary(err) || fault.Is(err, fault.Unauthorized) {
				return channel.Found{}, err
			}
			s.warn("the label of package "+p.External+" is not to be had yet", err)
		}
	}
	return found, nil
}
