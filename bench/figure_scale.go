package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// imported is what one process did.
type imported struct {
	Orders  int64   `json:"orders"`
	Seconds float64 `json:"seconds"`
}

// runWorker is one process of many on a database: it opens the program, says so, waits for a line, and imports until nothing is left.
func runWorker(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench worker", flag.ContinueOnError)
	url := fs.String("db", "", "the database")
	data := fs.String("data", "", "folder of the key file")
	if err := fs.Parse(args); err != nil {
		return err
	}
	h, err := openHouse(ctx, *url, *data)
	if err != nil {
		return err
	}
	defer h.app.Close()
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	var word string
	if _, err := fmt.Fscanln(os.Stdin, &word); err != nil {
		return err
	}
	var n atomic.Int64
	start := time.Now()
	if err := h.importAll(ctx, 1, &n); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(imported{n.Load(), time.Since(start).Seconds()})
}

// measureScale has 1, 2 and 4 processes import from one PostgreSQL. Ours is what four reach, the limit what one does: more processes must not be slower.
func measureScale(ctx context.Context, s settings, r *Result) error {
	p, h, leave, err := newBusiness(ctx, postgres, skuCount)
	if err != nil {
		return err
	}
	defer leave()
	for _, n := range []int{1, 2, 4} {
		if err := h.store(ctx, 400*s.seconds); err != nil {
			return err
		}
		rate, err := together(ctx, h.url, p.data(), n)
		if err != nil {
			return err
		}
		r.Detail[fmt.Sprintf("processes_%d", n)] = rate
	}
	twice, err := h.count(ctx, `select (select count(*) from inbox where state <> 'done' or attempts <> 1) + (select count(*) from (select 1 from events where type = 'OrderCreated' group by order_id having count(*) > 1) t)`)
	if err != nil {
		return err
	}
	r.Detail["handled_twice"] = float64(twice)
	r.Limit, r.Ours = r.Detail["processes_1"], r.Detail["processes_4"]
	r.Ratio = r.Ours / r.Limit
	r.Met = twice == 0 && r.Ratio >= 0.95 && r.Detail["processes_2"] >= 0.95*r.Limit
	return nil
}

// together starts so many processes, lets them go at once, and answers how many orders a second they imported.
func together(ctx context.Context, url, data string, n int) (float64, error) {
	me, err := os.Executable()
	if err != nil {
		return 0, err
	}
	type process struct {
		cmd *exec.Cmd
		in  io.WriteCloser
		out io.ReadCloser
	}
	var all []process
	for range n {
		cmd := exec.CommandContext(ctx, me, "worker", "-db", url, "-data", data)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return 0, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		all = append(all, process{cmd, in, out})
	}
	for _, p := range all {
		var ready string
		if _, err := fmt.Fscanln(p.out, &ready); err != nil {
			return 0, fmt.Errorf("a process did not start: %w", err)
		}
	}
	start := time.Now()
	for _, p := range all {
		if _, err := fmt.Fprintln(p.in, "go"); err != nil {
			return 0, err
		}
	}
	var wg sync.WaitGroup
	var orders atomic.Int64
	errs := make([]error, n)
	for i, p := range all {
		wg.Go(func() {
			var did imported
			if errs[i] = json.NewDecoder(p.out).Decode(&did); errs[i] == nil {
				orders.Add(did.Orders)
				errs[i] = p.cmd.Wait()
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(orders.Load()) / took.Seconds(), nil
}
