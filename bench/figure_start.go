package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// measureStart builds the binary, starts serve on a data set and waits until it says that it is ready; the limit is how long a bare program takes to open the same
// database and read one row.
func measureStart(ctx context.Context, s settings, r *Result) error {
	h, address, done, err := dataset(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	orders, err := h.count(ctx, `select count(*) from orders`)
	if err != nil {
		return err
	}
	data := h.app.Config.Data
	if err := h.app.Close(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "openclaw-start-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "openclaw-commerce")
	if text, err := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("the binary cannot be built; bench runs in the repository's folder: %w\n%s", err, text)
	}
	st, err := os.Stat(binary)
	if err != nil {
		return err
	}
	r.Detail["orders"], r.Detail["binary_mb"] = float64(orders), float64(st.Size())/1e6
	var best time.Duration
	for range 3 {
		took, err := startOnce(ctx, binary, address, data, r)
		if err != nil {
			return err
		}
		if best == 0 || took < best {
			best = took
		}
	}
	began := time.Now()
	conn, err := openBare(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := texts(ctx, conn, `select id from orders limit 1`); err != nil {
		return err
	}
	r.Ours, r.Limit = millis(best), millis(time.Since(began))
	r.Ratio = r.Limit / r.Ours
	r.Met = best < 2*time.Second && r.Detail["idle_mb"] < 150 && r.Detail["loaded_mb"] < 600
	return nil
}

// startOnce starts serve, waits until it is ready, looks at what it takes of the processor and of memory idle, and of memory after being asked by 16 at once, and ends it.
func startOnce(ctx context.Context, binary, address, data string, r *Result) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, binary, "--db", address, "--data", data, "serve", "--addr", "127.0.0.1:0")
	out, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	url := ""
	for url == "" && lines.Scan() {
		if _, after, ok := strings.Cut(lines.Text(), "serving on "); ok {
			url = strings.TrimSpace(after)
		}
	}
	if url == "" {
		return 0, fmt.Errorf("serve did not say where it listens")
	}
	go func() {
		for lines.Scan() {
		}
	}()
	for ready := false; !ready; {
		ready = answers(ctx, url+"/readyz")
		if time.Since(began) > time.Minute {
			return 0, fmt.Errorf("serve is not ready after a minute")
		}
		if !ready {
			if err := pause(ctx, 5*time.Millisecond); err != nil {
				return 0, err
			}
		}
	}
	took := time.Since(began)
	if err := pause(ctx, time.Second); err != nil {
		return 0, err
	}
	worked := processor(cmd.Process.Pid)
	if err := pause(ctx, 3*time.Second); err != nil {
		return 0, err
	}
	r.Detail["idle_cpu"] = max(r.Detail["idle_cpu"], (processor(cmd.Process.Pid)-worked)/3)
	r.Detail["idle_mb"] = max(r.Detail["idle_mb"], memory(cmd.Process.Pid))
	loaded := time.Now()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for time.Since(loaded) < time.Second {
				answers(ctx, url+"/openapi.json")
			}
		})
	}
	wg.Wait()
	r.Detail["loaded_mb"] = max(r.Detail["loaded_mb"], memory(cmd.Process.Pid))
	return took, nil
}

func answers(ctx context.Context, url string) bool {
	_, err := fetch(ctx, http.DefaultClient, url)
	return err == nil
}

// processor is how many seconds of a processor a process has taken; 0 where the system does not say.
func processor(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // after the name, which may hold anything
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64) // 0 where it is no number
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100 // ticks, a hundredth of a second each
}

// memory is what a process holds in memory, in MB; 0 where the system does not say.
func memory(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}
