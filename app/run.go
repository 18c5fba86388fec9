package app

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Role is a part of the work a process may do.
type Role string

const (
	Web    Role = "web"    // HTTP: API, hooks, shop
	Intake Role = "intake" // poll, read again, import
	Work   Role = "work"   // jobs, tells, pushes, tracking
	Relays Role = "relay"  // events: placing, consuming, sending
)

// Roles is everything one process can do, the default.
var Roles = []Role{Web, Intake, Work, Relays}

// Run does the work of the given roles, HTTP excepted, until the context ends; it returns when everything has stopped.
func (a *App) Run(ctx context.Context, roles ...Role) error {
	g, ctx := errgroup.WithContext(ctx)
	run := func(f func(context.Context) error) { g.Go(func() error { return f(ctx) }) }
	run(a.Vault.Run)
	run(a.Access.Run)
	run(a.DB.Tend)
	run(a.runZones)
	run(a.runKeyFiles)
	if slices.Contains(roles, Web) {
		run(a.API.Run)
	}
	if slices.Contains(roles, Intake) {
		run(a.Connect.RunPoll)
		run(a.Connect.RunReads)
		for range a.Connect.Importers() {
			run(a.Connect.RunImport)
		}
	}
	if slices.Contains(roles, Work) {
		run(a.Jobs.Run)
		run(a.Connect.RunTells)
		run(a.Connect.RunStock)
		run(a.Connect.RunPrices)
		run(a.Dispatch.RunTracking)
	}
	if slices.Contains(roles, Relays) {
		run(a.Relay.Run)
		run(a.Linker.Run)
		run(a.Consumers.Run)
		run(a.Sender.Run)
		if a.Config.NATS != "" {
			run(a.runNATS)
		}
	}
	return g.Wait()
}
