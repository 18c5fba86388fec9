package api

import (
	"context"
	"net/http"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/platform/access"
)

type orderReplay struct {
	Write
	One
	Body struct {
		Apply bool `json:"apply,omitempty" doc:"Import the newest reading again"`
	}
}

func (in orderReplay) resource() string { return in.ID }

func (s *Server) replayRoutes(tag string) {
	if s.Connect == nil {
		return
	}
	ask(s, route{
		method: http.MethodPost, path: "/orders/{id}/replay", id: "replay-order", slow: true, title: "Decode an order again from what its channel sent", tag: tag, scope: access.Write,
		text: "Shows what this version of the program makes of every stored reading, and how the newest differs from what is held. With apply it is imported again by the usual rules. Repeating it does no harm: the same reading changes nothing. Personal data is not shown.",
	},
		func(ctx context.Context, in *orderReplay) (connect.ReplayDiff, error) {
			who, _ := access.From(ctx)
			id, err := s.orderID(ctx, in.ID)
			if err != nil {
				return connect.ReplayDiff{}, err
			}
			d, err := s.Connect.Replay(ctx, id, in.Body.Apply, who.Actor())
			if err != nil || !d.Applied {
				return d, err
			}
			return d, s.importAll(ctx)
		})
}
