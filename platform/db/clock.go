package db

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	probeEvery = time.Minute
	skewLimit  = 2 * time.Second
)

// clock is the process clock with the correction that brings it to the database's.
type clock struct {
	given  func() time.Time
	wrong  time.Duration // tests only
	offset atomic.Int64  // nanoseconds to add
	cancel context.CancelFunc
	ended  chan struct{}
}

// start measures the offset once and then every minute. A given clock, and that of SQLite, is never corrected.
func (c *clock) start(ctx context.Context, d *DB) error {
	c.given, c.wrong = d.opt.Now, d.opt.ClockWrong
	if c.given != nil || d.Engine() == SQLite {
		return nil
	}
	if err := c.probe(ctx, d.engine.clock); err != nil {
		return err
	}
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.ended = make(chan struct{})
	go func() {
		defer close(c.ended)
		tick := time.NewTicker(probeEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := c.probe(ctx, d.engine.clock); err != nil && ctx.Err() == nil {
				d.log.Warn("the database's clock could not be read", "error", err)
			}
			if d.Skewed() {
				d.log.Error("the clocks of this machine and of the database differ; jobs are not claimed", "offset", time.Duration(c.offset.Load()))
			}
		}
	}()
	return nil
}

// probe takes the middle of the question's way as the instant the database answered.
func (c *clock) probe(ctx context.Context, ask func(context.Context) (time.Time, error)) error {
	before := time.Now()
	theirs, err := ask(ctx)
	if err != nil {
		return err
	}
	took := time.Since(before)
	c.offset.Store(int64(theirs.Sub(before.Add(c.wrong + took/2))))
	return nil
}

func (c *clock) stop() {
	if c.cancel != nil {
		c.cancel()
		<-c.ended
	}
}

// Now is the process clock corrected to the database's, in UTC and whole microseconds. The database is asked once a minute.
func (d *DB) Now() time.Time {
	if d.clock.given != nil {
		return d.clock.given().UTC().Truncate(time.Microsecond)
	}
	return time.Now().Add(d.clock.wrong + time.Duration(d.clock.offset.Load())).UTC().Truncate(time.Microsecond)
}

// Skewed reports whether the process clock is more than two seconds off the database's: then leases cannot be trusted and jobs
// are not claimed.
func (d *DB) Skewed() bool {
	off := time.Duration(d.clock.offset.Load())
	return off > skewLimit || off < -skewLimit
}
