package console

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
)

// mostRows is how many orders one table holds: a spreadsheet opens that, and a person narrows it down before.
const mostRows = 50_000

// ordersCSV answers the list as it is filtered as a table, without personal data. It is read page by page, so that nobody waits for it.
func ordersCSV(v *visit) error {
	var f order.Filter
	names := map[string]string{}
	next := func(after string) (page order.Page, err error) {
		err = v.read(func(tx *db.Tx) error {
			if after == "" {
				accounts, err := v.Connect.Accounts(tx)
				if err != nil {
					return err
				}
				names, _ = named(accounts)
				if f, err = v.orderFilter(tx); err != nil {
					return err
				}
			}
			page, err = v.Order.List(tx, f, after, 500)
			return err
		})
		return page, err
	}
	page, err := next("")
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="orders-`+v.now.In(v.zone).Format("2006-01-02-1504")+`.csv"`)
	v.w.WriteHeader(http.StatusOK)
	out := csv.NewWriter(v.w)
	row := func(cells ...string) error {
		for i, c := range cells {
			cells[i] = harmless(c)
		}
		return out.Write(cells)
	}
	err = row("number", "channel_number", "account", "channel", "country", "state", "payment", "on_hold", "cash_on_delivery", "placed_at", "ship_by", "units", "currency", "total")
	for n := 0; err == nil; {
		for _, o := range page.Items {
			if err = row(o.Number, o.ExternalNumber, names[o.Account], o.Channel, o.Country, string(o.State), string(o.PayState), yesNo(o.Holds > 0), yesNo(o.COD),
				stamp(o.PlacedAt), stamp(o.ShipBy), strconv.FormatInt(o.Units.Ordered, 10), o.Currency, o.Amount(o.Sums.Total).Decimal()); err != nil {
				break
			}
		}
		if out.Flush(); err != nil || page.Next == "" {
			break
		}
		if n += len(page.Items); n >= mostRows {
			err = row("… more than " + strconv.Itoa(mostRows) + " orders: filter the list first")
			break
		}
		page, err = next(page.Next)
	}
	if out.Flush(); err != nil || out.Error() != nil {
		v.Log.Error("a table ended early", "err", err, "write", out.Error()) // its first rows are out: no other answer is possible
	}
	return nil
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
