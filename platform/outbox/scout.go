package outbox

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/platform/db"
)

// scout looks for all consumers of this process at once and wakes those that have something to take, so that a consumer costs nothing while
// nothing of interest to it happens.
func (cs *Consumers) scout(ctx context.Context) {
	p, upTo := newPace(), int64(-1)
	for ctx.Err() == nil {
		head, err := cs.spy(ctx, upTo)
		if err != nil && ctx.Err() == nil {
			cs.log.Warn("new events could not be looked for", "error", err)
			head = upTo
		}
		moved := head != upTo
		upTo = head
		p.wait(ctx, cs.wake, moved)
	}
}

// spy wakes whom the events after upTo and the parked ones that are due concern, and returns the head. Below zero it wakes all.
func (cs *Consumers) spy(ctx context.Context, upTo int64) (head int64, err error) {
	var wake []*worker
	err = cs.d.Read(ctx, func(tx *db.Tx) error {
		wake = nil
		if head, err = Head(tx); err != nil {
			return err
		}
		if upTo < 0 {
			wake = cs.list
			return nil
		}
		if head > upTo {
			kinds, err := db.All(tx, func(s db.Scanner) (k kind, err error) { return k, s.Scan(&k.typ, &k.contract) },
				`select distinct type, contract from events where position > $1 and position <= $2`, upTo, head)
			if err != nil {
				return err
			}
			wake = cs.concerned(kinds)
		}
		late, err := db.All(tx, func(s db.Scanner) (name string, err error) { return name, s.Scan(&name) },
			`select distinct consumer from event_parked where next_at <= $1`, tx.Now.UnixMicro())
		if err != nil {
			return err
		}
		for _, w := range cs.list {
			if slices.Contains(late, w.Name) && !slices.Contains(wake, w) {
				wake = append(wake, w)
			}
		}
		return nil
	})
	if err != nil {
		return upTo, err
	}
	for _, w := range wake {
		nudge(w.wake)
	}
	return head, nil
}

// kind is what a consumer chooses events by.
type kind struct {
	typ      string
	contract bool
}

func (cs *Consumers) concerned(kinds []kind) []*worker {
	var all []*worker
	for _, w := range cs.list {
		if slices.ContainsFunc(kinds, w.wants) {
			all = append(all, w)
		}
	}
	return all
}

// wants says whether an event is of interest.
func (c Consumer) wants(k kind) bool {
	return (k.contract || !c.Contracts) && (len(c.Types) == 0 || slices.Contains(c.Types, k.typ))
}
