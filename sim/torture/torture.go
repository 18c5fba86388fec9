// Package torture runs the real program against simulated partners that misbehave, kills it at any instant, and looks from outside whether anything was lost:
// workload and faults come from one seed. Start at Run; what must hold is in package check.
package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// Options say what is run.
type Options struct {
	Program string         // the program's path
	Old     string         // an earlier version of the program, which on PostgreSQL runs beside it now and then; "" for none
	DB      string         // postgres://…: a database of its own is made beside the one named; postgres: a server of its own; else SQLite, in a file of its own
	Seed    uint64         // same seed, same workload and faults; timing may differ
	For     time.Duration  // how long orders and faults go on; settling and checking come on top
	Dir     string         // where database, logs and record are kept after a failure; default a temporary folder
	NoSync  bool           // a PostgreSQL without fsync will do: only the database's own crash is not covered then
	Mix     map[string]int // weights of blows, see Mix
	Env     []string       // added to the program's environment
	Keep    bool           // keep the folder after a clean run too
	Out     io.Writer      // what is going on
}

// Report is what a run did and found.
type Report struct {
	Seed     uint64            `json:"seed"`
	Engine   string            `json:"engine"`
	Settings map[string]string `json:"settings"` // of durability, as the database says
	Seconds  float64           `json:"seconds"`
	Workload map[string]int    `json:"workload"`
	Faults   map[string]int    `json:"faults"`           // how many of each kind really struck
	Cannot   []string          `json:"cannot,omitempty"` // faults this machine does not let us play
	Syncs    int               `json:"syncs,omitempty"`  // waits for the disk, counted while it was slow
	Checks   int               `json:"checks"`           // quiet points at which every invariant was asked
	Rules    []string          `json:"invariants"`
	Broken   []check.Finding   `json:"broken"`
	Folder   string            `json:"folder,omitempty"` // database, logs and record of a failed run
	Error    string            `json:"error,omitempty"`
}

// ErrBroken says that an invariant does not hold; the report names it.
var ErrBroken = errors.New("an invariant does not hold")

// run is one torture run under way.
type run struct {
	opt    Options
	dir    string
	rnd    *rand.Rand
	store  *store
	house  *house
	market *town
	report *Report
	start  time.Time
	mu     sync.Mutex
}

// Run plays one seed. The error is ErrBroken where an invariant does not hold; then, and where the run itself failed, the report's Folder holds what is needed to
// look closer.
func Run(ctx context.Context, opt Options) (Report, error) {
	if opt.Out == nil {
		opt.Out = io.Discard
	}
	rep := Report{Seed: opt.Seed, Workload: map[string]int{}, Faults: map[string]int{}, Rules: append(check.Rules(), settled, standing)}
	dir := opt.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "openclaw-torture-"); err != nil {
			return rep, fmt.Errorf("temporary folder: %w", err)
		}
	}
	r := &run{opt: opt, dir: dir, rnd: rand.New(rand.NewPCG(opt.Seed, 0x70a7)), report: &rep, start: time.Now()}
	err := r.play(ctx)
	rep.Seconds = time.Since(r.start).Seconds()
	if err == nil && len(rep.Broken) > 0 {
		err = ErrBroken
	}
	if err != nil {
		rep.Error, rep.Folder = err.Error(), dir
	}
	if err := r.close(err != nil || opt.Keep); err != nil {
		r.say("closing: %v", err)
	}
	return rep, err
}

func (r *run) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.opt.Out, "%7.1fs  %s\n", time.Since(r.start).Seconds(), fmt.Sprintf(format, args...))
}

// play is the whole run: a company is set up, rounds of trouble follow, each ending in a quiet point.
func (r *run) play(ctx context.Context) error {
	var err error
	if r.store, err = openStore(ctx, r.opt, r.dir); err != nil {
		return err
	}
	r.report.Engine = r.store.engine
	r.house = &house{run: r, program: r.opt.Program, old: r.opt.Old, data: filepath.Join(r.dir, "data"), url: r.store.url, env: r.opt.Env}
	if err := r.house.prepare(ctx); err != nil {
		return err
	}
	if err := r.store.find(ctx); err != nil {
		return err
	}
	if err := errors.Join(r.store.watch(ctx), r.store.sabotage(ctx)); err != nil {
		return err
	}
	if r.report.Settings, err = r.store.durable(ctx, r.opt.NoSync); err != nil {
		return err
	}
	if r.market, err = openTown(r); err != nil {
		return err
	}
	if err := r.house.begin(ctx, life{}); err != nil {
		return err
	}
	if err := r.company(ctx); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	r.say("%s, seed %d: the company is set up", r.store.engine, r.opt.Seed)
	end := time.Now().Add(r.opt.For)
	// Its connection too is cut, when all are.
	r.store.db.SetMaxIdleConns(0)
	for round := 0; ctx.Err() == nil && (round == 0 || time.Now().Before(end)); round++ {
		if err := r.round(ctx, round); err != nil {
			return err
		}
		broken, err := r.quiet(ctx)
		if err != nil || len(broken) > 0 {
			r.report.Broken = broken
			return err
		}
	}
	return ctx.Err()
}

// did counts a piece of the workload, struck a fault that the driver itself caused.
func (r *run) did(what string)    { r.count(r.report.Workload, what) }
func (r *run) struck(what string) { r.count(r.report.Faults, what) }

func (r *run) count(of map[string]int, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of[what]++
}

// close stops everything; what was kept is only kept after a failure.
func (r *run) close(keep bool) error {
	var errs []error
	if r.house != nil {
		errs = append(errs, r.house.kill())
	}
	if r.market != nil {
		for kind, n := range r.market.injected() {
			r.report.Faults[kind] += n
		}
		if keep {
			errs = append(errs, r.market.save(filepath.Join(r.dir, "record")))
		}
		r.market.close()
	}
	if r.store != nil {
		errs = append(errs, r.store.close(keep))
	}
	if keep {
		text, err := json.MarshalIndent(r.report, "", "  ")
		return errors.Join(append(errs, err, os.WriteFile(filepath.Join(r.dir, "report.json"), text, 0o600))...)
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// pick is one of some.
func pick[T any](rnd *rand.Rand, of ...T) T { return of[rnd.IntN(len(of))] }

// shuffled is a copy in another order.
func shuffled[T any](rnd *rand.Rand, of []T) []T {
	out := slices.Clone(of)
	rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// wait sleeps unless the context ends.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
