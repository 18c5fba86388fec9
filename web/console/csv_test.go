package console_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestNoFormulas has every cell of the exported list of orders that a spreadsheet would calculate leave as text, whichever column it stands in.
func TestNoFormulas(t *testing.T) {
	t.Parallel()
	s := company(t, 3)
	p := enter(t, s, demo.StageEmail)
	const formula = `=HYPERLINK("http://192.0.2.1/","x")`
	if err := s.App.DB.Write(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(`update orders set external_number = '+' || external_number, ship_country = '@PK'`); err != nil {
			return err
		}
		_, err := tx.Exec(`update channel_accounts set name = $1 where id = (select account_id from orders order by id limit 1)`, formula)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	a := p.get(t, "/console/orders.csv")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows: %v: %d %s", len(rows), err, a.status, a.body)
	}
	found := false
	for _, row := range rows {
		for _, cell := range row {
			found = found || cell == "'"+formula
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("a spreadsheet calculates %q", cell)
			}
		}
	}
	if !found {
		t.Errorf("the name of the account is not there as text: %s", a.body)
	}
}
