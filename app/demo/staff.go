package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
)

// hands is how many people work at the same time.
const hands = 16

// staff works until nothing is left to do: pick, pack, hand over, and let carriers travel.
func (p *play) staff(ctx context.Context) error {
	moved := time.Now()
	for idle := 0; idle < 4 && ctx.Err() == nil; {
		n, err := p.shift(ctx)
		if err != nil {
			return err
		}
		for _, s := range p.stalls {
			s.travel()
		}
		if err := p.travel(ctx); err != nil {
			return err
		}
		if n > 0 {
			idle, moved = 0, time.Now()
			p.say("staff: %d fulfillment orders and parcels moved on", n)
			continue
		}
		left, err := p.settled(ctx)
		switch {
		case err != nil:
			return err
		case left == "":
			idle++
		case time.Since(moved) > patience:
			p.say("the staff goes home although %s", left)
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// travel lets the demo courier say what has happened to its parcels since it was last asked.
func (p *play) travel(ctx context.Context) error {
	var numbers []string
	err := p.app.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		numbers, err = db.All(tx, func(row db.Scanner) (string, error) {
			var v string
			return v, row.Scan(&v)
		}, `select tracking from dispatch_shipments where courier = 'demo' and state in ('handed_over', 'in_transit', 'out_for_delivery', 'attempted', 'returning') order by id limit 2000`)
		return err
	})
	if err != nil {
		return err
	}
	return each(ctx, numbers, func(number string) error {
		all := p.app.Config.Depot.Deliveries(number)
		p.mu.Lock()
		from := min(p.heard[number], len(all))
		p.heard[number] = len(all)
		p.mu.Unlock()
		for _, d := range all[from:] {
			if err := p.push(ctx, d); err != nil {
				return fmt.Errorf("scan of %s: %w", number, err)
			}
		}
		return nil
	})
}

// push delivers one of the courier's webhooks.
func (p *play) push(ctx context.Context, d partner.Delivery) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/hooks/courier/demo", bytes.NewReader(d.Body))
	if err != nil {
		return err
	}
	req.Header = d.Header.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", res.StatusCode, text)
	}
	return err
}

// shift does what is due now and answers how much it was.
func (p *play) shift(ctx context.Context) (int, error) {
	var orders, parcels []string
	err := p.app.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		text := func(row db.Scanner) (string, error) {
			var v string
			return v, row.Scan(&v)
		}
		if orders, err = db.All(tx, text, `select id from fulfillment_orders where state in ('new', 'accepted', 'picking', 'picked') and created_at <= $1 order by id limit 2000`, db.Micros(tx.Now.Add(-p.rest))); err != nil {
			return err
		}
		parcels, err = db.All(tx, text, `select s.id from dispatch_shipments s where s.state = 'issued' and s.created_at <= $1 and not exists (select 1 from order_holds h where h.order_id = s.order_id and
			h.released_at is null and h.type in ('cancel_request', 'person')) order by s.id limit 2000`, db.Micros(tx.Now.Add(-p.rest)))
		return err
	})
	if err != nil {
		return 0, err
	}
	var done atomic.Int64
	err = each(ctx, orders, func(id string) error { return p.pick(ctx, id, &done) })
	if err != nil {
		return 0, err
	}
	err = each(ctx, parcels, func(id string) error { return p.handOver(ctx, id, &done) })
	return int(done.Load()), err
}

// each lets every pair of hands work on the next one; the first error that is no mere conflict ends it.
func each(ctx context.Context, ids []string, do func(id string) error) error {
	next := make(chan string)
	var g sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range hands {
		g.Go(func() {
			for id := range next {
				if err := do(id); err != nil && !fault.Is(err, fault.Conflict) {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, id := range ids {
		select {
		case next <- id:
		case <-ctx.Done():
		}
	}
	close(next)
	g.Wait()
	return failed
}

// pick accepts a fulfillment order, picks it line by line and packs it.
func (p *play) pick(ctx context.Context, id string, done *atomic.Int64) error {
	fo, err := p.app.Fulfillment.Accept(ctx, id, 0, "demo staff")
	if err != nil && !fault.Is(err, fault.Conflict) {
		return fmt.Errorf("accept %s: %w", id, err)
	}
	if err != nil {
		err = p.app.DB.Read(ctx, func(tx *db.Tx) error {
			fo, err = p.app.Fulfillment.Get(tx, id)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, l := range fo.Lines {
		if n := l.Quantity - l.Picked; n > 0 {
			if _, err := p.app.Fulfillment.Pick(ctx, id, 0, "demo staff", fulfillment.Scan{ID: l.ID, Code: l.SKU, Quantity: n}); err != nil {
				return fmt.Errorf("pick %s: %w", id, err)
			}
		}
	}
	if _, err := p.app.Fulfillment.Pack(ctx, id, 0, "demo staff", nil); err != nil {
		return fmt.Errorf("pack %s: %w", id, err)
	}
	done.Add(1)
	return nil
}

// handOver scans a parcel out of the door, and tells the demo courier that it has it.
func (p *play) handOver(ctx context.Context, id string, done *atomic.Int64) error {
	sh, err := p.app.Dispatch.HandOver(ctx, id, "demo staff", p.app.DB.Now())
	if err != nil {
		return fmt.Errorf("hand over %s: %w", id, err)
	}
	p.app.Config.Depot.HandOver(sh.Tracking)
	done.Add(1)
	return nil
}
