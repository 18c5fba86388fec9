package outbox

import (
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/platform/db"
)

const (
	feedSpan  = 4_000 // positions looked at by one statement
	feedSpans = 2     // statements by one call: who wants a rare type asks again from where it ended
)

// FeedFilter narrows a feed; zero fields do not.
type FeedFilter struct {
	Types    []string
	Account  string
	Internal bool // also events that are no contract
}

// Feed reads the events after a position in their order, contracts only unless the filter says otherwise, and says where to go on: after
// the last event given, or after what was looked through in vain. A limit outside 1…1000 is 100. A consumer that stores next with its
// own effect misses nothing and sees nothing twice. Who sees only a part of the events is told of no position but theirs.
func Feed(tx *db.Tx, after int64, limit int, f FeedFilter) (events []Stored, next int64, err error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	head, err := Head(tx)
	if err != nil {
		return nil, after, err
	}
	next = after
	part := false
	for range feedSpans {
		if next >= head {
			break
		}
		to := min(head, next+feedSpan)
		where, args := f.where(next, to, limit)
		seen, args := tx.Within("events", "e", args)
		part = seen != ""
		if events, err = db.All(tx, scan, `select `+columns+` from events e where `+where+seen+` order by e.position limit $3`, args...); err != nil {
			return nil, after, err
		}
		switch {
		case len(events) == limit, len(events) > 0 && part:
			return events, events[len(events)-1].Position, nil
		case len(events) > 0:
			return events, to, nil
		}
		next = to
	}
	if part && next >= head { // how far the head has gone says how much happened elsewhere
		next = after
	}
	return nil, next, nil
}

func (f FeedFilter) where(from, to int64, limit int) (string, []any) {
	where := "e.position > $1 and e.position <= $2"
	args := []any{from, to, limit}
	if !f.Internal {
		where += " and e.contract"
	}
	if f.Account != "" {
		args = append(args, f.Account)
		where += " and e.account_id = $" + strconv.Itoa(len(args))
	}
	where, args = ofTypes(where, args, f.Types)
	return where, args
}

// ofTypes adds the types to a condition, if there are any.
func ofTypes(where string, args []any, types []string) (string, []any) {
	if len(types) == 0 {
		return where, args
	}
	marks := make([]string, len(types))
	for i, t := range types {
		args = append(args, t)
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	return where + " and e.type in (" + strings.Join(marks, ", ") + ")", args
}
