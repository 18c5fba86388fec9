package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// SecondPerson is the code of the fault that says that somebody else has to confirm.
const SecondPerson = "second_person"

// approvalKept is how long a second person may take.
const approvalKept = 7 * 24 * time.Hour

// Approval is what one person asked for and a second one has to confirm.
type Approval struct {
	ID          string          `json:"id"`
	Operation   string          `json:"operation" doc:"As OpenAPI names it"`
	Path        string          `json:"path"`
	SubjectKind string          `json:"subject_kind"`
	Subject     string          `json:"subject"`
	Why         string          `json:"why" doc:"Why it takes a second person"`
	Request     json.RawMessage `json:"request" doc:"What was asked for, as it was sent"`
	State       string          `json:"state" enum:"pending,confirmed,declined"`
	AskedBy     string          `json:"asked_by"`
	AskedAt     time.Time       `json:"asked_at"`
	ExpiresAt   time.Time       `json:"expires_at"`
	DecidedBy   string          `json:"decided_by,omitempty"`
	DecidedAt   time.Time       `json:"decided_at,omitzero"`
	Reason      string          `json:"reason,omitempty"`
	Version     int64           `json:"version"`

	match         string
	asks, decides string // the people behind asked_by and decided_by
}

const approvalColumns = `id, operation, path, subject_kind, subject_id, why, if_match, body, state, asked_by, asked_at, expires_at, decided_by, decided_at, reason, version, asked_person, decided_person`

func scanApproval(s db.Scanner) (a Approval, err error) {
	var body string
	err = s.Scan(&a.ID, &a.Operation, &a.Path, &a.SubjectKind, &a.Subject, &a.Why, &a.match, &body, &a.State, &a.AskedBy, db.Time(&a.AskedAt), db.Time(&a.ExpiresAt), db.Text(&a.DecidedBy), db.Time(&a.DecidedAt), db.Text(&a.Reason), &a.Version, db.Text(&a.asks), db.Text(&a.decides))
	a.Request = json.RawMessage(body)
	return a, err
}

func approvalByID(tx *db.Tx, id string) (Approval, error) {
	a, err := db.One(tx, scanApproval, `select `+approvalColumns+` from approvals where id = $1`+tx.Lock(), id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "%q is none of the approvals", id)
	}
	return a, err
}

// approved is an approval that is being carried out.
type approved struct {
	id, by string
	person string // behind by
	audit  *audit.Log
	asked  string

	mu   sync.Mutex
	done bool
}

type approvedKey struct{}

func approvedIn(ctx context.Context) *approved {
	a, _ := ctx.Value(approvedKey{}).(*approved)
	return a
}

// Approved reports whether what happens in this context was confirmed by a second person.
func Approved(ctx context.Context) bool { return approvedIn(ctx) != nil }

// along has the approval be used up in the transaction of the act: of two people who confirm at once one succeeds, and the act happens once.
func (a *approved) along(also func(tx *db.Tx) error) func(tx *db.Tx) error {
	if a == nil {
		return also
	}
	return func(tx *db.Tx) error {
		if err := a.use(tx); err != nil || also == nil {
			return err
		}
		return also(tx)
	}
}

func (a *approved) use(tx *db.Tx) error {
	a.mu.Lock()
	done := a.done
	a.mu.Unlock()
	if done {
		return nil
	}
	n, err := tx.Exec(`update approvals set state = 'confirmed', decided_by = $2, decided_at = $3, decided_person = $4, version = version + 1
		where id = $1 and state = 'pending' and expires_at > $3 and asked_by <> $2 and asked_person <> $4`, a.id, a.by, tx.Now.UnixMicro(), a.person)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "it was decided meanwhile").WithCode("decided")
	}
	tx.AfterCommit(func() {
		a.mu.Lock()
		a.done = true
		a.mu.Unlock()
	})
	return a.audit.Write(tx, audit.Entry{Actor: a.by, Action: "approval.confirm", SubjectKind: "approval", Subject: a.id, Detail: map[string]string{"asked_by": a.asked}})
}

// nobody is said to who acts without being somebody where it takes two people.
func nobody(what string) error {
	return fault.New(fault.Forbidden, "%s takes two people, and nobody knows who you are: sign in to the console, or use an API key that you have made there", what).WithCode("no_person")
}

// wait keeps what was asked for until a second person decides, and says so.
func (s *Server) wait(ctx context.Context, c *call, op huma.Operation, why error) error {
	if c.who.Person() == "" {
		return nobody("this")
	}
	req := requestOf(ctx)
	id := db.ID()
	body := string(req.body)
	if body == "" {
		body = "{}"
	}
	kind, _ := actOf(op.OperationID, c.tag)
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		same, err := db.All(tx, scanApproval, `select `+approvalColumns+` from approvals where state = 'pending' and operation = $1 and path = $2 and body = $3 and asked_by = $4 and expires_at > $5 order by id limit 1`,
			op.OperationID, req.uri, body, c.actor, tx.Now.UnixMicro())
		if err != nil || len(same) > 0 {
			if err == nil {
				id = same[0].ID
			}
			return err
		}
		if _, err := tx.Exec(`insert into approvals (id, operation, path, subject_kind, subject_id, why, if_match, body, state, asked_by, asked_at, expires_at, version, asked_person)
			values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $11, 1, $12)`, id, op.OperationID, req.uri, kind, c.subject, fault.Message(why), req.match, body, c.actor,
			tx.Now.UnixMicro(), tx.Now.Add(approvalKept).UnixMicro(), c.who.Person()); err != nil {
			return err
		}
		return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "approval.ask", SubjectKind: "approval", Subject: id, RequestID: c.request, Detail: map[string]string{"operation": op.OperationID, "why": fault.Message(why)}})
	})
	if err != nil {
		return err
	}
	return &Problem{
		Type: "urn:openclaw-commerce:" + SecondPerson, Title: "A second person has to confirm", Status: http.StatusConflict, Code: SecondPerson,
		Detail: fault.Message(why) + ": it waits as approval " + id,
	}
}

type approvalList struct {
	Paging
	State string `query:"state" enum:"pending,confirmed,declined" default:"pending"`
}

type approvalConfirm struct {
	Write
	One
	Body struct{}
}

func (in approvalConfirm) resource() string { return in.ID }

type approvalDecline struct {
	Write
	One
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

func (in approvalDecline) resource() string { return in.ID }

func (s *Server) approvalRoutes(mux http.Handler) {
	const tag = "approvals"
	ask(s, route{path: "/approvals", id: "list-approvals", title: "What waits for a second person", tag: tag, text: "Oldest first; only what the caller may confirm."}, func(ctx context.Context, in *approvalList) (Page[Approval], error) {
		var all []Approval
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			all, err = db.All(tx, scanApproval, `select `+approvalColumns+` from approvals where state = $1 and id > $2 order by id limit $3`, in.State, in.After, in.Limit+1)
			return err
		})
		p := page(all, in.Limit, func(a Approval) string { return a.ID })
		mine := []Approval{}
		for _, a := range p.Items {
			if s.mayDecide(ctx, a) == nil {
				mine = append(mine, a)
			}
		}
		p.Items = mine
		return p, err
	})
	// The confirmed act takes its own transaction, and the approval is used up in that.
	write(s, route{path: "/approvals/{id}/confirm", id: "confirm-approval", title: "Confirm what another person asked for: it is done", tag: tag, outside: true}, func(ctx context.Context, c *call, in *approvalConfirm) error {
		return s.confirm(ctx, mux, c, in.ID)
	}, approvalByID)
	write(s, route{path: "/approvals/{id}/decline", id: "decline-approval", title: "Decline what a person asked for", tag: tag, text: "Who asked may take it back this way."}, func(ctx context.Context, c *call, in *approvalDecline) error {
		a, err := s.approval(ctx, in.ID)
		if err != nil {
			return err
		}
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			n, err := tx.Exec(`update approvals set state = 'declined', decided_by = $2, decided_at = $3, reason = $4, decided_person = $5, version = version + 1 where id = $1 and state = 'pending'`,
				a.ID, c.actor, tx.Now.UnixMicro(), in.Body.Reason, orNull(c.who.Person()))
			if err == nil && n == 0 {
				err = fault.New(fault.Conflict, "it was decided already").WithCode("decided")
			}
			if err != nil {
				return err
			}
			return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "approval.decline", SubjectKind: "approval", Subject: a.ID, Detail: map[string]string{"asked_by": a.AskedBy, "reason": in.Body.Reason}})
		})
	}, approvalByID)
}

// approval reads one that the caller may decide; another is none.
func (s *Server) approval(ctx context.Context, id string) (a Approval, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		a, err = approvalByID(tx, id)
		return err
	})
	if err == nil && s.mayDecide(ctx, a) != nil {
		err = fault.New(fault.NotFound, "%q is none of the approvals", id)
	}
	return a, err
}

// mayDecide refuses whoever could not have asked for the same.
func (s *Server) mayDecide(ctx context.Context, a Approval) error {
	_, _, err := s.Permit(ctx, a.Operation, a.Subject)
	return err
}

// confirm carries out what was asked for, as the person who confirms.
func (s *Server) confirm(ctx context.Context, mux http.Handler, c *call, id string) error {
	a, err := s.approval(ctx, id)
	switch {
	case err != nil:
		return err
	case c.who.Person() == "":
		return nobody("confirming")
	case a.AskedBy == c.actor || a.asks == c.who.Person():
		return fault.New(fault.Forbidden, "who asks cannot confirm: it takes a second person").WithCode("same_person")
	case a.asks == "":
		return fault.New(fault.Conflict, "nobody knows who asked for it: decline it, and have it asked for again").WithCode("no_person")
	case a.State != "pending":
		return fault.New(fault.Conflict, "it was decided already").WithCode("decided")
	case !a.ExpiresAt.After(s.DB.Now()):
		return fault.New(fault.Conflict, "it has waited too long: ask for it again").WithCode("expired")
	}
	at, err := url.ParseRequestURI(a.Path)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "what was asked for cannot be read")
	}
	inner := context.WithValue(db.Along(access.With(ctx, c.who), nil), approvedKey{}, &approved{id: a.ID, by: c.actor, person: c.who.Person(), audit: s.Audit, asked: a.AskedBy})
	inner = context.WithValue(inner, requestKey{}, request{id: c.request, hash: a.ID, uri: a.Path, match: a.match, body: a.Request})
	req, err := http.NewRequestWithContext(inner, s.methodOf(a.Operation), at.RequestURI(), bytes.NewReader(a.Request))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "what was asked for cannot be read")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", a.match)
	if a.match == "" {
		req.Header.Del("If-Match")
	}
	req.Header.Set("Idempotency-Key", "approval-"+a.ID)
	w := &inMemory{header: http.Header{}}
	mux.ServeHTTP(w, req)
	if w.status < 300 {
		audit.Told(ctx)
		return nil
	}
	var p Problem
	if err := json.Unmarshal(w.body.Bytes(), &p); err != nil || p.Status == 0 {
		return fault.New(fault.Internal, "what was asked for could not be done")
	}
	p.Detail = strings.TrimSpace(p.Detail + " (approval " + a.ID + ")")
	return &p
}

// faultOf is the fault behind an answer.
func faultOf(p Problem) error {
	kind := fault.Conflict
	for k, s := range statuses {
		if p.Type == "urn:openclaw-commerce:"+k.String() {
			kind = k
			break
		}
		if s.status == p.Status && p.Status != http.StatusConflict {
			kind = k
		}
	}
	return fault.New(kind, "%s", p.Detail).WithCode(p.Code)
}

// methodOf is how an operation is asked for.
func (s *Server) methodOf(operation string) string {
	for _, item := range s.api.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			if op != nil && op.OperationID == operation {
				return method
			}
		}
	}
	return http.MethodPost
}

// Do has a caller that this program knows do one request, as if it had come over HTTP: same rights, same two people. body and out are JSON; out may be nil. A refusal is the fault it says.
func (s *Server) Do(ctx context.Context, who access.Caller, method, path, match string, body, out any) error {
	s.once.Do(s.build)
	text, err := json.Marshal(body)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the request cannot be written")
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(db.Along(access.With(ctx, who), nil), method, s.Base+path, bytes.NewReader(text))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the request cannot be written")
	}
	req.Header.Set("Content-Type", "application/json")
	if method != http.MethodGet {
		req.Header.Set("Idempotency-Key", db.ID())
	}
	if match != "" {
		req.Header.Set("If-Match", match)
	}
	w := &inMemory{header: http.Header{}}
	s.handler.ServeHTTP(w, req)
	if w.status >= 300 {
		var p Problem
		if err := json.Unmarshal(w.body.Bytes(), &p); err != nil || p.Status == 0 {
			return fault.New(fault.Internal, "the request could not be done")
		}
		return faultOf(p)
	}
	if out == nil {
		return nil
	}
	return fault.Wrap(fault.Internal, json.Unmarshal(w.body.Bytes(), out), "the answer cannot be read")
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// inMemory is an answer that nobody is sent.
type inMemory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *inMemory) Header() http.Header         { return w.header }
func (w *inMemory) WriteHeader(status int)      { w.status = status }
func (w *inMemory) Write(b []byte) (int, error) { return w.body.Write(b) }
