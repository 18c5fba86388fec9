package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/web/console"
)

const (
	deskEmail    = "amina@bench.example"
	deskPassword = "a long password of the bench only"
)

// desk is a person at the console, without a browser: what is measured is the server.
type desk struct {
	h      *house
	server *httptest.Server
	client *http.Client

	largest int64 // bytes of HTML of the largest page, before compression
}

// desk signs the owner in; the first call on a data set makes them.
func (h *house) desk(ctx context.Context) (*desk, error) {
	token, err := h.app.Users.FirstRun(ctx)
	if err != nil {
		return nil, err
	}
	if token.Reveal() != "" {
		if _, err := h.app.Users.SetUp(ctx, access.NewOwner{Token: token.Reveal(), Email: deskEmail, Name: "Amina", Password: deskPassword}); err != nil {
			return nil, err
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	d := &desk{h: h, server: httptest.NewServer(h.app.Handler()), client: &http.Client{Jar: jar}}
	res, err := d.client.PostForm(d.server.URL+console.Base+"/signin", url.Values{"email": {deskEmail}, "password": {deskPassword}})
	if err != nil {
		d.close()
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err == nil && !strings.Contains(string(body), "/signout") {
		err = fmt.Errorf("the console lets nobody in: %s", res.Status)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *desk) close() { d.server.Close() }

// open asks for a page and reads it to its end.
func (d *desk) open(ctx context.Context, path string) error {
	n, err := fetch(ctx, d.client, d.server.URL+console.Base+path)
	d.largest = max(d.largest, n)
	return err
}

// fetch reads what an address answers to its end, and counts the bytes.
func fetch(ctx context.Context, by *http.Client, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	res, err := by.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return n, err
}

// questions are pages that people open all day.
func (d *desk) questions(ctx context.Context) ([]question, error) {
	ids, err := d.h.texts(ctx, `select id from orders order by created_at desc, id desc limit 2000`)
	if err != nil {
		return nil, err
	}
	numbers, err := d.h.texts(ctx, `select number from orders order by created_at, id limit 2000`)
	if err != nil {
		return nil, err
	}
	page := func(name, path string) question {
		return question{"console_" + name, func(ctx context.Context, _ *rand.Rand) error { return d.open(ctx, path) }}
	}
	newest, err := d.h.count(ctx, `select max(placed_at) from orders`)
	if err != nil {
		return nil, err
	}
	month := time.UnixMicro(newest).UTC().AddDate(0, 0, -30).Format(time.DateOnly) // of the data set, which may be old
	return []question{
		page("today", "/"),
		page("orders", "/orders"),
		page("orders_to_pick", "/orders?tab=pick"),
		page("orders_review", "/orders?tab=review"),
		page("orders_late", "/orders?due=late"),
		page("orders_cash_month", "/orders?cod=yes&from="+month),
		page("orders_value", "/orders?currency=PKR&least=4000"),
		page("orders_sku", "/orders?sku="+skuOf(1)),
		page("exceptions", "/exceptions"),
		page("work", "/work"),
		page("handover", "/handover"),
		page("stock", "/stock"),
		page("sku", "/stock/"+skuOf(1)),
		page("channels", "/channels"),
		page("jobs", "/jobs"),
		page("audit", "/audit"),
		{"console_order", func(ctx context.Context, rnd *rand.Rand) error {
			return d.open(ctx, "/orders/"+ids[rnd.IntN(len(ids))])
		}},
		{"console_find", func(ctx context.Context, rnd *rand.Rand) error {
			n := numbers[rnd.IntN(len(numbers))]
			return d.open(ctx, "/find?q="+url.QueryEscape(n[max(0, len(n)-6):]))
		}},
	}, nil
}
