package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Subscription has contract events sent to an address as signed webhooks (Standard Webhooks).
type Subscription struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	URL          string    `json:"url"`
	Types        []string  `json:"types" doc:"Empty: every contract event"`
	State        string    `json:"state"`
	AllowPrivate bool      `json:"allow_private"`
	CreatedAt    time.Time `json:"created_at"`
	FailingSince time.Time `json:"failing_since,omitzero"`
	LastSuccess  time.Time `json:"last_success_at,omitzero"`
	LastError    string    `json:"last_error,omitempty"`
	Version      int64     `json:"version"`
}

// SubscriptionSecret is a subscription with its signing secret: answered when it is made or rotated.
type SubscriptionSecret struct {
	Subscription
	Secret string `json:"secret" doc:"whsec_…: the receiver checks signatures with it"`
}

// Delivery is one event on its way to one subscription.
type Delivery struct {
	ID           string    `json:"id"`
	Subscription string    `json:"subscription_id"`
	Event        string    `json:"event_id"`
	State        string    `json:"state"`
	Attempts     int64     `json:"attempts"`
	Next         time.Time `json:"next_try,omitzero"`
	LastStatus   int       `json:"last_status,omitempty"`
	LastError    string    `json:"last_error,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
	DeliveredAt  time.Time `json:"delivered_at,omitzero"`
}

type subscriptionBody struct {
	Name         string   `json:"name" minLength:"1" maxLength:"100"`
	URL          string   `json:"url" minLength:"1" maxLength:"2000" doc:"https; plain http only together with allow_private"`
	Types        []string `json:"types,omitempty" maxItems:"20" enum:"OrderCreated,OrderPaid,OrderCancelled,ShipmentCreated,ShipmentDelivered,ReturnRequested,ReturnApproved,RefundIssued"`
	AllowPrivate bool     `json:"allow_private,omitempty" doc:"The address may be private: for systems of our own"`
}

type subscriptionAdd struct {
	Write
	Body subscriptionBody
}

type subscriptionChange struct {
	Action
	Body subscriptionBody
}

type subscriptionOnly struct{ Action }

type subscriptionRotate struct {
	Action
	Body struct {
		OverlapHours int64 `json:"overlap_hours,omitempty" minimum:"0" maximum:"720" default:"24" doc:"How long the old secret signs too"`
	}
}

type subscriptionResend struct {
	Write
	One
	Body struct {
		Since time.Time `json:"since" doc:"Everything that was given up since then"`
	}
}

func (in subscriptionResend) resource() string { return in.ID }

type deliveryList struct {
	Paging
	ID    string `path:"id" maxLength:"100"`
	State string `query:"state" enum:"due,delivered,dead"`
}

type deliveryResend struct {
	Write
	Delivery string `path:"delivery" maxLength:"100"`
}

func (in deliveryResend) resource() string { return in.Delivery }

func subscriptionView(x outbox.Subscription) Subscription {
	return Subscription{
		ID: x.ID, Name: x.Name, URL: x.URL, Types: orEmpty(x.Types), State: x.State, AllowPrivate: x.AllowPrivate, CreatedAt: x.CreatedAt, FailingSince: x.FailingSince, LastSuccess: x.LastSuccess,
		LastError: x.LastError, Version: x.Version,
	}
}

func showSubscription(tx *db.Tx, id string) (Subscription, error) {
	x, err := outbox.GetSubscription(tx, id)
	return subscriptionView(x), err
}

func secretOwner(id string) string { return "subscription:" + id }

func (s *Server) subscriptionRoutes() {
	const tag = "subscriptions"
	read(s, route{path: "/subscriptions", id: "list-subscriptions", title: "Who is told of events by webhook", tag: tag}, func(tx *db.Tx, _ *struct{}) (Page[Subscription], error) {
		all, err := outbox.Subscriptions(tx)
		p := Page[Subscription]{Items: []Subscription{}}
		for _, x := range all {
			p.Items = append(p.Items, subscriptionView(x))
		}
		return p, err
	})
	read(s, route{path: "/subscriptions/{id}", id: "get-subscription", title: "Read a subscription", tag: tag}, func(tx *db.Tx, in *One) (Subscription, error) { return showSubscription(tx, in.ID) })
	read(s, route{path: "/subscriptions/{id}/deliveries", id: "list-deliveries", title: "Events on their way to a subscription", tag: tag}, func(tx *db.Tx, in *deliveryList) (Page[Delivery], error) {
		if _, err := outbox.GetSubscription(tx, in.ID); err != nil {
			return Page[Delivery]{}, err
		}
		all, err := outbox.Deliveries(tx, in.ID, in.State, in.After, in.Limit+1)
		var out []Delivery
		for _, d := range all {
			out = append(out, Delivery{d.ID, d.Subscription, d.Event, d.State, d.Attempts, d.Next, d.LastStatus, d.LastError, d.CreatedAt, d.DeliveredTime})
		}
		return page(out, in.Limit, func(d Delivery) string { return d.Event }), err
	})
	write(s, route{path: "/subscriptions", id: "add-subscription", title: "Have events sent to an address", tag: tag, scope: access.Admin, status: http.StatusCreated, text: "Starts with what is recorded from now on. The answer has the signing secret."}, s.subscribe, showSecret)
	write(s, route{path: "/subscriptions/{id}/rotate-secret", id: "rotate-subscription-secret", title: "Make a new signing secret", tag: tag, scope: access.Admin}, func(ctx context.Context, c *call, in *subscriptionRotate) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			x, err := outbox.GetSubscription(tx, in.ID)
			if err != nil {
				return err
			}
			if err := sameVersion(c.version, x.Version); err != nil {
				return err
			}
			if _, err := s.Vault.Rotate(tx, secretOwner(in.ID), "secret", vault.Hide(outbox.NewSecret()), time.Duration(in.Body.OverlapHours)*time.Hour); err != nil {
				return err
			}
			return s.noted(tx, c, "subscription.rotate", in.ID)
		})
	}, showSecret)
	change := func(path, id, title, action string, do func(tx *db.Tx, id string, version int64) error) {
		write(s, route{path: path, id: id, title: title, tag: tag, scope: access.Admin}, func(ctx context.Context, c *call, in *subscriptionOnly) error {
			return s.DB.Write(ctx, func(tx *db.Tx) error {
				if err := do(tx, in.ID, c.version); err != nil {
					return err
				}
				return s.noted(tx, c, action, in.ID)
			})
		}, showSubscription)
	}
	change("/subscriptions/{id}/pause", "pause-subscription", "Stop sending; deliveries collect", "subscription.pause", outbox.Pause)
	change("/subscriptions/{id}/resume", "resume-subscription", "Send again, what has collected first", "subscription.resume", outbox.Resume)
	change("/subscriptions/{id}/revoke", "revoke-subscription", "End a subscription for good", "subscription.revoke", func(tx *db.Tx, id string, version int64) error {
		if err := outbox.Revoke(tx, id, version); err != nil {
			return err
		}
		return s.Vault.RevokeAll(tx, secretOwner(id))
	})
	s.deliveryRoutes(tag)
}

func (s *Server) deliveryRoutes(tag string) {
	write(s, route{method: http.MethodPut, path: "/subscriptions/{id}", id: "change-subscription", title: "Change name, address or types", tag: tag, scope: access.Admin}, func(ctx context.Context, c *call, in *subscriptionChange) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			err := outbox.Resubscribe(tx, outbox.Subscription{ID: in.ID, Name: in.Body.Name, URL: in.Body.URL, Types: in.Body.Types, AllowPrivate: in.Body.AllowPrivate, Version: c.version})
			if err != nil {
				return err
			}
			return s.noted(tx, c, "subscription.change", in.ID)
		})
	}, showSubscription)
	write(s, route{path: "/subscriptions/{id}/resend", id: "resend-deliveries", title: "Send again what was given up", tag: tag, status: http.StatusAccepted}, func(ctx context.Context, _ *call, in *subscriptionResend) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := outbox.ResendAll(tx, in.ID, in.Body.Since)
			return err
		})
	}, showSubscription)
	write(s, route{path: "/deliveries/{delivery}/resend", id: "resend-delivery", title: "Send one delivery again", tag: tag, status: http.StatusAccepted}, func(ctx context.Context, _ *call, in *deliveryResend) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return outbox.Resend(tx, in.Delivery) })
	}, showDone)
}

func (s *Server) subscribe(ctx context.Context, c *call, in *subscriptionAdd) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		x, err := outbox.Subscribe(tx, outbox.Subscription{Name: in.Body.Name, URL: in.Body.URL, Types: in.Body.Types, AllowPrivate: in.Body.AllowPrivate})
		if err != nil {
			return err
		}
		c.about(x.ID)
		if _, err := s.Vault.Put(tx, secretOwner(x.ID), "secret", vault.Hide(outbox.NewSecret()), vault.PutOptions{}); err != nil {
			return err
		}
		return s.noted(tx, c, "subscription.add", x.ID)
	})
}

func showSecret(tx *db.Tx, id string) (SubscriptionSecret, error) {
	x, err := showSubscription(tx, id)
	return SubscriptionSecret{Subscription: x}, err
}

// reveal adds the signing secret that is in use.
func (x *SubscriptionSecret) reveal(ctx context.Context, s *Server, _ *call) error {
	v, err := s.Vault.Values(ctx, secretOwner(x.ID), "secret")
	if len(v) > 0 {
		x.Secret = v[0]
	}
	return err
}

// noted writes an act into the audit log.
func (s *Server) noted(tx *db.Tx, c *call, action, subject string) error {
	kind := action
	for i := range kind {
		if kind[i] == '.' {
			kind = kind[:i]
			break
		}
	}
	return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: action, SubjectKind: kind, Subject: subject, RequestID: c.request})
}
