package connect

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// revised follows what changes something that a channel was told of, or is about to be: a hand-over taken back, a number corrected, a packed parcel opened. What happened
// before it is written first, so that it is there to be revised. It answers the intent that comes of it, if any, and false for every other event.
func (s *Service) revised(tx *db.Tx, e outbox.Stored, before *[]tell) (*tell, bool, error) {
	if e.Type != event.ShipmentChanged && e.Type != event.ShipmentClosed {
		return nil, false, nil
	}
	f, err := outbox.Decode[event.ShipmentFact](e)
	if err != nil {
		return nil, true, err
	}
	opened := e.Type == event.ShipmentClosed && f.State == "cancelled"
	if e.Type == event.ShipmentClosed && !opened {
		return nil, false, nil
	}
	// A channel that would cancel a whole package with one of its units hears first that it was opened.
	var cancels []tell
	for i := len(*before) - 1; opened && i >= 0; i-- {
		if t := (*before)[i]; t.Act == TellCancel && t.Order == f.OrderID {
			cancels = append([]tell{t}, cancels...)
			*before = append((*before)[:i:i], (*before)[i+1:]...)
		}
	}
	if err := s.intend(tx, *before); err != nil {
		return nil, true, err
	}
	*before = nil
	var t *tell
	switch {
	case opened:
		t, err = unpacked(tx, f)
	case f.Source == event.Renumbered:
		t, err = renumbered(tx, f)
	default:
		err = takeBack(tx, e)
	}
	if t != nil && len(cancels) > 0 {
		*before, t = append(*before, *t), nil
	}
	*before = append(*before, cancels...)
	return t, true, err
}

// standing is an intent that there is already, and how far it is.
type standing struct {
	tell
	state string
}

// untouched reports whether the partner surely has not heard of it.
func (t standing) untouched() bool {
	return !t.Uncertain && (t.state == "intended" || t.state == "withheld")
}

// ofParcel reads what was intended of a parcel by acts, the newest first, and locks it.
func ofParcel(tx *db.Tx, account string, act Act, number string) (*standing, error) {
	all, err := db.All(tx, func(row db.Scanner) (t standing, err error) {
		t.tell, err = scanTell(rowWith{row, &t.state})
		return t, err
	}, `select `+tellColumns+`, t.state from tells t where t.account_id = $1 and t.act = $2 and t.reference = $3`+tx.Lock(), account, string(act), number)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// unpacked: a parcel was opened before it left. A channel that has not heard that it was packed need not; one that has is told.
func unpacked(tx *db.Tx, f event.ShipmentFact) (*tell, error) {
	p, err := ofParcel(tx, f.AccountID, TellPack, f.Number)
	switch {
	case err != nil || p == nil || p.state == "refused":
		return nil, err
	case p.untouched():
		_, err := tx.Exec(`delete from tells where id = $1`, p.ID)
		return nil, err
	}
	return &tell{
		Account: p.Account, Order: p.Order, External: p.External, Act: TellUnpack, Reference: f.Number, Subject: f.ShipmentID,
		Payload: payload{Lines: p.Payload.Lines, Packages: f.Packages},
	}, nil
}

// renumbered: carrier or number of a parcel were corrected. An intent that has not been carried out is put right, a channel that has been told of the old ones is told the
// new ones.
func renumbered(tx *db.Tx, f event.ShipmentFact) (*tell, error) {
	p, err := ofParcel(tx, f.AccountID, TellShip, f.Number)
	if err != nil || p == nil {
		return nil, err
	}
	was := p.Payload.Tracking
	p.Payload.Carrier, p.Payload.Tracking, p.Payload.URL = f.Courier, f.Tracking, f.URL
	if p.untouched() || p.state == "refused" {
		body, err := json.Marshal(p.Payload)
		if err != nil {
			return nil, fmt.Errorf("payload of %s: %w", p.Act, err)
		}
		_, err = tx.Exec(`update tells set payload = $2 where id = $1`, p.ID, string(body))
		return nil, err
	}
	return &tell{
		Account: p.Account, Order: p.Order, External: p.External, Act: TellRetrack, Reference: f.Number + ":" + strconv.FormatInt(f.At.UnixMicro(), 10), Subject: f.ShipmentID,
		Payload: payload{Number: f.Number, Was: was, Carrier: f.Courier, Tracking: f.Tracking, URL: f.URL},
	}, nil
}
