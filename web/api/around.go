package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

const (
	maxBody   = 1 << 20  // of a request to a resource
	maxImport = 64 << 20 // of a table to import
	maxDepth  = 32       // of nested JSON
	maxDigits = 32       // of a JSON number
)

// request is what is known of a request before anything else.
type request struct {
	id     string
	hash   string // of method, address, If-Match and body: two requests with the same one ask for the same thing
	digest []byte
	uri    string // with its query
	match  string // If-Match
	body   []byte
}

type requestKey struct{}

func requestOf(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(request)
	return r
}

// around is what every request goes through: an id, a clear answer when something panics, a body within bounds.
func (s *Server) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := request{id: requestID(r)}
		h := w.Header()
		h.Set("X-Request-Id", req.id)
		h.Set("X-Content-Type-Options", "nosniff")
		seen := &statusWriter{ResponseWriter: w}
		start := time.Now()
		defer func() {
			if v := recover(); v != nil {
				s.Log.Error("a request panicked", "path", r.URL.Path, "request", req.id, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				if seen.status == 0 {
					WriteProblem(seen, r, nil, fault.New(fault.Internal, "something went wrong on our side; the log has the cause"))
				}
			}
			s.requests.WithLabelValues(r.Method, routeOf(r), strconv.Itoa(seen.code())).Observe(time.Since(start).Seconds())
		}()
		if under(r.URL.Path, s.Base) {
			if err := s.bound(seen, r, &req); err != nil {
				WriteProblem(seen, r, s.Log, err)
				return
			}
			h.Set("Cache-Control", "no-store")
		}
		*r = *r.WithContext(context.WithValue(r.Context(), requestKey{}, req))
		next.ServeHTTP(seen, r)
	})
}

func under(p, base string) bool { return p == base || strings.HasPrefix(p, base+"/") || base == "/" }

// requestID takes a sensible id that the caller gave, or makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) < 1 || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return db.ID()
	}
	return id
}

// routeOf is the pattern that took the request, so that metrics have few names.
func routeOf(r *http.Request) string {
	_, p, ok := strings.Cut(r.Pattern, " ")
	if !ok {
		return "none"
	}
	return p
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// bound reads the body within its bounds and refuses what no caller means: NUL, broken text, bottomless nesting, endless numbers.
func (s *Server) bound(w http.ResponseWriter, r *http.Request, req *request) error {
	if strings.ContainsRune(r.URL.Path, 0) || strings.Contains(strings.ToLower(r.URL.RawQuery), "%00") || strings.ContainsRune(r.URL.RawQuery, 0) {
		return fault.New(fault.Invalid, "the address contains a NUL")
	}
	limit := int64(maxBody)
	imports := strings.HasPrefix(r.URL.Path, s.Base+"/imports/")
	if imports {
		limit = maxImport
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge(limit)
	case err != nil:
		return fault.Wrap(fault.Invalid, err, "the body could not be read")
	}
	if len(body) > 0 && !imports {
		if err := checkJSON(body); err != nil {
			return err
		}
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%s\n", r.Method, r.URL.RequestURI(), r.Header.Get("If-Match"))
	sum.Write(body)
	req.digest = sum.Sum(nil)
	req.hash = hex.EncodeToString(req.digest)
	req.uri, req.match, req.body = r.URL.RequestURI(), r.Header.Get("If-Match"), body
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	return nil
}

func tooLarge(limit int64) *Problem {
	return &Problem{Type: "urn:openclaw-commerce:too_large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("at most %d MiB", limit>>20)}
}

func badBody(format string, args ...any) *Problem {
	return &Problem{Type: "urn:openclaw-commerce:malformed", Title: "The body is not JSON we read", Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

// checkJSON walks through the body once.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return badBody("the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	depth := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badBody("the JSON ends or breaks after %d bytes", d.InputOffset())
		}
		switch v := t.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			if depth > maxDepth {
				return badBody("nested deeper than %d", maxDepth)
			}
		case string:
			if strings.ContainsRune(v, 0) {
				return badBody("a text contains a NUL")
			}
		case json.Number:
			if len(v) > maxDigits || strings.ContainsAny(string(v), "eE") {
				return badBody("a number is too long, or written with an exponent")
			}
		}
	}
}

// authorize lets a caller through who has the operation's permission, and whose reach includes the row in its path. A caller that is in the context already was put there by this program itself.
func (s *Server) authorize(ctx huma.Context, next func(huma.Context)) {
	who, err := s.caller(ctx)
	if err == nil {
		var inner context.Context
		if inner, err = s.permit(ctx, who); err == nil {
			if slow, _ := ctx.Operation().Metadata["slow"].(bool); slow {
				_, w := humago.Unwrap(ctx)
				_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // not every writer has one
			}
			next(huma.WithContext(ctx, inner))
			return
		}
	}
	r, w := humago.Unwrap(ctx)
	if fault.Is(err, fault.Unauthorized) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="openclaw-commerce"`)
	}
	WriteProblem(w, r, s.Log, err)
}

func (s *Server) caller(ctx huma.Context) (access.Caller, error) {
	r, _ := humago.Unwrap(ctx)
	return s.callerBy(ctx.Context(), ctx.Header, Peer(r))
}

// callerBy says who comes with these headers.
func (s *Server) callerBy(ctx context.Context, header func(string) string, peer string) (access.Caller, error) {
	if who, ok := access.From(ctx); ok {
		return who, nil
	}
	scheme, key, _ := strings.Cut(header("Authorization"), " ")
	if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "bearer") || key == "" {
		return access.Caller{}, fault.New(fault.Unauthorized, "an API key is needed: Authorization: Bearer …")
	}
	if s.Local != "" && subtle.ConstantTimeCompare([]byte(key), []byte(s.Local)) == 1 {
		login := header("X-Openclaw-Login")
		if login == "" {
			login = "local"
		}
		return access.CLI(login), nil
	}
	if s.Keys == nil {
		return access.Caller{}, fault.New(fault.Unauthorized, "the API key is not right")
	}
	return s.verified(ctx, key, peer)
}

// verified says who holds a key, within what one key and one address may ask.
func (s *Server) verified(ctx context.Context, key, peer string) (access.Caller, error) {
	now := s.DB.Now()
	if !s.gate.knows(key) {
		if wait := s.gate.tries.Wait(peer, now); wait > 0 {
			return access.Caller{}, fault.Wait(wait, "too many keys that are not right came from this address").WithCode("rate_limited")
		}
	}
	who, err := s.Keys.Verify(ctx, key)
	if err == nil || fault.Is(err, fault.Unauthorized) {
		s.gate.learn(key, err == nil)
	}
	if fault.Is(err, fault.Unauthorized) {
		s.gate.tries.Take(peer, now)
	}
	if err != nil {
		return who, err
	}
	if wait := s.gate.calls.Take(who.Actor(), now); wait > 0 {
		return who, fault.Wait(wait, "this key asks too often").WithCode("rate_limited")
	}
	return who, nil
}
