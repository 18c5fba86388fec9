package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reasons says of every module that go.mod requires directly what it is for and what was turned down. A module without a reason fails the generator.
var reasons = map[string]string{
	"filippo.io/age":                                                  "Encryption of backups, in a format that other tools read. Turned down: OpenPGP, a format of our own.",
	"github.com/alecthomas/kong":                                      "Command line from one struct of flags and environment variables. Turned down: cobra (code per flag), flag (no subcommands).",
	"github.com/boombuler/barcode":                                    "Bar codes on packing slips, pick lists and the demo courier's labels.",
	"github.com/brianvoe/gofakeit/v7":                                 "Seeded names, streets and wares for simulators.",
	"github.com/chromedp/cdproto":                                     "What chromedp has no words for: an authenticator with passkeys in the console's tests; no part of the program.",
	"github.com/chromedp/chromedp":                                    "Drives chromium in the console's tests and pictures; no part of the program.",
	"github.com/cloudevents/sdk-go/v2":                                "The CloudEvents 1.0 envelope and its validation; only its package event.",
	"github.com/danielgtaylor/huma/v2":                                "OpenAPI 3.1 and request validation from Go types over the standard ServeMux. Its own docs page loads from outside, so ours is served instead.",
	"github.com/expr-lang/expr":                                       "Policy rules that data alone cannot say, with decimal functions and no division of money. Turned down: cel-go (not served by the proxy in use).",
	"github.com/go-pdf/fpdf":                                          "The file format of packing slips and pick lists; text and codes are drawn by web/slip, since its own right-to-left mode is broken. Turned down: a browser (not in the program), PostScript.",
	"github.com/go-text/typesetting":                                  "Shapes Urdu, Arabic and Latin text on packing slips and breaks its lines. Turned down: letters one by one (Urdu is not joined).",
	"github.com/go-webauthn/webauthn":                                 "Passkeys: checks what authenticators answer, signatures and attestations included (BSD-3). Turned down: CBOR, COSE and the order of checks by hand.",
	"github.com/google/go-cmp":                                        "Differences in tests.",
	"github.com/google/uuid":                                          "Time-ordered ids (UUIDv7).",
	"github.com/govalues/decimal":                                     "Rates and multiplication without floating point.",
	"github.com/jackc/pgx/v5":                                         "PostgreSQL through database/sql; its batch for one round trip.",
	"github.com/klauspost/compress":                                   "zstd for raw payloads before they are sealed.",
	"github.com/nats-io/nats-server/v2":                               "A NATS server inside tests.",
	"github.com/nats-io/nats.go":                                      "JetStream publisher for contract events.",
	"github.com/nyaruka/phonenumbers":                                 "Phone numbers in one form, so that a buyer is found by keyed hash.",
	"github.com/pressly/goose/v3":                                     "Runs numbered migrations on both engines.",
	"github.com/prometheus/client_golang":                             "Metrics.",
	"github.com/rogpeppe/go-internal":                                 "Tests of the binary as a script.",
	"github.com/santhosh-tekuri/jsonschema/v6":                        "Every event is held against its generated schema in tests.",
	"github.com/schollz/progressbar/v3":                               "Progress of long commands.",
	"github.com/standard-webhooks/standard-webhooks/libraries":        "Signatures of webhooks to subscribers.",
	"github.com/tink-crypto/tink-go/v2":                               "Envelope encryption: keysets, rotation, associated data. Turned down: raw AES-GCM (nonce and rotation by hand).",
	"github.com/vektah/gqlparser/v2":                                  "The Shopify stand-in parses queries, and tests hold queries and answers against Shopify's schema.",
	"go.opentelemetry.io/otel":                                        "Traces across queues; the attributes and codes of its spans.",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp": "Sends traces to any collector, set up by the usual variables. Turned down: its gRPC sister (a larger binary for nothing).",
	"go.opentelemetry.io/otel/sdk":                                    "Samples and batches spans.",
	"go.opentelemetry.io/otel/trace":                                  "The words in which traces are made.",
	"go.uber.org/goleak":                                              "Tests that nothing runs on after a close.",
	"go.yaml.in/yaml/v3":                                              "Reads the generated AsyncAPI document in its test.",
	"golang.org/x/crypto":                                             "Passwords hashed with argon2id (RFC 9106).",
	"golang.org/x/image":                                              "Fixed-point numbers of go-text/typesetting; nothing else of it.",
	"golang.org/x/sync":                                               "Single flight, semaphores, groups of goroutines.",
	"golang.org/x/term":                                               "Secrets typed at a prompt without an echo.",
	"golang.org/x/text":                                               "Folding text for search.",
	"golang.org/x/time":                                               "Rate limits inside a process.",
	"golang.org/x/tools":                                              "txtar: the form of recorded exchanges, and rendered migrations as a file system.",
	"modernc.org/sqlite":                                              "SQLite without cgo, the only driver found that binds $1 by number. Turned down: mattn/go-sqlite3 (cgo, swaps numbered binds), ncruces/go-sqlite3 (did not build).",
	"pgregory.net/rapid":                                              "Property tests and random walks.",
}

var requireLine = regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`)

// dependencyPages is docs/dependencies.md.
func dependencyPages(root string) ([]page, error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	runtime, tests, err := imports(root)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(header + "# Dependencies\n\nEvery module that go.mod requires directly, pinned, with what it is for. Tools for checking (staticcheck, gofumpt) are run by version and are not in go.mod.\n\n| Module | Version | Part of | What for |\n|---|---|---|---|\n")
	for _, m := range requireLine.FindAllStringSubmatch(string(mod), -1) {
		if reasons[m[1]] == "" {
			return nil, fmt.Errorf("go.mod requires %s: say in docs/gen/dependencies.go what it is for", m[1])
		}
		part := "nothing"
		switch {
		case uses(runtime, m[1]):
			part = "the binary"
		case uses(tests, m[1]):
			part = "tests"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m[1], m[2], part, reasons[m[1]])
	}
	return []page{{"docs/dependencies.md", []byte(b.String())}}, nil
}

func uses(imports []string, module string) bool {
	return slices.ContainsFunc(imports, func(path string) bool { return path == module || strings.HasPrefix(path, module+"/") })
}

// imports lists what the binary's packages import, and what tests, simulators' generators and tools do.
func imports(root string) (runtime, tests []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, im := range f.Imports {
			name, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			if onlyTests(filepath.ToSlash(path)) {
				tests = append(tests, name)
			} else {
				runtime = append(runtime, name)
			}
		}
		return nil
	})
	return runtime, tests, err
}

// onlyTests reports whether a file is for tests and tools alone.
func onlyTests(path string) bool {
	dir := path[:max(0, strings.LastIndexByte(path, '/'))]
	return strings.HasSuffix(path, "_test.go") || strings.HasSuffix(dir, "test") || strings.Contains(dir, "/gen") || strings.Contains(dir, "/internal/conform") || strings.Contains(dir, "/dbtest")
}
