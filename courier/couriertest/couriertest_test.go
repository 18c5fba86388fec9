package couriertest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// whole is a courier that can do everything.
type whole interface {
	courier.Courier
	courier.Finder
	courier.Quoter
	courier.Labeller
	courier.Pickuper
	courier.Manifester
	courier.Canceller
	courier.Adviser
	courier.CaseReader
	courier.Webhooker
	courier.Remitter
	courier.CityReader
}

// liar is the demo courier with one defect.
type liar struct {
	whole
	partner.Config
	defect string
	booked int
}

func (l *liar) Book(ctx context.Context, reference string, p courier.Parcel) (courier.Booking, error) {
	l.booked++
	switch l.defect {
	case "books again":
		reference = fmt.Sprint(reference, l.booked)
	case "books one for all":
		reference = "the only one"
	case "books without a reference":
		reference += "x"
	case "rounds cash":
		p.Cash = money.Of(p.Cash.Minor/100*100, "PKR")
	case "books deafly":
		ctx = context.WithoutCancel(ctx)
	case "logs the receiver":
		l.Log.Info("booking", "to", p.To.Name)
	}
	b, err := l.whole.Book(ctx, reference, p)
	switch {
	case l.defect == "names no waybill":
		b.Waybill = courier.Waybill{}
	case l.defect == "shows an error page as label" && b.Label != nil:
		b.Label = &courier.Label{Format: courier.PDF, Body: []byte("<html>error</html>"), Tracking: []string{b.Tracking}}
	case l.defect == "believes lost answers":
		return b, nil
	case l.defect == "refuses when it breaks" && fault.Is(err, fault.Unavailable), l.defect == "forgets the throttle" && fault.Is(err, fault.Throttled):
		return b, fault.New(fault.Refused, "no")
	}
	return b, err
}

func (l *liar) FindBooking(ctx context.Context, reference string) (courier.Booking, error) {
	if l.defect == "finds everything" {
		return courier.Booking{Waybill: courier.Waybill{Tracking: "1"}}, nil
	}
	return l.whole.FindBooking(ctx, reference)
}

func (l *liar) Track(ctx context.Context, tracking []string) ([]courier.Trace, error) {
	all, err := l.whole.Track(ctx, tracking)
	for i := range all {
		if all[i].Err != nil && l.defect == "fails for one" {
			return nil, all[i].Err
		}
		for n := range all[i].Scans {
			s := &all[i].Scans[n]
			switch {
			case l.defect == "reads half words" && s.Status == courier.Attempted, l.defect == "takes new words for delivered" && s.Status == courier.Unknown:
				s.Status = courier.Delivered
			case l.defect == "tells local time":
				s.At = s.At.In(time.FixedZone("PKT", 5*3600))
			case l.defect == "dates by the telling":
				s.At, s.RawAt = time.Unix(int64(n), 0).UTC(), fmt.Sprint(n)
			case l.defect == "counts duplicates":
				s.RawAt = fmt.Sprint(n)
			}
		}
	}
	return all, err
}

func (l *liar) Cancel(ctx context.Context, tracking string) error {
	err := l.whole.Cancel(ctx, tracking)
	if l.defect == "cancels what is gone" || l.defect == "cancels ghosts" {
		return nil
	}
	return err
}

func (l *liar) Quote(ctx context.Context, p courier.Parcel) ([]courier.Quote, error) {
	all, err := l.whole.Quote(ctx, p)
	if l.defect == "quotes wrongly" {
		all[0].Total.Minor++
	}
	return all, err
}

func (l *liar) RequestPickup(ctx context.Context, reference string, v courier.Visit) (courier.VisitBooking, error) {
	if l.booked++; l.defect == "comes twice" {
		reference = fmt.Sprint(reference, l.booked)
	}
	return l.whole.RequestPickup(ctx, reference, v)
}

func (l *liar) Manifest(ctx context.Context, reference string, tracking []string) (courier.Sheet, error) {
	s, err := l.whole.Manifest(ctx, reference, tracking)
	if l.defect == "takes ghosts along" {
		s.Refused = nil
	}
	return s, err
}

func (l *liar) Advise(ctx context.Context, a courier.Advice) error {
	if l.defect == "forgets advice" {
		return nil
	}
	return l.whole.Advise(ctx, a)
}

func (l *liar) Cases(ctx context.Context, since partner.Cursor) iter.Seq2[courier.Case, error] {
	if l.defect == "lists no case" {
		return func(func(courier.Case, error) bool) {}
	}
	return l.whole.Cases(ctx, since)
}

func (l *liar) Remittances(ctx context.Context, since partner.Cursor) iter.Seq2[courier.Remittance, error] {
	return func(yield func(courier.Remittance, error) bool) {
		for r, err := range l.whole.Remittances(ctx, since) {
			if l.defect == "keeps a rupee" {
				r.Paid.Minor -= 100
			}
			if l.defect == "skips a statement" {
				r.Cursor = "9999-12-31"
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (l *liar) Cities(ctx context.Context) iter.Seq2[courier.City, error] {
	if l.defect == "serves nowhere" {
		return func(yield func(courier.City, error) bool) { yield(courier.City{Name: "Lahore"}, nil) }
	}
	return l.whole.Cities(ctx)
}

func (l *liar) Verify(d partner.Delivery) (partner.Receipt, error) {
	if l.defect == "believes everybody" {
		return partner.Receipt{Signed: true}, nil
	}
	if l.defect == "believes yesterday" {
		d.At = d.At.Add(-demo.Fresh - time.Minute)
	}
	return l.whole.Verify(d)
}

func (l *liar) Hints(d partner.Delivery) ([]courier.Trace, error) {
	all, err := l.whole.Hints(d)
	if l.defect == "hears otherwise" && len(all) > 0 {
		all[0].Scans[0].Status = courier.Lost
	}
	return all, err
}

// stand is the demo depot with a clock.
type stand struct {
	*demo.Depot
	at     *time.Time
	defect string
}

func (b *stand) kind() courier.Kind {
	k := demo.Kind(b.Depot)
	under := k.Open
	k.Open = func(c partner.Config) (courier.Courier, error) {
		got, err := under(c)
		return &liar{whole: got.(whole), Config: c, defect: b.defect}, err
	}
	switch b.defect {
	case "has no title":
		k.Title = ""
	case "has a silent setting":
		k.Settings[0].Help = ""
	case "has a word with two meanings":
		k.Statuses = append(slices.Clone(k.Statuses), courier.StatusRow{Theirs: "dl", Ours: courier.Lost, Source: "x"})
	}
	return k
}

func (b *stand) Account() Account {
	k := b.kind()
	return Account{Kind: &k, Now: func() time.Time { return *b.at }}
}

func (b *stand) Parcel(n int) courier.Parcel {
	return courier.Parcel{Number: "1", Cash: money.Of(int64(n+1)*10000, "PKR"), To: courier.Address{Name: "Ayesha Siddiqui", Phone: "+923001234567", City: "Karachi"}}
}
func (b *stand) Parcels(testing.TB) int                           { return b.Len() }
func (b *stand) Fate(_ testing.TB, ref string, f courier.Status)  { b.Depot.Fate(ref, f) }
func (b *stand) HandOver(_ testing.TB, n string)                  { b.Depot.HandOver(n) }
func (b *stand) Pass(_ testing.TB, d time.Duration)               { *b.at = b.at.Add(d) }
func (b *stand) Fault(_ testing.TB, name, call string, times int) { b.Depot.Fault(name, call, times) }

func (b *stand) Deliveries(_ testing.TB, tracking string) []partner.Delivery {
	return b.Depot.Deliveries(tracking)
}

func suite(defect string) Suite {
	fresh := func() *stand {
		at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		b := &stand{at: &at, defect: defect}
		b.Depot = demo.New(func() time.Time { return *b.at })
		b.WaitForHandOver()
		return b
	}
	return Suite{
		Kind: fresh().kind(), Secrets: map[string][]string{"hook_secret": {demo.Secret}}, Bench: func(testing.TB) Bench { return fresh() },
		Fates:  []courier.Status{courier.Delivered, courier.Attempted, courier.Returned, courier.Lost},
		Faults: []string{Throttle, ServerError, CutBody, LostAnswer, Duplicate, Reorder, Strange},
		Sign:   demo.Sign, SignedBy: "hook_secret", Fresh: demo.Fresh,
	}
}

// Each defect breaks one promise; the case that names it must notice.
func TestSuite(t *testing.T) {
	t.Parallel()
	defects := [][2]string{
		{"has no title", "the_kind_describes_itself"},
		{"has a silent setting", "every_setting_is_explained"},
		{"has a word with two meanings", "every_status_word_has_one_meaning_and_a_source"},
		{"names no waybill", "a_booking_names_its_waybill"},
		{"books again", "booked_twice_is_one_parcel"},
		{"books one for all", "two_references_are_two_parcels"},
		{"books without a reference", "a_parcel_without_a_reference_is_invalid"},
		{"believes lost answers", "a_lost_answer_is_found_by_reference"},
		{"finds everything", "what_was_never_booked_is_not_found"},
		{"rounds cash", "cash_is_refused_rather_than_rounded"},
		{"shows an error page as label", "a_label_is_a_real_document"},
		{"forgets the throttle", "throttle_is_classified"},
		{"refuses when it breaks", "server_error_is_classified"},
		{"refuses when it breaks", "cut_body_is_classified"},
		{"books deafly", "a_cancelled_context_returns_at_once"},
		{"tells local time", "scans_lead_to/delivered"},
		{"reads half words", "scans_lead_to/delivery_attempted"},
		{"reads half words", "scans_lead_to/returned"},
		{"tells local time", "scans_lead_to/lost"},
		{"fails for one", "an_unknown_number_spoils_no_other"},
		{"counts duplicates", "scans_told_twice_stand_for_the_same"},
		{"dates by the telling", "scans_told_out_of_order_stand_for_the_same"},
		{"takes new words for delivered", "an_unknown_word_is_unknown"},
		{"cancels ghosts", "cancelled_before_the_hand_over_is_cancelled_once"},
		{"cancels what is gone", "after_the_hand_over_it_cannot_be_cancelled"},
		{"quotes wrongly", "a_quote_adds_up"},
		{"comes twice", "a_pickup_asked_twice_is_one_visit"},
		{"takes ghosts along", "a_sheet_holds_what_was_taken_and_refuses_the_rest"},
		{"forgets advice", "advice_is_followed_once"},
		{"lists no case", "what_waits_for_advice_is_listed"},
		{"keeps a rupee", "a_statement_adds_up_and_none_is_missed"},
		{"skips a statement", "a_statement_adds_up_and_none_is_missed"},
		{"serves nowhere", "cities_have_a_name_and_a_code"},
		{"hears otherwise", "a_delivery_says_what_tracking_says"},
		{"believes everybody", "a_forged_delivery_is_refused_before_it_is_parsed"},
		{"believes yesterday", "a_stale_delivery_is_refused"},
		{"logs the receiver", "no_secret_and_nothing_personal_is_in_a_log_or_an_error"},
	}
	noticed := map[string]bool{"no_float_is_parsed": true}
	for _, d := range defects {
		defect, name := d[0], d[1]
		noticed[name] = true
		t.Run(strings.ReplaceAll(defect, " ", "_")+"/"+name, func(t *testing.T) {
			t.Parallel()
			all := cases(t, suite(defect))
			i := slices.IndexFunc(all, func(c conform.Case) bool { return c.Name == name })
			if i < 0 || all[i].Why != "" {
				t.Fatalf("%s does not run", name)
			}
			if len(conform.Try(t, all[i].Run)) == 0 {
				t.Errorf("a courier that %s passes %s", defect, name)
			}
		})
	}
	for _, c := range cases(t, suite("")) {
		if c.Why == "" && !noticed[c.Name] {
			t.Errorf("no defect shows that %s can fail", c.Name)
		}
		if c.Why == "" && c.Name != "no_float_is_parsed" {
			for _, no := range conform.Try(t, c.Run) {
				t.Errorf("a good courier fails %s: %s", c.Name, no)
			}
		}
	}
}
