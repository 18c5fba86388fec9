package sim

import (
	"sync"
	"time"
)

// Directions of an Entry.
const (
	In  = "in"  // told to the simulator
	Out = "out" // sent by the simulator
)

// Entry is one exchange: a call somebody made to the simulator, or a webhook the simulator sent.
type Entry struct {
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Dir      string    `json:"dir"`
	Kind     string    `json:"kind"` // what it was about: an operation (fulfillmentCreate) or a topic (orders/create)
	Ref      string    `json:"ref"`  // the partner's id of the thing it was about, "" when none
	Method   string    `json:"method,omitempty"`
	Path     string    `json:"path,omitempty"`
	Status   int       `json:"status,omitempty"`
	Request  Body      `json:"request,omitempty"`
	Response Body      `json:"response,omitempty"`
	Note     string    `json:"note,omitempty"` // what the partner thought of it: "ok", "refused: CHANGE_FROM_QUANTITY_STALE", "attempt 3"
}

// Filter selects entries; an empty field matches all.
type Filter struct {
	Dir, Kind, Ref string
	After          int64 // only entries with a greater Seq
}

func (f Filter) match(e *Entry) bool {
	return (f.Dir == "" || f.Dir == e.Dir) && (f.Kind == "" || f.Kind == e.Kind) && (f.Ref == "" || f.Ref == e.Ref) && e.Seq > f.After
}

// Record keeps what was said in either direction, in order. It only grows, up to its bound of bytes: then the oldest bodies go, their entries
// and all counts stay. Safe for concurrent use.
type Record struct {
	mu      sync.Mutex
	max     int
	held    int
	bare    int // entries before this index have lost their bodies
	entries []Entry
	counts  map[string]int
}

// NewRecord keeps at most maxBytes of bodies; zero means 64 MiB.
func NewRecord(maxBytes int) *Record {
	if maxBytes <= 0 {
		maxBytes = 64 << 20
	}
	return &Record{max: maxBytes, counts: map[string]int{}}
}

// Add appends an entry, giving it the next sequence number, and returns it.
func (r *Record) Add(e Entry) Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Seq = int64(len(r.entries)) + 1
	r.entries = append(r.entries, e)
	r.counts[e.Kind]++
	r.held += len(e.Request) + len(e.Response)
	for r.held > r.max && r.bare < len(r.entries) {
		old := &r.entries[r.bare]
		r.held -= len(old.Request) + len(old.Response)
		old.Request, old.Response = nil, nil
		r.bare++
	}
	return e
}

// Entries returns what matches, oldest first.
func (r *Record) Entries(f Filter) []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []Entry{}
	for i := range r.entries {
		if f.match(&r.entries[i]) {
			list = append(list, r.entries[i])
		}
	}
	return list
}

// Count is the number of entries of this kind ever added; "" counts all.
func (r *Record) Count(kind string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if kind == "" {
		return len(r.entries)
	}
	return r.counts[kind]
}

// Counts is the number of entries ever added, by kind.
func (r *Record) Counts() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]int, len(r.counts))
	for kind, n := range r.counts {
		counts[kind] = n
	}
	return counts
}
