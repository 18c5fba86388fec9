package daraz_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/channel/daraz"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func decode(t testing.TB, ch channel.Channel, order, items string) channel.Order {
	t.Helper()
	o, err := ch.Decode(channel.Raw{Shape: "order+items", Docs: []channel.Doc{{Name: "order", Body: []byte(order)}, {Name: "items", Body: []byte(items)}}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Whatever units go through, their line keeps its key, and each unit is in exactly one line.
func TestLineKeysAreStable(t *testing.T) {
	t.Parallel()
	ch := offline(t, nil)
	rnd := rand.New(rand.NewPCG(1, 2))
	words := []string{"pending", "packed", "ready_to_ship", "shipped", "delivered", "canceled", "returned", "lost", "new_word"}
	lineOf := map[string]string{}
	for round := range 200 {
		var rows []string
		for unit := range 12 {
			status := words[rnd.IntN(len(words))]
			rows = append(rows, fmt.Sprintf(`{"order_item_id":%d,"order_id":9,"sku":"S%d|x","shop_sku":"P%d","item_price":"%d.00","paid_price":%d,"currency":"PKR","status":%q,"package_id":"FP%d","updated_at":"%d"}`,
				100+unit, unit/3, unit/6, 50+unit/4, 50+unit/4, status, rnd.IntN(3), 1795170312000+int64(round)*1000))
		}
		rnd.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		o := decode(t, ch, `{"order_id":9,"price":"1","shipping_fee":"0"}`, "["+strings.Join(rows, ",")+"]")
		seen := 0
		for _, l := range o.Lines {
			if int64(len(l.Units)) != l.Quantity || l.Progress.Sum() > l.Quantity {
				t.Fatalf("line %+v", l)
			}
			for _, u := range l.Units {
				seen++
				if was, ok := lineOf[u.External]; ok && was != l.External {
					t.Fatalf("unit %s moved from line %q to %q", u.External, was, l.External)
				}
				lineOf[u.External] = l.External
			}
		}
		if seen != 12 {
			t.Fatalf("%d units of 12", seen)
		}
	}
}

func TestDecodeMoney(t *testing.T) {
	t.Parallel()
	ch := offline(t, nil)
	t.Run("amounts_that_do_not_fit_are_invalid_and_named", func(t *testing.T) {
		t.Parallel()
		for field, docs := range map[string][2]string{
			"order.price":                          {`{"order_id":1,"price":"99999999999999999999"}`, `[{"order_item_id":1}]`},
			"order.voucher":                        {`{"order_id":1,"price":"1","voucher":{"a":1}}`, `[{"order_item_id":1}]`},
			"order.shipping_fee":                   {`{"order_id":1,"price":"1","shipping_fee":"free"}`, `[{"order_item_id":1}]`},
			"order.shipping_fee_original":          {`{"order_id":1,"price":"1","shipping_fee_original":"1,5"}`, `[{"order_item_id":1}]`},
			"order.cash_payment_fee":               {`{"order_id":1,"price":"1","cash_payment_fee":"EUR 5"}`, `[{"order_item_id":1}]`},
			"items[1].item_price":                  {`{"order_id":1}`, `[{"order_item_id":1},{"order_item_id":2,"item_price":"1.001"}]`},
			"items[0].paid_price":                  {`{"order_id":1}`, `[{"order_item_id":1,"paid_price":"NaN"}]`},
			"items[0].voucher_platform":            {`{"order_id":1}`, `[{"order_item_id":1,"voucher_platform":"-"}]`},
			"items[0].tax_amount":                  {`{"order_id":1}`, `[{"order_item_id":1,"tax_amount":true}]`},
			"items[0].shipping_amount":             {`{"order_id":1}`, `[{"order_item_id":1,"shipping_amount":[]}]`},
			"items[1].currency":                    {`{"order_id":1}`, `[{"order_item_id":1,"currency":"PKR"},{"order_item_id":2,"currency":"USD"}]`},
			"items[0].currency":                    {`{"order_id":1}`, `[{"order_item_id":1,"currency":"XXZ"}]`},
			"order.order_id":                       {`{"price":"1"}`, `[{"order_item_id":1}]`},
			"items[0].order_item_id":               {`{"order_id":1}`, `[{"sku":"x"}]`},
			"items[0].order_id":                    {`{"order_id":1}`, `[{"order_item_id":1,"order_id":2}]`},
			"items":                                {`{"order_id":1}`, `[]`},
			"order":                                {`[1]`, `[{"order_item_id":1}]`},
			"items[1].voucher_amount":              {`{"order_id":1}`, `[{"order_item_id":1,"paid_price":1,"voucher_amount":"90000000000000000"},{"order_item_id":2,"paid_price":1,"voucher_amount":"90000000000000000"}]`},
			"order.shipping_fee_discount_platform": {`{"order_id":1,"price":"1","shipping_fee_discount_seller":"90000000000000000","shipping_fee_discount_platform":"90000000000000000"}`, `[{"order_item_id":1}]`},
		} {
			_, err := ch.Decode(channel.Raw{Docs: []channel.Doc{{Name: "order", Body: []byte(docs[0])}, {Name: "items", Body: []byte(docs[1])}}})
			var f *fault.Error
			if !fault.Is(err, fault.Invalid) || !asFault(err, &f) || f.Field != field {
				t.Errorf("%s: got %v", field, err)
			}
		}
	})
	t.Run("vouchers_written_negative_are_reductions_all_the_same", func(t *testing.T) {
		t.Parallel()
		o := decode(t, ch, `{"order_id":1,"price":"100","voucher":"-10","shipping_fee":"0"}`, `[{"order_item_id":1,"sku":"A","item_price":100,"paid_price":90,"voucher_seller":"-10"}]`)
		if o.Total != pkr(9000) || o.Lines[0].Discounts[0].Amount != pkr(1000) {
			t.Errorf("%s %+v", o.Total, o.Lines[0].Discounts)
		}
	})
}

func TestDecodeUnits(t *testing.T) {
	t.Parallel()
	ch := offline(t, nil)
	got := decode(t, ch, `{"order_id":1,"price":"30","shipping_fee":0}`, `[
		{"order_item_id":11,"sku":"A","item_price":10,"paid_price":10,"status":"delivered"},
		{"order_item_id":12,"sku":"A","item_price":"10.00","paid_price":"10","status":"canceled","cancel_return_initiator":"cancellation-seller","reason":"Out of Stock"},
		{"order_item_id":13,"sku":"A","item_price":10,"paid_price":10,"status":"confirmed","shipping_type":"Own Warehouse"}]`).Lines
	listing := channel.ListingRef{SKU: "A"}
	wanted := []channel.Line{
		{
			External: "A||10.00|10.00|PKR|seller", Listing: listing, Quantity: 2, Progress: channel.Progress{Delivered: 1, Cancelled: 1}, UnitPrice: pkr(1000), Total: pkr(2000),
			FulfilledBy: channel.Seller, Ships: true,
			Units: []channel.Unit{{External: "11", Status: channel.Delivered, Raw: "delivered"}, {External: "12", Status: channel.Cancelled, Raw: "canceled", Reason: "cancellation-seller: Out of Stock"}},
		},
		{
			External: "A||10.00|10.00|PKR|daraz", Listing: listing, Quantity: 1, Progress: channel.Progress{Delivered: 1}, UnitPrice: pkr(1000), Total: pkr(1000),
			FulfilledBy: channel.ByChannel, Ships: true, Units: []channel.Unit{{External: "13", Status: channel.Completed, Raw: "confirmed"}},
		},
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
}

// Every word of the table, in capitals and with spaces too, is its status; every word of channel-daraz.md §1.6 is in the table.
func TestStatuses(t *testing.T) {
	t.Parallel()
	ch := offline(t, nil)
	known := map[string]bool{}
	for _, row := range daraz.Kind.Statuses {
		if row.Axis != "unit" {
			continue
		}
		known[row.Theirs] = true
		for _, word := range []string{row.Theirs, strings.ToUpper(row.Theirs), " " + row.Theirs + " "} {
			o := decode(t, ch, `{"order_id":1}`, fmt.Sprintf(`[{"order_item_id":1,"sku":"A","status":%q}]`, word))
			if got := o.Lines[0].Units[0]; got.Status != row.Ours || got.Raw != strings.TrimSpace(word) {
				t.Errorf("%q is %+v, want %s", word, got, row.Ours)
			}
		}
	}
	for _, word := range strings.Fields(`unpaid pending topack repacked packed toship ready_to_ship ready_to_ship_pending shipped shipping delivered confirmed canceled failed
		failed_delivery shipped_back shipped_back_success shipped_back_failed package_scrapped returned lost lost_by_3pl damaged_by_3pl processing
		return_waiting_for_approval return_shipped_by_customer return_rejected`) {
		if !known[word] {
			t.Errorf("%q is not in the table", word)
		}
	}
}

func TestRollUp(t *testing.T) {
	t.Parallel()
	ch := offline(t, nil)
	for words, status := range map[string]channel.Status{
		"pending":                     channel.Open,
		"canceled":                    channel.Cancelled,
		"canceled canceled":           channel.Cancelled,
		"canceled pending":            channel.Open,
		"unpaid pending":              channel.Unpaid,
		"unpaid canceled":             channel.Unpaid,
		"delivered":                   channel.Open,
		"delivered shipped":           channel.Open,
		"confirmed":                   channel.Completed,
		"confirmed returned canceled": channel.Completed,
		"confirmed delivered":         channel.Open,
		"lost returned":               channel.Completed,
		"brand_new":                   channel.Unknown,
		"brand_new pending":           channel.Open,
		"brand_new canceled":          channel.Unknown,
		"failed":                      channel.Open,
	} {
		var rows []string
		for i, w := range strings.Fields(words) {
			rows = append(rows, fmt.Sprintf(`{"order_item_id":%d,"sku":"A","status":%q}`, i+1, w))
		}
		if o := decode(t, ch, `{"order_id":1}`, "["+strings.Join(rows, ",")+"]"); o.Status != status {
			t.Errorf("%s rolls up to %s, want %s", words, o.Status, status)
		}
	}
}

// raws are the documents of every recording, for seeds.
func raws(t testing.TB) (orders [][2][]byte, pushes [][]byte) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, f := range txtar.Parse(data).Files {
			files[f.Name] = f.Data
		}
		if files["raw/order"] != nil {
			orders = append(orders, [2][]byte{files["raw/order"], files["raw/items"]})
		}
		if files["webhook/body"] != nil {
			pushes = append(pushes, files["webhook/body"])
		}
	}
	return orders, pushes
}

func FuzzDecode(f *testing.F) {
	orders, _ := raws(f)
	for _, o := range orders {
		f.Add(o[0], o[1])
	}
	ch := offline(f, nil)
	f.Fuzz(func(t *testing.T, order, items []byte) {
		raw := channel.Raw{Shape: "order+items", Docs: []channel.Doc{{Name: "order", Body: order}, {Name: "items", Body: items}}}
		o, err := ch.Decode(raw)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v is %v", err, fault.KindOf(err))
			}
			return
		}
		for _, c := range channeltest.Inspect(o) {
			// Money that does not add up, and zero or negative amounts, are import's to hold; the shape is ours to keep.
			if !strings.HasPrefix(c, "money: ") && !strings.Contains(c, "no listing is named") {
				t.Fatal(c)
			}
		}
		again, err := ch.Decode(raw)
		if diff := cmp.Diff(o, again); err != nil || diff != "" {
			t.Fatalf("decoded twice: %v\n%s", err, diff)
		}
		if _, err := json.Marshal(o); err != nil {
			t.Fatal(err)
		}
		if !o.Total.IsNone() && !money.Valid(o.Total.Currency) {
			t.Fatalf("total %v", o.Total)
		}
	})
}

func FuzzHints(f *testing.F) {
	_, pushes := raws(f)
	for _, p := range pushes {
		f.Add(p)
	}
	hooks := offline(f, nil).(channel.Webhooker)
	f.Fuzz(func(t *testing.T, body []byte) {
		hints, err := hooks.Hints(channel.Delivery{Body: body})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("%v is %v", err, fault.KindOf(err))
		}
		for _, h := range hints {
			if h.External == "" && (h.Subject == channel.AboutOrder || h.Subject == channel.AboutReturn) {
				t.Fatalf("about which order? %+v", h)
			}
		}
	})
}

func FuzzVerify(f *testing.F) {
	_, pushes := raws(f)
	for _, p := range pushes {
		f.Add(p, "b0cfd0349e915667babf3c35e2335fb09653527421c46a94bd9e70e874c16322", int64(1795341600))
	}
	hooks := offline(f, nil).(channel.Webhooker)
	f.Fuzz(func(t *testing.T, body []byte, signature string, at int64) {
		d := channel.Delivery{Header: map[string][]string{"Authorization": {signature}}, Body: body, At: time.Unix(at%4e9, 0)}
		genuine := sign(channel.Delivery{Header: map[string][]string{}, Body: body}, appSecret).Header.Get("Authorization")
		if _, err := hooks.Verify(d); err == nil && signature != genuine {
			t.Fatal("a forged push is believed")
		} else if err != nil && !fault.Is(err, fault.Unauthorized) {
			t.Fatalf("%v is %v", err, fault.KindOf(err))
		}
		d.Header.Set("Authorization", genuine)
		if _, err := hooks.Verify(d); err != nil && !fault.Is(err, fault.Unauthorized) {
			t.Fatalf("%v is %v", err, fault.KindOf(err))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	orders, _ := raws(b)
	ch := offline(b, nil)
	raw := channel.Raw{Shape: "order+items", Docs: []channel.Doc{{Name: "order", Body: orders[0][0]}, {Name: "items", Body: orders[0][1]}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ch.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
