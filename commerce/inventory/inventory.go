// Package inventory knows what is where and for whom: levels, movements, reservations, shortages and what may be promised.
// Start at Service.Change in reserve.go, then Service.Move in move.go and Service.Available in available.go.
//
// It owns locations, stock_levels, stock_movements, reservations, shortages and channel_buffers. Every change goes through a book: levels
// are locked in key order, everything is decided in plain Go, then written set-based. Always 0 ≤ reserved ≤ max(0, on hand).
package inventory

import (
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Needs is what other contexts do for inventory. app fills it; every field must be set.
type Needs struct {
	DB *db.DB
	// Parts gives the parts of those variants that are kits; others are left out.
	Parts func(tx *db.Tx, variants []string) (map[string][]event.Part, error)
	// Variants finds variants by SKU; unknown ones are left out.
	Variants func(tx *db.Tx, skus []string) (map[string]string, error)
	// Routes says where orders come from and go to; unknown ones are left out.
	Routes func(tx *db.Tx, orders []string) (map[string]Route, error)
	// Unheard says how long a branch of a country may be silent until its stock counts half, and until it counts nothing.
	Unheard func(tx *db.Tx, country string) (half, none time.Duration, err error)
	// Audit writes down what people did.
	Audit func(tx *db.Tx, entries ...audit.Entry) error
}

// Service is the context's front. Safe for concurrent use.
type Service struct {
	need Needs
}

// New makes the service.
func New(need Needs) *Service { return &Service{need: need} }

// DefaultUnheard is after how long a silent branch counts half and nothing, where no policy says otherwise.
const (
	DefaultHalf = 15 * time.Minute
	DefaultNone = 60 * time.Minute
)

// spot is the key of one stock level.
type spot struct {
	variant, location string
	condition         stock.Condition
}

func sellable(variant, location string) spot { return spot{variant, location, stock.Sellable} }

// lockKey sorts like (variant, location, condition) does in the database.
func (s spot) lockKey() string { return s.variant + "\x00" + s.location + "\x00" + string(s.condition) }

// holder is who holds or lacks stock.
type holder struct {
	kind stock.HolderKind
	id   string
}

// want is one variant of a holder.
type want struct {
	holder
	variant string
}

func fieldOf(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
