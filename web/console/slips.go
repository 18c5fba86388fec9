package console

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/web/slip"
)

const (
	wave      = 25  // slips in one print when nobody says which
	mostSlips = 100 // in one print
)

// parcel is what a packing slip is made of.
type parcel struct {
	fulfillment.FO
	Order  order.View
	Shop   string
	Place  inventory.Location
	Ships  []dispatch.Shipment
	Person privacy.Record
}

// slipOne prints the packing slip of one fulfillment order.
func slipOne(v *visit) error { return v.printSlips([]string{v.id()}) }

// slipWave prints packing slips of several: the selected ones, or those of a step at a location, the earliest deadline first.
func slipWave(v *visit) error {
	ids := v.r.URL.Query()["id"]
	if len(ids) > mostSlips {
		return fault.Field("id", "select up to %d at a time", mostSlips)
	}
	if len(ids) == 0 {
		if err := v.read(func(tx *db.Tx) error {
			at, err := v.place(tx)
			if err != nil {
				return err
			}
			states := steps[0].states
			for _, s := range steps {
				if s.name == v.ask("step") {
					states = s.states
				}
			}
			page, err := v.Fulfillment.List(tx, fulfillment.Filter{Location: at.ID, States: states}, "", wave)
			for _, f := range page.Items {
				ids = append(ids, f.ID)
			}
			return err
		}); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return fault.New(fault.NotFound, "nothing is waiting here: there is no slip to print")
	}
	return v.printSlips(ids)
}

// buyersOf reads for whom parcels are, by record; the reading is written down. Faults: Forbidden or Unavailable when some are kept in a zone that cannot be asked.
func (v *visit) buyersOf(all []parcel, purpose string) (map[string]privacy.Record, error) {
	buyers := map[string][]string{} // by account
	for _, p := range all {
		if p.Order.Buyer != "" {
			buyers[p.Order.Account] = append(buyers[p.Order.Account], p.Order.Buyer)
		}
	}
	records, notAsked, err := v.Zones.ReadAll(v.r.Context(), buyers, privacy.Reading{Actor: v.actor(), Purpose: purpose})
	if err == nil && len(notAsked) > 0 {
		if _, err = v.Zones.Zone(notAsked[0]); err == nil { // it answers again
			err = fault.New(fault.Unavailable, "zone %s did not answer: try again", notAsked[0])
		}
	}
	return records, err
}

// printSlips answers with the slips of fulfillment orders as one PDF.
func (v *visit) printSlips(ids []string) error {
	out, err := v.slips(ids)
	if err != nil {
		return err
	}
	return v.pdf("packing-slips.pdf", out)
}

// slips are those of fulfillment orders as one PDF; reading for whom they are is written down.
func (v *visit) slips(ids []string) ([]byte, error) {
	all := make([]parcel, len(ids))
	if err := v.read(func(tx *db.Tx) error {
		for i, id := range ids {
			if err := v.readParcel(tx, clean(id), &all[i]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	records, err := v.buyersOf(all, "print a packing slip")
	if err != nil {
		return nil, err
	}
	slips := make([]slip.Packing, len(all))
	t := v.paperTongue()
	for i := range all {
		all[i].Person = records[all[i].Order.Buyer]
		slips[i] = v.packing(t, &all[i])
	}
	var out bytes.Buffer
	if err := slip.WritePacking(&out, slips, paperWords(t), v.now); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// readParcel reads a fulfillment order that the person may see, with what its slip says.
func (v *visit) readParcel(tx *db.Tx, id string, p *parcel) (err error) {
	if p.FO, err = v.Fulfillment.Get(tx, id); err != nil {
		return err
	}
	if err := sees(tx, access.Fulfillments, p.ID); err != nil {
		return err
	}
	if p.Order, err = v.Order.Get(tx, p.OrderID); err != nil {
		return err
	}
	a, err := v.Connect.Account(tx, p.Account)
	if err != nil {
		return err
	}
	p.Shop = a.Name
	places, err := v.Inventory.Locations(tx, p.Location)
	if err != nil {
		return err
	}
	if len(places) > 0 {
		p.Place = places[0]
	}
	all, err := v.Dispatch.Of(tx, p.OrderID)
	for _, s := range all {
		if s.Fulfillment == p.ID && s.State != dispatch.Cancelled {
			p.Ships = append(p.Ships, s)
		}
	}
	return err
}

// packing says on paper what a parcel is.
func (v *visit) packing(t tongue, p *parcel) slip.Packing {
	to := p.Person.ShipTo
	s := slip.Packing{
		Number: p.Number, Order: p.Order.Number, External: p.Order.ExternalNumber, Shop: p.Shop, From: p.Place.Name, Placed: v.onDay(p.Order.PlacedAt), ShipBy: v.onDay(p.ShipBy),
		Phone: strings.Join(some(to.Phone, to.Phone2), ", "), Note: p.Person.Note,
		To: lettered(to),
	}
	if len(s.To) == 0 { // what is known without anything personal
		s.To = some(strings.Join(some(p.Order.ShipCity, p.Order.ShipProvince, p.Order.ShipPostcode), ", "), p.Order.ShipCountry)
	}
	var cash []string
	for _, x := range p.Ships {
		if !x.Cash.IsZero() && !x.Cash.IsNone() {
			cash = append(cash, x.Cash.Format(t.Locale))
		}
	}
	s.Cash = strings.Join(cash, " + ")
	for _, l := range p.Lines {
		if l.Quantity == 0 {
			continue
		}
		s.Lines = append(s.Lines, slip.Line{SKU: l.SKU, Title: l.Title, Quantity: l.Quantity, Wishes: wishesOf(p.Order, p.Person, l.LineID)})
	}
	return s
}

// wishesOf is what the buyer asked of one line. Names that begin with an underscore are notes of apps, which no buyer was shown.
func wishesOf(o order.View, person privacy.Record, line string) (all []slip.Wish) {
	for _, l := range o.Lines {
		if l.ID != line {
			continue
		}
		for _, n := range person.Lines {
			if n.Line == l.External && !strings.HasPrefix(n.Name, "_") {
				all = append(all, slip.Wish{Name: n.Name, Value: n.Value})
			}
		}
	}
	return all
}

// picklistPDF prints the pick list of a location.
func picklistPDF(v *visit) error {
	p, err := v.walkList()
	if err != nil {
		return err
	}
	out, err := v.pickPaper(p)
	if err != nil {
		return err
	}
	return v.pdf("pick-list.pdf", out)
}

// pickPaper is a pick list as PDF.
func (v *visit) pickPaper(p picklistPage) ([]byte, error) {
	list := slip.Picking{Place: p.Place.Name, At: v.exact(v.now)}
	for _, l := range p.Lines {
		list.Stops = append(list.Stops, slip.Stop{Shelf: l.Shelf, SKU: l.SKU, Title: l.Title, Quantity: l.Quantity, For: l.Orders})
	}
	if len(list.Stops) == 0 {
		return nil, fault.New(fault.NotFound, "nothing is waiting to be picked: there is no list to print")
	}
	var out bytes.Buffer
	err := slip.WritePicking(&out, list, paperWords(v.paperTongue()), v.now)
	return out.Bytes(), err
}

// Paper has documents printed for whoever asks without a browser: the API. What is not the caller's is as if there were none.
type Paper struct{ console *Console }

// Paper prints what the pages print.
func (c *Console) Paper() Paper { return Paper{c} }

// Slip is the packing slip of one fulfillment order, by its id or number, as PDF in a language of the console; English for any other. Reading the buyer's name and address
// is written down. Faults: NotFound; Unavailable while what is personal cannot be asked for.
func (p Paper) Slip(ctx context.Context, who access.Caller, id, lang string) ([]byte, error) {
	v, err := p.visit(ctx, who, lang)
	if err != nil {
		return nil, err
	}
	return v.slips([]string{id})
}

// Picking is the pick list of a location, by its id, of so many fulfillment orders, as PDF. Fault: NotFound, also when nothing waits there.
func (p Paper) Picking(ctx context.Context, who access.Caller, location, lang string, limit int) ([]byte, error) {
	v, err := p.visit(ctx, who, lang)
	if err != nil {
		return nil, err
	}
	var list picklistPage
	err = v.read(func(tx *db.Tx) error {
		if err := sees(tx, access.Locations, location); err != nil {
			return err
		}
		all, err := v.Inventory.Locations(tx, location)
		if err != nil || len(all) == 0 {
			return cmp.Or(err, error(fault.New(fault.NotFound, "there is no location %s", location)))
		}
		list.Place = all[0]
		list.Lines, err = v.Fulfillment.PickList(tx, location, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.pickPaper(list)
}

// visit is one without a browser: days and hours are in UTC.
func (p Paper) visit(ctx context.Context, who access.Caller, lang string) (*visit, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, Base, nil)
	if err != nil {
		return nil, err
	}
	return &visit{Console: p.console, r: r, who: who, now: p.console.DB.Now(), tongue: p.console.words.in(lang, ""), zone: time.UTC}, nil
}

// paperTongue is the language of what is printed: that of the page unless another one is asked for.
func (v *visit) paperTongue() tongue {
	if lang := v.ask("lang"); v.words.has(lang) {
		return v.words.in(lang, "")
	}
	return v.tongue
}

func paperWords(t tongue) slip.Words {
	return slip.Words{
		Lang: t.Code, RTL: t.Dir == "rtl", Packing: t.T("Packing slip"), Picking: t.T("Pick list"), External: t.T("Your order"), Parcel: t.T("Fulfillment"), Placed: t.T("Placed"),
		ShipBy: t.T("Ship by"), From: t.T("Sent from"), ShipTo: t.T("Ship to"), Phone: t.T("Phone"), Note: t.T("The buyer's note"), Cash: t.T("Cash to collect"),
		Item: t.T("Item"), Units: t.T("Units"), Shelf: t.T("Shelf"), For: t.T("For"),
		Page: func(n, of int) string { return t.T("Page %d of %d", n, of) },
	}
}

// onDay is a date as every language reads it, "" for none.
func (v *visit) onDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(v.zone).Format(time.DateOnly)
}

// some leaves out what is empty.
func some(all ...string) (out []string) {
	for _, s := range all {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// pdf answers with a document that the browser shows.
func (v *visit) pdf(name string, body []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `inline; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.w.WriteHeader(http.StatusOK)
	if _, err := v.w.Write(body); err != nil {
		v.Log.Debug("answer not written", "err", err)
	}
	return nil
}
