package sim

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Delivery is one webhook to one address. Header and Body are sent as they are at every attempt, so a delivery id put there is stable over
// retries and duplicates.
type Delivery struct {
	Topic, Ref, URL string
	Header          http.Header
	Body            []byte
	Tag             string                           // the sender's own, for Failed and Delivered (a subscription id)
	Prepare         func(h http.Header, attempt int) // optional: headers that differ by attempt, counted from 1
}

// OutboxConfig says how a partner sends. The zero value sends once, from four workers, with five seconds each.
type OutboxConfig struct {
	Client    *http.Client
	Workers   int                   // deliveries at the same time; 4 when zero
	Timeout   time.Duration         // of one attempt; 5 s when zero; never scaled
	Retries   []time.Duration       // waits before the second, third, … attempt at the partner's own pace
	Scale     float64               // every wait is multiplied by it, so that hours become milliseconds; 1 when zero
	Accept    func(status int) bool // which answers count as received; any 2xx when nil
	Faults    *Faults
	Record    *Record
	Now       func() time.Time
	Log       *slog.Logger
	Seed      uint64
	Failed    func(d Delivery, attempts int) // all attempts used up; called without locks held
	Delivered func(d Delivery, attempt int)
}

// Outbox sends webhooks in the background: concurrently, without any order, retrying as configured, honouring Duplicate, Reorder, Drop and
// Delay. Idle waits until nothing is left, waiting retries included.
type Outbox struct {
	cfg    OutboxConfig
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	rnd     *rand.Rand
	queue   []job
	held    []job
	running int
	pending int // queued, held, waiting for a retry or being sent
	quiet   chan struct{}
	closed  bool
	workers sync.WaitGroup
}

type job struct {
	Delivery
	attempt int
}

// NewOutbox is an outbox that runs until Close; it holds no goroutine while there is nothing to send.
func NewOutbox(cfg OutboxConfig) *Outbox {
	if cfg.Client == nil {
		cfg.Client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}}
	}
	if cfg.Workers <= 0 {
		cfg.Workers = 4
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Scale <= 0 {
		cfg.Scale = 1
	}
	if cfg.Accept == nil {
		cfg.Accept = func(status int) bool { return status/100 == 2 }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Outbox{cfg: cfg, ctx: ctx, cancel: cancel, rnd: rand.New(rand.NewPCG(cfg.Seed, 0x5eed))}
}

// Send queues a delivery and returns at once. After Close it does nothing.
func (o *Outbox) Send(d Delivery) {
	f := o.cfg.Faults
	if _, ok := f.Take(Drop, d.Topic); ok {
		o.note(job{Delivery: d}, 0, nil, "dropped")
		return
	}
	copies := 1
	if hit, ok := f.Take(Duplicate, d.Topic); ok {
		copies += or(hit.Code, 1)
	}
	late, isLate := f.Take(Delay, d.Topic)
	back, isBack := f.Take(Reorder, d.Topic)

	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	for range copies {
		j := job{Delivery: d, attempt: 1}
		o.pending++
		switch {
		case isLate:
			o.after(late.Delay, j)
		case isBack:
			o.held = append(o.held, j)
		default:
			o.push(j)
		}
	}
	if !isBack {
		o.release()
		return
	}
	wait := back.Delay
	if wait <= 0 {
		wait = 100 * time.Millisecond
	}
	time.AfterFunc(wait, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.release()
	})
}

// Pending is how many deliveries are queued, held back, waiting for a retry or on their way.
func (o *Outbox) Pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pending
}

// Idle waits until nothing is pending or ctx ends.
func (o *Outbox) Idle(ctx context.Context) error {
	for {
		o.mu.Lock()
		if o.pending == 0 {
			o.mu.Unlock()
			return nil
		}
		if o.quiet == nil {
			o.quiet = make(chan struct{})
		}
		quiet := o.quiet
		o.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet:
		}
	}
}

// Close stops sending, waits for what is on its way and forgets the rest.
func (o *Outbox) Close() {
	o.mu.Lock()
	o.closed = true
	o.queue, o.held, o.pending = nil, nil, 1 // so that whoever waits in Idle is let go
	o.done()
	o.mu.Unlock()
	o.cancel()
	o.workers.Wait()
	o.cfg.Client.CloseIdleConnections()
}

func (o *Outbox) push(j job) {
	if o.closed {
		o.done()
		return
	}
	o.queue = append(o.queue, j)
	if o.running < o.cfg.Workers {
		o.running++
		o.workers.Go(o.work)
	}
}

func (o *Outbox) release() {
	held := o.held
	o.held = nil
	for _, j := range held {
		o.push(j)
	}
}

func (o *Outbox) after(wait time.Duration, j job) {
	time.AfterFunc(wait, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.push(j)
	})
}

func (o *Outbox) done() {
	o.pending--
	if o.pending <= 0 && o.quiet != nil {
		close(o.quiet)
		o.quiet = nil
	}
}

func (o *Outbox) work() {
	for {
		o.mu.Lock()
		if len(o.queue) == 0 {
			o.running--
			o.mu.Unlock()
			return
		}
		j := o.queue[0]
		o.queue = o.queue[1:]
		o.mu.Unlock()
		o.deliver(j)
	}
}

func (o *Outbox) deliver(j job) {
	status, answer, err := o.post(j)
	ok := err == nil && o.cfg.Accept(status)
	note := "attempt " + strconv.Itoa(j.attempt)
	if err != nil {
		note += ": " + err.Error()
	}
	o.note(j, status, answer, note)
	last := j.attempt > len(o.cfg.Retries)
	switch {
	case ok && o.cfg.Delivered != nil:
		o.cfg.Delivered(j.Delivery, j.attempt)
	case !ok && last && o.cfg.Failed != nil:
		o.cfg.Failed(j.Delivery, j.attempt)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if ok || last || o.closed {
		o.done()
		return
	}
	wait := time.Duration(float64(o.cfg.Retries[j.attempt-1]) * o.cfg.Scale)
	wait += time.Duration(o.rnd.Int64N(int64(wait)/10 + 1)) // retries of one burst must not come back as one burst
	j.attempt++
	o.after(wait, j)
}

func (o *Outbox) post(j job) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(o.ctx, o.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, j.URL, bytes.NewReader(j.Body))
	if err != nil {
		return 0, nil, err
	}
	for k, v := range j.Header {
		req.Header[k] = v
	}
	if j.Prepare != nil {
		req.Header = req.Header.Clone()
		j.Prepare(req.Header, j.attempt)
	}
	resp, err := o.cfg.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, answer, err
}

func (o *Outbox) note(j job, status int, answer []byte, note string) {
	o.cfg.Log.Debug("webhook", "topic", j.Topic, "ref", j.Ref, "status", status, "note", note)
	if o.cfg.Record != nil {
		o.cfg.Record.Add(Entry{
			At: o.cfg.Now(), Dir: Out, Kind: j.Topic, Ref: j.Ref, Method: http.MethodPost, Path: j.URL,
			Status: status, Request: j.Body, Response: answer, Note: note,
		})
	}
}
