package fulfillment

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Consumers are what fulfillment takes from the events.
func (s *Service) Consumers() []outbox.Consumer { return []outbox.Consumer{s.Sourcer()} }

// Sourcer is the consumer that keeps fulfillment in step with orders: it sources what is ready and stops what a hold stops. It looks at the
// order as it is now, so that events told twice or late do no harm.
func (s *Service) Sourcer() outbox.Consumer {
	return outbox.Consumer{
		Name: "fulfillment.source", Types: []string{event.OrderReady, event.OrderChanged, event.OrderHeld, event.FulfillmentRejected},
		Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			var orders []string
			for _, e := range batch {
				orders = append(orders, e.Order)
			}
			return s.Source(tx, orders)
		},
	}
}

// Source gives the reserved units of ready orders that no location works on yet to their locations: one fulfillment order for each, with the
// explained decision. Units move to one location when it can take all of them, and away from one that is switched off or has turned them down. Work moves to where the units
// lie once a fact has taken them from where it was begun.
// What a person's or buyer's hold stops is held, and goes on when the hold is gone. Repeating it changes nothing.
func (s *Service) Source(tx *db.Tx, orders []string) error {
	heads, err := s.lock(tx, orders...)
	if err != nil || len(heads) == 0 {
		return err
	}
	ids := slices.Sorted(maps.Keys(heads))
	known, err := ofOrders(tx, ids)
	if err != nil {
		return err
	}
	if err := s.followOrders(tx, heads, known); err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return !heads[id].Effective })
	all, err := s.sourcings(tx, ids, heads, known)
	if err != nil {
		return err
	}
	if err := s.place(tx, all); err != nil {
		return err
	}
	if err := s.followStock(tx, all); err != nil {
		return err
	}
	return s.create(tx, all)
}

// followOrders holds and releases what is under way, and takes over deadlines.
func (s *Service) followOrders(tx *db.Tx, heads map[string]Order, known map[string][]*FO) error {
	var changed []*FO
	for _, id := range slices.Sorted(maps.Keys(known)) {
		h := heads[id]
		for _, f := range known[id] {
			if !f.live() {
				continue
			}
			was := *f
			f.ShipBy, f.DeliverBy = h.ShipBy, h.DeliverBy
			byOrder := strings.HasPrefix(f.HeldReason, orderHold)
			switch {
			case len(h.Stops) > 0 && f.State != Held:
				f.HeldFrom, f.HeldReason, f.State = f.State, orderHold+strings.Join(h.Stops, ", "), Held
			case len(h.Stops) == 0 && f.State == Held && byOrder:
				if err := f.unhold(tx.Now); err != nil {
					return err
				}
			}
			if was.State != f.State || !was.ShipBy.Equal(f.ShipBy) || !was.DeliverBy.Equal(f.DeliverBy) {
				f.by = "system"
				changed = append(changed, f)
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return save(tx, changed...)
}

// orderHold begins the reason of a hold that came from the order and goes with it.
const orderHold = "order: "

// sourcing is the decision about one order in the making.
type sourcing struct {
	order  Order
	lines  []event.OpenLine
	known  []*FO
	places []Place
	grants map[key]int64
	loose  map[key]int64 // reserved, and no location works on it
	astray []astray
	down   map[key]string // turned down there, and why
	free   map[Spot]int64
	target string // the one location that takes all
	fixed  bool   // a person chose the location
}

// astray is units that a location works on while their reservation lies elsewhere.
type astray struct {
	at   key    // where the reservation lies
	goal string // where the work is
	n    int64
}

// key is a part of an order line at a location.
type key struct{ line, variant, location string }

func (s *Service) sourcings(tx *db.Tx, ids []string, heads map[string]Order, known map[string][]*FO) ([]*sourcing, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	lines, err := s.need.Lines(tx, ids)
	if err != nil {
		return nil, err
	}
	routes := make([]Route, len(ids))
	for i, id := range ids {
		h := heads[id]
		routes[i] = Route{h.LegalEntity, h.Account, h.Country, h.Province, h.City}
	}
	ranked, err := s.need.Rank(tx, routes)
	if err != nil {
		return nil, err
	}
	var all []*sourcing
	byLine := map[string]*sourcing{}
	for i, id := range ids {
		src := &sourcing{order: heads[id], lines: lines[id], known: known[id], places: ranked[i]}
		src.turnedDown()
		all = append(all, src)
		for _, l := range src.lines {
			byLine[l.LineID] = src
		}
	}
	return all, s.grants(tx, all, byLine)
}

// grants reads what is reserved and finds what nobody works on yet.
func (s *Service) grants(tx *db.Tx, all []*sourcing, byLine map[string]*sourcing) error {
	var ids []string
	for _, src := range all {
		ids = append(ids, src.order.ID)
		src.grants = map[key]int64{}
	}
	gs, err := s.need.Grants(tx, ids)
	if err != nil {
		return err
	}
	var variants []string
	for _, g := range gs {
		if src := byLine[g.HolderID]; src != nil && g.Quantity > 0 {
			src.grants[key{g.HolderID, g.Variant, g.Location}] += g.Quantity
			variants = append(variants, g.Variant)
		}
	}
	free, err := s.need.Free(tx, distinct(variants))
	for _, src := range all {
		src.free = free
		src.findLoose()
	}
	return err
}

// findLoose takes what locations work on from what is reserved, line by line: what is reserved elsewhere counts too.
func (src *sourcing) findLoose() {
	src.loose, src.astray = maps.Clone(src.grants), nil
	var over []key
	for _, f := range src.known {
		if !f.live() {
			continue
		}
		for _, l := range f.Lines {
			k := key{l.LineID, l.Variant, f.Location}
			src.loose[k] -= l.Quantity - l.Shipped
			over = append(over, k)
		}
	}
	for _, k := range over { // a location works on more than is reserved there: the units are reserved elsewhere
		for _, other := range sortedKeys(src.loose) {
			if src.loose[k] >= 0 {
				break
			}
			if n := min(-src.loose[k], src.loose[other]); other.line == k.line && other.variant == k.variant && n > 0 {
				src.loose[k] += n
				src.loose[other] -= n
				src.astray = append(src.astray, astray{other, k.location, n})
			}
		}
	}
	maps.DeleteFunc(src.loose, func(_ key, n int64) bool { return n <= 0 })
}

// turnedDown notes where a location has said no, or did not find the goods.
func (src *sourcing) turnedDown() {
	src.down = map[key]string{}
	for _, f := range src.known {
		for _, l := range f.Lines {
			if f.State == Rejected {
				src.down[key{l.LineID, l.Variant, f.Location}] = f.HeldReason
			} else if l.Short > 0 {
				src.down[key{l.LineID, l.Variant, f.Location}] = "not found there"
			}
		}
	}
}

// allowed lists where a part of a line may come from, best first.
func (src *sourcing) allowed(line, variant string) []string {
	var ids []string
	for _, p := range src.places {
		if src.down[key{line, variant, p.ID}] == "" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// create writes a fulfillment order per location for what is loose at a location that may fulfil it.
func (s *Service) create(tx *db.Tx, all []*sourcing) error {
	var made []*FO
	var evs []outbox.Event
	var nowhere []exception.Case
	var clear []exception.Key
	for _, src := range all {
		if src.order.Held {
			continue
		}
		fos, left := src.build()
		for _, f := range fos {
			e := f.event(event.FulfillmentCreated, tx.Now, Fact{Lines: f.facts()})
			e.Fresh = true
			evs = append(evs, e)
		}
		made = append(made, fos...)
		k := exception.Key{Cause: exception.NoLocation, SubjectKind: "order", Subject: src.order.ID}
		switch {
		case left > 0 && src.fixed:
		case left > 0:
			nowhere = append(nowhere, exception.Case{
				Cause: k.Cause, SubjectKind: k.SubjectKind, Subject: k.Subject, Order: src.order.ID, Account: src.order.Account,
				Detail: map[string]any{"number": src.order.Number, "units": left},
			})
		case len(fos) > 0:
			clear = append(clear, k)
			for _, f := range src.known {
				if f.State == Rejected {
					clear = append(clear, exception.Key{Cause: exception.FulfillmentRejected, SubjectKind: "fulfillment", Subject: f.ID})
				}
			}
		}
	}
	if err := insert(tx, made); err != nil {
		return err
	}
	if err := outbox.Append(tx, evs...); err != nil {
		return err
	}
	if err := exception.Raise(tx, nowhere...); err != nil {
		return err
	}
	return exception.Clear(tx, "sourcing", "a location has it now", clear...)
}

// build makes the fulfillment orders of one order, and counts the units that no location may fulfil.
func (src *sourcing) build() (fos []*FO, left int64) {
	at := map[string]*FO{}
	free := src.freeUnits()
	for _, k := range sortedKeys(src.loose) {
		l := src.line(k.line)
		p := slices.IndexFunc(src.places, func(p Place) bool { return p.ID == k.location })
		if l == nil || p < 0 || src.down[k] != "" {
			left += src.loose[k]
			continue
		}
		f := at[k.location]
		if f == nil {
			f = src.head(src.places[p], len(src.known)+len(fos)+1)
			at[k.location] = f
			fos = append(fos, f)
		}
		line := Line{ID: db.ID(), FO: f.ID, LineID: k.line, Variant: k.variant, Quantity: src.loose[k], PerLine: perLine(l, k.variant)}
		line.SKU, line.Title = named(l, k.variant)
		line.Units = take(free, [2]string{k.line, k.variant}, line.Quantity/line.PerLine)
		f.Lines = append(f.Lines, line)
	}
	for _, f := range fos {
		f.Decision = src.decide(f, len(fos))
	}
	return fos, left
}

func (src *sourcing) head(p Place, n int) *FO {
	o := &src.order
	return &FO{
		ID: db.ID(), OrderID: o.ID, Number: o.Number + "-F" + strconv.Itoa(n), Account: o.Account, Location: p.ID, LegalEntity: p.LegalEntity, Country: o.Country,
		State: Fresh, ShipBy: o.ShipBy, DeliverBy: o.DeliverBy, COD: o.COD, Version: 1,
	}
}

// freeUnits are the channel's ids of open units that no location works on, by line and part.
func (src *sourcing) freeUnits() map[[2]string][]string {
	taken := map[[3]string]bool{}
	for _, f := range src.known {
		if !f.live() {
			continue
		}
		for _, l := range f.Lines {
			for _, u := range l.Units {
				taken[[3]string{l.LineID, l.Variant, u}] = true
			}
		}
	}
	free := map[[2]string][]string{}
	for i := range src.lines {
		l := &src.lines[i]
		for _, p := range parts(l) {
			for _, u := range l.Units {
				if !taken[[3]string{l.LineID, p.Variant, u}] {
					k := [2]string{l.LineID, p.Variant}
					free[k] = append(free[k], u)
				}
			}
		}
	}
	return free
}

func take(free map[[2]string][]string, k [2]string, n int64) []string {
	n = min(n, int64(len(free[k])))
	got := free[k][:n:n]
	free[k] = free[k][n:]
	return got
}

func sortedKeys(m map[key]int64) []key {
	return slices.SortedFunc(maps.Keys(m), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.variant, b.variant), cmp.Compare(a.location, b.location))
	})
}

// compact keeps the first of each.
func compact(ids []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}
