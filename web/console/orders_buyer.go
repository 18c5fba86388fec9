package console

import (
	"cmp"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// mostOfBuyer is how many records of one buyer are looked at.
const mostOfBuyer = 100

// countriesOf are the countries that accounts sell in.
func countriesOf(accounts []connect.Account) (all []string) {
	for _, a := range accounts {
		all = append(all, a.Country)
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// orderBuyer finds the orders of a buyer by the whole phone number or e-mail address, by keyed hashes. It is sent as a form, so that neither stands in an address or a log;
// that somebody looked is written down, not for whom.
func orderBuyer(v *visit) error {
	who := v.form("buyer")
	p := findPage{Buyer: true}
	by := "phone"
	if strings.Contains(who, "@") {
		by = "email"
	}
	found, err := v.buyersRecords(by, who)
	if err != nil {
		return err
	}
	p.NotAsked = strings.Join(found.NotAsked, ", ")
	err = v.write(func(tx *db.Tx) error {
		heads, err := v.ordersOf(tx, found.Matches)
		if err != nil {
			return err
		}
		p.Hits = nil
		for _, o := range heads {
			p.Hits = append(p.Hits, v.orderHit(o))
		}
		return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "personal.find", SubjectKind: "buyer", Subject: by, Detail: map[string]int{"orders": len(p.Hits)}})
	})
	if err != nil {
		return err
	}
	return v.page("find", "Orders of this buyer", p)
}

func (v *visit) buyersRecords(by, who string) (privacy.Found, error) {
	if by == "email" {
		return v.Zones.FindEmail(v.r.Context(), who, mostOfBuyer)
	}
	found, err := v.Zones.FindPhone(v.r.Context(), who, v.form("country"), mostOfBuyer)
	if fault.Is(err, fault.Invalid) {
		err = fault.Field("buyer", "is neither a phone number nor an e-mail address")
	}
	return found, err
}

// ordersOf reads the orders that records are of, as far as they are within reach, newest first.
func (v *visit) ordersOf(tx *db.Tx, found []privacy.Match) ([]order.Head, error) {
	external := map[string][]string{}
	for _, m := range found {
		external[m.Account] = append(external[m.Account], m.External)
	}
	var ids []string
	for account, all := range external {
		known, err := v.Order.ByExternal(tx, account, all)
		if err != nil {
			return nil, err
		}
		for _, id := range known {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	reach := access.ReachOf(tx.Context())
	if !reach.Everything() {
		seen, err := reach.Only(tx, access.Orders, ids)
		if err != nil {
			return nil, err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return !seen[id] })
	}
	heads, err := v.Order.Heads(tx, ids, false)
	out := make([]order.Head, 0, len(heads))
	for _, h := range heads {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b order.Head) int { return cmp.Or(b.PlacedAt.Compare(a.PlacedAt), cmp.Compare(a.ID, b.ID)) })
	return out, err
}
