// Package backup makes backups of a database in use and makes databases of them. Start at Take and Restore.
//
// A backup is every row of one moment in a form that both engines take, compressed and encrypted with age (https://age-encryption.org/v1). The keys of personal data are
// in a second file, which must be gone after thirty days: without it a restored database has no personal data that can be read. What was erased since is not restored.
package backup

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// KeepKeys is how long files of keys may be kept: what is erased today can be read in no backup after it.
const KeepKeys = 30 * 24 * time.Hour

// keyTables are in the file of keys: the keys, and which of them must not come back.
var keyTables = map[string]bool{"personal_keys": true, "erasures": true}

// alsoData are tables of keyTables that are in the other file too.
var alsoData = map[string]bool{"erasures": true}

// Check asks a restored database whether everything holds, and lists what does not.
type Check func(ctx context.Context, pool *sql.DB) ([]string, error)

// Taking says what to back up, and where to.
type Taking struct {
	From    string // database url
	Out     string // file
	Keys    string // file of the keys of personal data; default Out with .keys at its end
	List    string // list that names the file of keys, for PruneListed; "" = none
	Lock    Lock
	Program string
	Trust   bool             // do not restore it on trial
	Scratch string           // database url for the trial: an empty one; default a temporary file, or a schema beside ours
	Check   Check            // asked of the trial
	Now     func() time.Time // what is past its time; nil = the clock
	// Progress is told how many rows of a table are done, with what is being done to them; nil tells nobody.
	Progress func(doing, table string, rows int64)
}

// Report says what was done.
type Report struct {
	Header
	File     string        `json:"file"`
	KeyFile  string        `json:"key_file,omitempty"`
	Size     int64         `json:"size"`
	Tables   int           `json:"tables"`
	Rows     int64         `json:"rows"`
	Verified bool          `json:"verified"`
	Pruned   []string      `json:"pruned,omitempty"` // files of keys that were past their time
	Erased   int           `json:"erased"`           // of a restore: keys that stayed away, since what they open was erased
	Took     time.Duration `json:"took_ns"`
}

func (t *Taking) told(doing, table string, rows int64) {
	if t.Progress != nil {
		t.Progress(doing, table, rows)
	}
}

// Take backs up a database while others use it. The files get their names when they are whole, durable and, unless trusted, restored on trial with every check passed; what
// goes wrong before leaves none. Faults: Conflict when there is a file already or a check fails, NotFound when there is no database.
func Take(ctx context.Context, t Taking) (r Report, err error) {
	start := time.Now()
	if t.Keys == "" {
		t.Keys = t.Out + ".keys"
	}
	snap, err := db.OpenSnapshot(ctx, t.From)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	r.Header = Header{Format: format, Kind: Data, Backup: db.ID(), TakenAt: snap.At.UTC().Truncate(time.Second), Engine: snap.Engine.String(), Schema: snap.Version, Program: t.Program}
	r.File, r.KeyFile = t.Out, t.Keys
	data, err := create(t.Out, r.Header, t.Lock)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, data.abandon()) }()
	of := r.Header
	of.Kind, of.ExpiresAt = Keys, of.TakenAt.Add(KeepKeys)
	keys, err := create(t.Keys, of, t.Lock)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, keys.abandon()) }()
	if err := t.write(ctx, snap, data, keys, &r); err != nil {
		return r, err
	}
	if r.Size, err = data.finish(); err != nil {
		return r, kept(err)
	}
	if _, err := keys.finish(); err != nil {
		return r, kept(err)
	}
	if !t.Trust {
		if err := t.verify(ctx, snap.Engine, r); err != nil {
			return r, err
		}
		r.Verified = true
	}
	if err := note(t.List, t.Keys); err != nil {
		return r, kept(err)
	}
	if err := errors.Join(keys.keep(), data.keep()); err != nil {
		return r, kept(err)
	}
	r.Pruned, err = Prune(filepath.Dir(t.Keys), clock(t.Now))
	r.Took = time.Since(start)
	return r, err
}

// clock is what a given clock shows, or the clock.
func clock(given func() time.Time) time.Time {
	if given != nil {
		return given()
	}
	return time.Now()
}

// kept gives errors of files their kind.
func kept(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "the backup cannot be written")
}

func (t *Taking) write(ctx context.Context, snap *db.Snapshot, data, keys *sealed, r *Report) error {
	for _, table := range snap.Tables {
		var into []*sealed
		if !keyTables[table.Name] || alsoData[table.Name] {
			into = append(into, data)
		}
		if keyTables[table.Name] {
			into = append(into, keys)
		}
		for _, f := range into {
			if err := f.table(table); err != nil {
				return kept(err)
			}
		}
		var n int64
		if err := snap.Each(ctx, table, func(values []any) error {
			if n++; n%10_000 == 0 {
				t.told("back up", table.Name, n)
			}
			for _, f := range into {
				if err := f.row(values); err != nil {
					return kept(err)
				}
			}
			return nil
		}); err != nil {
			return err
		}
		for _, f := range into {
			if err := f.tableEnd(); err != nil {
				return kept(err)
			}
		}
		r.Tables++
		r.Rows += n
		t.told("back up", table.Name, n)
	}
	return nil
}

// verify restores what was written on trial and asks whether everything holds.
func (t *Taking) verify(ctx context.Context, engine db.Engine, want Report) (err error) {
	scratch := t.Scratch
	switch {
	case scratch != "":
	case engine == db.SQLite:
		dir, err := os.MkdirTemp(filepath.Dir(t.Out), ".verify-")
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "there is no place to restore the backup on trial")
		}
		defer func() { _ = os.RemoveAll(dir) }()
		scratch = "sqlite:" + filepath.Join(dir, "trial.db")
	default:
		scratch = db.WithSchema(t.From, "commerce_trial_"+strings.ReplaceAll(db.ID(), "-", "")[20:])
	}
	l, err := db.OpenLoading(ctx, scratch, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Drop(context.WithoutCancel(ctx))) }()
	f := filling{Restoring: Restoring{
		To: scratch, From: t.Out + partial, Keys: t.Keys + partial, Who: t.Lock.identities(), Check: t.Check,
		Progress: func(_, table string, rows int64) { t.told("restore on trial", table, rows) },
	}, into: l}
	got, err := f.fill(ctx)
	if err != nil {
		return err
	}
	if got.Rows+int64(got.Erased) != want.Rows || got.Tables != want.Tables {
		return fault.New(fault.Conflict, "the backup has %d rows of %d tables, the database had %d of %d", got.Rows, got.Tables, want.Rows, want.Tables)
	}
	return nil
}

// Restoring says what to restore, and where to.
type Restoring struct {
	To     string     // database url of an empty database
	From   string     // file
	Keys   string     // file of the keys of personal data; "" restores none, so that none can be read
	Who    Identities // who opens it
	Erased []string   // lists of what was erased since: files of List, and files of keys of later backups
	Again  bool       // begin a restore that did not end afresh
	Check  Check
	Now    func() time.Time // whether keys are past their time; nil = the clock
	// Progress is told how many rows of a table are done, with what is being done to them; nil tells nobody.
	Progress func(doing, table string, rows int64)
}

// Restore makes a database of a backup. It appears in its place whole, after every check; what goes wrong before leaves a place that says it is incomplete. What the lists
// name as erased stays erased. Faults: Conflict when there is a database already, when an earlier restore did not end, or when a check fails; Invalid for a file that
// is damaged, or of keys past their time; Refused for the wrong key.
func Restore(ctx context.Context, o Restoring) (r Report, err error) {
	start := time.Now()
	if err := o.look(); err != nil {
		return r, err
	}
	l, err := db.OpenLoading(ctx, o.To, o.Again)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	f := filling{o, l}
	if r, err = f.fill(ctx); err != nil {
		return r, err
	}
	if err := l.Finish(ctx); err != nil {
		return r, err
	}
	r.Verified, r.Took = true, time.Since(start)
	return r, nil
}

// look opens the files before anything is made, so that a wrong key or name leaves nothing behind.
func (o *Restoring) look() error {
	data, err := open(o.From, Data, o.Who)
	if err != nil {
		return err
	}
	if err := data.close(); err != nil || o.Keys == "" {
		return err
	}
	keys, err := open(o.Keys, Keys, o.Who)
	if err != nil {
		return err
	}
	if keys.Backup != data.Backup {
		err = fault.New(fault.Invalid, "the file of keys is of another backup, taken at %s", keys.TakenAt.Format(time.RFC3339))
	}
	if !clock(o.Now).Before(keys.ExpiresAt) {
		err = fault.New(fault.Invalid, "the keys of personal data were to be gone by %s: restore without them", keys.ExpiresAt.Format(time.DateOnly))
	}
	return errors.Join(err, keys.close())
}

// filling is a restore on its way.
type filling struct {
	Restoring
	into *db.Loading
}

// fill puts everything in and asks the checks, but leaves it beside its place.
func (f filling) fill(ctx context.Context) (r Report, err error) {
	data, err := open(f.From, Data, f.Who)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, data.close()) }()
	r.Header, r.File, r.KeyFile = data.Header, f.From, f.Keys
	if err := f.into.Make(ctx, data.Schema); err != nil {
		return r, err
	}
	if err := f.tables(ctx, data, &r, nil); err != nil {
		return r, err
	}
	if err := f.into.Pause(ctx); err != nil {
		return r, err
	}
	away, err := f.erase(ctx, r.TakenAt)
	if err != nil {
		return r, err
	}
	if f.Keys != "" {
		if err := f.keys(ctx, &r, away); err != nil {
			return r, err
		}
	}
	if f.Check == nil {
		return r, nil
	}
	var broken []string
	if err := f.into.Look(ctx, func(pool *sql.DB) (err error) {
		broken, err = f.Check(ctx, pool)
		return err
	}); err != nil {
		return r, err
	}
	if len(broken) > 0 {
		return r, fault.New(fault.Conflict, "what was restored does not hold: %s", strings.Join(broken, "; "))
	}
	return r, nil
}

// tables puts tables in until the file ends. keep says of a row whether it goes in; nil keeps all.
func (f filling) tables(ctx context.Context, from *opened, r *Report, keep func(table db.Table, values []any) bool) error {
	for {
		t, more, err := from.next()
		if err != nil || !more {
			return err
		}
		if from.Kind == Keys && alsoData[t.Name] { // it came with the data
			for err == nil {
				_, err = from.row()
			}
			if !errors.Is(err, io.EOF) {
				return err
			}
			continue
		}
		var told int64
		n, err := f.into.Fill(ctx, t, func() ([]any, error) {
			for {
				values, err := from.row()
				if err != nil {
					return nil, err
				}
				if told++; told%10_000 == 0 && f.Progress != nil {
					f.Progress("restore", t.Name, told)
				}
				if keep == nil || keep(t, values) {
					return values, nil
				}
				r.Erased++
			}
		})
		if err != nil {
			return err
		}
		r.Tables++
		r.Rows += n
		if f.Progress != nil {
			f.Progress("restore", t.Name, told)
		}
	}
}

func (f filling) keys(ctx context.Context, r *Report, away map[string]bool) error {
	keys, err := open(f.Keys, Keys, f.Who)
	if err != nil {
		return err
	}
	err = f.tables(ctx, keys, r, func(t db.Table, values []any) bool {
		for i, c := range t.Columns {
			if id, text := values[i].(string); c.Name == "id" && text {
				return !away[id]
			}
		}
		return true
	})
	return errors.Join(err, keys.close(), f.into.Pause(ctx))
}
