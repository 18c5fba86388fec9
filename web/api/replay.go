package api

import (
	"context"

	"github.com/openclaw-pos/commerce/platform/access"
)

// Replayed is what decoding an order again from what its channel sent came to.
type Replayed struct {
	Order       string       `json:"order_id"`
	Number      string       `json:"number"`
	Documents   int          `json:"documents" doc:"How many stored readings there are"`
	ReadAt      string       `json:"read_at" doc:"Of the reading that was decoded"`
	Differences []Difference `json:"differences"`
	Applied     bool         `json:"applied" doc:"It waits to be imported again; what differs is applied by the usual rules"`
}

// Difference is a field whose value is another one when decoded by this version of the program.
type Difference struct {
	Field string `json:"field"`
	Was   string `json:"was"`
	Now   string `json:"now"`
}

type orderReplay struct {
	Write
	One
	Body struct {
		Apply bool `json:"apply,omitempty" doc:"Import it again"`
	}
}

func (in orderReplay) resource() string { return in.ID }

func (s *Server) replayRoutes(tag string) {
	if s.Replay == nil {
		return
	}
	ask(s, route{method: "POST", path: "/orders/{id}/replay", id: "replay-order", slow: true, title: "Decode an order again from what its channel sent", tag: tag, scope: access.Write,
		text: "Shows what this version of the program would make of it. Repeating it does no harm: importing the same reading changes nothing."},
		func(ctx context.Context, in *orderReplay) (Replayed, error) {
			who, _ := access.From(ctx)
			id, err := s.orderID(ctx, in.ID)
			if err != nil {
				return Replayed{}, err
			}
			r, err := s.Replay(ctx, id, in.Body.Apply, who.Actor())
			r.Differences = orEmpty(r.Differences)
			return r, err
		})
}
