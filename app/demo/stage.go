package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	courier "github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
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

	play    *play
	server  *http.Server
	stop    func()
	unknown int
	done    chan error
}

// OpenStage opens a company in an empty database and sells so many orders at a Shopify shop and at Daraz.
func OpenStage(ctx context.Context, dir, url string, orders int) (*Stage, error) {
	p := &play{opt: Options{JSON: true, Orders: orders, Seed: 11, Out: io.Discard, Log: slog.New(slog.DiscardHandler)}, start: time.Now(), heard: map[string]int{}, say: func(string, ...any) {}}
	depot := courier.New(time.Now)
	depot.WaitForHandOver()
	depot.Pace(time.Hour)
	at, err := bind("")
	if err != nil {
		return nil, err
	}
	if p.app, err = app.Open(ctx, app.Config{
		DB: url, Data: dir, MakeKey: true, AllowPrivate: true, Log: p.opt.Log, Courier: "demo", Depot: depot,
		SignIn: access.UserOptions{
			Cost:    access.Cost{Memory: 64, Passes: 1, Threads: 1},                             // everybody knows its password
			Address: strings.Replace("http://"+at.Addr().String(), "127.0.0.1", "localhost", 1), // passkeys are for a name
		},
	}); err != nil {
		return nil, errors.Join(err, at.Close())
	}
	s := &Stage{App: p.app, play: p, stop: func() {}, done: make(chan error, 1)}
	s.done <- nil
	if err := s.fill(ctx, at, orders); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stage) fill(ctx context.Context, at net.Listener, orders int) (err error) {
	p := s.play
	s.server = p.serve(at)
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
	return p.until(ctx, "every order is here and sourced", s.settled)
}

// owner sets up whoever may do everything.
func (s *Stage) owner(ctx context.Context) (access.User, error) {
	token, err := s.App.Users.FirstRun(ctx)
	if err != nil {
		return access.User{}, err
	}
	return s.App.Users.SetUp(ctx, access.NewOwner{Token: token.Reveal(), Email: StageEmail, Name: "Amina", Password: StagePassword})
}

// Settle waits until nothing more is on its way, the shops' word about what we told them included.
func (s *Stage) Settle(ctx context.Context) error {
	return s.play.until(ctx, "everything has settled", s.settled)
}

// settled answers what is still on its way. What is told to a shop comes back as a message of its own, which may be late: all is told, then no message waits, and
// nothing has come of the last ones.
func (s *Stage) settled(ctx context.Context) (string, error) {
	var before int64
	for round := range 2 {
		if left, err := s.play.settled(ctx); err != nil || left != "" {
			return left, err
		}
		last, err := s.lastEvent(ctx)
		if err != nil {
			return "", err
		}
		if round > 0 && last != before {
			return fmt.Sprintf("events up to %d", last), nil
		}
		for _, st := range s.play.stalls {
			if n := st.pending(); n > 0 {
				return fmt.Sprintf("%d messages of %s", n, st.name()), nil
			}
		}
		before = last
	}
	return "", nil
}

// lastEvent is the position of the newest event.
func (s *Stage) lastEvent(ctx context.Context) (n int64, err error) {
	err = s.App.DB.Read(ctx, func(tx *db.Tx) error {
		got, err := count(tx, `select 'last', coalesce(max(position), 0) from events`)
		n = got["last"]
		return err
	})
	return n, err
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

// Trouble gives people something to do: parcels at every station, units missing, wishes to cancel, listings nobody knows, cases of many causes.
func (s *Stage) Trouble(ctx context.Context) error {
	works, err := s.works(ctx)
	if err != nil {
		return err
	}
	for i, w := range works {
		if i%3 == 0 {
			continue
		}
		if err := s.advance(ctx, w, i); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	if err := s.holds(ctx); err != nil {
		return err
	}
	if err := s.Unknown(ctx, 12); err != nil {
		return err
	}
	return s.raise(ctx)
}

// morning leaves a few things to whoever opens the console: orders on hold, units missing from a shelf, listings nobody knows.
func (s *Stage) morning(ctx context.Context) error {
	works, err := s.works(ctx)
	if err != nil {
		return err
	}
	for i, w := range works {
		if err := s.advance(ctx, w, i); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return errors.Join(s.holds(ctx), s.Unknown(ctx, 12))
}

// works are the fulfillment orders nobody has touched.
func (s *Stage) works(ctx context.Context) (all []fulfillment.FO, err error) {
	err = s.App.DB.Read(ctx, func(tx *db.Tx) error {
		page, err := s.App.Fulfillment.List(tx, fulfillment.Filter{States: []string{fulfillment.Fresh}}, "", 60)
		all = page.Items
		return err
	})
	return all, err
}

// advance takes a fulfillment order to another station each time.
func (s *Stage) advance(ctx context.Context, w fulfillment.FO, i int) error {
	f := s.App.Fulfillment
	if i%7 == 1 {
		_, err := f.Short(ctx, w.ID, 0, "demo staff", w.Lines[0].ID, 1)
		return err
	}
	for _, l := range w.Lines {
		n := l.Quantity
		if i%3 == 1 && n > 1 {
			n--
		}
		if _, err := f.Pick(ctx, w.ID, 0, "demo staff", fulfillment.Scan{ID: l.ID, Code: l.SKU, Quantity: n}); err != nil {
			return err
		}
	}
	if i%2 == 0 {
		_, err := f.Pack(ctx, w.ID, 0, "demo staff", nil)
		return err
	}
	return nil
}

// holds puts some orders on hold.
func (s *Stage) holds(ctx context.Context) error {
	var page order.Page
	if err := s.App.DB.Read(ctx, func(tx *db.Tx) (err error) {
		page, err = s.App.Order.List(tx, order.Filter{State: order.Open}, "", 5)
		return err
	}); err != nil {
		return err
	}
	for _, o := range page.Items {
		if err := s.App.Order.HoldBy(ctx, o.ID, 0, "demo staff", "the buyer asked to wait until Monday"); err != nil {
			return err
		}
	}
	return nil
}

// Unknown has pk-shop offer n products that nobody here knows, close to ours in name, and reads them.
func (s *Stage) Unknown(ctx context.Context, n int) error {
	for i := range n {
		ours := s.play.world.range_[i]
		s.unknown++
		if _, err := s.Shop.AddProduct(shopify.ProductSpec{SKU: fmt.Sprintf("%s/N%d", ours.sku, s.unknown), Title: ours.title, Price: "950.00", Stock: map[string]int{"PK-LHE-WH": 5}, Grams: 300}); err != nil {
			return err
		}
	}
	return s.play.until(ctx, "listings are read", func(ctx context.Context) (string, error) {
		_, err := s.App.Connect.PullListings(ctx, s.play.stalls[0].account())
		if fault.Is(err, fault.Conflict) {
			return "somebody else reads them", nil
		}
		return "", err
	})
}

// raise opens cases as they come in a shop's week.
func (s *Stage) raise(ctx context.Context) error {
	account := s.play.stalls[0].account()
	return s.App.DB.Write(ctx, func(tx *db.Tx) error {
		page, err := s.App.Order.List(tx, order.Filter{Account: account}, "", 8)
		if err != nil {
			return err
		}
		backwards := map[string]any{"channel_says": "delivered", "we_have": "packed"}
		causes := []string{exception.StaleStatus, exception.ContradictingStatus, exception.CurrencyChanged, exception.RefundOverCaptured, exception.StaleStatus, exception.ContradictingStatus, exception.OrderMissing, exception.StaleStatus}
		for i, o := range page.Items {
			detail := map[string]map[string]any{
				exception.CurrencyChanged:    {"external": o.External, "reason": "it was in PKR and is in USD now"},
				exception.RefundOverCaptured: {"number": o.Number, "amount": o.Amount(o.Sums.Total)},
				exception.OrderMissing:       {"external": o.External, "reason": "Shopify knows no order " + o.External},
			}[causes[i]]
			if detail == nil {
				detail = backwards
			}
			err := exception.Raise(tx, exception.Case{
				Cause: causes[i], SubjectKind: "order", Subject: o.ID, Order: o.ID, Account: o.Account, Deadline: tx.Now.Add(time.Duration(i-3) * time.Hour), Detail: detail,
			})
			if err != nil {
				return err
			}
		}
		return exception.Raise(tx,
			exception.Case{Cause: exception.StockDrift, SubjectKind: "account", Subject: account, Account: account, Detail: map[string]any{"listings": 3, "first": "OC-004"}},
			exception.Case{Cause: exception.AccountUnauthorized, SubjectKind: "account", Subject: account, Account: account, Detail: map[string]any{"reason": "Shopify refuses the app's credentials"}})
	})
}
