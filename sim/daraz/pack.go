package daraz

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// packMax is how many orders or packages one fulfilment call takes.
const packMax = 20

// rowCode is one verdict of a fulfilment call: its code and name as documented, and whether the platform says to try again.
type rowCode struct {
	code, name string
	retry      bool
}

// Row codes of pack, ready-to-ship and repack (Lazada docId 121328 and the API pages' error tables).
var (
	rowOK          = rowCode{"0", "success", false}
	rowBusy        = rowCode{"700024", "GET_LOCK_FAILED", true}
	rowSystem      = rowCode{"6", "SYSTEM_ERROR", true}
	rowRPC         = rowCode{"40011", "RPC_ERROR", true}
	rowNoCarrier   = rowCode{"1003", "E1003_3PL_ALLOCATION_FAIL", true}
	rowNoOrder     = rowCode{"700021", "ORDER_NOT_FOUND", false}
	rowNoItem      = rowCode{"700025", "ORDER_ITEM_NOT_FOUND", false}
	rowState       = rowCode{"700026", "FO_ITEM_NOT_ALLOW_TO_PACK", false}
	rowNotReady    = rowCode{"700031", "ITEM_NOT_READY_TO_FULFILL", false}
	rowCentral     = rowCode{"700027", "NOT_SUPPORT_FBL_TO_PACK", false}
	rowPackage     = rowCode{"700000", "PACKAGE_STATUS_NOT_ALLOW_TO_OP", false}
	rowNoPackage   = rowCode{"600001", "PACKAGE_NOT_FOUND", false}
	rowUnpacked    = rowCode{"600002", "PACKAGE_ALREADY_CANCELLED", false}
	rowNotOwnFleet = rowCode{"700013", "OP_NOT_SUPPORT", false}
)

// rowFaults are the verdicts a person can force upon rows by RefuseRows.
var rowFaults = map[string]rowCode{
	"6": rowSystem, "40011": rowRPC, "700024": rowBusy, "1003": rowNoCarrier, "700026": rowState, "700031": rowNotReady, "700000": rowPackage,
}

// rowFault is a forced verdict, for so many rows.
type rowFault struct {
	code rowCode
	left int
}

// RefuseRows makes the next rows of pack calls fail with a documented code: 6, 40011 and 700024 say retry, 1003 is a failed carrier
// allocation, 700000, 700026 and 700031 a wrong state. Unknown codes are refused.
func (m *Market) RefuseRows(code string, rows int) error {
	row, ok := rowFaults[code]
	if !ok {
		return fmt.Errorf("daraz: no row code %q", code)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rowFault = rowFault{code: row, left: rows}
	return nil
}

func (m *Market) forced() (rowCode, bool) {
	if m.rowFault.left <= 0 {
		return rowCode{}, false
	}
	m.rowFault.left--
	return m.rowFault.code, true
}

// done is the result envelope of the fulfilment endpoints.
func done(v any) answer {
	return result(map[string]any{"success": true, "error_code": nil, "error_msg": nil, "data": v})
}

// undone is its failing twin; success false comes inside code "0".
func undone(code, msg string) answer {
	return result(map[string]any{"success": false, "error_code": code, "errorCode": code, "error_msg": msg, "errorMsg": msg, "data": nil})
}

type packRequest struct {
	Orders []struct {
		Order json.RawMessage `json:"order_id"`
		Items json.RawMessage `json:"order_item_list"`
	} `json:"pack_order_list"`
	DeliveryType string `json:"delivery_type"`
	Allocate     string `json:"shipping_allocate_type"`
	Provider     string `json:"shipment_provider_code"`
}

// scalar is a JSON number or string as text.
func scalar(raw json.RawMessage) string { return strings.Trim(string(raw), `" `) }

func (c *call) pack() (answer, error) {
	var req packRequest
	switch {
	case c.get("packReq") == "":
		return answer{}, missing("packReq")
	case !decode(c.get("packReq"), &req) || req.DeliveryType == "" || req.Allocate == "":
		return undone("700004", "PARAM_ILLEGAL"), nil
	case len(req.Orders) == 0:
		return undone("700017", "PARAM_IS_NULL"), nil
	case len(req.Orders) > packMax:
		return undone("700022", "BATCH_SIZE_OUT_OF_LIMIT"), nil
	}
	list := []any{}
	for _, want := range req.Orders {
		id := scalar(want.Order)
		c.ref = or(c.ref, id)
		ids, _ := idList(string(want.Items))
		list = append(list, map[string]any{"order_id": json.Number(digits(id)), "order_item_list": c.packOrder(c.shop.byID[id], ids)})
	}
	return done(map[string]any{"pack_order_list": list}), nil
}

// digits guards a number literal against what is none.
func digits(id string) string {
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return "0"
	}
	return id
}

// packOrder judges each row alone and packs those that pass: one package per warehouse and kind of delivery.
func (c *call) packOrder(o *order, ids []string) []any {
	verdicts := map[string]rowCode{}
	groups := map[string][]*unit{}
	var keys []string
	for _, id := range ids {
		if _, twice := verdicts[id]; twice {
			continue
		}
		u, code := c.mayPack(o, id)
		verdicts[id] = code
		if code == rowOK {
			key := fmt.Sprint(u.warehouse, u.ownFleet)
			if groups[key] == nil {
				keys = append(keys, key)
			}
			groups[key] = append(groups[key], u)
		}
	}
	for _, key := range keys {
		c.m.makeParcel(o, groups[key])
		o.effects.Packed += len(groups[key])
	}
	rows := []any{}
	for _, id := range ids {
		row := map[string]any{
			"order_item_id": json.Number(digits(id)), "item_err_code": verdicts[id].code, "msg": verdicts[id].name, "retry": verdicts[id].retry,
			"tracking_number": nil, "shipment_provider": nil, "package_id": nil,
		}
		if verdicts[id] == rowOK {
			p := c.shop.units[id].parcel
			row["tracking_number"], row["shipment_provider"], row["package_id"] = p.tracking, p.provider, p.id
		}
		rows = append(rows, row)
	}
	return rows
}

func (c *call) mayPack(o *order, id string) (*unit, rowCode) {
	u := c.shop.units[id]
	switch {
	case o == nil:
		return nil, rowNoOrder
	case u == nil || u.order != o:
		return nil, rowNoItem
	case u.central:
		return nil, rowCentral
	case u.status == unpaid:
		return nil, rowNotReady
	case u.status != pending && u.status != repacked:
		return nil, rowState
	}
	if code, ok := c.m.forced(); ok {
		return nil, code
	}
	return u, rowOK
}

func (m *Market) makeParcel(o *order, units []*unit) *parcel {
	m.seq++
	p := &parcel{
		id: fmt.Sprintf("FP%012d%03d", m.seq, m.rnd.IntN(1000)), order: o, units: units,
		tracking: fmt.Sprintf("%s%09d", m.venture.carrier, m.seq*1000+m.rnd.Int64N(1000)),
		provider: fmt.Sprintf("Drop-off: %s-DEX, Delivery: %s-DEX", strings.ToUpper(m.cfg.Venture), strings.ToUpper(m.cfg.Venture)),
	}
	if units[0].ownFleet {
		p.provider = "Seller Own Fleet"
	}
	o.shop.parcels[p.id] = p
	for _, u := range units {
		u.parcel = p
		m.must(u, evPack)
	}
	m.scan(p, "packed", "Package has been packed by seller")
	return p
}

// must moves a unit whose state was checked; a refusal here is a mistake of the simulator itself.
func (m *Market) must(u *unit, event string) {
	if err := m.move(u, event); err != nil {
		m.log.Error("simulator", "error", err)
	}
}

// scan writes an event of a package's journey and pushes it as a fulfilment status.
func (m *Market) scan(p *parcel, status, title string) {
	p.scans = append(p.scans, scan{at: m.now(), title: title})
	m.pushPackage(p, status)
}

// packages runs one verdict over each package named in a request of the form {"packages":[{"package_id":"FP…"}]}.
func (c *call) packages(param string, do func(*parcel) rowCode) (answer, error) {
	var req struct {
		Packages []struct {
			ID string `json:"package_id"`
		} `json:"packages"`
	}
	switch {
	case c.get(param) == "":
		return answer{}, missing(param)
	case !decode(c.get(param), &req):
		return undone("700004", "PARAM_ILLEGAL"), nil
	case len(req.Packages) == 0:
		return undone("700017", "PARAM_IS_NULL"), nil
	case len(req.Packages) > packMax:
		return undone("700022", "BATCH_SIZE_OUT_OF_LIMIT"), nil
	}
	rows := []any{}
	for _, want := range req.Packages {
		p, code := c.shop.parcels[want.ID], rowNoPackage
		switch {
		case p == nil:
		case p.dropped:
			code = rowUnpacked
		default:
			c.ref = or(c.ref, p.order.id)
			code = do(p)
		}
		rows = append(rows, map[string]any{"package_id": want.ID, "item_err_code": code.code, "msg": code.name, "retry": code.retry})
	}
	return done(map[string]any{"packages": rows}), nil
}

// all says whether every unit of the package is in one of these statuses.
func (p *parcel) all(in ...string) bool {
	return !slices.ContainsFunc(p.units, func(u *unit) bool { return !slices.Contains(in, u.status) })
}

func (c *call) readyToShip() (answer, error) {
	return c.packages("readyToShipReq", func(p *parcel) rowCode {
		if !p.all(packed) {
			return rowPackage
		}
		c.m.ready(p)
		p.order.effects.Ready += len(p.units)
		return rowOK
	})
}

func (m *Market) ready(p *parcel) {
	for _, u := range p.units {
		m.must(u, evReady)
	}
	m.scan(p, "ready_to_ship", "Package is ready to be shipped")
}

func (c *call) repack() (answer, error) {
	return c.packages("rePackReq", func(p *parcel) rowCode {
		if !p.all(packed) {
			return rowPackage
		}
		p.dropped = true
		for _, u := range p.units {
			u.parcel = nil
			c.m.must(u, evRepack)
		}
		c.m.pushPackage(p, "canceled")
		return rowOK
	})
}

func (c *call) ownFleetDelivered() (answer, error) {
	return c.packages("dbsDeliveryReq", func(p *parcel) rowCode { return c.ownFleet(p, evDeliver) })
}

func (c *call) ownFleetFailed() (answer, error) {
	return c.packages("dbsFailedDeliveryReq", func(p *parcel) rowCode { return c.ownFleet(p, evFail) })
}

// ownFleet takes the seller's word for a package that the seller delivers.
func (c *call) ownFleet(p *parcel, event string) rowCode {
	switch {
	case !p.units[0].ownFleet:
		return rowNotOwnFleet
	case !p.all(readyToShip, shipped):
		return rowPackage
	}
	for _, u := range p.units {
		if u.status == readyToShip {
			c.m.must(u, evShip)
		}
		c.m.happen(u, event)
	}
	if event == evDeliver {
		p.order.effects.Delivered += len(p.units)
	}
	c.m.scan(p, p.units[0].status, "Reported by seller")
	return rowOK
}

func (c *call) invoiceNumber() (answer, error) {
	u := c.shop.units[c.get("order_item_id")]
	switch {
	case c.get("invoice_number") == "":
		return answer{}, missing("invoice_number")
	case u == nil:
		return answer{}, refuse(isp, "20", "E020: %q Invalid Order Item ID", c.get("order_item_id"))
	}
	u.invoice = c.get("invoice_number")
	c.m.touch(u)
	return data(map[string]any{"order_item_id": c.get("order_item_id"), "invoice_number": u.invoice}), nil
}

// orderProvidersGet says that the platform chooses the carrier, as it does for local sellers.
func (c *call) orderProvidersGet() (answer, error) {
	var req struct {
		Orders []struct {
			Order json.RawMessage `json:"order_id"`
			Items json.RawMessage `json:"order_item_ids"`
		} `json:"orders"`
	}
	if !decode(c.get("getShipmentProvidersReq"), &req) || len(req.Orders) == 0 {
		return undone("700004", "PARAM_ILLEGAL"), nil
	}
	for _, want := range req.Orders {
		id := scalar(want.Order)
		c.ref = or(c.ref, id)
		if c.shop.byID[id] == nil {
			return undone(rowNoOrder.code, rowNoOrder.name), nil
		}
	}
	return done(map[string]any{
		"platform_default": 1, "shipping_allocate_type": "TFS",
		"shipment_providers": []any{map[string]any{"name": strings.ToUpper(c.m.cfg.Venture) + "-DEX", "provider_code": "DEX"}},
	}), nil
}

func (c *call) providersGet() (answer, error) {
	row := func(name string, first int) any {
		return map[string]any{"name": name, "cod": 1, "is_default": first, "api_integration": 1, "enabled_delivery_options": []string{"standard"}}
	}
	country := strings.ToUpper(c.m.cfg.Venture)
	return data(map[string]any{"shipment_providers": []any{row(country+"-DEX", 1), row(country+"-3PL", 0)}}), nil
}
