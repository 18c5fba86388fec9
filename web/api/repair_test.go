package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/jobs"
)

// TestRepair puts right over HTTP what did not go by itself: an address, cash, credentials, stock numbers, work that was given up; and a buyer is forgotten.
func TestRepair(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := openWhole(t, url(t))
			w.furnish(t)
			w.corrects(t)
			w.counts(t)
			w.renews(t)
		})
	}
}

// corrects changes an order's address, reads it for a purpose, and destroys it.
func (w whole) corrects(t *testing.T) {
	t.Helper()
	order := "/v1/orders/" + w.place(t, "R-1")
	set := w.act(t, order, "changes", `{"address":{"name":"Amina","line_1":"House 9, Street 2","city":"Karachi","province":"Sindh"}}`, 201)
	w.do(t, "POST", order+"/changes/"+fmt.Sprint(set["id"])+"/confirm", "", "Idempotency-Key", db.ID()).want(t, 200)
	w.settle(t)
	if o := w.do(t, "GET", order, ""); strings.Contains(string(o.body), "House 9") || strings.Contains(string(o.body), "Amina") {
		t.Errorf("the order shows the address: %s", o.body)
	}
	w.do(t, "POST", order+"/personal", `{}`).want(t, 422)
	to, _ := w.do(t, "POST", order+"/personal", `{"purpose":"the driver asks"}`).want(t, 200).json(t)["ship_to"].(map[string]any)
	if to["line_1"] != "House 9, Street 2" || to["city"] != "Karachi" {
		t.Errorf("it goes to %v", to)
	}
	w.do(t, "POST", order+"/erase", `{"reason":"wish 12"}`, "Idempotency-Key", db.ID()).want(t, 200)
	if p := w.do(t, "POST", order+"/personal", `{"purpose":"the driver asks"}`).want(t, 404).json(t); p["code"] != "erased" {
		t.Errorf("what was erased is answered with %v", p)
	}
}

// counts takes cash on delivery to its end, with a step back.
func (w whole) counts(t *testing.T) {
	t.Helper()
	order := "/v1/orders/" + w.placePaid(t, "R-2", channel.Payment{External: "p1", Method: channel.PayCOD, Status: channel.Due, Collector: channel.Courier})
	is := func(want string) {
		t.Helper()
		pay := w.do(t, "GET", order, "").json(t)["payments"].([]any)[0].(map[string]any)["cash_on_delivery"].(map[string]any)
		if pay["state"] != want {
			t.Errorf("the cash is %v, not %s", pay["state"], want)
		}
	}
	is("due")
	w.act(t, order, "cash/confirm", `{}`, 200)
	is("collected")
	w.act(t, order, "cash/unconfirm", `{"reason":"a mistake"}`, 200)
	is("due")
	w.act(t, order, "cash/confirm", `{}`, 200)
	w.act(t, order, "cash/settle", `{"step":"hand_in"}`, 200)
	is("in_remittance")
	w.act(t, order, "cash/settle", `{"step":"remit","amount":{"amount":"1300.00","currency":"PKR"}}`, 200)
	is("remitted")
	w.do(t, "POST", order+"/cash/settle", `{"step":"remit","amount":{"amount":"1300.00","currency":"EUR"}}`, "If-Match", "*").want(t, 422)
}

// renews enters credentials, pushes stock again, and gives a job up.
func (w whole) renews(t *testing.T) {
	t.Helper()
	w.do(t, "POST", "/v1/accounts", `{"name":"daraz","channel":"daraz","country":"PK","currency":"PKR","settings":{"venture":"pk","app_key":"1"},"secrets":{"app_secret":"old"},"mode":"shadow","skip_check":true}`, "Idempotency-Key", db.ID()).want(t, 201)
	w.write(t, func(tx *db.Tx) error {
		_, err := tx.Exec(`update channel_accounts set state = 'unauthorized', state_cause = 'refused' where name = 'daraz'`)
		return err
	})
	a := w.act(t, "/v1/accounts/daraz", "authorize", `{"secrets":{"app_secret":"a new one"}}`, 200)
	if text := fmt.Sprint(a); a["state"] != "active" || strings.Contains(text, "a new one") {
		t.Errorf("the account is %v", a)
	}
	w.do(t, "POST", "/v1/accounts/daraz/authorize", `{"secrets":{"bogus":"x"}}`, "If-Match", "*").want(t, 422)
	w.do(t, "POST", "/v1/accounts/web/push-stock", "", "Idempotency-Key", db.ID()).want(t, 202)
	w.do(t, "POST", "/v1/tells/none/look", "", "Idempotency-Key", db.ID()).want(t, 404)
	w.write(t, func(tx *db.Tx) error {
		return jobs.Enqueue(tx, jobs.Job{ID: "lost", Kind: "nobody.does.this", Payload: map[string]string{}})
	})
	w.do(t, "GET", "/v1/jobs/lost", "").want(t, 200)
	w.do(t, "POST", "/v1/jobs/lost/discard", "", "Idempotency-Key", db.ID()).want(t, 200)
	w.do(t, "GET", "/v1/jobs/lost", "").want(t, 404)
}
