package order

import (
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// skew is by how much the clocks of our processes may differ. What we hold cannot have been read later than now: if it says so by more, the clock has gone back since.
const skew = 5 * time.Second

// ahead is how far in the future a partner's update time may lie; beyond it is no version.
const ahead = 10 * time.Minute

// work is one arrival on its way through Import.
type work struct {
	a    *channel.Arrival
	land *channel.Landing

	fresh      bool
	head       Head
	before     Head // the head as it was; zero for a fresh order
	lines      []Line
	money      judged
	charges    []chargeRow
	open       []hold // open holds, before and then after
	heldBefore []string

	newLines  []int // indexes into lines
	editLines []int
	listings  []int // lines whose listing must be resolved
	unitEdits []unitEdit
	cancelled []event.CancelledUnits
	initiator string
	stuckOn   []raised
	rules     Rules
	prefer    []string
	paidFirst bool                         // paid in full for the first time
	knowsLess bool                         // this reading tells less of the money than we know: ours stays
	grown     map[int]int64                // units by which lines need more stock than before, by their index
	afterPack afterPack                    // what the channel cancelled of packed units
	readdress bool                         // the address changed when something was packed
	accepted  map[HoldType]map[string]bool // holds a person has let go, by their detail
}

// raised is something in a change that a person has to look at.
type raised struct{ cause, detail string }

// Import is the one door inward: it takes up to 64 decoded changes of different orders into the house in the caller's transaction, and answers each at the same
// index. An arrival that cannot be applied is Stuck with its cause and changes nothing; an error is about the whole batch and keeps nothing.
// Safe to repeat: a change that is already here is Unchanged or Stale. Order numbers must have been made ready with Stock.
func (s *Service) Import(tx *db.Tx, arrivals []channel.Arrival) ([]channel.Landing, error) {
	all, err := s.readAll(tx, arrivals)
	if err != nil {
		return nil, err
	}
	landings := make([]channel.Landing, len(arrivals))
	var live []*work
	for i := range all {
		w := all[i]
		w.land = &landings[i]
		w.land.Inbox, w.land.OrderID, w.land.Number = w.a.Inbox, w.head.ID, w.head.Number
		ok, err := s.admit(tx, w)
		if err != nil {
			return nil, err
		}
		if ok {
			live = append(live, w)
		}
	}
	if err := s.confirm(tx, all); err != nil {
		return nil, err
	}
	if len(live) == 0 {
		return landings, nil
	}
	if err := s.apply(tx, live); err != nil {
		return nil, err
	}
	for _, w := range live {
		w.land.OrderID, w.land.Number, w.land.Held = w.head.ID, w.head.Number, blocking(w.open)
	}
	return landings, nil
}

// confirm moves the version of orders that a newer reading left unchanged: what lies between is stale from now on. When what we hold seems to have been read in the
// future, it is taken for read by now: what is read next is the later one then, however long the clock was wrong by.
func (s *Service) confirm(tx *db.Tx, all []*work) error {
	b := db.NewBatch(1)
	for _, w := range all {
		version, read := w.head.VersionAt, w.head.ReadAt
		future := w.readInFuture(tx)
		switch w.land.Decision {
		case channel.Unchanged:
			if v := w.a.Change.Version.Truncate(time.Microsecond); v.After(version) {
				version = v
			}
			if r := w.a.Change.ReadAt.Truncate(time.Microsecond); r.After(read) || future {
				read = r
			}
		case channel.Stale, channel.Contradicts:
			if future {
				read = tx.Now
			}
		default:
			continue
		}
		if !version.Equal(w.head.VersionAt) || !read.Equal(w.head.ReadAt) {
			b.Add(w.head.ID, db.Micros(version), db.Micros(read))
		}
	}
	_, err := tx.Exec(`update orders set version_at = r.v, read_at = r.d from rows(i text, v bigint, d bigint) where orders.id = r.i`, b)
	return err
}

// readInFuture reports whether what we hold says that it was read later than now.
func (w *work) readInFuture(tx *db.Tx) bool { return w.head.ReadAt.After(tx.Now.Add(skew)) }

// doubtful reports whether a reading that was held to be older is so by our own clocks only, and they are not to be trusted: one that was made because of a doubt, after
// what we hold, or any when what we hold was read in the future.
func (w *work) doubtful(tx *db.Tx) bool {
	v := w.a.Change.Version
	if !v.IsZero() && !w.head.VersionAt.IsZero() && v.Truncate(time.Microsecond).Before(w.head.VersionAt.Truncate(time.Microsecond)) {
		return false
	}
	return w.a.Source == "read" || w.readInFuture(tx)
}

// readAll reads what is known of the orders, locked.
func (s *Service) readAll(tx *db.Tx, arrivals []channel.Arrival) ([]*work, error) {
	heads, err := byExternal(tx, arrivals)
	if err != nil {
		return nil, err
	}
	type key struct{ account, external string }
	have := make(map[key]Head, len(heads))
	ids := make([]string, 0, len(heads))
	for _, h := range heads {
		tx.Locking(db.LockOrder, h.ID)
		have[key{h.Account, h.External}] = h
		ids = append(ids, h.ID)
	}
	lines, err := linesOf(tx, ids)
	if err != nil {
		return nil, err
	}
	holds, err := holdsOf(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]*work, len(arrivals))
	taken := map[key]bool{}
	for i := range arrivals {
		a := &arrivals[i]
		k := key{a.Account.ID, a.Change.External}
		if taken[k] {
			return nil, fault.New(fault.Internal, "order %s arrives twice in one batch", a.Change.External)
		}
		taken[k] = true
		h, known := have[k]
		all[i] = &work{a: a, fresh: !known, head: h, before: h, lines: lines[h.ID], open: holds[h.ID], heldBefore: blocking(holds[h.ID])}
	}
	return all, nil
}

// admit decides whether the arrival is to be applied; if not, its landing says why. An error is of nothing that is wrong with the order:
// the whole batch is to be repeated.
func (s *Service) admit(tx *db.Tx, w *work) (bool, error) {
	o, land := &w.a.Order, w.land
	switch {
	case w.fresh && o.Test && w.a.Account.Settings["import_test"] != "yes",
		w.fresh && o.Origin == "pos" && w.a.Account.Settings["import_pos"] == "no":
		land.Decision = channel.Skipped
		return false, nil
	case o.External != w.a.Change.External:
		land.Decision, land.Cause, land.Why = channel.Stuck, "undecodable", "the reading is of another order than it says"
		return false, nil
	case o.PlacedAt.After(w.a.Change.ReadAt.Add(ahead)):
		land.Decision, land.Cause, land.Why = channel.Stuck, "future_version", "the channel says that it was placed on "+o.PlacedAt.UTC().Format(time.RFC3339)
		return false, nil
	case w.a.Change.Version.After(w.a.Change.ReadAt.Add(ahead)):
		land.Decision, land.Cause, land.Why = channel.Stuck, "future_version", "the channel dates it "+w.a.Change.Version.UTC().Format(time.RFC3339)
		return false, nil
	case !w.fresh && o.Currency != w.head.Currency:
		land.Decision, land.Cause, land.Why = channel.Stuck, "currency_changed", "it was in "+w.head.Currency+" and is in "+o.Currency+" now"
		return false, nil
	case len(o.Lines) == 0 && o.Money == channel.MoneyComplete:
		land.Decision, land.Cause, land.Why = channel.Stuck, "undecodable", "the order has no lines"
		return false, nil
	}
	if d := newer(&w.head, w.a); !w.fresh && d != channel.Updated && !(d == channel.Unchanged && w.liftsHold()) {
		land.Decision, land.Doubt = d, d == channel.Stale && w.doubtful(tx)
		return false, nil
	}
	var err error
	if w.money, err = judge(o); err != nil {
		land.Decision, land.Cause, land.Why = channel.Stuck, "undecodable", fault.Message(err)
		if fault.CodeOf(err) == secondCurrency {
			land.Cause = secondCurrency
		}
		return false, nil
	}
	if w.fresh {
		err = s.build(tx, w)
		land.Decision = channel.Imported
	} else {
		land.Decision = channel.Updated
	}
	switch {
	case fault.Temporary(err):
		return false, err
	case err != nil:
		land.Decision, land.Cause, land.Why = channel.Stuck, "undecodable", fault.Message(err)
		return false, nil
	}
	return true, nil
}

// liftsHold reports whether a reading with the content we hold still says something new: that the channel no longer holds the order. A reading that could not tell
// has left the hold open, and may have been the same otherwise.
func (w *work) liftsHold() bool {
	o := &w.a.Order
	return w.isOpen(HoldChannel) != nil && o.Status != channel.Held && !slices.Contains(o.Silent, channel.SilentHeld) && !w.a.Change.ReadAt.Before(w.head.ReadAt)
}

func (w *work) isOpen(typ HoldType) *hold {
	for i := range w.open {
		if w.open[i].Type == typ {
			return &w.open[i]
		}
	}
	return nil
}

// newer decides whether an arrival says more than what is held: not older wins, an equal time with different content is applied when it was read, and its read began
// later, without a time the content and the order of reads decide. When a message was sent says nothing within one unit of the partner's clock (Shopify's updated_at
// has seconds), and a message may be late: of an equal time with different content the order itself is asked. So it is when a poll began before what we hold came in.
func newer(h *Head, a *channel.Arrival) channel.Decision {
	if db.Sabotaged("version_guard") {
		return channel.Updated
	}
	same, later := false, a.Change.ReadAt.After(h.ReadAt)
	if a.Source == "read" { // made because of a doubt, thus after what we hold
		later = !a.Change.ReadAt.Truncate(time.Microsecond).Before(h.ReadAt)
	}
	if !a.Change.Version.IsZero() && !h.VersionAt.IsZero() {
		held, now := h.VersionAt.Truncate(time.Microsecond), a.Change.Version.Truncate(time.Microsecond)
		if now.Before(held) {
			return channel.Stale
		}
		if now.After(held) {
			if a.Hash == h.Hash {
				return channel.Unchanged
			}
			return channel.Updated
		}
		same = true
	}
	switch {
	case a.Hash == h.Hash:
		return channel.Unchanged
	case a.Replay:
		return channel.Updated
	case same && (a.Source == "webhook" || a.Source == "poll" && !later):
		return channel.Contradicts
	case later:
		return channel.Updated
	}
	return channel.Stale
}

// apply writes admitted arrivals: decided in plain Go, then set-based in the one lock order (order, payment, stock, heads).
func (s *Service) apply(tx *db.Tx, all []*work) error {
	var old []string
	for _, w := range all {
		if !w.fresh {
			old = append(old, w.head.ID)
			continue
		}
		tx.Locking(db.LockOrder, w.head.ID) // nobody else can have it: writing it is locking it, before stock
	}
	committed := map[string]int64{}
	if len(old) > 0 {
		var err error
		if committed, err = s.need.Committed(tx, old); err != nil {
			return err
		}
	}
	for _, w := range all {
		if !w.fresh {
			s.change(tx, w, committed)
		}
	}
	steps := []func(*db.Tx, []*work) error{
		s.resolveListings, s.costLines, s.pay, s.writeOrders, s.withdraw, s.stock, s.settleHolds, s.record,
	}
	for _, step := range steps {
		if err := step(tx, all); err != nil {
			return err
		}
	}
	return nil
}

// resolveListings finds the SKU of every line that has none.
func (s *Service) resolveListings(tx *db.Tx, all []*work) error {
	var wanted []Wanted
	for _, w := range all {
		for _, i := range w.listings {
			l := w.channelLine(w.lines[i].External)
			wanted = append(wanted, Wanted{Account: w.head.Account, Ref: l.Listing, Title: l.Title})
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	found, err := s.need.Resolve(tx, wanted)
	if err != nil {
		return err
	}
	n := 0
	for _, w := range all {
		for _, i := range w.listings {
			w.lines[i].take(found[n])
			n++
		}
	}
	return nil
}

// take puts the SKU behind the listing on the line.
func (l *Line) take(r Resolved) {
	l.Listing, l.Variant, l.Kit, l.Parts = r.Listing, r.Variant, r.Kit, r.Parts
	if r.SKU != "" {
		l.SKU = r.SKU
	}
	if r.Ignored || (r.Variant != "" && !r.Ships) {
		l.Ships = false
		l.giveUnshipped()
	}
}

// costLines fixes the unit cost of lines when their SKU is found, which is at order time but for those that had to be mapped.
func (s *Service) costLines(tx *db.Tx, all []*work) error {
	byEntity := map[string][]string{}
	for _, w := range all {
		for _, i := range w.listings {
			if v := w.lines[i].Variant; v != "" {
				byEntity[w.head.LegalEntity] = append(byEntity[w.head.LegalEntity], v)
			}
		}
	}
	for entity, variants := range byEntity {
		costs, err := s.need.Costs(tx, entity, variants, tx.Now)
		if err != nil {
			return err
		}
		for _, w := range all {
			if w.head.LegalEntity != entity {
				continue
			}
			for _, i := range w.listings {
				w.lines[i].UnitCost = costs[w.lines[i].Variant]
			}
		}
	}
	return nil
}

// pay records payments and refunds and takes each order's money state from the answer.
func (s *Service) pay(tx *db.Tx, all []*work) error {
	facts := make([]Money, 0, len(all))
	for _, w := range all {
		lines := make(map[string]string, len(w.lines))
		for _, l := range w.lines {
			lines[l.External] = l.ID
		}
		facts = append(facts, Money{
			OrderID: w.head.ID, Account: w.head.Account, Channel: w.head.Channel, Currency: w.head.Currency, Total: w.outstanding(), COD: w.head.COD,
			Fresh: w.fresh, Ours: w.head.Effective(), Payments: w.a.Order.Payments, Refunds: w.a.Order.Refunds, Lines: lines, At: tx.Now,
		})
	}
	states, err := s.need.Pay(tx, facts)
	if err != nil {
		return err
	}
	for _, w := range all {
		w.head.PayState = states[w.head.ID]
		w.head.payFirst(tx, &w.paidFirst)
	}
	return nil
}

// payFirst notes when all of the money is there for the first time; that is told once, whatever happens to the total afterwards.
func (h *Head) payFirst(tx *db.Tx, first *bool) {
	if h.PayState.settled() && h.PaidAt.IsZero() {
		h.PaidAt, *first = tx.Now, true
	}
}

// outstanding is what the buyer owes for what is not cancelled: the channel's own figure when it gives one.
func (w *work) outstanding() int64 {
	if w.a.Order.Current.Currency != "" {
		return w.a.Order.Current.Minor
	}
	due := w.head.Sums.Total
	for i := range w.lines {
		due -= w.lines[i].share(w.lines[i].Cancelled)
	}
	return due
}

// stock reserves what is open and new, and gives back what is cancelled.
func (s *Service) stock(tx *db.Tx, all []*work) error {
	var gone []Released
	for _, w := range all {
		if w.fresh || !w.head.Effective() {
			continue
		}
		for _, c := range w.cancelled {
			l := w.line(c.LineID)
			if !l.Ours() || l.Variant == "" {
				continue
			}
			held := c.Quantity - w.grown[w.index(l)] // what came and went in one reading was never reserved
			if held <= 0 {
				continue
			}
			for _, p := range l.parts() {
				gone = append(gone, Released{LineID: l.ID, Variant: p.Variant, Quantity: held * p.Quantity})
			}
		}
	}
	demands, err := s.demands(tx, all)
	if err != nil {
		return err
	}
	return s.restock(tx, gone, demands)
}

// restock gives back and takes, in one step where inventory can.
func (s *Service) restock(tx *db.Tx, gone []Released, demands []stock.Demand) error {
	if len(gone) > 0 && len(demands) > 0 && s.need.Change != nil {
		_, err := s.need.Change(tx, gone, demands)
		return err
	}
	if len(gone) > 0 {
		if err := s.need.Release(tx, gone); err != nil {
			return err
		}
	}
	if len(demands) == 0 {
		return nil
	}
	_, err := s.need.Reserve(tx, demands)
	return err
}

// demands lists what the lines of these orders need.
func (s *Service) demands(tx *db.Tx, all []*work) ([]stock.Demand, error) {
	var routes []Route
	var asking []*work
	for _, w := range all {
		if w.head.Effective() && w.wantsStock() {
			asking = append(asking, w)
			routes = append(routes, w.head.route())
		}
	}
	if len(asking) == 0 {
		return nil, nil
	}
	ranked, err := s.need.Rank(tx, routes)
	if err != nil {
		return nil, err
	}
	var demands []stock.Demand
	for i, w := range asking {
		w.prefer = ranked[i]
		for _, n := range w.needy() {
			demands = append(demands, lineDemands(&w.head, &w.lines[n], ranked[i], w.a.Change.Hold)...)
		}
	}
	return demands, nil
}

// lineDemands asks for everything that is open on a line, part by part.
func lineDemands(h *Head, l *Line, prefer []string, convert string) []stock.Demand {
	if !l.Ours() || l.Variant == "" || l.Open == 0 {
		return nil
	}
	var ds []stock.Demand
	for _, p := range l.parts() {
		ds = append(ds, stock.Demand{
			Holder: stock.ByLine, HolderID: l.ID, OrderID: h.ID, Variant: p.Variant, Quantity: l.Open * p.Quantity,
			Rank: rankOf(h), Prefer: prefer, Sold: true, Partial: true, Convert: convert,
		})
	}
	return ds
}

// rankOf decides who keeps stock when a fact takes it away: the earlier order does.
func rankOf(h *Head) int64 { return 1<<62 - h.PlacedAt.UnixMicro() }

// parts are the variants a line is made of: a kit's parts, or itself.
func (l *Line) parts() []event.Part {
	if len(l.Parts) > 0 {
		return l.Parts
	}
	return []event.Part{{Variant: l.Variant, SKU: l.SKU, Title: l.Title, Quantity: 1, Weight: 1}}
}

func (h *Head) route() Route {
	return Route{LegalEntity: h.LegalEntity, Account: h.Account, Country: h.ShipCountry, Province: h.ShipProvince, City: h.ShipCity}
}

func (w *work) line(id string) *Line {
	for i := range w.lines {
		if w.lines[i].ID == id {
			return &w.lines[i]
		}
	}
	return nil
}

func (w *work) channelLine(external string) *channel.Line {
	for i := range w.a.Order.Lines {
		if w.a.Order.Lines[i].External == external {
			return &w.a.Order.Lines[i]
		}
	}
	return &channel.Line{}
}

// needy are the indexes of lines that may need stock they have not asked for yet: new ones, those that grew, those whose SKU was just found.
func (w *work) needy() []int {
	all := append(slices.Clone(w.newLines), slices.Sorted(maps.Keys(w.grown))...)
	for _, i := range w.listings {
		if !slices.Contains(all, i) {
			all = append(all, i)
		}
	}
	return all
}

func (w *work) wantsStock() bool {
	for _, i := range w.needy() {
		if l := &w.lines[i]; l.Ours() && l.Variant != "" && l.Open > 0 {
			return true
		}
	}
	return false
}

// record writes history, exceptions and events.
func (s *Service) record(tx *db.Tx, all []*work) error {
	var facts []Fact
	var events []outbox.Event
	for _, w := range all {
		facts = append(facts, w.fact())
		events = append(events, s.eventsOf(tx, w)...)
	}
	if err := s.Note(tx, facts); err != nil {
		return err
	}
	if err := s.raise(tx, all); err != nil {
		return err
	}
	if err := outbox.Append(tx, events...); err != nil {
		return err
	}
	if err := s.passOn(tx, all); err != nil {
		return err
	}
	var refunded []string
	for _, w := range all {
		if len(w.a.Order.Refunds) > 0 && w.head.Effective() {
			refunded = append(refunded, w.head.ID)
		}
	}
	if len(refunded) == 0 {
		return nil
	}
	return s.need.Announce(tx, refunded)
}
