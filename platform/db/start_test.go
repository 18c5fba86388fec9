package db_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestStartReadsNoTable holds that a start with nothing to migrate looks at no rows, which would take seconds where there are many: not even one whose foreign key points
// nowhere, which a migration would refuse, is noticed.
func TestStartReadsNoTable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := dbtest.SQLiteURL(t, true)
	d, err := db.Open(ctx, url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(ctx, nil); err != nil {
		t.Fatal(err)
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(url, "sqlite:"), "?")
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(ctx, `create table parents (id text primary key); create table children (id text primary key, parent text references parents (id)); insert into children values ('a', 'nobody')`); err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(ctx, nil); err != nil {
		t.Errorf("a second start: %v", err)
	}
}
