package postest

import (
	"testing"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/pos"
)

func rs(minor int64) money.Amount { return money.Of(minor, "PKR") }

func sale(n string) pos.Sale {
	return pos.Sale{
		ID: pos.ID("sale", n), Number: "ON-" + n, Branch: "khi-1", Currency: "PKR", Date: "2026-11-22", Subtotal: rs(249900), Tax: rs(38120), Discount: rs(0), Total: rs(249900), Status: "paid",
		Lines: []pos.SaleLine{
			{ID: pos.ID("line", n, "1"), SKU: "TEA-1", Quantity: 1, UnitPrice: rs(124950), Total: rs(124950)},
			{ID: pos.ID("line", n, "2"), SKU: "0042", Quantity: 3, UnitPrice: rs(41650), Total: rs(124950)},
		},
		Payments: []pos.SalePayment{{ID: pos.ID("payment", n, "1"), Method: "card", Amount: rs(249900), Settlement: "captured"}},
	}
}

func posted(n string) pos.Movement {
	return pos.Movement{
		ID: pos.ID("movement", n), Code: "SH-" + n, SKU: "TEA-1", Branch: "khi-1", Type: pos.MoveSale, Delta: -2, Date: "2026-11-22", UnitCost: rs(80033), RefType: "shipment", RefID: n,
	}
}

func giveBack(n string) pos.Return {
	return pos.Return{
		ID: pos.ID("return", n), Number: "RT-" + n, Branch: "khi-1", Currency: "PKR", Date: "2026-11-25", Sale: pos.ID("sale", n), Reason: "too small", Status: "approved", Approval: "approved",
		Subtotal: rs(124950), Tax: rs(19060), Total: rs(124950),
		Lines: []pos.SaleLine{{ID: pos.ID("line", n, "r1"), SKU: "TEA-1", Quantity: 1, UnitPrice: rs(124950), Total: rs(124950)}},
	}
}

func refund(n string) pos.Refund {
	return pos.Refund{ID: pos.ID("refund", n), Return: pos.ID("return", n), Method: "card", Amount: rs(124950), Number: "RF-" + n, Status: "processed", Currency: "PKR"}
}

// kindOfPost is one kind of document, posted well, and posted with other content under the same id.
type kindOfPost struct {
	kind  string
	post  func(tb testing.TB, l *live, n string) error
	other func(tb testing.TB, l *live, n string) error
}

func posts() []kindOfPost {
	return []kindOfPost{
		{
			"sale",
			func(tb testing.TB, l *live, n string) error { tb.Helper(); return l.PostSale(tb.Context(), sale(n)) },
			func(tb testing.TB, l *live, n string) error {
				tb.Helper()
				s := sale(n)
				s.Total = rs(1)
				return l.PostSale(tb.Context(), s)
			},
		},
		{
			"movement",
			func(tb testing.TB, l *live, n string) error {
				tb.Helper()
				return l.PostMovement(tb.Context(), posted(n))
			},
			func(tb testing.TB, l *live, n string) error {
				tb.Helper()
				m := posted(n)
				m.Delta = -3
				return l.PostMovement(tb.Context(), m)
			},
		},
		{
			"return",
			func(tb testing.TB, l *live, n string) error {
				tb.Helper()
				return l.PostReturn(tb.Context(), giveBack(n))
			},
			func(tb testing.TB, l *live, n string) error {
				tb.Helper()
				r := giveBack(n)
				r.Lines[0].Quantity = 2
				return l.PostReturn(tb.Context(), r)
			},
		},
		{
			"refund",
			func(tb testing.TB, l *live, n string) error {
				tb.Helper()
				if err := l.PostReturn(tb.Context(), giveBack(n)); err != nil {
					return err
				}
				return l.PostRefund(tb.Context(), refund(n))
			},
			func(tb testing.TB, l *live, n string) error {
				tb.Helper()
				r := refund(n)
				r.Amount = rs(5)
				return l.PostRefund(tb.Context(), r)
			},
		},
	}
}

func (e *env) counts(tb testing.TB, l *live, kind string, want int) {
	tb.Helper()
	if n := l.Posted(tb)[kind]; n != want {
		tb.Errorf("the core holds %d documents of kind %s, and should hold %d", n, kind, want)
	}
}

func (e *env) twice(tb testing.TB, p kindOfPost) {
	l := e.live(tb)
	l.Seed(tb, company())
	for _, n := range []string{"1", "1", "2", "1"} {
		if err := p.post(tb, l, n); e.hear(err) != nil {
			tb.Errorf("post %s: %v", n, err)
		}
	}
	e.counts(tb, l, p.kind, 2)
}

func (e *env) otherContent(tb testing.TB, p kindOfPost) {
	l := e.live(tb)
	l.Seed(tb, company())
	if err := p.post(tb, l, "1"); e.hear(err) != nil {
		tb.Fatalf("post: %v", err)
	}
	if err := p.other(tb, l, "1"); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("other content under the same id: %v, and should be Conflict", err)
	}
	e.counts(tb, l, p.kind, 1)
}

func (e *env) lost(tb testing.TB, p kindOfPost) {
	l := e.live(tb)
	l.Seed(tb, company())
	l.Fault(tb, LostAnswer, 0, 1)
	if err := p.post(tb, l, "1"); !fault.Is(e.hear(err), fault.Unavailable) && !fault.Is(err, fault.OutcomeUnknown) {
		tb.Fatalf("its answer was lost, and the call says %v", err)
	}
	if err := p.post(tb, l, "1"); e.hear(err) != nil {
		tb.Errorf("repeated: %v", err)
	}
	e.counts(tb, l, p.kind, 1)
}

// halves loses the answer to each part of a sale in turn; the repeat completes it.
func (e *env) halves(tb testing.TB) {
	for skip := range 4 {
		l := e.live(tb)
		l.Seed(tb, company())
		l.Fault(tb, LostAnswer, skip, 1)
		err := l.PostSale(tb.Context(), sale("1"))
		l.Fault(tb, LostAnswer, 0, 0)
		if err == nil {
			continue // posted in fewer parts
		}
		if err := l.PostSale(tb.Context(), sale("1")); e.hear(err) != nil {
			tb.Errorf("after part %d was lost the repeat says %v", skip+1, err)
		}
		n := l.Posted(tb)
		if n["sale"] != 1 || n["line"] != 0 && n["line"] != 2 || n["payment"] != 0 && n["payment"] != 1 {
			tb.Errorf("after part %d was lost and repeated the core holds %v", skip+1, n)
		}
	}
}

func (e *env) onHand(tb testing.TB, l *live) int64 {
	tb.Helper()
	page, err := l.Items(tb.Context())
	if e.hear(err) != nil {
		tb.Fatalf("items: %v", err)
	}
	for _, it := range page.Rows {
		if it.SKU == "TEA-1" && it.Branch == "khi-1" {
			return it.OnHand
		}
	}
	tb.Fatal("the item is not shown")
	return 0
}

func (e *env) stockOnce(tb testing.TB) {
	l := e.live(tb)
	l.Seed(tb, company())
	before := e.onHand(tb, l)
	for range 3 {
		if err := l.PostMovement(tb.Context(), posted("1")); e.hear(err) != nil {
			tb.Fatalf("post: %v", err)
		}
	}
	for _, err := range []error{l.PostSale(tb.Context(), sale("1")), l.PostReturn(tb.Context(), giveBack("1"))} {
		if e.hear(err) != nil {
			tb.Fatalf("post: %v", err)
		}
	}
	if got := e.onHand(tb, l); got != before-2 {
		tb.Errorf("a movement of two, a sale and a return took the stock from %d to %d: only the movement moves stock", before, got)
	}
}

func (e *env) echo(tb testing.TB) {
	l := e.live(tb)
	l.Seed(tb, company())
	l.Move(tb, move(1))
	if err := l.PostMovement(tb.Context(), posted("1")); e.hear(err) != nil {
		tb.Fatalf("post: %v", err)
	}
	feed, err := l.Movements(tb.Context(), "")
	if e.hear(err) != nil || len(feed.Rows) != 2 {
		tb.Fatalf("movements: %v, %+v", err, feed)
	}
	ours := 0
	for _, m := range feed.Rows {
		if m.Ours() != (m.RefID == posted("1").RefID && m.RefType == "shipment") {
			tb.Errorf("movement %s is ours: %v", m.ID, m.Ours())
		}
		if m.Ours() {
			ours++
		}
	}
	if ours != 1 {
		tb.Errorf("%d of two movements are recognised as ours", ours)
	}
}

func (e *env) invalid(tb testing.TB) {
	l := e.live(tb)
	l.Seed(tb, company())
	bad := map[string]func() error{
		"a sale without id": func() error { s := sale("1"); s.ID = ""; return l.PostSale(tb.Context(), s) },
		"a sale on no day":  func() error { s := sale("1"); s.Date = "22.11.2026"; return l.PostSale(tb.Context(), s) },
		"a sale in two currencies": func() error {
			s := sale("1")
			s.Payments[0].Amount = money.Of(1, "AED")
			return l.PostSale(tb.Context(), s)
		},
		"a line of nothing":          func() error { s := sale("1"); s.Lines[1].Quantity = 0; return l.PostSale(tb.Context(), s) },
		"a movement of nothing":      func() error { m := posted("1"); m.Delta = 0; return l.PostMovement(tb.Context(), m) },
		"a movement of nowhere":      func() error { m := posted("1"); m.Branch = ""; return l.PostMovement(tb.Context(), m) },
		"a return without number":    func() error { r := giveBack("1"); r.Number = ""; return l.PostReturn(tb.Context(), r) },
		"a refund of nothing":        func() error { r := refund("1"); r.Amount = rs(0); return l.PostRefund(tb.Context(), r) },
		"a refund without its goods": func() error { r := refund("1"); r.Return = ""; return l.PostRefund(tb.Context(), r) },
	}
	for what, post := range bad {
		if err := post(); !fault.Is(e.hear(err), fault.Invalid) {
			tb.Errorf("%s: %v, and should be Invalid", what, err)
		}
	}
	for kind, n := range l.Posted(tb) {
		if n != 0 {
			tb.Errorf("the core holds %d documents of kind %s", n, kind)
		}
	}
}
