package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/sim"
	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// trouble switches faults on at every partner, other ones each round.
func (r *run) trouble() error {
	webhook := []sim.Fault{
		{Kind: sim.Duplicate, Count: -1, Every: 2},
		{Kind: sim.Reorder, Count: -1, Every: 3},
		{Kind: sim.Drop, Count: -1, Every: 4},
		{Kind: sim.Delay, Match: "/", Count: 6, Every: 3, Delay: 300 * time.Millisecond},
	}
	answers := []sim.Fault{
		{Kind: sim.Throttle, Count: 6, Every: 2},
		{Kind: sim.ServerError, Count: 5, Every: 3, Code: 503},
		{Kind: sim.LostAnswer, Count: 5, Every: 3},
		{Kind: sim.CutBody, Count: 5, Every: 3},
		{Kind: sim.HTML, Count: 3, Every: 4},
		{Kind: sim.ExpiredToken, Count: 2, Every: 3},
	}
	// What is late by seconds comes after polls have read what is newer.
	late := sim.Fault{Kind: sim.Delay, Match: "orders/", Count: 12, Every: 2 + r.rnd.IntN(2), Delay: time.Duration(2500+r.rnd.IntN(3500)) * time.Millisecond}
	for _, f := range r.market.faults() {
		if err := f.Set(late); err != nil {
			return err
		}
		for _, fault := range append(shuffled(r.rnd, webhook)[:2+r.rnd.IntN(3)], shuffled(r.rnd, answers)[:2+r.rnd.IntN(3)]...) {
			if err := f.Set(fault); err != nil {
				return err
			}
		}
	}
	if r.rnd.IntN(2) == 0 { // one shop's webhooks are all lost: then polls alone must find everything
		if err := pick(r.rnd, r.market.faults()...).Set(sim.Fault{Kind: sim.Drop, Count: -1}); err != nil {
			return err
		}
		r.struck("webhooks all lost")
	}
	if r.rnd.IntN(2) == 0 {
		r.market.shops[0].shop.RevokeTokens()
		r.market.daraz.shop.ExpireTokens()
		r.struck("revoked token")
	}
	return nil
}

// calm has every partner behave again; whose clock is wrong keeps it wrong.
func (r *run) calm() {
	var kinds []string
	for _, kind := range sim.FaultKinds() {
		if kind != sim.ClockSkew {
			kinds = append(kinds, kind)
		}
	}
	for _, f := range r.market.faults() {
		f.Clear(kinds...)
	}
}

// round is a time of trouble: buyers buy, staff works, partners misbehave, and the program is killed again and again.
func (r *run) round(ctx context.Context, n int) error {
	if err := r.trouble(); err != nil {
		return err
	}
	lasts := min(5*time.Second, max(r.opt.For/2, 2*time.Second))
	killer := rand.New(rand.NewPCG(r.opt.Seed, uint64(n)*977+1))
	work, stop := context.WithTimeout(ctx, lasts)
	defer stop()
	var g sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	spawn := func(what string, do func() error) {
		g.Go(func() {
			if err := do(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				mu.Lock()
				errs = append(errs, fmt.Errorf("%s: %w", what, err))
				mu.Unlock()
			}
		})
	}
	var sold [4]int
	orders := 6 + r.rnd.IntN(6)
	for i, s := range r.market.shops {
		spawn(s.name, func() error { return sell(work, orders, &sold[i], s.rnd, r.regrets(s.rnd, s.sell, s.regret)) })
	}
	d := r.market.daraz
	spawn(d.name, func() error { return sell(work, orders, &sold[2], d.rnd, r.regrets(d.rnd, d.sell, d.regret)) })
	people := &staff{run: r, rnd: rand.New(rand.NewPCG(r.opt.Seed, uint64(n)*977+2))}
	spawn("staff", func() error { return people.work(work) })
	hasty := &staff{run: r, rnd: rand.New(rand.NewPCG(r.opt.Seed, uint64(n)*977+3))}
	spawn("hasty", func() error { return hasty.impatient(work) })
	spawn("web", func() error {
		// A purchase that was begun is brought to its end, or nobody would know whether it happened.
		return sell(work, 3, &sold[3], r.market.site.rnd, func() (bool, error) { return r.market.site.buy(ctx) })
	})
	spawn("killer", func() error { return r.killing(ctx, work, killer) })
	if b := r.market.shops[1]; b.mode != "live" && (n > 0 || r.rnd.IntN(2) == 0) {
		spawn("cut-over", func() error {
			_ = wait(work, time.Duration(r.opt.Seed%5)*lasts/5)
			b.wanted = true
			_ = r.goLive(ctx, b, lasts) // while the partner does not answer it cannot be: then once it does
			return nil
		})
	}
	g.Wait()
	for i, name := range []string{"orders at shop-a", "orders at shop-b", "orders at daraz-pk", "orders on our own site"} {
		r.report.Workload[name] += sold[i]
	}
	return errors.Join(errs...)
}

// sell places n orders spread over the time there is.
func sell(ctx context.Context, n int, sold *int, rnd *rand.Rand, one func() (bool, error)) error {
	for range n {
		ok, err := one()
		if err != nil {
			return err
		}
		if ok {
			*sold++
		}
		if wait(ctx, time.Duration(rnd.IntN(300))*time.Millisecond) != nil {
			return nil
		}
	}
	return nil
}

// settling is how long what is on its way may take; stillness is how long nothing must have moved, polls included.
const (
	settling  = 20 * time.Second
	stillness = 1500 * time.Millisecond
	stuck     = 3 * time.Second // what does not move this long waits for its time, which is then let pass
)

// settled is the rule that nothing is on its way for ever.
const settled = "everything settles"

// rests is how often time is let pass until everything must have settled.
const rests = 8

// quiet waits until everything has settled, with all partners behaving again, and asks every invariant.
func (r *run) quiet(ctx context.Context) ([]check.Finding, error) {
	r.calm()
	if err := r.market.idle(ctx); err != nil {
		return nil, err
	}
	if b := r.market.shops[1]; b.wanted && b.mode != "live" {
		if err := r.goLive(ctx, b, patience); err != nil {
			return nil, err
		}
	}
	left := ""
	for n := range rests {
		if err := r.rest(ctx, n); err != nil {
			return nil, err
		}
		var err error
		if left, err = r.settle(ctx, n+1 < rests); err != nil {
			return nil, err
		}
		if left == "" {
			break
		}
	}
	if err := r.market.site.ask(ctx); err != nil {
		return nil, err
	}
	found, err := check.Run(ctx, r.store.db, r.market.world())
	if err != nil {
		return nil, err
	}
	twice, err := r.store.again(ctx)
	if err != nil {
		return nil, err
	}
	found = append(found, twice...)
	if left != "" {
		found = append(found, check.Finding{Rule: settled, What: left})
	}
	r.report.Checks++
	r.say("quiet point %d: %d findings; %v; faults %v and %v", r.report.Checks, len(found), r.report.Workload, r.market.injected(), r.report.Faults)
	for _, f := range found {
		r.say("  %s: %s", f.Rule, f.What)
	}
	return found, nil
}

// rest stops the program, lets time pass, and starts it again.
func (r *run) rest(ctx context.Context, n int) error {
	if err := r.stop(); err != nil {
		return err
	}
	if err := r.store.pass(ctx); err != nil {
		return err
	}
	if n > 0 {
		r.did("time passed once more")
	}
	if err := r.house.begin(ctx, life{}); err != nil {
		return err
	}
	return r.authorize(ctx)
}

// settle waits until nothing is on its way and nothing has moved for a while; it answers what is left when it does not come to an end, at once where time can be let pass again and nothing moves.
func (r *run) settle(ctx context.Context, again bool) (string, error) {
	left, was, since, moved := "", "", time.Now(), time.Now()
	for deadline := time.Now().Add(settling); time.Now().Before(deadline); {
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
		var err error
		if left, err = r.store.left(ctx); err != nil {
			return "", err
		}
		mark, err := r.store.mark(ctx)
		if err != nil {
			return "", err
		}
		if left == "" {
			left, err = r.missing(ctx)
		}
		if err != nil {
			return "", err
		}
		if mark += left; mark != was {
			moved = time.Now()
		}
		if left != "" || mark != was {
			since = time.Now()
		}
		if was = mark; time.Since(since) > stillness {
			return "", nil
		}
		if again && time.Since(moved) > stuck {
			return left, nil
		}
	}
	if left == "" {
		left = "events still move"
	}
	return left, nil
}

// missing says how many orders of an account are not here yet.
func (r *run) missing(ctx context.Context) (string, error) {
	for _, a := range r.market.world().Accounts {
		got, err := r.store.texts(ctx, `select external from orders where account_id = '`+a.ID+`'`)
		if err != nil {
			return "", err
		}
		if n := len(a.Orders) - len(got); n > 0 {
			return fmt.Sprintf("%d orders of %s are not here", n, a.Name), nil
		}
	}
	return "", nil
}
