package connect

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// What goes on beside one another when several processes work on one database. On SQLite writers take turns: what needs two of them beside each other is tried on PostgreSQL.

// tardy is a partner that takes its time; an effect happens when it answers.
type tardy struct {
	channel.Channel
	takes time.Duration

	mu   sync.Mutex
	done map[string]int // by reference
	busy map[string]int
	both int // calls of a reference while another was on its way
}

func (p *tardy) Ship(ctx context.Context, n channel.ShipNotice) (channel.ShipResult, error) {
	p.begin(n.Reference, 1)
	defer p.begin(n.Reference, -1)
	select {
	case <-ctx.Done():
		return channel.ShipResult{}, fault.Wrap(fault.Unavailable, ctx.Err(), "no answer")
	case <-time.After(p.takes):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[n.Reference]++
	return channel.ShipResult{External: "x"}, nil
}

func (p *tardy) begin(reference string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[reference] += n; p.busy[reference] > 1 {
		p.both++
	}
}

func (p *tardy) Find(_ context.Context, _ string, h channel.Handling) (channel.Found, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done[h.Reference] > 0 {
		return channel.Found{External: "x"}, nil
	}
	return channel.Found{}, fault.New(fault.NotFound, "never heard of it")
}

// TestSlowTells has two processes tell a partner that takes more than a minute for each call, more than they carry out at once: nothing is told twice.
func TestSlowTells(t *testing.T) {
	t.Parallel()
	made := furnish(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)))
		path := filepath.Join(t.TempDir(), "shop.db")
		must(t, os.WriteFile(path, made.file, 0o600))
		ctx := context.Background()
		d, err := db.Open(ctx, "sqlite:"+path, db.Options{NoSync: true, Trusting: true, Log: silent})
		must(t, err)
		defer d.Close()
		p := &tardy{takes: 70 * time.Second, done: map[string]int{}, busy: map[string]int{}}
		var two []*Service
		for range 2 {
			h := buildFor(t, d, made.key, demo.New())
			h.s.need.Log = silent
			o, err := h.s.open(ctx, made.acc.ID)
			must(t, err)
			p.Channel = o.ch
			h.s.mu.Lock()
			h.s.opened[made.acc.ID].ch = p
			h.s.mu.Unlock()
			two = append(two, h.s)
		}
		must(t, d.Write(ctx, func(tx *db.Tx) error {
			for i := range 2 * tellsAtOnce {
				_, err := tx.Exec(`insert into tells (account_id, act, reference, id, order_id, external, subject_id, payload, state, attempts, uncertain, next_at, fence, created_at)
					values ($1, 'ship', $2, $3, $2, $2, $2, '{}', 'intended', 0, false, 0, 0, 0)`, made.acc.ID, fmt.Sprintf("REF-%02d", i), db.ID())
				if err != nil {
					return err
				}
			}
			return nil
		}))
		run, stop := context.WithCancel(ctx)
		var g sync.WaitGroup
		for _, s := range two {
			g.Go(func() { _ = s.RunTells(run) })
		}
		time.Sleep(10 * time.Minute)
		stop()
		g.Wait()
		for reference, n := range p.done {
			if n != 1 {
				t.Errorf("%s was told %d times", reference, n)
			}
		}
		if len(p.done) != 2*tellsAtOnce || p.both > 0 {
			t.Errorf("%d told, %d calls beside another of the same", len(p.done), p.both)
		}
	})
}

// TestReturnBesideOrder has a return read while its order lands: it is not lost, whichever commits first.
func TestReturnBesideOrder(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	ctx := context.Background()
	h := setup(t, d, channel.Live)
	var taken []string
	first, done := true, make(chan error, 1)
	h.s.need.Returns = func(_ *db.Tx, changes []channel.ReturnChange, _ string) error {
		for _, c := range changes {
			taken = append(taken, c.Order)
		}
		if first { // it has been asked which orders are here; the importer lands the order before this commits, if it can
			first = false
			go func() { _, err := h.s.ImportAll(ctx); done <- err }()
			time.Sleep(time.Second)
		}
		return nil
	}
	id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
	h.shop.Deliver(id)
	h.shop.RequestReturn(id, "too small", channel.Quantity{Line: h.shop.Read(id).Lines[0].External, Quantity: 1})
	_, err := h.s.Poll(ctx, h.acc.ID)
	must(t, err)
	_, err = h.s.PollReturns(ctx, h.acc.ID)
	must(t, err)
	must(t, <-done)
	h.work()
	if len(taken) != 1 || h.count(`select count(*) from early_returns`) != 0 {
		t.Errorf("taken %v, %d kept for an order that is here", taken, h.count(`select count(*) from early_returns`))
	}
}

// TestMappedBesideOrder has a clerk map a listing while an order of it lands: the order is not held for what is done.
func TestMappedBesideOrder(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	ctx := context.Background()
	h := setup(t, d, channel.Live)
	var listing string
	must(t, d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`update variants set sku = 'OURS-' || sku`); err != nil {
			return err
		}
		if _, err := tx.Exec(`update channel_products set state = 'unmapped', variant_id = null, mapped_by = null`); err != nil {
			return err
		}
		return tx.QueryRow(`select id from channel_products where sku = 'TEA-1'`).Scan(&listing)
	}))
	mapped := make(chan error, 1)
	once := false
	h.s.need.Import = func(tx *db.Tx, all []channel.Arrival) ([]channel.Landing, error) {
		out, err := h.ord.Import(tx, all)
		if !once { // before this commits, if it can be, a clerk maps the listing and the consumer order.mapped hears of it
			once = true
			go func() {
				err := h.cat.Map(ctx, listing, "OURS-TEA-1", "clerk")
				if err == nil {
					err = d.Write(ctx, func(tx *db.Tx) error {
						r, err := h.cat.ResolvedOf(tx, listing)
						if err != nil {
							return err
						}
						return h.ord.Mapped(tx, listing, order.Resolved{Listing: r.Listing, Variant: r.Variant, SKU: r.SKU, Title: r.Title, Kit: r.Kit, Ships: r.Ships, Parts: r.Parts})
					})
				}
				mapped <- err
			}()
			time.Sleep(time.Second)
		}
		return out, err
	}
	h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
	h.work()
	must(t, <-mapped)
	h.work()
	if n := h.count(`select count(*) from order_holds where type = 'unmapped_sku' and released_at is null`); n != 0 || len(h.orders()) != 1 {
		t.Errorf("%d orders, %d held for a listing that is mapped, cases %v", len(h.orders()), n, h.causes())
	}
}

// heardShip keeps the tracking numbers it is told.
type heardShip struct {
	channel.Channel
	heard []string
}

func (p *heardShip) Ship(_ context.Context, n channel.ShipNotice) (channel.ShipResult, error) {
	p.heard = append(p.heard, n.Tracking)
	return channel.ShipResult{External: "x"}, nil
}

func (p *heardShip) Retrack(_ context.Context, n channel.Retracking) error {
	p.heard = append(p.heard, "retrack "+n.Tracking)
	return nil
}

// TestCorrectedBesideTelling has a tracking number corrected while the channel is to be told it: it hears the right one.
func TestCorrectedBesideTelling(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	ctx := context.Background()
	h := setup(t, d, channel.Live)
	id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
	h.work()
	o, err := h.s.open(ctx, h.acc.ID)
	must(t, err)
	p := &heardShip{Channel: o.ch}
	h.s.mu.Lock()
	h.s.opened[h.acc.ID].ch = p
	h.s.mu.Unlock()
	h.say(event.ShipmentHandedOver, "handed_over", id) // TCS-1
	looked := make(chan error, 1)
	must(t, d.Write(ctx, func(tx *db.Tx) error { // the consumer connect.tell
		_, err := renumbered(tx, event.ShipmentFact{AccountID: h.acc.ID, Number: "SH-1", ShipmentID: "sh-1", Courier: "TCS", Tracking: "TCS-2", At: tx.Now})
		if err != nil {
			return err
		}
		go func() { _, err := h.s.TellOnce(ctx); looked <- err }() // another process
		time.Sleep(500 * time.Millisecond)
		return nil
	}))
	must(t, <-looked)
	_, err = h.s.TellOnce(ctx)
	must(t, err)
	if len(p.heard) != 1 || p.heard[0] != "TCS-2" {
		t.Errorf("the channel heard %q", p.heard)
	}
}

// listed counts how often it is asked for its listings, of which it has none; nor has it orders.
type listed struct {
	channel.Channel
	asked atomic.Int64
	away  error
	then  func()
}

func (p *listed) Listings(context.Context, channel.Cursor) iter.Seq2[channel.Listing, error] {
	p.asked.Add(1)
	return func(yield func(channel.Listing, error) bool) {
		if p.then != nil {
			p.then()
		}
		if p.away != nil {
			yield(channel.Listing{}, p.away)
		}
	}
}

func (p *listed) Orders(context.Context, channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(func(channel.Change, error) bool) {}
}

// stand has a process open the account with this channel.
func (p *listed) stand(t *testing.T, s *Service, id string) *opened {
	s.forget()
	o, err := s.open(context.Background(), id)
	must(t, err)
	if p.Channel == nil {
		p.Channel = o.ch
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened[id].ch = p
	return s.opened[id]
}

// TestListingHintElsewhere has a message about listings come to a process that polls nothing: the one that does pulls them.
func TestListingHintElsewhere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		web, p := New(h.s.need), &listed{}
		here, there := p.stand(t, h.s, h.acc.ID), p.stand(t, web, h.acc.ID)
		hint := []channel.Hint{{Subject: channel.AboutListing, External: "x"}}
		h.s.round(ctx, here)
		if n := p.asked.Load(); n != 0 {
			t.Fatalf("listings were asked for %d times, and nobody spoke of them", n)
		}
		say := func() {
			must(t, d.Write(ctx, func(tx *db.Tx) error { return web.actOn(tx, there.acc, hint) }))
			web.afterHints(there, hint)
		}
		asked := func(what string, want int64, rounds int) {
			t.Helper()
			for range rounds {
				h.s.round(ctx, here)
			}
			if n := p.asked.Swap(0); n != want {
				t.Errorf("%s: listings were asked for %d times, not %d", what, n, want)
			}
		}
		say()
		asked("one message", 1, 2)
		say()
		say()
		asked("two messages", 1, 2)
		p.then = func() { p.then = nil; say() }
		say()
		asked("another message meanwhile", 2, 3)
		p.away = fault.New(fault.Unavailable, "away")
		say()
		asked("the channel is away", 2, 2)
		p.away = nil
		asked("it is back", 1, 2)
		h.run(`update channel_cursors set cursor = 'pulling' where stream = 'listings.wanted'`)
		asked("another process is about it", 0, 1)
		h.run(`update channel_cursors set updated_at = 0 where stream = 'listings.wanted'`)
		asked("that process is gone", 1, 2)
	})
}
