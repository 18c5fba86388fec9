package channeltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// partnerURL is where recorded partners live; "{url}" in settings, headers and answers stands for it.
const partnerURL = "https://partner.test"

// replay answers requests from a recording. It is the transport itself, so no port is opened and a fault can be as exact as a cut in the middle of a body.
type replay struct {
	mu      sync.Mutex
	list    []exchange
	used    []int
	strange []string // requests that match nothing
	asked   int
	spoil   func(index int, x exchange) (*http.Response, error) // nil result = answer as recorded
}

func newReplay(list []exchange) *replay { return &replay{list: list, used: make([]int, len(list))} }

// RoundTrip implements http.RoundTripper.
func (p *replay) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	i, why := p.pick(req, body)
	if i < 0 {
		return answer(req, exchange{Status: http.StatusNotImplemented, Reply: []byte(why)}), nil
	}
	x := p.list[i]
	if p.spoil != nil {
		if resp, err := p.spoil(i, x); resp != nil || err != nil {
			if resp != nil {
				resp.Request = req
			}
			return resp, err
		}
	}
	return answer(req, x), nil
}

// pick finds the first exchange not used yet that the request matches, else the last one that it matches.
func (p *replay) pick(req *http.Request, body []byte) (int, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	again := -1
	var why []string
	for i, x := range p.list {
		if no := x.match(req, body); no != "" {
			why = append(why, fmt.Sprintf("%s %s: %s", x.Method, x.Target, no))
			continue
		}
		if p.used[i] == 0 {
			p.used[i]++
			return i, ""
		}
		again = i
	}
	if again >= 0 {
		p.used[again]++
		return again, ""
	}
	no := fmt.Sprintf("%s %s %s matches no recorded request: %s", req.Method, req.URL, body, strings.Join(why, "; "))
	p.strange = append(p.strange, no)
	return -1, no
}

// rest says what was recorded and never asked for, and what was asked and never recorded.
func (p *replay) rest() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := append([]string(nil), p.strange...)
	for i, n := range p.used {
		if n == 0 {
			out = append(out, fmt.Sprintf("%s %s was recorded and never asked for", p.list[i].Method, p.list[i].Target))
		}
	}
	return out
}

func (p *replay) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func answer(req *http.Request, x exchange) *http.Response {
	body := bytes.ReplaceAll(x.Reply, []byte("{url}"), []byte(partnerURL))
	h := http.Header{}
	for k, values := range x.Answer {
		for _, v := range values {
			h.Add(k, strings.ReplaceAll(v, "{url}", partnerURL))
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status)), StatusCode: x.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// match says why a request is not this exchange, "" when it is.
func (x *exchange) match(req *http.Request, body []byte) string {
	want, err := url.Parse(x.Target)
	switch {
	case err != nil:
		return err.Error()
	case req.Method != x.Method:
		return "method " + req.Method
	case req.URL.Path != want.Path:
		return "path " + req.URL.Path
	}
	query := req.URL.Query()
	for k, values := range want.Query() {
		for _, v := range values {
			if !query.Has(k) || !like(v, query.Get(k)) {
				return fmt.Sprintf("query %s is %q", k, query.Get(k))
			}
		}
	}
	for k, values := range x.Header {
		for _, v := range values {
			if req.Header.Get(k) == "" || !like(v, req.Header.Get(k)) {
				return "header " + k
			}
		}
	}
	if x.Body == nil {
		return ""
	}
	recorded, err := decodeNumber(x.Body)
	if err != nil {
		return "recorded body: " + err.Error()
	}
	sent, err := sentBody(req, body)
	if err != nil {
		return "sent body: " + err.Error()
	}
	return part("body", recorded, sent)
}

// sentBody reads JSON, or a form as an object of texts.
func sentBody(req *http.Request, body []byte) (any, error) {
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		return formObject(form), nil
	}
	if len(body) == 0 {
		return formObject(req.URL.Query()), nil // signed calls may carry everything in the query
	}
	return decodeNumber(body)
}

func formObject(form url.Values) map[string]any {
	out := map[string]any{}
	for k := range form {
		out[k] = form.Get(k)
	}
	return out
}

func decodeNumber(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// like compares a recorded text with a sent one: "*" is anything, "~text" is anything that contains text.
func like(recorded, sent string) bool {
	recorded = strings.ReplaceAll(recorded, "{url}", partnerURL)
	if rest, ok := strings.CutPrefix(recorded, "~"); ok {
		return strings.Contains(sent, rest)
	}
	return recorded == "*" || recorded == sent
}

// part says where recorded JSON is not part of sent JSON: objects may have more members, lists must be as long. A text that holds JSON may be recorded as that JSON.
func part(at string, recorded, sent any) string {
	if text, ok := sent.(string); ok {
		switch recorded.(type) {
		case map[string]any, []any:
			inner, err := decodeNumber([]byte(text))
			if err != nil {
				return at + " holds no JSON"
			}
			sent = inner
		}
	}
	switch want := recorded.(type) {
	case map[string]any:
		got, ok := sent.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		for k, v := range want {
			if _, there := got[k]; !there {
				return at + "." + k + " is not sent"
			}
			if no := part(at+"."+k, v, got[k]); no != "" {
				return no
			}
		}
	case []any:
		got, ok := sent.([]any)
		if !ok || len(got) != len(want) {
			return at + " is another list"
		}
		for i := range want {
			if no := part(fmt.Sprintf("%s[%d]", at, i), want[i], got[i]); no != "" {
				return no
			}
		}
	case string:
		if want == "*" {
			return ""
		}
		if got, ok := sent.(string); !ok || !like(want, got) {
			return fmt.Sprintf("%s is %v", at, sent)
		}
	default:
		if fmt.Sprint(recorded) != fmt.Sprint(sent) {
			return fmt.Sprintf("%s is %v", at, sent)
		}
	}
	return ""
}
