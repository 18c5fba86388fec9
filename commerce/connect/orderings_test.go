package connect

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// The second layer of the torture run: the core alone, without network and processes, in a bubble in which time runs as fast as there is nothing to do. Buyers, staff and
// partner act, webhooks come late, twice, in any order or never, the store fails at any statement and commit, and the process is killed in between; then everything must
// come right. What takes the real program a minute takes this one some hundredths of a second, so that it comes through orderings which real time does not reach.
//
// One seed repeats acts and faults; which goroutine is faster is the scheduler's. ORDERINGS=10m plays from new seeds for so long, ORDERING=N that one seed.

// TestOrderings plays some seeds, see above.
func TestOrderings(t *testing.T) {
	t.Parallel()
	from, until, seeds := uint64(1), time.Time{}, 12
	if long, err := time.ParseDuration(os.Getenv("ORDERINGS")); err == nil {
		from, until, seeds = uint64(time.Now().UnixNano()), time.Now().Add(long), 1<<30
	}
	if _, err := fmt.Sscan(os.Getenv("ORDERING"), &from); err == nil {
		seeds = 1
	}
	made := furnish(t)
	start, next, played := time.Now(), atomic.Int64{}, atomic.Int64{}
	t.Run("seeds", func(t *testing.T) {
		for lane := range min(seeds, runtime.GOMAXPROCS(0)) {
			t.Run(fmt.Sprint("lane ", lane+1), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					n := next.Add(1) - 1
					if n >= int64(seeds) || !until.IsZero() && time.Now().After(until) {
						return
					}
					seed := from + uint64(n)
					t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { made.play(t, seed) }) })
					played.Add(1)
				}
			})
		}
	})
	t.Logf("%d runs, %.0f a minute", played.Load(), float64(played.Load())/time.Since(start).Minutes())
}

// furnished is a shop in a file, ready to be copied.
type furnished struct {
	file          []byte
	key, location string
	acc           Account
}

func furnish(t *testing.T) furnished {
	t.Helper()
	ctx := context.Background()
	url := dbtest.SQLiteURL(t, false)
	key := filepath.Join(t.TempDir(), "vault.key")
	must(t, vault.CreateKeyFile(key))
	d, err := db.Open(ctx, url, db.Options{})
	must(t, err)
	h := build(t, d, key)
	h.goods()
	acc, err := h.s.Add(ctx, Adding{
		Name: "demo-shop", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: channel.Live, Actor: "test",
		Settings: map[string]string{"poll_seconds": "5"},
		Secrets:  map[string]string{demo.HookSecret: demo.Secret, demo.AppSecret: "test-app-secret"},
	})
	must(t, err)
	_, err = h.s.PullListings(ctx, acc.ID)
	must(t, err)
	must(t, d.Close())
	path, _, _ := strings.Cut(strings.TrimPrefix(url, "sqlite:"), "?")
	file, err := os.ReadFile(path)
	must(t, err)
	return furnished{file, key, h.location, acc}
}

// ordering is one run.
type ordering struct {
	*testing.T
	from furnished
	path string
	shop *demo.Shop

	mu     sync.Mutex
	rnd    *rand.Rand
	placed []string
	acked  []check.Ack

	armed atomic.Bool  // the store fails now and then
	dead  atomic.Bool  // the process was killed
	steps atomic.Int64 // of the store until it is
	kill  context.CancelFunc
}

func (f furnished) play(t *testing.T, seed uint64) {
	o := &ordering{T: t, from: f, path: filepath.Join(t.TempDir(), "shop.db"), shop: demo.New(), rnd: rand.New(rand.NewPCG(seed, 0x0de1))}
	must(t, os.WriteFile(o.path, f.file, 0o600))
	time.Sleep(time.Until(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))) // behind all that the file knows
	o.shop.SetClock(time.Now)
	for range 1 + o.n(3) {
		o.life()
	}
	o.rest()
}

// n is a number below another, at random.
func (o *ordering) n(below int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rnd.IntN(below)
}

// pause lets up to so much time pass.
func (o *ordering) pause(most time.Duration) {
	time.Sleep(time.Duration(o.n(int(most/time.Millisecond))) * time.Millisecond)
}

var errKilled = fault.New(fault.Unavailable, "the process is gone")

// fails is what the store asks before each step.
func (o *ordering) fails(at db.Step) error {
	switch {
	case o.dead.Load():
		return errKilled
	case !o.armed.Load():
		return nil
	case o.steps.Add(-1) == 0:
		o.die()
		return errKilled
	}
	switch r := o.n(1000); {
	case r < 4:
		return fault.New(fault.Unavailable, "the disk does not answer at %s", at)
	case r < 7:
		return fault.New(fault.Full, "the disk is full at %s", at)
	case r < 60:
		runtime.Gosched()
	}
	return nil
}

// die has nothing more of this process reach the store or the partner.
func (o *ordering) die() {
	o.dead.Store(true)
	o.shop.Fault(demo.ServerError, "", -1)
	o.kill()
}

// open starts the process: everything that runs by itself, in a shop that may have been lived in. The house ends with close.
func (o *ordering) open() (h *house, shut func()) {
	ctx, kill := context.WithCancel(context.Background())
	o.kill = kill
	o.dead.Store(false)
	o.shop.Fault(demo.ServerError, "", 0)
	d, err := db.Open(ctx, "sqlite:"+o.path, db.Options{NoSync: true, CheckLockOrder: true, Trusting: true, Fails: o.fails, Log: silent})
	must(o.T, err)
	h = buildFor(o.T, d, o.from.key, o.shop)
	h.acc, h.location, h.s.need.Log, h.s.need.Idle = o.from.acc, o.from.location, silent, time.Second
	h.relay, h.consumers = outbox.NewRelay(d, silent), outbox.NewConsumers(d, silent, h.s.Teller())
	var g sync.WaitGroup
	for _, run := range []func(context.Context) error{
		h.s.RunPoll, h.s.RunReads, h.s.RunImport, h.s.RunImport, h.s.RunTells, h.s.RunStock, h.relay.Run, h.consumers.Run,
	} {
		g.Go(func() { _ = run(ctx) })
	}
	return h, func() {
		kill()
		g.Wait()
		if err := d.Close(); err != nil {
			o.Error(err)
		}
	}
}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// life is one process from its start until it is killed, or told to stop.
func (o *ordering) life() {
	h, shut := o.open()
	defer shut()
	o.steps.Store(int64(30 + o.n(1500)))
	o.armed.Store(true)
	var g sync.WaitGroup
	for range 2 {
		g.Go(func() { o.buyer(h, &g) })
	}
	g.Go(func() { o.staff(h) })
	g.Go(func() { o.partner() })
	g.Wait()
	o.armed.Store(false)
}

// buyer buys, and thinks again.
func (o *ordering) buyer(h *house, g *sync.WaitGroup) {
	for range 2 + o.n(3) {
		o.pause(2 * time.Second)
		sku := []string{"TEA-1", "RICE-5", "MUG"}[o.n(3)]
		id := o.shop.PlaceBasket(demo.Basket{Items: []demo.Item{{SKU: sku, Quantity: int64(1 + o.n(3))}, {SKU: "MUG", Quantity: 1}}[:1+o.n(2)], Unpaid: o.n(3) == 0, Buyer: channel.Person{Name: "Buyer Torturename"}})
		o.mu.Lock()
		o.placed = append(o.placed, id)
		o.mu.Unlock()
		o.hook(h, g, id)
		o.pause(time.Second)
		switch o.n(6) {
		case 0:
			o.shop.Cancel(id, "changed my mind")
		case 1:
			o.shop.RequestCancel(id, "too slow")
		case 2:
			o.shop.Pay(id)
		case 3:
			o.shop.Edit(id, func(c *channel.Order) { c.ShipTo.City = "Multan" })
		case 4:
			read := o.shop.Read(id)
			o.shop.RequestReturn(id, "does not fit", channel.Quantity{Line: read.Lines[0].External, Quantity: 1})
		default:
			continue
		}
		o.hook(h, g, id)
	}
}

// hook sends what there is to say about an order: late, twice, or never; a message that is not acknowledged is sent again.
func (o *ordering) hook(h *house, g *sync.WaitGroup, id string) {
	for _, d := range o.shop.Deliveries(id) {
		for range o.n(3) {
			g.Go(func() {
				o.pause(3 * time.Second)
				for range 4 {
					if o.dead.Load() {
						return
					}
					if err := h.s.Receive(context.Background(), "demo-shop", d.Header, d.Body); err == nil {
						o.mu.Lock()
						o.acked = append(o.acked, check.Ack{Delivery: d.Header.Get("X-Demo-Id"), Topic: "order", External: id})
						o.mu.Unlock()
						return
					}
					o.pause(time.Second)
				}
			})
		}
	}
}

// staff cancels, counts and sells at the till.
func (o *ordering) staff(h *house) {
	ctx := context.Background()
	for range 4 {
		o.pause(3 * time.Second)
		if o.dead.Load() {
			return
		}
		if o.n(2) == 0 {
			_ = h.d.Write(ctx, func(tx *db.Tx) error {
				vs, err := h.cat.Variants(tx, []string{"TEA-1"})
				if err != nil {
					return err
				}
				return h.inv.Move(tx, []stock.Movement{{
					Variant: vs["TEA-1"], Location: h.location, Condition: stock.Sellable, Delta: int64(-2 + o.n(5)), Kind: stock.MoveTillSale, RefKind: "till", RefID: db.ID(), Actor: "clerk", At: tx.Now,
				}})
			})
			continue
		}
		var page order.Page
		err := h.d.Read(ctx, func(tx *db.Tx) (err error) {
			page, err = h.ord.List(tx, order.Filter{Account: h.acc.ID}, "", 50)
			return err
		})
		if err == nil && len(page.Items) > 0 {
			_, _ = h.ord.Cancel(ctx, order.Cancelling{Order: page.Items[o.n(len(page.Items))].ID, Reason: "not to be had", Initiator: "seller", Actor: "clerk", Source: "console"})
		}
	}
}

// partner misbehaves.
func (o *ordering) partner() {
	for range 6 {
		o.pause(1500 * time.Millisecond)
		if o.dead.Load() {
			return
		}
		o.shop.Fault([]string{demo.Throttle, demo.LostAnswer, demo.CutBody, demo.ExpiredToken}[o.n(4)], "", 1+o.n(3))
	}
}

// rest lets the last process work undisturbed until nothing is left to do, and asks every rule that is about the core.
func (o *ordering) rest() {
	for _, kind := range []string{demo.Throttle, demo.LostAnswer, demo.CutBody, demo.ExpiredToken} {
		o.shop.Fault(kind, "", 0)
	}
	h, shut := o.open()
	defer shut()
	must(o.T, h.s.Authorize(context.Background(), "demo-shop", map[string]string{demo.AppSecret: "test-app-secret"}, "clerk"))
	base, err := sql.Open("sqlite", "file:"+o.path+"?_pragma=busy_timeout(1000)")
	must(o.T, err)
	defer base.Close()
	left := o.settles(base, time.Now())
	// A number that the shop changed by itself is found by the comparison that is made every day.
	if _, err := h.s.DriftOf(context.Background(), o.from.acc.ID, true); err != nil {
		o.Error(err)
	}
	left += o.settles(base, time.Now())
	found, err := check.Run(context.Background(), base, o.world())
	must(o.T, err)
	if left != "" {
		o.Error(left)
	}
	for _, f := range found {
		if f.Rule != "every order of ours to be sent was sourced" { // nobody sources here
			o.Errorf("%s: %s", f.Rule, f.What)
		}
	}
	for _, id := range o.placed {
		if told := o.shop.Told(id); len(told.Acknowledged) > 1 || len(told.Cancellations) > 1 && told.Cancelled == 0 {
			o.Errorf("order %s: the shop was told %+v", id, told)
		}
	}
}

// settles lets time pass until the channel was read once more since then and nothing is on its way any more, and says what is for ever.
func (o *ordering) settles(base *sql.DB, since time.Time) string {
	left := "never looked"
	for wait, n := 2*time.Second, 0; n < 30 && left != ""; n++ {
		time.Sleep(wait)
		wait = min(2*wait, 5*time.Minute)
		left = o.left(base, since)
	}
	return left
}

// left says what is still on its way: an order that no webhook told of is, until it is polled.
func (o *ordering) left(base *sql.DB, since time.Time) string {
	for what, query := range map[string]string{
		"stored":      `select count(*) from inbox where state = 'stored'`,
		"to be read":  `select count(*) from reads where state <> 'dead'`,
		"unplaced":    `select count(*) from events where position is null`,
		"to be told":  `select count(*) from tells where state in ('intended', 'running')`,
		"to be shown": `select count(*) from channel_stock where dirty or running_until > 1`,
		"changed":     `select count(*) from stock_levels where dirty`,
		"parked":      `select count(*) from event_parked where next_at is not null`,
		"not polled":  fmt.Sprintf(`select count(*) from account_health where coalesce(last_poll_ok_at, 0) < %d`, db.Micros(since)),
	} {
		var n int
		must(o.T, base.QueryRow(query).Scan(&n))
		if n > 0 {
			return fmt.Sprintf("%d are still %s", n, what)
		}
	}
	return ""
}

// world is what the shop knows.
func (o *ordering) world() check.World {
	a := check.Account{ID: o.from.acc.ID, Name: "demo-shop", Channel: "demo", Acked: o.acked, Shown: map[string]int64{}}
	for _, sku := range []string{"TEA-1", "RICE-5", "MUG"} {
		a.Shown[sku] = o.shop.Shown(sku)
	}
	for _, id := range slices.Sorted(slices.Values(o.placed)) {
		read, open := o.shop.Read(id), int64(0)
		for _, l := range read.Lines {
			open += l.Quantity - l.Progress.Sum()
		}
		a.Orders = append(a.Orders, check.Order{External: id, Open: open, Shipped: -1})
	}
	return check.World{Accounts: []check.Account{a}, Private: []string{"Torturename"}}
}
