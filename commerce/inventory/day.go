package inventory

import (
	"sync"
	"time"
)

var zones sync.Map // name → *time.Location; reading one opens a file

// zone is a time zone by its IANA name; "" is UTC.
func zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

// businessDate is the day a location books an instant on: its local date, and the day before until its closing minute.
func (l Location) businessDate(at time.Time) string {
	z, err := zone(l.Zone)
	if err != nil {
		z = time.UTC
	}
	return at.In(z).Add(-time.Duration(l.ClosingMinute) * time.Minute).Format(time.DateOnly)
}
