package main

import "github.com/alecthomas/kong"

// cli is every command. --json is a flag of all that print data; where `serve` runs on the same data folder it is asked over HTTP, see client in cmd_client.go.
type cli struct {
	Globals

	Demo         demoCmd         `cmd:"" help:"Play everything with simulated channels, in a temporary folder; with --db, in that empty database and the data folder."`
	Serve        serveCmd        `cmd:"" help:"Run the house: HTTP, intake, work and events."`
	Migrate      migrateCmds     `cmd:"" help:"Bring the database's schema up to date, or move to another database."`
	Backup       backupCmd       `cmd:"" help:"Back up the database while it is used, encrypted, and restore it on trial."`
	Restore      restoreCmd      `cmd:"" help:"Make a database of a backup."`
	Privacy      privacyCmd      `cmd:"" help:"What is kept of buyers: export it, erase it."`
	Doctor       doctorCmd       `cmd:"" help:"Look whether everything is in order."`
	Import       importCmd       `cmd:"" help:"Import products, prices, costs or stock from a CSV file."`
	Channel      channelCmd      `cmd:"" help:"Accounts at channels."`
	Storefront   storefrontCmd   `cmd:"" help:"Web shops of your own."`
	Order        orderCmd        `cmd:"" help:"Orders."`
	Exception    exceptionCmd    `cmd:"" help:"Cases that need a person."`
	Stock        stockCmd        `cmd:"" help:"Stock and what may be promised."`
	Fulfill      fulfillCmd      `cmd:"" help:"Picking, packing and hand-over."`
	Return       returnCmd       `cmd:"" help:"What comes back."`
	POS          posCmd          `cmd:"" name:"pos" help:"The POS core: branches, stock and prices."`
	Event        eventCmd        `cmd:"" help:"What happened, as the world is told."`
	Dead         deadCmd         `cmd:"" help:"Work that was given up."`
	Parcel       parcelCmd       `cmd:"" help:"Parcels on their way."`
	Tell         tellCmd         `cmd:"" help:"What channels are told."`
	Refund       refundCmd       `cmd:"" help:"Money that goes back."`
	Subscription subscriptionCmd `cmd:"" help:"Who is told of events by webhook."`
	Key          keyCmd          `cmd:"" help:"API keys."`
	User         userCmd         `cmd:"" help:"People who may sign in, their roles and sessions."`
	Vault        vaultCmd        `cmd:"" help:"Keys and credentials: what there is, and changing them."`
	Approval     approvalCmd     `cmd:"" help:"What waits for a second person."`
	KeyExport    keyExportCmd    `cmd:"" help:"Who allowed keys to leave with backups."`
	Policy       policyCmd       `cmd:"" help:"The rules of countries, and what takes a second person."`
	Audit        auditCmd        `cmd:"" help:"Who did what, and the proof that nobody changed it."`
	Sim          simCmd          `cmd:"" help:"Run a simulated partner."`
	Version      versionCmd      `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and quit."`
}
