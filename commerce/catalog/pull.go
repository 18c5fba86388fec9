package catalog

import (
	"cmp"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Mapped is the body of the event "listing.mapped"; an empty variant says that the listing is ignored, or waits again.
type Mapped struct {
	Listing string `json:"listing_id"`
	Account string `json:"account_id"`
	Variant string `json:"variant_id"`
}

// EventMapped is emitted when it was decided what a listing is: orders that waited go on.
const EventMapped = "listing.mapped"

func mappedEvent(listing, account, variant string) outbox.Event {
	return outbox.Event{
		Aggregate: "listing:" + listing, Type: EventMapped, Account: account, Body: Mapped{Listing: listing, Account: account, Variant: variant},
	}
}

// SaveResult says what a pull brought.
type SaveResult struct {
	Seen     int      // listings in it
	Mapped   int      // of these mapped after it
	Unmapped int      // of these waiting or ignored
	New      []string // ids of listings that got their SKU by it, and had waited for it
}

// pullRows is how many listings one statement takes.
const pullRows = 500

// SaveListings keeps what a channel offers, matched by SKU, then by bar code. What a person decided about a listing stays. A listing that got its
// SKU by it is told, so that orders that waited go on. Safe to repeat.
func (s *Service) SaveListings(tx *db.Tx, account string, offered []channel.Listing) (SaveResult, error) {
	all := offers(account, offered)
	r := SaveResult{Seen: len(all)}
	for part := range slices.Chunk(all, pullRows) {
		if err := s.match(tx, part); err != nil {
			return r, err
		}
		s.adopt(tx, part)
		kept, err := s.keepAll(tx, part)
		if err != nil {
			return r, err
		}
		for _, k := range kept {
			if k.mapped {
				r.Mapped++
			}
			if k.news {
				r.New = append(r.New, k.id)
			}
		}
	}
	r.Unmapped = r.Seen - r.Mapped
	return r, nil
}

// offers are a channel's listings as ours, in key order; those without any key, and seconds of one, are left out.
func offers(account string, offered []channel.Listing) []Listing {
	seen := map[string]bool{}
	var all []Listing
	for _, o := range offered {
		key := keyOf(o.Ref)
		if key == "" || seen[key] {
			continue
		}
		seen[key] = true
		l := Listing{Account: account, Ref: o.Ref, Title: o.Title, State: Unmapped, Active: o.Active, Quantity: o.Quantity}
		if o.Variant != "" {
			l.Title += " / " + o.Variant
		}
		l.Ref.External = key
		if o.Price.Currency != "" {
			l.Price = &o.Price
		}
		all = append(all, l)
	}
	slices.SortFunc(all, byPlace)
	return all
}

func byPlace(a, b Listing) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Ref.External, b.Ref.External))
}

// adopt gives listings that an order made known by a lesser key the partner's own id, so that they are not kept twice.
func (s *Service) adopt(tx *db.Tx, all []Listing) {
	for _, lesser := range []func(channel.ListingRef) string{
		func(r channel.ListingRef) string { return r.Alt }, func(r channel.ListingRef) string { return r.Stock }, func(r channel.ListingRef) string { return r.SKU },
	} {
		batch, seen := db.NewBatch(2), map[string]bool{}
		for _, l := range all {
			if k := lesser(l.Ref); k != "" && k != l.Ref.External && !seen[k] {
				seen[k] = true
				batch.Add(l.Account, l.Ref.External, k)
			}
		}
		tx.Send(`update channel_products set external = r.x from rows(a text, x text, k text)
			where channel_products.account_id = r.a and channel_products.external = r.k
			and not exists (select 1 from channel_products o where o.account_id = r.a and o.external = r.x)`, batch)
	}
}

// kept is a listing after it was written.
type kept struct {
	id     string
	mapped bool
	news   bool // it waited, and is mapped now
}

// keep writes listings an order named.
func (s *Service) keep(tx *db.Tx, all []Listing) error {
	slices.SortFunc(all, byPlace)
	_, err := s.keepAll(tx, all)
	return err
}

// keepAll writes listings, in key order: new ones are added, known ones take what the channel says now, and their variant if they had none.
func (s *Service) keepAll(tx *db.Tx, all []Listing) ([]kept, error) {
	was, err := s.states(tx, all)
	if err != nil {
		return nil, err
	}
	batch := db.NewBatch(2)
	for _, l := range all {
		var price, currency any
		if l.Price != nil {
			price, currency = l.Price.Minor, l.Price.Currency
		}
		batch.Add(l.Account, l.Ref.External, db.ID(), l.Ref.Parent, l.Ref.Stock, l.Ref.Alt, l.Ref.SKU, l.Ref.Barcode, l.Title, orNull(l.Variant), l.State,
			orNull(l.MappedBy), l.Active, price, currency, l.Quantity)
	}
	var out []kept
	var events []outbox.Event
	tx.SendQuery(upsertListing, func(row db.Scanner) error {
		l, err := scanReturned(row)
		k := kept{id: l.ID, mapped: l.State == IsMapped, news: was[l.place()] == Unmapped && l.State == IsMapped}
		if k.news {
			events = append(events, mappedEvent(l.ID, l.Account, l.Variant))
		}
		out = append(out, k)
		return err
	}, batch, tx.Now.UnixMicro())
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	slices.SortFunc(events, func(a, b outbox.Event) int { return cmp.Compare(a.Aggregate, b.Aggregate) })
	return out, outbox.Append(tx, events...)
}

const upsertListing = `insert into channel_products (account_id, external, id, parent, stock_ref, alt, sku, barcode, title, variant_id, state, mapped_by,
		active, price_shown, currency, quantity_shown, seen_at, version)
	select r.a, r.x, r.i, r.p, r.sr, r.al, r.s, r.bc, r.t, r.v, r.st, r.m, r.ac, r.pr, r.cu, r.q, $1, 1
	from rows(a text, x text, i text, p text, sr text, al text, s text, bc text, t text, v text, st text, m text, ac boolean, pr bigint, cu text, q bigint)
	where true on conflict (account_id, external) do update set
		parent = case when excluded.parent <> '' then excluded.parent else channel_products.parent end,
		stock_ref = case when excluded.stock_ref <> '' then excluded.stock_ref else channel_products.stock_ref end,
		alt = case when excluded.alt <> '' then excluded.alt else channel_products.alt end,
		sku = case when excluded.sku <> '' then excluded.sku else channel_products.sku end,
		barcode = case when excluded.barcode <> '' then excluded.barcode else channel_products.barcode end,
		title = case when excluded.title <> '' then excluded.title else channel_products.title end,
		variant_id = case when channel_products.state = 'unmapped' then excluded.variant_id else channel_products.variant_id end,
		mapped_by = case when channel_products.state = 'unmapped' then excluded.mapped_by else channel_products.mapped_by end,
		state = case when channel_products.state = 'unmapped' then excluded.state else channel_products.state end,
		active = excluded.active, price_shown = coalesce(excluded.price_shown, channel_products.price_shown),
		currency = coalesce(excluded.currency, channel_products.currency), quantity_shown = coalesce(excluded.quantity_shown, channel_products.quantity_shown),
		seen_at = excluded.seen_at, version = channel_products.version + 1
	returning id, account_id, external, state, variant_id`

func scanReturned(row db.Scanner) (l Listing, err error) {
	err = row.Scan(&l.ID, &l.Account, &l.Ref.External, &l.State, db.Text(&l.Variant))
	return l, err
}

// states reads, and locks, what listings are before they are written.
func (s *Service) states(tx *db.Tx, all []Listing) (map[place]string, error) {
	batch := db.NewBatch(2)
	for _, l := range all {
		batch.Add(l.Account, l.Ref.External)
	}
	was := make(map[place]string, len(all))
	tx.SendQuery(`select c.account_id, c.external, c.state from rows(a text, x text)
		join channel_products c on c.account_id = r.a and c.external = r.x order by c.account_id, c.external`+tx.Lock(), func(row db.Scanner) error {
		var p place
		var state string
		err := row.Scan(&p.account, &p.key, &state)
		was[p] = state
		return err
	}, batch)
	return was, tx.Flush()
}
