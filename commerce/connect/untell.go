package connect

import (
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// takeBack follows a hand-over that a person took back. A channel that has heard nothing of it is not told: the next hand-over tells it anew. One that has been told,
// or may have been, cannot be made to forget through any seam: a person sees to it, unless the parcel leaves after all.
func takeBack(tx *db.Tx, e outbox.Stored) error {
	f, err := outbox.Decode[event.ShipmentFact](e)
	if err != nil || f.State != "issued" {
		return err
	}
	shipped, err := db.All(tx, func(row db.Scanner) (t tell, err error) {
		var state string
		t, err = scanTell(rowWith{row, &state})
		t.Uncertain = t.Uncertain || state != "intended" && state != "withheld" && state != "refused"
		return t, err
	}, `select `+tellColumns+`, t.state from tells t where t.account_id = $1 and t.act = $2 and t.reference = $3`+tx.Lock(), f.AccountID, string(TellShip), f.Number)
	if err != nil || len(shipped) == 0 {
		return err
	}
	t := shipped[0]
	if t.Uncertain {
		return exception.Raise(tx, exception.Case{
			Cause: exception.ContradictingStatus, SubjectKind: "tell", Subject: t.ID, Order: t.Order, Account: t.Account,
			Detail: map[string]string{"act": string(t.Act), "shipment": f.Number, "reason": "the hand-over was taken back, and the channel has been told that the parcel left"},
		})
	}
	if _, err := tx.Exec(`delete from tells where id = $1`, t.ID); err != nil {
		return err
	}
	return exception.Clear(tx, "system", "the hand-over was taken back", exception.Key{Cause: exception.PushRefused, SubjectKind: "tell", Subject: t.ID})
}

// rowWith reads one more column behind those of a tell.
type rowWith struct {
	db.Scanner
	last *string
}

// Scan implements db.Scanner.
func (r rowWith) Scan(dest ...any) error { return r.Scanner.Scan(append(dest, r.last)...) }

// leftAfterAll closes the cases of parcels that were taken back and have left now: what the channel was told is true again. It runs before their intents are written.
func leftAfterAll(tx *db.Tx, all []tell) error {
	b := db.NewBatch(2)
	for _, t := range all {
		if t.Act == TellShip {
			b.Add(t.Account, t.Reference)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	told, err := db.All(tx, scanID, `select t.id from tells t, rows(a text, f text) where t.account_id = r.a and t.act = 'ship' and t.reference = r.f`, b)
	if err != nil || len(told) == 0 {
		return err
	}
	var keys []exception.Key
	for _, id := range told {
		keys = append(keys, exception.Key{Cause: exception.ContradictingStatus, SubjectKind: "tell", Subject: id})
	}
	return exception.Clear(tx, "system", "the parcel has left after all", keys...)
}
