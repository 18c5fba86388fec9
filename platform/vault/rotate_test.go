package vault_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// fence is how long these processes may seal without a look at the keys; what takes longer than half of it from sealing to the commit is not promised
// anything.
const fence = time.Second

// house is a process with a vault and personal data under it.
type house struct {
	vault *vault.Vault
	store *privacy.Store
}

func rotating(t *testing.T, d *db.DB, path string) house {
	t.Helper()
	v, err := vault.Open(t.Context(), d, vault.Options{KeyFile: path, Fence: fence, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := audit.New(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	s, err := privacy.Open(t.Context(), d, v, l, privacy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v.Also(s.Rewrapper())
	return house{v, s}
}

// second puts a new key before the one in a key file, as people do for PostgreSQL.
func second(t *testing.T, d *db.DB, path string) {
	t.Helper()
	if d.Engine() != db.PostgreSQL {
		return
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(keyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(other, old...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// seals are payloads sealed under keys of their own.
type seals struct {
	mu  sync.Mutex
	all map[string][]byte // by key id
	// late says that a row was committed so long after it was sealed that it may be under a key that is gone.
	late bool
}

func (s *seals) add(t *testing.T, d *db.DB, h house, n int) {
	t.Helper()
	began := time.Now()
	batch := make([]privacy.Sealed, n)
	for i := range batch {
		var err error
		if batch[i], err = h.store.Seal([]byte("a buyer"), "here"); err != nil {
			t.Error(err)
			return
		}
	}
	if err := d.Write(context.WithoutCancel(t.Context()), func(tx *db.Tx) error { return h.store.Write(tx, batch) }); err != nil {
		t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(began) > fence/2 {
		s.late = true
		return
	}
	for _, b := range batch {
		s.all[b.KeyID] = b.Box
	}
}

// open opens everything that was ever sealed.
func (s *seals) open(t *testing.T, d *db.DB, h house) {
	t.Helper()
	var ids []string
	for id := range s.all {
		ids = append(ids, id)
	}
	var keys privacy.Keys
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { keys, err = h.store.Keys(tx, ids); return err }); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for id, box := range s.all {
		if plain, err := keys.Open(id, box, "here"); err != nil || string(plain) != "a buyer" {
			if lost++; lost == 1 {
				t.Errorf("a sealed row does not open: %v", err)
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d sealed rows are lost", lost, len(ids))
	}
}

func noted(*db.Tx, vault.Rotation) error { return nil }

// done works on a rotation until it is done.
func done(t *testing.T, h house) vault.Rotation {
	t.Helper()
	for {
		r, err := h.vault.Advance(t.Context(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if !r.FinishedAt.IsZero() {
			return r
		}
		pause := time.NewTimer(5 * time.Millisecond) // the fence is a matter of time
		<-pause.C
	}
}

func TestRotateKeys(t *testing.T) {
	t.Parallel()
	t.Run("everything_is_wrapped_again_while_others_seal_and_the_old_key_opens_nothing", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			path := keyFile(t)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			h, other := rotating(t, d, path), rotating(t, d, path)
			sealed := &seals{all: map[string][]byte{}}
			sealed.add(t, d, h, 700)
			put(t, d, h.vault, "secret", "canary", vault.PutOptions{})
			put(t, d, h.vault, "secret", "canary2", vault.PutOptions{Overlap: time.Hour})
			second(t, d, path)
			var wg sync.WaitGroup
			stop := make(chan struct{})
			for _, p := range []house{h, other} {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							sealed.add(t, d, p, 3)
						}
					}
				})
			}
			quiet := sync.OnceFunc(func() { close(stop); wg.Wait() })
			defer quiet()
			r, err := h.vault.RotateKeys(t.Context(), "cli:amina", noted)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := other.vault.RotateKeys(t.Context(), "cli:omar", noted); err != nil || again.ID != r.ID {
				t.Errorf("a second rotation beside it: %v %v", again.ID, err)
			}
			end := done(t, h)
			quiet()
			if end.Wrapped < 702 || end.Total < 702 || end.StartedBy != "cli:amina" {
				t.Errorf("%+v", end)
			}
			sealed.open(t, d, h)
			sealed.open(t, d, other)
			wantValues(t, other.vault, "secret", "canary2", "canary")
			fresh := rotating(t, d, path)
			sealed.open(t, d, fresh)
			wantValues(t, fresh.vault, "secret", "canary2", "canary")
			if fresh.vault.Fingerprint() != r.To {
				t.Errorf("the key in use is %s, want %s", fresh.vault.Fingerprint(), r.To)
			}
			// The old key alone is refused, and no row is left that it, or a key it ever wrapped, opens.
			old := keyFile(t)
			if err := os.WriteFile(old, before, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = vault.Open(t.Context(), d, vault.Options{KeyFile: old})
			wantKind(t, err, fault.Invalid, "is not the one this database was set up with")
			var left, wrapped int
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				if err := tx.QueryRow(`select count(*) from vault_keys where fingerprint = $1 or state <> 'active' and length(wrapped) > 0`, r.From).Scan(&left); err != nil {
					return err
				}
				return tx.QueryRow(`select (select count(*) from personal_keys where zone_key not in (select id from vault_keys where state = 'active'))
					+ (select count(*) from credentials where state <> 'revoked' and key_id not in (select id from vault_keys where state = 'active'))`).Scan(&wrapped)
			}); err != nil || left+wrapped != 0 {
				if err != nil || left > 0 || !sealed.late {
					t.Errorf("%d keys and %d rows are left under the old one (%v)", left, wrapped, err)
				}
			}
			lines, err := os.ReadFile(path)
			if n := strings.Count(string(lines), "\n"); err != nil || d.Engine() == db.SQLite && n != 1 {
				t.Errorf("%d keys are left in the key file (%v)", n, err)
			}
		})
	})
	t.Run("a_killed_one_goes_on_where_it_stopped", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			path := keyFile(t)
			first := rotating(t, d, path)
			sealed := &seals{all: map[string][]byte{}}
			sealed.add(t, d, first, 900)
			put(t, d, first.vault, "secret", "canary", vault.PutOptions{})
			second(t, d, path)
			if _, err := first.vault.RotateKeys(t.Context(), "cli:amina", noted); err != nil {
				t.Fatal(err)
			}
			steps := map[string]bool{}
			for range 100 { // each step in a process of its own, which remembers nothing
				p := rotating(t, d, path)
				r, err := p.vault.Advance(t.Context(), 0)
				if err != nil {
					t.Fatal(err)
				}
				if steps[r.Step] = true; !r.FinishedAt.IsZero() {
					break
				}
				sealed.open(t, d, p)
				if r.Step == "settle" {
					done(t, p)
				}
			}
			for _, s := range []string{"wrap", "renew", "reseal", "settle", "done"} {
				if !steps[s] {
					t.Errorf("step %s was never come to", s)
				}
			}
			sealed.open(t, d, first)
		})
	})
	t.Run("without_another_key_it_says_what_to_do", func(t *testing.T) {
		t.Parallel()
		h := rotating(t, dbtest.Postgres(t), keyFile(t))
		_, err := h.vault.RotateKeys(t.Context(), "cli:amina", noted)
		wantKind(t, err, fault.Refused, "put a second key before the one")
	})
}

func TestStatus(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	path := keyFile(t)
	v := open(t, d, path)
	put(t, d, v, "secret", "canary-value", vault.PutOptions{})
	material, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var st vault.Status
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { st, err = v.Status(tx); return err }); err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("%+v", st)
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(string(material)))
	for _, never := range []string{"canary", strings.TrimSpace(string(material)), fmt.Sprintf("%x", raw)} {
		if strings.Contains(said, never) {
			t.Errorf("the status gives a value away: %s", said)
		}
	}
	if st.Key != v.Fingerprint() || len(st.Keys) == 0 || st.Rotation != nil {
		t.Errorf("%+v", st)
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, c *dbtest.Clock) {
		var told []vault.Use
		v, err := vault.Open(t.Context(), d, vault.Options{KeyFile: keyFile(t), Used: func(_ *db.Tx, uses []vault.Use) error {
			told = append([]vault.Use(nil), uses...)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		put(t, d, v, "secret", "canary", vault.PutOptions{})
		for _, step := range []struct {
			uses  int
			after time.Duration
			want  int64 // times told; 0 = nothing
		}{{1, 0, 1}, {5, time.Minute, 0}, {2, 58 * time.Minute, 0}, {0, time.Minute, 7}, {1, time.Hour, 1}, {0, time.Hour, 0}} {
			c.Advance(step.after)
			for range step.uses {
				wantValues(t, v, "secret", "canary")
			}
			told = nil
			if err := v.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
			var n int64
			for _, u := range told {
				n += u.Times
			}
			if n != step.want {
				t.Errorf("after %d uses %d were told, want %d", step.uses, n, step.want)
			}
		}
	})
}
