package api

import (
	"context"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/platform/db"
)

type listingList struct {
	Paging
	Account string `query:"account" maxLength:"200" doc:"Id or name of the account; missing: all"`
	State   string `query:"state" enum:"unmapped,mapped,ignored"`
}

type listingMap struct {
	Action
	Body struct {
		SKU string `json:"sku" minLength:"1" maxLength:"100"`
	}
}

type listingOnly struct{ Action }

func (s *Server) listingRoutes() {
	if s.Catalog == nil {
		return
	}
	const tag = "listings"
	show := func(tx *db.Tx, id string) (catalog.Listing, error) { return s.Catalog.Listing(tx, id) }
	at := func(ctx context.Context, id string, seen int64) error {
		return s.DB.Read(ctx, func(tx *db.Tx) error {
			l, err := s.Catalog.Listing(tx, id)
			if err != nil {
				return err
			}
			return sameVersion(seen, l.Version)
		})
	}
	read(s, route{path: "/listings", id: "list-listings", title: "What accounts offer and which SKU that is", tag: tag, text: "state=unmapped is the queue that holds orders."}, func(tx *db.Tx, in *listingList) (Page[catalog.Listing], error) {
		account := in.Account
		if account != "" && s.Connect != nil {
			a, err := s.Connect.Account(tx, account)
			if err != nil {
				return Page[catalog.Listing]{}, err
			}
			account = a.ID
		}
		all, err := s.Catalog.All(tx, account, in.State, in.After, in.Limit+1)
		return page(all, in.Limit, func(l catalog.Listing) string { return l.ID }), err
	})
	read(s, route{path: "/listings/{id}", id: "get-listing", title: "Read a listing", tag: tag}, func(tx *db.Tx, in *One) (catalog.Listing, error) { return show(tx, in.ID) })
	write(s, route{path: "/listings/{id}/map", id: "map-listing", title: "Say which SKU a listing is", tag: tag, text: "Orders that waited for it go on."}, func(ctx context.Context, c *call, in *listingMap) error {
		if err := at(ctx, in.ID, c.version); err != nil {
			return err
		}
		return s.Catalog.Map(ctx, in.ID, in.Body.SKU, c.actor)
	}, show)
	write(s, route{path: "/listings/{id}/ignore", id: "ignore-listing", title: "Say that a listing is none of our goods", tag: tag, text: "Its order lines are kept for the money and ship nothing."}, func(ctx context.Context, c *call, in *listingOnly) error {
		if err := at(ctx, in.ID, c.version); err != nil {
			return err
		}
		return s.Catalog.Ignore(ctx, in.ID, c.actor)
	}, show)
}
