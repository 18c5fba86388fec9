package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

type orderOnly struct{ Action }

type cashConfirm struct {
	Action
	Body struct {
		At time.Time `json:"at,omitempty" doc:"When it was taken; default now"`
	}
}

type cashStep struct {
	Action
	Body struct {
		Step   string   `json:"step" enum:"hand_in,take_out,remit,unremit,reconcile,unreconcile,short_pay,write_off" doc:"remit with less than is due is short_pay"`
		Amount *MoneyIn `json:"amount,omitempty" doc:"What came, for remit and short_pay"`
	}
}

type cashLower struct {
	Action
	Body struct {
		Amount MoneyIn `json:"amount" doc:"So much will not be collected"`
		Raise  bool    `json:"raise,omitempty" doc:"Take that back instead"`
		Reason string  `json:"reason" minLength:"1" maxLength:"500"`
	}
}

// paymentRoutes are what people do about an order's payments: take or let go of what a provider holds, and the life of cash on delivery.
func (s *Server) paymentRoutes() {
	if s.Payment == nil || s.Order == nil {
		return
	}
	const tag = "payments"
	held := func(name, id, title, text string, do func(tx *db.Tx, order string) error) {
		write(s, route{path: "/orders/{id}/payments/" + name, id: id, title: title, text: text, tag: tag, status: http.StatusAccepted}, func(ctx context.Context, c *call, in *orderOnly) error {
			return s.DB.Write(ctx, func(tx *db.Tx) error {
				v, err := s.Order.Get(tx, in.ID)
				if err != nil {
					return err
				}
				heads, err := s.Order.Heads(tx, []string{v.ID}, true)
				if err != nil {
					return err
				}
				if err := sameVersion(c.version, heads[v.ID].Version); err != nil {
					return err
				}
				if err := do(tx, v.ID); err != nil {
					return err
				}
				return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "payment." + name, SubjectKind: "order", Subject: v.ID, RequestID: c.request})
			})
		}, s.showOrder)
	}
	held("capture", "capture-payments", "Take what payment providers hold for an order", "Up to what the buyer owes now; done right after, once.", func(tx *db.Tx, order string) error {
		return s.Payment.Capture(tx, []string{order})
	})
	held("void", "void-payments", "Give up what is still to be paid of an order", "Due and authorized payments end; providers let go of what they hold. What was captured goes back as a refund.", func(tx *db.Tx, order string) error {
		if err := s.Payment.Void(tx, []string{order}); err != nil {
			return err
		}
		return s.Payment.Rebalance(tx, order, "")
	})
	held("unvoid", "unvoid-payments", "Make payments due again that were given up", "What a provider has let go of is gone; cash, and what the buyer had yet to pay, is due again.", func(tx *db.Tx, order string) error {
		if err := s.Payment.Unvoid(tx, []string{order}); err != nil {
			return err
		}
		return s.Payment.Rebalance(tx, order, "")
	})
	s.cashRoutes(tag)
}

func (s *Server) cashRoutes(tag string) {
	write(s, route{path: "/orders/{id}/cash/confirm", id: "confirm-cash", title: "Say that the cash of an order was taken", tag: tag}, func(ctx context.Context, c *call, in *cashConfirm) error {
		id, err := s.orderAt(ctx, in.ID, c.version)
		if err != nil {
			return err
		}
		return s.Payment.Confirm(ctx, id, c.actor, in.Body.At)
	}, s.showOrder)
	write(s, route{path: "/orders/{id}/cash/unconfirm", id: "unconfirm-cash", title: "Take that word back: the cash is due again", tag: tag}, func(ctx context.Context, c *call, in *orderHold) error {
		id, err := s.orderAt(ctx, in.ID, c.version)
		if err != nil {
			return err
		}
		return s.Payment.Unconfirm(ctx, id, in.Body.Reason, c.actor)
	}, s.showOrder)
	write(s, route{path: "/orders/{id}/cash/settle", id: "settle-cash", title: "Record what became of collected cash", tag: tag, text: "From collected through remittance to reconciled, and each step back; less than was due is a case of its own."}, func(ctx context.Context, c *call, in *cashStep) error {
		id, currency, err := s.orderMoney(ctx, in.ID, c.version)
		if err != nil {
			return err
		}
		got, err := in.Body.Amount.minor("amount", currency)
		if err != nil {
			return err
		}
		return s.Payment.Settlement(ctx, payment.CashFact{Order: id, Event: state.Event(in.Body.Step), Got: got}, c.actor)
	}, s.showOrder)
	write(s, route{path: "/orders/{id}/cash/lower", id: "lower-cash", title: "Say that part of the cash will not be collected", tag: tag}, func(ctx context.Context, c *call, in *cashLower) error {
		id, currency, err := s.orderMoney(ctx, in.ID, c.version)
		if err != nil {
			return err
		}
		n, err := in.Body.Amount.minor("amount", currency)
		if err != nil {
			return err
		}
		if in.Body.Raise {
			n = -n
		}
		return s.Payment.Lower(ctx, id, n, in.Body.Reason, c.actor)
	}, s.showOrder)
}

// orderAt finds the id behind what people call an order, in the version they saw.
func (s *Server) orderAt(ctx context.Context, ref string, seen int64) (id string, err error) {
	id, _, err = s.orderMoney(ctx, ref, seen)
	return id, err
}

func (s *Server) orderMoney(ctx context.Context, ref string, seen int64) (id, currency string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		v, err := s.Order.Get(tx, ref)
		if err != nil {
			return err
		}
		id, currency = v.ID, v.Currency
		return sameVersion(seen, v.Version)
	})
	return id, currency, err
}
