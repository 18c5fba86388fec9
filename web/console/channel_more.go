package console

import (
	"context"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// mostInWindow is how many orders are read again at once: more is a reconciliation.
const mostInWindow = 500

// askPlaces asks the partner which places it knows as ours, for the form that maps them; a partner that does not answer is said so on the page.
func (v *visit) askPlaces(p *channelPage) {
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	shop, err := v.Connect.Check(ctx, p.ID)
	if err != nil {
		p.Silent = fault.Message(slow(ctx, err))
		return
	}
	p.Shop = &shop
}

// channelMap says which of the partner's locations each of ours is. Several of ours may be one of theirs.
func channelMap(v *visit) error {
	p, err := v.account(v.id())
	if err != nil {
		return err
	}
	n := 0
	for name := range v.r.PostForm {
		ours, ok := strings.CutPrefix(name, "place-")
		theirs := v.form(name)
		if !ok || theirs == "" || p.Mapped[ours] == theirs {
			continue
		}
		if _, known := p.Places[ours]; !known {
			return fault.Field(name, "is none of our locations")
		}
		if err := v.read(func(tx *db.Tx) error { return sees(tx, access.Locations, ours) }); err != nil {
			return err
		}
		if err := v.Connect.MapLocation(v.r.Context(), p.ID, ours, theirs); err != nil {
			return err
		}
		n++
	}
	v.remember(flash{Text: v.T("Locations mapped: %d", n)})
	v.see(channelPath(p.ID))
	return nil
}

// channelWindow has the orders that were placed in a time read again from the channel: for when something went wrong at the partner's side or ours.
func channelWindow(v *visit) error {
	from, err := v.moment("from")
	if err != nil {
		return err
	}
	until, err := v.moment("until")
	if err != nil {
		return err
	}
	if !from.Before(until) {
		return fault.Field("until", "is not after the beginning")
	}
	var all []order.Head
	err = v.read(func(tx *db.Tx) error {
		a, err := v.Connect.Account(tx, v.id())
		if err != nil {
			return err
		}
		page, err := v.Order.List(tx, order.Filter{Account: a.ID, PlacedFrom: from, PlacedUntil: until}, "", mostInWindow)
		if err == nil && page.Next != "" {
			err = fault.Field("from", "more than %d orders are in this time: choose a shorter one", mostInWindow)
		}
		all = page.Items
		return err
	})
	if err != nil {
		return err
	}
	n := 0
	for _, o := range all {
		err := v.Connect.Want(v.r.Context(), o.Account, o.External, "person")
		if fault.CodeOf(err) == "placed_here" {
			continue
		}
		if err != nil {
			return err
		}
		n++
	}
	return v.back(channelPath(v.id()), flash{Text: v.T("Orders that are read again from the channel: %d", n)})
}

// moment is a time of a form, in the zone of the person. Fault: Invalid.
func (v *visit) moment(name string) (time.Time, error) {
	at, err := time.ParseInLocation("2006-01-02T15:04", v.form(name), v.zone)
	if err != nil {
		return at, fault.Field(name, "is a time such as 2026-11-22T09:30")
	}
	return at, nil
}
