// Package conform runs a conformance suite: named cases that either run or say why they do not apply, held against the list committed beside the
// adapter, so that a case cannot silently vanish. Start at Run; Try is for suites that test themselves. It serves channeltest, couriertest, gatewaytest
// and postest, and only tests import it.
package conform

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Case is one promise of a seam.
type Case struct {
	Name string              // a sentence, with underscores; a slash groups
	Why  string              // why it does not apply to this adapter; "" = it runs
	Run  func(tb testing.TB) // nil only when Why is set
}

var update = flag.Bool("update", false, "write goldens and conformance lists instead of comparing")

// Update reports whether goldens are to be written.
func Update() bool { return *update }

// Run runs the cases that apply and prints those that do not. The list of both must be exactly what file holds (written by -update), and every
// name in must has to be among those that run.
func Run(t *testing.T, file string, must []string, cases []Case) {
	t.Helper()
	var list strings.Builder
	ran := map[string]bool{}
	for _, c := range cases {
		if c.Why != "" {
			list.WriteString("n/a  " + c.Name + ": " + c.Why + "\n")
			t.Logf("n/a  %s: %s", c.Name, c.Why)
			continue
		}
		if ran[c.Name] {
			t.Errorf("two cases are called %s", c.Name)
		}
		ran[c.Name] = true
		list.WriteString("ran  " + c.Name + "\n")
		t.Run(c.Name, func(t *testing.T) { c.Run(t) })
	}
	for _, name := range must {
		if !ran[name] {
			t.Errorf("%s must run, and did not", name)
		}
	}
	Golden(t, file, list.String())
}

// Golden compares text with a committed file, or writes the file when Update.
func Golden(tb testing.TB, file, got string) {
	tb.Helper()
	if Update() {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(got), 0o644)); err != nil {
			tb.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		tb.Errorf("%s is missing: write it with -update and read it before it is committed", file)
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		tb.Errorf("%s differs (-committed +now):\n%s", file, d)
	}
}
