package order

import (
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// step is one way a unit's count moves, and its name for the refusal.
type step struct {
	name     string
	from, to Bucket
}

var (
	stepShip     = step{"be handed over", InOpen, InOnTheWay}
	stepUnship   = step{"be taken back from hand-over", InOnTheWay, InOpen}
	stepArrive   = step{"be delivered", InOnTheWay, InDelivered}
	stepUnarrive = step{"be undelivered", InDelivered, InOnTheWay}
	stepLose     = step{"be lost", InOnTheWay, InLost}
	stepTurn     = step{"turn back", InOnTheWay, InReturning}
	stepReturn   = step{"be sent back", InDelivered, InReturning}
	stepKeep     = step{"stay with the buyer after all", InReturning, InDelivered}
	stepBack     = step{"come back", InReturning, InReturned}
)

// Ship counts units as handed over. The order row must be locked first (Heads). fault.Conflict when fewer are open: a cancellation was first.
func (s *Service) Ship(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepShip, moves)
}

// Unship is the exact inverse of Ship.
func (s *Service) Unship(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepUnship, moves)
}

// Arrive counts units on the way as delivered.
func (s *Service) Arrive(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepArrive, moves)
}

// Unarrive is the exact inverse of Arrive.
func (s *Service) Unarrive(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepUnarrive, moves)
}

// Turn counts units on the way as coming back: a return to origin.
func (s *Service) Turn(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepTurn, moves)
}

// Return counts delivered units as coming back: a buyer's return.
func (s *Service) Return(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepReturn, moves)
}

// Keep is the exact inverse of Return.
func (s *Service) Keep(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepKeep, moves)
}

// Back counts units that were coming back as returned.
func (s *Service) Back(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepBack, moves)
}

// Lose counts units on the way as lost.
func (s *Service) Lose(tx *db.Tx, order string, moves []Moved) error {
	return s.move(tx, order, stepLose, moves)
}

func (p *Progress) count(b Bucket) *int64 {
	switch b {
	case InOpen:
		return &p.Open
	case InCancelled:
		return &p.Cancelled
	case InOnTheWay:
		return &p.OnTheWay
	case InDelivered:
		return &p.Delivered
	case InReturning:
		return &p.Returning
	case InReturned:
		return &p.Returned
	}
	return &p.Lost
}

// move takes units from one count to another on a locked order.
func (s *Service) move(tx *db.Tx, order string, st step, moves []Moved) error {
	h, lines, err := s.locked(tx, order)
	if err != nil {
		return err
	}
	before := map[string][]Unit{}
	for _, m := range moves {
		l := find(lines, m.LineID)
		if l == nil {
			return fault.New(fault.NotFound, "order %s has no line %s", h.Number, m.LineID)
		}
		if _, twice := before[l.ID]; !twice {
			before[l.ID] = slices.Clone(l.Units)
		}
		if err := l.step(st, m); err != nil {
			return err
		}
	}
	if err := saveLines(tx, lines, before); err != nil {
		return err
	}
	return s.saveHead(tx, &h, lines)
}

// saveLines writes the lines that before names, and those of their units that stand elsewhere now.
func saveLines(tx *db.Tx, lines []Line, before map[string][]Unit) error {
	edits, units := db.NewBatch(1), db.NewBatch(2)
	for i := range lines {
		l := &lines[i]
		was, touched := before[l.ID]
		if !touched {
			continue
		}
		edits.Add(lineRow(l)...)
		for j, u := range l.Units {
			if u != was[j] {
				units.Add(l.ID, u.External, string(u.Bucket), string(u.Status), u.Raw, orNull(u.Package), orNull(u.Tracking))
			}
		}
	}
	tx.Send(updateLines, edits)
	tx.Send(updateUnits, units)
	return tx.Flush()
}

// step moves units of one line; fault.Conflict when there are fewer.
func (l *Line) step(st step, m Moved) error {
	from, to := l.count(st.from), l.count(st.to)
	if m.Quantity <= 0 || *from < m.Quantity {
		return fault.New(fault.Conflict, "line %d: %d units cannot %s, only %d are %s", l.N, m.Quantity, st.name, *from, wordsOf(st.from)).WithCode("not_enough")
	}
	*from -= m.Quantity
	*to += m.Quantity
	l.Shipped = l.OnTheWay + l.Delivered + l.Returning + l.Returned + l.Lost
	if len(l.Units) == 0 {
		return nil
	}
	return l.stepUnits(st, m)
}

// stepUnits keeps each channel unit in exactly one bucket: those named, else the first ones.
func (l *Line) stepUnits(st step, m Moved) error {
	named := map[string]bool{}
	for _, id := range m.Units {
		named[id] = true
	}
	left := m.Quantity
	for i := range l.Units {
		u := &l.Units[i]
		if left > 0 && u.Bucket == st.from && (len(named) == 0 || named[u.External]) {
			u.Bucket = st.to
			left--
		}
	}
	if left > 0 {
		return fault.New(fault.Conflict, "line %d: %d of the channel's units are not %s", l.N, left, wordsOf(st.from)).WithCode("not_enough")
	}
	return nil
}

func wordsOf(b Bucket) string {
	switch b {
	case InOnTheWay:
		return "on the way"
	case InReturning:
		return "coming back"
	}
	return string(b)
}

// locked reads an order with its lines, the row locked.
func (s *Service) locked(tx *db.Tx, id string) (Head, []Line, error) {
	tx.Locking(db.LockOrder, id)
	var heads []Head
	laterHeads(tx, &heads, []string{id}, true)
	rows := laterLines(tx, []string{id})
	if err := tx.Flush(); err != nil {
		return Head{}, nil, err
	}
	if len(heads) == 0 {
		return Head{}, nil, fault.New(fault.NotFound, "there is no order %s", id)
	}
	return heads[0], rows.lines()[id], nil
}

// saveHead derives state and counts and writes the head as its next version.
func (s *Service) saveHead(tx *db.Tx, h *Head, lines []Line) error {
	return saveHeads(tx, []*Head{h}, map[string][]Line{h.ID: lines})
}

// saveHeads is saveHead for many.
func saveHeads(tx *db.Tx, heads []*Head, lines map[string][]Line) error {
	b := db.NewBatch(1)
	for _, h := range heads {
		h.UpdatedAt = tx.Now
		h.derive(lines[h.ID])
		h.Version++
		b.Add(headRow(h)...)
	}
	return exactly(tx, updateHeads, b)
}

func find(lines []Line, id string) *Line {
	for i := range lines {
		if lines[i].ID == id {
			return &lines[i]
		}
	}
	return nil
}

// Refunded counts units whose money went back. It moves no goods.
func (s *Service) Refunded(tx *db.Tx, order string, parts []event.RefundPart) error {
	h, lines, err := s.locked(tx, order)
	if err != nil {
		return err
	}
	before := map[string][]Unit{}
	for _, p := range parts {
		if l := find(lines, p.LineID); l != nil && p.Quantity > 0 {
			l.Progress.Refunded = min(l.Ordered, l.Progress.Refunded+p.Quantity)
			before[l.ID] = l.Units
		}
	}
	if err := saveLines(tx, lines, before); err != nil {
		return err
	}
	return s.saveHead(tx, &h, lines)
}

// PayChanged takes the money state that payments tell; the first time that all is paid it emits OrderPaid with the basis (captured, cod_presumed, cod_confirmed).
func (s *Service) PayChanged(tx *db.Tx, order string, state PayState, basis string, at time.Time) error {
	h, lines, err := s.locked(tx, order)
	if err != nil || h.PayState == state {
		return err
	}
	first := false
	h.PayState = state
	h.payFirst(tx, &first)
	if err := s.saveHead(tx, &h, lines); err != nil {
		return err
	}
	if !h.Effective() {
		return nil
	}
	if first {
		by, err := s.need.Paid(tx, []string{h.ID})
		if err != nil {
			return err
		}
		if err := s.emit(tx, h.paid(basis, by[h.ID], at)); err != nil {
			return err
		}
	}
	if state.settled() || state == Authorized || state == Due {
		return s.releaseLocked(tx, &h, lines, HoldUnpaid, "payments", "paid")
	}
	return nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
