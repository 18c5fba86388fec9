package api_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/web/api"
)

// child serves the API until it is killed. The key file and the local key outlive it.
func child(t *testing.T, url string) {
	ctx := t.Context()
	d, err := db.Open(ctx, url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(os.Getenv("API_TEST_FOLDER"), "key")
	if _, err := os.Stat(path); err != nil {
		if err := vault.CreateKeyFile(path); err != nil {
			t.Fatal(err)
		}
	}
	v, err := vault.Open(ctx, d, vault.Options{KeyFile: path})
	if err != nil {
		t.Fatal(err)
	}
	acts, err := audit.New(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.Open(ctx, d, v, acts)
	if err != nil {
		t.Fatal(err)
	}
	s := &api.Server{DB: d, Log: slog.New(slog.DiscardHandler), Keys: keys, Vault: v, Audit: acts, Local: "local-key"}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("LISTENING http://%s %s\n", at.Addr(), s.Local)
	t.Fatal(http.Serve(at, s.Handler()))
}
