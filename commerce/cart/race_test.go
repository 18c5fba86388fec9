package cart_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/shop/shoptest"
)

// 300 buyers want one shirt each, and there are 40 at two places.
func TestRace_300_buyers_for_40_units_make_40_orders_and_260_refusals_that_say_why(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		const buyers = 300
		tokens := make([]string, buyers)
		h.crowd(buyers, func(i int) {
			tokens[i], _ = h.Filled([]string{"cod", "demo"}[i%2], map[string]int64{shoptest.Shirt: 1})
		})
		stop, watched := make(chan struct{}), make(chan int)
		go func() { watched <- h.watch(stop) }()
		var mu sync.Mutex
		numbers, refused := map[string]bool{}, 0
		h.crowd(buyers, func(i int) {
			a, err := h.Cart.Place(context.Background(), h.wish(tokens[i], "k"))
			var no *cart.Refusal
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && a.Number != "":
				numbers[a.Number] = true
			case errors.As(err, &no) && len(no.Lines) == 1 && no.Lines[0].SKU == shoptest.Shirt && no.Lines[0].Left == 0:
				refused++
			default:
				h.Errorf("buyer %d: %+v %v", i, a, err)
			}
		})
		close(stop)
		if <-watched == 0 {
			h.Error("nobody watched")
		}
		h.same([]any{40, 260, 40, "40/40"}, []any{len(numbers), refused, h.Count(), h.Levels(shoptest.Shirt)})
		h.Read(func(tx *db.Tx) error {
			wrong, err := h.Stock.Verify(tx)
			for _, w := range wrong {
				h.Error(w)
			}
			return err
		})
	})
}

// crowd does something n times, eight at a time.
func (h *house) crowd(n int, do func(i int)) {
	turns := make(chan int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range turns {
				do(i)
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	wg.Wait()
}

// watch looks for a level with more reserved than on hand until stop is closed, and says how often it looked.
func (h *house) watch(stop <-chan struct{}) (looked int) {
	for {
		select {
		case <-stop:
			return looked
		default:
		}
		err := h.D.Read(context.Background(), func(tx *db.Tx) error {
			bad, err := db.All(tx, func(row db.Scanner) (x string, err error) { return x, row.Scan(&x) }, `select variant_id from stock_levels where reserved > 0 and reserved > on_hand`)
			if len(bad) > 0 {
				h.Errorf("more reserved than on hand: %v", bad)
			}
			return err
		})
		if err != nil {
			h.Error(err)
		}
		looked++
	}
}
