package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// RoleView is a role with what it may do.
type RoleView struct {
	Role        access.Role         `json:"role"`
	Title       string              `json:"title"`
	Text        string              `json:"text"`
	Permissions []access.Permission `json:"permissions"`
}

// UserToken is a person with the token that was made for them, which is shown this once.
type UserToken struct {
	access.User
	Token string `json:"token,omitempty" doc:"Works once, to choose a password with; a repeat of the request has none in its answer"`
}

func (u *UserToken) reveal(_ context.Context, _ *Server, c *call) error {
	u.Token = c.plain
	return nil
}

// GrantIn is a role in a part of the business as callers send it.
type GrantIn struct {
	Role          access.Role `json:"role" enum:"owner,country_manager,branch_manager,picker,finance,support,integrator,auditor"`
	LegalEntities []string    `json:"legal_entities,omitempty" maxItems:"100" doc:"Ids or codes; missing: all"`
	Countries     []string    `json:"countries,omitempty" maxItems:"100" doc:"ISO 3166-1 alpha-2; missing: all"`
	Locations     []string    `json:"locations,omitempty" maxItems:"200" doc:"Branches and warehouses, ids or codes; missing: all"`
}

type userAdd struct {
	Write
	Body struct {
		Email    string    `json:"email" minLength:"3" maxLength:"254"`
		Name     string    `json:"name,omitempty" maxLength:"100"`
		Password string    `json:"password,omitempty" maxLength:"256" doc:"Missing: an invitation is made, and the person chooses one"`
		Grants   []GrantIn `json:"grants" minItems:"1" maxItems:"50"`
	}
}

type userChange struct {
	Action
	Body struct {
		Name    *string    `json:"name,omitempty" maxLength:"100"`
		Grants  *[]GrantIn `json:"grants,omitempty" maxItems:"50"`
		Enabled *bool      `json:"enabled,omitempty" doc:"false signs the person out everywhere"`
	}
}

type sessionList struct {
	Paging
	User string `query:"user" maxLength:"100" doc:"Id of the person; missing: everybody's"`
}

func (s *Server) userRoutes() {
	if s.Users == nil {
		return
	}
	const tag = "users"
	ask(s, route{path: "/roles", id: "list-roles", title: "Roles and what they may do", tag: tag, scope: access.Admin}, func(context.Context, *struct{}) (Page[RoleView], error) {
		p := Page[RoleView]{Items: []RoleView{}}
		for _, j := range access.Jobs {
			p.Items = append(p.Items, RoleView{j.Role, j.Title, j.Text, j.May})
		}
		return p, nil
	})
	read(s, route{path: "/users", id: "list-users", title: "People who may sign in", tag: tag, scope: access.Admin}, func(tx *db.Tx, in *Paging) (Page[access.User], error) {
		all, err := access.ListUsers(tx, in.After, in.Limit+1)
		return page(all, in.Limit, func(u access.User) string { return u.ID }), err
	})
	read(s, route{path: "/users/{id}", id: "get-user", title: "Read a person", tag: tag, scope: access.Admin, text: "By id or e-mail address."}, func(tx *db.Tx, in *One) (access.User, error) {
		return access.UserByID(tx, in.ID)
	})
	read(s, route{path: "/sessions", id: "list-sessions", title: "Who is signed in, from where", tag: tag, scope: access.Admin}, func(tx *db.Tx, in *sessionList) (Page[access.Session], error) {
		all, err := access.Sessions(tx, in.User, in.After, in.Limit+1)
		return page(all, in.Limit, func(x access.Session) string { return x.ID }), err
	})
	read(s, route{path: "/users/{id}/passkeys", id: "list-passkeys", title: "Passkeys of a person", tag: tag, scope: access.Admin, text: "By id or e-mail address. They are added by the person, in the console."}, func(tx *db.Tx, in *One) (Page[access.Passkey], error) {
		u, err := access.UserByID(tx, in.ID)
		if err != nil {
			return Page[access.Passkey]{}, err
		}
		all, err := access.Passkeys(tx, u.ID)
		return Page[access.Passkey]{Items: all}, err
	})
	s.userActions(tag)
}

func (s *Server) userActions(tag string) {
	show := func(tx *db.Tx, id string) (UserToken, error) {
		u, err := access.UserByID(tx, id)
		return UserToken{User: u}, err
	}
	write(s, route{path: "/users", id: "add-user", title: "Add a person", tag: tag, scope: access.Admin, status: http.StatusCreated, outside: true, text: "Nobody gives more rights than they have."}, func(ctx context.Context, c *call, in *userAdd) error {
		grants, err := s.grants(ctx, in.Body.Grants)
		if err != nil {
			return err
		}
		u, token, err := s.Users.Add(ctx, c.who, access.NewUser{Email: in.Body.Email, Name: in.Body.Name, Password: in.Body.Password, Grants: grants})
		c.about(u.ID)
		c.plain = token.Reveal()
		return err
	}, show)
	write(s, route{method: http.MethodPut, path: "/users/{id}", id: "change-user", title: "Change a person's name, roles or whether they may sign in", tag: tag, scope: access.Admin, outside: true, text: "Counts from the next request on. The last owner stays."},
		func(ctx context.Context, c *call, in *userChange) error {
			id, err := s.userID(ctx, in.ID)
			if err != nil {
				return err
			}
			c.about(id)
			ch := access.Change{Name: in.Body.Name, Enabled: in.Body.Enabled}
			if in.Body.Grants != nil {
				grants, err := s.grants(ctx, *in.Body.Grants)
				if err != nil {
					return err
				}
				ch.Grants = &grants
			}
			_, err = s.Users.Change(ctx, c.who, id, c.version, ch)
			return err
		}, show)
	write(s, route{path: "/users/{id}/reset", id: "reset-user", title: "Have a person choose a new password", tag: tag, scope: access.Admin, outside: true, text: "Signs them out; the old password works until the token is used."}, func(ctx context.Context, c *call, in *oneWrite) error {
		id, err := s.userID(ctx, in.ID)
		if err != nil {
			return err
		}
		token, u, err := s.Users.Reset(ctx, c.who, id)
		c.about(u.ID)
		c.plain = token.Reveal()
		return err
	}, show)
	write(s, route{path: "/users/{id}/drop-totp", id: "drop-totp", title: "Have a person sign in without one-time codes", tag: tag, scope: access.Admin, outside: true, text: "For a lost phone."}, s.toUser(s.Users.Unenrol), show)
	write(s, route{path: "/users/{id}/drop-passkeys", id: "drop-passkeys", title: "Remove all passkeys of a person", tag: tag, scope: access.Admin, outside: true, text: "For who has lost them: the password lets in again, with a one-time code where they use codes."}, s.toUser(s.Users.DropPasskeys), show)
	write(s, route{path: "/sessions/{id}/end", id: "end-session", title: "Sign a person out of one place", tag: tag, scope: access.Admin, outside: true}, func(ctx context.Context, c *call, in *oneWrite) error {
		_, err := s.Users.EndSession(ctx, c.who, in.ID)
		return err
	}, access.SessionByID)
}

// toUser does something to the person whom the path names.
func (s *Server) toUser(do func(ctx context.Context, by access.Caller, id string) error) func(context.Context, *call, *oneWrite) error {
	return func(ctx context.Context, c *call, in *oneWrite) error {
		id, err := s.userID(ctx, in.ID)
		if err != nil {
			return err
		}
		c.about(id)
		return do(ctx, c.who, id)
	}
}

func (s *Server) userID(ctx context.Context, ref string) (id string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		u, err := access.UserByID(tx, ref)
		id = u.ID
		return err
	})
	return id, err
}

// grants finds the ids behind what people call companies and locations.
func (s *Server) grants(ctx context.Context, in []GrantIn) ([]access.Grant, error) {
	out := make([]access.Grant, len(in))
	for i, g := range in {
		area, err := s.area(ctx, access.Area{LegalEntities: g.LegalEntities, Countries: g.Countries, Locations: g.Locations})
		if err != nil {
			return nil, err
		}
		out[i] = access.Grant{Role: g.Role, Area: area}
	}
	return out, nil
}

// area finds the ids of a part of the business.
func (s *Server) area(ctx context.Context, in access.Area) (access.Area, error) {
	out := access.Area{Countries: in.Countries}
	for _, ref := range in.LegalEntities {
		if s.Policy == nil || ref == "" {
			return out, fault.Field("legal_entities", "there is no legal entity %q", ref)
		}
		id, err := s.entity(ctx, ref, "")
		if err != nil {
			return out, err
		}
		out.LegalEntities = append(out.LegalEntities, id)
	}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		out.Locations = nil
		for _, ref := range in.Locations {
			if s.Inventory == nil || ref == "" {
				return fault.Field("locations", "there is no location %q", ref)
			}
			id, err := s.location(tx, "locations", ref)
			if err != nil {
				return err
			}
			out.Locations = append(out.Locations, id)
		}
		return nil
	})
	return out, err
}

type keyRotate struct {
	Write
	One
	Body struct {
		OverlapHours int64 `json:"overlap_hours,omitempty" minimum:"0" maximum:"720" default:"24" doc:"How long the old key works beside the new one"`
	}
}

func (in keyRotate) resource() string { return in.ID }

func (s *Server) rotateRoute(tag string) {
	write(s, route{path: "/keys/{id}/rotate", id: "rotate-key", title: "Replace an API key", tag: tag, scope: access.Admin, text: "By id or prefix. Both work for a while, so that programs can change over.", outside: true, status: http.StatusCreated}, func(ctx context.Context, c *call, in *keyRotate) error {
		plain, key, err := s.Keys.Rotate(ctx, c.who, in.ID, time.Duration(in.Body.OverlapHours)*time.Hour)
		c.about(key.ID)
		c.plain = plain.Reveal()
		return err
	}, func(tx *db.Tx, id string) (NewKey, error) {
		k, err := keyByID(tx, id)
		return NewKey{Key: k}, err
	})
}
