package shopify

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed schema/*.graphql.gz
var schemaFiles embed.FS

var schemas struct {
	sync.Mutex
	loaded map[string]*ast.Schema
}

// Versions are the Admin API versions that can be simulated, oldest first.
func Versions() []string {
	entries, err := schemaFiles.ReadDir("schema")
	if err != nil {
		panic(err) // embedded
	}
	versions := make([]string, 0, len(entries))
	for _, e := range entries {
		versions = append(versions, strings.TrimSuffix(strings.TrimPrefix(e.Name(), "admin_"), ".graphql.gz"))
	}
	slices.Sort(versions)
	return versions
}

// Schema is Shopify's own schema of one Admin API version, cut to what is reachable from the root fields simulated here (see schema/NOTICE
// for its source). It is shared: treat it as read-only.
func Schema(version string) (*ast.Schema, error) {
	schemas.Lock()
	defer schemas.Unlock()
	if s := schemas.loaded[version]; s != nil {
		return s, nil
	}
	packed, err := schemaFiles.ReadFile("schema/admin_" + version + ".graphql.gz")
	if err != nil {
		return nil, fmt.Errorf("no schema for version %q, there are %v", version, Versions())
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		return nil, err
	}
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "admin_" + version, Input: string(text)})
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	if schemas.loaded == nil {
		schemas.loaded = map[string]*ast.Schema{}
	}
	schemas.loaded[version] = s
	return s, nil
}
