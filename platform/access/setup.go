package access

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

const (
	setupFor  = 24 * time.Hour
	inviteFor = 3 * 24 * time.Hour
	resetFor  = 24 * time.Hour

	sessionBrand = "ocs_"
	tokenBrand   = "oct_"
)

// newToken makes a token that works once.
func (u *Users) newToken(tx *db.Tx, kind, user string, lasts time.Duration) (vault.Secret, error) {
	plain := tokenBrand + random(secretLen)
	hash, err := u.hash.Text("token", plain)
	if err != nil {
		return vault.Secret{}, err
	}
	if user != "" {
		if _, err := tx.Exec(`delete from user_tokens where user_id = $1`, user); err != nil { // only the newest works
			return vault.Secret{}, err
		}
	}
	_, err = tx.Exec(`insert into user_tokens (token_hash, kind, user_id, created_at, expires_at) values ($1, $2, $3, $4, $5)`,
		hash, kind, null(user), tx.Now.UnixMicro(), tx.Now.Add(lasts).UnixMicro())
	return vault.Hide(plain), err
}

// redeem takes a token away and says whose it was. Fault: Unauthorized when it does not work (any more).
func (u *Users) redeem(tx *db.Tx, token string, kinds ...string) (user string, err error) {
	refused := fault.New(fault.Unauthorized, "this does not work any more: ask for a new one").WithCode("token")
	if len(token) != len(tokenBrand)+secretLen || !strings.HasPrefix(token, tokenBrand) {
		return "", refused
	}
	hash, err := u.hash.Text("token", token)
	if err != nil {
		return "", err
	}
	for _, kind := range kinds {
		var expires time.Time
		rows, err := db.All(tx, func(s db.Scanner) (v string, err error) {
			err = s.Scan(db.Text(&v), db.Time(&expires))
			return v, err
		}, `select user_id, expires_at from user_tokens where token_hash = $1 and kind = $2`+tx.Lock(), hash, kind)
		if err != nil {
			return "", err
		}
		if len(rows) == 0 {
			continue
		}
		if !tx.Now.Before(expires) {
			return "", refused
		}
		n, err := tx.Exec(`delete from user_tokens where token_hash = $1`, hash)
		if err != nil {
			return "", err
		}
		if n == 1 {
			return rows[0], nil
		}
	}
	return "", refused
}

// NeedsSetup reports whether nobody has been made the owner yet.
func (u *Users) NeedsSetup(ctx context.Context) (needs bool, err error) {
	err = u.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := db.All(tx, scanText, `select name from access_setup where name = 'owner' and done_at is null`)
		needs = len(rows) == 1
		return err
	})
	return needs, err
}

// FirstRun makes a token with which the first owner is set up, for whoever reads what `serve` prints; the zero secret when there is an
// owner. It works once and for a day; several processes that start together may each give one out, and the first one used ends the others.
func (u *Users) FirstRun(ctx context.Context) (token vault.Secret, err error) {
	err = u.db.Write(ctx, func(tx *db.Tx) error {
		if open, err := setupOpen(tx); err != nil || !open {
			return err
		}
		token, err = u.newToken(tx, "setup", "", setupFor)
		return err
	})
	return token, err
}

// setupOpen locks the set-up and says whether it is still to be done.
func setupOpen(tx *db.Tx) (bool, error) {
	tx.Locking(db.LockOther, "access:setup")
	var done time.Time
	err := tx.QueryRow(`select done_at from access_setup where name = 'owner'` + tx.Lock()).Scan(db.Time(&done))
	return err == nil && done.IsZero(), err
}

// NewOwner is who sets up the first owner.
type NewOwner struct{ Token, Email, Name, Password string }

// SetUp makes the first owner. Of several who come at once with good tokens one succeeds. The act is audited. Faults: Unauthorized when the
// token does not work; Conflict when there is an owner; Invalid.
func (u *Users) SetUp(ctx context.Context, n NewOwner) (User, error) {
	email, err := checkEmail(n.Email)
	if err != nil {
		return User{}, err
	}
	if n.Password == "" {
		return User{}, fault.Field("password", passwordHint)
	}
	if err := u.db.Read(ctx, func(tx *db.Tx) error { return u.known(tx, n.Token) }); err != nil {
		return User{}, err // before the hash is made: it costs
	}
	hash, err := u.newHash(ctx, n.Password, email)
	if err != nil {
		return User{}, err
	}
	return u.firstOwner(ctx, System("setup"), NewUser{Email: email, Name: n.Name, Grants: []Grant{{Role: Owner}}}, hash, func(tx *db.Tx) error {
		_, err := u.redeem(tx, n.Token, "setup")
		return err
	})
}

// known refuses a set-up token that was never given out.
func (u *Users) known(tx *db.Tx, token string) error {
	hash, err := u.hash.Text("token", token)
	if err != nil {
		return err
	}
	rows, err := db.All(tx, scanText, `select kind from user_tokens where token_hash = $1`, hash)
	if err == nil && len(rows) == 0 {
		err = fault.New(fault.Unauthorized, "this does not work any more: ask for a new one").WithCode("token")
	}
	return err
}

// firstOwner adds the owner while nobody else can.
func (u *Users) firstOwner(ctx context.Context, by Caller, n NewUser, hash string, check func(tx *db.Tx) error) (User, error) {
	if n.Name = strings.TrimSpace(n.Name); n.Name == "" {
		n.Name = n.Email
	}
	var user User
	err := u.db.Write(ctx, func(tx *db.Tx) error {
		open, err := setupOpen(tx)
		if err != nil {
			return err
		}
		if !open {
			return fault.New(fault.Conflict, "there is an owner already: sign in").WithCode("set_up")
		}
		if err := check(tx); err != nil {
			return err
		}
		if user, err = u.insert(tx, n, hash); err != nil {
			return err
		}
		if err := setupDone(tx); err != nil {
			return err
		}
		return u.log.Write(tx, audit.Entry{Actor: by.Actor(), Action: "owner.setup", SubjectKind: "user", Subject: user.ID})
	})
	return user, err
}

// setupDone closes the set-up for good.
func setupDone(tx *db.Tx) error {
	if _, err := tx.Exec(`update access_setup set done_at = $1 where name = 'owner' and done_at is null`, tx.Now.UnixMicro()); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from user_tokens where kind = 'setup'`)
	return err
}

// Reset ends a person's sessions and returns a token with which a new password is chosen, for whoever forgot it; until then the old one
// works. The act is audited. Faults: NotFound; Conflict for who is disabled; Forbidden for who has more rights.
func (u *Users) Reset(ctx context.Context, by Caller, id string) (token vault.Secret, user User, err error) {
	err = u.db.Write(ctx, func(tx *db.Tx) (err error) {
		if user, _, err = take(tx, id); err != nil {
			return err
		}
		if err := CheckGrants(by, user.Grants); err != nil {
			return err
		}
		if user.State == Disabled {
			return fault.New(fault.Conflict, "who is disabled gets no new password: enable first")
		}
		if token, err = u.newToken(tx, "reset", id, resetFor); err != nil {
			return err
		}
		if err := endAll(tx, id, by.Actor()); err != nil {
			return err
		}
		return u.log.Write(tx, audit.Entry{Actor: by.Actor(), Action: "user.reset", SubjectKind: "user", Subject: id})
	})
	return token, user, err
}

// Accept sets the password of whoever was invited or reset, ends their sessions, and forgets the devices they used. The act is audited.
// Faults: Unauthorized when the token does not work; Invalid.
func (u *Users) Accept(ctx context.Context, token, password string) (User, error) {
	if err := u.db.Read(ctx, func(tx *db.Tx) error { return u.known(tx, token) }); err != nil {
		return User{}, err
	}
	if password == "" {
		return User{}, fault.Field("password", passwordHint)
	}
	hash, err := u.newHash(ctx, password, "")
	if err != nil {
		return User{}, err
	}
	var user User
	err = u.db.Write(ctx, func(tx *db.Tx) error {
		id, err := u.redeem(tx, token, "invite", "reset")
		if err != nil {
			return err
		}
		if user, _, err = take(tx, id); err != nil {
			return err
		}
		if err := checkPassword(password, user.Email); err != nil {
			return err
		}
		user.State, user.Version = Active, user.Version+1
		return u.setPassword(tx, user, hash, ByUser)
	})
	return user, err
}

// ChangePassword replaces a password by who knows the old one; other sessions end. Faults: Unauthorized when the old one is wrong;
// Throttled; Invalid.
func (u *Users) ChangePassword(ctx context.Context, s Session, a Attempt, password string) error {
	var who User
	var has kept
	if err := u.db.Read(ctx, func(tx *db.Tx) (err error) {
		who, has, err = oneUser(tx, `id = $1`, s.UserID)
		return err
	}); err != nil {
		return err
	}
	a.Email = who.Email
	t, err := u.triesOf(a, who, has)
	if err != nil {
		return err
	}
	if err := u.take(ctx, t); err != nil {
		return err
	}
	right := false
	if err := u.hashing(ctx, func() { right, _ = u.cost.matches(has.password, a.Password) }); err != nil {
		return err
	}
	if !right {
		return wrong()
	}
	if password == "" {
		return fault.Field("password", passwordHint)
	}
	hash, err := u.newHash(ctx, password, who.Email)
	if err != nil {
		return err
	}
	return u.db.Write(ctx, func(tx *db.Tx) error {
		now, still, err := take(tx, who.ID)
		if err != nil {
			return err
		}
		if still.epoch != has.epoch || now.State != Active {
			return wrong()
		}
		if err := succeed(tx, t); err != nil {
			return err
		}
		now.Version++
		return u.setPassword(tx, now, hash, ByUser, s.ID)
	})
}

// setPassword stores a password and ends all sessions but those named.
func (u *Users) setPassword(tx *db.Tx, user User, hash string, kind Kind, but ...string) error {
	if _, err := tx.Exec(`update users set password = $2, state = $3, epoch = epoch + 1, updated_at = $4, version = $5 where id = $1`,
		user.ID, hash, user.State, tx.Now.UnixMicro(), user.Version); err != nil {
		return err
	}
	if err := endAll(tx, user.ID, string(kind)+":"+user.ID, but...); err != nil {
		return err
	}
	return u.note(tx, kind, user.ID, "user.password", user.ID, nil)
}

// endAll ends all sessions of a person but those named.
func endAll(tx *db.Tx, user, by string, but ...string) error {
	_, err := tx.Exec(`update user_sessions set ended_at = $2, ended_by = $3 where user_id = $1 and ended_at is null and id not in (select key from json_each($4))`,
		user, tx.Now.UnixMicro(), by, db.Keys(but))
	return err
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
