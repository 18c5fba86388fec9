package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// ErasedList is the file in the data folder that names what was erased, so that a restored backup does not bring it back. Copies of it belong elsewhere.
const ErasedList = "erased.list"

// erase destroys everything personal of orders, wherever it is kept, in one transaction: records, raw payloads, labels, carts. The orders stay, marked; safe to repeat.
// It answers how many records went.
func (a *App) erase(tx *db.Tx, cause string, orders []privacy.Subject) (int, error) {
	byAccount := map[string][]string{}
	for _, o := range orders {
		byAccount[o.Account] = append(byAccount[o.Account], o.External)
	}
	var ours []string
	for account, externals := range byAccount {
		found, err := a.Order.ByExternal(tx, account, externals)
		if err != nil {
			return 0, err
		}
		for _, id := range found {
			ours = append(ours, id)
		}
	}
	slices.Sort(ours)
	if _, err := a.Order.Heads(tx, ours, true); err != nil { // who imports one of them now is waited for
		return 0, err
	}
	keys, err := a.Dispatch.Forget(tx, ours)
	if err != nil {
		return 0, err
	}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		if err := a.Connect.Erase(tx, account, byAccount[account]); err != nil {
			return 0, err
		}
		if err := a.Cart.Forget(tx, byAccount[account]); err != nil {
			return 0, err
		}
	}
	return a.Privacy.EraseOrders(tx, cause, orders, keys)
}

// eraseFar destroys what is kept of orders in other zones than the main one, and answers how many records went. It comes first: cut off after it, the wish is still open in the
// main database and is carried out again. Faults: Forbidden or Unavailable when a zone cannot be reached; then nothing of it was destroyed.
func (a *App) eraseFar(ctx context.Context, cause string, orders []privacy.Subject) (int, error) {
	byZone := map[string]map[string][]privacy.Subject{}
	zones := map[string]string{} // by account
	for _, o := range orders {
		name, known := zones[o.Account]
		if !known {
			var err error
			if name, err = a.zoneOf(ctx, o.Account); err != nil {
				return 0, err
			}
			zones[o.Account] = name
		}
		if name == vault.MainZone {
			continue
		}
		if byZone[name] == nil {
			byZone[name] = map[string][]privacy.Subject{}
		}
		byZone[name][o.Account] = append(byZone[name][o.Account], o)
	}
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(byZone)) {
		s, err := a.zoneStore(name)
		if err != nil {
			return sum, err
		}
		records := 0
		if err := s.Keep(ctx, func(tx *db.Tx) error {
			records = 0
			for _, account := range slices.Sorted(maps.Keys(byZone[name])) {
				if err := a.Connect.EraseRaw(tx, account, externalsOf(byZone[name][account])); err != nil {
					return err
				}
				n, err := s.EraseOrders(tx, cause, byZone[name][account], nil)
				if err != nil {
					return err
				}
				records += n
			}
			return nil
		}); err != nil {
			return sum, err
		}
		sum += records
	}
	return sum, nil
}

// eraseAgainIn is eraseAgain in a zone of its own.
func (a *App) eraseAgainIn(ctx context.Context, s *privacy.Store) error {
	var back []privacy.Subject
	err := s.Look(ctx, func(tx *db.Tx) (err error) {
		back, err = s.CameBack(tx, tx.Now.Add(-settled), 500)
		return err
	})
	if err == nil && len(back) > 0 {
		_, err = a.eraseFar(ctx, privacy.Retention, back)
	}
	return err
}

// settled is how long after an erasure something of it may still arrive that was under way.
const settled = 24 * time.Hour

// eraseAgain destroys what came of erased orders at the very moment of their erasure, writes the list, and takes off the disk what had to be left there.
func (a *App) eraseAgain(ctx context.Context) error {
	err := a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		back, err := a.Privacy.CameBack(tx, tx.Now.Add(-settled), 500)
		if err != nil || len(back) == 0 {
			return err
		}
		_, err = a.erase(tx, privacy.Retention, back)
		return err
	})
	return errors.Join(err, a.listErased(ctx), a.scrubLeft(ctx))
}

// listErased writes what is not on the list of erasures yet, durably. Any process may: each writes its own.
func (a *App) listErased(ctx context.Context) error {
	a.erased.Lock()
	defer a.erased.Unlock()
	path := filepath.Join(a.Config.Data, ErasedList)
	if a.erased.ids == nil {
		known, err := idsOnList(path)
		if err != nil {
			return err
		}
		a.erased.ids = known
	}
	for {
		var all []privacy.Erasure
		var last int64
		if err := a.DB.Read(ctx, func(tx *db.Tx) (err error) {
			all, last, err = privacy.Erasures(tx, a.erased.last, 1000)
			return err
		}); err != nil || len(all) == 0 {
			return err
		}
		fresh := slices.DeleteFunc(slices.Clone(all), func(e privacy.Erasure) bool { return a.erased.ids[e.ID] })
		if err := appendList(path, fresh); err != nil {
			return err
		}
		for _, e := range fresh {
			a.erased.ids[e.ID] = true
		}
		a.erased.last = last
	}
}

// idsOnList reads which erasures a list names.
func idsOnList(path string) (map[string]bool, error) {
	known := map[string]bool{}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := backup.ReadList(f)
	for _, e := range all {
		known[e.ID] = true
	}
	return known, errors.Join(err, f.Close())
}

// appendList adds lines and waits for the disk. What a writer that died left unfinished is cut off first.
func appendList(path string, all []privacy.Erasure) error {
	if len(all) == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	whole, err := cutLine(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Truncate(whole); err != nil {
		return errors.Join(err, f.Close())
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, e := range all {
		if err := enc.Encode(e); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Sync(), f.Close())
}

// cutLine is how long a file is without a last line that has no end.
func cutLine(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	one := make([]byte, 1)
	for size := info.Size(); ; size-- {
		if size == 0 {
			return 0, nil
		}
		if _, err := f.ReadAt(one, size-1); err != nil {
			return 0, err
		}
		if one[0] == '\n' {
			return size, nil
		}
	}
}

// forgotten has what was just erased be on the list, and off the disk where that is done at once.
func (a *App) forgotten(ctx context.Context) error {
	err := errors.Join(a.listErased(ctx), a.DB.Scrub(ctx))
	for _, name := range a.zonesUp() {
		if s, bad := a.zoneStore(name); bad == nil {
			err = errors.Join(err, s.DB().Scrub(ctx))
		}
	}
	return err
}
