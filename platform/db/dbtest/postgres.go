package dbtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest/internal/cluster"
	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

// server is the url of the shared server and the name of its template, looked for once per process.
var server = sync.OnceValues(func() (where, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	address, err := cluster.Start(ctx)
	if err != nil {
		return where{}, err
	}
	w := where{admin: address}
	w.template, err = w.makeTemplate(ctx)
	return w, err
})

// where is a server and the template on it.
type where struct{ admin, template string }

func (w where) database(name string) string {
	u, err := url.Parse(w.admin)
	if err != nil {
		return w.admin
	}
	u.Path = "/" + name
	return u.String()
}

func (w where) do(ctx context.Context, text string) error {
	conn, err := pgx.Connect(ctx, w.admin)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, text)
	return err
}

// makeTemplate makes the migrated database that tests copy. Its name carries what the migrations say, so that another version of
// them never meets it; an advisory lock lets one process make it.
func (w where) makeTemplate(ctx context.Context) (string, error) {
	set, err := migrate.Load(migrate.Files())
	if err != nil {
		return "", err
	}
	text, err := set.Text(migrate.PostgreSQL)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	name := "commerce_tpl_" + hex.EncodeToString(sum[:8])
	conn, err := pgx.Connect(ctx, w.admin)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // gives the lock back
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", lockNumber(name)); err != nil {
		return "", err
	}
	var there bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there); err != nil || there {
		return name, err
	}
	if _, err := conn.Exec(ctx, "drop database if exists "+name+"_new with (force)"); err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, "create database "+name+"_new"); err != nil {
		return "", err
	}
	if err := migrated(ctx, w.database(name+"_new")); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "alter database "+name+"_new rename to "+name)
	return name, err
}

func lockNumber(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return int64(h.Sum64() >> 1)
}

func postgresCopy(ctx context.Context, t testing.TB) (string, error) {
	t.Helper()
	w, err := server()
	if err != nil {
		return "", err
	}
	name := "commerce_t_" + strings.ReplaceAll(db.ID(), "-", "")
	if err := w.do(ctx, "create database "+name+" template "+w.template); err != nil {
		return "", fmt.Errorf("copy the template: %w", err)
	}
	t.Cleanup(func() {
		if err := w.do(context.Background(), "drop database if exists "+name+" with (force)"); err != nil {
			t.Error(err)
		}
	})
	return w.database(name), nil
}

// postgresScript runs several statements in our schema.
func postgresScript(ctx context.Context, address, ddl string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.PgConn().Exec(ctx, "create schema if not exists commerce; set search_path to commerce; "+migrate.PostgreSQL(ddl)).ReadAll()
	return err
}

// sqliteScript runs several statements on a file that nobody else has open.
func sqliteScript(path, ddl string) error {
	conn, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Exec(migrate.SQLite(ddl))
	return err
}
