package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// buyers is how many reserve at the same time.
const buyers = 64

// measureReserve lets 64 buyers reserve one unit each, again and again, of one SKU and of ten thousand. What counts is the worse of the two.
func measureReserve(ctx context.Context, s settings, r *Result) error {
	p, h, leave, err := newBusiness(ctx, s.engine, 10_000)
	if err != nil {
		return err
	}
	defer leave()
	variants, err := h.texts(ctx, `select id from variants order by id`)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		skus int
	}{{"hot", 1}, {"many", len(variants)}} {
		w, err := captureReserve(ctx, c.skus)
		if err != nil {
			return err
		}
		program, err := newBare(ctx, p, w, nil, false)
		if err != nil {
			return err
		}
		l := &limit{w: w, program: program}
		var n atomic.Int64
		var spent time.Duration
		for spent < s.duration/2 {
			slice := min(s.duration/4, 2*time.Second)
			start := time.Now()
			if err := s.profiled(func() error { return h.reserve(ctx, variants[:c.skus], slice, &n) }); err != nil {
				return err
			}
			s.profile = nil
			spent += time.Since(start)
			if err := l.slice(ctx, slice); err != nil {
				return err
			}
		}
		ours, limit := float64(n.Load())/spent.Seconds(), l.perSecond()
		r.Detail[c.name], r.Detail[c.name+"_limit"] = ours, limit
		if r.Limit == 0 || ours/limit < r.Ours/r.Limit {
			r.Ours, r.Limit = ours, limit
		}
		if err := program.close(); err != nil {
			return err
		}
	}
	wrong, err := h.count(ctx, `select count(*) from stock_levels s left join (select variant_id, location_id, sum(quantity) as q from reservations group by variant_id, location_id) r
		on r.variant_id = s.variant_id and r.location_id = s.location_id where s.reserved <> coalesce(r.q, 0)`)
	if err != nil {
		return err
	}
	if wrong != 0 {
		return fmt.Errorf("%d levels of stock do not add up", wrong)
	}
	r.atLeast(0.5)
	return nil
}

// reserve lets buyers reserve for so long. A deadlock that surfaces ends it with an error.
func (h *house) reserve(ctx context.Context, variants []string, d time.Duration, n *atomic.Int64) error {
	var wg sync.WaitGroup
	errs := make([]error, buyers)
	start := time.Now()
	for i := range buyers {
		rnd := rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano())))
		wg.Go(func() {
			for errs[i] == nil && time.Since(start) < d {
				if errs[i] = h.reserveOne(ctx, variants[rnd.IntN(len(variants))]); errs[i] == nil {
					n.Add(1)
				}
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

func (h *house) reserveOne(ctx context.Context, variant string) error {
	return h.app.DB.Write(ctx, func(tx *db.Tx) error {
		out, err := h.app.Inventory.Reserve(tx, []stock.Demand{{
			Holder: stock.ByLine, HolderID: db.ID(), OrderID: db.ID(), Variant: variant, Quantity: 1, Rank: 1, Prefer: []string{h.location}, Sold: true,
		}})
		if err == nil && len(out.Shortages) > 0 {
			err = fmt.Errorf("%d units are short", len(out.Shortages))
		}
		return err
	})
}

// captureReserve reads back what 64 reservations write.
func captureReserve(ctx context.Context, skus int) (*writing, error) {
	p, err := newPlace(ctx, sqlite)
	if err != nil {
		return nil, err
	}
	defer p.close()
	url := "sqlite:" + filepath.Join(p.dir, "1.db")
	h, err := newHouse(ctx, url, p.data(), 500)
	if err != nil {
		return nil, err
	}
	defer h.app.Close()
	variants, err := h.texts(ctx, `select id from variants order by id limit $1`, min(skus, 500))
	if err != nil {
		return nil, err
	}
	var at [2]map[string]table
	for i := range at {
		if at[i], err = snapshot(ctx, url); err != nil {
			return nil, err
		}
		for j := range group * (1 - i) {
			if err := h.reserveOne(ctx, variants[j%len(variants)]); err != nil {
				return nil, err
			}
		}
	}
	w, err := difference(at[0], at[1], group)
	if err == nil {
		w.hot = skus == 1
	}
	return w, err
}
