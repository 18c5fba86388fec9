package app

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// restored does what follows from a restore, once and before anything works on the database: what was to be sent when the backup was taken may have been sent since, so it is
// doubted, and a case says to people what nobody here can know. Polls go on at their cursors of then, which reads again what came after.
func (a *App) restored(ctx context.Context) error {
	return a.DB.Write(ctx, func(tx *db.Tx) error {
		taken, err := privacy.RestoredFrom(tx)
		if err != nil || taken.IsZero() {
			return err
		}
		if err := a.Connect.Doubt(tx); err != nil {
			return err
		}
		if err := jobs.Doubt(tx); err != nil {
			return err
		}
		at := taken.Format(time.RFC3339)
		if err := exception.Raise(tx, exception.Case{Cause: exception.Restored, SubjectKind: "backup", Subject: at, Detail: map[string]string{"backup_of": at}}); err != nil {
			return err
		}
		if err := a.Audit.Write(tx, audit.Entry{Actor: "system:restore", Action: "backup.settle", SubjectKind: "backup", Subject: at}); err != nil {
			return err
		}
		return privacy.SettleRestored(tx, taken)
	})
}
