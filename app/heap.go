package app

import (
	"os"
	"runtime/debug"
)

// Breathe lets the heap grow to three times what is in use before it is collected, unless GOGC says otherwise: import makes 160 KB of short-lived values an order, and a
// process that has 30 to 80 MB in use spends a fifth of its time collecting at Go's default of twice. Call it once, when the program starts to serve.
func Breathe() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}
