package event

import (
	"sync"
	"time"
)

var zones sync.Map // name → *time.Location

// Zone is the time zone of an IANA name, UTC where nobody knows it. Each is read once: time.LoadLocation opens and reads a file at every call.
func Zone(name string) *time.Location {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	zones.Store(name, zone)
	return zone
}
