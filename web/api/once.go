package api

import (
	"context"
	"log/slog"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Once has effects of other handlers than this package's happen once per Idempotency-Key, by the same rules: the key is kept with the effect, a duplicate of one that still
// runs waits a moment, the same key with another request is refused. Safe for concurrent use.
type Once struct{ keeper *keeper }

// NewOnce makes one over the database.
func NewOnce(d *db.DB, log *slog.Logger) *Once { return &Once{newKeeper(d, log)} }

// Do has effect happen once for the caller and key; without a key it happens every time. Request is the same for the same request only. Effect says what it has made, from
// which the answer is rendered, now and for a repeat; after a crash at the wrong moment a repeat gets what it was about instead.
func (o *Once) Do(ctx context.Context, caller, key, operation, request, about string, effect func(ctx context.Context) (made string, err error)) (made string, replayed bool, err error) {
	if len(key) > 128 {
		return "", false, fault.Field("Idempotency-Key", "is longer than 128 characters")
	}
	c := &call{claim: &claim{caller: caller, key: key, route: operation, hash: request, resource: about}}
	replayed, err = (&Server{DB: o.keeper.db, keeper: o.keeper}).perform(ctx, c, false, func(ctx context.Context) error {
		made, err := effect(ctx)
		c.about(made)
		return err
	})
	return c.claim.resource, replayed, err
}
