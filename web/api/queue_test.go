package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPulse(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 11, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	one := func(name string, oldest int) map[string]Queue {
		return map[string]Queue{name: {Waiting: 9, Oldest: at(oldest)}}
	}

	for name, c := range map[string]struct {
		looks []map[string]Queue // a look every half a minute
		want  []string
	}{
		"nothing waits":                                   {[]map[string]Queue{{}, {}}, []string{fine, fine}},
		"what waits is taken in time":                     {[]map[string]Queue{one("inbox", -20), one("inbox", 5)}, []string{fine, fine}},
		"what waits long but moves is slow":               {[]map[string]Queue{one("inbox", -200), one("inbox", -190), one("inbox", -180), one("inbox", -170)}, []string{slow, slow, slow, slow}},
		"what stays is stuck":                             {[]map[string]Queue{one("events", -200), one("events", -200), one("events", -200), one("events", 20)}, []string{slow, slow, stuck, slow}},
		"what was stuck and is gone is well":              {[]map[string]Queue{one("jobs", -200), one("jobs", -200), one("jobs", -200), {}}, []string{slow, slow, stuck, fine}},
		"what stays in a zone is stuck":                   {[]map[string]Queue{one("inbox:de", -200), one("inbox:de", -200), one("inbox:de", -200)}, []string{slow, slow, stuck}},
		"a zone that no longer answers is not stuck":      {[]map[string]Queue{one("inbox:de", -200), one("inbox:de", -200), {}, one("inbox:de", -200)}, []string{slow, slow, fine, slow}},
		"what waits for a paused channel is not our work": {[]map[string]Queue{one("tells", -900), one("tells", -900), one("tells", -900)}, []string{fine, fine, fine}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pulse
			var got []string
			for i, all := range c.looks {
				got = append(got, p.look(all, at(30*i)))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
