package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openclaw-pos/commerce/web/api"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"openclaw-commerce": main})
}

// TestCommands plays the scripts of testdata/script against the real program. Beside testscript's own commands they have `exits CODE COMMAND …`, `waits FILE`, `becomes PATTERN COMMAND …` and `keeps NAME PATTERN`.
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("OPENCLAW_DATA", e.WorkDir+"/data")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "waits": waits, "becomes": becomes, "keeps": keeps},
	})
}

// patience is how long a busy machine may take for what takes a moment.
const patience = 3 * time.Minute

// exits runs a command and checks with which code it ends.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENTS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("it ended with %d, want %d", got, want)
	}
}

// waits waits until a file is there.
func waits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waits FILE")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			ts.Fatalf("%s does not come", args[0])
		}
	}
}

// becomes runs a command again and again until what it prints matches.
func becomes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: becomes PATTERN COMMAND [ARGUMENTS]")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	for limit := time.Now().Add(patience); ; {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if said := ts.ReadFile("stdout"); want.MatchString(said) {
			return
		} else if time.Now().After(limit) {
			ts.Fatalf("it still says %s", said)
		}
	}
}

// keeps puts what the group of a pattern matches in the last output into the environment.
func keeps(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keeps NAME PATTERN")
	}
	want, err := regexp.Compile(args[1])
	ts.Check(err)
	got := want.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(got) != 2 {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], got[1])
}

// TestActions holds the command of every action that an exception suggests against what the program takes.
func TestActions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{"{quantity}": "1", "{24h}": "24h", "{file.csv}": file, "{file.json}": file, "{sellable}": "sellable"}
	hole := regexp.MustCompile(`\{[^}]*\}`)
	for name, all := range api.Ways() {
		for _, command := range all {
			words := strings.Fields(hole.ReplaceAllStringFunc(command, func(at string) string {
				if v := said[at]; v != "" {
					return v
				}
				return "x"
			}))
			var c cli
			parser, err := kong.New(&c, kong.Vars{"version": "test"}, kong.Exit(func(int) { t.Errorf("%s: %s ends", name, command) }))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(words); err != nil {
				t.Errorf("%s: %s: %v", name, command, err)
			}
		}
	}
}
