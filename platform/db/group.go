package db

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

const (
	groupSize = 64                     // members that share a commit at most
	groupWork = 5 * time.Millisecond   // a group that has worked this long takes no further member
	patience  = 100 * time.Millisecond // a background member that has waited this long takes turns with people
)

// writer owns SQLite's one writing connection. Members wait in two queues; a goroutine opens a transaction, gives each member in
// turn a savepoint in it, and commits for all of them. A member's function runs on its caller's goroutine while the connection is
// lent to it, so that panics, runtime.Goexit and stack traces stay where they belong.
type writer struct {
	conn   *liteConn
	counts *counts
	work   time.Duration // groupWork
	fails  func(Step) error
	lost   atomic.Bool // SQLite has rolled back since the last begin

	mu         sync.Mutex
	people     []*member
	background []*member
	yielded    bool // the last turn was a background member's
	closed     bool
	wake       chan struct{} // something was queued, or closed
	ended      chan struct{}
}

// member is one call of Write while it waits and runs.
type member struct {
	since time.Time
	large bool          // see Large
	turn  chan struct{} // the connection is yours
	done  chan error    // the function has ended: nil to be committed, an error to be undone
	told  chan error    // the verdict: nil is committed. Without one, another turn means: run again, alone
}

// errStopped is the outcome of a function that panicked or called runtime.Goexit; its goroutine waits for no verdict.
var errStopped = errors.New("the function did not return")

func newWriter(c *liteConn, n *counts, fails func(Step) error) (*writer, error) {
	w := &writer{conn: c, counts: n, fails: fails, work: groupWork + Gap("savepoint"), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	if err := watch(c.conn, &w.lost); err != nil {
		return nil, err
	}
	go w.loop()
	return w, nil
}

// close lets those that wait finish.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.signal()
	<-w.ended
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) write(ctx context.Context, d *DB, fn func(*Tx) error) error {
	m := &member{since: time.Now(), large: isLarge(ctx), turn: make(chan struct{}), done: make(chan error), told: make(chan error, 1)}
	if !w.enqueue(m, isBackground(ctx)) {
		return errClosed()
	}
	var tx *Tx
	queued := ctx.Done()
	for {
		select {
		case <-queued:
			if w.remove(m) {
				return ctx.Err()
			}
			queued = nil
		case <-m.turn:
			queued = nil
			tx = d.begin(ctx, liteWrite{w}, false)
			m.run(tx, fn)
		case err := <-m.told:
			if err == nil {
				tx.finish()
			}
			return err
		}
	}
}

// run calls fn and hands the connection back, however fn ends.
func (m *member) run(tx *Tx, fn func(*Tx) error) {
	err := errStopped
	defer func() {
		tx.end()
		m.done <- err
	}()
	err = tx.call(fn, tx.Flush)
}

func (w *writer) enqueue(m *member, background bool) bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	if background {
		w.background = append(w.background, m)
	} else {
		w.people = append(w.people, m)
	}
	w.mu.Unlock()
	w.signal()
	return true
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.people) + len(w.background)
}

// remove takes a member out that has not had its turn.
func (w *writer) remove(m *member) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range []*[]*member{&w.people, &w.background} {
		for i, other := range *q {
			if other == m {
				*q = append((*q)[:i:i], (*q)[i+1:]...)
				return true
			}
		}
	}
	return false
}

// next takes the member whose turn it is, or nil: also when that one wants to be the first of its transaction and this is not the beginning of one. A turn of the
// background lasts for the rest of its transaction, so that one commit serves many who have waited.
func (w *writer) next(first bool) *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := &w.people
	overdue := len(w.background) > 0 && time.Since(w.background[0].since) > patience
	if len(w.people) == 0 || overdue && (!first || !w.yielded) {
		from = &w.background
	}
	if len(*from) == 0 || !first && (*from)[0].large {
		return nil
	}
	w.yielded = from == &w.background
	m := (*from)[0]
	(*from)[0] = nil
	if *from = (*from)[1:]; len(*from) == 0 {
		*from = nil
	}
	return m
}

func (w *writer) loop() {
	defer close(w.ended)
	for range w.wake {
		for m := w.next(true); m != nil; m = w.next(true) {
			w.group(m)
		}
		w.mu.Lock()
		over := w.closed && len(w.people) == 0 && len(w.background) == 0
		w.mu.Unlock()
		if over {
			return
		}
	}
}

// group runs members in one transaction, starting with first, and tells each its verdict.
func (w *writer) group(first *member) {
	if err := w.begin(); err != nil {
		first.told <- err
		return
	}
	start := time.Now()
	var kept []*member // their writes are in the transaction
	for m := first; m != nil; {
		err := w.inGroup(m, len(kept) > 0)
		switch {
		case err != nil && len(kept) == 0: // it was alone
			w.rollback()
			m.told <- err
			return
		case w.lost.Load():
			w.oneByOne(append(kept, m), err)
			return
		case err == nil:
			kept = append(kept, m)
		default:
			m.told <- err
		}
		m = nil
		if len(kept) < groupSize && time.Since(start) < w.work {
			m = w.next(false)
		}
	}
	if err := w.commit(len(kept)); err != nil {
		w.oneByOne(kept, nil)
		return
	}
	for _, m := range kept {
		m.told <- nil
	}
}

// inGroup lends the connection to one member, in a savepoint when others have written before it.
func (w *writer) inGroup(m *member, savepoint bool) error {
	savepoint = savepoint && !Sabotaged("savepoint")
	if savepoint {
		if err := w.exec("savepoint member"); err != nil {
			w.rollback()
			return err
		}
	}
	m.turn <- struct{}{}
	err := <-m.done
	if !savepoint || w.lost.Load() {
		return err
	}
	var undone error
	if err != nil {
		undone = w.exec("rollback to member")
	}
	if undone == nil {
		undone = w.exec("release member")
	}
	if undone != nil {
		// Without its savepoint a member's part can no longer be told from the others'.
		w.rollback()
	}
	return err
}

// oneByOne repeats members whose transaction was lost, each in a transaction of its own. last is the outcome of the last of them:
// a function that stopped is not there to be repeated.
func (w *writer) oneByOne(members []*member, last error) {
	w.rollback()
	for i, m := range members {
		if i == len(members)-1 && errors.Is(last, errStopped) {
			return
		}
		w.alone(m)
	}
}

func (w *writer) alone(m *member) {
	w.counts.repeats.Add(1)
	if err := w.begin(); err != nil {
		m.told <- err
		return
	}
	m.turn <- struct{}{}
	err := <-m.done
	switch {
	case err == nil && w.lost.Load():
		err = fault.Wrap(fault.Unavailable, errLost, "the database gave up the transaction, try again")
	case err == nil:
		err = w.commit(1)
	}
	if err != nil {
		w.rollback()
	}
	m.told <- err
}

func (w *writer) begin() error {
	w.lost.Store(false)
	err := w.step(AtBegin)
	if err == nil {
		err = classify(w.conn.exec(context.Background(), "begin immediate"))
	}
	w.lost.Store(err != nil)
	return err
}

// step is asked before a step; only a test lets one fail.
func (w *writer) step(s Step) error {
	if w.fails == nil {
		return nil
	}
	return w.fails(s)
}

// commit leaves no transaction open, whatever it returns.
func (w *writer) commit(members int) error {
	err := w.step(AtCommit)
	if err == nil {
		err = classify(w.exec("commit"))
	}
	if err != nil {
		w.rollback()
		return err
	}
	w.counts.commits.Add(1)
	w.counts.writes.Add(int64(members))
	return nil
}

// rollback leaves no transaction open, and nothing runs until the next begin.
func (w *writer) rollback() {
	_ = w.conn.exec(context.Background(), "rollback") // "no transaction is active" is as good
	w.lost.Store(true)
}

func (w *writer) exec(text string) error {
	if w.lost.Load() {
		return errLost
	}
	return w.conn.exec(context.Background(), text)
}
