package main

import "github.com/alecthomas/kong"

// cli is every command. What prints data has --json (a flag of all); `serve` is asked over HTTP where it runs, see client in cmd_client.go.
type cli struct {
	Globals

	Demo    demoCmd    `cmd:"" help:"Play everything with simulated channels, in a temporary folder."`
	Serve   serveCmd   `cmd:"" help:"Run the house: HTTP, intake, work and events."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's schema up to date."`
	Sim     simCmd     `cmd:"" help:"Run a simulated partner."`
	Version versionCmd `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and quit."`
}
