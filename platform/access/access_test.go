package access_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/vault"
)

var (
	start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	amina = access.CLI("amina")
)

type world struct {
	*access.Keys
	db    *db.DB
	vault *vault.Vault
	log   *audit.Log
	clock *dbtest.Clock
}

// setup runs a test on both engines with a clock of its own.
func setup(t *testing.T, f func(t *testing.T, w world)) {
	t.Helper()
	run := func(t *testing.T, d *db.DB, c *dbtest.Clock) {
		path := filepath.Join(t.TempDir(), "key")
		if err := vault.CreateKeyFile(path); err != nil {
			t.Fatal(err)
		}
		v, err := vault.Open(t.Context(), d, vault.Options{KeyFile: path, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		log, err := audit.New(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		w := world{nil, d, v, log, c}
		w.Keys = w.another(t)
		f(t, w)
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := dbtest.NewClock(start)
		run(t, dbtest.SQLite(t, dbtest.Config{Now: c.Now}), c)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := dbtest.NewClock(start)
		run(t, dbtest.Postgres(t, dbtest.Config{Now: c.Now}), c)
	})
}

// another is a second process on the same database.
func (w world) another(t *testing.T) *access.Keys {
	t.Helper()
	k, err := access.Open(t.Context(), w.db, w.vault, w.log)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (w world) create(t *testing.T, expires time.Time, scopes ...access.Scope) (string, access.Key) {
	t.Helper()
	secret, key, err := w.Create(t.Context(), amina, "till 4", scopes, expires)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal(), key
}

func (w world) list(t *testing.T) (all []access.Key) {
	t.Helper()
	if err := w.db.Read(t.Context(), func(tx *db.Tx) error {
		after := ""
		for {
			page, err := access.List(tx, after, 1)
			if err != nil || len(page) == 0 {
				return err
			}
			all, after = append(all, page...), page[0].ID
		}
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVerify(t *testing.T) {
	t.Parallel()
	t.Run("a_key_says_who_calls", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			plain, key := w.create(t, time.Time{}, access.Read, access.Hooks)
			got, err := w.Verify(t.Context(), plain)
			if err != nil {
				t.Fatal(err)
			}
			want := access.Caller{Kind: access.ByKey, ID: key.ID, Name: "till 4", Scopes: []access.Scope{access.Read, access.Hooks}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(plain, "occ_"+key.Prefix+"_") || len(plain) != 62 {
				t.Errorf("a key reads %d characters, prefix %s", len(plain), key.Prefix)
			}
		})
	})
	t.Run("a_key_that_is_not_right_is_refused_without_being_quoted", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			plain, _ := w.create(t, time.Time{}, access.Read)
			elsewhere, _ := w.create(t, time.Time{}, access.Read)
			if err := w.db.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`delete from api_keys where prefix = $1`, elsewhere[4:12])
				return err
			}); err != nil {
				t.Fatal(err)
			}
			swapped := plain[:13] + elsewhere[13:]
			for _, bad := range []string{
				"", "occ_", plain + "x", plain[:61], strings.ToLower(plain), plain[:20] + flip(plain[20]) + plain[21:],
				strings.Repeat("\x00", 62), elsewhere, swapped, " " + plain,
			} {
				_, err := w.Verify(t.Context(), bad)
				if !fault.Is(err, fault.Unauthorized) {
					t.Errorf("%q: %v", bad, err)
				}
				if err != nil && len(bad) > 10 && strings.Contains(err.Error(), bad[4:12]) {
					t.Errorf("the key is quoted: %v", err)
				}
			}
		})
	})
	t.Run("a_forged_secret_with_a_right_checksum_is_refused", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			plain, key := w.create(t, time.Time{}, access.Read)
			other, _ := w.create(t, time.Time{}, access.Read)
			if err := w.db.Write(t.Context(), func(tx *db.Tx) error { // the other key's prefix now leads to the first one's hash
				if _, err := tx.Exec(`update api_keys set prefix = 'away' where prefix = $1`, other[4:12]); err != nil {
					return err
				}
				_, err := tx.Exec(`update api_keys set prefix = $1 where id = $2`, other[4:12], key.ID)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for _, p := range []string{other, plain} {
				if _, err := w.Verify(t.Context(), p); fault.CodeOf(err) != "invalid_key" {
					t.Errorf("verified: %v", err)
				}
			}
		})
	})
	t.Run("a_key_expires", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			plain, _ := w.create(t, start.Add(time.Hour), access.Read)
			w.clock.Advance(time.Hour - 1)
			if _, err := w.Verify(t.Context(), plain); err != nil {
				t.Error(err)
			}
			w.clock.Advance(time.Microsecond)
			if _, err := w.Verify(t.Context(), plain); !fault.Is(err, fault.Unauthorized) {
				t.Errorf("expired: %v", err)
			}
		})
	})
}

func flip(b byte) string {
	if b == 'a' {
		return "b"
	}
	return "a"
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	t.Run("counts_at_once_here_and_within_two_seconds_elsewhere", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			plain, key := w.create(t, time.Time{}, access.Write)
			elsewhere := w.another(t)
			for _, k := range []*access.Keys{w.Keys, elsewhere} {
				if _, err := k.Verify(t.Context(), plain); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				got, err := w.Revoke(t.Context(), amina, key.Prefix)
				if err != nil || !got.RevokedAt.Equal(start) {
					t.Fatalf("%+v, %v", got, err)
				}
				w.clock.Advance(time.Minute)
			}
			if _, err := w.Verify(t.Context(), plain); !fault.Is(err, fault.Unauthorized) {
				t.Errorf("verified after it was revoked: %v", err)
			}
			deadline := time.Now().Add(2 * time.Second)
			for {
				_, err := elsewhere.Verify(t.Context(), plain)
				if fault.Is(err, fault.Unauthorized) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("two seconds later another process still takes the key")
				}
			}
			if _, err := w.Revoke(t.Context(), amina, "nobody"); !fault.Is(err, fault.NotFound) {
				t.Errorf("nobody: %v", err)
			}
		})
	})
	t.Run("a_reading_under_way_does_not_bring_it_back", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			for range 10 {
				plain, key := w.create(t, time.Time{}, access.Read)
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						for range 20 {
							if _, err := w.Verify(t.Context(), plain); err != nil && !fault.Is(err, fault.Unauthorized) {
								t.Error(err)
							}
						}
					})
				}
				if _, err := w.Revoke(t.Context(), amina, key.ID); err != nil {
					t.Error(err)
				}
				if _, err := w.Verify(t.Context(), plain); err == nil {
					t.Error("verified after it was revoked")
				}
				wg.Wait()
			}
		})
	})
}

func TestCreate(t *testing.T) {
	t.Parallel()
	t.Run("refuses_what_makes_no_sense", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			for name, fn := range map[string]func() error{
				"no name": func() error {
					_, _, err := w.Create(t.Context(), amina, " ", []access.Scope{access.Read}, time.Time{})
					return err
				},
				"no scope": func() error { _, _, err := w.Create(t.Context(), amina, "x", nil, time.Time{}); return err },
				"unknown scope": func() error {
					_, _, err := w.Create(t.Context(), amina, "x", []access.Scope{"root"}, time.Time{})
					return err
				},
				"expired": func() error {
					_, _, err := w.Create(t.Context(), amina, "x", []access.Scope{access.Read}, start)
					return err
				},
			} {
				if err := fn(); !fault.Is(err, fault.Invalid) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n := len(w.list(t)); n != 0 {
				t.Errorf("%d keys were made", n)
			}
		})
	})
	t.Run("neither_the_database_nor_what_is_printed_holds_the_key", func(t *testing.T) {
		t.Parallel()
		setup(t, func(t *testing.T, w world) {
			secret, key, err := w.Create(t.Context(), amina, "till 4", []access.Scope{access.Admin}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Revoke(t.Context(), amina, key.ID); err != nil {
				t.Fatal(err)
			}
			_, refused := w.Verify(t.Context(), secret.Reveal())
			var said bytes.Buffer
			fmt.Fprintf(&said, "%v %+v %#v %v", secret, key, secret, refused)
			slog.New(slog.NewJSONHandler(&said, nil)).Info("made", "key", key, "secret", secret, "error", refused)
			if err := w.db.Read(t.Context(), func(tx *db.Tx) error {
				var hash []byte
				if err := tx.QueryRow(`select hash from api_keys`).Scan(&hash); err != nil {
					return err
				}
				said.Write(hash)
				rows, err := w.log.List(tx, audit.Filter{}, 0, 0)
				fmt.Fprintf(&said, "%+v", rows)
				if len(rows) != 2 || rows[0].Action != "key.revoke" || rows[1].Action != "key.create" || rows[1].Actor != "cli:amina" || rows[1].Subject != key.ID {
					t.Errorf("audit: %+v", rows)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(said.Bytes(), []byte(secret.Reveal()[13:])) {
				t.Error("the secret part of the key was said")
			}
		})
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		plain, first := w.create(t, start.Add(time.Hour), access.Read)
		_, second := w.create(t, time.Time{}, access.Write, access.Admin)
		w.clock.Advance(time.Minute)
		if _, err := w.Verify(t.Context(), plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		first.LastUsedAt = start.Add(time.Minute)
		byID := cmpopts.SortSlices(func(a, b access.Key) bool { return a.ID < b.ID })
		if diff := cmp.Diff([]access.Key{first, second}, w.list(t), byID); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if err := w.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		plain, _ := w.create(t, time.Time{}, access.Read)
		if _, err := w.Verify(t.Context(), plain); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := w.list(t)[0].LastUsedAt; !got.Equal(start) {
			t.Errorf("the use was lost at the end: %v", got)
		}
	})
}

func TestRequire(t *testing.T) {
	t.Parallel()
	if _, err := access.Require(t.Context(), access.Read); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("nobody: %v", err)
	}
	for _, tt := range []struct {
		has  []access.Scope
		want access.Scope
		ok   bool
	}{
		{[]access.Scope{access.Read}, access.Read, true},
		{[]access.Scope{access.Read}, access.Write, false},
		{[]access.Scope{access.Write}, access.Read, true},
		{[]access.Scope{access.Write}, access.Admin, false},
		{[]access.Scope{access.Write}, access.Hooks, false},
		{[]access.Scope{access.Admin}, access.Write, true},
		{[]access.Scope{access.Admin}, access.Hooks, true},
		{[]access.Scope{access.Hooks}, access.Read, false},
		{nil, access.Read, false},
	} {
		ctx := access.With(t.Context(), access.Caller{Kind: access.ByKey, ID: "k", Scopes: tt.has})
		if c, err := access.Require(ctx, tt.want); (err == nil) != tt.ok || !tt.ok && !fault.Is(err, fault.Forbidden) || c.Actor() != "key:k" {
			t.Errorf("%v for %s: %v", tt.has, tt.want, err)
		}
	}
	if got := access.System("relay").Actor(); got != "system:relay" {
		t.Error(got)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("occ_00000000_0000000000000000000000000000000000000000000000000")
	f.Add("occ_")
	f.Add("")
	f.Add("occ_аааа_")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := new(access.Keys).Verify(t.Context(), text); err == nil {
			t.Errorf("%q was verified", text)
		}
	})
}
