package inventory

import (
	"cmp"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Safety is the part of a location's stock that is not promised.
type Safety struct {
	Variant  string `json:"variant_id"`
	Location string `json:"location_id"`
	Quantity int64  `json:"quantity"`
}

// SetSafety sets safety stock; what is reserved already stays. Fault: Invalid for a negative quantity or the same place twice.
func (s *Service) SetSafety(tx *db.Tx, all []Safety) error {
	batch := db.NewBatch(2)
	for i, x := range slices.SortedFunc(slices.Values(all), func(a, b Safety) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
	}) {
		if x.Quantity < 0 {
			return fault.Field(fieldOf("safety", i)+".quantity", "must not be negative")
		}
		tx.Locking(db.LockStock, sellable(x.Variant, x.Location).lockKey())
		batch.Add(x.Variant, x.Location, x.Quantity)
	}
	_, err := tx.Exec(`insert into stock_levels (variant_id, location_id, condition, on_hand, reserved, safety, dirty, updated_at)
		select r.v, r.l, 'sellable', 0, 0, r.q, true, $1 from rows(v text, l text, q bigint) where true
		on conflict (variant_id, location_id, condition) do update set safety = excluded.safety, dirty = true, updated_at = excluded.updated_at`,
		batch, tx.Now.UnixMicro())
	return err
}

// Buffer is what an account is shown less than there is.
type Buffer struct {
	Account  string `json:"account_id"`
	Variant  string `json:"variant_id"` // "" = every variant that has no buffer of its own
	Quantity int64  `json:"quantity"`
}

// SetBuffers sets channel buffers. Fault: Invalid for a negative quantity or the same buffer twice.
func (s *Service) SetBuffers(tx *db.Tx, all []Buffer) error {
	batch := db.NewBatch(2)
	variants := map[string]bool{}
	for i, x := range all {
		if x.Quantity < 0 || x.Account == "" {
			return fault.Field(fieldOf("buffers", i), "a buffer names its account, and no negative quantity")
		}
		batch.Add(x.Account, x.Variant, x.Quantity)
		variants[x.Variant] = true
	}
	tx.Send(`insert into channel_buffers (account_id, variant_id, quantity) select r.a, r.v, r.q from rows(a text, v text, q bigint) where true
		on conflict (account_id, variant_id) do update set quantity = excluded.quantity`, batch)
	return s.markDirty(tx, variants)
}
