package connect

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// issuer is a partner that rotates: each refresh token works once, and a refresh ends the access token before.
type issuer struct {
	channel.Channel
	mu    *sync.Mutex
	n     *int
	calls *[]string                           // the refresh tokens it was given, in turn
	hold  func(ctx context.Context, call int) // while a call is under way
	again bool                                // it makes a first set, as for a code that a person has entered
	now   func() time.Time
}

func (i *issuer) RefreshToken(ctx context.Context, current channel.TokenSet) (channel.TokenSet, error) {
	i.mu.Lock()
	*i.calls = append(*i.calls, current.Refresh)
	call := len(*i.calls)
	i.mu.Unlock()
	if i.hold != nil {
		i.hold(ctx, call)
	}
	if err := ctx.Err(); err != nil {
		return channel.TokenSet{}, fault.Wrap(fault.Unavailable, err, "cancelled")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if want := refresh(*i.n); *i.n > 0 && current.Refresh != want && (!i.again || current.Refresh != "") {
		return channel.TokenSet{}, fault.New(fault.Unauthorized, "the refresh token %s was used already", current.Refresh)
	}
	*i.n++
	return channel.TokenSet{Access: access(*i.n), Refresh: refresh(*i.n), ExpiresAt: i.now().Add(6 * time.Hour)}, nil
}

func access(n int) string  { return fmt.Sprint("access-", n) }
func refresh(n int) string { return fmt.Sprint("refresh-", n) }

// processes are several houses on one database with one account: what one does the others see only through the database.
func processes(t *testing.T, d *db.DB, n int) ([]*house, *issuer) {
	t.Helper()
	ctx := context.Background()
	key := filepath.Join(t.TempDir(), "vault.key")
	must(t, vault.CreateKeyFile(key))
	first := build(t, d, key)
	acc, err := first.s.Add(ctx, Adding{
		Name: "demo-shop", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: channel.Live, Actor: "test", SkipCheck: true,
		Secrets: map[string]string{demo.HookSecret: demo.Secret, demo.AppSecret: "test-app-secret"},
	})
	must(t, err)
	partner := &issuer{mu: &sync.Mutex{}, n: new(int), calls: &[]string{}, now: d.Now}
	var all []*house
	for i := range n {
		h := first
		if i > 0 {
			h = build(t, d, key)
		}
		h.acc = acc
		o, err := h.s.open(ctx, acc.ID)
		must(t, err)
		o.tokens.ch = partner
		all = append(all, h)
	}
	return all, partner
}

func (h *house) tokens() *tokens {
	h.t.Helper()
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return h.s.opened[h.acc.ID].tokens
}

// moveLease has whoever renews a token have begun earlier, or later.
func moveLease(t *testing.T, d *db.DB, by time.Duration) {
	t.Helper()
	must(t, d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update account_health set refresh_lease = refresh_lease + $1`, by.Microseconds())
		return err
	}))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("many callers in several processes renew a dead token once", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all, partner := processes(t, d, 3)
			for _, h := range all {
				got, err := h.tokens().Access(ctx)
				must(t, err)
				if got != access(1) {
					t.Fatalf("%s", got)
				}
			}
			var wg sync.WaitGroup
			for i := range 24 {
				wg.Go(func() {
					got, err := all[i%3].tokens().Refresh(ctx, access(1))
					if err != nil || got != access(2) {
						t.Errorf("%q %v", got, err)
					}
				})
			}
			wg.Wait()
			if diff := cmp.Diff([]string{"", refresh(1)}, *partner.calls); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("a set that died with a lost answer is followed by one from the new credentials", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all, partner := processes(t, d, 1)
			_, err := all[0].tokens().Access(ctx)
			must(t, err)
			*partner.n++ // renewed, and nobody heard of it
			if _, err := all[0].tokens().Refresh(ctx, access(1)); !fault.Is(err, fault.Unauthorized) {
				t.Fatalf("the spent refresh token: %v", err)
			}
			partner.again = true
			if got, err := all[0].tokens().Refresh(ctx, access(1)); err != nil || got != access(3) {
				t.Errorf("with new credentials: %q %v", got, err)
			}
			if got := all[0].tokens().set.Refresh; got != refresh(3) {
				t.Errorf("the next renewal would send %q", got)
			}
		})
	})
	t.Run("a process that hears late that another has renewed does not use the spent refresh token", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all, partner := processes(t, d, 2)
			for _, h := range all { // both have the first set in memory
				_, err := h.tokens().Access(ctx)
				must(t, err)
			}
			for n := 1; n < 4; n++ {
				for _, h := range all {
					if got, err := h.tokens().Refresh(ctx, access(n)); err != nil || got != access(n+1) {
						t.Fatalf("%q %v", got, err)
					}
				}
			}
			if diff := cmp.Diff([]string{"", refresh(1), refresh(2), refresh(3)}, *partner.calls); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("a holder that dies while it renews is followed when its lease ends", func(t *testing.T) {
		t.Parallel()
		clock := dbtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all, partner := processes(t, d, 2)
			// The first process takes the lease and is never heard of again.
			_, err := all[0].tokens().lease(ctx)
			must(t, err)
			late, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			if _, err := all[1].tokens().Access(late); !errors.Is(err, context.DeadlineExceeded) || len(*partner.calls) != 0 {
				t.Fatalf("renewed beside the holder: %v, %v", err, *partner.calls)
			}
			moveLease(t, d, -leaseFor-time.Second)
			got, err := all[1].tokens().Access(ctx)
			if err != nil || got != access(1) {
				t.Fatalf("%q %v", got, err)
			}
		}, dbtest.Config{Now: clock.Now})
	})
	t.Run("a lease that was taken before the clock went back holds nobody up", func(t *testing.T) {
		t.Parallel()
		clock := dbtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all, _ := processes(t, d, 2)
			_, err := all[0].tokens().lease(ctx)
			must(t, err)
			moveLease(t, d, time.Hour)
			if got, err := all[1].tokens().Access(ctx); err != nil || got != access(1) {
				t.Fatalf("%q %v", got, err)
			}
		}, dbtest.Config{Now: clock.Now})
	})
	t.Run("the new pair is durable before anybody uses it, and is kept when it cannot be stored at once", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all, partner := processes(t, d, 2)
			_, err := all[0].tokens().Access(ctx)
			must(t, err)
			broken := errors.New("the disk is full")
			all[0].s.need.Secrets = storing{all[0].s.need.Secrets, &broken}
			if got, err := all[0].tokens().Refresh(ctx, access(1)); err == nil {
				t.Fatalf("%q is used and stored nowhere", got)
			}
			broken = nil
			if got, err := all[0].tokens().Refresh(ctx, access(1)); err != nil || got != access(2) {
				t.Fatalf("%q %v", got, err)
			}
			if got, err := all[1].tokens().Refresh(ctx, access(1)); err != nil || got != access(2) {
				t.Fatalf("%q %v", got, err)
			}
			if diff := cmp.Diff([]string{"", refresh(1)}, *partner.calls); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("a caller that gives up does not take the answer from the others", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all, partner := processes(t, d, 1)
			_, err := all[0].tokens().Access(ctx)
			must(t, err)
			gone, cancel := context.WithCancel(ctx)
			partner.hold = func(ctx context.Context, call int) {
				if call == 2 {
					cancel()
					<-ctx.Done()
				}
			}
			if got, err := all[0].tokens().Refresh(gone, access(1)); err == nil {
				t.Fatalf("%q", got)
			}
			if got, err := all[0].tokens().Refresh(ctx, access(1)); err != nil || got != access(2) {
				t.Fatalf("%q %v", got, err)
			}
		})
	})
}

// storing is a vault that fails to store as long as it is told to.
type storing struct {
	Secrets
	broken *error
}

func (s storing) Put(tx *db.Tx, owner, name string, secret []byte, expires time.Time) error {
	if *s.broken != nil {
		return *s.broken
	}
	return s.Secrets.Put(tx, owner, name, secret, expires)
}

func TestTokensAreWaitedForNoLongerThanTheCallerWants(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		all, _ := processes(t, d, 1)
		turn := all[0].tokens()
		release, err := turn.mine(context.Background()) // as a renewal does that its partner does not answer
		must(t, err)
		ctx, stop := context.WithCancel(context.Background())
		stop()
		if _, err := turn.Access(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("access: %v", err)
		}
		if _, err := turn.Refresh(ctx, "stale"); !errors.Is(err, context.Canceled) {
			t.Errorf("refresh: %v", err)
		}
		release()
		if _, err := turn.Access(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
