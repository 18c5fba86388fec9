package access

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

const (
	challengeBrand = "och_"
	challengeFor   = 5 * time.Minute // from the question to the answer, a person's fumbling included
)

// What a challenge is for.
const (
	toAdd   = "add"    // a passkey is to be added by who is signed in
	aloneIn = "alone"  // somebody signs in with a passkey and nothing else
	second  = "second" // the password was right, the passkey is to follow
)

// Ceremony is one question to a browser's passkeys, to be answered within five minutes, once.
type Ceremony struct {
	Token   vault.Secret    // comes back with the answer
	Options json.RawMessage // what navigator.credentials is called with; bytes are base64url
}

// challenge is what is kept of a question until it is answered.
type challenge struct {
	kind, user string
	epoch      int64
	data       string
}

// ask keeps a question. Its data is seen by nobody but this server.
func (u *Users) ask(ctx context.Context, c challenge) (vault.Secret, error) {
	plain := challengeBrand + random(secretLen)
	hash, err := u.hash.Text("challenge", plain)
	if err != nil {
		return vault.Secret{}, err
	}
	err = u.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into sign_in_challenges (token_hash, kind, user_id, epoch, data, expires_at) values ($1, $2, $3, $4, $5, $6)`,
			hash, c.kind, null(c.user), c.epoch, c.data, tx.Now.Add(challengeFor).UnixMicro())
		return err
	})
	return vault.Hide(plain), err
}

// answered takes a question away, before its answer is looked at: a second answer finds none. Fault: Unauthorized with the code
// "challenge" when there is none (any more).
func (u *Users) answered(ctx context.Context, token string, kinds ...string) (c challenge, err error) {
	gone := fault.New(fault.Unauthorized, "that took too long, or was answered already: try again").WithCode("challenge")
	if len(token) != len(challengeBrand)+secretLen || !strings.HasPrefix(token, challengeBrand) {
		return c, gone
	}
	hash, err := u.hash.Text("challenge", token)
	if err != nil {
		return c, err
	}
	found := false
	err = u.db.Write(ctx, func(tx *db.Tx) error {
		var expires time.Time
		found = false
		all, err := db.All(tx, func(s db.Scanner) (c challenge, err error) {
			err = s.Scan(&c.kind, db.Text(&c.user), &c.epoch, &c.data, db.Time(&expires))
			return c, err
		}, `select kind, user_id, epoch, data, expires_at from sign_in_challenges where token_hash = $1`+tx.Lock(), hash)
		if err != nil || len(all) == 0 {
			return err
		}
		n, err := tx.Exec(`delete from sign_in_challenges where token_hash = $1`, hash)
		c, found = all[0], n == 1 && tx.Now.Before(expires)
		return err
	})
	if err != nil {
		return challenge{}, err
	}
	for _, kind := range kinds {
		if found && c.kind == kind {
			return c, nil
		}
	}
	return challenge{}, gone
}
