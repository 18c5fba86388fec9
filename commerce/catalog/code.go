package catalog

import "github.com/openclaw-pos/commerce/platform/db"

// ByCode finds variants by what a scanner reads: a SKU, or a GTIN that names exactly one. Unknown codes are left out.
func (s *Service) ByCode(tx *db.Tx, codes []string) (map[string]string, error) {
	all, err := s.byGTIN(tx, codes)
	if err != nil {
		return nil, err
	}
	skus, err := s.Variants(tx, codes)
	for code, id := range skus {
		all[code] = id
	}
	return all, err
}
