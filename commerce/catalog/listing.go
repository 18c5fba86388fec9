package catalog

import (
	"cmp"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
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
	MappedBy string             `json:"mapped_by,omitempty"` // sku, gtin, or who did it
	Active   bool               `json:"active"`
	Price    *money.Amount      `json:"price_shown,omitempty"`
	Quantity *int64             `json:"quantity_shown,omitempty"`
	Version  int64              `json:"version"`
}

// The states of a listing.
const (
	Unmapped = "unmapped"
	IsMapped = "mapped"
	Ignored  = "ignored" // none of our goods: its lines are kept for the money and ship nothing
)

// Life is the life of a listing. A channel's own pull may map a listing that waits, and never touches what a person decided.
var Life = state.Life{
	Name: "listing", Start: Unmapped,
	Moves: map[state.State]map[state.Event]state.State{
		Unmapped: {"map": IsMapped, "ignore": Ignored},
		IsMapped: {"map": IsMapped, "ignore": Ignored, "unmap": Unmapped},
		Ignored:  {"map": IsMapped, "unmap": Unmapped},
	},
}

// Lives are the life cycles of this context.
var Lives = []state.Life{Life}

// place is what a listing is known by: its account and the partner's key.
type place struct{ account, key string }

func (l Listing) place() place { return place{l.Account, l.Ref.External} }

// keyOf is what a listing is known by: the partner's id of the variant, or the best it gives; "" when it gives nothing.
func keyOf(r channel.ListingRef) string {
	return cmp.Or(r.External, r.Alt, r.Stock, r.SKU, r.Barcode, r.Parent)
}

const listingColumns = `c.id, c.account_id, c.external, c.parent, c.stock_ref, c.alt, c.sku, c.barcode, c.title, c.variant_id, c.state, c.mapped_by, c.active,
	c.price_shown, c.currency, c.quantity_shown, c.version`

// listingInto is where a row of listingColumns goes; take fills what may be null.
type listingInto struct {
	Listing
	price    *int64
	quantity *int64
	currency string
}

func (l *listingInto) dest() []any {
	r := &l.Ref
	return []any{
		&l.ID, &l.Account, &r.External, &r.Parent, &r.Stock, &r.Alt, &r.SKU, &r.Barcode, &l.Title, db.Text(&l.Variant), &l.State, db.Text(&l.MappedBy), &l.Active,
		&l.price, db.Text(&l.currency), &l.quantity, &l.Version,
	}
}

func (l *listingInto) take() Listing {
	l.Quantity = l.quantity
	if l.price != nil && l.currency != "" {
		a := money.Of(*l.price, l.currency)
		l.Price = &a
	}
	return l.Listing
}

func scanListing(row db.Scanner) (Listing, error) {
	var l listingInto
	err := row.Scan(l.dest()...)
	return l.take(), err
}

// Listing reads one by id. Fault: NotFound.
func (s *Service) Listing(tx *db.Tx, id string) (Listing, error) {
	all, err := s.listings(tx, `c.id = $1`, id)
	if err == nil && len(all) == 0 {
		return Listing{}, fault.New(fault.NotFound, "there is no listing %q", id)
	}
	if err != nil {
		return Listing{}, err
	}
	return all[0], nil
}

// Listings lists the mapped, active listings of variants, and of the kits that contain them, of one account or ("") of all.
func (s *Service) Listings(tx *db.Tx, account string, variants []string) ([]Listing, error) {
	if len(variants) == 0 {
		return nil, nil
	}
	kits, err := s.KitsWith(tx, variants) // asked before: with an "or" PostgreSQL reads every listing there is
	if err != nil {
		return nil, err
	}
	return s.listings(tx, `c.state = 'mapped' and c.active and ($2 = '' or c.account_id = $2) and c.variant_id in (select key from json_each($1)) order by c.account_id, c.id`,
		keys(slices.Concat(variants, kits)), account)
}

// Mapped pages through the mapped, active listings of an account by id.
func (s *Service) Mapped(tx *db.Tx, account, after string, limit int) ([]Listing, error) {
	return s.listings(tx, `c.state = 'mapped' and c.active and c.account_id = $1 and c.id > $2 order by c.id limit $3`, account, after, page(limit))
}

// Named reads the mapped, active listings of an account that the channel calls by one of these names: a listing's id, its stock item's, or the SKU it has there.
func (s *Service) Named(tx *db.Tx, account string, names []string) ([]Listing, error) {
	return s.listings(tx, `c.state = 'mapped' and c.active and c.account_id = $1 and (c.external in (select key from json_each($2))
		or c.stock_ref <> '' and c.stock_ref in (select key from json_each($2)) or c.sku <> '' and c.sku in (select key from json_each($2))) order by c.id`, account, keys(names))
}

// Unmapped pages through the listings that wait for their SKU by id, of one account or ("") of all.
func (s *Service) Unmapped(tx *db.Tx, account, after string, limit int) ([]Listing, error) {
	return s.All(tx, account, Unmapped, after, limit)
}

// CountUnmapped counts the active listings of an account that wait for their SKU.
func (s *Service) CountUnmapped(tx *db.Tx, account string) (int, error) {
	return db.One(tx, func(row db.Scanner) (n int, err error) { return n, row.Scan(&n) },
		`select count(*) from channel_products where account_id = $1 and state = 'unmapped' and active`, account)
}

// All pages through listings by id, of one account or of all, in one state or in every.
func (s *Service) All(tx *db.Tx, account, state, after string, limit int) ([]Listing, error) {
	seen, args := tx.Within("listings", "c", []any{account, state, after, page(limit)})
	return s.listings(tx, `($1 = '' or c.account_id = $1) and ($2 = '' or c.state = $2) and c.id > $3`+seen+` order by c.id limit $4`, args...)
}

// listings reads listings with our SKU.
func (s *Service) listings(tx *db.Tx, where string, args ...any) ([]Listing, error) {
	return db.All(tx, func(row db.Scanner) (Listing, error) {
		var l listingInto
		err := row.Scan(append(l.dest(), db.Text(&l.SKU))...)
		return l.take(), err
	}, `select `+listingColumns+`, v.sku from channel_products c left join variants v on v.id = c.variant_id where `+where, args...)
}
