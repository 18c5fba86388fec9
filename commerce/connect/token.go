package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// tokens keeps the token set of one account: cached here, durable in the vault, refreshed by one caller at a time over all processes.
type tokens struct {
	s       *Service
	acc     Account
	ch      channel.Channel
	unsaved bool // the account is not kept yet: nothing is stored

	turn chan struct{} // holds what follows; see mine
	set  channel.TokenSet
	at   time.Time         // when set was read
	made *channel.TokenSet // the partner has issued it and dropped the one before, and it could not be stored yet
}

// early is how long before its end a token is replaced.
const early = 30 * time.Minute

const tokenName = "tokens"

func newTokens(s *Service, acc Account, unsaved bool) *tokens {
	return &tokens{s: s, acc: acc, unsaved: unsaved, turn: make(chan struct{}, 1)}
}

// mine waits for the set, which a renewal may keep for a minute: whoever is told to stop meanwhile stops.
func (t *tokens) mine(ctx context.Context) (release func(), err error) {
	select {
	case t.turn <- struct{}{}:
		return func() { <-t.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Access implements channel.Tokens.
func (t *tokens) Access(ctx context.Context) (string, error) {
	release, err := t.mine(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	now := t.s.need.DB.Now()
	if t.set.Access == "" || now.Sub(t.at) > fresh {
		t.read(now)
	}
	if t.set.Access != "" && (t.set.ExpiresAt.IsZero() || t.set.ExpiresAt.After(now)) {
		return t.set.Access, nil
	}
	if err = t.renew(ctx, t.set.Access); err != nil {
		return "", err
	}
	return t.set.Access, nil
}

// Refresh implements channel.Tokens.
func (t *tokens) Refresh(ctx context.Context, stale string) (string, error) {
	release, err := t.mine(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	t.read(t.s.need.DB.Now())
	if t.set.Access != stale && t.set.Access != "" {
		return t.set.Access, nil
	}
	if err = t.renew(ctx, stale); err != nil {
		return "", err
	}
	return t.set.Access, nil
}

// read takes the newest set from the vault.
func (t *tokens) read(now time.Time) {
	if t.unsaved {
		return
	}
	all := t.s.need.Secrets.Values(t.acc.owner(), tokenName)
	if len(all) == 0 {
		return
	}
	var set channel.TokenSet
	if json.Unmarshal([]byte(all[0]), &set) == nil {
		t.set, t.at = set, now
	}
}

// readNewest takes the newest set past every cache: a refresh token that another process has used up a moment ago must not be sent again.
func (t *tokens) readNewest(ctx context.Context) error {
	text, err := t.s.need.Secrets.Newest(ctx, t.acc.owner(), tokenName)
	if err != nil || text == "" {
		return err
	}
	var set channel.TokenSet
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return fmt.Errorf("token set of %s: %w", t.acc.Name, err)
	}
	t.set, t.at = set, t.s.need.DB.Now()
	return nil
}

// renew asks the partner for a new set and stores it before anybody uses it. A set that could not be stored is kept and stored the next time, since the partner
// has dropped the one before. The caller holds the turn.
func (t *tokens) renew(ctx context.Context, stale string) error {
	r, ok := t.ch.(channel.TokenRefresher)
	if !ok {
		return fault.New(fault.Unauthorized, "the partner refuses the credentials of account %s, and they cannot be renewed", t.acc.Name)
	}
	if t.unsaved {
		set, err := r.RefreshToken(ctx, t.set)
		if err == nil {
			t.set = set
		}
		return err
	}
	release, err := t.lease(ctx)
	if err != nil {
		return err
	}
	defer release()
	if t.made != nil {
		return t.store(ctx, *t.made)
	}
	if err := t.readNewest(ctx); err != nil {
		return err
	}
	if t.set.Access != "" && t.set.Access != stale {
		return nil // another process was first
	}
	callCtx, cancel := context.WithTimeout(ctx, leaseFor-5*time.Second)
	defer cancel()
	set, err := r.RefreshToken(callCtx, t.set)
	if fault.Is(err, fault.Unauthorized) && (t.set.Access != "" || t.set.Refresh != "") {
		// The set is dead, as after a renewal whose answer was lost: a person may have entered what a first set is made from.
		if first, again := r.RefreshToken(callCtx, channel.TokenSet{}); again == nil {
			set, err = first, nil
		}
	}
	if err != nil {
		t.s.notRenewed(ctx, t.acc, err)
		t.s.unwell(ctx, t.acc, err)
		return err
	}
	return t.store(ctx, set)
}

// notRenewed keeps why a token could not be renewed, and how often in a row.
func (s *Service) notRenewed(ctx context.Context, acc Account, cause error) {
	if ctx.Err() != nil {
		return
	}
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`update account_health set refresh_failures = refresh_failures + 1, refresh_error = $2, refresh_error_at = $3 where account_id = $1`,
			acc.ID, fault.Message(cause), db.Micros(tx.Now))
		return err
	})
	if err != nil {
		s.need.Log.Error("account health not written", "account", acc.Name, "err", err)
	}
}

// putTokens seals a token set; an empty one is none.
func (s *Service) putTokens(tx *db.Tx, acc Account, set channel.TokenSet) error {
	if set.Access == "" && set.Refresh == "" {
		return nil
	}
	body, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("token set of %s: %w", acc.Name, err)
	}
	if err := s.need.Secrets.Put(tx, acc.owner(), tokenName, body, set.ExpiresAt); err != nil {
		return err
	}
	_, err = tx.Exec(`update account_health set token_expires_at = $2, refresh_expires_at = $3, token_scopes = coalesce($4, token_scopes), token_final = $5, refreshed_at = $6,
		refresh_failures = 0, refresh_error = null, refresh_error_at = null where account_id = $1`,
		acc.ID, db.Micros(set.ExpiresAt), db.Micros(set.RefreshExpiresAt), orNull(strings.Join(set.Scopes, ",")), set.Final, db.Micros(tx.Now))
	return err
}

// store makes the new pair durable.
func (t *tokens) store(ctx context.Context, set channel.TokenSet) error {
	err := t.s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error { return t.s.putTokens(tx, t.acc, set) })
	if err != nil {
		t.made = &set
		return err
	}
	t.set, t.at, t.made = set, t.s.need.DB.Now(), nil
	return nil
}

// leaseFor is how long one process may take over a refresh.
const leaseFor = 30 * time.Second

// lease lets one process at a time refresh the tokens of an account; it waits for another's lease to end. One that would last longer than any does was taken before the
// clock went back, and is none: an account without a token is asked nothing.
func (t *tokens) lease(ctx context.Context) (release func(), err error) {
	for {
		var got int64
		var until any
		err := t.s.need.DB.Write(ctx, func(tx *db.Tx) error {
			var err error
			until = db.Micros(tx.Now.Add(leaseFor))
			got, err = tx.Exec(`update account_health set refresh_lease = $2 where account_id = $1 and (refresh_lease is null or refresh_lease < $3 or refresh_lease > $4)`,
				t.acc.ID, until, db.Micros(tx.Now), db.Micros(tx.Now.Add(2*leaseFor)))
			return err
		})
		if err != nil {
			return nil, err
		}
		if got == 1 {
			return func() {
				_ = t.s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
					_, err := tx.Exec(`update account_health set refresh_lease = null where account_id = $1 and refresh_lease = $2`, t.acc.ID, until)
					return err
				})
			}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// RefreshDue renews the tokens that end soon, so that nobody waits for it. It answers how many.
func (s *Service) RefreshDue(ctx context.Context) (int, error) {
	var due []string
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		due, err = db.All(tx, scanID, `select h.account_id from account_health h join channel_accounts a on a.id = h.account_id
			where a.state = 'active' and h.token_expires_at is not null and h.token_expires_at < $1 order by h.account_id`, db.Micros(tx.Now.Add(early)))
		return err
	})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range due {
		o, err := s.open(ctx, id)
		if err != nil {
			continue
		}
		if renewed, err := o.tokens.renewAhead(ctx); err == nil && renewed {
			n++
		}
	}
	return n, nil
}

// renewAhead renews a token before it ends, but for one that is short-lived.
func (t *tokens) renewAhead(ctx context.Context) (bool, error) {
	release, err := t.mine(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	if t.shortLived() {
		return false, nil
	}
	t.read(t.s.need.DB.Now()) // this process may never have used it
	return true, t.renew(ctx, t.set.Access)
}

// shortLived reports whether a whole token life is not much longer than early; such a token is renewed when it ends. The caller holds the turn.
func (t *tokens) shortLived() bool {
	left := t.set.ExpiresAt.Sub(t.at)
	return left > 0 && left < 2*early && t.at.Add(left/2).After(t.s.need.DB.Now())
}

func scanID(row db.Scanner) (string, error) {
	var id string
	err := row.Scan(&id)
	return id, err
}
