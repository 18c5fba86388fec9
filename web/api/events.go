package api

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Event is an event of the feed. CloudEvent is the form in which contracts leave the house, the same as in webhooks and on NATS.
type Event struct {
	Position   int64           `json:"position" doc:"In the order of all events: no smaller one appears later"`
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Version    int             `json:"schema_version"`
	Aggregate  string          `json:"aggregate"`
	Seq        int64           `json:"sequence" doc:"1, 2, 3 … within the aggregate"`
	Contract   bool            `json:"contract"`
	Account    string          `json:"account_id,omitempty"`
	Order      string          `json:"order_id,omitempty"`
	OccurredAt time.Time       `json:"occurred_at"`
	CloudEvent json.RawMessage `json:"cloud_event,omitempty" doc:"CloudEvents 1.0, for contracts"`
	Body       json.RawMessage `json:"body,omitempty" doc:"For events that are no contract: internal, may change with the program"`
}

// Feed is a page of events. Store next with your own effect and nothing is missed or seen twice.
type Feed struct {
	Items []Event `json:"items"`
	Next  int64   `json:"next" doc:"after of the next request"`
}

type feedList struct {
	After    int64    `query:"after" minimum:"0" doc:"Position of the last event seen; 0 for the first ever"`
	Limit    int      `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Types    []string `query:"type" maxItems:"20" doc:"Only these types"`
	Account  string   `query:"account" maxLength:"100"`
	Internal bool     `query:"internal" doc:"Also events that are no contract"`
	Last     bool     `query:"last" doc:"Only say where the feed ends now"`
}

func (s *Server) eventView(e outbox.Stored) (Event, error) {
	v := Event{Position: e.Position, ID: e.ID, Type: e.Type, Version: e.Version, Aggregate: e.Aggregate, Seq: e.Seq, Contract: e.Contract, Account: e.Account, Order: e.Order, OccurredAt: e.OccurredAt}
	if !e.Contract {
		v.Body = e.Body
		return v, nil
	}
	var err error
	v.CloudEvent, err = outbox.CloudEvent(e, s.source())
	return v, err
}

func (s *Server) source() string {
	if s.Source == "" {
		return "openclaw-commerce"
	}
	return s.Source
}

func (s *Server) eventRoutes() {
	const tag = "events"
	read(s, route{path: "/events", id: "list-events", title: "Pull feed of events, in order", tag: tag}, func(tx *db.Tx, in *feedList) (Feed, error) {
		f := Feed{Items: []Event{}}
		var err error
		if in.Last {
			f.Next, err = outbox.Head(tx)
			return f, err
		}
		events, next, err := outbox.Feed(tx, in.After, in.Limit, outbox.FeedFilter{Types: in.Types, Account: in.Account, Internal: in.Internal})
		if err != nil {
			return f, err
		}
		f.Next = next
		for _, e := range events {
			v, err := s.eventView(e)
			if err != nil {
				return f, err
			}
			f.Items = append(f.Items, v)
		}
		return f, nil
	})
	read(s, route{path: "/events/{id}", id: "get-event", title: "Read an event", tag: tag}, func(tx *db.Tx, in *One) (Event, error) {
		e, err := outbox.Find(tx, in.ID)
		if err != nil {
			return Event{}, err
		}
		return s.eventView(e)
	})
	s.parkedRoutes("dead")
}

// Parked is an event that a part of the program could not take.
type Parked struct {
	Consumer  string    `json:"consumer"`
	Event     string    `json:"event_id"`
	Aggregate string    `json:"aggregate"`
	Type      string    `json:"type"`
	Position  int64     `json:"position"`
	Cause     string    `json:"cause"`
	Since     time.Time `json:"since"`
	Attempts  int64     `json:"attempts"`
	Next      time.Time `json:"next_try,omitzero"`
}

type parkedList struct {
	Paging
	Consumer string `query:"consumer" maxLength:"100"`
}

type parkedAction struct {
	Write
	Consumer string `path:"consumer" maxLength:"100"`
	Event    string `path:"event" maxLength:"100"`
}

func (in parkedAction) resource() string { return in.Consumer + "/" + in.Event }

// Done says that something was done that leaves no resource to show.
type Done struct {
	Done string `json:"done"`
}

func showDone(_ *db.Tx, resource string) (Done, error) { return Done{resource}, nil }

func (s *Server) parkedRoutes(tag string) {
	read(s, route{path: "/parked-events", id: "list-parked-events", title: "Events that a part of the program could not take", tag: tag}, func(tx *db.Tx, in *parkedList) (Page[Parked], error) {
		var after int64
		if in.After != "" {
			var err error
			if after, err = strconv.ParseInt(in.After, 10, 64); err != nil {
				return Page[Parked]{}, fault.Field("after", "is no cursor of this list")
			}
		}
		found, err := outbox.Parked(tx, in.Consumer, after, in.Limit+1)
		var all []Parked
		for _, p := range found {
			all = append(all, Parked(p))
		}
		return page(all, in.Limit, func(p Parked) string { return strconv.FormatInt(p.Position, 10) }), err
	})
	write(s, route{path: "/parked-events/{consumer}/{event}/replay", id: "replay-parked-event", title: "Try a parked event again", tag: tag}, func(ctx context.Context, _ *call, in *parkedAction) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return outbox.Replay(tx, in.Consumer, in.Event) })
	}, showDone)
	write(s, route{path: "/parked-events/{consumer}/{event}/skip", id: "skip-parked-event", title: "Leave a parked event out", tag: tag}, func(ctx context.Context, _ *call, in *parkedAction) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return outbox.Skip(tx, in.Consumer, in.Event) })
	}, showDone)
}
