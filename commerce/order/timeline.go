package order

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Fact is one line of an order's timeline.
type Fact struct {
	OrderID string          `json:"-"`
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"`
	Source  string          `json:"source"` // webhook, poll, api, cli, console, courier, system
	Actor   string          `json:"actor"`
	Subject string          `json:"subject,omitempty"`
	Detail  json.RawMessage `json:"detail"`
}

// An order that replaces what comes back of another names that other in Extra, by number and by id; the other's timeline has a FactExchanged.
const (
	ExtraReplaces   = "exchange_of"
	ExtraReplacesID = "exchange_of_id"
	FactExchanged   = "exchanged"
)

// Exchanged is the detail of a FactExchanged: the numbers of the return and of the order that replaces what comes back.
type Exchanged struct {
	Return      string `json:"return"`
	Replacement string `json:"replacement"`
}

// Replacement is the number of the order that replaces what comes back; "" in any fact but FactExchanged.
func (f Fact) Replacement() string {
	var e Exchanged
	if f.Kind != FactExchanged || json.Unmarshal(f.Detail, &e) != nil {
		return ""
	}
	return e.Replacement
}

// Note writes facts into timelines. Detail carries no personal data.
func (s *Service) Note(tx *db.Tx, facts []Fact) error {
	b := db.NewBatch(1)
	for _, f := range facts {
		at, detail := f.At, string(f.Detail)
		if at.IsZero() {
			at = tx.Now
		}
		if detail == "" {
			detail = "{}"
		}
		b.Add(db.ID(), f.OrderID, db.Micros(at), db.Micros(tx.Now), f.Kind, f.Source, f.Actor, orNull(f.Subject), detail)
	}
	tx.Send(`insert into order_history (id, order_id, at, recorded_at, kind, source, actor, subject_id, detail)
		select i, o, a, r2, k, s, c, j, d from rows(i text, o text, a bigint, r2 bigint, k text, s text, c text, j text, d text)`, b)
	return nil
}

// Timeline is everything that happened to an order, oldest first: what orders noted and every event of it, with source and actor.
func (s *Service) Timeline(tx *db.Tx, order string) ([]Fact, error) {
	facts, err := db.All(tx, func(row db.Scanner) (Fact, error) {
		var f Fact
		var detail string
		err := row.Scan(db.Time(&f.At), &f.Kind, &f.Source, &f.Actor, db.Text(&f.Subject), &detail)
		f.Detail = json.RawMessage(detail)
		return f, err
	}, `select recorded_at, kind, source, actor, subject_id, detail from order_history where order_id = $1 order by id`, order)
	if err != nil {
		return nil, err
	}
	events, err := outbox.OfOrder(tx, order)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		facts = append(facts, Fact{At: e.RecordedAt, Kind: e.Type, Source: "event", Actor: "system", Subject: e.ID, Detail: e.Body})
	}
	slices.SortStableFunc(facts, func(a, b Fact) int { return a.At.Compare(b.At) })
	return facts, nil
}

// fact is what one arrival leaves in the timeline.
func (w *work) fact() Fact {
	kind := "updated"
	if w.fresh {
		kind = "imported"
	}
	detail := map[string]any{"statuses": w.head.Statuses, "state": w.head.State, "pay_state": w.head.PayState}
	if !w.a.Change.Version.IsZero() {
		detail["version"] = w.a.Change.Version.UTC()
	}
	if len(w.cancelled) > 0 {
		detail["cancelled"] = w.cancelled
	}
	if h := blocking(w.open); len(h) > 0 {
		detail["held"] = h
	}
	if w.head.Sums.Rounding != 0 {
		detail["rounding"] = w.head.Amount(w.head.Sums.Rounding)
	}
	if w.head.Sums.Difference != 0 {
		detail["difference"] = w.head.Amount(w.head.Sums.Difference)
	}
	return Fact{OrderID: w.head.ID, Kind: kind, Source: w.a.Source, Actor: "channel", Subject: w.a.Inbox, Detail: json.RawMessage(text(detail))}
}
