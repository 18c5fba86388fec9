// Command torture plays many seeds of the torture run (package sim/torture) at a time and keeps the reports: `go run ./bench/torture -for 60m`. It builds the program,
// and an earlier one from the history to run beside it, plays each seed on SQLite and on a PostgreSQL of its own, and writes what was done into bench/torture.
// `-once 8` plays one seed on each engine for make test; `-sabotage` takes protections out one by one and sees that the run notices. Start at main, then play.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/sim/torture"
)

type options struct {
	lasts    time.Duration
	seeds    int
	from     uint64
	parallel int
	minutes  float64
	engines  string
	program  string
	old      string
	out      string
	once     float64
	mix      string
	sabotage bool
}

func main() {
	var o options
	flag.DurationVar(&o.lasts, "for", 0, "play seeds until so much time has gone; or see -seeds")
	flag.IntVar(&o.seeds, "seeds", 0, "how many seeds, each on every engine")
	flag.Uint64Var(&o.from, "from", uint64(time.Now().Unix()), "the first seed")
	flag.IntVar(&o.parallel, "parallel", 3, "how many runs at the same time")
	flag.Float64Var(&o.minutes, "minutes", 0.2, "how long the trouble of one seed lasts")
	flag.StringVar(&o.engines, "engines", "sqlite,postgres", "on which databases")
	flag.StringVar(&o.program, "program", "", "the program; default: it is built")
	flag.StringVar(&o.old, "old", "auto", "an earlier program; auto builds it from the history, none does without")
	flag.StringVar(&o.out, "out", "bench/torture", "where reports go")
	flag.Float64Var(&o.once, "once", 0, "one seed on each engine, so many seconds of trouble, no report")
	flag.StringVar(&o.mix, "mix", "", "weights of what befalls the program and its database, such as frozen=20,crashed=5")
	flag.BoolVar(&o.sabotage, "sabotage", false, "take protections out one by one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "openclaw-torture-series-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := player{program: filepath.Join(dir, "openclaw-commerce"), minutes: o.minutes, mix: o.mix}
	if o.program != "" {
		p.program = o.program
	} else if err := build(ctx, p.program, o.sabotage); err != nil {
		return err
	}
	switch {
	case o.sabotage:
		return sabotage(ctx, p, o)
	case o.once > 0:
		p.minutes = o.once / 60
		o.seeds, o.from, o.out, o.parallel = 1, 1, "", 2
	case o.old == "auto":
		p.old, p.oldName = earlier(ctx, dir)
	case o.old != "none":
		p.old, p.oldName = o.old, filepath.Base(o.old)
	}
	if o.seeds == 0 && o.lasts == 0 {
		o.lasts = time.Hour
	}
	return series(ctx, p, o)
}

func build(ctx context.Context, program string, sabotage bool) error {
	args := []string{"build", "-o", program}
	if sabotage {
		args = append(args, "-tags", "sabotage")
	}
	return command(ctx, "", "go", append(args, ".")...)
}

// player plays one seed with one program.
type player struct {
	program, old, oldName string
	mix                   string
	minutes               float64
	env                   []string
}

// outcome is a run and how it ended.
type outcome struct {
	torture.Report
	said string // what it printed, for who looks at a failure
}

func (p player) play(ctx context.Context, engine string, seed uint64) outcome {
	args := []string{"sim", "torture", "--seed", fmt.Sprint(seed), "--minutes", fmt.Sprint(p.minutes)}
	if engine == "postgres" {
		args = append(args, "--db", "postgres")
	}
	if p.old != "" {
		args = append(args, "--old", p.old)
	}
	if p.mix != "" {
		args = append(args, "--mix", p.mix)
	}
	cmd := exec.CommandContext(ctx, p.program, args...)
	cmd.Env = append(os.Environ(), p.env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	o := outcome{said: said.String()}
	if bad := json.Unmarshal(out.Bytes(), &o.Report); bad != nil {
		err = errors.Join(err, bad)
	}
	o.Seed, o.Engine = seed, engine
	if err != nil && o.Error == "" {
		o.Error = err.Error()
	}
	return o
}

// series plays seeds side by side until they or the time are over, and fails when one run did.
func series(ctx context.Context, p player, o options) error {
	type task struct {
		engine string
		seed   uint64
	}
	tasks := make(chan task)
	end := time.Now().Add(o.lasts)
	go func() {
		defer close(tasks)
		for n := 0; ctx.Err() == nil && (n < o.seeds || o.seeds == 0 && time.Now().Before(end)); n++ {
			for _, e := range strings.Split(o.engines, ",") {
				select {
				case tasks <- task{e, o.from + uint64(n)}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	var mu sync.Mutex
	var all []outcome
	var g sync.WaitGroup
	for range max(1, o.parallel) {
		g.Go(func() {
			for t := range tasks {
				done := p.play(ctx, t.engine, t.seed)
				if ctx.Err() != nil {
					return // broken off by hand: neither clean nor failed
				}
				mu.Lock()
				all = append(all, done)
				told(done)
				mu.Unlock()
			}
		})
	}
	g.Wait()
	failed := 0
	for _, d := range all {
		if d.Error != "" {
			failed++
		}
	}
	if o.out != "" && len(all) > 0 {
		if err := keep(context.WithoutCancel(ctx), o, p, all); err != nil {
			return err
		}
	}
	if failed > 0 || len(all) == 0 {
		return fmt.Errorf("%d of %d runs failed", failed, len(all))
	}
	fmt.Printf("%d runs, all clean\n", len(all))
	return nil
}

// told prints how a run ended; of one that failed, what it said last.
func told(o outcome) {
	if o.Error == "" {
		fmt.Printf("torture on %s, seed %d: clean, %.0fs\n", o.Engine, o.Seed, o.Seconds)
		return
	}
	lines := strings.Split(strings.TrimSpace(o.said), "\n")
	fmt.Printf("torture on %s, seed %d: FAILED, %.0fs: %s\n%s\n", o.Engine, o.Seed, o.Seconds, o.Error, strings.Join(lines[max(0, len(lines)-40):], "\n"))
}

// earlier builds what runs beside a new program while it is rolled out: the last commit before the newest migration that the database still lets run, else the one of
// ten commits ago. Nothing where there is no history.
func earlier(ctx context.Context, dir string) (program, name string) {
	src := filepath.Join(dir, "old")
	program = filepath.Join(dir, "openclaw-commerce-old")
	for _, commit := range []string{beforeNewest(ctx), "HEAD~10"} {
		hash, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", commit).Output()
		if err != nil || os.RemoveAll(src) != nil || os.MkdirAll(src, 0o700) != nil {
			continue
		}
		if command(ctx, "", "sh", "-c", "git archive "+commit+" | tar -x -C "+src) == nil && newest(src) >= oldest() && command(ctx, src, "go", "build", "-o", program, ".") == nil {
			return program, strings.TrimSpace(string(hash))
		}
	}
	return "", ""
}

// beforeNewest is the commit before the one that added the newest migration.
func beforeNewest(ctx context.Context) string {
	added, err := exec.CommandContext(ctx, "git", "log", "--diff-filter=A", "-1", "--format=%h", "--", "platform/db/migrate/*.sql").Output()
	if hash := strings.TrimSpace(string(added)); err == nil && hash != "" {
		return hash + "~1"
	}
	return "HEAD"
}

func migrations(root string) []string {
	all, _ := filepath.Glob(filepath.Join(root, "platform/db/migrate/[0-9]*.sql"))
	return all
}

// newest is the newest migration that a tree knows.
func newest(root string) (n int) {
	for _, f := range migrations(root) {
		_, _ = fmt.Sscanf(filepath.Base(f), "%05d_", &n)
	}
	return n
}

// oldest is the oldest program that our migrations let run beside them.
func oldest() (n int) {
	for _, f := range migrations(".") {
		text, err := os.ReadFile(f)
		var one int
		if _, bad := fmt.Sscanf(string(text), "-- oldest binary: %d", &one); err == nil && bad == nil {
			n = max(n, one)
		}
	}
	return n
}

// command runs a tool and shows what it said when it fails.
func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said)
	}
	return nil
}
