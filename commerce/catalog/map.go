package catalog

import (
	"cmp"
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Map says which SKU a listing is; orders that waited for it go on by event. Mapping it to what it is already changes nothing; Unmap takes it
// back. Faults: NotFound for the listing, Invalid for the SKU.
func (s *Service) Map(ctx context.Context, listing, sku, actor string) error {
	return s.decide(ctx, listing, actor, "map", func(tx *db.Tx, l *Listing) error {
		ids, err := s.Variants(tx, []string{sku})
		if err != nil {
			return err
		}
		if ids[sku] == "" {
			return fault.Field("sku", "there is no SKU %q", sku)
		}
		l.Variant, l.SKU, l.State = ids[sku], sku, IsMapped
		return nil
	})
}

// Ignore says that a listing is none of our goods: its lines are kept for the money and ship nothing. Unmap takes it back. Fault: NotFound.
func (s *Service) Ignore(ctx context.Context, listing, actor string) error {
	return s.decide(ctx, listing, actor, "ignore", func(_ *db.Tx, l *Listing) error {
		l.Variant, l.SKU, l.State = "", "", Ignored
		return nil
	})
}

// Unmap puts a listing back into the queue of those that wait for a decision. Orders that went on because of the mapping are not touched.
// Fault: NotFound.
func (s *Service) Unmap(ctx context.Context, listing, actor string) error {
	return s.decide(ctx, listing, actor, "unmap", func(_ *db.Tx, l *Listing) error {
		l.Variant, l.SKU, l.State = "", "", Unmapped
		return nil
	})
}

// decide changes what a listing is, and tells it.
func (s *Service) decide(ctx context.Context, listing, actor string, what state.Event, change func(tx *db.Tx, l *Listing) error) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`update channel_products set version = version + 1 where id = $1`, listing); err != nil { // ours from here on
			return err
		}
		l, err := s.Listing(tx, listing)
		if err != nil {
			return err
		}
		was := l
		if err := change(tx, &l); err != nil || l == was {
			return err
		}
		if _, err := Life.Next(state.State(was.State), what); err != nil {
			return err
		}
		tx.Send(`update channel_products set variant_id = $2, state = $3, mapped_by = $4 where id = $1`, l.ID, orNull(l.Variant), l.State, actor)
		if err := s.need.Audit(tx, audit.Entry{
			Actor: actor, Action: "listing." + string(what), SubjectKind: "listing", Subject: l.ID, Detail: map[string]string{"sku": l.SKU, "was": was.SKU},
		}); err != nil || l.State == Unmapped {
			return err
		}
		return outbox.Append(tx, mappedEvent(l.ID, l.Account, l.Variant))
	})
}

// rematch maps listings that waited for one of these SKUs or bar codes, and tells it.
func (s *Service) rematch(tx *db.Tx, skus, codes []string) error {
	var forms []string
	for _, c := range codes {
		forms = append(forms, gtinForms(c)...)
	}
	found, err := db.All(tx, scanListing, `select `+listingColumns+` from channel_products c where c.state = 'unmapped' and c.sku <> ''
		and c.sku in (select key from json_each($1)) union select `+listingColumns+` from channel_products c where c.state = 'unmapped' and c.barcode <> ''
		and c.barcode in (select key from json_each($2))`, keys(skus), keys(forms))
	if err != nil || len(found) == 0 {
		return err
	}
	if err := s.match(tx, found); err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(l Listing) bool { return l.State != IsMapped })
	for part := range slices.Chunk(found, pullRows) {
		if err := s.keep(tx, part); err != nil {
			return err
		}
	}
	return nil
}

// Suggestion is a variant that a listing may be, and why.
type Suggestion struct {
	Variant string `json:"variant_id"`
	SKU     string `json:"sku"`
	Title   string `json:"title"`
	Why     string `json:"why"`   // sku, gtin or title
	Score   int    `json:"score"` // 0 … 100
}

// Suggestions lists variants that a listing may be, the likeliest first: the same SKU but for case and punctuation, the same bar code, a title
// with the same words. Fault: NotFound.
func (s *Service) Suggestions(tx *db.Tx, listing string, limit int) ([]Suggestion, error) {
	l, err := s.Listing(tx, listing)
	if err != nil {
		return nil, err
	}
	candidates, err := s.alike(tx, l)
	if err != nil {
		return nil, err
	}
	var all []Suggestion
	for _, v := range candidates {
		x := Suggestion{Variant: v.ID, SKU: v.SKU, Title: v.Title}
		switch {
		case l.Ref.SKU != "" && fold(v.SKU) == fold(l.Ref.SKU):
			x.Why, x.Score = "sku", 100
		case gtinCore(v.GTIN) != "" && gtinCore(v.GTIN) == gtinCore(l.Ref.Barcode):
			x.Why, x.Score = "gtin", 95
		default:
			x.Why, x.Score = "title", 90*alike(l.Title, v.Title)/100
		}
		if x.Score >= 30 {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b Suggestion) int { return cmp.Or(-cmp.Compare(a.Score, b.Score), cmp.Compare(a.SKU, b.SKU)) })
	return all[:min(len(all), page(limit))], nil
}

// alike reads variants worth a look: of the same folded SKU or bar code, or with one of the longest words of the title.
func (s *Service) alike(tx *db.Tx, l Listing) ([]Variant, error) {
	long := words(l.Title)
	slices.SortStableFunc(long, func(a, b string) int { return len(b) - len(a) })
	for len(long) < 3 {
		long = append(long, "\x01") // no title has it
	}
	return db.All(tx, scanVariant, `select `+variantColumns+` from variants v where v.active and ((v.sku_folded = $1 and $1 <> '')
		or v.gtin in (select key from json_each($2)) or v.title_folded like '%' || $3 || '%' or v.title_folded like '%' || $4 || '%'
		or v.title_folded like '%' || $5 || '%') order by v.sku limit 500`, fold(l.Ref.SKU), keys(gtinForms(l.Ref.Barcode)), long[0], long[1], long[2])
}

// alike is how much two titles have in common, in percent of the words of both.
func alike(a, b string) int {
	in := map[string]int{}
	x, y := words(a), words(b)
	for _, w := range x {
		in[w]++
	}
	common := 0
	for _, w := range y {
		if in[w] > 0 {
			in[w]--
			common++
		}
	}
	if len(x)+len(y) == 0 {
		return 0
	}
	return 200 * common / (len(x) + len(y))
}
