package outbox

import (
	"cmp"
	"math"
	"slices"

	"github.com/openclaw-pos/commerce/platform/db"
)

// behindSpan is how many of the newest positions are looked through to say how far consumers are behind.
const behindSpan = 10_000

// Progress says how far a consumer is.
type Progress struct {
	Consumer string
	Position int64 // of its slowest cursor
	// Behind is how many events it has yet to take, the parked ones left out. Of the newest 10,000 positions it counts what is of interest to the consumer; what lies
	// before counts whole, an estimate of a sixteenth of the positions for each cursor. It is 0 only if nothing waits.
	Behind int64
	Parked int64
}

// Progresses lists all consumers that ever ran, by name. known are those of this program: of another it is not known what interests it, so everything counts.
// Its cost does not grow with the number of events.
func Progresses(tx *db.Tx, known []Consumer) ([]Progress, error) {
	head, err := Head(tx)
	if err != nil {
		return nil, err
	}
	all, err := cursorsOf(tx, known)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	from := head
	for _, c := range all {
		from = min(from, c.Position)
	}
	from = max(from, head-behindSpan)
	for _, c := range all {
		c.Behind = c.before(from)
	}
	_, err = db.All(tx, func(s db.Scanner) (none struct{}, err error) {
		var position, shard int64
		var k kind
		if err = s.Scan(&position, &shard, &k.typ, &k.contract); err != nil {
			return none, err
		}
		for _, c := range all {
			if c.cursor[shard] < position && c.of.wants(k) {
				c.Behind++
			}
		}
		return none, nil
	}, `select position, shard, type, contract from events where position > $1 and position <= $2`, from, head)
	if err != nil {
		return nil, err
	}
	_, err = db.All(tx, func(s db.Scanner) (none struct{}, err error) {
		var name string
		var n int64
		if err = s.Scan(&name, &n); err == nil {
			if at := slices.IndexFunc(all, func(c *cursors) bool { return c.of.Name == name }); at >= 0 {
				all[at].Parked = n
			}
		}
		return none, err
	}, `select consumer, count(*) from event_parked group by consumer`)
	list := make([]Progress, len(all))
	for i, c := range all {
		list[i] = c.Progress
		list[i].Consumer = c.of.Name
	}
	return list, err
}

// cursors is a consumer with where its cursors stand; a shard without one has nothing to take.
type cursors struct {
	Progress
	of     Consumer
	cursor [Shards]int64
}

// before estimates what lies between the cursors and a position.
func (c *cursors) before(position int64) (n int64) {
	for _, at := range c.cursor {
		if at < position {
			n += (position - at + Shards - 1) / Shards
		}
	}
	return n
}

// cursorsOf reads where every consumer stands, by name.
func cursorsOf(tx *db.Tx, known []Consumer) ([]*cursors, error) {
	var all []*cursors
	_, err := db.All(tx, func(s db.Scanner) (none struct{}, err error) {
		var name string
		var shard, position int64
		if err = s.Scan(&name, &shard, &position); err != nil {
			return none, err
		}
		at := slices.IndexFunc(all, func(c *cursors) bool { return c.of.Name == name })
		if at < 0 {
			c := &cursors{of: Consumer{Name: name}}
			if i := slices.IndexFunc(known, func(k Consumer) bool { return k.Name == name }); i >= 0 {
				c.of = known[i]
			}
			for i := range c.cursor {
				c.cursor[i] = math.MaxInt64
			}
			c.Position = position
			all, at = append(all, c), len(all)
		}
		all[at].cursor[shard] = position
		all[at].Position = min(all[at].Position, position)
		return none, nil
	}, `select consumer, shard, position from event_cursors`)
	slices.SortFunc(all, func(a, b *cursors) int { return cmp.Compare(a.of.Name, b.of.Name) })
	return all, err
}
