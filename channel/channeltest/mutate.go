package channeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

const (
	rawRounds    = 400 // mutations of each raw
	answerRounds = 40  // of each answer
	bodyRounds   = 200 // of each delivery
)

func (e *env) mutationCases() []conform.Case {
	return []conform.Case{
		applies("mutated_documents_never_panic", e.mutatedRaws, e.noOrders()),
		applies("mutated_answers_never_panic", e.mutatedAnswers, e.noGood()),
		applies("mutated_deliveries_never_panic", e.mutatedDeliveries, unless(e.hooks, "no Webhooker"), unless(len(e.deliveries()) > 0, "no delivery is recorded")),
	}
}

// seeded gives the same mutations for the same recording on every run.
func seeded(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 0xc0ffee))
}

// guard reports a panic with what caused it.
func guard(tb testing.TB, what string, input []byte, do func()) {
	tb.Helper()
	defer func() {
		if p := recover(); p != nil {
			tb.Errorf("%s: panic %v on\n%.2000q\n%s", what, p, input, debug.Stack())
		}
	}()
	do()
}

func (e *env) mutatedRaws(tb testing.TB) {
	ch, err := e.offline()
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range e.samples(tb) {
		rnd := seeded(s.name)
		for range rawRounds {
			raw := clone(s.raw)
			doc := &raw.Docs[rnd.IntN(len(raw.Docs))]
			doc.Body = mutate(rnd, doc.Body)
			guard(tb, s.name, doc.Body, func() {
				o, err := ch.Decode(raw)
				if e.hear(err) != nil {
					if !fault.Is(err, fault.Invalid) {
						tb.Errorf("%s: is %v (%s), and should be Invalid, on\n%.2000q", s.name, err, fault.KindOf(err), doc.Body)
					}
					return
				}
				if _, err := json.Marshal(o); err != nil {
					tb.Errorf("%s: gives an order that cannot be written: %v", s.name, err)
				}
			})
			if tb.Failed() {
				return
			}
		}
	}
}

func (e *env) mutatedAnswers(tb testing.TB) {
	for _, r := range e.good() {
		rnd := seeded(r.Name)
		for i := range r.Exchanges {
			for range answerRounds {
				a := e.mustOpen(tb, r)
				var sent []byte
				a.replay.spoil = func(index int, x exchange) (*http.Response, error) {
					if index != i || len(x.Reply) == 0 {
						return nil, nil
					}
					x.Reply = mutate(rnd, x.Reply)
					sent = x.Reply
					if a.replay.count() > 100*len(r.Exchanges) {
						return nil, fmt.Errorf("asked for ever")
					}
					return answer(nil, x), nil
				}
				guard(tb, r.Name, sent, func() {
					_, err := calls[r.do()].do(context.Background(), a.Channel, r)
					if e.hear(err) != nil && !classified(err) {
						tb.Errorf("%s: nobody gave a kind to %v, on\n%.2000q", r.Name, err, sent)
					}
				})
				if a.replay.count() > 100*len(r.Exchanges) {
					tb.Errorf("%s: asks for ever, on\n%.2000q", r.Name, sent)
				}
				if tb.Failed() {
					return
				}
			}
		}
	}
}

func (e *env) mutatedDeliveries(tb testing.TB) {
	hooks := e.hooksOf(tb)
	for n, d := range e.deliveries() {
		rnd := seeded(fmt.Sprint("delivery", n))
		for range bodyRounds {
			bad := channel.Delivery{Header: d.Header.Clone(), Body: mutate(rnd, d.Body), At: d.At}
			guard(tb, "delivery", bad.Body, func() {
				if e.Sign != nil {
					bad = e.signed(bad)
				}
				_, err := hooks.Verify(bad)
				e.hear(err)
				hints, err := hooks.Hints(bad)
				if e.hear(err) != nil && !fault.Is(err, fault.Invalid) {
					tb.Errorf("is %v (%s), and should be Invalid, on\n%.2000q", err, fault.KindOf(err), bad.Body)
				}
				for _, h := range hints {
					if h.Raw != nil {
						_, err := hooks.(channel.Channel).Decode(*h.Raw)
						e.hear(err)
					}
				}
			})
			if tb.Failed() {
				return
			}
		}
	}
}

// mutate damages a document: half of the time as JSON, by putting something else in the place of one value; otherwise as bytes.
func mutate(rnd *rand.Rand, doc []byte) []byte {
	if rnd.IntN(2) == 0 {
		if out, ok := mutateJSON(rnd, doc); ok {
			return out
		}
	}
	out := bytes.Clone(doc)
	if len(out) == 0 {
		return []byte{0}
	}
	at := rnd.IntN(len(out))
	switch rnd.IntN(6) {
	case 0:
		return out[:at]
	case 1:
		out[at] ^= 1 << rnd.IntN(8)
	case 2:
		out = append(out[:at], out[min(len(out), at+1+rnd.IntN(20)):]...)
	case 3:
		out = append(out[:at:at], append([]byte{"{}[],:\"0-.e\x00\xff"[rnd.IntN(13)]}, out[at:]...)...)
	case 4:
		to := min(len(out), at+rnd.IntN(200))
		out = append(out[:to:to], out[at:]...)
	default:
		for i := range out {
			if out[i] >= '0' && out[i] <= '9' && rnd.IntN(8) == 0 {
				out[i] = '0' + byte(rnd.IntN(10))
			}
		}
	}
	return out
}

// strange are values that partners were seen to send, or could.
var strange = []string{
	`null`, `{}`, `[]`, `[null]`, `[[]]`, `[{}]`, `""`, `" "`, `"x"`, `"null"`, `true`, `false`, `0`, `-1`, `1`, `0.1`, `-0.004`, `1e999`, `-1e999`, `1e-999`,
	`9007199254740993`, `9223372036854775807`, `9223372036854775808`, `99999999999999999999999999`, `"9223372036854775808"`, `"1,234.50"`, `"1.234,50"`, `"NaN"`,
	`"Infinity"`, `"1e5"`, `"-5"`, `"0x10"`, `"2026-02-30T25:61:61Z"`, `"2026-11-22T10:00:00"`, `"0000-00-00 00:00:00"`, `"\u0000"`, `"\ud800"`, `"PKR"`, `"XXX"`, `"JPY"`,
	`"` + strings.Repeat("a", 70000) + `"`, strings.Repeat("[", 500) + strings.Repeat("]", 500), `{"a":{"b":{"c":null}}}`, `{"amount":"1","amount":"2"}`,
}

// mutateJSON puts something strange in the place of one value, drops one member, or says one twice.
func mutateJSON(rnd *rand.Rand, doc []byte) ([]byte, bool) {
	tree, err := decodeNumber(doc)
	if err != nil {
		return nil, false
	}
	n := count(tree)
	if n < 2 {
		return nil, false
	}
	at := 1 + rnd.IntN(n-1)
	tree = change(tree, &at, func(v any) (any, bool) {
		switch rnd.IntN(5) {
		case 0:
			return nil, true
		case 1:
			if list, ok := v.([]any); ok && len(list) > 0 {
				return append(list, list[rnd.IntN(len(list))]), false
			}
		}
		return json.RawMessage(strange[rnd.IntN(len(strange))]), false
	})
	out, err := json.Marshal(tree)
	return out, err == nil
}

func count(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, m := range v {
			n += count(m)
		}
	case []any:
		for _, m := range v {
			n += count(m)
		}
	}
	return n
}

// change walks in a fixed order and alters the value at which the countdown ends.
func change(v any, left *int, alter func(any) (to any, drop bool)) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sorted(v) {
			if *left--; *left == 0 {
				to, drop := alter(v[k])
				if v[k] = to; drop {
					delete(v, k)
				}
				return v
			}
			if v[k] = change(v[k], left, alter); *left <= 0 {
				return v
			}
		}
	case []any:
		for i := range v {
			if *left--; *left == 0 {
				to, drop := alter(v[i])
				if drop {
					return append(v[:i:i], v[i+1:]...)
				}
				v[i] = to
				return v
			}
			if v[i] = change(v[i], left, alter); *left <= 0 {
				return v
			}
		}
	}
	return v
}
