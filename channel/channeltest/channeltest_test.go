package channeltest

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func TestMain(m *testing.M) {
	flag.Parse()
	patience = time.Second // one defect is meant to use it up
	m.Run()
}

func miniSuite(defect string) Suite {
	return Suite{
		Kind: miniKind(defect), Secrets: map[string][]string{"hook_secret": {secretNew, secretOld}},
		Sign: sign, SignedBy: "hook_secret", Fresh: 5 * time.Minute, Bench: newMarket,
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	s := miniSuite("")
	Run(t, s)
	for _, c := range cases(t, s.filled()) {
		if c.Why != "" && !strings.Contains(c.Name, "/pack_") {
			t.Errorf("%s does not apply to a channel that does everything: %s", c.Name, c.Why)
		}
	}
}

// Each defect breaks one promise; the case that names it must notice.
func TestSuite(t *testing.T) {
	if Update() {
		return // what a defect says must not become a golden
	}
	t.Parallel()
	defects := [][2]string{
		{"no title", "the_kind_describes_itself"},
		{"unexplained setting", "every_setting_is_explained"},
		{"word with two meanings", "every_status_word_has_one_meaning_and_a_source"},
		{"keeps no buyer", "decodes/documents"},
		{"loses a line", "plays/read"},
		{"believes 200", "plays/refused"},
		{"hints at another order", "delivers/read"},
		{"adds wrongly", "adds_up/read"},
		{"writes into the raw", "decoding_is_pure_and_safe_for_concurrent_use"},
		{"takes nonsense", "nonsense_is_invalid"},
		{"reads ids as floats", "ids_past_two_to_the_53_survive"},
		{"reads amounts as floats", "amounts_past_two_to_the_53_survive"},
		{"chokes on new words", "an_unknown_status_is_unknown"},
		{"says a value comes from elsewhere", "every_field_says_where_it_comes_from"},
		{"says a value comes from nowhere", "every_field_says_where_it_comes_from"},
		{"reads in secret", "every_field_says_where_it_comes_from"},
		{"makes up values", "every_field_says_where_it_comes_from"},
		{"forgets the wait", "the_partners_own_throttle_shape_is_throttled_with_the_wait"},
		{"throttle unseen by the client", "the_partners_own_throttle_shape_is_throttled_with_the_wait"},
		{"refreshes never", "an_expired_token_is_refreshed_once"},
		{"refreshes twice", "live/an_expired_token_is_refreshed_once"},
		{"forgets Retry-After", "too_many_requests_is_throttled_with_the_wait"},
		{"takes a web page for a refusal", "a_broken_answer_is_unavailable"},
		{"takes half an answer", "live/cut_body_is_classified"},
		{"deaf to its context", "a_cancelled_context_returns_at_once"},
		{"believes everybody", "a_forged_delivery_is_refused_before_it_is_parsed"},
		{"parses before it verifies", "a_forged_delivery_is_refused_before_it_is_parsed"},
		{"knows one secret", "both_secrets_verify_during_a_rotation"},
		{"takes old deliveries", "a_stale_delivery_is_refused"},
		{"makes up delivery ids", "a_replayed_delivery_is_recognised"},
		{"changes the delivery", "a_delivery_is_read_without_side_effects"},
		{"panics on null", "mutated_documents_never_panic"},
		{"panics on strange answers", "mutated_answers_never_panic"},
		{"panics on strange deliveries", "mutated_deliveries_never_panic"},
		{"logs its token", "no_secret_and_nothing_personal_is_in_a_log_or_an_error"},
		{"quotes answers", "no_secret_and_nothing_personal_is_in_a_log_or_an_error"},
		{"reads ghosts", "live/an_order_nobody_placed_is_not_found"},
		{"hands out the cursor of the page", "live/resuming_from_every_cursor_misses_none"},
		{"yields after the end", "live/resuming_from_every_cursor_misses_none"},
		{"is deaf to its end", "live/a_cancelled_context_returns_at_once"},
		{"hints at nothing", "live/a_delivery_and_a_read_agree"},
		{"acknowledges again", "live/acknowledging_twice_is_harmless"},
		{"shows one more", "live/ten_orders_take_ten_from_the_shop_front"},
		{"adds stock", "live/stock_set_twice_is_set_once"},
		{"fails for one", "live/a_refused_item_is_not_a_failed_call"},
		{"sends no reference", "live/refund_twice_is_once"},
		{"refunds and says nothing", "live/refund_twice_is_once"},
		{"finds nothing", "live/ship_with_a_lost_answer_is_once"},
		{"finds everything", "live/ship_twice_is_once"},
		{"believes everybody", "a_delivery_signed_by_somebody_else_is_refused"},
		{"loses a line", "live/an_order_is_read_as_it_was_placed"},
		{"believes 200", "a_failure_inside_200_is_a_failure"},
		{"refreshes twice", "an_expired_token_is_refreshed_once"},
		{"forgets the wait", "live/throttle_is_classified"},
		{"takes a web page for a refusal", "live/server_error_is_classified"},
		{"takes a web page for a refusal", "live/html_is_classified"},
		{"finds nothing", "live/cancel_twice_is_once"},
		{"finds nothing", "live/cancel_with_a_lost_answer_is_once"},
		{"finds nothing", "live/refund_with_a_lost_answer_is_once"},
	}
	noticed := map[string]bool{
		"no_float_is_parsed": true, "every_recording_names_its_source": true, // have tests of their own
	}
	for _, d := range defects {
		defect, name := d[0], d[1]
		noticed[name] = true
		t.Run(strings.ReplaceAll(defect, " ", "_")+"/"+name, func(t *testing.T) {
			t.Parallel()
			all := cases(t, miniSuite(defect).filled())
			i := slices.IndexFunc(all, func(c conform.Case) bool { return c.Name == name })
			if i < 0 || all[i].Why != "" {
				t.Fatalf("%s does not run", name)
			}
			if len(conform.Try(t, all[i].Run)) == 0 {
				t.Errorf("a channel that %s passes %s", defect, name)
			}
		})
	}
	for _, c := range cases(t, miniSuite("").filled()) {
		group, _, _ := strings.Cut(c.Name, "/")
		played := slices.Contains([]string{"plays", "decodes", "delivers", "adds_up"}, group)
		if c.Why == "" && !played && !noticed[c.Name] {
			t.Errorf("no defect shows that %s can fail", c.Name)
		}
	}
}

func TestSuite_notices_a_float_in_the_sources(t *testing.T) {
	t.Parallel()
	float := func(tb testing.TB) { conform.NoFloat(tb, filepath.Join("testdata", "broken")) }
	if got := conform.Try(t, float); len(got) != 2 {
		t.Errorf("two floats are there, noticed %q", got)
	}
}

func TestSuite_notices_a_recording_without_a_source(t *testing.T) {
	t.Parallel()
	r, err := parse("nameless", []byte("order: 1\ndo: fly\n-- raw/order --\n{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := &env{Suite: miniSuite("").filled(), files: []*recording{r}}
	if got := conform.Try(t, e.sourcesNamed); len(got) != 2 {
		t.Errorf("no source and a strange do: are there, noticed %q", got)
	}
}

func TestSuite_notices_I_O_in_Open(t *testing.T) {
	t.Parallel()
	e := &env{Suite: miniSuite("reads while opening").filled()}
	if _, err := e.offline(); err == nil {
		t.Error("a channel that reads while it opens is taken")
	}
}

func TestSuite_notices_a_golden_that_vanished(t *testing.T) {
	if Update() {
		return
	}
	t.Parallel()
	file := filepath.Join(t.TempDir(), "conformance.txt")
	if err := os.WriteFile(file, []byte("ran  here\nran  gone\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := conform.Try(t, func(tb testing.TB) { conform.Golden(tb, file, "ran  here\n") }); len(got) == 0 {
		t.Error("a case vanished and nobody noticed")
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	rs := func(minor int64) money.Amount { return money.Of(minor, "PKR") }
	good := func() channel.Order {
		return channel.Order{
			External: "1", Status: channel.Open, Country: "PK", Currency: "PKR", TaxMode: channel.TaxExclusive, Money: channel.MoneyComplete,
			Lines: []channel.Line{{
				External: "a", Listing: channel.ListingRef{SKU: "A"}, Quantity: 2, UnitPrice: rs(1000), FulfilledBy: channel.Seller, Ships: true,
				Discounts: []channel.Discount{{Amount: rs(100), Funder: channel.Seller}},
				Taxes:     []channel.Tax{{Rate: "0.18", Amount: rs(342), Remitter: channel.Seller}}, Total: rs(2242),
			}},
			Charges: []channel.Charge{{Kind: channel.ChargeShipping, Amount: rs(150), Total: rs(150)}},
			Total:   rs(2392),
		}
	}
	if got := Inspect(good()); len(got) > 0 {
		t.Errorf("a good order: %q", got)
	}
	spoil := map[string]func(o *channel.Order){
		"another total":            func(o *channel.Order) { o.Total = rs(2394) },
		"tax left out":             func(o *channel.Order) { o.Lines[0].Total = rs(1900) },
		"another currency":         func(o *channel.Order) { o.Total = money.Of(2392, "USD") },
		"more moved than ordered":  func(o *channel.Order) { o.Lines[0].Progress.Shipped = 3 },
		"a unit missing":           func(o *channel.Order) { o.Lines[0].Units = []channel.Unit{{External: "u1", Status: channel.Open}} },
		"nobody pays the discount": func(o *channel.Order) { o.Lines[0].Discounts[0].Funder = "" },
		"nobody remits":            func(o *channel.Order) { o.Lines[0].Taxes[0].Remitter = "" },
		"no quantity":              func(o *channel.Order) { o.Lines[0].Quantity = 0 },
		"negative refund":          func(o *channel.Order) { o.Refunds = []channel.Refund{{Amount: rs(-1)}} },
		"a local time":             func(o *channel.Order) { o.PlacedAt = time.Now().In(time.FixedZone("PKT", 5*3600)) },
		"a parcel of nothing": func(o *channel.Order) {
			o.Parcels = []channel.Parcel{{Lines: []channel.Quantity{{Line: "b", Quantity: 1}}}}
		},
		"cash nobody collects": func(o *channel.Order) { o.Payments = []channel.Payment{{Method: channel.PayCOD, Status: channel.Due}} },
		"a shipped order":      func(o *channel.Order) { o.Status = channel.Shipped },
	}
	for name, do := range spoil {
		o := good()
		do(&o)
		if len(Inspect(o)) == 0 {
			t.Errorf("%s is not noticed", name)
		}
	}
}
