package daraz

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// quill writes values the way the gateway happens to: documents show everything as strings, live replies mix numbers, numeric strings,
// "null", flags as 1, "True" or true, and thousands commas (channels-common §0 rule 6). What it picks depends only on seed, document and
// field, so the same order reads the same each time.
type quill struct {
	seed  uint64
	doc   string
	plain bool
	dates DateStyle
	zone  *time.Location
}

func (m *Market) quill(doc string) quill {
	q := quill{seed: m.cfg.Seed, doc: doc, plain: m.cfg.Orders.Plain, dates: m.cfg.Orders.Dates, zone: m.venture.zone}
	if q.dates == DatesMixed {
		q.dates = []DateStyle{DatesISO, DatesSpaced, DatesMillis}[q.pick("dates", 3)]
	}
	return q
}

func (q quill) pick(field string, n int) int {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a, spelled out: this runs for every field of every row
	h := uint64(offset) ^ q.seed
	for _, text := range [...]string{q.doc, "|", field} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * prime
		}
	}
	return int((h >> 7) % uint64(n)) //nolint:gosec // n is small and positive
}

// decimal is minor units as text with two places; all five currencies have two.
func decimal(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}

// grouped is decimal with commas between thousands.
func grouped(minor int64) string {
	whole, cents, _ := strings.Cut(strings.TrimPrefix(decimal(minor), "-"), ".")
	var parts []string
	for len(whole) > 3 {
		parts = append([]string{whole[len(whole)-3:]}, parts...)
		whole = whole[:len(whole)-3]
	}
	out := strings.Join(append([]string{whole}, parts...), ",") + "." + cents
	if minor < 0 {
		return "-" + out
	}
	return out
}

func (q quill) amount(field string, minor int64) any {
	text := decimal(minor)
	if q.plain {
		return text
	}
	switch q.pick(field, 8) {
	case 0, 1:
		return json.Number(text)
	case 2:
		if minor%100 == 0 {
			return json.Number(strconv.FormatInt(minor/100, 10))
		}
		return json.Number(text)
	case 3:
		return grouped(minor)
	}
	return text
}

func (q quill) number(field string, n int) any {
	if !q.plain && q.pick(field, 2) == 0 {
		return n
	}
	return strconv.Itoa(n)
}

func (q quill) flag(field string, on bool) any {
	if q.plain {
		return on
	}
	i := 0
	if on {
		i = 1
	}
	switch q.pick(field, 4) {
	case 0:
		return [...]string{"False", "True"}[i]
	case 1:
		return strconv.Itoa(i)
	case 2:
		return i
	}
	return on
}

// id writes an id as a number or as text; numbers are beyond what a float holds.
func (q quill) id(field, id string) any {
	if !q.plain && q.pick(field, 2) == 0 {
		return json.Number(id)
	}
	return id
}

// text is the value, or one of the ways to say that there is none.
func (q quill) text(field, s string) any {
	if s != "" || q.plain {
		return s
	}
	switch q.pick(field, 4) {
	case 0:
		return "null"
	case 1:
		return nil
	}
	return ""
}

func (q quill) time(t time.Time) string {
	t = t.In(q.zone)
	switch q.dates {
	case DatesSpaced:
		return t.Format("2006-01-02 15:04:05 -0700")
	case DatesMillis:
		return strconv.FormatInt(t.UnixMilli(), 10)
	case DatesLocal:
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("2006-01-02T15:04:05-07:00")
}

// mask hides the middle of a value as an app without the permission sees it: 6****67.
func mask(s string) string {
	r := []rune(s)
	if len(r) < 4 {
		return strings.Repeat("*", len(r))
	}
	return string(r[:1]) + "****" + string(r[len(r)-2:])
}
