package postest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/pos"
	"github.com/openclaw-pos/commerce/pos/embedded"
)

const canary = "canary-write-key"

// liar is the embedded core behind a wire that breaks and lists that are capped, with one defect.
type liar struct {
	pos.Core
	partner.Config
	stand  *stand
	defect string
	posts  int
}

// wire is what a call meets on its way, and after its work.
func (l *liar) wire(ctx context.Context, do func(ctx context.Context) error) error {
	s := l.stand
	hit := ""
	if s.times != 0 {
		if s.skip > 0 {
			s.skip--
		} else {
			s.times--
			hit = s.fault
		}
	}
	if l.defect == "is deaf to its end" {
		ctx = context.WithoutCancel(ctx)
	}
	var err error
	switch hit {
	case Throttle:
		err = fault.Wait(time.Second, "wait")
		if l.defect == "forgets the wait" {
			err = fault.Wait(0, "wait")
		}
	case ServerError:
		err = fault.New(fault.Unavailable, "down")
	default:
		if err = do(ctx); err == nil && hit != "" && l.defect != "believes lost answers" {
			err = fault.New(fault.Unavailable, "cut")
		}
	}
	switch {
	case l.defect == "refuses when it breaks" && fault.Is(err, fault.Unavailable):
		return fault.New(fault.Refused, "no")
	case l.defect == "quotes its key" && err != nil:
		return fault.New(fault.KindOf(err), "%s", canary)
	}
	return err
}

func (l *liar) Items(ctx context.Context) (pos.Page[pos.Item], error) {
	var page pos.Page[pos.Item]
	err := l.wire(ctx, func(ctx context.Context) (err error) { page, err = l.Core.Items(ctx); return err })
	if len(page.Rows) >= limit {
		page.Rows, page.Complete = page.Rows[:limit], l.defect == "takes a part for the whole"
	}
	return page, err
}

func (l *liar) Prices(ctx context.Context) (pos.Page[pos.Price], error) {
	page, err := l.Core.Prices(ctx)
	if l.defect == "rounds prices" {
		page.Rows = slices.Clone(page.Rows)
		for i := range page.Rows {
			page.Rows[i].Amount.Minor = page.Rows[i].Amount.Minor / 100 * 100
		}
	}
	return page, err
}

func (l *liar) OrgUnits(ctx context.Context) (pos.Page[pos.OrgUnit], error) {
	var page pos.Page[pos.OrgUnit]
	err := l.wire(ctx, func(ctx context.Context) (err error) { page, err = l.Core.OrgUnits(ctx); return err })
	return page, err
}

func (l *liar) Movements(ctx context.Context, since pos.Mark) (pos.Feed, error) {
	feed, err := l.Core.Movements(ctx, since)
	switch {
	case l.defect == "skips one" && len(feed.Rows) > 1:
		feed.Rows = feed.Rows[1:]
	case l.defect == "renames what comes back":
		for i := range feed.Rows {
			feed.Rows[i].ID = "m" + feed.Rows[i].ID
		}
	}
	if len(feed.Rows) > 2*limit && since != "" {
		feed.Rows = feed.Rows[len(feed.Rows)-limit:]
		feed.Gap = l.defect != "hides the gap"
	}
	return feed, err
}

func (l *liar) id(id string) string {
	if l.posts++; l.defect == "makes ids anew" && id != "" {
		return pos.ID(id, fmt.Sprint(l.posts))
	}
	return id
}

// taken swallows the conflict that the embedded core notices.
func (l *liar) taken(err error) error {
	if l.defect == "takes any content" && fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

func (l *liar) PostSale(ctx context.Context, s pos.Sale) error {
	s.ID = l.id(s.ID)
	if l.defect == "moves stock by sales" {
		m := posted("1")
		m.ID = pos.ID("sale of", s.ID)
		_ = l.Core.PostMovement(ctx, m)
	}
	if l.defect == "posts anything" && s.ID == "" {
		s.ID = "x"
	}
	if l.defect == "forgets the rest" && l.stand.fault == LostAnswer {
		return l.wire(ctx, func(context.Context) error { return nil })
	}
	return l.taken(l.wire(ctx, func(ctx context.Context) error { return l.Core.PostSale(ctx, s) }))
}

func (l *liar) PostMovement(ctx context.Context, m pos.Movement) error {
	m.ID = l.id(m.ID)
	return l.taken(l.wire(ctx, func(ctx context.Context) error { return l.Core.PostMovement(ctx, m) }))
}

func (l *liar) PostReturn(ctx context.Context, r pos.Return) error {
	r.ID = l.id(r.ID)
	return l.taken(l.wire(ctx, func(ctx context.Context) error { return l.Core.PostReturn(ctx, r) }))
}

func (l *liar) PostRefund(ctx context.Context, r pos.Refund) error {
	r.ID = l.id(r.ID)
	return l.taken(l.wire(ctx, func(ctx context.Context) error { return l.Core.PostRefund(ctx, r) }))
}

const limit = 20

type stand struct {
	embedded.Memory
	defect string
	fault  string
	skip   int
	times  int
}

func (b *stand) kind() pos.Kind {
	k := embedded.Kind(&b.Memory)
	under := k.Open
	k.Capped = limit
	k.Settings = []partner.Setting{{Name: "api_key", Title: "Key", Help: "The key.", Secret: true}}
	k.Open = func(c partner.Config) (pos.Core, error) {
		core, err := under(c)
		return &liar{Core: core, Config: c, stand: b, defect: b.defect}, err
	}
	switch b.defect {
	case "has no title":
		k.Title = ""
	case "has a silent setting":
		k.Settings[0].Help = ""
	}
	return k
}

func (b *stand) Account() Account { k := b.kind(); return Account{Kind: &k} }
func (b *stand) Seed(_ testing.TB, s Seeds) {
	b.Units, b.Stock, b.List, b.Rules = s.Units, s.Items, s.Prices, s.Rules
}
func (b *stand) Move(_ testing.TB, m pos.Movement) { b.Memory.Move(m) }
func (b *stand) Posted(testing.TB) map[string]int  { return b.Documents() }
func (b *stand) Fault(_ testing.TB, f string, skip, times int) {
	b.fault, b.skip, b.times = f, skip, times
}

func suite(defect string) Suite {
	fresh := func() *stand { return &stand{defect: defect} }
	return Suite{
		Kind: fresh().kind(), Secrets: map[string][]string{"api_key": {canary}}, Bench: func(testing.TB) Bench { return fresh() },
		Faults: []string{Throttle, ServerError, CutBody, LostAnswer},
	}
}

// Each defect breaks one promise; the case that names it must notice.
func TestSuite(t *testing.T) {
	t.Parallel()
	defects := [][2]string{
		{"has no title", "the_kind_describes_itself"},
		{"has a silent setting", "every_setting_is_explained"},
		{"rounds prices", "what_the_core_holds_is_read_exactly"},
		{"takes a part for the whole", "a_list_that_may_hold_more_says_so"},
		{"skips one", "movements_since_a_mark_miss_none"},
		{"hides the gap", "movements_that_are_no_longer_shown_are_a_gap"},
		{"renames what comes back", "our_own_movement_is_recognised_when_it_comes_back"},
		{"moves stock by sales", "a_movement_changes_the_stock_once"},
		{"posts anything", "what_cannot_be_right_is_invalid_and_not_posted"},
		{"forgets the rest", "a_sale_posted_in_halves_is_completed"},
		{"believes lost answers", "sale_with_a_lost_answer_is_posted_once"},
		{"believes lost answers", "movement_with_a_lost_answer_is_posted_once"},
		{"makes ids anew", "return_with_a_lost_answer_is_posted_once"},
		{"refuses when it breaks", "refund_with_a_lost_answer_is_posted_once"},
		{"forgets the wait", "throttle_is_classified"},
		{"refuses when it breaks", "server_error_is_classified"},
		{"refuses when it breaks", "cut_body_is_classified"},
		{"is deaf to its end", "a_cancelled_context_returns_at_once"},
		{"quotes its key", "no_secret_is_in_a_log_or_an_error"},
	}
	for _, kind := range []string{"sale", "movement", "return", "refund"} {
		defects = append(defects, [2]string{"makes ids anew", kind + "_posted_twice_is_posted_once"}, [2]string{"takes any content", kind + "_with_other_content_is_a_conflict"})
	}
	noticed := map[string]bool{"no_float_is_parsed": true}
	for _, d := range defects {
		defect, name := d[0], d[1]
		noticed[name] = true
		t.Run(strings.ReplaceAll(defect, " ", "_")+"/"+name, func(t *testing.T) {
			t.Parallel()
			all := cases(suite(defect))
			i := slices.IndexFunc(all, func(c conform.Case) bool { return c.Name == name })
			if i < 0 || all[i].Why != "" {
				t.Fatalf("%s does not run", name)
			}
			if len(conform.Try(t, all[i].Run)) == 0 {
				t.Errorf("a core that %s passes %s", defect, name)
			}
		})
	}
	for _, c := range cases(suite("")) {
		if c.Why == "" && !noticed[c.Name] {
			t.Errorf("no defect shows that %s can fail", c.Name)
		}
		if c.Why == "" {
			for _, no := range conform.Try(t, c.Run) {
				t.Errorf("a good core fails %s: %s", c.Name, no)
			}
		}
	}
}

func TestDocuments_are_good_themselves(t *testing.T) {
	t.Parallel()
	for _, err := range []error{sale("1").Check(), posted("1").Check(), giveBack("1").Check(), refund("1").Check()} {
		if err != nil {
			t.Error(err)
		}
	}
	if s := sale("1"); s.Payments[0].Amount != (money.Amount{Minor: 249900, Currency: "PKR"}) {
		t.Error(s.Payments)
	}
}
