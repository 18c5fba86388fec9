package console

import "testing"

func TestHarmless(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"PK-SH-000001": "PK-SH-000001", "": "", "1,250.00": "1,250.00",
		"=1+1": "'=1+1", "+92300": "'+92300", "-2": "'-2", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1",
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}
