package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Rule is by what it is decided who gets goods that are not enough for all.
type Rule string

// The rules there are.
const (
	ByDeadline Rule = "deadline" // who is to be served first
	ByAge      Rule = "oldest"   // who ordered first
	ByValue    Rule = "value"    // whose order is worth most
	ByPayment  Rule = "paid"     // who has paid, before who pays at the door
	ByPenalty  Rule = "penalty"  // whose channel takes most when the seller cancels
)

var rules = []struct {
	rule  Rule
	title string
}{
	{ByDeadline, "The earliest deadline first"},
	{ByAge, "The oldest order first"},
	{ByValue, "The highest value first"},
	{ByPayment, "Paid before cash on delivery"},
	{ByPenalty, "What is dearest to cancel first"},
}

// Claim is what one order line wants of goods that are short, has, and would get.
type Claim struct {
	Order order.Head
	Line  string
	Kit   string           // SKU of the kit the item is a part of; "" = it is sold by itself
	Per   int64            // how many of the item one unit of the line takes
	Open  int64            // units of the line that are open
	Wants int64            // Open times Per
	Could int64            // of these: as many as the other parts of the kit are there for
	Has   map[string]int64 // by location
	Fixed map[string]int64 // of these: picked already, so that they stay
	Gets  map[string]int64
	// Waits says what else the order waits for: it comes last, because it could not go now anyway.
	Waits []string
	// Penalty is what the channel takes when all that is open of the line is cancelled, Costs when what would be missing is.
	Penalty, Costs money.Amount
}

// Sum is how many units there are over all locations.
func (Claim) Sum(by map[string]int64) (n int64) {
	for _, q := range by {
		n += q
	}
	return n
}

// Missing is what the line would still lack.
func (c Claim) Missing() int64 { return c.Wants - c.Sum(c.Gets) }

// Cut is how many units of the line cannot be sent with what it would get: of a kit, all that lack a part of it.
func (c Claim) Cut() int64 {
	if c.Per <= 1 {
		return c.Missing()
	}
	return min(c.Open, (c.Missing()+c.Per-1)/c.Per)
}

// Change is how many units more or less it would have.
func (c Claim) Change() int64 { return c.Sum(c.Gets) - c.Sum(c.Has) }

// Moves reports whether the units come from elsewhere than before.
func (c Claim) Moves() bool {
	for at, n := range c.Gets {
		if c.Has[at] != n {
			return true
		}
	}
	return c.Change() != 0
}

// Plan is who would be served with a variant, from where, and who would not.
type Plan struct {
	Variant string
	Rule    Rule
	Claims  []Claim
	// Sign says what the plan rests on: when it has changed, the plan is another one.
	Sign string
}

// Triage is what the house does for the desk of shortages.
type Triage struct {
	// Plan works out who would be served by a rule; it changes nothing.
	Plan func(tx *db.Tx, variant string, rule Rule) (Plan, error)
	// Apply carries a plan out as it was shown. Fault: Conflict when something has changed since.
	Apply func(ctx context.Context, plan Plan, actor string) error
}

type shortRow struct {
	catalog.Variant
	Short  int64
	Orders int
	Oldest time.Time
}

type triagePage struct {
	Rows   []shortRow // what is short
	Of     catalog.Variant
	Plan   Plan
	Rules  []choice
	Places map[string]inventory.Location
	Gain   int // orders that would go out more complete than now
	Lose   int
	Served int // orders that would have all they want
}

// triage lists what is short, or shows who would be served of one item.
func triage(v *visit) error {
	p := triagePage{}
	for _, r := range rules {
		p.Rules = append(p.Rules, choice{string(r.rule), v.T(r.title)})
	}
	err := v.read(func(tx *db.Tx) (err error) {
		if v.ask("sku") == "" {
			p.Rows, err = v.shortRows(tx)
			return err
		}
		return v.planned(tx, &p, v.ask("sku"), Rule(cmp.Or(v.ask("rule"), string(ByDeadline))))
	})
	if err != nil {
		return err
	}
	if p.Of.ID != "" {
		return v.page("triage", "Who gets %s", p, p.Of.SKU)
	}
	return v.page("triage", "Shortages", p)
}

// mostShort is how many open shortages are looked at.
const mostShort = 2000

// shortRows are the items that are short, those first that most orders wait for.
func (v *visit) shortRows(tx *db.Tx) ([]shortRow, error) {
	by, after, seen := map[string]*shortRow{}, "", 0
	for {
		all, err := v.Inventory.Shortages(tx, "", "", after, 500)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			r := by[s.Variant]
			if r == nil {
				r = &shortRow{Oldest: s.Since}
				by[s.Variant] = r
			}
			r.Short += s.Quantity
			r.Orders++
			if s.Since.Before(r.Oldest) {
				r.Oldest = s.Since
			}
		}
		if seen += len(all); len(all) < 500 || seen >= mostShort {
			break
		}
		after = all[len(all)-1].ID
	}
	ids := make([]string, 0, len(by))
	for id := range by {
		ids = append(ids, id)
	}
	known, err := v.Catalog.ByID(tx, ids)
	if err != nil {
		return nil, err
	}
	var out []shortRow
	for _, k := range known {
		r := by[k.ID]
		r.Variant = k
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b shortRow) int { return cmp.Or(cmp.Compare(b.Orders, a.Orders), cmp.Compare(a.SKU, b.SKU)) })
	return out, nil
}

// planned fills the page with the plan for one item.
func (v *visit) planned(tx *db.Tx, p *triagePage, sku string, rule Rule) error {
	ids, err := v.Catalog.ByCode(tx, []string{sku})
	if err != nil {
		return err
	}
	if ids[sku] == "" {
		return fault.New(fault.NotFound, "there is no item %s", sku)
	}
	known, err := v.Catalog.ByID(tx, []string{ids[sku]})
	if err != nil {
		return err
	}
	for _, k := range known {
		p.Of = k
	}
	if p.Places, err = v.places(tx); err != nil {
		return err
	}
	p.Plan, err = v.Triage.Plan(tx, ids[sku], rule)
	p.Gain, p.Lose, p.Served = 0, 0, 0
	for _, c := range p.Plan.Claims {
		switch {
		case c.Change() > 0:
			p.Gain++
		case c.Change() < 0:
			p.Lose++
		}
		if c.Missing() == 0 {
			p.Served++
		}
	}
	return err
}

// triageDo carries out what was shown: stock goes to those whom the rule puts first, and what somebody ticked is cancelled.
func triageDo(v *visit) error {
	p := triagePage{}
	if err := v.read(func(tx *db.Tx) error { return v.planned(tx, &p, v.form("sku"), Rule(v.form("rule"))) }); err != nil {
		return err
	}
	if v.form("sign") != p.Plan.Sign {
		return fault.New(fault.Conflict, "orders or stock have changed since this was shown: look at it again")
	}
	cut := v.r.PostForm["cancel"]
	if len(cut) > 0 && !v.who.Has("orders.cancel") {
		return fault.New(fault.Forbidden, "this needs the permission %s", "orders.cancel")
	}
	if err := v.Triage.Apply(v.r.Context(), p.Plan, v.actor()); err != nil {
		return err
	}
	done, first := 0, error(nil)
	for _, c := range p.Plan.Claims {
		if !slices.Contains(cut, c.Line) || c.Missing() == 0 {
			continue
		}
		err := v.cutMissing(c)
		if err == nil {
			done++
		} else if first == nil {
			first = err
		}
	}
	f := flash{Text: v.T("%d orders get more, %d wait, %d are cancelled as far as nothing is there", p.Gain, p.Lose, done)}
	if first != nil {
		f.Bad, f.More = true, fault.Message(first)
	}
	v.remember(f)
	v.see(Base + "/shortages?" + url.Values{"rule": {string(p.Plan.Rule)}, "sku": {p.Of.SKU}}.Encode())
	return nil
}

// cutMissing cancels the units of a line that nothing is there for.
func (v *visit) cutMissing(c Claim) error {
	ctx, _, err := access.Permit(v.r.Context(), "orders.cancel", access.Orders)
	if err != nil {
		return err
	}
	if err := v.DB.Read(ctx, func(tx *db.Tx) error { return sees(tx, access.Orders, c.Order.ID) }); err != nil {
		return err
	}
	_, err = v.Order.Cancel(ctx, order.Cancelling{
		Order: c.Order.ID, Reason: string(channel.CancelStock), Initiator: "seller", Actor: v.actor(), Source: "console", Lines: []order.CutLine{{LineID: c.Line, Quantity: c.Cut()}},
	})
	return err
}
