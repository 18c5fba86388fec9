package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// writeChangelog cuts CHANGELOG.md from the first lines of the commits in this clone: by area, oldest first. It is not part of -check, because a clone
// may be shallow.
func writeChangelog(root string) error {
	cmd := exec.Command("git", "log", "--reverse", "--no-merges", "--format=%s")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("git log: %w", err)
	}
	return os.WriteFile(filepath.Join(root, "CHANGELOG.md"), []byte(changelog(strings.Split(string(out), "\n"))), 0o644)
}

// changelog groups first lines of commits, "area: what a user gains", by area. Areas that are several, "a, b: …", count as the first.
func changelog(lines []string) string {
	by := map[string][]string{}
	for _, line := range lines {
		area, gain, ok := strings.Cut(line, ": ")
		if !ok || gain == "" || strings.HasPrefix(gain, "generated") || strings.HasSuffix(gain, "format") {
			continue // nothing that a user gains
		}
		area, _, _ = strings.Cut(area, ",")
		if i := strings.LastIndexByte(area, '/'); i >= 0 && !strings.HasPrefix(area, "sim/") {
			area = area[i+1:]
		}
		if !slices.Contains(by[area], gain) {
			by[area] = append(by[area], gain)
		}
	}
	var areas []string
	for area := range by {
		areas = append(areas, area)
	}
	slices.Sort(areas)
	var b strings.Builder
	b.WriteString("# Changelog\n\nCut from the first lines of commits by `go run ./docs/gen -changelog`.\n\n## Unreleased\n")
	for _, area := range areas {
		fmt.Fprintf(&b, "\n### %s\n\n", area)
		for _, gain := range by[area] {
			fmt.Fprintf(&b, "- %s\n", gain)
		}
	}
	return b.String()
}
