package demo

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// What buyers, and the shops for them, do after an order.
const (
	cancelledWhole = "order cancelled"
	cancelledLine  = "units cancelled"
	cancelledLate  = "cancelled after packing"
	editedDown     = "quantity edited down"
	editedUp       = "line added"
	readdressed    = "address changed"
	repaid         = "refunded by the channel"
	sentBack       = "return asked for"
	keptRefunded   = "refund without return asked for"
)

// wishes counts what buyers and shops did after the order, by kind.
type wishes struct {
	mu sync.Mutex
	n  map[string]int
}

func (w *wishes) add(kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n == nil {
		w.n = map[string]int{}
	}
	w.n[kind]++
}

func (w *wishes) all() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.n)
}

// fickle is every how many orders a buyer changes their mind before packing; returning is every how many delivered orders come back.
const (
	fickle    = 8
	returning = 12
)

// regrets deals kinds of regret to orders: every eighth order gets the next kind; one that does not fit waits for the next order.
type regrets struct {
	seen, turn int
	owed       []string
}

// deal lets try play the kinds that are due with each order that is new. try answers false where a kind does not fit the order.
func (r *regrets) deal(placed, kinds []string, try func(order, kind string) (bool, error)) error {
	for ; r.seen < len(placed); r.seen++ {
		if r.seen%fickle == 1 {
			r.owed = append(r.owed, kinds[r.turn%len(kinds)])
			r.turn++
		}
		for i, kind := range r.owed {
			fits, err := try(placed[r.seen], kind)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", kind, placed[r.seen], err)
			}
			if fits {
				r.owed = slices.Delete(r.owed, i, i+1)
				break
			}
		}
	}
	return nil
}

// givers are the orders whose buyers will give something back once they have it.
type givers struct {
	seen    int
	waiting []string
}

// each asks every buyer who will give something back; try answers false while there is nothing to give.
func (g *givers) each(placed []string, try func(order string) (bool, error)) error {
	for ; g.seen < len(placed); g.seen++ {
		if g.seen%returning == 2 {
			g.waiting = append(g.waiting, placed[g.seen])
		}
	}
	var still []string
	for _, order := range g.waiting {
		gave, err := try(order)
		if err != nil {
			return fmt.Errorf("return of %s: %w", order, err)
		}
		if !gave {
			still = append(still, order)
		}
	}
	g.waiting = still
	return nil
}

func (s *shopifyStall) regret(w *wishes) error {
	kinds := []string{cancelledWhole, repaid, cancelledLine, editedDown, editedUp, readdressed}
	return s.regrets.deal(s.placed, kinds, func(order, kind string) (bool, error) {
		v, ok := s.shop.OrderView(order)
		if !ok || v.Cancelled || len(v.Parcels) > 0 {
			return false, nil
		}
		fits, err := s.play(v, kind)
		if fits && err == nil {
			w.add(kind)
		}
		return fits, err
	})
}

// play changes one Shopify order of which nothing has left; false where the kind does not fit it.
func (s *shopifyStall) play(v shopify.OrderView, kind string) (bool, error) {
	at := slices.IndexFunc(v.Lines, func(l shopify.LineView) bool { return l.SKU != "" && l.Current > 0 && l.Open == l.Current })
	if at < 0 {
		return false, nil
	}
	l := v.Lines[at]
	paid := v.Received != "0.00" && v.Refunded == "0.00"
	switch kind {
	case cancelledWhole:
		return true, s.shop.Cancel(v.ID)
	case cancelledLine:
		if len(v.Lines) < 2 {
			return false, nil
		}
		return true, s.shop.RefundLine(v.ID, l.SKU, l.Current, "CANCEL")
	case repaid:
		if !paid {
			return false, nil
		}
		return true, s.shop.RefundAmount(v.ID, "5.00")
	case editedDown:
		if l.Current < 2 || paid {
			return false, nil
		}
		return true, s.shop.EditQuantity(v.ID, l.SKU, l.Current-1)
	case editedUp:
		sku := "OC-200"
		if paid || slices.ContainsFunc(v.Lines, func(l shopify.LineView) bool { return l.SKU == sku }) {
			return false, nil
		}
		return true, s.shop.EditQuantity(v.ID, sku, 1)
	case readdressed:
		if v.ShipTo == nil {
			return false, nil
		}
		to := *v.ShipTo
		to.Address1 = "House 9, Street 2, the office"
		return true, s.shop.ChangeAddress(v.ID, to)
	}
	return false, nil
}

func (s *shopifyStall) repent(order string, w *wishes) error {
	if err := s.shop.Cancel(order); err != nil {
		return err
	}
	w.add(cancelledLate)
	return nil
}

func (s *shopifyStall) giveBack(w *wishes) error {
	return s.givers.each(s.placed, func(order string) (bool, error) {
		v, _ := s.shop.OrderView(order)
		for _, p := range v.Parcels {
			if p.Shown != "DELIVERED" || len(p.Units) == 0 {
				continue
			}
			sku := slices.Sorted(maps.Keys(p.Units))[0]
			w.add(sentBack)
			_, err := s.shop.RequestReturn(order, sku, 1, "SIZE_TOO_SMALL")
			return true, err
		}
		return false, nil
	})
}

func (s *shopifyStall) sendBack(string) error { return nil } // the parcel is simply there one day

func (s *shopifyStall) openUnits() map[string]int {
	all := map[string]int{}
	for _, id := range s.placed {
		v, _ := s.shop.OrderView(id)
		all[id] = 0
		for _, l := range v.Lines {
			all[id] += l.Open
		}
	}
	return all
}

func (s *darazStall) regret(w *wishes) error {
	return s.regrets.deal(s.placed, []string{cancelledWhole, cancelledLine}, func(order, kind string) (bool, error) {
		units := s.units(order, "pending")
		if len(units) == 0 || kind == cancelledLine && len(units) < 2 {
			return false, nil
		}
		if kind == cancelledLine {
			units = units[:1]
		}
		if err := s.shop.BuyerCancel("", units...); err != nil {
			return false, err
		}
		w.add(kind)
		return true, nil
	})
}

// units are the units of an order in a status.
func (s *darazStall) units(order, status string) []string {
	v, _ := s.shop.OrderView(order)
	var out []string
	for _, u := range v.Units {
		if u.Status == status && u.Reverse == "" {
			out = append(out, u.ID)
		}
	}
	return out
}

func (s *darazStall) repent(order string, w *wishes) error {
	units := append(s.units(order, "packed"), s.units(order, "pending")...)
	if len(units) == 0 {
		return nil
	}
	if _, err := s.shop.AskCancel("", units...); err != nil {
		return err
	}
	w.add(cancelledLate)
	return nil
}

func (s *darazStall) giveBack(w *wishes) error {
	return s.givers.each(s.placed, func(order string) (bool, error) {
		units := s.units(order, "delivered")
		if len(units) == 0 {
			return false, nil
		}
		keeps, kind := order[len(order)-1] < '3', sentBack
		if keeps {
			kind = keptRefunded
		}
		w.add(kind)
		_, err := s.shop.RequestReturn("", keeps, units[0])
		return true, err
	})
}

func (s *darazStall) sendBack(reverse string) error { return s.shop.BuyerSendsBack(reverse) }

// openAt are the statuses of units that the seller has still to send.
var openAt = []string{"unpaid", "pending", "repacked", "packed", "ready_to_ship"}

func (s *darazStall) openUnits() map[string]int {
	all := map[string]int{}
	for _, id := range s.placed {
		v, _ := s.shop.OrderView(id)
		all[id] = 0
		for _, u := range v.Units {
			if slices.Contains(openAt, u.Status) {
				all[id]++
			}
		}
	}
	return all
}

func (s *siteStall) regret(w *wishes) error {
	return s.regrets.deal(s.placed, []string{cancelledWhole, cancelledLine}, func(order, kind string) (bool, error) {
		t, err := s.track(order)
		if err != nil || t.State != "open" || kind == cancelledLine && len(t.Lines) < 2 {
			return false, err
		}
		ask := map[string]any{"number": order, "phone": s.phones[order], "reason": "changed_mind"}
		if kind == cancelledLine {
			ask["lines"] = []map[string]any{{"line": t.Lines[0].Line, "quantity": t.Lines[0].Ordered}}
		}
		var out tracked
		code, err := (&buyer{s: s}).do(http.MethodPost, "/orders/cancel", ask, &out)
		if err != nil || code >= 300 {
			return false, err
		}
		w.add(kind)
		return true, nil
	})
}

// tracked is what the shop shows the buyer of an order.
type tracked struct {
	State string `json:"state"`
	Lines []struct {
		Line      int `json:"line"`
		Ordered   int `json:"ordered"`
		Delivered int `json:"delivered"`
	} `json:"lines"`
}

func (s *siteStall) track(order string) (tracked, error) {
	var t tracked
	_, err := (&buyer{s: s}).do(http.MethodPost, "/orders/track", map[string]string{"number": order, "phone": s.phones[order]}, &t)
	return t, err
}

func (s *siteStall) repent(string, *wishes) error { return nil } // after packing our own shop says no

func (s *siteStall) giveBack(w *wishes) error {
	return s.givers.each(s.placed, func(order string) (bool, error) {
		t, err := s.track(order)
		if err != nil {
			return false, err
		}
		for _, l := range t.Lines {
			if l.Delivered == 0 {
				continue
			}
			var out struct{}
			ask := map[string]any{"number": order, "phone": s.phones[order], "reason": "does_not_fit", "lines": []map[string]any{{"line": l.Line, "quantity": 1}}}
			code, err := (&buyer{s: s}).do(http.MethodPost, "/orders/return", ask, &out)
			if err == nil && code < 300 {
				w.add(sentBack)
			}
			return true, err
		}
		return false, nil
	})
}

func (s *siteStall) sendBack(string) error     { return nil }
func (s *siteStall) openUnits() map[string]int { return nil }

// agreed answers which orders are not open to the same extent here and at the channel.
func (p *play) agreed(ctx context.Context) (string, error) {
	left, err := p.arrived(ctx)
	if err != nil || left != "" {
		return left, err
	}
	err = p.app.DB.Read(ctx, func(tx *db.Tx) error {
		left = ""
		for _, s := range p.stalls {
			off, err := disagree(tx, s)
			if err != nil {
				return err
			}
			if len(off) > 0 {
				left = fmt.Sprintf("%s and we disagree on %d orders: %s", s.name(), len(off), off[0])
			}
		}
		return nil
	})
	return left, err
}

// disagree lists orders of a shop whose open units are not the same here and there.
func disagree(tx *db.Tx, s stall) ([]string, error) {
	theirs := s.openUnits()
	if len(theirs) == 0 {
		return nil, nil
	}
	ours, err := pairs(tx, `select external, units_open from orders where account_id = $1`, s.account())
	if err != nil {
		return nil, err
	}
	var off []string
	for _, id := range slices.Sorted(maps.Keys(theirs)) {
		if ours[id] != int64(theirs[id]) {
			off = append(off, fmt.Sprintf("order %s: %d units open here, %d there", id, ours[id], theirs[id]))
		}
	}
	return off, nil
}

// doubt lets buyers cancel orders that are packed and not yet handed over: what people do in the hour before the courier comes.
func (p *play) doubt(ctx context.Context) error {
	for _, s := range p.stalls {
		if s.openUnits() == nil {
			continue
		}
		var work, orders []string
		err := p.app.DB.Read(ctx, func(tx *db.Tx) error {
			rows, err := db.All(tx, func(row db.Scanner) ([2]string, error) {
				var v [2]string
				return v, row.Scan(&v[0], &v[1])
			}, `select f.id, o.external from fulfillment_orders f join orders o on o.id = f.order_id where o.account_id = $1 and f.state = 'new' and o.units_shipped = 0
				and (select count(*) from fulfillment_orders g where g.order_id = o.id) = 1 order by f.id limit $2`, s.account(), max(2, len(s.sent())/50))
			for _, r := range rows {
				work, orders = append(work, r[0]), append(orders, r[1])
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := each(ctx, work, func(id string) error { return p.pick(ctx, id, &p.packed) }); err != nil {
			return err
		}
		if err := p.until(ctx, "what was packed has been told", p.untold); err != nil {
			p.say("%v", err)
		}
		for _, o := range orders {
			if err := s.repent(o, &p.wishes); err != nil {
				return fmt.Errorf("%s: %w", s.name(), err)
			}
		}
		p.say("%-9s %d buyers cancel what is packed already", s.name(), len(orders))
	}
	return nil
}

// untold answers what channels are still to be told.
func (p *play) untold(ctx context.Context) (string, error) {
	left := ""
	err := p.app.DB.Read(ctx, func(tx *db.Tx) error {
		left = ""
		got, err := pairs(tx, `select 'tells', count(*) from tells where state in ('intended', 'running') union all select 'jobs', count(*) from jobs where state in ('due', 'running')`)
		if err == nil {
			got["events"], err = p.app.Behind(tx)
		}
		for k, n := range got {
			if n > 0 {
				left = fmt.Sprintf("%d %s", n, k)
			}
		}
		return err
	})
	return left, err
}

// changeOfMind lets what was changed at the channels before packing arrive, then lets some buyers cancel what is packed, and answers them.
func (p *play) changeOfMind(ctx context.Context) error {
	if err := p.until(ctx, "the channels and we agree on what is open", p.agreed); err != nil {
		p.say("%v", err)
	}
	if err := p.doubt(ctx); err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for ctx.Err() == nil {
		n, err := p.desk(ctx)
		if err != nil {
			return err
		}
		left, err := p.agreed(ctx)
		if err == nil && left == "" {
			left, err = p.undecided(ctx)
		}
		if err != nil || left == "" && n == 0 {
			return err
		}
		if time.Now().After(deadline) {
			p.say("the desk goes on although %s", left)
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// undecided answers wishes to cancel that have not come, or wait for an answer.
func (p *play) undecided(ctx context.Context) (string, error) {
	if left, err := p.untold(ctx); err != nil || left != "" {
		return left, err
	}
	left := ""
	err := p.app.DB.Read(ctx, func(tx *db.Tx) error {
		got, err := pairs(tx, `select 'came', count(*) from order_holds where type in ('cancel_request', 'change_after_pack') union all
			select 'wait', count(*) from order_holds where type in ('cancel_request', 'change_after_pack') and released_at is null`)
		late := int64(p.wishes.all()[cancelledLate])
		if left = ""; got["came"] < late {
			left = fmt.Sprintf("%d buyers cancel what is packed, %d are heard", late, got["came"])
		} else if got["wait"] > 0 {
			left = fmt.Sprintf("%d orders wait for an answer", got["wait"])
		}
		return err
	})
	return left, err
}

// pairs runs a query of (name, number) rows with arguments.
func pairs(tx *db.Tx, q string, args ...any) (map[string]int64, error) {
	all := map[string]int64{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var k string
		var n int64
		err := row.Scan(&k, &n)
		all[k] = n
		return struct{}{}, err
	}, q, args...)
	return all, err
}
