package inventory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Counted is what somebody counted at a place.
type Counted struct {
	Variant   string
	Location  string
	Condition stock.Condition // default sellable
	Quantity  int64
	Kind      stock.MovementKind // default a count; opening for the first one
	RefKind   string             // default count
	RefID     string
	At        time.Time // when it was counted; what moved since is kept. Zero = now
	UnitCost  *int64    // minor units of Currency; nil = unknown
	Currency  string
	Actor     string
	Note      string
}

// Count sets on hand to what was counted: the difference becomes a movement, also when it is zero, so that a repeat under the same reference
// changes nothing. A count is a fact: like Move it is never refused. It answers how many counts were new.
// Fault: Invalid for a negative quantity, a place counted twice in one call, or what Move refuses.
func (s *Service) Count(tx *db.Tx, all []Counted) (int, error) {
	if err := complete(all); err != nil || len(all) == 0 {
		return 0, err
	}
	all, err := s.uncounted(tx, all)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	sc := newScope()
	batch := db.NewBatch(0)
	for _, c := range all {
		sc.spots[c.spot()] = true
		batch.Add(c.Variant, c.Location, c.Condition, c.At.UnixMicro())
	}
	makeLevels(tx, slices.Collect(maps.Keys(sc.spots)))
	b, err := read(tx, sc) // the levels are ours now: nothing moves until the count is written
	if err != nil {
		return 0, err
	}
	since := map[spot]int64{}
	tx.SendQuery(`select m.variant_id, m.location_id, m.condition, cast(sum(m.delta) as bigint) from rows(v text, l text, c text, w bigint)
		join stock_movements m on m.variant_id = r.v and m.location_id = r.l and m.condition = r.c and m.at > r.w
		group by m.variant_id, m.location_id, m.condition`, func(row db.Scanner) error {
		var x spot
		var n int64
		err := row.Scan(&x.variant, &x.location, db.Text(&x.condition), &n)
		since[x] = n
		return err
	}, batch)
	if err := tx.Flush(); err != nil {
		return 0, err
	}
	ms := make([]stock.Movement, len(all))
	for i, c := range all {
		ms[i] = c.movement()
		ms[i].Delta = c.Quantity + since[c.spot()] - b.levels[c.spot()].onHand
		if ms[i].Delta == 0 {
			ms[i].Kind = stock.MoveCount
		}
	}
	return len(ms), s.Move(tx, ms)
}

func (c Counted) spot() spot { return spot{c.Variant, c.Location, c.Condition} }

func (c Counted) movement() stock.Movement {
	return stock.Movement{
		Variant: c.Variant, Location: c.Location, Condition: c.Condition, Kind: c.Kind, RefKind: c.RefKind, RefID: c.RefID,
		UnitCost: c.UnitCost, Currency: c.Currency, Actor: c.Actor, Note: c.Note, At: c.At,
	}
}

// complete fills in what is usual and refuses what cannot be.
func complete(all []Counted) error {
	seen := map[spot]bool{}
	for i := range all {
		c := &all[i]
		c.Condition = cmp.Or(c.Condition, stock.Sellable)
		c.Kind = cmp.Or(c.Kind, stock.MoveCount)
		c.RefKind = cmp.Or(c.RefKind, "count")
		switch {
		case c.RefID == "":
			return fault.Field(fieldOf("counts", i), "a count has a reference")
		case c.Quantity < 0 || c.Quantity > mostUnits:
			return fault.Field(fieldOf("counts", i)+".quantity", "must be zero or more units that a location can hold")
		case seen[c.spot()]:
			return fault.Field(fieldOf("counts", i), "the same place is counted twice")
		}
		seen[c.spot()] = true
	}
	return nil
}

// uncounted leaves out counts that were recorded before, and dates those that have no time.
func (s *Service) uncounted(tx *db.Tx, all []Counted) ([]Counted, error) {
	batch := db.NewBatch(0)
	for i := range all {
		c := &all[i]
		if c.At.IsZero() || c.At.After(tx.Now) {
			c.At = tx.Now
		}
		batch.Add(c.RefKind, c.RefID, c.Variant, c.Location, c.Condition)
	}
	known := map[spot]bool{}
	tx.SendQuery(`select m.variant_id, m.location_id, m.condition from rows(k text, i text, v text, l text, c text)
		join stock_movements m on m.reference_kind = r.k and m.reference_id = r.i and m.variant_id = r.v and m.location_id = r.l and m.condition = r.c
		where m.kind in ('count', 'opening')`, func(row db.Scanner) error {
		var x spot
		err := row.Scan(&x.variant, &x.location, db.Text(&x.condition))
		known[x] = true
		return err
	}, batch)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Counted) bool { return known[c.spot()] }), nil
}

// Adjustment is a change of stock that a person makes by hand.
type Adjustment struct {
	Reference string // makes it happen once
	Variant   string
	Location  string
	Condition stock.Condition // default sellable
	Delta     int64
	Actor     string
	Note      string // why; required
}

// Adjust records a correction a person makes. Fault: Invalid without a reason or a reference.
func (s *Service) Adjust(ctx context.Context, a Adjustment) error {
	if a.Note == "" || a.Actor == "" {
		return fault.Field("note", "a correction says who makes it and why")
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.Move(tx, []stock.Movement{{
			Variant: a.Variant, Location: a.Location, Condition: a.Condition, Delta: a.Delta, Kind: stock.MoveAdjust, RefKind: "adjustment",
			RefID: a.Reference, Actor: a.Actor, Note: a.Note,
		}}); err != nil {
			return err
		}
		return s.need.Audit(tx, audit.Entry{
			Actor: a.Actor, Action: "stock.adjust", SubjectKind: "variant", Subject: a.Variant,
			Detail: map[string]any{"location_id": a.Location, "condition": a.Condition, "delta": a.Delta, "reference": a.Reference, "note": a.Note},
		})
	})
}

// Reconditioned is goods that turned out to be in another condition: damaged, to be looked at, or good again.
type Reconditioned struct {
	Reference string // makes it happen once; the inverse has From and To exchanged and a reference of its own
	Variant   string
	Location  string
	From, To  stock.Condition
	Quantity  int64
	Actor     string
	Note      string
}

// Recondition moves goods between conditions. It is a fact: what is reserved of them becomes short.
// Fault: Invalid for a quantity that is not positive or conditions that are the same.
func (s *Service) Recondition(tx *db.Tx, all []Reconditioned) error {
	var ms []stock.Movement
	for i, r := range all {
		if r.Quantity <= 0 || r.From == r.To {
			return fault.Field(fieldOf("goods", i), "units and two different conditions are needed")
		}
		m := stock.Movement{
			Variant: r.Variant, Location: r.Location, Condition: r.From, Delta: -r.Quantity, Kind: stock.MoveDamage, RefKind: "condition",
			RefID: r.Reference, Actor: r.Actor, Note: r.Note,
		}
		in := m
		in.Condition, in.Delta = r.To, r.Quantity
		ms = append(ms, m, in)
	}
	return s.Move(tx, ms)
}

// Transfer is goods on their way from one location to another: sent by one movement, received by another. What was sent and not received
// is in transit.
type Transfer struct {
	ID       string // the transfer's number; lines are sent and received once under it
	From, To string
	Lines    []TransferLine
	Actor    string
	At       time.Time
}

// TransferLine is units of a variant in a transfer.
type TransferLine struct {
	Variant  string
	Quantity int64
}

// SendTransfer records that goods left. ReceiveTransfer records what arrived, all of it or what there was: the difference stays in transit
// until it is counted off. Both are facts. Fault: Invalid without an id or for a quantity that is not positive.
func (s *Service) SendTransfer(tx *db.Tx, t Transfer) error {
	return s.transfer(tx, t, t.From, stock.MoveTransferOut, -1)
}

// ReceiveTransfer records what arrived of a transfer.
func (s *Service) ReceiveTransfer(tx *db.Tx, t Transfer) error {
	return s.transfer(tx, t, t.To, stock.MoveTransferIn, 1)
}

func (s *Service) transfer(tx *db.Tx, t Transfer, location string, kind stock.MovementKind, sign int64) error {
	var ms []stock.Movement
	for i, l := range t.Lines {
		if l.Quantity <= 0 {
			return fault.Field(fieldOf("lines", i)+".quantity", "must be at least 1")
		}
		ms = append(ms, stock.Movement{
			Variant: l.Variant, Location: location, Delta: sign * l.Quantity, Kind: kind, RefKind: "transfer", RefID: t.ID, Actor: t.Actor, At: t.At,
		})
	}
	return s.Move(tx, ms)
}

// InTransit counts, per variant, what transfers sent and nobody received.
func (s *Service) InTransit(tx *db.Tx, transfer string) (map[string]int64, error) {
	out := map[string]int64{}
	tx.SendQuery(`select variant_id, cast(-sum(delta) as bigint) from stock_movements where reference_kind = 'transfer' and reference_id = $1
		group by variant_id having sum(delta) <> 0`, func(row db.Scanner) error {
		var variant string
		var n int64
		err := row.Scan(&variant, &n)
		out[variant] = n
		return err
	}, transfer)
	return out, tx.Flush()
}

// Coming is what a transfer sent of a variant and nobody received.
type Coming struct {
	ID       string
	Quantity int64
	Sent     time.Time
}

// ComingOf lists the transfers that a variant is under way in, the newest first: of those sent since a time, 50 at most.
func (s *Service) ComingOf(tx *db.Tx, variant string, since time.Time) ([]Coming, error) {
	return db.All(tx, func(row db.Scanner) (c Coming, err error) {
		err = row.Scan(&c.ID, &c.Quantity, db.Time(&c.Sent))
		return c, err
	}, `select reference_id, cast(-sum(delta) as bigint), min(at) from stock_movements
		where variant_id = $1 and reference_kind = 'transfer' and at >= $2 group by reference_id having sum(delta) < 0 order by min(at) desc, reference_id limit 50`, variant, since.UnixMicro())
}
