package cart_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/shop/shoptest"
)

// walker does what buyers, banks, clocks and broken lines do, in any order.
type walker struct {
	*house
	rnd    *rand.Rand
	tokens []string
	demand map[string]string // token → SKU
	did    []string
}

// Whatever happened on the way, at the end every cart is placed with its money taken once and one order that holds its stock, or it is open and neither money nor stock is kept.
func TestWalk_any_order_of_events_ends_in_one_order_and_its_money_or_in_neither(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				w := &walker{house: h, rnd: rand.New(rand.NewPCG(seed, 11)), demand: map[string]string{}}
				w.start()
				for range 160 {
					w.step()
				}
				w.settle()
				w.check()
				if h.Failed() {
					h.Log(strings.Join(w.did, " "))
				}
			})
		})
	}
}

// start opens carts whose totals make the demo provider take, ask, wait and decline.
func (w *walker) start() {
	w.Write(func(tx *db.Tx) error {
		for sku, price := range map[string]int64{
			shoptest.Tea: 30000, shoptest.Shirt: 150000 + demo.Challenge, shoptest.Set: 190000 + demo.Slow, shoptest.Cap: 49900 + demo.InsufficientFunds,
		} {
			if _, err := tx.Exec(`update prices set amount = $2 where variant_id = $1`, w.Variants[sku], price); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range 10 {
		sku := []string{shoptest.Tea, shoptest.Shirt, shoptest.Set, shoptest.Cap, shoptest.Shirt}[i%5]
		token, _ := w.Filled([]string{"demo", "demo", "demo", "cod"}[i%4], map[string]int64{sku: 1})
		w.tokens = append(w.tokens, token)
		w.demand[token] = sku
	}
}

func (w *walker) payment() string {
	return fmt.Sprintf("dp_%06d", 1+w.rnd.IntN(max(1, w.Provider.Len())))
}

func (w *walker) step() {
	ctx := context.Background()
	what := w.rnd.IntN(12)
	w.did = append(w.did, fmt.Sprint(what))
	switch what {
	case 0, 1, 2, 3:
		_, err := w.Cart.Place(ctx, w.wish(w.tokens[w.rnd.IntN(len(w.tokens))], fmt.Sprint("k", w.rnd.IntN(4))))
		w.allowed(err)
	case 4:
		w.Provider.Approve(w.payment())
	case 5:
		w.Provider.Reject(w.payment())
	case 6:
		for _, d := range w.Provider.Deliveries(w.payment()) {
			w.allowed(w.Cart.Receive(ctx, w.Store, "demo", d.Header, d.Body))
		}
	case 7:
		_, err := w.Cart.Recover(ctx, 100)
		w.allowed(err)
	case 8:
		w.clock.Advance(time.Duration(w.rnd.IntN(420)) * time.Second)
		_, err := w.Stock.Expire(ctx, 100)
		w.Must(err)
	case 9:
		calls := []string{"authorize", "capture", "void", "find", "read"}
		w.Provider.Fault([]string{demo.ServerError, demo.LostAnswer}[w.rnd.IntN(2)], calls[w.rnd.IntN(len(calls))], 1)
	case 10:
		w.Import = w.Connect.Direct
		if w.rnd.IntN(2) == 0 {
			w.Import = func(context.Context, string, channel.Change) (channel.Landing, error) {
				return channel.Landing{}, fault.New(fault.Unavailable, "killed")
			}
		}
	case 11:
		w.poll()
	}
}

// allowed fails the test on an error that a buyer or a provider should not see.
func (w *walker) allowed(err error) {
	w.Helper()
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Unavailable:
	default:
		w.Must(err)
	}
}

func (w *walker) poll() {
	ctx := context.Background()
	_, err := w.Connect.Poll(ctx, w.Account.ID)
	w.Must(err)
	for n := 1; n > 0; {
		n, err = w.Connect.ImportOnce(ctx)
		w.Must(err)
	}
}

// settle lets everything come to its end.
func (w *walker) settle() {
	for _, name := range []string{demo.ServerError, demo.LostAnswer} {
		for _, call := range []string{"authorize", "capture", "void", "find", "read"} {
			w.Provider.Fault(name, call, 0)
		}
	}
	w.Import = w.Connect.Direct
	for range 3 {
		w.clock.Advance(20 * time.Minute)
		w.restore()
		_, err := w.Stock.Expire(context.Background(), 100)
		w.Must(err)
	}
	w.poll()
}

func (w *walker) check() {
	w.Helper()
	placed, want := 0, map[string]int{}
	for _, token := range w.tokens {
		switch v := w.view(token); v.State {
		case cart.Placed:
			placed++
			want[w.demand[token]]++
			if v.Order == "" {
				w.Error("a placed cart does not know its order")
			}
		case cart.Open:
		default:
			w.Errorf("a cart is %s", v.State)
		}
	}
	want[shoptest.Shirt], want[shoptest.Cap] = want[shoptest.Shirt]+want[shoptest.Set], want[shoptest.Cap]+2*want[shoptest.Set]
	w.same([]string{fmt.Sprint("40/", want[shoptest.Shirt]), fmt.Sprint("3/", want[shoptest.Cap]), fmt.Sprint("100/", want[shoptest.Tea])},
		[]string{w.Levels(shoptest.Shirt), w.Levels(shoptest.Cap), w.Levels(shoptest.Tea)})
	taken := 0
	for i := range w.Provider.Len() {
		p := w.Provider.Read(fmt.Sprintf("dp_%06d", i+1))
		switch p.State {
		case gateway.Captured:
			taken++
		case gateway.Voided, gateway.Declined, gateway.Refunded, gateway.Expired:
		default:
			w.Errorf("payment %s is left %s", p.External, p.State)
		}
	}
	cards := 0
	w.Read(func(tx *db.Tx) error {
		all, err := w.Orders.List(tx, order.Filter{}, "", 100)
		w.same(placed, len(all.Items))
		for _, h := range all.Items {
			if h.COD {
				continue
			}
			cards++
			if h.PayState != order.Paid {
				w.Errorf("order %s is %s", h.Number, h.PayState)
			}
		}
		if err == nil {
			var wrong []string
			wrong, err = w.Stock.Verify(tx)
			for _, x := range wrong {
				w.Error(x)
			}
		}
		return err
	})
	w.same(cards, taken)
	w.Logf("%d placed, %d by card, %d payments", placed, cards, w.Provider.Len())
}
