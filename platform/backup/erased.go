package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"filippo.io/age"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Identities open backups.
type Identities []age.Identity

func (l Lock) identities() Identities { return Identities{l.own} }

// erase applies what was erased, as the backup knows it and as the lists say, before any key is put in, and notes when the backup was taken. It answers the keys that must stay away.
func (f filling) erase(ctx context.Context, taken time.Time) (away map[string]bool, err error) {
	var list []privacy.Erasure
	for _, path := range f.Erased {
		more, err := f.erasures(path)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	d, err := db.Open(ctx, f.into.URL(), db.Options{Pool: 2, NoSync: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	err = d.Write(ctx, func(tx *db.Tx) (err error) {
		if away, err = privacy.Restoring(tx, list); err != nil {
			return err
		}
		return privacy.NoteRestored(tx, taken)
	})
	return away, err
}

// erasures reads a list: a file that privacy keeps, or a file of keys.
func (f filling) erasures(path string) ([]privacy.Erasure, error) {
	if h, err := Show(path); err == nil && h.Kind == Keys {
		return f.erasuresOf(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "the list of erasures "+path+" cannot be opened")
	}
	defer func() { _ = file.Close() }()
	return ReadList(file)
}

// erasuresOf reads the erasures in a file of keys.
func (f filling) erasuresOf(path string) (all []privacy.Erasure, err error) {
	keys, err := open(path, Keys, f.Who)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, keys.close()) }()
	for {
		t, more, err := keys.next()
		if err != nil || !more {
			return all, err
		}
		for {
			values, err := keys.row()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if t.Name == "erasures" {
				all = append(all, erasureOf(t, values))
			}
		}
	}
}

func erasureOf(t db.Table, values []any) (e privacy.Erasure) {
	text := map[string]string{}
	for i, c := range t.Columns {
		switch v := values[i].(type) {
		case string:
			text[c.Name] = v
		case int64:
			if c.Name == "at" {
				e.At = time.UnixMicro(v).UTC()
			}
		}
	}
	e.ID, e.Kind, e.Account, e.Subject, e.Cause = text["id"], privacy.Gone(text["kind"]), text["account_id"], text["subject"], text["cause"]
	return e
}

// ReadList reads a list of erasures: JSON, one a line. A last line that is not whole is left out: its writer died, and writes it again. Fault: Invalid for any other line
// that is none.
func ReadList(from io.Reader) ([]privacy.Erasure, error) {
	var all []privacy.Erasure
	lines := bufio.NewReader(from)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var e privacy.Erasure
		if err := json.Unmarshal(line, &e); err != nil || e.ID == "" || e.Subject == "" || e.Kind != privacy.GoneOrder && e.Kind != privacy.GoneKey {
			return nil, fault.New(fault.Invalid, "line %d of the list of erasures cannot be read", n)
		}
		all = append(all, e)
	}
}
