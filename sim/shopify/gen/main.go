// Command gen cuts Shopify's published Admin schema down to what the simulator needs: the types reachable from the root fields it simulates,
// without descriptions, as gzipped SDL. Run it by hand when a new API version is to be simulated:
//
//	go run ./sim/shopify/gen -from FOLDER -to sim/shopify/schema 2026-04 2026-07 2026-10
//
// FOLDER holds admin_VERSION.json.gz, the introspection results that Shopify publishes in the npm package @shopify/dev-mcp (dist/data, ISC
// licence, see schema/NOTICE). Root fields are listed in roots.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// roots are the fields of the query and mutation types that the simulator answers.
var roots = map[string]string{
	"QueryRoot": `currentAppInstallation customer fulfillment fulfillmentOrder fulfillmentOrders inventoryItem inventoryItems inventoryLevel
		job location locations node nodes order orderByIdentifier orders ordersCount product productVariant productVariantByIdentifier
		productVariants products publicApiVersions refund return shop webhookSubscription webhookSubscriptions webhookSubscriptionsCount`,
	"Mutation": `fulfillmentCancel fulfillmentCreate fulfillmentEventCreate fulfillmentOrderHold fulfillmentOrderMove
		fulfillmentOrderReleaseHold fulfillmentTrackingInfoUpdate inventoryAdjustQuantities inventorySetQuantities orderCancel orderClose
		orderEditAddVariant orderEditBegin orderEditCommit orderEditSetQuantity orderMarkAsPaid orderUpdate productVariantsBulkUpdate refundCreate
		returnApproveRequest returnCancel returnClose returnCreate returnDeclineRequest returnProcess returnRequest tagsAdd tagsRemove
		webhookSubscriptionCreate webhookSubscriptionDelete webhookSubscriptionUpdate`,
}

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

type input struct {
	Name         string
	Type         typeRef
	DefaultValue *string
	IsDeprecated bool
}

type field struct {
	Name         string
	Args         []input
	Type         typeRef
	IsDeprecated bool
}

type definition struct {
	Kind, Name    string
	Fields        []field
	InputFields   []input
	Interfaces    []typeRef
	EnumValues    []field
	PossibleTypes []typeRef
	IsOneOf       bool
}

type schema struct {
	Types      []definition
	Directives []struct {
		Name      string
		Locations []string
		Args      []input
	}
}

func main() {
	from := flag.String("from", "", "folder with admin_VERSION.json.gz")
	to := flag.String("to", "schema", "folder to write admin_VERSION.graphql.gz to")
	flag.Parse()
	for _, version := range flag.Args() {
		if err := cut(*from, *to, version); err != nil {
			fmt.Fprintln(os.Stderr, version+":", err)
			os.Exit(1)
		}
	}
}

func cut(from, to, version string) error {
	whole, err := read(filepath.Join(from, "admin_"+version+".json.gz"))
	if err != nil {
		return err
	}
	text := sdl(whole)
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := zip.Write([]byte(text)); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "admin_"+version+".graphql.gz"), packed.Bytes(), 0o644)
}

func read(path string) (*schema, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Data struct {
			Schema schema `json:"__schema"`
		}
	}
	err = json.NewDecoder(plain).Decode(&doc)
	return &doc.Data.Schema, err
}

// reachable is the closure of the root fields over types, arguments, interfaces and unions.
func reachable(types map[string]*definition) map[string]bool {
	for name, list := range roots {
		keep := strings.Fields(list)
		t := types[name]
		t.Fields = slices.DeleteFunc(t.Fields, func(f field) bool { return !slices.Contains(keep, f.Name) })
	}
	seen := map[string]bool{}
	todo := []string{"QueryRoot", "Mutation"}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[name] {
			continue
		}
		seen[name] = true
		todo = append(todo, neighbours(types[name])...)
	}
	return seen
}

func neighbours(t *definition) []string {
	var names []string
	for _, f := range t.Fields {
		names = append(names, base(f.Type))
		for _, a := range f.Args {
			names = append(names, base(a.Type))
		}
	}
	for _, f := range t.InputFields {
		names = append(names, base(f.Type))
	}
	for _, i := range t.Interfaces {
		names = append(names, i.Name)
	}
	// Node and its like are implemented by half the schema: those implementations only come in when something else leads to them.
	if t.Kind == "UNION" || t.Kind == "INTERFACE" && len(t.PossibleTypes) <= 12 {
		for _, p := range t.PossibleTypes {
			names = append(names, p.Name)
		}
	}
	return names
}

func base(t typeRef) string {
	for t.OfType != nil {
		t = *t.OfType
	}
	return t.Name
}

func ref(t typeRef) string {
	switch t.Kind {
	case "NON_NULL":
		return ref(*t.OfType) + "!"
	case "LIST":
		return "[" + ref(*t.OfType) + "]"
	}
	return t.Name
}

func sdl(s *schema) string {
	types := map[string]*definition{}
	for i := range s.Types {
		types[s.Types[i].Name] = &s.Types[i]
	}
	keep := reachable(types)
	names := make([]string, 0, len(keep))
	for name := range keep {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("schema{query:QueryRoot mutation:Mutation}\n")
	for _, d := range s.Directives {
		if d.Name == "idempotent" {
			fmt.Fprintf(&b, "directive @%s%s on %s\n", d.Name, arguments(d.Args), strings.Join(d.Locations, "|"))
		}
	}
	for _, name := range names {
		define(&b, types[name], keep)
	}
	return b.String()
}

func define(b *strings.Builder, t *definition, keep map[string]bool) {
	switch t.Kind {
	case "SCALAR":
		if !slices.Contains([]string{"Int", "Float", "String", "Boolean", "ID"}, t.Name) {
			fmt.Fprintf(b, "scalar %s\n", t.Name)
		}
	case "ENUM":
		fmt.Fprintf(b, "enum %s{", t.Name)
		for _, v := range t.EnumValues {
			b.WriteString(v.Name + " ")
		}
		b.WriteString("}\n")
	case "UNION":
		members := make([]string, 0, len(t.PossibleTypes))
		for _, p := range t.PossibleTypes {
			members = append(members, p.Name)
		}
		fmt.Fprintf(b, "union %s=%s\n", t.Name, strings.Join(members, "|"))
	case "INPUT_OBJECT":
		fmt.Fprintf(b, "input %s%s{\n", t.Name, map[bool]string{true: " @oneOf"}[t.IsOneOf])
		for _, f := range t.InputFields {
			b.WriteString(argument(f) + "\n")
		}
		b.WriteString("}\n")
	default:
		fmt.Fprintf(b, "%s %s%s{\n", map[string]string{"OBJECT": "type", "INTERFACE": "interface"}[t.Kind], t.Name, implements(t, keep))
		for _, f := range t.Fields {
			fmt.Fprintf(b, "%s%s:%s%s\n", f.Name, arguments(f.Args), ref(f.Type), deprecated(f.IsDeprecated))
		}
		b.WriteString("}\n")
	}
}

func implements(t *definition, keep map[string]bool) string {
	var names []string
	for _, i := range t.Interfaces {
		if keep[i.Name] {
			names = append(names, i.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " implements " + strings.Join(names, "&")
}

func arguments(args []input) string {
	if len(args) == 0 {
		return ""
	}
	list := make([]string, 0, len(args))
	for _, a := range args {
		list = append(list, argument(a))
	}
	return "(" + strings.Join(list, " ") + ")"
}

func argument(a input) string {
	text := a.Name + ":" + ref(a.Type)
	if a.DefaultValue != nil {
		text += "=" + *a.DefaultValue
	}
	return text + deprecated(a.IsDeprecated)
}

func deprecated(is bool) string {
	if is {
		return " @deprecated"
	}
	return ""
}
