package inventory

import (
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// ShiftReq moves a reservation to another location.
type ShiftReq struct {
	Holder   stock.HolderKind
	HolderID string
	Variant  string
	From, To string
	Quantity int64
}

// Shift releases at one location and reserves at another in one step, all of the requests or none. The units are sold already, so safety
// stock may be used. The inverse is the same with From and To exchanged.
// Faults: Conflict with code "short" when To has not enough or From holds less; Invalid for a request that makes no sense.
func (s *Service) Shift(tx *db.Tx, reqs []ShiftReq) error {
	sc := newScope()
	for i, r := range reqs {
		if r.HolderID == "" || r.Variant == "" || r.From == "" || r.To == "" || r.From == r.To || r.Quantity <= 0 {
			return fault.Field(fieldOf("shift", i), "a shift names holder, variant, two locations and a quantity")
		}
		sc.holders[holder{r.Holder, r.HolderID}] = true
		sc.spots[sellable(r.Variant, r.From)] = true
		sc.spots[sellable(r.Variant, r.To)] = true
	}
	if len(reqs) == 0 {
		return nil
	}
	b, err := read(tx, sc)
	if err != nil {
		return err
	}
	for _, r := range reqs { // first everything goes, so that two requests may exchange their places
		w := of(r.Holder, r.HolderID, r.Variant)
		if left := b.drop(w, r.From, r.Quantity); left > 0 {
			return fault.New(fault.Conflict, "only %d of %d units are reserved there", r.Quantity-left, r.Quantity).WithCode("short")
		}
	}
	for _, r := range reqs {
		w := of(r.Holder, r.HolderID, r.Variant)
		to := b.levels[sellable(r.Variant, r.To)]
		if to == nil || to.free(true) < r.Quantity {
			return fault.New(fault.Conflict, "the other location has not enough: %d units are asked for", r.Quantity).WithCode("short")
		}
		b.hold(w, r.To, r.Quantity, b.holdings[w][r.From])
	}
	return b.save()
}
