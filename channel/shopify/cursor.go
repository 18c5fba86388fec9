package shopify

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// seen is one order at one update time.
type seen struct {
	id string
	at time.Time
}

// mark is how far a listing by update time has come: everything up to at, and within the overlap before it the orders listed here, which need not be read
// again. As a cursor: "2026-11-22T07:00:00Z;450789469@0,450789470@12", the numbers being seconds before.
type mark struct {
	at   time.Time
	seen []seen
}

// settled is how old a change must be before its second is surely over; a younger one may change again with the same time.
const settled = 2 * time.Second

// maxCursor leaves room under the seam's 1 KB; what does not fit is read once more.
const maxCursor = 900

func parseMark(c channel.Cursor) (mark, error) {
	if c == "" {
		return mark{}, nil
	}
	bad := fault.Field("cursor", "%.80q is not a cursor of a Shopify listing", string(c))
	head, rest, _ := strings.Cut(string(c), ";")
	at, err := time.Parse(time.RFC3339, head)
	if err != nil {
		return mark{}, bad
	}
	m := mark{at: at.UTC()}
	for _, part := range list(rest) {
		id, before, ok := strings.Cut(part, "@")
		n, err := strconv.ParseUint(before, 10, 32)
		if !ok || id == "" || err != nil {
			return mark{}, bad
		}
		m.seen = append(m.seen, seen{id, m.at.Add(-time.Duration(n) * time.Second)})
	}
	return m, nil
}

func (m mark) cursor() channel.Cursor {
	out := m.at.Format(time.RFC3339)
	for i, s := range m.seen {
		part := "," + s.id + "@" + strconv.FormatInt(int64(m.at.Sub(s.at)/time.Second), 10)
		if i == 0 {
			part = ";" + part[1:]
		}
		if len(out)+len(part) > maxCursor {
			break
		}
		out += part
	}
	return channel.Cursor(out)
}

// query is Shopify's search for what may have changed since. https://shopify.dev/docs/api/usage/search-syntax
func (m mark) query(overlap time.Duration) string {
	if m.at.IsZero() {
		return ""
	}
	return "updated_at:>='" + m.at.Add(-overlap).Format(time.RFC3339) + "'"
}

func (m mark) saw(s seen) bool { return slices.Contains(m.seen, s) }

// with is the mark after an order was read. It is remembered as seen only when its second was over before the read began.
func (m mark) with(s seen, readAt time.Time, overlap time.Duration) mark {
	next := mark{at: m.at}
	if s.at.After(next.at) {
		next.at = s.at
	}
	if readAt.Sub(s.at) >= settled {
		next.seen = append(next.seen, s)
	}
	for _, old := range m.seen {
		if old.id != s.id && !old.at.Before(next.at.Add(-overlap)) {
			next.seen = append(next.seen, old)
		}
	}
	// The newest first: they stay longest within the overlap.
	slices.SortStableFunc(next.seen, func(a, b seen) int { return b.at.Compare(a.at) })
	return next
}
