package shopify

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
)

// BuyerOf reads who bought and where it goes, for a shop whose stored orders had their personal fields removed. What the app is not approved to see is empty.
func (a *adapter) BuyerOf(ctx context.Context, external, _ string) (channel.Person, channel.Address, error) {
	var answer struct {
		Order *graphOrder `json:"order"`
	}
	if _, err := a.ask(ctx, "Buyer", map[string]any{"id": gid("Order", external)}, &answer); err != nil {
		return channel.Person{}, channel.Address{}, err
	}
	if answer.Order == nil {
		return channel.Person{}, channel.Address{}, unknownOrder(external)
	}
	s := answer.Order.head(&reader{})
	return s.buyer(), s.ship.address(), nil
}
