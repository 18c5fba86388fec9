package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// client asks the API, so that every command does exactly what the API does: over HTTP where `serve` runs on this data folder, else of the house opened here.
type client struct {
	http  *http.Client
	base  string // address and base path
	key   string
	login string
	json  bool
	s     streams
	close func() error
}

// served is what `serve` leaves in the data folder for commands on the same machine.
type served struct {
	URL     string    `json:"url"`
	Base    string    `json:"base"`
	Key     string    `json:"key"` // works only while this serve runs, on this machine
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

const (
	servedFile = "serve.json"
	lockFile   = "serve.lock"
	lockWait   = 10 * time.Second
	serveWait  = 2 * time.Second
)

// with opens a client, does something with it, and closes it.
func (g *Globals) with(ctx context.Context, s streams, do func(c *client) error) error {
	c, err := g.client(ctx, s)
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.close())
}

func (g *Globals) client(ctx context.Context, s streams) (*client, error) {
	c := &client{json: g.JSON, s: s, login: login(), close: func() error { return nil }}
	shared := strings.HasPrefix(g.DB, "postgres")
	if !shared {
		unlock, busy, err := g.lock(ctx)
		if err != nil {
			return nil, err
		}
		if busy != nil {
			c.http, c.base, c.key = &http.Client{}, busy.URL+busy.Base, busy.Key
			return c, nil
		}
		c.close = unlock
	}
	a, err := g.open(ctx)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	unlock := c.close
	c.close = func() error { return errors.Join(a.Close(), unlock()) }
	c.base = "http://here" + baseOf(a)
	c.http = &http.Client{Transport: inside{a.API.Handler(), access.CLI(c.login)}}
	return c, nil
}

func baseOf(a *app.App) string {
	if a.API.Base == "" {
		return "/v1"
	}
	return a.API.Base
}

// alone takes the data folder for a command that cannot be asked of a running serve.
func (g *Globals) alone(ctx context.Context) (unlock func() error, err error) {
	if strings.HasPrefix(g.DB, "postgres") {
		return func() error { return nil }, nil
	}
	unlock, busy, err := g.lock(ctx)
	if busy != nil {
		return nil, fault.New(fault.Conflict, "serve is running on %s: it has done this already, or stop it first", g.Data)
	}
	return unlock, err
}

// lock takes the data folder for this command, or says which serve has it. Two commands wait for each other.
func (g *Globals) lock(ctx context.Context) (unlock func() error, busy *served, err error) {
	if err := os.MkdirAll(g.Data, 0o700); err != nil {
		return nil, nil, fmt.Errorf("data folder: %w", err)
	}
	limit := time.Now().Add(lockWait)
	for {
		unlock, ok, err := lockPath(filepath.Join(g.Data, lockFile))
		if err != nil {
			return nil, nil, fmt.Errorf("lock the data folder: %w", err)
		}
		if ok {
			return unlock, nil, nil
		}
		if at, err := readServed(g.Data); err == nil && answers(ctx, at) {
			return nil, &at, nil
		}
		if time.Now().After(limit) {
			return nil, nil, fault.New(fault.Conflict, "another openclaw-commerce is using %s and does not answer: stop it, or wait until it is done", g.Data)
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func readServed(data string) (at served, err error) {
	b, err := os.ReadFile(filepath.Join(data, servedFile))
	if err != nil {
		return at, err
	}
	return at, json.Unmarshal(b, &at)
}

func answers(ctx context.Context, at served) bool {
	if at.URL == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.URL+"/healthz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// announce makes a serve known to commands on this machine and keeps others from writing beside it; key is what commands come with. On PostgreSQL many
// processes share the database, and commands need nobody.
func (g *Globals) announce(listener net.Listener, base string) (key string, done func() error, err error) {
	none := func() error { return nil }
	if strings.HasPrefix(g.DB, "postgres") {
		return "", none, nil
	}
	if err := os.MkdirAll(g.Data, 0o700); err != nil {
		return "", none, fmt.Errorf("data folder: %w", err)
	}
	unlock, ok, err := lockPath(filepath.Join(g.Data, lockFile))
	for limit := time.Now().Add(serveWait); err == nil && !ok && time.Now().Before(limit); unlock, ok, err = lockPath(filepath.Join(g.Data, lockFile)) {
		time.Sleep(100 * time.Millisecond) // a command may be about to end
	}
	if err != nil {
		return "", none, fmt.Errorf("lock the data folder: %w", err)
	}
	if !ok {
		return "", none, fault.New(fault.Conflict, "another openclaw-commerce is using %s: on SQLite one process writes", g.Data)
	}
	key = secret()
	addr := ""
	if listener != nil {
		addr = "http://" + reachable(listener.Addr())
	}
	b, err := json.Marshal(served{URL: addr, Base: "/" + strings.Trim(base, "/"), Key: key, PID: os.Getpid(), Started: time.Now().UTC()})
	if err != nil {
		return "", none, errors.Join(err, unlock())
	}
	path := filepath.Join(g.Data, servedFile)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return "", none, errors.Join(fmt.Errorf("say where serve listens: %w", err), unlock())
	}
	return key, func() error { return errors.Join(os.Remove(path), unlock()) }, nil
}

// reachable is the address at which this machine itself reaches a listener.
func reachable(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	if t.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(t.Port))
	}
	return t.String()
}

// login is who sits at the keyboard, for the audit log.
func login() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "local"
}

// inside answers requests with a handler of this process, on behalf of a person at the command line.
type inside struct {
	handler http.Handler
	who     access.Caller
}

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &kept{header: http.Header{}, status: http.StatusOK}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	in := r.Clone(access.With(r.Context(), i.who))
	in.RequestURI = r.URL.RequestURI()
	i.handler.ServeHTTP(w, in)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// kept is a response in memory.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

// reply is what the API answered.
type reply struct {
	raw  []byte
	etag string
}

func (r reply) into(v any) error {
	if err := json.Unmarshal(r.raw, v); err != nil {
		return fmt.Errorf("the answer could not be read: %w", err)
	}
	return nil
}

// get reads a resource.
func (c *client) get(ctx context.Context, path string, query url.Values) (reply, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, "", nil)
}

// act is a write on a resource in the version given; "*" stands for any, "" for writes that take none.
func (c *client) act(ctx context.Context, method, path, version string, body any) (reply, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return reply{}, err
	}
	h := http.Header{"Idempotency-Key": {db.ID()}}
	if version != "" {
		h.Set("If-Match", version)
	}
	return c.do(ctx, method, path, bytes.NewReader(b), "application/json", h)
}

// given leaves out what was not said, so that the API's defaults hold.
func given(all map[string]any) map[string]any {
	for k, v := range all {
		if text, ok := v.(string); ok && text == "" {
			delete(all, k)
		}
	}
	return all
}

// latest is a write on a resource as it is now: what changes between looking and acting is refused.
func (c *client) latest(ctx context.Context, resource, action string, body any) (reply, error) {
	now, err := c.get(ctx, resource, nil)
	if err != nil {
		return reply{}, err
	}
	return c.act(ctx, http.MethodPost, resource+"/"+action, now.etag, body)
}

func (c *client) do(ctx context.Context, method, path string, body io.Reader, media string, header http.Header) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return reply{}, fault.Wrap(fault.Invalid, err, "that cannot be asked for")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
		req.Header.Set("X-Openclaw-Login", c.login)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, fault.Wrap(fault.Unavailable, err, "the running serve does not answer")
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, fault.Wrap(fault.Unavailable, err, "the answer ended early")
	}
	if res.StatusCode >= 400 {
		return reply{}, problemFault(res.StatusCode, raw)
	}
	return reply{raw, res.Header.Get("ETag")}, nil
}

// problemFault turns what HTTP shows back into a fault, so that exit codes say what kind it is.
func problemFault(status int, raw []byte) error {
	var p struct{ Type, Title, Detail, Code string }
	if err := json.Unmarshal(raw, &p); err != nil || p.Title == "" {
		return fault.New(fault.Internal, "the answer was %d", status)
	}
	text := p.Detail
	if text == "" {
		text = strings.ToLower(p.Title)
	}
	kind := fault.Internal
	for _, k := range fault.Kinds() {
		if strings.HasSuffix(p.Type, ":"+k.String()) {
			kind = k
		}
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		kind = fault.Invalid
	case http.StatusPreconditionFailed, http.StatusPreconditionRequired:
		kind = fault.Conflict
	}
	return fault.New(kind, "%s", text).WithCode(p.Code)
}

// at is a path with its parts escaped.
func at(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}
