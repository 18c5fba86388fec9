package tracing_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/platform/tracing"
)

func TestOpen(t *testing.T) {
	t.Run("without an address there is no tracer", func(t *testing.T) {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
		tracer, end, err := tracing.Open(t.Context(), "1", slog.New(slog.DiscardHandler))
		if tracer != nil || err != nil || end(t.Context()) != nil {
			t.Errorf("%v, %v", tracer, err)
		}
	})
	t.Run("what is traced arrives at the collector", func(t *testing.T) {
		var path, body string
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			path, body = r.URL.Path, string(b)
		}))
		defer collector.Close()
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
		t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
		tracer, end, err := tracing.Open(t.Context(), "1.2.3", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		_, span := tracer.Start(t.Context(), "receive webhook")
		span.End()
		if err := end(t.Context()); err != nil {
			t.Fatal(err)
		}
		if path != "/v1/traces" || !strings.Contains(body, "receive webhook") || !strings.Contains(body, "1.2.3") {
			t.Errorf("%s: %q", path, body)
		}
	})
	t.Run("a collector that is away is said in the log", func(t *testing.T) {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
		t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
		var log strings.Builder
		tracer, end, err := tracing.Open(t.Context(), "1", slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		_, span := tracer.Start(t.Context(), "receive webhook")
		span.End()
		if err := end(t.Context()); err == nil && !strings.Contains(log.String(), "traces are not sent") {
			t.Errorf("nothing is said: %q", log.String())
		}
	})
}
