package iop

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Client calls one gateway on behalf of one app. It has no retries and no limits of its own; the HTTP client given has them.
type Client struct {
	Base   string // https://api.daraz.pk/rest, without a slash at the end
	AppKey string
	Secret func() string // the newest app secret
	HTTP   *http.Client
	Now    func() time.Time
	// Token is the name of the token's parameter; access_token when empty.
	Token string
}

// Call is one request. Params are the business parameters; empty values are never sent, since SDKs disagree on whether they are signed.
type Call struct {
	Method string // GET puts parameters into the query, POST into a form body; both are signed alike
	Path   string // begins with a slash
	Params map[string]string
	Token  string // access token; empty for calls without one: the gateway checks a stale one even where it needs none
	// Effect says that the call does something which must not be repeated blindly: whatever leaves its outcome open is fault.OutcomeUnknown.
	Effect bool
	// Codes are the API's own codes.
	Codes map[string]Code
	// Heed hears a refusal as the partner said it, before it becomes an error: product calls keep their rows' verdicts in Failure.Detail.
	Heed func(Failure)
}

// maxAnswer bounds what is read of one answer: a full page of orders with items is below 2 MB.
const maxAnswer = 32 << 20

// Do makes the call and opens the envelope. Errors are faults: Unavailable for everything that shows no result (no connection, 5xx, a web page, a
// cut body), OutcomeUnknown instead when the call has an effect and may have arrived, and what Classify makes of a refusal.
// Neither token nor signature is ever part of an error.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	req, err := c.request(ctx, call)
	if err != nil {
		return Answer{}, err
	}
	if err = ctx.Err(); err != nil {
		return Answer{}, fault.Wrap(fault.Unavailable, err, "the call was given up before it began")
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return Answer{}, call.lost(err, "the partner did not answer")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, call.lost(err, "the partner's answer was cut off")
	case len(body) > maxAnswer:
		return Answer{}, call.lost(errors.New("answer above 32 MB"), "the partner's answer is too large")
	}
	return c.read(call, resp, body)
}

func (c *Client) read(call Call, resp *http.Response, body []byte) (Answer, error) {
	answer, failure, err := Open(body)
	switch {
	case failure != nil && resp.StatusCode < 500:
		if call.Heed != nil {
			call.Heed(*failure)
		}
		return Answer{}, Classify(*failure, call.Codes, call.Effect, call.Token, c.Secret(), call.Params["refresh_token"], call.Params["code"])
	case resp.StatusCode == http.StatusTooManyRequests:
		return Answer{}, fault.Wait(retryAfter(resp.Header), "asked too often")
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return Answer{}, fault.New(fault.Forbidden, "the partner's gateway refuses us (HTTP %d)", resp.StatusCode)
	case resp.StatusCode >= 500 || resp.StatusCode < 200 || resp.StatusCode >= 300:
		return Answer{}, call.lost(errors.New(resp.Status), "the partner's gateway failed")
	case err != nil:
		return Answer{}, broken(call.lost(err, "the partner answered nonsense ("+contentType(resp)+")"))
	}
	return answer, nil
}

// broken gives an answer that says 200 and is none a code, so that it can be told from no answer at all.
func broken(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == "" {
		f.Code = "BROKEN_ANSWER"
	}
	return err
}

func contentType(resp *http.Response) string {
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil {
		return kind
	}
	return "no content type"
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	system := map[string]string{
		"app_key":     c.AppKey,
		"timestamp":   strconv.FormatInt(c.Now().UnixMilli(), 10),
		"sign_method": "sha256",
	}
	if call.Token != "" {
		name := c.Token
		if name == "" {
			name = "access_token"
		}
		system[name] = call.Token
	}
	all := maps.Clone(system)
	business := url.Values{}
	for k, v := range call.Params {
		if v != "" {
			all[k] = v
			business.Set(k, v)
		}
	}
	query := url.Values{}
	for k, v := range system {
		query.Set(k, v)
	}
	query.Set("sign", Sign(c.Secret(), call.Path, all, ""))
	var body io.Reader
	if call.Method == http.MethodPost {
		body = strings.NewReader(business.Encode())
	} else {
		maps.Copy(query, business)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.Base+call.Path+"?"+query.Encode(), body)
	if err != nil {
		return nil, fault.Field("base_url", "%s%s is no address", c.Base, call.Path)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")
	}
	req.Header.Set("Accept", "application/json")
	if call.Effect {
		once(req)
	}
	return req, nil
}

// once makes a request that nobody below can send again: net/http repeats a GET by itself when a kept-alive connection breaks before the answer, and
// several of these gateways' effects (cancel, decide) are GETs. A body that cannot be rewound is what stops it; an empty one is not sent.
func once(req *http.Request) {
	req.GetBody = nil
	if req.Body == nil || req.Body == http.NoBody {
		req.Body = io.NopCloser(empty{})
	}
}

type empty struct{}

// Read implements io.Reader.
func (empty) Read([]byte) (int, error) { return 0, io.EOF }

// lost is the error for a call without a readable result.
func (call Call) lost(err error, message string) error {
	// A *url.Error carries the whole address, token and signature included.
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	var known *fault.Error
	if errors.As(err, &known) && known.Kind != fault.Unavailable {
		return known // the shared client's own verdict, such as an exhausted budget
	}
	if call.Effect && !neverSent(err) {
		return fault.Wrap(fault.OutcomeUnknown, err, message+": it is not known whether it was done")
	}
	return fault.Wrap(fault.Unavailable, err, message)
}

// neverSent reports errors that come before the first byte of the request.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}
