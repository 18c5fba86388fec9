package api_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/access"
)

// operation is a route as the description tells it.
type operation struct {
	method, path, id string
	match            bool
	body             map[string]any // a right one, nil without body
	media            string
	missing          bool // it names a thing, which is not there
}

// operations reads every route out of the server's own OpenAPI, with a body as it should be.
func operations(t *testing.T, h house) []operation {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct {
				Name, In string
				Required bool
			}
			RequestBody *struct {
				Content map[string]struct{ Schema map[string]any }
			} `json:"requestBody"`
		}
		Components struct {
			Schemas map[string]map[string]any
		}
	}
	if err := json.Unmarshal(h.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	var all []operation
	for path, item := range doc.Paths {
		for method, op := range item {
			o := operation{method: strings.ToUpper(method), path: "/v1" + path, id: op.OperationID, missing: strings.Contains(path, "{")}
			query := ""
			for _, p := range op.Parameters {
				o.match = o.match || p.Name == "If-Match"
				if p.In == "query" && p.Required {
					query = "?" + p.Name + "=LHE"
				}
			}
			for strings.Contains(o.path, "{") {
				i, j := strings.Index(o.path, "{"), strings.Index(o.path, "}")
				value := "none"
				if o.path[i:j+1] == "{what}" {
					value = "products"
				}
				o.path = o.path[:i] + value + o.path[j+1:]
			}
			o.path += query
			if op.RequestBody != nil {
				for media, c := range op.RequestBody.Content {
					o.media = media
					if media == "application/json" {
						o.body, _ = right(c.Schema, doc.Components.Schemas, "").(map[string]any)
					}
				}
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return all
}

// right makes a value that a schema takes: required fields only.
func right(schema map[string]any, named map[string]map[string]any, name string) any {
	if ref, ok := schema["$ref"].(string); ok {
		return right(named[ref[strings.LastIndex(ref, "/")+1:]], named, name)
	}
	if enum, ok := schema["enum"].([]any); ok {
		return enum[0]
	}
	typ, _ := schema["type"].(string)
	if several, ok := schema["type"].([]any); ok {
		typ, _ = several[0].(string)
	}
	switch typ {
	case "object":
		out := map[string]any{}
		required, _ := schema["required"].([]any)
		properties, _ := schema["properties"].(map[string]any)
		for _, r := range required {
			out[r.(string)] = right(properties[r.(string)].(map[string]any), named, r.(string))
		}
		return out
	case "array":
		items, _ := schema["items"].(map[string]any)
		if min, _ := schema["minItems"].(float64); min == 0 {
			return []any{}
		}
		return []any{right(items, named, name)}
	case "integer":
		return 1
	case "boolean":
		return false
	}
	if schema["format"] == "date-time" {
		return "2026-01-31T09:30:00Z"
	}
	switch name {
	case "country":
		return "PK"
	case "currency":
		return "PKR"
	case "amount":
		return "1.00"
	case "url", "tracking_url":
		return "https://example.com/hook"
	case "location", "from", "to":
		return "LHE"
	case "sku":
		return "MUG"
	case "zone":
		return "Asia/Karachi"
	}
	return "none"
}

// TestBadInput sends every route what nobody should: each is answered clearly, none with a 500, and nothing is done.
func TestBadInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		plain, _, err := h.Keys.Create(context.Background(), access.System("test"), "hooks only", []access.Scope{access.Hooks}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		narrow := "Bearer " + plain.Reveal()
		all := operations(t, h)
		if len(all) < 90 {
			t.Errorf("only %d operations are described", len(all))
		}
		for _, o := range all {
			t.Run(o.id, func(t *testing.T) { refuses(t, h, o, narrow) })
		}
	})
}

func refuses(t *testing.T, h house, o operation, narrow string) {
	good := ""
	if o.body != nil {
		b, err := json.Marshal(o.body)
		if err != nil {
			t.Fatal(err)
		}
		good = string(b)
	}
	any := []string{}
	if o.match {
		any = []string{"If-Match", "*"}
	}
	h.do(t, o.method, o.path, good, "Authorization", "").want(t, 401)
	h.do(t, o.method, o.path, good, "Authorization", "Bearer occ_nobody_nothing").want(t, 401)
	h.do(t, o.method, o.path, good, "Authorization", narrow).want(t, 403)
	sep := "?"
	if strings.Contains(o.path, "?") {
		sep = "&"
	}
	h.do(t, o.method, o.path+sep+"bogus=1", good, any...).want(t, 422)
	h.do(t, o.method, o.path+sep+"x=%00", good, any...).want(t, 422)
	if o.missing {
		h.do(t, o.method, strings.Replace(o.path, "/none", "/%00", 1)+"", good, any...).clear(t)
		h.do(t, o.method, strings.Replace(o.path, "/none", "/"+strings.Repeat("x", 5000), 1), good, any...).clear(t)
	}
	if o.media == "text/csv" {
		h.do(t, o.method, o.path, "a\x00b", "Content-Type", "text/csv").clear(t)
		return
	}
	if o.body != nil {
		badBodies(t, h, o, good, any)
	}
	if o.match {
		h.do(t, o.method, o.path, good).want(t, 428)
		h.do(t, o.method, o.path, good, "If-Match", `"-1"`).want(t, 422)
		h.do(t, o.method, o.path, good, "If-Match", `"99999999999999999999"`).want(t, 422)
	}
	if a := h.do(t, o.method, o.path, good, any...); o.missing && o.match {
		a.want(t, 404)
	} else {
		a.clear(t)
	}
}

func badBodies(t *testing.T, h house, o operation, good string, any []string) {
	for _, bad := range []string{
		`{`, `}`, `nothing`, `{"a":}`, `{"a":1`, "\xff\xfe", good + "x", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
		`{"a":"\u0000"}`, `{"a":1e400}`, `{"a":` + strings.Repeat("9", 400) + `}`,
	} {
		a := h.do(t, o.method, o.path, bad, any...)
		if a.status != 400 {
			t.Errorf("%.40q is answered with %d: %s", bad, a.status, a.body)
		}
		a.clear(t)
	}
	for _, bad := range []string{`[]`, `"text"`, `1`, `{"bogus":1}`} {
		h.do(t, o.method, o.path, bad, any...).want(t, 422)
	}
	h.do(t, o.method, o.path, `{"a":"`+strings.Repeat("x", 2<<20)+`"}`, any...).want(t, 413)
	h.do(t, o.method, o.path, good, append([]string{"Content-Type", "text/xml"}, any...)...).want(t, 415)
	for name, v := range o.body {
		wrong := map[string]interface{}{}
		for k, v := range o.body {
			wrong[k] = v
		}
		switch v.(type) {
		case string:
			wrong[name] = 7
		case int:
			wrong[name] = -999999999999
		default:
			wrong[name] = "text"
		}
		b, err := json.Marshal(wrong)
		if err != nil {
			t.Fatal(err)
		}
		h.do(t, o.method, o.path, string(b), any...).want(t, 422)
		delete(wrong, name)
		if b, err = json.Marshal(wrong); err != nil {
			t.Fatal(err)
		}
		if a := h.do(t, o.method, o.path, string(b), any...); a.status != 422 {
			t.Errorf("without %s it is answered with %d: %s", name, a.status, a.body)
		}
	}
}

// clear reports an answer that is our own fault.
func (a answer) clear(t testing.TB) {
	t.Helper()
	if a.status >= 500 {
		t.Errorf("answered with %d: %s", a.status, a.body)
	}
	if a.status >= 400 {
		a.want(t, a.status)
	}
}

// TestNotThere is about addresses without a route.
func TestNotThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.do(t, "GET", "/v1/bogus", "").want(t, 404)
		h.do(t, "GET", "/", "").want(t, 404)
		if a := h.do(t, "DELETE", "/v1/orders", "").want(t, 405); !strings.Contains(a.header.Get("Allow"), "GET") {
			t.Errorf("Allow is %q", a.header.Get("Allow"))
		}
		h.do(t, "GET", "/hooks/x", "").want(t, 405)
		h.do(t, "POST", "/hooks/x", strings.Repeat("x", 10<<20)).want(t, 413)
		h.do(t, "POST", "/hooks/nobody", "x").want(t, 404)
		h.do(t, "POST", "/hooks/app/nobody/none", "x").clear(t)
		for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs/", "/docs/docs.js", "/docs/docs.css"} {
			h.do(t, "GET", path, "", "Authorization", "").want(t, 200)
		}
		page := h.do(t, "GET", "/docs/", "")
		if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("the page may load %q", csp)
		}
		if s := string(page.body); strings.Contains(s, "http://") || strings.Contains(s, "https://") || strings.Contains(s, "<script>") {
			t.Error("the page loads from outside or runs inline")
		}
		if got := h.do(t, "GET", "/healthz", "", "X-Request-Id", "mine").header.Get("X-Request-Id"); got != "mine" {
			t.Errorf("the request id is %q", got)
		}
	})
}
