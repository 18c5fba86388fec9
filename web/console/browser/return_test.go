package browser_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestReturn opens, approves, receives by scan, inspects and refunds a return, from what the pages offer.
func TestReturn(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ur"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := stage(t, 12)
			orders, err := s.Deliver(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			p := open(t, s, lang, 1280, 800)
			p.Go("/console/orders/" + orders[0])
			p.Click("a[href$='/return']")
			p.At("/console/orders/" + orders[0] + "/return")
			p.Fill("input[name=reason]", "too small")
			p.Click("form.card button.primary")
			p.At("/console/returns/")
			p.Click("form[action$='/decide/approve'] button")
			p.Wait("document.querySelector('.s-decision_approved') && document.readyState === 'complete'")
			p.Eval("((document.querySelector('#came select[name=at]').value = 'PK-LHE-WH'), true)")
			var r returns.RMA
			find := func() {
				read(t, s, func(tx *db.Tx) error {
					all, err := s.App.Returns.Of(tx, orders[0])
					r = all[0]
					return err
				})
			}
			find()
			for _, sku := range comes(t, s, r) {
				p.Scan(sku)
			}
			p.Wait("document.querySelector('.s-goods_received') && document.readyState === 'complete'")
			p.Eval("(document.querySelectorAll('#inspect select').forEach((c) => { c.value = 'sellable' }), true)")
			p.Click("#inspect button.primary")
			p.Wait("document.querySelector('.s-goods_inspected') && document.readyState === 'complete'")
			p.Click("#refund button.primary")
			p.Wait("document.querySelector('.s-money_intended, .s-money_refunded')")
			check(t, p)
			if err := s.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Go("/console/returns?tab=all")
			p.Wait("document.querySelector('tr[data-row] .s-money_refunded')")
			check(t, p)
			if find(); r.Refunded == 0 || r.Refunded != r.RefundDue || r.Goods != "inspected" {
				t.Errorf("%d of %d went back, the goods are %s", r.Refunded, r.RefundDue, r.Goods)
			}
		})
	}
}

// comes are the SKUs of the units of a return, one for each unit.
func comes(t *testing.T, s *demo.Stage, r returns.RMA) (all []string) {
	t.Helper()
	read(t, s, func(tx *db.Tx) error {
		all = nil
		lines, err := s.App.Order.Lines(tx, []string{r.OrderID})
		for _, back := range r.Lines {
			for _, l := range lines[r.OrderID] {
				for range back.Quantity {
					if l.ID == back.LineID {
						all = append(all, l.SKU)
					}
				}
			}
		}
		return err
	})
	return all
}
