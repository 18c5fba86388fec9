package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/app"
	courier "github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// StagePassword opens the console of a stage, for its owner.
const StagePassword = "correct horse battery"

// StageEmail is the owner of a stage.
const StageEmail = "owner@example.com"

// Stage is the demo's company with its orders read and nobody at work: what the console's tests and pictures are made on. Close it.
type Stage struct {
	App   *app.App
	URL   string
	Owner access.User
	Shop  *shopify.Shop // pk-shop's simulator

	play   *play
	server *http.Server
	stop   func()
	done   chan error
}

// OpenStage opens a company in an empty database and sells so many orders at a Shopify shop and at Daraz.
func OpenStage(ctx context.Context, dir, url string, orders int) (*Stage, error) {
	p := &play{opt: Options{JSON: true, Orders: orders, Seed: 11, Out: io.Discard, Log: slog.New(slog.DiscardHandler)}, start: time.Now(), heard: map[string]int{}, say: func(string, ...any) {}}
	depot := courier.New(time.Now)
	depot.WaitForHandOver()
	depot.Pace(time.Hour)
	var err error
	if p.app, err = app.Open(ctx, app.Config{DB: url, Data: dir, MakeKey: true, AllowPrivate: true, Log: p.opt.Log, Courier: "demo", Depot: depot}); err != nil {
		return nil, err
	}
	s := &Stage{App: p.app, play: p, stop: func() {}, done: make(chan error, 1)}
	s.done <- nil
	if err := s.fill(ctx, orders); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stage) fill(ctx context.Context, orders int) error {
	p := s.play
	var err error
	if s.server, err = p.serve(); err != nil {
		return err
	}
	s.URL = p.url
	if p.world, err = build(ctx, p.app, p.opt.Seed); err != nil {
		return err
	}
	shop := &shopifyStall{label: "pk-shop", country: "PK", currency: "PKR", entity: "PK", zone: "Asia/Karachi", rate: "0.18", places: []string{"PK-LHE-WH", "PK-LHE-01"}, div: 1, seed: 11, scale: 1e-3, poll: "1"}
	for _, st := range []stall{shop, &darazStall{label: "daraz-pk", seed: 2011, poll: "1"}} {
		if err := st.open(ctx, p.app, p.world, p.url); err != nil {
			return fmt.Errorf("%s: %w", st.name(), err)
		}
		p.stalls = append(p.stalls, st)
	}
	s.Shop = shop.shop
	if s.Owner, err = s.owner(ctx); err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	<-s.done
	s.stop = sync.OnceFunc(stop)
	go func() { s.done <- p.app.Run(work, app.Roles...) }()
	for i, st := range p.stalls {
		if _, err := st.sell(orders * (2 - i) / 3); err != nil {
			return err
		}
	}
	return p.until(ctx, "every order is here and sourced", p.settled)
}

// owner sets up whoever may do everything.
func (s *Stage) owner(ctx context.Context) (access.User, error) {
	token, err := s.App.Users.FirstRun(ctx)
	if err != nil {
		return access.User{}, err
	}
	return s.App.Users.SetUp(ctx, access.NewOwner{Token: token.Reveal(), Email: StageEmail, Name: "Amina", Password: StagePassword})
}

// Settle waits until nothing more is on its way.
func (s *Stage) Settle(ctx context.Context) error {
	return s.play.until(ctx, "everything has settled", s.play.settled)
}

// Sell places more orders at pk-shop.
func (s *Stage) Sell(n int) error {
	_, err := s.play.stalls[0].sell(n)
	return err
}

// Close ends everything.
func (s *Stage) Close() error {
	s.stop()
	err := <-s.done
	s.done <- nil
	if s.server != nil {
		err = errors.Join(err, s.server.Close())
	}
	for _, st := range s.play.stalls {
		st.close()
	}
	s.play.stalls = nil
	return errors.Join(err, s.App.Close())
}
