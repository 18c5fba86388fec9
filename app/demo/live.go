package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
)

// lull is how long the staff leaves work to whoever sits at the console.
const lull = 30 * time.Second

// channels is how many of the stalls are at partners, which may misbehave; they come first.
const channels = 3

// live lets orders flow until the context ends.
func (p *play) live(ctx context.Context, dir string) error {
	at := &Stage{App: p.app, play: p}
	if _, err := at.owner(ctx); err != nil {
		return err
	}
	p.rest = lull
	p.welcome(dir)
	var g sync.WaitGroup
	defer g.Wait()
	g.Go(func() { p.staffLives(ctx) })
	g.Go(func() { p.deskLives(ctx) })
	g.Go(func() { p.tells(ctx) })
	per := max(1, p.opt.Orders/100)
	for i := 0; ctx.Err() == nil; i++ {
		s := p.stalls[i%len(p.stalls)]
		if shop, ok := s.(*shopifyStall); ok && i == 10 {
			at.Shop = shop.shop
			if err := at.morning(ctx); err != nil && ctx.Err() == nil {
				p.say("morning: %v", err)
			}
			p.say("a few things wait at the console for you: orders on hold, units missing from a shelf, listings nobody knows")
		}
		switch i % 40 {
		case 20:
			bad := p.stalls[i/40%channels]
			bad.trouble()
			p.say("%-9s sends twice, out of order or not at all, throttles us and expires our token", bad.name())
		case 30:
			for _, s := range p.stalls {
				s.calm()
			}
			p.say("all channels behave again")
		}
		if took, err := s.sell(per); err != nil && ctx.Err() == nil {
			p.say("%-9s %v", s.name(), err)
		} else if took > 0 {
			p.say("%-9s sold %d orders", s.name(), took)
		}
		if err := errors.Join(s.regret(&p.wishes), s.giveBack(&p.wishes)); err != nil && ctx.Err() == nil {
			p.say("%-9s %v", s.name(), err)
		}
		pause(ctx, time.Second)
	}
	return nil
}

// welcome says where everything is.
func (p *play) welcome(dir string) {
	reach := "--data " + dir
	if p.opt.DB != "" {
		reach += " --db '" + p.opt.DB + "'"
	}
	p.show("")
	p.show("  console        %s/console/", p.url)
	p.show("                 sign in as %s with the password: %s", StageEmail, StagePassword)
	if p.opt.Announce != nil {
		p.show("  command line   %s order list %s", p.opt.Program, reach)
		p.show("                 %s exception list %s", p.opt.Program, reach)
	}
	p.show("  API            curl -H 'Authorization: Bearer %s' %s/v1/orders", p.key, p.url)
	p.show("  documentation  %s/docs/", p.url)
	p.show("  web shop       %s/shop/v1/pk-web/products", p.url)
	p.show("")
	p.show("  Orders arrive every second; staff picks, packs and hands over what has waited %d seconds. Ctrl-C ends it; nothing is kept.", int(lull.Seconds()))
	p.show("")
}

// show prints a line that belongs to no moment.
func (p *play) show(format string, args ...any) {
	if !p.opt.JSON {
		fmt.Fprintf(p.opt.Out, format+"\n", args...)
	}
}

func (p *play) staffLives(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := p.shift(ctx)
		for _, s := range p.stalls {
			s.travel()
		}
		if err = errors.Join(err, p.travel(ctx)); err != nil && ctx.Err() == nil {
			p.say("staff: %v", err)
		}
		if n == 0 {
			pause(ctx, 500*time.Millisecond)
		}
	}
}

func (p *play) deskLives(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := p.desk(ctx); err != nil && ctx.Err() == nil {
			p.say("desk: %v", err)
		}
		pause(ctx, time.Second)
	}
}

// tells says every ten seconds what has become of it all.
func (p *play) tells(ctx context.Context) {
	for pause(ctx, 10*time.Second); ctx.Err() == nil; pause(ctx, 10*time.Second) {
		var line string
		err := p.app.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			line, err = standing(tx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			p.say("%v", err)
		} else if err == nil {
			p.say("so far    %s", line)
		}
	}
}

// standing is where everything stands, in a line.
func standing(tx *db.Tx) (string, error) {
	got, err := pairs(tx, `select 'orders', count(*) from orders union all select 'held', count(distinct order_id) from order_holds where released_at is null union all
		select 'parcels', count(*) from dispatch_shipments where handed_over_at is not null union all select 'delivered', count(*) from dispatch_shipments where state = 'delivered' union all
		select 'returns', count(*) from returns_rma union all select 'refunds', count(*) from refunds where state in ('issued', 'recorded')`)
	if err != nil {
		return "", err
	}
	cases, err := pairs(tx, `select cause, count(*) from exceptions where state = 'open' group by cause`)
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("%d orders, %d of them held; %d parcels handed over, %d delivered; %d returns, %d refunds", got["orders"], got["held"], got["parcels"], got["delivered"], got["returns"], got["refunds"])
	if len(cases) == 0 {
		return line, nil
	}
	var open []string
	for _, cause := range slices.Sorted(maps.Keys(cases)) {
		open = append(open, fmt.Sprintf("%d %s", cases[cause], strings.ReplaceAll(cause, "_", " ")))
	}
	return line + "; cases for a person: " + strings.Join(open, ", "), nil
}
