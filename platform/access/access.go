// Package access says who calls and what they may do: people who sign in, API keys, the caller in a context, and how far the caller
// reaches. Start at Permit, the one gate; Rights and Jobs are what there is to permit, as data; Keys.Verify and Users.SignIn say who calls.
//
// A caller holds permissions in areas (legal entities, countries, locations). An operation names its permission and the kind of rows it is
// about; Permit puts into the context how far the caller reaches with it; every list adds that to its SQL (db.Tx.Within), and what is named
// by its id is looked at with Reach.Sees: outside it does not exist.
//
// A key is shown once, when it is made; the database holds a keyed hash of it. Verification is cached; a revocation counts at once in
// this process and within two seconds in others.
//
// For a console:
//
//	in, err := users.SignIn(ctx, access.Attempt{Email: …, Password: …, Code: …, Address: …, Agent: …, Device: cookie})
//	            in.Token → the session cookie, in.Device → a cookie kept for a year, in.Session.CSRF → every form
//	            fault codes: "sign_in" (wrong), "code_needed" (ask for the code), "throttled" (fault.RetryAfter)
//	s, err := users.SessionOf(ctx, token)   s.Caller goes into the context with access.With; s.CSRF is compared with Users.SameForm
//	ctx, who, err := access.Permit(ctx, "orders.read", access.Orders)   lists in this ctx show only what is within reach;
//	            what a page names by id: access.ReachOf(ctx).Sees(tx, access.Orders, id), else answer 404
//	users.NeedsSetup(ctx) → show the set-up form: users.SetUp(ctx, access.NewOwner{Token: …, Email: …, Name: …, Password: …})
//	users.Accept(ctx, token, password) → the form behind an invitation or a reset
//	users.SignOut(ctx, token), users.Sessions(tx, user), users.EndSession(ctx, by, id)
//	users.Enrol(ctx, user) → secret and otpauth:// address; users.Confirm(ctx, user, code); users.Unenrol(ctx, by, user)
package access

import (
	"context"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Scope is what a caller may do.
type Scope string

// The scopes there are. Admin includes all; Write includes Read; Hooks stands alone.
const (
	Read  Scope = "read"  // see everything but personal data in clear and secrets
	Write Scope = "write" // change orders, stock, shipments, …
	Admin Scope = "admin" // accounts, credentials, keys, modes
	Hooks Scope = "hooks" // deliver events to us, and subscribe to ours
)

// Scopes lists every scope, for forms and documentation.
func Scopes() []Scope { return []Scope{Read, Write, Admin, Hooks} }

// Kind is how a caller came.
type Kind string

// The kinds of callers.
const (
	ByKey    Kind = "key"    // over HTTP with an API key
	ByUser   Kind = "user"   // a person who signed in
	ByCLI    Kind = "cli"    // a person at the command line, with the rights of whoever may read the data folder
	BySystem Kind = "system" // the program itself: a job, a relay, an import
)

// Caller is who acts.
type Caller struct {
	Kind   Kind
	ID     string // of the key; the person's login name; the part of the program
	Name   string // as people call it
	Scopes []Scope
	Area   Area    // the part of the business the scopes are limited to
	Grants []Grant // of a person
	User   string  // whose key it is; "" for a key that nobody who signs in has made
}

// CLI is a person at the command line.
func CLI(login string) Caller {
	return Caller{Kind: ByCLI, ID: login, Name: login, Scopes: []Scope{Admin, Hooks}}
}

// System is a part of the program.
func System(part string) Caller {
	return Caller{Kind: BySystem, ID: part, Name: part, Scopes: []Scope{Admin, Hooks}}
}

// Person is the human behind the caller, by the user's id: whoever signed in, or whose key it is. "" where that is not known: a person at the command line, a key that was made
// there, the program itself. Two callers of one person are one when it takes two.
func (c Caller) Person() string {
	if c.Kind == ByUser {
		return c.ID
	}
	return c.User
}

// Actor is the caller as audit rows and timelines name it: "key:<id>", "cli:amina", "system:relay".
func (c Caller) Actor() string { return string(c.Kind) + ":" + c.ID }

// May reports whether the caller has a scope, or one that includes it.
func (c Caller) May(s Scope) bool {
	return slices.ContainsFunc(c.Scopes, func(has Scope) bool {
		return has == s || has == Admin || has == Write && s == Read
	})
}

// Reach is how far the caller reaches with a permission: the areas of every grant, or the area of the scopes, that include it.
func (c Caller) Reach(p Permission) Reach {
	var areas []Area
	for _, g := range c.Grants {
		if g.Role.Includes(p) {
			areas = append(areas, g.Area)
		}
	}
	if slices.ContainsFunc(c.Scopes, func(s Scope) bool { return s.includes(p) }) {
		areas = append(areas, c.Area)
	}
	return Within(areas...)
}

// Can reports whether the caller has a permission in a whole area; the zero area is the whole business.
func (c Caller) Can(p Permission, in Area) bool { return c.Reach(p).Contains(in) }

// Has reports whether the caller has a permission anywhere, for menus.
func (c Caller) Has(p Permission) bool { return !c.Reach(p).Nothing() }

type callerKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller in a context; false when there is none.
func From(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// Require returns the caller in a context when it has the scope. Faults: Unauthorized when there is no caller; Forbidden when the scope
// is missing.
func Require(ctx context.Context, s Scope) (Caller, error) {
	c, ok := From(ctx)
	if !ok {
		return Caller{}, fault.New(fault.Unauthorized, "an API key is needed")
	}
	if !c.May(s) {
		return c, fault.New(fault.Forbidden, "this needs the scope %s", s)
	}
	return c, nil
}

// ParseScopes reads scopes separated by commas or spaces. Fault: Invalid for one that does not exist, and for none.
func ParseScopes(text string) ([]Scope, error) {
	var out []Scope
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		s := Scope(strings.ToLower(word))
		if !slices.Contains(Scopes(), s) {
			return nil, fault.Field("scopes", "there is no scope %q: want read, write, admin or hooks", word)
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fault.Field("scopes", "name at least one of read, write, admin, hooks")
	}
	return out, nil
}

func formatScopes(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}
