package catalog

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// ListingQuery asks for the SKU behind a listing.
type ListingQuery struct {
	Account string
	Ref     channel.ListingRef
	Title   string
}

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

// Mapped is the body of the event "listing.mapped".
type Mapped struct {
	Listing string `json:"listing_id"`
	Account string `json:"account_id"`
	Variant string `json:"variant_id"`
}

// EventMapped is emitted when a listing got its SKU: orders that waited go on.
const EventMapped = "listing.mapped"

// The states of a listing.
const (
	Unmapped = "unmapped"
	IsMapped = "mapped"
	Ignored  = "ignored"
)

// Listing is what one channel account offers, and which SKU that is.
type Listing struct {
	ID       string             `json:"id"`
	Account  string             `json:"account_id"`
	Ref      channel.ListingRef `json:"ref"`
	Title    string             `json:"title"`
	Variant  string             `json:"variant_id,omitempty"`
	SKU      string             `json:"sku,omitempty"` // ours
	State    string             `json:"state"`
	MappedBy string             `json:"mapped_by,omitempty"`
	Active   bool               `json:"active"`
	Price    *money.Amount      `json:"price_shown,omitempty"`
	Quantity *int64             `json:"quantity_shown,omitempty"`
	Version  int64              `json:"version"`
}

const listingColumns = `c.id, c.account_id, c.external, c.parent, c.stock_ref, c.alt, c.sku, c.barcode, c.title, c.variant_id, c.state, c.mapped_by, c.active, c.price_shown, c.currency,
	c.quantity_shown, c.version`

func scanListing(row db.Scanner) (Listing, error) {
	var l Listing
	var price, quantity any
	var currency string
	r := &l.Ref
	err := row.Scan(&l.ID, &l.Account, &r.External, &r.Parent, &r.Stock, &r.Alt, &r.SKU, &r.Barcode, &l.Title, db.Text(&l.Variant), &l.State, db.Text(&l.MappedBy), &l.Active, &price,
		db.Text(&currency), &quantity, &l.Version)
	if n, ok := price.(int64); ok && currency != "" {
		a := money.Of(n, currency)
		l.Price = &a
	}
	if n, ok := quantity.(int64); ok {
		l.Quantity = &n
	}
	return l, err
}

// keyOf is what a listing is known by: the partner's id of the variant, or the best it gives.
func keyOf(r channel.ListingRef) string {
	for _, k := range []string{r.External, r.Alt, r.SKU, r.Barcode, r.Parent} {
		if k != "" {
			return k
		}
	}
	return ""
}

// Resolve finds the SKU behind each listing, at the same index. One nobody knows yet is kept as unmapped, unless its SKU or an unambiguous GTIN says which variant it is.
// A handful of statements for a whole batch of orders.
func (s *Service) Resolve(tx *db.Tx, queries []ListingQuery) ([]Resolved, error) {
	known, err := s.known(tx, queries)
	if err != nil {
		return nil, err
	}
	var fresh []Listing
	asked := map[[2]string]bool{}
	for _, q := range queries {
		k := [2]string{q.Account, keyOf(q.Ref)}
		l, ok := known[k]
		if (!ok || l.State == Unmapped) && !asked[k] {
			asked[k] = true
			if !ok {
				l = Listing{ID: db.ID(), Account: q.Account, Ref: q.Ref, Title: q.Title, State: Unmapped, Active: true}
				l.Ref.External = k[1]
			}
			fresh = append(fresh, l)
		}
	}
	if len(fresh) > 0 {
		if err := s.match(tx, fresh); err != nil {
			return nil, err
		}
		if err := s.keep(tx, fresh); err != nil {
			return nil, err
		}
		if known, err = s.known(tx, queries); err != nil {
			return nil, err
		}
	}
	return s.answers(tx, queries, known)
}

// known reads the listings asked for, by account and key.
func (s *Service) known(tx *db.Tx, queries []ListingQuery) (map[[2]string]Listing, error) {
	b := db.NewBatch(0)
	for _, q := range queries {
		b.Add(q.Account, keyOf(q.Ref))
	}
	rows, err := db.All(tx, scanListing, `select distinct `+listingColumns+` from channel_products c, rows(a text, x text) where c.account_id = r.a and c.external = r.x`, b)
	all := make(map[[2]string]Listing, len(rows))
	for _, l := range rows {
		all[[2]string{l.Account, l.Ref.External}] = l
	}
	return all, err
}

// match gives unmapped listings their variant by SKU, exactly, or by a GTIN that names one.
func (s *Service) match(tx *db.Tx, all []Listing) error {
	var skus, codes []string
	for _, l := range all {
		if l.State != Unmapped {
			continue
		}
		if l.Ref.SKU != "" {
			skus = append(skus, l.Ref.SKU)
		}
		if l.Ref.Barcode != "" {
			codes = append(codes, l.Ref.Barcode)
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

// keep writes listings: new ones are added, known ones take what the channel says now; a mapping made by a person stays. What became mapped is told.
func (s *Service) keep(tx *db.Tx, all []Listing) error {
	slices.SortFunc(all, func(a, b Listing) int {
		if a.Account+a.Ref.External < b.Account+b.Ref.External {
			return -1
		}
		return 1
	})
	b := db.NewBatch(2)
	for _, l := range all {
		var price, currency any
		if l.Price != nil {
			price, currency = l.Price.Minor, l.Price.Currency
		}
		b.Add(l.Account, l.Ref.External, l.ID, l.Ref.Parent, l.Ref.Stock, l.Ref.Alt, l.Ref.SKU, l.Ref.Barcode, l.Title, orNull(l.Variant), l.State, orNull(l.MappedBy), l.Active, price, currency, nullable(l.Quantity))
	}
	was, err := s.states(tx, b)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into channel_products (account_id, external, id, parent, stock_ref, alt, sku, barcode, title, variant_id, state, mapped_by, active, price_shown, currency, quantity_shown, seen_at, version)
		select a, x, i, p, sr, al, s, bc, t, v, st, m, ac, pr, cu, q, cast($1 as bigint), 1
		from rows(a text, x text, i text, p text, sr text, al text, s text, bc text, t text, v text, st text, m text, ac boolean, pr bigint, cu text, q bigint) where true
		on conflict (account_id, external) do update set
			parent = case when excluded.parent <> '' then excluded.parent else channel_products.parent end,
			stock_ref = case when excluded.stock_ref <> '' then excluded.stock_ref else channel_products.stock_ref end,
			alt = case when excluded.alt <> '' then excluded.alt else channel_products.alt end,
			sku = case when excluded.sku <> '' then excluded.sku else channel_products.sku end,
			barcode = case when excluded.barcode <> '' then excluded.barcode else channel_products.barcode end,
			title = case when excluded.title <> '' then excluded.title else channel_products.title end,
			variant_id = case when channel_products.state = 'unmapped' then excluded.variant_id else channel_products.variant_id end,
			mapped_by = case when channel_products.state = 'unmapped' then excluded.mapped_by else channel_products.mapped_by end,
			state = case when channel_products.state = 'unmapped' then excluded.state else channel_products.state end,
			active = excluded.active, price_shown = coalesce(excluded.price_shown, channel_products.price_shown), currency = coalesce(excluded.currency, channel_products.currency),
			quantity_shown = coalesce(excluded.quantity_shown, channel_products.quantity_shown), seen_at = excluded.seen_at, version = channel_products.version + 1`, b, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	var evs []outbox.Event
	for _, l := range all {
		if old, ok := was[[2]string{l.Account, l.Ref.External}]; ok && old.State == Unmapped && l.State == IsMapped {
			evs = append(evs, mappedEvent(old.ID, l.Account, l.Variant))
		}
	}
	return outbox.Append(tx, evs...)
}

// states reads what listings were before they are written.
func (s *Service) states(tx *db.Tx, b *db.Batch) (map[[2]string]Listing, error) {
	rows, err := db.All(tx, scanListing, `select `+listingColumns+` from channel_products c,
		rows(a text, x text, i text, p text, sr text, al text, s text, bc text, t text, v text, st text, m text, ac boolean, pr bigint, cu text, q bigint)
		where c.account_id = r.a and c.external = r.x order by c.account_id, c.external`+tx.Lock(), b)
	all := make(map[[2]string]Listing, len(rows))
	for _, l := range rows {
		all[[2]string{l.Account, l.Ref.External}] = l
	}
	return all, err
}

func mappedEvent(listing, account, variant string) outbox.Event {
	return outbox.Event{Aggregate: "listing:" + listing, Type: EventMapped, Account: account, Body: Mapped{Listing: listing, Account: account, Variant: variant}}
}

// answers puts variants to listings.
func (s *Service) answers(tx *db.Tx, queries []ListingQuery, known map[[2]string]Listing) ([]Resolved, error) {
	var ids []string
	for _, l := range known {
		if l.Variant != "" {
			ids = append(ids, l.Variant)
		}
	}
	variants, err := s.ByID(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]Resolved, len(queries))
	for i, q := range queries {
		all[i] = answer(known[[2]string{q.Account, keyOf(q.Ref)}], variants)
	}
	return all, nil
}

func answer(l Listing, variants map[string]Variant) Resolved {
	r := Resolved{Listing: l.ID, Ignored: l.State == Ignored}
	if v, ok := variants[l.Variant]; ok && l.State == IsMapped {
		r.Variant, r.SKU, r.Title, r.Kit, r.Ships, r.Parts, r.WeightG, r.TaxClass = v.ID, v.SKU, v.Title, v.Kit, v.Ships, v.Parts, v.WeightG, v.TaxClass
	}
	return r
}

// ResolvedOf is what one listing resolves to now.
func (s *Service) ResolvedOf(tx *db.Tx, listing string) (Resolved, error) {
	l, err := s.Listing(tx, listing)
	if err != nil {
		return Resolved{}, err
	}
	variants, err := s.ByID(tx, []string{l.Variant})
	return answer(l, variants), err
}

// Listing reads one by id. Fault: NotFound.
func (s *Service) Listing(tx *db.Tx, id string) (Listing, error) {
	l, err := db.One(tx, scanListing, `select `+listingColumns+` from channel_products c where c.id = $1`, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no listing %q", id)
	}
	return l, err
}

// Listings lists the mapped, active listings of variants, of one account or ("") of all; a kit's listing is found by its parts too. SKU is filled.
func (s *Service) Listings(tx *db.Tx, account string, variants []string) ([]Listing, error) {
	if len(variants) == 0 {
		return nil, nil
	}
	rows, err := db.All(tx, scanListing, `select `+listingColumns+` from channel_products c where c.state = 'mapped' and c.active and (cast($2 as text) = '' or c.account_id = $2)
		and c.variant_id in (select key from json_each($1)) order by c.account_id, c.id`, db.Keys(variants), account)
	if err != nil {
		return nil, err
	}
	return rows, s.fillSKU(tx, rows)
}

// Mapped pages through the mapped, active listings of an account by id.
func (s *Service) Mapped(tx *db.Tx, account, after string, limit int) ([]Listing, error) {
	rows, err := db.All(tx, scanListing, `select `+listingColumns+` from channel_products c where c.state = 'mapped' and c.active and c.account_id = $1 and c.id > $2 order by c.id limit $3`, account, after, limit)
	if err != nil {
		return nil, err
	}
	return rows, s.fillSKU(tx, rows)
}

// All pages through listings by id, of one account or of all, in one state or in every.
func (s *Service) All(tx *db.Tx, account, state, after string, limit int) ([]Listing, error) {
	rows, err := db.All(tx, scanListing, `select `+listingColumns+` from channel_products c where (cast($1 as text) = '' or c.account_id = $1) and (cast($2 as text) = '' or c.state = $2)
		and c.id > $3 order by c.id limit $4`, account, state, after, limit)
	if err != nil {
		return nil, err
	}
	return rows, s.fillSKU(tx, rows)
}

func (s *Service) fillSKU(tx *db.Tx, rows []Listing) error {
	var ids []string
	for _, l := range rows {
		if l.Variant != "" {
			ids = append(ids, l.Variant)
		}
	}
	variants, err := s.ByID(tx, ids)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].SKU = variants[rows[i].Variant].SKU
	}
	return nil
}

// SaveResult says what a pull changed.
type SaveResult struct {
	Seen, Mapped, Unmapped int
}

// SaveListings keeps what a channel offers, matched by SKU, then by GTIN. A listing that got its SKU by it is told, so that orders that waited go on.
func (s *Service) SaveListings(tx *db.Tx, account string, offered []channel.Listing) (SaveResult, error) {
	all := make([]Listing, 0, len(offered))
	seen := map[string]bool{}
	for _, o := range offered {
		key := keyOf(o.Ref)
		if key == "" || seen[key] {
			continue
		}
		seen[key] = true
		title := o.Title
		if o.Variant != "" {
			title += " / " + o.Variant
		}
		l := Listing{ID: db.ID(), Account: account, Ref: o.Ref, Title: title, State: Unmapped, Active: o.Active, Quantity: o.Quantity}
		l.Ref.External = key
		if o.Price.Currency != "" {
			p := o.Price
			l.Price = &p
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return SaveResult{}, nil
	}
	if err := s.match(tx, all); err != nil {
		return SaveResult{}, err
	}
	r := SaveResult{Seen: len(all)}
	for _, l := range all {
		if l.State == IsMapped {
			r.Mapped++
		} else {
			r.Unmapped++
		}
	}
	return r, s.keep(tx, all)
}

// Map says which SKU a listing is. Orders that waited for it go on by event.
func (s *Service) Map(ctx context.Context, listing, sku, actor string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		l, err := s.Listing(tx, listing)
		if err != nil {
			return err
		}
		ids, err := s.Variants(tx, []string{sku})
		if err != nil {
			return err
		}
		v := ids[sku]
		if v == "" {
			return fault.Field("sku", "there is no SKU %q", sku)
		}
		if _, err := tx.Exec(`update channel_products set variant_id = $2, state = 'mapped', mapped_by = $3, version = version + 1 where id = $1`, l.ID, v, actor); err != nil {
			return err
		}
		if err := s.need.Audit(tx, audit.Entry{Actor: actor, Action: "listing.map", SubjectKind: "listing", Subject: l.ID, Detail: map[string]string{"sku": sku}}); err != nil {
			return err
		}
		return outbox.Append(tx, mappedEvent(l.ID, l.Account, v))
	})
}

// Ignore says that a listing is none of our goods: its lines are kept for the money and ship nothing.
func (s *Service) Ignore(ctx context.Context, listing, actor string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		l, err := s.Listing(tx, listing)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update channel_products set variant_id = null, state = 'ignored', mapped_by = $2, version = version + 1 where id = $1`, l.ID, actor); err != nil {
			return err
		}
		if err := s.need.Audit(tx, audit.Entry{Actor: actor, Action: "listing.ignore", SubjectKind: "listing", Subject: l.ID}); err != nil {
			return err
		}
		return outbox.Append(tx, mappedEvent(l.ID, l.Account, ""))
	})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nullable(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}
