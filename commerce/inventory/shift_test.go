package inventory_test

import (
	"context"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

func (s *shop) shift(line, variant, from, to string, n int64) error {
	return s.d.Write(context.Background(), func(tx *db.Tx) error {
		return s.s.Shift(tx, []inventory.ShiftReq{{Holder: stock.ByLine, HolderID: line, Variant: variant, From: from, To: to, Quantity: n}})
	})
}

func TestShift(t *testing.T) {
	t.Parallel()
	t.Run("moves a reservation, and its inverse moves it back", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			s.put("shirt", s.a, 3)
			s.reserve(s.line("1", "shirt", 2, 1))
			if err := s.shift("1", "shirt", s.w, s.a, 2); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"3/0", "3/2"}, []string{s.at("shirt", s.w), s.at("shirt", s.a)})
			if err := s.shift("1", "shirt", s.a, s.w, 2); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"3/2", "3/0"}, []string{s.at("shirt", s.w), s.at("shirt", s.a)})
			s.proof()
		})
	})
	t.Run("is refused whole where the other place has not enough", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			s.put("shirt", s.a, 1)
			s.reserve(s.line("1", "shirt", 2, 1))
			refused(t, fault.Conflict, s.shift("1", "shirt", s.w, s.a, 2))
			refused(t, fault.Conflict, s.shift("1", "shirt", s.w, s.b, 1))
			refused(t, fault.Conflict, s.shift("1", "shirt", s.a, s.w, 1))
			refused(t, fault.Invalid, s.shift("1", "shirt", s.w, s.w, 1))
			same(t, []string{"3/2", "1/0"}, []string{s.at("shirt", s.w), s.at("shirt", s.a)})
			s.proof()
		})
	})
}

func (s *shop) refill() (given int64) {
	s.Helper()
	s.write(func(tx *db.Tx) (err error) {
		given, err = s.s.Refill(tx, 2)
		return err
	})
	return given
}

func TestRefill(t *testing.T) {
	t.Parallel()
	t.Run("serves the highest rank first, and tells its order", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.reserve(s.line("low", "shirt", 2, 1), s.line("high", "shirt", 2, 9))
			same(t, int64(0), s.refill())
			s.put("shirt", s.b, 3)
			same(t, int64(3), s.refill())
			same(t, int64(0), s.refill())
			same(t, map[string]int64{"low": 1}, s.short("low", "high"))
			told := read(s, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfOrder(tx, "order-high") })
			if len(told) != 1 || told[0].Type != event.StockRefilled || told[0].Partition != "order:order-high" {
				t.Fatalf("want one event, got %+v", told)
			}
			fact, err := outbox.Decode[event.StockFact](told[0])
			if err != nil || fact.Quantity != 2 || fact.Remaining != 0 || fact.LocationID != s.b {
				t.Errorf("got %+v, %v", fact, err)
			}
			same(t, 1, len(s.cases(exception.Shortage)))
			s.proof()
		})
	})
	t.Run("is not held up by shortages that nothing can serve", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			for _, line := range []string{"x", "y", "z"} {
				s.routes["order-"+line] = inventory.Route{LegalEntity: "another", Country: "DE"}
				s.reserve(s.line(line, "shirt", 1, 9))
			}
			s.reserve(s.line("1", "shirt", 1, 1))
			s.put("shirt", s.a, 1)
			same(t, int64(1), s.refill())
			same(t, map[string]int64{"x": 1, "y": 1, "z": 1}, s.short("1", "x", "y", "z"))
			s.proof()
		})
	})
}

func TestExpire(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.put("shirt", s.w, 5)
		s.reserve(s.cart("c", "shirt", 2))
		s.reserve(s.line("1", "shirt", 1, 1))
		same(t, 0, s.expire())
		s.clock.Advance(20 * time.Minute)
		same(t, 1, s.expire())
		same(t, 0, s.expire())
		same(t, "5/1", s.at("shirt", s.w))
		s.proof()
	})
}

func (s *shop) expire() int {
	s.Helper()
	n, err := s.s.Expire(context.Background(), 100)
	if err != nil {
		s.Fatal(err)
	}
	return n
}
