package console

import (
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/slip"
)

// personalised is the mark of an order some of whose lines the buyer had made their own: how many. What was asked is sealed with the buyer.
const personalised = "personalised_lines"

// wished is a line of the bench with what the buyer asked of it.
type wished struct {
	SKU, Title string
	Wishes     []slip.Wish
}

// workWishes shows at the bench what the buyer asked of single goods; the reading is written down.
func workWishes(v *visit) error {
	b, err := v.bench(v.id())
	if err != nil {
		return err
	}
	var p parcel
	if err := v.read(func(tx *db.Tx) error { return v.readParcel(tx, b.ID, &p) }); err != nil {
		return err
	}
	records, err := v.buyersOf([]parcel{p}, "pack what the buyer asked for")
	if err != nil {
		return err
	}
	b.Opened, b.Note = true, records[p.Order.Buyer].Note
	for _, l := range b.Lines {
		if all := wishesOf(p.Order, records[p.Order.Buyer], l.LineID); len(all) > 0 {
			b.Wished = append(b.Wished, wished{l.SKU, l.Title, all})
		}
	}
	return v.page("work_show", "Fulfillment %s", b, b.Number)
}
