package app

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// TestSecretAway reads a channel's secret while the database is away for a moment: it is what it was, since without one calls would be signed with nothing and genuine
// webhooks held for forged.
func TestSecretAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		key := filepath.Join(t.TempDir(), "vault.key")
		if err := vault.CreateKeyFile(key); err != nil {
			t.Fatal(err)
		}
		v, err := vault.Open(t.Context(), d, vault.Options{KeyFile: key})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := v.Put(tx, "account:a1", "app_secret", vault.Hide("s3cret"), vault.PutOptions{})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		s := secrets{v}
		if got := s.Values("account:a1", "app_secret"); len(got) != 1 {
			t.Fatal(got)
		}
		time.Sleep(3100 * time.Millisecond) // longer than the vault takes it for fresh
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if all, err := v.Values(t.Context(), "account:a1", "app_secret"); err == nil {
			t.Fatalf("the database is away, and the vault gives %d values", len(all))
		}
		if got := s.Values("account:a1", "app_secret"); len(got) != 1 || got[0] != "s3cret" {
			t.Errorf("a channel gets %d values", len(got))
		}
	})
}
