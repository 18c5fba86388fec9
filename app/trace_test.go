package app_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/openclaw-pos/commerce/app"
)

// One trace leads from a webhook through the import to what the channel is told of the order and to the stock that it is shown because of it, across all queues.
func TestTraces(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		spans := tracetest.NewInMemoryExporter()
		provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
		h.leave()
		cfg := config(h.url, h.data)
		cfg.Tracer = provider.Tracer("test")
		a, err := app.Open(ctx, cfg)
		ok(t, err)
		h.a = a
		h.openShopify()
		h.work()
		spans.Reset()

		header, body, err := h.shop.Webhook("orders/create", h.buy())
		ok(t, err)
		ok(t, h.a.Connect.Receive(ctx, "town-shop", header, body))
		h.work()

		all := spans.GetSpans()
		first := slices.IndexFunc(all, func(s tracetest.SpanStub) bool { return s.Name == "receive webhook" })
		if first < 0 {
			t.Fatalf("no webhook among %d spans", len(all))
		}
		parents := map[string]string{}
		names := map[string]string{}
		for _, s := range all {
			names[s.SpanContext.SpanID().String()] = s.Name
		}
		for _, s := range all {
			if s.SpanContext.TraceID() == all[first].SpanContext.TraceID() {
				parents[s.Name] = names[s.Parent.SpanID().String()]
			}
		}
		want := map[string]string{"receive webhook": "", "import order": "receive webhook", "tell acknowledge": "import order", "push stock": "import order"}
		if d := cmp.Diff(want, parents); d != "" {
			t.Error(d)
		}
		if n := ask[int64](h, `select count(*) from traces where kind = 'variant'`); n != 2 {
			t.Errorf("the trace goes on with %d products, not 2", n)
		}
	})
}

// Without a tracer nothing is written down.
func TestNoTraces(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openShopify()
		h.buy()
		h.read()
		if n := ask[int64](h, `select count(*) from traces`); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}
