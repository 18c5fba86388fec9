package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Tell is something a channel is to be told, or was.
type Tell struct {
	ID        string    `json:"id"`
	Account   string    `json:"account_id"`
	Order     string    `json:"order_id"`
	External  string    `json:"external_id"`
	Act       string    `json:"act"`
	Subject   string    `json:"subject_id"`
	State     string    `json:"state" doc:"intended, running, told, refused, unknown (it may have happened), withheld (the account is not live)"`
	Attempts  int64     `json:"attempts"`
	Cause     string    `json:"cause,omitempty"`
	CauseKind string    `json:"cause_kind,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ToldAt    time.Time `json:"told_at,omitzero"`
}

const tellColumns = `id, account_id, order_id, external, act, subject_id, state, attempts, cause, cause_kind, created_at, told_at`

func scanTell(row db.Scanner) (Tell, error) {
	var t Tell
	err := row.Scan(&t.ID, &t.Account, &t.Order, &t.External, &t.Act, &t.Subject, &t.State, &t.Attempts, db.Text(&t.Cause), db.Text(&t.CauseKind), db.Time(&t.CreatedAt), db.Time(&t.ToldAt))
	return t, err
}

type tellList struct {
	Paging
	Account string `query:"account" maxLength:"100" doc:"Our id"`
	Order   string `query:"order" maxLength:"100" doc:"Our id"`
	State   string `query:"state" enum:"intended,running,told,refused,unknown,withheld"`
}

type tellRetry struct {
	Write
	One
	Body struct {
		Done bool `json:"done,omitempty" doc:"It has happened: do not send it again"`
	}
}

func (in tellRetry) resource() string { return in.ID }

type oneWrite struct {
	Write
	One
}

func (in oneWrite) resource() string { return in.ID }

type inboxRemedy struct {
	Write
	One
	Body struct {
		How string `json:"how" enum:"again,as_received,leave" doc:"Read it again; apply it with the time it was received; or leave it out"`
	}
}

func (in inboxRemedy) resource() string { return in.ID }

type refundList struct {
	Paging
	State  string `query:"state" enum:"intended,issued,refused,unknown,recorded"`
	Method string `query:"method" maxLength:"40"`
	Return string `query:"return" maxLength:"100" doc:"Our id of the return"`
	Payout bool   `query:"payout" doc:"Those that people have to pay out, oldest first"`
}

type refundPaid struct {
	Write
	One
	Body struct {
		Reference string `json:"reference" minLength:"1" maxLength:"200" doc:"The bank's or wallet's"`
	}
}

func (in refundPaid) resource() string { return in.ID }

type refundSettle struct {
	Write
	One
	Body struct {
		Happened bool   `json:"happened" doc:"The money has gone; if not, it is tried again"`
		External string `json:"external_id,omitempty" maxLength:"200" doc:"The partner's id of it"`
	}
}

func (in refundSettle) resource() string { return in.ID }

type refundDrop struct {
	Write
	One
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

func (in refundDrop) resource() string { return in.ID }

// remedyRoutes are what people do about what did not go by itself.
func (s *Server) remedyRoutes() {
	if s.Connect == nil {
		return
	}
	const tag = "channels"
	showTell := func(tx *db.Tx, id string) (Tell, error) {
		return db.One(tx, scanTell, `select `+tellColumns+` from tells where id = $1`, id)
	}
	read(s, route{path: "/tells", id: "list-tells", title: "What channels are to be told", tag: tag}, func(tx *db.Tx, in *tellList) (Page[Tell], error) {
		seen, args := tx.Within("tells", "tells", []any{in.After, in.Account, in.Order, in.State, in.Limit + 1})
		all, err := db.All(tx, scanTell, `select `+tellColumns+` from tells where id > $1 and ($2 = '' or account_id = $2) and ($3 = '' or order_id = $3) and ($4 = '' or state = $4)`+seen+` order by id limit $5`, args...)
		return page(all, in.Limit, func(t Tell) string { return t.ID }), err
	})
	read(s, route{path: "/tells/{id}", id: "get-tell", title: "Read what a channel is to be told", tag: tag}, func(tx *db.Tx, in *One) (Tell, error) { return showTell(tx, in.ID) })
	write(s, route{path: "/tells/{id}/retry", id: "retry-tell", title: "Send it again, or say that it has happened", tag: tag, status: http.StatusAccepted}, func(ctx context.Context, c *call, in *tellRetry) error {
		return s.Connect.Retry(ctx, in.ID, c.actor, in.Body.Done)
	}, showTell)
	write(s, route{path: "/tells/{id}/look", id: "look-tell", title: "Ask the channel what became of it", tag: tag, status: http.StatusAccepted, text: "For one whose outcome is unknown: what the channel has found counts, what it has not is sent. 422 where the channel cannot be asked."}, func(ctx context.Context, c *call, in *oneWrite) error {
		return s.Connect.Look(ctx, in.ID, c.actor)
	}, showTell)
	s.accountRemedies()
	write(s, route{path: "/orders/{id}/reread", id: "reread-order", title: "Have an order read from its channel again", tag: "orders", status: http.StatusAccepted}, func(ctx context.Context, _ *call, in *oneWrite) error {
		var account, external string
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			v, err := s.Order.Get(tx, in.ID)
			account, external = v.Account, v.External
			return err
		})
		if err != nil {
			return err
		}
		return s.Connect.Want(ctx, account, external, "person")
	}, s.showOrder)
	write(s, route{path: "/inbox/{id}/decide", id: "decide-inbox", title: "Decide about a message that is stuck", tag: tag, status: http.StatusAccepted}, func(ctx context.Context, c *call, in *inboxRemedy) error {
		return s.Connect.Unstick(ctx, in.ID, connect.Remedy(in.Body.How), c.actor)
	}, showDone)
	if s.Catalog != nil {
		write(s, route{path: "/listings/{id}/accept-price", id: "accept-price", title: "Let a price go out that waited for a person", tag: "listings", status: http.StatusAccepted}, func(ctx context.Context, c *call, in *oneWrite) error {
			var account string
			err := s.DB.Read(ctx, func(tx *db.Tx) error {
				l, err := s.Catalog.Listing(tx, in.ID)
				account = l.Account
				return err
			})
			if err != nil {
				return err
			}
			return s.Connect.AcceptPrice(ctx, account, in.ID, c.actor)
		}, showDone)
	}
	s.moneyRoutes()
}

type accountSecrets struct {
	Action
	Body struct {
		Secrets map[string]string `json:"secrets" doc:"By the names that the channel's settings give; go to the vault and are never shown again"`
	}
}

type accountReread struct {
	Write
	One
	Body struct {
		External string `json:"external_id" minLength:"1" maxLength:"200" doc:"The channel's id of the order"`
	}
}

func (in accountReread) resource() string { return in.ID }

// accountRemedies are what people do about an account as a whole.
func (s *Server) accountRemedies() {
	const tag = "accounts"
	write(s, route{path: "/accounts/{id}/authorize", id: "authorize-account", title: "Enter new credentials", tag: tag, scope: access.Admin, text: "An account that the partner had refused works again."}, func(ctx context.Context, c *call, in *accountSecrets) error {
		if err := s.accountAt(ctx, in.ID, c.version); err != nil {
			return err
		}
		return s.Connect.Authorize(ctx, in.ID, in.Body.Secrets, c.actor)
	}, s.showAccount)
	write(s, route{path: "/accounts/{id}/push-stock", id: "push-stock", title: "Send every stock number again", tag: tag, status: http.StatusAccepted, text: "Also those that the channel refused."}, func(ctx context.Context, c *call, in *oneWrite) error {
		return s.Connect.PushStock(ctx, in.ID, c.actor)
	}, s.showAccount)
	write(s, route{path: "/accounts/{id}/reread", id: "reread-external", title: "Have an order read from the channel that is not here", tag: tag, status: http.StatusAccepted}, func(ctx context.Context, _ *call, in *accountReread) error {
		var account string
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			a, err := s.Connect.Account(tx, in.ID)
			account = a.ID
			return err
		})
		if err != nil {
			return err
		}
		return s.Connect.Want(ctx, account, in.Body.External, "person")
	}, s.showAccount)
}

func (s *Server) moneyRoutes() {
	if s.Payment == nil {
		return
	}
	const tag = "refunds"
	show := func(tx *db.Tx, id string) (Refund, error) {
		r, err := s.Payment.GetRefund(tx, id)
		return refundView(r), err
	}
	read(s, route{path: "/refunds", id: "list-all-refunds", title: "List refunds", tag: tag, text: "Newest first; with payout those that people have to pay out, oldest first."}, func(tx *db.Tx, in *refundList) (Page[Refund], error) {
		var p payment.RefundPage
		var err error
		if in.Payout {
			p, err = s.Payment.PayoutList(tx, in.After, in.Limit)
		} else {
			p, err = s.Payment.Refunds(tx, payment.RefundFilter{State: in.State, Method: in.Method, Return: in.Return}, in.After, in.Limit)
		}
		out := Page[Refund]{Items: []Refund{}, Next: p.Next}
		for _, r := range p.Items {
			out.Items = append(out.Items, refundView(r))
		}
		return out, err
	})
	read(s, route{path: "/refunds/{id}", id: "get-refund", title: "Read a refund", tag: tag}, func(tx *db.Tx, in *One) (Refund, error) { return show(tx, in.ID) })
	write(s, route{path: "/refunds/{id}/paid-out", id: "pay-out-refund", title: "Say that the money was paid out", tag: tag, scope: access.Write}, func(ctx context.Context, c *call, in *refundPaid) error {
		return s.Payment.PaidOut(ctx, in.ID, c.actor, in.Body.Reference)
	}, show)
	write(s, route{path: "/refunds/{id}/settle", id: "settle-refund", title: "Say what became of a refund whose outcome is unknown, or that was refused", tag: tag}, func(ctx context.Context, c *call, in *refundSettle) error {
		return s.Payment.Resolve(ctx, in.ID, in.Body.Happened, in.Body.External, c.actor)
	}, show)
	write(s, route{path: "/refunds/{id}/refused", id: "refuse-refund", title: "Say that the partner did not and will not give it back", tag: tag, text: "It no longer counts. Settle takes that back."}, func(ctx context.Context, c *call, in *refundDrop) error {
		return s.Payment.Refused(ctx, in.ID, in.Body.Reason, c.actor)
	}, show)
	write(s, route{path: "/refunds/{id}/drop", id: "drop-refund", title: "Take a refund off the payout list", tag: tag}, func(ctx context.Context, c *call, in *refundDrop) error {
		return s.Payment.Drop(ctx, in.ID, in.Body.Reason, c.actor)
	}, show)
}
