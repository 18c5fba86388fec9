package console

import (
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// overlap is how long a secret or key that was replaced works beside the new one.
const overlap = 24 * time.Hour

type subscriptionsPage struct {
	Items []outbox.Subscription
	Types []string
}

// subscriptionList lists who is told of events by webhook.
func subscriptionList(v *visit) error {
	p := subscriptionsPage{Types: event.Contracts}
	if err := v.read(func(tx *db.Tx) (err error) { p.Items, err = outbox.Subscriptions(tx); return err }); err != nil {
		return err
	}
	return v.page("subscriptions", "Subscriptions", p)
}

type subscriptionPage struct {
	outbox.Subscription
	Types  []string
	Tabs   []tab
	State  string // of the deliveries that are listed
	Items  []outbox.Delivery
	Next   string
	Secret string // shown this once
}

// Has reports whether a type of events is sent; all are where none is named.
func (p subscriptionPage) Has(typ string) bool {
	for _, t := range p.Subscription.Types {
		if t == typ {
			return true
		}
	}
	return false
}

// subscriptionShow shows one subscription with what is on its way to it.
func subscriptionShow(v *visit) error {
	p, err := v.subscriptionPage(v.id())
	if err != nil {
		return err
	}
	return v.page("subscription", "Subscription %s", p, p.Name)
}

func (v *visit) subscriptionPage(id string) (p subscriptionPage, err error) {
	p.State, p.Types = v.ask("state"), event.Contracts
	for _, t := range []struct{ name, title string }{{"", v.T("All")}, {outbox.DeliveryDue, v.T("Waiting")}, {outbox.Delivered, v.T("Delivered")}, {outbox.DeliveryDead, v.T("Given up")}} {
		to := subscriptionPath(id)
		if t.name != "" {
			to += "?state=" + t.name
		}
		p.Tabs = append(p.Tabs, tab{t.name, t.title, to, t.name == p.State})
	}
	const size = 50
	err = v.read(func(tx *db.Tx) error {
		if p.Subscription, err = outbox.GetSubscription(tx, id); err != nil {
			return err
		}
		p.Items, err = outbox.Deliveries(tx, p.ID, p.State, v.ask("after"), size+1)
		if p.Next = ""; len(p.Items) > size {
			p.Items = p.Items[:size]
			p.Next = p.Items[size-1].Event
		}
		return err
	})
	return p, err
}

// subscriptionForm reads name, address and types.
func (v *visit) subscriptionForm() outbox.Subscription {
	s := outbox.Subscription{Name: v.form("name"), URL: v.form("url"), AllowPrivate: v.form("private") != "", Version: v.version()}
	for _, t := range v.r.PostForm["type"] {
		s.Types = append(s.Types, clean(t))
	}
	return s
}

// secretOf is whose secret a subscription's is in the vault.
func secretOf(id string) string { return "subscription:" + id }

// subscriptionAdd has events sent to an address from now on, and shows the signing secret once.
func subscriptionAdd(v *visit) error {
	s, secret := v.subscriptionForm(), outbox.NewSecret()
	err := v.write(func(tx *db.Tx) (err error) {
		if s, err = outbox.Subscribe(tx, s); err != nil {
			return err
		}
		if _, err := v.Vault.Put(tx, secretOf(s.ID), "secret", vault.Hide(secret), vault.PutOptions{}); err != nil {
			return err
		}
		return v.subscriptionNote(tx, "add", s.ID)
	})
	if err != nil {
		return err
	}
	return v.subscriptionSecret(s.ID, secret)
}

// subscriptionSecret answers with the page that shows a secret this once.
func (v *visit) subscriptionSecret(id, secret string) error {
	p, err := v.subscriptionPage(id)
	if err != nil {
		return err
	}
	p.Secret = secret
	return v.page("subscription", "Subscription %s", p, p.Name)
}

func (v *visit) subscriptionNote(tx *db.Tx, act, id string) error {
	return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "subscription." + act, SubjectKind: "subscription", Subject: id})
}

// subscriptionDo changes, pauses, resumes or ends a subscription, or gives it another secret.
func subscriptionDo(v *visit) error {
	act, id, secret := v.r.PathValue("act"), v.id(), ""
	said := map[string]string{
		"change": v.T("Saved"), "pause": v.T("Paused: what is to be delivered collects"), "resume": v.T("It is sent again, what has collected first"), "revoke": v.T("Ended for good"), "rotate": "",
	}
	text, known := said[act]
	if !known {
		return fault.New(fault.NotFound, "there is no such step")
	}
	err := v.write(func(tx *db.Tx) (err error) {
		switch act {
		case "change":
			s := v.subscriptionForm()
			s.ID = id
			err = outbox.Resubscribe(tx, s)
		case "pause":
			err = outbox.Pause(tx, id, v.version())
		case "resume":
			err = outbox.Resume(tx, id, v.version())
		case "revoke":
			if err = outbox.Revoke(tx, id, v.version()); err == nil {
				err = v.Vault.RevokeAll(tx, secretOf(id))
			}
		case "rotate":
			secret, err = v.subscriptionRotate(tx, id)
		}
		if err != nil {
			return err
		}
		return v.subscriptionNote(tx, act, id)
	})
	if err != nil {
		return err
	}
	if act == "rotate" {
		return v.subscriptionSecret(id, secret)
	}
	f := flash{Text: text}
	if undo := map[string]string{"pause": "resume", "resume": "pause"}[act]; undo != "" {
		f.Undo = subscriptionPath(id) + "/" + undo
	}
	return v.back(subscriptionPath(id), f)
}

// subscriptionRotate makes a new secret; the old one signs too for a day.
func (v *visit) subscriptionRotate(tx *db.Tx, id string) (string, error) {
	s, err := outbox.GetSubscription(tx, id)
	switch {
	case err != nil:
		return "", err
	case s.State == outbox.Revoked:
		return "", fault.New(fault.Conflict, "the subscription is revoked")
	}
	secret := outbox.NewSecret()
	_, err = v.Vault.Rotate(tx, secretOf(id), "secret", vault.Hide(secret), overlap)
	return secret, err
}

// subscriptionResend sends one delivery again, or all that were given up in the last days.
func subscriptionResend(v *visit) error {
	n := int64(1)
	err := v.write(func(tx *db.Tx) (err error) {
		if d := v.form("delivery"); d != "" {
			return outbox.Resend(tx, d)
		}
		days, err := strconv.Atoi(v.form("days"))
		if err != nil || days < 1 || days > 90 {
			return fault.Field("days", "is a number of days, up to 90")
		}
		n, err = outbox.ResendAll(tx, v.id(), tx.Now.AddDate(0, 0, -days))
		return err
	})
	if err != nil {
		return err
	}
	return v.back(subscriptionPath(v.id()), flash{Text: v.T("Sent again: %d", int(n))})
}
