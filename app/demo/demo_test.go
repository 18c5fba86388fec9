package demo

import (
	"bytes"
	"context"
	"io"
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
			log, to := slog.New(slog.DiscardHandler), io.Writer(&out)
			if os.Getenv("DEMO_DEBUG") != "" {
				log, to = slog.New(slog.NewTextHandler(os.Stderr, nil)), io.MultiWriter(&out, os.Stderr)
			}
			err := Run(context.Background(), Options{Orders: 80, Once: true, DB: url(t), Out: to, Log: log})
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			t.Log(out.String())
		})
	}
}
