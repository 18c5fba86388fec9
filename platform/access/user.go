package access

import (
	"context"
	"encoding/json"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// The states of a person.
const (
	Invited  = "invited" // has not chosen a password yet
	Active   = "active"
	Disabled = "disabled"
)

// User is a person who may sign in.
type User struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	State      string    `json:"state" enum:"invited,active,disabled"`
	Grants     []Grant   `json:"grants"`
	TOTP       bool      `json:"totp" doc:"Whether signing in needs a one-time code"`
	CreatedAt  time.Time `json:"created_at"`
	SignedInAt time.Time `json:"signed_in_at,omitzero"`
	Version    int64     `json:"version"`
}

// Caller is the person as who acts.
func (u User) Caller() Caller {
	return Caller{Kind: ByUser, ID: u.ID, Name: u.Name, Grants: u.Grants}
}

// kept is what is stored of a person and shown to nobody.
type kept struct {
	password string
	step     int64 // of the last one-time code used
	epoch    int64 // counts changes of the password: what was proven under an older one no longer counts
}

// Users are the people who may sign in. It is safe for concurrent use.
type Users struct {
	db     *db.DB
	vault  *vault.Vault
	hash   *vault.Hasher
	log    *audit.Log
	cost   Cost
	issuer string
	turns  chan struct{}

	party   *webauthn.WebAuthn // what passkeys are made for
	noParty error              // why there is none
}

// UserOptions say how people sign in; the zero value is fit for use.
type UserOptions struct {
	Cost   Cost   // of hashing a password
	Issuer string // as authenticator apps show it; default openclaw-commerce
	// Address is where people open the console, https://shop.example.com: passkeys are bound to its host name. "" is nowhere: there are no
	// passkeys then.
	Address string
}

// OpenUsers opens the people of a database. Call it at start, outside a transaction.
func OpenUsers(ctx context.Context, d *db.DB, v *vault.Vault, log *audit.Log, opt UserOptions) (*Users, error) {
	if opt.Cost == (Cost{}) {
		opt.Cost = defaultCost
	}
	if opt.Issuer == "" {
		opt.Issuer = "openclaw-commerce"
	}
	hash, err := v.Hasher(ctx, vault.MainZone, vault.Access)
	u := &Users{db: d, vault: v, hash: hash, log: log, cost: opt.Cost, issuer: opt.Issuer, turns: make(chan struct{}, atOnce)}
	u.party, u.noParty = relyingParty(opt.Address, opt.Issuer)
	return u, err
}

const userColumns = `id, email, name, state, grants, totp, created_at, signed_in_at, version, password, totp_step, epoch`

type userRow struct {
	User
	kept
}

func scanUser(s db.Scanner) (r userRow, err error) {
	err = s.Scan(&r.ID, &r.Email, &r.Name, &r.State, db.JSON(&r.Grants), &r.TOTP, db.Time(&r.CreatedAt), db.Time(&r.SignedInAt), &r.Version,
		db.Text(&r.password), &r.step, &r.epoch)
	return r, err
}

func oneUser(tx *db.Tx, where string, args ...any) (User, kept, error) {
	r, err := db.One(tx, scanUser, `select `+userColumns+` from users where `+where, args...)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no such person")
	}
	return r.User, r.kept, err
}

// take locks a person.
func take(tx *db.Tx, id string) (User, kept, error) {
	tx.Locking(db.LockOther, "user:"+id)
	return oneUser(tx, `id = $1`+tx.Lock(), id)
}

// UserByID reads a person by id or e-mail. Fault: NotFound.
func UserByID(tx *db.Tx, ref string) (User, error) {
	u, _, err := oneUser(tx, `id = $1 or email_folded = $2`, ref, folded(ref))
	return u, err
}

// ListUsers returns people by id, that is, oldest first, after the last id seen. A limit outside 1…1000 is 100.
func ListUsers(tx *db.Tx, after string, limit int) ([]User, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	rows, err := db.All(tx, scanUser, `select `+userColumns+` from users where id > $1 order by id limit $2`, after, limit)
	all := make([]User, len(rows))
	for i, r := range rows {
		all[i] = r.User
	}
	return all, err
}

func folded(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// checkEmail reads an address as people type it. Fault: Invalid.
func checkEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || a.Name != "" || len(email) > 254 || strings.ContainsAny(email, "\r\n\x00") {
		return "", fault.Field("email", "is not an e-mail address")
	}
	return email, nil
}

// CheckGrants refuses roles that do not exist, areas without sense, and rights that who gives them does not have in that area. Fault:
// Invalid; Forbidden.
func CheckGrants(by Caller, grants []Grant) error {
	for _, g := range grants {
		job, ok := JobOf(g.Role)
		if !ok {
			return fault.Field("grants", "there is no role %q", g.Role)
		}
		for _, c := range g.Countries {
			if len(c) != 2 || c != strings.ToUpper(c) {
				return fault.Field("grants", "%q is no country code such as PK", c)
			}
		}
		if slices.Contains(slices.Concat(g.LegalEntities, g.Countries, g.Locations), "") {
			return fault.Field("grants", "an area has an empty name in it")
		}
		for _, p := range job.May {
			if !by.Can(p, g.Area) {
				return fault.New(fault.Forbidden, "you cannot make somebody %s there: you do not have %s there yourself", job.Title, p).WithCode("more_than_own")
			}
		}
	}
	return nil
}

// NewUser is a person to be added. Without a password, an invitation is made.
type NewUser struct {
	Email, Name string
	Password    string
	Grants      []Grant
}

// Add adds a person and returns an invitation for whoever has no password: a token that is shown once and works once, within three days.
// Nobody gives more rights than they have. The act is audited. Faults: Invalid; Conflict when the address is taken; Forbidden.
func (u *Users) Add(ctx context.Context, by Caller, n NewUser) (User, vault.Secret, error) {
	email, err := checkEmail(n.Email)
	if err != nil {
		return User{}, vault.Secret{}, err
	}
	n.Email, n.Name = email, strings.TrimSpace(n.Name)
	if n.Name == "" {
		n.Name = n.Email
	}
	if err := CheckGrants(by, n.Grants); err != nil {
		return User{}, vault.Secret{}, err
	}
	hash, err := u.newHash(ctx, n.Password, n.Email)
	if err != nil {
		return User{}, vault.Secret{}, err
	}
	var user User
	var token vault.Secret
	err = u.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err := setupOpen(tx); err != nil {
			return err
		}
		if user, err = u.insert(tx, n, hash); err != nil {
			return err
		}
		if slices.ContainsFunc(user.Grants, func(g Grant) bool { return g.Role == Owner && g.Whole() }) {
			if err := setupDone(tx); err != nil {
				return err
			}
		}
		if hash == "" {
			if token, err = u.newToken(tx, "invite", user.ID, inviteFor); err != nil {
				return err
			}
		}
		return u.log.Write(tx, audit.Entry{Actor: by.Actor(), Action: "user.add", SubjectKind: "user", Subject: user.ID, Detail: map[string]any{"grants": user.Grants}})
	})
	return user, token, err
}

// newHash hashes a password; "" stays "".
func (u *Users) newHash(ctx context.Context, password, email string) (hash string, err error) {
	if password == "" {
		return "", nil
	}
	if err := checkPassword(password, email); err != nil {
		return "", err
	}
	err = u.hashing(ctx, func() { hash = u.cost.hashPassword(password) })
	return hash, err
}

func (u *Users) insert(tx *db.Tx, n NewUser, hash string) (User, error) {
	user := User{ID: db.ID(), Email: n.Email, Name: n.Name, State: Active, Grants: n.Grants, CreatedAt: tx.Now, Version: 1}
	if hash == "" {
		user.State = Invited
	}
	if user.Grants == nil {
		user.Grants = []Grant{}
	}
	grants, err := json.Marshal(user.Grants)
	if err != nil {
		return User{}, err
	}
	_, err = tx.Exec(`insert into users (id, email, email_folded, name, password, state, grants, totp, totp_step, epoch, created_at, updated_at, version)
		values ($1, $2, $3, $4, $5, $6, $7, false, 0, 0, $8, $8, 1)`, user.ID, user.Email, folded(user.Email), user.Name, null(hash), user.State, string(grants), tx.Now.UnixMicro())
	if db.IsUnique(err) {
		return User{}, fault.New(fault.Conflict, "somebody with this e-mail address is there already")
	}
	return user, err
}

// Change is what is to be different about a person; nil stays.
type Change struct {
	Name    *string
	Grants  *[]Grant
	Enabled *bool
}

// Change changes a person as of a version (0 = any): rights count from the next request on, and who is disabled is signed out. The last
// owner of the whole business cannot be taken away. The act is audited. Faults: NotFound; Conflict; Invalid; Forbidden.
func (u *Users) Change(ctx context.Context, by Caller, id string, version int64, c Change) (User, error) {
	if c.Grants != nil {
		if err := CheckGrants(by, *c.Grants); err != nil {
			return User{}, err
		}
	}
	var user User
	err := u.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err := setupOpen(tx); err != nil { // one at a time: owners are counted
			return err
		}
		var has kept
		if user, has, err = take(tx, id); err != nil {
			return err
		}
		if version != 0 && version != user.Version {
			return fault.New(fault.Conflict, "it has changed since you looked: it is at version %d now", user.Version).WithCode("version")
		}
		if err := CheckGrants(by, user.Grants); err != nil {
			return err // nobody changes who has more rights than they do
		}
		before := user
		user = c.apply(user, has)
		return u.save(tx, by, before, user)
	})
	return user, err
}

func (c Change) apply(user User, has kept) User {
	if c.Name != nil && strings.TrimSpace(*c.Name) != "" {
		user.Name = strings.TrimSpace(*c.Name)
	}
	if c.Grants != nil {
		user.Grants = append([]Grant{}, *c.Grants...)
	}
	if c.Enabled != nil {
		switch {
		case !*c.Enabled:
			user.State = Disabled
		case has.password == "":
			user.State = Invited
		default:
			user.State = Active
		}
	}
	user.Version++
	return user
}

func (u *Users) save(tx *db.Tx, by Caller, before, user User) error {
	grants, err := json.Marshal(user.Grants)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update users set name = $2, state = $3, grants = $4, updated_at = $5, version = $6 where id = $1`,
		user.ID, user.Name, user.State, string(grants), tx.Now.UnixMicro(), user.Version); err != nil {
		return err
	}
	if before.owner() && !user.owner() {
		if left, err := owners(tx); err != nil || left == 0 {
			if err != nil {
				return err
			}
			return fault.New(fault.Conflict, "this is the last owner: make somebody else an owner first").WithCode("last_owner")
		}
	}
	if user.State == Disabled {
		if err := endAll(tx, user.ID, by.Actor()); err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from user_tokens where user_id = $1`, user.ID); err != nil {
			return err
		}
	}
	return u.log.Write(tx, audit.Entry{
		Actor: by.Actor(), Action: "user.change", SubjectKind: "user", Subject: user.ID,
		Detail: map[string]any{"before": map[string]any{"grants": before.Grants, "state": before.State}, "after": map[string]any{"grants": user.Grants, "state": user.State}},
	})
}

// owner reports whether the person owns the whole business and can sign in.
func (u User) owner() bool {
	return u.State == Active && slices.ContainsFunc(u.Grants, func(g Grant) bool { return g.Role == Owner && g.Whole() })
}

func owners(tx *db.Tx) (n int, err error) {
	rows, err := db.All(tx, scanUser, `select `+userColumns+` from users where state = 'active'`)
	for _, r := range rows {
		if r.owner() {
			n++
		}
	}
	return n, err
}

// note writes what a person did about a person.
func (u *Users) note(tx *db.Tx, kind Kind, actor, action, subject string, detail any) error {
	return u.log.Write(tx, audit.Entry{Actor: string(kind) + ":" + actor, Action: action, SubjectKind: "user", Subject: subject, Detail: detail})
}

func scanText(s db.Scanner) (v string, err error) {
	err = s.Scan(&v)
	return v, err
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
