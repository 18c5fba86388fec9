// Package demo plays the main job end to end: a company in three countries, its shops at simulated channels that listen on ports, orders flowing with everything that
// goes wrong in the wild, staff that picks, packs and hands over. Start at Run.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/app"
	couriers "github.com/openclaw-pos/commerce/courier"
	courier "github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/shop"
)

// Options say how the demo is played.
type Options struct {
	Orders int       // how many to place with Once, which ends when all are done; else a hundredth is sold at a time
	Once   bool      // play to the end without a person, check, and stop
	JSON   bool      // the summary as JSON, nothing else on Out
	DB     string    // database URL; default a fresh SQLite file in a temporary folder
	Data   string    // folder of what belongs to DB, its keys among it; default a temporary one, with which DB can be read no more
	Addr   string    // where to listen; default a free port of this machine
	Seed   uint64    // same seed, same orders
	Out    io.Writer // default os.Stdout
	Log    *slog.Logger

	Program string // how this program is called, for the commands that are shown; default openclaw-commerce
	// Announce makes the demo known to commands that name its data folder, and answers the key they come with and what takes it back; nil: they cannot reach it.
	Announce func(dir string, at net.Listener) (key string, done func() error, err error)
}

// What becomes of the demo courier's parcels.
const (
	delivered = couriers.Delivered
	attempted = couriers.Attempted
	returned  = couriers.Returned
)

// ErrBroken says that an invariant does not hold; the summary names it.
var ErrBroken = errors.New("an invariant does not hold")

// play is one run of the demo.
type play struct {
	opt    Options
	app    *app.App
	world  *world
	stalls []stall
	url    string
	say    func(format string, args ...any)
	start  time.Time

	mu    sync.Mutex
	heard map[string]int // scans taken, by tracking number

	rest time.Duration // how long the staff leaves work to whoever sits at the console

	key     string          // of the API, for the desk
	wishes  wishes          // what buyers wanted after the order
	packed  atomic.Int64    // before the buyers thought again
	sentOff map[string]bool // returns whose buyers have given the goods to a carrier
}

// Run plays the demo. With Once it returns nil only if everything placed arrived and every invariant holds.
func Run(ctx context.Context, opt Options) error {
	if opt.Out == nil {
		opt.Out = os.Stdout
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Seed == 0 {
		opt.Seed = 11
	}
	if opt.Program == "" {
		opt.Program = "openclaw-commerce"
	}
	dir := opt.Data
	if opt.DB == "" || dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "openclaw-demo-"); err != nil {
			return fmt.Errorf("temporary folder: %w", err)
		}
		defer os.RemoveAll(dir)
	}
	p := &play{opt: opt, start: time.Now(), heard: map[string]int{}, sentOff: map[string]bool{}}
	var mu sync.Mutex
	p.say = func(format string, args ...any) {
		if opt.JSON {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(opt.Out, "%6.1fs  %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
	}
	url := opt.DB
	if url == "" {
		url = "sqlite:" + filepath.Join(dir, "commerce.db")
	}
	return p.run(ctx, dir, url)
}

func (p *play) run(ctx context.Context, dir, url string) (err error) {
	p.say("opening a fresh database")
	depot := courier.New(time.Now)
	depot.WaitForHandOver()
	depot.Pace(200 * time.Millisecond)
	depot.Mix(delivered, delivered, delivered, delivered, delivered, delivered, delivered, delivered, delivered, attempted, returned)
	if p.app, err = app.Open(ctx, app.Config{
		DB: url, Data: dir, MakeKey: true, AllowPrivate: true, Log: p.opt.Log, Courier: "demo", Depot: depot,
		ShopLimits: shop.Limits{PerSecond: 1e6, Burst: 1e6, ProofsPerHour: 1e6, ProofBurst: 1e6},
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.app.Close()) }()
	if err := p.fresh(ctx); err != nil {
		return err
	}
	at, err := bind(p.opt.Addr)
	if err != nil {
		return err
	}
	if p.opt.Announce != nil {
		key, done, failed := p.opt.Announce(dir, at)
		if failed != nil {
			return errors.Join(failed, at.Close())
		}
		defer func() { err = errors.Join(err, done()) }()
		p.app.API.Local = key
	}
	server := p.serve(at)
	defer server.Close()
	p.say("one company in Pakistan, the Emirates and Germany, %d places, 200 products", len(places))
	if p.world, err = build(ctx, p.app, p.opt.Seed); err != nil {
		return err
	}
	if err := p.openStalls(ctx); err != nil {
		return err
	}
	defer func() {
		for _, s := range p.stalls {
			s.close()
		}
	}()
	if err := p.openDesk(ctx); err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.app.Run(work, app.Roles...) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	if p.opt.Once {
		return p.once(ctx)
	}
	return p.live(ctx, dir)
}

// fresh refuses a database that holds orders already: the demo never plays on somebody's shop.
func (p *play) fresh(ctx context.Context) error {
	return p.app.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := db.All(tx, func(row db.Scanner) (string, error) {
			var v string
			return v, row.Scan(&v)
		}, `select id from channel_accounts limit 1`)
		if err == nil && len(rows) > 0 {
			err = errors.New("this database holds accounts already: the demo plays only on an empty one")
		}
		return err
	})
}

// serve answers webhooks, the API, the console and the shop.
func (p *play) serve(at net.Listener) *http.Server {
	p.url = "http://" + at.Addr().String()
	return serveAt(at, p.app.Handler())
}

// openStalls opens every shop.
func (p *play) openStalls(ctx context.Context) error {
	// Polls reach back, Daraz's by half an hour: the more orders there are, the more each poll reads again, so a larger demo polls less often.
	poll := strconv.Itoa(min(15, max(1, p.opt.Orders/250)))
	p.stalls = []stall{
		&shopifyStall{label: "pk-shop", country: "PK", currency: "PKR", entity: "PK", zone: "Asia/Karachi", rate: "0.18", places: []string{"PK-LHE-WH", "PK-LHE-01"}, div: 1, seed: p.opt.Seed, scale: 1e-3, poll: poll},
		&shopifyStall{label: "ae-shop", country: "AE", currency: "AED", entity: "AE", zone: "Asia/Dubai", rate: "0.05", places: []string{"AE-DXB-WH"}, div: 75, seed: p.opt.Seed + 1000, scale: 1e-3, poll: poll},
		&darazStall{label: "daraz-pk", seed: p.opt.Seed + 2000, poll: poll},
		&siteStall{label: "pk-web", country: "PK", currency: "PKR", language: "ur", seed: p.opt.Seed + 3000},
		&siteStall{label: "de-web", country: "DE", currency: "EUR", language: "de", seed: p.opt.Seed + 4000},
	}
	for i, s := range p.stalls {
		if err := s.open(ctx, p.app, p.world, p.url); err != nil {
			p.stalls = p.stalls[:i]
			return fmt.Errorf("%s: %w", s.name(), err)
		}
		p.say("%-9s is live, at %s", s.name(), s.url())
	}
	return nil
}

// once plays to the end: orders in two waves, the second in trouble, then everything out of the door.
func (p *play) once(ctx context.Context) error {
	began := time.Now()
	if err := p.sellAll(ctx); err != nil {
		return err
	}
	if err := p.until(ctx, "every order is here", p.arrived); err != nil {
		p.say("%v", err)
	}
	imported := time.Since(began)
	p.say("%d orders placed, all read; staff at work", p.placed())
	if err := p.changeOfMind(ctx); err != nil {
		return err
	}
	if err := p.staff(ctx); err != nil {
		return err
	}
	if err := p.comeBack(ctx); err != nil {
		return err
	}
	if err := p.until(ctx, "every channel has been told", p.settled); err != nil {
		p.say("%v", err)
	}
	told := time.Since(began)
	s, err := gather(ctx, p.app, p.stalls)
	if err != nil {
		return err
	}
	if s.Broken, err = check(ctx, p.app, p.stalls); err != nil {
		return err
	}
	s.Wishes = p.wishes.all()
	if p.opt.Orders >= 80 {
		s.Broken = append(s.Broken, silent(s.Events)...)
	}
	s.InvariantsOK = len(s.Broken) == 0 && s.Imported >= int64(s.Sent)
	s.ImportMS, s.ToldMS, s.TotalMS = imported.Milliseconds(), told.Milliseconds(), time.Since(p.start).Milliseconds()
	s.PerSecond = fmt.Sprintf("%d", s.Imported*1000/max(1, s.ImportMS))
	if err := s.print(p.opt.Out, p.opt.JSON); err != nil {
		return err
	}
	if !s.InvariantsOK {
		return ErrBroken
	}
	return nil
}

// sellAll places the orders over all stalls at once, half of them while the channels misbehave.
func (p *play) sellAll(ctx context.Context) error {
	share := []int{35, 20, 30, 10, 5} // percent a stall; the first takes what rounding leaves
	for wave := range 2 {
		half := (p.opt.Orders + 1 - wave) / 2
		left := half
		for i := 1; i < len(p.stalls); i++ {
			left -= half * share[i] / 100
		}
		if wave == 1 {
			for _, s := range p.stalls {
				s.trouble()
			}
			p.say("the channels send twice, out of order or not at all, throttle us and expire a token")
		}
		var g sync.WaitGroup
		errs := make([]error, len(p.stalls))
		for i, s := range p.stalls {
			n := left
			if i > 0 {
				n = half * share[i] / 100
			}
			g.Go(func() {
				took, err := s.sell(n)
				errs[i] = errors.Join(err, s.regret(&p.wishes))
				p.say("%-9s sold %d orders", s.name(), took)
			})
		}
		g.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for _, s := range p.stalls {
			if err := s.quiet(ctx); err != nil {
				return err
			}
		}
	}
	for _, s := range p.stalls {
		s.calm()
	}
	return nil
}

// pause waits a moment, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (p *play) placed() int {
	n := 0
	for _, s := range p.stalls {
		n += len(s.sent())
	}
	return n
}

// patience is how long the demo waits for something that must come, while nothing of it moves.
const patience = time.Minute

// until waits until a question is answered with nothing left; it says what was left when that has not changed for too long.
func (p *play) until(ctx context.Context, what string, ask func(ctx context.Context) (string, error)) error {
	was, moved := "", time.Now()
	for {
		left, err := ask(ctx)
		if err != nil || left == "" {
			return err
		}
		if left != was {
			was, moved = left, time.Now()
		}
		if time.Since(moved) > patience {
			return fmt.Errorf("waited %s until %s: %s", patience, what, left)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// arrived answers what has not been imported yet.
func (p *play) arrived(ctx context.Context) (string, error) {
	left := ""
	err := p.app.DB.Read(ctx, func(tx *db.Tx) error {
		left = ""
		got, err := count(tx, `select account_id, count(*) from orders group by account_id`)
		if err != nil {
			return err
		}
		for _, s := range p.stalls {
			if n := int64(len(s.sent())) - got[s.account()]; n > 0 {
				left = fmt.Sprintf("%d orders of %s are not here", n, s.name())
			}
		}
		waiting, err := count(tx, `select 'inbox', count(*) from inbox where state = 'stored' union all
			select 'reads', count(*) from reads where state <> 'dead' and (attempts > 0 or next_at <= `+strconv.FormatInt(tx.Now.Add(time.Second).UnixMicro(), 10)+`)`) // one put off on purpose is asked to make sure
		if err != nil {
			return err
		}
		if n := waiting["inbox"] + waiting["reads"]; n > 0 && left == "" {
			left = fmt.Sprintf("%d readings wait", n)
		}
		return nil
	})
	return left, err
}

// settled answers what is still on its way: events, tells, stock.
func (p *play) settled(ctx context.Context) (string, error) {
	left, err := p.arrived(ctx)
	if err != nil || left != "" {
		return left, err
	}
	err = p.app.DB.Read(ctx, func(tx *db.Tx) error {
		left = ""
		got, err := count(tx, `select 'events without position', count(*) from events where position is null union all
			select 'tells', count(*) from tells where state in ('intended', 'running') union all select 'stock pushes', count(*) from channel_stock where dirty and attempts < 3 union all
			select 'stock changes', count(*) from stock_levels where dirty union all select 'jobs', count(*) from jobs where state in ('due', 'running') union all
			select 'parcels on their way', count(*) from dispatch_shipments where state in ('handed_over', 'in_transit', 'out_for_delivery', 'attempted', 'returning')`)
		if err != nil {
			return err
		}
		if got["events to be taken"], err = p.app.Behind(tx); err != nil {
			return err
		}
		for k, n := range got {
			if n > 0 {
				left = fmt.Sprintf("%d %s", n, k)
			}
		}
		return nil
	})
	return left, err
}
