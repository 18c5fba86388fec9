package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// copyCmd moves a shop to another database.
type copyCmd struct {
	From string `help:"Database to copy: postgres://… or sqlite:PATH. Default: the one that serve uses." placeholder:"URL" env:"OPENCLAW_FROM"`
	To   string `help:"Empty database to copy into: postgres://…, with ?schema= if it is not to be commerce, or sqlite:PATH of a file that is not there yet." placeholder:"URL" required:"" env:"OPENCLAW_TO"`
}

// Run copies, compares and checks; the new database appears when all of it holds.
func (c *copyCmd) Run(ctx context.Context, g *Globals, s streams) error {
	from := c.From
	if from == "" {
		from = g.database()
	}
	if from == c.To {
		return fault.Field("to", "is the database that is copied")
	}
	unlock, err := g.alone(ctx)
	if err != nil {
		return err
	}
	show, done := s.tables(g.JSON)
	r, err := backup.Copy(ctx, backup.Copying{From: from, To: c.To, Check: check.Always, Progress: show})
	done()
	if err = errors.Join(err, unlock()); err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	_, err = fmt.Fprintf(s.out, "%d rows of %d tables are there, each compared with what it was copied from, and everything holds", r.Rows, r.Tables)
	if err == nil && r.Kept > 0 {
		_, err = fmt.Fprintf(s.out, "; %d tables had come over before", r.Kept)
	}
	if err == nil {
		_, err = fmt.Fprintln(s.out, "\nstart serve with the new --db and with the same key file, and keep the old database until you trust the new one")
	}
	return err
}
