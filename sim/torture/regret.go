package torture

import (
	"math/rand/v2"
	"slices"

	"github.com/openclaw-pos/commerce/sim/shopify"
)

// regret lets the buyer of one Shopify order, or the shop for him, change something about it; what was done is answered, "" where nothing fits.
func (s *shopifyShop) regret() string {
	if len(s.placed) == 0 {
		return ""
	}
	v, ok := s.shop.OrderView(pick(s.rnd, s.placed...))
	if !ok || v.Cancelled {
		return ""
	}
	if len(v.Parcels) > 0 {
		return s.sendBack(v)
	}
	at := slices.IndexFunc(v.Lines, func(l shopify.LineView) bool { return l.SKU != "" && l.Current > 0 && l.Open == l.Current })
	if at < 0 {
		return ""
	}
	l := v.Lines[at]
	// What the shop refuses, because something else came first, has not happened.
	did := func(what string, err error) string {
		if err != nil {
			return ""
		}
		return what
	}
	switch s.rnd.IntN(5) {
	case 0:
		return did("cancelled at the channel", s.shop.Cancel(v.ID))
	case 1:
		if len(v.Lines) > 1 {
			return did("line cancelled at the channel", s.shop.RefundLine(v.ID, l.SKU, l.Current, "CANCEL"))
		}
	case 2:
		if l.Current > 1 && v.Received == "0.00" {
			return did("edited at the channel", s.shop.EditQuantity(v.ID, l.SKU, l.Current-1))
		}
	case 3:
		if v.ShipTo != nil {
			to := *v.ShipTo
			to.Address1 = "House 9, Street 2"
			return did("address changed at the channel", s.shop.ChangeAddress(v.ID, to))
		}
	case 4:
		if v.Received != "0.00" && v.Refunded == "0.00" {
			return did("refunded at the channel", s.shop.RefundAmount(v.ID, "5.00"))
		}
	}
	return ""
}

// sendBack has a buyer ask to return a unit that was sent, once.
func (s *shopifyShop) sendBack(v shopify.OrderView) string {
	for _, l := range v.Lines {
		if l.SKU == "" || l.Shipped == 0 || len(v.Returns) > 0 {
			continue
		}
		if _, err := s.shop.RequestReturn(v.ID, l.SKU, 1, "UNWANTED"); err == nil {
			return "return asked for at the channel"
		}
	}
	return ""
}

// regret lets a buyer at Daraz cancel a unit that is not packed, or ask to return one that has come; in between its couriers drive.
func (s *darazShop) regret() string {
	if len(s.placed) == 0 {
		return ""
	}
	if s.rnd.IntN(3) == 0 && s.shop.Advance(10) > 0 {
		return "parcels moved by the channel's couriers"
	}
	v, _ := s.shop.OrderView(pick(s.rnd, s.placed...))
	for _, u := range v.Units {
		if u.Status == "delivered" {
			if _, err := s.shop.RequestReturn("", false, u.ID); err == nil {
				return "return asked for at the channel"
			}
		}
		if u.Status == "pending" && s.shop.BuyerCancel("changed my mind", u.ID) == nil {
			return "cancelled at the channel"
		}
	}
	return ""
}

// regrets lets now and then somebody think again after a sale.
func (r *run) regrets(rnd *rand.Rand, sell func() (bool, error), regret func() string) func() (bool, error) {
	return func() (bool, error) {
		ok, err := sell()
		if rnd.IntN(3) == 0 {
			if what := regret(); what != "" {
				r.did(what)
			}
		}
		return ok, err
	}
}
