package api

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/openclaw-pos/commerce/platform/httpclient"
)

// names notes what is registered: what each metric is called.
type names map[string]bool

var called = regexp.MustCompile(`fqName: "([a-z_]+)"`)

func (n names) Register(c prometheus.Collector) error {
	ch := make(chan *prometheus.Desc, 64)
	c.Describe(ch)
	close(ch)
	for d := range ch {
		n[called.FindStringSubmatch(d.String())[1]] = true
	}
	return nil
}

func (n names) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		_ = n.Register(c)
	}
}

func (n names) Unregister(prometheus.Collector) bool { return false }

// asked are the metrics an expression asks for, without what a histogram adds to its name.
func asked(expr string) (all []string) {
	for _, m := range regexp.MustCompile(`openclaw_[a-z_]+`).FindAllString(expr, -1) {
		for _, end := range []string{"_bucket", "_count", "_sum"} {
			m = strings.TrimSuffix(m, end)
		}
		all = append(all, m)
	}
	return all
}

func TestOperating(t *testing.T) {
	t.Parallel()
	known := names{}
	known.MustRegister(gauges{})
	httpclient.NewMetrics(known)
	s := &Server{}
	s.measure()
	known.MustRegister(s.requests)

	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				For         string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(read("../../ops/alerts.yml"), &rules); err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read("../../ops/grafana.json"), &board); err != nil {
		t.Fatal(err)
	}

	t.Run("every alert and panel asks for metrics that there are", func(t *testing.T) {
		t.Parallel()
		used := names{}
		look := func(where, expr string) {
			for _, m := range asked(expr) {
				used[m] = true
				if !known[m] {
					t.Errorf("%s asks for %s, which nothing tells", where, m)
				}
			}
		}
		for _, r := range rules.Groups[0].Rules {
			look(r.Alert, r.Expr)
		}
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				look(p.Title, target.Expr)
			}
		}
		for m := range known {
			if !used[m] {
				t.Errorf("%s is on no panel and in no alert", m)
			}
		}
	})

	t.Run("every alert has its place in the runbook, and nothing else has", func(t *testing.T) {
		t.Parallel()
		var alerts, sections []string
		for _, r := range rules.Groups[0].Rules {
			alerts = append(alerts, r.Alert)
			if want := "docs/runbook.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
				t.Errorf("%s points to %q, want %q", r.Alert, r.Annotations["runbook"], want)
			}
			if r.Annotations["summary"] == "" || r.For == "" || !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
				t.Errorf("%s lacks a summary, a time or a severity", r.Alert)
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(string(read("../../docs/runbook.md")), -1) {
			sections = append(sections, m[1])
		}
		slices.Sort(alerts)
		slices.Sort(sections)
		if diff := cmp.Diff(alerts, sections); diff != "" {
			t.Error(diff)
		}
	})
}
