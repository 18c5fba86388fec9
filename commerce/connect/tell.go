package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Act is what a channel is told.
type Act string

const (
	TellArrived  Act = "acknowledge"
	TellPack     Act = "pack"
	TellShip     Act = "ship"
	TellComplete Act = "complete"
	TellCancel   Act = "cancel"
	TellDecide   Act = "decide_cancel"
	TellRefund   Act = "refund"
	TellReturn   Act = "return"
	TellOpen     Act = "open_return"
	TellUnpack   Act = "unpack"
	TellRetrack  Act = "retrack"
)

// tell is an intent: durable with our reference before the call, then its outcome.
type tell struct {
	ID, Account, Order, External string
	Act                          Act
	Reference, Subject           string
	Payload                      payload
	Attempts                     int64
	Uncertain                    bool
	Fence                        int64
	Parcel                       string // of a completion: what the channel called the parcel when it was told of it
}

// payload is what an act needs; no personal data.
type payload struct {
	Number   string                 `json:"number,omitempty"`
	Lines    []event.UnitsMove      `json:"lines,omitempty"`
	Location string                 `json:"location,omitempty"` // ours
	Carrier  string                 `json:"carrier,omitempty"`
	Tracking string                 `json:"tracking,omitempty"`
	URL      string                 `json:"url,omitempty"`
	Was      string                 `json:"was,omitempty"` // the tracking number that was told before
	Packages []string               `json:"packages,omitempty"`
	At       time.Time              `json:"at,omitzero"`
	Whole    bool                   `json:"whole,omitempty"`
	Reason   string                 `json:"reason,omitempty"`
	Refund   *event.RefundFact      `json:"refund,omitempty"`
	Return   *event.ReturnFact      `json:"return,omitempty"`
	Verdict  channel.ReturnVerdict  `json:"verdict,omitempty"`
	Agree    bool                   `json:"agree,omitempty"`
	CashPaid bool                   `json:"cash_paid,omitempty"`
	Request  *channel.CancelRequest `json:"request,omitempty"`
}

// Outcome of a tell that another context waits for.
type Outcome struct {
	Act     Act
	Subject string // shipment id, refund id
	Pack    channel.PackResult
	Ship    channel.ShipResult
	Refund  channel.Refund
	Return  string // the channel's id of a return that was opened there
	Err     error  // refused, or outcome unknown
}

// Teller is the consumer that turns what happened into intents to tell. Accounts that are not live are told nothing: their intents are withheld.
func (s *Service) Teller() outbox.Consumer {
	return outbox.Consumer{
		Name:  "connect.tell",
		Types: []string{event.OrderImported, event.OrderChanged, event.CancelDecided, event.ShipmentWanted, event.ShipmentHandedOver, event.ShipmentChanged, event.ShipmentClosed, event.RefundWanted, event.ReturnChanged},
		Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			var all []tell
			for _, e := range batch {
				t, again, err := s.revised(tx, e, &all)
				if err == nil && !again {
					t, err = intentOf(e)
				}
				if err != nil {
					return err
				}
				if t != nil {
					all = append(all, *t)
				}
			}
			return s.intend(tx, all)
		},
	}
}

// intentOf is what the channel is to be told of one event; nil when nothing.
func intentOf(e outbox.Stored) (*tell, error) {
	switch e.Type {
	case event.OrderImported, event.OrderChanged:
		f, err := outbox.Decode[event.OrderFact](e)
		if err != nil {
			return nil, err
		}
		return orderIntent(e.Type, f), nil
	case event.CancelDecided:
		f, err := outbox.Decode[event.CancelAnswer](e)
		return &tell{
			Account: f.AccountID, Order: f.OrderID, External: f.External, Act: TellDecide, Reference: f.Reference, Subject: f.OrderID,
			Payload: payload{Agree: f.Agree, Reason: f.Reason, Request: &channel.CancelRequest{External: f.Request}},
		}, err
	case event.ShipmentWanted, event.ShipmentHandedOver, event.ShipmentClosed:
		f, err := outbox.Decode[event.ShipmentFact](e)
		if err != nil {
			return nil, err
		}
		return shipmentIntent(e.Type, f), nil
	case event.RefundWanted:
		f, err := outbox.Decode[event.RefundFact](e)
		if err != nil || f.Provider != "channel" {
			return nil, err
		}
		return &tell{Account: f.AccountID, Order: f.OrderID, External: f.OrderExternal, Act: TellRefund, Reference: f.Reference, Subject: f.RefundID, Payload: payload{Refund: &f}}, nil
	case event.ReturnChanged:
		f, err := outbox.Decode[event.ReturnFact](e)
		if err != nil {
			return nil, err
		}
		return returnIntent(f), nil
	}
	return nil, nil
}

func orderIntent(typ string, f event.OrderFact) *tell {
	t := &tell{Account: f.AccountID, Order: f.OrderID, External: f.External, Subject: f.OrderID}
	switch {
	case typ == event.OrderImported:
		t.Act, t.Reference, t.Payload = TellArrived, f.OrderID, payload{Number: f.Number}
	case len(f.Cancelled) > 0 && !f.FromChannel:
		t.Act, t.Reference = TellCancel, f.Reference
		t.Payload = payload{Whole: f.Whole, Reason: f.Reason}
		for _, c := range f.Cancelled {
			t.Payload.Lines = append(t.Payload.Lines, event.UnitsMove(c))
		}
	default:
		return nil
	}
	return t
}

func shipmentIntent(typ string, f event.ShipmentFact) *tell {
	if len(f.Lines) == 0 { // the first parts of a kit: a channel knows complete units only, and none would mean all of them
		return nil
	}
	t := &tell{Account: f.AccountID, Order: f.OrderID, External: f.OrderExternal, Subject: f.ShipmentID, Reference: f.Number}
	t.Payload = payload{Lines: f.Lines, Location: f.LocationID, Carrier: f.Courier, Tracking: f.Tracking, URL: f.URL, Packages: f.Packages, At: f.At}
	switch {
	case typ == event.ShipmentWanted:
		t.Act = TellPack
	case typ == event.ShipmentHandedOver:
		t.Act = TellShip
	case f.Source != "channel" && (f.State == "delivered" || f.State == "returned"):
		t.Act = TellComplete
		t.Payload.CashPaid = f.COD > 0 && f.State == "delivered"
		t.Payload.Verdict = channel.ReturnVerdict(f.State)
	default:
		return nil
	}
	return t
}

func returnIntent(f event.ReturnFact) *tell {
	verdicts := map[string]channel.ReturnVerdict{
		"approved": channel.ReturnApprove, "declined": channel.ReturnDecline, "received": channel.ReturnReceive, "refunded": channel.ReturnRefund, "refused": channel.ReturnRefuse,
	}
	if f.What == "exchanged" && f.Shown != "" { // no refund will tell of these goods
		return &tell{Account: f.AccountID, Order: f.OrderID, External: f.OrderExternal, Act: TellOpen, Reference: f.Shown, Subject: f.ReturnID, Payload: payload{Lines: f.Lines}}
	}
	v, ok := verdicts[f.What]
	if f.Shown != "" { // opened there by us: there is no request to answer, but something to take back
		verdicts["withdrawn"] = channel.ReturnCancel
		v, ok = verdicts[f.What]
		ok = ok && f.What != "approved"
	}
	if !ok || f.External == "" && f.Shown == "" || f.FromChannel {
		return nil
	}
	return &tell{
		Account: f.AccountID, Order: f.OrderID, External: f.OrderExternal, Act: TellReturn, Reference: f.ReturnID + ":" + f.What, Subject: f.ReturnID,
		Payload: payload{Return: &f, Verdict: v, Reason: f.Reason},
	}
}

// intend writes intents; one that is there already, or that the channel cannot be told, is left out.
func (s *Service) intend(tx *db.Tx, all []tell) error {
	if len(all) == 0 {
		return nil
	}
	if err := leftAfterAll(tx, all); err != nil {
		return err
	}
	ids := map[string]bool{}
	var list []string
	for _, t := range all {
		if !ids[t.Account] {
			ids[t.Account] = true
			list = append(list, t.Account)
		}
	}
	accounts, err := db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id in (select key from json_each($1)) order by a.id`, db.Keys(list))
	if err != nil {
		return err
	}
	byID := map[string]Account{}
	for _, a := range accounts {
		byID[a.ID] = a
	}
	b := db.NewBatch(3)
	seen := map[string]bool{}
	for _, t := range all {
		acc := byID[t.Account]
		key := t.Account + string(t.Act) + t.Reference
		if seen[key] || channel.PlacedHere(t.External) || !s.canTell(acc, t.Act) {
			continue
		}
		seen[key] = true
		state := "intended"
		if acc.Mode != channel.Live {
			state = "withheld"
		}
		body, err := json.Marshal(t.Payload)
		if err != nil {
			return fmt.Errorf("payload of %s: %w", t.Act, err)
		}
		b.Add(t.Account, string(t.Act), t.Reference, db.ID(), t.Order, t.External, t.Subject, string(body), state)
	}
	_, err = tx.Exec(`insert into tells (account_id, act, reference, id, order_id, external, subject_id, payload, state, attempts, uncertain, next_at, fence, created_at)
		select a, c, r2, i, o, x, sj, p, st, 0, false, cast($1 as bigint), 0, cast($1 as bigint)
		from rows(a text, c text, r2 text, i text, o text, x text, sj text, p text, st text) where true on conflict do nothing`, b, db.Micros(tx.Now))
	return err
}

// canTell reports whether the account's channel can be told of this act at all.
func (s *Service) canTell(acc Account, act Act) bool {
	can := s.canOf(acc)
	switch act {
	case TellArrived:
		return can.Acknowledge && acc.Settings["acknowledge"] != "no"
	case TellPack:
		return can.Pack
	case TellShip:
		return can.Ship
	case TellComplete:
		return can.Complete
	case TellCancel:
		return can.Cancel
	case TellDecide:
		return can.DecideCancel
	case TellRefund:
		return can.Refund
	case TellReturn:
		return can.DecideReturn
	case TellOpen:
		return can.OpenReturn && can.DecideReturn
	case TellUnpack:
		return can.Unpack
	case TellRetrack:
		return can.Retrack
	}
	return false
}

// canOf derives what a channel's adapter can do; it is safe inside a transaction, since the adapter is opened without secrets when none was opened before.
func (s *Service) canOf(acc Account) channel.Can {
	s.mu.Lock()
	can, ok := s.can[acc.Channel]
	s.mu.Unlock()
	if ok {
		return can
	}
	o, err := s.make(acc, map[string]string{})
	if err != nil {
		return channel.Can{}
	}
	return channel.CanOf(o.ch)
}

const tellColumns = `t.id, t.account_id, t.order_id, t.external, t.act, t.reference, t.subject_id, t.payload, t.attempts, t.uncertain, t.fence`

func scanTell(row db.Scanner) (tell, error) {
	var t tell
	err := row.Scan(&t.ID, &t.Account, &t.Order, &t.External, &t.Act, &t.Reference, &t.Subject, db.JSON(&t.Payload), &t.Attempts, &t.Uncertain, &t.Fence)
	return t, err
}

// tellLease is how long one call to a partner may take.
const tellLease = 2 * time.Minute

// RunTells carries out intents until the context ends.
func (s *Service) RunTells(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := s.TellOnce(ctx)
		if err != nil && ctx.Err() == nil {
			s.need.Log.Error("tell", "err", err)
		}
		if n > 0 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.idle(100 * time.Millisecond):
		}
	}
	return nil
}

// tellsAtOnce is how many intents are taken and carried out together. Each begins with its lease: one that waited for others would be called for when its lease has gone to
// another process.
const tellsAtOnce = 8

// TellOnce takes intents, the oldest of each order, and carries them out beside each other. It answers how many it took.
func (s *Service) TellOnce(ctx context.Context) (int, error) {
	var taken []tell
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		taken = nil
		due, err := dueTells(tx)
		if err != nil || len(due) == 0 {
			return err
		}
		b := db.NewBatch(1)
		byID := map[string]tell{}
		for _, t := range due {
			b.Add(t.ID, t.Fence)
			byID[t.ID] = t
		}
		got, err := db.All(tx, scanID, `update tells set state = 'running', uncertain = true, attempts = tells.attempts + 1, fence = tells.fence + 1, lease_until = $1
			from rows(i text, f bigint) where tells.id = r.i and tells.fence = r.f returning id`, b, db.Micros(tx.Now.Add(tellLease)))
		for _, id := range got {
			t := byID[id]
			t.Fence++
			t.Attempts++
			taken = append(taken, t)
		}
		return err
	})
	if err != nil || len(taken) == 0 {
		return 0, err
	}
	slices.SortFunc(taken, func(a, b tell) int { return compare(a.ID, b.ID) })
	parallel(tellsAtOnce, taken, func(t tell) {
		if err := s.carryOut(ctx, t); err != nil && ctx.Err() == nil {
			s.need.Log.Error("tell", "act", t.Act, "order", t.Order, "err", err)
		}
	})
	return len(taken), nil
}

// dueTells are intents whose turn it is: those whose caller is gone first, then by when they are due. Each is walked by an index of its own, since nearly all that the table
// holds is told. They are locked, and what somebody else has locked, to correct it or to write it off, is left for the next time.
func dueTells(tx *db.Tx) (due []tell, err error) {
	lock := tx.Lock()
	if lock != "" {
		lock += " of t skip locked"
	}
	for _, c := range []struct{ which, by string }{{"t.state = 'running' and t.lease_until < $1", "t.lease_until"}, {"t.state = 'intended' and t.next_at <= $1", "t.next_at"}} {
		some, err := db.All(tx, scanTell, `select `+tellColumns+` from tells t cross join channel_accounts a where `+c.which+` and a.id = t.account_id and a.state = 'active' and a.mode = 'live'
			and not exists (select 1 from tells e where e.order_id = t.order_id and e.id < t.id and e.state in ('intended', 'running', 'unknown'))
			order by `+c.by+`, t.id limit $2`+lock, db.Micros(tx.Now), tellsAtOnce-len(due))
		if err != nil {
			return nil, err
		}
		if due = append(due, some...); len(due) == tellsAtOnce {
			break
		}
	}
	return due, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// carryOut calls the partner and writes the outcome. t.Uncertain is what it was before this attempt: an earlier one may have got through.
func (s *Service) carryOut(ctx context.Context, t tell) error {
	ctx, cancel := context.WithTimeout(ctx, tellLease-10*time.Second)
	defer cancel()
	var told error
	o, err := s.open(ctx, t.Account)
	if err != nil {
		return err
	}
	if from := s.traces(ctx, tracedOrder, []string{t.Order}, traceKept)[t.Order]; from != "" {
		var end func(error)
		ctx, end = s.span(resumed(ctx, from), "tell "+string(t.Act), o.traced()...)
		defer func() { end(told) }()
	}
	h, err := s.handling(ctx, &t)
	if fault.Is(err, fault.Refused) {
		return s.settle(ctx, o, t, Outcome{Act: t.Act, Subject: t.Subject}, err)
	}
	if err != nil {
		return err
	}
	var out Outcome
	known := false
	if t.Uncertain {
		if out, known, err = s.look(ctx, o, t, h); err != nil {
			return s.settle(ctx, o, t, out, err)
		}
	}
	db.Dawdle("lease_fencing")
	if !known {
		out, err = s.do(ctx, o, t, h)
	}
	told = err
	return s.settle(ctx, o, t, out, err)
}

// Retry puts a refused, unknown or withheld intent back, after a person has seen that it did not happen; done says that it did.
func (s *Service) Retry(ctx context.Context, id, actor string, done bool) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		t, err := db.One(tx, scanTell, `select `+tellColumns+` from tells t where t.id = $1 and t.state in ('refused', 'unknown', 'withheld')`+tx.Lock(), id)
		if err != nil {
			return err
		}
		entry := audit.Entry{
			Actor: actor, Action: map[bool]string{true: "tell.done", false: "tell.retry"}[done], SubjectKind: "tell", Subject: id,
			Detail: map[string]any{"act": t.Act, "order": t.Order},
		}
		if err := s.need.Audit.Write(tx, entry); err != nil {
			return err
		}
		if done {
			return s.told(tx, t, Outcome{Act: t.Act, Subject: t.Subject})
		}
		// The person knows that it did not happen: it is done without asking again.
		_, err = tx.Exec(`update tells set state = 'intended', uncertain = false, attempts = 0, next_at = $2, cause = null where id = $1`, id, db.Micros(tx.Now))
		return err
	})
}

func itoa(n int64) string { return fmt.Sprintf("%d", n) }
