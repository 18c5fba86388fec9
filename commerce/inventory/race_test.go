package inventory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// watch looks for a level with more reserved than on hand until stop is closed, and says how often it looked.
func (s *shop) watch(stop <-chan struct{}) (looked int) {
	for {
		select {
		case <-stop:
			return looked
		default:
		}
		err := s.d.Read(context.Background(), func(tx *db.Tx) error {
			bad, err := db.All(tx, func(row db.Scanner) (x string, err error) { return x, row.Scan(&x) },
				`select variant_id from stock_levels where reserved > 0 and reserved > on_hand`)
			if len(bad) > 0 {
				s.Errorf("more reserved than on hand: %v", bad)
			}
			return err
		})
		if err != nil {
			s.Error(err)
		}
		looked++
	}
}

// crowd runs n buyers, eight at a time, while somebody watches.
func (s *shop) crowd(n int, buy func(i int) error) {
	s.Helper()
	stop, watched := make(chan struct{}), make(chan int)
	go func() { watched <- s.watch(stop) }()
	var wg sync.WaitGroup
	turns := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range turns {
				if err := buy(i); err != nil {
					s.Error(err)
				}
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	wg.Wait()
	close(stop)
	if <-watched == 0 {
		s.Error("nobody watched")
	}
}

func TestRace(t *testing.T) {
	t.Parallel()
	t.Run("300 buyers on three channels share 40 units", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 25)
			s.put("shirt", s.a, 10)
			s.put("shirt", s.b, 5)
			channels := [][]string{{s.w, s.a, s.b}, {s.b, s.a, s.w}, {s.a, s.w, s.b}}
			var mu sync.Mutex
			granted, short := int64(0), int64(0)
			s.crowd(300, func(i int) error {
				d := s.line(fmt.Sprint(i), "shirt", 1, int64(i))
				d.Prefer = channels[i%3]
				if i%3 == 2 { // the own site promises, marketplaces have sold already
					d.Holder, d.OrderID, d.Sold, d.Partial = stock.ByCart, "", false, false
				}
				var out stock.Outcome
				err := s.d.Write(context.Background(), func(tx *db.Tx) (err error) {
					out, err = s.s.Reserve(tx, []stock.Demand{d})
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				for _, g := range out.Grants {
					granted += g.Quantity
				}
				for _, g := range out.Shortages {
					short += g.Quantity
				}
				return err
			})
			same(t, []int64{40, 260}, []int64{granted, short})
			same(t, []string{"25/25", "10/10", "5/5"}, []string{s.at("shirt", s.w), s.at("shirt", s.a), s.at("shirt", s.b)})
			s.proof()
		})
	})
	t.Run("baskets in any order, cancels and facts never wait for each other for ever", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			const skus = 6
			for i := range skus {
				s.put(fmt.Sprint("sku", i), s.w, 30)
				s.put(fmt.Sprint("sku", i), s.a, 30)
			}
			s.crowd(160, func(i int) error {
				rnd := rand.New(rand.NewPCG(7, uint64(i)))
				return s.d.Write(context.Background(), func(tx *db.Tx) error { return s.anything(tx, rnd, i, skus) })
			})
			s.proof()
		})
	})
}

// anything is a basket, a cancel of an earlier one, or a sale at the till.
func (s *shop) anything(tx *db.Tx, rnd *rand.Rand, i, skus int) error {
	switch i % 4 {
	case 3:
		var ms []stock.Movement
		for _, sku := range rnd.Perm(skus)[:3] {
			ms = append(ms, stock.Movement{
				Variant: fmt.Sprint("sku", sku), Location: []string{s.w, s.a}[rnd.IntN(2)], Delta: -2, Kind: stock.MoveTillSale,
				RefKind: "pos", RefID: fmt.Sprint(i),
			})
		}
		return s.s.Move(tx, ms)
	case 2:
		return s.s.Release(tx, []inventory.Release{{Holder: stock.ByLine, HolderID: fmt.Sprint(i - 2)}})
	}
	var ds []stock.Demand
	for _, sku := range rnd.Perm(skus)[:4] {
		d := s.line(fmt.Sprint(i), fmt.Sprint("sku", sku), 1+rnd.Int64N(3), int64(i))
		rnd.Shuffle(len(d.Prefer), func(x, y int) { d.Prefer[x], d.Prefer[y] = d.Prefer[y], d.Prefer[x] })
		ds = append(ds, d)
	}
	_, err := s.s.Reserve(tx, ds)
	return err
}
