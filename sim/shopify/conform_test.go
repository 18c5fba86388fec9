package shopify

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// checker holds an answer against the schema: every value of the type, enum and nullability that Shopify publishes.
type checker struct {
	t      *testing.T
	schema *ast.Schema
	seen   map[string]int // fields answered, by Type.field
}

var scalars = map[string]*regexp.Regexp{
	"Money": regexp.MustCompile(`^-?\d+(\.\d+)?$`), "Decimal": regexp.MustCompile(`^-?\d+(\.\d+)?$`), "UnsignedInt64": regexp.MustCompile(`^\d+$`),
	"ID": regexp.MustCompile(`^gid://shopify/[A-Za-z]+/.+$`), "URL": regexp.MustCompile(`^https?://`),
}

func (c *checker) selection(set ast.SelectionSet, obj map[string]any, path string) {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if s.Name == "__typename" {
				continue
			}
			v, ok := obj[s.Alias]
			if !ok {
				if skipped(s.Directives) {
					continue
				}
				c.t.Errorf("%s.%s: missing", path, s.Alias)
			}
			c.seen[s.ObjectDefinition.Name+"."+s.Name]++
			c.value(s.Definition.Type, s, v, path+"."+s.Alias)
		case *ast.InlineFragment:
			if s.TypeCondition == "" || obj["__typename"] == s.TypeCondition || obj["__typename"] == nil && present(s.SelectionSet, obj) {
				c.selection(s.SelectionSet, obj, path)
			}
		case *ast.FragmentSpread:
			if s.Definition.TypeCondition == obj["__typename"] || obj["__typename"] == nil {
				c.selection(s.Definition.SelectionSet, obj, path)
			}
		}
	}
}

func skipped(list ast.DirectiveList) bool {
	return list.ForName("skip") != nil || list.ForName("include") != nil
}

// present says whether a fragment on a type that was not asked for by name was taken.
func present(set ast.SelectionSet, obj map[string]any) bool {
	f, ok := set[0].(*ast.Field)
	if !ok {
		return false
	}
	_, ok = obj[f.Alias]
	return ok
}

func (c *checker) value(t *ast.Type, f *ast.Field, v any, path string) {
	if v == nil {
		if t.NonNull {
			c.t.Errorf("%s: null, schema says %s", path, t)
		}
		return
	}
	if t.Elem != nil {
		list, ok := v.([]any)
		if !ok {
			c.t.Errorf("%s: %T is no list", path, v)
		}
		for i, e := range list {
			c.value(t.Elem, f, e, fmt.Sprintf("%s[%d]", path, i))
		}
		return
	}
	def := c.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		s, _ := v.(string)
		if def.EnumValues.ForName(s) == nil {
			c.t.Errorf("%s: %v is no %s", path, v, def.Name)
		}
	case ast.Scalar:
		c.scalar(def.Name, v, path)
	default:
		obj, ok := v.(map[string]any)
		if !ok {
			c.t.Errorf("%s: %T is no object", path, v)
			return
		}
		c.selection(f.SelectionSet, obj, path)
	}
}

func (c *checker) scalar(name string, v any, path string) {
	ok := false
	switch x := v.(type) {
	case json.Number:
		_, err := x.Int64()
		ok = name == "Float" || name == "Int" && err == nil
	case bool:
		ok = name == "Boolean"
	case string:
		switch name {
		case "Int", "Float", "Boolean":
		case "DateTime":
			at, err := time.Parse(time.RFC3339, x)
			ok = err == nil && strings.HasSuffix(x, "Z") && at.Nanosecond() == 0
		default:
			ok = scalars[name] == nil || scalars[name].MatchString(x)
		}
	}
	if !ok {
		c.t.Errorf("%s: %v (%T) is no %s", path, v, v, name)
	}
}

// wide writes a selection of every field of a type that needs no unusual arguments, as deep as asked.
func wide(schema *ast.Schema, typ string, depth int, parents []string) string {
	def := schema.Types[typ]
	var b strings.Builder
	b.WriteString("{__typename ")
	for _, f := range def.Fields {
		inner := f.Type.Name()
		kind := schema.Types[inner].Kind
		leaf := kind == ast.Scalar || kind == ast.Enum
		if strings.HasPrefix(f.Name, "__") || f.Name == "search" || !leaf && (depth == 0 || slices.Contains(parents, inner)) || notSimulated[typ+"."+f.Name] {
			continue
		}
		arguments, ok := plainArguments(f)
		if !ok {
			continue
		}
		switch {
		case leaf:
			b.WriteString(f.Name + arguments + " ")
		case kind == ast.Union || kind == ast.Interface:
			b.WriteString(f.Name + arguments + "{__typename} ")
		default:
			next := depth - 1
			if strings.HasSuffix(inner, "Connection") || strings.HasSuffix(inner, "Edge") || inner == "MoneyBag" || inner == "PageInfo" {
				next = depth
			}
			if sel := wide(schema, inner, next, append(slices.Clone(parents), typ)); sel != "{__typename }" {
				b.WriteString(f.Name + arguments + sel + " ")
			}
		}
	}
	b.WriteString("}")
	return b.String()
}

func plainArguments(f *ast.FieldDefinition) (string, bool) {
	for _, a := range f.Arguments {
		switch {
		case a.Name == "first":
			return "(first:5)", true
		case a.Name == "names":
			return `(names:["available","on_hand","committed"])`, true
		case a.Type.NonNull && a.DefaultValue == nil:
			return "", false
		}
	}
	return "", true
}

// notSimulated are the fields of types we hold that Shopify promises never to be null and that the simulator keeps nothing for: asking for
// one is an error that says so.
var notSimulated = listed(map[string]string{
	"AppInstallation": "app",
	"Customer":        "image mergeable productSubscriberStatus statistics taxSettings unsubscribeUrl",
	"Product":         "contextualPricing inCollection priceRange publicationCount publishedInContext publishedOnChannel publishedOnCurrentChannel publishedOnPublication sellingPlanGroupCount storefrontId",
	"ProductVariant":  "contextualPricing publicationCount publishedOnChannel publishedOnCurrentChannel publishedOnPublication sellingPlanGroupCount storefrontId",
	"Shop":            "accountOwner analyticsToken countriesInShippingZones currencyFormats customerAccounts customerAccountsV2 entitlements features limitedPendingOrderCount paymentSettings publicationCount resourceLimits richTextEditorUrl searchFilters",
})

func listed(byType map[string]string) map[string]bool {
	all := map[string]bool{}
	for typ, fields := range byType {
		for f := range strings.FieldsSeq(fields) {
			all[typ+"."+f] = true
		}
	}
	return all
}

// held is one object of every type that is more than a value.
func (b *bench) held() []object {
	o := b.orders[1]
	for _, x := range b.orders {
		if len(x.returns) > 0 {
			o = x
		}
	}
	list := []object{
		orderNode{o, "2026-07"},
		o.lines[0], o.shipping[0], o.txs[0], o.fos[0], o.fos[0].lines[0], o.parcels[0], o.parcels[0].lines[0], o.parcels[0].events[0],
		o.returns[0], o.returns[0].lines[0], b.products[0], b.products[0].variants[0],
		item{b.products[0].variants[0]},
		b.products[0].variants[0].sortedLevels()[0],
		b.locations[0], o.customer,
		shopNode{b.Shop},
		b.subs[0], b.installation().(record), b.shopAddress().(record),
	}
	for _, x := range b.orders {
		if len(x.refunds) > 0 {
			return append(list, x.refunds[0])
		}
	}
	return list
}

func TestFieldsThatAreNeverNullAreAnsweredOrListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.eventful()
	schema, err := Schema("2026-10")
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	x := &execution{schema: schema}
	for _, obj := range b.held() {
		for _, f := range schema.Types[obj.typeName()].Fields {
			a := args{"first": int64(1), "names": []any{"available"}}
			field := &ast.Field{Name: f.Name, Alias: f.Name, Definition: f}
			if obj.field(f.Name, a) == unheld && twin(field, obj) == unheld && x.empty(f.Type) == unheld && f.Type.NonNull {
				missing = append(missing, obj.typeName()+"."+f.Name)
			}
		}
	}
	slices.Sort(missing)
	var want []string
	for k := range notSimulated {
		want = append(want, k)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Error(diff)
	}
}

func TestAnswersConformToTheSchema(t *testing.T) {
	t.Parallel()
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *Config) { c.MaxCost, c.BucketSize = 1e12, 1e12 })
			b.eventful()
			schema, err := Schema(version)
			if err != nil {
				t.Fatal(err)
			}
			c := &checker{t: t, schema: schema, seen: map[string]int{}}
			for _, root := range []string{
				"orders(first:20)", "products(first:5)", "productVariants(first:5)", "inventoryItems(first:5)", "locations(first:5)", "fulfillmentOrders(first:20,includeClosed:true)",
				"webhookSubscriptions(first:5)", "shop", "currentAppInstallation", "publicApiVersions", "ordersCount",
			} {
				b.conform(c, version, root, 2)
			}
			for typ, id := range b.some() {
				name := strings.ToLower(typ[:1]) + typ[1:]
				b.conform(c, version, fmt.Sprintf("%s(id:%q)", name, id), 2)
			}
			t.Logf("%d fields answered", len(c.seen))
		})
	}
}

func (b *bench) conform(c *checker, version, root string, depth int) {
	b.t.Helper()
	name, _, _ := strings.Cut(root, "(")
	def := c.schema.Query.Fields.ForName(name)
	query := "{" + root + wide(c.schema, def.Type.Name(), depth, nil) + "}"
	_, _, body := b.post(version, query, nil)
	if errs, ok := body["errors"].([]any); ok {
		for i, e := range errs {
			if i < 20 {
				b.t.Errorf("%s: %s at %v", root, text(e, "message"), get(e, "path"))
			}
		}
		return
	}
	doc, errs := gqlparser.LoadQueryWithRules(c.schema, query, nil)
	if errs != nil {
		b.t.Fatal(errs)
	}
	c.selection(doc.Operations[0].SelectionSet, body["data"].(map[string]any), name)
}

// eventful lets every kind of thing happen once.
func (b *bench) eventful() {
	b.t.Helper()
	b.order(func(o *OrderSpec) {
		o.COD = true
		o.Tip = "50"
		o.Lines[0].Duty = "120"
		o.Note = "call first"
		o.Attrs = map[string]string{"gift": "yes"}
	})
	shipped := b.order(func(o *OrderSpec) { o.Currency = "AED" })
	b.must(nil, b.Ship(shipped.ID, "TCS", "TCS123"))
	b.must(nil, b.Deliver(shipped.ID))
	b.must(b.RequestReturn(shipped.ID, "TEE-RED", 1, "DEFECTIVE"))
	refunded := b.order(func(o *OrderSpec) {
		o.Discount = append(o.Discount, DiscountSpec{Title: "Bundle", Amount: "100", Lines: []int{0}})
	})
	b.must(nil, b.RefundLine(refunded.ID, "MUG-BLUE", 1, "CANCEL"))
	b.must(nil, b.RefundAmount(refunded.ID, "10.00"))
	cancelled := b.order(func(o *OrderSpec) { o.Payments = []PaymentSpec{{Kind: "AUTHORIZATION"}} })
	b.must(nil, b.Cancel(cancelled.ID))
	edited := b.order()
	b.must(nil, b.EditQuantity(edited.ID, "TEE-RED", 1))
	b.must(nil, b.EditQuantity(edited.ID, "SCARF-GOLD", 2))
	b.order(func(o *OrderSpec) { o.POS = true; o.Shipping = nil; o.Buyer = nil })
	b.order(func(o *OrderSpec) {
		o.Test = true
		o.Lines = append(o.Lines, LineSpec{Title: "Engraving", Quantity: 1, Price: "9.5"}, LineSpec{Title: "Voucher", GiftCard: true, Quantity: 1, Price: "500"})
	})
	b.ask(`mutation($w: WebhookSubscriptionInput!) { webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: $w) { userErrors { message } } }`,
		map[string]any{"w": map[string]any{"uri": "https://hooks.example.com/shopify"}})
	fo := b.orders[0].fos[0]
	b.ask(`mutation($id: ID!) { fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: OTHER, reasonNotes: "stock check"}) { userErrors { message } } }`,
		map[string]any{"id": gid("FulfillmentOrder", fo.id)})
}

// some is one id of each type that has a root field.
func (b *bench) some() map[string]string {
	ids := map[string]string{}
	for _, o := range b.orders {
		ids["Order"] = gid("Order", o.id)
		if o.customer != nil {
			ids["Customer"] = gid("Customer", o.customer.id)
		}
		for _, f := range o.parcels {
			ids["Fulfillment"] = gid("Fulfillment", f.id)
		}
		for _, f := range o.fos {
			ids["FulfillmentOrder"] = gid("FulfillmentOrder", f.id)
		}
		for _, r := range o.refunds {
			ids["Refund"] = gid("Refund", r.id)
		}
		for _, r := range o.returns {
			ids["Return"] = gid("Return", r.id)
		}
	}
	v := b.products[0].variants[0]
	ids["InventoryLevel"] = v.sortedLevels()[0].gid()
	ids["InventoryItem"] = gid("InventoryItem", v.itemID)
	ids["ProductVariant"] = gid("ProductVariant", v.id)
	ids["Product"] = gid("Product", v.p.id)
	ids["Location"] = gid("Location", b.locations[0].id)
	return ids
}

func TestEveryRootFieldOfTheSchemaIsSimulated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, version := range Versions() {
		schema, err := Schema(version)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range schema.Mutation.Fields {
			if mutations[f.Name] == nil {
				t.Errorf("%s: mutation %s is in the schema and does nothing", version, f.Name)
			}
		}
		for name := range mutations {
			if schema.Mutation.Fields.ForName(name) == nil {
				t.Errorf("%s: mutation %s is not in the schema", version, name)
			}
		}
		for _, f := range schema.Query.Fields {
			if !strings.HasPrefix(f.Name, "__") && (queryRoot{b.Shop, version}).field(f.Name, args{}) == unheld {
				t.Errorf("%s: query %s is in the schema and answers nothing", version, f.Name)
			}
		}
	}
}
