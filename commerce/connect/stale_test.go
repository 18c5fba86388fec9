package connect

import (
	"context"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestPassedOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		var newest stored
		// again is how many readings of the same content would be stored.
		again := func(change string) (n int) {
			must(t, d.Write(context.Background(), func(tx *db.Tx) error {
				if err := tx.QueryRow(`select external, content_hash from inbox order by n desc limit 1`).Scan(&newest.external, &newest.hash); err != nil {
					return err
				}
				if change != "" {
					if _, err := tx.Exec(change); err != nil {
						return err
					}
				}
				fresh, err := h.s.home().unknown(tx, h.acc.ID, []*stored{&newest}, nil)
				n = len(fresh)
				return err
			}))
			return n
		}
		t.Run("the same content again stores nothing", func(t *testing.T) {
			if n := again(""); n != 0 {
				t.Errorf("%d stored", n)
			}
		})
		t.Run("a reading that was passed over at the time of what is held counts when the channel says it again", func(t *testing.T) {
			if n := again(`update inbox set cause = 'stale'`); n != 1 {
				t.Errorf("%d stored", n)
			}
		})
		t.Run("one that is older than what is held does not", func(t *testing.T) {
			if n := again(`update channel_orders set version_at = version_at + 1`); n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	})
}

// edited is a shop whose order changed at the very time of what we hold, and whose poll began so long before what we hold was read.
func edited(t *testing.T, d *db.DB, before time.Duration) (h *house, id string) {
	t.Helper()
	h = setup(t, d, channel.Live)
	at := d.Now().Truncate(time.Second)
	h.shop.SetClock(func() time.Time { return at })
	id = h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
	h.work()
	h.held(id, before)
	h.shop.Edit(id, func(o *channel.Order) { o.ShipTo.City = "Multan" })
	_, err := h.s.Poll(t.Context(), h.acc.ID)
	must(t, err)
	h.importAll()
	if n := h.count(`select count(*) from reads where external = $1 and next_at <= $2`, id, db.Micros(d.Now())); n != 1 {
		t.Fatalf("%d wishes to read it after a poll that contradicts", n)
	}
	return h, id
}

// still is a clock that stands, so that it is the test that says what was read when.
func still() dbtest.Config { return dbtest.Config{Now: dbtest.NewClock(time.Now()).Now} }

// readOnce reads what is wished for, and answers where the order goes then.
func (h *house) readOnce(id string) (city string) {
	h.t.Helper()
	_, err := h.s.ReadOnce(context.Background())
	must(h.t, err)
	h.importAll()
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(`select ship_city from orders where external = $1`, id).Scan(&city)
	}))
	return city
}

// TestContradicted has an order change within one unit of the channel's clock, while something else was being read: reading it decides, also when it says no more than the
// poll did that raised the doubt.
func TestContradicted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, id := edited(t, d, 4*time.Second)
		h.held(id, -time.Hour)
		if got := h.readOnce(id); got != "Multan" {
			t.Errorf("it goes to %q", got)
		}
	}, still())
}

// TestDoubted has our clock, or that of another process, go back a little in between: a reading that seems to be older than what is held is made once more, also when what
// is held was confirmed since the order was written.
func TestDoubted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, id := edited(t, d, 4*time.Second)
		h.run(`update channel_orders set version_at = version_at - 1000000`)
		h.held(id, 4*time.Second)
		if got := h.readOnce(id); got == "Multan" {
			t.Errorf("it goes to %q: the clock decides", got)
		}
		if n := h.count(`select count(*) from reads where external = $1 and next_at > $2`, id, db.Micros(d.Now())); n != 1 {
			t.Fatalf("%d wishes for later", n)
		}
		h.held(id, -time.Minute)
		h.run(`update reads set next_at = 0`)
		if got := h.readOnce(id); got != "Multan" {
			t.Errorf("it goes to %q", got)
		}
		if n := h.count(`select count(*) from reads where external = $1`, id); n != 0 {
			t.Errorf("%d wishes are left", n)
		}
	}, still())
}

// TestClockWasAhead has our clock put right after it was an hour ahead: what was read meanwhile does not pass for the newest for that hour.
func TestClockWasAhead(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, id := edited(t, d, time.Hour)
		if got := h.readOnce(id); got != "Multan" {
			t.Errorf("it goes to %q", got)
		}
		if n := h.count(`select count(*) from reads where external = $1`, id); n != 0 {
			t.Errorf("%d wishes are left", n)
		}
	}, still())
}

// TestClockWentAhead has it go ahead, for one reading that changes nothing, after the doubt: the reading that was wished for is made once more.
func TestClockWentAhead(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, id := edited(t, d, 4*time.Second)
		h.held(id, time.Hour)
		if got := h.readOnce(id); got == "Multan" {
			t.Errorf("it goes to %q: nobody knows when what we hold was read", got)
		}
		h.run(`update reads set next_at = 0`)
		if got := h.readOnce(id); got != "Multan" {
			t.Errorf("it goes to %q", got)
		}
	}, still())
}

func (h *house) run(statement string) {
	h.t.Helper()
	must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error { _, err := tx.Exec(statement); return err }))
}

// held says of what we hold of an order that it was read so long after now.
func (h *house) held(id string, by time.Duration) {
	h.t.Helper()
	must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update orders set read_at = $2 where external = $1`, id, db.Micros(h.d.Now().Add(by)))
		return err
	}))
}
