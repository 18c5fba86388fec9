package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
)

// question is what a page's script needs to ask a passkey.
type question struct {
	Ceremony string          `json:"ceremony,omitempty"`
	Options  json.RawMessage `json:"options,omitempty"`
	Problem  string          `json:"problem,omitempty"`
}

// Asked are the options as the page carries them.
func (q question) Asked() string { return string(q.Options) }

func questionOf(c access.Ceremony) question {
	return question{Ceremony: c.Token.Reveal(), Options: c.Options}
}

// atHome reports whether the page is where passkeys work: elsewhere a browser would refuse.
func (v *visit) atHome() bool {
	at, err := v.Users.PasskeysAt()
	if err != nil {
		return false
	}
	u, err := url.Parse(at)
	return err == nil && strings.EqualFold(u.Host, v.r.Host)
}

// asks answers the script with a question, or with what is in the way.
func (v *visit) asks(c access.Ceremony, err error) error {
	q, status := questionOf(c), http.StatusOK
	if err != nil {
		if fault.Is(err, fault.Internal) {
			return err
		}
		q, status = question{Problem: fault.Message(err)}, http.StatusUnprocessableEntity
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	if _, err := v.w.Write(body); err != nil {
		v.Log.Debug("answer not written", "err", err)
	}
	return nil
}

// signinAsk asks whoever is at the door for a passkey.
func signinAsk(v *visit) error {
	return v.asks(v.Users.AskPasskey(v.r.Context(), v.address()))
}

// signinPasskey lets in who holds a passkey, alone or after the password.
func signinPasskey(v *visit) error {
	in, err := v.Users.SignInPasskey(v.r.Context(), access.PasskeyAnswer{Token: v.form("ceremony"), Answer: v.r.PostForm.Get("answer"), Address: v.address(), Agent: clean(v.r.UserAgent())})
	if err != nil && !fault.Is(err, fault.Unauthorized) && !fault.Is(err, fault.Invalid) {
		return err
	}
	if err != nil {
		v.status = http.StatusUnauthorized
		return v.page("signin", "Sign in", signinPage{To: v.form("to"), Wrong: fault.Message(err), Passkeys: v.atHome()})
	}
	return v.entered(in)
}

// entered opens the door.
func (v *visit) entered(in access.SignedIn) error {
	v.keep(cookieSession, in.Token.Reveal(), maxSession)
	v.keep(cookieDevice, in.Device.Reveal(), year)
	v.see(inside(v.form("to")))
	return nil
}
