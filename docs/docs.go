// Package docs carries the generated contracts in the binary, so that whoever receives an event can fetch its schema from the installation that sent it.
// Start at Schemas; `go run ./docs/gen` writes them from the Go structs.
package docs

import "embed"

// Schemas has the JSON Schema of every contract version as events/NAME.json, NAME as outbox.Name gives it: events/order.created.v1.json.
//
//go:embed events/*.json
var Schemas embed.FS
