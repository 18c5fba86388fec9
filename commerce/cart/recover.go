package cart

import (
	"context"
	"errors"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Recovered counts what Recover did.
type Recovered struct {
	Completed int // checkouts whose payment was confirmed meanwhile
	Undone    int // checkouts that nobody finished: hold given back, money let go
	Captured  int // placed orders whose money was taken
	Landed    int // placed orders brought in
	Expired   int // carts nobody came back to
}

// unfinished is a cart that waits for something, with its storefront.
type unfinished struct {
	cart  basket
	store Storefront
}

// Recover brings to an end what a crash or a buyer left half done: run it every few seconds. Any number may run beside each other; one cart that fails does not stop the
// others. A checkout whose payment waits for the buyer is completed while its hold lasts; after that its payment is let go and the cart opens again. A placed cart never
// goes back: its money is taken and its order brought in until both are done.
func (s *Service) Recover(ctx context.Context, limit int) (Recovered, error) {
	var n Recovered
	now := s.need.DB.Now()
	err := errors.Join(
		s.each(ctx, `c.state = 'placing' and c.updated_at < $1`, now.Add(-pollAgain), limit, func(u unfinished) error { return s.goOn(ctx, u, now, &n) }),
		// Each try waits twice as long as the one before: from the last one, as long as it was away from the placing.
		s.each(ctx, `c.state = 'placed' and (c.order_id is null or c.payment_state = 'authorized') and 2 * c.updated_at - c.placed_at < $1`, now.Add(-landAgain), limit,
			func(u unfinished) error { return s.goOnPlaced(ctx, u, &n) }),
	)
	expired, err2 := s.expire(ctx, limit)
	n.Expired = expired
	return n, errors.Join(err, err2)
}

// each reads carts and does something with every one of them.
func (s *Service) each(ctx context.Context, where string, before time.Time, limit int, do func(unfinished) error) error {
	var all []unfinished
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		carts, err := db.All(tx, scan, `select `+columns+` from carts c where `+where+` order by c.updated_at limit $2`, db.Micros(before), limit)
		if err != nil {
			return err
		}
		stores, err := s.Storefronts(tx)
		all = nil
		for _, c := range carts {
			for _, st := range stores {
				if st.ID == c.store {
					all = append(all, unfinished{c, st})
				}
			}
		}
		return err
	})
	for _, u := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failed := do(u); failed != nil {
			err = errors.Join(err, failed, s.touch(ctx, u.cart.id))
		}
	}
	return err
}

// touch puts a cart that failed behind the others.
func (s *Service) touch(ctx context.Context, id string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`update carts set updated_at = $2, version = version + 1 where id = $1 and state <> 'open'`, id, db.Micros(tx.Now))
		return err
	})
}

// goOn looks what became of a checkout that is under way.
func (s *Service) goOn(ctx context.Context, u unfinished, now time.Time, n *Recovered) error {
	over := now.After(u.cart.holdUntil.Add(giveUp))
	waits := u.cart.payState != ""
	if !over && !waits {
		return nil // its own caller is at it, or comes back
	}
	p, known, err := s.lookUp(ctx, u)
	if err != nil {
		return err
	}
	if over {
		if err = s.undo(ctx, u, p, known); err == nil {
			n.Undone++
		}
		return err
	}
	if !known {
		return nil
	}
	_, err = s.settle(ctx, u.store, u.cart.id, u.cart.attempt, p)
	if err == nil && (p.State == gateway.Authorized || p.State == gateway.Captured) {
		n.Completed++
	}
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// lookUp finds the payment of a checkout; known is false when it was never asked for, or nobody can say.
func (s *Service) lookUp(ctx context.Context, u unfinished) (p gateway.Payment, known bool, err error) {
	gw, _, err := s.need.Gateway(ctx, u.store, u.cart.payment)
	if err != nil {
		return p, false, err
	}
	f, ok := gw.(gateway.Finder)
	if !ok {
		return p, false, nil
	}
	p, err = f.FindPayment(ctx, u.cart.reference())
	if fault.Is(err, fault.NotFound) {
		return p, false, nil
	}
	return p, err == nil, err
}

// undo lets go of the money of a checkout that is over, and only then opens the cart again.
func (s *Service) undo(ctx context.Context, u unfinished, p gateway.Payment, known bool) error {
	gw, kind, err := s.need.Gateway(ctx, u.store, u.cart.payment)
	if err != nil {
		return err
	}
	if known {
		if err := s.letGo(ctx, u.store, u.cart.payment, p); err != nil {
			return err
		}
	}
	if _, finds := gw.(gateway.Finder); !finds && !kind.Cash {
		err := s.need.DB.Write(ctx, func(tx *db.Tx) error { return unknownOutcome(tx, &u.cart, u.store) })
		if err != nil {
			return err
		}
	}
	return s.reopen(ctx, u.cart.id, u.cart.attempt, refusal{Code: "hold_expired", Text: "The checkout took too long and the goods were given back. Please try again."})
}

// goOnPlaced takes the money of a placed cart and brings its order in.
func (s *Service) goOnPlaced(ctx context.Context, u unfinished, n *Recovered) error {
	c := u.cart
	if c.payState == string(gateway.Authorized) {
		if err := s.capture(ctx, u.store, &c); err != nil {
			return err
		}
		n.Captured++
		if c.order != "" { // the order is there: it learns by reading the document again
			return s.again(ctx, u.store, c.id)
		}
	}
	if c.order == "" {
		if err := s.land(ctx, u.store, &c); err != nil {
			return err
		}
		n.Landed++
	}
	return nil
}

// again imports the document of an order that changed.
func (s *Service) again(ctx context.Context, store Storefront, id string) error {
	ch, err := s.One(ctx, store.Account, id)
	if err != nil {
		return err
	}
	_, err = s.need.Import(ctx, store.Account, ch)
	return err
}

// expire ends carts that nobody came back to for a month, and destroys what they keep of their buyers.
func (s *Service) expire(ctx context.Context, limit int) (int, error) {
	var ids []string
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		old, err := db.All(tx, scan, `select `+columns+` from carts c where c.state = 'open' and c.updated_at < $1 order by c.updated_at limit $2`+tx.Lock(),
			db.Micros(tx.Now.Add(-openFor)), limit)
		if err != nil || len(old) == 0 {
			return err
		}
		ids = nil
		var keys []string
		for _, c := range old {
			ids = append(ids, c.id)
			if c.buyerKey != "" {
				keys = append(keys, c.buyerKey)
			}
		}
		if err := s.need.Privacy.Destroy(tx, keys); err != nil {
			return err
		}
		_, err = tx.Exec(`update carts set state = 'expired', buyer = null, buyer_key = null, version = version + 1, updated_at = $2 where id in (select key from json_each($1))`,
			db.Keys(ids), db.Micros(tx.Now))
		return err
	})
	return len(ids), err
}
