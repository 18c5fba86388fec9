package torture

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A shop's day beyond picking and packing: goods come back, money is given back, the till sells, branches close and open, parcels arrive.

// branch is the second place that sends orders, now and then closed.
const branch = "BR"

func place(code string, closed bool) map[string]any {
	kind := map[string]string{"WH": "warehouse", branch: "branch"}[code]
	return map[string]any{
		"name": "Torture " + code, "kind": kind, "country": "PK", "zone": "Asia/Karachi", "city": "Lahore", "province": "Punjab", "fulfils": true, "legal_entity": "PK", "inactive": closed,
	}
}

// odd does, now and then, what happens less often.
func (s *staff) odd(ctx context.Context) {
	all := []func(context.Context){s.count, s.reprice, s.cancel, s.poll, s.till, s.transfer, s.toggle, s.deliver, s.deliver, s.askReturn, s.returned, s.returned, s.returned, s.refund, s.payOut, s.reject, s.unpack}
	all[s.rnd.IntN(len(all))](ctx)
}

func (s *staff) sku() string { return pick(s.rnd, s.run.market.skus...) }

func (s *staff) post(ctx context.Context, what, path string, body any) bool {
	return s.said(what, func() (answer, error) { return s.hurried(ctx, path, "", body) })
}

func (s *staff) count(ctx context.Context) {
	s.post(ctx, "stock take", "/stock/count", map[string]any{"items": []map[string]any{{"sku": s.sku(), "location": pick(s.rnd, "WH", branch), "quantity": s.rnd.IntN(stockEach)}}})
}

func (s *staff) reprice(ctx context.Context) {
	sku := s.sku()
	price := s.run.market.prices[sku] * int64(90+s.rnd.IntN(20)) / 100 / 100
	s.post(ctx, "price change", "/imports/prices", fmt.Sprintf("sku,price,currency,country\n%s,%d.00,PKR,PK\n", sku, price))
}

func (s *staff) cancel(ctx context.Context) {
	for _, o := range some(s.rnd, s.list(ctx, "/orders?limit=50&state=open"), 1) {
		s.act(ctx, "cancel", "/orders/"+o.ID, "cancel", map[string]any{"reason": "not to be had"})
	}
}

func (s *staff) poll(ctx context.Context) {
	what := pick(s.rnd, "orders", "reconcile", "listings", "returns")
	id := pick(s.rnd, s.run.market.shops[0].id, s.run.market.daraz.id)
	s.post(ctx, "poll beside the others", "/accounts/"+id+"/pull", map[string]any{"what": what})
}

// till sells over the counter: a fact that nobody may refuse.
func (s *staff) till(ctx context.Context) {
	s.post(ctx, "till sale", "/stock/adjust", map[string]any{"sku": s.sku(), "location": pick(s.rnd, "WH", branch), "delta": -1 - s.rnd.IntN(3), "note": "sold at the till"})
}

func (s *staff) transfer(ctx context.Context) {
	from, to := "WH", branch
	if s.rnd.IntN(3) == 0 {
		from, to = to, from
	}
	s.post(ctx, "transfer", "/stock/transfers", map[string]any{
		"number": fmt.Sprintf("TR-%d", s.rnd.Int64()), "from": from, "to": to, "items": []map[string]any{{"sku": s.sku(), "quantity": 1 + s.rnd.IntN(5)}},
	})
}

// toggle switches the branch off, or on again.
func (s *staff) toggle(ctx context.Context) {
	s.closed = !s.closed
	what := map[bool]string{true: "branch switched off", false: "branch switched on"}[s.closed]
	s.said(what, func() (answer, error) {
		return s.run.house.call(ctx, http.MethodPut, "/locations/"+branch, "*", place(branch, s.closed))
	})
}

// deliver notes that parcels sent by hand have arrived, or that they come back.
func (s *staff) deliver(ctx context.Context) {
	for _, sh := range some(s.rnd, s.list(ctx, "/shipments?limit=50&state=handed_over,in_transit"), 3) {
		status := "delivered"
		if s.rnd.IntN(8) == 0 {
			status = "return_initiated"
		}
		s.act(ctx, "scan "+status, "/shipments/"+sh.ID, "scan", map[string]any{"status": status, "at": time.Now().UTC().Format(time.RFC3339Nano)})
	}
}

func (s *staff) askReturn(ctx context.Context) {
	for _, o := range some(s.rnd, s.list(ctx, "/orders?limit=50&state=delivered,part_delivered,shipped"), 2) {
		s.post(ctx, "return", "/returns", map[string]any{"order": o.ID, "reason": "does not fit", "approve": s.rnd.IntN(2) == 0})
	}
}

// returned goes one step on with returns, whichever is allowed.
func (s *staff) returned(ctx context.Context) {
	for _, rma := range some(s.rnd, s.list(ctx, "/returns?limit=50&open=true"), 3) {
		action := ""
		for _, a := range shuffled(s.rnd, rma.Allowed) {
			if a == "approve" || a == "decline" || a == "sent" || a == "receive" || a == "inspect" || a == "refund" || a == "close" && s.rnd.IntN(4) == 0 {
				action = a
				break
			}
		}
		body := map[string]any{}
		switch action {
		case "":
			continue
		case "decline":
			body["reason"] = "too late"
		case "receive":
			body["location"] = pick(s.rnd, "WH", branch)
		case "inspect":
			var verdicts []map[string]any
			for _, l := range rma.Lines {
				if l.Waiting > 0 {
					verdicts = append(verdicts, map[string]any{"line_id": l.Line, "quantity": l.Waiting, "disposition": pick(s.rnd, "sellable", "sellable", "quarantine", "damaged")})
				}
			}
			if len(verdicts) == 0 {
				continue
			}
			body["verdicts"] = verdicts
		}
		s.act(ctx, "return: "+action, "/returns/"+rma.ID, action, body)
	}
}

// refund gives some of the money back without any goods.
func (s *staff) refund(ctx context.Context) {
	for _, o := range some(s.rnd, s.list(ctx, "/orders?limit=50&pay_state=paid,part_refunded"), 1) {
		s.act(ctx, "refund", "/orders/"+o.ID, "refunds", map[string]any{
			"amount": map[string]string{"amount": fmt.Sprintf("%d.00", 1+s.rnd.IntN(20)), "currency": "PKR"}, "reason": "a scratch", "method": "payout",
		})
	}
}

func (s *staff) payOut(ctx context.Context) {
	for _, x := range some(s.rnd, s.list(ctx, "/refunds?limit=50"), 2) {
		s.act(ctx, "refund paid out", "/refunds/"+x.ID, "paid-out", map[string]any{"reference": "bank " + x.ID})
	}
}

// reject says that the location does not do the work, which goes elsewhere.
func (s *staff) reject(ctx context.Context) {
	for _, fo := range some(s.rnd, s.list(ctx, "/fulfillment-orders?limit=50&state=new,accepted"), 1) {
		s.act(ctx, "reject", "/fulfillment-orders/"+fo.ID, "reject", map[string]any{"reason": pick(s.rnd, "too_busy", "not_found")})
	}
}

func (s *staff) unpack(ctx context.Context) {
	for _, fo := range some(s.rnd, s.list(ctx, "/fulfillment-orders?limit=50&state=packed"), 1) {
		s.act(ctx, "unpack", "/fulfillment-orders/"+fo.ID, "unpack", map[string]any{})
	}
}
