package catalog

import (
	"cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
)

// ListingQuery asks for the SKU behind a listing.
type ListingQuery struct {
	Account string
	Ref     channel.ListingRef
	Title   string
}

func (q ListingQuery) place() place { return place{q.Account, keyOf(q.Ref)} }

// Resolved is the answer: Variant is empty while the listing is not mapped.
type Resolved struct {
	Listing  string
	Variant  string
	SKU      string
	Title    string
	Kit      bool
	Ships    bool
	Ignored  bool
	Parts    []event.Part
	WeightG  int64
	TaxClass string
}

// Resolve finds the SKU behind each listing, at the same index. One nobody knows yet is kept as unmapped, unless its SKU, exactly, or a bar code
// that names one variant says which it is. A reference that says nothing resolves to nothing. Known listings cost one query for the whole batch.
func (s *Service) Resolve(tx *db.Tx, queries []ListingQuery) ([]Resolved, error) {
	known, err := s.known(tx, queries)
	if err != nil {
		return nil, err
	}
	if waits := waiting(queries, known); len(waits) > 0 {
		if known, err = s.learn(tx, queries, known, waits); err != nil {
			return nil, err
		}
	}
	if known, err = s.sure(tx, queries, known); err != nil {
		return nil, err
	}
	if err := s.knownParts(tx, known); err != nil {
		return nil, err
	}
	out := make([]Resolved, len(queries))
	for i, q := range queries {
		out[i] = known[q.place()].answer()
	}
	return out, nil
}

// known is a listing with its variant.
type known struct {
	Listing
	variant Variant
}

func (k known) answer() Resolved {
	r := Resolved{Listing: k.ID, Ignored: k.State == Ignored}
	if v := k.variant; k.State == IsMapped {
		r.Variant, r.SKU, r.Title, r.Kit, r.Ships, r.Parts, r.WeightG, r.TaxClass = v.ID, v.SKU, v.Title, v.Kit, v.Ships, v.Parts, v.WeightG, v.TaxClass
	}
	return r
}

// known reads the listings asked for, under the places they were asked by.
func (s *Service) known(tx *db.Tx, queries []ListingQuery) (map[place]known, error) {
	all := map[place]known{}
	batch, asked := db.NewBatch(2), map[place]bool{}
	for _, q := range queries {
		if p := q.place(); p.key != "" && !asked[p] {
			asked[p] = true
			batch.Add(p.account, p.key)
		}
	}
	s.sendKnown(tx, all, `from rows(a text, k text) join channel_products c on c.account_id = r.a and c.external = r.k`, batch)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	// An order may name a listing by the partner's second key only.
	second := db.NewBatch(2)
	for _, q := range queries {
		if p := q.place(); q.Ref.Alt != "" && asked[p] && all[p].ID == "" {
			asked[p] = false
			second.Add(p.account, p.key, q.Ref.Alt)
		}
	}
	s.sendKnown(tx, all, `from rows(a text, k text, b text) join channel_products c on c.account_id = r.a and c.alt = r.b`, second)
	return all, tx.Flush()
}

func (s *Service) sendKnown(tx *db.Tx, all map[place]known, from string, batch *db.Batch) {
	tx.SendQuery(`select r.k, `+listingColumns+`, v.id, v.sku, v.title, v.weight_g, v.tax_class, v.kit, v.ships `+from+`
		left join variants v on v.id = c.variant_id order by c.id desc`, func(row db.Scanner) error {
		var l listingInto
		var v Variant
		var key string
		var kit, ships *bool
		err := row.Scan(append(append([]any{&key}, l.dest()...), db.Text(&v.ID), db.Text(&v.SKU), db.Text(&v.Title), db.Int(&v.WeightG), db.Text(&v.TaxClass), &kit, &ships)...)
		v.Kit, v.Ships = kit != nil && *kit, ships != nil && *ships
		all[place{l.Account, key}] = known{l.take(), v}
		return err
	}, batch)
}

// knownParts gives kits their parts.
func (s *Service) knownParts(tx *db.Tx, all map[place]known) error {
	var kits []string
	for _, k := range all {
		if k.variant.Kit {
			kits = append(kits, k.variant.ID)
		}
	}
	parts, err := s.Parts(tx, kits)
	for p, k := range all {
		if k.variant.Kit {
			k.variant.Parts = parts[k.variant.ID]
			all[p] = k
		}
	}
	return err
}

// waiting lists the listings nobody knows, and those that were not mapped when last seen.
func waiting(queries []ListingQuery, have map[place]known) []Listing {
	var all []Listing
	seen := map[place]bool{}
	for _, q := range queries {
		p := q.place()
		l := have[p].Listing
		if p.key == "" || seen[p] || l.ID != "" && l.State != Unmapped {
			continue
		}
		seen[p] = true
		if l.ID == "" {
			l = Listing{Account: q.Account, Ref: q.Ref, Title: q.Title, State: Unmapped, Active: true}
			l.Ref.External = p.key
		}
		l.Ref.SKU, l.Ref.Barcode = cmp.Or(l.Ref.SKU, q.Ref.SKU), cmp.Or(l.Ref.Barcode, q.Ref.Barcode)
		all = append(all, l)
	}
	return all
}

// learn tries to map listings and keeps what is new about them.
func (s *Service) learn(tx *db.Tx, queries []ListingQuery, have map[place]known, waits []Listing) (map[place]known, error) {
	if err := s.match(tx, waits); err != nil {
		return nil, err
	}
	var news []Listing
	for _, l := range waits {
		if l.ID == "" || l.State == IsMapped {
			news = append(news, l)
		}
	}
	if len(news) == 0 {
		return have, nil
	}
	if err := s.keep(tx, news); err != nil {
		return nil, err
	}
	return s.known(tx, queries)
}

// sure takes the rows of listings that are not mapped: who maps one waits for the orders that are to wait for it, or is waited for.
func (s *Service) sure(tx *db.Tx, queries []ListingQuery, have map[place]known) (map[place]known, error) {
	var ids []string
	for _, k := range have {
		if k.ID != "" && k.State == Unmapped {
			ids = append(ids, k.ID)
		}
	}
	if len(ids) == 0 || tx.Share() == "" {
		return have, nil
	}
	if _, err := db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) },
		`select id from channel_products where id in (select key from json_each($1)) order by id`+tx.Share(), keys(ids)); err != nil {
		return nil, err
	}
	return s.known(tx, queries)
}

// match gives unmapped listings their variant: by SKU, exactly, or by a bar code that names one.
func (s *Service) match(tx *db.Tx, all []Listing) error {
	var skus, codes []string
	for _, l := range all {
		if l.State == Unmapped {
			skus, codes = append(skus, l.Ref.SKU), append(codes, l.Ref.Barcode)
		}
	}
	bySKU, err := s.Variants(tx, skus)
	if err != nil {
		return err
	}
	byCode, err := s.byGTIN(tx, codes)
	if err != nil {
		return err
	}
	for i := range all {
		l := &all[i]
		if l.State != Unmapped {
			continue
		}
		if v := bySKU[l.Ref.SKU]; v != "" {
			l.Variant, l.State, l.MappedBy = v, IsMapped, "sku"
		} else if v := byCode[l.Ref.Barcode]; v != "" {
			l.Variant, l.State, l.MappedBy = v, IsMapped, "gtin"
		}
	}
	return nil
}

// ResolvedOf is what one listing resolves to now. Fault: NotFound.
func (s *Service) ResolvedOf(tx *db.Tx, listing string) (Resolved, error) {
	l, err := s.Listing(tx, listing)
	if err != nil {
		return Resolved{}, err
	}
	variants, err := s.ByID(tx, []string{l.Variant})
	return known{l, variants[l.Variant]}.answer(), err
}
