package order

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// HoldType is why an order waits.
type HoldType string

const (
	HoldUnmapped  HoldType = "unmapped_sku"
	HoldMoney     HoldType = "money_mismatch"
	HoldPartial   HoldType = "money_incomplete"
	HoldUnpaid    HoldType = "unpaid"
	HoldAddress   HoldType = "address_incomplete"
	HoldCancel    HoldType = "cancel_request"
	HoldChannel   HoldType = "channel_hold"
	HoldShortage  HoldType = "shortage"
	HoldPerson    HoldType = "person"
	HoldAfterPack HoldType = "change_after_pack"
	HoldReaddress HoldType = "address_changed"
)

// HoldRule says what a hold type does.
type HoldRule struct {
	Title      string
	Blocks     bool   // nothing is sourced while it is open
	KeepsStock bool   // the reservation stays
	Cause      string // the exception it raises; "" when the channel or time releases it by itself
	Withdraws  bool   // what is already in fulfillment waits too: labels and hand-over stop
	Subject    string // what its exception is about; "" is the order itself
}

// Holds is the table of hold types.
var Holds = map[HoldType]HoldRule{
	HoldUnmapped:  {Title: "A listing is not mapped to a SKU", Blocks: true, KeepsStock: true, Cause: "unmapped_sku"},
	HoldMoney:     {Title: "The money does not add up", Blocks: true, KeepsStock: true, Cause: "money_mismatch"},
	HoldPartial:   {Title: "The channel has not told all of the money yet", Blocks: true, KeepsStock: true},
	HoldUnpaid:    {Title: "The buyer has not paid yet", Blocks: true, KeepsStock: true},
	HoldAddress:   {Title: "The address is incomplete", Blocks: true, KeepsStock: true, Cause: "address_incomplete"},
	HoldCancel:    {Title: "A cancellation is asked for", Blocks: true, KeepsStock: true, Cause: "cancel_request", Withdraws: true},
	HoldChannel:   {Title: "The channel holds it", Blocks: true, KeepsStock: true},
	HoldShortage:  {Title: "Stock is short", Blocks: true, KeepsStock: true}, // inventory raises the exception, one for each shortage
	HoldPerson:    {Title: "Somebody put it on hold", Blocks: true, KeepsStock: true, Withdraws: true},
	HoldAfterPack: {Title: "The channel cancelled units that are packed", Blocks: true, KeepsStock: true, Cause: "change_after_pack", Withdraws: true},
	HoldReaddress: {Title: "The address changed after packing", Blocks: true, KeepsStock: true, Cause: "change_after_pack", Withdraws: true, Subject: "address"},
}

// subject is what the hold's exception is about.
func (t HoldType) subject() string {
	if s := Holds[t].Subject; s != "" {
		return s
	}
	return "order"
}

// requestText keeps what a cancellation asks for, or what is to be cancelled once it is unpacked; its reason is the hold's detail.
func requestText(r *channel.CancelRequest) any {
	if r == nil {
		return nil
	}
	return text(r)
}

// wantHold is a hold an order should have open.
type wantHold struct {
	detail   string
	by       string
	deadline time.Time
	fallback string
	request  *channel.CancelRequest
}

// blocking lists the open hold types that stop sourcing, sorted.
func blocking(open []hold) []string {
	var all []string
	for _, h := range open {
		if Holds[h.Type].Blocks {
			all = append(all, string(h.Type))
		}
	}
	slices.Sort(all)
	return all
}

// holdChange collects what holds come and go in one transaction.
type holdChange struct {
	opened  *db.Batch
	closed  *db.Batch
	touched *db.Batch
	raise   []exception.Case
	clear   []exception.Key
}

func newHoldChange() *holdChange {
	return &holdChange{opened: db.NewBatch(0), closed: db.NewBatch(1), touched: db.NewBatch(1)}
}

// settle compares the holds an order should have with those that are open: managed says which types this caller decides on.
// It answers the holds that are open afterwards.
func (c *holdChange) settle(tx *db.Tx, h *Head, open []hold, want map[HoldType]wantHold, managed []HoldType, by string) []hold {
	var after []hold
	seen := map[HoldType]bool{}
	for _, o := range open {
		w, wanted := want[o.Type]
		if !slices.Contains(managed, o.Type) || wanted {
			seen[o.Type] = true
			if wanted && (w.detail != o.Detail || db.Micros(w.deadline) != o.Deadline || requestText(w.request) != requestText(o.Request)) {
				c.touched.Add(o.ID, w.detail, db.Micros(w.deadline), requestText(w.request))
				o.Detail, o.Deadline, o.Request = w.detail, db.Micros(w.deadline), w.request
				c.raiseFor(h, o.Type, w)
			}
			after = append(after, o)
			continue
		}
		c.closed.Add(o.ID, by, "released")
		if cause := Holds[o.Type].Cause; cause != "" {
			c.clear = append(c.clear, exception.Key{Cause: cause, SubjectKind: o.Type.subject(), Subject: h.ID})
		}
	}
	for _, typ := range managed {
		w, wanted := want[typ]
		if !wanted || seen[typ] {
			continue
		}
		o := hold{ID: db.ID(), OrderID: h.ID, Type: typ, Detail: w.detail, By: w.by, Deadline: db.Micros(w.deadline), Default: w.fallback, Request: w.request}
		c.opened.Add(o.ID, o.OrderID, string(o.Type), o.Detail, o.By, o.Deadline, orNull(o.Default), requestText(o.Request), db.Micros(tx.Now))
		after = append(after, o)
		c.raiseFor(h, typ, w)
	}
	h.Holds = int64(len(after))
	return after
}

func (c *holdChange) raiseFor(h *Head, typ HoldType, w wantHold) {
	if cause := Holds[typ].Cause; cause != "" && h.Effective() {
		c.raise = append(c.raise, exception.Case{
			Cause: cause, SubjectKind: typ.subject(), Subject: h.ID, Order: h.ID, Account: h.Account, Deadline: w.deadline,
			Detail: map[string]string{"number": h.Number, "detail": w.detail},
		})
	}
}

// size counts the changes collected so far.
func (c *holdChange) size() int { return c.opened.Len() + c.closed.Len() + c.touched.Len() }

// write brings the collected changes to the database.
func (c *holdChange) write(tx *db.Tx, by string) error {
	tx.Send(`insert into order_holds (id, order_id, type, detail, requester, deadline, default_outcome, request, since)
		select id, o, t, d, b, dl, df, rq, s from rows(id text, o text, t text, d text, b text, dl bigint, df text, rq text, s bigint)`, c.opened)
	tx.Send(`update order_holds set released_at = $1, released_by = r.b, outcome = r.oc from rows(id text, b text, oc text) where order_holds.id = r.id`, c.closed, db.Micros(tx.Now))
	tx.Send(`update order_holds set detail = r.d, deadline = r.dl, request = r.rq from rows(id text, d text, dl bigint, rq text) where order_holds.id = r.id`, c.touched)
	if len(c.raise) > 0 {
		if err := exception.Raise(tx, c.raise...); err != nil {
			return err
		}
	}
	if len(c.clear) > 0 {
		return exception.Clear(tx, by, "the cause is gone", c.clear...)
	}
	return nil
}
