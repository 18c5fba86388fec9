package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// captured is what one group of orders writes on its way in.
type captured struct {
	store  *writing // a webhook stored
	land   *writing // stored payloads imported
	both   *writing // from nothing to the order
	stored rowset   // how a stored payload looks
}

// capture runs a small house and reads back what a group of 64 orders wrote. The rows are the same on both engines.
func capture(ctx context.Context) (c captured, err error) {
	p, err := newPlace(ctx, sqlite)
	if err != nil {
		return c, err
	}
	defer p.close()
	url, err := p.fresh(ctx)
	if err != nil {
		return c, err
	}
	h, err := newHouse(ctx, url, p.data(), 500)
	if err != nil {
		return c, err
	}
	defer h.app.Close()
	var at [3]map[string]table
	for range 2 { // the second group meets a house that has settled in
		for i, step := range []func() error{
			func() error { return nil },
			func() error { return h.store(ctx, group) },
			func() error { return h.importAll(ctx, 1, nil) },
		} {
			if err := step(); err != nil {
				return c, err
			}
			if at[i], err = snapshot(ctx, url); err != nil {
				return c, err
			}
		}
	}
	if c.store, err = difference(at[0], at[1], group); err != nil {
		return c, err
	}
	if c.land, err = difference(at[1], at[2], group); err != nil {
		return c, err
	}
	if c.both, err = difference(at[0], at[2], group); err != nil {
		return c, err
	}
	for _, s := range c.store.inserts {
		if s.table == "inbox" {
			c.stored = s
		}
	}
	return c, nil
}

// importAll imports what is stored, with so many importers beside each other, counting orders.
func (h *house) importAll(ctx context.Context, workers int, n *atomic.Int64) error {
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for i := range workers {
		wg.Go(func() {
			var took int
			took, errs[i] = h.app.Connect.ImportAll(ctx)
			if n != nil {
				n.Add(int64(took))
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// restocker is a bare program that needs stored payloads to mark.
type restocker interface {
	bare
	restock(ctx context.Context, n int) error
}

// newBare makes the bare program of an engine.
func newBare(ctx context.Context, p *place, w *writing, stored *rowset, indexes bool) (restocker, error) {
	if p.engine == sqlite {
		return newBareSQLite(ctx, p.dir, w, stored, indexes)
	}
	url, err := p.fresh(ctx)
	if err != nil {
		return nil, err
	}
	return newBarePostgres(ctx, url, w, stored, indexes)
}

// importers is how many import beside each other where nothing is said.
func (h *house) importers(s settings) int {
	if s.workers > 0 {
		return s.workers
	}
	return h.app.Connect.Importers()
}

// measureImport has stored payloads imported, in slices that take turns with the limit's.
func measureImport(ctx context.Context, s settings, r *Result) error {
	c, err := capture(ctx)
	if err != nil {
		return fmt.Errorf("what a group writes: %w", err)
	}
	p, h, leave, err := newBusiness(ctx, s.engine, skuCount)
	if err != nil {
		return err
	}
	defer leave()
	program, err := newBare(ctx, p, c.land, &c.stored, false)
	if err != nil {
		return err
	}
	defer program.close()
	l := &limit{w: c.land, program: program}
	if err := h.store(ctx, 4*group); err != nil {
		return err
	}
	if err := h.importAll(ctx, h.importers(s), nil); err != nil { // warm: statements are prepared, numbers are there
		return err
	}
	var n atomic.Int64
	var spent, used time.Duration
	for spent < s.duration {
		if err := h.store(ctx, 24*group); err != nil {
			return err
		}
		start, cpu := time.Now(), cpuTime()
		if err := s.profiled(func() error { return h.importAll(ctx, h.importers(s), &n) }); err != nil {
			return err
		}
		took := time.Since(start)
		spent, used = spent+took, used+cpuTime()-cpu
		if err := program.restock(ctx, int(20000*took.Seconds())); err != nil {
			return err
		}
		if err := l.slice(ctx, took); err != nil {
			return err
		}
		s.profile = nil // one slice is enough
	}
	bad, err := h.count(ctx, `select count(*) from inbox where state <> 'done'`)
	if err != nil {
		return err
	}
	if bad != 0 {
		return fmt.Errorf("%d of %d payloads were not imported", bad, n.Load())
	}
	r.Ours, r.Limit = float64(n.Load())/spent.Seconds(), l.perSecond()
	r.judge(c.land, s.engine)
	r.Detail["ours_cpu_us"], r.Detail["limit_cpu_us"] = micros(used, n.Load()), micros(l.cpu, l.orders.Load())
	r.atLeast(0.6)
	return indexed(ctx, p, c, r)
}

// indexed says what the same rows cost with the secondary indexes of the real schema, which the limit does without.
func indexed(ctx context.Context, p *place, c captured, r *Result) error {
	program, err := newBare(ctx, p, c.land, &c.stored, true)
	if err != nil {
		return err
	}
	defer program.close()
	l := &limit{w: c.land, program: program}
	if err := program.restock(ctx, 10_000); err != nil {
		return err
	}
	if err := l.slice(ctx, time.Second); err != nil {
		return err
	}
	r.Detail["with_indexes"], r.Detail["with_indexes_cpu_us"] = l.perSecond(), micros(l.cpu, l.orders.Load())
	return nil
}

// judge says whether the limit is one.
func (r *Result) judge(w *writing, engine string) {
	r.Detail["rows_per_order"] = w.rows()
	r.Detail["limit_must_reach"] = w.least(engine)
	if r.Limit < w.least(engine) {
		r.Void = fmt.Sprintf("the limit reached %.0f of the %.0f/s that %.1f rows an order must on an idle machine", r.Limit, w.least(engine), w.rows())
	}
}

// micros is time per piece, in microseconds.
func micros(d time.Duration, n int64) float64 { return float64(d.Microseconds()) / float64(max(1, n)) }
