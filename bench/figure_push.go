package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// callsOf is how many calls a second each of the eight partners takes. Shopify gives its plans 100 to 2,000 points a second and asks 10 for setting stock
// (https://shopify.dev/docs/api/usage/limits); marketplaces take a call or two.
var callsOf = []float64{10, 10, 5, 5, 2, 2, 1, 1}

// shelves are the partners: they keep what they are told, and refuse with Shopify's throttle shape what comes too fast.
type shelves struct {
	server *httptest.Server
	all    []*front
}

// front is one partner's shop.
type front struct {
	calls *rate.Limiter
	mu    sync.Mutex
	shown map[string]int64     // by stock item
	empty map[string]time.Time // when it was first shown as sold out
	told  int64                // numbers taken
	late  bool                 // calls were refused for coming too fast
}

func newShelves() *shelves {
	s := &shelves{}
	for _, n := range callsOf {
		s.all = append(s.all, &front{calls: rate.NewLimiter(rate.Limit(n), max(1, int(n))), shown: map[string]int64{}, empty: map[string]time.Time{}})
	}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.server.Config.ReadHeaderTimeout = 10 * time.Second
	s.server.Start()
	return s
}

func (s *shelves) serve(w http.ResponseWriter, r *http.Request) {
	_, rest, _ := strings.Cut(r.URL.Path, "/front/")
	n, _, _ := strings.Cut(rest, "/")
	i, err := strconv.Atoi(n)
	if err != nil || i >= len(s.all) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	f := s.all[i]
	if !f.calls.Allow() {
		f.mu.Lock()
		f.late = true
		f.mu.Unlock()
		points := 10 * callsOf[i]
		_, _ = fmt.Fprintf(w, `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":10,"throttleStatus":{"maximumAvailable":%[1]g,"currentlyAvailable":0,"restoreRate":%[1]g}}}}`, points)
		return
	}
	var call struct {
		Variables struct {
			Input struct {
				Quantities []struct {
					Item     string `json:"inventoryItemId"`
					Quantity int64  `json:"quantity"`
				} `json:"quantities"`
			} `json:"input"`
		} `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now()
	f.mu.Lock()
	for _, q := range call.Variables.Input.Quantities {
		f.shown[q.Item] = q.Quantity
		if _, known := f.empty[q.Item]; q.Quantity == 0 && !known {
			f.empty[q.Item] = now
		}
	}
	f.told += int64(len(call.Variables.Input.Quantities))
	f.mu.Unlock()
	_, _ = io.WriteString(w, `{"data":{"inventorySetQuantities":{"userErrors":[]}}}`)
}

func (f *front) count() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

// measurePush has every number of 100,000 SKUs change at once, on eight accounts. Ours is how many numbers a second reach the partners, the limit what these
// take; the ratio that counts is the account's that comes off worst. Meanwhile SKUs sell out, which must overtake; in the end every partner shows the last value.
func measurePush(ctx context.Context, s settings, r *Result) error {
	_, h, leave, err := newBusiness(ctx, s.engine, s.skus)
	if err != nil {
		return err
	}
	defer leave()
	parts := newShelves()
	defer parts.server.Close()
	if err := h.fronts(ctx, parts); err != nil {
		return err
	}
	if err := h.changeAll(ctx, -1); err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- h.app.Connect.RunStock(work) }()
	defer func() { stop(); <-done }()
	sold, err := h.sellOut(ctx, s, parts, r)
	if err != nil {
		return err
	}
	overtook(sold, parts, r)
	for _, f := range parts.all {
		f.calls.SetLimit(rate.Inf)
	}
	if err := h.changeAll(ctx, 2); err != nil {
		return err
	}
	r.Detail["to_the_end_seconds"], err = h.settled(ctx, parts)
	r.Met = err == nil && r.Ratio >= 0.9 && r.Detail["sold_out_p99_s"] < 5
	return err
}

// fronts opens one account at each partner, live, with every SKU mapped.
func (h *house) fronts(ctx context.Context, parts *shelves) error {
	for i := range parts.all {
		acc, err := h.app.Connect.Add(ctx, connect.Adding{
			Name: fmt.Sprintf("front-%d", i), Channel: "shopify", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: h.account.LegalEntity, Mode: channel.Live,
			Actor: "bench", SkipCheck: true,
			Settings: map[string]string{"shop": fmt.Sprintf("front-%d.myshopify.com", i), "base_url": fmt.Sprintf("%s/front/%d", parts.server.URL, i), "grant": "permanent"},
			Secrets:  map[string]string{"client_secret": shopSecret, "access_token": "bench-access-token"},
		})
		if err != nil {
			return err
		}
		for from := 0; from < h.skus; from += 500 {
			var listings []channel.Listing
			for n := from; n < min(from+500, h.skus); n++ {
				listings = append(listings, channel.Listing{
					Ref:   channel.ListingRef{External: fmt.Sprint(variantID(n)), Parent: fmt.Sprint(variantID(n) + 1), SKU: skuOf(n), Stock: fmt.Sprint(variantID(n))},
					Title: "Product " + skuOf(n), Active: true, Price: money.Of(priceOf(n), "PKR"),
				})
			}
			if err := h.app.DB.Write(ctx, func(tx *db.Tx) error { _, err := h.app.Catalog.SaveListings(tx, acc.ID, listings); return err }); err != nil {
				return err
			}
		}
		if err := h.app.Connect.MapLocation(ctx, acc.ID, h.location, "1"); err != nil {
			return err
		}
	}
	return nil
}

// changeAll changes the stock of every SKU.
func (h *house) changeAll(ctx context.Context, delta int64) error {
	variants, err := h.texts(ctx, `select id from variants order by sku`)
	if err != nil {
		return err
	}
	for from := 0; from < len(variants); from += 500 {
		var moves []stock.Movement
		for _, v := range variants[from:min(from+500, len(variants))] {
			moves = append(moves, h.counted(v, delta))
		}
		if err := h.app.DB.Write(ctx, func(tx *db.Tx) error { return h.app.Inventory.Move(tx, moves) }); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) counted(variant string, delta int64) stock.Movement {
	return stock.Movement{
		Variant: variant, Location: h.location, Condition: stock.Sellable, Delta: delta, Kind: stock.MoveCount, RefKind: "bench", RefID: db.ID(), Actor: "bench", At: h.app.DB.Now(),
	}
}

// sale is one SKU that sold out while everything else changed.
type sale struct {
	item string
	at   time.Time
}

// sellOut measures for so long while five SKUs a second sell out.
func (h *house) sellOut(ctx context.Context, s settings, parts *shelves, r *Result) ([]sale, error) {
	variants, err := h.texts(ctx, `select id from variants order by sku`)
	if err != nil {
		return nil, err
	}
	before := make([]int64, len(parts.all))
	for i, f := range parts.all {
		before[i] = f.count()
	}
	start := time.Now()
	var sold []sale
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for n := len(variants) - 1; n >= 0 && time.Since(start) < s.duration; n -= 7 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		at := time.Now()
		there, err := h.count(ctx, `select on_hand from stock_levels where variant_id = $1 and location_id = $2 and condition = 'sellable'`, variants[n], h.location)
		if err != nil {
			return nil, err
		}
		gone := []stock.Movement{h.counted(variants[n], -there)}
		if err := h.app.DB.Write(ctx, func(tx *db.Tx) error { return h.app.Inventory.Move(tx, gone) }); err != nil {
			return nil, err
		}
		sold = append(sold, sale{fmt.Sprint(variantID(n)), at})
	}
	took := time.Since(start).Seconds()
	r.Ratio = 1e9
	for i, f := range parts.all {
		per := float64(f.count()-before[i]) / took
		most := callsOf[i] * perCall
		r.Ours, r.Limit = r.Ours+per, r.Limit+most
		r.Ratio = min(r.Ratio, per/most)
		r.Detail[fmt.Sprintf("account_%d_of_limit", i)] = per / most
	}
	return sold, pause(ctx, 6*time.Second) // the last ones have their five seconds
}

// overtook says how long sell-outs took to every partner.
func overtook(sold []sale, parts *shelves, r *Result) {
	var worst time.Duration
	for i, f := range parts.all {
		var all []time.Duration
		f.mu.Lock()
		for _, one := range sold {
			took := time.Minute // not at all
			if at, ok := f.empty["gid://shopify/InventoryItem/"+one.item]; ok {
				took = at.Sub(one.at)
			}
			all = append(all, took)
		}
		f.mu.Unlock()
		p99 := quantile(all, 0.99)
		r.Detail[fmt.Sprintf("account_%d_sold_out_p99_s", i)] = p99.Seconds()
		worst = max(worst, p99)
	}
	r.Detail["sold_out_p99_s"] = worst.Seconds()
}

// settled waits until every partner shows what there is, and says how long that took.
func (h *house) settled(ctx context.Context, parts *shelves) (float64, error) {
	start := time.Now()
	for {
		left, err := h.count(ctx, `select count(*) from (select 1 from channel_stock where dirty or running_until is not null limit 1) c`)
		if err != nil {
			return 0, err
		}
		changed, err := h.count(ctx, `select count(*) from (select 1 from stock_levels where dirty limit 1) l`)
		if err != nil {
			return 0, err
		}
		if left+changed == 0 {
			break
		}
		if time.Since(start) > 15*time.Minute {
			return 0, fmt.Errorf("after a quarter of an hour numbers are still due")
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	took := time.Since(start).Seconds()
	type number struct {
		sku  string
		left int64
	}
	var all []number
	err := h.app.DB.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = db.All(tx, func(row db.Scanner) (n number, err error) { return n, row.Scan(&n.sku, &n.left) },
			`select v.sku, l.on_hand - l.reserved from stock_levels l join variants v on v.id = l.variant_id order by v.sku`)
		return err
	})
	if err != nil {
		return 0, err
	}
	for i, f := range parts.all {
		f.mu.Lock()
		for _, n := range all {
			var sku int
			if _, err = fmt.Sscanf(n.sku, "SKU-%d", &sku); err != nil {
				break
			}
			if shown, ok := f.shown["gid://shopify/InventoryItem/"+fmt.Sprint(variantID(sku))]; !ok || shown != max(0, n.left) {
				err = fmt.Errorf("account %d shows %d of %s (%v), there are %d", i, shown, n.sku, ok, n.left)
				break
			}
		}
		f.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}

// perCall is how many numbers Shopify takes in one call. https://shopify.dev/docs/api/usage/limits (arrays of input)
const perCall = 250
