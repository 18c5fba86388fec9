package console

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
)

// maxSession is how long a browser keeps a session; it may end sooner.
const maxSession = 30 * 24 * time.Hour

// signedIn finds out who asks. A session that has ended is none; a database that does not answer is an error.
func (v *visit) signedIn() error {
	token := v.cookie(cookieSession)
	if token == "" {
		return nil
	}
	s, err := v.Users.SessionOf(v.r.Context(), token)
	if fault.Is(err, fault.Unauthorized) {
		return nil
	}
	v.session, v.who = s, s.Caller
	return err
}

// toSignIn asks who it is, and remembers where the person wanted to go.
func (v *visit) toSignIn() {
	to := Base + "/signin"
	if v.r.Method == http.MethodGet && !v.partial() {
		to += "?to=" + url.QueryEscape(v.r.URL.RequestURI())
	}
	if v.partial() {
		v.w.Header().Set("HX-Redirect", to)
		v.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	v.see(to)
}

type signinPage struct {
	To, Email, Wrong string
	Code             bool     // the code is asked for
	Passkeys         bool     // they work here
	Second           question // a passkey is asked for, after the password
}

// signin shows the door; on the first day, the form that makes the owner.
func signin(v *visit) error {
	if v.session.ID != "" {
		v.see(inside(v.ask("to")))
		return nil
	}
	fresh, err := v.Users.NeedsSetup(v.r.Context())
	if err != nil {
		return err
	}
	if fresh {
		v.see(Base + "/setup")
		return nil
	}
	return v.page("signin", "Sign in", signinPage{To: v.ask("to"), Passkeys: v.atHome()})
}

// signinDo lets somebody in.
func signinDo(v *visit) error {
	a := access.Attempt{Email: v.form("email"), Password: v.r.PostForm.Get("password"), Code: v.form("code"), Address: v.address(), Agent: clean(v.r.UserAgent()), Device: v.cookie(cookieDevice)}
	in, err := v.Users.SignIn(v.r.Context(), a)
	if err != nil && !fault.Is(err, fault.Unauthorized) && !fault.Is(err, fault.Throttled) && !fault.Is(err, fault.Invalid) {
		return err
	}
	if err != nil {
		v.status = http.StatusUnauthorized
		return v.page("signin", "Sign in", signinPage{v.form("to"), a.Email, fault.Message(err), fault.CodeOf(err) == "code_needed" || a.Code != "", v.atHome(), questionOf(in.Second)})
	}
	return v.entered(in)
}

// address is where the browser is, without its port.
func (v *visit) address() string {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		return v.r.RemoteAddr
	}
	return host
}

// signout lets somebody out.
func signout(v *visit) error {
	if err := v.Users.SignOut(v.r.Context(), v.cookie(cookieSession)); err != nil {
		return err
	}
	v.keep(cookieSession, "", 0)
	v.see(Base + "/signin")
	return nil
}

// inside is an address of ours, or the first page.
func inside(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, Base+"/") {
		return Base + "/"
	}
	return u.RequestURI()
}
