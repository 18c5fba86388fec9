package console

import (
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type mePage struct {
	access.User
	entries
	Off  string // why passkeys cannot be added; "" when they can
	Home string // where they are added, when this page is not there

	Code  square // what an authenticator app reads, while codes are being set up
	Typed string // the same for typing
}

// entries are how and where a person signs in.
type entries struct {
	Passkeys []access.Passkey
	Sessions []access.Session
	Mine     string // the session of who looks
}

func (e *entries) read(tx *db.Tx, user string) (err error) {
	if e.Passkeys, err = access.Passkeys(tx, user); err != nil {
		return err
	}
	e.Sessions, err = access.Sessions(tx, user, "", 100)
	return err
}

// me shows somebody how they sign in, and where they are signed in.
func me(v *visit) error { return v.me(access.Enrolment{}) }

// meCodes makes a secret for one-time codes and shows it, once.
func meCodes(v *visit) error {
	e, err := v.Users.NewCodes(v.r.Context(), v.session)
	if err != nil {
		return err
	}
	return v.me(e)
}

// meCodesConfirm puts the secret in use that was shown last.
func meCodesConfirm(v *visit) error {
	if err := v.Users.Confirm(v.r.Context(), v.session.UserID, v.form("code")); err != nil {
		return err
	}
	return v.back(Base+"/me", flash{Text: v.T("From now on you are asked for a code")})
}

// meCodesEnd ends the need for codes.
func meCodesEnd(v *visit) error {
	if err := v.Users.EndCodes(v.r.Context(), v.session); err != nil {
		return err
	}
	return v.back(Base+"/me", flash{Text: v.T("No code is asked for any more")})
}

func (v *visit) me(e access.Enrolment) error {
	p := mePage{User: v.session.User, entries: entries{Mine: v.session.ID}}
	at, err := v.Users.PasskeysAt()
	switch {
	case err != nil:
		p.Off = fault.Message(err)
	case !v.atHome():
		p.Home = at + Base + "/me"
	}
	if err := v.read(func(tx *db.Tx) error { return p.entries.read(tx, p.User.ID) }); err != nil {
		return err
	}
	if text := e.Address.Reveal(); text != "" {
		if p.Code, err = squareOf(text); err != nil {
			return err
		}
		for i, r := range e.Secret.Reveal() {
			if i > 0 && i%4 == 0 {
				p.Typed += " "
			}
			p.Typed += string(r)
		}
		v.w.Header().Set("Cache-Control", "no-store")
	}
	return v.page("me", "How you sign in", p)
}

// meAsk begins to add a passkey.
func meAsk(v *visit) error { return v.asks(v.Users.NewPasskey(v.r.Context(), v.session)) }

// mePasskey adds the passkey that the browser made.
func mePasskey(v *visit) error {
	k, err := v.Users.AddPasskey(v.r.Context(), v.session, v.form("ceremony"), v.r.PostForm.Get("answer"), v.form("name"))
	if err != nil {
		return err
	}
	return v.back(Base+"/me", flash{Text: v.T("Added: %s", k.Name)})
}

// mePasskeyDo gives a passkey another name, or takes it away.
func mePasskeyDo(v *visit) error {
	f := flash{Text: v.T("Saved")}
	var err error
	switch v.r.PathValue("act") {
	case "rename":
		err = v.Users.RenamePasskey(v.r.Context(), v.session, v.id(), v.form("name"))
	case "remove":
		err = v.Users.RemovePasskey(v.r.Context(), v.session, v.id())
		f.Text = v.T("Removed: it lets nobody in any more")
	default:
		err = fault.New(fault.NotFound, "there is no such step")
	}
	if err != nil {
		return err
	}
	return v.back(Base+"/me", f)
}

// meSessionEnd signs somebody out of another place of theirs.
func meSessionEnd(v *visit) error {
	id := v.form("session")
	if err := v.read(func(tx *db.Tx) error {
		s, err := access.SessionByID(tx, id)
		if err == nil && s.UserID != v.session.UserID {
			err = fault.New(fault.NotFound, "there is no such session")
		}
		return err
	}); err != nil {
		return err
	}
	if _, err := v.Users.EndSession(v.r.Context(), v.who, id); err != nil {
		return err
	}
	return v.back(Base+"/me", flash{Text: v.T("Signed out there")})
}
