package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/sim/torture"
)

// simTorture runs this very program against partners that misbehave, and kills it again and again.
type simTorture struct {
	Seed    uint64  `help:"Same seed, same workload and faults." default:"1"`
	Minutes float64 `help:"How long orders and faults go on; settling and checking come on top." default:"1"`
	Keep    string  `help:"Folder for database, logs and record; default a temporary one, which only a failure leaves behind."`
	Old     string  `help:"An earlier version of this program, which on PostgreSQL runs beside it now and then." type:"existingfile"`
	Mix     string  `help:"Weights of what befalls the program and its database, such as frozen=20,crashed=5."`
	NoSync  bool    `name:"no-sync" help:"A PostgreSQL without fsync will do."`
}

// Run plays one seed; --db postgres has a PostgreSQL server of its own; it fails where an invariant does not hold, and says which and where to look.
func (c *simTorture) Run(ctx context.Context, g *Globals, s streams) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	mix, err := torture.Mix(c.Mix)
	if err != nil {
		return fault.Field("mix", "%s", err)
	}
	opt := torture.Options{Program: program, Old: c.Old, Seed: c.Seed, For: time.Duration(c.Minutes * float64(time.Minute)), Dir: c.Keep, Keep: c.Keep != "", NoSync: c.NoSync, Mix: mix, Out: s.err}
	if strings.HasPrefix(g.DB, "postgres") {
		opt.DB = g.DB
	}
	report, err := torture.Run(ctx, opt)
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	return errors.Join(err, enc.Encode(report))
}
