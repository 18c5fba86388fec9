package channeltest

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// signed signs a recorded delivery with the newest secret; without Suite.Sign it was recorded signed.
func (e *env) signed(d channel.Delivery) channel.Delivery {
	all := e.Secrets[e.SignedBy]
	if e.Sign == nil || len(all) == 0 {
		return d
	}
	return e.signedWith(d, all[0])
}

func (e *env) signedWith(d channel.Delivery, secret string) channel.Delivery {
	d.Header = d.Header.Clone()
	return e.Sign(d, secret)
}

// deliveries are the recorded ones, unsigned when the suite signs.
func (e *env) deliveries() []channel.Delivery {
	var all []channel.Delivery
	for _, r := range e.files {
		if kind, _ := r.wants(); kind != "" {
			continue
		}
		if d, ok := r.delivery(e.Now); ok {
			all = append(all, d)
		}
	}
	return all
}

func (e *env) deliveryCases() []conform.Case {
	takes := unless(e.hooks, "no Webhooker")
	some := unless(len(e.deliveries()) > 0, "no delivery is recorded")
	signs := unless(e.Sign != nil, "the suite cannot sign")
	two := unless(len(e.Secrets[e.SignedBy]) > 1, "the suite has one signing secret only")
	return []conform.Case{
		applies("a_forged_delivery_is_refused_before_it_is_parsed", e.forged, takes, some),
		applies("a_delivery_signed_by_somebody_else_is_refused", e.stranger, takes, some, signs),
		applies("both_secrets_verify_during_a_rotation", e.rotation, takes, some, signs, two),
		applies("a_stale_delivery_is_refused", e.stale, takes, some, signs, unless(e.Fresh > 0, "the partner signs no time")),
		applies("a_replayed_delivery_is_recognised", e.replayed, takes, some),
		applies("a_delivery_is_read_without_side_effects", e.hintsPure, takes, some),
	}
}

func (e *env) hooksOf(tb testing.TB) channel.Webhooker {
	tb.Helper()
	ch, err := e.offline()
	if err != nil {
		tb.Fatal(err)
	}
	return ch.(channel.Webhooker)
}

func (e *env) refused(tb testing.TB, hooks channel.Webhooker, d channel.Delivery, what string) {
	tb.Helper()
	if _, err := hooks.Verify(d); !fault.Is(e.hear(err), fault.Unauthorized) {
		tb.Errorf("%s: %v, and should be Unauthorized", what, err)
	}
}

func (e *env) forged(tb testing.TB) {
	hooks := e.hooksOf(tb)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, d := range e.deliveries() {
		d = e.signed(d)
		if _, err := hooks.Verify(d); e.hear(err) != nil {
			tb.Errorf("the genuine delivery is refused: %v", err)
			continue
		}
		for range 64 {
			bad := d
			bad.Body = bytes.Clone(d.Body)
			if len(bad.Body) == 0 {
				break
			}
			bad.Body[rnd.IntN(len(bad.Body))] ^= 1 << rnd.IntN(8)
			e.refused(tb, hooks, bad, "one flipped bit")
		}
		for _, body := range []string{"", "{", page, string(d.Body) + " "} {
			bad := d
			bad.Body = []byte(body)
			e.refused(tb, hooks, bad, "another body")
		}
		e.forgedHeaders(tb, hooks, d)
	}
}

// forgedHeaders spoils the headers that carry the proof. Which ones those are is found by trying: neither absent nor with another value are they believed.
func (e *env) forgedHeaders(tb testing.TB, hooks channel.Webhooker, d channel.Delivery) {
	tb.Helper()
	e.refused(tb, hooks, channel.Delivery{Header: http.Header{}, Body: d.Body, At: d.At}, "no headers")
	e.refused(tb, hooks, channel.Delivery{Body: d.Body, At: d.At}, "nil headers")
	needed := 0
	for name := range d.Header {
		bad := d
		bad.Header = d.Header.Clone()
		bad.Header.Del(name)
		_, gone := hooks.Verify(bad)
		bad.Header.Set(name, "x")
		if _, other := hooks.Verify(bad); e.hear(gone) == nil || e.hear(other) == nil {
			continue // it may have to be there, but it proves nothing
		}
		needed++
		for _, v := range []string{"", "AAAA", d.Header.Get(name) + "0", "\x00", string(bytes.Repeat([]byte("f"), 4096))} {
			bad.Header.Set(name, v)
			e.refused(tb, hooks, bad, "header "+name+" spoilt")
		}
	}
	if needed == 0 {
		tb.Error("no header carries a proof")
	}
}

func (e *env) stranger(tb testing.TB) {
	hooks := e.hooksOf(tb)
	for _, d := range e.deliveries() {
		for _, secret := range []string{"", "somebody-elses-secret"} {
			e.refused(tb, hooks, e.signedWith(d, secret), "signed with another secret")
		}
	}
}

func (e *env) rotation(tb testing.TB) {
	hooks := e.hooksOf(tb)
	for _, d := range e.deliveries() {
		for i, secret := range e.Secrets[e.SignedBy] {
			if _, err := hooks.Verify(e.signedWith(d, secret)); e.hear(err) != nil {
				tb.Errorf("secret %d of two is valid, and its delivery is refused: %v", i+1, err)
			}
		}
	}
}

func (e *env) stale(tb testing.TB) {
	hooks := e.hooksOf(tb)
	for _, d := range e.deliveries() {
		d = e.signed(d)
		for _, off := range []time.Duration{e.Fresh + time.Minute, 24 * time.Hour, -e.Fresh - time.Minute} {
			late := d
			late.At = d.At.Add(off)
			e.refused(tb, hooks, late, "arriving "+off.String()+" after it was signed")
		}
		late := d
		late.At = d.At.Add(e.Fresh / 2)
		if _, err := hooks.Verify(late); e.hear(err) != nil {
			tb.Errorf("arriving in time it is refused: %v", err)
		}
	}
}

// replayed: a delivery sent again says the same about itself, so that the inbox knows it; two different ones do not share an id.
func (e *env) replayed(tb testing.TB) {
	hooks := e.hooksOf(tb)
	bodies := map[string][]byte{}
	for _, d := range e.deliveries() {
		d = e.signed(d)
		first, err := hooks.Verify(d)
		if e.hear(err) != nil {
			tb.Errorf("refused: %v", err)
			continue
		}
		again := d
		again.At = d.At.Add(e.Fresh / 4)
		second, err := hooks.Verify(again)
		if d := cmp.Diff(first, second); err != nil || d != "" {
			tb.Errorf("sent again it is another delivery: %v\n%s", err, d)
		}
		if body, ok := bodies[first.ID]; ok && first.ID != "" && !bytes.Equal(body, d.Body) {
			tb.Errorf("two deliveries share the id %s", first.ID)
		}
		bodies[first.ID] = d.Body
	}
}

func (e *env) hintsPure(tb testing.TB) {
	hooks := e.hooksOf(tb)
	for _, d := range e.deliveries() {
		d = e.signed(d)
		before := channel.Delivery{Header: d.Header.Clone(), Body: bytes.Clone(d.Body), At: d.At}
		first, err := hooks.Hints(d)
		second, again := hooks.Hints(d)
		if e.hear(err) != nil || again != nil {
			tb.Errorf("not understood: %v, %v", err, again)
		}
		if d := cmp.Diff(first, second); d != "" {
			tb.Errorf("read twice it says different things:\n%s", d)
		}
		if d := cmp.Diff(before, d); d != "" {
			tb.Errorf("reading changed the delivery:\n%s", d)
		}
		for _, h := range first {
			if h.External == "" && h.Subject == channel.AboutOrder {
				tb.Error("a hint about an order does not say which")
			}
		}
	}
}
