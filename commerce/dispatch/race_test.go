package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestRace has a thousand cancellations race the hand-over scans of the same parcels: exactly one of the two wins each.
func TestRace(t *testing.T) {
	t.Parallel()
	const orders = 1000
	each(t, func(h *house) {
		n := orders
		if testing.Short() {
			n = 50
		}
		h.put("SHIRT", h.wh, int64(n))
		type pair struct{ order, shipment string }
		var all []pair
		for i := range n {
			v := h.landed(fmt.Sprintf("race-%d", i), []item{{"SHIRT", 1}})
			all = append(all, pair{order: v.ID})
		}
		h.settle()
		for i := range all {
			ids := h.packAll(all[i].order)
			h.waybill(ids...)
			all[i].shipment = ids[0]
		}
		var shipped, cancelled, both, neither atomic.Int64
		var wg sync.WaitGroup
		gate := make(chan pair)
		for range 4 {
			wg.Go(func() {
				for p := range gate {
					var err1, err2 error
					var two sync.WaitGroup
					racers := []func(){
						func() { _, err1 = h.dispatch.HandOver(ctx, p.shipment, "amna", start) },
						func() {
							_, err2 = h.order.Cancel(ctx, order.Cancelling{Order: p.order, Reason: "changed my mind", Initiator: "buyer", Actor: "buyer"})
						},
					}
					rand.Shuffle(2, func(i, j int) { racers[i], racers[j] = racers[j], racers[i] })
					two.Go(racers[0])
					two.Go(racers[1])
					two.Wait()
					for _, err := range []error{err1, err2} {
						if err != nil && !fault.Is(err, fault.Conflict) {
							t.Error(err)
						}
					}
					switch {
					case err1 == nil && err2 == nil:
						both.Add(1)
					case err1 == nil:
						shipped.Add(1)
					case err2 == nil:
						cancelled.Add(1)
					default:
						neither.Add(1)
					}
				}
			})
		}
		for _, p := range all {
			gate <- p
		}
		close(gate)
		wg.Wait()
		if both.Load() != 0 || neither.Load() != 0 || shipped.Load()+cancelled.Load() != int64(n) {
			t.Fatalf("%d shipped, %d cancelled, %d both, %d neither", shipped.Load(), cancelled.Load(), both.Load(), neither.Load())
		}
		t.Logf("%d shipped, %d cancelled", shipped.Load(), cancelled.Load())
		h.settle()
		same(h, fmt.Sprintf("%d/0", cancelled.Load()), h.at("SHIRT", h.wh))
		count := func(query string) int64 {
			return read(h, func(tx *db.Tx) (int64, error) {
				return db.One(tx, func(row db.Scanner) (n int64, err error) { err = row.Scan(&n); return n, err }, query)
			})
		}
		same(h, shipped.Load(), count(`select count(*) from dispatch_shipments s join fulfillment_orders f on f.id = s.fulfillment_id join orders o on o.id = s.order_id
			where s.state = 'handed_over' and f.state = 'handed_over' and o.state = 'shipped' and o.units_shipped = 1`))
		same(h, cancelled.Load(), count(`select count(*) from dispatch_shipments s join fulfillment_orders f on f.id = s.fulfillment_id join orders o on o.id = s.order_id
			where s.state = 'cancelled' and f.state = 'cancelled' and o.state = 'cancelled' and o.units_cancelled = 1`))
		h.proof()
	})
}
