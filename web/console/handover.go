package console

import (
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type handoverPage struct {
	At      string
	Step    string // none: the places form asks for one
	Places  []inventory.Location
	Waiting []dispatch.Shipment
	Gone    []dispatch.Shipment
	Next    string
	Said    string
	Bad     bool
	More    string
}

// handover lists parcels that wait for their courier, and those that have just gone.
func handover(v *visit) error {
	p, err := v.door()
	if err != nil {
		return err
	}
	return v.page("handover", "Hand over", p)
}

func (v *visit) door() (p handoverPage, err error) {
	err = v.read(func(tx *db.Tx) error {
		at, err := v.place(tx)
		if err != nil {
			return err
		}
		p.At, p.Places = at.Code, v.shippers(tx)
		page, err := v.Dispatch.List(tx, dispatch.Filter{Location: at.ID, States: []string{dispatch.Issued, dispatch.Intended, dispatch.Unknown}}, v.ask("after"), 100)
		if err != nil {
			return err
		}
		p.Waiting, p.Next = page.Items, page.Next
		page, err = v.Dispatch.List(tx, dispatch.Filter{Location: at.ID, States: []string{dispatch.HandedOver}}, "", 12)
		p.Gone = page.Items
		return err
	})
	return p, err
}

// handoverScan is the point of no return: the courier has the parcel. Scanning it again changes nothing.
func handoverScan(v *visit) error {
	code := v.form("code")
	if code == "" {
		return fault.Field("code", "scan a parcel's label, or type its number")
	}
	var before dispatch.Shipment
	err := v.read(func(tx *db.Tx) (err error) {
		if before, err = v.Dispatch.Get(tx, code); err != nil {
			return err
		}
		return sees(tx, access.Shipments, before.ID)
	})
	var s dispatch.Shipment
	if err == nil {
		s, err = v.Dispatch.HandOver(v.r.Context(), code, v.actor(), time.Time{})
	}
	f := flash{Text: v.T("Handed over: %s", code), Undo: Base + "/handover/back", With: map[string]string{"parcel": s.ID}}
	switch {
	case err != nil && (fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable)):
		return err
	case err != nil:
		f = flash{Bad: true, Text: v.T("Not handed over: %s", code), More: fault.Message(err)}
	case !before.HandedOver.IsZero():
		f = flash{Text: v.T("Was handed over already: %s", code)}
	}
	if v.r.Header.Get("X-Scan") == "" {
		return v.back(Base+"/handover", f)
	}
	p, err := v.door()
	if err != nil {
		return err
	}
	p.Said, p.Bad, p.More = f.Text, f.Bad, f.More
	return v.part("handover", "door", p)
}

// handoverBack takes a hand-over back, as long as the courier has not scanned the parcel.
func handoverBack(v *visit) error {
	if err := v.read(func(tx *db.Tx) error { return sees(tx, access.Shipments, v.form("parcel")) }); err != nil {
		return err
	}
	if _, err := v.Dispatch.Unhand(v.r.Context(), v.form("parcel"), 0, v.actor()); err != nil {
		return err
	}
	return v.back(Base+"/handover", flash{Text: v.T("The parcel is here again")})
}
