package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238 as every authenticator app speaks it; HMAC-SHA1 is not broken by collisions
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Time-based one-time passwords as authenticator apps make them: RFC 6238 with SHA-1, six digits, steps of 30 seconds; a clock may be off
// by one step either way. https://www.rfc-editor.org/rfc/rfc6238
const (
	totpStep   = 30 * time.Second
	totpDigits = 6
	totpSecret = 20
	totpSkew   = 1
	totpName   = "totp"
)

// oneTime is the code of a step.
func oneTime(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, n%1_000_000)
}

// matchCode finds the step of a code around now; steps up to the last one used do not count, so that no code works twice.
func matchCode(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	at := now.Unix() / int64(totpStep/time.Second)
	for s := at - totpSkew; s <= at+totpSkew; s++ {
		if subtle.ConstantTimeCompare([]byte(oneTime(secret, s)), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

// Enrolment is what an authenticator app needs, shown once.
type Enrolment struct {
	Secret  vault.Secret // for typing, in base32
	Address vault.Secret // otpauth://…, for a QR code
}

// Enrol makes a secret for one-time codes; Confirm puts it in use. Until then signing in is as before. Fault: NotFound.
func (u *Users) Enrol(ctx context.Context, user string) (Enrolment, error) {
	secret := make([]byte, totpSecret)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	var who User
	err := u.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err := u.vault.Put(tx, owned(user), totpName, vault.Hide(text), vault.PutOptions{Pending: true}); err != nil {
			return err
		}
		who, _, err = take(tx, user)
		return err
	})
	if err != nil {
		return Enrolment{}, err
	}
	q := url.Values{"secret": {text}, "issuer": {u.issuer}, "digits": {"6"}, "period": {"30"}}
	label := url.PathEscape(u.issuer + ":" + who.Email)
	return Enrolment{vault.Hide(text), vault.Hide("otpauth://totp/" + label + "?" + q.Encode())}, nil
}

// Confirm puts the newest secret in use when the code is of it: from then on signing in needs one. Faults: Invalid when the code is not
// right; Conflict when no secret waits.
func (u *Users) Confirm(ctx context.Context, user, code string) error {
	var generation int64
	err := u.db.Read(ctx, func(tx *db.Tx) error {
		all, err := vault.List(tx, owned(user), vault.Credential{}, 1)
		if err == nil && len(all) == 1 && all[0].Name == totpName && all[0].State == vault.Pending {
			generation = all[0].Generation
		}
		return err
	})
	if err != nil {
		return err
	}
	if generation == 0 {
		return fault.New(fault.Conflict, "begin with a new secret: none waits to be confirmed")
	}
	trial, err := u.vault.Trial(ctx, owned(user), totpName, generation)
	if err != nil {
		return err
	}
	secret, err := unbase32(trial.Secret.Reveal())
	if err != nil {
		return err
	}
	return u.db.Write(ctx, func(tx *db.Tx) error {
		if err := u.vault.Activate(tx, owned(user), totpName, generation, 0); err != nil {
			return err
		}
		who, has, err := take(tx, user)
		if err != nil {
			return err
		}
		step, ok := matchCode(secret, code, tx.Now, has.step)
		if !ok {
			return fault.Field("code", "is not right: look whether the clock of your phone is")
		}
		if _, err := tx.Exec(`update users set totp = true, totp_step = $2, updated_at = $3, version = version + 1 where id = $1`, user, step, tx.Now.UnixMicro()); err != nil {
			return err
		}
		return u.note(tx, ByUser, who.ID, "user.totp.on", who.ID, nil)
	})
}

// NewCodes is Enrol for who is signed in. Fault: Forbidden with the code "stale_session" when the sign-in was long ago.
func (u *Users) NewCodes(ctx context.Context, s Session) (Enrolment, error) {
	if err := u.fresh(s); err != nil {
		return Enrolment{}, err
	}
	return u.Enrol(ctx, s.UserID)
}

// EndCodes ends the need for codes of who is signed in. The act is audited. Safe to repeat. Fault: Forbidden with the code "stale_session"
// when the sign-in was long ago.
func (u *Users) EndCodes(ctx context.Context, s Session) error {
	if err := u.fresh(s); err != nil {
		return err
	}
	return u.unenrol(ctx, Caller{Kind: ByUser, ID: s.UserID}.Actor(), s.UserID, func(User) error { return nil })
}

// Unenrol ends the need for codes, as when a phone is lost. The act is audited. Safe to repeat. Faults: NotFound; Forbidden for who has more
// rights.
func (u *Users) Unenrol(ctx context.Context, by Caller, user string) error {
	return u.unenrol(ctx, by.Actor(), user, func(who User) error { return CheckGrants(by, who.Grants) })
}

func (u *Users) unenrol(ctx context.Context, actor, user string, may func(User) error) error {
	return u.db.Write(ctx, func(tx *db.Tx) error {
		who, _, err := take(tx, user)
		if err == nil {
			err = may(who)
		}
		if err != nil {
			return err
		}
		if err := u.vault.RevokeAll(tx, owned(user)); err != nil {
			return err
		}
		if !who.TOTP {
			return nil
		}
		if _, err := tx.Exec(`update users set totp = false, updated_at = $2, version = version + 1 where id = $1`, user, tx.Now.UnixMicro()); err != nil {
			return err
		}
		return u.log.Write(tx, audit.Entry{Actor: actor, Action: "user.totp.off", SubjectKind: "user", Subject: user})
	})
}

// codeStep checks a code of a person who signs in, outside a transaction.
func (u *Users) codeStep(ctx context.Context, user, code string, last int64) (int64, bool, error) {
	now, err := u.vault.Current(ctx, owned(user), totpName)
	if err != nil {
		return 0, false, err
	}
	secret, err := unbase32(now.Secret.Reveal())
	if err != nil {
		return 0, false, err
	}
	step, ok := matchCode(secret, code, u.db.Now(), last)
	return step, ok, nil
}

func owned(user string) string { return "user:" + user }

func unbase32(text string) ([]byte, error) {
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	return b, fault.Wrap(fault.Internal, err, "the secret of one-time codes cannot be read")
}
