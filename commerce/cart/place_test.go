package cart_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/web/shop/shoptest"
)

// house is a shop whose clock stands still until it is told.
type house struct {
	*shoptest.House
	*testing.T
	clock *dbtest.Clock
}

// each runs a story in a shop of its own, on both engines.
func each(t *testing.T, story func(h *house)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...dbtest.Config) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
			story(&house{shoptest.New(t, open(t, dbtest.Config{Now: clock.Now})), t, clock})
		})
	}
}

func (h *house) wish(token, key string) cart.Wish {
	return cart.Wish{Edit: cart.Edit{Store: h.Store, Token: token}, Key: key}
}

func (h *house) place(token, key string) cart.Answer {
	h.Helper()
	a, err := h.Cart.Place(context.Background(), h.wish(token, key))
	h.Must(err)
	return a
}

func (h *house) view(token string) cart.View {
	h.Helper()
	v, err := h.Cart.Get(context.Background(), h.Store, token)
	h.Must(err)
	return v
}

func (h *house) restore() cart.Recovered {
	h.Helper()
	n, err := h.Cart.Recover(context.Background(), 100)
	h.Must(err)
	return n
}

func (h *house) payState(number string) (state string) {
	h.Helper()
	h.Read(func(tx *db.Tx) error {
		o, err := h.Orders.Get(tx, number)
		state = string(o.PayState)
		return err
	})
	return state
}

func (h *house) same(want, got any) {
	h.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		h.Errorf("want -, got +\n%s", diff)
	}
}

func code(err error) string { return fault.KindOf(err).String() + " " + fault.CodeOf(err) }

// priced makes the total of a demo payment end as wanted: the price of tea is what is missing.
func (h *house) priced(ending int64) map[string]int64 {
	h.Helper()
	h.Write(func(tx *db.Tx) error {
		_, err := tx.Exec(`update prices set amount = $2 where variant_id = $1`, h.Variants[shoptest.Tea], 30000+ending)
		return err
	})
	return map[string]int64{shoptest.Tea: 1}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	t.Run("a cart paid in cash becomes one order with its number at once, and its hold becomes the order's reservation", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, v := h.Filled("cod", map[string]int64{shoptest.Shirt: 2, shoptest.Tea: 1})
			h.same(money.Of(345100, "PKR"), v.Totals.Total) // 3000.00 + 250.50 + 200.00 = 3450.50, to the rupee
			a := h.place(token, "k1")
			h.same([]string{cart.Placed, "due"}, []string{a.State, a.Payment})
			h.Read(func(tx *db.Tx) error {
				o, err := h.Orders.Get(tx, a.Number)
				if err != nil {
					return err
				}
				if o.Totals.Total != v.Totals.Total || o.Totals.Difference != nil || len(o.Held) != 0 || !o.COD || !o.AddressOK {
					h.Errorf("order %+v %+v held %+v", o.Head, o.Totals, o.Held)
				}
				return nil
			})
			h.same([]string{"40/2", "100/1"}, []string{h.Levels(shoptest.Shirt), h.Levels(shoptest.Tea)})
			for _, key := range []string{"k1", "another key"} {
				again := h.place(token, key)
				h.same(a.Number, again.Number)
			}
			h.same(1, h.Count())
		})
	})
	t.Run("a checkout that is short names the lines, and keeps nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("cod", map[string]int64{shoptest.Shirt: 1, shoptest.Cap: 4})
			_, err := h.Cart.Place(context.Background(), h.wish(token, "k1"))
			var no *cart.Refusal
			if !errors.As(err, &no) || fault.KindOf(err) != fault.Conflict {
				h.Fatalf("%v", err)
			}
			h.same([]cart.ShortLine{{SKU: shoptest.Cap, Title: "Cap", Wanted: 4, Left: 3}}, no.Lines)
			h.same([]string{"40/0", "3/0", cart.Open}, []string{h.Levels(shoptest.Shirt), h.Levels(shoptest.Cap), h.view(token).State})
		})
	})
	t.Run("a kit holds its parts, and is short when one of them is", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, v := h.Filled("cod", map[string]int64{shoptest.Set: 1})
			h.same(int64(1), v.Totals.Lines[0].Stock.Available) // three caps make one set
			h.place(token, "k1")
			h.same([]string{"40/1", "3/2"}, []string{h.Levels(shoptest.Shirt), h.Levels(shoptest.Cap)})
			token, _ = h.Filled("cod", map[string]int64{shoptest.Set: 1})
			_, err := h.Cart.Place(context.Background(), h.wish(token, "k1"))
			var no *cart.Refusal
			if !errors.As(err, &no) {
				h.Fatalf("%v", err)
			}
			h.same([]cart.ShortLine{{SKU: shoptest.Set, Title: "Set", Wanted: 1, Left: 0}}, no.Lines)
		})
	})
	t.Run("what lacks something, costs another sum or was seen in another version is refused", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ctx := context.Background()
			token, v, err := h.Cart.Create(ctx, h.Store, "ur")
			h.Must(err)
			h.same([]string{"lines", "buyer", "delivery", "payment"}, v.Missing)
			_, err = h.Cart.Place(ctx, h.wish(token, "k"))
			h.same("lines", fault.FieldOf(err))
			token, _ = h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			w := h.wish(token, "k")
			w.Version = 2
			_, err = h.Cart.Place(ctx, w)
			h.same("conflict stale", code(err))
			w = h.wish(token, "k")
			w.Total = money.Of(100, "PKR")
			_, err = h.Cart.Place(ctx, w)
			h.same("conflict price_changed", code(err))
			w.Total = money.Of(100, "EUR")
			_, err = h.Cart.Place(ctx, w)
			h.same("total", fault.FieldOf(err))
			w = h.wish(token, "")
			_, err = h.Cart.Place(ctx, w)
			h.same("Idempotency-Key", fault.FieldOf(err))
			_, err = h.Cart.Place(ctx, h.wish("nobody's", "k"))
			h.same("unauthorized no_cart", code(err))
			h.same(0, h.Count())
		})
	})
	t.Run("a key used for another wish is refused", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			h.place(token, "k1")
			w := h.wish(token, "k1")
			w.Return = "https://shop.example/back"
			_, err := h.Cart.Place(context.Background(), w)
			h.same("invalid key_reused", code(err))
		})
	})
	t.Run("fifty clicks at once make one order", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", map[string]int64{shoptest.Tea: 1})
			var mu sync.Mutex
			numbers := map[string]int{}
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					a, err := h.Cart.Place(context.Background(), h.wish(token, fmt.Sprint("k", i%2)))
					mu.Lock()
					defer mu.Unlock()
					if err != nil && fault.CodeOf(err) != "stale" {
						h.Error(err)
					}
					if a.Number != "" {
						numbers[a.Number]++
					}
				})
			}
			wg.Wait()
			if len(numbers) != 1 || h.Count() != 1 || h.Provider.Len() != 1 {
				h.Errorf("numbers %v, %d orders, %d payments", numbers, h.Count(), h.Provider.Len())
			}
			h.same("100/1", h.Levels(shoptest.Tea))
		})
	})
}

func TestPayment(t *testing.T) {
	t.Parallel()
	t.Run("a card is authorized, the order placed, and only then the money taken", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", h.priced(0))
			a := h.place(token, "k1")
			h.same([]string{"paid", "paid"}, []string{a.Payment, h.payState(a.Number)})
			p := h.Provider.Read("dp_000001")
			h.same([]any{money.Of(50000, "PKR"), p.Amount}, []any{p.Captured, p.Captured})
		})
	})
	t.Run("a declined card gives the stock back, says so again for the same key, and leaves the buyer another way", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", h.priced(51))
			for range 2 {
				_, err := h.Cart.Place(context.Background(), h.wish(token, "k1"))
				h.same("conflict declined", code(err))
			}
			h.same([]any{cart.Open, "100/0", 1}, []any{h.view(token).State, h.Levels(shoptest.Tea), h.Provider.Len()})
			_, err := h.Cart.SetPayment(context.Background(), cart.Edit{Store: h.Store, Token: token}, "cod")
			h.Must(err)
			h.same("due", h.place(token, "k2").Payment)
		})
	})
	t.Run("a buyer who has to confirm is sent there, and the order is placed when they come back", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", h.priced(33))
			a := h.place(token, "k1")
			if a.State != cart.Placing || a.Payment != "action" || !strings.Contains(a.Redirect, "dp_000001") {
				h.Fatalf("%+v", a)
			}
			h.same("100/1", h.Levels(shoptest.Tea))
			h.Provider.Approve("dp_000001")
			a = h.place(token, "k1")
			h.same([]string{cart.Placed, "paid", "paid"}, []string{a.State, a.Payment, h.payState(a.Number)})
		})
	})
	t.Run("the provider's webhook places the order of a buyer who does not come back, however often it comes", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ctx := context.Background()
			token, _ := h.Filled("demo", h.priced(33))
			h.place(token, "k1")
			h.Provider.Approve("dp_000001")
			for _, d := range h.Provider.Deliveries("dp_000001") {
				forged := append([]byte(nil), d.Body...)
				forged[len(forged)-2] ^= 1
				h.same("unauthorized ", code(h.Cart.Receive(ctx, h.Store, "demo", d.Header, forged)))
				h.same(0, h.Count())
				for range 3 {
					h.Must(h.Cart.Receive(ctx, h.Store, "demo", d.Header, d.Body))
				}
			}
			h.same([]any{cart.Placed, 1}, []any{h.view(token).State, h.Count()})
		})
	})
	t.Run("recovery places what was confirmed, and opens again what was refused", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			yes, _ := h.Filled("demo", h.priced(33))
			h.place(yes, "k1")
			no, _ := h.Filled("demo", h.priced(33))
			h.place(no, "k1")
			h.Provider.Approve("dp_000001")
			h.Provider.Reject("dp_000002")
			h.clock.Advance(time.Minute)
			h.same(cart.Recovered{Completed: 1}, h.restore())
			h.same([]any{cart.Placed, cart.Open, 1, "100/1"}, []any{h.view(yes).State, h.view(no).State, h.Count(), h.Levels(shoptest.Tea)})
			h.same(cart.Recovered{}, h.restore())
		})
	})
	t.Run("a buyer who never confirms gives the stock back, and the payment can no longer be confirmed", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", h.priced(33))
			h.place(token, "k1")
			h.clock.Advance(14 * time.Minute)
			h.same(cart.Recovered{Undone: 1}, h.restore())
			h.Provider.Approve("dp_000001")
			h.same([]string{cart.Open, "100/0", "voided"}, []string{h.view(token).State, h.Levels(shoptest.Tea), string(h.Provider.Read("dp_000001").State)})
		})
	})
	t.Run("money that comes after the checkout is over is let go", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", h.priced(33))
			h.place(token, "k1")
			h.Provider.Approve("dp_000001")
			h.clock.Advance(13 * time.Minute)
			_, err := h.Cart.Place(context.Background(), h.wish(token, "k1"))
			h.same("conflict hold_expired", code(err))
			h.same([]any{cart.Open, "voided", 0, "100/0"}, []any{h.view(token).State, string(h.Provider.Read("dp_000001").State), h.Count(), h.Levels(shoptest.Tea)})
		})
	})
	for _, call := range []string{"authorize", "capture"} {
		t.Run("the lost answer of "+call+" is found: money is taken once", func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				token, _ := h.Filled("demo", h.priced(0))
				h.Provider.Fault("lost_answer", call, 1)
				a := h.place(token, "k1")
				h.same([]any{"paid", 1, "paid"}, []any{a.Payment, h.Provider.Len(), h.payState(a.Number)})
			})
		})
	}
	t.Run("a provider that is down holds the stock for the next try, and recovery gives it back", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", h.priced(0))
			h.Provider.Fault("server_error", "", -1)
			_, err := h.Cart.Place(context.Background(), h.wish(token, "k1"))
			h.same(fault.Unavailable, fault.KindOf(err))
			h.same([]string{cart.Placing, "100/1"}, []string{h.view(token).State, h.Levels(shoptest.Tea)})
			h.clock.Advance(14 * time.Minute)
			if _, err := h.Cart.Recover(context.Background(), 10); !fault.Is(err, fault.Unavailable) {
				h.Errorf("undone without asking the provider: %v", err)
			}
			h.Provider.Fault("server_error", "", 0)
			h.clock.Advance(time.Minute)
			h.same(cart.Recovered{Undone: 1}, h.restore())
			h.same([]string{cart.Open, "100/0"}, []string{h.view(token).State, h.Levels(shoptest.Tea)})
			h.same("paid", h.place(token, "k2").Payment)
		})
	})
	t.Run("a capture that fails leaves an authorized order, and recovery takes the money and tells the order", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("demo", h.priced(0))
			h.Provider.Fault("server_error", "capture", 1)
			a := h.place(token, "k1")
			h.same([]string{"authorized", "authorized"}, []string{a.Payment, h.payState(a.Number)})
			h.clock.Advance(2 * time.Minute)
			h.same(cart.Recovered{Captured: 1}, h.restore())
			h.same("paid", h.payState(a.Number))
			h.same(cart.Recovered{}, h.restore())
		})
	})
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	t.Run("a placed cart whose import was killed comes in by the poll, once, and knows its number", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ctx := context.Background()
			h.Import = func(context.Context, string, channel.Change) (channel.Landing, error) {
				return channel.Landing{}, fault.New(fault.Unavailable, "killed")
			}
			token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			a := h.place(token, "k1")
			h.same([]any{cart.Placed, "", 0}, []any{a.State, a.Number, h.Count()})
			for range 2 {
				_, err := h.Connect.Poll(ctx, h.Account.ID)
				h.Must(err)
				_, err = h.Connect.ImportOnce(ctx)
				h.Must(err)
			}
			h.same([]any{1, "100/1"}, []any{h.Count(), h.Levels(shoptest.Tea)})
			h.Import = h.Connect.Direct
			h.clock.Advance(2 * time.Minute)
			h.same(cart.Recovered{Landed: 1}, h.restore())
			h.same(1, h.Count())
			if a = h.place(token, "k1"); a.Number == "" {
				h.Errorf("%+v", a)
			}
		})
	})
	t.Run("an order that cannot come in is tried again at longer and longer intervals", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			tries := 0
			h.Import = func(context.Context, string, channel.Change) (channel.Landing, error) {
				tries++
				return channel.Landing{Decision: channel.Stuck, Cause: "undecodable"}, nil
			}
			token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			h.place(token, "k1")
			for range 60 {
				h.clock.Advance(time.Minute)
				if _, err := h.Cart.Recover(context.Background(), 10); err != nil && !fault.Is(err, fault.Conflict) {
					h.Error(err)
				}
			}
			if tries < 5 || tries > 8 {
				h.Errorf("%d tries in an hour", tries)
			}
		})
	})
	t.Run("the poll resumes from every cursor without missing one", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ctx := context.Background()
			for range 5 {
				token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
				h.place(token, "k1")
				h.clock.Advance(90 * time.Second)
			}
			list := func(since channel.Cursor) (ids []string, cursors []channel.Cursor) {
				for c, err := range h.Cart.Placed(ctx, h.Account.ID, since) {
					h.Must(err)
					ids, cursors = append(ids, c.External), append(cursors, c.Cursor)
				}
				return ids, cursors
			}
			all, cursors := list("")
			h.same(5, len(all))
			for i, at := range cursors {
				rest, _ := list(at)
				if want := all[i+1:]; len(rest) < len(want) || strings.Join(rest[len(rest)-len(want):], " ") != strings.Join(want, " ") {
					h.Errorf("after %d: %v of %v", i, rest, all)
				}
			}
			h.clock.Advance(time.Hour)
			_, cursors = list("")
			rest, _ := list(cursors[4])
			h.same(0, len(rest))
			for _, err := range h.Cart.Placed(ctx, h.Account.ID, "nonsense_1") {
				h.same("cursor", fault.FieldOf(err))
			}
			for range h.Cart.Placed(ctx, "another account", "") {
				h.Error("an order of another account")
			}
		})
	})
	t.Run("carts nobody comes back to end, and what they keep of their buyers is destroyed", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			h.clock.Advance(31 * 24 * time.Hour)
			h.same(cart.Recovered{Expired: 1}, h.restore())
			h.same(cart.Expired, h.view(token).State)
			_, err := h.Cart.Place(context.Background(), h.wish(token, "k1"))
			h.same("conflict not_open", code(err))
			h.Read(func(tx *db.Tx) error {
				left, err := db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) }, `select id from personal_keys`)
				h.same(0, len(left))
				return err
			})
		})
	})
}

func TestPersonalData(t *testing.T) {
	t.Parallel()
	t.Run("nothing of the buyer or the token stands in the tables in clear, before or after placing", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			look := func() {
				h.Helper()
				h.Read(func(tx *db.Tx) error {
					rows, err := db.All(tx, func(row db.Scanner) (string, error) {
						var a, b []byte
						var c, d, e, f string
						err := row.Scan(&a, &b, &c, &d, &e, &f)
						return string(a) + string(b) + c + d + e + f, err
					}, `select coalesce(buyer, document), coalesce(document, buyer), totals, token_hash, coalesce(proof, ''), coalesce(place_key, '') from carts`)
					for _, text := range rows {
						for _, secret := range []string{"Amina", "amina@", "300123", "Mall Road", "ring twice", token} {
							if strings.Contains(text, secret) {
								h.Errorf("%q stands in clear", secret)
							}
						}
					}
					return err
				})
			}
			look()
			h.place(token, "k1")
			look()
		})
	})
	t.Run("the proof of a buyer is number and phone together, however the phone is written", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			a := h.place(token, "k1")
			h.Read(func(tx *db.Tx) error {
				for _, phone := range []string{"03001234567", "+92 300 1234567", "0092-300-1234567"} {
					id, err := h.Cart.Prove(tx, h.Store, a.Number, phone)
					if err != nil || id == "" {
						h.Errorf("%s: %q %v", phone, id, err)
					}
				}
				for _, no := range [][2]string{{a.Number, "03001234568"}, {a.Number, ""}, {"PK-WS-999999", "03001234567"}, {"", ""}} {
					if id, err := h.Cart.Prove(tx, h.Store, no[0], no[1]); code(err) != "not_found no_order" || id != "" {
						h.Errorf("%v: %q %v", no, id, err)
					}
				}
				return nil
			})
		})
	})
	t.Run("a forgotten order is found by nobody and does not come back by the poll", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			token, _ := h.Filled("cod", map[string]int64{shoptest.Tea: 1})
			a := h.place(token, "k1")
			var external string
			h.Read(func(tx *db.Tx) error {
				o, err := h.Orders.Get(tx, a.Number)
				external = o.External
				return err
			})
			h.Write(func(tx *db.Tx) error { return h.Cart.Forget(tx, []string{external}) })
			h.Read(func(tx *db.Tx) error {
				_, err := h.Cart.Prove(tx, h.Store, a.Number, "03001234567")
				h.same("not_found no_order", code(err))
				return nil
			})
			_, err := h.Cart.One(context.Background(), h.Account.ID, external)
			h.same(fault.NotFound, fault.KindOf(err))
			for range h.Cart.Placed(context.Background(), h.Account.ID, "") {
				h.Error("it came back")
			}
		})
	})
}
