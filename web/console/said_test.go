package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// TestSaid holds that what services say comes in the language of the person: reasons of sourcing, facts of cases, causes of accounts, settings of partners,
// and why something was refused.
func TestSaid(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		x := find(t, s)
		says := func(lang, path string, want ...string) string {
			t.Helper()
			p.post(t, "/console/prefs", url.Values{"lang": {lang}})
			page := p.get(t, path).body
			for _, text := range want {
				if !strings.Contains(page, text) {
					t.Errorf("%s in %s does not say %s: %s", path, lang, text, page)
				}
			}
			return page
		}
		var f fulfillment.FO
		read(t, s, func(tx *db.Tx) (err error) { f, err = s.App.Fulfillment.Get(tx, x.work); return err })
		if _, err := s.App.Fulfillment.Reject(t.Context(), f.ID, 0, "test", fulfillment.Closed, nil); err != nil {
			t.Fatal(err)
		}
		settle(t, s)
		source := "/console/orders/" + f.OrderID + "/source"
		says("en", source, "<bdi>turned it down: the location is closed</bdi>")
		for lang, why := range map[string]string{"ur": "واپس کر دیا: جگہ بند ہے", "ar": "رفضه: الموقع مغلق"} {
			if page := says(lang, source, why); strings.Contains(page, `<bdi lang="en">`) {
				t.Errorf("a reason is still English in %s: %s", lang, page)
			}
		}

		write(t, s, func(tx *db.Tx) error {
			return exception.Raise(tx, exception.Case{Cause: exception.OutcomeUnknown, SubjectKind: "tell", Subject: "said", Account: x.account, Detail: map[string]any{
				"act": "ship", "reason": "an answer was lost and pk-shop cannot be asked what became of it", "amount": money.Of(125000, "PKR"), "at": s.App.DB.Now().Add(-2 * time.Hour), "note": "call Ali first", "new_fact": "x",
			}})
		})
		var id string
		read(t, s, func(tx *db.Tx) error {
			rows, _, err := exception.List(tx, exception.Filter{Cause: exception.OutcomeUnknown, Account: x.account}, "", 50)
			for _, r := range rows {
				if r.Subject == "said" {
					id = r.ID
				}
			}
			return err
		})
		says("ur", "/console/exceptions/"+id, "چینل کو کیا بتایا جاتا ہے", "کہ روانہ ہوا", "<bdi>pk-shop</bdi> سے نہیں پوچھا جا سکتا", "1,250.00", "2 گھنٹے پہلے", `<bdi lang="en">call Ali first</bdi>`, `<bdi lang="en">new fact</bdi>`)
		says("en", "/console/exceptions/"+id, "What the channel is told", "That it left", "<bdi>an answer was lost and pk-shop", "2 h ago")

		if err := s.App.Connect.Pause(t.Context(), x.account, "test", "the account's budget at the partner is used up"); err != nil {
			t.Fatal(err)
		}
		says("ar", "/console/", "نفدت حصة الحساب لدى الشريك")
		says("ar", "/console/channels/"+x.account, "نفدت حصة الحساب لدى الشريك")
		for _, kind := range []string{"shopify", "daraz", "ownsite"} {
			for _, lang := range []string{"ur", "ar"} {
				if page := says(lang, "/console/new-account/"+kind); strings.Contains(page, ` lang="en">`) {
					t.Errorf("the form of %s is partly English in %s: %s", kind, lang, page)
				}
			}
		}

		says("ur", "/console/orders/none", "آرڈر <bdi>none</bdi> نہیں ہے")
		at := "/console/orders/" + x.order
		if a := p.post(t, at+"/hold", nil, "Referer", s.URL+at); a.status != http.StatusOK || !strings.Contains(a.body, "وجہ: خالی ہے: دوسروں کو بتاتا ہے کہ آرڈر کیوں رکا ہے") {
			t.Errorf("a hold without a reason: %d %s", a.status, a.body)
		}
	})
}

// TestCancelAmount holds that what units cost is written as amounts are elsewhere.
func TestCancelAmount(t *testing.T) {
	t.Parallel()
	s := company(t, 24)
	p := enter(t, s, demo.StageEmail)
	thousands := regexp.MustCompile(`<dd><bdi class="money">[^<]*[0-9],[0-9]{3}`)
	for _, h := range headsOf(t, s) {
		if h.Sums.Total < 200_000 || h.Units.Open == 0 || h.Units.Shipped > 0 {
			continue
		}
		if a := p.get(t, "/console/orders/"+h.ID+"/cancel"); !thousands.MatchString(a.body) {
			t.Errorf("order %s: %s", h.Number, a.body)
		}
		return
	}
	t.Fatal("no order costs thousands")
}
