package access

import (
	"cmp"
	"context"
	"crypto/subtle"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

const (
	idleFor    = 12 * time.Hour      // a session that is not used ends
	sessionFor = 14 * 24 * time.Hour // every session ends
	seenEvery  = time.Minute
	sweepAfter = 30 * 24 * time.Hour
)

// Session is a person signed in on a device.
type Session struct {
	ID        string    `json:"id"`
	UserID    string    `json:"user_id"`
	Address   string    `json:"address"` // from where
	Agent     string    `json:"agent"`   // with what
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`

	User   User   `json:"-"`
	Caller Caller `json:"-"` // for access.With
	CSRF   string `json:"-"` // what every form carries, see SameForm
}

// Attempt is one try to sign in.
type Attempt struct {
	Email, Password string
	Code            string // one-time code, where the person uses them
	Address         string // of the client, without port
	Agent           string // the client's name of itself
	Device          string // what SignedIn.Device was on this device, if it was
}

// SignedIn is what a device keeps. Both texts are secrets: cookies that are HttpOnly, Secure and SameSite.
type SignedIn struct {
	Session Session
	Token   vault.Secret // of the session
	Device  vault.Secret // says that this device has signed in before: guesses made elsewhere do not slow it down
	Second  Ceremony     // beside the fault "code_needed" or "passkey_needed": what a passkey may be asked instead of a code
}

const sessionColumns = `id, user_id, address, agent, created_at, seen_at, expires_at, ended_at`

func scanSession(s db.Scanner) (x Session, err error) {
	err = s.Scan(&x.ID, &x.UserID, &x.Address, &x.Agent, db.Time(&x.CreatedAt), db.Time(&x.SeenAt), db.Time(&x.ExpiresAt), db.Time(&x.EndedAt))
	return x, err
}

// wrong is the one answer to whoever does not get in: it does not say whether there is such a person.
func wrong() error {
	return fault.New(fault.Unauthorized, "the e-mail address, the password or the code is not right").WithCode("sign_in")
}

// SignIn signs a person in. Faults: Unauthorized with the code "sign_in", or "code_needed" when everything but the one-time code is right,
// "passkey_needed" when the person has passkeys and no codes: SignedIn.Second is then what to ask the browser, for SignInPasskey;
// Throttled with the wait after too many tries from this device, this network or, on devices never seen before, for this address.
func (u *Users) SignIn(ctx context.Context, a Attempt) (SignedIn, error) {
	if len(a.Email) > 254 || len(a.Password) > 4*maxPassword || len(a.Code) > 16 || !utf8.ValidString(a.Email+a.Password+a.Code) || strings.ContainsRune(a.Email, 0) {
		return SignedIn{}, wrong()
	}
	var who User
	var has kept
	err := u.db.Read(ctx, func(tx *db.Tx) (err error) {
		who, has, err = oneUser(tx, `email_folded = $1`, folded(a.Email))
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return SignedIn{}, err
	}
	tries, err := u.triesOf(a, who, has)
	if err != nil {
		return SignedIn{}, err
	}
	if err := u.take(ctx, tries); err != nil {
		return SignedIn{}, err
	}
	right, stale := false, false
	if err := u.hashing(ctx, func() { right, stale = u.cost.matches(has.password, a.Password) }); err != nil {
		return SignedIn{}, err
	}
	if !right || who.State != Active {
		return SignedIn{}, u.refuse(ctx, who, a)
	}
	keys, err := u.passkeys(ctx, who.ID)
	if err != nil {
		return SignedIn{}, err
	}
	step, by := has.step, "password"
	if who.TOTP || len(keys) > 0 {
		if a.Code == "" || !who.TOTP {
			return u.secondNeeded(ctx, holder{who, usable(keys)}, has, tries)
		}
		if step, right, err = u.codeStep(ctx, who.ID, a.Code, has.step); err != nil {
			return SignedIn{}, err
		}
		by = "password and code"
	}
	if !right {
		return SignedIn{}, u.refuse(ctx, who, a)
	}
	rehash := ""
	if stale {
		_ = u.hashing(ctx, func() { rehash = u.cost.hashPassword(a.Password) }) // the old one still serves
	}
	return u.letIn(ctx, a, who, has, by, tries, func(tx *db.Tx, now User, still kept) error {
		if now.TOTP != who.TOTP || who.TOTP && still.step >= step {
			return wrong() // the code was used at the same moment
		}
		if more, err := passkeysOf(tx, who.ID); err != nil || len(more) > 0 && !who.TOTP {
			return cmp.Or(err, wrong()) // a passkey was added at the same moment
		}
		if rehash == "" {
			rehash = still.password
		}
		_, err := tx.Exec(`update users set totp_step = $2, password = $3 where id = $1`, who.ID, step, rehash)
		return err
	})
}

func (u *Users) passkeys(ctx context.Context, user string) (all []heldKey, err error) {
	err = u.db.Read(ctx, func(tx *db.Tx) error {
		all, err = passkeysOf(tx, user)
		return err
	})
	return all, err
}

// secondNeeded gives the try back, since the password was right, and asks for what is still missing: a code, or a passkey, whatever the
// person has.
func (u *Users) secondNeeded(ctx context.Context, h holder, has kept, t tries) (in SignedIn, err error) {
	if err := u.db.Write(ctx, func(tx *db.Tx) error { return giveBack(tx, t) }); err != nil {
		return SignedIn{}, err
	}
	if u.noParty == nil && len(h.keys) > 0 {
		if in.Second, err = u.askSecond(ctx, h, has.epoch); err != nil {
			return SignedIn{}, err
		}
	}
	switch {
	case h.user.TOTP:
		return in, fault.New(fault.Unauthorized, "enter the code your authenticator app shows").WithCode("code_needed")
	case u.noParty != nil:
		return in, fault.New(fault.Unauthorized, "your passkey is needed, and %s", fault.Message(u.noParty)).WithCode("passkey_needed")
	case len(h.keys) == 0:
		return in, fault.New(fault.Unauthorized, "your passkey was stopped, since it may have been copied: ask whoever looks after people to drop it").WithCode("passkey_needed")
	default:
		return in, fault.New(fault.Unauthorized, "show that it is you with your passkey").WithCode("passkey_needed")
	}
}

// refuse writes down who was not let in; also where there is no such person, so that it takes as long.
func (u *Users) refuse(ctx context.Context, who User, a Attempt) error {
	id := cmp.Or(who.ID, "unknown")
	if err := u.db.Write(ctx, func(tx *db.Tx) error {
		return u.note(tx, ByUser, id, "sign_in.refused", id, map[string]string{"address": network(a.Address)})
	}); err != nil {
		return err
	}
	return wrong()
}

// letIn opens a session for who has proven to be somebody. What the proof rests on is looked at once more, with the person's row held.
func (u *Users) letIn(ctx context.Context, a Attempt, who User, has kept, by string, t tries, holds func(tx *db.Tx, now User, still kept) error) (SignedIn, error) {
	token := sessionBrand + random(secretLen)
	hash, err := u.hash.Text("session", token)
	if err != nil {
		return SignedIn{}, err
	}
	s := Session{ID: db.ID(), UserID: who.ID, Address: network(a.Address), Agent: clip(a.Agent, 200), User: who, Caller: who.Caller()}
	err = u.db.Write(ctx, func(tx *db.Tx) error {
		now, still, err := take(tx, who.ID)
		if err != nil {
			return err
		}
		if now.State != Active || still.epoch != has.epoch {
			return wrong() // the password changed at the same moment
		}
		if err := holds(tx, now, still); err != nil {
			return err
		}
		s.CreatedAt, s.SeenAt, s.ExpiresAt = tx.Now, tx.Now, tx.Now.Add(sessionFor)
		if _, err := tx.Exec(`update users set signed_in_at = $2 where id = $1`, who.ID, tx.Now.UnixMicro()); err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into user_sessions (id, user_id, token_hash, address, agent, created_at, seen_at, expires_at) values ($1, $2, $3, $4, $5, $6, $6, $7)`,
			s.ID, s.UserID, hash, s.Address, s.Agent, tx.Now.UnixMicro(), s.ExpiresAt.UnixMicro()); err != nil {
			return err
		}
		if err := succeed(tx, t); err != nil {
			return err
		}
		return u.note(tx, ByUser, who.ID, "sign_in", who.ID, map[string]string{"address": s.Address, "by": by, "session": s.ID})
	})
	if err != nil {
		return SignedIn{}, err
	}
	if s.CSRF, err = u.form(s.ID); err != nil {
		return SignedIn{}, err
	}
	device, err := u.newDevice(who.ID, has.epoch)
	return SignedIn{Session: s, Token: vault.Hide(token), Device: device}, err
}

// SessionOf says who holds a session. Rights are as of now. Fault: Unauthorized with the code "session" when it has ended.
func (u *Users) SessionOf(ctx context.Context, token string) (Session, error) {
	ended := fault.New(fault.Unauthorized, "sign in again").WithCode("session")
	if len(token) != len(sessionBrand)+secretLen || !strings.HasPrefix(token, sessionBrand) {
		return Session{}, ended
	}
	hash, err := u.hash.Text("session", token)
	if err != nil {
		return Session{}, err
	}
	var s Session
	err = u.db.Read(ctx, func(tx *db.Tx) (err error) {
		if s, err = db.One(tx, scanSession, `select `+sessionColumns+` from user_sessions where token_hash = $1`, hash); err != nil {
			return err
		}
		s.User, _, err = oneUser(tx, `id = $1`, s.UserID)
		return err
	})
	now := u.db.Now()
	switch {
	case fault.Is(err, fault.NotFound):
		return Session{}, ended
	case err != nil:
		return Session{}, err
	case !s.EndedAt.IsZero() || !now.Before(s.ExpiresAt) || now.Sub(s.SeenAt) >= idleFor || s.User.State != Active:
		return Session{}, ended
	}
	s.Caller = s.User.Caller()
	if now.Sub(s.SeenAt) >= seenEvery {
		if err := u.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`update user_sessions set seen_at = $2 where id = $1 and seen_at < $2`, s.ID, tx.Now.UnixMicro())
			return err
		}); err != nil {
			return Session{}, err
		}
	}
	s.CSRF, err = u.form(s.ID)
	return s, err
}

// form is what the forms of a session carry.
func (u *Users) form(session string) (string, error) { return u.hash.Text("form", session) }

// SameForm reports whether what a form carried is what its session gave out.
func SameForm(s Session, given string) bool {
	return s.CSRF != "" && subtle.ConstantTimeCompare([]byte(s.CSRF), []byte(given)) == 1
}

// SignOut ends the session of a token. Safe to repeat.
func (u *Users) SignOut(ctx context.Context, token string) error {
	s, err := u.SessionOf(ctx, token)
	if fault.Is(err, fault.Unauthorized) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = u.EndSession(ctx, s.Caller, s.ID)
	return err
}

// EndSession ends a session by its id. The act is audited. Safe to repeat. Fault: NotFound.
func (u *Users) EndSession(ctx context.Context, by Caller, id string) (Session, error) {
	var s Session
	err := u.db.Write(ctx, func(tx *db.Tx) (err error) {
		s, err = SessionByID(tx, id)
		if err != nil || !s.EndedAt.IsZero() {
			return err
		}
		s.EndedAt = tx.Now
		if _, err := tx.Exec(`update user_sessions set ended_at = $2, ended_by = $3 where id = $1 and ended_at is null`, id, tx.Now.UnixMicro(), by.Actor()); err != nil {
			return err
		}
		return u.log.Write(tx, audit.Entry{Actor: by.Actor(), Action: "session.end", SubjectKind: "user", Subject: s.UserID, Detail: map[string]string{"session": id}})
	})
	return s, err
}

// SessionByID reads a session. Fault: NotFound.
func SessionByID(tx *db.Tx, id string) (Session, error) {
	s, err := db.One(tx, scanSession, `select `+sessionColumns+` from user_sessions where id = $1`, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no such session")
	}
	return s, err
}

// Sessions lists the sessions of a person ("" = of everybody) that have not ended, by id, after the last id seen. A limit outside 1…1000
// is 100.
func Sessions(tx *db.Tx, user, after string, limit int) ([]Session, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	return db.All(tx, scanSession, `select `+sessionColumns+` from user_sessions
		where (user_id = $1 or $1 = '') and id > $2 and ended_at is null and expires_at > $3 and seen_at > $4 order by id limit $5`,
		user, after, tx.Now.UnixMicro(), tx.Now.Add(-idleFor).UnixMicro(), limit)
}

// Sweep forgets sessions that ended a month ago, tokens and ceremonies that have expired, and tries of yesterday. Safe to repeat.
func (u *Users) Sweep(ctx context.Context) error {
	return u.db.Write(db.Background(ctx), func(tx *db.Tx) error {
		for _, q := range []struct {
			text   string
			before time.Time
		}{
			{`delete from user_sessions where expires_at < $1`, tx.Now.Add(-sweepAfter)},
			{`delete from user_tokens where expires_at < $1`, tx.Now},
			{`delete from sign_in_challenges where expires_at < $1`, tx.Now},
			{`delete from sign_in_tries where last_at < $1 and next_at < $1`, tx.Now.Add(-24 * time.Hour)},
		} {
			if _, err := tx.Exec(q.text, q.before.UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
}

func clip(s string, n int) string {
	s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s), "")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}
