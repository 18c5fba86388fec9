package connect

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// causes lists the open cases of an account.
func (h *house) causes() []string {
	h.t.Helper()
	all := []string{}
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error {
		rows, _, err := exception.List(tx, exception.Filter{Account: h.acc.ID}, "", 50)
		all = all[:0]
		for _, r := range rows {
			all = append(all, r.Cause)
		}
		return err
	}))
	return all
}

// keep stores a raw as if it had been polled and answers its inbox id.
func (h *house) keep(c channel.Change) string {
	h.t.Helper()
	row, err := h.s.home().seal(h.acc.ID, "poll", "orders", c)
	must(h.t, err)
	must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error { return h.s.home().store(tx, []*stored{row}) }))
	return row.id
}

func (h *house) importAll() {
	h.t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = h.s.ImportOnce(context.Background())
		must(h.t, err)
	}
}

func (h *house) count(q string, args ...any) int64 {
	h.t.Helper()
	var n int64
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(q, args...).Scan(&n) }))
	return n
}

func garbage(external string, read time.Time) channel.Change {
	return channel.Change{External: external, ReadAt: read, Raw: channel.Raw{Shape: "demo", Docs: []channel.Doc{{Name: "order", Body: []byte("{")}}}}
}

func TestStuck(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		t.Run("a later reading of the order closes what was stuck of it", func(t *testing.T) {
			id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
			h.keep(garbage(id, d.Now()))
			h.importAll()
			if diff := cmp.Diff([]string{"undecodable"}, h.causes()); diff != "" {
				t.Fatal(diff)
			}
			h.work()
			if c := h.causes(); len(c) != 0 || h.count(`select count(*) from inbox where state <> 'done'`) != 0 {
				t.Fatalf("%v", c)
			}
		})
		t.Run("a person leaves a message out, or has it read again", func(t *testing.T) {
			one := h.keep(garbage("nothing-1", d.Now()))
			h.importAll()
			must(t, h.s.Unstick(ctx, one, Again, "clerk"))
			if c := h.causes(); len(c) != 0 {
				t.Fatalf("%v", c)
			}
			h.importAll()
			if diff := cmp.Diff([]string{"undecodable"}, h.causes()); diff != "" {
				t.Fatal(diff)
			}
			must(t, h.s.Unstick(ctx, one, Leave, "clerk"))
			if c := h.causes(); len(c) != 0 {
				t.Fatalf("%v", c)
			}
			if err := h.s.Unstick(ctx, one, Leave, "clerk"); !fault.Is(err, fault.NotFound) {
				t.Fatalf("%v", err)
			}
		})
		t.Run("a change from the future is applied with the time it was received when a person says so", func(t *testing.T) {
			id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
			c, err := h.s.opened[h.acc.ID].ch.Order(ctx, id)
			must(t, err)
			c.Version = d.Now().Add(48 * time.Hour)
			row := h.keep(c)
			h.importAll()
			if diff := cmp.Diff([]string{"future_version"}, h.causes()); diff != "" {
				t.Fatal(diff)
			}
			must(t, h.s.Unstick(ctx, row, AsReceived, "clerk"))
			h.importAll()
			if c := h.causes(); len(c) != 0 {
				t.Fatalf("%v", c)
			}
		})
		t.Run("content that comes back after another is stored again", func(t *testing.T) {
			change := func(body string) []channel.Change {
				return []channel.Change{{External: "back-and-forth", ReadAt: d.Now(), Raw: channel.Raw{Shape: "demo", Docs: []channel.Doc{{Name: "order", Body: []byte(body)}}}}}
			}
			o, err := h.s.open(ctx, h.acc.ID)
			must(t, err)
			kept := []int{}
			for _, body := range []string{"a", "a", "b", "b", "a"} {
				n, err := h.s.keepPolled(ctx, h.s.home(), o, &cursor{account: h.acc.ID, stream: "test"}, change(body))
				must(t, err)
				kept = append(kept, n)
			}
			if diff := cmp.Diff([]int{1, 0, 1, 0, 1}, kept); diff != "" {
				t.Fatal(diff)
			}
		})
		t.Run("a wish that comes while the order is read waits for its turn", func(t *testing.T) {
			must(t, h.s.Want(ctx, h.acc.ID, "w1", "first"))
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`update reads set state = 'running', lease_until = $1 where external = 'w1'`, db.Micros(tx.Now.Add(time.Minute)))
				return err
			}))
			must(t, h.s.Want(ctx, h.acc.ID, "w1", "second"))
			if n, err := h.s.ReadOnce(ctx); n != 0 || err != nil {
				t.Fatalf("read twice at once: %d %v", n, err)
			}
		})
		t.Run("old payloads go, with their keys", func(t *testing.T) {
			h.importAll()
			before := h.count(`select count(*) from inbox`)
			if n, err := h.s.Sweep(ctx, time.Hour, 100); n != 0 || err != nil {
				t.Fatalf("%d %v", n, err)
			}
			if n, err := h.s.Sweep(ctx, -time.Hour, 1000); int64(n) != before || err != nil {
				t.Fatalf("%d of %d, %v", n, before, err)
			}
			if n := h.count(`select count(*) from inbox`); n != 0 || len(h.causes()) != 0 {
				t.Fatalf("%d left, %v", n, h.causes())
			}
		})
	})
}

func TestErased(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		order := h.orders()[0]
		must(t, d.Write(ctx, func(tx *db.Tx) error {
			if err := h.s.need.Privacy.Erase(tx, []string{order.Buyer}); err != nil {
				return err
			}
			return h.s.Erase(tx, h.acc.ID, []string{id})
		}))
		h.shop.Cancel(id, "changed my mind")
		h.work()
		after := h.orders()[0]
		if after.Units.Cancelled != 1 || after.Buyer != order.Buyer {
			t.Fatalf("%+v", after)
		}
		if n := h.count(`select count(*) from inbox i join personal_keys k on k.id = i.key_id where i.external = $1`, id); n != 0 {
			t.Fatalf("%d payloads of an erased order can be opened", n)
		}
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		c, err := h.s.opened[h.acc.ID].ch.Order(context.Background(), id)
		must(t, err)
		body := c.Raw.Docs[0].Body
		var doc map[string]any
		must(t, json.Unmarshal(body, &doc))
		for k, v := range doc {
			if s, ok := v.(string); ok && (k == "number" || k == "Number") {
				doc[k] = s + "\x00"
			}
		}
		c.Raw.Docs[0].Body, err = json.Marshal(doc)
		must(t, err)
		if !hidesNUL(c.Raw) {
			t.Fatalf("the document holds no NUL: %s", c.Raw.Docs[0].Body)
		}
		h.keep(c)
		h.importAll()
		if got := h.orders(); len(got) != 1 || len(h.causes()) != 0 {
			t.Fatalf("%d orders, %v", len(got), h.causes())
		}
	})
}

// finder is a channel that can be asked by reference, and answers as told.
type finder struct {
	channel.Channel
	err error
}

func (f finder) Find(context.Context, string, channel.Handling) (channel.Found, error) {
	return channel.Found{External: "p-1"}, f.err
}

func TestLook(t *testing.T) {
	t.Parallel()
	s := &Service{}
	for name, c := range map[string]struct {
		act   Act
		err   error
		known bool
		want  fault.Kind
		fails bool
	}{
		"found":                             {TellShip, nil, true, 0, false},
		"surely not there":                  {TellShip, fault.New(fault.NotFound, "none"), false, 0, false},
		"cannot be searched for this":       {TellPack, fault.Field("act", "unknown"), false, fault.OutcomeUnknown, true},
		"the search is refused":             {TellCancel, fault.New(fault.Refused, "no"), false, fault.OutcomeUnknown, true},
		"the search fails for now":          {TellCancel, fault.New(fault.Unavailable, "down"), false, fault.Unavailable, true},
		"a refund is safe to ask for again": {TellRefund, fault.Field("act", "unknown"), false, 0, false},
		"an acknowledgement is harmless":    {TellArrived, fault.New(fault.Refused, "no"), false, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, known, err := s.look(context.Background(), &opened{ch: finder{err: c.err}}, tell{Act: c.act}, channel.Handling{})
			if known != c.known || (err != nil) != c.fails || c.fails && fault.KindOf(err) != c.want {
				t.Fatalf("known %v, %v", known, err)
			}
		})
	}
}

func TestParcel(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		must(t, d.Write(context.Background(), func(tx *db.Tx) error {
			all := []tell{
				{Account: h.acc.ID, Order: "o1", External: "x1", Act: TellShip, Reference: "SH-1", Subject: "s1"},
				{Account: h.acc.ID, Order: "o1", External: "x1", Act: TellComplete, Reference: "SH-1", Subject: "s1"},
			}
			if err := h.s.intend(tx, all); err != nil {
				return err
			}
			_, err := tx.Exec(`update tells set state = 'told', answer = '{"external":"F-77"}' where act = 'ship'`)
			return err
		}))
		must(t, d.Read(context.Background(), func(tx *db.Tx) error {
			got, err := parcelOf(tx, tell{Account: h.acc.ID, Reference: "SH-1"})
			if got != "F-77" {
				t.Errorf("the completion names parcel %q", got)
			}
			return err
		}))
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
		h.work()
		h.shop.Cancel(id, "changed my mind")
		h.work()
		order := h.orders()[0]
		got, err := h.s.Replay(ctx, order.ID, false, "clerk")
		must(t, err)
		if len(got.Readings) < 2 || len(got.Differences) != 0 {
			t.Fatalf("%+v", got)
		}
		must(t, d.Write(ctx, func(tx *db.Tx) error { // as if an earlier version had read it wrongly
			_, err := tx.Exec(`update orders set external_number = 'wrong', origin = 'elsewhere', content_hash = 'earlier' where id = $1`, order.ID)
			return err
		}))
		got, err = h.s.Replay(ctx, order.ID, true, "clerk")
		must(t, err)
		fields := []string{}
		for _, f := range got.Differences {
			fields = append(fields, f.Field)
		}
		if diff := cmp.Diff([]string{"number", "origin"}, fields); diff != "" {
			t.Fatal(diff)
		}
		h.importAll()
		if got, err = h.s.Replay(ctx, order.ID, false, "clerk"); err != nil || len(got.Differences) != 0 {
			t.Fatalf("%+v %v", got.Differences, err)
		}
		must(t, d.Write(ctx, func(tx *db.Tx) error { return h.s.Erase(tx, h.acc.ID, []string{id}) }))
		if _, err := h.s.Replay(ctx, order.ID, false, "clerk"); fault.CodeOf(err) != "erased" {
			t.Fatalf("%v", err)
		}
	})
}

func TestResumeModes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Shadow)
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
		h.work()
		// The process ends between the switch and the orders that follow it.
		_, _, err := h.s.switchMode(ctx, h.acc.ID, Switching{Mode: channel.Live, OpenOrders: channel.OpenOurs, Actor: "clerk"})
		must(t, err)
		if h.orders()[0].Mode != channel.Shadow {
			t.Fatal("followed already")
		}
		for range 2 {
			must(t, h.s.ResumeModes(ctx))
		}
		if o := h.orders()[0]; o.Mode != channel.Live || !o.Ours {
			t.Fatalf("%+v", o)
		}
		if n := h.count(`select count(*) from events where type = 'OrderCreated' or type = $1`, event.OrderCreated); n != 1 {
			t.Fatalf("told %d times", n)
		}
	})
}

func TestContradicting(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1}, demo.Item{SKU: "MUG", Quantity: 1})
		h.work()
		o, err := h.s.open(ctx, h.acc.ID)
		must(t, err)
		early, err := o.ch.Order(ctx, id)
		must(t, err)
		h.shop.Cancel(id, "changed my mind")
		h.work()
		held := h.orders()[0]
		if held.Units.Cancelled != 2 {
			t.Fatalf("%+v", held.Units)
		}
		// The message of the earlier content comes late, and the partner dates both alike.
		late := func() {
			early.Version, early.ReadAt = held.VersionAt, d.Now()
			row, err := h.s.home().seal(h.acc.ID, "webhook", "orders/updated", early)
			must(t, err)
			must(t, d.Write(ctx, func(tx *db.Tx) error { return h.s.home().store(tx, []*stored{row}) }))
			h.importAll()
		}
		reads := func() int64 {
			return h.count(`select count(*) from reads where external = $1 and reason = 'contradicts'`, id)
		}
		t.Run("a late message of the same time is not applied, and the order is read once for any number of them", func(t *testing.T) {
			late()
			late()
			if now := h.orders()[0]; now.Version != held.Version || reads() != 1 || len(h.causes()) != 0 {
				t.Fatalf("version %d, %d wishes, %v", now.Version, reads(), h.causes())
			}
		})
		t.Run("the reading decides", func(t *testing.T) {
			h.work()
			if now := h.orders()[0]; now.Units != held.Units || reads() != 0 || len(h.causes()) != 0 {
				t.Fatalf("%+v, %d wishes, %v", now.Units, reads(), h.causes())
			}
			late()
			h.shop.Edit(id, func(o *channel.Order) { o.Tags = []string{"gift"} })
			h.work()
			if now := h.orders()[0]; !cmp.Equal([]string{"gift"}, now.Tags) || reads() != 0 {
				t.Fatalf("%v, %d wishes", now.Tags, reads())
			}
		})
	})
}

func TestRefusedStock(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		h.work()
		var offers []Offer
		must(t, d.Write(ctx, func(tx *db.Tx) (err error) {
			if offers, err = h.s.need.Stock.OffersOf(tx, h.acc.ID, "", 2); err != nil {
				return err
			}
			for _, o := range offers { // both were refused; the tries of the first were counted anew since
				c := exception.Case{Cause: exception.PushRefused, SubjectKind: "listing", Subject: o.ID, Account: h.acc.ID, Detail: map[string]string{}}
				if err := exception.Raise(tx, c); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(`insert into channel_stock (account_id, listing_id, location, variant_id, dirty, urgent, attempts, next_at, cause)
				values ($1, $2, 'elsewhere', $3, false, false, 3, 0, 'no such place')`, h.acc.ID, offers[1].ID, offers[1].Variant); err != nil {
				return err
			}
			if _, err := tx.Exec(`update channel_stock set dirty = true, shown = null, attempts = 0, next_at = 0 where location = ''`); err != nil {
				return err
			}
			return nil
		}))
		for n := 1; n > 0; {
			var err error
			n, err = h.s.PushOnce(ctx, h.acc.ID)
			must(t, err)
		}
		open := h.count(`select count(*) from exceptions where state = 'open' and subject_id = $1`, offers[0].ID)
		other := h.count(`select count(*) from exceptions where state = 'open' and subject_id = $1`, offers[1].ID)
		if open != 0 || other != 1 {
			t.Fatalf("of the number that the channel took %d cases are open, of one that it still refuses %d", open, other)
		}
	})
}
