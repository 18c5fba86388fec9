package api

import (
	"context"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

type locationHeard struct {
	Write
	Code string `path:"code" maxLength:"60"`
}

func (in locationHeard) resource() string { return in.Code }

func (s *Server) heard(ctx context.Context, c *call, in *locationHeard) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		l, err := s.Inventory.LocationByCode(tx, in.Code)
		if err != nil {
			return err
		}
		if err := s.Inventory.Heard(tx, tx.Now, l.ID); err != nil {
			return err
		}
		return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "location.heard", SubjectKind: "location", Subject: l.ID, RequestID: c.request})
	})
}

// heardRoutes are what a stale location asks a person for.
func (s *Server) heardRoutes() {
	if s.Inventory == nil {
		return
	}
	const tag = "stock"
	write(s, route{path: "/locations/{code}/heard", id: "hear-location", title: "Say that a location's stock is right as it stands", tag: tag, text: "One that had not been heard of counts in full again from the next look on."}, s.heard,
		func(tx *db.Tx, code string) (inventory.Location, error) { return s.Inventory.LocationByCode(tx, code) })
}
