package api

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/platform/access"
)

// ZoneState is a residency zone besides the main one, as the process that is asked sees it.
type ZoneState struct {
	Name     string `json:"name"`
	State    string `json:"state" enum:"ok,down,elsewhere" doc:"down: its store does not answer; elsewhere: this process is not allowed in it"`
	Note     string `json:"note,omitempty"`
	Engine   string `json:"engine,omitempty"`
	Key      string `json:"key,omitempty" doc:"Fingerprint of its key-encryption key"`
	Accounts int    `json:"accounts" doc:"That are kept in it"`
	Waiting  int64  `json:"waiting" doc:"Messages stored and not yet imported"`
}

// ZoneHealth says whether the store of a zone answers this process. It was asked a moment ago: telling it waits for nobody.
type ZoneHealth struct {
	Name  string
	Down  bool
	Since time.Time // when it stopped answering; zero while it does
	Inbox Queue     // what waits there to be imported
}

// zoneHealth is of the zones in which this process is allowed.
func (s *Server) zoneHealth() []ZoneHealth {
	if s.ZoneHealth == nil {
		return nil
	}
	return s.ZoneHealth()
}

// zoneStates says how zones fare; none when there is one.
func (s *Server) zoneStates(ctx context.Context) ([]ZoneState, error) {
	if s.ZoneStates == nil {
		return nil, nil
	}
	return s.ZoneStates(ctx)
}

type accountZone struct {
	Action
	Body struct {
		Zone string `json:"zone" maxLength:"40" doc:"main, or a zone in which this process is allowed"`
	}
}

// zoneRoutes are residency zones.
func (s *Server) zoneRoutes() {
	if s.Connect == nil {
		return
	}
	ask(s, route{
		path: "/zones", id: "list-zones", title: "Residency zones besides the main one, and how they fare", tag: "privacy", scope: access.Admin,
		text: "As the process that answers sees them: another may be allowed where this one is not.",
	}, func(ctx context.Context, _ *struct{}) (Page[ZoneState], error) {
		all, err := s.zoneStates(ctx)
		return Page[ZoneState]{Items: orEmpty(all)}, err
	})
	write(s, route{
		path: "/accounts/{id}/zone", id: "move-account", title: "Have an account kept in another residency zone", tag: "accounts", scope: access.Admin, outside: true,
		text: "As long as nothing of it is kept: 409 with code zone_in_use after that.",
	}, func(ctx context.Context, c *call, in *accountZone) error {
		if err := s.accountAt(ctx, in.ID, c.version); err != nil {
			return err
		}
		return s.Connect.Move(ctx, in.ID, in.Body.Zone, c.actor)
	}, s.showAccount)
}
