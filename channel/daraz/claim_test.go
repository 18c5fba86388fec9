package daraz

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel/iop"
)

// TestClaims holds the tables of this adapter against its fixtures: every word and every code it claims to understand stands in a recorded exchange that names its source.
func TestClaims(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "source: ") {
			t.Errorf("%s names no source", f)
		}
		all.Write(text)
	}
	said := strings.ToLower(all.String())
	for _, row := range statusRows {
		if !strings.Contains(said, `"`+strings.ToLower(row.Theirs)+`"`) {
			t.Errorf("no fixture has the %s status %s", row.Axis, row.Theirs)
		}
	}
	for name, codes := range map[string]map[string]iop.Code{"order": orderCodes, "fulfilment": fulfilCodes, "reverse": reverseCodes, "product": productCodes, "tip": tipCodes} {
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			if !claimed(said, strings.TrimPrefix(code, "tip_")) {
				t.Errorf("no fixture has the %s code %s", name, code)
			}
		}
	}
}

// claimed reports whether a fixture answers with the code, whatever the member is called, or expects it as the error.
func claimed(said, code string) bool {
	return slices.ContainsFunc([]string{`code": "`, `code":"`, `tip_type": "`}, func(before string) bool { return strings.Contains(said, before+code+`"`) })
}
