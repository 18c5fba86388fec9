package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// StockLevel is what is at one place.
type StockLevel struct {
	SKU          string `json:"sku"`
	LocationCode string `json:"location"`
	inventory.Level
}

// StockExplained is a promise with its arithmetic.
type StockExplained struct {
	SKU string `json:"sku"`
	inventory.Explained
	Text string `json:"text" doc:"The arithmetic as a person reads it"`
}

// Reservation is stock held for somebody.
type Reservation struct {
	SKU string `json:"sku"`
	inventory.Reserved
}

// Shortage is stock that somebody is short of.
type Shortage struct {
	SKU string `json:"sku"`
	inventory.Short
}

// StockMovement is a change of what is on hand.
type StockMovement struct {
	SKU string `json:"sku"`
	inventory.Moved
}

type levelList struct {
	Paging
	SKU      string `query:"sku" maxLength:"100"`
	Location string `query:"location" maxLength:"100" doc:"Id or code"`
}

type explainQuery struct {
	SKU     string `path:"sku" maxLength:"100"`
	Account string `query:"account" maxLength:"100" doc:"Id or name: its buffer and its locations count"`
	Country string `query:"country" pattern:"^[A-Z]{2}$"`
}

type movementList struct {
	Paging
	SKU      string `path:"sku" maxLength:"100"`
	Location string `query:"location" maxLength:"100"`
}

type reservationList struct {
	Paging
	SKU      string `query:"sku" maxLength:"100"`
	Location string `query:"location" maxLength:"100"`
	Order    string `query:"order" maxLength:"100"`
}

type driftList struct {
	Account string `query:"account" required:"true" minLength:"1" maxLength:"100" doc:"Id or name"`
}

// stockCounted is what somebody counted, or says is there.
type stockCounted struct {
	SKU       string `json:"sku" minLength:"1" maxLength:"100"`
	Location  string `json:"location" minLength:"1" maxLength:"100" doc:"Id or code"`
	Condition string `json:"condition,omitempty" enum:"sellable,quarantine,damaged" default:"sellable"`
	Quantity  int64  `json:"quantity" minimum:"0" maximum:"1000000000"`
	Note      string `json:"note,omitempty" maxLength:"500"`
}

type stockSet struct {
	Write
	Body struct {
		Reference string         `json:"reference,omitempty" maxLength:"100" doc:"Makes it happen once; default: the Idempotency-Key"`
		Items     []stockCounted `json:"items" minItems:"1" maxItems:"500"`
	}
}

type stockAdjust struct {
	Write
	Body struct {
		Reference string `json:"reference,omitempty" maxLength:"100"`
		SKU       string `json:"sku" minLength:"1" maxLength:"100"`
		Location  string `json:"location" minLength:"1" maxLength:"100"`
		Condition string `json:"condition,omitempty" enum:"sellable,quarantine,damaged" default:"sellable"`
		Delta     int64  `json:"delta" minimum:"-1000000000" maximum:"1000000000"`
		Note      string `json:"note" minLength:"1" maxLength:"500" doc:"Why"`
	}
}

type stockTransfer struct {
	Write
	Body struct {
		Number string         `json:"number" minLength:"1" maxLength:"100" doc:"Of the transfer: its lines are sent and received once under it"`
		Step   string         `json:"step,omitempty" enum:"send,receive,both" default:"both"`
		From   string         `json:"from" minLength:"1" maxLength:"100" doc:"Location, id or code"`
		To     string         `json:"to" minLength:"1" maxLength:"100"`
		Items  []transferItem `json:"items" minItems:"1" maxItems:"500"`
	}
}

type transferItem struct {
	SKU      string `json:"sku" minLength:"1" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000000"`
}

type stockPolicy struct {
	Write
	Body struct {
		Safety  []safetyItem `json:"safety,omitempty" maxItems:"500" doc:"The part of a location's stock that is not promised"`
		Buffers []bufferItem `json:"buffers,omitempty" maxItems:"500" doc:"What an account is shown less than there is"`
	}
}

type safetyItem struct {
	SKU      string `json:"sku" minLength:"1" maxLength:"100"`
	Location string `json:"location" minLength:"1" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"0" maximum:"1000000000"`
}

type bufferItem struct {
	Account  string `json:"account" minLength:"1" maxLength:"100" doc:"Id or name"`
	SKU      string `json:"sku,omitempty" maxLength:"100" doc:"Missing: every SKU without a buffer of its own"`
	Quantity int64  `json:"quantity" minimum:"0" maximum:"1000000000"`
}

func (s *Server) stockRoutes() {
	if s.Inventory == nil || s.Catalog == nil {
		return
	}
	const tag = "stock"
	s.stockReads(tag)
	s.stockWrites(tag)
	ask(s, route{path: "/stock-drift", id: "stock-drift", slow: true, title: "Where the channel shows another stock than we told it", tag: tag, text: "Reads the stock at the partner."}, func(ctx context.Context, in *driftList) (Page[connect.Drift], error) {
		found, err := s.Connect.DriftOf(ctx, in.Account, false)
		return Page[connect.Drift]{Items: orEmpty(found)}, err
	})
	write(s, route{method: http.MethodPut, path: "/locations/{code}", id: "save-location", title: "Add a branch or warehouse, or change it", tag: tag, scope: access.Admin}, s.saveLocation,
		func(tx *db.Tx, code string) (inventory.Location, error) { return s.Inventory.LocationByCode(tx, code) })
	read(s, route{path: "/locations", id: "list-locations", title: "Branches, warehouses and goods at channels", tag: tag}, func(tx *db.Tx, _ *struct{}) (Page[inventory.Location], error) {
		all, err := s.Inventory.Locations(tx)
		if err == nil {
			all, err = access.Seen(tx, access.Locations, all, func(l inventory.Location) string { return l.ID })
		}
		return Page[inventory.Location]{Items: orEmpty(all)}, err
	})
}

func (s *Server) stockReads(tag string) {
	read(s, route{path: "/stock", id: "list-stock", title: "Stock by SKU, location and condition", tag: tag}, func(tx *db.Tx, in *levelList) (Page[StockLevel], error) {
		f, after := inventory.LevelFilter{}, inventory.LevelKey{}
		var err error
		if in.SKU != "" {
			v, err := s.variant(tx, "sku", in.SKU)
			if err != nil {
				return Page[StockLevel]{}, err
			}
			f.Variants = []string{v}
		}
		if f.Location, err = s.location(tx, "location", in.Location); err != nil {
			return Page[StockLevel]{}, err
		}
		if in.After != "" {
			part := strings.Split(in.After, "/")
			if len(part) != 3 {
				return Page[StockLevel]{}, fault.Field("after", "is no cursor of this list")
			}
			after = inventory.LevelKey{Variant: part[0], Location: part[1], Condition: part[2]}
		}
		levels, err := s.Inventory.Levels(tx, f, after, in.Limit+1)
		if err != nil {
			return Page[StockLevel]{}, err
		}
		return s.levels(tx, levels, in.Limit)
	})
	read(s, route{path: "/stock/{sku}/explain", id: "explain-stock", title: "What may be promised of a SKU, with the arithmetic", tag: tag}, func(tx *db.Tx, in *explainQuery) (StockExplained, error) {
		v, err := s.variant(tx, "", in.SKU)
		if err != nil {
			return StockExplained{}, err
		}
		q := inventory.AvailQuery{Country: in.Country, Variants: []string{v}}
		if in.Account != "" {
			a, err := s.Connect.Account(tx, in.Account)
			if err != nil {
				return StockExplained{}, err
			}
			q.Account, q.LegalEntity = a.ID, a.LegalEntity
			if q.Country == "" {
				q.Country = a.Country
			}
			places, err := s.Connect.Places(tx, a.ID)
			if err != nil {
				return StockExplained{}, err
			}
			for ours := range places {
				q.Locations = append(q.Locations, ours)
			}
		}
		if q.Locations, err = s.explained(tx, q.Locations); err != nil {
			return StockExplained{}, err
		}
		e, err := s.Inventory.Explain(tx, v, q)
		return StockExplained{in.SKU, e, e.String()}, err
	})
	read(s, route{path: "/stock/{sku}/movements", id: "list-stock-movements", title: "What happened to the stock of a SKU", tag: tag, text: "Newest first."}, func(tx *db.Tx, in *movementList) (Page[StockMovement], error) {
		v, err := s.variant(tx, "", in.SKU)
		if err != nil {
			return Page[StockMovement]{}, err
		}
		at, err := s.location(tx, "location", in.Location)
		if err != nil {
			return Page[StockMovement]{}, err
		}
		moves, err := s.Inventory.Movements(tx, v, at, in.After, in.Limit+1)
		var all []StockMovement
		for _, m := range moves {
			all = append(all, StockMovement{in.SKU, m})
		}
		return page(all, in.Limit, func(m StockMovement) string { return m.ID }), err
	})
	read(s, route{path: "/reservations", id: "list-reservations", title: "Stock held for orders and carts", tag: tag}, func(tx *db.Tx, in *reservationList) (Page[Reservation], error) {
		f, err := s.holders(tx, in)
		if err != nil {
			return Page[Reservation]{}, err
		}
		found, err := s.Inventory.Reservations(tx, f, in.After, in.Limit+1)
		if err != nil {
			return Page[Reservation]{}, err
		}
		p := page(found, in.Limit, func(r inventory.Reserved) string { return r.ID })
		skus, err := skusOf(s, tx, p.Items, func(r inventory.Reserved) string { return r.Variant })
		out := Page[Reservation]{Items: []Reservation{}, Next: p.Next}
		for _, r := range p.Items {
			out.Items = append(out.Items, Reservation{skus[r.Variant], r})
		}
		return out, err
	})
	read(s, route{path: "/shortages", id: "list-shortages", title: "Stock that orders are short of", tag: tag}, func(tx *db.Tx, in *reservationList) (Page[Shortage], error) {
		f, err := s.holders(tx, in)
		if err != nil {
			return Page[Shortage]{}, err
		}
		found, err := s.Inventory.Shortages(tx, f.Variant, f.Order, in.After, in.Limit+1)
		if err != nil {
			return Page[Shortage]{}, err
		}
		p := page(found, in.Limit, func(r inventory.Short) string { return r.ID })
		skus, err := skusOf(s, tx, p.Items, func(r inventory.Short) string { return r.Variant })
		out := Page[Shortage]{Items: []Shortage{}, Next: p.Next}
		for _, r := range p.Items {
			out.Items = append(out.Items, Shortage{skus[r.Variant], r})
		}
		return out, err
	})
}

// explained are the locations whose stock a promise is explained from: those within reach of who asks.
func (s *Server) explained(tx *db.Tx, ids []string) ([]string, error) {
	if access.ReachOf(tx.Context()).Everything() {
		return ids, nil
	}
	all, err := s.Inventory.Locations(tx, ids...)
	if err != nil {
		return nil, err
	}
	all, err = access.Seen(tx, access.Locations, all, func(l inventory.Location) string { return l.ID })
	if err != nil {
		return nil, err
	}
	ids = make([]string, len(all))
	for i, l := range all {
		ids[i] = l.ID
	}
	if len(ids) == 0 {
		return nil, fault.New(fault.NotFound, "none of your locations sells this")
	}
	return ids, nil
}

type locationSave struct {
	Write
	Code string `path:"code" maxLength:"60" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$"`
	Body struct {
		Name        string `json:"name" minLength:"1" maxLength:"200"`
		Kind        string `json:"kind" enum:"branch,warehouse,online"`
		LegalEntity string `json:"legal_entity,omitempty" maxLength:"100" doc:"Id or code; may be missing where there is one for the country"`
		Country     string `json:"country" pattern:"^[A-Z]{2}$"`
		Province    string `json:"province,omitempty" maxLength:"100"`
		City        string `json:"city,omitempty" maxLength:"100"`
		Zone        string `json:"zone" minLength:"1" maxLength:"60" doc:"IANA, such as Asia/Karachi"`
		Closing     int64  `json:"closing_minute,omitempty" minimum:"0" maximum:"1439" doc:"Of the local day: what happens before it belongs to the business day before"`
		Priority    int64  `json:"priority,omitempty" minimum:"0" maximum:"1000000" doc:"Smaller is preferred"`
		Fulfils     bool   `json:"fulfils,omitempty" doc:"Sends orders"`
		Inactive    bool   `json:"inactive,omitempty"`
	}
}

func (in locationSave) resource() string { return in.Code }

func (s *Server) saveLocation(ctx context.Context, c *call, in *locationSave) error {
	b := in.Body
	entity, err := s.entity(ctx, b.LegalEntity, b.Country)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		ids, err := s.Inventory.SaveLocations(tx, []inventory.Location{{
			Code: in.Code, Name: b.Name, Kind: b.Kind, LegalEntity: entity, Country: b.Country, Province: b.Province, City: b.City, Zone: b.Zone,
			ClosingMinute: b.Closing, Priority: b.Priority, Fulfils: b.Fulfils, Active: !b.Inactive, Weight: 100,
		}})
		if err != nil {
			return err
		}
		return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "location.save", SubjectKind: "location", Subject: ids[0], RequestID: c.request, Detail: b})
	})
}

// Recorded says what was written down, under which reference it happens once.
type Recorded struct {
	Reference string `json:"reference"`
}

func showRecorded(_ *db.Tx, reference string) (Recorded, error) { return Recorded{reference}, nil }

func (s *Server) stockWrites(tag string) {
	write(s, route{path: "/stock/set", id: "set-stock", title: "Set what is on hand", tag: tag, text: "The difference becomes a movement. A fact: never refused."},
		func(ctx context.Context, c *call, in *stockSet) error { return s.counted(ctx, c, in, stock.MoveAdjust) }, showRecorded)
	write(s, route{path: "/stock/count", id: "count-stock", title: "Record a count", tag: tag, text: "Like set, recorded as a count of the shelf."},
		func(ctx context.Context, c *call, in *stockSet) error { return s.counted(ctx, c, in, stock.MoveCount) }, showRecorded)
	write(s, route{path: "/stock/adjust", id: "adjust-stock", title: "Add to or take from what is on hand", tag: tag}, func(ctx context.Context, c *call, in *stockAdjust) error {
		b := in.Body
		a := inventory.Adjustment{Reference: b.Reference, Condition: stock.Condition(b.Condition), Delta: b.Delta, Actor: c.actor, Note: b.Note}
		if a.Reference == "" {
			a.Reference = c.once()
		}
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			if a.Variant, err = s.variant(tx, "sku", b.SKU); err != nil {
				return err
			}
			a.Location, err = s.location(tx, "location", b.Location)
			return err
		})
		if err != nil {
			return err
		}
		c.about(a.Reference)
		return s.Inventory.Adjust(ctx, a)
	}, showRecorded)
	write(s, route{path: "/stock/transfers", id: "transfer-stock", title: "Record goods that move between locations", tag: tag}, s.transfer, showRecorded)
	write(s, route{method: http.MethodPut, path: "/stock/policy", id: "set-stock-policy", title: "Set safety stock and channel buffers", tag: tag}, s.stockPolicy, showRecorded)
}

func (s *Server) counted(ctx context.Context, c *call, in *stockSet, kind stock.MovementKind) error {
	ref := in.Body.Reference
	if ref == "" {
		ref = c.once()
	}
	c.about(ref)
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		all := make([]inventory.Counted, 0, len(in.Body.Items))
		audits := make([]audit.Entry, 0, len(in.Body.Items))
		for i, it := range in.Body.Items {
			v, err := s.variant(tx, field("items", i, "sku"), it.SKU)
			if err != nil {
				return err
			}
			at, err := s.location(tx, field("items", i, "location"), it.Location)
			if err != nil {
				return err
			}
			all = append(all, inventory.Counted{Variant: v, Location: at, Condition: stock.Condition(it.Condition), Quantity: it.Quantity, Kind: kind, RefKind: "api", RefID: ref, Actor: c.actor, Note: it.Note})
			audits = append(audits, audit.Entry{
				Actor: c.actor, Action: "stock." + string(kind), SubjectKind: "variant", Subject: v, RequestID: c.request,
				Detail: map[string]any{"location": at, "quantity": it.Quantity, "reference": ref},
			})
		}
		if _, err := s.Inventory.Count(tx, all); err != nil {
			return err
		}
		return s.Audit.Write(tx, audits...)
	})
}

func (s *Server) transfer(ctx context.Context, c *call, in *stockTransfer) error {
	b := in.Body
	c.about(b.Number)
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		t := inventory.Transfer{ID: b.Number, Actor: c.actor, At: tx.Now}
		var err error
		if t.From, err = s.location(tx, "from", b.From); err != nil {
			return err
		}
		if t.To, err = s.location(tx, "to", b.To); err != nil {
			return err
		}
		for i, it := range b.Items {
			v, err := s.variant(tx, field("items", i, "sku"), it.SKU)
			if err != nil {
				return err
			}
			t.Lines = append(t.Lines, inventory.TransferLine{Variant: v, Quantity: it.Quantity})
		}
		if b.Step != "receive" {
			if err := s.Inventory.SendTransfer(tx, t); err != nil {
				return err
			}
		}
		if b.Step != "send" {
			if err := s.Inventory.ReceiveTransfer(tx, t); err != nil {
				return err
			}
		}
		return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "stock.transfer", SubjectKind: "transfer", Subject: b.Number, RequestID: c.request, Detail: map[string]any{"from": t.From, "to": t.To, "step": b.Step}})
	})
}

func (s *Server) stockPolicy(ctx context.Context, c *call, in *stockPolicy) error {
	c.about(c.once())
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		var safety []inventory.Safety
		for i, x := range in.Body.Safety {
			v, err := s.variant(tx, field("safety", i, "sku"), x.SKU)
			if err != nil {
				return err
			}
			at, err := s.location(tx, field("safety", i, "location"), x.Location)
			if err != nil {
				return err
			}
			safety = append(safety, inventory.Safety{Variant: v, Location: at, Quantity: x.Quantity})
		}
		var buffers []inventory.Buffer
		for i, x := range in.Body.Buffers {
			a, err := s.Connect.Account(tx, x.Account)
			if err != nil {
				return err
			}
			v := ""
			if x.SKU != "" {
				if v, err = s.variant(tx, field("buffers", i, "sku"), x.SKU); err != nil {
					return err
				}
			}
			buffers = append(buffers, inventory.Buffer{Account: a.ID, Variant: v, Quantity: x.Quantity})
		}
		if err := s.Inventory.SetSafety(tx, safety); err != nil {
			return err
		}
		if err := s.Inventory.SetBuffers(tx, buffers); err != nil {
			return err
		}
		return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "stock.policy", SubjectKind: "stock", Subject: "policy", RequestID: c.request, Detail: in.Body})
	})
}

func (s *Server) holders(tx *db.Tx, in *reservationList) (f inventory.ReservedFilter, err error) {
	if in.SKU != "" {
		if f.Variant, err = s.variant(tx, "sku", in.SKU); err != nil {
			return f, err
		}
	}
	if f.Location, err = s.location(tx, "location", in.Location); err != nil {
		return f, err
	}
	if in.Order != "" {
		v, err := s.Order.Get(tx, in.Order)
		if err != nil {
			return f, err
		}
		f.Order = v.ID
	}
	return f, nil
}

// variant finds the variant of a SKU; without a field the SKU is the resource itself.
func (s *Server) variant(tx *db.Tx, at, sku string) (string, error) {
	found, err := s.Catalog.Variants(tx, []string{sku})
	if err != nil {
		return "", err
	}
	if id := found[sku]; id != "" {
		return id, nil
	}
	if at == "" {
		return "", fault.New(fault.NotFound, "there is no SKU %q", sku)
	}
	return "", fault.Field(at, "there is no SKU %q", sku)
}

// location finds a location by id or code; "" stays so.
func (s *Server) location(tx *db.Tx, at, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	l, err := s.Inventory.LocationByCode(tx, ref)
	if err == nil {
		return l.ID, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return "", err
	}
	all, err := s.Inventory.Locations(tx, ref)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fault.Field(at, "there is no location %q", ref)
	}
	return all[0].ID, nil
}

func (s *Server) levels(tx *db.Tx, levels []inventory.Level, limit int) (Page[StockLevel], error) {
	p := page(levels, limit, func(l inventory.Level) string { return l.Variant + "/" + l.Location + "/" + string(l.Condition) })
	out := Page[StockLevel]{Items: []StockLevel{}, Next: p.Next}
	skus, err := skusOf(s, tx, p.Items, func(l inventory.Level) string { return l.Variant })
	if err != nil {
		return out, err
	}
	places, err := s.Inventory.Locations(tx)
	if err != nil {
		return out, err
	}
	codes := map[string]string{}
	for _, l := range places {
		codes[l.ID] = l.Code
	}
	for _, l := range p.Items {
		out.Items = append(out.Items, StockLevel{skus[l.Variant], codes[l.Location], l})
	}
	return out, nil
}

// skusOf names the variants of a page, with one query. It is a function, since methods have no type parameters.
func skusOf[T any](s *Server, tx *db.Tx, items []T, variant func(T) string) (map[string]string, error) {
	seen, ids := map[string]bool{}, []string{}
	for _, it := range items {
		if v := variant(it); !seen[v] {
			seen[v] = true
			ids = append(ids, v)
		}
	}
	found, err := s.Catalog.ByID(tx, ids)
	out := make(map[string]string, len(found))
	for id, v := range found {
		out[id] = v.SKU
	}
	return out, err
}

func field(list string, i int, name string) string {
	return list + "[" + strconv.Itoa(i) + "]." + name
}
