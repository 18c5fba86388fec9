package daraz

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// Sign is the IOP signature of a call: HMAC-SHA256 over the path and the sorted parameters, each key followed by its raw value, in upper-case
// hex. The parameter sign and empty values are left out (official Java and C# samples, Lazada docId 108069).
func Sign(secret, path string, params url.Values) string {
	keys := make([]string, 0, len(params))
	for k := range params {
		if k != "sign" && params.Get(k) != "" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, path) //nolint:errcheck // a hash never fails
	for _, k := range keys {
		io.WriteString(mac, k+params.Get(k)) //nolint:errcheck // a hash never fails
	}
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

// timestampWindow is how far a call's timestamp may be from the gateway's clock.
const timestampWindow = 7200 * time.Second

// call is one request to the gateway on its way through.
type call struct {
	m      *Market
	shop   *Shop // whose token it carries; nil on token calls
	r      *http.Request
	path   string
	params url.Values
	ref    string // what it was about, for the record
	now    time.Time
}

func (c *call) get(name string) string { return c.params.Get(name) }

// answer is a success: data or result under its envelope, or fields beside it.
type answer struct {
	key   string // "data", "result", or "" when the write says nothing but code 0
	value any
	flat  map[string]any
}

func data(v any) answer   { return answer{key: "data", value: v} }
func result(v any) answer { return answer{key: "result", value: v} }

// refusal is a failure as the gateway writes it: HTTP 200, code other than "0".
type refusal struct {
	code, kind, message string
	detail              any
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// Kinds of refusal: whose fault the gateway thinks it is.
const (
	isv    = "ISV"
	isp    = "ISP"
	system = "SYSTEM"
)

func refuse(kind, code, format string, args ...any) error {
	return &refusal{code: code, kind: kind, message: fmt.Sprintf(format, args...)}
}

func missing(name string) error {
	return refuse(isv, "MissingParameter", "The input parameter %q that is mandatory for processing this request is not supplied", name)
}

// apiPath is the path that is signed: without the /rest of the host.
func apiPath(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/rest") }

func (m *Market) serveAPI(w http.ResponseWriter, r *http.Request) {
	c := &call{m: m, r: r, path: apiPath(r), now: m.now()}
	ans, err := answer{}, error(nil)
	if c.params, err = readParams(r); err == nil {
		ans, err = m.do(c)
	}
	body := m.envelope(ans, err)
	note := "ok"
	var no *refusal
	if errors.As(err, &no) {
		note = "refused: " + no.code
	}
	m.record.Add(sim.Entry{
		At: c.now, Dir: sim.In, Kind: c.path, Ref: c.ref, Method: r.Method, Path: r.URL.Path,
		Status: http.StatusOK, Request: told(c.params), Response: body, Note: note,
	})
	m.log.Debug("call", "path", c.path, "note", note)
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(body)
}

// do takes a call through the gateway's checks, in its order, and then to the endpoint.
func (m *Market) do(c *call) (answer, error) {
	ep, ok := m.endpoints[c.path]
	if !ok {
		return answer{}, refuse(isp, "InvalidApiPath", "The specified api path is invalid")
	}
	if !strings.Contains(ep.methods, c.r.Method) {
		return answer{}, refuse(isp, "UnsupportedHTTPMethod", "The http method %s is not supported by this api", c.r.Method)
	}
	if err := m.checkSigned(c); err != nil {
		return answer{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkToken(c, ep.open); err != nil {
		return answer{}, err
	}
	if err := m.checkRate(c); err != nil {
		return answer{}, err
	}
	m.settleDue(c.now)
	if ep.ref != "" {
		c.ref = c.get(ep.ref)
	}
	return ep.do(c)
}

func (m *Market) checkSigned(c *call) error {
	for _, name := range []string{"app_key", "timestamp", "sign_method", "sign"} {
		if c.get(name) == "" {
			return missing(name)
		}
	}
	if c.get("app_key") != m.cfg.AppKey {
		return refuse(isv, "InvalidAppKey", "The specified App Key is invalid or not activated")
	}
	ms, err := strconv.ParseInt(c.get("timestamp"), 10, 64)
	off := c.now.Sub(time.UnixMilli(ms)).Abs()
	if err != nil || off > timestampWindow {
		return refuse(isv, "IncompleteSignature", "The timestamp is more than 7200 seconds away from the platform's time")
	}
	if c.get("sign_method") != "sha256" || !hmac.Equal([]byte(c.get("sign")), []byte(Sign(m.cfg.AppSecret, c.path, c.params))) {
		return refuse(isv, "IncompleteSignature", "The request signature does not conform to platform standards")
	}
	return nil
}

func (m *Market) envelope(ans answer, err error) []byte {
	m.mu.Lock()
	m.seq++
	id := fmt.Sprintf("0ba2887%018d", m.seq)
	m.mu.Unlock()
	out := map[string]any{"request_id": id}
	var no *refusal
	switch {
	case errors.As(err, &no):
		out["code"], out["type"], out["message"] = no.code, no.kind, no.message
		if no.detail != nil {
			out["detail"] = no.detail
		}
	case err != nil:
		out["code"], out["type"], out["message"] = "6", system, "E006: Unexpected internal error"
		m.log.Error("simulator", "error", err)
	default:
		out["code"], out["_trace_id_"] = "0", "21"+id
		for k, v := range ans.flat {
			out[k] = v
		}
		if ans.key != "" {
			out[ans.key] = ans.value
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return []byte(`{"code":"6","type":"SYSTEM","message":"E006: Unexpected internal error"}`)
	}
	return bytes.TrimSpace(b.Bytes())
}

// readParams joins the query with a form body: both are signed together. Files of a multipart body are not signed and not read.
func readParams(r *http.Request) (url.Values, error) {
	all := r.URL.Query()
	r.Body = http.MaxBytesReader(nil, r.Body, 8<<20)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		if err := r.ParseMultipartForm(8 << 20); err != nil {
			return all, refuse(isv, "InvalidParameter", "The body cannot be read")
		}
		for k, v := range r.MultipartForm.Value {
			all[k] = v
		}
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return all, refuse(isv, "InvalidParameter", "The body cannot be read")
		}
		for k, v := range r.PostForm {
			all[k] = v
		}
	}
	return all, nil
}

// told is what a caller asked for, without what proves who he is.
func told(params url.Values) sim.Body {
	if len(params) == 0 {
		return nil
	}
	shown := map[string]string{}
	for k := range params {
		switch k {
		case "app_key", "access_token", "refresh_token", "code", "sign", "sign_method", "timestamp":
		default:
			shown[k] = params.Get(k)
		}
	}
	b, _ := json.Marshal(shown)
	return b
}

// window counts one shop's calls of one path within a second.
type window struct {
	start  time.Time
	calls  int
	banned time.Time
}

func (m *Market) checkRate(c *call) error {
	if hit, ok := m.faults.Take(sim.Throttle, c.path); ok {
		return tooOften(or(hit.Delay, time.Second))
	}
	if m.cfg.Limits.QPS == 0 {
		return nil
	}
	key := c.path
	if c.shop != nil {
		key = c.shop.seller.ID + key
	}
	w := m.windows[key]
	if w == nil {
		w = &window{start: c.now}
		m.windows[key] = w
	}
	if c.now.Before(w.banned) {
		return tooOften(w.banned.Sub(c.now))
	}
	if c.now.Sub(w.start) >= time.Second {
		w.start, w.calls = c.now, 0
	}
	if w.calls++; w.calls > m.cfg.Limits.QPS {
		w.banned = c.now.Add(m.cfg.Limits.Ban)
		return tooOften(m.cfg.Limits.Ban)
	}
	return nil
}

func tooOften(wait time.Duration) error {
	seconds := int64((wait + time.Second - 1) / time.Second)
	return refuse(isv, "ApiCallLimit", "Api access frequency exceeds the limit. this ban will last %d seconds", seconds)
}
