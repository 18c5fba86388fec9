package connect

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// A trace follows what came in: the webhook or poll that brought it, the import, what channels are told of the order, and the stock that all channels are shown because of it.
// Between these lie queues, so it is kept beside what waits in them: of sampled traces only, and by nobody when no tracer is given. Spans carry ids, counts and the words of a
// fault; nothing personal, and nothing of it is sent to partners.

// What a trace is kept of.
const (
	tracedInbox   = "inbox"
	tracedOrder   = "order"
	tracedVariant = "variant"
)

const (
	traceKept   = 24 * time.Hour
	tracedStock = 2 * time.Minute // stock that is shown later than this after an order took some has other reasons too
)

// span begins one; end it with the outcome.
func (s *Service) span(ctx context.Context, name string, attrs ...attribute.KeyValue) (context.Context, func(err error)) {
	if s.need.Tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := s.need.Tracer.Start(ctx, name, trace.WithAttributes(attrs...))
	return ctx, func(err error) {
		failed(span, err)
		span.End()
	}
}

func failed(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, fault.Message(err))
		span.SetAttributes(attribute.String("fault", fault.KindOf(err).String()))
	}
}

func (o *opened) traced() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("channel", o.acc.Channel), attribute.String("account", o.acc.Name)}
}

// carried is the trace of a context in the form of W3C's traceparent; "" when there is none, or it is not sampled. https://www.w3.org/TR/trace-context/
func carried(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c["traceparent"]
}

// resumed is a context that goes on with a trace.
func resumed(ctx context.Context, carried string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": carried})
}

// keepTraces notes by subject where traces go on.
func keepTraces(tx *db.Tx, kind string, of map[string]string) {
	b := db.NewBatch(2)
	for _, subject := range slices.Sorted(maps.Keys(of)) {
		if of[subject] != "" {
			b.Add(kind, subject, of[subject])
		}
	}
	if b.Len() > 0 {
		tx.Send(`insert into traces (kind, subject, carried, at) select r.k, r.s, r.c, cast($1 as bigint) from rows(k text, s text, c text) where true
			on conflict (kind, subject) do update set carried = excluded.carried, at = excluded.at`, b, db.Micros(tx.Now))
	}
}

// keepTraceOf notes the trace under which messages were stored.
func keepTraceOf(tx *db.Tx, rows []*stored, carried string) {
	if carried == "" {
		return
	}
	of := map[string]string{}
	for _, r := range rows {
		of[r.id] = carried
	}
	keepTraces(tx, tracedInbox, of)
}

// traces reads where the traces of subjects go on, of those not older than a while.
func (s *Service) traces(ctx context.Context, kind string, subjects []string, age time.Duration) map[string]string {
	if s.need.Tracer == nil || len(subjects) == 0 {
		return nil
	}
	of := map[string]string{}
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		clear(of)
		_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
			var subject, carried string
			err := row.Scan(&subject, &carried)
			of[subject] = carried
			return struct{}{}, err
		}, `select subject, carried from traces where kind = $1 and subject in (select key from json_each($2)) and at >= $3`, kind, db.Keys(subjects), db.Micros(tx.Now.Add(-age)))
		return err
	})
	if err != nil {
		s.need.Log.Debug("traces are not followed", "err", err)
	}
	return of
}

// traceLanding ends the wait of traced messages: a span of the import for each, and the trace goes on with its order and the stock it took.
func (s *Service) traceLanding(ctx context.Context, begun time.Time, all []*arriving, landed error) {
	var ids []string
	for _, a := range all {
		ids = append(ids, a.row.id)
	}
	of := s.traces(ctx, tracedInbox, ids, traceKept)
	if len(of) == 0 {
		return
	}
	orders := map[string]string{}
	for _, a := range all {
		from := of[a.row.id]
		if from == "" {
			continue
		}
		err := landed
		if err == nil {
			err = a.bad
		}
		within, span := s.need.Tracer.Start(resumed(ctx, from), "import order", trace.WithTimestamp(begun), trace.WithAttributes(
			attribute.String("channel", a.arrival.Account.Channel), attribute.String("account", a.arrival.Account.Name), attribute.String("source", a.row.source),
			attribute.String("order", a.landed.OrderID), attribute.String("number", a.landed.Number), attribute.Int("batch", len(all))))
		failed(span, err)
		span.End()
		if err == nil && a.landed.OrderID != "" && a.landed.Decision != channel.Stuck {
			orders[a.landed.OrderID] = carried(within)
		}
	}
	if len(orders) == 0 {
		return
	}
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		keepTraces(tx, tracedOrder, orders)
		variants, err := s.need.VariantsIn(tx, slices.Sorted(maps.Keys(orders)))
		if err != nil {
			return err
		}
		of := map[string]string{}
		for order, list := range variants {
			for _, v := range list {
				of[v] = orders[order]
			}
		}
		keepTraces(tx, tracedVariant, of)
		return nil
	})
	if err != nil {
		s.need.Log.Debug("traces are not followed", "err", err)
	}
}

// tracePushes says in the trace of each order whose stock they show what became of pushes.
func (s *Service) tracePushes(ctx context.Context, o *opened, begun time.Time, all []push, verdicts []channel.Verdict, callErr error) {
	var variants []string
	for _, p := range all {
		variants = append(variants, p.variant)
	}
	of := s.traces(ctx, tracedVariant, variants, tracedStock)
	for i, p := range all {
		from := of[p.variant]
		if from == "" {
			continue
		}
		err := callErr
		if i < len(verdicts) {
			err = verdicts[i].Err
		}
		_, span := s.need.Tracer.Start(resumed(ctx, from), "push stock", trace.WithTimestamp(begun), trace.WithAttributes(o.traced()...),
			trace.WithAttributes(attribute.String("sku", p.offer.SKU), attribute.Int64("quantity", p.quantity), attribute.Int("batch", len(all))))
		failed(span, err)
		span.End()
	}
}

// forgetTraces deletes what nobody follows any more.
func forgetTraces(tx *db.Tx) {
	tx.Send(`delete from traces where at < $1`, db.Micros(tx.Now.Add(-traceKept)))
}
