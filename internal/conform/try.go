package conform

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Try runs a case on a recorder instead of the test and returns what it complained about; a panic is a complaint too.
// It is how a suite proves that a broken adapter fails it.
func Try(tb testing.TB, run func(tb testing.TB)) []string {
	tb.Helper()
	r := &recorder{TB: tb}
	done := make(chan struct{})
	go func() { // FailNow ends the goroutine it is called on
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.add(fmt.Sprint("panic: ", p))
			}
		}()
		run(r)
	}()
	<-done
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.complaints
}

type recorder struct {
	testing.TB
	mu         sync.Mutex
	complaints []string
}

func (r *recorder) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complaints = append(r.complaints, strings.TrimSpace(s))
}

func (r *recorder) Helper()                      {}
func (r *recorder) Log(...any)                   {}
func (r *recorder) Logf(string, ...any)          {}
func (r *recorder) Error(args ...any)            { r.add(fmt.Sprintln(args...)) }
func (r *recorder) Fail()                        { r.add("failed") }
func (r *recorder) FailNow()                     { r.Fail(); runtime.Goexit() }
func (r *recorder) Fatal(args ...any)            { r.Error(args...); runtime.Goexit() }
func (r *recorder) Errorf(f string, args ...any) { r.add(fmt.Sprintf(f, args...)) }
func (r *recorder) Fatalf(f string, args ...any) { r.Errorf(f, args...); runtime.Goexit() }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.complaints) > 0
}
