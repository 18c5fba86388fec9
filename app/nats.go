package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/openclaw-pos/commerce/platform/outbox"
)

// runNATS publishes contract events to NATS JetStream until the context ends. A server that is away is waited for: events keep their place.
func (a *App) runNATS(ctx context.Context) error {
	nc, err := nats.Connect(a.Config.NATS, nats.Name("openclaw-commerce"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("NATS at %s: %w", a.Config.NATS, err)
	}
	p, err := outbox.NewPublisher(a.DB, a.Log, nc, a.Config.Source)
	if err == nil {
		err = p.Run(ctx)
	}
	return errors.Join(err, nc.Drain())
}
