package channeltest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// sample is one good raw of one order, with what it decodes to.
type sample struct {
	name  string
	raw   channel.Raw
	order channel.Order
	rec   *recording
}

// samples are the raws of all recordings that are not about a failure: recorded documents, what a read brings, what a delivery carries.
func (e *env) samples(tb testing.TB) []sample {
	tb.Helper()
	var all []sample
	for _, r := range e.files {
		if kind, _ := r.wants(); kind != "" {
			continue
		}
		a := e.mustOpen(tb, r)
		add := func(how string, raw channel.Raw) {
			if o, err := a.Decode(raw); err == nil {
				all = append(all, sample{r.Name + "/" + how, raw, o, r})
			}
		}
		if r.Raw != nil {
			add("documents", r.raw())
		}
		if r.do() == "order" {
			if c, err := a.Order(tb.Context(), r.Keys["order"]); err == nil {
				add("read", c.Raw)
			}
		}
		if d, ok := r.delivery(e.Now); ok && e.hooks {
			hints, _ := a.Channel.(channel.Webhooker).Hints(e.signed(d))
			for _, h := range hints {
				if h.Raw != nil {
					add("delivery", *h.Raw)
				}
			}
		}
	}
	return all
}

func (e *env) noOrders() string {
	for _, r := range e.files {
		if kind, _ := r.wants(); kind == "" && (r.Raw != nil || r.do() == "order") {
			return ""
		}
	}
	return "no order is recorded"
}

func (e *env) noWords() string {
	return unless(len(e.Kind.Statuses) > 0, "the kind has no status words")
}

func (e *env) decodeCases() []conform.Case {
	return []conform.Case{
		applies("decoding_is_pure_and_safe_for_concurrent_use", e.decodePure, e.noOrders()),
		applies("nonsense_is_invalid", e.decodeNonsense),
		applies("ids_past_two_to_the_53_survive", e.bigIDs, e.noOrders()),
		applies("amounts_past_two_to_the_53_survive", e.bigAmounts, e.noOrders()),
		applies("an_unknown_status_is_unknown", e.unknownStatus, e.noOrders(), e.noWords()),
	}
}

func clone(raw channel.Raw) channel.Raw {
	out := channel.Raw{Shape: raw.Shape}
	for _, d := range raw.Docs {
		out.Docs = append(out.Docs, channel.Doc{Name: d.Name, Body: bytes.Clone(d.Body)})
	}
	return out
}

func (e *env) decodePure(tb testing.TB) {
	for _, s := range e.samples(tb) {
		ch := e.mustOpen(tb, s.rec).Channel // a recording may have settings of its own
		before := clone(s.raw)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				o, err := ch.Decode(s.raw)
				if err != nil {
					tb.Errorf("%s: %v", s.name, err)
					return
				}
				if d := cmp.Diff(without(tb, s.order, ""), without(tb, o, "")); d != "" {
					tb.Errorf("%s: decoded again it differs:\n%s", s.name, d)
				}
			})
		}
		wg.Wait()
		if d := cmp.Diff(before, s.raw); d != "" {
			tb.Errorf("%s: Decode changed the raw:\n%s", s.name, d)
		}
	}
}

func (e *env) decodeNonsense(tb testing.TB) {
	ch, err := e.offline()
	if err != nil {
		tb.Fatal(err)
	}
	shapes := map[string][]string{"": {"order"}}
	for _, s := range e.samples(tb) {
		shapes[s.raw.Shape] = nil
		for _, d := range s.raw.Docs {
			shapes[s.raw.Shape] = append(shapes[s.raw.Shape], d.Name)
		}
	}
	for shape, docs := range shapes {
		for _, body := range []string{"", "null", "[]", "{}", `"x"`, "7", "<html></html>", "\x00", strings.Repeat("[", 20000), `{"id":null}`} {
			raw := channel.Raw{Shape: shape}
			for _, name := range docs {
				raw.Docs = append(raw.Docs, channel.Doc{Name: name, Body: []byte(body)})
			}
			if _, err := ch.Decode(raw); !fault.Is(e.hear(err), fault.Invalid) {
				tb.Errorf("shape %q of %.20q gives %v, and should be Invalid", shape, body, err)
			}
		}
	}
	if _, err := ch.Decode(channel.Raw{Shape: "no such shape"}); !fault.Is(e.hear(err), fault.Invalid) {
		tb.Errorf("an unknown shape gives %v, and should be Invalid", err)
	}
}

// big is the first whole number that a float64 cannot hold.
const big = "9007199254740993"

// swap replaces a word of a raw where it stands alone, and reports whether it was there.
func swap(raw channel.Raw, word, by string) (channel.Raw, bool) {
	out := clone(raw)
	re := regexp.MustCompile(`(^|[^0-9A-Za-z.])` + regexp.QuoteMeta(word) + `($|[^0-9A-Za-z.])`)
	found := false
	for i, d := range out.Docs {
		found = found || re.Match(d.Body)
		out.Docs[i].Body = re.ReplaceAll(d.Body, []byte("${1}"+by+"${2}"))
	}
	return out, found
}

func (e *env) bigIDs(tb testing.TB) {
	ch, err := e.offline()
	if err != nil {
		tb.Fatal(err)
	}
	tried := 0
	for _, s := range e.samples(tb) {
		if strings.Trim(s.order.External, "0123456789") != "" {
			continue // an id with letters in it is never taken for a number
		}
		raw, there := swap(s.raw, s.order.External, big)
		if !there {
			continue
		}
		tried++
		if o, err := ch.Decode(raw); err != nil || o.External != big {
			tb.Errorf("%s: order id %s became %q (%v)", s.name, big, o.External, err)
		}
	}
	tb.Logf("%d raws with a numeric order id", tried)
}

func (e *env) bigAmounts(tb testing.TB) {
	ch, err := e.offline()
	if err != nil {
		tb.Fatal(err)
	}
	tried := 0
	for _, s := range e.samples(tb) {
		digits, ok := money.Exponent(s.order.Currency)
		if !ok {
			continue
		}
		want := money.Of(9007199254740993, s.order.Currency)
		for _, word := range amountWords(s.order, digits) {
			raw, there := swap(s.raw, word, want.Decimal())
			if !there {
				continue
			}
			tried++
			// A sum of several may not fit or not add up any more; what counts is that nobody rounds.
			o, err := ch.Decode(raw)
			text, _ := json.Marshal(o)
			if err != nil && !fault.Is(e.hear(err), fault.Invalid) || err == nil && !bytes.Contains(text, []byte(`"amount":"`+want.Decimal()+`"`)) {
				tb.Errorf("%s: %s in place of %s did not survive (%v)", s.name, want.Decimal(), word, err)
			}
			break
		}
	}
	if tried == 0 {
		tb.Error("no recorded order shows an amount of its line as text: the case proves nothing")
	}
}

// amountWords are the ways in which a unit price of the order may be written by the partner.
func amountWords(o channel.Order, digits int) []string {
	var words []string
	for _, l := range o.Lines {
		if l.UnitPrice.Sign() <= 0 || l.UnitPrice.Minor < 100 {
			continue
		}
		full := l.UnitPrice.Decimal()
		words = append(words, full)
		if digits > 0 {
			short := strings.TrimRight(full, "0")
			words = append(words, short, short+"0", strings.TrimSuffix(short, "."))
		} else {
			words = append(words, full+".00", full+".0")
		}
	}
	return words
}

// novel is a status word that no partner has.
const novel = "zz_brand_new_word"

func (e *env) unknownStatus(tb testing.TB) {
	ch, err := e.offline()
	if err != nil {
		tb.Fatal(err)
	}
	tried := map[string]bool{}
	for _, s := range e.samples(tb) {
		for _, row := range e.Kind.Statuses {
			raw := clone(s.raw)
			value := regexp.MustCompile(`"` + regexp.QuoteMeta(row.Theirs) + `"(\s*[,}\]])`) // not the name of a member
			found := false
			for i, d := range raw.Docs {
				found = found || value.Match(d.Body)
				raw.Docs[i].Body = value.ReplaceAll(d.Body, []byte(`"`+novel+`"$1`))
			}
			if !found {
				continue
			}
			tried[row.Theirs] = true
			o, err := ch.Decode(raw)
			if e.hear(err) != nil {
				tb.Errorf("%s: an unknown word in place of %q is an error: %v", s.name, row.Theirs, err)
				continue
			}
			text := without(tb, o, "")
			if !strings.Contains(text, novel) && !strings.Contains(text, `"unknown"`) {
				tb.Errorf("%s: an unknown word in place of %q is neither kept raw nor shown as unknown", s.name, row.Theirs)
			}
			if moved(o) > moved(s.order) {
				tb.Errorf("%s: an unknown word in place of %q moved units", s.name, row.Theirs)
			}
		}
	}
	if len(tried) == 0 {
		tb.Error("no recorded order holds a word of the status table: the case proves nothing")
	}
}

func moved(o channel.Order) (n int64) {
	for _, l := range o.Lines {
		n += l.Progress.Sum()
	}
	return n
}
