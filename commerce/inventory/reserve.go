package inventory

import (
	"cmp"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Release gives back a holder's reservation.
type Release struct {
	Holder   stock.HolderKind
	HolderID string
	Variant  string // "" = every variant the holder has
	Location string // "" = any; shortages shrink first, then the smallest reservation
	Quantity int64  // of each variant; 0 = all
}

// Reserve takes stock for demands, decided together: those of higher rank first, an order's demands at one location where one has them all,
// else in the order of Prefer, spilling over. A demand asks for a total: what the holder has already counts, so that a repeat changes nothing.
// What is not there becomes the holder's shortage, with one case, when the demand is Partial; otherwise nothing new is kept for that holder.
// A demand that converts takes over the cart's units first, and what is left of the cart's hold is given back.
// Fault: Invalid for a demand without holder or variant, or with a negative quantity.
func (s *Service) Reserve(tx *db.Tx, ds []stock.Demand) (stock.Outcome, error) {
	return s.Change(tx, nil, ds)
}

// Release gives reservations back. What is not there any more is no error; releasing all is safe to repeat.
func (s *Service) Release(tx *db.Tx, rs []Release) error {
	_, err := s.Change(tx, rs, nil)
	return err
}

// Change gives back and then takes, in one step. A transaction that does both calls this once, since the levels of everything that changes
// are locked together, in key order.
func (s *Service) Change(tx *db.Tx, rs []Release, ds []stock.Demand) (stock.Outcome, error) {
	asks, err := gather(ds)
	if err != nil {
		return stock.Outcome{}, err
	}
	sc := newScope()
	for _, r := range rs {
		if r.HolderID == "" || r.Quantity < 0 {
			return stock.Outcome{}, fault.New(fault.Invalid, "a release names its holder, and no negative quantity")
		}
		sc.holders[holder{r.Holder, r.HolderID}] = true
	}
	for _, a := range asks {
		a.addTo(sc)
	}
	if len(sc.holders) == 0 {
		return stock.Outcome{}, nil
	}
	b, err := read(tx, sc)
	if err != nil {
		return stock.Outcome{}, err
	}
	for _, r := range rs {
		b.release(r)
	}
	out := b.reserve(asks)
	return out, b.save()
}

// release gives back, shortages first.
func (b *book) release(r Release) {
	for _, w := range b.wantsOf(holder{r.Holder, r.HolderID}, r.Variant) {
		left := r.Quantity
		if left == 0 {
			left = 1 << 62
		}
		if r.Location == "" {
			left = b.shrinkLack(w, left)
		}
		b.drop(w, r.Location, left)
	}
}

// wantsOf lists the variants a holder has or lacks.
func (b *book) wantsOf(h holder, variant string) []want {
	if variant != "" {
		return []want{{h, variant}}
	}
	seen := map[want]bool{}
	for w := range b.holdings {
		seen[w] = seen[w] || w.holder == h
	}
	for w := range b.lacks {
		seen[w] = seen[w] || w.holder == h
	}
	var all []want
	for w, of := range seen {
		if of {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, compareWants)
	return all
}

// drop gives back up to n reserved units, at one location or wherever they are, and returns what was not there.
func (b *book) drop(w want, location string, n int64) int64 {
	for _, h := range b.holdingsOf(w) {
		if h.quantity == 0 || location != "" && h.location != location {
			continue
		}
		off := min(n, h.quantity)
		b.hold(w, h.location, -off, h)
		if n -= off; n == 0 {
			break
		}
	}
	return n
}

// ask is what all demands of one call want of one variant for one holder.
type ask struct {
	stock.Demand
	want
	missing int64 // what could not be had
	given   int64 // what was taken and given up again, because the holder wants all or nothing
	takes   []take
}

// take is a step that can be taken back.
type take struct {
	location string
	quantity int64
	from     *holding // the cart's hold it was converted from; nil: from what was free
}

// gather sums demands per holder and variant, and orders them: highest rank first.
func gather(ds []stock.Demand) ([]*ask, error) {
	sums := map[want]*ask{}
	var all []*ask
	for i, d := range ds {
		switch {
		case d.HolderID == "" || d.Holder == "" || d.Variant == "":
			return nil, fault.Field(fieldOf("demands", i), "a demand names its holder and variant")
		case d.Quantity < 0:
			return nil, fault.Field(fieldOf("demands", i)+".quantity", "must not be negative, is %d", d.Quantity)
		}
		w := of(d.Holder, d.HolderID, d.Variant)
		if have := sums[w]; have != nil {
			have.Quantity += d.Quantity
			continue
		}
		sums[w] = &ask{Demand: d, want: w}
		all = append(all, sums[w])
	}
	slices.SortStableFunc(all, func(x, y *ask) int {
		return cmp.Or(-cmp.Compare(x.Rank, y.Rank), cmp.Compare(x.group(), y.group()), compareWants(x.want, y.want))
	})
	return all, nil
}

// group is what is best sent from one place: an order, or a cart.
func (a *ask) group() string { return cmp.Or(a.OrderID, a.HolderID) }

func (a *ask) addTo(sc scope) {
	sc.holders[a.holder] = true
	if a.Convert != "" {
		sc.holders[holder{stock.ByCart, a.Convert}] = true
	}
	for _, location := range a.Prefer {
		key := sellable(a.variant, location)
		sc.spots[key] = sc.spots[key] || false
	}
}

// reserve serves asks in their order, and says what became of every unit.
func (b *book) reserve(asks []*ask) stock.Outcome {
	for _, a := range asks {
		a.missing = max(0, a.Quantity-b.held(a.want))
		b.convert(a)
	}
	for start := 0; start < len(asks); {
		end := start + 1
		for end < len(asks) && asks[end].group() == asks[start].group() && asks[end].Rank == asks[start].Rank {
			end++
		}
		b.serve(asks[start:end])
		start = end
	}
	b.dropCarts(asks)
	return b.outcome(asks)
}

// convert takes over a cart's units where they lie.
func (b *book) convert(a *ask) {
	if a.Convert == "" {
		return
	}
	for _, h := range b.holdingsOf(of(stock.ByCart, a.Convert, a.variant)) {
		n := min(a.missing, h.quantity)
		if n == 0 {
			continue
		}
		b.hold(h.want, h.location, -n, h)
		b.take(a, h.location, n, h)
	}
}

// dropCarts gives back what converted carts still hold: their orders did not want it.
func (b *book) dropCarts(asks []*ask) {
	for _, a := range asks {
		if a.Convert != "" {
			b.release(Release{Holder: stock.ByCart, HolderID: a.Convert})
		}
	}
}

// take reserves n units that are free, or were a cart's.
func (b *book) take(a *ask, location string, n int64, from *holding) {
	h := b.hold(a.want, location, n, &holding{order: a.OrderID, rank: a.Rank, expires: a.Expires})
	h.rank, h.expires = a.Rank, a.Expires
	a.missing -= n
	a.takes = append(a.takes, take{location, n, from})
}

// serve takes what is free for the demands of one order or cart.
func (b *book) serve(asks []*ask) {
	one := b.oneForAll(asks)
	for _, a := range asks {
		if one != "" {
			b.takeAt(a, one)
		}
		for _, location := range a.Prefer {
			b.takeAt(a, location)
		}
	}
	b.allOrNothing(asks)
	for _, a := range asks {
		b.keepShort(a)
	}
}

func (b *book) takeAt(a *ask, location string) {
	l := b.levels[sellable(a.variant, location)]
	if l == nil || a.missing == 0 {
		return
	}
	if n := min(a.missing, l.free(a.Sold)); n > 0 {
		b.take(a, location, n, nil)
	}
}

// oneForAll is the first preferred location that has everything these demands still miss, so that one parcel does; "" when none has.
func (b *book) oneForAll(asks []*ask) string {
next:
	for _, location := range asks[0].Prefer {
		sums := map[string]int64{}
		for _, a := range asks {
			if a.missing == 0 {
				continue
			}
			sums[a.variant] += a.missing
			l := b.levels[sellable(a.variant, location)]
			if l == nil || l.free(a.Sold) < sums[a.variant] || !slices.Contains(a.Prefer, location) {
				continue next
			}
		}
		return location
	}
	return ""
}

// allOrNothing gives up what was taken for holders of whom a demand that is not Partial misses something.
func (b *book) allOrNothing(asks []*ask) {
	failed := map[holder]bool{}
	for _, a := range asks {
		if a.missing > 0 && !a.Partial {
			failed[a.holder] = true
		}
	}
	for _, a := range asks {
		if !failed[a.holder] {
			continue
		}
		for _, t := range a.takes {
			b.hold(a.want, t.location, -t.quantity, nil)
			a.given += t.quantity
			if t.from != nil {
				b.hold(t.from.want, t.location, t.quantity, t.from)
			}
		}
		a.takes = nil
	}
}

// keepShort writes down what an order line still misses; a cart is only told.
func (b *book) keepShort(a *ask) {
	if a.Partial && a.kind == stock.ByLine && a.given == 0 {
		b.setLack(a.want, a.missing, a.OrderID, a.Rank, "reserve")
	}
}

// outcome puts every demanded unit into one grant or one shortage.
func (b *book) outcome(asks []*ask) stock.Outcome {
	var out stock.Outcome
	for _, a := range asks {
		left := a.Quantity
		held := b.holdingsOf(a.want)
		slices.SortStableFunc(held, func(x, y *holding) int { return rankIn(a.Prefer, x.location) - rankIn(a.Prefer, y.location) })
		for _, h := range held {
			if n := min(left, h.quantity); n > 0 {
				out.Grants = append(out.Grants, stock.Grant{HolderID: a.HolderID, Variant: a.variant, Location: h.location, Quantity: n})
				left -= n
			}
		}
		if left > 0 {
			out.Shortages = append(out.Shortages, stock.Shortage{HolderID: a.HolderID, Variant: a.variant, Quantity: left, Missing: a.missing})
		}
	}
	return out
}

// rankIn is the place of a location in a list of preferences, past the end when it is not in it.
func rankIn(prefer []string, location string) int {
	if i := slices.Index(prefer, location); i >= 0 {
		return i
	}
	return len(prefer)
}
