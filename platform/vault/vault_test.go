package vault_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/vault"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// keyFile makes a key file and says where it is.
func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys", "master")
	if err := vault.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, d *db.DB, path string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), d, vault.Options{KeyFile: path, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// each runs a test on both engines with a clock of its own.
func each(t *testing.T, f func(t *testing.T, d *db.DB, c *dbtest.Clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := dbtest.NewClock(start)
		f(t, dbtest.SQLite(t, dbtest.Config{Now: c.Now}), c)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := dbtest.NewClock(start)
		f(t, dbtest.Postgres(t, dbtest.Config{Now: c.Now}), c)
	})
}

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, d *db.DB, v *vault.Vault, name, secret string, opt vault.PutOptions) (generation int64) {
	t.Helper()
	write(t, d, func(tx *db.Tx) (err error) {
		generation, err = v.Put(tx, "account", name, vault.Hide(secret), opt)
		return err
	})
	return generation
}

func wantValues(t *testing.T, v *vault.Vault, name string, want ...string) {
	t.Helper()
	got, err := v.Values(t.Context(), "account", name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
		t.Errorf("values of %s (-want +got):\n%s", name, diff)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind, saying string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || !strings.Contains(err.Error(), saying) {
		t.Errorf("got %v, want a fault %v saying %q", err, kind, saying)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("makes_the_key_file_on_an_empty_SQLite_only", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t)
		path := filepath.Join(t.TempDir(), "key")
		_, err := vault.Open(t.Context(), d, vault.Options{KeyFile: path})
		wantKind(t, err, fault.Invalid, "is missing")
		if _, err := vault.Open(t.Context(), d, vault.Options{KeyFile: path, Create: true}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the key file has mode %o", info.Mode().Perm())
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, err = vault.Open(t.Context(), d, vault.Options{KeyFile: path, Create: true})
		wantKind(t, err, fault.Invalid, "restore the file from its backup")
	})
	t.Run("never_makes_the_key_file_for_PostgreSQL", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "key")
		_, err := vault.Open(t.Context(), dbtest.Postgres(t), vault.Options{KeyFile: path, Create: true})
		wantKind(t, err, fault.Invalid, "configured, never made")
		if _, err := os.Stat(path); err == nil {
			t.Error("the key file was made")
		}
	})
	t.Run("refuses_another_key_file", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			first, second := keyFile(t), keyFile(t)
			open(t, d, first)
			_, err := vault.Open(t.Context(), d, vault.Options{KeyFile: second})
			wantKind(t, err, fault.Invalid, "is not the one this database was set up with")
			open(t, d, first)
		})
	})
	t.Run("refuses_a_key_file_that_others_can_read", func(t *testing.T) {
		t.Parallel()
		path := keyFile(t)
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := vault.Open(t.Context(), dbtest.SQLite(t), vault.Options{KeyFile: path})
		wantKind(t, err, fault.Invalid, "chmod 600")
	})
	t.Run("refuses_what_is_no_key_without_quoting_it", func(t *testing.T) {
		t.Parallel()
		for _, content := range []string{"", "canary-too-short", base64.StdEncoding.EncodeToString(make([]byte, 31)), strings.Repeat("canary", 400)} {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := vault.Open(t.Context(), dbtest.SQLite(t), vault.Options{KeyFile: path})
			wantKind(t, err, fault.Invalid, "does not hold a key")
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the file: %v", err)
			}
		}
	})
	t.Run("two_processes_that_start_at_once_share_their_keys", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			path := keyFile(t)
			vaults := make([]*vault.Vault, 8)
			var wg sync.WaitGroup
			for i := range vaults {
				wg.Go(func() {
					var err error
					if vaults[i], err = vault.Open(t.Context(), d, vault.Options{KeyFile: path}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if t.Failed() {
				t.FailNow()
			}
			put(t, d, vaults[0], "secret", "shared", vault.PutOptions{})
			for _, v := range vaults {
				wantValues(t, v, "secret", "shared")
			}
		})
	})
}

func TestCreateKeyFile(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, vault.CreateKeyFile(path), fault.Conflict, "already")
	after, _ := os.ReadFile(path)
	if !bytes.Equal(before, after) {
		t.Error("the key file was overwritten")
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	t.Run("replaces_at_once", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			v := open(t, d, keyFile(t))
			wantValues(t, v, "secret")
			put(t, d, v, "secret", "one", vault.PutOptions{})
			wantValues(t, v, "secret", "one")
			if g := put(t, d, v, "secret", "two", vault.PutOptions{}); g != 2 {
				t.Errorf("generation %d, want 2", g)
			}
			wantValues(t, v, "secret", "two")
		})
	})
	t.Run("a_write_that_does_not_commit_changes_nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			v := open(t, d, keyFile(t))
			put(t, d, v, "secret", "one", vault.PutOptions{})
			undone := fmt.Errorf("undone")
			if err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, _ = v.Put(tx, "account", "secret", vault.Hide("two"), vault.PutOptions{})
				return undone
			}); err == nil {
				t.Fatal("committed")
			}
			wantValues(t, v, "secret", "one")
		})
	})
	t.Run("nothing_is_in_clear_in_the_database", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			v := open(t, d, keyFile(t))
			put(t, d, v, "secret", "canary-secret", vault.PutOptions{})
			var sealed, wrapped []byte
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				if err := tx.QueryRow(`select sealed from credentials`).Scan(&sealed); err != nil {
					return err
				}
				return tx.QueryRow(`select wrapped from vault_keys`).Scan(&wrapped)
			}); err != nil {
				t.Fatal(err)
			}
			if len(sealed) == 0 || bytes.Contains(sealed, []byte("canary")) {
				t.Errorf("sealed: %q", sealed)
			}
		})
	})
	t.Run("a_row_moved_to_another_owner_does_not_open", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			v := open(t, d, keyFile(t))
			put(t, d, v, "secret", "one", vault.PutOptions{})
			write(t, d, func(tx *db.Tx) error {
				_, err := tx.Exec(`update credentials set owner = 'thief'`)
				return err
			})
			if got, err := v.Values(t.Context(), "thief", "secret"); err == nil {
				t.Errorf("opened: %v", got)
			}
		})
	})
}

func TestRotate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, c *dbtest.Clock) {
		v := open(t, d, keyFile(t))
		put(t, d, v, "webhook", "one", vault.PutOptions{})
		write(t, d, func(tx *db.Tx) error {
			_, err := v.Rotate(tx, "account", "webhook", vault.Hide("two"), time.Hour)
			return err
		})
		wantValues(t, v, "webhook", "two", "one")

		c.Advance(59 * time.Minute)
		wantValues(t, v, "webhook", "two", "one")
		c.Advance(time.Minute)
		wantValues(t, v, "webhook", "two")

		write(t, d, func(tx *db.Tx) error {
			_, err := v.Rotate(tx, "account", "webhook", vault.Hide("three"), time.Hour)
			return err
		})
		put(t, d, v, "webhook", "four", vault.PutOptions{Overlap: time.Hour})
		wantValues(t, v, "webhook", "four", "three")
	})
}

func TestActivate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := open(t, d, keyFile(t))
		put(t, d, v, "key", "one", vault.PutOptions{})
		g := put(t, d, v, "key", "two", vault.PutOptions{Pending: true})
		wantValues(t, v, "key", "one")
		trial, err := v.Trial(t.Context(), "account", "key", g)
		if err != nil || trial.Secret.Reveal() != "two" {
			t.Fatalf("trial: %q, %v", trial.Secret.Reveal(), err)
		}
		activate := func(tx *db.Tx) error { return v.Activate(tx, "account", "key", g, time.Minute) }
		write(t, d, activate)
		wantValues(t, v, "key", "two", "one")
		wantKind(t, d.Write(t.Context(), activate), fault.Conflict, "")
		wantKind(t, d.Write(t.Context(), func(tx *db.Tx) error { return v.Activate(tx, "account", "key", 9, 0) }), fault.NotFound, "")
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := open(t, d, keyFile(t))
		put(t, d, v, "a", "one", vault.PutOptions{})
		put(t, d, v, "a", "two", vault.PutOptions{Overlap: time.Hour})
		put(t, d, v, "b", "three", vault.PutOptions{})
		wantValues(t, v, "a", "two", "one")
		for range 2 {
			write(t, d, func(tx *db.Tx) error { return v.Revoke(tx, "account", "a", 1) })
			wantValues(t, v, "a", "two")
		}
		write(t, d, func(tx *db.Tx) error { return v.RevokeAll(tx, "account") })
		wantValues(t, v, "a")
		wantValues(t, v, "b")
		var left int
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(`select count(*) from credentials where length(sealed) > 0`).Scan(&left)
		}); err != nil || left != 0 {
			t.Errorf("%d revoked values are still there (%v)", left, err)
		}
	})
}

func TestSwap(t *testing.T) {
	t.Parallel()
	t.Run("of_many_who_refreshed_one_succeeds", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			v := open(t, d, keyFile(t))
			swap := func(generation int64, secret string) error {
				return d.Write(t.Context(), func(tx *db.Tx) error {
					_, err := v.Swap(tx, "account", "tokens", generation, vault.Hide(secret), start.Add(time.Hour))
					return err
				})
			}
			for generation := range int64(3) {
				var wg sync.WaitGroup
				var mu sync.Mutex
				won := 0
				for i := range 6 {
					wg.Go(func() {
						err := swap(generation, fmt.Sprintf("pair-%d-%d", generation, i))
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							won++
						} else if !fault.Is(err, fault.Conflict) {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if won != 1 {
					t.Errorf("%d of 6 won at generation %d", won, generation)
				}
				got, err := v.Current(t.Context(), "account", "tokens")
				if err != nil {
					t.Fatal(err)
				}
				if got.Generation != generation+1 || !got.ExpiresAt.Equal(start.Add(time.Hour)) {
					t.Errorf("current: generation %d, expires %v", got.Generation, got.ExpiresAt)
				}
			}
		})
	})
	t.Run("old_generations_are_forgotten", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			v := open(t, d, keyFile(t))
			for generation := range int64(30) {
				write(t, d, func(tx *db.Tx) error {
					_, err := v.Swap(tx, "account", "tokens", generation, vault.Hide("pair"), time.Time{})
					return err
				})
			}
			if n := len(list(t, d, "account")); n > 12 {
				t.Errorf("%d generations are kept", n)
			}
		})
	})
}

func list(t *testing.T, d *db.DB, owner string) (all []vault.Credential) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *db.Tx) error {
		var after vault.Credential
		for {
			page, err := vault.List(tx, owner, after, 2)
			if err != nil || len(page) == 0 {
				return err
			}
			all, after = append(all, page...), page[len(page)-1]
		}
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, c *dbtest.Clock) {
		v := open(t, d, keyFile(t))
		put(t, d, v, "b", "canary-1", vault.PutOptions{ExpiresAt: start.Add(time.Hour)})
		c.Advance(time.Minute)
		put(t, d, v, "b", "canary-2", vault.PutOptions{Overlap: time.Hour})
		put(t, d, v, "a", "canary-3", vault.PutOptions{Pending: true})
		put(t, d, v, "c", "canary-4", vault.PutOptions{})
		wantValues(t, v, "c", "canary-4")
		if err := v.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		later := start.Add(time.Minute)
		want := []vault.Credential{
			{Owner: "account", Name: "a", Generation: 1, State: vault.Pending, CreatedAt: later},
			{Owner: "account", Name: "b", Generation: 2, State: vault.Active, CreatedAt: later},
			{Owner: "account", Name: "b", Generation: 1, State: vault.Retiring, CreatedAt: start, ExpiresAt: start.Add(time.Hour), RetireAt: later.Add(time.Hour)},
			{Owner: "account", Name: "c", Generation: 1, State: vault.Active, CreatedAt: later, LastUsedAt: later},
		}
		if diff := cmp.Diff(want, list(t, d, "account")); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		if n := len(list(t, d, "")); n != 4 {
			t.Errorf("%d credentials of everybody, want 4", n)
		}

		c.Advance(2 * time.Hour)
		if err := v.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := list(t, d, "account")[2].State; got != vault.Revoked {
			t.Errorf("the retired one is %s", got)
		}
	})
}

func TestValues(t *testing.T) {
	t.Parallel()
	t.Run("a_change_in_this_process_counts_at_once_for_everybody_who_reads", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			v := open(t, d, keyFile(t))
			put(t, d, v, "secret", "0", vault.PutOptions{})
			var wg sync.WaitGroup
			stop := make(chan struct{})
			for range 4 {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if got, err := v.Values(t.Context(), "account", "secret"); err != nil || len(got) != 1 {
							t.Errorf("values %v, %v", got, err)
							return
						}
					}
				})
			}
			for i := range 20 {
				want := fmt.Sprint(i)
				put(t, d, v, "secret", want, vault.PutOptions{})
				wantValues(t, v, "secret", want)
			}
			close(stop)
			wg.Wait()
		})
	})
	t.Run("a_change_elsewhere_is_seen_on_reload", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
			path := keyFile(t)
			here, there := open(t, d, path), open(t, d, path)
			put(t, d, here, "secret", "one", vault.PutOptions{})
			wantValues(t, there, "secret", "one")
			put(t, d, here, "secret", "two", vault.PutOptions{})
			got, err := there.Reload(t.Context(), "account", "secret")
			if err != nil || got.Secret.Reveal() != "two" {
				t.Errorf("reload: %q, %v", got.Secret.Reveal(), err)
			}
		})
	})
	t.Run("a_source_gives_what_a_seam_wants", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t)
		v := open(t, d, keyFile(t))
		put(t, d, v, "secret", "one", vault.PutOptions{})
		source := v.Source("account")
		if diff := cmp.Diff([]string{"one"}, source("secret")); diff != "" {
			t.Error(diff)
		}
		if got := source("other"); len(got) != 0 {
			t.Errorf("unset: %v", got)
		}
	})
}

func TestLife(t *testing.T) {
	t.Parallel()
	if err := vault.Life.Check(); err != nil {
		t.Error(err)
	}
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		for _, s := range append(vault.Life.States(), "other") {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`insert into credentials (id, owner, name, generation, state, key_id, sealed, created_at) values ($1, 'o', $2, 1, $2, 'k', $3, 0)`,
					db.ID(), string(s), []byte{})
				return err
			})
			if _, refused := db.IsCheck(err); refused != (s == "other") {
				t.Errorf("the table says %v to state %s", err, s)
			}
		}
	})
}

func TestSecret(t *testing.T) {
	t.Parallel()
	secret := vault.Hide("canary-secret")
	type inside struct {
		Open   vault.Secret
		closed vault.Secret
		list   []vault.Secret
		m      map[string]vault.Secret
	}
	in := inside{secret, secret, []vault.Secret{secret}, map[string]vault.Secret{"a": secret}}
	var said bytes.Buffer
	for _, v := range []any{secret, &secret, in, &in, []any{secret}, vault.Value{Secret: secret}} {
		for _, verb := range strings.Split("v +v #v s q x X d p t e w", " ") {
			fmt.Fprintf(&said, "%"+verb+"\n", v)
		}
		fmt.Fprintln(&said, fmt.Errorf("wrapped: %v", v))
		j, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		said.Write(j)
		for _, h := range []slog.Handler{slog.NewTextHandler(&said, nil), slog.NewJSONHandler(&said, nil)} {
			slog.New(h).Info("message", "secret", v, slog.Any("any", v))
		}
	}
	text, _ := secret.MarshalText()
	said.Write(text)
	for _, form := range []string{"canary", fmt.Sprintf("%x", "canary"), fmt.Sprintf("%X", "canary"), fmt.Sprint([]byte("canary"))[1:20], base64.StdEncoding.EncodeToString([]byte("canary"))} {
		if strings.Contains(said.String(), form) {
			t.Errorf("the secret was said as %q:\n%s", form, said.String())
		}
	}
	if !secret.Equal(vault.Hide("canary-secret")) || secret.Equal(vault.Hide("canary-secreT")) || !(vault.Secret{}).IsZero() {
		t.Error("secrets compare wrongly")
	}
}
