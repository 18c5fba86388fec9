package connect

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// The environment that makes this test binary another process: the database, the vault's key, and which life of the shop it is.
const (
	killURL  = "CONNECT_TEST_URL"
	killKey  = "CONNECT_TEST_KEY"
	killLife = "CONNECT_TEST_LIFE"
)

// ordersALife is how many orders a life of the shop may place; the next one begins behind them.
const ordersALife = 300

// TestKilledProcess is the other process: it takes webhooks, polls and imports, says what has been acknowledged, and goes on until it is killed.
// Without the environment there is nothing to do.
func TestKilledProcess(t *testing.T) {
	url := os.Getenv(killURL)
	if url == "" {
		return
	}
	ctx := context.Background()
	d, err := db.Open(ctx, url, db.Options{})
	must(t, err)
	h := build(t, d, os.Getenv(killKey))
	life, err := strconv.Atoi(os.Getenv(killLife))
	must(t, err)
	for range life * ordersALife { // what was sold before is still in the shop
		h.shop.Place(demo.Item{SKU: "MUG", Quantity: 1})
	}
	h.acc, err = h.s.load(ctx, "demo-shop")
	must(t, err)
	must(t, d.Write(ctx, func(tx *db.Tx) error { // what a killed importer had taken comes back at once, not after its lease
		_, err := tx.Exec(`update inbox set next_at = 0 where state = 'stored'`)
		return err
	}))
	for range 2 {
		go func() { _ = h.s.RunImport(ctx) }()
	}
	for i := range ordersALife {
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		if i%3 == 2 { // known by the poll only
			_, err = h.s.Poll(ctx, h.acc.ID)
		} else {
			delivery := h.shop.Deliveries(id)[0]
			err = h.s.Receive(ctx, "demo-shop", delivery.Header, delivery.Body)
		}
		must(t, err)
		fmt.Printf("ack %s\n", id)
	}
	select {} // killed, never finished
}

// live runs the other process until it has acknowledged n orders, kills it, and answers their ids.
func live(t *testing.T, url, key string, life, n int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$", "-test.v")
	cmd.Env = append(os.Environ(), killURL+"="+url, killKey+"="+key, killLife+"="+strconv.Itoa(life))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var acked []string
	for lines := bufio.NewScanner(out); len(acked) < n && lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "ack "); ok {
			acked = append(acked, id)
		}
	}
	must(t, cmd.Process.Kill()) // SIGKILL: nothing is tidied up
	_ = cmd.Wait()
	if len(acked) < n {
		t.Fatalf("the other process ended after %d orders", len(acked))
	}
	return acked
}

func TestKill(t *testing.T) {
	t.Parallel()
	engines := map[string]func() string{
		"sqlite":   func() string { return dbtest.SQLiteURL(t, true) },
		"postgres": func() string { return dbtest.PostgresURL(t) },
	}
	for name, url := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			url := url()
			key := filepath.Join(t.TempDir(), "vault.key")
			must(t, vault.CreateKeyFile(key))
			open := func() *house {
				d, err := db.Open(ctx, url, db.Options{})
				must(t, err)
				return build(t, d, key)
			}
			h := open()
			h.goods()
			_, err := h.s.Add(ctx, Adding{
				Name: "demo-shop", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: channel.Live, Actor: "test",
				Secrets: map[string]string{demo.HookSecret: demo.Secret, demo.AppSecret: "test-app-secret"},
			})
			must(t, err)
			must(t, h.d.Close())
			var acked []string
			for life, n := range []int{17, 40, 73} {
				acked = append(acked, live(t, url, key, life, n)...)
			}
			h = open()
			h.acc, err = h.s.load(ctx, "demo-shop")
			must(t, err)
			h.afterKills(acked)
			must(t, h.d.Close())
		})
	}
}

// afterKills imports what is left, as the next start does, and checks that everything acknowledged is an order, exactly once.
func (h *house) afterKills(acked []string) {
	h.t.Helper()
	ctx := context.Background()
	must(h.t, h.d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`update inbox set next_at = 0 where state = 'stored'`)
		return err
	}))
	h.importAll()
	for _, id := range acked {
		if n := h.count(`select count(*) from orders where account_id = $1 and external = $2`, h.acc.ID, id); n != 1 {
			h.t.Errorf("order %s was acknowledged and is here %d times", id, n)
		}
	}
	orders := h.count(`select count(*) from orders`)
	for what, n := range map[string]int64{
		"told as created":     h.count(`select count(*) from events where type = $1`, event.OrderCreated),
		"different externals": h.count(`select count(distinct external) from orders`),
		"asking for stock":    h.count(`select count(*) from (select holder_id from reservations union select holder_id from shortages) held`),
	} {
		if n != orders {
			h.t.Errorf("%d orders, %d %s", orders, n, what)
		}
	}
	if n := h.count(`select count(*) from inbox where state <> 'done'`); n != 0 {
		h.t.Errorf("%d messages wait", n)
	}
	must(h.t, h.d.Read(ctx, func(tx *db.Tx) error {
		wrong, err := h.inv.Verify(tx)
		if len(wrong) > 0 {
			h.t.Errorf("%v", wrong)
		}
		return err
	}))
}
