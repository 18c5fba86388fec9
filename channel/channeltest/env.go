package channeltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// env is what the cases of one run share.
type env struct {
	Suite
	files []*recording
	can   channel.Can
	hooks bool

	mu   sync.Mutex
	said bytes.Buffer // every log record and every error, searched for secrets in the end
}

// canary is the access token that recorded accounts hold; the number grows with every refresh.
const canary = "canary-access-token-"

// sink is an io.Writer onto everything said.
type sink struct{ e *env }

func (s sink) Write(p []byte) (int, error) {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	return s.e.said.Write(p)
}

func (e *env) log() *slog.Logger {
	return slog.New(slog.NewJSONHandler(sink{e}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// hear keeps an error for the search for secrets and hands it on. It is heard in both voices, the log's and the person's.
func (e *env) hear(err error) error {
	if err != nil {
		fmt.Fprintf(sink{e}, "%s\n%+v\n%s\n", err, err, fault.Message(err))
	}
	return err
}

// account is one opened channel with what was handed to it.
type account struct {
	channel.Channel
	tokens *tokens
	replay *replay
}

// open opens the kind against a recording.
func (e *env) open(r *recording) (*account, error) {
	p := newReplay(r.Exchanges)
	a, err := e.openWith(r, p, &tokens{set: channel.TokenSet{Access: canary + "1"}})
	a.replay = p
	return a, err
}

func (e *env) openWith(r *recording, partner http.RoundTripper, t *tokens) (*account, error) {
	a := &account{tokens: t}
	more := map[string]string{}
	for k, v := range r.Keys {
		if name, ok := strings.CutPrefix(k, "set-"); ok {
			more[name] = v
		}
	}
	now := r.now(e.Now)
	ch, err := e.Kind.Open(channel.Config{
		Account: "conformance", Country: e.Country, Settings: e.settings(partnerURL, more), Secret: secrets(e.Secrets, nil),
		Tokens: a.tokens, HTTP: &http.Client{Transport: partner}, Now: func() time.Time { return now }, Log: e.log(),
	})
	a.Channel = ch
	return a, err
}

func (e *env) mustOpen(tb testing.TB, r *recording) *account {
	tb.Helper()
	a, err := e.open(r)
	if err != nil {
		tb.Fatalf("%s: open: %v", r.Name, err)
	}
	return a
}

// offline is a channel that has nobody to talk to: whatever it asks for fails.
func (e *env) offline() (channel.Channel, error) {
	a, err := e.open(&recording{Name: "offline", Keys: map[string]string{}})
	if err != nil {
		return nil, err
	}
	if n := a.replay.count(); n > 0 {
		return nil, fmt.Errorf("opening made %d requests: Open does no I/O", n)
	}
	return a.Channel, nil
}

func secrets(under, over map[string][]string) func(string) []string {
	return func(name string) []string {
		if all, ok := over[name]; ok {
			return all
		}
		return under[name]
	}
}

// tokens are the owner's part of a token's life, in memory: single flight by a lock.
type tokens struct {
	mu        sync.Mutex
	set       channel.TokenSet
	refreshes int
	refresher channel.TokenRefresher // nil: recorded accounts are handed the next canary
}

// Access implements channel.Tokens.
func (t *tokens) Access(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set.Access == "" && t.refresher != nil {
		set, err := t.refresher.RefreshToken(ctx, channel.TokenSet{})
		if err != nil {
			return "", err
		}
		t.set = set
	}
	return t.set.Access, nil
}

// Refresh implements channel.Tokens.
func (t *tokens) Refresh(ctx context.Context, stale string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set.Access != stale {
		return t.set.Access, nil
	}
	t.refreshes++
	if t.refresher == nil {
		t.set.Access = fmt.Sprint(canary, t.refreshes+1)
		return t.set.Access, nil
	}
	set, err := t.refresher.RefreshToken(ctx, t.set)
	if err != nil {
		return "", err
	}
	t.set = set
	return set.Access, nil
}

func (t *tokens) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refreshes
}

// classified reports whether the failure was given a kind where its cause was known.
func classified(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
