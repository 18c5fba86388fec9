package torture

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// house is the program under torture, as a process of its own.
type house struct {
	run                *run
	program, data, url string
	old                string // an earlier version of the program, "" where there is none
	env                []string
	addr               string // where it listens, the same over restarts, as partners know it
	key                string // for the API
	cmd                *exec.Cmd
	gone               chan error
	starts             int
	syncs              string // where a slow life's syncs are noted
	acked              int    // webhooks that were acknowledged before it
	asked              atomic.Int64
}

// patience is how long the driver waits for something that must come.
const patience = 60 * time.Second

// prepare makes the data folder with its key, finds a free port, and makes the schema and an API key.
func (h *house) prepare(ctx context.Context) error {
	if err := os.MkdirAll(h.data, 0o700); err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	if err := os.WriteFile(filepath.Join(h.data, "vault.key"), []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h.addr = l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	for range 3 {
		if err := h.cut(ctx, "migrate"); err != nil {
			return err
		}
	}
	out, err := h.command(ctx, "key", "add", "torture", "--scopes", "read,write,admin").Output()
	if err != nil {
		return fmt.Errorf("make an API key: %w", said(err))
	}
	h.key = strings.TrimSpace(string(out))
	return nil
}

// cut kills a command while it is at work.
func (h *house) cut(ctx context.Context, name string) error {
	cmd := h.command(ctx, name)
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	select {
	case <-gone: // it was faster
		return nil
	case <-time.After(time.Duration(h.run.rnd.IntN(250)) * time.Millisecond):
	}
	err := cmd.Process.Kill()
	<-gone
	h.run.struck("killed while migrating")
	return err
}

// said shows what a command wrote before it failed.
func said(err error) error {
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(ended.Stderr))
	}
	return err
}

func (h *house) command(ctx context.Context, args ...string) *exec.Cmd {
	return h.commandOf(ctx, h.program, args...)
}

func (h *house) commandOf(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "OPENCLAW_DATA="+h.data, "OPENCLAW_DB="+h.url, "OPENCLAW_ALLOW_PRIVATE=true", "OPENCLAW_ADDR="+h.addr, "OPENCLAW_PUBLIC_URL=http://"+h.addr)
	cmd.Env = append(cmd.Env, h.env...)
	return cmd
}

// life is what is wrong with one start of the program; the zero value is a sound one.
type life struct {
	wrong time.Duration // its clock
	pages int64         // SQLite: how large its disk is
	slow  string        // µs by which each sync of the disk is longer
}

// launch starts serve without waiting until it is ready.
func (h *house) launch(ctx context.Context, l life) error {
	log, err := os.OpenFile(filepath.Join(h.run.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	h.starts++
	fmt.Fprintf(log, "---- start %d %+v %s\n", h.starts, l, time.Now().UTC().Format(time.RFC3339Nano))
	cmd := h.command(context.WithoutCancel(ctx), "serve")
	cmd.Stdout, cmd.Stderr = log, log
	if l.wrong != 0 {
		cmd.Env = append(cmd.Env, "OPENCLAW_CLOCK_WRONG="+l.wrong.String())
	}
	if l.pages > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("OPENCLAW_DB=%s?pages=%d", h.url, l.pages))
	}
	h.syncs = ""
	if l.slow != "" {
		h.acked = h.run.market.acked()
		if h.syncs = filepath.Join(h.run.dir, "syncs"); !slowed(cmd, l.slow, h.syncs) {
			return errors.Join(errors.New("strace is gone"), log.Close())
		}
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	h.cmd, h.gone = cmd, make(chan error, 1)
	go func(gone chan<- error) { gone <- errors.Join(cmd.Wait(), log.Close()) }(h.gone)
	return nil
}

// begin starts serve and waits until it answers.
func (h *house) begin(ctx context.Context, l life) error {
	if err := h.launch(ctx, l); err != nil {
		return err
	}
	return h.ready(ctx)
}

// sharing is how many writers one commit answers at most.
const sharing = 64

// synced counts how often the life that has ended waited for the disk, which must be often enough for all it has acknowledged: a commit is shared by so many at most.
func (h *house) synced(ctx context.Context) (int, error) {
	acked := h.run.market.acked() - h.acked
	for deadline := time.Now().Add(5 * time.Second); ; { // who notes them ends a little after whom it watches
		text, err := os.ReadFile(h.syncs)
		if err != nil {
			return 0, err
		}
		n := strings.Count(string(text), "sync(")
		if acked <= sharing*n || time.Now().After(deadline) {
			if err = os.Remove(h.syncs); err == nil && acked > sharing*n {
				err = fmt.Errorf("%d webhooks were acknowledged over %d waits for the disk", acked, n)
			}
			return n, err
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return n, err
		}
	}
}

func (h *house) ready(ctx context.Context) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.addr+"/healthz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-h.gone:
			h.cmd = nil
			return fmt.Errorf("serve ended by itself (see serve.log): %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("serve is not ready after %s", patience)
}

// kill ends serve at once, as power failure does.
func (h *house) kill() error {
	if h.cmd == nil {
		return nil
	}
	err := h.cmd.Process.Kill()
	<-h.gone
	h.cmd = nil
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	return err
}

// stop asks serve to finish what it has begun.
func (h *house) stop() error {
	if h.cmd == nil {
		return nil
	}
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-h.gone:
		h.cmd = nil
		if err != nil {
			return fmt.Errorf("serve did not end well (see serve.log): %w", err)
		}
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("serve does not end %s after it was told to", patience), h.kill())
	}
}

// answer is what the API said.
type answer struct {
	status int
	etag   string
	body   []byte
}

func (a answer) ok() bool { return a.status/100 == 2 }

func (a answer) into(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("the answer could not be read: %w", err)
	}
	return nil
}

// call sends one request to the API, as staff does. A process that is being killed does not answer: that is an error, a refusal is a status.
func (h *house) call(ctx context.Context, method, path, etag string, in any) (answer, error) {
	var body io.Reader
	media := "application/json"
	switch v := in.(type) {
	case nil:
	case string:
		body, media = strings.NewReader(v), "text/csv"
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return answer{}, err
		}
		body = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+h.addr+"/v1"+path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if body != nil {
		req.Header.Set("Content-Type", media)
	}
	if method != http.MethodGet {
		req.Header.Set("Idempotency-Key", fmt.Sprintf("torture-%d", h.asked.Add(1)))
		if etag != "" {
			req.Header.Set("If-Match", etag)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("ETag"), text}, err
}

// must is call where anything but success is an error: for setting up.
func (h *house) must(ctx context.Context, method, path string, in any) (answer, error) {
	a, err := h.call(ctx, method, path, "*", in)
	if err == nil && !a.ok() {
		err = fmt.Errorf("%s %s answers %d: %s", method, path, a.status, a.body)
	}
	return a, err
}
