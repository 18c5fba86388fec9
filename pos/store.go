package pos

import "context"

// Store is where pos/embedded keeps everything; app fills it from our own tables. Its lists are complete.
type Store interface {
	OrgUnits(ctx context.Context) ([]OrgUnit, error)
	Items(ctx context.Context) ([]Item, error)
	Prices(ctx context.Context) ([]Price, error)
	TaxRules(ctx context.Context) ([]TaxRule, error)
	// Movements are those that came to the store after a mark, oldest first, at most limit, with the mark of the last of them.
	Movements(ctx context.Context, since Mark, limit int) ([]Movement, Mark, error)
	// Keep writes a posted document once. When its id is taken, it returns what is there and changes nothing; the caller compares.
	Keep(ctx context.Context, d Document) (there *Document, err error)
}

// Document is one thing that was posted.
type Document struct {
	Kind string // sale, movement, return, refund
	ID   string
	Body []byte // JSON of the Sale, Movement, Return or Refund
}
