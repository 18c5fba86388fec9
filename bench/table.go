package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

const (
	latestFile = "bench/latest.json"
	pageFile   = "docs/performance.md"
	tableBegin = "<!-- table: written by `go run ./bench table` -->"
	tableEnd   = "<!-- end of table -->"
)

// Latest is the table as it was last measured.
type Latest struct {
	At       time.Time         `json:"at"`
	Machine  string            `json:"machine"`
	Busy     string            `json:"busy"` // the load of the machine when the first and the last figure were taken
	Seconds  int               `json:"seconds"`
	Versions map[string]string `json:"versions"`
	Settings map[string]string `json:"settings"`
	Results  []Result          `json:"results"`
}

// pick parses a list of figures; none means all.
func pick(list string) ([]figure, error) {
	all := figures()
	if list == "" {
		return all, nil
	}
	var some []figure
	for _, name := range strings.Split(list, ",") {
		f, ok := find(strings.TrimSpace(name))
		if !ok {
			return nil, fmt.Errorf("there is no figure %q: it is one of %s", name, names())
		}
		some = append(some, f)
	}
	return some, nil
}

// runTable measures everything once and writes latest.json and the page. Figures that were not picked keep what was measured before.
func runTable(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench table", flag.ContinueOnError)
	var s settings
	s.flags(fs)
	list := fs.String("figures", "", "only these, with commas between")
	engines := fs.String("engines", sqlite+","+postgres, "only these")
	if err := fs.Parse(args); err != nil {
		return err
	}
	some, err := pick(*list)
	if err != nil {
		return err
	}
	before, err := readLatest()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l := newLatest(s.seconds)
	l.Results = before.Results
	began := busy()
	var failed []error
	s.sets = sets{}
	for _, engine := range strings.Split(*engines, ",") { // one engine after the other: large data sets of both need not fit beside each other
		for _, f := range some {
			if !slices.Contains(f.engines, engine) {
				continue
			}
			s.engine = engine
			r, err := f.measure(ctx, s)
			if err != nil { // the others are measured all the same
				failed = append(failed, err)
				continue
			}
			fmt.Fprintln(out, r)
			l.Results = slices.DeleteFunc(l.Results, func(x Result) bool { return x.Figure == r.Figure && x.Engine == r.Engine })
			l.Results = append(l.Results, r)
			l.Busy = began + ", then " + busy()
			if err := l.write(); err != nil {
				return err
			}
		}
		s.sets.close()
	}
	return errors.Join(failed...)
}

func newLatest(seconds int) Latest {
	l := Latest{
		At: time.Now().UTC().Truncate(time.Second), Machine: machine(), Seconds: seconds,
		Versions: map[string]string{"go": runtime.Version(), "postgres": firstLine("postgres", "--version")},
		Settings: map[string]string{
			"sqlite": "WAL, synchronous=FULL, wal_autocheckpoint=8000, cache 32 MB", "postgres": dbtest.DurableSettings,
		},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "modernc.org/sqlite" || d.Path == "github.com/jackc/pgx/v5" {
				l.Versions[d.Path] = d.Version
			}
		}
	}
	return l
}

// machine is what figures depend on and may be said aloud.
func machine() string {
	m := fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				return m + ", " + strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			}
		}
	}
	return m
}

// busy is the machine's load over the last minute; figures taken at more than its cores prove little.
func busy() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return "load " + strings.Fields(string(text))[0]
}

func firstLine(program string, args ...string) string {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	for _, p := range append([]string{program}, installed...) {
		if text, err := exec.Command(p, args...).Output(); err == nil {
			line, _, _ := strings.Cut(string(text), "\n")
			return line
		}
	}
	return ""
}

func readLatest() (l Latest, err error) {
	text, err := os.ReadFile(latestFile)
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(text, &l)
}

// write puts the table into latest.json and into the page.
func (l Latest) write() error {
	order := map[string]int{}
	for i, f := range figures() {
		order[f.name] = i
	}
	slices.SortStableFunc(l.Results, func(a, b Result) int {
		if d := order[a.Figure] - order[b.Figure]; d != 0 {
			return d
		}
		return -strings.Compare(a.Engine, b.Engine)
	})
	f, err := os.Create(latestFile)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := errors.Join(enc.Encode(l), f.Close()); err != nil {
		return err
	}
	page, err := os.ReadFile(pageFile)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(page), tableBegin)
	_, tail, found := strings.Cut(rest, tableEnd)
	if !ok || !found {
		return fmt.Errorf("%s has no place for the table", pageFile)
	}
	return os.WriteFile(pageFile, []byte(head+tableBegin+"\n"+l.markdown()+tableEnd+tail), 0o644)
}

// markdown is the table for people.
func (l Latest) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeasured %s on %s; %d seconds a figure; machine %s.\n\n", l.At.Format("2006-01-02 15:04 UTC"), l.Machine, l.Seconds, l.Busy)
	b.WriteString("| Figure | Engine | Ours | Limit | Ratio | Unit | To reach | |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range l.Results {
		met := "not yet"
		switch {
		case r.Void != "":
			met = "void"
		case r.Met:
			met = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %.4g | %.4g | %.2g | %s | %s | %s |\n", r.Figure, r.Engine, r.Ours, r.Limit, r.Ratio, r.Unit, r.Target, met)
	}
	b.WriteString("\n")
	return b.String()
}
