package app

import (
	"fmt"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/api"
)

// secondOfAll refuses what the policy of the whole business wants two people for, whatever the amount: the rule second_person.key_export is the word true.
func (a *App) secondOfAll(tx *db.Tx, rule string) error {
	got, err := a.Policy.Decide(tx, "", "", "second_person."+rule, tx.Now, map[string]any{})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	wanted, err := got.Bool()
	if err != nil || !wanted {
		return err
	}
	return fault.New(fault.Refused, "taking keys out takes a second person here").WithCode(api.SecondPerson)
}

// second refuses what a country's policy wants two people for: the rule second_person.refund or second_person.payout is an expression over amount, which is all that
// the order has given back with this one, refunded, which is what it had given back before (both in major units), and currency: "amount > 50000", or for this one alone
// "amount - refunded > 50000". Without a rule nothing is refused; what the program itself does by a person's earlier decision is not a person's act.
func (a *App) second(tx *db.Tx, rule, country, actor string, amount, before money.Amount) error {
	if kind, _, _ := strings.Cut(actor, ":"); kind != "user" && kind != "key" && kind != "cli" {
		return nil
	}
	sum, err := amount.Add(before)
	if err != nil {
		return err
	}
	got, err := a.Policy.Decide(tx, country, "", "second_person."+rule, tx.Now, map[string]any{"amount": sum, "refunded": before, "currency": amount.Currency})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	wanted, err := got.Bool()
	if err != nil || !wanted || api.Approved(tx.Context()) {
		return err
	}
	also := ""
	if before.Minor > 0 {
		also = fmt.Sprintf(", after %s %s before it,", before.Decimal(), before.Currency)
	}
	return fault.New(fault.Refused, "a %s of %s %s%s takes a second person here", rule, amount.Decimal(), amount.Currency, also).WithCode(api.SecondPerson)
}
