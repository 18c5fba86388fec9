// Package catalog knows what is sold: products, variants and kits, their prices and costs, and which listing of which channel is which SKU.
// Start at Service.Resolve in listing.go, which every order line goes through.
//
// It owns products, variants, kit_parts, price_lists, prices, costs and channel_products.
package catalog

import (
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Needs is what the catalog gets from others. app fills it.
type Needs struct {
	DB *db.DB
	// Audit writes down what people did.
	Audit func(tx *db.Tx, entries ...audit.Entry) error
}

// Service is the context's front. Safe for concurrent use.
type Service struct{ need Needs }

// New makes the service.
func New(need Needs) *Service { return &Service{need: need} }

// Variant is one thing that is stocked and sold, or a kit of such things.
type Variant struct {
	ID       string       `json:"id"`
	Product  string       `json:"product_id"`
	SKU      string       `json:"sku"`
	GTIN     string       `json:"gtin,omitempty"`
	Title    string       `json:"title"`
	UOM      string       `json:"uom"`
	WeightG  int64        `json:"weight_g"`
	TaxClass string       `json:"tax_class"`
	Kit      bool         `json:"kit"`
	Ships    bool         `json:"ships"`
	Active   bool         `json:"active"`
	Parts    []event.Part `json:"parts,omitempty"`
	Version  int64        `json:"version"`
}

const variantColumns = `v.id, v.product_id, v.sku, v.gtin, v.title, v.uom, v.weight_g, v.tax_class, v.kit, v.ships, v.active, v.version`

func scanVariant(row db.Scanner) (Variant, error) {
	var v Variant
	err := row.Scan(&v.ID, &v.Product, &v.SKU, db.Text(&v.GTIN), &v.Title, &v.UOM, &v.WeightG, &v.TaxClass, &v.Kit, &v.Ships, &v.Active, &v.Version)
	return v, err
}

// ByID reads variants by id, kits with their parts; unknown ones are left out.
func (s *Service) ByID(tx *db.Tx, ids []string) (map[string]Variant, error) {
	all := map[string]Variant{}
	if len(ids) == 0 {
		return all, nil
	}
	rows, err := db.All(tx, scanVariant, `select `+variantColumns+` from variants v where v.id in (select key from json_each($1))`, db.Keys(ids))
	if err != nil {
		return nil, err
	}
	var kits []string
	for _, v := range rows {
		all[v.ID] = v
		if v.Kit {
			kits = append(kits, v.ID)
		}
	}
	parts, err := s.Parts(tx, kits)
	if err != nil {
		return nil, err
	}
	for id, p := range parts {
		v := all[id]
		v.Parts = p
		all[id] = v
	}
	return all, nil
}

// Parts gives the parts of those variants that are kits; others are left out.
func (s *Service) Parts(tx *db.Tx, variants []string) (map[string][]event.Part, error) {
	all := map[string][]event.Part{}
	if len(variants) == 0 {
		return all, nil
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var kit string
		var p event.Part
		err := row.Scan(&kit, &p.Variant, &p.SKU, &p.Title, &p.Quantity, &p.Weight)
		all[kit] = append(all[kit], p)
		return struct{}{}, err
	}, `select k.kit_id, v.id, v.sku, v.title, k.quantity, k.weight from kit_parts k join variants v on v.id = k.part_id
		where k.kit_id in (select key from json_each($1)) order by k.kit_id, v.id`, db.Keys(variants))
	return all, err
}

// Variants finds variants by SKU, exactly; unknown ones are left out.
func (s *Service) Variants(tx *db.Tx, skus []string) (map[string]string, error) {
	return s.idsBy(tx, `select sku, id from variants where sku in (select key from json_each($1))`, skus)
}

// byGTIN finds variants by GTIN where it names exactly one.
func (s *Service) byGTIN(tx *db.Tx, codes []string) (map[string]string, error) {
	return s.idsBy(tx, `select gtin, min(id) from variants where gtin in (select key from json_each($1)) group by gtin having min(id) = max(id)`, codes)
}

func (s *Service) idsBy(tx *db.Tx, q string, keys []string) (map[string]string, error) {
	all := map[string]string{}
	if len(keys) == 0 {
		return all, nil
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var k, id string
		err := row.Scan(&k, &id)
		all[k] = id
		return struct{}{}, err
	}, q, db.Keys(keys))
	return all, err
}
