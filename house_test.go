package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/openclaw-pos/commerce/"

// seams are the four packages that adapters live under; contexts may import them, adapters only their own.
var seams = []string{"channel", "courier", "gateway", "pos"}

// helpers are packages beside adapters that their seam's family shares.
var helpers = map[string]bool{"channel/iop": true}

// source is one Go file of the house, parsed.
type source struct {
	path, pkg string
	test      bool
	file      *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{path, filepath.ToSlash(filepath.Dir(path)), strings.HasSuffix(path, "_test.go"), f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func under(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// mayImport is the table of the house: what a package may import of ours.
func mayImport(pkg, of string) bool {
	if pkg == of || under(of, "kernel") && !under(pkg, "kernel") {
		return true
	}
	wing, rest, _ := strings.Cut(pkg, "/")
	switch {
	case wing == "kernel":
		return pkg == "kernel/event" && of == "kernel/money" || of == "kernel/fault"
	case slices.Contains(seams, wing):
		if rest == "" {
			return false
		}
		suite := wing + "/" + wing + "test"
		switch {
		case pkg == wing+"/all" || pkg == suite:
			return under(of, wing) || of == "internal/conform"
		default:
			return of == wing || helpers[of] && under(of, wing) || under(of, pkg) || under(pkg, of) && of != wing+"/all"
		}
	case wing == "platform":
		return under(of, "platform")
	case wing == "commerce":
		return slices.Contains(seams, of) || under(of, "platform") || under(of, strings.Join(strings.SplitN(pkg, "/", 3)[:2], "/"))
	case wing == "sim":
		return slices.Contains(seams, of) || under(of, "sim")
	case wing == "internal":
		return false
	case wing == "web", wing == "app", wing == ".", wing == "docs", wing == "tools", wing == "bench":
		return true
	}
	return false
}

// TestHouse holds the import rules of the design: who may import whom.
func TestHouse(t *testing.T) {
	t.Parallel()
	t.Run("every import is allowed by the table", func(t *testing.T) {
		for _, s := range sources(t) {
			for _, im := range s.file.Imports {
				path, err := strconv.Unquote(im.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				of, ours := strings.CutPrefix(path, module)
				if !ours || mayImport(s.pkg, of) {
					continue
				}
				if s.test { // a test may use whatever proves its package: simulators, the database, other contexts
					continue
				}
				t.Errorf("%s imports %s, which its wing may not", s.path, of)
			}
		}
	})
	t.Run("the table itself refuses what the design forbids", func(t *testing.T) {
		for _, no := range [][2]string{
			{"commerce/order", "commerce/inventory"},
			{"channel/shopify", "platform/db"},
			{"channel/shopify", "channel/daraz"},
			{"channel/daraz", "commerce/order"},
			{"kernel/money", "platform/db"},
			{"platform/db", "commerce/order"},
			{"platform/outbox", "channel"},
			{"sim/shopify", "channel/shopify"},
			{"channel", "platform/db"},
			{"sim/daraz", "commerce/order"},
			{"courier/demo", "channel"},
		} {
			if mayImport(no[0], no[1]) {
				t.Errorf("%s may import %s", no[0], no[1])
			}
		}
	})
	t.Run("every package says what it is for", func(t *testing.T) {
		said, seen := map[string]bool{}, map[string]bool{}
		for _, s := range sources(t) {
			if s.test {
				continue
			}
			seen[s.pkg] = true
			said[s.pkg] = said[s.pkg] || s.file.Doc != nil && strings.Contains(s.file.Doc.Text(), " ")
		}
		for pkg := range seen {
			if !said[pkg] {
				t.Errorf("package %s has no comment", pkg)
			}
		}
	})
	t.Run("no context reads the wall clock", func(t *testing.T) {
		for _, s := range sources(t) {
			if s.test || !under(s.pkg, "commerce") && !under(s.pkg, "kernel") {
				continue
			}
			ast.Inspect(s.file, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if id, ok := sel.X.(*ast.Ident); ok && id.Name == "time" && sel.Sel.Name == "Now" {
						t.Errorf("%s calls time.Now: use tx.Now or the database's clock", s.path)
					}
				}
				return true
			})
		}
	})
}

// owners says which package may write which table. Readers other than the owner go through its functions.
var owners = map[string]string{
	"events": "platform/outbox", "event_head": "platform/outbox", "event_cursors": "platform/outbox", "event_parked": "platform/outbox", "subscriptions": "platform/outbox", "deliveries": "platform/outbox",
	"jobs": "platform/jobs", "schedules": "platform/jobs", "exceptions": "platform/exception", "vault_keys": "platform/vault", "vault_rotations": "platform/vault", "approvals": "web/api", "key_exports": "web/api", "credentials": "platform/vault",
	"erasures": "platform/privacy", "residency": "platform/privacy", "privacy_requests": "platform/privacy", "privacy_progress": "platform/privacy",
	"personal_keys": "platform/privacy", "personal_records": "platform/privacy", "audit_log": "platform/audit", "audit_head": "platform/audit", "api_keys": "platform/access", "users": "platform/access", "user_sessions": "platform/access", "user_tokens": "platform/access", "sign_in_tries": "platform/access", "sign_in_challenges": "platform/access", "user_passkeys": "platform/access", "access_setup": "platform/access", "idempotency_keys": "web/api", "saved_views": "platform/view",
	"legal_entities": "commerce/policy", "policy_rows": "commerce/policy", "policy_version": "commerce/policy", "number_blocks": "commerce/policy",
	"products": "commerce/catalog", "variants": "commerce/catalog", "kit_parts": "commerce/catalog", "price_lists": "commerce/catalog", "prices": "commerce/catalog", "costs": "commerce/catalog",
	"channel_products": "commerce/catalog", "locations": "commerce/inventory", "stock_levels": "commerce/inventory", "stock_sold_out": "commerce/inventory", "shelves": "commerce/inventory", "stock_movements": "commerce/inventory",
	"reservations": "commerce/inventory", "shortages": "commerce/inventory", "channel_buffers": "commerce/inventory",
	"sales_channels": "commerce/connect", "channel_accounts": "commerce/connect", "account_health": "commerce/connect", "account_locations": "commerce/connect", "channel_cursors": "commerce/connect",
	"inbox": "commerce/connect", "channel_orders": "commerce/connect", "reads": "commerce/connect", "early_returns": "commerce/connect", "tells": "commerce/connect", "channel_stock": "commerce/connect", "traces": "commerce/connect", "channel_prices": "commerce/connect",
	"orders": "commerce/order", "order_lines": "commerce/order", "order_units": "commerce/order", "order_charges": "commerce/order", "order_holds": "commerce/order",
	"order_history": "commerce/order", "order_change_sets": "commerce/order", "order_payments": "commerce/payment", "cash_parcels": "commerce/payment", "refunds": "commerce/payment", "refund_lines": "commerce/payment",
	"fulfillment_orders": "commerce/fulfillment", "fulfillment_lines": "commerce/fulfillment", "fulfillment_scans": "commerce/fulfillment", "dispatch_shipments": "commerce/dispatch", "dispatch_lines": "commerce/dispatch",
	"shipment_events": "commerce/dispatch", "returns_rma": "commerce/returns", "return_lines": "commerce/returns", "org_units": "commerce/company", "core_reads": "commerce/company", "core_documents": "commerce/company", "storefronts": "commerce/cart", "carts": "commerce/cart", "cart_lines": "commerce/cart",
}

var writes = regexp.MustCompile(`(?i)\b(?:insert\s+into|update|delete\s+from)\s+([a-z_]+)\b`)

// TestOwners holds who writes which table, by every string in the source.
func TestOwners(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		switch {
		case s.test || under(s.pkg, "platform/db"):
			continue
		case s.path == filepath.FromSlash("sim/torture/store.go"): // the torture run plays the passing of time, as tests do
			continue
		case under(s.pkg, "bench"): // it measures what the database allows without any of our logic, and makes data sets; no part of the binary
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			for _, m := range writes.FindAllStringSubmatch(lit.Value, -1) {
				if owner, known := owners[strings.ToLower(m[1])]; known && !under(s.pkg, owner) {
					t.Errorf("%s writes %s, which belongs to %s", s.path, m[1], owner)
				}
			}
			return true
		})
	}
	t.Run("every table of the migrations has an owner", func(t *testing.T) {
		files, err := filepath.Glob("platform/db/migrate/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatal("no migrations found", err)
		}
		made := regexp.MustCompile(`(?m)^create table ([a-z_]+)`)
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range made.FindAllStringSubmatch(string(text), -1) {
				if owners[m[1]] == "" {
					t.Errorf("%s: nobody owns %s", f, m[1])
				}
			}
		}
	})
}

// TestEntities finds the eleven entities of the brief as tables in the migrations.
func TestEntities(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"sales_channels", "channel_accounts", "channel_products", "channel_orders", "orders", "order_lines", "order_payments", "fulfillment_orders",
		"dispatch_shipments", "shipment_events", "returns_rma",
	} {
		if owners[name] == "" {
			t.Errorf("%s has no owner", name)
		}
	}
}
