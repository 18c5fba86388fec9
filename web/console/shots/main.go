// Command shots makes pictures of every page of the console, in its languages, looks and sizes, into the folder that is named: `make shots`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/web/console/browser"
)

func main() {
	dir := flag.String("dir", "shots", "where pictures go")
	langs := flag.String("langs", "en,ur,ar", "which languages")
	themes := flag.String("themes", "light,dark", "which looks")
	only := flag.String("only", "", "only pages whose name contains this")
	sizes := flag.String("sizes", "desktop,tablet,phone", "which sizes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *only, strings.Split(*langs, ","), strings.Split(*themes, ","), strings.Split(*sizes, ",")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// size is a window.
type size struct{ width, height int64 }

var windows = map[string]size{"desktop": {1440, 900}, "tablet": {820, 1180}, "phone": {390, 844}}

func run(ctx context.Context, dir, only string, langs, themes, sizes []string) error {
	tmp, err := os.MkdirTemp("", "openclaw-shots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	stage, err := demo.OpenStage(ctx, tmp, "sqlite:"+filepath.Join(tmp, "shots.db")+"?sync=off", 90)
	if err != nil {
		return err
	}
	defer stage.Close()
	if err := stage.Back(ctx); err != nil {
		return err
	}
	if err := stage.Trouble(ctx); err != nil {
		return err
	}
	pages, err := paths(ctx, stage)
	if err != nil {
		return err
	}
	b, err := browser.Open(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, lang := range langs {
		for _, theme := range themes {
			p := b.Page(stage.URL, 1440, 900)
			p.SignIn(demo.StageEmail, demo.StagePassword)
			p.Speak(lang, theme)
			for _, name := range sizes {
				p.Size(windows[name].width, windows[name].height)
				for _, page := range pages {
					if !strings.Contains(page.name, only) {
						continue
					}
					p.Go(page.path)
					file := filepath.Join(dir, strings.Join([]string{page.name, lang, theme, name}, "-")+".png")
					if png := p.Shot(false); p.Err() == nil {
						if err := os.WriteFile(file, png, 0o600); err != nil {
							return err
						}
					}
				}
			}
			p.Close()
			if p.Err() != nil {
				return p.Err()
			}
		}
	}
	fmt.Printf("pictures are in %s\n", dir)
	return nil
}

type page struct{ name, path string }

// paths are the pages to show, with things on them that exist.
func paths(ctx context.Context, s *demo.Stage) ([]page, error) {
	all := []page{
		{"today", "/console/"},
		{"orders", "/console/orders"},
		{"review", "/console/orders?tab=review"},
		{"exceptions", "/console/exceptions"},
		{"work", "/console/work"},
		{"handover", "/console/handover"},
		{"stock", "/console/stock"},
		{"sku", "/console/stock/OC-001"},
		{"listings", "/console/listings"},
		{"channels", "/console/channels"},
		{"returns", "/console/returns"},
		{"imports", "/console/imports"},
		{"jobs", "/console/jobs"},
		{"jobs-due", "/console/jobs?state=due"},
		{"parked", "/console/parked"},
		{"subscriptions", "/console/subscriptions"},
		{"people", "/console/people"},
		{"person", "/console/people/" + s.Owner.ID},
		{"keys", "/console/keys"},
		{"audit", "/console/audit"},
		{"audit-proven", "/console/audit/verify"},
		{"account-add", "/console/new-account/shopify"},
		{"nowhere", "/console/nowhere"},
		{"find", "/console/find?q=nothing"},
		{"picklist", "/console/picklist?at=PK-LHE-WH"},
	}
	err := s.App.DB.Read(ctx, func(tx *db.Tx) error {
		held := true
		orders, err := s.App.Order.List(tx, order.Filter{State: order.Open, Held: &held}, "", 1)
		if err != nil {
			return err
		}
		for _, o := range orders.Items {
			all = append(all, page{"order-held", "/console/orders/" + o.ID})
		}
		if orders, err = s.App.Order.List(tx, order.Filter{Oldest: true}, "", 1); err != nil {
			return err
		}
		for _, o := range orders.Items {
			all = append(all, page{"order", "/console/orders/" + o.ID}, page{"cancel", "/console/orders/" + o.ID + "/cancel"}, page{"source", "/console/orders/" + o.ID + "/source"}, page{"raw", "/console/orders/" + o.ID + "/raw"})
		}
		for _, state := range []string{fulfillment.Fresh, fulfillment.Picked, fulfillment.Packing} {
			works, err := s.App.Fulfillment.List(tx, fulfillment.Filter{States: []string{state}}, "", 1)
			if err != nil {
				return err
			}
			for _, w := range works.Items {
				all = append(all, page{"work-" + state, "/console/work/" + w.ID})
			}
		}
		cases, _, err := exception.List(tx, exception.Filter{}, "", 1)
		if err != nil {
			return err
		}
		for _, c := range cases {
			all = append(all, page{"exception", "/console/exceptions/" + c.ID})
		}
		back, err := s.App.Returns.List(tx, returns.Filter{}, "", 20)
		if err != nil {
			return err
		}
		for _, r := range back.Items {
			all = append(all, page{"return-" + string(r.Kind) + "-" + r.Decision + "-" + r.Goods, "/console/returns/" + r.ID})
		}
		all = append(all, page{"return-new", "/console/orders/" + back.Items[0].OrderID + "/return"})
		accounts, err := s.App.Connect.Accounts(tx)
		for _, a := range accounts[:min(1, len(accounts))] {
			all = append(all, page{"account", "/console/channels/" + a.ID}, page{"account-places", "/console/channels/" + a.ID + "?places=1"})
		}
		return err
	})
	return all, err
}
