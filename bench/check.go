package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

// fall is how much of the committed ratio must be left: differences under 30 % prove nothing on a machine that is shared.
const fall = 0.7

// runCheck measures figures several times, one after the other, and compares the median of their ratios with the committed table. Ratios are compared, not rates: the
// limit is measured beside ours, so a slower machine changes both.
func runCheck(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench check", flag.ContinueOnError)
	var s settings
	s.flags(fs)
	runs := fs.Int("runs", 5, "how often each figure is measured")
	list := fs.String("figures", "import,intake,reserve,relay", "which, with commas between")
	if err := fs.Parse(args); err != nil {
		return err
	}
	some, err := pick(*list)
	if err != nil {
		return err
	}
	was, err := readLatest()
	if err != nil {
		return fmt.Errorf("the committed table: %w", err)
	}
	seen := map[[2]string][]float64{}
	for range *runs {
		for _, f := range some {
			for _, engine := range f.engines {
				s.engine = engine
				r, err := f.measure(ctx, s)
				if err != nil {
					return err
				}
				key := [2]string{r.Figure, r.Engine}
				seen[key] = append(seen[key], r.Ratio)
			}
		}
	}
	return judgeFalls(was.Results, seen, out)
}

// judgeFalls says which ratios fell, and fails when one did by more than allowed.
func judgeFalls(was []Result, seen map[[2]string][]float64, out io.Writer) error {
	var fallen []error
	for _, r := range was {
		all := seen[[2]string{r.Figure, r.Engine}]
		if len(all) == 0 {
			continue
		}
		now := median(all)
		word := "ok"
		if now < fall*r.Ratio {
			word = "fell"
			fallen = append(fallen, fmt.Errorf("%s on %s: the ratio fell from %.2f to %.2f", r.Figure, r.Engine, r.Ratio, now))
		}
		if _, err := fmt.Fprintf(out, "%-10s %-8s was %.2f now %.2f %s\n", r.Figure, r.Engine, r.Ratio, now, word); err != nil {
			return err
		}
	}
	return errors.Join(fallen...)
}

func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}
