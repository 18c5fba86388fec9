package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/state"
)

func setup(t *testing.T) string {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestPages(t *testing.T) {
	t.Parallel()
	root := setup(t)
	first, err := pages(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("twice gives the same bytes", func(t *testing.T) {
		again, err := pages(root)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again, cmp.AllowUnexported(page{})); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("no page names this machine or has a loose end", func(t *testing.T) {
		for _, p := range first {
			for _, bad := range []string{root, "%!", "<nil>", "map["} {
				if bytes.Contains(p.body, []byte(bad)) {
					t.Errorf("%s contains %q", p.name, bad)
				}
			}
			if !bytes.HasSuffix(p.body, []byte("\n")) {
				t.Errorf("%s ends without a newline", p.name)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	root := setup(t)
	dir := t.TempDir()
	for _, name := range []string{"docs", "kernel/event/testdata"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"house_test.go", "go.mod"} {
		body, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeAll(dir, pages); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir); err != nil {
		t.Fatalf("what was just written is stale: %v", err)
	}
	write := func(name, body string) error { return os.WriteFile(filepath.Join(dir, name), []byte(body), 0o644) }
	remove := func(name string) error { return os.Remove(filepath.Join(dir, name)) }
	for want, change := range map[string]func() error{
		"docs/states.md is stale":       func() error { return write("docs/states.md", "# States\n") },
		"docs/exceptions.md is missing": func() error { return remove("docs/exceptions.md") },
		"docs/events/order.lost.v1.json belongs to no contract": func() error {
			return write("docs/events/order.lost.v1.json", "{}\n")
		},
		"docs/events/frozen/order.paid.v1.json is missing": func() error {
			return remove("docs/events/frozen/order.paid.v1.json")
		},
		"docs/events/frozen/order.lost.v1.json: the contract is gone": func() error {
			return write("docs/events/frozen/order.lost.v1.json", "{}\n")
		},
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if err := compare(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	const frozen = `{"title":"A","type":"object","properties":{"id":{"description":"d","type":"string"},"n":{"type":"integer","minimum":1},
		"kind":{"type":"string","enum":["a","b"]},"lines":{"type":"array","items":{"$ref":"#/$defs/Line"}}},"required":["id"],
		"$defs":{"Line":{"type":"object","properties":{"sku":{"type":"string"}},"required":["sku"]}}}`
	for _, c := range []struct{ name, old, new, want string }{
		{"the same schema keeps its promise", "", "", ""},
		{"other words for people keep it", `"description":"d"`, `"description":"e"`, ""},
		{"a new optional field keeps it", `"n":{`, `"more":{"type":"string"},"n":{`, ""},
		{"a new optional field of a line keeps it", `"sku":{"type":"string"}`, `"sku":{"type":"string"},"gtin":{"type":"string"}`, ""},
		{"a field called description is a field", `"n":{`, `"description":{"type":"string"},"n":{`, ""},
		{"a removed field breaks it", `"n":{"type":"integer","minimum":1},`, "", "properties.n is gone"},
		{"a renamed field breaks it", `"n":{`, `"m":{`, "properties.n is gone"},
		{"another type breaks it", `"integer"`, `"string"`, `properties.n.type was "integer" and is "string"`},
		{"another limit breaks it", `"minimum":1`, `"minimum":0`, "properties.n.minimum was 1 and is 0"},
		{"a new limit breaks it", `"enum":["a","b"]`, `"enum":["a","b"],"maxLength":9`, "properties.kind.maxLength is new: 9"},
		{"a new word of a list breaks it", `["a","b"]`, `["a","b","c"]`, `properties.kind.enum was ["a","b"] and is ["a","b","c"]`},
		{"a field that becomes required breaks it", `"required":["id"]`, `"required":["id","n"]`, `required was ["id"] and is ["id","n"]`},
		{"a field that becomes optional breaks it", `"required":["sku"]`, `"required":[]`, `$defs.Line.required was ["sku"] and is []`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.old != "" && strings.Count(frozen, c.old) != 1 {
				t.Fatalf("%q is not there once", c.old)
			}
			got, err := breaks([]byte(frozen), []byte(strings.Replace(frozen, c.old, c.new, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && len(got) > 0 || c.want != "" && !slices.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	root := setup(t)
	all, err := schemaPages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(event.Contracts) {
		t.Fatalf("%d schemas for %d contracts", len(all), len(event.Contracts))
	}
	for _, p := range all {
		t.Run(filepath.Base(p.name)+" is JSON Schema 2020-12 and takes the golden event", func(t *testing.T) {
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(p.body))
			if err != nil {
				t.Fatal(err)
			}
			c := jsonschema.NewCompiler()
			c.AssertFormat()
			if err := c.AddResource(p.name, doc); err != nil {
				t.Fatal(err)
			}
			s, err := c.Compile(p.name)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(filepath.Join(root, "kernel", "event", "testdata", filepath.Base(p.name)))
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(golden))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(v); err != nil {
				t.Error(err)
			}
			for _, broken := range []struct{ name, old, new string }{
				{"money as a number", `"currency": "PKR"
`, `"currency": 586
`},
				{"a country in words", `"country": "PK"`, `"country": "Pakistan"`},
				{"a time without a zone", `+05:00"`, `"`},
				{"an unknown tax mode", `"tax_mode": "inclusive"`, `"tax_mode": "both"`},
			} {
				changed := bytes.Replace(golden, []byte(broken.old), []byte(broken.new), 1)
				if bytes.Equal(changed, golden) {
					continue
				}
				v, err := jsonschema.UnmarshalJSON(bytes.NewReader(changed))
				if err != nil {
					t.Fatal(err)
				}
				if s.Validate(v) == nil {
					t.Errorf("%s was taken", broken.name)
				}
			}
		})
	}
}

func TestAsyncAPI(t *testing.T) {
	t.Parallel()
	root := setup(t)
	made, err := asyncPages(root)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(made[0].body, &doc); err != nil {
		t.Fatalf("it is no YAML: %v", err)
	}
	t.Run("every reference leads somewhere", func(t *testing.T) {
		refs := 0
		visit(doc, func(m map[string]any) {
			ref, ok := m["$ref"].(string)
			if !ok {
				return
			}
			refs++
			if file, ok := strings.CutPrefix(ref, "./"); ok {
				if _, err := os.Stat(filepath.Join(root, "docs", file)); err != nil {
					t.Error(err)
				}
				return
			}
			var at any = doc
			for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				next, _ := at.(map[string]any)
				if at = next[part]; at == nil {
					t.Errorf("%s leads nowhere", ref)
					return
				}
			}
		})
		if refs < 50 {
			t.Errorf("only %d references", refs)
		}
	})
	t.Run("every contract has a message, and goes all three ways", func(t *testing.T) {
		all, err := contracts()
		if err != nil {
			t.Fatal(err)
		}
		channels := doc["channels"].(map[string]any)
		for _, c := range all {
			for _, name := range []string{"feed", "webhook", "nats_" + c.typ} {
				if ch, _ := channels[name].(map[string]any); ch == nil || ch["messages"].(map[string]any)[c.typ] == nil {
					t.Errorf("%s does not carry %s", name, c.typ)
				}
			}
			if got := channels["nats_"+c.typ].(map[string]any)["address"]; got != "commerce."+c.name {
				t.Errorf("the subject of %s is %v", c.typ, got)
			}
			if eventText[c.typ] == "" {
				t.Errorf("%s is not explained", c.typ)
			}
		}
		if want := len(all) + 2; len(doc["operations"].(map[string]any)) != want || len(channels) != want {
			t.Errorf("want %d channels and operations", want)
		}
	})
	t.Run("the examples are whole events that fit their schemas", func(t *testing.T) {
		examples := 0
		for name, m := range doc["components"].(map[string]any)["messages"].(map[string]any) {
			list, _ := m.(map[string]any)["examples"].([]any)
			for _, e := range list {
				examples++
				payload := e.(map[string]any)["payload"].(map[string]any)
				required := m.(map[string]any)["payload"].(map[string]any)["required"].([]any)
				for _, r := range required {
					if payload[r.(string)] == nil {
						t.Errorf("the example of %s lacks %s", name, r)
					}
				}
				if payload["dataschema"] == "" || !strings.HasSuffix(payload["dataschema"].(string), "/schemas/"+m.(map[string]any)["name"].(string)+".json") {
					t.Errorf("the example of %s names schema %v", name, payload["dataschema"])
				}
			}
		}
		if examples != len(event.Contracts) {
			t.Errorf("%d examples", examples)
		}
	})
}

// visit calls fn for every object in a document.
func visit(v any, fn func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		fn(v)
		for _, x := range v {
			visit(x, fn)
		}
	case []any:
		for _, x := range v {
			visit(x, fn)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	made, err := openAPIPages(setup(t))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(made[0].body, &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc["openapi"]; got != "3.1.0" {
		t.Errorf("it is OpenAPI %v", got)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	ids, operations := map[string]bool{}, 0
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			o := op.(map[string]any)
			id, _ := o["operationId"].(string)
			if id == "" || ids[id] || o["summary"] == "" {
				t.Errorf("%s %s: the operation %q has no summary or stands twice", method, path, id)
			}
			ids[id] = true
			operations++
		}
	}
	if operations < 50 {
		t.Errorf("only %d operations", operations)
	}
	visit(doc, func(m map[string]any) {
		if ref, ok := m["$ref"].(string); ok && schemas[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
			t.Errorf("%s leads nowhere", ref)
		}
		if m["type"] == "number" || m["format"] == "double" {
			t.Errorf("a floating point number: %v", m)
		}
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	root := setup(t)
	known, err := checks()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]check{}
	for _, c := range known {
		by[c.name] = c
	}
	for _, c := range cycles() {
		t.Run("table and database know the same states of a "+c.life.Name, func(t *testing.T) {
			if err := c.life.Check(); err != nil {
				t.Error(err)
			}
			var want []string
			for _, s := range c.life.States() {
				want = append(want, string(s))
			}
			got := slices.Sorted(slices.Values(by[c.check].words))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", c.check, diff)
			}
		})
	}
	t.Run("every life of the house is drawn", func(t *testing.T) {
		drawn, declared := map[string]int{}, map[string]int{}
		for _, c := range cycles() {
			drawn[c.owner]++
		}
		literal := regexp.MustCompile(`(?m)^(?:var |\t)\w+ += state\.Life\{`)
		files, err := filepath.Glob(filepath.Join(root, "*", "*", "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			rel, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(literal.FindAll(text, -1)); n > 0 {
				declared[filepath.ToSlash(rel)] += n
			}
		}
		if diff := cmp.Diff(declared, drawn); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("words without a table of moves are explained, and nothing else is", func(t *testing.T) {
		drawn := map[string]bool{}
		for _, c := range cycles() {
			drawn[c.check] = true
		}
		for name := range simple {
			if by[name].name == "" || drawn[name] {
				t.Errorf("%s is explained for nothing", name)
			}
		}
		for _, c := range known {
			if isState := c.column == "state" || strings.HasSuffix(c.column, "_state"); isState && !drawn[c.name] && simple[c.name] == "" {
				t.Errorf("%s is not explained", c.name)
			}
		}
	})
	t.Run("a diagram has every move of its table", func(t *testing.T) {
		for _, c := range cycles() {
			moves := 0
			for _, m := range c.life.Moves {
				moves += len(m)
			}
			text := c.life.Mermaid()
			if got := strings.Count(text, "-->") - strings.Count(text, "[*]"); got != moves {
				t.Errorf("%s: %d arrows for %d moves", c.life.Name, got, moves)
			}
		}
	})
}

func TestWalks(t *testing.T) {
	t.Parallel()
	t.Run("from every state that is not final something leads on", func(t *testing.T) {
		for _, c := range cycles() {
			for s, moves := range c.life.Moves {
				leads := c.life.Final(s) || slices.ContainsFunc(slices.Collect(maps.Values(moves)), func(to state.State) bool { return to != s })
				if !leads {
					t.Errorf("a %s that is %s stays so", c.life.Name, s)
				}
			}
		}
	})
}

func TestTables(t *testing.T) {
	t.Parallel()
	all, err := tables(setup(t))
	if err != nil {
		t.Fatal(err)
	}
	text, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(text, "\ncreate table "); len(all) != want {
		t.Errorf("%d tables of %d", len(all), want)
	}
	for _, c := range all {
		if c.owner == "" || len(c.columns) == 0 {
			t.Errorf("%s has owner %q and columns %q", c.name, c.owner, c.columns)
		}
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	root := setup(t)
	made, err := dependencyPages(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("nothing is required that nobody imports", func(t *testing.T) {
		for line := range strings.SplitSeq(string(made[0].body), "\n") {
			if strings.Contains(line, "| nothing |") {
				t.Error(line)
			}
		}
	})
	t.Run("every reason is for a module that is required", func(t *testing.T) {
		for module := range reasons {
			if !strings.Contains(string(made[0].body), "`"+module+"`") {
				t.Errorf("%s is explained for nothing", module)
			}
		}
	})
}

func TestChangelog(t *testing.T) {
	t.Parallel()
	got := changelog([]string{"money: split so that parts sum exactly", "channel/ownsite: one door", "sim/shopify: a shop", "jobs, outbox: outcomes are written", "Merge something", "money: split so that parts sum exactly", ""})
	want := "# Changelog\n\nCut from the first lines of commits by `go run ./docs/gen -changelog`.\n\n## Unreleased\n\n" +
		"### jobs\n\n- outcomes are written\n\n### money\n\n- split so that parts sum exactly\n\n### ownsite\n\n- one door\n\n### sim/shopify\n\n- a shop\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOrdered(t *testing.T) {
	t.Parallel()
	got, err := text(object{{"z", 1}, {"a", object{{"<", json.RawMessage(`[1,2]`)}}}, {"m", nil}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"z":1,"a":{"<":[1,2]},"m":null}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
