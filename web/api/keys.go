package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// NewKey is a key with the key itself, which is shown this once.
type NewKey struct {
	access.Key
	Plain string `json:"key,omitempty" doc:"Shown once: a repeat of the request has no key in its answer"`
}

func (k *NewKey) reveal(_ context.Context, _ *Server, c *call) error {
	k.Plain = c.plain
	return nil
}

type keyAdd struct {
	Write
	Body struct {
		Name      string         `json:"name" minLength:"1" maxLength:"100"`
		Scopes    []access.Scope `json:"scopes" minItems:"1" maxItems:"4" enum:"read,write,admin,hooks"`
		ExpiresAt time.Time      `json:"expires_at,omitempty"`

		LegalEntities []string `json:"legal_entities,omitempty" maxItems:"100" doc:"Only what belongs to these companies, ids or codes"`
		Countries     []string `json:"countries,omitempty" maxItems:"100" doc:"Only what belongs to these countries"`
		Locations     []string `json:"locations,omitempty" maxItems:"200" doc:"Only what belongs to these branches and warehouses, ids or codes"`
	}
}

type keyRevoke struct {
	Write
	One
}

func (in keyRevoke) resource() string { return in.ID }

func (s *Server) keyRoutes() {
	if s.Keys == nil {
		return
	}
	const tag = "keys"
	read(s, route{path: "/keys", id: "list-keys", title: "API keys, never the keys themselves", tag: tag, scope: access.Admin}, func(tx *db.Tx, in *Paging) (Page[access.Key], error) {
		all, err := access.List(tx, in.After, in.Limit+1)
		return page(all, in.Limit, func(k access.Key) string { return k.ID }), err
	})
	write(s, route{path: "/keys", id: "add-key", title: "Make an API key", tag: tag, scope: access.Admin, status: http.StatusCreated, outside: true}, func(ctx context.Context, c *call, in *keyAdd) error {
		area, err := s.area(ctx, access.Area{LegalEntities: in.Body.LegalEntities, Countries: in.Body.Countries, Locations: in.Body.Locations})
		if err != nil {
			return err
		}
		plain, key, err := s.Keys.Make(ctx, c.who, access.NewKey{Name: in.Body.Name, Scopes: in.Body.Scopes, Area: area, Expires: in.Body.ExpiresAt})
		c.about(key.ID)
		c.plain = plain.Reveal()
		return err
	}, func(tx *db.Tx, id string) (NewKey, error) {
		k, err := keyByID(tx, id)
		return NewKey{Key: k}, err
	})
	write(s, route{path: "/keys/{id}/revoke", id: "revoke-key", title: "End an API key", tag: tag, scope: access.Admin, text: "By id or prefix.", outside: true}, func(ctx context.Context, c *call, in *keyRevoke) error {
		k, err := s.Keys.Revoke(ctx, c.who, in.ID)
		c.about(k.ID)
		return err
	}, keyByID)
	s.rotateRoute(tag)
}

func keyByID(tx *db.Tx, id string) (access.Key, error) {
	for after := ""; ; {
		all, err := access.List(tx, after, 1000)
		if err != nil {
			return access.Key{}, err
		}
		for _, k := range all {
			if k.ID == id {
				return k, nil
			}
			after = k.ID
		}
		if len(all) < 1000 {
			return access.Key{}, fault.New(fault.NotFound, "there is no key %s", id)
		}
	}
}
