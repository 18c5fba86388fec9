package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Control is the part of a simulator that no partner has: it is mounted at /_sim/ and shows the record, switches faults, and carries the
// simulator's own state pages. It asks for no credentials, so a simulator belongs on a private address.
//
//	GET    /_sim/record?kind=&ref=&dir=&after=   entries, oldest first
//	GET    /_sim/faults                          {"set":[…],"injected":{…},"kinds":[…]}
//	POST   /_sim/faults                          one Fault or a list of them
//	DELETE /_sim/faults?kind=                    that kind, or all
type Control struct {
	mux *http.ServeMux
}

// NewControl has the pages every simulator has.
func NewControl(rec *Record, faults *Faults) *Control {
	c := &Control{mux: http.NewServeMux()}
	c.mux.HandleFunc("GET /_sim/record", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		after, _ := strconv.ParseInt(q.Get("after"), 10, 64)
		WriteJSON(w, http.StatusOK, rec.Entries(Filter{Dir: q.Get("dir"), Kind: q.Get("kind"), Ref: q.Get("ref"), After: after}))
	})
	c.mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { showFaults(w, faults) })
	c.mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		list, err := readFaults(r)
		for _, f := range list {
			if err == nil {
				err = faults.Set(f)
			}
		}
		if err != nil {
			WriteJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		showFaults(w, faults)
	})
	c.mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		faults.Clear(r.URL.Query()["kind"]...)
		showFaults(w, faults)
	})
	return c
}

// ServeHTTP implements http.Handler.
func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Handle adds a page, with a pattern of net/http such as "POST /_sim/orders".
func (c *Control) Handle(pattern string, h http.HandlerFunc) { c.mux.HandleFunc(pattern, h) }

// Page adds a page that reads JSON of type In (nothing for an empty body) and answers JSON; an error is answered with 400 and its text.
func Page[I any](c *Control, pattern string, do func(r *http.Request, in I) (any, error)) {
	c.Handle(pattern, func(w http.ResponseWriter, r *http.Request) {
		var in I
		if r.ContentLength != 0 {
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				WriteJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
		}
		out, err := do(r, in)
		if err != nil {
			WriteJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		WriteJSON(w, http.StatusOK, out)
	})
}

func readFaults(r *http.Request) ([]Fault, error) {
	var raw json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		return nil, err
	}
	var list []Fault
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var one Fault
	err := json.Unmarshal(raw, &one)
	return []Fault{one}, err
}

func showFaults(w http.ResponseWriter, faults *Faults) {
	WriteJSON(w, http.StatusOK, map[string]any{"set": faults.List(), "injected": faults.Injected(), "kinds": FaultKinds()})
}
