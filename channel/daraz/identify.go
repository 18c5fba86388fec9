package daraz

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Identify implements channel.Identifier. Daraz publishes no fields for /seller/get; where its answer has no seller id, the account's own setting
// stands in, and without that nothing can be said.
func (s *shop) Identify(ctx context.Context) (channel.Shop, error) {
	var seller struct {
		ID        iop.Scalar `json:"seller_id"`
		Name      iop.Scalar `json:"name"`
		Company   iop.Scalar `json:"name_company"`
		ShortCode iop.Scalar `json:"short_code"`
	}
	if err := s.into(ctx, get("seller", nil, nil), &seller); err != nil {
		return channel.Shop{}, err
	}
	id, expected := seller.ID.String(), s.setting("seller_id")
	switch {
	case id == "" && expected == "":
		return channel.Shop{}, fault.New(fault.Unavailable, "Daraz answers without a seller id: set seller_id by hand")
	case id == "":
		id = expected
	case expected != "" && id != expected:
		return channel.Shop{}, fault.New(fault.Unauthorized, "the tokens belong to shop %s, and the account is shop %s", id, expected).WithCode("other_shop")
	}
	return channel.Shop{
		ID: id, Name: firstOf(seller.Name, seller.Company, seller.ShortCode), Country: s.venture.country, Currency: s.currency, Zone: s.zone.String(),
	}, nil
}
