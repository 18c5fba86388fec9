package iop

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Answer is a successful answer. Payload is where adapters read.
type Answer struct {
	Data      json.RawMessage // nil when the answer has none, as many writes
	Result    json.RawMessage // the second envelope of fulfilment and reverse APIs; nil when there is none
	Detail    json.RawMessage // per-row remarks of product APIs
	Body      []byte          // all of it: token answers are flat
	RequestID string          // for the partner's support; safe to log
}

// Payload is the innermost documented object: result.data, else result, else data. nil when the answer has nothing inside.
func (a Answer) Payload() json.RawMessage {
	if len(a.Result) == 0 {
		return a.Data
	}
	var result struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(a.Result, &result) == nil && present(result.Data) {
		return result.Data
	}
	return a.Result
}

// Decode reads the payload into v. An answer without payload leaves v as it is; one of another shape is fault.Unavailable: the partner answered
// nonsense.
func (a Answer) Decode(v any) error {
	payload := a.Payload()
	if !present(payload) {
		return nil
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the partner's answer has an unknown shape")
	}
	return nil
}

func present(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && string(raw) != "null" && string(raw) != `"null"` && string(raw) != `""`
}

// Failure is a refusal in the partner's words.
type Failure struct {
	Code      string
	Type      string // ISV: the caller's fault, ISP: the business service's, SYSTEM: the gateway's
	Message   string
	Detail    json.RawMessage
	RequestID string
	Inner     bool // said by result.success or a row, not by the gateway
}

type envelope struct {
	Code      Scalar          `json:"code"`
	Type      Scalar          `json:"type"`
	Message   Scalar          `json:"message"`
	RequestID Scalar          `json:"request_id"`
	Data      json.RawMessage `json:"data"`
	Result    json.RawMessage `json:"result"`
	Detail    json.RawMessage `json:"detail"`
}

type inner struct {
	Success *Scalar `json:"success"`
	Code1   Scalar  `json:"error_code"`
	Code2   Scalar  `json:"errorCode"`
	Text1   Scalar  `json:"error_msg"`
	Text2   Scalar  `json:"errorMsg"`
}

// Open reads an answer's body: exactly one of the three results is set. err is fault.Unavailable for what is no envelope at all (a web page, a cut
// body); a Failure is what the partner said, whether in the outer or the inner envelope.
func Open(body []byte) (Answer, *Failure, error) {
	var e envelope
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return Answer{}, nil, fault.New(fault.Unavailable, "the partner answered with something that is not JSON")
	}
	if err := json.Unmarshal(trimmed, &e); err != nil {
		return Answer{}, nil, fault.Wrap(fault.Unavailable, err, "the partner's answer is cut short or broken")
	}
	if e.Code == "" && e.Result == nil {
		return Answer{}, nil, fault.New(fault.Unavailable, "the partner's answer carries no result code")
	}
	if e.Code != "0" && e.Code != "" {
		return Answer{}, &Failure{Code: e.Code.String(), Type: e.Type.String(), Message: e.Message.String(), Detail: e.Detail, RequestID: e.RequestID.String()}, nil
	}
	a := Answer{Body: body, RequestID: e.RequestID.String(), Detail: e.Detail}
	if present(e.Data) {
		a.Data = e.Data
	}
	if !present(e.Result) {
		return a, nil, nil
	}
	a.Result = e.Result
	var in inner
	if json.Unmarshal(e.Result, &in) == nil && in.Success != nil && *in.Success != "" && !in.Success.Bool() {
		return Answer{}, &Failure{
			Code: first(in.Code1, in.Code2, "failed").String(), Message: first(in.Text1, in.Text2).String(),
			RequestID: e.RequestID.String(), Inner: true,
		}, nil
	}
	return a, nil, nil
}

func first(all ...Scalar) Scalar {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// throttles are the gateway's words for "too often", with the wait when the message names none. 901 asks for "the next second".
var throttles = map[string]time.Duration{
	"ApiCallLimit":    time.Second,
	"AppCallLimit":    10 * time.Second,
	"SellerCallLimit": time.Second,
	"901":             time.Second,
}

var ban = regexp.MustCompile(`(?i)ban will last (\d{1,6})`)

func (f Failure) throttle() (time.Duration, bool) {
	wait, ok := throttles[f.Code]
	if !ok {
		return 0, false
	}
	if m := ban.FindStringSubmatch(f.Message); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
			wait = time.Duration(n) * time.Second
		}
	}
	return wait, true
}

// Throttled reads "too often" out of an answer, also out of a 200 body; it is a channel.Limits.Throttled.
func Throttled(status int, header http.Header, body []byte) (time.Duration, bool) {
	// A refusal is short; a page of orders is not worth a second parse.
	if len(body) > 0 && len(body) <= 8<<10 {
		var e envelope
		if json.Unmarshal(body, &e) == nil {
			if wait, ok := (Failure{Code: e.Code.String(), Message: e.Message.String()}).throttle(); ok {
				return wait, true
			}
		}
	}
	if status == http.StatusTooManyRequests {
		return retryAfter(header), true
	}
	return 0, false
}

func retryAfter(header http.Header) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(header.Get("Retry-After"))); err == nil && n > 0 && n <= 86400 {
		return time.Duration(n) * time.Second
	}
	return time.Second
}
