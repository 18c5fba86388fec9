package app

import (
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Behind counts the events that consumers have yet to take, the parked ones left out.
func (a *App) Behind(tx *db.Tx) (sum int64, err error) {
	all, err := outbox.Progresses(tx, a.consumers)
	for _, p := range all {
		sum += p.Behind
	}
	return sum, err
}
