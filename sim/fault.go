package sim

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is one thing to go wrong: which kind, for what, and how often.
type Fault struct {
	Kind  string        `json:"kind"`
	Match string        `json:"match,omitempty"` // substring of the path, operation or topic; "" matches all
	Count int           `json:"count,omitempty"` // how many times; -1 until cleared; 0 counts as 1
	Every int           `json:"every,omitempty"` // only each n-th match; 0 and 1 mean each
	Delay time.Duration `json:"delay,omitempty"` // nanoseconds in JSON
	Code  int           `json:"code,omitempty"`  // the status or number the kind speaks of
}

// Faults are the faults switched on in one simulator, and the count of those injected so far. Safe for concurrent use; a nil *Faults has none.
type Faults struct {
	mu       sync.Mutex
	set      []*armed
	injected map[string]int
}

type armed struct {
	Fault
	seen int
}

// Set switches a fault on. Setting the same kind and match again replaces the earlier one; unknown kinds are refused.
func (f *Faults) Set(fault Fault) error {
	if !slices.Contains(FaultKinds(), fault.Kind) {
		return fmt.Errorf("unknown fault kind %q", fault.Kind)
	}
	if fault.Count == 0 {
		fault.Count = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = slices.DeleteFunc(f.set, func(a *armed) bool { return a.Kind == fault.Kind && a.Match == fault.Match })
	f.set = append(f.set, &armed{Fault: fault})
	return nil
}

// Clear switches off the faults of the kinds given, or all when none is given. The counts stay.
func (f *Faults) Clear(kinds ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = slices.DeleteFunc(f.set, func(a *armed) bool { return len(kinds) == 0 || slices.Contains(kinds, a.Kind) })
}

// List is what is switched on now, with the counts that are left.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Fault, 0, len(f.set))
	for _, a := range f.set {
		list = append(list, a.Fault)
	}
	return list
}

// Take asks whether a fault of this kind strikes this subject (a path, an operation, a topic) now, and if so uses it up once.
func (f *Faults) Take(kind, subject string) (Fault, bool) {
	if f == nil {
		return Fault{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, a := range f.set {
		if a.Kind != kind || !strings.Contains(subject, a.Match) {
			continue
		}
		a.seen++
		if a.Every > 1 && a.seen%a.Every != 0 {
			continue
		}
		hit := a.Fault
		if a.Count > 0 {
			if a.Count--; a.Count == 0 {
				f.set = slices.Delete(f.set, i, i+1)
			}
		}
		if f.injected == nil {
			f.injected = map[string]int{}
		}
		f.injected[kind]++
		return hit, true
	}
	return Fault{}, false
}

// Injected counts the faults that really struck, by kind.
func (f *Faults) Injected() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := make(map[string]int, len(f.injected))
	for kind, n := range f.injected {
		counts[kind] = n
	}
	return counts
}

func (f *Faults) skew() time.Duration {
	if f == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.set {
		if a.Kind == ClockSkew {
			return a.Delay
		}
	}
	return 0
}

// Answers wraps a partner's handler with the faults that look alike everywhere: Delay, ServerError, HTML, CutBody and LostAnswer. The subject
// of a request is what Match is held against; nil means the path. Throttle and ExpiredToken have a partner's own shape and are the handler's.
func Answers(f *Faults, subject func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := r.URL.Path
		if subject != nil {
			s = subject(r)
		}
		if hit, ok := f.Take(Delay, s); ok && !Wait(r.Context(), hit.Delay) {
			return
		}
		if hit, ok := f.Take(ServerError, s); ok {
			http.Error(w, "Internal Server Error", or(hit.Code, http.StatusInternalServerError))
			return
		}
		if hit, ok := f.Take(HTML, s); ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(or(hit.Code, http.StatusOK))
			_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Something went wrong</title></head><body><h1>We'll be right back</h1></body></html>\n"))
			return
		}
		_, cut := f.Take(CutBody, s)
		_, lost := f.Take(LostAnswer, s)
		if !cut && !lost {
			next.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		// The partner finishes what it began although nobody is listening any more.
		next.ServeHTTP(whole, r.WithContext(context.WithoutCancel(r.Context())))
		if cut && !lost {
			sendHalf(w, whole)
		}
		panic(http.ErrAbortHandler) // net/http closes the connection without finishing the answer
	})
}

func sendHalf(w http.ResponseWriter, whole *httptest.ResponseRecorder) {
	for k, v := range whole.Header() {
		w.Header()[k] = v
	}
	body := whole.Body.Bytes()
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body[:len(body)/2])
	if fl, ok := w.(http.Flusher); ok {
		fl.Flush()
	}
}

// Wait sleeps for d or until ctx ends; it says whether the whole of d has passed.
func Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func or(code, otherwise int) int {
	if code == 0 {
		return otherwise
	}
	return code
}
