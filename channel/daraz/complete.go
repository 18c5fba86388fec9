package daraz

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Complete implements channel.Completer: a delivery, or one that failed for good, by sellers who deliver themselves (SOF, DBS); units without a parcel are
// told as digital goods. For everybody else Daraz's courier tells it, and Daraz refuses. Cash on delivery is collected by Daraz: there is nothing to tell.
func (s *shop) Complete(ctx context.Context, c channel.Completion) error {
	var ids []string
	for _, id := range strings.Split(c.Parcel, ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	switch {
	case !c.FailedAt.IsZero() && len(ids) == 0:
		return fault.Field("parcel", "is missing")
	case !c.FailedAt.IsZero():
		return s.tellPackages(ctx, "failed_delivery", "dbsFailedDeliveryReq", c.Order, ids, []channel.Status{channel.Failed, channel.Returning, channel.Returned})
	case !c.DeliveredAt.IsZero() && len(ids) > 0:
		return s.tellPackages(ctx, "delivered", "dbsDeliveryReq", c.Order, ids, []channel.Status{channel.Delivered, channel.Completed})
	case !c.DeliveredAt.IsZero():
		return s.digital(ctx, c.Handling)
	case c.CashPaid:
		return fault.New(fault.Refused, "Daraz collects cash on delivery itself")
	}
	return fault.Field("delivered_at", "is missing: there is nothing to tell")
}

// digital tells that digital units have been delivered.
func (s *shop) digital(ctx context.Context, h channel.Handling) error {
	order, err := iop.ID("order", h.Order)
	if err != nil {
		return err
	}
	units, err := iop.IDs("units", h.Units)
	if err != nil {
		return err
	}
	if len(units) == 0 {
		return fault.Field("units", "are missing")
	}
	type one struct {
		Order json.Number   `json:"order_id"`
		Units []json.Number `json:"order_item_list"`
	}
	var data struct {
		Orders iop.List[struct {
			Rows iop.List[packed] `json:"order_item_list"`
		}] `json:"orders"`
	}
	req := jsonText(map[string][]one{"orders": {{order, units}}})
	err = s.into(ctx, post("digital", fulfilCodes, map[string]string{"digitalDeliveryReq": req}), &data)
	if fault.Is(err, fault.OutcomeUnknown) {
		if items, again := s.rows(ctx, h.Order); again == nil && allIn(items, h.Units, channel.Delivered, channel.Completed) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	for _, o := range data.Orders {
		for _, row := range o.Rows {
			if err := row.err(); err != nil {
				return fmt.Errorf("unit %s: %w", row.Unit, err)
			}
		}
	}
	return nil
}

// allIn says whether every unit is in one of the states.
func allIn(items []rawItem, units []string, states ...channel.Status) bool {
	for _, unit := range units {
		item := unitOf(items, unit)
		if item == nil {
			return false
		}
		in := false
		for _, s := range states {
			in = in || unitStatus(item.Status.String()) == s
		}
		if !in {
			return false
		}
	}
	return len(units) > 0
}
