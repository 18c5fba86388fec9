package shopify

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// documents are the queries and mutations this package sends, one file each, named like its operation. Those with a version at the end replace the plain
// one up to and including that version.
//
//go:embed graphql/*.graphql
var documents embed.FS

// Versions that changed a call.
const (
	versionIdempotent = "2026-01" // @idempotent and changeFromQuantity exist; from 2026-04 they are compulsory
)

// maxAnswer is more than Shopify ever answers.
const maxAnswer = 64 << 20

type userError struct {
	Field   []string `json:"field"`
	Message string   `json:"message"`
	Code    text     `json:"code"`
}

// ask runs one operation and reads the data of its answer. It returns the data as sent.
//
// fault.Unauthorized: the token is refused or lacks a scope. fault.Throttled: the cost bucket is empty, with the wait. fault.Unavailable: 5xx, a page
// instead of JSON, a cut answer. Business refusals stand inside the data, as userErrors.
func (a *adapter) ask(ctx context.Context, operation string, vars map[string]any, into any) (json.RawMessage, error) {
	query, err := document(operation, a.version)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"query": query, "operationName": operation, "variables": vars})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the request cannot be written")
	}
	var data json.RawMessage
	call := func(ctx context.Context, token string) error {
		data, err = a.post(ctx, token, operation, body)
		return err
	}
	if a.cfg.Tokens != nil {
		err = channel.WithToken(ctx, a.cfg.Tokens, call)
	} else {
		err = call(ctx, a.cfg.FirstSecret("access_token"))
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, broken("Shopify's answer has an unexpected form", err)
	}
	return data, nil
}

// document is the text of an operation for an API version.
func document(operation, version string) (string, error) {
	for _, until := range versions {
		if version > until {
			continue
		}
		if text, err := documents.ReadFile("graphql/" + operation + "_" + until + ".graphql"); err == nil {
			return string(text), nil
		}
	}
	text, err := documents.ReadFile("graphql/" + operation + ".graphql")
	return string(text), fault.Wrap(fault.Internal, err, "there is no operation "+operation)
}

func (a *adapter) post(ctx context.Context, token, operation string, body []byte) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/admin/api/"+a.version+"/graphql.json", bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the base URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Shopify-Access-Token", token)
	status, header, answer, err := a.send(req)
	if err != nil {
		return nil, err
	}
	a.compareVersion(ctx, header.Get("X-Shopify-API-Version"))
	return judge(status, header, answer, operation)
}

// send makes one HTTP call and reads the whole answer.
func (a *adapter) send(req *http.Request) (int, http.Header, []byte, error) {
	res, err := a.cfg.HTTP.Do(req)
	if err != nil {
		return 0, nil, nil, transport(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, nil, nil, transport(err)
	}
	return res.StatusCode, res.Header, answer, nil
}

// transport is an answer that did not come, or not to its end. A kind that the client below has decided stays.
func transport(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "Shopify did not answer to the end")
}

// compareVersion warns when Shopify answers in another API version than asked: it falls forward when ours is no longer supported.
func (a *adapter) compareVersion(ctx context.Context, answered string) {
	if answered == "" {
		return
	}
	if before := a.answered.Swap(&answered); answered != a.version && (before == nil || *before != answered) {
		a.log.WarnContext(ctx, "Shopify answers in another API version", "account", a.cfg.Account, "asked", a.version, "answered", answered)
	}
}

// envelope is every GraphQL answer. Errors is a list, or in answers to refused requests a text or an object.
type envelope struct {
	Data       json.RawMessage `json:"data"`
	Errors     json.RawMessage `json:"errors"`
	Extensions struct {
		Cost cost `json:"cost"`
	} `json:"extensions"`
}

type cost struct {
	Requested text `json:"requestedQueryCost"`
	Throttle  struct {
		Available text `json:"currentlyAvailable"`
		Rate      text `json:"restoreRate"`
	} `json:"throttleStatus"`
}

type topError struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code text `json:"code"`
	} `json:"extensions"`
}

// judge decides what an answer is.
func judge(status int, header http.Header, body []byte, operation string) (json.RawMessage, error) {
	if wait, yes := throttled(status, header, body); yes {
		return nil, fault.Wait(wait, "Shopify asks to wait").WithCode("THROTTLED")
	}
	if err := refusedStatus(status, header); err != nil {
		return nil, err
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, broken("Shopify's answer is not JSON", err)
	}
	if err := e.failure(operation); err != nil {
		return nil, err
	}
	if len(e.Data) == 0 || string(e.Data) == "null" {
		return nil, broken("Shopify's answer has no data", nil)
	}
	return e.Data, nil
}

// broken is an answer that says 200 and is none.
func broken(message string, cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Message: message, Code: "BROKEN_ANSWER", Err: cause}
}

// failure is what the top-level errors come to; nil when there are none, or only fields of the buyer that the app may not see.
func (e *envelope) failure(operation string) error {
	if len(e.Errors) == 0 || string(e.Errors) == "null" {
		return nil
	}
	var all []topError
	if err := json.Unmarshal(e.Errors, &all); err != nil {
		return fault.New(fault.Invalid, "Shopify refuses the request: %.200s", e.Errors)
	}
	for _, t := range all {
		if t.hidden() && len(e.Data) > 0 && string(e.Data) != "null" {
			continue
		}
		return t.fault(operation)
	}
	return nil
}

// hiddenFields may be refused to an app without approval for protected customer data, or without a scope that an order can do without: the rest of the
// answer is good. https://shopify.dev/docs/apps/launch/protected-customer-data
var hiddenFields = []string{"customer", "email", "phone", "shippingAddress", "billingAddress", "purchasingEntity", "location"}

func (t topError) hidden() bool {
	if t.Extensions.Code != "ACCESS_DENIED" {
		return false
	}
	return slices.ContainsFunc(t.Path, func(p any) bool {
		name, _ := p.(string)
		return slices.Contains(hiddenFields, name)
	})
}
