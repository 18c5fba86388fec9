package app

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

const (
	scrubEvery = 24 * time.Hour // at the latest; after an erasure within the hour
	scrubAgain = 5 * time.Minute
)

// scrubbed are the tables whose old rows are keys that must open nothing: those of erased data, and those under a key-encryption key that was replaced.
var scrubbed = []string{"personal_keys", "vault_keys", "credentials"}

// scrub has what was destroyed leave the disk.
func (a *App) scrub(ctx context.Context) error { return a.scrubIn(ctx, a.Privacy) }

// scrubIn is scrub in the store of a zone.
func (a *App) scrubIn(ctx context.Context, s *privacy.Store) error {
	var due bool
	if err := s.Look(ctx, func(tx *db.Tx) (err error) {
		if due, err = s.ScrubDue(tx, scrubEvery); err != nil || due {
			return err
		}
		last, err := s.Scrub(tx)
		if err != nil {
			return err
		}
		r, err := vault.Running(tx)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		due = last.Left > 0 || r.FinishedAt.After(last.At)
		return err
	}); err != nil || !due {
		return err
	}
	return a.scrubNow(ctx, s)
}

// scrubLeft tries again what could not be done because somebody was looking.
func (a *App) scrubLeft(ctx context.Context) error { return a.scrubLeftIn(ctx, a.Privacy) }

func (a *App) scrubLeftIn(ctx context.Context, s *privacy.Store) error {
	var last privacy.Scrub
	if err := s.Look(ctx, func(tx *db.Tx) (err error) {
		last, err = s.Scrub(tx)
		return err
	}); err != nil || last.Left == 0 || a.DB.Now().Before(last.TriedAt.Add(scrubAgain)) {
		return err
	}
	return a.scrubNow(ctx, s)
}

func (a *App) scrubNow(ctx context.Context, s *privacy.Store) error {
	at := a.DB.Now()
	done, err := s.DB().ScrubTables(ctx, scrubbed...)
	if err != nil {
		return err
	}
	if done.Left > 0 {
		a.Log.Warn("destroyed keys are still on the disk: another session of the database may still see them; it is tried again in five minutes", "left", done.Left)
	} else {
		a.Log.Info("destroyed keys are off the disk", "checkpoint", done.Checkpoint, "oldest_log", done.OldestLog)
	}
	return s.Keep(ctx, func(tx *db.Tx) error { return s.Scrubbed(tx, at, done.Left, done.OldestLog) })
}
