package connect

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// ahead is a return that the channel told of before its order was here, as it was kept.
type ahead struct {
	account, external string
	change            channel.ReturnChange
}

// arrived parts what is told of returns into those whose orders have been here and those whose orders have not come yet.
func arrived(tx *db.Tx, account string, batch []channel.ReturnChange) (known, others []channel.ReturnChange, err error) {
	var externals []string
	for _, c := range batch {
		externals = append(externals, c.Order)
	}
	slices.Sort(externals)
	here := map[string]bool{}
	_, err = db.All(tx, func(row db.Scanner) (x string, err error) {
		err = row.Scan(&x)
		here[x] = true
		return x, err
	}, `select external from channel_orders where account_id = $1 and external in (select key from json_each($2))`, account, db.Keys(slices.Compact(externals)))
	for _, c := range batch {
		if here[c.Order] {
			known = append(known, c)
		} else {
			others = append(others, c)
		}
	}
	return known, others, err
}

// keepEarly keeps what is told of returns whose orders have not come yet, and has those orders read. The cursor may pass them.
func (s *Service) keepEarly(tx *db.Tx, account string, all []channel.ReturnChange) error {
	if len(all) == 0 {
		return nil
	}
	newest := map[[2]string]channel.ReturnChange{}
	wanted := map[string]string{}
	for _, c := range all {
		newest[[2]string{c.Order, c.Return.External}] = c
		wanted[c.Order] = "a return of it came first"
	}
	b := db.NewBatch(3)
	for k, c := range newest {
		body, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("return %s: %w", k[1], err)
		}
		b.Add(account, k[0], k[1], string(body))
	}
	tx.Send(`insert into early_returns (account_id, external, return_external, body, kept_at) select a, x, e, b, cast($1 as bigint) from rows(a text, x text, e text, b text) where true
		on conflict (account_id, external, return_external) do update set body = excluded.body, kept_at = excluded.kept_at`, b, db.Micros(tx.Now))
	return s.wantReads(tx, account, wanted, 0)
}

// earlyOf asks for the returns that were kept for orders that have come now. The answer is there after the next flush.
func earlyOf(tx *db.Tx, good []*arriving, landings []channel.Landing) *[]ahead {
	b, rows := db.NewBatch(2), &[]ahead{}
	seen := map[[2]string]bool{}
	for i, a := range good {
		k := [2]string{a.row.account, a.row.external}
		switch landings[i].Decision {
		case channel.Imported, channel.Updated, channel.Unchanged:
			if !seen[k] {
				seen[k] = true
				b.Add(k[0], k[1])
			}
		}
	}
	tx.SendQuery(`select e.account_id, e.external, e.body from early_returns e, rows(a text, x text) where e.account_id = r.a and e.external = r.x order by e.kept_at, e.return_external`,
		func(row db.Scanner) error {
			var e ahead
			err := row.Scan(&e.account, &e.external, db.JSON(&e.change))
			*rows = append(*rows, e)
			return err
		}, b)
	return rows
}

// applyEarly hands returns on whose orders have come. One that cannot be taken stays, as a person's case: it does not hold up its order. Taken after all, the case closes.
func (s *Service) applyEarly(tx *db.Tx, all []ahead) error {
	for _, e := range all {
		err := tx.Try(func() error {
			if err := s.need.Returns(tx, []channel.ReturnChange{e.change}, e.account); err != nil {
				return err
			}
			_, err := tx.Exec(`delete from early_returns where account_id = $1 and external = $2 and return_external = $3`, e.account, e.external, e.change.Return.External)
			return err
		})
		key := exception.Key{Cause: exception.ContradictingStatus, SubjectKind: "return", Subject: e.account + ":" + e.change.Return.External}
		switch {
		case err == nil:
			err = exception.Clear(tx, "system", "the return was taken", key)
		case fault.Temporary(err):
			return err
		default:
			s.need.Log.Error("a return that came before its order", "account", e.account, "order", e.external, "err", err)
			err = exception.Raise(tx, exception.Case{
				Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: key.Subject, Account: e.account,
				Detail: map[string]string{"external": e.external, "return": e.change.Return.External, "reason": fault.Message(err)},
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
