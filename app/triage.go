package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"slices"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/console"
)

// mostClaims is among how many reservations and shortages of one item it is decided at once.
const mostClaims = 1000

// planTriage works out who would get an item that is short: what is reserved and not picked is dealt again by the rule, among the orders and locations that whoever asks
// may see. What is picked stays; a kit gets what makes whole kits with its other parts.
func (a *App) planTriage(tx *db.Tx, variant string, rule console.Rule) (console.Plan, error) {
	plan := console.Plan{Variant: variant, Rule: rule}
	if rankBy[rule] == nil {
		return plan, fault.Field("rule", "there is no rule %q", rule)
	}
	has, err := a.reserved(tx, variant)
	if err != nil {
		return plan, err
	}
	claims, err := a.claims(tx, variant, has)
	if err != nil {
		return plan, err
	}
	slices.SortFunc(claims, func(x, y console.Claim) int {
		return cmp.Or(cmp.Compare(min(1, len(x.Waits)), min(1, len(y.Waits))), rankBy[rule](x, y), cmp.Compare(due(x.Order), due(y.Order)), x.Order.PlacedAt.Compare(y.Order.PlacedAt), cmp.Compare(x.Line, y.Line))
	})
	places, err := a.placesOf(tx, claims)
	if err != nil {
		return plan, err
	}
	deal(claims, places)
	if err := a.costs(tx, claims); err != nil {
		return plan, err
	}
	plan.Claims = claims
	plan.Sign, err = sign(plan)
	return plan, err
}

// rankBy compares two claims by a rule.
var rankBy = map[console.Rule]func(a, b console.Claim) int{
	console.ByDeadline: func(a, b console.Claim) int { return cmp.Compare(due(a.Order), due(b.Order)) },
	console.ByAge:      func(a, b console.Claim) int { return a.Order.PlacedAt.Compare(b.Order.PlacedAt) },
	console.ByValue: func(a, b console.Claim) int {
		return cmp.Or(cmp.Compare(a.Order.Currency, b.Order.Currency), cmp.Compare(b.Order.Sums.Total, a.Order.Sums.Total))
	},
	console.ByPayment: func(a, b console.Claim) int { return cmp.Compare(unpaid(a.Order), unpaid(b.Order)) },
	console.ByPenalty: func(a, b console.Claim) int { // what costs nothing comes last, whatever its currency
		return cmp.Or(cmp.Compare(b.Penalty.Sign(), a.Penalty.Sign()), cmp.Compare(a.Order.Currency, b.Order.Currency), cmp.Compare(b.Penalty.Minor, a.Penalty.Minor))
	},
}

func due(h order.Head) int64 {
	if h.ShipBy.IsZero() {
		return math.MaxInt64
	}
	return h.ShipBy.UnixMicro()
}

// unpaid is 0 for money that is there, 1 for money that is promised, 2 for the door.
func unpaid(h order.Head) int {
	switch h.PayState {
	case order.Paid, order.PartRefunded:
		return 0
	case order.Authorized, order.PartPaid:
		return 1
	}
	return 2
}

// held is a line that has units of an item, or lacks some.
type held struct{ order, line string }

// reserved reads who has units of an item, and who lacks some: with nothing at no location then.
func (a *App) reserved(tx *db.Tx, variant string) (map[held]map[string]int64, error) {
	out := map[held]map[string]int64{}
	at := func(order, line string) map[string]int64 {
		k := held{order, line}
		if out[k] == nil {
			out[k] = map[string]int64{}
		}
		return out[k]
	}
	for after := ""; ; {
		all, err := a.Inventory.Reservations(tx, inventory.ReservedFilter{Variant: variant}, after, 500)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Holder == stock.ByLine && r.Order != "" {
				at(r.Order, r.HolderID)[r.Location] += r.Quantity
			}
		}
		if len(all) < 500 || len(out) > mostClaims {
			break
		}
		after = all[len(all)-1].ID
	}
	for after := ""; ; {
		all, err := a.Inventory.Shortages(tx, variant, "", after, 500)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			if s.Holder == string(stock.ByLine) && s.Order != "" {
				at(s.Order, s.HolderID)
			}
		}
		if len(all) < 500 || len(out) > mostClaims {
			break
		}
		after = all[len(all)-1].ID
	}
	if len(out) > mostClaims {
		return nil, fault.New(fault.Conflict, "more than %d orders have or want it: correct the stock first", mostClaims)
	}
	return out, nil
}

// claims are the lines that take part, of orders that are ours: single items, and kits that contain them.
func (a *App) claims(tx *db.Tx, variant string, has map[held]map[string]int64) ([]console.Claim, error) {
	ids := map[string]bool{}
	for k := range has {
		ids[k.order] = true
	}
	orders := slices.Sorted(maps.Keys(ids))
	heads, err := a.Order.Heads(tx, orders, false)
	if err != nil {
		return nil, err
	}
	lines, err := a.Order.Lines(tx, orders)
	if err != nil {
		return nil, err
	}
	blocked, err := a.Order.Blocked(tx, orders)
	if err != nil {
		return nil, err
	}
	grants, err := a.Inventory.Grants(tx, orders)
	if err != nil {
		return nil, err
	}
	kept := map[string]map[string]int64{} // line → variant → units
	for _, g := range grants {
		if kept[g.HolderID] == nil {
			kept[g.HolderID] = map[string]int64{}
		}
		kept[g.HolderID][g.Variant] += g.Quantity
	}
	var out []console.Claim
	for _, id := range orders {
		var picked map[fulfillment.Kept]int64
		for _, l := range lines[id] {
			mine, is := has[held{id, l.ID}]
			per := perUnit(l, variant)
			if !is || per == 0 || l.Open == 0 {
				continue
			}
			if picked == nil {
				if picked, err = a.Fulfillment.PickedOf(tx, id); err != nil {
					return nil, err
				}
			}
			c := console.Claim{
				Order: heads[id], Line: l.ID, Per: per, Open: l.Open, Wants: l.Open * per, Could: fits(l, variant, kept[l.ID]) * per, Has: mine, Fixed: map[string]int64{}, Gets: map[string]int64{},
			}
			if len(l.Parts) > 0 {
				c.Kit = l.SKU
			}
			if c.Penalty, err = a.penalty(tx, c.Order, l, l.Open); err != nil {
				return nil, err
			}
			for at, n := range mine {
				c.Fixed[at] = min(n, picked[fulfillment.Kept{LineID: l.ID, Variant: variant, Location: at}])
			}
			for _, b := range blocked[id] {
				if b != string(order.HoldShortage) {
					c.Waits = append(c.Waits, order.Holds[order.HoldType(b)].Title)
				}
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// costs says what it costs to cancel what is missing.
func (a *App) costs(tx *db.Tx, claims []console.Claim) error {
	var ids []string
	for _, c := range claims {
		if c.Missing() > 0 {
			ids = append(ids, c.Order.ID)
		}
	}
	lines, err := a.Order.Lines(tx, ids)
	if err != nil {
		return err
	}
	for i, c := range claims {
		for _, l := range lines[c.Order.ID] {
			if l.ID == c.Line {
				if claims[i].Costs, err = a.penalty(tx, c.Order, l, c.Cut()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// placesOf are the locations that may send each claim, best first, as far as whoever asks may decide about them.
func (a *App) placesOf(tx *db.Tx, claims []console.Claim) ([][]string, error) {
	routes := make([]order.Route, len(claims))
	for i, c := range claims {
		h := c.Order
		routes[i] = order.Route{LegalEntity: h.LegalEntity, Account: h.Account, Country: h.ShipCountry, Province: h.ShipProvince, City: h.ShipCity}
	}
	ranked, err := a.rank(tx, routes)
	if err != nil {
		return nil, err
	}
	reach, all := access.ReachOf(tx.Context()), map[string]bool{}
	for _, ids := range ranked {
		for _, id := range ids {
			all[id] = true
		}
	}
	seen, err := reach.Only(tx, access.Locations, slices.Sorted(maps.Keys(all)))
	for i := range ranked {
		ranked[i] = slices.DeleteFunc(slices.Clone(ranked[i]), func(id string) bool { return !seen[id] })
	}
	return ranked, err
}

// sign is a hash of all that a plan rests on and would do.
func sign(p console.Plan) (string, error) {
	type part struct {
		Line             string
		Version          int64
		Wants            int64
		Has, Fixed, Gets map[string]int64
	}
	var all []part
	for _, c := range p.Claims {
		all = append(all, part{c.Line, c.Order.Version, c.Wants, c.Has, c.Fixed, c.Gets})
	}
	text, err := json.Marshal(all)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), err
}

// applyTriage carries a plan out in one step: locations let go of what is taken, reservations change hands, what is missing becomes a shortage, and every order is looked
// at again, and sourced where its stock is now.
func (a *App) applyTriage(ctx context.Context, shown console.Plan, actor string) error {
	return a.DB.Write(ctx, func(tx *db.Tx) error {
		ids := map[string]bool{}
		for _, c := range shown.Claims {
			ids[c.Order.ID] = true
		}
		orders := slices.Sorted(maps.Keys(ids))
		if _, err := a.Order.Heads(tx, orders, true); err != nil {
			return err
		}
		plan, err := a.planTriage(tx, shown.Variant, shown.Rule)
		if err != nil {
			return err
		}
		if plan.Sign != shown.Sign {
			return fault.New(fault.Conflict, "orders or stock have changed since this was shown: look at it again").WithCode("version")
		}
		slices.SortFunc(plan.Claims, func(x, y console.Claim) int {
			return cmp.Or(cmp.Compare(x.Order.ID, y.Order.ID), cmp.Compare(x.Line, y.Line))
		})
		if err := a.letGo(tx, plan, actor); err != nil {
			return err
		}
		if err := a.changeHands(tx, plan); err != nil {
			return err
		}
		if err := a.Order.Review(tx, orders, actor); err != nil {
			return err
		}
		if err := a.Fulfillment.Source(tx, orders); err != nil {
			return err
		}
		return a.Audit.Write(tx, audit.Entry{Actor: actor, Action: "shortage.triage", SubjectKind: "variant", Subject: shown.Variant, Detail: map[string]any{"rule": shown.Rule, "orders": len(orders)}})
	})
}

// letGo has locations stop working on what is not, or no longer, reserved there for an order; what is picked stays.
func (a *App) letGo(tx *db.Tx, plan console.Plan, actor string) error {
	for _, c := range plan.Claims {
		works, err := a.Fulfillment.Of(tx, c.Order.ID)
		if err != nil {
			return err
		}
		picked, err := a.Fulfillment.PickedOf(tx, c.Order.ID)
		if err != nil {
			return err
		}
		at := map[string]bool{}
		for _, f := range works {
			at[f.Location] = true
		}
		var kept []fulfillment.Kept
		for _, l := range slices.Sorted(maps.Keys(at)) {
			k := fulfillment.Kept{LineID: c.Line, Variant: plan.Variant, Location: l}
			k.Quantity = max(c.Gets[l], picked[k])
			kept = append(kept, k)
		}
		if err := a.Fulfillment.LetGo(tx, c.Order.ID, actor, "given to an order that goes first", kept); err != nil {
			return err
		}
	}
	return nil
}

// changeHands moves reservations as planned.
func (a *App) changeHands(tx *db.Tx, plan console.Plan) error {
	var gone []inventory.Release
	var demands []stock.Demand
	for _, c := range plan.Claims {
		if !c.Moves() {
			continue
		}
		var gains []string
		for _, at := range slices.Sorted(maps.Keys(c.Has)) {
			if n := c.Has[at] - c.Gets[at]; n > 0 {
				gone = append(gone, inventory.Release{Holder: stock.ByLine, HolderID: c.Line, Variant: plan.Variant, Location: at, Quantity: n})
			}
		}
		for _, at := range slices.Sorted(maps.Keys(c.Gets)) {
			if c.Gets[at] > c.Has[at] {
				gains = append(gains, at)
			}
		}
		demands = append(demands, stock.Demand{
			Holder: stock.ByLine, HolderID: c.Line, OrderID: c.Order.ID, Variant: plan.Variant, Quantity: c.Wants, Rank: order.RankOf(c.Order), Prefer: gains, Sold: true, Partial: true,
		})
	}
	_, err := a.Inventory.Change(tx, gone, demands)
	return err
}
