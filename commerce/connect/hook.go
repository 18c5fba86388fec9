package connect

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Receive takes a webhook that was sent to one account's address: verified on its raw bytes, sealed, stored durably. A nil error means that it can be acknowledged.
// Faults: NotFound for an unknown account, Unauthorized for a bad signature, Unavailable or Full when it could not be stored: the partner then sends it again.
func (s *Service) Receive(ctx context.Context, name string, header http.Header, body []byte) error {
	o, err := s.byName(ctx, name)
	if err != nil {
		return err
	}
	d := channel.Delivery{Header: header, Body: body, At: s.need.DB.Now()}
	receipt, err := verify(o, d)
	if err != nil {
		return err
	}
	return s.keep(ctx, o, d, receipt)
}

// ReceiveApp takes a webhook that was sent to the one callback of an app: verified with the app's secret, then the shop is found in it.
func (s *Service) ReceiveApp(ctx context.Context, app string, header http.Header, body []byte) error {
	accounts, err := s.ofApp(ctx, app)
	if err != nil {
		return err
	}
	d := channel.Delivery{Header: header, Body: body, At: s.need.DB.Now()}
	var receipt channel.Receipt
	refused := error(fault.New(fault.Unauthorized, "the signature is not right"))
	for _, acc := range accounts {
		o, err := s.open(ctx, acc.ID)
		if err == nil {
			receipt, err = verify(o, d)
		}
		if err != nil { // one account that cannot be opened must not shut out the others of the app
			if !fault.Temporary(refused) {
				refused = err
			}
			continue
		}
		for _, to := range accounts {
			if to.ShopID == receipt.Shop {
				if o, err = s.open(ctx, to.ID); err != nil {
					return err
				}
				return s.keep(ctx, o, d, receipt)
			}
		}
		return fault.New(fault.NotFound, "the shop of this message is not an account here")
	}
	return refused
}

func verify(o *opened, d channel.Delivery) (channel.Receipt, error) {
	w, ok := o.ch.(channel.Webhooker)
	if !ok {
		return channel.Receipt{}, fault.New(fault.NotFound, "%s sends no webhooks", o.kind.Title)
	}
	return w.Verify(d)
}

// keep stores what a verified delivery says: whole orders sealed, ids to read again, hints to act on. One transaction, so that nothing acknowledged is lost.
// In a far zone it is two: what it carries first, so that a delivery of which only that was stored is stored again, once, when the partner repeats it.
func (s *Service) keep(ctx context.Context, o *opened, d channel.Delivery, receipt channel.Receipt) (err error) {
	ctx, end := s.span(ctx, "receive webhook", o.traced()...)
	defer func() { end(err) }()
	p, err := took(s.at(o.acc.Residency))
	if err != nil {
		return err
	}
	if receipt.ID == "" {
		receipt.ID = p.digest(d.Body)
	}
	hints, err := o.ch.(channel.Webhooker).Hints(d)
	if err != nil {
		return s.keepUnread(ctx, p, o, d, receipt, err)
	}
	var rows []*stored
	for i, h := range hints {
		if h.Subject != channel.AboutOrder || h.Raw == nil {
			continue
		}
		delivery := receipt.ID
		if i > 0 {
			delivery += "#" + h.External
		}
		row, err := p.seal(o.acc.ID, "webhook", receipt.Topic, channel.Change{External: h.External, Version: h.Version, ReadAt: d.At, Raw: *h.Raw})
		if err != nil {
			return err
		}
		row.delivery = delivery
		rows = append(rows, row)
	}
	if !p.far && onlyOrders(hints) {
		return s.intake.join(ctx, delivered{o.acc.ID, rows, carried(ctx)})
	}
	store := func(tx *db.Tx) error {
		s.wakes(tx, p)
		return p.store(tx, rows)
	}
	if p.far && len(rows) > 0 {
		if err := p.Keep(ctx, store); err != nil {
			return err
		}
	}
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if !p.far {
			if err := store(tx); err != nil {
				return err
			}
		}
		keepTraceOf(tx, rows, carried(ctx))
		if err := s.actOn(tx, o.acc, hints); err != nil {
			return err
		}
		return s.heard(tx, o.acc.ID)
	})
	if err == nil {
		s.afterHints(o, hints)
	}
	return err
}

// delivered is a delivery that brought whole orders and nothing else: the flood of a sale.
type delivered struct {
	account string
	rows    []*stored
	carried string // its trace
}

func onlyOrders(hints []channel.Hint) bool {
	return len(hints) > 0 && !slices.ContainsFunc(hints, func(h channel.Hint) bool { return h.Subject != channel.AboutOrder || h.Raw == nil })
}

// keepAll stores deliveries in one transaction.
func (s *Service) keepAll(ctx context.Context, all []delivered) error {
	var rows []*stored
	accounts := map[string]bool{}
	for _, d := range all {
		rows = append(rows, d.rows...)
		accounts[d.account] = true
	}
	p := s.home()
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		s.wakes(tx, p)
		if err := p.store(tx, rows); err != nil {
			return err
		}
		for _, d := range all {
			keepTraceOf(tx, d.rows, d.carried)
		}
		for _, account := range slices.Sorted(keysOf(accounts)) {
			if err := s.heard(tx, account); err != nil {
				return err
			}
		}
		return nil
	})
}

// heard notes at most once a second that the account's partner called.
func (s *Service) heard(tx *db.Tx, account string) error {
	_, err := tx.Exec(`update account_health set last_webhook_at = $2 where account_id = $1 and (last_webhook_at is null or last_webhook_at < $3)`,
		account, db.Micros(tx.Now), db.Micros(tx.Now.Add(-time.Second)))
	return err
}

// keepUnread stores a genuine delivery that could not be understood, and raises it.
func (s *Service) keepUnread(ctx context.Context, p place, o *opened, d channel.Delivery, receipt channel.Receipt, cause error) error {
	row, err := p.seal(o.acc.ID, "webhook", receipt.Topic, channel.Change{ReadAt: d.At, Raw: channel.Raw{Shape: "unread", Docs: []channel.Doc{{Name: "body", Body: d.Body}}}})
	if err != nil {
		return err
	}
	row.delivery, row.state, row.cause = receipt.ID, "stuck", fault.Message(cause)
	waits := row.id // the one that waits for a person: this one, or the one it is a repetition of
	raise := func(tx *db.Tx) error {
		return exception.Raise(tx, exception.Case{
			Cause: exception.Undecodable, SubjectKind: "inbox", Subject: waits, Account: o.acc.ID,
			Detail: map[string]string{"topic": receipt.Topic, "reason": fault.Message(cause)},
		})
	}
	store := func(tx *db.Tx) error {
		kept, err := p.storeNew(tx, []*stored{row})
		switch {
		case err != nil || len(kept) == 0 && !p.far: // it is here already
			return err
		case p.far:
			there, err := db.All(tx, scanID, `select id from inbox where account_id = $1 and delivery_id = $2 and state = 'stuck'`, o.acc.ID, receipt.ID)
			waits = strings.Join(there, "")
			return err
		}
		return raise(tx)
	}
	if err := p.Keep(ctx, store); err != nil || !p.far || waits == "" {
		return err
	}
	return s.need.DB.Write(ctx, raise)
}

// actOn turns hints that carry no order into durable wishes: an order to read, an account to look after.
func (s *Service) actOn(tx *db.Tx, acc Account, hints []channel.Hint) error {
	wanted := map[string]string{}
	for _, h := range hints {
		switch {
		case (h.Subject == channel.AboutOrder && h.Raw == nil) || h.Subject == channel.AboutReturn:
			wanted[h.External] = string(h.Subject)
		case h.Subject == channel.AboutAccess:
			if err := s.accessHint(tx, acc, h); err != nil {
				return err
			}
		case h.Subject == channel.AboutPrivacy:
			if err := s.privacyHint(tx, acc, h); err != nil {
				return err
			}
		}
	}
	if err := s.hinted(tx, acc, hints); err != nil {
		return err
	}
	if slices.ContainsFunc(hints, func(h channel.Hint) bool { return h.Subject == channel.AboutListing }) {
		if err := wantListings(tx, acc.ID); err != nil {
			return err
		}
	}
	return s.wantReads(tx, acc.ID, wanted, 0)
}

// accessHint raises what the partner says about our access: the app was removed, the token ends. The partner is then asked whether it is so.
func (s *Service) accessHint(tx *db.Tx, acc Account, h channel.Hint) error {
	if err := probeSoon(tx, acc.ID); err != nil {
		return err
	}
	return exception.Raise(tx, exception.Case{
		Cause: exception.AccountUnauthorized, SubjectKind: "account", Subject: acc.ID, Account: acc.ID,
		Detail: map[string]string{"account": acc.Name, "note": h.Note},
	})
}

// wishTime is how long a partner gives for a wish about personal data (https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance).
const wishTime = 30 * 24 * time.Hour

// privacyHint keeps a partner's wish about personal data. An erasure is carried out by the program; an export takes a person, so it is a case with the partner's deadline.
func (s *Service) privacyHint(tx *db.Tx, acc Account, h channel.Hint) error {
	due := tx.Now.Add(wishTime)
	id, err := s.need.Privacy.Ask(tx, privacy.Request{Account: acc.ID, Kind: privacy.Asking(h.Wish), Subject: h.External, Orders: h.Orders, DueAt: due})
	if err != nil || h.Wish != channel.WishExport {
		return err
	}
	return exception.Raise(tx, exception.Case{
		Cause: exception.PrivacyRequest, SubjectKind: "privacy", Subject: id, Account: acc.ID, Deadline: due,
		Detail: map[string]string{"account": acc.Name, "request": h.Note, "subject": h.External},
	})
}

// afterHints wakes what can be done better at once: listings to pull.
func (s *Service) afterHints(o *opened, hints []channel.Hint) {
	for _, h := range hints {
		if h.Subject == channel.AboutListing {
			s.soon(o.acc.ID)
			return
		}
	}
}

// byName finds an open account by its name, cached.
func (s *Service) byName(ctx context.Context, name string) (*opened, error) {
	s.mu.Lock()
	for _, o := range s.opened {
		if o.acc.Name == name && s.need.DB.Now().Sub(o.checked) < fresh {
			s.mu.Unlock()
			return o, nil
		}
	}
	s.mu.Unlock()
	acc, err := s.load(ctx, name)
	if err != nil {
		return nil, err
	}
	if acc.State == ClosedDown {
		return nil, fault.New(fault.NotFound, "there is no account %q", name)
	}
	return s.open(ctx, acc.ID)
}

// ofApp lists the accounts behind one app's callback. The app is named channel or channel/app.
func (s *Service) ofApp(ctx context.Context, app string) ([]Account, error) {
	kind, id, _ := strings.Cut(app, "/")
	var all []Account
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		all, err = db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.state <> 'closed' and ((a.channel = $1 and a.app = $2) or a.app = $3) order by a.id`, kind, id, app)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, "no account belongs to the app %q", app)
	}
	return all, err
}

// unwell notes a failed call in the account's health; a refused credential pauses the account and raises it.
func (s *Service) unwell(ctx context.Context, acc Account, cause error) {
	if cause == nil || errors.Is(cause, context.Canceled) {
		return
	}
	err := s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if _, err := tx.Exec(`update account_health set last_error = $2, last_error_kind = $3, last_error_at = $4 where account_id = $1`,
			acc.ID, fault.Message(cause), fault.KindOf(cause).String(), db.Micros(tx.Now)); err != nil {
			return err
		}
		if !fault.Is(cause, fault.Unauthorized) {
			return nil
		}
		n, err := tx.Exec(`update channel_accounts set state = 'unauthorized', state_cause = $2, updated_at = $3, version = version + 1 where id = $1 and state = 'active'`,
			acc.ID, fault.Message(cause), db.Micros(tx.Now))
		if err != nil || n == 0 {
			return err
		}
		return s.refused(tx, acc, cause)
	})
	if err != nil {
		s.need.Log.Error("account health not written", "account", acc.Name, "err", err)
	}
}
