package console

import (
	"net/url"
	"strconv"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// goods reads the variant of a page's address.
func (v *visit) goods(tx *db.Tx) (catalog.Variant, error) {
	return v.Catalog.BySKU(tx, v.r.PathValue("sku"))
}

// placed reads a location that a form names by its code, as far as the person reaches.
func (v *visit) placed(tx *db.Tx, field string) (inventory.Location, error) {
	at, err := v.Inventory.LocationByCode(tx, v.form(field))
	if err == nil {
		err = sees(tx, access.Locations, at.ID)
	}
	return at, err
}

// skuMove records that units left for another location, or arrived there too. The form has a reference of its own: sent twice, it counts once.
func skuMove(v *visit) error {
	n, err := v.number("quantity")
	if err != nil {
		return err
	}
	sku, arrived := "", v.form("arrived") != ""
	t := inventory.Transfer{ID: v.form("reference"), Actor: v.actor()}
	if t.ID == "" || len(t.ID) > 100 {
		t.ID = db.ID()
	}
	if err := v.write(func(tx *db.Tx) error {
		g, err := v.goods(tx)
		if err != nil {
			return err
		}
		from, err := v.placed(tx, "from")
		if err != nil {
			return err
		}
		to, err := v.placed(tx, "to")
		if err != nil {
			return err
		}
		if from.ID == to.ID {
			return fault.Field("to", "is where it comes from: choose another location")
		}
		sku, t.From, t.To, t.Lines = g.SKU, from.ID, to.ID, []inventory.TransferLine{{Variant: g.ID, Quantity: n}}
		if err := v.Inventory.SendTransfer(tx, t); err != nil {
			return err
		}
		if arrived {
			if err := v.Inventory.ReceiveTransfer(tx, t); err != nil {
				return err
			}
		}
		return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "stock.transfer", SubjectKind: "transfer", Subject: t.ID, Detail: map[string]any{"sku": sku, "from": from.Code, "to": to.Code, "quantity": n, "arrived": arrived}})
	}); err != nil {
		return err
	}
	text := v.T("Sent: it counts nowhere until it arrives")
	if arrived {
		text = v.T("Moved: it counts at the other location now")
	}
	return v.back(Base+"/stock/"+url.PathEscape(sku), flash{Text: text})
}

// skuArrived records what came of a transfer: all that is still on its way.
func skuArrived(v *visit) error {
	sku, id := "", v.form("transfer")
	if err := v.write(func(tx *db.Tx) error {
		g, err := v.goods(tx)
		if err != nil {
			return err
		}
		to, err := v.placed(tx, "to")
		if err != nil {
			return err
		}
		left, err := v.Inventory.InTransit(tx, id)
		if err != nil {
			return err
		}
		if left[g.ID] <= 0 {
			return fault.New(fault.Conflict, "nothing of this transfer is on its way any more")
		}
		sku = g.SKU
		if err := v.Inventory.ReceiveTransfer(tx, inventory.Transfer{ID: id, To: to.ID, Actor: v.actor(), Lines: []inventory.TransferLine{{Variant: g.ID, Quantity: left[g.ID]}}}); err != nil {
			return err
		}
		return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "stock.transfer", SubjectKind: "transfer", Subject: id, Detail: map[string]any{"sku": sku, "to": to.Code, "quantity": left[g.ID], "arrived": true}})
	}); err != nil {
		return err
	}
	return v.back(Base+"/stock/"+url.PathEscape(sku), flash{Text: v.T("It has arrived: it counts here now")})
}

// skuKeep keeps units of a location back from every channel, or shows an account less than there is.
func skuKeep(v *visit) error {
	n, err := strconv.ParseInt(v.form("quantity"), 10, 64)
	if err != nil || n < 0 || n > 1_000_000_000 {
		return fault.Field("quantity", "is a number from 0 on")
	}
	sku := ""
	if err := v.write(func(tx *db.Tx) error {
		g, err := v.goods(tx)
		if err != nil {
			return err
		}
		sku = g.SKU
		said := map[string]any{"sku": sku, "quantity": n}
		if account := v.form("account"); account != "" {
			if err := sees(tx, access.Accounts, account); err != nil {
				return err
			}
			a, err := v.Connect.Account(tx, account)
			if err != nil {
				return err
			}
			said["account"] = a.Name
			if err := v.Inventory.SetBuffers(tx, []inventory.Buffer{{Account: a.ID, Variant: g.ID, Quantity: n}}); err != nil {
				return err
			}
		} else {
			at, err := v.placed(tx, "location")
			if err != nil {
				return err
			}
			said["location"] = at.Code
			if err := v.Inventory.SetSafety(tx, []inventory.Safety{{Variant: g.ID, Location: at.ID, Quantity: n}}); err != nil {
				return err
			}
		}
		return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "stock.policy", SubjectKind: "stock", Subject: g.ID, Detail: said})
	}); err != nil {
		return err
	}
	return v.back(Base+"/stock/"+url.PathEscape(sku), flash{Text: v.T("Noted: the channels are told what they may show now")})
}
