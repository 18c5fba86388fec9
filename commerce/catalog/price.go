package catalog

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// PriceQuery asks for the prices of variants where they are sold.
type PriceQuery struct {
	Country, Currency, Channel, Account string
	Variants                            []string
	At                                  time.Time
}

// Price is what a variant costs, and what is struck through beside it.
type Price struct {
	Amount  money.Amount `json:"amount"`
	Compare money.Amount `json:"compare,omitzero"`
	List    string       `json:"list_id"`
}

// Price gives the prices of variants at a moment: of the lists for this country and currency, the one made for the account before the one for the channel before the
// general one, then by priority. A variant without a price is left out.
func (s *Service) Price(tx *db.Tx, q PriceQuery) (map[string]Price, error) {
	all := map[string]Price{}
	if len(q.Variants) == 0 {
		return all, nil
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var v, list string
		var amount int64
		var compare any
		if err := row.Scan(&v, &list, &amount, &compare); err != nil {
			return struct{}{}, err
		}
		if _, better := all[v]; better {
			return struct{}{}, nil
		}
		p := Price{Amount: money.Of(amount, q.Currency), List: list}
		if n, ok := compare.(int64); ok {
			p.Compare = money.Of(n, q.Currency)
		}
		all[v] = p
		return struct{}{}, nil
	}, `select p.variant_id, p.list_id, p.amount, p.compare from prices p join price_lists l on l.id = p.list_id
		where p.variant_id in (select key from json_each($1)) and l.active and l.country = $2 and l.currency = $3
		and (l.channel is null or l.channel = $4) and (l.account_id is null or l.account_id = $5) and p.valid_from <= $6 and (p.valid_to is null or p.valid_to > $6)
		order by p.variant_id, case when l.account_id is not null then 0 when l.channel is not null then 1 else 2 end, l.priority, p.valid_from desc`,
		db.Keys(q.Variants), q.Country, q.Currency, q.Channel, q.Account, db.Micros(q.At))
	return all, err
}

// Costs gives what a unit of each variant costs a company at a moment; one that is not known is left out.
func (s *Service) Costs(tx *db.Tx, legalEntity string, variants []string, at time.Time) (map[string]money.Amount, error) {
	all := map[string]money.Amount{}
	if len(variants) == 0 {
		return all, nil
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var v, currency string
		var amount int64
		err := row.Scan(&v, &amount, &currency)
		all[v] = money.Of(amount, currency)
		return struct{}{}, err
	}, `select variant_id, amount, currency from costs where variant_id in (select key from json_each($1)) and legal_entity_id = $2 and valid_from <= $3 order by variant_id, valid_from`,
		db.Keys(variants), legalEntity, db.Micros(at))
	return all, err
}
