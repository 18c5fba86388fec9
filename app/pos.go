package app

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/company"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/pos"
	"github.com/openclaw-pos/commerce/pos/all"
)

// POS says which POS core there is. The zero value is the built-in one: our own tables.
type POS struct {
	Name      string // embedded, openclaw; default embedded
	URL       string // of its API, for cores that have one
	PriceList string // the core's list that our prices follow; default retail, none = none
}

const embedded = "embedded"

// syncEvery is how often another core than our own is read.
const syncEvery = 5 * time.Minute

// newCompany wires the POS core: what it says becomes locations, products, stock and prices here.
func (a *App) newCompany() (*company.Service, error) {
	c := &a.Config.POS
	c.Name = cmp.Or(c.Name, embedded)
	if _, ok := all.Find(c.Name); !ok {
		return nil, fault.Field("pos", "%q is no POS core that this version knows", c.Name)
	}
	list := cmp.Or(c.PriceList, "retail")
	if list == "none" {
		list = ""
	}
	return company.New(company.Needs{
		DB: a.DB, Audit: a.Audit.Write, Core: a.posCore, Name: c.Name, Own: c.Name == embedded, PriceList: list,
		Countries: a.companyCountries, Places: a.placesByCode, SavePlaces: a.savePlaces, Variants: a.Catalog.Variants,
		SaveProducts: func(tx *db.Tx, all []company.Product) error {
			products := make([]catalog.NewProduct, len(all))
			for i, p := range all {
				products[i] = catalog.NewProduct{SKU: p.SKU, Title: p.Title, UOM: p.UOM}
			}
			return a.Catalog.SaveProducts(tx, products)
		},
		Stocked: func(tx *db.Tx, at []company.Spot) (map[company.Spot]bool, error) {
			q := make([]inventory.At, len(at))
			for i, x := range at {
				q[i] = inventory.At(x)
			}
			found, err := a.Inventory.Stocked(tx, q)
			out := make(map[company.Spot]bool, len(found))
			for x, yes := range found {
				out[company.Spot(x)] = yes
			}
			return out, err
		},
		Move: a.Inventory.Move,
		Count: func(tx *db.Tx, all []company.Counted) error {
			counts := make([]inventory.Counted, len(all))
			for i, c := range all {
				counts[i] = inventory.Counted{Variant: c.Variant, Location: c.Location, Quantity: c.Quantity, RefKind: "pos", RefID: c.Reference, Actor: c.Actor}
			}
			_, err := a.Inventory.Count(tx, counts)
			return err
		},
		SavePrices: func(tx *db.Tx, prices []company.Price) error { return a.posPrices(tx, list, prices) },
	}), nil
}

// posCore opens the POS core.
func (a *App) posCore(context.Context) (pos.Core, error) {
	name := a.Config.POS.Name
	for _, k := range all.With(posStore{a}) {
		if k.Name != name {
			continue
		}
		settings := defaults(k.Settings)
		settings["base_url"] = a.Config.POS.URL
		return k.Open(partner.Config{
			Account: "pos:" + name, Settings: settings, Secret: a.Vault.Source("pos:" + name), Now: a.DB.Now, Log: a.Log.With("pos", name),
			HTTP: a.HTTP.Client(httpclient.Options{
				Account: "pos:" + name, Channel: "pos", PerSecond: k.Limits.PerSecond, Burst: k.Limits.Burst, Concurrency: k.Limits.Concurrency, Throttled: k.Limits.Throttled,
				AllowPrivate: a.Config.AllowPrivate,
			}),
		})
	}
	return nil, fault.New(fault.NotFound, "there is no POS core %q", name)
}

// companyCountries say to whom the places of a country belong: to the one company there.
func (a *App) companyCountries(tx *db.Tx, countries []string) (map[string]company.Country, error) {
	entities, err := a.Policy.Entity(tx)
	if err != nil {
		return nil, err
	}
	out := map[string]company.Country{}
	for _, country := range countries {
		if _, known := out[country]; known || len(country) != 2 {
			continue
		}
		rules, err := a.Policy.Rules(tx, country, "", tx.Now)
		if err != nil {
			return nil, err
		}
		c, n := company.Country{Zone: rules.Zone}, 0
		for _, e := range entities {
			if e.Country == country {
				c.LegalEntity = e.ID
				n++
			}
		}
		switch {
		case n == 0:
			c.Problem = "there is no legal entity in " + country + ": add one"
		case n > 1:
			c.Problem = "there are several legal entities in " + country + ": add the location under its code and say which"
		case c.Zone == "":
			c.Problem = "the time zone of " + country + " is not known: add the location under its code and say which"
		}
		out[country] = c
	}
	return out, nil
}

func (a *App) placesByCode(tx *db.Tx, codes []string) (map[string]company.Place, error) {
	wanted := map[string]bool{}
	for _, c := range codes {
		wanted[c] = true
	}
	found, err := a.Inventory.Locations(tx)
	out := map[string]company.Place{}
	for _, l := range found {
		if wanted[l.Code] {
			out[l.Code] = company.Place{ID: l.ID, Code: l.Code, Name: l.Name, Kind: l.Kind, LegalEntity: l.LegalEntity, Country: l.Country, Zone: l.Zone, Active: l.Active}
		}
	}
	return out, err
}

// newPriority puts places that a core brings behind those that somebody has put in order.
const newPriority = 100

// savePlaces writes what a core says of places; what people say of them here stays.
func (a *App) savePlaces(tx *db.Tx, places []company.Place) ([]string, error) {
	var ids []string
	for _, p := range places {
		if p.ID != "" {
			ids = append(ids, p.ID)
		}
	}
	known := map[string]inventory.Location{}
	if len(ids) > 0 {
		found, err := a.Inventory.Locations(tx, ids...)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			known[l.Code] = l
		}
	}
	save := make([]inventory.Location, len(places))
	for i, p := range places {
		l, ok := known[p.Code]
		if !ok {
			rules, err := a.Policy.Rules(tx, p.Country, "", tx.Now)
			if err != nil {
				return nil, err
			}
			l = inventory.Location{Code: p.Code, ClosingMinute: rules.ClosingMinute, Priority: newPriority, Fulfils: true, Weight: 100}
		}
		l.Name, l.Kind, l.LegalEntity, l.Country, l.Zone, l.Active = p.Name, p.Kind, p.LegalEntity, p.Country, p.Zone, p.Active
		save[i] = l
	}
	if len(save) == 0 {
		return nil, nil
	}
	return a.Inventory.SaveLocations(tx, save)
}

// posPrices keeps the core's prices in lists of their own, one for each country and currency, behind those that somebody made here.
func (a *App) posPrices(tx *db.Tx, core string, prices []company.Price) error {
	lists := map[string]catalog.List{}
	var add []catalog.NewPrice
	for _, p := range prices {
		name := "pos " + core + " " + p.Country + " " + p.Currency
		lists[name] = catalog.List{Name: name, Country: p.Country, Currency: p.Currency, Priority: 1000, Active: true}
		add = append(add, catalog.NewPrice{List: name, Variant: p.Variant, Amount: p.Amount, From: p.From, To: p.To})
	}
	if len(add) == 0 {
		return nil
	}
	var save []catalog.List
	for _, l := range lists {
		save = append(save, l)
	}
	if err := a.Catalog.SaveLists(tx, save); err != nil {
		return err
	}
	return a.Catalog.AddPrices(tx, add)
}

// posStore is our own tables as the built-in core keeps them: pos.Store. Its lists are complete.
type posStore struct{ a *App }

// OrgUnits implements pos.Store: a country for each company, and our branches and warehouses below.
func (s posStore) OrgUnits(ctx context.Context) (units []pos.OrgUnit, err error) {
	err = s.a.DB.Read(ctx, func(tx *db.Tx) error {
		units = nil
		entities, err := s.a.Policy.Entity(tx)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, e := range entities {
			if !seen[e.Country] {
				seen[e.Country] = true
				units = append(units, pos.OrgUnit{ID: "country:" + e.Country, Type: pos.Country, Code: e.Country, Name: e.Country, Country: e.Country, Currency: e.Currency, Active: true})
			}
		}
		places, err := s.a.Inventory.Locations(tx)
		for _, l := range places {
			if l.Kind == inventory.Branch || l.Kind == inventory.Warehouse {
				units = append(units, pos.OrgUnit{ID: l.ID, Type: pos.UnitType(l.Kind), Code: l.Code, Name: l.Name, Parent: "country:" + l.Country, Country: l.Country, Active: l.Active})
			}
		}
		return err
	})
	return units, err
}

// Items implements pos.Store.
func (s posStore) Items(ctx context.Context) ([]pos.Item, error) {
	return rowsOf(ctx, s.a, func(row db.Scanner) (it pos.Item, err error) {
		var variant string
		err = row.Scan(&variant, &it.SKU, &it.Name, &it.UOM, &it.Branch, &it.OnHand, &it.Active)
		it.ID = variant + "@" + it.Branch
		return it, err
	}, `select v.id, v.sku, v.title, v.uom, s.location_id, s.on_hand, v.active from stock_levels s join variants v on v.id = s.variant_id
		join locations l on l.id = s.location_id and l.kind in ('branch', 'warehouse') where s.condition = 'sellable' order by v.id, s.location_id`)
}

// Prices implements pos.Store.
func (s posStore) Prices(ctx context.Context) ([]pos.Price, error) {
	return rowsOf(ctx, s.a, func(row db.Scanner) (p pos.Price, err error) {
		var amount int64
		var currency string
		var from, to time.Time
		err = row.Scan(&p.SKU, &p.List, &p.Country, &amount, &currency, db.Time(&from), db.Time(&to), &p.Active)
		p.ID, p.Amount, p.From = p.List+"/"+p.SKU+"/"+strconv.FormatInt(from.UnixMicro(), 10), money.Of(amount, currency), from.Format(time.DateOnly)
		if !to.IsZero() {
			p.To = to.Add(-time.Microsecond).Format(time.DateOnly)
		}
		return p, err
	}, `select v.sku, l.name, l.country, p.amount, l.currency, p.valid_from, p.valid_to, l.active from prices p join price_lists l on l.id = p.list_id
		join variants v on v.id = p.variant_id where l.channel is null and l.account_id is null order by l.name, v.sku, p.valid_from`)
}

// TaxRules implements pos.Store: the standard rate of each country that a company of ours is in.
func (s posStore) TaxRules(ctx context.Context) (rules []pos.TaxRule, err error) {
	err = s.a.DB.Read(ctx, func(tx *db.Tx) error {
		rules = nil
		entities, err := s.a.Policy.Entity(tx)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, e := range entities {
			r, err := s.a.Policy.Rules(tx, e.Country, "", tx.Now)
			if err != nil {
				return err
			}
			if !seen[e.Country] && r.TaxMode != "none" {
				seen[e.Country] = true
				rules = append(rules, pos.TaxRule{ID: e.Country, Code: e.Country, Country: e.Country, Name: r.TaxName, Rate: r.Rate, Mode: string(r.TaxMode), Active: true})
			}
		}
		return nil
	})
	return rules, err
}

var theirKinds = map[stock.MovementKind]pos.MovementType{
	stock.MoveSale: pos.MoveSale, stock.MoveTillSale: pos.MoveSale, stock.MoveReceipt: pos.MovePurchase, stock.MoveTransferIn: pos.MoveTransferIn,
	stock.MoveTransferOut: pos.MoveTransferOut, stock.MoveReturn: pos.MoveSaleReturn,
}

// Movements implements pos.Store: the mark is the id of the last one.
func (s posStore) Movements(ctx context.Context, since pos.Mark, limit int) ([]pos.Movement, pos.Mark, error) {
	rows, err := rowsOf(ctx, s.a, func(row db.Scanner) (m pos.Movement, err error) {
		var kind stock.MovementKind
		err = row.Scan(&m.ID, &m.SKU, &m.Branch, db.Text(&kind), &m.Delta, &m.Date, &m.RefType, &m.RefID)
		if m.Type = theirKinds[kind]; m.Type == "" {
			m.Type = pos.MoveAdjustment
		}
		m.Code = m.ID
		return m, err
	}, `select m.id, v.sku, m.location_id, m.kind, m.delta, m.business_date, m.reference_kind, m.reference_id from stock_movements m join variants v on v.id = m.variant_id
		where m.condition = 'sellable' and m.delta <> 0 and m.id > $1 order by m.id limit $2`, string(since), limit)
	if err != nil || len(rows) == 0 {
		return nil, since, err
	}
	return rows, pos.Mark(rows[len(rows)-1].ID), nil
}

// Keep implements pos.Store.
func (s posStore) Keep(ctx context.Context, d pos.Document) (*pos.Document, error) {
	return s.a.Company.Keep(ctx, d)
}

// rowsOf reads rows in a transaction of its own.
func rowsOf[T any](ctx context.Context, a *App, scan func(db.Scanner) (T, error), query string, args ...any) (out []T, err error) {
	err = a.DB.Read(ctx, func(tx *db.Tx) (err error) {
		out, err = db.All(tx, scan, query, args...)
		return err
	})
	return out, err
}

// readCompany reads another core than our own by and by.
func (a *App) readCompany(ctx context.Context) error {
	_, err := a.Company.Sync(ctx, company.Options{Actor: "schedule"})
	if fault.CodeOf(err) == "raced" {
		return nil
	}
	return err
}
