package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// maxForm is how much a form may send.
const maxForm = 1 << 20

// visit is one request: who asks, in which language, and how to answer.
type visit struct {
	*Console
	w       http.ResponseWriter
	r       *http.Request
	who     access.Caller
	session access.Session // zero when nobody is signed in
	tongue
	theme string
	zone  *time.Location
	now   time.Time
	flash *flash
	// status is what is answered with a page; 0 is 200.
	status int
}

// contentPolicy is what a page may load: what this server serves, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// serve is what every request goes through: headers, the person, the permission, and a page also for what goes wrong.
func (c *Console) serve(w http.ResponseWriter, r *http.Request, to route) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie")
	v := &visit{Console: c, w: w, r: r, now: c.DB.Now()}
	v.prefer()
	defer func() {
		if p := recover(); p != nil {
			c.Log.Error("a page panicked", "route", to.name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			v.problem(fault.New(fault.Internal, "something went wrong on our side; the log has the cause"))
		}
	}()
	if err := v.enter(to); err != nil {
		v.fail(to, err)
		return
	}
	if err := to.do(v); err != nil {
		v.fail(to, err)
	}
}

// enter lets a request in that comes from our own pages and from somebody who may.
func (v *visit) enter(to route) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		if err := v.cross.Check(v.r); err != nil {
			return fault.Wrap(fault.Forbidden, err, "the form was sent from another site")
		}
		if err := v.readForm(to); err != nil {
			return fault.Wrap(fault.Invalid, err, "the form could not be read: it may be too large")
		}
		if to.need != "" && v.session.ID != "" && !access.SameForm(v.session, v.r.PostForm.Get("csrf")) {
			return fault.New(fault.Forbidden, "the form is from an earlier session: open the page again")
		}
	}
	if to.need == "" {
		return nil
	}
	if to.need == self && v.session.ID != "" {
		v.r = v.r.WithContext(v.acting(access.With(v.r.Context(), v.who), to))
		return nil
	}
	ctx, _, err := access.Permit(access.With(v.r.Context(), v.who), to.need, to.rows)
	if v.session.ID == "" {
		return fault.New(fault.Unauthorized, "sign in first")
	}
	if err != nil {
		return err
	}
	v.r = v.r.WithContext(v.acting(ctx, to))
	return v.within(ctx, to)
}

// readForm reads what a form sends, within what its route takes.
func (v *visit) readForm(to route) error {
	if to.name != "import.do" || !strings.HasPrefix(v.r.Header.Get("Content-Type"), "multipart/form-data") {
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
		return v.r.ParseForm()
	}
	if v.session.ID == "" || !v.allowed(v.who, to.name) { // nobody else has us take a large file in
		return v.r.ParseForm()
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxTable)
	return v.r.ParseMultipartForm(maxForm)
}

// acting has whatever a form does be in the audit log, in its own words or else under the name of its route.
func (v *visit) acting(ctx context.Context, to route) context.Context {
	if v.r.Method != http.MethodPost || v.Audit == nil {
		return ctx
	}
	return v.Audit.Acting(ctx, func() audit.Entry {
		action := strings.TrimSuffix(to.name, ".do")
		kind, _, _ := strings.Cut(action, ".")
		subject := v.id()
		if subject == "" {
			subject = action
		}
		return audit.Entry{Actor: v.actor(), Action: action, SubjectKind: kind, Subject: subject}
	}, nil)
}

// within refuses a row of its own kind that lies outside the person's part of the business, as if there were none.
func (v *visit) within(ctx context.Context, to route) error {
	if v.id() == "" || access.ReachOf(ctx).Everything() {
		return nil
	}
	return v.read(func(tx *db.Tx) error { return sees(tx, to.rows, v.id()) })
}

// sees refuses a row outside the part of the business that is the person's, as if there were none.
func sees(tx *db.Tx, rows access.Rows, id string) error {
	ok, err := access.ReachOf(tx.Context()).Sees(tx, rows, id)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "there is no such thing here")
	}
	return err
}

// fail shows what went wrong: on the page the person came from where that can be, else on one of its own.
func (v *visit) fail(to route, err error) {
	switch {
	case fault.Is(err, fault.Unauthorized) && v.session.ID == "":
		v.toSignIn()
	case v.r.Method == http.MethodPost && !v.partial() && to.need != "" && v.cameFrom() != "" && !fault.Is(err, fault.Internal):
		v.remember(flash{Bad: true, Text: v.T(titleOf(err)), More: fault.Message(err)})
		v.see(v.cameFrom())
	default:
		if fault.Is(err, fault.Internal) {
			v.Log.Error("console", "route", to.name, "err", err)
		}
		v.problem(err)
	}
}

// partial reports whether only a part of a page is asked for.
func (v *visit) partial() bool {
	return v.r.Header.Get("HX-Request") != "" || v.r.Header.Get("X-Scan") != ""
}

// cameFrom is the console's page that a form was sent from, or "".
func (v *visit) cameFrom() string {
	u, err := url.Parse(v.r.Referer())
	if err != nil || u.Host != v.r.Host || !strings.HasPrefix(u.Path, Base+"/") {
		return ""
	}
	return u.RequestURI()
}

// see sends the browser to a page of ours.
func (v *visit) see(path string) {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}

// back ends a form: it goes to where it was sent from, with a word about what was done, which may be undone.
func (v *visit) back(elsewhere string, f flash) error {
	v.remember(f)
	to := v.cameFrom()
	if to == "" {
		to = elsewhere
	}
	v.see(to)
	return nil
}

// read runs fn on one view of the database.
func (v *visit) read(fn func(tx *db.Tx) error) error { return v.DB.Read(v.r.Context(), fn) }

// write runs fn in one transaction.
func (v *visit) write(fn func(tx *db.Tx) error) error { return v.DB.Write(v.r.Context(), fn) }

// actor is who acts, as timelines and the audit name it.
func (v *visit) actor() string { return v.who.Actor() }

// ask is a value of the address, form is one of a sent form; both without space around and NUL.
func (v *visit) ask(name string) string  { return clean(v.r.URL.Query().Get(name)) }
func (v *visit) form(name string) string { return clean(v.r.PostForm.Get(name)) }

func clean(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), ""))
	if len(s) > 4000 {
		s = strings.ToValidUTF8(s[:4000], "")
	}
	return s
}

// id is a part of the path.
func (v *visit) id() string { return clean(v.r.PathValue("id")) }

// version is the version of what the person saw when the form was drawn; 0 when the form has none.
func (v *visit) version() int64 {
	n, err := strconv.ParseInt(v.form("version"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// number reads a positive number of a form. Fault: Invalid.
func (v *visit) number(name string) (int64, error) {
	n, err := strconv.ParseInt(v.form(name), 10, 64)
	if err != nil || n < 1 || n > 1_000_000_000 {
		return 0, fault.Field(name, "is a number from 1 on")
	}
	return n, nil
}

// nowhere answers what has no page.
func nowhere(v *visit) error {
	if v.r.URL.Path == Base || v.r.URL.Path == Base+"/index.html" {
		v.see(Base + "/")
		return nil
	}
	return fault.New(fault.NotFound, "there is no page at this address")
}
