package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Problem is an error as HTTP shows it (RFC 9457). It names what is wrong and gives nothing of the inside away.
type Problem struct {
	Type   string `json:"type" doc:"The kind of problem, a URN"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty" doc:"What is wrong this time, for a person"`
	Field  string `json:"field,omitempty" doc:"The input at fault"`
	Code   string `json:"code,omitempty" doc:"A stable reason, for programs"`
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// statuses is the one place that maps kinds of failure to HTTP.
var statuses = map[fault.Kind]struct {
	status int
	title  string
}{
	fault.Internal:       {http.StatusInternalServerError, "Something went wrong on our side"},
	fault.Invalid:        {http.StatusUnprocessableEntity, "The input is not right"},
	fault.NotFound:       {http.StatusNotFound, "There is no such thing"},
	fault.Conflict:       {http.StatusConflict, "That is not possible as things stand"},
	fault.Unauthorized:   {http.StatusUnauthorized, "The credentials are missing or not right"},
	fault.Forbidden:      {http.StatusForbidden, "That is not allowed"},
	fault.Throttled:      {http.StatusTooManyRequests, "Too many requests"},
	fault.Unavailable:    {http.StatusServiceUnavailable, "Not available right now"},
	fault.Refused:        {http.StatusUnprocessableEntity, "The other side refused it"},
	fault.OutcomeUnknown: {http.StatusBadGateway, "What became of it is not known"},
	fault.Full:           {http.StatusInsufficientStorage, "The disk or quota is full"},
}

// ProblemOf turns an error into what HTTP shows.
func ProblemOf(err error) *Problem {
	var done *Problem
	if errors.As(err, &done) {
		return done
	}
	k := fault.KindOf(err)
	s := statuses[k]
	p := &Problem{Type: "urn:openclaw-commerce:" + k.String(), Title: s.title, Status: s.status, Detail: fault.Message(err), Code: fault.CodeOf(err)}
	if f := fault.FieldOf(err); f != "" {
		p.Field = f
	}
	return p
}

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// retryAfter says how long to wait, where the failure knows.
func retryAfter(h http.Header, err error) {
	if after := fault.After(err); after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
}

// WriteProblem answers with an error. What is our own fault goes to the log with its cause.
func WriteProblem(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	p := ProblemOf(err)
	if p.Status >= 500 && log != nil {
		log.Error("request", "method", r.Method, "path", r.URL.Path, "kind", fault.KindOf(err).String(), "err", err)
	}
	retryAfter(w.Header(), err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil && log != nil {
		log.Debug("answer not written", "err", err)
	}
}
