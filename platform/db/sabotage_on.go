//go:build sabotage

package db

import (
	"os"
	"slices"
	"strings"
	"time"
)

var sabotaged = strings.Split(os.Getenv("OPENCLAW_SABOTAGE"), ",")

// Sabotaged says whether a protection was taken out, by naming it in OPENCLAW_SABOTAGE. Where that opens a gap in time, it widens it.
func Sabotaged(protection string) bool {
	out := slices.Contains(sabotaged, protection)
	if out && protection == "cursor_with_data" {
		time.Sleep(200 * time.Millisecond)
	}
	return out
}
