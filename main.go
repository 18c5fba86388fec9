// Command openclaw-commerce is the omnichannel extension of openclaw-pos in one binary: `demo` shows everything, `serve` runs it. Start at cli in cmd.go for
// what else it can do, and at package app for how it is wired.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

func main() { os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})) }

// streams are where a command reads and writes.
type streams struct{ in, out, err *os.File }

// Exit codes that scripts can use.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
	exitConflict = 4
	exitRefused  = 5
)

// run carries out one command line and answers its exit code: one line says what went wrong.
func run(args []string, s streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	parser, err := kong.New(&c, kong.Name("openclaw-commerce"), kong.Description("Omnichannel commerce for openclaw-pos: orders, stock and parcels across web shops and marketplaces."),
		kong.UsageOnError(), kong.Writers(s.out, s.err), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s), kong.Vars{"version": version()})
	if err != nil {
		fmt.Fprintln(s.err, "openclaw-commerce:", err)
		return exitFailed
	}
	k, err := parser.Parse(args)
	if err != nil {
		var usage *kong.ParseError
		if errors.As(err, &usage) {
			fmt.Fprintln(s.err, "openclaw-commerce:", err)
			return exitUsage
		}
		fmt.Fprintln(s.err, "openclaw-commerce:", err)
		return exitFailed
	}
	if err := k.Run(&c.Globals); err != nil {
		fmt.Fprintln(s.err, "openclaw-commerce:", oneLine(err))
		return exitCode(err)
	}
	return 0
}

// oneLine is what a person sees of an error: its message, without the inside.
func oneLine(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.Message(err)
	}
	return err.Error()
}

func exitCode(err error) int {
	switch fault.KindOf(err) {
	case fault.Invalid:
		return exitUsage
	case fault.NotFound:
		return exitNotFound
	case fault.Conflict:
		return exitConflict
	case fault.Refused, fault.Unauthorized, fault.Forbidden, fault.OutcomeUnknown:
		return exitRefused
	}
	return exitFailed
}

// version is what was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+"
			}
		}
	}
	if len(rev) > 12 {
		rev = rev[:12]
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	return v + " " + rev + dirty + " " + info.GoVersion
}
