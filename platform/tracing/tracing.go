// Package tracing sends traces to where an operator collects them, by OTLP over HTTP. Start at Open.
//
// It is switched on, aimed and sampled by the variables that OpenTelemetry gave their names, and costs nothing while they are not set:
// OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT), OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER with OTEL_TRACES_SAMPLER_ARG (every trace, unless it says otherwise).
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
package tracing

import (
	"context"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Wanted reports whether the environment says where traces go.
func Wanted() bool {
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Open makes a tracer that sends what it is given from now on, and the function that sends the rest at the end. The tracer is nil where none is wanted. A collector that does
// not answer is said in the log and holds nothing up. Fault: Invalid for an address that is none.
func Open(ctx context.Context, version string, log *slog.Logger) (trace.Tracer, func(context.Context) error, error) {
	if !Wanted() {
		return nil, func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "OTEL_EXPORTER_OTLP_ENDPOINT cannot be used")
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces are not sent", "err", err) }))
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "openclaw-commerce"), attribute.String("service.version", version))))
	return p.Tracer("openclaw-commerce"), p.Shutdown, nil
}
