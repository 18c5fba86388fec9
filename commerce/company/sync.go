package company

import (
	"context"
	"errors"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/pos"
)

// Options say how the core is read.
type Options struct {
	// Recount takes what the core shows as a count of every place: the stock is fresh again, and our own movements that the core has not been told of are overwritten.
	Recount bool
	Actor   string
}

// Report is what one reading of the core changed.
type Report struct {
	Core      string `json:"core"`
	Units     int    `json:"units_read"`
	Places    int    `json:"locations_changed"`
	Closed    int    `json:"locations_closed"`
	Products  int    `json:"products_added"`
	Opened    int    `json:"stock_taken"`
	Movements int    `json:"movements_recorded"`
	Counted   int    `json:"stock_recounted"`
	Prices    int    `json:"prices_read"`
	Problems  int    `json:"problems"`
	Stale     bool   `json:"stale"` // movements were lost in between
}

// Sync reads the core and brings places, range, stock and prices in step with it. Safe to repeat, and beside another: what was read before is not done again, and a reading
// that another was faster with is dropped. What had been taken before a fault stays; the fault is noted and the next reading goes on from there.
// Faults: those of the core (Unavailable, Throttled, …); Conflict when another reading was first.
func (s *Service) Sync(ctx context.Context, o Options) (Report, error) {
	r := Report{Core: s.need.Name}
	core, err := s.need.Core(ctx)
	if err != nil {
		return r, err
	}
	ctx = db.Background(ctx)
	if err := s.noting(ctx, ListUnits, s.syncUnits(ctx, core, &r)); err != nil || s.need.Own {
		return r, err
	}
	err = errors.Join(
		s.noting(ctx, ListStock, s.syncStock(ctx, core, o, &r)),
		s.noting(ctx, ListPrices, s.syncPrices(ctx, core, &r)),
	)
	return r, err
}

// Fresh says, by a person's word, that the stock is right as it stands, because it was loaded in full meanwhile: it is no longer stale.
func (s *Service) Fresh(ctx context.Context, actor string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := s.read(tx, ListStock)
		if err != nil || r.StaleAt.IsZero() {
			return err
		}
		if err := s.fresh(tx, &r, actor); err != nil {
			return err
		}
		return s.note(tx, r)
	})
}

// noting keeps a fault of reading a list, so that Show can say since when it cannot be read.
func (s *Service) noting(ctx context.Context, list string, cause error) error {
	if cause == nil || fault.CodeOf(cause) == "raced" {
		return cause
	}
	err := s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		r, err := s.read(tx, list)
		if err != nil {
			return err
		}
		if r.FailedAt.IsZero() {
			r.FailedAt = tx.Now
		}
		r.Cause = fault.Message(cause)
		return s.note(tx, r)
	})
	if fault.CodeOf(err) == "raced" {
		err = nil
	}
	return errors.Join(cause, err)
}

// reading is how far a list was read before the core is asked.
func (s *Service) reading(ctx context.Context, list string) (r Reading, err error) {
	err = s.need.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = s.read(tx, list)
		return err
	})
	return r, err
}

func problem(id, field, reason string) pos.Problem {
	return pos.Problem{ID: id, Field: field, Reason: reason}
}

func (s *Service) audit(tx *db.Tx, actor, action string, detail any) error {
	return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "core." + action, SubjectKind: "core", Subject: s.need.Name, Detail: detail})
}
