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

// gaps widen the time in which each would have helped: how long a group of writers works, how long a poll or a tell stands between two steps.
var gaps = map[string]time.Duration{"savepoint": 200 * time.Millisecond, "cursor_with_data": 300 * time.Millisecond, "lease_fencing": 800 * time.Millisecond}

// Gap is by how much the time is widened in which a missing protection would have helped, zero while it is there.
func Gap(protection string) time.Duration {
	if Sabotaged(protection) {
		return gaps[protection]
	}
	return 0
}

// Dawdle waits in the middle: all of the gap, or between the statements of a writer a hundredth of it.
func Dawdle(protection string) {
	gap := Gap(protection)
	if protection == "savepoint" {
		gap /= 100
	}
	time.Sleep(gap)
}
