package dispatch

import (
	"encoding/json"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

const columns = `s.id, s.number, s.order_id, s.fulfillment_id, s.account_id, s.location_id, s.source, s.courier, s.carrier, s.service, s.reference, s.state, s.tracking,
	s.tracking_url, s.external, s.label_format, s.label_key, s.cod_amount, s.currency, s.weight_g, s.packages, s.deliver_by, s.created_at, s.issued_at, s.handed_over_at,
	s.delivered_at, s.last_scan_at, s.next_track_at, s.attempts, s.handovers, s.announced, s.cause, s.updated_at, s.version`

func scan(row db.Scanner) (sh Shipment, err error) {
	err = row.Scan(&sh.ID, &sh.Number, &sh.OrderID, &sh.Fulfillment, &sh.Account, &sh.Location, &sh.Source, &sh.Courier, &sh.Carrier, &sh.Service, &sh.Reference, &sh.State,
		&sh.Tracking, &sh.TrackingURL, &sh.External, db.Text(&sh.LabelFormat), db.Text(&sh.labelKey), &sh.Cash.Minor, &sh.Cash.Currency, &sh.WeightG, db.JSON(&sh.Packages),
		db.Time(&sh.DeliverBy), db.Time(&sh.CreatedAt), db.Time(&sh.IssuedAt), db.Time(&sh.HandedOver), db.Time(&sh.DeliveredAt), db.Time(&sh.LastScan), db.Time(&sh.NextTrack),
		&sh.Attempts, &sh.Handovers, &sh.Announced, db.Text(&sh.Cause), db.Time(&sh.UpdatedAt), &sh.Version)
	sh.Allowed = sh.allowed()
	return sh, err
}

// find reads shipments by a condition over s, with what is in them, oldest first.
func find(tx *db.Tx, where string, args ...any) ([]*Shipment, error) {
	type row struct {
		ship string
		Good
	}
	var found []Shipment
	var goods []row
	db.Later(tx, &found, scan, `select `+columns+` from dispatch_shipments s where `+where+` order by s.id`, args...)
	db.Later(tx, &goods, func(r db.Scanner) (g row, err error) {
		err = r.Scan(&g.ship, &g.LineID, &g.Variant, &g.Quantity, &g.Whole, db.JSON(&g.Units))
		return g, err
	}, `select shipment_id, order_line_id, variant_id, quantity, line_quantity, units from dispatch_lines
		where shipment_id in (select s.id from dispatch_shipments s where `+where+`) order by shipment_id, order_line_id, variant_id`, args...)
	if err := tx.Flush(); err != nil || len(found) == 0 {
		return nil, err
	}
	all := make([]*Shipment, len(found))
	at := map[string]*Shipment{}
	for i := range found {
		all[i] = &found[i]
		at[found[i].ID] = all[i]
	}
	for _, g := range goods {
		if sh := at[g.ship]; sh != nil {
			sh.Goods = append(sh.Goods, g.Good)
		}
	}
	return all, nil
}

func ofOrders(tx *db.Tx, orders []string) ([]*Shipment, error) {
	return find(tx, `s.order_id in (select key from json_each($1))`, db.Keys(orders))
}

func byID(tx *db.Tx, id string) (*Shipment, error) {
	all, err := find(tx, `s.id = $1`, id)
	if err == nil && len(all) == 0 {
		err = noSuch(id)
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func insert(tx *db.Tx, all []*Shipment) error {
	heads, goods := db.NewBatch(1), db.NewBatch(3)
	for _, sh := range all {
		heads.Add(sh.ID, sh.Number, sh.OrderID, sh.Fulfillment, sh.Account, sh.Location, sh.Source, sh.Courier, sh.Carrier, sh.Service, sh.Reference, sh.State,
			sh.Cash.Minor, sh.Cash.Currency, sh.WeightG, db.Micros(sh.DeliverBy))
		for _, g := range sh.Goods {
			goods.Add(sh.ID, g.LineID, g.Variant, g.Quantity, g.Whole, text(g.Units))
		}
	}
	tx.Send(`insert into dispatch_shipments (id, number, order_id, fulfillment_id, account_id, location_id, source, courier, carrier, service, reference, state, tracking,
			tracking_url, external, cod_amount, currency, weight_g, packages, deliver_by, created_at, attempts, handovers, announced, updated_at, version)
		select i, n, o, f, a, l, so, c, ca, sv, rf, st, '', '', '', cd, cy, w, '[]', db, cast($1 as bigint), 0, 0, false, cast($1 as bigint), 1
		from rows(i text, n text, o text, f text, a text, l text, so text, c text, ca text, sv text, rf text, st text, cd bigint, cy text, w bigint, db bigint)`,
		heads, db.Micros(tx.Now))
	tx.Send(`insert into dispatch_lines (shipment_id, order_line_id, variant_id, quantity, line_quantity, units)
		select i, l, v, q, w, u from rows(i text, l text, v text, q bigint, w bigint, u text)`, goods)
	return tx.Flush()
}

// save writes shipments that were read in this transaction as their next version; the label apart.
func save(tx *db.Tx, all ...*Shipment) error {
	b := db.NewBatch(1)
	for _, sh := range all {
		b.Add(sh.ID, sh.Version, sh.Courier, sh.Carrier, sh.Service, sh.State, sh.Tracking, sh.TrackingURL, sh.External, sh.Cash.Minor, text(sh.Packages), db.Micros(sh.IssuedAt),
			db.Micros(sh.HandedOver), db.Micros(sh.DeliveredAt), db.Micros(sh.LastScan), db.Micros(sh.NextTrack), sh.Attempts, sh.Handovers, sh.Announced, null(sh.Cause))
		sh.Version++
		sh.UpdatedAt = tx.Now
		sh.Allowed = sh.allowed()
	}
	n, err := tx.Exec(`update dispatch_shipments set courier = r.c, carrier = r.ca, service = r.sv, state = r.st, tracking = r.t, tracking_url = r.tu, external = r.x, cod_amount = r.cd,
			packages = r.p, issued_at = r.ia, handed_over_at = r.ha, delivered_at = r.da, last_scan_at = r.ls, next_track_at = r.nt, attempts = r.at, handovers = r.ho,
			announced = r.an, cause = r.cs, updated_at = $1, version = dispatch_shipments.version + 1
		from rows(i text, v bigint, c text, ca text, sv text, st text, t text, tu text, x text, cd bigint, p text, ia bigint, ha bigint, da bigint, ls bigint, nt bigint, at bigint,
			ho bigint, an boolean, cs text)
		where dispatch_shipments.id = r.i and dispatch_shipments.version = r.v`, b, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if n != int64(b.Len()) {
		return fault.New(fault.Conflict, "somebody else changed the shipment first").WithCode("version")
	}
	return nil
}

// saveGoods writes how many complete units of order lines go with a parcel.
func saveGoods(tx *db.Tx, sh *Shipment) error {
	b := db.NewBatch(3)
	for _, g := range sh.Goods {
		b.Add(sh.ID, g.LineID, g.Variant, g.Whole, text(g.Units))
	}
	_, err := tx.Exec(`update dispatch_lines set line_quantity = r.w, units = r.u from rows(i text, l text, v text, w bigint, u text)
		where dispatch_lines.shipment_id = r.i and dispatch_lines.order_line_id = r.l and dispatch_lines.variant_id = r.v`, b)
	return err
}

func scanText(row db.Scanner) (v string, err error) {
	err = row.Scan(&v)
	return v, err
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null" // plain data always marshals
	}
	return string(b)
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func distinct(ids []string) []string {
	all := slices.Clone(ids)
	slices.Sort(all)
	return slices.Compact(all)
}

func contains(all []string, s string) bool { return slices.Contains(all, s) }
