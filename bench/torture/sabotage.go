package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// protection is one that the tag sabotage can take out, and what must be noticed without it.
type protection struct {
	name, what string
	engines    []string
	rules      []string // one of these must be what fails
	mix        string   // of blows, where one kind tells
}

// halves are the rules that a transaction breaks of which only a part was kept.
var halves = []string{
	"open reservations add up to reserved", "movements replay to on hand", "line progress adds up", "an order's units are the sum of its lines'", "history explains every order",
	"events of one aggregate have no gaps", "every order is known to its channel's side", "every order of ours is announced once", "what was handed over has left the stock once",
	"every shipped unit is in a shipment", "every order of ours to be sent was sourced", "money of complete orders balances", "no line reserves more than it has open",
	"every shortage has exactly one case", "every case of a shortage has its shortage", "what the channel was told is shipped happened once",
}

var protections = []protection{
	{"unique_key", "one webhook delivery is stored once", []string{"sqlite", "postgres"}, []string{"every acknowledged webhook is kept"}, ""},
	{"version_guard", "an older reading of an order does not replace a newer one", []string{"sqlite", "postgres"}, []string{
		"the channel's newest word of an order is what we hold", "what is open at the channel is open here", "what the channel was told is shipped happened once",
	}, ""},
	{"savepoint", "what a refused writer of a group wrote is undone", []string{"sqlite"}, halves, "killed=0,clock=0,refused=0,full=0,slow=0,stopped=1"},
	{"lease_fencing", "who has lost the lease cannot write the outcome", []string{"postgres"}, []string{"an outcome once written stands", "what happened at the channel is not noted as refused"}, "frozen=40"},
	{"cursor_with_data", "a poll's cursor moves in the commit of what it read", []string{"sqlite", "postgres"}, []string{
		"every order that was placed is here", "everything settles", "what is open at the channel is open here",
	}, ""},
}

// limit is how long one protection may be missing without being noticed.
const limit = 10 * time.Minute

// sabotage takes every protection out in turn, plays seeds until the run notices, and holds what failed against what should. It writes sabotage.md.
func sabotage(ctx context.Context, p player, o options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Protections taken out\n\nWritten by `make sabotage` (%s). Each protection is taken out of a build with the tag `sabotage`; seeds follow from %d until a rule fails.\n\n"+
		"| Protection | Without it | Engine | Seed | Noticed after | Rule that failed |\n|---|---|---|---|---|---|\n", time.Now().UTC().Format("2006-01-02"), o.from)
	rows, missed := make([]string, len(protections)), 0
	var g sync.WaitGroup
	for i, x := range protections {
		engine := x.engines[0]
		g.Go(func() {
			own := p
			own.mix = x.mix
			own.env = []string{"OPENCLAW_SABOTAGE=" + x.name}
			seed, rule, took := notice(ctx, own, engine, o.from, x)
			if rule == "" {
				rule = "**not noticed**"
			}
			rows[i] = fmt.Sprintf("| %s | not so: %s | %s | %d | %.0f s | %s |", x.name, x.what, engine, seed, took.Seconds(), rule)
			fmt.Println(rows[i])
		})
	}
	g.Wait()
	for _, row := range rows {
		b.WriteString(row + "\n")
		if strings.Contains(row, "**") {
			missed++
		}
	}
	if err := os.WriteFile(filepath.Join(o.out, "sabotage.md"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d protections may be missing without being noticed", missed)
	}
	return nil
}

// notice plays seeds until the rule fails that should. Another failure is printed and does not count.
func notice(ctx context.Context, p player, engine string, seed uint64, x protection) (uint64, string, time.Duration) {
	start := time.Now()
	for ; ctx.Err() == nil && time.Since(start) < limit; seed++ {
		for _, f := range p.play(ctx, engine, seed).Broken {
			for _, rule := range x.rules {
				if f.Rule == rule {
					return seed, f.Rule, time.Since(start)
				}
			}
			fmt.Printf("%s on %s, seed %d: %s: %s\n", x.name, engine, seed, f.Rule, f.What)
		}
	}
	return seed, "", time.Since(start)
}
