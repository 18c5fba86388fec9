package console

import (
	"net/http"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
)

type setupPage struct {
	Token, Email, Name, Wrong string
	Owner                     bool // the first owner is made; else an invitation is taken
}

// setup shows the form that makes the first owner, with the token that serve prints. The token comes behind a # and is put in by the script: a browser sends that nowhere.
func setup(v *visit) error {
	fresh, err := v.Users.NeedsSetup(v.r.Context())
	if err != nil {
		return err
	}
	if !fresh {
		v.see(Base + "/signin")
		return nil
	}
	return v.page("setup", "Set up the owner", setupPage{Owner: true})
}

// setupDo makes the first owner.
func setupDo(v *visit) error {
	n := access.NewOwner{Token: v.form("token"), Email: v.form("email"), Name: v.form("name"), Password: v.r.PostForm.Get("password")}
	if _, err := v.Users.SetUp(v.r.Context(), n); err != nil {
		return v.again(err, setupPage{n.Token, n.Email, n.Name, fault.Message(err), true})
	}
	v.remember(flash{Text: v.T("You are the owner now: sign in")})
	v.see(Base + "/signin")
	return nil
}

// accept shows the form behind an invitation, or behind a forgotten password.
func accept(v *visit) error {
	return v.page("setup", "Choose your password", setupPage{})
}

// acceptDo sets the password of who was invited.
func acceptDo(v *visit) error {
	if _, err := v.Users.Accept(v.r.Context(), v.form("token"), v.r.PostForm.Get("password")); err != nil {
		return v.again(err, setupPage{Token: v.form("token"), Wrong: fault.Message(err)})
	}
	v.remember(flash{Text: v.T("Your password is set: sign in")})
	v.see(Base + "/signin")
	return nil
}

// again shows a form anew with what was wrong, unless the fault is ours.
func (v *visit) again(err error, p setupPage) error {
	if fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable) {
		return err
	}
	v.status = http.StatusUnprocessableEntity
	title := "Choose your password"
	if p.Owner {
		title = "Set up the owner"
	}
	return v.page("setup", title, p)
}
