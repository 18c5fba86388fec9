package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// ground is the business as areas are cut from it: companies, countries, branches and warehouses.
type ground struct {
	Jobs      []access.Job
	Entities  []policy.LegalEntity
	Countries []string
	Places    []inventory.Location
}

func (v *visit) ground(tx *db.Tx) (g ground, err error) {
	g.Jobs = access.Jobs
	if g.Entities, err = v.Policy.Entity(tx); err != nil {
		return g, err
	}
	for _, e := range g.Entities {
		g.Countries = append(g.Countries, e.Country)
	}
	g.Countries = slices.Compact(slices.Sorted(slices.Values(g.Countries)))
	g.Places, err = v.Inventory.Locations(tx)
	return g, err
}

// Where is an area in the words people use; "" is the whole business.
func (g ground) Where(a access.Area) string {
	all := slices.Clone(a.Countries)
	for _, id := range a.LegalEntities {
		i := slices.IndexFunc(g.Entities, func(e policy.LegalEntity) bool { return e.ID == id })
		if i < 0 {
			all = append(all, id)
		} else {
			all = append(all, g.Entities[i].Name)
		}
	}
	for _, id := range a.Locations {
		i := slices.IndexFunc(g.Places, func(l inventory.Location) bool { return l.ID == id })
		if i < 0 {
			all = append(all, id)
		} else {
			all = append(all, g.Places[i].Name)
		}
	}
	return strings.Join(all, ", ")
}

// Title is a role's name, as a phrase.
func (g ground) Title(r access.Role) string {
	job, _ := access.JobOf(r)
	return cmp.Or(job.Title, string(r))
}

type peoplePage struct {
	ground
	Items []access.User
	Next  string
}

// peopleList lists who may sign in.
func peopleList(v *visit) error {
	var p peoplePage
	const size = 50
	err := v.read(func(tx *db.Tx) (err error) {
		if p.ground, err = v.ground(tx); err != nil {
			return err
		}
		p.Items, err = access.ListUsers(tx, v.ask("after"), size+1)
		if p.Next = ""; len(p.Items) > size {
			p.Items = p.Items[:size]
			p.Next = p.Items[size-1].ID
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.page("people", "People", p)
}

type personPage struct {
	ground
	access.User
	entries
	Link string // an invitation or a new password: shown this once
}

// personShow shows one person with roles and where they are signed in.
func personShow(v *visit) error { return v.personPage(v.id(), "") }

func (v *visit) personPage(id, link string) error {
	p := personPage{entries: entries{Mine: v.session.ID}, Link: link}
	err := v.read(func(tx *db.Tx) (err error) {
		if p.ground, err = v.ground(tx); err != nil {
			return err
		}
		if p.User, err = access.UserByID(tx, id); err != nil {
			return err
		}
		return p.entries.read(tx, p.User.ID)
	})
	if err != nil {
		return err
	}
	return v.page("person", "Person %s", p, p.User.Name)
}

// personPath is where a person is shown.
func personPath(id string) string { return Base + "/people/" + url.PathEscape(id) }

// inviting is the address behind which a person chooses a password. The token stands behind a #: no server and no log sees it.
func (v *visit) inviting(token string) string {
	scheme := "http"
	if v.secure() {
		scheme = "https"
	}
	return scheme + "://" + v.r.Host + Base + "/accept#" + url.PathEscape(token)
}

// grant reads a role with the part of the business it is for. Fault: Invalid for a role there is none of.
func (v *visit) grant() (access.Grant, error) {
	g := access.Grant{Role: access.Role(v.form("role")), Area: v.area()}
	if _, ok := access.JobOf(g.Role); !ok {
		return g, fault.Field("role", "choose a role")
	}
	return g, nil
}

// area reads a part of the business; nothing chosen is all of it.
func (v *visit) area() (a access.Area) {
	read := func(name string) (out []string) {
		for _, s := range v.r.PostForm[name] {
			if s = clean(s); s != "" {
				out = append(out, s)
			}
		}
		return out
	}
	return access.Area{LegalEntities: read("entity"), Countries: read("country"), Locations: read("location")}
}

// personAdd invites somebody, and shows the invitation once.
func personAdd(v *visit) error {
	g, err := v.grant()
	if err != nil {
		return err
	}
	u, token, err := v.Users.Add(v.r.Context(), v.who, access.NewUser{Email: v.form("email"), Name: v.form("name"), Grants: []access.Grant{g}})
	if err != nil {
		return err
	}
	return v.personPage(u.ID, v.inviting(token.Reveal()))
}

// personDo changes roles, lets somebody in or not, and helps who forgot a password or lost a phone.
func personDo(v *visit) error {
	act, id := v.r.PathValue("act"), v.id()
	ctx, users, yes, no := v.r.Context(), v.Users, true, false
	f := flash{}
	var err error
	switch act {
	case "enable":
		_, err = users.Change(ctx, v.who, id, v.version(), access.Change{Enabled: &yes})
		f = flash{Text: v.T("May sign in again")}
	case "disable":
		_, err = users.Change(ctx, v.who, id, v.version(), access.Change{Enabled: &no})
		f = flash{Text: v.T("Signed out everywhere, and may not sign in"), Undo: personPath(id) + "/enable"}
	case "rename":
		name := v.form("name")
		_, err = users.Change(ctx, v.who, id, v.version(), access.Change{Name: &name})
		f = flash{Text: v.T("Saved")}
	case "grant", "ungrant":
		err = v.regrant(act == "grant")
		f = flash{Text: v.T("Saved: it counts from the next click on")}
	case "forget-phone":
		err = users.Unenrol(ctx, v.who, id)
		f = flash{Text: v.T("Signs in without one-time codes from now on")}
	case "forget-passkeys":
		err = users.DropPasskeys(ctx, v.who, id)
		f = flash{Text: v.T("Signs in without passkeys from now on")}
	case "reset":
		token, u, err := users.Reset(ctx, v.who, id)
		if err != nil {
			return err
		}
		return v.personPage(u.ID, v.inviting(token.Reveal()))
	default:
		return fault.New(fault.NotFound, "there is no such step")
	}
	if err != nil {
		return err
	}
	return v.back(personPath(id), f)
}

// regrant adds a role, or takes one away by its place in the list.
func (v *visit) regrant(add bool) error {
	var u access.User
	if err := v.read(func(tx *db.Tx) (err error) { u, err = access.UserByID(tx, v.id()); return err }); err != nil {
		return err
	}
	grants := slices.Clone(u.Grants)
	if add {
		g, err := v.grant()
		if err != nil {
			return err
		}
		grants = append(grants, g)
	} else {
		i, err := strconv.Atoi(v.form("n"))
		if err != nil || i < 0 || i >= len(grants) {
			return fault.Field("n", "is none of the roles")
		}
		grants = slices.Delete(grants, i, i+1)
	}
	_, err := v.Users.Change(v.r.Context(), v.who, u.ID, v.version(), access.Change{Grants: &grants})
	return err
}

// sessionEnd signs a person out of one place.
func sessionEnd(v *visit) error {
	s, err := v.Users.EndSession(v.r.Context(), v.who, v.form("session"))
	if err != nil {
		return err
	}
	return v.back(personPath(s.UserID), flash{Text: v.T("Signed out there")})
}
