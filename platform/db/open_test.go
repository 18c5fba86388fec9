package db_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestOpenWrong is what a person sees who mistypes the address of the database.
func TestOpenWrong(t *testing.T) {
	t.Parallel()
	right := dbtest.PostgresURL(t)
	for name, c := range map[string]struct {
		edit func(u *url.URL)
		kind fault.Kind
		says string
	}{
		"the database does not exist": {func(u *url.URL) { u.Path = "/nowhere" }, fault.Invalid, "there is no such database"},
		"nobody listens there":        {func(u *url.URL) { u.Host = "127.0.0.1:1" }, fault.Unavailable, "cannot be reached"},
		"the user does not exist":     {func(u *url.URL) { u.User = url.User("nobody-we-know") }, fault.Invalid, "does not let this user in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(right)
			if err != nil {
				t.Fatal(err)
			}
			c.edit(u)
			d, err := db.Open(t.Context(), u.String(), db.Options{})
			if err == nil {
				t.Fatal(d.Close())
			}
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
