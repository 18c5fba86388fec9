package shopify

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// priced is one price on its way.
type priced struct {
	index   int
	product string
	channel.PriceLevel
}

// SetPrices sets prices in the shop's own currency, one call a product; a variant that is refused does not stop the others of its product.
// https://shopify.dev/docs/api/admin-graphql/latest/mutations/productVariantsBulkUpdate
func (a *adapter) SetPrices(ctx context.Context, prices []channel.PriceLevel) ([]channel.Verdict, error) {
	verdicts := make([]channel.Verdict, len(prices))
	var ids []string
	for _, p := range prices {
		if p.Listing.External != "" {
			ids = append(ids, p.Listing.External)
		}
	}
	found, currency, err := a.variants(ctx, ids)
	if err != nil {
		return nil, err
	}
	var products []string
	byProduct := map[string][]priced{}
	for i, p := range prices {
		one := priced{index: i, product: found[p.Listing.External].product, PriceLevel: p}
		if verdicts[i].Err = one.check(currency); verdicts[i].Err != nil {
			continue
		}
		if byProduct[one.product] == nil {
			products = append(products, one.product)
		}
		byProduct[one.product] = append(byProduct[one.product], one)
	}
	done := map[int]bool{}
	for _, product := range products {
		if err := a.setPrices(ctx, product, byProduct[product], verdicts); err != nil {
			return settledVerdicts(verdicts, done), err
		}
		for _, p := range byProduct[product] {
			done[p.index] = true
		}
	}
	return verdicts, nil
}

// settledVerdicts are those before the first that was not attempted.
func settledVerdicts(verdicts []channel.Verdict, done map[int]bool) []channel.Verdict {
	for i, v := range verdicts {
		if v.Err == nil && !done[i] {
			return verdicts[:i]
		}
	}
	return verdicts
}

func (p priced) check(currency string) error {
	switch {
	case p.product == "":
		return fault.New(fault.NotFound, "Shopify knows no such variant")
	case p.Price.IsNone() || p.Price.Sign() < 0:
		return fault.Field("price", "%s is no price", p.Price)
	case p.Price.Currency != currency, !p.Compare.IsNone() && p.Compare.Currency != currency:
		return fault.Field("price", "%s is not in the shop's currency, %s", p.Price, currency)
	case !p.From.IsZero() || !p.Until.IsZero():
		return fault.Field("from", "Shopify has no sale windows: set the price when it begins and when it ends")
	}
	return nil
}

func (a *adapter) setPrices(ctx context.Context, product string, prices []priced, verdicts []channel.Verdict) error {
	var rows []map[string]any
	for _, p := range prices {
		row := map[string]any{"id": gid("ProductVariant", p.Listing.External), "price": p.Price.Decimal(), "compareAtPrice": nil}
		if !p.Compare.IsNone() {
			row["compareAtPrice"] = p.Compare.Decimal()
		}
		rows = append(rows, row)
	}
	var answer struct {
		Update struct {
			Errors []userError `json:"userErrors"`
		} `json:"productVariantsBulkUpdate"`
	}
	if _, err := a.ask(ctx, "SetPrices", map[string]any{"product": gid("Product", product), "variants": rows}, &answer); err != nil {
		return err
	}
	errs := answer.Update.Errors
	if len(errs) == 0 {
		return nil
	}
	at := blamed(errs, "variants", len(prices))
	for i, p := range prices {
		if u, yes := at[i]; yes {
			verdicts[p.index].Err = u.fault()
		} else if len(at) == 0 {
			verdicts[p.index].Err = refused(errs)
		}
	}
	return nil
}
