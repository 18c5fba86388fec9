package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// A data set is made of orders that were really lived through, a few hundred of them: imported from signed webhooks, sourced, most of them picked, packed, handed over and
// delivered, some with a line that nobody knows. Their rows, in every table, are then written again with new ids, numbers and times, by the database itself, until there
// are as many as asked for, spread over thirty days. The newest twentieth is in work, the rest is delivered.
const (
	livedDone = 96 // templates that are delivered
	livedOpen = 24 // templates that are in work
	livedHeld = 8  // templates with a line that nobody knows
	seedDays  = 30
)

func runSeed(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench seed", flag.ContinueOnError)
	orders := fs.Int("orders", 10_000, "how many orders")
	url := fs.String("db", "", "an empty database: sqlite:PATH or postgres://…")
	data := fs.String("data", "", "folder of the key file; default beside the SQLite file, or ./openclaw-data")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *url == "" || *orders < 1 {
		return errors.New("seed needs -db and a positive -orders")
	}
	if *data == "" {
		*data = dataFolder(*url)
	}
	start := time.Now()
	say := func(format string, a ...any) {
		fmt.Fprintf(out, "%6.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, a...))
	}
	return seed(ctx, *url, *data, *orders, say)
}

// dataFolder is where the key file of a database lies.
func dataFolder(url string) string {
	if path, ok := sqlitePath(url); ok {
		return path + ".data"
	}
	return "openclaw-data"
}

func sqlitePath(url string) (string, bool) {
	if len(url) > 7 && url[:7] == "sqlite:" {
		return url[7:], true
	}
	return "", false
}

// seed fills an empty database with so many orders.
func seed(ctx context.Context, url, data string, orders int, say func(string, ...any)) error {
	before, err := live(ctx, url, data, say)
	if err != nil {
		return err
	}
	c, err := openCloner(ctx, url)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.read(ctx, before); err != nil {
		return err
	}
	say("%d orders lived through, %d rows in %d tables", len(c.done)+len(c.open), c.rows, len(c.tables))
	if err := c.clone(ctx, orders, say); err != nil {
		return err
	}
	return link(ctx, url, data, say)
}

// link binds the audit rows into their chain, as a program that runs does all the time.
func link(ctx context.Context, url, data string, say func(string, ...any)) error {
	h, err := openHouse(ctx, url, data)
	if err != nil {
		return err
	}
	defer h.app.Close()
	linker, total := audit.NewLinker(h.app.DB, h.app.Audit, quiet()), 0
	for n := 1; n > 0; total += n {
		if n, err = linker.Link(ctx); err != nil {
			return err
		}
	}
	say("%d audit rows linked", total)
	for n := int64(1); n > 0; { // the chain's head is published as an event
		if n, err = h.app.Relay.Place(ctx); err != nil {
			return err
		}
	}
	return nil
}

// live makes a company and lives through the orders that the rest is made of. It answers what was there before the first of them.
func live(ctx context.Context, url, data string, say func(string, ...any)) (map[string]table, error) {
	depot := demo.New(time.Now)
	depot.WaitForHandOver()
	depot.Pace(time.Millisecond)
	depot.Mix(courier.Delivered)
	h, err := newHouse(ctx, url, data, skuCount, func(c *app.Config) { c.Courier, c.Depot = "demo", depot })
	if err != nil {
		return nil, err
	}
	defer h.app.Close()
	if n, err := h.count(ctx, `select count(*) from orders`); err != nil || n > 0 {
		return nil, errors.Join(err, fault.New(fault.Conflict, "the database holds %d orders already: seed fills an empty one", n))
	}
	if err := h.app.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := h.app.Vault.Put(tx, "courier:demo", "hook_secret", vault.Hide(demo.Secret), vault.PutOptions{})
		return err
	}); err != nil {
		return nil, err
	}
	say("a company, a shop and %d SKUs", skuCount)
	before, err := snapshot(ctx, url)
	if err != nil {
		return nil, err
	}
	work, stop := context.WithCancel(ctx)
	g, work := errgroup.WithContext(work)
	g.Go(func() error { return h.app.Run(work, app.Work, app.Relays) })
	err = h.lives(work)
	stop()
	return before, errors.Join(err, g.Wait())
}

// lives brings the templates in: first those that are delivered, then those that stay in work.
func (h *house) lives(ctx context.Context) error {
	rnd := rand.New(rand.NewPCG(11, 12))
	at := time.Now()
	bring := func(n, skus int) error {
		for range n {
			id := h.next.Add(1)
			body := payload(rnd, id, skus, at)
			if err := h.app.Connect.Receive(ctx, "bench-shop", signed(body, id), body); err != nil {
				return err
			}
		}
		return h.importAll(ctx, 1, nil)
	}
	if err := bring(livedDone, h.skus); err != nil {
		return err
	}
	for start := time.Now(); ; {
		left, err := h.shift(ctx)
		if err != nil {
			return err
		}
		delivered, err := h.count(ctx, `select count(*) from orders where state in ('delivered', 'closed')`)
		if err != nil {
			return err
		}
		if delivered == livedDone {
			break
		}
		if time.Since(start) > 5*time.Minute {
			return fmt.Errorf("only %d of %d orders were delivered in five minutes, %d wait", delivered, livedDone, left)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if err := bring(livedOpen, h.skus); err != nil {
		return err
	}
	if err := bring(livedHeld, 4*h.skus); err != nil { // three quarters of these SKUs were never offered
		return err
	}
	return h.settle(ctx)
}

// settle waits until every event was taken by everybody.
func (h *house) settle(ctx context.Context) error {
	for start := time.Now(); time.Since(start) < 5*time.Minute; {
		waiting, err := h.count(ctx, `select (select count(*) from events where position is null) + (select count(*) from orders o where o.state = 'open' and o.holds = 0 and not exists
			(select 1 from fulfillment_orders f where f.order_id = o.id))`)
		if err != nil || waiting == 0 {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("events are still waiting after five minutes")
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// shift picks, packs and hands over what is due, and lets the courier travel; it answers how much that was.
func (h *house) shift(ctx context.Context) (int, error) {
	orders, err := h.texts(ctx, `select id from fulfillment_orders where state in ('new', 'accepted') order by id`)
	if err != nil {
		return 0, err
	}
	for _, id := range orders {
		fo, err := h.app.Fulfillment.Accept(ctx, id, 0, "bench")
		if err != nil {
			return 0, err
		}
		for _, l := range fo.Lines {
			if _, err := h.app.Fulfillment.Pick(ctx, id, 0, "bench", fulfillment.Scan{ID: l.ID, Code: l.SKU, Quantity: l.Quantity}); err != nil {
				return 0, err
			}
		}
		if _, err := h.app.Fulfillment.Pack(ctx, id, 0, "bench", nil); err != nil {
			return 0, err
		}
	}
	parcels, err := h.texts(ctx, `select id from dispatch_shipments where state = 'issued' order by id`)
	if err != nil {
		return 0, err
	}
	for _, id := range parcels {
		sh, err := h.app.Dispatch.HandOver(ctx, id, "bench", h.app.DB.Now())
		if err != nil && !fault.Is(err, fault.Conflict) {
			return 0, err
		}
		h.app.Config.Depot.HandOver(sh.Tracking)
	}
	travelling, err := h.texts(ctx, `select tracking from dispatch_shipments where state in ('handed_over', 'in_transit', 'out_for_delivery') order by id`)
	if err != nil {
		return 0, err
	}
	for _, tracking := range travelling {
		for _, d := range h.app.Config.Depot.Deliveries(tracking) {
			if err := h.app.Dispatch.Hook(ctx, "demo", d); err != nil {
				return 0, err
			}
		}
	}
	return len(orders) + len(parcels) + len(travelling), nil
}

func (h *house) texts(ctx context.Context, query string, args ...any) (all []string, err error) {
	err = h.app.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = db.All(tx, func(row db.Scanner) (s string, err error) { return s, row.Scan(&s) }, query, args...)
		return err
	})
	return all, err
}
