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
	if shop, ok := p.stalls[0].(*shopifyStall); ok {
		at.Shop = shop.shop
	}
	p.welcome(dir)
	var g sync.WaitGroup
	defer g.Wait()
	g.Go(func() { p.staffLives(ctx) })
	g.Go(func() { p.deskLives(ctx) })
	g.Go(func() { p.tells(ctx) })
	per := max(1, p.opt.Orders/100)
	for i := 0; ctx.Err() == nil; i++ {
		s := p.stalls[i%len(p.stalls)]
		if i == 10 {
			g.Go(func() { p.waits(ctx, at) })
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

// consent is how long the seller takes to consent anew when the last code was not used: it is valid for half an hour.
const consent = 25 * time.Minute

// campaign is how long Daraz refuses lower numbers of a SKU.
const campaign = 3 * time.Minute

// waits leaves work to whoever sits at the console, and says where it is: a morning's usual things, a unit missing with the push that is refused because of it, and an
// account whose credentials the partner no longer takes.
func (p *play) waits(ctx context.Context, at *Stage) {
	err := at.morning(ctx)
	if err == nil {
		p.say("waits for you: orders on hold, units missing from a shelf, listings nobody knows: %s/console/", p.url)
		err = p.waitsPartner(ctx, at)
	}
	if err != nil && ctx.Err() == nil {
		p.say("morning: %v", err)
	}
}

func (p *play) waitsPartner(ctx context.Context, at *Stage) error {
	sku, err := at.Short(ctx)
	if err != nil {
		return err
	}
	p.say("waits for you: a picker does not find the last %s: %s/console/exceptions?cause=shortage", sku, p.url)
	p.say("waits for you: daraz-pk refuses our stock of %s while its campaign runs, %s more: %s/console/exceptions?cause=push_refused", sku, campaign, p.url)
	account, code, err := at.Revoke(ctx)
	if err != nil {
		return err
	}
	p.say("waits for you: daraz-pk no longer takes our token: %s/console/exceptions?cause=account_unauthorized", p.url)
	for over := false; ctx.Err() == nil; {
		p.say("               the seller consents anew: enter the code %s at %s/console/channels/%s#credentials", code, p.url, account)
		if !over {
			if pause(ctx, campaign); ctx.Err() != nil {
				return nil
			}
			if err := at.CampaignOver(sku); err != nil {
				return err
			}
			over = true
			p.say("the campaign with %s is over: its number can be sent again", sku)
		}
		pause(ctx, consent-campaign)
		mended, err := at.mended(ctx, account)
		if err != nil || mended {
			return err
		}
		if code, err = at.consent(); err != nil {
			return err
		}
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
	kept := "nothing is kept"
	if p.opt.DB != "" && p.opt.Data != "" {
		kept = "the database stays, and its keys in " + dir
	}
	p.show("  Orders arrive every second; staff picks, packs and hands over what has waited %d seconds. Ctrl-C ends it; %s.", int(lull.Seconds()), kept)
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
