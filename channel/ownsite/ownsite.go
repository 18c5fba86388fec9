// Package ownsite is our own web shop as a channel, so that its orders come in through the same door as everybody's. Start at Kind, then order.go for how
// a document of the checkout (channel.OwnOrder) becomes the canonical order.
//
// It brings orders in and says whose shop it is; that is all. The shop front reads stock, prices, tracking and states from our own tables, so nothing is
// pushed or told: there is no StockSetter, PriceSetter, Lister, Acknowledger, Shipper, Completer, Canceller, Refunder or return capability, Kind.Stock is StockNone. A refund
// goes through the payment's gateway, a cancellation through the order. There are no webhooks and no tokens, since nobody is outside.
package ownsite

import (
	"context"
	"iter"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Source is where the checkout keeps what buyers placed; app fills it.
type Source interface {
	// Placed yields the account's orders placed or changed since the cursor, oldest change first, each with the cursor to resume after it and a Raw made by
	// channel.OwnOrder. None is missed.
	Placed(ctx context.Context, account string, since channel.Cursor) iter.Seq2[channel.Change, error]
	// One is an order by its external id; fault.NotFound when the account has none.
	One(ctx context.Context, account, external string) (channel.Change, error)
}

// Names of the settings.
const (
	settingStorefront = "storefront"
	settingTitle      = "title"
	settingCurrency   = "currency"
	settingZone       = "zone"
)

// Kind is the own web shop over what the checkout keeps. Without a source it describes itself and cannot be opened.
func Kind(src Source) channel.Kind {
	return channel.Kind{
		Name: "ownsite", Title: "Own web shop",
		Settings: []channel.Setting{
			{Name: settingStorefront, Title: "Storefront", Help: "The storefront's code as in its address, /shop/v1/CODE.", Required: true},
			{Name: settingTitle, Title: "Name", Help: "What buyers call the shop.", Default: "Web shop"},
			{Name: settingCurrency, Title: "Currency", Help: "ISO 4217 code in which the storefront sells.", Default: "PKR", Check: checkCurrency},
			{Name: settingZone, Title: "Time zone", Help: "IANA zone of the storefront's business day.", Default: "Asia/Karachi"},
		},
		Statuses: statuses,
		Fields:   fields,
		Stock:    channel.StockNone,
		Parcels:  channel.ParcelOurs,
		Open: func(c channel.Config) (channel.Channel, error) {
			if src == nil {
				return nil, fault.New(fault.Internal, "the web shop has no checkout to read from")
			}
			return &site{c, src}, nil
		},
	}
}

type site struct {
	channel.Config
	src Source
}

// statuses are the words of channel.OwnOrder.
var statuses = []channel.StatusRow{
	{Axis: "order", Theirs: "placed", Ours: channel.Open, Source: "channel.OwnOrder.Status"},
	{Axis: "order", Theirs: "unpaid", Ours: channel.Unpaid, Source: "channel.OwnOrder.Status"},
	{Axis: "order", Theirs: "held", Ours: channel.Held, Source: "channel.OwnOrder.Status"},
	{Axis: "order", Theirs: "cancelled", Ours: channel.Cancelled, Source: "channel.OwnOrder.Status"},
	{Axis: "payment", Theirs: "due", Ours: channel.Due, Source: "channel.OwnPayment.Status"},
	{Axis: "payment", Theirs: "authorized", Ours: channel.Authorized, Source: "channel.OwnPayment.Status"},
	{Axis: "payment", Theirs: "paid", Ours: channel.Paid, Source: "channel.OwnPayment.Status"},
	{Axis: "payment", Theirs: "voided", Ours: channel.Voided, Source: "channel.OwnPayment.Status"},
	{Axis: "payment", Theirs: "failed", Ours: channel.Failed, Source: "channel.OwnPayment.Status"},
}

func status(axis, theirs string) channel.Status {
	for _, row := range statuses {
		if row.Axis == axis && row.Theirs == theirs {
			return row.Ours
		}
	}
	return channel.Unknown
}

// Orders implements channel.Channel: cursors are the Source's.
func (s *site) Orders(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		if err := over(ctx); err != nil {
			yield(channel.Change{}, err)
			return
		}
		readAt := s.Now()
		for c, err := range s.src.Placed(ctx, s.Account, since) {
			c.ReadAt = readAt
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Order implements channel.Channel.
func (s *site) Order(ctx context.Context, external string) (channel.Change, error) {
	if err := over(ctx); err != nil {
		return channel.Change{}, err
	}
	readAt := s.Now()
	c, err := s.src.One(ctx, s.Account, external)
	c.ReadAt = readAt
	return c, err
}

func over(ctx context.Context) error {
	return fault.Wrap(fault.Unavailable, ctx.Err(), "the call was cancelled")
}

// Identify implements channel.Identifier: the storefront's code is the shop id, so a second account of one storefront is seen.
func (s *site) Identify(context.Context) (channel.Shop, error) {
	return channel.Shop{
		ID: s.Setting(settingStorefront), Name: s.Setting(settingTitle), Country: s.Country, Currency: s.Setting(settingCurrency), Zone: s.Setting(settingZone),
	}, nil
}
