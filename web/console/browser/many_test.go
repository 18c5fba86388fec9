package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
)

// fill adds so many orders to a company, each the copy of one that was lived through under a number of its own, and answers the first of the numbers.
func fill(t *testing.T, s *demo.Stage, n int) (first int) {
	t.Helper()
	numbers, err := s.App.Policy.Numbers(t.Context(), "PK-SH", n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(numbers[0], "PK-SH-%d", &first); err != nil {
		t.Fatal(err)
	}
	var columns []string
	read(t, s, func(tx *db.Tx) (err error) {
		columns, err = db.All(tx, func(row db.Scanner) (name string, err error) { return name, row.Scan(&name) }, `select name from pragma_table_info('orders')`)
		return err
	})
	own := map[string]string{
		"id": `substr(o.id, 1, 23) || printf('-%012x', k)`, "number": `printf('PK-SH-%06d', $1 + k)`, "external": `'many-' || k`, "external_number": `'#M' || k`,
		"created_at": `o.created_at - k * 1000000`, "placed_at": `o.placed_at - k * 1000000`,
	}
	values := make([]string, len(columns))
	for i, c := range columns {
		if values[i] = own[c]; values[i] == "" {
			values[i] = "o." + c
		}
	}
	if err := s.App.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into orders (`+strings.Join(columns, ", ")+`) with recursive many(k) as (select 0 union all select k + 1 from many where k + 1 < $2)
			select `+strings.Join(values, ", ")+` from many cross join (select * from orders where channel = 'shopify' order by id limit 1) o`, first, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return first
}

// TestMany finds one order among 100,000 by the last digits of its number, with the keyboard alone, and narrows the list down with more than one filter.
func TestMany(t *testing.T) {
	t.Parallel()
	const many = 100_000
	s := stage(t, 6)
	first := fill(t, s, many)
	for _, lang := range []string{"en", "ur"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			p := open(t, s, lang, 1280, 800)
			for i, k := range []int{54_321, 7, many - 1} {
				var o order.View
				number := fmt.Sprintf("PK-SH-%06d", first+k)
				read(t, s, func(tx *db.Tx) (err error) { o, err = s.App.Order.Get(tx, number); return err })
				p.Go("/console/")
				p.Keys("/")
				p.Wait("document.activeElement.id === 'q'")
				p.Fill("#q", "") // the driver types the slash itself as well
				p.Keys(number[len(number)-6:] + "\r")
				p.At("/console/orders/" + o.ID)
				p.Wait(fmt.Sprintf("document.body.innerText.includes(%q)", number))
				if i == 0 {
					t.Logf("found and shown in %s ms", p.Text(`String(Math.round(performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd))`))
				}
			}
			p.Go("/console/orders?country=PK&channel=shopify&currency=PKR&least=1&oldest=1")
			p.Wait("document.querySelectorAll('[data-row]').length === 50")
			t.Logf("the list, by five filters, in %s ms", p.Text(`String(Math.round(performance.getEntriesByType("navigation")[0].responseEnd))`))
			p.Keys("j")
			p.Keys("x")
			p.Wait("document.querySelectorAll('[data-row] input:checked').length === 1")
			check(t, p)
		})
	}
}
