package demo

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
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

// TestLive lets the demo flow until every shop has sold something: it says where everything is, and leaves nothing behind.
func TestLive(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &watched{until: func(text string) bool {
		for _, s := range []string{"pk-shop", "ae-shop", "daraz-pk", "pk-web", "de-web"} {
			if !strings.Contains(text, s+strings.Repeat(" ", 10-len(s))+"sold") {
				return false
			}
		}
		return true
	}, then: stop}
	var folder string
	taken := false
	err := Run(ctx, Options{Orders: 100, Out: out, Program: "occ", Announce: func(dir string, at net.Listener) (string, func() error, error) {
		folder = dir
		return "a key", func() error { taken = true; return nil }, nil
	}})
	text := out.text.String()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{"/console/", "occ order list --data " + folder, "/docs/", "password: " + StagePassword} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) || !taken {
		t.Errorf("something is left behind: %v, taken back %v", err, taken)
	}
}

// watched is what was printed; then is called once it has what is waited for.
type watched struct {
	mu    sync.Mutex
	text  bytes.Buffer
	until func(text string) bool
	then  func()
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.text.Write(b)
	if w.until(w.text.String()) {
		w.then()
	}
	return n, err
}
