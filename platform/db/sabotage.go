//go:build !sabotage

package db

// Sabotaged says whether a protection was taken out to see that the torture run notices. It never was: only a build with the tag sabotage can.
func Sabotaged(string) bool { return false }

// Dawdle widens the gap in time that a missing protection leaves. There is none.
func Dawdle(string) {}
