package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

const (
	newSession  = 15 * time.Minute // after signing in, a person may change how they sign in
	maxPasskeys = 20               // of one person
	maxAnswer   = 64 << 10         // bytes a browser answers with
	maxKeyName  = 60
)

// Passkey is a key pair on a person's device or security key (https://www.w3.org/TR/webauthn-3/). It lets in alone where the device
// proves who holds it, and is the second proof beside a password.
type Passkey struct {
	ID        string    `json:"id"`
	UserID    string    `json:"user_id"`
	Name      string    `json:"name"`
	Synced    bool      `json:"synced" doc:"Kept by a password manager on several devices"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero"`
	StoppedAt time.Time `json:"stopped_at,omitzero" doc:"Its counter went back, as a copy's does: it lets nobody in any more"`
}

// heldKey is a passkey with what is stored of it and shown to nobody.
type heldKey struct {
	Passkey
	count  int64 // of signatures, as of the last one
	record webauthn.Credential
}

const passkeyColumns = `id, user_id, name, created_at, used_at, stopped_at, sign_count, record`

func scanPasskey(s db.Scanner) (k heldKey, err error) {
	err = s.Scan(&k.ID, &k.UserID, &k.Name, db.Time(&k.CreatedAt), db.Time(&k.UsedAt), db.Time(&k.StoppedAt), &k.count, db.JSON(&k.record))
	k.Synced = k.record.Flags.BackupState
	return k, err
}

func passkeysOf(tx *db.Tx, user string) ([]heldKey, error) {
	return db.All(tx, scanPasskey, `select `+passkeyColumns+` from user_passkeys where user_id = $1 order by id`, user)
}

// Passkeys lists a person's passkeys, oldest first.
func Passkeys(tx *db.Tx, user string) ([]Passkey, error) {
	held, err := passkeysOf(tx, user)
	all := make([]Passkey, len(held))
	for i, k := range held {
		all[i] = k.Passkey
	}
	return all, err
}

// holder is a person as the library sees one. The handle that authenticators keep is our id, which says nothing of the person.
type holder struct {
	user User
	keys []heldKey
}

func (h holder) WebAuthnID() []byte          { return []byte(h.user.ID) }
func (h holder) WebAuthnName() string        { return h.user.Email }
func (h holder) WebAuthnDisplayName() string { return h.user.Name }

// WebAuthnCredentials are the passkeys that may let in.
func (h holder) WebAuthnCredentials() []webauthn.Credential {
	var all []webauthn.Credential
	for _, k := range h.keys {
		if k.StoppedAt.IsZero() {
			all = append(all, k.record)
		}
	}
	return all
}

// relyingParty reads the address that people open the console at: passkeys are made for its host name and answer to its origin alone.
// Fault: Invalid, in words for whoever runs the server, when passkeys cannot be had there.
func relyingParty(address, title string) (*webauthn.WebAuthn, error) {
	if address == "" {
		return nil, fault.New(fault.Invalid, "passkeys need the address at which people open the console: start the server with --console-url https://…")
	}
	at, err := url.Parse(address)
	if err != nil || at.Hostname() == "" || at.User != nil {
		return nil, fault.New(fault.Invalid, "passkeys do not work: --console-url is not an address such as https://shop.example.com")
	}
	host := strings.ToLower(at.Hostname())
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, fault.New(fault.Invalid, "passkeys do not work at an address of numbers: start the server with --console-url https:// and a name")
	}
	if at.Scheme != "https" && (at.Scheme != "http" || host != "localhost") { // what browsers call a secure context
		return nil, fault.New(fault.Invalid, "passkeys work over https only: start the server with --console-url https://…")
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: title, RPOrigins: []string{at.Scheme + "://" + strings.ToLower(at.Host)},
		AttestationPreference:  protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred},
	})
	return party, fault.Wrap(fault.Invalid, err, "passkeys do not work: --console-url is not an address such as https://shop.example.com")
}

// PasskeysAt is the origin at which passkeys work, "https://shop.example.com". Fault: Invalid, saying in plain words why they do not work
// on this server.
func (u *Users) PasskeysAt() (string, error) {
	if u.noParty != nil {
		return "", u.noParty
	}
	return u.party.Config.RPOrigins[0], nil
}

// fresh refuses to change how a person signs in from a session that was left open somewhere.
func (u *Users) fresh(s Session) error {
	if s.UserID == "" || u.db.Now().Sub(s.CreatedAt) > newSession {
		return fault.New(fault.Forbidden, "to change how you sign in, sign out and in again first: you signed in more than 15 minutes ago").WithCode("stale_session")
	}
	return nil
}

// NewPasskey begins to add a passkey to who is signed in. Faults: Invalid where passkeys do not work; Forbidden with the code
// "stale_session" when the sign-in was long ago; Conflict for too many.
func (u *Users) NewPasskey(ctx context.Context, s Session) (Ceremony, error) {
	if u.noParty != nil {
		return Ceremony{}, u.noParty
	}
	if err := u.fresh(s); err != nil {
		return Ceremony{}, err
	}
	var h holder
	var has kept
	err := u.db.Read(ctx, func(tx *db.Tx) (err error) {
		if h.user, has, err = oneUser(tx, `id = $1`, s.UserID); err != nil {
			return err
		}
		h.keys, err = passkeysOf(tx, s.UserID)
		return err
	})
	if err != nil {
		return Ceremony{}, err
	}
	if len(h.keys) >= maxPasskeys {
		return Ceremony{}, tooManyPasskeys()
	}
	var have webauthn.Credentials
	for _, k := range h.keys {
		have = append(have, k.record)
	}
	options, session, err := u.party.BeginRegistration(h, webauthn.WithExclusions(have.CredentialDescriptors()))
	if err != nil {
		return Ceremony{}, fault.Wrap(fault.Internal, err, "no passkey can be added")
	}
	return u.ceremony(ctx, options, session, challenge{kind: toAdd, user: s.UserID, epoch: has.epoch})
}

func tooManyPasskeys() error {
	return fault.New(fault.Conflict, "%d passkeys are the most somebody may have: remove one first", maxPasskeys)
}

// ceremony keeps what the answer is compared with and says what the browser is asked.
func (u *Users) ceremony(ctx context.Context, options any, session *webauthn.SessionData, c challenge) (Ceremony, error) {
	data, err := json.Marshal(session)
	if err != nil {
		return Ceremony{}, err
	}
	asked, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, err
	}
	c.data = string(data)
	token, err := u.ask(ctx, c)
	return Ceremony{token, asked}, err
}

// AddPasskey adds the passkey that a browser made for NewPasskey. The act is audited. Faults: Unauthorized with the code "challenge" when
// the question is gone or was another's; Invalid for an answer that is not right; Conflict for a passkey that is there already.
func (u *Users) AddPasskey(ctx context.Context, s Session, token, answer, name string) (Passkey, error) {
	if u.noParty != nil {
		return Passkey{}, u.noParty
	}
	if err := u.fresh(s); err != nil {
		return Passkey{}, err
	}
	c, err := u.answered(ctx, token, toAdd)
	if err != nil {
		return Passkey{}, err
	}
	if c.user != s.UserID {
		return Passkey{}, fault.New(fault.Unauthorized, "somebody else has signed in meanwhile: try again").WithCode("challenge")
	}
	record, err := u.made(c, answer)
	if err != nil {
		return Passkey{}, fault.Wrap(fault.Invalid, err, "the passkey was not accepted: try again")
	}
	k := heldKey{Passkey{ID: db.ID(), UserID: s.UserID, Name: passkeyName(name), Synced: record.Flags.BackupState}, int64(record.Authenticator.SignCount), *record}
	err = u.db.Write(ctx, func(tx *db.Tx) error {
		k.CreatedAt = tx.Now
		who, has, err := take(tx, s.UserID)
		if err != nil {
			return err
		}
		if who.State != Active || has.epoch != c.epoch {
			return fault.New(fault.Unauthorized, "sign in again").WithCode("session")
		}
		return u.insertPasskey(tx, k)
	})
	return k.Passkey, err
}

// made checks a browser's answer to a question for a new passkey.
func (u *Users) made(c challenge, answer string) (*webauthn.Credential, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal([]byte(c.data), &session); err != nil {
		return nil, err
	}
	if len(answer) > maxAnswer {
		return nil, fault.Field("answer", "is too long")
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return nil, err
	}
	record, err := u.party.CreateCredential(holder{user: User{ID: c.user}}, session, parsed)
	if err != nil {
		return nil, err
	}
	record.Attestation = webauthn.CredentialAttestation{} // none was asked for, and nobody looks at it again
	return record, nil
}

func (u *Users) insertPasskey(tx *db.Tx, k heldKey) error {
	have, err := passkeysOf(tx, k.UserID)
	if err != nil {
		return err
	}
	if len(have) >= maxPasskeys {
		return tooManyPasskeys()
	}
	record, err := json.Marshal(k.record)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(k.record.ID)
	_, err = tx.Exec(`insert into user_passkeys (id, user_id, credential_hash, name, record, sign_count, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		k.ID, k.UserID, hex.EncodeToString(sum[:]), k.Name, string(record), k.count, tx.Now.UnixMicro())
	if db.IsUnique(err) {
		return fault.New(fault.Conflict, "this passkey is there already")
	}
	if err != nil {
		return err
	}
	return u.note(tx, ByUser, k.UserID, "passkey.add", k.UserID, map[string]string{"passkey": k.ID})
}

// passkeyName is what a person calls a passkey, within bounds.
func passkeyName(name string) string {
	name = strings.TrimSpace(clip(name, 4*maxKeyName))
	if utf8.RuneCountInString(name) > maxKeyName {
		name = string([]rune(name)[:maxKeyName])
	}
	if name == "" {
		return "Passkey"
	}
	return name
}

// RenamePasskey gives a passkey of who is signed in another name. Safe to repeat. Fault: NotFound.
func (u *Users) RenamePasskey(ctx context.Context, s Session, id, name string) error {
	return u.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`update user_passkeys set name = $3 where id = $1 and user_id = $2`, id, s.UserID, passkeyName(name))
		if err == nil && n == 0 {
			err = noPasskey()
		}
		if err != nil {
			return err
		}
		return u.note(tx, ByUser, s.UserID, "passkey.rename", s.UserID, map[string]string{"passkey": id})
	})
}

// RemovePasskey takes a passkey away from who is signed in: it lets nobody in from then on. The act is audited. Faults: NotFound;
// Forbidden with the code "stale_session" when the sign-in was long ago.
func (u *Users) RemovePasskey(ctx context.Context, s Session, id string) error {
	if err := u.fresh(s); err != nil {
		return err
	}
	return u.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`delete from user_passkeys where id = $1 and user_id = $2`, id, s.UserID)
		if err == nil && n == 0 {
			err = noPasskey()
		}
		if err != nil {
			return err
		}
		return u.note(tx, ByUser, s.UserID, "passkey.remove", s.UserID, map[string]string{"passkey": id})
	})
}

func noPasskey() error { return fault.New(fault.NotFound, "there is no such passkey") }

// DropPasskeys takes all passkeys away from a person who has lost them: until new ones are added, the password (and a one-time code, where
// they use them) lets in. The act is audited. Safe to repeat. Faults: NotFound; Forbidden for who has more rights.
func (u *Users) DropPasskeys(ctx context.Context, by Caller, user string) error {
	return u.db.Write(ctx, func(tx *db.Tx) error {
		who, _, err := take(tx, user)
		if err != nil {
			return err
		}
		if err := CheckGrants(by, who.Grants); err != nil {
			return err
		}
		n, err := tx.Exec(`delete from user_passkeys where user_id = $1`, who.ID)
		if err != nil || n == 0 {
			return err
		}
		return u.log.Write(tx, audit.Entry{Actor: by.Actor(), Action: "passkey.drop", SubjectKind: "user", Subject: who.ID, Detail: map[string]int64{"passkeys": n}})
	})
}

// usable are the passkeys of a list that may let in.
func usable(all []heldKey) []heldKey {
	return slices.DeleteFunc(slices.Clone(all), func(k heldKey) bool { return !k.StoppedAt.IsZero() })
}
