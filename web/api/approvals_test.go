package api_test

import (
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestSecondPerson has a refund above a limit wait for somebody else, on both engines.
func TestSecondPerson(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return dbtest.SQLiteURL(t, false) }, "postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := openWhole(t, url(t))
			w.furnish(t)
			person := func(name string, scopes ...access.Scope) string {
				plain, _, err := w.app.Access.Create(t.Context(), access.System("test"), name, scopes, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				return "Bearer " + plain.Reveal()
			}
			amina, omar, zara, guest := person("amina", access.Write), person("omar", access.Write), person("zara", access.Write), person("guest", access.Read)
			w.do(t, "PUT", "/v1/policy", `{"country":"PK","name":"second_person.refund","value":"amount > 500","unit":"expr","source":"house rule"}`, "Idempotency-Key", db.ID()).want(t, 200)
			number := w.placePaid(t, "A1", channel.Payment{External: "p1", Method: channel.PayCard, Status: channel.Paid})
			path := "/v1/orders/" + number + "/refunds"
			refund := func(amount, who, key string) answer {
				return w.do(t, "POST", path, `{"amount":{"amount":"`+amount+`","currency":"PKR"},"reason":"broken","method":"payout"}`, "If-Match", "*", "Idempotency-Key", key, "Authorization", who)
			}
			refunds := func() int {
				items, _ := w.do(t, "GET", path, "").want(t, 200).json(t)["items"].([]any)
				return len(items)
			}
			refund("100.00", amina, db.ID()).want(t, 202)
			key := db.ID()
			for range 2 { // asking again asks for the same
				if p := refund("600.00", amina, key).want(t, 409).json(t); p["code"] != "second_person" {
					t.Fatalf("%v", p)
				}
			}
			if n := refunds(); n != 1 {
				t.Fatalf("%d refunds before anybody confirmed", n)
			}
			items, _ := w.do(t, "GET", "/v1/approvals", "", "Authorization", omar).want(t, 200).json(t)["items"].([]any)
			if len(items) != 1 {
				t.Fatalf("%d approvals wait, want 1", len(items))
			}
			if others, _ := w.do(t, "GET", "/v1/approvals", "", "Authorization", guest).want(t, 200).json(t)["items"].([]any); len(others) != 0 {
				t.Errorf("who may not refund sees %d approvals", len(others))
			}
			id := items[0].(map[string]any)["id"].(string)
			confirm := func(who string) answer {
				return w.do(t, "POST", "/v1/approvals/"+id+"/confirm", `{}`, "Idempotency-Key", db.ID(), "Authorization", who)
			}
			confirm(amina).want(t, 403)
			confirm(guest).want(t, 403)
			// Of two who confirm at once one does it, and it is done once.
			var wg sync.WaitGroup
			var mu sync.Mutex
			got := map[int]int{}
			for _, who := range []string{omar, zara} {
				wg.Go(func() {
					a := confirm(who)
					mu.Lock()
					defer mu.Unlock()
					got[a.status]++
				})
			}
			wg.Wait()
			if got[200] != 1 || got[409] != 1 {
				t.Errorf("two confirmers were answered %v", got)
			}
			if n := refunds(); n != 2 {
				t.Errorf("%d refunds, want 2", n)
			}
			confirm(omar).want(t, 409)
			acts, _ := w.do(t, "GET", "/v1/audit?action=approval.confirm", "").want(t, 200).json(t)["items"].([]any)
			if len(acts) != 1 {
				t.Errorf("%d confirmations in the audit log", len(acts))
			}
			// One that is declined is not done, and cannot be confirmed any more.
			refund("550.00", amina, db.ID()).want(t, 409)
			items, _ = w.do(t, "GET", "/v1/approvals", "").want(t, 200).json(t)["items"].([]any)
			id = items[0].(map[string]any)["id"].(string)
			w.do(t, "POST", "/v1/approvals/"+id+"/decline", `{"reason":"no"}`, "Idempotency-Key", db.ID(), "Authorization", omar).want(t, 200)
			confirm(zara).want(t, 409)
			if n := refunds(); n != 2 {
				t.Errorf("%d refunds after one was declined", n)
			}
		})
	}
}
