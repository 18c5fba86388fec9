package console

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// promise is what one account may show of a variant, with the arithmetic behind it.
type promise struct {
	Account string
	inventory.Explained
	Shows    *int64 // what the listing shows, as last read
	Listings []catalog.Listing
}

type skuPage struct {
	catalog.Variant
	Levels    []inventory.Level
	Places    map[string]inventory.Location
	Countable []inventory.Location
	Shelves   map[string]string // by location
	Coming    []inventory.Coming
	Accounts  []connect.Account
	Promises  []promise
	Reserved  []inventory.Reserved
	Short     []inventory.Short
	Movements []inventory.Moved
	Next      string
}

// skuShow answers where a variant is, for whom it is kept, and why each channel shows what it shows.
func skuShow(v *visit) error {
	var p skuPage
	if err := v.read(func(tx *db.Tx) (err error) {
		if p.Variant, err = v.Catalog.BySKU(tx, v.r.PathValue("sku")); err != nil {
			return err
		}
		if p.Places, err = v.places(tx); err != nil {
			return err
		}
		p.Countable = v.shippers(tx)
		if p.Levels, err = v.Inventory.Levels(tx, inventory.LevelFilter{Variants: []string{p.Variant.ID}}, inventory.LevelKey{}, 500); err != nil {
			return err
		}
		p.Shelves = map[string]string{}
		for _, at := range p.Countable {
			lies, err := v.Inventory.Shelves(tx, at.ID, []string{p.Variant.ID})
			if err != nil {
				return err
			}
			p.Shelves[at.ID] = lies[p.Variant.ID]
		}
		if p.Coming, err = v.Inventory.ComingOf(tx, p.Variant.ID, v.now.AddDate(0, -3, 0)); err != nil {
			return err
		}
		if v.allowed(v.who, "sku.keep") {
			if p.Accounts, err = v.Connect.Accounts(tx); err != nil {
				return err
			}
			if p.Accounts, err = seenAccounts(tx, p.Accounts); err != nil {
				return err
			}
		}
		if v.allowed(v.who, "listings") {
			if p.Promises, err = v.promises(tx, p.Variant.ID); err != nil {
				return err
			}
		}
		if p.Reserved, err = v.Inventory.Reservations(tx, inventory.ReservedFilter{Variant: p.Variant.ID}, "", 50); err != nil {
			return err
		}
		if p.Short, err = v.Inventory.Shortages(tx, p.Variant.ID, "", "", 50); err != nil {
			return err
		}
		const size = 30
		p.Movements, err = v.Inventory.Movements(tx, p.Variant.ID, "", v.ask("after"), size+1)
		if len(p.Movements) > size {
			p.Movements = p.Movements[:size]
			p.Next = p.Movements[size-1].ID
		}
		return err
	}); err != nil {
		return err
	}
	return v.page("sku", "Stock of %s", p, p.SKU)
}

// promises says for each account that lists a variant what it may show, and why.
func (v *visit) promises(tx *db.Tx, variant string) ([]promise, error) {
	listed, err := v.Catalog.Listings(tx, "", []string{variant})
	if err != nil {
		return nil, err
	}
	accounts, err := v.Connect.Accounts(tx)
	if err == nil {
		accounts, err = seenAccounts(tx, accounts)
	}
	if err != nil {
		return nil, err
	}
	var out []promise
	for _, a := range accounts {
		p := promise{Account: a.Name}
		for _, l := range listed {
			if l.Account == a.ID {
				p.Listings = append(p.Listings, l)
				p.Shows = l.Quantity
			}
		}
		if len(p.Listings) == 0 {
			continue
		}
		mapped, err := v.Connect.Places(tx, a.ID)
		if err != nil {
			return nil, err
		}
		var at []string
		for ours := range mapped {
			at = append(at, ours)
		}
		if at, err = v.mine(tx, at); err != nil {
			return nil, err
		}
		if len(at) == 0 && !access.ReachOf(tx.Context()).Everything() {
			continue
		}
		p.Explained, err = v.Inventory.Explain(tx, variant, inventory.AvailQuery{Account: a.ID, LegalEntity: a.LegalEntity, Country: a.Country, Locations: at})
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// mine are those of our locations that are the person's; with none mapped it is all of the person's.
func (v *visit) mine(tx *db.Tx, at []string) ([]string, error) {
	reach := access.ReachOf(tx.Context())
	if reach.Everything() {
		return at, nil
	}
	if len(at) == 0 {
		for _, l := range v.shippers(tx) {
			at = append(at, l.ID)
		}
	}
	seen, err := reach.Only(tx, access.Locations, at)
	return slices.DeleteFunc(at, func(id string) bool { return !seen[id] }), err
}

// skuCount sets on hand to what was counted. The form has a reference of its own, so that sending it twice counts once.
func skuCount(v *visit) error {
	n, err := strconv.ParseInt(v.form("quantity"), 10, 64)
	if err != nil || n < 0 || n > 1_000_000_000 {
		return fault.Field("quantity", "is a number from 0 on")
	}
	var goods catalog.Variant
	var at inventory.Location
	if err := v.read(func(tx *db.Tx) (err error) {
		if goods, err = v.Catalog.BySKU(tx, v.r.PathValue("sku")); err != nil {
			return err
		}
		if at, err = v.Inventory.LocationByCode(tx, v.form("location")); err != nil {
			return err
		}
		return sees(tx, access.Locations, at.ID)
	}); err != nil {
		return err
	}
	counted := inventory.Counted{Variant: goods.ID, Location: at.ID, Quantity: n, RefID: v.form("reference"), Actor: v.actor(), Note: v.form("note")}
	if counted.RefID == "" || len(counted.RefID) > 100 {
		counted.RefID = db.ID()
	}
	if err := v.Inventory.Set(v.r.Context(), v.actor(), []inventory.Counted{counted}); err != nil {
		return err
	}
	return v.back(Base+"/stock/"+url.PathEscape(goods.SKU), flash{Text: v.T("Counted: %s", goods.SKU)})
}

// Fresh is a reference that nothing has had before.
func (s sheet) Fresh() string { return db.ID() }
