//go:build !sabotage

package db

import "time"

// Sabotaged says whether a protection was taken out to see that the torture run notices. It never was: only a build with the tag sabotage can.
func Sabotaged(string) bool { return false }

// Gap is by how much the time is widened in which a missing protection would have helped; Dawdle waits part of it. Nothing is missing.
func Gap(string) time.Duration { return 0 }

// Dawdle does not.
func Dawdle(string) {}
