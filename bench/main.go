// Command bench measures how fast the house is against what the disk and the database allow. Start at figures.
//
//	go run ./bench -figure import -engine sqlite -seconds 5 -json     one figure
//	go run ./bench table                                             all of them, into bench/latest.json and docs/performance.md
//	go run ./bench check                                             five interleaved runs against bench/latest.json
//	go run ./bench seed -orders 1000000 -db sqlite:/tmp/big.db       a data set
//
// Every figure with a limit runs a bare program beside our path, in the same run: see limit.go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "seed":
			return runSeed(ctx, args[1:], out)
		case "check":
			return runCheck(ctx, args[1:], out)
		case "table":
			return runTable(ctx, args[1:], out)
		case "post": // the load generator of intake, a process of its own
			return runPost(ctx, args[1:], out)
		case "worker": // one process of scale-out
			return runWorker(ctx, args[1:], out)
		}
	}
	return runOne(ctx, args, out)
}

// runOne measures one figure and prints it.
func runOne(ctx context.Context, args []string, out io.Writer) (err error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	name := fs.String("figure", "", "which: "+names())
	var s settings
	s.flags(fs)
	asJSON := fs.Bool("json", false, "print the figure as JSON")
	cpu := fs.String("cpuprofile", "", "write a CPU profile of the run here")
	if err := fs.Parse(args); err != nil {
		return err
	}
	f, ok := find(*name)
	if !ok {
		return fmt.Errorf("there is no figure %q: it is one of %s", *name, names())
	}
	if *cpu != "" {
		p, err := os.Create(*cpu)
		if err != nil {
			return err
		}
		defer p.Close()
		s.profile = p
	}
	r, err := f.measure(ctx, s)
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	_, err = fmt.Fprintln(out, r)
	return err
}

// settings are how a figure is measured.
type settings struct {
	engine   string
	duration time.Duration
	seconds  int
	orders   int    // of the data set, for lists, start and storage
	skus     int    // of the assortment, for push
	db       string // a data set that is there already
	workers  int    // importers; 0 = as many as serve runs
	profile  io.Writer
	sets     sets // data sets to share between figures; nil: each makes its own
}

func (s *settings) flags(fs *flag.FlagSet) {
	fs.StringVar(&s.engine, "engine", "sqlite", "sqlite or postgres")
	fs.IntVar(&s.seconds, "seconds", 5, "how long our path is measured")
	fs.IntVar(&s.orders, "orders", 0, "size of the data set, for lists, start and storage (default 10000)")
	fs.IntVar(&s.skus, "skus", 100_000, "SKUs that change at once, for push")
	fs.StringVar(&s.db, "db", "", "a data set of `bench seed` to use instead of a new one; one for each engine, with a comma between, for the table")
	fs.IntVar(&s.workers, "workers", 0, "importers beside each other; 0 takes what suits the engine")
}

// complete checks what was given.
func (s *settings) complete() error {
	if s.engine != sqlite && s.engine != postgres {
		return fmt.Errorf("the engine is sqlite or postgres, not %q", s.engine)
	}
	if s.seconds <= 0 {
		return errors.New("-seconds must be positive")
	}
	s.duration = time.Duration(s.seconds) * time.Second
	s.db = matching(s.db, s.engine)
	if s.skus <= 0 || s.skus > 100_000 {
		return errors.New("-skus must be between 1 and 100000")
	}
	if s.orders <= 0 {
		s.orders = 10_000
	}
	return nil
}

// matching is the database of an engine among several with commas between; "" is none.
func matching(urls, engine string) string {
	for _, url := range strings.Split(urls, ",") {
		if _, isLite := sqlitePath(url); url != "" && isLite == (engine == sqlite) {
			return url
		}
	}
	return ""
}

// profiled runs f under the CPU profile, when one was asked for.
func (s *settings) profiled(f func() error) error {
	if s.profile == nil {
		return f()
	}
	if err := pprof.StartCPUProfile(s.profile); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}
