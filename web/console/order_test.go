package console

import "testing"

func TestPercent(t *testing.T) {
	t.Parallel()
	for rate, want := range map[string]string{"0.18": "18%", "0.175": "17.5%", "0": "0%", "reduced": "reduced", "": ""} {
		if got := percent(rate); got != want {
			t.Errorf("%q is shown as %q, not %q", rate, got, want)
		}
	}
}
