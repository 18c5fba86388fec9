package catalog

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

// priceImport reads price files. A list that is new needs country and currency.
type priceImport struct {
	s     *Service
	first map[string]int
	lists map[string]List // of the file's earlier rows
}

func (im *priceImport) columns() []sheet.Column {
	return []sheet.Column{
		{Name: "sku", Required: true, Also: []string{"article", "item code"}},
		{Name: "price", Required: true, Also: []string{"amount"}},
		{Name: "compare", Also: []string{"compare at", "list price", "was"}},
		{Name: "currency"},
		{Name: "country"},
		{Name: "list", Also: []string{"price list"}},
		{Name: "channel"},
		{Name: "account_id", Also: []string{"account"}},
		{Name: "priority"},
		{Name: "from", Also: []string{"valid from"}},
		{Name: "to", Also: []string{"valid to"}},
	}
}

// listName is the list a row belongs to: the one it names, else one for where it is valid.
func listName(row sheet.Row) string {
	return cmp.Or(row.Get("list"), strings.Join(strings.Fields(strings.Join([]string{row.Get("country"), row.Get("currency"), row.Get("channel"), row.Get("account_id")}, " ")), " "))
}

func priceKey(row sheet.Row) string {
	return row.Get("sku") + "\x00" + listName(row) + "\x00" + instant(row)
}

// instant is a row's begin, however it is written.
func instant(row sheet.Row) string {
	at, err := moment(row, "from")
	if err != nil || at.IsZero() {
		return row.Get("from")
	}
	return at.Format(time.RFC3339)
}

func (im *priceImport) arrange(rows []sheet.Row) []sheet.Row {
	return arrange(im.first, rows, priceKey)
}

func arrange(first map[string]int, rows []sheet.Row, key func(sheet.Row) string) []sheet.Row {
	for _, r := range rows {
		if _, ok := first[key(r)]; !ok {
			first[key(r)] = r.N
		}
	}
	return rows
}

func (im *priceImport) part(tx *db.Tx, rows []sheet.Row, dry bool, report *sheet.Report) (func(), error) {
	variants, err := im.s.Variants(tx, column(rows, "sku"))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = listName(row)
	}
	known, err := im.s.Lists(tx, names...)
	if err != nil {
		return nil, err
	}
	lists, fresh := maps.Clone(im.lists), map[string]List{}
	for _, l := range known {
		lists[l.Name] = l
	}
	var prices []NewPrice
	for _, row := range rows {
		p, list, err := im.price(row, variants, lists)
		if err != nil {
			report.Refuse(row.N, err)
			continue
		}
		if list != lists[list.Name] || list.ID == "" {
			lists[list.Name], fresh[list.Name] = list, list
		}
		prices = append(prices, p)
	}
	done := func() { im.lists = lists }
	news, err := im.news(tx, prices, report)
	if err != nil || dry {
		return done, err
	}
	var changed []List
	for _, l := range fresh {
		changed = append(changed, l)
	}
	if len(changed) > 0 {
		if err := im.s.SaveLists(tx, changed); err != nil {
			return nil, err
		}
	}
	return done, im.s.AddPrices(tx, news)
}

// price reads a row, and the list it belongs to.
func (im *priceImport) price(row sheet.Row, variants map[string]string, lists map[string]List) (p NewPrice, l List, err error) {
	if err := twice(im.first, priceKey(row), row.N); err != nil {
		return p, l, err
	}
	p = NewPrice{List: listName(row), Variant: variants[row.Get("sku")]}
	if p.Variant == "" {
		return p, l, fault.Field("sku", "there is no SKU %q", row.Get("sku"))
	}
	if l, err = listOf(row, p.List, lists); err != nil {
		return p, l, err
	}
	if p.Amount, err = minor(row, "price", l.Currency); err != nil {
		return p, l, err
	}
	if row.Get("compare") != "" {
		if p.Compare, err = minor(row, "compare", l.Currency); err != nil {
			return p, l, err
		}
	}
	if p.From, err = moment(row, "from"); err != nil {
		return p, l, err
	}
	if p.To, err = moment(row, "to"); err != nil {
		return p, l, err
	}
	return p, l, p.check()
}

// listOf is a row's list as it is known, or as the row says.
func listOf(row sheet.Row, name string, lists map[string]List) (List, error) {
	l, known := lists[name]
	if !known {
		l = List{Name: name, Active: true, Country: row.Get("country"), Currency: row.Get("currency"), Channel: row.Get("channel"), Account: row.Get("account_id")}
		if len(l.Country) != 2 {
			return l, fault.Field("country", "the new price list %q needs a country of two letters", name)
		}
		if !money.Valid(l.Currency) {
			return l, fault.Field("currency", "%q is not an ISO 4217 currency", l.Currency)
		}
	}
	for column, has := range map[string]string{"country": l.Country, "currency": l.Currency, "channel": l.Channel, "account_id": l.Account} {
		if text := row.Get(column); text != "" && text != has {
			return l, fault.Field(column, "the price list %q is for %q", name, has)
		}
	}
	n, err := row.Int("priority", l.Priority)
	l.Priority = n
	return l, err
}

// minor reads an amount that must not be negative.
func minor(row sheet.Row, name, currency string) (int64, error) {
	if row.Get(name) == "" {
		return 0, fault.Field(name, "is missing")
	}
	digits, ok := money.Exponent(currency)
	if !ok {
		return 0, fault.Field("currency", "%q is not an ISO 4217 currency", currency)
	}
	text, err := row.Decimal(name, digits)
	if err != nil {
		return 0, err
	}
	a, err := money.Parse(text, currency)
	if err != nil {
		return 0, fault.Field(name, "%s %s: %s", text, currency, fault.Message(err))
	}
	if a.Minor < 0 {
		return 0, fault.Field(name, "must not be negative")
	}
	return a.Minor, nil
}

// news leaves out prices that are so already.
func (im *priceImport) news(tx *db.Tx, all []NewPrice, report *sheet.Report) ([]NewPrice, error) {
	batch := db.NewBatch(0)
	for i, p := range all {
		from := p.From
		if from.IsZero() {
			from = tx.Now
		}
		batch.Add(int64(i), p.List, p.Variant, from.UnixMicro(), p.From.IsZero())
	}
	same, other := map[int]bool{}, map[int]bool{}
	tx.SendQuery(`select r.i, p.amount, p.compare, p.valid_to, p.valid_from from rows(i bigint, n text, v text, f bigint, open boolean)
		join price_lists l on l.name = r.n
		join prices p on p.list_id = l.id and p.variant_id = r.v and (p.valid_from = r.f or r.open and p.valid_from <= r.f and (p.valid_to is null or p.valid_to > r.f))
		order by r.i, p.valid_from`, func(row db.Scanner) error {
		var i, amount, from int64
		var compare int64
		var to time.Time
		err := row.Scan(&i, &amount, db.Int(&compare), db.Time(&to), &from)
		p := all[i]
		same[int(i)] = amount == p.Amount && compare == p.Compare && to.Equal(p.To) // the last one counts: it began last
		other[int(i)] = true
		return err
	}, batch)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	var news []NewPrice
	for i, p := range all {
		switch {
		case same[i]:
			report.Same++
			continue
		case other[i]:
			report.Changed++
		default:
			report.Added++
		}
		news = append(news, p)
	}
	return news, nil
}

// costImport reads cost files.
type costImport struct {
	s     *Service
	first map[string]int
}

func (im *costImport) columns() []sheet.Column {
	return []sheet.Column{
		{Name: "sku", Required: true, Also: []string{"article", "item code"}},
		{Name: "legal_entity", Required: true, Also: []string{"company", "entity"}},
		{Name: "cost", Required: true, Also: []string{"unit cost", "amount"}},
		{Name: "currency", Required: true},
		{Name: "from", Also: []string{"valid from"}},
	}
}

func costKey(row sheet.Row) string {
	return row.Get("sku") + "\x00" + row.Get("legal_entity") + "\x00" + instant(row)
}

func (im *costImport) arrange(rows []sheet.Row) []sheet.Row { return arrange(im.first, rows, costKey) }

func (im *costImport) part(tx *db.Tx, rows []sheet.Row, dry bool, report *sheet.Report) (func(), error) {
	variants, err := im.s.Variants(tx, column(rows, "sku"))
	if err != nil {
		return nil, err
	}
	entities, err := im.s.need.Entities(tx, column(rows, "legal_entity"))
	if err != nil {
		return nil, err
	}
	var all []Cost
	for _, row := range rows {
		c, err := im.cost(row, variants, entities)
		if err != nil {
			report.Refuse(row.N, err)
			continue
		}
		all = append(all, c)
	}
	news, err := im.news(tx, all, report)
	if err != nil || dry {
		return func() {}, err
	}
	return func() {}, im.s.SaveCosts(tx, news)
}

func (im *costImport) cost(row sheet.Row, variants, entities map[string]string) (c Cost, err error) {
	if err := twice(im.first, costKey(row), row.N); err != nil {
		return c, err
	}
	c = Cost{Variant: variants[row.Get("sku")], LegalEntity: entities[row.Get("legal_entity")]}
	switch {
	case c.Variant == "":
		return c, fault.Field("sku", "there is no SKU %q", row.Get("sku"))
	case c.LegalEntity == "":
		return c, fault.Field("legal_entity", "there is no legal entity %q", row.Get("legal_entity"))
	}
	n, err := minor(row, "cost", row.Get("currency"))
	if err != nil {
		return c, err
	}
	c.Amount = money.Of(n, row.Get("currency"))
	c.From, err = moment(row, "from")
	return c, err
}

// news leaves out costs that are so already.
func (im *costImport) news(tx *db.Tx, all []Cost, report *sheet.Report) ([]Cost, error) {
	batch := db.NewBatch(0)
	for i, c := range all {
		from := c.From
		if from.IsZero() {
			from = tx.Now
		}
		batch.Add(int64(i), c.Variant, c.LegalEntity, from.UnixMicro(), c.From.IsZero())
	}
	have := map[int]money.Amount{}
	tx.SendQuery(`select r.i, c.amount, c.currency from rows(i bigint, v text, l text, f bigint, open boolean)
		join costs c on c.variant_id = r.v and c.legal_entity_id = r.l and (c.valid_from = r.f or r.open and c.valid_from <= r.f)
		order by r.i, c.valid_from`, func(row db.Scanner) error {
		var i, amount int64
		var currency string
		err := row.Scan(&i, &amount, &currency)
		have[int(i)] = money.Of(amount, currency)
		return err
	}, batch)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	var news []Cost
	for i, c := range all {
		switch old, known := have[i]; {
		case known && old == c.Amount:
			report.Same++
			continue
		case known:
			report.Changed++
		default:
			report.Added++
		}
		news = append(news, c)
	}
	return news, nil
}

// column is a column's texts.
func column(rows []sheet.Row, name string) []string {
	all := make([]string, len(rows))
	for i, row := range rows {
		all[i] = row.Get(name)
	}
	return all
}
