package shopify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/openclaw-pos/commerce/sim"
)

// request is one call of the GraphQL endpoint, read but not yet judged.
type request struct {
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
	OperationName string         `json:"operationName"`

	raw     []byte
	bad     error
	doc     *ast.QueryDocument
	fields  []string // root fields, as the record and faults name the call
	version string   // the one that answers
}

func (s *Shop) routes() http.Handler {
	mux := http.NewServeMux()
	faulty := func(h http.HandlerFunc) http.Handler { return sim.Answers(s.Faults, nil, h) }
	mux.Handle("POST /admin/oauth/access_token", faulty(s.serveToken))
	mux.HandleFunc("GET /admin/oauth/authorize", s.serveAuthorize)
	mux.HandleFunc("POST /admin/api/{version}/graphql.json", s.serveGraphQL)
	mux.Handle("/_sim/", s.control)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		sim.WriteJSON(w, http.StatusNotFound, kv{"errors": "Not Found"})
	})
	return mux
}

func (s *Shop) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	q := readRequest(r)
	subject := r.URL.Path + " " + strings.Join(q.fields, ",") + " " + q.OperationName
	sim.Answers(s.Faults, func(*http.Request) string { return subject }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version, ok := s.answeringVersion(r.PathValue("version"))
		if !ok {
			sim.WriteJSON(w, http.StatusNotFound, kv{"errors": "Not Found"})
			return
		}
		q.version = version
		w.Header().Set("X-Shopify-API-Version", version)
		status, answer, note := s.answer(r, q, subject)
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(answer); err != nil {
			s.log.Error("answer cannot be encoded", "err", err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(b.Bytes())
		s.recordCall(r, q, status, b.Bytes(), note)
	})).ServeHTTP(w, r)
}

func (s *Shop) recordCall(r *http.Request, q *request, status int, answer []byte, note string) {
	e := sim.Entry{At: s.now(), Dir: sim.In, Kind: strings.Join(q.fields, ","), Method: r.Method, Path: r.URL.Path, Status: status, Request: q.raw, Note: note}
	if vars, err := json.Marshal(q.Variables); err == nil && q.doc != nil {
		e.Request = vars
	}
	if q.mutation() {
		e.Response, e.Ref = answer, q.ref()
	}
	s.Record.Add(e)
}

func (q *request) mutation() bool {
	op := q.operation()
	return op != nil && op.Operation == ast.Mutation
}

// ref is the first id among the variables: what a mutation was about.
func (q *request) ref() string {
	var find func(v any) string
	find = func(v any) string {
		switch v := v.(type) {
		case string:
			if strings.HasPrefix(v, "gid://") {
				return v
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if id := find(v[key]); id != "" {
					return id
				}
			}
		case []any:
			for _, e := range v {
				if id := find(e); id != "" {
					return id
				}
			}
		}
		return ""
	}
	return find(q.Variables)
}

func (q *request) operation() *ast.OperationDefinition {
	if q.doc == nil {
		return nil
	}
	if q.OperationName == "" && len(q.doc.Operations) == 1 {
		return q.doc.Operations[0]
	}
	return q.doc.Operations.ForName(q.OperationName)
}

func readRequest(r *http.Request) *request {
	q := &request{}
	q.raw, q.bad = io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if q.bad != nil {
		return q
	}
	dec := json.NewDecoder(bytes.NewReader(q.raw))
	dec.UseNumber()
	if q.bad = dec.Decode(q); q.bad != nil {
		return q
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: q.Query})
	if err != nil {
		q.bad = err
		return q
	}
	q.doc = doc
	if op := q.operation(); op != nil {
		for _, sel := range op.SelectionSet {
			if f, ok := sel.(*ast.Field); ok {
				q.fields = append(q.fields, f.Name)
			}
		}
	}
	return q
}

// answeringVersion falls forward: a version that has expired is answered by the oldest supported one, unstable by the newest.
func (s *Shop) answeringVersion(asked string) (string, bool) {
	versions := s.cfg.Versions
	switch {
	case asked == "unstable":
		return versions[len(versions)-1], true
	case len(asked) != len("2026-07") || asked[4] != '-':
		return "", false
	case asked < versions[0]:
		return versions[0], true
	}
	return asked, slices.Contains(versions, asked)
}

// answer judges and runs one request. The note is for the record.
func (s *Shop) answer(r *http.Request, q *request, subject string) (int, any, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, expired := s.Faults.Take(sim.ExpiredToken, subject); expired || !s.tokens.valid(r.Header.Get("X-Shopify-Access-Token")) {
		return http.StatusUnauthorized, kv{"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, "refused: token"
	}
	if q.bad != nil {
		var syntax *gqlerror.Error
		if errors.As(q.bad, &syntax) {
			return http.StatusOK, kv{"errors": []*gqlError{shaped(syntax)}}, "refused: syntax"
		}
		return http.StatusBadRequest, kv{"errors": kv{"query": "Required parameter missing or invalid"}}, "refused: no query"
	}
	op, vars, errs := s.validate(q)
	if len(errs) > 0 {
		return http.StatusOK, kv{"errors": errs}, "refused: " + errs[0].Message
	}
	cost := math.Ceil(requested(op.SelectionSet, vars, op.Operation == ast.Mutation))
	if cost > s.cfg.MaxCost {
		e := &gqlError{
			Message:    fmt.Sprintf("Query cost is %.0f, which exceeds the single query max cost limit (%.0f).", cost, s.cfg.MaxCost),
			Extensions: kv{"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": s.cfg.MaxCost, "documentation": "https://shopify.dev/api/usage/rate-limits"},
		}
		return http.StatusOK, kv{"errors": []*gqlError{e}}, "refused: MAX_COST_EXCEEDED"
	}
	s.bucket.refill(s.now())
	if hit, ok := s.Faults.Take(sim.Throttle, subject); ok || cost > s.bucket.level {
		status := http.StatusOK
		if hit.Code != 0 {
			status = hit.Code // some calls have been seen answered by 429
		}
		if ok {
			s.bucket.level = min(s.bucket.level, max(0, cost-1))
		}
		return status, s.throttled(cost), "refused: THROTTLED"
	}
	return s.run(q, op, vars, cost)
}

func (s *Shop) throttled(cost float64) kv {
	e := &gqlError{Message: "Throttled", Extensions: kv{"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}}
	return kv{
		"errors":     []*gqlError{e},
		"extensions": kv{"cost": kv{"requestedQueryCost": cost, "actualQueryCost": nil, "throttleStatus": s.bucket.status()}},
	}
}

func (s *Shop) run(q *request, op *ast.OperationDefinition, vars map[string]any, cost float64) (int, any, string) {
	schema, _ := Schema(q.version)
	s.tick()
	x := &execution{schema: schema, vars: vars}
	note := "ok"
	var root object = queryRoot{s, q.version}
	if op.Operation == ast.Mutation {
		root = record{"Mutation", nil}
		x.mutation = func(f *ast.Field, a args) (any, *gqlError) {
			payload, err := s.mutate(f, a, x)
			if refused := refusal(payload); refused != "" {
				note = "refused: " + refused
			}
			return payload, err
		}
	}
	data := x.run(op, root)
	actual := min(cost, math.Ceil(x.cost))
	s.bucket.level -= actual
	answer := &ordered{}
	if len(x.errs) > 0 {
		note = "refused: " + x.errs[0].Message
		answer.keys, answer.values = append(answer.keys, "errors"), append(answer.values, x.errs)
	}
	answer.keys = append(answer.keys, "data", "extensions")
	answer.values = append(answer.values, data, kv{"cost": kv{"requestedQueryCost": cost, "actualQueryCost": actual, "throttleStatus": s.bucket.status()}})
	// Rendered under the lock: what was selected is already plain values.
	return http.StatusOK, answer, note
}

func refusal(payload any) string {
	r, ok := payload.(record)
	if !ok {
		return ""
	}
	for _, field := range []string{"userErrors", "orderCancelUserErrors"} {
		if list, ok := r.values[field].([]object); ok && len(list) > 0 {
			message, _ := list[0].field("message", nil).(string)
			if code, ok := list[0].field("code", nil).(string); ok {
				return code
			}
			return message
		}
	}
	return ""
}

func (s *Shop) validate(q *request) (*ast.OperationDefinition, map[string]any, []*gqlError) {
	schema, err := Schema(q.version)
	if err != nil {
		return nil, nil, []*gqlError{{Message: err.Error()}}
	}
	var errs []*gqlError
	for _, e := range validator.ValidateWithRules(schema, q.doc, nil) {
		errs = append(errs, shaped(e))
	}
	if errs != nil {
		return nil, nil, errs
	}
	op := q.operation()
	if op == nil {
		return nil, nil, []*gqlError{{Message: "An operation name is required"}}
	}
	if q.Variables == nil {
		q.Variables = map[string]any{}
	}
	vars, err := validator.VariableValues(schema, op, q.Variables)
	if err != nil {
		return nil, nil, []*gqlError{{Message: "Variable " + err.Error(), Extensions: kv{"code": "INVALID_VARIABLE"}}}
	}
	return op, vars, nil
}

// codes of validation errors by the rule that was broken; others are named after the rule.
var ruleCodes = map[string]string{
	"FieldsOnCorrectType": "undefinedField", "KnownArgumentNames": "argumentNotAccepted", "ProvidedRequiredArguments": "missingRequiredArguments",
	"ScalarLeafs": "selectionMismatch", "ValuesOfCorrectType": "argumentLiteralsIncompatible", "KnownTypeNames": "undefinedType",
	"NoUnusedVariables": "variableNotUsed", "NoUndefinedVariables": "variableNotDefined", "VariablesInAllowedPosition": "variableMismatch",
	"KnownDirectives": "undefinedDirective", "NoUnusedFragments": "useAndDefineFragment",
}

func shaped(e *gqlerror.Error) *gqlError {
	out := &gqlError{Message: e.Message, Extensions: kv{}}
	for _, l := range e.Locations {
		out.Locations = append(out.Locations, map[string]int{"line": l.Line, "column": l.Column})
	}
	if code := ruleCodes[e.Rule]; code != "" {
		out.Extensions["code"] = code
	} else if e.Rule != "" {
		out.Extensions["code"] = e.Rule
	} else {
		out.Extensions["code"] = "PARSE_ERROR"
	}
	if out.Extensions["code"] == "undefinedField" {
		if parts := strings.Split(e.Message, `"`); len(parts) >= 4 {
			out.Message = fmt.Sprintf("Field '%s' doesn't exist on type '%s'", parts[1], parts[3])
			out.Extensions["typeName"], out.Extensions["fieldName"] = parts[3], parts[1]
		}
	}
	return out
}
