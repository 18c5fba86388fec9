package daraz

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// BuyerOf implements channel.BuyerReader: the buyer and address of one order, read afresh. Without the unmask permission they come masked, and say so.
func (s *shop) BuyerOf(ctx context.Context, external, purpose string) (channel.Person, channel.Address, error) {
	if purpose == "" {
		return channel.Person{}, channel.Address{}, fault.Field("purpose", "is missing: personal data is read for one")
	}
	change, err := s.Order(ctx, external)
	if err != nil {
		return channel.Person{}, channel.Address{}, err
	}
	o, err := s.Decode(change.Raw)
	if err != nil {
		return channel.Person{}, channel.Address{}, err
	}
	return o.Buyer, o.ShipTo, nil
}
