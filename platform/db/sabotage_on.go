//go:build sabotage

package db

import (
	"os"
	"slices"
	"strings"
	"time"
)

var sabotaged = strings.Split(os.Getenv("OPENCLAW_SABOTAGE"), ",")

// Sabotaged says whether a protection was taken out, by naming it in OPENCLAW_SABOTAGE.
func Sabotaged(protection string) bool { return slices.Contains(sabotaged, protection) }

// gaps are how long each dawdles: a writer of a group only as long as others take to queue up behind it.
var gaps = map[string]time.Duration{"savepoint": 3 * time.Millisecond, "cursor_with_data": 300 * time.Millisecond, "lease_fencing": 300 * time.Millisecond}

// Dawdle widens the gap in time that a missing protection leaves.
func Dawdle(protection string) {
	if Sabotaged(protection) {
		time.Sleep(gaps[protection])
	}
}
