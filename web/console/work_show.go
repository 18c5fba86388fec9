package console

import (
	"slices"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/platform/db"
)

// bench is one fulfillment order on somebody's table.
type bench struct {
	fulfillment.FO
	Place     inventory.Location
	Codes     map[string]string // what a scanner reads for a line: SKU and bar code
	Shipments []dispatch.Shipment
	Reasons   map[fulfillment.Reason]string
	Asked     string // how many lines the buyer had made their own, "" for none
	Opened    bool   // what was asked is shown
	Wished    []wished
	Note      string // the buyer's
	Said      string // what the last scan did
	Bad       bool
	More      string // what was wrong, as a service says it
	Undo      bool   // the last scan can be taken back
	Scanned   string
}

// CanPick, CanPack and the others say what the state allows, so that only that is shown.
func (b bench) CanPick() bool { return slices.Contains(b.Allowed, "pick") }

// CanPack reports whether something is picked and not packed.
func (b bench) CanPack() bool {
	return slices.ContainsFunc(b.Lines, func(l fulfillment.Line) bool { return l.Picked > l.Packed })
}

// Whole reports whether everything is picked: then packing counts it again.
func (b bench) Whole() bool { return b.State == fulfillment.Picked }

// Can reports whether the life cycle allows an act now.
func (b bench) Can(act string) bool { return slices.Contains(b.Allowed, act) }

// workShow shows one fulfillment order to pick or to pack.
func workShow(v *visit) error {
	b, err := v.bench(v.id())
	if err != nil {
		return err
	}
	return v.page("work_show", "Fulfillment %s", b, b.Number)
}

// bench reads a fulfillment order with what its scanner needs to know.
func (v *visit) bench(id string) (b bench, err error) {
	err = v.read(func(tx *db.Tx) error {
		b = bench{Codes: map[string]string{}, Reasons: fulfillment.Reasons()}
		if b.FO, err = v.Fulfillment.Get(tx, id); err != nil {
			return err
		}
		places, err := v.Inventory.Locations(tx, b.Location)
		if err != nil {
			return err
		}
		if len(places) > 0 {
			b.Place = places[0]
		}
		var goods []string
		for _, l := range b.Lines {
			goods = append(goods, l.Variant)
		}
		known, err := v.Catalog.ByID(tx, goods)
		if err != nil {
			return err
		}
		for _, l := range b.Lines {
			b.Codes[l.ID] = l.SKU
			if gtin := known[l.Variant].GTIN; gtin != "" {
				b.Codes[l.ID] += " " + gtin
			}
		}
		o, err := v.Order.Get(tx, b.OrderID)
		if err != nil {
			return err
		}
		b.Asked = o.Extra[personalised]
		all, err := v.Dispatch.Of(tx, b.OrderID)
		for _, s := range all {
			if s.Fulfillment == b.ID {
				b.Shipments = append(b.Shipments, s)
			}
		}
		return err
	})
	return b, err
}
