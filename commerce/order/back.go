package order

import (
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

var stepUnback = step{"go on coming back", InReturned, InReturning}

// Unback is the exact inverse of Back.
func (s *Service) Unback(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepUnback, moves)
}

// Unturn is the exact inverse of Turn: the parcel goes to the buyer after all.
func (s *Service) Unturn(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, step{"go on to the buyer", InReturning, InOnTheWay}, moves)
}

// Exchanged counts units the buyer got others for; a negative quantity takes that back. It moves no goods. fault.Conflict when more are exchanged than were ordered.
func (s *Service) Exchanged(tx *db.Tx, order string, moves []Moved) error {
	h, lines, err := s.locked(tx, order)
	if err != nil {
		return err
	}
	edits := db.NewBatch(1)
	for _, m := range moves {
		l := find(lines, m.LineID)
		if l == nil {
			return fault.New(fault.NotFound, "order %s has no line %s", h.Number, m.LineID)
		}
		if n := l.Progress.Exchanged + m.Quantity; n < 0 || n > l.Ordered {
			return fault.New(fault.Conflict, "line %d: %d of %d units cannot be exchanged", l.N, n, l.Ordered).WithCode("not_enough")
		}
		l.Progress.Exchanged += m.Quantity
		edits.Add(lineRow(l)...)
	}
	if _, err := tx.Exec(updateLines, edits); err != nil {
		return err
	}
	return s.saveHead(tx, &h, lines)
}
