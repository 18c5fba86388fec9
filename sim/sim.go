// Package sim is the ground under the wire-faithful stand-ins for partners (sim/shopify, sim/daraz and their siblings): faults to switch on, a
// record of everything said in either direction, a webhook sender that retries as the partner does, and the control pages under /_sim/.
// Start at Faults, Record, Outbox and Control.
//
// A simulator is written from the partner's documentation alone and shares no type with the adapter it talks to: a misunderstanding in one of
// them then shows as a failing test instead of agreeing with itself.
package sim

import (
	"encoding/json"
	"net/http"
	"time"
)

// Fault kinds. A simulator injects those that make sense for it; Answers injects the ones that are the same for every HTTP partner.
const (
	Duplicate    = "duplicate"     // a webhook is sent again under the same delivery id; Code is the number of extra copies, 1 when zero
	Reorder      = "reorder"       // a webhook is held back until the next one has been queued, or Delay (100 ms when zero) has passed
	Drop         = "drop"          // a webhook is never sent
	Delay        = "delay"         // a webhook or an answer is late by Delay
	Throttle     = "throttle"      // a call is refused in the partner's own shape for "too often"
	ServerError  = "server_error"  // a call is answered by Code (500 when zero) before any work is done
	HTML         = "html"          // a call is answered by a web page, Code or 200, before any work is done
	CutBody      = "cut_body"      // the work is done, half of the answer is sent, the connection is cut
	LostAnswer   = "lost_answer"   // the work is done, the connection is cut before the first byte of the answer
	ExpiredToken = "expired_token" // a call is refused as if its token had expired
	ClockSkew    = "clock_skew"    // the partner's clock is off by Delay, which may be negative, as long as the fault is set
)

// FaultKinds lists every kind, for help texts and for the control page's check.
func FaultKinds() []string {
	return []string{Duplicate, Reorder, Drop, Delay, Throttle, ServerError, HTML, CutBody, LostAnswer, ExpiredToken, ClockSkew}
}

// Clock is now, shifted by a ClockSkew fault if one is set.
func Clock(now func() time.Time, f *Faults) func() time.Time {
	if now == nil {
		now = time.Now
	}
	return func() time.Time { return now().Add(f.skew()) }
}

// Body is bytes that show as JSON when they are JSON and as text otherwise.
type Body []byte

// MarshalJSON implements json.Marshaler.
func (b Body) MarshalJSON() ([]byte, error) {
	if len(b) == 0 {
		return []byte(`null`), nil
	}
	if json.Valid(b) {
		return b, nil
	}
	return json.Marshal(string(b))
}

// UnmarshalJSON implements json.Unmarshaler; JSON strings become text, everything else stays as it was written.
func (b *Body) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*b = nil
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) == nil {
		*b = Body(text)
		return nil
	}
	*b = append(Body(nil), data...)
	return nil
}

// WriteJSON answers with v as JSON. The status line is the partner's business, so nothing else is added.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the status is out: a client that has gone away is no news
}
