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

// person makes keys of people who sign in: the same name is the same person.
func (w whole) person(t *testing.T) func(name string, scopes ...access.Scope) string {
	known := map[string]access.User{}
	return func(name string, scopes ...access.Scope) string {
		t.Helper()
		who, there := known[name]
		if !there {
			var err error
			who, _, err = w.app.Users.Add(t.Context(), access.System("test"), access.NewUser{Email: name + "@example.com", Name: name, Grants: []access.Grant{{Role: access.Owner}}})
			if err != nil {
				t.Fatal(err)
			}
			known[name] = who
		}
		plain, _, err := w.app.Access.Create(t.Context(), who.Caller(), name, scopes, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + plain.Reveal()
	}
}

// both runs a story on a company in each engine.
func both(t *testing.T, story func(t *testing.T, w whole)) {
	t.Helper()
	for engine, url := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return dbtest.SQLiteURL(t, false) }, "postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := openWhole(t, url(t))
			w.furnish(t)
			story(t, w)
		})
	}
}

// waiting is the only approval that waits.
func (w whole) waiting(t *testing.T, who string) string {
	t.Helper()
	items, _ := w.do(t, "GET", "/v1/approvals", "", "Authorization", who).want(t, 200).json(t)["items"].([]any)
	if len(items) != 1 {
		t.Fatalf("%d approvals wait, want 1", len(items))
	}
	return items[0].(map[string]any)["id"].(string)
}

// TestPayoutLimit has a large payout wait for a second person, and a small one not.
func TestPayoutLimit(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w whole) {
		person := w.person(t)
		amina, omar := person("amina", access.Write), person("omar", access.Write)
		w.do(t, "PUT", "/v1/policy", `{"country":"PK","name":"second_person.payout","value":"amount > 500","unit":"expr","source":"house rule"}`, "Idempotency-Key", db.ID()).want(t, 200)
		number := w.placePaid(t, "A1", channel.Payment{External: "p1", Method: channel.PayCard, Status: channel.Paid})
		give := func(amount string) string {
			t.Helper()
			w.do(t, "POST", "/v1/orders/"+number+"/refunds", `{"amount":{"amount":"`+amount+`","currency":"PKR"},"reason":"broken","method":"payout"}`, "If-Match", "*", "Idempotency-Key", db.ID(), "Authorization", amina).want(t, 202)
			items, _ := w.do(t, "GET", "/v1/orders/"+number+"/refunds", "").want(t, 200).json(t)["items"].([]any)
			return items[len(items)-1].(map[string]any)["id"].(string)
		}
		state := func(id string) any { return w.do(t, "GET", "/v1/refunds/"+id, "").want(t, 200).json(t)["state"] }
		pay := func(id string) answer {
			return w.do(t, "POST", "/v1/refunds/"+id+"/paid-out", `{"reference":"bank-1"}`, "Idempotency-Key", db.ID(), "Authorization", amina)
		}
		small := give("100.00")
		pay(small).want(t, 200)
		large := give("600.00")
		was := state(large)
		if p := pay(large).want(t, 409).json(t); p["code"] != "second_person" {
			t.Fatalf("%v", p)
		}
		if now := state(large); now != was || now == state(small) {
			t.Errorf("a payout that waits is %v", now)
		}
		id := w.waiting(t, omar)
		w.do(t, "POST", "/v1/approvals/"+id+"/confirm", `{}`, "Idempotency-Key", db.ID(), "Authorization", amina).want(t, 403)
		w.do(t, "POST", "/v1/approvals/"+id+"/confirm", `{}`, "Idempotency-Key", db.ID(), "Authorization", omar).want(t, 200)
		if state(large) != state(small) {
			t.Errorf("a confirmed payout is %v", state(large))
		}
	})
}

// TestLimitOfSeveral has refunds and payouts that are each below the limit wait for a second person when together they are above it, whoever asks, and however they are asked for.
func TestLimitOfSeveral(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w whole) {
		person := w.person(t)
		amina, omar, zara := person("amina", access.Write), person("omar", access.Write), person("zara", access.Write)
		rule := func(name, value string) {
			w.do(t, "PUT", "/v1/policy", `{"country":"PK","name":"second_person.`+name+`","value":"`+value+`","unit":"expr","source":"house rule"}`, "Idempotency-Key", db.ID()).want(t, 200)
		}
		rule("refund", "amount > 500")
		rule("payout", "amount > 500 and amount - refunded > 200")
		ask := func(order, amount, who string) answer {
			return w.do(t, "POST", "/v1/orders/"+order+"/refunds", `{"amount":{"amount":"`+amount+`","currency":"PKR"},"reason":"broken","method":"payout"}`, "If-Match", "*", "Idempotency-Key", db.ID(), "Authorization", who)
		}
		last := func(order string) string {
			items, _ := w.do(t, "GET", "/v1/orders/"+order+"/refunds", "").want(t, 200).json(t)["items"].([]any)
			return items[len(items)-1].(map[string]any)["id"].(string)
		}
		act := func(id, what, body, who string) answer {
			return w.do(t, "POST", "/v1/refunds/"+id+"/"+what, body, "Idempotency-Key", db.ID(), "Authorization", who)
		}
		second := func(a answer) {
			t.Helper()
			if p := a.want(t, 409).json(t); p["code"] != "second_person" {
				t.Fatalf("%v", p)
			}
		}
		confirm := func() {
			t.Helper()
			w.do(t, "POST", "/v1/approvals/"+w.waiting(t, zara)+"/confirm", `{}`, "Idempotency-Key", db.ID(), "Authorization", zara).want(t, 200)
		}
		card := channel.Payment{External: "p1", Method: channel.PayCard, Status: channel.Paid}
		one, other := w.placePaid(t, "A1", card), w.placePaid(t, "A2", card)

		ask(one, "400.00", amina).want(t, 202)
		first := last(one)
		second(ask(one, "400.00", omar)) // somebody else is no way around it
		ask(other, "400.00", amina).want(t, 202)
		ask(one, "100.00", amina).want(t, 202) // exactly the limit
		second(ask(one, "0.01", amina))
		for _, x := range w.do(t, "GET", "/v1/approvals", "", "Authorization", zara).want(t, 200).json(t)["items"].([]any) {
			w.do(t, "POST", "/v1/approvals/"+x.(map[string]any)["id"].(string)+"/decline", `{"reason":"no"}`, "Idempotency-Key", db.ID(), "Authorization", zara).want(t, 200)
		}

		// What is taken back counts no more, and counts again when it is tried again.
		act(first, "drop", `{"reason":"mistaken"}`, amina).want(t, 200)
		ask(one, "350.00", amina).want(t, 202)
		large := last(one)
		second(act(first, "settle", `{"happened":false}`, amina))
		confirm()

		// Payouts are counted by what was paid out; this rule lets small ones through.
		act(first, "paid-out", `{"reference":"bank-1"}`, amina).want(t, 200)
		act(first, "paid-out", `{"reference":"bank-1"}`, amina).want(t, 200)
		second(act(large, "paid-out", `{"reference":"bank-2"}`, amina))
		confirm()
		ask(other, "10.00", amina).want(t, 202)

		// To say of a payout that was taken back that it happened is to pay it out.
		ask(one, "210.00", amina)
		confirm()
		again := last(one)
		act(again, "drop", `{"reason":"mistaken"}`, amina).want(t, 200)
		second(act(again, "settle", `{"happened":true,"external_id":"bank-3"}`, amina))
		confirm()
		if got := w.do(t, "GET", "/v1/refunds/"+again, "").want(t, 200).json(t); got["state"] != "issued" {
			t.Errorf("a confirmed payout is %v", got["state"])
		}
	})
}

// TestKeyExport has the keys of personal data leave only when two people allow it, where the business wants that, and has one person alone not change what it wants.
func TestKeyExport(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w whole) {
		person := w.person(t)
		amina, omar := person("amina", access.Admin), person("omar", access.Admin)
		use := func() answer { return w.do(t, "POST", "/v1/key-exports/use", `{}`, "Idempotency-Key", db.ID()) }
		rule := func(value, who string) answer {
			return w.do(t, "PUT", "/v1/policy", `{"name":"second_person.key_export","value":"`+value+`","unit":"expr","source":"house rule"}`, "Idempotency-Key", db.ID(), "Authorization", who)
		}
		used := func() int {
			items, _ := w.do(t, "GET", "/v1/audit?action=key_export.use", "").want(t, 200).json(t)["items"].([]any)
			return len(items)
		}
		use().want(t, 200) // one person is enough, and it is written down
		rule("true", amina).want(t, 200)
		if p := use().want(t, 403).json(t); p["code"] != "two_people" {
			t.Fatalf("what one person allowed before counts: %v", p)
		}
		ask := w.do(t, "POST", "/v1/key-exports", `{"reason":"nightly","hours":48}`, "Idempotency-Key", db.ID(), "Authorization", amina)
		if p := ask.want(t, 409).json(t); p["code"] != "second_person" {
			t.Fatalf("%v", p)
		}
		use().want(t, 403)
		confirm := func(id, who string) answer {
			return w.do(t, "POST", "/v1/approvals/"+id+"/confirm", `{}`, "Idempotency-Key", db.ID(), "Authorization", who)
		}
		id := w.waiting(t, omar)
		confirm(id, amina).want(t, 403)
		confirm(id, person("amina", access.Admin)).want(t, 403)
		use().want(t, 403)
		confirm(id, omar).want(t, 200)
		for range 2 {
			e := use().want(t, 200).json(t)
			if e["reason"] != "nightly" || e["used_at"] == nil || e["allowed_by"] == e["asked_by"] {
				t.Errorf("%v", e)
			}
		}
		if n := used(); n != 3 {
			t.Errorf("%d uses are in the audit log, not 3", n)
		}
		// Nobody loosens the rule alone.
		if p := rule("false", amina).want(t, 409).json(t); p["code"] != "second_person" {
			t.Fatalf("%v", p)
		}
		id = w.waiting(t, omar)
		confirm(id, amina).want(t, 403)
		w.do(t, "POST", "/v1/approvals/"+id+"/decline", `{"reason":"no"}`, "Idempotency-Key", db.ID(), "Authorization", omar).want(t, 200)
		rule("false", amina).want(t, 409)
		confirm(w.waiting(t, omar), omar).want(t, 200)
		w.do(t, "POST", "/v1/key-exports", `{"reason":"again"}`, "Idempotency-Key", db.ID(), "Authorization", amina).want(t, 201)
	})
}

// TestSecondPerson has a refund above a limit wait for somebody else, on both engines.
func TestSecondPerson(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w whole) {
		person := w.person(t)
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
		// Two keys of one person are one person, also when the second one was made with the first; a key that is nobody's is no person.
		if p := confirm(person("amina", access.Write)).want(t, 403).json(t); p["code"] != "same_person" {
			t.Errorf("%v", p)
		}
		made := w.do(t, "POST", "/v1/keys", `{"name":"another","scopes":["write"]}`, "Idempotency-Key", db.ID(), "Authorization", person("amina", access.Admin)).want(t, 201).json(t)
		if p := confirm("Bearer "+made["key"].(string)).want(t, 403).json(t); p["code"] != "same_person" {
			t.Errorf("%v", p)
		}
		plain, _, err := w.app.Access.Create(t.Context(), access.System("test"), "nobody", []access.Scope{access.Admin}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if p := confirm("Bearer "+plain.Reveal()).want(t, 403).json(t); p["code"] != "no_person" {
			t.Errorf("%v", p)
		}
		if p := refund("700.00", "Bearer "+plain.Reveal(), db.ID()).want(t, 403).json(t); p["code"] != "no_person" {
			t.Errorf("%v", p)
		}
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
