package shopify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestClaims holds the status table against the fixtures: every word the adapter claims to understand stands in a recorded exchange that names its source.
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
	for _, row := range statuses {
		if !strings.Contains(said, `"`+strings.ToLower(row.Theirs)+`"`) {
			t.Errorf("no fixture has the %s status %s", row.Axis, row.Theirs)
		}
	}
}
