package dispatch

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Filter narrows a list; the zero value is everything.
type Filter struct {
	Location string
	States   []string
	Account  string
	Order    string
	Courier  string
	Tracking string
	Number   string
}

// Page is one page of a list; Next is empty at the end.
type Page struct {
	Items []Shipment `json:"items"`
	Next  string     `json:"next,omitempty"`
}

// List pages through shipments, newest first.
func (s *Service) List(tx *db.Tx, f Filter, after string, limit int) (Page, error) {
	if limit < 1 || limit > 500 {
		limit = 50
	}
	where, args := []string{"s.id = s.id"}, []any{}
	add := func(clause string, vs ...any) {
		for _, v := range vs {
			args = append(args, v)
			clause = strings.Replace(clause, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where = append(where, clause)
	}
	for col, v := range map[string]string{"location_id": f.Location, "account_id": f.Account, "order_id": f.Order, "courier": f.Courier, "tracking": f.Tracking, "number": f.Number} {
		if v != "" {
			add("s."+col+" = ?", v)
		}
	}
	if after != "" {
		head, id, ok := strings.Cut(after, "_")
		at, err := strconv.ParseInt(head, 10, 64)
		if !ok || err != nil {
			return Page{}, fault.Field("after", "is not a cursor of this list")
		}
		add("(s.created_at, s.id) < (cast(? as bigint), ?)", at, id)
	}
	seen, args := tx.Within("shipments", "s", args)
	var each []string
	for _, state := range distinct(f.States) {
		args = append(args, state)
		each = append(each, "s.state = $"+strconv.Itoa(len(args)))
	}
	args = append(args, limit+1)
	text := db.Merged(`select s.id, s.created_at from dispatch_shipments s where `+strings.Join(where, " and ")+seen, each, `order by 2 desc, 1 desc`, "$"+strconv.Itoa(len(args)))
	ids, err := db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id, new(int64)) }, text, args...)
	if err != nil || len(ids) == 0 {
		return Page{Items: []Shipment{}}, err
	}
	all, err := find(tx, `s.id in (select key from json_each($1))`, db.Keys(ids))
	if err != nil {
		return Page{}, err
	}
	var p Page
	for _, id := range ids {
		i := slices.IndexFunc(all, func(sh *Shipment) bool { return sh.ID == id })
		p.Items = append(p.Items, *all[i])
	}
	if len(ids) > limit {
		p.Items = p.Items[:limit]
		last := p.Items[limit-1]
		p.Next = strconv.FormatInt(last.CreatedAt.UnixMicro(), 10) + "_" + last.ID
	}
	return p, s.name(tx, p.Items)
}

// name fills in the SKUs.
func (s *Service) name(tx *db.Tx, all []Shipment) error {
	var ids []string
	for _, sh := range all {
		for _, g := range sh.Goods {
			ids = append(ids, g.Variant)
		}
	}
	skus, err := s.need.SKUs(tx, distinct(ids))
	for _, sh := range all {
		for i := range sh.Goods {
			sh.Goods[i].SKU = skus[sh.Goods[i].Variant]
		}
	}
	return err
}

// Get reads one shipment by id, number or tracking number, as far as whoever asks reaches. Faults: NotFound; Conflict when the number is on more than one parcel.
func (s *Service) Get(tx *db.Tx, ref string) (Shipment, error) {
	seen, args := tx.Within("shipments", "s", []any{ref})
	all, err := find(tx, `(s.id = $1 or s.number = $1 or (s.tracking = $1 and s.tracking <> '' and s.state <> 'cancelled'))`+seen, args...)
	switch {
	case err != nil:
		return Shipment{}, err
	case len(all) == 0:
		return Shipment{}, noSuch(ref)
	case len(all) > 1:
		return Shipment{}, fault.New(fault.Conflict, "%q is on more than one parcel: use our own number", ref).WithCode("ambiguous")
	}
	out := []Shipment{*all[0]}
	err = s.name(tx, out)
	return out[0], err
}

// Of reads the shipments of an order, oldest first.
func (s *Service) Of(tx *db.Tx, order string) ([]Shipment, error) {
	all, err := ofOrders(tx, []string{order})
	var out []Shipment
	for _, sh := range all {
		out = append(out, *sh)
	}
	if err != nil {
		return nil, err
	}
	return out, s.name(tx, out)
}

// ScanView is one recorded fact about a parcel.
type ScanView struct {
	At      time.Time `json:"at"`
	AtRaw   string    `json:"at_raw,omitempty"`
	Status  string    `json:"status"`
	Raw     string    `json:"raw"`
	Reason  string    `json:"reason,omitempty"`
	Place   string    `json:"place,omitempty"`
	Source  string    `json:"source"`
	Applied bool      `json:"applied"`
}

// Scans lists what was said about a parcel, in the order in which it happened.
func (s *Service) Scans(tx *db.Tx, shipment string) ([]ScanView, error) {
	return db.All(tx, func(row db.Scanner) (v ScanView, err error) {
		err = row.Scan(db.Time(&v.At), &v.AtRaw, &v.Status, &v.Raw, &v.Reason, &v.Place, &v.Source, &v.Applied)
		return v, err
	}, `select at, at_raw, status, raw, reason, place, source, applied from shipment_events where shipment_id = $1 order by at, id`, shipment)
}
