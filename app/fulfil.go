package app

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// fulfilment makes the contexts that get goods out and back: fulfillment, dispatch, returns.
func (a *App) fulfilment(context.Context) error {
	a.Fulfillment = fulfillment.New(a.fulfillmentNeeds())
	a.Dispatch = dispatch.New(a.dispatchNeeds())
	a.Returns = a.newReturns()
	return nil
}

// fulfillmentNeeds is what fulfillment gets from its neighbours.
func (a *App) fulfillmentNeeds() fulfillment.Needs {
	return fulfillment.Needs{
		DB: a.DB, Orders: a.ordersToFulfil, Lines: a.Order.OpenLines, Grants: a.Inventory.Grants, Free: a.free, Adjust: a.Inventory.Move, Shelves: a.Inventory.Shelves,
		Shift: func(tx *db.Tx, reqs []fulfillment.Shift) error {
			all := make([]inventory.ShiftReq, len(reqs))
			for i, r := range reqs {
				all[i] = inventory.ShiftReq{Holder: stock.ByLine, HolderID: r.LineID, Variant: r.Variant, From: r.From, To: r.To, Quantity: r.Quantity}
			}
			return a.Inventory.Shift(tx, all)
		},
		Miss: func(tx *db.Tx, missed []fulfillment.Missed) error {
			all := make([]inventory.Missed, len(missed))
			for i, m := range missed {
				all[i] = inventory.Missed(m)
			}
			return a.Inventory.Miss(tx, all)
		},
		Change: func(tx *db.Tx, gone []fulfillment.Gone, ds []stock.Demand) (stock.Outcome, error) {
			all := make([]inventory.Release, len(gone))
			for i, g := range gone {
				all[i] = inventory.Release{Holder: stock.ByLine, HolderID: g.LineID, Variant: g.Variant, Location: g.Location, Quantity: g.Quantity}
			}
			return a.Inventory.Change(tx, all, ds)
		},
		Rank: func(tx *db.Tx, routes []fulfillment.Route) ([][]fulfillment.Place, error) {
			q := make([]inventory.Route, len(routes))
			for i, r := range routes {
				q[i] = inventory.Route(r)
			}
			ranked, err := a.Inventory.Ranked(tx, q)
			all := make([][]fulfillment.Place, len(ranked))
			for i, ps := range ranked {
				for _, p := range ps {
					all[i] = append(all[i], fulfillment.Place{ID: p.LocationID, Code: p.Code, Country: p.Country, LegalEntity: p.LegalEntity, Priority: p.Priority, SameCountry: p.SameCountry, SameCity: p.SameCity})
				}
			}
			return all, err
		},
		Variants: a.Catalog.ByCode,
		Parcels: func(tx *db.Tx, ps []fulfillment.Parcel) ([]string, error) {
			all := make([]dispatch.Packed, len(ps))
			for i, p := range ps {
				all[i] = dispatch.Packed{OrderID: p.OrderID, Fulfillment: p.FulfillmentID, Account: p.Account, Location: p.LocationID, WeightG: p.WeightG, DeliverBy: p.DeliverBy}
				for _, l := range p.Lines {
					all[i].Goods = append(all[i].Goods, good(l))
				}
			}
			return a.Dispatch.Announce(tx, all)
		},
		StopShipments: func(tx *db.Tx, id string, want []fulfillment.Packed, why string) ([]fulfillment.Packed, error) {
			goods := make([]dispatch.Good, len(want))
			for i, p := range want {
				goods[i] = good(p)
			}
			stopped, err := a.Dispatch.Stop(tx, id, goods, why)
			var all []fulfillment.Packed
			for _, g := range stopped {
				all = append(all, fulfillment.Packed{LineID: g.LineID, Variant: g.Variant, Quantity: g.Quantity, Whole: g.Whole, Units: g.Units})
			}
			return all, err
		},
		Review: func(tx *db.Tx, ids []string) error { return a.Order.Review(tx, ids, "sourcing") },
		Audit:  a.Audit.Write,
	}
}

func good(p fulfillment.Packed) dispatch.Good {
	return dispatch.Good{LineID: p.LineID, Variant: p.Variant, Quantity: p.Quantity, Whole: p.Whole, Units: p.Units}
}

func packed(goods []dispatch.Good) []fulfillment.Packed {
	all := make([]fulfillment.Packed, len(goods))
	for i, g := range goods {
		all[i] = fulfillment.Packed{LineID: g.LineID, Variant: g.Variant, Quantity: g.Quantity, Whole: g.Whole, Units: g.Units}
	}
	return all
}

func (a *App) ordersToFulfil(tx *db.Tx, ids []string, lock bool) (map[string]fulfillment.Order, error) {
	heads, err := a.Order.Heads(tx, ids, lock)
	if err != nil {
		return nil, err
	}
	stops, err := a.Order.Stops(tx, ids)
	if err != nil {
		return nil, err
	}
	held, err := a.Order.Blocked(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[string]fulfillment.Order, len(heads))
	for id, h := range heads {
		all[id] = fulfillment.Order{
			ID: id, Number: h.Number, Account: h.Account, Channel: h.Channel, External: h.External, LegalEntity: h.LegalEntity, Country: h.ShipCountry, Province: h.ShipProvince,
			City: h.ShipCity, Effective: h.Effective(), Held: len(held[id]) > 0, Stops: stops[id], COD: h.COD, Rank: order.RankOf(h), ShipBy: h.ShipBy, DeliverBy: h.DeliverBy, Version: h.Version,
		}
	}
	return all, nil
}

// free counts what an order already sold could still take: safety stock may be used.
func (a *App) free(tx *db.Tx, variants []string) (map[fulfillment.Spot]int64, error) {
	got, err := a.Inventory.Free(tx, variants)
	all := make(map[fulfillment.Spot]int64, len(got))
	for k, n := range got {
		all[fulfillment.Spot{Variant: k.Variant, Location: k.Location}] = n
	}
	return all, err
}

// moves turns parcels' units into the order's.
func moves(all []dispatch.Moved) []order.Moved {
	out := make([]order.Moved, len(all))
	for i, m := range all {
		out[i] = order.Moved{LineID: m.LineID, Quantity: m.Quantity, Units: m.Units}
	}
	return out
}

func unitMoves(all []event.UnitsMove) []order.Moved {
	out := make([]order.Moved, len(all))
	for i, m := range all {
		out[i] = order.Moved{LineID: m.LineID, Quantity: m.Quantity, Units: m.Units}
	}
	return out
}

func movedBy(all []event.UnitsMove, err error) ([]dispatch.Moved, error) {
	out := make([]dispatch.Moved, len(all))
	for i, m := range all {
		out[i] = dispatch.Moved(m)
	}
	return out, err
}

// dispatchNeeds is what dispatch gets from its neighbours.
func (a *App) dispatchNeeds() dispatch.Needs {
	step := func(f func(*db.Tx, string, []order.Moved) error) func(*db.Tx, string, []dispatch.Moved) error {
		return func(tx *db.Tx, id string, ms []dispatch.Moved) error { return f(tx, id, moves(ms)) }
	}
	return dispatch.Needs{
		DB: a.DB, Log: a.Log, Orders: a.ordersToSend, Meta: a.Order.Meta,
		Ship: step(a.Order.Ship), Unship: step(a.Order.Unship), Arrive: step(a.Order.Arrive), Unarrive: step(a.Order.Unarrive),
		Turn: step(a.Order.Turn), Keep: step(a.Order.Keep), Back: step(a.Order.Back), Lose: step(a.Order.Lose),
		Goods: func(tx *db.Tx, id string, goods []dispatch.Good) ([]dispatch.Moved, error) {
			return movedBy(a.Fulfillment.HandOver(tx, id, packed(goods)))
		},
		Ungoods: func(tx *db.Tx, id string, goods []dispatch.Good) ([]dispatch.Moved, error) {
			return movedBy(a.Fulfillment.TakeBack(tx, id, packed(goods)))
		},
		Waiting: func(tx *db.Tx, id string) ([]dispatch.Good, error) {
			found, err := a.Fulfillment.Waiting(tx, id)
			all := make([]dispatch.Good, len(found))
			for i, p := range found {
				all[i] = good(p)
			}
			return all, err
		},
		Stock: a.Inventory.Move, CashDue: a.Payment.CashDue, CashStep: a.waybillStep, Cash: a.cash, Returning: a.homecoming, Choose: a.chooseCourier,
		Places: func(tx *db.Tx, ids []string) (map[string]dispatch.Place, error) {
			all := map[string]dispatch.Place{}
			if len(ids) == 0 {
				return all, nil
			}
			ls, err := a.Inventory.Locations(tx, ids...)
			for _, l := range ls {
				all[l.ID] = dispatch.Place{ID: l.ID, Code: l.Code, Name: l.Name}
			}
			return all, err
		},
		SKUs: func(tx *db.Tx, ids []string) (map[string]string, error) {
			vs, err := a.Catalog.ByID(tx, ids)
			all := make(map[string]string, len(vs))
			for id, v := range vs {
				all[id] = v.SKU
			}
			return all, err
		},
		Courier: a.courier, Parcel: a.parcelFor,
		Seal:     a.Privacy.Seal,
		KeepKeys: a.Privacy.Write,
		Open: func(tx *db.Tx, key string, box []byte, bound string) ([]byte, error) {
			keys, err := a.Privacy.Keys(tx, []string{key})
			if err != nil {
				return nil, err
			}
			return keys.Open(key, box, bound)
		},
		Audit: a.Audit.Write,
	}
}

func (a *App) ordersToSend(tx *db.Tx, ids []string, lock bool) (map[string]dispatch.Order, error) {
	heads, err := a.Order.Heads(tx, ids, lock)
	if err != nil {
		return nil, err
	}
	stops, err := a.Order.Stops(tx, ids)
	if err != nil {
		return nil, err
	}
	lines, err := a.Order.Lines(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[string]dispatch.Order, len(heads))
	for id, h := range heads {
		o := dispatch.Order{
			ID: id, Number: h.Number, Account: h.Account, External: h.External, Country: h.Country, Currency: h.Currency, Zone: h.Zone, State: string(h.State),
			Stops: stops[id], Lines: map[string]string{}, SKUs: map[string]string{}, Goods: map[string]dispatch.Worth{},
		}
		for _, l := range lines[id] {
			o.Lines[l.ID], o.SKUs[l.ID] = l.External, l.SKU
			if l.Ships && l.FulfilledBy == channel.Seller {
				o.Goods[l.ID] = dispatch.Worth{Ordered: l.Ordered, Open: l.Open, Total: l.Total}
			}
		}
		all[id] = o
	}
	return all, nil
}

// waybillStep is the step of a country's cash, which no waybill breaks.
func (a *App) waybillStep(tx *db.Tx, country, _ string) (int64, error) {
	r, err := a.Policy.Rules(tx, country, "", tx.Now)
	return r.CashStep, err
}

// cash tells payments what became of the parcels' cash on delivery.
func (a *App) cash(tx *db.Tx, facts []dispatch.CashFact) error {
	for _, f := range facts {
		var err error
		c := payment.Parcel{Order: f.OrderID, Shipment: f.ShipmentID, Cash: f.Cash}
		switch f.What {
		case dispatch.CashCollected:
			err = a.Payment.Collected(tx, c, payment.Presumed, f.At)
		case dispatch.CashDue:
			err = a.Payment.Uncollect(tx, c, f.At)
		default:
			err = a.Payment.Uncollected(tx, c, f.At)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CashTold takes what a courier's statement says of the cash of one parcel, by its tracking number. Faults: NotFound when no parcel has the number; those of payment.Move.
func (a *App) CashTold(tx *db.Tx, carrier, tracking string, f payment.CashFact) error {
	sh, err := a.Dispatch.ByNumber(tx, carrier, tracking)
	if err != nil {
		return err
	}
	f.Order, f.Shipment, f.Cash = sh.OrderID, sh.ID, sh.Cash.Minor
	return a.Payment.Move(tx, f)
}

// parcels hands what channels say about parcels to dispatch.
func (a *App) parcels(tx *db.Tx, facts []order.ParcelFact) error {
	all := make([]dispatch.ChannelFact, len(facts))
	for i, f := range facts {
		all[i] = dispatch.ChannelFact{OrderID: f.OrderID, Parcels: f.Parcels, Units: f.Units, At: f.At}
	}
	return a.Dispatch.FromChannel(tx, all)
}

// chooseCourier says where waybill and label of each parcel come from: the channel where it gives them, else the account's or the location's courier.
func (a *App) chooseCourier(tx *db.Tx, wanted []dispatch.Wanted) ([]dispatch.Choice, error) {
	all := make([]dispatch.Choice, len(wanted))
	for i, w := range wanted {
		acc, err := a.Connect.Account(tx, w.Account)
		if err != nil {
			return nil, err
		}
		kind, _ := a.kind(acc.Channel)
		switch {
		case kind.Parcels == channel.ParcelTheirs && !channel.PlacedHere(w.External):
			all[i] = dispatch.Choice{Theirs: true}
		case acc.Settings["courier"] != "":
			all[i] = dispatch.Choice{Courier: acc.Settings["courier"], Service: acc.Settings["courier_service"]}
		default:
			all[i] = dispatch.Choice{Courier: a.Config.Courier}
		}
	}
	return all, nil
}

func (a *App) kind(name string) (channel.Kind, bool) {
	for _, k := range a.Connect.Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return channel.Kind{}, false
}
