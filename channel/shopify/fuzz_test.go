package shopify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// recorded gives every file of every recording.
func recorded(f *testing.F, each func(recording, name string, data []byte)) {
	f.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, path := range paths {
		arc, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range arc.Files {
			each(path, file.Name, bytes.TrimSuffix(file.Data, []byte("\n")))
		}
	}
}

// fuzzed is an account without a partner.
func fuzzed(f *testing.F) *adapter {
	f.Helper()
	ch, err := Kind.Open(channel.Config{
		Account: "fuzz", Country: "PK", HTTP: &http.Client{Transport: http.NewFileTransport(http.Dir("testdata"))}, Now: time.Now, Settings: map[string]string{"shop": testShop},
		Secret: func(string) []string { return []string{testSecret, testOld} },
	})
	if err != nil {
		f.Fatal(err)
	}
	return ch.(*adapter)
}

// sound holds that what decodes can be written, and what does not is Invalid.
func sound(t *testing.T, a *adapter, raw channel.Raw) {
	t.Helper()
	o, err := a.Decode(raw)
	if err != nil {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("is %v (%s)", err, fault.KindOf(err))
		}
		return
	}
	if _, err := json.Marshal(o); err != nil {
		t.Errorf("cannot be written: %v", err)
	}
	for _, l := range o.Lines {
		if l.Progress.Sum() > l.Quantity || l.Quantity <= 0 {
			t.Errorf("line %s has %+v of %d", l.External, l.Progress, l.Quantity)
		}
	}
	again, err := a.Decode(raw)
	first, _ := json.Marshal(o)
	second, _ := json.Marshal(again)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("decoded again it is another order: %v", err)
	}
}

func FuzzDecodeREST(f *testing.F) {
	a := fuzzed(f)
	recorded(f, func(_, name string, data []byte) {
		if name == "webhook/body" {
			f.Add(data)
		}
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		sound(t, a, channel.Raw{Shape: shapeREST, Docs: []channel.Doc{{Name: docOrder, Body: body}}})
	})
}

func FuzzDecodeGraphQL(f *testing.F) {
	a := fuzzed(f)
	first := map[string][]byte{}
	recorded(f, func(path, name string, data []byte) {
		switch {
		case name == "raw/"+docOrder:
			first[path] = data
		case strings.HasPrefix(name, "raw/"):
			f.Add(first[path], strings.TrimPrefix(name, "raw/"), data)
		case strings.HasSuffix(name, "-response"):
			_, body, _ := bytes.Cut(data, []byte("\n\n"))
			var e envelope
			if json.Unmarshal(body, &e) != nil || len(e.Data) == 0 {
				return
			}
			if first[path] == nil {
				first[path] = e.Data
			}
			for _, kind := range []string{docLines + ".2", docTransactions, docParts, docFulfillment + ".1", docRefund + ".1", docReturn + ".1"} {
				f.Add(first[path], kind, []byte(e.Data))
			}
		}
	})
	f.Fuzz(func(t *testing.T, order []byte, name string, more []byte) {
		sound(t, a, channel.Raw{Shape: shapeGraphQL, Docs: []channel.Doc{{Name: docOrder, Body: order}, {Name: name, Body: more}, {Name: name + ".2", Body: more}}})
	})
}

func FuzzHints(f *testing.F) {
	a := fuzzed(f)
	var topics []string
	recorded(f, func(_, name string, data []byte) {
		switch name {
		case "webhook/headers":
			line, _, _ := strings.Cut(string(data), "\n")
			topics = append(topics, strings.TrimPrefix(line, "X-Shopify-Topic: "))
		case "webhook/body":
			f.Add(topics[len(topics)-1], data)
			f.Add("fulfillment_orders/split", data)
		}
	})
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		hints, err := a.Hints(channel.Delivery{Header: http.Header{"X-Shopify-Topic": {topic}}, Body: body})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("is %v (%s)", err, fault.KindOf(err))
		}
		for _, h := range hints {
			if h.External == "" {
				t.Errorf("a hint about nothing: %+v", h)
			}
			if h.Raw != nil {
				if o, err := a.Decode(*h.Raw); err != nil || o.External != h.External {
					t.Errorf("the hint is about %s, the body holds %s, %v", h.External, o.External, err)
				}
			}
		}
	})
}

func FuzzVerify(f *testing.F) {
	a := fuzzed(f)
	f.Add("", "", []byte{})
	f.Add("AAAA", "orders/create", []byte(`{}`))
	recorded(f, func(_, name string, data []byte) {
		if name != "webhook/body" {
			return
		}
		for _, secret := range []string{testSecret, testOld, "", "somebody-elses"} {
			d := sign(channel.Delivery{Header: http.Header{}, Body: data}, secret)
			f.Add(d.Header.Get("X-Shopify-Hmac-Sha256"), "orders/create", data)
		}
	})
	f.Fuzz(func(t *testing.T, mac, topic string, body []byte) {
		_, err := a.Verify(channel.Delivery{Header: http.Header{"X-Shopify-Hmac-Sha256": {mac}, "X-Shopify-Topic": {topic}}, Body: body})
		if err != nil {
			if !fault.Is(err, fault.Unauthorized) {
				t.Errorf("is %v (%s)", err, fault.KindOf(err))
			}
			return
		}
		given, _ := base64.StdEncoding.DecodeString(mac)
		for _, secret := range []string{testSecret, testOld} {
			want, _ := base64.StdEncoding.DecodeString(sign(channel.Delivery{Header: http.Header{}, Body: body}, secret).Header.Get("X-Shopify-Hmac-Sha256"))
			if bytes.Equal(given, want) {
				return
			}
		}
		t.Error("believed without proof")
	})
}

func FuzzThrottled(f *testing.F) {
	recorded(f, func(_, name string, data []byte) {
		if strings.HasSuffix(name, "-response") {
			_, body, _ := bytes.Cut(data, []byte("\n\n"))
			f.Add(200, "", body)
			f.Add(429, "2.5", body)
		}
	})
	f.Fuzz(func(t *testing.T, status int, after string, body []byte) {
		wait, yes := throttled(status, http.Header{"Retry-After": {after}}, body)
		if yes != (wait > 0) || wait < 0 || wait > maxWait {
			t.Errorf("wait %s, %v", wait, yes)
		}
		// Whatever the answer is, it is judged.
		if _, err := judge(status, http.Header{"Retry-After": {after}}, body, "Order"); err != nil && fault.Is(err, fault.Internal) {
			t.Errorf("nobody gave a kind to %v", err)
		}
	})
}
