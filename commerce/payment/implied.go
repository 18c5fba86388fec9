package payment

import "github.com/openclaw-pos/commerce/channel"

// implied takes cash that a channel collects as collected when the channel gives back more than came otherwise: what goes back had come.
func (l *ledger) implied() {
	more := int64(0)
	for i := range l.refunds {
		if r := &l.refunds[i]; r.State == "issued" || r.State == "recorded" {
			more += r.Amount
		}
	}
	for i := range l.payments {
		more -= l.payments[i].Captured
	}
	for i := range l.payments {
		p := &l.payments[i]
		if more <= 0 {
			return
		}
		if p.Collector != string(channel.ByChannel) || p.State != Due || !p.cashStep("collect") || !p.step("capture") {
			continue
		}
		p.CODGot, p.CODBasis, p.Captured = p.CODDue, Confirmed, max(p.Captured, p.CODDue)
		more -= p.Captured
		l.touch(i)
	}
}
