package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// passphraseEnv is where a backup's passphrase may stand: never in an argument.
const passphraseEnv = "OPENCLAW_BACKUP_PASSPHRASE"

// passphraseFlags are where a passphrase comes from.
type passphraseFlags struct {
	PassphraseFile string `help:"A passphrase from a file; also from OPENCLAW_BACKUP_PASSPHRASE in the environment, else it is asked for." placeholder:"PATH"`
}

func (c passphraseFlags) passphrase(s streams, twice bool) (string, error) {
	if c.PassphraseFile != "" {
		b, err := os.ReadFile(c.PassphraseFile)
		if err != nil {
			return "", fault.Field("passphrase-file", "%s cannot be read", c.PassphraseFile)
		}
		return strings.TrimSpace(string(b)), nil
	}
	if v := os.Getenv(passphraseEnv); v != "" {
		return v, nil
	}
	if !s.person() {
		return "", fault.Field("passphrase-file", "nobody says who may open the backup: say --passphrase-file PATH, set %s, or name an age key", passphraseEnv)
	}
	first, err := s.secretly("Passphrase of the backup")
	if err != nil || !twice {
		return first, err
	}
	again, err := s.secretly("Once more")
	if err == nil && again != first {
		err = fault.Field("passphrase", "the two are not the same")
	}
	return first, err
}

type backupCmd struct {
	Out       string   `help:"File to write." required:"" placeholder:"FILE"`
	Keys      string   `help:"File for the keys of personal data, to be kept apart and no longer than 30 days. Default: the other file's name with .keys at its end." placeholder:"FILE"`
	Recipient []string `help:"An age key (age1…) whose holder may open it. Repeatable. Without one a passphrase opens it." placeholder:"age1…"`
	passphraseFlags
	Verify  bool   `help:"Restore it on trial and check that everything holds before it gets its name." default:"true" negatable:""`
	Scratch string `help:"An empty database for the trial. Default: a temporary file beside FILE, or a schema of its own beside ours." placeholder:"URL"`
	zoneFlag
}

// zoneFlag says that a residency zone's store is meant.
type zoneFlag struct {
	Zone string `help:"The store of this residency zone, named with --zone-db, instead of the main database." placeholder:"NAME"`
}

// store is the url of the database that is meant.
func (z zoneFlag) store(g *Globals) (string, error) {
	if z.Zone == "" || z.Zone == vault.MainZone {
		return g.database(), nil
	}
	url := g.Zones[z.Zone]
	if url == "" {
		return "", fault.Field("zone", "no zone is called %s here: say --zone-db %s=URL", z.Zone, z.Zone)
	}
	return url, nil
}

// Run backs up while others use the database.
func (c *backupCmd) Run(ctx context.Context, g *Globals, s streams) error {
	lock, err := c.lock(s)
	if err != nil {
		return err
	}
	from, err := c.store(g)
	if err != nil {
		return err
	}
	// The keys of personal data leave with it: the policy may want two people for that.
	if err := g.with(ctx, s, func(cl *client) error {
		_, err := cl.act(ctx, http.MethodPost, "/key-exports/use", "", map[string]any{})
		return err
	}); err != nil {
		return err
	}
	show, done := s.tables(g.JSON)
	r, err := backup.Take(ctx, backup.Taking{
		From: from, Out: c.Out, Keys: c.Keys, List: filepath.Join(g.Data, app.KeyFiles), Lock: lock, Program: version(), Trust: !c.Verify, Scratch: c.Scratch, Check: check.Always, Progress: show,
	})
	done()
	if err != nil {
		return err
	}
	return g.recorded(ctx, s, "taken", r)
}

func (c *backupCmd) lock(s streams) (backup.Lock, error) {
	if len(c.Recipient) > 0 {
		return backup.LockTo(c.Recipient)
	}
	phrase, err := c.passphrase(s, true)
	if err != nil {
		return backup.Lock{}, err
	}
	return backup.LockWith(phrase)
}

type restoreCmd struct {
	From     string   `help:"Backup to restore." required:"" placeholder:"FILE"`
	Keys     string   `help:"Its file of the keys of personal data." placeholder:"FILE" xor:"keys" required:""`
	NoKeys   bool     `help:"Restore no personal data: the file of keys is gone, as it has to be after 30 days." xor:"keys" required:""`
	Identity string   `help:"File with the age key that opens it; without one a passphrase does." placeholder:"PATH"`
	Erased   []string `help:"What was erased since: a list that this program keeps (erased.list in the data folder, which is taken if it is there), or the file of keys of a later backup. Repeatable." placeholder:"FILE"`
	Again    bool     `help:"Begin a restore that did not end afresh."`
	zoneFlag
	passphraseFlags
}

// Run makes a database of a backup.
func (c *restoreCmd) Run(ctx context.Context, g *Globals, s streams) error {
	unlock, err := g.alone(ctx)
	if err != nil {
		return err
	}
	r, err := c.restore(ctx, g, s)
	if err = errors.Join(err, unlock()); err != nil {
		return err
	}
	if err := g.recorded(ctx, s, "restored", r); err != nil {
		return fault.Wrap(fault.KindOf(err), err, "the database was restored, but cannot be opened yet: "+oneLine(err))
	}
	return nil
}

func (c *restoreCmd) restore(ctx context.Context, g *Globals, s streams) (r backup.Report, err error) {
	to, err := c.store(g)
	if err != nil {
		return r, err
	}
	o := backup.Restoring{To: to, From: c.From, Keys: c.Keys, Erased: c.Erased, Again: c.Again, Check: check.Always}
	if c.Identity != "" {
		f, err := os.Open(c.Identity)
		if err != nil {
			return r, fault.Field("identity", "%s cannot be read", c.Identity)
		}
		o.Who, err = backup.OpenFor(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return r, err
		}
	} else {
		phrase, err := c.passphrase(s, false)
		if err != nil {
			return r, err
		}
		if o.Who, err = backup.OpenWith(phrase); err != nil {
			return r, err
		}
	}
	if own := filepath.Join(g.Data, app.ErasedList); len(c.Erased) == 0 {
		if _, err := os.Stat(own); err == nil {
			o.Erased = []string{own}
		}
	}
	show, done := s.tables(g.JSON)
	defer done()
	o.Progress = show
	return backup.Restore(ctx, o)
}

// database is the url of the database that commands work on.
func (g *Globals) database() string {
	if g.DB != "" {
		return g.DB
	}
	return "sqlite:" + filepath.Join(g.Data, "commerce.db")
}

// recorded writes a backup or a restore into the audit log and says what was done.
func (g *Globals) recorded(ctx context.Context, s streams, what string, r backup.Report) error {
	return g.with(ctx, s, func(cl *client) error {
		if _, err := cl.act(ctx, http.MethodPost, "/backups", "", map[string]any{
			"backup": r.Backup, "act": what, "taken_at": r.TakenAt, "verified": r.Verified, "rows": r.Rows, "erased": r.Erased,
		}); err != nil {
			return err
		}
		if g.JSON {
			return json.NewEncoder(s.out).Encode(r)
		}
		_, err := io.WriteString(s.out, said(what, r))
		return err
	})
}

func said(what string, r backup.Report) string {
	var b strings.Builder
	if what == "restored" {
		fmt.Fprintf(&b, "restored %d rows of %d tables, as they were at %s\n", r.Rows, r.Tables, r.TakenAt.Format(time.RFC3339))
		if r.KeyFile == "" {
			b.WriteString("no personal data can be read: its keys were not restored\n")
		}
		if r.Erased > 0 {
			fmt.Fprintf(&b, "%d keys stayed away, since what they open was erased\n", r.Erased)
		}
		return b.String()
	}
	verified := "not restored on trial"
	if r.Verified {
		verified = "restored on trial, and everything holds"
	}
	fmt.Fprintf(&b, "%s\t%d rows of %d tables, %d bytes, %s\n%s\tkeys of personal data, to be gone by %s\n",
		r.File, r.Rows, r.Tables, r.Size, verified, r.KeyFile, r.TakenAt.Add(backup.KeepKeys).Format(time.DateOnly))
	for _, p := range r.Pruned {
		fmt.Fprintf(&b, "%s\tdeleted: its time was over\n", p)
	}
	return b.String()
}

// tables shows which table is being worked on, where a person watches.
func (s streams) tables(quiet bool) (show func(doing, table string, rows int64), done func()) {
	if quiet || !term.IsTerminal(int(s.err.Fd())) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(s.err), progressbar.OptionClearOnFinish(), progressbar.OptionSpinnerType(14))
	return func(doing, table string, rows int64) {
		bar.Describe(fmt.Sprintf("%s %s: %d", doing, table, rows))
		_ = bar.Add(1)
	}, func() { _ = bar.Finish() }
}
