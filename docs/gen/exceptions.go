package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/platform/exception"
)

// exceptionPages is docs/exceptions.md.
func exceptionPages(string) ([]page, error) {
	var b strings.Builder
	b.WriteString(header + "# Exceptions\n\nWhat a person has to decide waits in one inbox, one open case for each cause and subject. A cause says what it means, what to do, by when, and what closing the case does.\n\n")
	b.WriteString("| Cause | | Decide within |\n|---|---|---|\n")
	for _, c := range exception.Causes {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", c.Name, c.Name, c.Title, span(c.Deadline))
	}
	for _, c := range exception.Causes {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n", c.Name, c.Title, c.Explain)
		for _, a := range c.Actions {
			fmt.Fprintf(&b, "- `%s`: %s\n", a.Name, a.Title)
		}
		fmt.Fprintf(&b, "\nResolving it by hand: %s\n", c.Resolves)
	}
	return []page{{"docs/exceptions.md", []byte(b.String())}}, nil
}

// span is a time limit as people say it.
func span(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d == 0:
		return "no limit"
	case d >= 2*day && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	case d == time.Hour:
		return "1 hour"
	default:
		return fmt.Sprintf("%g hours", d.Hours())
	}
}
