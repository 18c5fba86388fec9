package inventory

import (
	"fmt"

	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// worst is how many findings of one kind Verify gives.
const worst = 20

// Verify proves the books and says in plain words what does not hold, nothing when all does: movements replay to on hand, open reservations
// add up to reserved, nowhere is more reserved than there is, and every open shortage has its one case. It reads everything: for doctor and
// for demo, not for every minute.
func (s *Service) Verify(tx *db.Tx) ([]string, error) {
	var wrong []string
	for _, check := range []string{
		`select l.variant_id, l.location_id, l.condition, l.on_hand, coalesce(m.n, 0), 'on hand is %d, the movements make %d'
		from stock_levels l left join (select variant_id, location_id, condition, cast(sum(delta) as bigint) as n from stock_movements
			group by variant_id, location_id, condition) m
		on m.variant_id = l.variant_id and m.location_id = l.location_id and m.condition = l.condition
		where l.on_hand <> coalesce(m.n, 0)`,
		`select m.variant_id, m.location_id, m.condition, cast(0 as bigint), cast(count(*) as bigint), 'there are %d levels for %d movements'
		from stock_movements m left join stock_levels l
		on m.variant_id = l.variant_id and m.location_id = l.location_id and m.condition = l.condition
		where l.variant_id is null group by m.variant_id, m.location_id, m.condition`,
		`select l.variant_id, l.location_id, l.condition, l.reserved, coalesce(v.n, 0), 'reserved is %d, the reservations add up to %d'
		from stock_levels l left join (select variant_id, location_id, cast(sum(quantity) as bigint) as n from reservations where quantity > 0
			group by variant_id, location_id) v
		on v.variant_id = l.variant_id and v.location_id = l.location_id and l.condition = 'sellable'
		where l.reserved <> coalesce(v.n, 0)`,
		`select v.variant_id, v.location_id, 'sellable', cast(0 as bigint), cast(sum(v.quantity) as bigint), '%d levels for %d reserved units'
		from reservations v left join stock_levels l
		on l.variant_id = v.variant_id and l.location_id = v.location_id and l.condition = 'sellable'
		where v.quantity > 0 and l.variant_id is null group by v.variant_id, v.location_id`,
		`select variant_id, location_id, condition, reserved, on_hand, '%d reserved of %d on hand'
		from stock_levels where reserved < 0 or (reserved > 0 and reserved > on_hand)`,
	} {
		found, err := db.All(tx, scanFinding, check+` limit $1`, worst)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, found...)
	}
	more, err := verifyCases(tx)
	return append(wrong, more...), err
}

func scanFinding(row db.Scanner) (string, error) {
	var s spot
	var a, b int64
	var says string
	err := row.Scan(&s.variant, &s.location, db.Text(&s.condition), &a, &b, &says)
	return fmt.Sprintf("variant %s at %s (%s): ", s.variant, s.location, s.condition) + fmt.Sprintf(says, a, b), err
}

// verifyCases compares open shortages with cases. A person may have closed the case of a shortage that stays; two open ones, or an open one
// without its shortage, are wrong, and so is a shortage that never had one.
func verifyCases(tx *db.Tx) ([]string, error) {
	open, ever := map[string]int{}, map[string]bool{}
	for after := ""; ; {
		rows, next, err := exception.List(tx, exception.Filter{State: "any", Cause: exception.Shortage, SubjectKind: shortageKind, Snoozed: true}, after, 500)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			ever[r.Subject] = true
			if r.State == exception.Open {
				open[r.Subject]++
			}
		}
		if after = next; after == "" {
			break
		}
	}
	short, err := db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) },
		`select id from shortages where closed_at is null and holder_kind = $1`, stock.ByLine)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, id := range short {
		if open[id] > 1 || !ever[id] {
			wrong = append(wrong, fmt.Sprintf("shortage %s has %d open cases", id, open[id]))
		}
		delete(open, id)
	}
	for id, n := range open {
		wrong = append(wrong, fmt.Sprintf("%d open cases for shortage %s, which is closed", n, id))
	}
	return wrong, nil
}
