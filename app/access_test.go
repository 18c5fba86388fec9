package app_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/sim"
	"github.com/openclaw-pos/commerce/sim/daraz"
)

// fares is how an account stands: its state, its open cases, and what the events said of its access.
type fares struct {
	State  string
	Cases  []string
	Access []string
}

func (h *town) fares(when string, want fares) {
	h.t.Helper()
	got := fares{
		State:  ask[string](h, `select state from channel_accounts where id = $1`, h.account),
		Cases:  h.all(`select cause from exceptions where state = 'open' and subject_id = $1 order by cause`, h.account),
		Access: h.all(`select body from events where type = $1 and aggregate = $2 order by seq`, event.AccountAccess, "account:"+h.account),
	}
	for i, body := range got.Access {
		var e event.AccessChanged
		ok(h.t, json.Unmarshal([]byte(body), &e))
		got.Access[i] = e.State
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// condition is how the account fares.
func (h *town) condition() (c connect.Condition) {
	h.t.Helper()
	ok(h.t, h.a.DB.Read(context.Background(), func(tx *db.Tx) (err error) { c, err = h.a.Connect.Condition(tx, h.account); return err }))
	return c
}

// later has the partner asked again now instead of in some minutes.
func (h *town) later() {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`update account_health set probe_at = 1 where account_id = $1 and probe_at is not null`, h.account)
		return err
	})
}

// mends asks refused partners, as the schedule does, and answers how many accounts work.
func (h *town) mends() int {
	h.t.Helper()
	n, err := h.a.Connect.MendDue(context.Background())
	ok(h.t, err)
	return n
}

// refuses polls an account that is refused.
func (h *town) refuses() {
	h.t.Helper()
	if _, err := h.a.Connect.Poll(context.Background(), h.account); !fault.Is(err, fault.Unauthorized) {
		h.t.Fatalf("polling an account that is refused: %v", err)
	}
}

// TestRefusedAccount has a partner refuse our credentials in the middle of the day: what it sends is kept, what it is to be told waits, and everything goes on by itself when the
// credentials work again.
func TestRefusedAccount(t *testing.T) {
	t.Parallel()
	refused := []string{exception.AccountUnauthorized}
	t.Run("shopify takes the app back and installs it again", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			ctx := context.Background()
			h.openShopify()
			first := h.buy()
			h.read()
			h.fares("before", fares{State: "active"})
			told := ask[int64](h, `select count(*) from tells where state = 'told'`)

			second := h.buy()
			header, body, err := h.shop.Webhook("orders/create", second)
			ok(t, err)
			h.shop.Uninstall()
			h.refuses()
			h.fares("refused", fares{"unauthorized", refused, []string{"refused"}})

			// Intake goes on: the webhook is kept and becomes an order, which reserves; the outgoing work waits, and nobody calls.
			ok(t, h.a.Connect.Receive(ctx, "town-shop", header, body))
			calls := len(h.shop.Record.Entries(sim.Filter{}))
			h.work()
			if n := ask[int64](h, `select count(*) from orders where channel = 'shopify'`); n != 2 {
				t.Errorf("%d orders are here, not 2 (%s, %s)", n, first, second)
			}
			if n := ask[int64](h, `select count(*) from tells where state = 'told'`); n != told {
				t.Errorf("%d things were told while we were refused", n-told)
			}
			if n := ask[int64](h, `select count(*) from tells where state = 'intended'`); n == 0 {
				t.Error("nothing waits to be told")
			}
			if n := len(h.shop.Record.Entries(sim.Filter{})); n != calls {
				t.Errorf("%d calls were made while we were refused", n-calls)
			}
			if n, err := h.a.Connect.Poll(ctx, h.account); n != 0 || err != nil {
				t.Errorf("polled: %d %v", n, err)
			}

			// Asked too early and asked in vain it stays as it is, and is asked less and less often.
			if n := h.mends(); n != 0 {
				t.Errorf("%d accounts work before they were to be asked", n)
			}
			gap := func() int64 {
				return ask[int64](h, `select probe_at - $2 from account_health where account_id = $1`, h.account, h.a.DB.Now().UnixMicro())
			}
			h.later()
			if n := h.mends(); n != 0 {
				t.Errorf("%d accounts work that are refused", n)
			}
			soon := gap()
			h.later()
			h.mends()
			if soon <= 0 || gap() <= soon {
				t.Errorf("it is asked again in %d, then in %d µs", soon, gap())
			}
			h.fares("asked in vain", fares{"unauthorized", refused, []string{"refused"}})

			h.shop.Reinstall()
			h.later()
			if n := h.mends(); n != 1 {
				t.Fatalf("%d accounts work again", n)
			}
			h.fares("works again", fares{State: "active", Access: []string{"refused", "restored"}})
			h.expire()
			h.read()
			if n := ask[int64](h, `select count(*) from tells where state <> 'told'`); n != 0 {
				t.Errorf("%d things still wait", n)
			}
			h.shows("in the end", map[string]int{"TEA-1": 8, "RICE-5": 8, "MUG-2": 10})
		})
	})
	t.Run("a seller of Daraz takes its consent back and gives it again", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			ctx := context.Background()
			h.openDaraz()
			h.read()
			shop := h.market.Shop("")
			sell := func() {
				t.Helper()
				spec := shop.Generate(3, 1)[0]
				spec.ID, spec.Items, spec.Payment, spec.Paid, spec.VoucherSeller, spec.VoucherPlatform = "", []daraz.ItemSpec{{SKU: "TEA-1"}}, "", false, 0, 0
				_, err := shop.PlaceOrder(spec)
				ok(t, err)
			}
			for i, give := range []func(code string) error{
				func(code string) error { // a person enters it
					return h.a.Connect.Authorize(ctx, h.account, map[string]string{"code": code}, "clerk")
				},
				func(code string) error { // it is stored ahead, and activated
					var g int64
					err := h.a.DB.Write(ctx, func(tx *db.Tx) (err error) {
						g, err = h.a.Vault.Put(tx, "account:"+h.account, "code", vault.Hide(code), vault.PutOptions{Pending: true})
						return err
					})
					ok(t, err)
					if n := h.mends(); n != 0 {
						t.Errorf("%d accounts work with a code that is not in use", n)
					}
					return h.a.DB.Write(ctx, func(tx *db.Tx) error { return h.a.Vault.Activate(tx, "account:"+h.account, "code", g, 0) })
				},
			} {
				shop.Revoke()
				sell()
				h.refuses()
				if n := h.mends(); n != 0 {
					t.Errorf("%d accounts work without consent", n)
				}
				ok(t, give(shop.Authorize()))
				if n := h.mends(); n != 1 {
					t.Fatalf("%d accounts work with a new code", n)
				}
				if got := ask[string](h, `select state from channel_accounts where id = $1`, h.account); got != string(connect.Active) {
					t.Fatalf("the account is %s", got)
				}
				h.read()
				if n := ask[int64](h, `select count(*) from orders where channel = 'daraz'`); n != int64(i+1) {
					t.Errorf("%d orders are here, not %d", n, i+1)
				}
			}
			h.fares("in the end", fares{State: "active", Access: []string{"refused", "restored", "refused", "restored"}})
		})
	})
	t.Run("a person who lets it work again closes the case", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openShopify()
			h.shop.Uninstall()
			h.refuses()
			ok(t, h.a.Connect.Resume(context.Background(), h.account, "clerk"))
			h.fares("resumed", fares{State: "active", Access: []string{"refused", "restored"}})
			h.refuses()
			h.fares("refused again", fares{"unauthorized", refused, []string{"refused", "restored", "refused"}})
		})
	})
}

// TestAccessEnds has access run out where nothing renews it: a person hears of it once, ahead, and the case closes when it is renewed after all.
func TestAccessEnds(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		h.openDaraz()
		warned := func() int {
			t.Helper()
			n, err := h.a.Connect.WarnDue(ctx)
			ok(t, err)
			return n
		}
		if n := warned(); n != 0 {
			t.Fatalf("%d alarms about a token that can be renewed for months", n)
		}
		cond := h.condition()
		if cond.Refreshed.IsZero() || cond.TokenExpires.IsZero() || !cond.AccessEnds.Equal(cond.RefreshExpires) || cond.AccessEndsWhy != connect.EndsRefresh {
			t.Errorf("%+v", cond)
		}
		// Six days before the refresh token ends.
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update account_health set refresh_expires_at = $2 where account_id = $1`, h.account, db.Micros(tx.Now.AddDate(0, 0, 6)))
			return err
		})
		for i, want := range []int{1, 0} {
			if n := warned(); n != want {
				t.Fatalf("look %d raised %d alarms, not %d", i+1, n, want)
			}
		}
		h.fares("six days ahead", fares{"active", []string{exception.AccessEnding}, []string{"ending"}})
		if late := ask[int64](h, `select deadline - refresh_expires_at from exceptions, account_health where cause = 'access_ending' and state = 'open'`); late != 0 {
			t.Errorf("the case is due %d µs beside the end", late)
		}
		// The seller authorises again; the next renewal takes the new code.
		h.market.Shop("").Revoke()
		h.refuses()
		ok(t, h.a.Connect.Authorize(ctx, h.account, map[string]string{"code": h.market.Shop("").Authorize()}, "clerk"))
		h.read()
		if n := warned(); n != 0 {
			t.Errorf("%d alarms after it was renewed", n)
		}
		h.fares("renewed", fares{State: "active", Access: []string{"ending", "refused", "restored"}})

		// The partner cannot renew, time after time: that is said at once, and taken back when it can.
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update account_health set refresh_failures = 3, refresh_error = 'the partner is away' where account_id = $1`, h.account)
			return err
		})
		if n := warned(); n != 1 {
			t.Errorf("%d alarms about a token that is not renewed", n)
		}
		h.market.Shop("").ExpireTokens()
		h.read()
		warned()
		h.fares("renewed again", fares{State: "active", Access: []string{"ending", "refused", "restored", "ending"}})
	})
}

// TestMissingScopes names what the app was not granted.
func TestMissingScopes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openShopify()
		cond := h.condition()
		if len(cond.Scopes) == 0 || len(cond.Missing) != 0 {
			t.Fatalf("granted %v, missing %v", cond.Scopes, cond.Missing)
		}
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update account_health set token_scopes = 'write_orders,read_products,write_inventory,read_locations,write_returns,write_assigned_fulfillment_orders' where account_id = $1`, h.account)
			return err
		})
		cond = h.condition()
		var missing []string
		for _, m := range cond.Missing {
			missing = append(missing, m.AnyOf[0]+": "+m.For)
		}
		if diff := cmp.Diff([]string{"write_products: setting prices"}, missing); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOneRefresh has two processes, each with its own pool, vault and caches on one PostgreSQL database, find their token refused at the same moment: one of them renews it, with a
// refresh token that works once, and both go on.
func TestOneRefresh(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := &town{t: t, url: dbtest.PostgresURL(t), data: t.TempDir(), variants: map[string]string{}, gate: &gate{}}
	h.open()
	t.Cleanup(func() { ok(t, h.a.Close()) })
	h.build()
	h.openShopifyBy("refresh_token")
	other, err := app.Open(ctx, config(h.url, h.data))
	ok(t, err)
	t.Cleanup(func() { ok(t, other.Close()) })
	processes := []*app.App{h.a, other}
	for _, a := range processes { // both have the first pair in memory
		_, err := a.Connect.Check(ctx, h.account)
		ok(t, err)
	}
	renewals := func() int { return len(h.shop.Record.Entries(sim.Filter{Kind: "token", Ref: "refresh_token"})) }
	for round := range 3 {
		before := renewals()
		h.shop.RevokeTokens()
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if _, err := processes[i%2].Connect.Check(ctx, h.account); err != nil {
					t.Errorf("process %d: %v", i%2, err)
				}
			})
		}
		wg.Wait()
		if n := renewals() - before; n != 1 {
			t.Fatalf("round %d: the token was renewed %d times", round, n)
		}
	}
	h.fares("in the end", fares{State: "active"})
}

// TestLostPair has a process die between the partner's answer with a new pair and storing it. Where the partner lets the old refresh token be used until the new pair is, the next
// process recovers by itself; where it does not, the account is refused, says so, and goes on with a new consent.
func TestLostPair(t *testing.T) {
	t.Parallel()
	dies := func(h *town, word string) {
		h.t.Helper()
		ctx, die := context.WithCancel(context.Background())
		h.gate.arm(word, true)
		done := make(chan error, 1)
		go func() {
			_, err := h.a.Connect.Check(ctx, h.account)
			done <- err
		}()
		h.gate.wait(h.t)
		die()
		if err := <-done; err == nil {
			h.t.Fatal("the answer was not lost")
		}
		h.leave()
		h.open()
		h.write(func(tx *db.Tx) error { // as its time would
			_, err := tx.Exec(`update account_health set refresh_lease = null`)
			return err
		})
	}
	t.Run("shopify", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openShopifyBy("refresh_token")
			h.shop.RevokeTokens()
			dies(h, "refresh_token")
			h.buy()
			h.read()
			h.fares("recovered", fares{State: "active"})
			if n := ask[int64](h, `select count(*) from orders where channel = 'shopify'`); n != 1 {
				t.Errorf("%d orders", n)
			}
		})
	})
	t.Run("daraz", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openDaraz()
			h.market.Shop("").ExpireTokens()
			dies(h, "/auth/token/refresh")
			h.refuses()
			h.fares("the pair is lost", fares{"unauthorized", []string{exception.AccountUnauthorized}, []string{"refused"}})
			ok(t, h.a.Connect.Authorize(context.Background(), h.account, map[string]string{"code": h.market.Shop("").Authorize()}, "clerk"))
			h.read()
			h.fares("with a new consent", fares{State: "active", Access: []string{"refused", "restored"}})
		})
	})
}
