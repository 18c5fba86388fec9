package outbox_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// firstWord ends a context with the first line of a log.
type firstWord struct {
	slog.Handler
	end context.CancelFunc
}

func (firstWord) Enabled(context.Context, slog.Level) bool    { return true }
func (h firstWord) Handle(context.Context, slog.Record) error { h.end(); return nil }
func (h firstWord) WithAttrs([]slog.Attr) slog.Handler        { return h }

func TestConsumersWait(t *testing.T) {
	t.Parallel()
	t.Run("consumers that start while the database is away wait for it, and do not end the program", func(t *testing.T) {
		t.Parallel()
		d, err := db.Open(t.Context(), dbtest.SQLiteURL(t, true), db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		log := slog.New(firstWord{slog.DiscardHandler, cancel})
		if err := outbox.NewConsumers(d, log, outbox.Consumer{Name: "any"}).Run(ctx); err != nil {
			t.Errorf("it ended with: %v", err)
		}
		if ctx.Err() == nil {
			t.Error("nobody was told that the database is away")
		}
	})
}
