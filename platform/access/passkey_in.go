package access

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// PasskeyAnswer is a browser's answer to a ceremony, from somebody who signs in.
type PasskeyAnswer struct {
	Token   string // of the ceremony
	Answer  string // the credential as JSON, bytes as base64url
	Address string // of the client, without port
	Agent   string // the client's name of itself
}

// notAccepted is the one answer to a passkey that does not let in.
func notAccepted() error {
	return fault.New(fault.Unauthorized, "this passkey does not let you in here: try again, or use your password").WithCode("passkey")
}

// AskPasskey begins a sign-in with a passkey alone: whoever holds one that knows its owner and has them prove it. Faults: Invalid where
// passkeys do not work; Throttled with the wait for a network that asks and asks.
func (u *Users) AskPasskey(ctx context.Context, address string) (Ceremony, error) {
	if u.noParty != nil {
		return Ceremony{}, u.noParty
	}
	t, err := u.passkeyTries(address)
	if err != nil {
		return Ceremony{}, err
	}
	if err := u.take(ctx, t); err != nil {
		return Ceremony{}, err
	}
	options, session, err := u.party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Ceremony{}, fault.Wrap(fault.Internal, err, "passkeys do not work right now")
	}
	return u.ceremony(ctx, options, session, challenge{kind: aloneIn})
}

// passkeyTries counts questions by network, apart from guesses at passwords: whoever guesses beside somebody does not slow their passkey.
func (u *Users) passkeyTries(address string) (tries, error) {
	hash, err := u.hash.Text("tries", "passkey\x00"+network(address))
	return tries{{"passkey:" + hash, perNetwork, false}}, err
}

// askSecond begins the second step of whoever gave the right password.
func (u *Users) askSecond(ctx context.Context, h holder, epoch int64) (Ceremony, error) {
	options, session, err := u.party.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return Ceremony{}, fault.Wrap(fault.Internal, err, "passkeys do not work right now")
	}
	return u.ceremony(ctx, options, session, challenge{kind: second, user: h.user.ID, epoch: epoch})
}

// SignInPasskey signs in whoever answers a ceremony of AskPasskey, or of SignIn after the password. A passkey whose counter went back, as
// that of a copy does, is stopped for good. Faults: Unauthorized with the code "passkey", or "challenge" when the ceremony is over.
func (u *Users) SignInPasskey(ctx context.Context, a PasskeyAnswer) (SignedIn, error) {
	if u.noParty != nil {
		return SignedIn{}, u.noParty
	}
	c, err := u.answered(ctx, a.Token, aloneIn, second)
	if err != nil {
		return SignedIn{}, err
	}
	var t tries
	if c.kind == aloneIn {
		if t, err = u.passkeyTries(a.Address); err != nil {
			return SignedIn{}, err
		}
	}
	parsed, err := parseAssertion(a.Answer)
	if err != nil {
		return SignedIn{}, u.refusePasskey(ctx, "", a, "unreadable")
	}
	user := c.user
	if c.kind == aloneIn {
		user = string(parsed.Response.UserHandle)
	}
	h, has, err := u.holderOf(ctx, user)
	if fault.Is(err, fault.NotFound) {
		return SignedIn{}, u.refusePasskey(ctx, "", a, "unknown")
	}
	if err != nil {
		return SignedIn{}, err
	}
	record, err := u.verified(c, h, parsed)
	if err != nil || h.user.State != Active || c.kind == second && c.epoch != has.epoch {
		return SignedIn{}, u.refusePasskey(ctx, h.user.ID, a, "wrong")
	}
	i := slices.IndexFunc(h.keys, func(k heldKey) bool { return bytes.Equal(k.record.ID, record.ID) })
	if record.Authenticator.CloneWarning {
		return SignedIn{}, u.stopPasskey(ctx, h.keys[i], a)
	}
	by := map[string]string{aloneIn: "passkey", second: "password and passkey"}[c.kind]
	return u.letIn(ctx, Attempt{Address: a.Address, Agent: a.Agent}, h.user, has, by, t, func(tx *db.Tx, _ User, _ kept) error {
		return usePasskey(tx, h.keys[i], record)
	})
}

// parseAssertion reads a browser's answer. Every error is of what was sent.
func parseAssertion(answer string) (*protocol.ParsedCredentialAssertionData, error) {
	if len(answer) > maxAnswer {
		return nil, fault.Field("answer", "is too long")
	}
	return protocol.ParseCredentialRequestResponseBytes([]byte(answer))
}

// holderOf reads a person with the passkeys that may let in. Fault: NotFound.
func (u *Users) holderOf(ctx context.Context, id string) (h holder, has kept, err error) {
	err = u.db.Read(ctx, func(tx *db.Tx) (err error) {
		if h.user, has, err = oneUser(tx, `id = $1`, clip(id, 64)); err != nil {
			return err
		}
		h.keys, err = passkeysOf(tx, h.user.ID)
		h.keys = usable(h.keys)
		return err
	})
	return h, has, err
}

// verified holds an answer against its question: origin, relying party, challenge, signature, and that the person was verified where the
// passkey stands alone.
func (u *Users) verified(c challenge, h holder, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal([]byte(c.data), &session); err != nil {
		return nil, err
	}
	if c.kind == second {
		return u.party.ValidateLogin(h, session, parsed)
	}
	_, record, err := u.party.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return h, nil }, session, parsed)
	return record, err
}

// usePasskey moves a passkey's counter on. Of two answers that were given at the same count one is refused.
func usePasskey(tx *db.Tx, k heldKey, now *webauthn.Credential) error {
	record, err := json.Marshal(now)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`update user_passkeys set sign_count = $3, record = $4, used_at = $5 where id = $1 and sign_count = $2 and stopped_at is null`,
		k.ID, k.count, int64(now.Authenticator.SignCount), string(record), tx.Now.UnixMicro())
	if err == nil && n == 0 {
		err = notAccepted() // removed, stopped or used at the same moment
	}
	return err
}

// refusePasskey writes down whose passkey did not let in, and why.
func (u *Users) refusePasskey(ctx context.Context, user string, a PasskeyAnswer, why string) error {
	id := cmp.Or(user, "unknown")
	if err := u.db.Write(ctx, func(tx *db.Tx) error {
		return u.note(tx, ByUser, id, "sign_in.refused", id, map[string]string{"address": network(a.Address), "by": "passkey", "why": why})
	}); err != nil {
		return err
	}
	return notAccepted()
}

// stopPasskey stops a passkey that may have been copied.
func (u *Users) stopPasskey(ctx context.Context, k heldKey, a PasskeyAnswer) error {
	if err := u.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`update user_passkeys set stopped_at = $2 where id = $1 and stopped_at is null`, k.ID, tx.Now.UnixMicro()); err != nil {
			return err
		}
		return u.note(tx, ByUser, k.UserID, "passkey.stop", k.UserID, map[string]string{"address": network(a.Address), "passkey": k.ID, "why": "its counter went back, as that of a copy does"})
	}); err != nil {
		return err
	}
	return notAccepted()
}
