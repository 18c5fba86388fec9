package api

import (
	"context"

	"github.com/openclaw-pos/commerce/commerce/company"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type coreSync struct {
	Write
	Body struct {
		How string `json:"how,omitempty" enum:"follow,recount,loaded" default:"follow" doc:"follow: what changed since the last time; recount: what the core shows is taken as a count of every place; loaded: the stock was loaded by file, it is not stale any more"`
	}
}

func (s *Server) coreRoutes() {
	if s.Company == nil {
		return
	}
	const tag = "core"
	read(s, route{path: "/core", id: "show-core", title: "What the POS core says of the company, and how far it was read", tag: tag},
		func(tx *db.Tx, _ *struct{}) (company.State, error) { return s.Company.Show(tx) })
	write(s, route{
		path: "/core/sync", id: "sync-core", title: "Read the POS core now", tag: tag, scope: access.Admin, outside: true,
		text: "Branches, warehouses, new SKUs, stock and prices follow it. It is read by itself every few minutes.",
	}, func(ctx context.Context, c *call, in *coreSync) error {
		c.about("core")
		if in.Body.How == "loaded" {
			return s.Company.Fresh(ctx, c.actor)
		}
		_, err := s.Company.Sync(ctx, company.Options{Recount: in.Body.How == "recount", Actor: c.actor})
		return err
	}, func(tx *db.Tx, _ string) (company.State, error) { return s.Company.Show(tx) })
}
