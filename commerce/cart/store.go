package cart

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// basket is a cart as stored.
type basket struct {
	id, store, state, currency, language string
	buyerKey                             string
	buyer                                []byte
	delivery, payment                    string
	attempt                              int64
	placeKey, placeBody                  string
	refusal                              *refusal
	payState, payExternal                string
	holdUntil                            time.Time
	order, number                        string
	placedAt, changedAt                  time.Time
	document                             []byte
	documentKey, proof                   string
	totals                               Totals
	created, updated                     time.Time
	version                              int64
	lines                                []line
}

// line is one line of a cart as stored.
type line struct {
	variant  string
	quantity int64
}

// refusal is the answer to a checkout whose payment came to nothing.
type refusal struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

func (r *refusal) err() error { return fault.New(fault.Conflict, "%s", r.Text).WithCode(r.Code) }

const columns = `c.id, c.storefront_id, c.state, c.currency, c.language, c.buyer_key, c.buyer, c.delivery, c.payment, c.attempt, c.place_key, c.place_body, c.refusal,
	c.payment_state, c.payment_external, c.hold_until, c.order_id, c.order_number, c.placed_at, c.changed_at, c.document, c.document_key, c.proof, c.totals, c.created_at,
	c.updated_at, c.version`

func scan(row db.Scanner) (basket, error) {
	var c basket
	err := row.Scan(&c.id, &c.store, &c.state, &c.currency, &c.language, db.Text(&c.buyerKey), &c.buyer, &c.delivery, &c.payment, &c.attempt, db.Text(&c.placeKey),
		db.Text(&c.placeBody), db.JSON(&c.refusal), db.Text(&c.payState), db.Text(&c.payExternal), db.Time(&c.holdUntil), db.Text(&c.order), db.Text(&c.number),
		db.Time(&c.placedAt), db.Time(&c.changedAt), &c.document, db.Text(&c.documentKey), db.Text(&c.proof), db.JSON(&c.totals), db.Time(&c.created),
		db.Time(&c.updated), &c.version)
	return c, err
}

// reference is ours for the payment of the running attempt: stable over its repeats, another for the next.
func (c *basket) reference() string { return c.id + "." + itoa(c.attempt) }

// newToken makes the secret that whoever has the cart shows, and what is kept of it.
func newToken() (token, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, hashOf(token)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// find reads a cart of a storefront by its token, with its lines; locked, since callers decide by it.
func find(tx *db.Tx, store, token string, lock bool) (basket, error) {
	c, err := one(tx, lock, `c.token_hash = $1 and c.storefront_id = $2`, hashOf(token), store)
	if fault.Is(err, fault.NotFound) {
		return c, fault.New(fault.Unauthorized, "there is no cart with this token").WithCode("no_cart")
	}
	return c, err
}

// get reads a cart by id, locked.
func get(tx *db.Tx, id string) (basket, error) { return one(tx, true, `c.id = $1`, id) }

func one(tx *db.Tx, lock bool, where string, args ...any) (basket, error) {
	text := `select ` + columns + ` from carts c where ` + where
	if lock {
		text += tx.Lock()
	}
	c, err := db.One(tx, scan, text, args...)
	if err != nil {
		return c, err
	}
	if lock {
		tx.Locking(db.LockOrder, "cart:"+c.id)
	}
	c.lines, err = db.All(tx, func(row db.Scanner) (l line, err error) { return l, row.Scan(&l.variant, &l.quantity) },
		`select variant_id, quantity from cart_lines where cart_id = $1 order by id`, c.id)
	return c, err
}

// save writes what an edit or a step of checkout changed; somebody else's change in between is refused.
func (c *basket) save(tx *db.Tx) error {
	totals, err := text(c.totals)
	if err != nil {
		return err
	}
	var why any
	if c.refusal != nil {
		if why, err = text(c.refusal); err != nil {
			return err
		}
	}
	c.version++
	c.updated = tx.Now
	n, err := tx.Exec(`update carts set state = $2, language = $3, buyer_key = $4, buyer = $5, delivery = $6, payment = $7, attempt = $8, place_key = $9, place_body = $10,
			refusal = $11, payment_state = $12, payment_external = $13, hold_until = $14, order_id = $15, order_number = $16, placed_at = $17, changed_at = $18, document = $19,
			document_key = $20, proof = $21, totals = $22, updated_at = $23, version = $24 where id = $1 and version = $24 - 1`,
		c.id, c.state, c.language, orNull(c.buyerKey), c.buyer, c.delivery, c.payment, c.attempt, orNull(c.placeKey), orNull(c.placeBody), why, orNull(c.payState),
		orNull(c.payExternal), db.Micros(c.holdUntil), orNull(c.order), orNull(c.number), db.Micros(c.placedAt), db.Micros(c.changedAt), c.document, orNull(c.documentKey),
		orNull(c.proof), totals, db.Micros(c.updated), c.version)
	if err == nil && n != 1 {
		err = stale()
	}
	return err
}
