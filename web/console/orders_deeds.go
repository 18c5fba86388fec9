package console

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// orderDeeds are what can be done to several orders at once.
var orderDeeds = []orderDeed{
	{
		name: "hold", title: "Put on hold", need: "orders.edit", asks: "reason", said: "On hold", undo: "release",
		look: func(v *visit, _ *db.Tx, o order.View, _ bulkWith) (string, error) {
			if o.Units.Open == 0 {
				return "", fault.New(fault.Conflict, "nothing of it is open any more")
			}
			if holding(o, order.HoldPerson) {
				return "", fault.New(fault.Conflict, "it is on hold already")
			}
			return v.T("It waits, and keeps its stock, until somebody lets it go"), nil
		},
		do: func(ctx context.Context, v *visit, o order.View, with bulkWith) error {
			return v.Order.HoldBy(ctx, o.ID, o.Version, v.actor(), with.Reason)
		},
	},
	{
		name: "release", title: "Let go of what a person holds", need: "orders.edit", said: "Goes on",
		look: func(v *visit, _ *db.Tx, o order.View, _ bulkWith) (string, error) {
			return v.lookRelease(o, order.HoldPerson)
		},
		do: func(ctx context.Context, v *visit, o order.View, _ bulkWith) error {
			return v.Order.Release(ctx, o.ID, o.Version, order.HoldPerson, v.actor())
		},
	},
	{
		name: "approve", title: "Accept the difference in the money", need: "orders.edit", said: "Goes on",
		look: func(v *visit, _ *db.Tx, o order.View, _ bulkWith) (string, error) {
			return v.lookRelease(o, order.HoldMoney)
		},
		do: func(ctx context.Context, v *visit, o order.View, _ bulkWith) error {
			return v.Order.Release(ctx, o.ID, o.Version, order.HoldMoney, v.actor())
		},
	},
	{
		name: "cancel", title: "Cancel what is open", need: "orders.cancel", asks: "cancel", said: "Cancelled",
		look: func(v *visit, tx *db.Tx, o order.View, with bulkWith) (string, error) {
			p, err := v.Order.PreviewCancel(tx, v.bulkCut(o, with))
			if err != nil {
				return "", err
			}
			n := int64(0)
			for _, c := range p.Cancelled {
				n += c.Quantity
			}
			if p.Packed > 0 {
				return v.T("%d units are cancelled (%s), %d of them are packed: label and hand-over stop", int(n), p.Cost.Format(v.Locale), int(p.Packed)), nil
			}
			return v.T("%d units are cancelled (%s); stock and money follow, the channel is told", int(n), p.Cost.Format(v.Locale)), nil
		},
		do: func(ctx context.Context, v *visit, o order.View, with bulkWith) error {
			_, err := v.Order.Cancel(ctx, v.bulkCut(o, with))
			return err
		},
	},
	wish("agree", "Agree to the wish to cancel", "Cancelled", true, func(v *visit) string { return v.T("What is asked for is cancelled; the channel is told") }),
	wish("decline", "Decline the wish to cancel", "Goes on", false, func(v *visit) string { return v.T("The order goes on; the channel is told") }),
	{name: "accept", title: "Accept the work", need: "fulfillment.work", said: "Accepted", look: lookAccept, do: doAccept},
	{name: "source", title: "Send from another branch or warehouse", need: "fulfillment.route", asks: "location", said: "Moved", look: lookSource, do: doSource},
	{
		name: "reread", title: "Read again from the channel", need: "orders.edit", said: "Is being read",
		look: func(v *visit, _ *db.Tx, _ order.View, _ bulkWith) (string, error) {
			return v.T("It is read as soon as the account’s budget allows; nothing is lost"), nil
		},
		do: func(ctx context.Context, v *visit, o order.View, _ bulkWith) error {
			return v.Connect.Want(ctx, o.Account, o.External, "person")
		},
	},
	{
		name: "note", title: "Write a note", need: "orders.edit", asks: "text", said: "Noted",
		look: func(v *visit, _ *db.Tx, _ order.View, _ bulkWith) (string, error) {
			return v.T("The note stands in its timeline"), nil
		},
		do: func(ctx context.Context, v *visit, o order.View, with bulkWith) error {
			detail, err := json.Marshal(map[string]string{"text": with.Text})
			if err != nil {
				return err
			}
			return v.DB.Write(ctx, func(tx *db.Tx) error {
				return v.Order.Note(tx, []order.Fact{{OrderID: o.ID, At: tx.Now, Kind: "note", Source: "console", Actor: v.actor(), Detail: detail}})
			})
		},
	},
}

// wish is the answer to a buyer who asks to cancel.
func wish(name, title, said string, agree bool, will func(v *visit) string) orderDeed {
	return orderDeed{
		name: name, title: title, need: "orders.cancel", said: said,
		look: func(v *visit, _ *db.Tx, o order.View, _ bulkWith) (string, error) {
			if !holding(o, order.HoldCancel) {
				return "", fault.New(fault.Conflict, "nobody asks to cancel it")
			}
			return will(v), nil
		},
		do: func(ctx context.Context, v *visit, o order.View, _ bulkWith) error {
			return v.Order.DecideCancel(ctx, o.ID, o.Version, agree, "", v.actor())
		},
	}
}

// holding reports whether a hold of a kind is open.
func holding(o order.View, t order.HoldType) bool {
	return slices.ContainsFunc(o.Held, func(h order.HoldView) bool { return h.Type == t && h.Released.IsZero() })
}

// lookRelease says what letting one kind of hold go does: what else the order waits for is named.
func (v *visit) lookRelease(o order.View, t order.HoldType) (string, error) {
	var others []string
	for _, h := range o.Held {
		if h.Type != t && h.Released.IsZero() {
			others = append(others, v.T(h.Title))
		}
	}
	switch {
	case !holding(o, t) && len(others) == 0:
		return "", fault.New(fault.Conflict, "it is not on hold")
	case !holding(o, t):
		return "", fault.New(fault.Conflict, "it waits for something else: %s", strings.Join(others, ", "))
	case len(others) > 0:
		return v.T("This hold goes; it still waits for: %s", strings.Join(others, ", ")), nil
	}
	return v.T("It goes on"), nil
}

func (v *visit) bulkCut(o order.View, with bulkWith) order.Cancelling {
	return order.Cancelling{Order: o.ID, Version: o.Version, Reason: with.Reason, Initiator: "seller", Actor: v.actor(), Source: "console"}
}

// lookAccept says which locations would accept their work.
func lookAccept(v *visit, tx *db.Tx, o order.View, _ bulkWith) (string, error) {
	works, err := v.fresh(tx, o.ID)
	if err != nil {
		return "", err
	}
	places, err := v.places(tx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range works {
		names = append(names, places[f.Location].Name)
	}
	return v.T("Accepted at %s", strings.Join(names, ", ")), nil
}

// fresh are the fulfillment orders of an order that wait to be accepted, as far as they are the person's.
func (v *visit) fresh(tx *db.Tx, id string) (out []fulfillment.FO, err error) {
	all, err := v.Fulfillment.Of(tx, id)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if f.State == fulfillment.Fresh && sees(tx, access.Fulfillments, f.ID) == nil {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Conflict, "no location waits to accept it")
	}
	return out, nil
}

func doAccept(ctx context.Context, v *visit, o order.View, _ bulkWith) error {
	var works []fulfillment.FO
	if err := v.DB.Read(ctx, func(tx *db.Tx) (err error) { works, err = v.fresh(tx, o.ID); return err }); err != nil {
		return err
	}
	for _, f := range works {
		if _, err := v.Fulfillment.Accept(ctx, f.ID, f.Version, v.actor()); err != nil {
			return err
		}
	}
	return nil
}

// lookSource says whether another location could send all of it.
func lookSource(v *visit, tx *db.Tx, o order.View, with bulkWith) (string, error) {
	if with.Location == "" {
		return v.T("Choose where it is to go"), nil
	}
	if err := sees(tx, access.Locations, with.Location); err != nil {
		return "", err
	}
	if o.Holds > 0 {
		return "", fault.New(fault.Conflict, "it is on hold")
	}
	candidates, err := v.Fulfillment.Explain(tx, o.ID)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(candidates, func(c fulfillment.Candidate) bool { return c.ID == with.Location })
	switch {
	case i < 0:
		return "", fault.New(fault.Conflict, "this location may not send it: switched off, another company, or not for this country")
	case candidates[i].Chosen:
		return "", fault.New(fault.Conflict, "it is sent from there already")
	case candidates[i].Why == "has not all of it":
		return "", fault.New(fault.Conflict, "the location has not all of it")
	}
	if _, _, err := v.movable(tx, o.ID); err != nil {
		return "", err
	}
	places, err := v.places(tx)
	return v.T("It goes to %s, with its stock", places[with.Location].Name), err
}

// movable is the one fulfillment order that can go to another location; false when no location works on the order yet.
func (v *visit) movable(tx *db.Tx, id string) (f fulfillment.FO, is bool, err error) {
	all, err := v.Fulfillment.Of(tx, id)
	if err != nil {
		return f, false, err
	}
	for _, x := range all {
		switch x.State {
		case fulfillment.Moved, fulfillment.Rejected, fulfillment.Cancelled:
			continue
		}
		if is {
			return f, false, fault.New(fault.Conflict, "several locations work on it: move it on its own page")
		}
		if !slices.Contains(x.Allowed, "move") {
			return f, false, fault.New(fault.Conflict, "it is too far on: its location has packed it or handed it over")
		}
		f, is = x, true
	}
	return f, is, nil
}

func doSource(ctx context.Context, v *visit, o order.View, with bulkWith) error {
	var f fulfillment.FO
	var is bool
	if err := v.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if err = sees(tx, access.Locations, with.Location); err != nil {
			return err
		}
		f, is, err = v.movable(tx, o.ID)
		return err
	}); err != nil {
		return err
	}
	if is {
		_, err := v.Fulfillment.Move(ctx, f.ID, f.Version, v.actor(), with.Location)
		return err
	}
	_, err := v.Fulfillment.SourceAt(ctx, o.ID, with.Location, v.actor())
	return err
}
