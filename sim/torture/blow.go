package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// blow is one thing that befalls the program, its machine or its database.
type blow struct {
	name   string // in a mix
	weight int    // how often, beside the others
	strike func(ctx context.Context, rnd *rand.Rand) error
}

// blows are those that this engine and this machine can be dealt; what cannot is said once in the report.
func (r *run) blows() []blow {
	all := []blow{{"killed", 6, r.killed}, {"stopped", 3, r.stopped}, {"clock", 2, r.clockWrong}}
	if r.store.engine == "sqlite" {
		all = append(all, blow{"refused", 1, r.refused}, blow{"full", 2, r.fewPages})
		if slowed(exec.Command("true"), "1", "/dev/null") {
			return append(all, blow{"slow", 2, r.slowDisk})
		}
		r.cannot("slow disk: strace is missing or may not trace")
		return all
	}
	all = append(all, blow{"cut", 3, r.cutOff}, blow{"beside", 4, r.beside}, blow{"frozen", 3, r.frozen})
	if r.store.server == nil {
		r.cannot("restart, crash and full disk of the database: the server is a shared one")
		return all
	}
	all = append(all, blow{"restarted", 2, r.restarted}, blow{"crashed", 2, r.crashed})
	if !r.store.server.small {
		r.cannot("full disk of PostgreSQL: this machine lets nobody mount a small disk")
		return all
	}
	return append(all, blow{"full", 2, r.diskFull})
}

// Blows are the names that a mix may give a weight to.
var Blows = []string{"killed", "stopped", "clock", "refused", "full", "slow", "cut", "beside", "frozen", "restarted", "crashed"}

// Mix reads weights such as "frozen=20,crashed=5": how often a blow is dealt beside the others, none with 0.
func Mix(text string) (map[string]int, error) {
	mix := map[string]int{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, weight, ok := strings.Cut(part, "=")
		n, err := strconv.Atoi(weight)
		if !ok || err != nil || n < 0 || n > 100 || !slices.Contains(Blows, name) {
			return nil, fmt.Errorf("%q is no weight of one of %s, such as frozen=20", part, strings.Join(Blows, ", "))
		}
		mix[name] = n
	}
	return mix, nil
}

// bag holds each blow as often as it weighs.
func bag(all []blow, mix map[string]int) []blow {
	var filled []blow
	for _, b := range all {
		n, mixed := mix[b.name]
		if !mixed {
			n = b.weight
		}
		for range n {
			filled = append(filled, b)
		}
	}
	return filled
}

// cannot notes what this machine does not allow to be played.
func (r *run) cannot(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, said := range r.report.Cannot {
		if said == what {
			return
		}
	}
	r.report.Cannot = append(r.report.Cannot, what)
}

// killing deals blows at random instants until the time of trouble is over. Afterwards the program runs.
func (r *run) killing(ctx, work context.Context, rnd *rand.Rand) error {
	of := bag(r.blows(), r.opt.Mix)
	for len(of) > 0 && wait(work, time.Duration(100+rnd.IntN(1000))*time.Millisecond) == nil {
		if err := pick(rnd, of...).strike(ctx, rnd); err != nil {
			return err
		}
	}
	return nil
}

// killed ends the program at once and starts it again; now and then it is killed while it starts, too.
func (r *run) killed(ctx context.Context, rnd *rand.Rand) error {
	return r.again(ctx, rnd, life{})
}

// stopped tells the program to end in the middle of its work, and starts it again.
func (r *run) stopped(ctx context.Context, _ *rand.Rand) error {
	if err := r.stop(); err != nil {
		return err
	}
	r.struck("told to stop while busy")
	return r.house.begin(ctx, life{})
}

// stop has the program finish what it has begun.
func (r *run) stop() error {
	slow := r.house.syncs != "" && r.house.cmd != nil
	if err := r.house.stop(); err != nil || !slow {
		return err
	}
	return r.counted(context.Background())
}

// again kills the program and begins another life.
func (r *run) again(ctx context.Context, rnd *rand.Rand, l life) error {
	if err := r.end(); err != nil {
		return err
	}
	r.struck("killed")
	for rnd.IntN(4) == 0 {
		if err := r.house.launch(ctx, life{}); err != nil {
			return err
		}
		if err := wait(ctx, time.Duration(rnd.IntN(400))*time.Millisecond); err != nil {
			return err
		}
		if err := r.end(); err != nil {
			return err
		}
		r.struck("killed while starting")
	}
	return r.house.begin(ctx, l)
}

// end kills the program. What a slow life committed it must have waited for.
func (r *run) end() error {
	slow := r.house.syncs != "" && r.house.cmd != nil
	if err := r.house.kill(); err != nil || !slow {
		return err
	}
	return r.counted(context.Background())
}

func (r *run) counted(ctx context.Context) error {
	n, err := r.house.synced(ctx)
	r.house.syncs = ""
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Syncs += n
	return err
}

// clockWrong has the program take another time for now, by minutes: ahead or behind.
func (r *run) clockWrong(ctx context.Context, rnd *rand.Rand) error {
	r.struck("our clock wrong")
	return r.again(ctx, rnd, life{wrong: time.Duration(rnd.IntN(480)-240) * time.Second})
}

// slowDisk has every sync take much longer.
func (r *run) slowDisk(ctx context.Context, rnd *rand.Rand) error {
	r.struck("slow disk")
	return r.again(ctx, rnd, life{slow: strconv.Itoa(10_000 + rnd.IntN(60_000))})
}

// fewPages lets SQLite's file grow by a few pages only; then there is room again.
func (r *run) fewPages(ctx context.Context, rnd *rand.Rand) error {
	if err := r.end(); err != nil {
		return err
	}
	n, err := r.store.pages(ctx)
	if err != nil {
		return err
	}
	if err := r.house.launch(ctx, life{pages: n + int64(rnd.IntN(30))}); err != nil {
		return err
	}
	r.struck("disk full")
	if err := wait(ctx, time.Duration(500+rnd.IntN(1000))*time.Millisecond); err != nil {
		return err
	}
	return r.again(ctx, rnd, life{})
}

// refused starts a second program on one SQLite file, which must not run: one process writes.
func (r *run) refused(ctx context.Context, _ *rand.Rand) error {
	cmd := r.house.command(context.WithoutCancel(ctx), "serve", "--addr", "127.0.0.1:0")
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	select {
	case err := <-gone:
		if err == nil {
			return errors.New("a second serve on one SQLite file ended as if all were well")
		}
		r.struck("two processes, one refused")
		return nil
	case <-time.After(patience):
		return errors.Join(errors.New("a second serve runs on one SQLite file"), cmd.Process.Kill())
	}
}

// helper starts a second program that shares the work on PostgreSQL; stop kills it.
func (r *run) helper(ctx context.Context, rnd *rand.Rand) (stop func() error, err error) {
	program, what := r.house.program, "two processes, one killed"
	if r.house.old != "" && rnd.IntN(2) == 0 {
		program, what = r.house.old, "an old program beside the new"
	}
	cmd := r.house.commandOf(context.WithoutCancel(ctx), program, "serve", "--addr", "127.0.0.1:0")
	if rnd.IntN(4) == 0 && program != r.house.old {
		cmd.Env = append(cmd.Env, fmt.Sprintf("OPENCLAW_CLOCK_WRONG=%ds", rnd.IntN(480)-240))
		r.struck("our clock wrong")
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	return func() error {
		err := cmd.Process.Kill()
		if ended := <-gone; err != nil { // it had ended by itself
			if program == r.house.old {
				what = "an old program refused"
			} else if r.store.server == nil {
				return fmt.Errorf("%s: %w", what, ended)
			}
		}
		r.struck(what)
		return nil
	}, nil
}

// beside lets two programs start at the same time and share the work, until one is killed.
func (r *run) beside(ctx context.Context, rnd *rand.Rand) error {
	if rnd.IntN(2) == 0 {
		if err := r.end(); err != nil {
			return err
		}
		r.struck("killed")
		if err := r.house.launch(ctx, life{}); err != nil {
			return err
		}
	}
	stop, err := r.helper(ctx, rnd)
	if err != nil {
		return err
	}
	_ = wait(ctx, time.Duration(300+rnd.IntN(1500))*time.Millisecond)
	return errors.Join(stop(), r.house.ready(ctx))
}

// frozen holds the program in the middle of its work, best while it tells a partner something, until its leases have ended and another one has taken over; then it goes
// on as if nothing had been.
func (r *run) frozen(ctx context.Context, rnd *rand.Rand) error {
	for deadline := time.Now().Add(time.Duration(500+rnd.IntN(1000)) * time.Millisecond); time.Now().Before(deadline); {
		if at, err := r.store.telling(ctx); err != nil || len(at) > 0 {
			break
		}
		if err := wait(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	if err := freeze(r.house.cmd.Process); err != nil {
		return err
	}
	begun, err := r.store.telling(ctx)
	stop, bad := r.helper(ctx, rnd)
	if err = errors.Join(err, bad, r.store.expire(ctx)); bad == nil && err == nil {
		r.takenOver(ctx, begun)
	}
	_ = wait(ctx, time.Duration(200+rnd.IntN(400))*time.Millisecond)
	err = errors.Join(err, thaw(r.house.cmd.Process))
	r.struck("frozen past its leases")
	if len(begun) > 0 {
		r.struck("frozen while telling a partner")
	}
	if bad != nil {
		return err
	}
	_ = wait(ctx, time.Duration(800+rnd.IntN(400))*time.Millisecond)
	return errors.Join(err, stop(), r.house.ready(ctx))
}

// takenOver waits until none of the tells is under way any more, or long enough.
func (r *run) takenOver(ctx context.Context, begun []string) {
	for deadline := time.Now().Add(4 * time.Second); time.Now().Before(deadline); {
		now, err := r.store.telling(ctx)
		if err != nil || !slices.ContainsFunc(now, func(id string) bool { return slices.Contains(begun, id) }) || wait(ctx, 20*time.Millisecond) != nil {
			return
		}
	}
}

// cutOff ends some of the program's connections.
func (r *run) cutOff(ctx context.Context, _ *rand.Rand) error {
	r.struck("database connections cut")
	return r.store.cut(ctx)
}

// restarted and crashed end the database under the running program, and start it again.
func (r *run) restarted(ctx context.Context, _ *rand.Rand) error {
	r.struck("database restarted")
	return errors.Join(r.store.server.restart(ctx, false), r.house.ready(ctx))
}

func (r *run) crashed(ctx context.Context, _ *rand.Rand) error {
	r.struck("database crashed")
	return errors.Join(r.store.server.restart(ctx, true), r.house.ready(ctx))
}

// diskFull leaves PostgreSQL without a byte of room.
func (r *run) diskFull(ctx context.Context, rnd *rand.Rand) error {
	r.struck("disk full")
	return errors.Join(r.store.server.full(ctx, time.Duration(300+rnd.IntN(900))*time.Millisecond), r.house.ready(ctx))
}
