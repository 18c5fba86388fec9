package check

import (
	"context"
	"database/sql"
	"fmt"
)

// always are the rules that hold in every committed moment, also while everything is on its way.
var always = map[string]bool{
	"an order exists exactly once": true, "reserved is within what is there": true, "movements replay to on hand": true, "every movement has its level": true,
	"open reservations add up to reserved": true, "no line reserves more than it has open": true, "line progress adds up": true, "an order's units are the sum of its lines'": true,
	"the channel's units stand in exactly one bucket": true, "an order's state follows from its units": true, "history explains every order": true,
	"events of one aggregate have no gaps": true, "no position is given twice": true, "events are placed in their aggregate's order": true,
	"every order of ours is announced once": true, "a payment is announced once": true, "no fulfillment sends more than was ordered": true,
	"money of complete orders balances": true, "both views of the money agree": true, "refunds of ours stay below what was captured": true,
	"what was handed over has left the stock once": true, "every order is explained by somebody": true, "the audit log names who did what": true,
}

// Always asks the rules that hold in every committed moment, such as of a restored backup; nothing found means that all hold.
func Always(ctx context.Context, base *sql.DB) ([]string, error) {
	tx, err := base.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	var found []string
	for _, r := range rules {
		if !always[r.name] {
			continue
		}
		rows, err := texts(ctx, tx, r.query+fmt.Sprint(` limit `, worst))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		for _, what := range rows {
			found = append(found, r.name+": "+what)
		}
	}
	return found, nil
}
