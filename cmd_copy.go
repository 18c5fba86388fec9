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
	zoneFlag
}

// Run copies, compares and checks; the new database appears when all of it holds.
func (c *copyCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if c.From != "" && c.Zone != "" {
		return fault.Field("zone", "says which database is copied, and so does --from: say one of them")
	}
	from, err := c.store(g)
	if err != nil {
		return err
	}
	if c.From != "" {
		from = c.From
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
	start := "serve with the new --db and with the same key file"
	if c.Zone != "" {
		start = fmt.Sprintf("every serve that is allowed in the zone with the new --zone-db %s=URL and with the same key file of the zone", c.Zone)
	}
	if err == nil {
		_, err = fmt.Fprintf(s.out, "\nstart %s, and keep the old database until you trust the new one\n", start)
	}
	return err
}
