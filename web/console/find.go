package console

import (
	"net/url"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// hit is something that was found.
type hit struct {
	Title, Text, Path, Icon string
}

type findPage struct {
	Q     string
	Hits  []hit
	Buyer bool // what one buyer ordered is shown
	// NotAsked names the residency zones that could not be asked.
	NotAsked string
}

// find goes to what was asked for when there is one of it, and lists it when there are more.
func find(v *visit) error {
	p := findPage{Q: v.ask("q")}
	if p.Q == "" {
		v.see(Base + "/orders")
		return nil
	}
	var err error
	if p.Hits, err = v.find(p.Q); err != nil {
		return err
	}
	if len(p.Hits) == 1 {
		v.see(p.Hits[0].Path)
		return nil
	}
	return v.page("find", "Search", p)
}

// findQuick fills the palette while somebody types: desks by name, then what is found.
func findQuick(v *visit) error {
	p := findPage{Q: v.ask("q")}
	s := sheet{visit: v}
	for _, d := range s.Nav() {
		if p.Q == "" || strings.Contains(strings.ToLower(d.Title), strings.ToLower(p.Q)) {
			p.Hits = append(p.Hits, hit{d.Title, "g " + d.Key, d.Path, d.Icon})
		}
	}
	if len(p.Q) > 2 {
		found, err := v.find(p.Q)
		if err != nil {
			return err
		}
		p.Hits = append(p.Hits, found...)
	}
	return v.part("find", "hits", p)
}

// find looks for a number, a SKU or a bar code, exactly: each by an index.
func (v *visit) find(q string) (hits []hit, err error) {
	err = v.read(func(tx *db.Tx) error {
		hits = nil
		for _, look := range []struct {
			route string
			at    func(tx *db.Tx, q string) ([]hit, error)
		}{{"order", v.findOrders}, {"work.show", v.findWork}, {"order", v.findParcels}, {"sku", v.findGoods}} {
			if !v.allowed(v.who, look.route) {
				continue
			}
			found, err := look.at(tx, q)
			if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
				return err
			}
			hits = append(hits, found...)
		}
		if len(hits) > 0 || !v.allowed(v.who, "order") {
			return nil
		}
		found, err := v.findEnding(tx, q)
		hits = append(hits, found...)
		return err
	})
	return hits, err
}

// mostEnding is how many orders with the same last digits are shown.
const mostEnding = 20

// findEnding looks for orders by the last digits of our number, which is how people read them out.
func (v *visit) findEnding(tx *db.Tx, q string) (hits []hit, err error) {
	numbers, err := v.Policy.Ending(tx, strings.TrimLeft(strings.ReplaceAll(q, " ", ""), "#…."))
	if err != nil {
		return nil, err
	}
	all, err := v.Order.Numbered(tx, numbers, mostEnding)
	for _, o := range all {
		hits = append(hits, v.orderHit(o))
	}
	return hits, err
}

func (v *visit) orderHit(o order.Head) hit {
	return hit{v.T("Order %s", o.Number), v.Word(string(o.State)) + " · " + o.ExternalNumber, orderPath(o.ID), "orders"}
}

func (v *visit) findOrders(tx *db.Tx, q string) ([]hit, error) {
	o, err := v.Order.Get(tx, strings.TrimPrefix(q, "#"))
	if fault.CodeOf(err) == "ambiguous" {
		return []hit{{v.T("Orders"), q, Base + "/orders?number=" + url.QueryEscape(q), "orders"}}, nil
	}
	if fault.Is(err, fault.NotFound) && !strings.HasPrefix(q, "#") {
		o, err = v.Order.Get(tx, "#"+q) // as a shop front writes it
	}
	if err != nil {
		return nil, err
	}
	if err := sees(tx, access.Orders, o.ID); err != nil {
		return nil, err
	}
	return []hit{v.orderHit(o.Head)}, nil
}

func (v *visit) findWork(tx *db.Tx, q string) ([]hit, error) {
	f, err := v.Fulfillment.Get(tx, q)
	if err != nil {
		return nil, err
	}
	if err := sees(tx, access.Fulfillments, f.ID); err != nil {
		return nil, err
	}
	return []hit{{v.T("Fulfillment %s", f.Number), v.Word(f.State), Base + "/work/" + f.ID, "work"}}, nil
}

func (v *visit) findParcels(tx *db.Tx, q string) ([]hit, error) {
	s, err := v.Dispatch.Get(tx, q)
	if err != nil {
		return nil, err
	}
	if err := sees(tx, access.Shipments, s.ID); err != nil {
		return nil, err
	}
	return []hit{{v.T("Parcel %s", s.Tracking), v.Word(s.State), orderPath(s.OrderID) + "#work", "handover"}}, nil
}

func (v *visit) findGoods(tx *db.Tx, q string) ([]hit, error) {
	ids, err := v.Catalog.ByCode(tx, []string{q})
	if err != nil || ids[q] == "" {
		return nil, err
	}
	all, err := v.Catalog.ByID(tx, []string{ids[q]})
	if err != nil {
		return nil, err
	}
	var out []hit
	for _, g := range all {
		out = append(out, hit{g.Title, g.SKU, Base + "/stock/" + url.PathEscape(g.SKU), "stock"})
	}
	return out, nil
}
