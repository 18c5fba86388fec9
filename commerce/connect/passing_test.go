package connect

import (
	"context"
	"iter"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// stubborn answers acts as told; it can be asked by reference and finds nothing.
type stubborn struct {
	channel.Channel
	pack   func() (channel.PackResult, error)
	refund func() (channel.Refund, error)
	order  func() (channel.Change, error)
	calls  int
}

func (s *stubborn) Find(context.Context, string, channel.Handling) (channel.Found, error) {
	return channel.Found{}, fault.New(fault.NotFound, "none")
}

func (s *stubborn) Pack(context.Context, channel.Handling) (channel.PackResult, error) {
	s.calls++
	return s.pack()
}

func (s *stubborn) Refund(context.Context, channel.RefundRequest) (channel.Refund, error) {
	s.calls++
	return s.refund()
}

func (s *stubborn) Order(context.Context, string) (channel.Change, error) {
	s.calls++
	return s.order()
}

// facing is a house whose channel answers as the test says.
func facing(t *testing.T, d *db.DB) (*house, *stubborn) {
	h := setup(t, d, channel.Live)
	h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
	h.work()
	s := &stubborn{Channel: h.s.opened[h.acc.ID].ch}
	h.s.mu.Lock()
	h.s.opened[h.acc.ID].ch = s
	h.s.can["demo"] = channel.CanOf(s)
	h.s.mu.Unlock()
	return h, s
}

func (h *house) wish(act Act, p payload) {
	o := h.orders()[0]
	must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error {
		return h.s.intend(tx, []tell{{Account: h.acc.ID, Order: o.ID, External: o.External, Act: act, Reference: "REF-1", Subject: "sub-1", Payload: p}})
	}))
}

// goOn tells n times, each time when its turn has come.
func (h *house) goOn(n int) {
	for range n {
		must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec(`update tells set next_at = 0 where state = 'intended'`)
			return err
		}))
		_, err := h.s.TellOnce(context.Background())
		must(h.t, err)
	}
}

func (h *house) stateOf(act Act) (state string) {
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(`select state from tells where act = $1 and reference = 'REF-1'`, string(act)).Scan(&state)
	}))
	return state
}

// TestPackBusy has the channel say of every unit that it is busy, as Daraz does (700024): the parcel waits and is packed, and nobody is asked.
func TestPackBusy(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, s := facing(t, d)
		var got []Outcome
		h.s.need.Packed = func(_ *db.Tx, out Outcome) error { got = append(got, out); return nil }
		busy := true
		s.pack = func() (channel.PackResult, error) {
			if busy {
				return channel.PackResult{Refused: []channel.UnitRefusal{{Unit: "u1", Err: fault.New(fault.Unavailable, "Daraz is working on this order").WithCode("700024")}}}, nil
			}
			return channel.PackResult{Packages: []channel.Package{{External: "P1", Tracking: "T1"}}}, nil
		}
		h.wish(TellPack, payload{})
		h.goOn(1)
		if st := h.stateOf(TellPack); st != "intended" || len(got) != 0 {
			t.Errorf("the channel was busy for a second: the intent is %s, dispatch was told %+v", st, got)
		}
		busy = false
		h.goOn(2)
		if len(got) != 1 || len(got[0].Pack.Packages) != 1 {
			t.Errorf("never packed: %+v (%d calls)", got, s.calls)
		}
	})
}

// TestShortOutage has the channel away for half a minute during an act that may be asked for twice.
func TestShortOutage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, s := facing(t, d)
		s.refund = func() (channel.Refund, error) {
			return channel.Refund{}, fault.New(fault.Unavailable, "Shopify has a problem").WithCode("503")
		}
		h.wish(TellRefund, payload{Refund: &event.RefundFact{Currency: "PKR", Amount: 100}})
		h.goOn(5) // 2 + 4 + 8 + 16 s
		if st := h.stateOf(TellRefund); st != "intended" || len(h.causes()) != 0 {
			t.Errorf("after 5 attempts in half a minute: %s, cases %v", st, h.causes())
		}
	})
}

// TestThrottledTells has the channel ask to wait again and again, and then be out of reach once: nothing was tried, and nothing is given up.
func TestThrottledTells(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, s := facing(t, d)
		var told error
		h.s.need.RefundDone = func(_ *db.Tx, out Outcome) error { told = out.Err; return nil }
		s.refund = func() (channel.Refund, error) { return channel.Refund{}, fault.Wait(1, "slowly, please") }
		h.wish(TellRefund, payload{Refund: &event.RefundFact{Currency: "PKR", Amount: 100}})
		h.goOn(19)
		s.refund = func() (channel.Refund, error) {
			return channel.Refund{}, fault.New(fault.Unavailable, "the partner cannot be reached").WithCode("not_sent")
		}
		h.goOn(1)
		if st := h.stateOf(TellRefund); st != "intended" || told != nil {
			t.Errorf("not reached once: %s, the refund is told %v, cases %v", st, told, h.causes())
		}
	})
}

// TestLostThenAway has an answer lost, and then the channel stay away: what may have happened is never called refused.
func TestLostThenAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, s := facing(t, d)
		var told error
		h.s.need.RefundDone = func(_ *db.Tx, out Outcome) error { told = out.Err; return nil }
		s.refund = func() (channel.Refund, error) {
			return channel.Refund{}, fault.New(fault.Unavailable, "the partner did not answer").WithCode("no_answer")
		}
		h.wish(TellRefund, payload{Refund: &event.RefundFact{Currency: "PKR", Amount: 100}})
		h.goOn(1)
		s.refund = func() (channel.Refund, error) {
			return channel.Refund{}, fault.New(fault.Unavailable, "the partner cannot be reached").WithCode("not_sent")
		}
		h.goOn(19)
		if st := h.stateOf(TellRefund); st == "refused" {
			t.Errorf("a refund that may have been made is %s: %v (%s), cases %v", st, told, fault.KindOf(told), h.causes())
		}
	})
}

// TestDiffUnanswered compares for going live while the channel does not answer about one order.
func TestDiffUnanswered(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, s := facing(t, d)
		ctx := context.Background()
		gone := h.shop.Place(demo.Item{SKU: "MUG", Quantity: 1})
		h.work()
		// The first order is not among those that the channel gives any more.
		rest := s.Channel
		s.Channel = hides{rest, gone}
		s.order = func() (channel.Change, error) { return channel.Change{}, fault.New(fault.NotFound, "no such order") }
		df, err := h.s.Diff(ctx, h.acc.ID)
		t.Logf("asked: unknown %v, %v", df.Unknown, err)
		s.order = func() (channel.Change, error) { return channel.Change{}, fault.New(fault.Unavailable, "503") }
		df, err = h.s.Diff(ctx, h.acc.ID)
		if err == nil {
			t.Errorf("the channel did not answer, and the diff says: clean %v, unknown %v", df.Clean(), df.Unknown)
		}
	})
}

type hides struct {
	channel.Channel
	gone string
}

func (w hides) Orders(ctx context.Context, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		for c, err := range w.Channel.Orders(ctx, since) {
			if err == nil && c.External == w.gone {
				continue
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// TestReadThrottled has an order to be read while the channel only asks to wait: it is not missing there.
func TestReadThrottled(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, s := facing(t, d)
		o := h.orders()[0]
		must(t, h.s.Want(context.Background(), h.acc.ID, o.External, "hint"))
		s.order = func() (channel.Change, error) { return channel.Change{}, fault.Wait(1, "slowly, please") }
		for range 20 {
			must(t, d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := tx.Exec(`update reads set next_at = 0 where state = 'due'`)
				return err
			}))
			_, err := h.s.ReadOnce(context.Background())
			must(t, err)
		}
		if n := h.count(`select count(*) from reads where state = 'dead'`); n != 0 || len(h.causes()) != 0 {
			t.Errorf("%d dead, cases %v after %d calls", n, h.causes(), s.calls)
		}
	})
}

// TestReplayAway replays an order while the rules of addresses cannot be read for the newest reading: no older one takes its place.
func TestReplayAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		h.shop.Cancel(id, "no")
		h.work()
		order := h.orders()[0]
		n, asked := h.count(`select count(*) from inbox`), int64(0)
		h.s.need.AddressMissing = func(context.Context, string, channel.Address) ([]string, error) {
			if asked++; asked >= n {
				return nil, fault.New(fault.Unavailable, "the database is away")
			}
			return nil, nil
		}
		got, err := h.s.Replay(ctx, order.ID, true, "clerk")
		if err == nil {
			t.Errorf("of %d readings the newest could not be judged, and an older one is imported again: %v", n, got.Applied)
		}
		asked = 1000
		if _, err = h.s.Replay(ctx, order.ID, true, "clerk"); !fault.Temporary(err) {
			t.Errorf("nothing could be judged just now: %v (%s)", err, fault.CodeOf(err))
		}
	})
}
