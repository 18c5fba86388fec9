package console

import (
	"encoding/json"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// orderHold puts an order on hold; releasing it is the undo.
func orderHold(v *visit) error {
	reason := v.form("reason")
	if reason == "" {
		return fault.Field("reason", "is missing: it tells the others why the order waits")
	}
	if err := v.Order.HoldBy(v.r.Context(), v.id(), v.version(), v.actor(), reason); err != nil {
		return err
	}
	return v.back(orderPath(v.id()), flash{Text: v.T("The order is on hold"), Undo: orderPath(v.id()) + "/release", With: map[string]string{"hold": string(order.HoldPerson)}})
}

// orderRelease lets a hold go.
func orderRelease(v *visit) error {
	hold := order.HoldType(v.form("hold"))
	if _, known := order.Holds[hold]; !known {
		return fault.Field("hold", "there is no hold of this kind")
	}
	if err := v.Order.Release(v.r.Context(), v.id(), v.version(), hold, v.actor()); err != nil {
		return err
	}
	return v.back(orderPath(v.id()), flash{Text: v.T("The hold is released")})
}

// orderDecide answers a wish to cancel.
func orderDecide(v *visit) error {
	agree := v.form("agree") == "yes"
	if err := v.Order.DecideCancel(v.r.Context(), v.id(), v.version(), agree, v.form("reason"), v.actor()); err != nil {
		return err
	}
	if agree {
		return v.back(orderPath(v.id()), flash{Text: v.T("The order is cancelled; the channel is told")})
	}
	return v.back(orderPath(v.id()), flash{Text: v.T("The wish to cancel is declined; the order goes on")})
}

// orderNote writes a note into the timeline.
func orderNote(v *visit) error {
	text := v.form("text")
	if text == "" || len(text) > 2000 {
		return fault.Field("text", "is a note of up to 2000 characters")
	}
	detail, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return err
	}
	if err := v.write(func(tx *db.Tx) error {
		o, err := v.Order.Get(tx, v.id())
		if err != nil {
			return err
		}
		return v.Order.Note(tx, []order.Fact{{OrderID: o.ID, At: tx.Now, Kind: "note", Source: "console", Actor: v.actor(), Detail: detail}})
	}); err != nil {
		return err
	}
	return v.back(orderPath(v.id()), flash{Text: v.T("The note is in the timeline")})
}

// orderReread has an order read from its channel again.
func orderReread(v *visit) error {
	var o order.View
	if err := v.read(func(tx *db.Tx) (err error) { o, err = v.Order.Get(tx, v.id()); return err }); err != nil {
		return err
	}
	if err := v.Connect.Want(v.r.Context(), o.Account, o.External, "person"); err != nil {
		return err
	}
	return v.back(orderPath(o.ID), flash{Text: v.T("It is being read from the channel again")})
}
