package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Summary is what a run came to.
type Summary struct {
	Engine       string            `json:"engine"`
	Sent         int               `json:"sent"`
	Imported     int64             `json:"imported"`
	Stored       int64             `json:"raw_stored"`
	Absorbed     int64             `json:"duplicates_absorbed"`
	Held         map[string]int64  `json:"held_by_cause"`
	Exceptions   map[string]int64  `json:"open_exceptions"`
	Short        int64             `json:"units_short"`
	Shipped      int64             `json:"parcels_shipped"`
	Delivered    int64             `json:"parcels_delivered"`
	Wishes       map[string]int    `json:"changes_of_mind"`
	Returned     int64             `json:"returns_by_buyers"`
	Origin       int64             `json:"parcels_back_to_origin"`
	Refunds      map[string]int64  `json:"refunds"`
	Told         map[string]int64  `json:"told_to_channels"`
	Events       map[string]int64  `json:"events_by_type"`
	Faults       map[string]int    `json:"faults_injected"`
	ImportMS     int64             `json:"import_ms"`
	PerSecond    string            `json:"orders_per_second"`
	ToldMS       int64             `json:"until_all_told_ms"`
	TotalMS      int64             `json:"total_ms"`
	Accounts     map[string]string `json:"accounts"`
	Broken       []string          `json:"broken_invariants"`
	InvariantsOK bool              `json:"invariants_hold"`
}

// count runs a query of (name, number) rows.
func count(tx *db.Tx, q string) (map[string]int64, error) {
	all := map[string]int64{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var k string
		var n int64
		err := row.Scan(&k, &n)
		all[k] = n
		return struct{}{}, err
	}, q)
	return all, err
}

// gather fills a summary from the database.
func gather(ctx context.Context, a *app.App, stalls []stall) (Summary, error) {
	s := Summary{Engine: a.DB.Engine().String(), Faults: map[string]int{}, Accounts: map[string]string{}}
	for _, st := range stalls {
		s.Sent += len(st.sent())
		s.Accounts[st.name()] = st.url()
		for k, n := range st.faults() {
			s.Faults[k] += n
		}
	}
	err := a.DB.Read(ctx, func(tx *db.Tx) error {
		for _, f := range []struct {
			into *map[string]int64
			q    string
		}{
			{&s.Held, `select type, count(*) from order_holds where released_at is null group by type`},
			{&s.Exceptions, `select cause, count(*) from exceptions where state = 'open' group by cause`},
			{&s.Told, `select act || ' ' || state, count(*) from tells group by act, state`},
			{&s.Refunds, `select case when origin = 'ours' then 'by us, ' else 'by the channel, ' end || case method when 'payout' then 'paid out' when 'return' then 'for a return there' else 'the way it came' end, count(*)
				from refunds where state in ('issued', 'recorded') group by 1`},
			{&s.Events, `select type, count(*) from events where contract group by type`},
		} {
			got, err := count(tx, f.q)
			if err != nil {
				return err
			}
			*f.into = got
		}
		one, err := count(tx, `select 'orders', count(*) from orders union all select 'inbox', count(*) from inbox union all
			select 'short', cast(coalesce(sum(quantity), 0) as bigint) from shortages where closed_at is null union all
			select 'shipped', count(*) from dispatch_shipments where handed_over_at is not null union all
			select 'delivered', count(*) from dispatch_shipments where delivered_at is not null union all
			select 'returns', count(*) from returns_rma where kind <> 'return_to_origin' union all select 'origin', count(*) from returns_rma where kind = 'return_to_origin' union all
			select 'pushed', count(*) from channel_stock where told_at is not null`)
		if err != nil {
			return err
		}
		s.Imported, s.Stored, s.Short, s.Shipped, s.Delivered, s.Returned = one["orders"], one["inbox"], one["short"], one["shipped"], one["delivered"], one["returns"]
		s.Origin = one["origin"]
		s.Told["stock"] = one["pushed"]
		s.Absorbed = s.Stored - s.Imported
		return nil
	})
	return s, err
}

// print shows a summary to a person, or as JSON.
func (s Summary) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	fmt.Fprintf(w, "\n%s: %d orders placed, %d imported in %s (%s a second), %d readings more than orders absorbed\n", s.Engine, s.Sent, s.Imported,
		time.Duration(s.ImportMS)*time.Millisecond, s.PerSecond, s.Absorbed)
	fmt.Fprintf(w, "%d parcels handed over, %d delivered, %d back to origin; %d returns by buyers; %d units short; all told after %s\n", s.Shipped, s.Delivered, s.Origin, s.Returned, s.Short,
		time.Duration(s.ToldMS)*time.Millisecond)
	for _, k := range slices.Sorted(maps.Keys(s.Wishes)) {
		fmt.Fprintf(w, "  %-10s %-32s %d\n", "afterwards", k, s.Wishes[k])
	}
	table(w, "held", s.Held)
	table(w, "exceptions", s.Exceptions)
	table(w, "told", s.Told)
	table(w, "refunded", s.Refunds)
	table(w, "events", s.Events)
	for _, k := range slices.Sorted(maps.Keys(s.Faults)) {
		fmt.Fprintf(w, "  %-10s %-32s %d\n", "fault", k, s.Faults[k])
	}
	if len(s.Broken) == 0 {
		fmt.Fprintln(w, "every invariant holds")
	}
	for _, b := range s.Broken {
		fmt.Fprintln(w, "BROKEN", b)
	}
	return nil
}

func table(w io.Writer, name string, m map[string]int64) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(w, "  %-10s %-32s %d\n", name, k, m[k])
	}
}
