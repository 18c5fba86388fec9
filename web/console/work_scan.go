package console

import (
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// workScan counts a scanned item as picked. The device names each scan, so that one that is sent again changes nothing.
func workScan(v *visit) error {
	scan := fulfillment.Scan{ID: v.form("scan"), Code: v.form("code")}
	if len(scan.ID) > 100 || scan.Code == "" {
		return fault.Field("code", "scan an item, or type its SKU")
	}
	_, err := v.Fulfillment.Pick(v.r.Context(), v.id(), 0, v.actor(), scan)
	return v.scanned(err, scan, v.T("Picked: %s", scan.Code), true)
}

// workBack takes a pick back: the item goes to its shelf again.
func workBack(v *visit) error {
	scan := fulfillment.Scan{ID: v.form("scan"), Code: v.form("code")}
	_, err := v.Fulfillment.PutBack(v.r.Context(), v.id(), 0, v.actor(), scan)
	return v.scanned(err, scan, v.T("Put back: %s", scan.Code), false)
}

// scanned answers a scan with the bench as it is now: a person at a shelf must see at once what counted and what did not.
func (v *visit) scanned(err error, scan fulfillment.Scan, said string, undo bool) error {
	if err != nil && (fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable)) {
		return err
	}
	f := flash{Text: said}
	if undo && err == nil {
		f.Undo, f.With = Base+"/work/"+v.id()+"/back", map[string]string{"code": scan.Code}
	}
	if err != nil {
		f = flash{Bad: true, Text: v.T("Not counted: %s", scan.Code), More: fault.Message(err)}
	}
	if v.r.Header.Get("X-Scan") == "" {
		v.remember(f)
		v.see(Base + "/work/" + v.id())
		return nil
	}
	b, rerr := v.bench(v.id())
	if rerr != nil {
		return rerr
	}
	if err == nil && b.Whole() { // the same page packs now: it is loaded anew, with other buttons
		v.remember(flash{Text: v.T("Everything is picked: scan each item again into the parcel")})
		v.w.Header().Set("X-Next", Base+"/work/"+v.id())
	}
	b.Said, b.Bad, b.More, b.Undo, b.Scanned = f.Text, f.Bad, f.More, f.Undo != "", scan.Code
	return v.part("work_show", "bench", b)
}
