package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// TestStage plays what waits for a person in the living demo, and mends the account from the console as a person does.
func TestStage(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := OpenStage(ctx, t.TempDir(), dbtest.SQLiteURL(t, false), 36)
	ok(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	sku, err := s.Short(ctx)
	ok(t, err)
	account, code, err := s.Revoke(ctx)
	ok(t, err)
	stall, err := s.play.daraz()
	ok(t, err)
	before := len(stall.sent())
	_, err = stall.sell(5)
	ok(t, err)
	placed := int64(len(stall.sent()) - before)
	had := one[int64](t, s.App, `select count(*) from orders where account_id = $1`, account)
	c := console(t, s)
	if page := c.get("/console/channels/" + account); !bytes.Contains(page, []byte(`name="set-code"`)) {
		t.Fatalf("the account's page has no field for the code: %s", page)
	}

	c.post("/console/channels/"+account+"/authorize", url.Values{"set-code": {code}})
	works, err := s.mended(ctx, account)
	ok(t, err)
	if !works {
		t.Fatal("the account does not work again")
	}
	if left, err := s.opened(exception.Filter{Cause: exception.AccountUnauthorized, Account: account})(ctx); err != nil || left == "" {
		t.Errorf("its case is open: %v", err)
	}
	ok(t, s.play.until(ctx, "the orders that waited are here", func(ctx context.Context) (string, error) {
		if n := one[int64](t, s.App, `select count(*) from orders where account_id = $1`, account); n < had+placed {
			return fmt.Sprintf("%d orders are not here", had+placed-n), nil
		}
		return "", nil
	}))

	ok(t, s.CampaignOver(sku))
	ok(t, s.App.Connect.PushStock(ctx, account, "clerk"))
	ok(t, s.play.until(ctx, "Daraz shows that nothing is left", func(context.Context) (string, error) {
		if n := stall.shop.Stock(sku).Sellable; n != 0 {
			return fmt.Sprintf("Daraz shows %d", n), nil
		}
		return "", nil
	}))
}

// browser is the owner at the console.
type browser struct {
	*http.Client
	t    *testing.T
	url  string
	form string
}

var csrf = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

func console(t *testing.T, s *Stage) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	ok(t, err)
	b := &browser{Client: &http.Client{Jar: jar}, t: t, url: s.URL}
	m := csrf.FindSubmatch(b.post("/console/signin", url.Values{"email": {StageEmail}, "password": {StagePassword}}))
	if m == nil {
		t.Fatal("nobody is signed in")
	}
	b.form = string(m[1])
	return b
}

func (b *browser) get(path string) []byte {
	b.t.Helper()
	res, err := b.Get(b.url + path)
	return b.page(res, err)
}

func (b *browser) post(path string, v url.Values) []byte {
	b.t.Helper()
	if b.form != "" {
		v.Set("csrf", b.form)
	}
	res, err := b.PostForm(b.url+path, v)
	return b.page(res, err)
}

func (b *browser) page(res *http.Response, err error) []byte {
	b.t.Helper()
	ok(b.t, err)
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		b.t.Fatalf("%d %v %s", res.StatusCode, err, text)
	}
	return text
}
