package shopify

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// sheet is what one reading says about an order, whichever shape it came in. Amounts are in the presentment currency.
type sheet struct {
	id, name, confirmation, po, source, sourceID, company string
	test, taxIncluded, taxExempt, dutyIncluded, estimated bool
	processed, updated, cancelled, closed                 time.Time
	cancelReason                                          string
	shopCurrency, currency                                string
	financial, fulfillment, returning                     string // GraphQL's words; "" when not said
	note, email, phone                                    string
	tags                                                  []string
	customer, first, last                                 string
	ship, bill                                            *place

	gateways []string
	total    money.Amount
	shop     money.Amount // total in the shop's currency
	current  money.Amount
	tip      money.Amount
	duties   money.Amount
	fees     money.Amount
	rounding money.Amount
	received money.Amount // none when it cannot be known

	lines    []sheetLine
	shipping []sheetShipping
	txs      []transaction // only GraphQL tells
	parcels  []sheetParcel
	refunds  []sheetRefund
	returns  []sheetReturn

	// blind names what this reading cannot say although the order has it; then the order has to be read again.
	blind []string
	// silent is channel.Order.Silent: what this shape cannot say, which no other reading of the same shape would say either.
	silent []string
}

type place struct {
	first, last, name, company, address1, address2, city, province, zip, country, phone string
}

type sheetDiscount struct {
	kind, code, title string
	amount            money.Amount
}

type sheetTax struct {
	title, rate string
	channel     bool
	amount      money.Amount
}

type sheetLine struct {
	id, title, sku, variant, product string
	quantity, current                int64
	open                             int64 // not yet fulfilled and still wanted; -1 when not said
	price                            money.Amount
	ships, giftCard, taxable         bool
	properties                       []channel.Property
	discounts                        []sheetDiscount
	taxes                            []sheetTax
}

type sheetShipping struct {
	id, title string
	price     money.Amount
	discounts []sheetDiscount
	taxes     []sheetTax
	removed   bool
}

type transaction struct {
	id, kind, status, gateway, parent string
	amount                            money.Amount
}

type sheetParcel struct {
	id, status, display, location string
	carrier, url                  string
	numbers                       []string
	at                            time.Time
	lines                         []lineCount
}

type lineCount struct {
	line     string
	quantity int64
	id       string // of the parcel's line; only GraphQL tells
}

type sheetRefund struct {
	id, note string
	at       time.Time
	lines    []sheetRefundLine
	txs      []transaction
}

type sheetRefundLine struct {
	line, restock string
	quantity      int64
	subtotal, tax money.Amount
}

type sheetReturn struct {
	id, name, status, reference string
	at                          time.Time
	exchange                    bool
	lines                       []sheetReturnLine
}

type sheetReturnLine struct {
	id, line, reason, parcelLine string
	quantity                     int64
	value                        money.Amount
}

// text is a JSON string, number or boolean as its text, so that no digit of an id or an amount is lost; null is "".
type text string

// UnmarshalJSON takes any scalar.
func (t *text) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0 || data[0] == '{' || data[0] == '[':
		return fault.New(fault.Invalid, "a value was expected, not an object or a list")
	case string(data) == "null":
		*t = ""
		return nil
	case data[0] == '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*t = text(s)
		return nil
	}
	*t = text(data)
	return nil
}

// properties of a line in REST's shape. What an app put there as a number or a whole object is kept as its text, as GraphQL says it; an object of names instead of a list,
// which carts of old themes send, is understood too.
type properties []channel.Property

// UnmarshalJSON takes a list of names and values, or one object.
func (p *properties) UnmarshalJSON(data []byte) error {
	var list []struct {
		Name  text            `json:"name"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data, &list); err == nil {
		for _, one := range list {
			*p = append(*p, channel.Property{Name: string(one.Name), Value: anyText(one.Value)})
		}
		return nil
	}
	var named map[string]json.RawMessage
	if err := json.Unmarshal(data, &named); err != nil {
		return fault.New(fault.Invalid, "the properties of a line are no list of names and values")
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		*p = append(*p, channel.Property{Name: name, Value: anyText(named[name])})
	}
	return nil
}

// anyText is a scalar as text, or all else as it was written.
func anyText(raw json.RawMessage) string {
	var t text
	if len(raw) == 0 || t.UnmarshalJSON(raw) == nil {
		return string(t)
	}
	return string(raw)
}

// said is a status word as GraphQL spells it.
func (t text) said() string { return strings.TrimSpace(string(t)) }

// word is a status word of REST in the spelling of GraphQL's enums.
func (t text) word() string { return strings.ToUpper(t.said()) }

// moneyText is one amount: GraphQL says currencyCode, REST currency_code.
type moneyText struct {
	Amount   text   `json:"amount"`
	Currency string `json:"currencyCode"`
	RESTCode string `json:"currency_code"`
}

// bag is one amount in the shop's and in the buyer's currency.
type bag struct {
	Shop        *moneyText `json:"shopMoney"`
	Presentment *moneyText `json:"presentmentMoney"`
	RESTShop    *moneyText `json:"shop_money"`
	RESTPresent *moneyText `json:"presentment_money"`
}

// reader turns text into values and keeps the first thing that was wrong, with the field it was in.
type reader struct{ err error }

func (r *reader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = fault.Field(field, format, args...)
	}
}

// keep notes an error of arithmetic or parsing under the field.
func (r *reader) keep(field string, err error) {
	if err != nil && r.err == nil {
		r.err = fault.Field(field, "%s", fault.Message(err))
	}
}

func (r *reader) amount(field string, amount text, currency string) money.Amount {
	a, err := money.Parse(string(amount), currency)
	r.keep(field, err)
	return a
}

// currencies makes sure that an order's two currencies exist.
func (r *reader) currencies(s *sheet) {
	if s.currency == "" {
		s.currency = s.shopCurrency
	}
	for field, code := range map[string]string{"currency": s.shopCurrency, "presentment currency": s.currency} {
		if !money.Valid(code) {
			r.fail(field, "%.20q is not a currency of ISO 4217", code)
		}
	}
}

// presentment is the buyer's side of a bag, which must be in the order's currency; none for a missing bag.
func (r *reader) presentment(field string, b *bag, currency string) money.Amount {
	if b == nil {
		return money.Amount{}
	}
	m := b.Presentment
	if m == nil {
		m = b.RESTPresent
	}
	return r.side(field, m, currency)
}

func (r *reader) shop(field string, b *bag, currency string) money.Amount {
	if b == nil {
		return money.Amount{}
	}
	m := b.Shop
	if m == nil {
		m = b.RESTShop
	}
	return r.side(field, m, currency)
}

func (r *reader) side(field string, m *moneyText, currency string) money.Amount {
	if m == nil || m.Amount == "" {
		return money.Amount{}
	}
	code := m.Currency
	if code == "" {
		code = m.RESTCode
	}
	if code != currency {
		r.fail(field, "is in %q where the order is in %q", code, currency)
		return money.Amount{}
	}
	return r.amount(field, m.Amount, currency)
}

func (r *reader) add(field string, a, b money.Amount) money.Amount {
	sum, err := a.Add(b)
	r.keep(field, err)
	return sum
}

func (r *reader) sub(field string, a, b money.Amount) money.Amount {
	rest, err := a.Sub(b)
	r.keep(field, err)
	return rest
}

func (r *reader) count(field string, t text) int64 {
	if t == "" {
		return 0
	}
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || n < 0 || n > maxUnits {
		r.fail(field, "%.40q is not a number of units", string(t))
		return 0
	}
	return n
}

// maxUnits is more than any line holds; what is above is nonsense and would overflow sums.
const maxUnits = 1 << 31

func (r *reader) time(field string, t text) time.Time {
	if t == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, string(t))
	if err != nil {
		r.fail(field, "%.40q is not a time with its zone", string(t))
		return time.Time{}
	}
	return at.UTC()
}

// rate is a tax rate as the shortest decimal text.
func (r *reader) rate(field string, t text) string {
	if t == "" {
		return ""
	}
	rate, err := money.ParseRate(string(t))
	r.keep(field, err)
	return rate.String()
}

// tail is the number at the end of a gid: gid://shopify/Order/123 is 123. https://shopify.dev/docs/api/usage/gids
func tail(gid string) string {
	if i := strings.LastIndexByte(gid, '/'); i >= 0 {
		gid = gid[i+1:]
	}
	gid, _, _ = strings.Cut(gid, "?")
	return gid
}

func gid(kind, id string) string {
	if strings.HasPrefix(id, "gid://") {
		return id
	}
	return "gid://shopify/" + kind + "/" + id
}
