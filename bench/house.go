package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// place is where a run keeps its databases: a folder on the disk, and for PostgreSQL a server of its own whose commits wait for the disk.
type place struct {
	engine, dir, server string
	stop                func() error
	n                   int
}

// newPlace makes one. Close removes everything.
func newPlace(ctx context.Context, engine string) (*place, error) {
	dir, err := os.MkdirTemp("", "openclaw-bench-")
	if err != nil {
		return nil, err
	}
	p := &place{engine: engine, dir: dir, stop: func() error { return nil }}
	if engine == sqlite {
		return p, nil
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server runs as another user when we are root
		return nil, err
	}
	if p.server, p.stop, err = dbtest.Durable(ctx, filepath.Join(dir, "pg")); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return p, nil
}

func (p *place) close() {
	if err := p.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	_ = os.RemoveAll(p.dir)
}

// data is the folder of the key file.
func (p *place) data() string { return filepath.Join(p.dir, "data") }

// fresh is the url of an empty database.
func (p *place) fresh(ctx context.Context) (string, error) {
	p.n++
	if p.engine == sqlite {
		return "sqlite:" + filepath.Join(p.dir, fmt.Sprintf("%d.db", p.n)), nil
	}
	return createDatabase(ctx, p.server, fmt.Sprintf("bench_%d", p.n))
}

// house is the whole program with one shop, open on a database.
type house struct {
	app      *app.App
	url      string // of the database
	account  connect.Account
	location string
	skus     int
	next     atomic.Int64
}

// quiet logs failures only.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// openHouse opens the program on a database as serve does.
func openHouse(ctx context.Context, url, data string, edit ...func(*app.Config)) (*house, error) {
	cfg := app.Config{DB: url, Data: data, MakeKey: true, AllowPrivate: true, Log: quiet()}
	for _, e := range edit {
		e(&cfg)
	}
	app.Breathe()
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &house{app: a, url: url}, nil
}

// newBusiness is a place of its own with a new house in it; done closes the house and removes the place.
func newBusiness(ctx context.Context, engine string, skus int, edit ...func(*app.Config)) (p *place, h *house, done func(), err error) {
	if p, err = newPlace(ctx, engine); err != nil {
		return nil, nil, nil, err
	}
	url, err := p.fresh(ctx)
	if err == nil {
		h, err = newHouse(ctx, url, p.data(), skus, edit...)
	}
	if err != nil {
		p.close()
		return nil, nil, nil, err
	}
	return p, h, func() { _ = h.app.Close(); p.close() }, nil
}

// newHouse opens the program on an empty database and gives it a company, a warehouse full of skus and a shop that sells them.
func newHouse(ctx context.Context, url, data string, skus int, edit ...func(*app.Config)) (h *house, err error) {
	if h, err = openHouse(ctx, url, data, edit...); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = h.app.Close()
		}
	}()
	h.skus = skus
	h.next.Store(5_000_000)
	entity, err := h.app.Policy.SaveEntity(ctx, policy.LegalEntity{Code: "PK", Name: "Bench Retail", Country: "PK", Currency: "PKR"}, "bench")
	if err != nil {
		return nil, err
	}
	err = h.app.DB.Write(ctx, func(tx *db.Tx) error {
		ids, err := h.app.Inventory.SaveLocations(tx, []inventory.Location{{
			Code: "WH", Name: "Warehouse", Kind: "warehouse", LegalEntity: entity.ID, Country: "PK", Province: "Punjab", City: "Lahore", Zone: "Asia/Karachi", Fulfils: true, Active: true, Weight: 100,
		}})
		if err == nil {
			h.location = ids[0]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if h.account, err = h.app.Connect.Add(ctx, connect.Adding{
		Name: "bench-shop", Channel: "shopify", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: entity.ID, Mode: channel.Intake, Actor: "bench", SkipCheck: true,
		Settings: map[string]string{"shop": shopDomain, "base_url": "http://127.0.0.1:1", "client_id": "bench"}, Secrets: map[string]string{"client_secret": shopSecret},
	}); err != nil {
		return nil, err
	}
	return h, h.assortment(ctx)
}

// assortment fills catalog, stock and the shop.
func (h *house) assortment(ctx context.Context) error {
	for from := 0; from < h.skus; from += 500 {
		err := h.app.DB.Write(ctx, func(tx *db.Tx) error { return h.shelf(tx, from, min(from+500, h.skus)) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *house) shelf(tx *db.Tx, from, to int) error {
	var skus []string
	var products []catalog.NewProduct
	var listings []channel.Listing
	for i := from; i < to; i++ {
		sku := skuOf(i)
		skus = append(skus, sku)
		products = append(products, catalog.NewProduct{SKU: sku, Title: "Product " + sku})
		listings = append(listings, channel.Listing{
			Ref: channel.ListingRef{External: fmt.Sprint(variantID(i)), Parent: fmt.Sprint(variantID(i) + 1), SKU: sku}, Title: "Product " + sku, Active: true, Price: money.Of(priceOf(i), "PKR"),
		})
	}
	if err := h.app.Catalog.SaveProducts(tx, products); err != nil {
		return err
	}
	variants, err := h.app.Catalog.Variants(tx, skus)
	if err != nil {
		return err
	}
	var moves []stock.Movement
	for _, sku := range skus {
		moves = append(moves, stock.Movement{
			Variant: variants[sku], Location: h.location, Condition: stock.Sellable, Delta: 100_000_000, Kind: stock.MoveOpening, RefKind: "bench", RefID: "opening", Actor: "bench", At: tx.Now,
		})
	}
	if err := h.app.Inventory.Move(tx, moves); err != nil {
		return err
	}
	_, err = h.app.Catalog.SaveListings(tx, h.account.ID, listings)
	return err
}

// store has n new orders arrive as signed webhooks: verified, sealed and stored, not imported. It is not measured.
func (h *house) store(ctx context.Context, n int) error {
	const buyers = 64
	g, ctx := errgroup.WithContext(ctx)
	var left atomic.Int64
	left.Store(int64(n))
	for b := range buyers {
		rnd := rand.New(rand.NewPCG(uint64(h.next.Load()), uint64(b)))
		g.Go(func() error {
			for left.Add(-1) >= 0 {
				id := h.next.Add(1)
				body := payload(rnd, id, h.skus, time.Now())
				if err := h.app.Connect.Receive(ctx, "bench-shop", signed(body, id), body); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// count asks for one number.
func (h *house) count(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = h.app.DB.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	return n, err
}
