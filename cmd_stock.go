package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/sheet"
	"github.com/openclaw-pos/commerce/web/api"
)

type stockCmd struct {
	List      stockListCmd      `cmd:"" help:"Stock by SKU, location and condition."`
	Set       stockSetCmd       `cmd:"" help:"Set what is on hand; the difference becomes a movement."`
	Count     stockCountCmd     `cmd:"" help:"Record a count of the shelf."`
	Push      stockPushCmd      `cmd:"" help:"Send every stock number of an account again."`
	Heard     stockHeardCmd     `cmd:"" help:"Say that a location's stock is right as it stands."`
	Explain   stockExplainCmd   `cmd:"" help:"What may be promised of a SKU, with the arithmetic."`
	Drift     stockDriftCmd     `cmd:"" help:"Where a channel shows another stock than we told it."`
	Transfer  stockTransferCmd  `cmd:"" help:"Record goods that move between locations."`
	Locations stockLocationsCmd `cmd:"" help:"Branches, warehouses and goods at channels."`
	Location  stockLocationCmd  `cmd:"" help:"Add a branch or warehouse, or change it."`
}

type stockListCmd struct {
	Listing
	SKU      string `arg:"" optional:"" name:"sku" help:"Only this SKU."`
	Location string `help:"Only there, by code or id."`
}

// Run lists stock.
func (c *stockListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/stock", c.query("sku", c.SKU, "location", c.Location))
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.StockLevel]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, l := range p.Items {
				rows = append(rows, []string{l.SKU, l.LocationCode, string(l.Condition), itoa(l.OnHand), itoa(l.Reserved), itoa(l.Safety), itoa(l.Free)})
			}
			if err := table(w, "SKU LOCATION CONDITION ON-HAND RESERVED SAFETY FREE", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type stockSetCmd struct {
	SKU       string `arg:"" name:"sku" help:"SKU."`
	Quantity  int64  `arg:"" help:"What is on hand."`
	Location  string `help:"Where, by code or id." required:""`
	Condition string `help:"sellable, quarantine, damaged." enum:"sellable,quarantine,damaged" default:"sellable"`
	Note      string `help:"Why."`
}

// Run sets stock.
func (c *stockSetCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return c.send(ctx, g, s, "/stock/set")
}

func (c *stockSetCmd) send(ctx context.Context, g *Globals, s streams, path string) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, path, "", map[string]any{"items": []any{given(map[string]any{"sku": c.SKU, "location": c.Location, "condition": c.Condition, "quantity": c.Quantity, "note": c.Note})}})
		if err != nil {
			return err
		}
		return cl.said(r, "%s at %s: %d", c.SKU, c.Location, c.Quantity)
	})
}

type stockCountCmd struct{ stockSetCmd }

// Run records a count.
func (c *stockCountCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return c.send(ctx, g, s, "/stock/count")
}

type stockPushCmd struct {
	Account string `arg:"" help:"Name or id."`
}

// Run sends stock again.
func (c *stockPushCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("accounts", c.Account, "push-stock"), nil, "the stock of %s is sent again", c.Account)
}

type stockHeardCmd struct {
	Location string `arg:"" help:"By code."`
}

// Run says that the location's stock is right.
func (c *stockHeardCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("locations", c.Location, "heard"), nil, "%s has been heard of", c.Location)
}

type stockExplainCmd struct {
	SKU     string `arg:"" name:"sku" help:"SKU."`
	Channel string `help:"As this account is shown it, by name or id."`
	Country string `help:"Only places of this country."`
}

// Run explains a promise.
func (c *stockExplainCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("stock", c.SKU, "explain"), Listing{}.query("account", c.Channel, "country", c.Country))
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var e api.StockExplained
			if err := r.into(&e); err != nil {
				return err
			}
			_, err := fmt.Fprintln(w, e.Text)
			return err
		})
	})
}

type stockDriftCmd struct {
	Account string `arg:"" help:"Name or id."`
}

// Run compares the stock a channel shows with what it was told.
func (c *stockDriftCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		stop := cl.wait("reading stock of " + c.Account)
		r, err := cl.get(ctx, "/stock-drift", Listing{}.query("account", c.Account))
		stop()
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[connect.Drift]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, d := range p.Items {
				told := "-"
				if d.Told != nil {
					told = itoa(*d.Told)
				}
				rows = append(rows, []string{d.SKU, d.Location, itoa(d.Shows), told, when(d.ToldAt), yes(d.Pending)})
			}
			return table(w, "SKU LOCATION SHOWS TOLD AT PENDING", rows)
		})
	})
}

type stockTransferCmd struct {
	Number string           `arg:"" help:"Of the transfer; sent and received once under it."`
	From   string           `help:"Location, by code or id." required:""`
	To     string           `help:"Location, by code or id." required:""`
	Item   map[string]int64 `help:"--item SKU=3. May be repeated." required:"" placeholder:"SKU=N"`
	Step   string           `help:"send, receive, or both." enum:"send,receive,both" default:"both"`
}

// Run records a transfer.
func (c *stockTransferCmd) Run(ctx context.Context, g *Globals, s streams) error {
	var items []any
	for sku, n := range c.Item {
		items = append(items, map[string]any{"sku": sku, "quantity": n})
	}
	return decide(ctx, g, s, "/stock/transfers", map[string]any{"number": c.Number, "from": c.From, "to": c.To, "step": c.Step, "items": items}, "transfer %s is recorded", c.Number)
}

type stockLocationsCmd struct{}

// Run lists locations.
func (c *stockLocationsCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/locations", nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[inventory.Location]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, l := range p.Items {
				rows = append(rows, []string{l.Code, l.Kind, l.Country, l.City, itoa(l.Priority), yes(l.Fulfils), yes(l.Active), l.Name})
			}
			return table(w, "CODE KIND COUNTRY CITY PRIORITY FULFILS ACTIVE NAME", rows)
		})
	})
}

type stockLocationCmd struct {
	Code     string `arg:"" help:"The code people use, such as LHE-01."`
	Name     string `help:"Its name." required:""`
	Kind     string `help:"branch, warehouse, or online: sells but keeps no goods." enum:"branch,warehouse,online" default:"branch"`
	Country  string `help:"ISO 3166-1, such as PK." required:""`
	City     string `help:"City."`
	Province string `help:"Province."`
	Zone     string `help:"IANA time zone, such as Asia/Karachi." required:""`
	Entity   string `help:"The company it belongs to, by code; may be missing where a country has one."`
	Priority int64  `help:"Smaller is preferred." default:"10"`
	Fulfils  bool   `help:"Sends orders." default:"true" negatable:""`
	Inactive bool   `help:"Switched off."`
}

// Run saves a location.
func (c *stockLocationCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPut, at("locations", c.Code), "", given(map[string]any{
			"name": c.Name, "kind": c.Kind, "country": c.Country, "city": c.City, "province": c.Province, "zone": c.Zone,
			"legal_entity": c.Entity, "priority": c.Priority, "fulfils": c.Fulfils, "inactive": c.Inactive,
		}))
		if err != nil {
			return err
		}
		return cl.said(r, "%s is saved", c.Code)
	})
}

type importCmd struct {
	What   string `arg:"" help:"products, prices, costs or stock." enum:"products,prices,costs,stock"`
	File   string `arg:"" help:"A CSV file." type:"existingfile"`
	DryRun bool   `help:"Say what would happen, row by row, and keep nothing."`
}

// Run imports a table; rows with a problem are named and left out, and end with the code for failed.
func (c *importCmd) Run(ctx context.Context, g *Globals, s streams) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fault.Field("file", "%s cannot be read", c.File)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return g.with(ctx, s, func(cl *client) error {
		path := at("imports", c.What)
		if c.DryRun {
			path += "?dry_run=true"
		}
		r, err := cl.do(ctx, http.MethodPost, path, cl.counting("importing "+c.What, info.Size(), f), "text/csv", nil)
		if err != nil {
			return err
		}
		var p sheet.Report
		if err := r.into(&p); err != nil {
			return err
		}
		err = cl.show(r, func(w io.Writer) error {
			if len(p.Problems) > 0 {
				rows := make([][]string, 0, len(p.Problems))
				for _, x := range p.Problems {
					rows = append(rows, []string{itoa(x.Row), dash(x.Column), x.Reason})
				}
				if err := table(w, "ROW COLUMN REASON", rows); err != nil {
					return err
				}
			}
			word := ""
			if p.Dry {
				word = "dry run: "
			}
			_, err := fmt.Fprintf(w, "%s%d rows: %d added, %d changed, %d unchanged, %d left out\n", word, p.Rows, p.Added, p.Changed, p.Same, p.Refused)
			return err
		})
		if err == nil && p.Refused > 0 {
			err = fmt.Errorf("%d rows were left out", p.Refused)
		}
		return err
	})
}
