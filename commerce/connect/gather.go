package connect

import (
	"context"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// gather lets callers that wait share one piece of work: whoever comes while it is being done waits for the next round. Nobody waits for company. Safe for concurrent use.
type gather[T any] struct {
	most  int // callers in one round
	lanes int // rounds beside each other
	// do does the work of a round; it must be safe to do the work of each caller again by itself.
	do func(ctx context.Context, all []T) error

	mu      sync.Mutex
	waiting []*waiter[T]
	running int
}

type waiter[T any] struct {
	ctx  context.Context
	work T
	done chan error // holds one
}

// roundTime is how long a round may take; its callers may be gone by then.
const roundTime = 30 * time.Second

// join has work done in the next round. What fails in company is tried again alone, so that one caller's fault is not another's. When the context ends first the work may
// still be done.
func (g *gather[T]) join(ctx context.Context, work T) error {
	w := &waiter[T]{ctx: ctx, work: work, done: make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	if g.running < g.lanes {
		g.running++
		go g.rounds()
	}
	g.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rounds does what waits until nothing does.
func (g *gather[T]) rounds() {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), g.most)
		if n == 0 {
			g.running--
			g.mu.Unlock()
			return
		}
		round := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.mu.Unlock()
		g.round(round)
	}
}

func (g *gather[T]) round(all []*waiter[T]) {
	works, there := make([]T, 0, len(all)), make([]*waiter[T], 0, len(all))
	for _, w := range all {
		if w.ctx.Err() == nil { // nobody waits for the others
			works, there = append(works, w.work), append(there, w)
		}
	}
	if len(there) == 0 {
		return
	}
	err := g.attempt(works)
	alone := err != nil && len(there) > 1 && !fault.Temporary(err)
	for i, w := range there {
		if alone {
			err = g.attempt(works[i : i+1])
		}
		w.done <- err
	}
}

func (g *gather[T]) attempt(works []T) error {
	ctx, cancel := context.WithTimeout(context.Background(), roundTime)
	defer cancel()
	return g.do(ctx, works)
}
