package iop

import (
	"strings"
	"time"
)

// layouts in which the family writes times, most common first. Those without an offset are read in the zone given.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00", // order sample
	"2006-01-02 15:04:05 -0700", // live items sample
	"2006-01-02T15:04:05-0700",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02",
}

// Time reads a time in any encoding of the family: ISO 8601 with offset, "2024-02-29 14:59:56 +0700", epoch seconds or milliseconds as digits,
// and the first two without an offset, which are then in zone. The result is UTC. ok is false for anything else, and for times before 2000 or
// after 2100, which are no business moments.
func Time(text string, zone *time.Location) (t time.Time, ok bool) {
	text = strings.TrimSpace(text)
	if s := Scalar(text); s.Digits() && len(text) >= 9 {
		n, fits := s.Int()
		if !fits {
			return time.Time{}, false
		}
		return sane(Epoch(n))
	}
	if len(text) < len("2006-01-02") || len(text) > 40 {
		return time.Time{}, false
	}
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return sane(t)
		}
	}
	return time.Time{}, false
}

// Time is the Scalar as a time, see Time.
func (s Scalar) Time(zone *time.Location) (time.Time, bool) { return Time(string(s), zone) }

// Epoch reads a number of seconds or milliseconds since 1970, told apart by size: pushes use both, depending on their type.
func Epoch(n int64) time.Time {
	if n >= 1e11 || n <= -1e11 {
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}

func sane(t time.Time) (time.Time, bool) {
	t = t.UTC()
	if t.Year() < 2000 || t.Year() > 2100 {
		return time.Time{}, false
	}
	return t, true
}
