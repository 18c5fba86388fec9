package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// result is one run in a committed report.
type result struct {
	Seed    uint64         `json:"seed"`
	Engine  string         `json:"engine"`
	Seconds float64        `json:"seconds"`
	Checks  int            `json:"checks"` // quiet points at which every rule was asked
	Rules   int            `json:"rules"`
	Syncs   int            `json:"syncs,omitempty"`
	Faults  map[string]int `json:"faults"`
	Work    map[string]int `json:"work"`
	Broken  []string       `json:"broken,omitempty"`
	Error   string         `json:"error,omitempty"`
}

// report is one series of runs.
type report struct {
	At      time.Time `json:"at"`
	Commit  string    `json:"commit"`
	Earlier string    `json:"earlier,omitempty"` // the commit of the program that ran beside
	CPUs    int       `json:"cpus"`
	Minutes float64   `json:"minutes"` // of trouble per seed
	Mix     string    `json:"mix,omitempty"`
	Cannot  []string  `json:"cannot,omitempty"`
	Runs    []result  `json:"runs"`
}

// keep writes the series down, and the table over all series.
func keep(ctx context.Context, o options, p player, all []outcome) error {
	hash, _ := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	rep := report{At: time.Now().UTC().Truncate(time.Second), Commit: strings.TrimSpace(string(hash)), Earlier: p.oldName, CPUs: runtime.NumCPU(), Minutes: p.minutes, Mix: p.mix}
	for _, a := range all {
		r := result{Seed: a.Seed, Engine: a.Engine, Seconds: float64(int(a.Seconds*10)) / 10, Checks: a.Checks, Rules: len(a.Rules), Syncs: a.Syncs, Faults: a.Faults, Work: a.Workload, Error: a.Error}
		for _, b := range a.Broken {
			r.Broken = append(r.Broken, b.Rule+": "+b.What)
		}
		for _, c := range a.Cannot {
			if !slices.Contains(rep.Cannot, c) {
				rep.Cannot = append(rep.Cannot, c)
			}
		}
		rep.Runs = append(rep.Runs, r)
	}
	slices.SortFunc(rep.Runs, func(a, b result) int { return cmp.Or(cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.Engine, b.Engine)) })
	path := filepath.Join(o.out, rep.At.Format("20060102-150405")+".json")
	if err := os.WriteFile(path, []byte(lines(rep)), 0o644); err != nil {
		return err
	}
	fmt.Println("report:", path)
	return sum(o.out)
}

// lines is the report as JSON with a line for each run.
func lines(rep report) string {
	runs := rep.Runs
	rep.Runs = nil
	head, _ := json.Marshal(rep)
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(string(head), `null}`) + "[\n")
	for i, r := range runs {
		text, _ := json.Marshal(r)
		b.Write(text)
		if i < len(runs)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.String()
}

// total is what one engine was put through over all series.
type total struct {
	runs, clean, checks int
	seconds             float64
	faults, work        map[string]int
}

// sum writes README.md over all reports of a folder.
func sum(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "[0-9]*.json"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	totals, list, seeds := map[string]*total{}, "", map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		var rep report
		if err := json.Unmarshal(text, &rep); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		clean := 0
		for _, r := range rep.Runs {
			t := totals[r.Engine]
			if t == nil {
				t = &total{faults: map[string]int{}, work: map[string]int{}}
				totals[r.Engine] = t
			}
			t.add(r)
			if r.Error == "" {
				clean++
				seeds[fmt.Sprint(r.Seed, r.Engine)] = true
			}
		}
		list += fmt.Sprintf("| [%s](%s) | %s | %s | %d | %d | %s |\n", rep.At.Format("2006-01-02 15:04"), filepath.Base(f), rep.Commit, cmp.Or(rep.Earlier, "none"), len(rep.Runs), clean, strings.Join(rep.Cannot, "; "))
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(page(totals, list, len(seeds))), 0o644)
}

func (t *total) add(r result) {
	t.runs++
	t.checks += r.Checks
	t.seconds += r.Seconds
	if r.Error == "" {
		t.clean++
	}
	for k, n := range r.Faults {
		t.faults[k] += n
	}
	for k, n := range r.Work {
		t.work[k] += n
	}
}

// page is the table over all series. What was refused, or got no answer, is not work done and is left out of it.
func page(totals map[string]*total, list string, clean int) string {
	engines := slices.Sorted(maps.Keys(totals))
	var b strings.Builder
	b.WriteString("# Torture runs\n\nWritten by `go run ./bench/torture` from the reports in this folder; how to read and repeat a run: CONTRIBUTING.md. A run that failed has its cause in its report;\n" +
		"what was mended after it stands in the history.\n\n| Series | Program | Earlier one beside it | Runs | Clean | Not possible there |\n|---|---|---|---|---|---|\n" + list)
	fmt.Fprintf(&b, "\nDifferent seeds and engines that ran clean: %d.\n\n| | %s |\n|---|%s\n", clean, strings.Join(engines, " | "), strings.Repeat("---|", len(engines)))
	row := func(name string, of func(t *total) string) {
		b.WriteString("| " + name + " |")
		for _, e := range engines {
			b.WriteString(" " + of(totals[e]) + " |")
		}
		b.WriteByte('\n')
	}
	row("runs", func(t *total) string { return fmt.Sprint(t.runs) })
	row("clean", func(t *total) string { return fmt.Sprint(t.clean) })
	row("minutes", func(t *total) string { return fmt.Sprintf("%.0f", t.seconds/60) })
	row("quiet points, every rule asked", func(t *total) string { return fmt.Sprint(t.checks) })
	for _, part := range []struct {
		title string
		of    func(t *total) map[string]int
	}{{"Faults", func(t *total) map[string]int { return t.faults }}, {"Work", func(t *total) map[string]int { return t.work }}} {
		names := map[string]bool{}
		for _, t := range totals {
			for k := range part.of(t) {
				names[k] = !strings.HasSuffix(k, ", refused") && !strings.HasSuffix(k, ", unanswered")
			}
		}
		fmt.Fprintf(&b, "\n## %s\n\n| | %s |\n|---|%s\n", part.title, strings.Join(engines, " | "), strings.Repeat("---|", len(engines)))
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if names[name] {
				row(strings.ReplaceAll(name, "_", " "), func(t *total) string { return fmt.Sprint(part.of(t)[name]) })
			}
		}
	}
	return b.String()
}
