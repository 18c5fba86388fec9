package console

import (
	"slices"
	"strconv"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// steps are the stations of a fulfillment order.
var steps = []struct {
	name, title string
	states      []string
}{
	{"pick", "To pick", []string{fulfillment.Fresh, fulfillment.Accepted, fulfillment.Picking}},
	{"pack", "To pack", []string{fulfillment.Picked}},
	{"handover", "To hand over", []string{fulfillment.Packing}},
	{"held", "On hold", []string{fulfillment.Held}},
}

type workPage struct {
	Tabs   []tab
	Step   string
	At     string // code of the location; "" is all
	Places []inventory.Location
	ByID   map[string]inventory.Location
	Items  []fulfillment.FO
	Next   string
}

// work lists what a location is to do, the earliest deadline first.
func work(v *visit) error {
	p := workPage{Step: v.ask("step")}
	step := slices.IndexFunc(steps, func(s struct {
		name, title string
		states      []string
	},
	) bool {
		return s.name == p.Step
	})
	if step < 0 {
		step, p.Step = 0, steps[0].name
	}
	for _, s := range steps {
		p.Tabs = append(p.Tabs, tab{s.name, v.T(s.title), sheet{visit: v}.Link("step", s.name), s.name == p.Step})
	}
	err := v.read(func(tx *db.Tx) error {
		at, err := v.place(tx)
		if err != nil {
			return err
		}
		p.At, p.Places = at.Code, v.shippers(tx)
		if p.ByID, err = v.places(tx); err != nil {
			return err
		}
		page, err := v.Fulfillment.List(tx, fulfillment.Filter{Location: at.ID, States: steps[step].states}, v.ask("after"), 50)
		p.Items, p.Next = page.Items, page.Next
		return err
	})
	if err != nil {
		return err
	}
	return v.page("work", "Pick and pack", p)
}

// place is the location the person works at: as the address says, or as was chosen before; the zero one is all of them.
func (v *visit) place(tx *db.Tx) (inventory.Location, error) {
	code, said := v.ask("at"), v.r.URL.Query().Has("at")
	if !said {
		code = v.cookie(cookiePlace)
	}
	if code == "" || code == "all" {
		if said {
			v.keep(cookiePlace, "", 0)
		}
		return inventory.Location{}, nil
	}
	l, err := v.Inventory.LocationByCode(tx, code)
	if err == nil {
		err = sees(tx, access.Locations, l.ID)
	}
	if err != nil && !said {
		return inventory.Location{}, nil //nolint:nilerr // what was chosen long ago may be gone
	}
	if err == nil && said {
		v.keep(cookiePlace, l.Code, year)
	}
	return l, err
}

// shippers are the locations that send orders.
func (v *visit) shippers(tx *db.Tx) []inventory.Location {
	all, err := v.Inventory.Locations(tx)
	if err != nil {
		return nil
	}
	var ids []string
	for _, l := range all {
		ids = append(ids, l.ID)
	}
	reach := access.ReachOf(tx.Context())
	seen, err := reach.Only(tx, access.Locations, ids)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(l inventory.Location) bool { return !l.Fulfils || !l.Active || !reach.Everything() && !seen[l.ID] })
}

func itoa(n int) string { return strconv.Itoa(n) }
