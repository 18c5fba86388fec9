// Package embedded is the POS core when there is no other: our own tables. It is the default, so that a shop without a POS works, and nobody else has to ask
// whether there is one. Start at Kind.
package embedded

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/pos"
)

// Kind is the embedded core over a store. Without one it describes itself and cannot be opened.
func Kind(store pos.Store) pos.Kind {
	return pos.Kind{
		Name: "embedded", Title: "Built in",
		Open: func(partner.Config) (pos.Core, error) {
			if store == nil {
				return nil, fault.New(fault.Internal, "the embedded core has no store")
			}
			return &core{store}, nil
		},
	}
}

type core struct{ store pos.Store }

func page[T any](ctx context.Context, list func(context.Context) ([]T, error)) (pos.Page[T], error) {
	if err := over(ctx); err != nil {
		return pos.Page[T]{}, err
	}
	rows, err := list(ctx)
	return pos.Page[T]{Rows: rows, Complete: true}, err
}

func over(ctx context.Context) error {
	return fault.Wrap(fault.Unavailable, ctx.Err(), "the call was cancelled")
}

// OrgUnits implements pos.Core.
func (c *core) OrgUnits(ctx context.Context) (pos.Page[pos.OrgUnit], error) {
	return page(ctx, c.store.OrgUnits)
}

// Items implements pos.Core.
func (c *core) Items(ctx context.Context) (pos.Page[pos.Item], error) {
	return page(ctx, c.store.Items)
}

// Prices implements pos.Core.
func (c *core) Prices(ctx context.Context) (pos.Page[pos.Price], error) {
	return page(ctx, c.store.Prices)
}

// TaxRules implements pos.Core.
func (c *core) TaxRules(ctx context.Context) (pos.Page[pos.TaxRule], error) {
	return page(ctx, c.store.TaxRules)
}

const batch = 500

// Movements implements pos.Core. Nothing is ever lost from the store, so there is no gap.
func (c *core) Movements(ctx context.Context, since pos.Mark) (pos.Feed, error) {
	if err := over(ctx); err != nil {
		return pos.Feed{}, err
	}
	rows, mark, err := c.store.Movements(ctx, since, batch)
	if len(rows) == 0 {
		mark = since
	}
	return pos.Feed{Rows: rows, Mark: mark}, err
}

// PostSale implements pos.Core.
func (c *core) PostSale(ctx context.Context, s pos.Sale) error {
	return c.keep(ctx, "sale", s.ID, s.Check(), s)
}

// PostMovement implements pos.Core.
func (c *core) PostMovement(ctx context.Context, m pos.Movement) error {
	return c.keep(ctx, "movement", m.ID, m.Check(), m)
}

// PostReturn implements pos.Core.
func (c *core) PostReturn(ctx context.Context, r pos.Return) error {
	return c.keep(ctx, "return", r.ID, r.Check(), r)
}

// PostRefund implements pos.Core.
func (c *core) PostRefund(ctx context.Context, r pos.Refund) error {
	return c.keep(ctx, "refund", r.ID, r.Check(), r)
}

func (c *core) keep(ctx context.Context, kind, id string, wrong error, doc any) error {
	if wrong != nil {
		return wrong
	}
	if err := over(ctx); err != nil {
		return err
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the document cannot be written")
	}
	there, err := c.store.Keep(ctx, pos.Document{Kind: kind, ID: id, Body: body})
	if err != nil || there == nil || there.Kind == kind && bytes.Equal(there.Body, body) {
		return err
	}
	return fault.New(fault.Conflict, "%s %s is there with other content", kind, id).WithCode("id_taken")
}
