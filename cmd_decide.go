package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

// decide does one write on a resource that has no version, and says so.
func decide(ctx context.Context, g *Globals, s streams, path string, body any, done string, args ...any) error {
	if body == nil {
		body = map[string]any{}
	}
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, path, "", body)
		if err != nil {
			return err
		}
		return cl.said(r, done, args...)
	})
}

// on does one action on a resource in the version that it has now, and says so.
func on(ctx context.Context, g *Globals, s streams, path, action string, body any, done string, args ...any) error {
	if body == nil {
		body = map[string]any{}
	}
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.latest(ctx, path, action, body)
		if err != nil {
			return err
		}
		return cl.said(r, done, args...)
	})
}

// did does one action on a resource in the version that it has now, and says what became of the resource.
func did[T any](ctx context.Context, g *Globals, s streams, path, action string, body any, say func(now T) string) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.latest(ctx, path, action, body)
		if err != nil {
			return err
		}
		var now T
		if err := r.into(&now); err != nil {
			return err
		}
		return cl.said(r, "%s", say(now))
	})
}

// listed prints a list as rows.
func listed[T any](ctx context.Context, g *Globals, s streams, path string, q url.Values, head string, row func(T) []string) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, path, q)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[T]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, row(x))
			}
			if err := table(w, head, rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type tellCmd struct {
	List  tellListCmd  `cmd:"" help:"What channels are to be told, or were."`
	Retry tellRetryCmd `cmd:"" help:"Send again what was refused, or what did not happen."`
	Done  tellDoneCmd  `cmd:"" help:"Say that it has happened: it is not sent again."`
	Look  tellLookCmd  `cmd:"" help:"Ask the channel what became of it."`
}

type tellListCmd struct {
	Listing
	Account string `help:"Of this account, by id."`
	Order   string `help:"Of this order, by our id."`
	State   string `help:"intended, running, told, refused, unknown (it may have happened), withheld (the account is not live)."`
}

// Run lists what channels are told.
func (c *tellListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, "/tells", c.query("account", c.Account, "order", c.Order, "state", c.State), "TELL WHAT STATE ORDER ATTEMPTS SINCE WHY", func(t api.Tell) []string {
		return []string{t.ID, t.Act, t.State, t.External, itoa(t.Attempts), when(t.CreatedAt), dash(t.Cause)}
	})
}

type tellRetryCmd struct {
	Tell string `arg:"" help:"Id, see tell list."`
}

// Run sends again.
func (c *tellRetryCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("tells", c.Tell, "retry"), nil, "%s is sent again", c.Tell)
}

type tellDoneCmd struct {
	Tell string `arg:"" help:"Id, see tell list."`
}

// Run says that it has happened.
func (c *tellDoneCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("tells", c.Tell, "retry"), map[string]any{"done": true}, "%s counts as told", c.Tell)
}

type tellLookCmd struct {
	Tell string `arg:"" help:"Id, see tell list."`
}

// Run asks the channel.
func (c *tellLookCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("tells", c.Tell, "look"), nil, "the channel is asked about %s", c.Tell)
}

type refundCmd struct {
	List    refundListCmd    `cmd:"" help:"Refunds, newest first; with --payout those that people have to pay out."`
	Show    refundShowCmd    `cmd:"" help:"Show a refund."`
	Retry   refundRetryCmd   `cmd:"" help:"Try one again that was refused, or did not happen."`
	Done    refundDoneCmd    `cmd:"" help:"Say that the money has gone back."`
	Paid    refundPaidCmd    `cmd:"" help:"Say that a refund of the payout list was paid out."`
	Drop    refundDropCmd    `cmd:"" help:"Take a refund off the payout list."`
	Refused refundRefusedCmd `cmd:"" help:"Say that the partner did not and will not give it back."`
}

type refundListCmd struct {
	Listing
	State  string `help:"intended, issued, refused, unknown, recorded."`
	Payout bool   `help:"Only those that people have to pay out, oldest first."`
}

// Run lists refunds.
func (c *refundListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	q := c.query("state", c.State)
	if c.Payout {
		q.Set("payout", "true")
	}
	return listed(ctx, g, s, "/refunds", q, "REFUND STATE METHOD AMOUNT AT ORDER WHY", func(r api.Refund) []string {
		return []string{r.ID, r.State, dash(r.Method), r.Amount.String(), when(r.At), r.OrderID, dash(r.Flagged)}
	})
}

type refundShowCmd struct {
	Refund string `arg:"" help:"Id, see refund list."`
}

// Run shows a refund.
func (c *refundShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("refunds", c.Refund), nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var x api.Refund
			if err := r.into(&x); err != nil {
				return err
			}
			return table(w, "WHAT VALUE", [][]string{
				{"refund", x.ID},
				{"order", x.OrderID},
				{"state", x.State + ", " + x.Origin},
				{"method", dash(x.Method)},
				{"amount", x.Amount.String()},
				{"of it shipping", x.Shipping.String()},
				{"reason", dash(x.Reason)},
				{"what went wrong", dash(x.Flagged)},
				{"our reference", x.Reference},
				{"the partner's id", dash(x.External)},
				{"asked by", dash(x.Actor)},
				{"asked", when(x.At)},
				{"done", when(x.DoneAt)},
			})
		})
	})
}

type refundRetryCmd struct {
	Refund string `arg:"" help:"Id, see refund list."`
}

// Run tries again.
func (c *refundRetryCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("refunds", c.Refund, "settle"), map[string]any{"happened": false}, "%s is tried again", c.Refund)
}

type refundDoneCmd struct {
	Refund   string `arg:"" help:"Id, see refund list."`
	External string `help:"The partner's id of it."`
}

// Run says that the money has gone.
func (c *refundDoneCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("refunds", c.Refund, "settle"), given(map[string]any{"happened": true, "external_id": c.External}), "%s counts as given back", c.Refund)
}

type refundPaidCmd struct {
	Refund    string `arg:"" help:"Id, see refund list --payout."`
	Reference string `help:"The bank's or wallet's." required:""`
}

// Run says that it was paid out.
func (c *refundPaidCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("refunds", c.Refund, "paid-out"), map[string]any{"reference": c.Reference}, "%s is paid out", c.Refund)
}

type refundDropCmd struct {
	Refund string `arg:"" help:"Id, see refund list --payout."`
	Reason string `help:"Why." required:""`
}

// Run takes it off the list.
func (c *refundDropCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("refunds", c.Refund, "drop"), map[string]any{"reason": c.Reason}, "%s is off the list", c.Refund)
}

type refundRefusedCmd struct {
	Refund string `arg:"" help:"Id, see refund list."`
	Reason string `help:"What the partner said." required:""`
}

// Run ends a refund.
func (c *refundRefusedCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("refunds", c.Refund, "refused"), map[string]any{"reason": c.Reason}, "%s is refused", c.Refund)
}

type parcelCmd struct {
	List    parcelListCmd    `cmd:"" help:"Parcels, newest first."`
	Show    parcelShowCmd    `cmd:"" help:"Show a parcel and what was said about it."`
	Scan    parcelScanCmd    `cmd:"" help:"Record what somebody says about a parcel."`
	Waybill parcelWaybillCmd `cmd:"" help:"Give a parcel the carrier and number that a person typed."`
	Rebook  parcelRebookCmd  `cmd:"" help:"Give a packed parcel another waybill."`
	Cancel  parcelCancelCmd  `cmd:"" help:"Call a parcel off before hand-over."`
	Back    parcelBackCmd    `cmd:"" help:"Take a hand-over back, as long as the carrier has not scanned the parcel."`
}

type parcelListCmd struct {
	Listing
	State string `help:"intended, issued, handed_over, in_transit, …"`
	Order string `help:"Of this order."`
}

// Run lists parcels.
func (c *parcelListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, "/shipments", c.query("state", c.State, "order", c.Order), "PARCEL STATE CARRIER TRACKING HANDED-OVER DELIVERED WHY", func(x dispatch.Shipment) []string {
		return []string{x.Number, x.State, dash(x.Carrier), dash(x.Tracking), when(x.HandedOver), when(x.DeliveredAt), dash(x.Cause)}
	})
}

type parcelShowCmd struct {
	Parcel string `arg:"" help:"Id, number or tracking number."`
}

// Run shows a parcel.
func (c *parcelShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("shipments", c.Parcel), nil)
		if err != nil {
			return err
		}
		scans, err := cl.get(ctx, at("shipments", c.Parcel, "scans"), nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var x dispatch.Shipment
			var p api.Page[dispatch.ScanView]
			if err := r.into(&x); err != nil {
				return err
			}
			if err := scans.into(&p); err != nil {
				return err
			}
			fmt.Fprintf(w, "%s is %s, carrier %s %s  %s\n", x.Number, x.State, dash(x.Carrier), dash(x.Tracking), clean(x.Cause))
			rows := make([][]string, 0, len(p.Items))
			for _, v := range p.Items {
				rows = append(rows, []string{when(v.At), v.Status, v.Source, dash(v.Place), dash(v.Reason)})
			}
			return table(w, "AT STATUS SOURCE PLACE WHY", rows)
		})
	})
}

type parcelScanCmd struct {
	Parcel   string `arg:"" help:"Id, number or tracking number."`
	Status   string `arg:"" help:"picked_up, in_transit, out_for_delivery, delivery_attempted, awaiting_instruction, delivered, return_initiated, return_in_transit, returned, lost, …"`
	At       string `help:"When it happened, such as 2026-01-31T09:30:00+05:00; default now."`
	Text     string `help:"What was said; nothing personal."`
	Place    string `help:"Where."`
	Corrects bool   `help:"Takes an earlier delivery back."`
}

// Run records a scan.
func (c *parcelScanCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if c.At == "" {
		c.At = time.Now().UTC().Format(time.RFC3339)
	}
	return decide(ctx, g, s, at("shipments", c.Parcel, "scan"), given(map[string]any{"status": c.Status, "at": c.At, "text": c.Text, "location": c.Place, "corrects": c.Corrects}), "noted: %s is %s", c.Parcel, c.Status)
}

type parcelWaybillCmd struct {
	Parcel   string `arg:"" help:"Id or number."`
	Carrier  string `arg:"" help:"Who carries it."`
	Tracking string `arg:"" help:"Its number there."`
}

// Run gives it a number.
func (c *parcelWaybillCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("shipments", c.Parcel), "waybill", map[string]any{"carrier": c.Carrier, "tracking_number": c.Tracking}, "%s goes with %s as %s", c.Parcel, c.Carrier, c.Tracking)
}

type parcelRebookCmd struct {
	Parcel  string `arg:"" help:"Id or number."`
	Courier string `help:"Another courier; default as before."`
}

// Run books again.
func (c *parcelRebookCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("shipments", c.Parcel), "rebook", given(map[string]any{"courier": c.Courier}), "%s is booked again", c.Parcel)
}

type parcelCancelCmd struct {
	Parcel string `arg:"" help:"Id, number or tracking number."`
	Reason string `help:"Why." required:""`
}

// Run calls it off.
func (c *parcelCancelCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("shipments", c.Parcel), "cancel", map[string]any{"reason": c.Reason}, "%s is called off", c.Parcel)
}

type parcelBackCmd struct {
	Parcel string `arg:"" help:"Id, number or tracking number."`
}

// Run takes the hand-over back.
func (c *parcelBackCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("shipments", c.Parcel), "take-back", nil, "%s is here again", c.Parcel)
}

type subscriptionCmd struct {
	List       subscriptionListCmd       `cmd:"" help:"Who is told of events by webhook."`
	Add        subscriptionAddCmd        `cmd:"" help:"Have events sent to an address; its signing secret is shown."`
	Pause      subscriptionPauseCmd      `cmd:"" help:"Stop sending; deliveries collect."`
	Resume     subscriptionResumeCmd     `cmd:"" help:"Send again, what has collected first."`
	Revoke     subscriptionRevokeCmd     `cmd:"" help:"End a subscription for good."`
	Resend     subscriptionResendCmd     `cmd:"" help:"Send again what was given up."`
	Rotate     subscriptionRotateCmd     `cmd:"" help:"Make a new signing secret."`
	Deliveries subscriptionDeliveriesCmd `cmd:"" help:"Events on their way to a subscription."`
}

type subscriptionListCmd struct{}

// Run lists subscriptions.
func (c *subscriptionListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, "/subscriptions", nil, "SUBSCRIPTION STATE ADDRESS LAST-TAKEN FAILING-SINCE NAME WHY", func(x api.Subscription) []string {
		return []string{x.ID, x.State, x.URL, when(x.LastSuccess), when(x.FailingSince), x.Name, dash(x.LastError)}
	})
}

type subscriptionAddCmd struct {
	Name    string   `arg:"" help:"Who is told."`
	URL     string   `arg:"" name:"url" help:"https address that takes events."`
	Type    []string `help:"Only these: OrderCreated, OrderPaid, …"`
	Private bool     `help:"The address may be private: a system of our own."`
}

// Run subscribes.
func (c *subscriptionAddCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		body := map[string]any{"name": c.Name, "url": c.URL, "allow_private": c.Private}
		if len(c.Type) > 0 {
			body["types"] = c.Type
		}
		r, err := cl.act(ctx, http.MethodPost, "/subscriptions", "", body)
		if err != nil {
			return err
		}
		var x api.SubscriptionSecret
		if err := r.into(&x); err != nil {
			return err
		}
		return cl.said(r, "%s is subscribed as %s; it checks signatures with %s", x.Name, x.ID, x.Secret)
	})
}

type subscriptionPauseCmd struct {
	Subscription string `arg:"" help:"Id, see subscription list."`
}

// Run pauses.
func (c *subscriptionPauseCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("subscriptions", c.Subscription), "pause", nil, "%s is paused", c.Subscription)
}

type subscriptionResumeCmd struct {
	Subscription string `arg:"" help:"Id, see subscription list."`
}

// Run resumes.
func (c *subscriptionResumeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("subscriptions", c.Subscription), "resume", nil, "%s is told again", c.Subscription)
}

type subscriptionRevokeCmd struct {
	Subscription string `arg:"" help:"Id, see subscription list."`
}

// Run revokes.
func (c *subscriptionRevokeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("subscriptions", c.Subscription), "revoke", nil, "%s has ended", c.Subscription)
}

type subscriptionResendCmd struct {
	Subscription string        `arg:"" help:"Id, see subscription list."`
	Since        time.Duration `help:"What was given up in so much time." default:"24h"`
}

// Run resends.
func (c *subscriptionResendCmd) Run(ctx context.Context, g *Globals, s streams) error {
	since := time.Now().Add(-c.Since).UTC().Format(time.RFC3339)
	return decide(ctx, g, s, at("subscriptions", c.Subscription, "resend"), map[string]any{"since": since}, "what was given up since %s is sent again", since)
}

type subscriptionRotateCmd struct {
	Subscription string `arg:"" help:"Id, see subscription list."`
	Overlap      int64  `help:"Hours in which the old secret signs too." default:"24"`
}

// Run rotates the secret.
func (c *subscriptionRotateCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if c.Overlap < 0 || c.Overlap > 720 {
		return fault.Field("overlap", "must be from 0 to 720 hours")
	}
	return did(ctx, g, s, at("subscriptions", c.Subscription), "rotate-secret", map[string]any{"overlap_hours": c.Overlap}, func(x api.SubscriptionSecret) string { return fmt.Sprintf("the new secret is %s", x.Secret) })
}

type subscriptionDeliveriesCmd struct {
	Listing
	Subscription string `arg:"" help:"Id, see subscription list."`
	State        string `help:"due, delivered, dead."`
}

// Run lists deliveries.
func (c *subscriptionDeliveriesCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, at("subscriptions", c.Subscription, "deliveries"), c.query("state", c.State), "DELIVERY STATE ATTEMPTS NEXT ANSWER EVENT WHY", func(d api.Delivery) []string {
		return []string{d.ID, d.State, itoa(d.Attempts), when(d.Next), itoa(d.LastStatus), d.Event, dash(d.LastError)}
	})
}
