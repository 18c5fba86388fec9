package connect

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// opened is an account with its adapter, kept while the account does not change.
type opened struct {
	acc     Account
	kind    channel.Kind
	ch      channel.Channel
	tokens  *tokens
	checked time.Time
}

// fresh is how long an opened account is used before its row is looked at again.
const fresh = 2 * time.Second

// forget makes every account be read again.
func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.opened {
		o.checked = time.Time{}
	}
}

func (s *Service) load(ctx context.Context, ref string) (Account, error) {
	var acc Account
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		acc, err = s.Account(tx, ref)
		return err
	})
	return acc, err
}

// open gives an account with its adapter, by id.
func (s *Service) open(ctx context.Context, id string) (*opened, error) {
	now := s.need.DB.Now()
	s.mu.Lock()
	o := s.opened[id]
	if o != nil && now.Sub(o.checked) < fresh && now.Sub(o.checked) >= 0 {
		s.mu.Unlock()
		return o, nil
	}
	s.mu.Unlock()
	acc, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if o = s.opened[acc.ID]; o != nil && o.acc.Version == acc.Version {
		defer s.mu.Unlock()
		again := *o
		again.checked = now
		s.opened[acc.ID] = &again
		return &again, nil
	}
	s.mu.Unlock()
	if o, err = s.make(acc, nil); err != nil {
		return nil, err
	}
	o.checked = now
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.opened[acc.ID]; other != nil && other.acc.Version == acc.Version {
		return other, nil // somebody was first: one adapter, one set of tokens
	}
	s.opened[acc.ID] = o
	return o, nil
}

// Open gives the adapter of an account, by id or name, with what it can do.
func (s *Service) Open(ctx context.Context, ref string) (Account, channel.Channel, error) {
	acc, err := s.load(ctx, ref)
	if err != nil {
		return acc, nil, err
	}
	o, err := s.open(ctx, acc.ID)
	if err != nil {
		return acc, nil, err
	}
	return o.acc, o.ch, nil
}

// make opens the adapter; secrets given here are used instead of the vault's, for an account that is not kept yet.
func (s *Service) make(acc Account, secrets map[string]string) (*opened, error) {
	kind, ok := s.kinds[acc.Channel]
	if !ok {
		return nil, fault.New(fault.Conflict, "account %s is of channel %q, which this version does not know", acc.Name, acc.Channel)
	}
	o := &opened{acc: acc, kind: kind}
	o.tokens = newTokens(s, acc, secrets != nil)
	ch, err := kind.Open(channel.Config{
		Account: acc.ID, Country: acc.Country, Settings: acc.Settings, Tokens: o.tokens, HTTP: s.need.HTTP(acc, kind.Limits), Now: s.need.DB.Now,
		Log: s.need.Log.With("account", acc.Name),
		Secret: func(name string) []string {
			if secrets != nil {
				if v := secrets[name]; v != "" {
					return []string{v}
				}
				return nil
			}
			if all := s.need.Secrets.Values(acc.owner(), name); len(all) > 0 || acc.App == "" {
				return all
			}
			return s.need.Secrets.Values("app:"+acc.Channel+"/"+acc.App, name)
		},
	})
	if err != nil {
		return nil, err
	}
	o.ch = ch
	o.tokens.ch = ch
	if secrets == nil {
		s.mu.Lock()
		s.can[acc.Channel] = channel.CanOf(ch)
		s.mu.Unlock()
	}
	return o, nil
}

// identify asks the partner whose shop an account is that is not kept yet.
// The tokens made on the way come back with the answer: an authorization code works once.
func (s *Service) identify(ctx context.Context, kind channel.Kind, acc Account, secrets map[string]string) (channel.Shop, channel.TokenSet, error) {
	if secrets == nil {
		secrets = map[string]string{}
	}
	o, err := s.make(acc, secrets)
	if err != nil {
		return channel.Shop{}, channel.TokenSet{}, err
	}
	who, ok := o.ch.(channel.Identifier)
	if !ok {
		return channel.Shop{ID: acc.Name}, channel.TokenSet{}, nil
	}
	shop, err := who.Identify(ctx)
	return shop, o.tokens.set, err
}

// Check asks the partner whose shop the account is and what our credentials may do, and keeps what it says about scopes and the version. An account that was refused works again when
// the partner answers.
func (s *Service) Check(ctx context.Context, ref string) (channel.Shop, error) {
	acc, ch, err := s.Open(ctx, ref)
	if err != nil {
		return channel.Shop{}, err
	}
	who, ok := ch.(channel.Identifier)
	if !ok {
		return channel.Shop{ID: acc.ShopID, Name: acc.Name, Country: acc.Country, Currency: acc.Currency, Zone: acc.Zone}, nil
	}
	shop, err := who.Identify(ctx)
	if err != nil {
		s.unwell(ctx, acc, err)
		return shop, err
	}
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.identified(tx, acc.ID, shop); err != nil || acc.State != Unauthorized {
			return err
		}
		return s.restored(tx, acc.ID, "system", "the partner takes our credentials again")
	})
	return shop, err
}

// Can says what a channel's adapter can do; nothing before an account of it was opened in this process and none is known.
func (s *Service) Can(name string) channel.Can {
	s.mu.Lock()
	can, ok := s.can[name]
	s.mu.Unlock()
	if ok {
		return can
	}
	return s.canOf(Account{Channel: name, Settings: map[string]string{}})
}
