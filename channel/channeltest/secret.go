package channeltest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
)

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// secretCase runs last: it provokes errors of its own and then searches everything said in the whole run.
func (e *env) secretCase() conform.Case {
	return conform.Case{Name: "no_secret_and_nothing_personal_is_in_a_log_or_an_error", Run: e.noSecret}
}

func (e *env) noSecret(tb testing.TB) {
	e.provoke(tb)
	if e.hooks {
		hooks := e.hooksOf(tb)
		for _, d := range e.deliveries() {
			_, err := hooks.Verify(channel.Delivery{Header: d.Header, Body: d.Body, At: d.At})
			e.hear(err)
		}
	}
	e.mu.Lock()
	said := e.said.String()
	e.mu.Unlock()
	for what, word := range e.unspeakable(tb) {
		if i := strings.Index(said, word); i >= 0 {
			tb.Errorf("%s was said: …%s…", what, strings.ReplaceAll(said[max(0, i-200):min(len(said), i+len(word)+60)], word, "▮▮▮"))
		}
	}
}

// provoke makes every recorded call fail in ways that tempt to say too much: a transport error with the address in it, an answer that echoes the request.
func (e *env) provoke(tb testing.TB) {
	tb.Helper()
	for _, r := range e.files {
		if len(r.Exchanges) == 0 || calls[r.do()].do == nil {
			continue
		}
		for _, status := range []int{0, 400, 401, 403, 404, 409, 422, 500} {
			a, err := e.openWith(r, echo{status}, &tokens{set: channel.TokenSet{Access: canary + "1"}})
			if err != nil {
				tb.Fatal(err)
			}
			_, err = calls[r.do()].do(tb.Context(), a.Channel, r)
			e.hear(err)
		}
	}
}

// echo answers with everything the request said, as some partners' error pages do; status 0 fails on the way with the address in the error.
type echo struct{ status int }

// RoundTrip implements http.RoundTripper.
func (t echo) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	said := fmt.Sprintf("%s %s %v %s", req.Method, req.URL, req.Header, body)
	if t.status == 0 {
		return nil, errors.New("dial tcp: connection refused")
	}
	return answer(req, exchange{Status: t.status, Answer: http.Header{"Content-Type": {"text/plain"}}, Reply: []byte(said)}), nil
}

// unspeakable are the words that must not be said: secrets, tokens, and what is known of buyers.
func (e *env) unspeakable(tb testing.TB) map[string]string {
	tb.Helper()
	words := map[string]string{"an access token": canary}
	for name, all := range e.Secrets {
		for i, s := range all {
			if len(s) < 8 {
				tb.Errorf("secret %s of the suite is too short to be searched for", name)
				continue
			}
			words[fmt.Sprintf("secret %s (%d)", name, i+1)] = s
		}
	}
	for _, s := range e.samples(tb) {
		for _, a := range []channel.Address{s.order.ShipTo, s.order.BillTo} {
			for what, word := range map[string]string{"name": a.Name, "phone": a.Phone, "second phone": a.Phone2, "street": a.Line1} {
				words[s.name+": the address's "+what] = word
			}
		}
		p := s.order.Buyer
		for what, word := range map[string]string{"name": p.Name, "phone": p.Phone, "e-mail": p.Email, "tax number": p.TaxID, "note": s.order.Note} {
			words[s.name+": the buyer's "+what] = word
		}
	}
	for what, word := range words {
		if len(word) < 6 {
			delete(words, what)
		}
	}
	return words
}
