// Package catalog knows what is sold: products, variants and kits, their prices and costs, and which listing of which channel is which SKU.
// Start at Service.Resolve in resolve.go, which every order line goes through.
//
// It owns products, variants, kit_parts, price_lists, prices, costs and channel_products.
package catalog

import (
	"slices"

	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Needs is what the catalog gets from others. app fills it; every field must be set.
type Needs struct {
	DB *db.DB
	// Audit writes down what people did.
	Audit func(tx *db.Tx, entries ...audit.Entry) error
	// Entities finds legal entities by code; unknown ones are left out.
	Entities func(tx *db.Tx, codes []string) (map[string]string, error)
}

// Service is the context's front. Safe for concurrent use.
type Service struct{ need Needs }

// New makes the service.
func New(need Needs) *Service { return &Service{need: need} }

// orNull stores "" as null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// keys is a list of distinct keys that are not empty, as a query takes it.
func keys(all []string) string {
	all = slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" })
	slices.Sort(all)
	return db.Keys(slices.Compact(all))
}

// page bounds a limit.
func page(limit int) int {
	if limit < 1 || limit > 1000 {
		return 100
	}
	return limit
}
