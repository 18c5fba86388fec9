package demo

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Deliver takes so many paid orders of pk-shop that nobody has touched all the way to their buyers, and answers their ids.
func (s *Stage) Deliver(ctx context.Context, n int) (orders []string, err error) {
	works, err := s.works(ctx)
	if err != nil {
		return nil, err
	}
	var done atomic.Int64
	for _, w := range works {
		if len(orders) == n {
			break
		}
		paid := false
		if err := s.App.DB.Read(ctx, func(tx *db.Tx) error {
			heads, err := s.App.Order.Heads(tx, []string{w.OrderID}, false)
			paid = heads[w.OrderID].PayState == "paid" && heads[w.OrderID].Account == s.play.stalls[0].account()
			return err
		}); err != nil {
			return nil, err
		}
		if !paid {
			continue
		}
		if err := s.play.pick(ctx, w.ID, &done); err != nil {
			return nil, err
		}
		orders = append(orders, w.OrderID)
	}
	if err := s.Settle(ctx); err != nil {
		return nil, err
	}
	for _, id := range orders {
		if err := s.deliver(ctx, id, &done); err != nil {
			return nil, err
		}
	}
	return orders, s.Settle(ctx)
}

// deliver hands the parcels of an order over and has each reach its buyer.
func (s *Stage) deliver(ctx context.Context, order string, done *atomic.Int64) error {
	var parcels []dispatch.Shipment
	if err := s.App.DB.Read(ctx, func(tx *db.Tx) (err error) {
		parcels, err = s.App.Dispatch.Of(tx, order)
		return err
	}); err != nil {
		return err
	}
	for _, p := range parcels {
		if err := s.play.handOver(ctx, p.ID, done); err != nil {
			return err
		}
		err := s.App.DB.Write(ctx, func(tx *db.Tx) error {
			at := tx.Now.Add(time.Second)
			_, err := s.App.Dispatch.Scan(tx, []dispatch.ScanFact{{Shipment: p.ID, Source: dispatch.BySeller, Actor: "demo staff", Scan: courier.Scan{
				Status: courier.Delivered, Raw: "delivered", At: at, RawAt: at.Format(time.RFC3339),
			}}})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Back has buyers send things back: one return to decide, one expected, one on the way, one to inspect, one to refund, one exchange.
func (s *Stage) Back(ctx context.Context) error {
	orders, err := s.Deliver(ctx, 6)
	if err != nil {
		return err
	}
	var at inventory.Location
	if err := s.App.DB.Read(ctx, func(tx *db.Tx) (err error) {
		at, err = s.App.Inventory.LocationByCode(tx, "PK-LHE-WH")
		return err
	}); err != nil {
		return err
	}
	back, reasons := s.App.Returns, []string{"too small", "not as pictured", "came too late", "damaged on arrival", "changed my mind", "wrong colour"}
	for i, id := range orders {
		ask := returns.Ask{Order: id, Reason: reasons[i], By: "buyer", Approve: i > 0, Actor: "demo staff"}
		if i == 5 {
			ask.Kind = returns.KindExchange
		}
		r, err := back.Request(ctx, ask)
		if err == nil && i >= 2 && i < 5 {
			r, err = back.SentBack(ctx, r.ID, 0, "TCS", "TCS-"+r.Number, "demo staff")
		}
		if err == nil && (i == 3 || i == 4) {
			r, err = back.Receive(ctx, r.ID, 0, returns.Receipt{Location: at.ID, Actor: "demo staff"})
		}
		if err == nil && i == 4 {
			var all []returns.Verdict
			for _, l := range r.Lines {
				all = append(all, returns.Verdict{LineID: l.LineID, Quantity: l.Waiting, Disposition: "sellable"})
			}
			_, err = back.Inspect(ctx, r.ID, 0, all, "demo staff")
		}
		if err != nil {
			return err
		}
	}
	return s.Settle(ctx)
}
