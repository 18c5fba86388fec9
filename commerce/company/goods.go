package company

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/pos"
)

// remembered is how many ids of movements are kept, more than any page and its overlap show.
const remembered = 1000

// goods is one reading of items between two of movements: what moved before the items were read is in them, what moved while they were read is not yet taken.
type goods struct {
	first  bool // nothing was read before: all movements shown are in the items
	before pos.Feed
	items  pos.Page[pos.Item]
	during map[[2]string]bool // (SKU, branch) that moved meanwhile
}

// syncStock takes new SKUs into the range, the stock of places that had none, and the movements since the last reading.
func (s *Service) syncStock(ctx context.Context, core pos.Core, o Options, report *Report) error {
	last, err := s.reading(ctx, ListStock)
	if err != nil {
		return err
	}
	g, err := readGoods(ctx, core, last)
	if err != nil {
		return err
	}
	added := 0
	err = s.need.DB.Write(ctx, func(tx *db.Tx) (err error) { added, err = s.grow(tx, g); return err })
	if err != nil {
		return err
	}
	var done Report
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		done = Report{Products: added}
		return s.takeGoods(tx, g, last, o, &done)
	})
	report.Products, report.Opened, report.Movements, report.Counted, report.Stale = done.Products, done.Opened, done.Movements, done.Counted, done.Stale
	report.Problems += done.Problems
	return err
}

func readGoods(ctx context.Context, core pos.Core, last Reading) (g goods, err error) {
	g.first, g.during = last.ReadAt.IsZero(), map[[2]string]bool{}
	if g.before, err = core.Movements(ctx, last.mark); err != nil {
		return g, err
	}
	if g.items, err = core.Items(ctx); err != nil {
		return g, err
	}
	after, err := core.Movements(ctx, g.before.Mark)
	if err != nil {
		return g, err
	}
	taken := map[string]bool{}
	for _, m := range g.before.Rows {
		taken[m.ID] = true
	}
	for _, id := range last.seen {
		taken[id] = true
	}
	for _, m := range after.Rows {
		if !taken[m.ID] {
			g.during[[2]string{m.SKU, m.Branch}] = true
		}
	}
	return g, nil
}

func (s *Service) takeGoods(tx *db.Tx, g goods, last Reading, o Options, done *Report) error {
	problems := append(slices.Clone(g.items.Problems), g.before.Problems...)
	units, countries, err := s.locations(tx)
	if err != nil {
		return err
	}
	variants, err := s.need.Variants(tx, skusOf(g))
	if err != nil {
		return err
	}
	b := &books{s: s, core: s.need.Name, units: units, variants: variants, problems: problems}
	if b.stocked, err = s.need.Stocked(tx, b.spots(g)); err != nil {
		return err
	}
	rules, err := s.need.Countries(tx, sortedValues(countries))
	if err != nil {
		return err
	}
	zone := func(branch string) string { return rules[countries[branch]].Zone }
	moves := b.moves(tx, g, last, zone)
	opening := b.openings(tx, g)
	done.Movements, done.Opened = len(moves), len(opening)
	if err := s.need.Move(tx, append(moves, opening...)); err != nil {
		return err
	}
	if o.Recount {
		if err := b.recount(tx, g, o, done); err != nil {
			return err
		}
	}
	next := last.done(tx.Now, g.items.Complete, len(g.items.Rows), b.problems)
	next.mark, next.seen = g.before.Mark, seenOf(g, last)
	if err := s.judgeGap(tx, g, o, &next); err != nil {
		return err
	}
	done.Problems, done.Stale = len(b.problems), !next.StaleAt.IsZero()
	return s.note(tx, next)
}

// judgeGap marks the stock as stale when movements were lost, and as fresh when every item was counted.
func (s *Service) judgeGap(tx *db.Tx, g goods, o Options, next *Reading) error {
	if o.Recount && g.items.Complete && len(g.during) == 0 {
		return s.fresh(tx, next, o.Actor)
	}
	if !g.before.Gap {
		return nil
	}
	if next.StaleAt.IsZero() {
		next.StaleAt = tx.Now
	}
	return exception.Raise(tx, exception.Case{
		Cause: exception.StaleLocation, SubjectKind: "core", Subject: s.need.Name,
		Detail: map[string]any{"core": s.need.Name, "detail": "more movements happened between two readings than the core shows: its stock here is no longer what it has"},
	})
}

func (s *Service) fresh(tx *db.Tx, r *Reading, actor string) error {
	r.StaleAt = time.Time{}
	if err := exception.Clear(tx, cmp.Or(actor, "system"), "the stock was loaded in full", exception.Key{Cause: exception.StaleLocation, SubjectKind: "core", Subject: s.need.Name}); err != nil {
		return err
	}
	return s.audit(tx, cmp.Or(actor, "system"), "fresh", map[string]any{"rows": r.Shown})
}

// seenOf are the ids of movements that were taken, the newest last.
func seenOf(g goods, last Reading) []string {
	have := map[string]bool{}
	for _, id := range last.seen {
		have[id] = true
	}
	all := slices.Clone(last.seen)
	for _, m := range g.before.Rows {
		if !have[m.ID] {
			have[m.ID] = true
			all = append(all, m.ID)
		}
	}
	return all[max(0, len(all)-remembered):]
}

func skusOf(g goods) []string {
	var skus []string
	for _, it := range g.items.Rows {
		skus = append(skus, it.SKU)
	}
	for _, m := range g.before.Rows {
		skus = append(skus, m.SKU)
	}
	slices.Sort(skus)
	return slices.Compact(skus)
}

// grow adds the SKUs that the core has and we do not know, and answers how many; what people say of known ones stays.
func (s *Service) grow(tx *db.Tx, g goods) (int, error) {
	variants, err := s.need.Variants(tx, skusOf(g))
	if err != nil {
		return 0, err
	}
	var fresh []Product
	added := map[string]bool{}
	for _, it := range g.items.Rows {
		if variants[it.SKU] == "" && !added[it.SKU] && it.Active {
			added[it.SKU] = true
			fresh = append(fresh, Product{SKU: it.SKU, Title: cmp.Or(it.Name, it.SKU), UOM: it.UOM})
		}
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	return len(fresh), s.need.SaveProducts(tx, fresh)
}

// books turn what was read into facts of stock.
type books struct {
	s        *Service
	core     string
	units    map[string]Unit   // branches and warehouses by the core's id
	variants map[string]string // by SKU
	stocked  map[Spot]bool     // where stock was taken before
	problems []pos.Problem
}

func (b *books) spot(sku, branch string) (Spot, bool) {
	at := Spot{b.variants[sku], b.units[branch].Location}
	return at, at.Variant != "" && at.Location != ""
}

func (b *books) spots(g goods) []Spot {
	var all []Spot
	for _, it := range g.items.Rows {
		if at, ok := b.spot(it.SKU, it.Branch); ok {
			all = append(all, at)
		}
	}
	for _, m := range g.before.Rows {
		if at, ok := b.spot(m.SKU, m.Branch); ok {
			all = append(all, at)
		}
	}
	return all
}

var kinds = map[pos.MovementType]stock.MovementKind{
	pos.MoveSale: stock.MoveTillSale, pos.MovePurchase: stock.MoveReceipt, pos.MoveAdjustment: stock.MoveAdjust, pos.MoveTransferIn: stock.MoveTransferIn,
	pos.MoveTransferOut: stock.MoveTransferOut, pos.MoveSaleReturn: stock.MoveReturn,
}

// moves are the movements since the last reading, at places whose stock was taken before. At others they are part of what is taken now; our own have moved our stock already.
func (b *books) moves(tx *db.Tx, g goods, last Reading, zone func(branch string) string) []stock.Movement {
	if g.first {
		return nil
	}
	seen := map[string]bool{}
	for _, id := range last.seen {
		seen[id] = true
	}
	shown := map[Spot]bool{}
	for _, it := range g.items.Rows {
		if at, ok := b.spot(it.SKU, it.Branch); ok {
			shown[at] = true
		}
	}
	var all []stock.Movement
	for _, m := range g.before.Rows {
		at, ok := b.spot(m.SKU, m.Branch)
		switch {
		case seen[m.ID] || m.Ours() || m.Delta == 0:
			continue
		case !ok:
			b.problems = append(b.problems, problem(m.ID, "movement", "its SKU or branch is not known here"))
			continue
		case !b.stocked[at] && !shown[at]:
			b.problems = append(b.problems, problem(m.ID, "movement", "the stock of its SKU there was never taken, and the core does not show it: load it by file"))
			continue
		case !b.stocked[at]:
			continue
		}
		seen[m.ID] = true
		kind, known := kinds[m.Type]
		if !known {
			kind = stock.MoveAdjust
		}
		all = append(all, stock.Movement{
			Variant: at.Variant, Location: at.Location, Delta: m.Delta, Kind: kind, RefKind: "pos", RefID: b.core + ":" + m.ID, Actor: "pos", Note: m.Code, At: moment(tx.Now, m.Date, zone(m.Branch)),
		})
	}
	return all
}

// moment is when a movement of a business day happened, as far as it is known: now when it is of today, else at noon of its day.
func moment(now time.Time, date, zone string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	at, err := day(date, loc, 0)
	if err != nil || date == now.In(loc).Format(time.DateOnly) || at.After(now) {
		return now
	}
	return at.Add(12 * time.Hour)
}

// openings take the stock of places that had none. One that moved while the items were read is left for the next reading.
func (b *books) openings(tx *db.Tx, g goods) []stock.Movement {
	var all []stock.Movement
	taken := map[Spot]bool{}
	for _, it := range g.items.Rows {
		at, ok := b.spot(it.SKU, it.Branch)
		if !ok || b.stocked[at] || taken[at] || g.during[[2]string{it.SKU, it.Branch}] {
			if it.Branch != "" && !ok {
				b.problems = append(b.problems, problem(it.ID, "item", "its SKU or branch is not known here"))
			}
			continue
		}
		taken[at] = true
		m := stock.Movement{
			Variant: at.Variant, Location: at.Location, Delta: it.OnHand, Kind: stock.MoveOpening, RefKind: "pos", RefID: b.core + ":opening:" + it.ID, Actor: "pos", At: tx.Now,
		}
		if m.Delta == 0 {
			m.Kind = stock.MoveCount // that there is nothing is known from now on
		}
		all = append(all, m)
	}
	return all
}

// recount takes what the core shows as a count of every place it shows.
func (b *books) recount(tx *db.Tx, g goods, o Options, done *Report) error {
	var all []Counted
	taken := map[Spot]bool{}
	for _, it := range g.items.Rows {
		at, ok := b.spot(it.SKU, it.Branch)
		switch {
		case !ok || !b.stocked[at] || taken[at] || g.during[[2]string{it.SKU, it.Branch}]:
			continue
		case it.OnHand < 0:
			b.problems = append(b.problems, problem(it.ID, "quantity_on_hand", "is below zero: count the shelf"))
			continue
		}
		taken[at] = true
		all = append(all, Counted{Spot: at, Quantity: it.OnHand, Reference: fmt.Sprintf("%s:recount:%d", b.core, tx.Now.UnixMicro()), Actor: cmp.Or(o.Actor, "pos")})
	}
	done.Counted = len(all)
	if len(all) == 0 {
		return nil
	}
	if err := b.s.need.Count(tx, all); err != nil {
		return err
	}
	return b.s.audit(tx, cmp.Or(o.Actor, "pos"), "recount", map[string]int{"places": len(all)})
}

func sortedValues(m map[string]string) []string {
	var all []string
	for _, v := range m {
		all = append(all, v)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
