package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// moving is a shop of which what is personal is kept in the zone de, and the program that is asked about it.
type moving struct {
	t    *testing.T
	data string
	shop *shopify.Shop
}

// run runs the program to its end.
func (m *moving) run(zone string, words ...string) (said string, err error) {
	m.t.Helper()
	cmd := m.command(zone, words...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (m *moving) command(zone string, words ...string) *exec.Cmd {
	cmd := exec.Command("openclaw-commerce", words...)
	cmd.Env = append(os.Environ(), "OPENCLAW_DATA="+m.data, "OPENCLAW_ZONE_DB=de="+zone, "OPENCLAW_ALLOW_PRIVATE=true")
	return cmd
}

// buy has somebody buy at the shop.
func (m *moving) buy(word string) {
	m.t.Helper()
	_, err := m.shop.PlaceOrder(shopify.OrderSpec{
		Lines: []shopify.LineSpec{{SKU: "TEA-1", Quantity: 1}}, Oversell: true, Buyer: &shopify.Person{FirstName: word, LastName: "Weber", Email: strings.ToLower(word) + "@example.com"},
		Shipping: &shopify.Address{FirstName: word, LastName: "Weber", Address1: "Allee 7", City: "Berlin", Zip: "10115", Country: "DE"},
	})
	m.ok(err)
}

func (m *moving) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// build makes the shop and its first order, with the zone in an SQLite file.
func (m *moving) build(zone string) {
	m.t.Helper()
	ctx := context.Background()
	a, err := app.Open(ctx, app.Config{Data: m.data, MakeKey: true, AllowPrivate: true, Log: slog.New(slog.DiscardHandler), Zones: []app.Zone{{Name: "de", DB: zone}}})
	m.ok(err)
	defer func() { m.ok(a.Close()) }()
	e, err := a.Policy.SaveEntity(ctx, policy.LegalEntity{Code: "DE", Name: "Laden GmbH", Country: "DE", Currency: "EUR"}, "test")
	m.ok(err)
	m.shop, err = shopify.New(shopify.Config{Domain: "laden.myshopify.com", ClientID: "client", ClientSecret: "secret", Currency: "EUR", Country: "DE", Locations: []shopify.LocationSpec{{Name: "WH"}}, PlainHTTP: true})
	m.ok(err)
	m.t.Cleanup(m.shop.Close)
	front := httptest.NewServer(m.shop.Handler())
	m.t.Cleanup(front.Close)
	_, err = m.shop.AddProduct(shopify.ProductSpec{SKU: "TEA-1", Title: "Tee", Price: "5.00", Stock: map[string]int{"WH": 10}})
	m.ok(err)
	acc, err := a.Connect.Add(ctx, connect.Adding{
		Name: "laden", Channel: "shopify", Country: "DE", Currency: "EUR", Zone: "Europe/Berlin", LegalEntity: e.ID, Mode: channel.Intake, Residency: "de", Actor: "test",
		Settings: map[string]string{"shop": "laden.myshopify.com", "base_url": front.URL, "client_id": "client", "poll_seconds": "1", "grant": "client_credentials"},
		Secrets:  map[string]string{"client_secret": "secret"},
	})
	m.ok(err)
	m.buy("Anna")
	_, err = a.Connect.Poll(ctx, acc.ID)
	m.ok(err)
	_, err = a.Connect.ImportOnce(ctx)
	m.ok(err)
}

// serve starts the program, and answers how it is ended.
func (m *moving) serve(zone string) (end func()) {
	m.t.Helper()
	cmd := m.command(zone, "serve", "--addr", "127.0.0.1:0")
	var said bytes.Buffer
	cmd.Stderr = &said
	m.ok(cmd.Start())
	m.t.Cleanup(func() { _ = cmd.Process.Kill() })
	for limit := time.Now().Add(time.Minute); ; {
		if _, err := os.Stat(filepath.Join(m.data, "serve.json")); err == nil {
			break
		}
		if time.Now().After(limit) {
			m.t.Fatalf("it does not serve: %s", said.String())
		}
		<-time.After(20 * time.Millisecond)
	}
	return func() {
		m.ok(cmd.Process.Signal(os.Interrupt))
		if err := cmd.Wait(); err != nil {
			m.t.Errorf("it ended with %v: %s", err, said.String())
		}
	}
}

// becomes runs a command until what it says has a word.
func (m *moving) becomes(zone, want string, words ...string) {
	m.t.Helper()
	for limit := time.Now().Add(time.Minute); ; {
		said, err := m.run(zone, words...)
		if err == nil && strings.Contains(said, want) {
			return
		}
		if time.Now().After(limit) {
			m.t.Fatalf("%v never says %q, but %v: %s", words, want, err, said)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// TestZoneMoves takes a zone's store from SQLite to PostgreSQL by the command; the program serves with it as it did before.
func TestZoneMoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := &moving{t: t, data: filepath.Join(dir, "data")}
	old, moved := "sqlite:"+filepath.Join(dir, "de.db"), db.WithSchema(dbtest.PostgresURL(t), "moved")
	m.build(old)

	if said, err := m.run(old, "migrate", "copy", "--zone", "fr", "--to", moved); err == nil || !strings.Contains(said, "no zone is called fr here") {
		t.Errorf("a zone that there is not: %v: %s", err, said)
	}
	if said, err := m.run(old, "migrate", "copy", "--zone", "de", "--from", old, "--to", moved); err == nil || !strings.Contains(said, "say one of them") {
		t.Errorf("two databases to copy: %v: %s", err, said)
	}
	said, err := m.run(old, "migrate", "copy", "--zone", "de", "--to", moved)
	if err != nil || !strings.Contains(said, "each compared with what it was copied from, and everything holds") || !strings.Contains(said, "--zone-db de=URL") {
		t.Fatalf("copying: %v: %s", err, said)
	}

	end := m.serve(moved)
	m.becomes(moved, "postgres", "privacy", "zones")
	m.becomes(moved, "Anna", "privacy", "export", "--email", "anna@example.com", "--purpose", "asked by letter")
	m.buy("Berta")
	m.becomes(moved, "Berta", "privacy", "export", "--email", "berta@example.com", "--purpose", "asked by letter")
	if said, err := m.run(moved, "privacy", "erase", "--email", "anna@example.com", "--reason", "letter 7", "--yes"); err != nil {
		t.Errorf("erasing: %v: %s", err, said)
	}
	end()

	if said, err := m.run(old, "migrate", "copy", "--zone", "de", "--to", moved); err == nil || !strings.Contains(said, "is not empty") {
		t.Errorf("over what is there: %v: %s", err, said)
	}
}
