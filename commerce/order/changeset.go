package order

import (
	"context"
	"encoding/json"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// ChangeKind is what a change set changes.
type ChangeKind string

const (
	ChangeCancel  ChangeKind = "cancel"
	ChangeAddress ChangeKind = "address"
	ChangeNote    ChangeKind = "note"
)

// Change is what somebody wants changed of an order; one of Cancel, Address and Note is set.
type Change struct {
	Order   string        `json:"-"`
	Version int64         `json:"-"` // the version the person saw; 0 = whatever it is now
	Cancel  *Cancelling   `json:"cancel,omitempty"`
	Address *Readdressing `json:"address,omitempty"`
	Note    string        `json:"note,omitempty"`
	Source  string        `json:"-"` // api, cli, console
	Actor   string        `json:"-"`
}

func (c *Change) kind() (ChangeKind, error) {
	switch {
	case c.Cancel != nil && c.Address == nil && c.Note == "":
		return ChangeCancel, nil
	case c.Address != nil && c.Cancel == nil && c.Note == "":
		return ChangeAddress, nil
	case c.Note != "" && c.Cancel == nil && c.Address == nil:
		return ChangeNote, nil
	}
	return "", fault.New(fault.Invalid, "a change is one of cancel, address and note")
}

// Readdressing is another address: the sealed personal record that holds it, and of it what tax and routing need. It is possible until something is packed.
type Readdressing struct {
	Record   string `json:"-"` // id of the sealed record, stored by the caller
	Country  string `json:"country"`
	Province string `json:"province,omitempty"`
	City     string `json:"city,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Complete bool   `json:"complete"` // a parcel can be sent to it
}

// ChangeSet is a change as it is kept: previewed, then confirmed on the very version that was looked at, or discarded.
type ChangeSet struct {
	ID        string          `json:"id"`
	Order     string          `json:"order_id"`
	Kind      ChangeKind      `json:"kind"`
	State     string          `json:"state"` // draft, applied, discarded
	Source    string          `json:"source"`
	Actor     string          `json:"actor"`
	Version   int64           `json:"order_version"`
	Content   json.RawMessage `json:"content"`
	Preview   json.RawMessage `json:"preview"`
	CreatedAt time.Time       `json:"created_at"`
	AppliedAt time.Time       `json:"applied_at,omitzero"`
	record    string
}

const changeColumns = `id, order_id, kind, state, source, actor, order_version, content, preview, created_at, applied_at, buyer_id`

func scanChange(row db.Scanner) (ChangeSet, error) {
	var c ChangeSet
	var content, preview string
	err := row.Scan(&c.ID, &c.Order, &c.Kind, &c.State, &c.Source, &c.Actor, &c.Version, &content, &preview, db.Time(&c.CreatedAt), db.Time(&c.AppliedAt), db.Text(&c.record))
	c.Content, c.Preview = json.RawMessage(content), json.RawMessage(preview)
	return c, err
}

// Propose keeps a change with its preview and changes nothing else. Faults: Invalid, NotFound; Conflict when the order has changed since, or when it is too late.
func (s *Service) Propose(ctx context.Context, c Change) (ChangeSet, error) {
	kind, err := c.kind()
	if err != nil {
		return ChangeSet{}, err
	}
	var set ChangeSet
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		h, lines, err := s.atVersion(tx, c.Order, c.Version)
		if err != nil {
			return err
		}
		preview, err := s.preview(tx, &h, lines, &c)
		if err != nil {
			return err
		}
		set = ChangeSet{
			ID: db.ID(), Order: h.ID, Kind: kind, State: "draft", Source: c.Source, Actor: c.Actor, Version: h.Version, CreatedAt: tx.Now,
			Content: json.RawMessage(text(c)), Preview: json.RawMessage(text(preview)),
		}
		if c.Address != nil {
			set.record = c.Address.Record
		}
		_, err = tx.Exec(`insert into order_change_sets (id, order_id, kind, state, source, actor, order_version, content, preview, buyer_id, created_at)
			values ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $9, $10)`, set.ID, set.Order, string(kind), set.Source, set.Actor, set.Version, string(set.Content),
			string(set.Preview), orNull(set.record), db.Micros(tx.Now))
		return err
	})
	return set, err
}

// preview says what a change would do; it refuses what is too late.
func (s *Service) preview(tx *db.Tx, h *Head, lines []Line, c *Change) (any, error) {
	switch {
	case c.Cancel != nil:
		copied := append([]Line(nil), lines...)
		for i := range copied {
			copied[i].Units = append([]Unit(nil), lines[i].Units...)
		}
		return s.cut(tx, h, copied, *c.Cancel)
	case c.Address != nil:
		return map[string]any{"was": place{h.ShipCountry, h.ShipProvince, h.ShipCity}, "is": place{c.Address.Country, c.Address.Province, c.Address.City}}, s.movable(tx, h, c.Address)
	}
	return map[string]string{"note": c.Note}, nil
}

type place struct {
	Country  string `json:"country"`
	Province string `json:"province,omitempty"`
	City     string `json:"city,omitempty"`
}

// movable reports whether the address may still change: nothing is packed or gone, and the country, with its tax, stays.
func (s *Service) movable(tx *db.Tx, h *Head, a *Readdressing) error {
	switch {
	case a.Record == "":
		return fault.Field("address.record", "the sealed record is missing")
	case a.Country != h.ShipCountry:
		return fault.Field("address.country", "the country stays %s: tax and price rest on it", h.ShipCountry)
	case h.Units.Open == 0 || h.Units.Shipped > 0:
		return fault.New(fault.Conflict, "order %s has been handed over", h.Number).WithCode("handed_over")
	}
	packed, err := s.need.Committed(tx, []string{h.ID})
	if err != nil {
		return err
	}
	for _, n := range packed {
		if n > 0 {
			return fault.New(fault.Conflict, "order %s is packed: unpack it first", h.Number).WithCode("packed")
		}
	}
	return nil
}

// Confirm applies a proposed change, on the version that was previewed. fault.Conflict when the order has changed since, or when the change is no draft any more.
func (s *Service) Confirm(ctx context.Context, id, actor string) (ChangeSet, error) {
	var set ChangeSet
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		var err error
		if set, err = draft(tx, id); err != nil {
			return err
		}
		var c Change
		if err := json.Unmarshal(set.Content, &c); err != nil {
			return err
		}
		h, lines, err := s.atVersion(tx, set.Order, set.Version)
		if err != nil {
			return err
		}
		if set, err = draft(tx, id); err != nil { // the order is locked now: nobody else confirms it
			return err
		}
		if err := s.applyChange(tx, &h, lines, &c, set, actor); err != nil {
			return err
		}
		set.State, set.AppliedAt = "applied", tx.Now
		_, err = tx.Exec(`update order_change_sets set state = 'applied', applied_at = $2 where id = $1`, id, db.Micros(tx.Now))
		return err
	})
	return set, err
}

func draft(tx *db.Tx, id string) (ChangeSet, error) {
	set, err := db.One(tx, scanChange, `select `+changeColumns+` from order_change_sets where id = $1`, id)
	if err == nil && set.State != "draft" {
		err = fault.New(fault.Conflict, "this change is %s already", set.State).WithCode("already")
	}
	return set, err
}

func (s *Service) applyChange(tx *db.Tx, h *Head, lines []Line, c *Change, set ChangeSet, actor string) error {
	switch {
	case c.Cancel != nil:
		cut := *c.Cancel
		cut.Order, cut.Version, cut.Actor, cut.Source = h.ID, 0, actor, set.Source
		_, err := s.CancelTx(tx, cut)
		return err
	case c.Address != nil:
		c.Address.Record = set.record
		return s.readdress(tx, h, lines, c.Address, set, actor)
	}
	return s.Note(tx, []Fact{{OrderID: h.ID, Kind: "note", Source: set.Source, Actor: actor, Subject: set.ID, Detail: json.RawMessage(text(map[string]string{"note": c.Note}))}})
}

// readdress puts another address on an order; the channel's own stands back until it says something else. What the address held goes on.
func (s *Service) readdress(tx *db.Tx, h *Head, lines []Line, a *Readdressing, set ChangeSet, actor string) error {
	if err := s.movable(tx, h, a); err != nil {
		return err
	}
	h.Buyer, h.AddressOK = a.Record, a.Complete
	h.ShipProvince, h.ShipCity, h.ShipPostcode = a.Province, a.City, prefix(a.Postcode)
	open, err := holdsOf(tx, []string{h.ID})
	if err != nil {
		return err
	}
	c := newHoldChange()
	want := map[HoldType]wantHold{}
	if !a.Complete {
		want[HoldAddress] = wantHold{detail: "a parcel cannot be sent with the address as it is", by: "system"}
	}
	now := c.settle(tx, h, open[h.ID], want, []HoldType{HoldAddress, HoldReaddress}, actor)
	if err := c.write(tx, actor); err != nil {
		return err
	}
	if err := s.saveHead(tx, h, lines); err != nil {
		return err
	}
	err = s.Note(tx, []Fact{{OrderID: h.ID, Kind: "readdressed", Source: set.Source, Actor: actor, Subject: set.ID, Detail: set.Preview}})
	if err != nil || !h.Effective() {
		return err
	}
	if held := blocking(now); len(held) > 0 || len(open[h.ID]) == 0 {
		return s.emit(tx, h.out(event.OrderChanged, false, tx.Now, factOf(h, lines, held)))
	}
	return s.ready(tx, h, lines, now)
}

// Discard gives a proposed change up. fault.Conflict when it is no draft any more.
func (s *Service) Discard(ctx context.Context, id string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`update order_change_sets set state = 'discarded' where id = $1 and state = 'draft'`, id)
		if err != nil || n == 1 {
			return err
		}
		_, err = draft(tx, id)
		return err
	})
}

// ChangeSet reads one. Fault: NotFound.
func (s *Service) ChangeSet(tx *db.Tx, id string) (ChangeSet, error) {
	set, err := db.One(tx, scanChange, `select `+changeColumns+` from order_change_sets where id = $1`, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no change %s", id)
	}
	return set, err
}

// ChangeSets lists the changes proposed of an order, oldest first.
func (s *Service) ChangeSets(tx *db.Tx, order string) ([]ChangeSet, error) {
	return db.All(tx, scanChange, `select `+changeColumns+` from order_change_sets where order_id = $1 order by id`, order)
}
