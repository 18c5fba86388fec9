package db

import (
	"context"
	"time"
)

// Patient lets groups of a SQLite database take members for as long as they wait, so that a slow machine makes no smaller groups.
func Patient(d *DB) {
	w := d.engine.(*lite).writer
	w.mu.Lock()
	defer w.mu.Unlock()
	w.work = time.Hour
}

// TendOnce renews the statistics that are stale now, and says of how many tables.
func TendOnce(ctx context.Context, d *DB) (int, error) { return d.engine.(*server).tend(ctx) }
