package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/web/api"
)

// oldKey is the age at which a key-encryption key wants to be replaced.
const oldKey = 365 * 24 * time.Hour

// security looks at an installation the way somebody who wants in would, and says what to mend.
func security(ctx context.Context, g *Globals, cl *client, s streams) error {
	var found [][]string
	mend := func(what, how string, args ...any) {
		found = append(found, []string{what, fmt.Sprintf(how, args...)})
	}
	if err := openFiles(g, mend); err != nil {
		return err
	}
	if g.AllowPrivate {
		mend("addresses", "private addresses are allowed: leave --allow-private out unless a partner is in the same network")
	}
	for _, look := range []func(context.Context, *client, func(string, string, ...any)) error{openPeople, openKeys, openVault} {
		if err := look(ctx, cl, mend); err != nil {
			return err
		}
	}
	if err := table(s.out, "WHAT MEND", found); err != nil || len(found) == 0 {
		return err
	}
	return fault.New(fault.Refused, "%d things to mend", len(found))
}

// openFiles finds what others on the machine can read.
func openFiles(g *Globals, mend func(string, string, ...any)) error {
	if runtime.GOOS == "windows" {
		return nil // rights are not modes there
	}
	return filepath.WalkDir(g.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if path == g.Data && info.Mode().Perm()&0o077 != 0 {
			mend("data folder", "others can look into %s: chmod 700 %s", path, path)
		}
		// Files within a folder of one's own are safe; those that hold keys are not to depend on it.
		if name := d.Name(); !d.IsDir() && info.Mode().Perm()&0o077 != 0 && (strings.HasSuffix(name, ".key") || name == servedFile || strings.HasPrefix(name, "commerce.db")) {
			mend("file", "others can read %s: chmod 600 %s", path, path)
		}
		return nil
	})
}

func openPeople(ctx context.Context, cl *client, mend func(string, string, ...any)) error {
	owners := 0
	for after := ""; ; {
		r, err := cl.get(ctx, "/users", Listing{Limit: 500, After: after}.query())
		if err != nil {
			return err
		}
		var p api.Page[access.User]
		if err := r.into(&p); err != nil {
			return err
		}
		for _, u := range p.Items {
			if u.State != access.Active {
				continue
			}
			owner := slices.ContainsFunc(u.Grants, func(g access.Grant) bool { return g.Role == access.Owner })
			if owner {
				owners++
			}
			if !u.TOTP && owner {
				mend("owner", "%s signs in without one-time codes: turn them on in the console", u.Email)
			}
		}
		if after = p.Next; after == "" {
			break
		}
	}
	if owners == 0 {
		mend("owner", "nobody owns this installation yet: whoever reads the set-up token of serve becomes the owner")
	}
	return nil
}

func openKeys(ctx context.Context, cl *client, mend func(string, string, ...any)) error {
	for after := ""; ; {
		r, err := cl.get(ctx, "/keys", Listing{Limit: 500, After: after}.query())
		if err != nil {
			return err
		}
		var p api.Page[access.Key]
		if err := r.into(&p); err != nil {
			return err
		}
		for _, k := range p.Items {
			if k.RevokedAt.IsZero() && k.ExpiresAt.IsZero() && slices.Contains(k.Scopes, access.Admin) {
				mend("API key", "%s (%s) may do everything and never ends: key rotate %s, and give the new one an end", k.Prefix, k.Name, k.Prefix)
			}
		}
		if after = p.Next; after == "" {
			return nil
		}
	}
}

func openVault(ctx context.Context, cl *client, mend func(string, string, ...any)) error {
	r, err := cl.get(ctx, "/vault", nil)
	if err != nil {
		return err
	}
	var st vault.Status
	if err := r.into(&st); err != nil {
		return err
	}
	for _, k := range st.Keys {
		if k.State == "active" && k.Purpose == vault.Credentials && time.Since(k.CreatedAt) > oldKey {
			mend("vault", "its keys are older than a year: vault rotate")
		}
	}
	if r, err = cl.get(ctx, "/audit/verify", nil); err != nil {
		return err
	}
	var rep audit.Report
	if err := r.into(&rep); err != nil {
		return err
	}
	if b := rep.Broken; b != nil {
		mend("audit log", "broken at position %d, row %d: %s", b.Position, b.N, b.Why)
	}
	return nil
}
