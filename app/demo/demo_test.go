package demo

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestDemo plays the main job to the end on both engines: every invariant must hold.
func TestDemo(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(testing.TB) string { return "" },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := slog.New(slog.DiscardHandler)
			if os.Getenv("DEMO_DEBUG") != "" {
				log = slog.New(slog.NewTextHandler(os.Stderr, nil))
			}
			err := Run(context.Background(), Options{Orders: 80, Once: true, DB: url(t), Out: &out, Log: log})
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			t.Log(out.String())
		})
	}
}
