package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

const subscription = `{"name":"%s","url":"https://example.com/hook"}`

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		body := fmt.Sprintf(subscription, "one")
		first := h.do(t, "POST", "/v1/subscriptions", body, "Idempotency-Key", "k1").want(t, 201)
		if !strings.Contains(string(first.body), "whsec_") {
			t.Errorf("no secret in %s", first.body)
		}
		again := h.do(t, "POST", "/v1/subscriptions", body, "Idempotency-Key", "k1").want(t, 201)
		if string(again.body) != string(first.body) || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the answer is another one: %s", again.body)
		}
		h.do(t, "POST", "/v1/subscriptions", fmt.Sprintf(subscription, "two"), "Idempotency-Key", "k1").want(t, 422)
		h.do(t, "POST", "/v1/jobs/x/replay", `{}`, "Idempotency-Key", "k1").want(t, 422)
		if n := h.subscriptions(t); n != 1 {
			t.Errorf("%d subscriptions", n)
		}
		t.Run("what failed may be tried again with the same key", func(t *testing.T) {
			bad := `{"name":"x","url":"gopher://example.com"}`
			h.do(t, "POST", "/v1/subscriptions", bad, "Idempotency-Key", "k2").want(t, 422)
			h.do(t, "POST", "/v1/subscriptions", body, "Idempotency-Key", "k2").want(t, 201)
		})
		t.Run("an action is done once", func(t *testing.T) {
			id := h.raise(t, "l1")
			for range 2 {
				h.do(t, "POST", "/v1/exceptions/"+id+"/resolve", `{"resolution":"done"}`, "If-Match", `"1"`, "Idempotency-Key", "k3").want(t, 200)
			}
		})
		t.Run("the key itself is not shown twice", func(t *testing.T) {
			body := `{"name":"pos","scopes":["read"]}`
			a := h.do(t, "POST", "/v1/keys", body, "Idempotency-Key", "k4").want(t, 201).json(t)
			b := h.do(t, "POST", "/v1/keys", body, "Idempotency-Key", "k4").want(t, 201).json(t)
			if a["id"] != b["id"] || a["key"] == nil || b["key"] != nil {
				t.Errorf("got %v, then %v", a, b)
			}
		})
	})
}

func TestIdempotencyKeyAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		body := fmt.Sprintf(subscription, "one")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if a := h.do(t, "POST", "/v1/subscriptions", body, "Idempotency-Key", "same"); a.status != 201 && a.status != 409 {
					t.Errorf("%d: %s", a.status, a.body)
				}
			})
		}
		wg.Wait()
		if n := h.subscriptions(t); n != 1 {
			t.Errorf("%d subscriptions", n)
		}
	})
}

func TestIdempotencyKeyOfAnother(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		body := fmt.Sprintf(subscription, "one")
		h.do(t, "POST", "/v1/subscriptions", body, "Idempotency-Key", "k").want(t, 201)
		running := func(lease time.Duration) {
			h.write(t, func(tx *db.Tx) error {
				_, err := tx.Exec(`update idempotency_keys set state = 'running', owner = 'another', lease_until = $1`, db.Micros(tx.Now.Add(lease)))
				return err
			})
		}
		if h.db.Engine() == db.PostgreSQL {
			running(time.Minute)
			start := time.Now()
			a := h.do(t, "POST", "/v1/subscriptions", body, "Idempotency-Key", "k").want(t, 409)
			if a.header.Get("Retry-After") == "" || time.Since(start) < time.Second {
				t.Errorf("a duplicate of a running one was answered after %v with Retry-After %q", time.Since(start), a.header.Get("Retry-After"))
			}
		}
		running(-time.Second)
		h.do(t, "POST", "/v1/subscriptions", body, "Idempotency-Key", "k").want(t, 201)
		if n := h.subscriptions(t); n != 2 {
			t.Errorf("%d subscriptions: what another process left undone is done", n)
		}
	})
}

func (h house) subscriptions(t testing.TB) int {
	t.Helper()
	n := 0
	err := h.db.Read(context.Background(), func(tx *db.Tx) error {
		all, err := outbox.Subscriptions(tx)
		n = len(all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestIdempotencyKill kills a process that answers writes, starts another one and repeats every request with its key: each is done once.
func TestIdempotencyKill(t *testing.T) {
	t.Parallel()
	if url := os.Getenv("API_TEST_CHILD"); url != "" {
		child(t, url)
		return
	}
	run := func(t *testing.T, url string) {
		const keys = 40
		folder := t.TempDir()
		c := start(t, url, folder)
		done := make(chan int, keys)
		var wg sync.WaitGroup
		for i := range keys {
			wg.Go(func() {
				if c.post(i) == http.StatusCreated {
					done <- i
				}
			})
		}
		for range keys / 4 {
			<-done
		}
		c.kill(t)
		wg.Wait()
		c = start(t, url, folder)
		for i := range keys {
			c.until(t, i)
		}
		n, keysDone := c.count(t, url)
		c.kill(t)
		if n != keys || keysDone != keys {
			t.Errorf("%d requests, repeated after a kill, made %d subscriptions and %d finished keys", keys, n, keysDone)
		}
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); run(t, dbtest.SQLiteURL(t, true)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); run(t, dbtest.PostgresURL(t)) })
}

// process is a server in a process of its own.
type process struct {
	cmd *exec.Cmd
	url string
	key string
}

func start(t *testing.T, url, folder string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestIdempotencyKill$", "-test.v")
	cmd.Env = append(os.Environ(), "API_TEST_CHILD="+url, "API_TEST_FOLDER="+folder)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "LISTENING "); ok {
			p.url, p.key, _ = strings.Cut(at, " ")
			go func() {
				for lines.Scan() { // so that the child never waits for its output to be read
				}
			}()
			return p
		}
	}
	t.Fatal("the child does not listen")
	return nil
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

func (p *process) post(i int) int {
	req, err := http.NewRequest("POST", p.url+"/v1/subscriptions", strings.NewReader(fmt.Sprintf(subscription, fmt.Sprint("s", i))))
	if err != nil {
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Idempotency-Key", fmt.Sprint("key-", i))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// until repeats a request for as long as the answer says that the same one is still running.
func (p *process) until(t *testing.T, i int) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for {
		switch status := p.post(i); {
		case status == http.StatusCreated:
			return
		case status != http.StatusConflict || time.Now().After(limit):
			t.Fatalf("request %d is answered with %d", i, status)
		}
	}
}

func (p *process) count(t *testing.T, url string) (subscriptions, keys int) {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	err = d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`select (select count(*) from subscriptions), (select count(*) from idempotency_keys where state = 'done')`).Scan(&subscriptions, &keys)
	})
	if err != nil {
		t.Fatal(err)
	}
	return subscriptions, keys
}
