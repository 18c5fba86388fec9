package payment_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestStateOf(t *testing.T) {
	t.Parallel()
	card := func(st string, amount, captured, refunded int64) payment.Payment {
		return payment.Payment{Method: "card", State: st, Amount: amount, Captured: captured, Refunded: refunded}
	}
	cod := func(st string, captured, refunded int64) payment.Payment {
		return payment.Payment{Method: "cod", State: st, Amount: 100, Captured: captured, Refunded: refunded}
	}
	for _, c := range []struct {
		name  string
		total int64
		all   []payment.Payment
		want  string
	}{
		{"nothing was paid", 100, nil, "unpaid"},
		{"a free order is paid", 0, nil, "paid"},
		{"a card that was asked and did not answer", 100, []payment.Payment{card("due", 100, 0, 0)}, "unpaid"},
		{"failed", 100, []payment.Payment{card("failed", 100, 0, 0)}, "unpaid"},
		{"failed, then paid", 100, []payment.Payment{card("failed", 100, 0, 0), card("captured", 100, 100, 0)}, "paid"},
		{"held at the bank", 100, []payment.Payment{card("authorized", 100, 0, 0)}, "authorized"},
		{"cash is due", 100, []payment.Payment{cod("due", 0, 0)}, "due"},
		{"a deposit, the rest in cash", 100, []payment.Payment{card("captured", 30, 30, 0), cod("due", 0, 0)}, "due"},
		{"a deposit and nothing else", 100, []payment.Payment{card("captured", 30, 30, 0)}, "part_paid"},
		{"a deposit, the rest held", 100, []payment.Payment{card("captured", 30, 30, 0), card("authorized", 70, 0, 0)}, "authorized"},
		{"two halves", 100, []payment.Payment{card("captured", 50, 50, 0), card("captured", 50, 50, 0)}, "paid"},
		{"more than asked", 100, []payment.Payment{card("captured", 120, 120, 0)}, "paid"},
		{"some went back", 100, []payment.Payment{card("captured", 100, 100, 40)}, "part_refunded"},
		{"all went back", 100, []payment.Payment{card("captured", 100, 100, 100)}, "refunded"},
		{"more went back than came", 100, []payment.Payment{card("captured", 100, 100, 120)}, "refunded"},
		{"let go", 100, []payment.Payment{card("voided", 100, 0, 0)}, "voided"},
		{"let go once, asked again", 100, []payment.Payment{card("voided", 100, 0, 0), card("authorized", 100, 0, 0)}, "authorized"},
		{"cancelled and let go", 0, []payment.Payment{card("voided", 100, 0, 0)}, "voided"},
	} {
		if got := payment.StateOf(c.total, c.all); got != c.want {
			t.Errorf("%s: want %s, got %s", c.name, c.want, got)
		}
	}
}

func TestLives_are_sound_and_the_database_knows_every_state(t *testing.T) {
	t.Parallel()
	for _, l := range payment.Lives {
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	}
	each(t, func(h *house) {
		id := h.imported(arrival("1001", cash("courier")))
		for column, l := range map[string]state.Life{"state": payment.Life, "cod_state": payment.CashLife} {
			set := func(s state.State) error {
				return h.try(func(tx *db.Tx) error {
					_, err := tx.Exec(`update order_payments set `+column+` = $2 where order_id = $1`, id, string(s))
					return err
				})
			}
			for _, s := range l.States() {
				if err := set(s); err != nil {
					t.Errorf("%s: the table does not take %s: %v", l.Name, s, err)
				}
			}
			if set("elsewhere") == nil {
				t.Errorf("%s: the table takes any word", l.Name)
			}
		}
	})
}
