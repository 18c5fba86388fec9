package connect

import "github.com/openclaw-pos/commerce/platform/db"

// Doubt takes everything that channels are still to be told for something that they may have been told, as after a crash in the middle of it: it is looked for at the partner, or
// sent under the partner's own idempotency key, else its outcome is unknown. For a database made of a backup, after which it was at work.
func (s *Service) Doubt(tx *db.Tx) error {
	_, err := tx.Exec(`update tells set uncertain = true where state in ('intended', 'running')`)
	return err
}
