package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Write is what every write takes.
type Write struct {
	Key string `header:"Idempotency-Key" minLength:"1" maxLength:"128" doc:"Any text that is new for a new request, such as a UUID: repeating the request with the same key does it once"`
}

func (w Write) idempotencyKey() string { return w.Key }

// Action is a write about one resource in the version that the caller saw.
type Action struct {
	Write
	ID    string `path:"id" maxLength:"200"`
	Match string `header:"If-Match" maxLength:"64" doc:"The version the caller saw, as its ETag says; * for any"`
}

func (a Action) ifMatch() string { return a.Match }

// One names a resource.
type One struct {
	ID string `path:"id" maxLength:"200"`
}

// Paging is where a list goes on.
type Paging struct {
	After string `query:"after" maxLength:"400" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// Page is a page of a list; next is missing at its end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// page cuts one more item than asked for into a page with its cursor.
func page[T any](items []T, limit int, id func(T) string) Page[T] {
	if items == nil {
		items = []T{}
	}
	p := Page[T]{Items: items}
	if len(items) > limit {
		p.Items = items[:limit]
		p.Next = id(p.Items[limit-1])
	}
	return p
}

// answer is a resource with what HTTP says about it.
type answer[T any] struct {
	Status   int
	ETag     string `header:"ETag" doc:"The version, for If-Match"`
	Replayed string `header:"Idempotent-Replayed" doc:"true when the key was answered before"`
	Body     T
}

// route says where an operation is and who may use it.
type route struct {
	method, path string
	id           string // of the operation, for programs that are made from OpenAPI
	title, text  string
	tag          string
	scope        access.Scope // default: read for reads, write for writes
	status       int          // of success; default 200
	outside      bool         // it calls a partner or has several transactions: its key is done after it, so it must bear being repeated
	media        string       // of the body, when it is not JSON
	slow         bool         // it may take longer than an answer usually may
}

func (r route) operation(base access.Scope) huma.Operation {
	if r.scope == "" {
		r.scope = base
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	op := huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.id, Summary: r.title, Description: r.text, Tags: []string{r.tag}, DefaultStatus: r.status,
		Metadata: map[string]any{"scope": r.scope, "slow": r.outside || r.slow}, Security: []map[string][]string{{"key": {}}}, MaxBodyBytes: maxBody,
		BodyReadTimeout: -1, // bound has read the body: a deadline on the connection would outlive the reading and cut short whoever takes longer
		Responses: map[string]*huma.Response{"default": {
			Description: "What went wrong",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}},
		}},
	}
	if r.media != "" {
		op.MaxBodyBytes = maxImport
	}
	op.Description = strings.TrimSpace(op.Description + "\n\nScope: " + string(r.scope) + ".")
	if p, ok := permits[r.id]; ok {
		op.Description += " Permission: " + string(p.need) + "."
	}
	return op
}

// read registers an operation that changes nothing; fn sees one unchanging view of the database.
func read[I, O any](s *Server, r route, fn func(tx *db.Tx, in *I) (O, error)) {
	ask(s, r, func(ctx context.Context, in *I) (O, error) {
		var out O
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			out, err = fn(tx, in)
			return err
		})
		return out, err
	})
}

// ask registers an operation that changes nothing of ours but may call a partner.
func ask[I, O any](s *Server, r route, fn func(ctx context.Context, in *I) (O, error)) {
	if r.method == "" {
		r.method = http.MethodGet
	}
	s.problems()
	op := r.operation(access.Read)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*answer[O], error) {
		if err := s.touching(ctx, any(*in)); err != nil {
			return nil, s.fail(ctx, op, err)
		}
		out, err := fn(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, op, err)
		}
		return &answer[O]{Status: op.DefaultStatus, ETag: etag(out), Body: out}, nil
	})
}

// document registers an operation whose answer is no JSON.
func document[I any](s *Server, r route, fn func(ctx context.Context, in *I) (*label, error)) {
	r.method = http.MethodGet
	s.problems()
	op := r.operation(access.Read)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*label, error) {
		out, err := fn(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, op, err)
		}
		return out, nil
	})
}

// call is what an action knows of who asks.
type call struct {
	who     access.Caller
	actor   string
	request string
	tag     string // of the operation
	subject string // what its path names
	version int64  // that the caller saw; 0 = any
	digest  []byte // of the request
	claim   *claim
	plain   string // a secret the effect has made, for its one answer
}

// about says what the effect is about, before its transaction ends.
func (c *call) about(resource string) { c.claim.resource = resource }

// once is a text that is the same for a repeat of the same request, for effects that want a reference of their own.
func (c *call) once() string {
	if c.claim.key != "" {
		return "api:" + c.claim.caller + ":" + c.claim.key
	}
	return "api:" + db.ID()
}

// write registers an operation that changes something. do is the effect; it says what it is about (call.about; the path's id unless it says otherwise), and show
// renders the answer from that, now and when the same key comes again.
func write[I, O any](s *Server, r route, do func(ctx context.Context, c *call, in *I) error, show func(tx *db.Tx, resource string) (O, error)) {
	if r.method == "" {
		r.method = http.MethodPost
	}
	s.problems()
	op := r.operation(access.Write)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*answer[O], error) {
		if err := s.touching(ctx, any(*in)); err != nil {
			return nil, s.fail(ctx, op, err)
		}
		c, err := s.begin(ctx, op, any(*in))
		if err != nil {
			return nil, s.fail(ctx, op, err)
		}
		replayed, err := s.perform(ctx, c, r.outside, func(ctx context.Context) error { return do(ctx, c, in) })
		if fault.CodeOf(err) == SecondPerson {
			err = s.wait(ctx, c, op, err)
		}
		if err != nil {
			return nil, s.fail(ctx, op, stale(err, c.version))
		}
		out := &answer[O]{Status: c.claim.status}
		if replayed {
			out.Replayed = "true"
		}
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			out.Body, err = show(tx, c.claim.resource)
			return err
		})
		if err != nil {
			return nil, s.fail(ctx, op, err)
		}
		if r, ok := any(&out.Body).(revealer); ok {
			if err := r.reveal(ctx, s, c); err != nil {
				return nil, s.fail(ctx, op, err)
			}
		}
		out.ETag = etag(out.Body)
		return out, nil
	})
}

// revealer is an answer with a secret that is not in the database's tables.
type revealer interface {
	reveal(ctx context.Context, s *Server, c *call) error
}

// begin reads what comes with every write.
func (s *Server) begin(ctx context.Context, op huma.Operation, in any) (*call, error) {
	who, _ := access.From(ctx)
	req := requestOf(ctx)
	c := &call{who: who, actor: who.Actor(), request: req.id, digest: req.digest}
	c.claim = &claim{caller: c.actor, route: op.OperationID, hash: req.hash, status: op.DefaultStatus}
	if len(op.Tags) > 0 {
		c.tag = op.Tags[0]
	}
	if k, ok := in.(interface{ idempotencyKey() string }); ok {
		c.claim.key = k.idempotencyKey()
	}
	if a, ok := in.(interface{ resource() string }); ok {
		c.claim.resource = a.resource()
		c.subject = a.resource()
	}
	m, ok := in.(interface{ ifMatch() string })
	if !ok {
		return c, nil
	}
	var err error
	c.version, err = version(m.ifMatch())
	return c, err
}

func (a Action) resource() string { return a.ID }

// perform has the effect happen once per key.
func (s *Server) perform(ctx context.Context, c *call, outside bool, effect func(ctx context.Context) error) (replayed bool, err error) {
	plain := s.acting(ctx, c, nil)
	if c.claim.key == "" {
		return false, effect(plain)
	}
	done, err := s.keeper.take(ctx, c.claim)
	if err != nil {
		return false, err
	}
	if done != nil {
		c.claim.status, c.claim.resource = done.status, done.resource
		return true, nil
	}
	stop := s.keeper.hold(ctx, c.claim)
	defer stop()
	finish := func(tx *db.Tx) error { return s.keeper.finish(tx, c.claim) }
	inner := plain
	if !outside {
		inner = s.acting(ctx, c, finish)
	}
	if err := effect(inner); err != nil {
		if fault.CodeOf(err) != "commit_unknown" && !fault.Is(err, fault.OutcomeUnknown) {
			s.keeper.drop(ctx, c.claim)
		}
		return false, err
	}
	if c.claim.finished {
		return false, s.keeper.rename(ctx, c.claim)
	}
	// Nothing was written, or the effect has several transactions: what it did stands, and may be done again after a crash before this.
	return false, s.DB.Write(context.WithoutCancel(plain), finish)
}

// acting has whatever the effect writes be in the audit log, in its own words or else in these, with the request's id.
func (s *Server) acting(ctx context.Context, c *call, also func(tx *db.Tx) error) context.Context {
	also = approvedIn(ctx).along(also)
	if s.Audit == nil {
		return db.Along(ctx, also)
	}
	return s.Audit.Acting(ctx, func() audit.Entry {
		subject := c.claim.resource
		if subject == "" {
			subject = c.claim.route
		}
		kind, action := actOf(c.claim.route, c.tag)
		return audit.Entry{Actor: c.actor, Action: action, SubjectKind: kind, Subject: subject, RequestID: c.request}
	}, also)
}

// actOf names an operation as the audit log does: hold-order of the tag orders is order.hold.
func actOf(operation, tag string) (kind, action string) {
	kind = strings.TrimSuffix(tag, "s")
	if kind == "" {
		kind = "operation"
	}
	return kind, kind + "." + strings.ReplaceAll(strings.TrimSuffix(operation, "-"+kind), "-", "_")
}

// version reads If-Match.
func version(match string) (int64, error) {
	match = strings.TrimSpace(match)
	switch match {
	case "":
		return 0, &Problem{
			Type: "urn:openclaw-commerce:precondition_required", Title: "Say which version you saw", Status: http.StatusPreconditionRequired,
			Detail: "send If-Match with the ETag of the resource as you read it, or * for any", Field: "If-Match", Code: "precondition_required",
		}
	case "*":
		return 0, nil
	}
	text := strings.Trim(strings.TrimPrefix(match, "W/"), `"`)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fault.Field("If-Match", "is not a version as ETag gives it")
	}
	return n, nil
}

// stale says 412 where the version the caller saw is not the current one.
func stale(err error, seen int64) error {
	if seen == 0 || !fault.Is(err, fault.Conflict) || fault.CodeOf(err) != "version" {
		return err
	}
	return &Problem{
		Type: "urn:openclaw-commerce:precondition_failed", Title: "It has changed since you looked", Status: http.StatusPreconditionFailed, Detail: fault.Message(err), Field: "If-Match", Code: "version",
	}
}

// sameVersion is the check for effects that take no version themselves.
func sameVersion(seen, now int64) error {
	if seen == 0 || seen == now {
		return nil
	}
	return fault.New(fault.Conflict, "it has changed since you looked: it is at version %d now", now).WithCode("version")
}

// etag is the version of what is answered, where it has one.
func etag(v any) string {
	x := reflect.Indirect(reflect.ValueOf(v))
	if x.Kind() != reflect.Struct {
		return ""
	}
	f := x.FieldByName("Version")
	if !f.IsValid() || !f.CanInt() || f.Int() == 0 {
		return ""
	}
	return `"` + strconv.FormatInt(f.Int(), 10) + `"`
}

// fail turns an error into what HTTP shows; what is our own fault goes to the log.
func (s *Server) fail(ctx context.Context, op huma.Operation, err error) error {
	p := ProblemOf(err)
	if p.Status >= 500 {
		s.Log.Error("request", "operation", op.OperationID, "request", requestOf(ctx).id, "kind", fault.KindOf(err).String(), "err", err)
	}
	h := http.Header{}
	retryAfter(h, err)
	if len(h) > 0 {
		return huma.ErrorWithHeaders(p, h)
	}
	return p
}

// problems puts the schema of errors into the document before the first operation refers to it.
func (s *Server) problems() {
	r := s.api.OpenAPI().Components.Schemas
	if r.Map()["Problem"] == nil {
		r.Schema(reflect.TypeFor[Problem](), true, "Problem")
	}
}
