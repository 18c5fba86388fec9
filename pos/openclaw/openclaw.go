// Package openclaw is the client of openclaw-pos, the POS core, over its /v1 API. Start at Kind; post.go has how a document is posted once, read.go how lists are read.
//
// Facts are from its public repository (src/index.ts, docs/api/returns.md): reads are open, writes need x-api-key; lists show the newest rows only and cannot be
// paged; ids are made by the client, and a repeated insert answers 400.
package openclaw

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/pos"
)

const (
	settingBase = "base_url"
	settingKey  = "api_key"
	settingRate = "tax_rate_unit"
)

// shown is the fewest rows that any of its lists shows when there are more: org units, items, prices, receipts 200, movements 300, lines 500.
const shown = 200

// Kind is openclaw-pos.
var Kind = pos.Kind{
	Name: "openclaw", Title: "openclaw-pos", Docs: "https://github.com/rmak78/openclaw-pos",
	Settings: []partner.Setting{
		{Name: settingBase, Title: "Address", Help: "Where its API is; the address ends in /v1.", Required: true, Check: checkBase},
		{Name: settingKey, Title: "Write key", Help: "The value of API_WRITE_KEY of its deployment.", Required: true, Secret: true},
		{
			Name: settingRate, Title: "Tax rates", Help: "Whether its tax rules hold 0.18 or 18 for eighteen percent.", Default: "fraction", Options: []string{"fraction", "percent"},
			Unverified: "its API takes any number as tax_rate; the examples of its purchase orders use fractions",
		},
	},
	Capped: shown,
	Unverified: []string{
		"A movement of a SKU that the branch has no item for is kept by the core, but changes no stock there.",
		"Movements carry a cost without a currency, so costs are posted and not read.",
	},
	Open: func(c partner.Config) (pos.Core, error) {
		if err := checkBase(c.Setting(settingBase)); err != nil {
			return nil, err
		}
		return &core{Config: c, base: strings.TrimSuffix(c.Setting(settingBase), "/")}, nil
	},
}

func checkBase(address string) error {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fault.Field(settingBase, "is no web address")
	}
	return nil
}

type core struct {
	partner.Config
	base string
}

// answer is the head of every answer.
type answer struct {
	OK     *bool           `json:"ok"`
	Error  string          `json:"error"`
	Detail string          `json:"detail"`
	Items  json.RawMessage `json:"items"`
}

// call makes one request. A refusal is fault.Refused with what the core says about it as cause.
func (c *core) call(ctx context.Context, method, path string, in any) (answer, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return answer{}, fault.Wrap(fault.Invalid, err, "the document cannot be written")
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return answer{}, fault.Wrap(fault.Invalid, err, "the core's address is none")
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Api-Key", c.FirstSecret(settingKey))
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return answer{}, fault.Wrap(fault.Unavailable, unaddressed(err), "the POS core cannot be reached")
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil {
		return answer{}, fault.Wrap(fault.Unavailable, err, "the POS core's answer was cut")
	}
	return judge(resp, raw)
}

// unaddressed drops the address from a transport's error: it says nothing new, and may hold what nobody should read.
func unaddressed(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func judge(resp *http.Response, raw []byte) (answer, error) {
	var a answer
	decoded := json.Unmarshal(raw, &a) == nil && a.OK != nil
	code := strconv.Itoa(resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return a, fault.Wait(time.Duration(max(after, 1))*time.Second, "the POS core was asked too often")
	case resp.StatusCode >= 500:
		return a, fault.New(fault.Unavailable, "the POS core answered %s", code).WithCode(code)
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return a, fault.New(fault.Unauthorized, "the POS core refuses the write key").WithCode(code)
	case !decoded:
		return a, fault.New(fault.Unavailable, "the POS core answered something that is not its JSON").WithCode(code)
	case resp.StatusCode >= 400 || !*a.OK:
		return a, fault.New(fault.Refused, "the POS core refused: %s", a.Error).WithCode(code)
	}
	return a, nil
}

// rows reads a list, newest first. Complete is false when the core may hold more than it shows.
func (c *core) rows(ctx context.Context, path string) (rows []row, complete bool, err error) {
	a, err := c.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, false, err
	}
	dec := json.NewDecoder(bytes.NewReader(a.Items))
	dec.UseNumber()
	if err := dec.Decode(&rows); err != nil || rows == nil {
		return nil, false, fault.New(fault.Unavailable, "the POS core's list is of another shape").WithCode("items")
	}
	return rows, len(rows) < shown, nil
}
