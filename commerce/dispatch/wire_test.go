package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

func (h *house) orders() *order.Service {
	return order.New(order.Needs{
		DB: h.d,
		Resolve: func(_ *db.Tx, wanted []order.Wanted) ([]order.Resolved, error) {
			all := make([]order.Resolved, len(wanted))
			for i, w := range wanted {
				all[i] = order.Resolved{Listing: "listing-" + w.Ref.SKU, Variant: "var-" + w.Ref.SKU, SKU: w.Ref.SKU, Ships: true, Parts: h.kits[w.Ref.SKU], Kit: len(h.kits[w.Ref.SKU]) > 0}
			}
			return all, nil
		},
		Costs: func(*db.Tx, string, []string, time.Time) (map[string]money.Amount, error) {
			return map[string]money.Amount{}, nil
		},
		Rank: func(tx *db.Tx, rs []order.Route) ([][]string, error) {
			all := make([][]string, len(rs))
			for i, r := range rs {
				places, err := h.stock.Ranked(tx, []inventory.Route{{LegalEntity: r.LegalEntity, Country: r.Country, City: r.City}})
				if err != nil {
					return nil, err
				}
				for _, p := range places[0] {
					all[i] = append(all[i], p.LocationID)
				}
			}
			return all, nil
		},
		Reserve: h.stock.Reserve,
		Release: func(tx *db.Tx, gone []order.Released) error {
			var rs []inventory.Release
			for _, g := range gone {
				rs = append(rs, inventory.Release{Holder: stock.ByLine, HolderID: g.LineID, Variant: g.Variant, Quantity: g.Quantity})
			}
			return h.stock.Release(tx, rs)
		},
		Short: h.stock.ShortOf,
		Pay: func(_ *db.Tx, facts []order.Money) (map[string]order.PayState, error) {
			all := map[string]order.PayState{}
			for _, f := range facts {
				all[f.OrderID] = order.Paid
				if f.COD {
					all[f.OrderID] = order.Due
					h.mu.Lock()
					h.cash[f.OrderID] = f.Total
					h.mu.Unlock()
				}
			}
			return all, nil
		},
		Paid:     func(*db.Tx, []string) (map[string][]channel.Payment, error) { return nil, nil },
		Announce: func(*db.Tx, []string) error { return nil }, Void: func(*db.Tx, []string) error { return nil },
		Rules: func(*db.Tx, string, time.Time) (order.Rules, error) {
			return order.Rules{Zone: "Asia/Karachi", UnpaidExpiry: 48 * time.Hour}, nil
		},
		Numbers: func(_ context.Context, prefix string, n int) ([]string, error) {
			var all []string
			for range n {
				all = append(all, fmt.Sprintf("%s-%06d", prefix, numbers.Add(1)))
			}
			return all, nil
		},
		Committed: func(tx *db.Tx, ids []string) (map[string]int64, error) { return h.work.Committed(tx, ids) },
		Withdraw: func(tx *db.Tx, id string, moves []event.UnitsMove, reason string) error {
			return h.work.Withdraw(tx, id, moves, reason)
		},
		Parcels: func(tx *db.Tx, facts []order.ParcelFact) error {
			var all []dispatch.ChannelFact
			for _, f := range facts {
				all = append(all, dispatch.ChannelFact{OrderID: f.OrderID, Parcels: f.Parcels, Units: f.Units, At: f.At})
			}
			return h.dispatch.FromChannel(tx, all)
		},
		Returns: func(*db.Tx, []channel.ReturnChange, string) error { return nil },
	})
}

func (h *house) fulfillment() *fulfillment.Service {
	return fulfillment.New(fulfillment.Needs{
		DB: h.d,
		Orders: func(tx *db.Tx, ids []string, lock bool) (map[string]fulfillment.Order, error) {
			heads, err := h.order.Heads(tx, ids, lock)
			if err != nil {
				return nil, err
			}
			stops, err := h.order.Stops(tx, ids)
			all := map[string]fulfillment.Order{}
			for id, o := range heads {
				all[id] = fulfillment.Order{
					ID: id, Number: o.Number, Account: o.Account, Channel: o.Channel, External: o.External, LegalEntity: o.LegalEntity, Country: o.ShipCountry,
					Province: o.ShipProvince, City: o.ShipCity, Effective: o.Effective(), Held: o.Holds > 0, Stops: stops[id], COD: o.COD, Rank: 1<<62 - o.PlacedAt.UnixMicro(),
					ShipBy: o.ShipBy, DeliverBy: o.DeliverBy, Version: o.Version,
				}
			}
			return all, err
		},
		Lines:  h.lines,
		Grants: func(tx *db.Tx, ids []string) ([]stock.Grant, error) { return h.stock.Grants(tx, ids) },
		Free: func(tx *db.Tx, variants []string) (map[fulfillment.Spot]int64, error) {
			levels, err := h.stock.Levels(tx, inventory.LevelFilter{Variants: variants}, inventory.LevelKey{}, 500)
			all := map[fulfillment.Spot]int64{}
			for _, l := range levels {
				if l.Condition == stock.Sellable {
					all[fulfillment.Spot{Variant: l.Variant, Location: l.Location}] = max(0, l.OnHand-l.Reserved)
				}
			}
			return all, err
		},
		Miss: func(tx *db.Tx, missed []fulfillment.Missed) error {
			var all []inventory.Missed
			for _, m := range missed {
				all = append(all, inventory.Missed(m))
			}
			return h.stock.Miss(tx, all)
		},
		Shift: func(tx *db.Tx, reqs []fulfillment.Shift) error {
			var all []inventory.ShiftReq
			for _, r := range reqs {
				all = append(all, inventory.ShiftReq{Holder: stock.ByLine, HolderID: r.LineID, Variant: r.Variant, From: r.From, To: r.To, Quantity: r.Quantity})
			}
			return h.stock.Shift(tx, all)
		},
		Change: func(tx *db.Tx, gone []fulfillment.Gone, ds []stock.Demand) (stock.Outcome, error) {
			var rs []inventory.Release
			for _, g := range gone {
				rs = append(rs, inventory.Release{Holder: stock.ByLine, HolderID: g.LineID, Variant: g.Variant, Location: g.Location, Quantity: g.Quantity})
			}
			return h.stock.Change(tx, rs, ds)
		},
		Review: func(tx *db.Tx, ids []string) error { return h.order.Review(tx, ids, "sourcing") },
		Adjust: h.stock.Move,
		Rank: func(tx *db.Tx, rs []fulfillment.Route) ([][]fulfillment.Place, error) {
			var routes []inventory.Route
			for _, r := range rs {
				routes = append(routes, inventory.Route(r))
			}
			ranked, err := h.stock.Ranked(tx, routes)
			all := make([][]fulfillment.Place, len(ranked))
			for i := range ranked {
				for _, p := range ranked[i] {
					all[i] = append(all[i], fulfillment.Place{ID: p.LocationID, Code: p.Code, Country: p.Country, LegalEntity: p.LegalEntity, Priority: p.Priority, SameCountry: p.SameCountry, SameCity: p.SameCity})
				}
			}
			return all, err
		},
		Variants: func(_ *db.Tx, codes []string) (map[string]string, error) {
			all := map[string]string{}
			for _, c := range codes {
				if len(c) > 5 && c[:5] == "gtin-" {
					all[c] = "var-" + c[5:]
				}
			}
			return all, nil
		},
		Parcels: func(tx *db.Tx, ps []fulfillment.Parcel) ([]string, error) {
			var all []dispatch.Packed
			for _, p := range ps {
				k := dispatch.Packed{OrderID: p.OrderID, Fulfillment: p.FulfillmentID, Account: p.Account, Location: p.LocationID, WeightG: p.WeightG, DeliverBy: p.DeliverBy}
				for _, l := range p.Lines {
					k.Goods = append(k.Goods, dispatch.Good{LineID: l.LineID, Variant: l.Variant, Quantity: l.Quantity, Whole: l.Whole, Units: l.Units})
				}
				all = append(all, k)
			}
			return h.dispatch.Announce(tx, all)
		},
		StopShipments: func(tx *db.Tx, id string, want []fulfillment.Packed, reason string) ([]fulfillment.Packed, error) {
			goods, err := h.dispatch.Stop(tx, id, unpacked(want), reason)
			return packed(goods), err
		},
		Audit: func(*db.Tx, ...audit.Entry) error { return nil },
	})
}

func unpacked(want []fulfillment.Packed) []dispatch.Good {
	var all []dispatch.Good
	for _, p := range want {
		all = append(all, dispatch.Good{LineID: p.LineID, Variant: p.Variant, Quantity: p.Quantity, Whole: p.Whole, Units: p.Units})
	}
	return all
}

func packed(goods []dispatch.Good) []fulfillment.Packed {
	var all []fulfillment.Packed
	for _, g := range goods {
		all = append(all, fulfillment.Packed{LineID: g.LineID, Variant: g.Variant, Quantity: g.Quantity, Whole: g.Whole, Units: g.Units})
	}
	return all
}

func (h *house) lines(tx *db.Tx, ids []string) (map[string][]event.OpenLine, error) {
	found, err := h.order.Lines(tx, ids)
	all := map[string][]event.OpenLine{}
	for id, lines := range found {
		for _, l := range lines {
			if !l.Ours() {
				continue
			}
			ol := event.OpenLine{LineID: l.ID, External: l.External, Open: l.Open, Variant: l.Variant, SKU: l.SKU, Title: l.Title, Parts: l.Parts}
			for _, u := range l.Units {
				if u.Bucket == order.InOpen {
					ol.Units = append(ol.Units, u.External)
				}
			}
			all[id] = append(all[id], ol)
		}
	}
	return all, err
}

func (h *house) dispatching() *dispatch.Service {
	moves := func(fn func(tx *db.Tx, order string, moves []order.Moved) error) func(*db.Tx, string, []dispatch.Moved) error {
		return func(tx *db.Tx, id string, ms []dispatch.Moved) error {
			var all []order.Moved
			for _, m := range ms {
				all = append(all, order.Moved{LineID: m.LineID, Quantity: m.Quantity, Units: m.Units})
			}
			return fn(tx, id, all)
		}
	}
	goods := func(fn func(tx *db.Tx, id string, goods []fulfillment.Packed) ([]event.UnitsMove, error)) func(*db.Tx, string, []dispatch.Good) ([]dispatch.Moved, error) {
		return func(tx *db.Tx, id string, gs []dispatch.Good) ([]dispatch.Moved, error) {
			units, err := fn(tx, id, packed(gs))
			var all []dispatch.Moved
			for _, u := range units {
				all = append(all, dispatch.Moved(u))
			}
			return all, err
		}
	}
	o := h.order
	return dispatch.New(dispatch.Needs{
		DB: h.d, Log: slog.New(slog.DiscardHandler),
		Orders: func(tx *db.Tx, ids []string, lock bool) (map[string]dispatch.Order, error) {
			heads, err := o.Heads(tx, ids, lock)
			if err != nil {
				return nil, err
			}
			stops, err := o.Stops(tx, ids)
			if err != nil {
				return nil, err
			}
			lines, err := o.Lines(tx, ids)
			all := map[string]dispatch.Order{}
			for id, x := range heads {
				d := dispatch.Order{
					ID: id, Number: x.Number, Account: x.Account, External: x.External, Country: x.ShipCountry, Currency: x.Currency, Zone: x.Zone, State: string(x.State),
					Stops: stops[id], Lines: map[string]string{}, SKUs: map[string]string{}, Goods: map[string]dispatch.Worth{},
				}
				for _, l := range lines[id] {
					d.Lines[l.ID], d.SKUs[l.ID] = l.External, l.SKU
					d.Goods[l.ID] = dispatch.Worth{Ordered: l.Ordered, Open: l.Open, Total: l.Total}
				}
				all[id] = d
			}
			return all, err
		},
		Ship: moves(o.Ship), Unship: moves(o.Unship), Arrive: moves(o.Arrive), Unarrive: moves(o.Unarrive), Turn: moves(o.Turn), Keep: moves(o.Keep), Back: moves(o.Back), Lose: moves(o.Lose),
		Meta: o.Meta, Goods: goods(func(tx *db.Tx, id string, g []fulfillment.Packed) ([]event.UnitsMove, error) {
			return h.work.HandOver(tx, id, g)
		}),
		Ungoods: goods(func(tx *db.Tx, id string, g []fulfillment.Packed) ([]event.UnitsMove, error) {
			return h.work.TakeBack(tx, id, g)
		}),
		Waiting: func(tx *db.Tx, id string) ([]dispatch.Good, error) {
			found, err := h.work.Waiting(tx, id)
			var all []dispatch.Good
			for _, p := range found {
				all = append(all, dispatch.Good{LineID: p.LineID, Variant: p.Variant, Quantity: p.Quantity})
			}
			return all, err
		},
		SKUs: func(_ *db.Tx, ids []string) (map[string]string, error) {
			all := map[string]string{}
			for _, id := range ids {
				all[id] = strings.TrimPrefix(id, "var-")
			}
			return all, nil
		},
		Stock: h.stock.Move,
		CashDue: func(_ *db.Tx, ids []string) (map[string]money.Amount, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			all := map[string]money.Amount{}
			for _, id := range ids {
				if c := h.cash[id]; c > 0 {
					all[id] = money.Of(c, "PKR")
				}
			}
			return all, nil
		},
		CashStep: func(*db.Tx, string, string) (int64, error) { return h.step, nil },
		Cash: func(_ *db.Tx, facts []dispatch.CashFact) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, f := range facts {
				if f.What == dispatch.CashDue {
					h.cash[f.OrderID] += f.Cash
				} else {
					h.cash[f.OrderID] -= f.Cash
				}
			}
			h.money = append(h.money, facts...)
			return nil
		},
		Returning: func(_ *db.Tx, facts []dispatch.Homecoming) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.home = append(h.home, facts...)
			return nil
		},
		Choose: func(_ *db.Tx, wanted []dispatch.Wanted) ([]dispatch.Choice, error) {
			all := make([]dispatch.Choice, len(wanted))
			for i := range all {
				all[i] = h.choice
			}
			return all, nil
		},
		Places: func(tx *db.Tx, ids []string) (map[string]dispatch.Place, error) {
			found, err := h.stock.Locations(tx, ids...)
			all := map[string]dispatch.Place{}
			for _, l := range found {
				all[l.ID] = dispatch.Place{ID: l.ID, Code: l.Code, Name: l.Name}
			}
			return all, err
		},
		Courier: func(_ context.Context, name string) (courier.Courier, courier.Kind, error) {
			c := h.couries[name]
			if c == nil {
				return nil, courier.Kind{}, fault.New(fault.NotFound, "there is no courier %q", name)
			}
			return c, courier.Kind{Name: name, Title: name, Zone: "Asia/Karachi", Cash: []courier.CashRule{{Currency: "PKR", Step: h.step}}}, nil
		},
		Parcel: func(_ context.Context, ask dispatch.ParcelAsk) (courier.Parcel, error) {
			return courier.Parcel{Number: ask.Shipment.Number, To: courier.Address{Name: "Buyer", City: "Lahore", Country: "PK"}}, nil
		},
		Seal: func(plain []byte, bound string) (privacy.Sealed, error) {
			return privacy.Sealed{KeyID: db.ID(), Box: append([]byte(bound+"|"), plain...)}, nil
		},
		KeepKeys: func(*db.Tx, []privacy.Sealed) error { return nil },
		Open: func(_ *db.Tx, _ string, box []byte, bound string) ([]byte, error) {
			return box[len(bound)+1:], nil
		},
		Audit: func(*db.Tx, ...audit.Entry) error { return nil },
	})
}
