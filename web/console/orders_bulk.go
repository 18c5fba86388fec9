package console

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// mostBulk is how many orders are acted on at once: a person looks at what would happen to each.
const mostBulk = 100

// orderDeed is something that can be done to several orders at once: each is what a person does to one.
type orderDeed struct {
	name, title string
	need        access.Permission
	asks        string // what it needs to be told: "reason", "cancel", "text" or "location"
	said        string // what it did
	undo        string // the deed that is its exact inverse; "" is none
	// look says what would happen to an order, or as an error why nothing can.
	look func(v *visit, tx *db.Tx, o order.View, with bulkWith) (string, error)
	do   func(ctx context.Context, v *visit, o order.View, with bulkWith) error
}

// bulkWith is what a deed was told.
type bulkWith struct{ Reason, Text, Location string }

// bulkRow is one order of several, with what would happen to it, or has.
type bulkRow struct {
	order.Head
	Will string // what would happen
	Why  string // why nothing does
	Saw  string // what is shown, as a number: confirming compares it; after it was done, of the deed that takes it back
	Done bool
}

type bulkPage struct {
	Deed    orderDeed
	Name    string
	Title   string
	Asks    string
	With    bulkWith
	Reasons []string
	Places  []choice
	Rows    []bulkRow
	Can     int  // how many can be done
	Did     int  // how many were
	Over    bool // it was done: rows say what came of it
	Undo    string
	Back    string
}

// ordersBulk shows what would happen to the orders that were selected, one by one, before anything does.
func ordersBulk(v *visit) error {
	p, err := v.bulk(v.ask, v.r.URL.Query()["id"])
	if err != nil {
		return err
	}
	ctx, _, err := access.Permit(v.r.Context(), p.Deed.need, access.Orders)
	if err != nil {
		return err
	}
	err = v.DB.Read(ctx, func(tx *db.Tx) error {
		p.Can = 0
		for i := range p.Rows {
			if err := v.bulkLook(tx, &p, &p.Rows[i]); err != nil {
				return err
			}
		}
		for _, l := range v.shippers(tx) {
			p.Places = append(p.Places, choice{l.ID, l.Name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.page("orders_bulk", p.Title, p)
}

// Said is what the deed did.
func (p bulkPage) Said() string { return p.Deed.said }

// bulk reads which deed is meant, with what, and of which orders.
func (v *visit) bulk(from func(string) string, ids []string) (p bulkPage, err error) {
	i := slices.IndexFunc(orderDeeds, func(d orderDeed) bool { return d.name == from("do") })
	if i < 0 {
		return p, fault.Field("do", "choose what is to be done")
	}
	if len(ids) == 0 || len(ids) > mostBulk {
		return p, fault.Field("id", "select from 1 to %d orders", mostBulk)
	}
	d := orderDeeds[i]
	p = bulkPage{Deed: d, Name: d.name, Title: d.title, Asks: d.asks, Reasons: cancelReasons, Back: Base + "/orders"}
	p.With = bulkWith{from("reason"), from("text"), from("location")}
	if d.asks == "cancel" && !slices.Contains(cancelReasons, p.With.Reason) {
		p.With.Reason = cancelReasons[0]
	}
	if back := from("back"); back != "" {
		p.Back = Base + "/orders?" + back
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if id = clean(id); !seen[id] {
			seen[id] = true
			p.Rows = append(p.Rows, bulkRow{Head: order.Head{ID: id}})
		}
	}
	return p, nil
}

// bulkLook fills a row with the order as it is and what would happen to it.
func (v *visit) bulkLook(tx *db.Tx, p *bulkPage, row *bulkRow) error {
	o, err := v.bulkOrder(tx, row.ID)
	if err == nil {
		row.Head = o.Head
		row.Will, err = p.Deed.look(v, tx, o, p.With)
	}
	switch {
	case err == nil:
		row.Saw = saw(p.Name, o.Head, row.Will)
		p.Can++
	case fault.Is(err, fault.Internal):
		return err
	default:
		row.Will, row.Why = "", fault.Message(err)
	}
	return nil
}

// bulkOrder reads an order as far as it is the person's to act on.
func (v *visit) bulkOrder(tx *db.Tx, id string) (order.View, error) {
	if err := sees(tx, access.Orders, id); err != nil {
		return order.View{}, err
	}
	return v.Order.Get(tx, id)
}

// saw is what a row shows, as a number. The order's version is no part of it: reading it again from the channel raises that, and changes nothing a person sees.
func saw(deed string, h order.Head, will string) string {
	f := fnv.New64a()
	_, _ = fmt.Fprintf(f, "%q %q %q %q %d %d %d", deed, will, h.State, h.Currency, h.Sums.Total, h.Units.Open, h.Holds)
	return strconv.FormatUint(f.Sum64(), 10)
}

// ordersBulkDo does to each order what was shown, as far as that is still what would happen, and says what came of each.
func ordersBulkDo(v *visit) error {
	p, err := v.bulk(v.form, v.r.PostForm["id"])
	if err != nil {
		return err
	}
	if err := p.told(); err != nil {
		return err
	}
	ctx, _, err := access.Permit(v.r.Context(), p.Deed.need, access.Orders)
	if err != nil {
		return err
	}
	for i := range p.Rows {
		row := &p.Rows[i]
		if err := v.bulkOne(ctx, &p, row); err != nil {
			row.Why = fault.Message(err)
			if fault.Is(err, fault.Internal) {
				v.Log.Error("one of several orders", "deed", p.Name, "order", row.ID, "err", err)
			}
			continue
		}
		row.Done = true
		p.Did++
	}
	p.Over = true
	if err := v.bulkUndo(ctx, &p); err != nil {
		return err
	}
	return v.page("orders_bulk", p.Title, p)
}

// bulkUndo offers to take back what was done, of the orders of which that is possible.
func (v *visit) bulkUndo(ctx context.Context, p *bulkPage) error {
	i := slices.IndexFunc(orderDeeds, func(d orderDeed) bool { return d.name == p.Deed.undo && v.who.Has(d.need) })
	if i < 0 || p.Did == 0 {
		return nil
	}
	undo := bulkPage{Deed: orderDeeds[i], Name: orderDeeds[i].name}
	return v.DB.Read(ctx, func(tx *db.Tx) error {
		p.Undo = ""
		for i := range p.Rows {
			row := &p.Rows[i]
			if row.Saw = ""; !row.Done {
				continue
			}
			back := bulkRow{Head: row.Head}
			if err := v.bulkLook(tx, &undo, &back); err != nil {
				return err
			}
			if row.Saw = back.Saw; row.Saw != "" {
				p.Undo = undo.Name
			}
		}
		return nil
	})
}

// told reports whether the deed was told what it needs. Fault: Invalid.
func (p bulkPage) told() error {
	switch {
	case p.Asks == "reason" && p.With.Reason == "":
		return fault.Field("reason", "is missing: it tells the others why the order waits")
	case p.Asks == "text" && (p.With.Text == "" || len(p.With.Text) > 2000):
		return fault.Field("text", "is a note of up to 2000 characters")
	case p.Asks == "location" && p.With.Location == "":
		return fault.Field("location", "choose a branch or warehouse")
	}
	return nil
}

// mostTries is how often an order that moved between a look and the deed is looked at again.
const mostTries = 5

// bulkOne does it to one order if what was shown is still what would happen, and reads it again.
func (v *visit) bulkOne(ctx context.Context, p *bulkPage, row *bulkRow) error {
	for try := 1; ; try++ {
		o, err := v.bulkStill(ctx, p, row)
		if err != nil {
			return err
		}
		if err = p.Deed.do(ctx, v, o, p.With); err == nil {
			break
		}
		if fault.CodeOf(err) != "version" || try == mostTries {
			return err
		}
	}
	return v.DB.Read(ctx, func(tx *db.Tx) error {
		heads, err := v.Order.Heads(tx, []string{row.ID}, false)
		row.Head = heads[row.ID]
		return err
	})
}

// bulkStill reads an order, and refuses it when the person was shown something else. Fault: Conflict.
func (v *visit) bulkStill(ctx context.Context, p *bulkPage, row *bulkRow) (o order.View, err error) {
	shown := v.form("v-" + row.ID)
	err = v.DB.Read(ctx, func(tx *db.Tx) error {
		if o, err = v.bulkOrder(tx, row.ID); err != nil {
			return err
		}
		row.Head = o.Head
		if shown == "" {
			return nil
		}
		will, err := p.Deed.look(v, tx, o, p.With)
		switch {
		case fault.Is(err, fault.Internal):
			return err
		case err != nil || saw(p.Name, o.Head, will) != shown:
			return fault.New(fault.Conflict, "somebody changed it meanwhile: look at it again").WithCode("version")
		}
		return nil
	})
	return o, err
}
