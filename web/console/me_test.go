package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestMe holds that everybody who has signed in sees and changes how they themselves sign in, and nobody else does.
func TestMe(t *testing.T) {
	t.Parallel()
	s := company(t, 3)
	picker := hire(t, s, access.Picker)
	sessions := func(email string) (all []access.Session) {
		t.Helper()
		if err := s.App.DB.Read(t.Context(), func(tx *db.Tx) error {
			u, err := access.UserByID(tx, email)
			if err != nil {
				return err
			}
			all, err = access.Sessions(tx, u.ID, "", 10)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}

	if a := visitor(s).get(t, "/console/me"); !strings.HasPrefix(a.at, "/console/signin") {
		t.Errorf("a stranger is at %s", a.at)
	}
	if a := visitor(s).post(t, "/console/me/ask", url.Values{}); strings.Contains(a.body, "challenge") {
		t.Errorf("a stranger is asked: %s", a.body)
	}
	a := picker.get(t, "/console/me")
	if a.status != http.StatusOK || !strings.Contains(a.body, "this one") || !strings.Contains(a.body, "http://localhost:") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := picker.post(t, "/console/me/ask", url.Values{}); a.status != http.StatusOK || !strings.Contains(a.body, `"challenge"`) {
		t.Errorf("asked for a passkey: %d %s", a.status, a.body)
	}
	if a := picker.post(t, "/console/me/passkeys", url.Values{"ceremony": {"x"}, "answer": {"{}"}}); !strings.Contains(a.body, "try again") {
		t.Errorf("added out of nothing: %d %s", a.status, a.body)
	}
	for _, act := range []string{"rename", "remove", "x"} {
		if a := picker.post(t, "/console/me/passkeys/none/"+act, url.Values{"name": {"x"}}); !strings.Contains(a.body, "there is no such") {
			t.Errorf("%s: %d %s", act, a.status, a.body)
		}
	}

	owner := enter(t, s, demo.StageEmail)
	hers := sessions(demo.StageEmail)[0].ID
	if a := picker.post(t, "/console/me/sessions/end", url.Values{"session": {hers}}); !strings.Contains(a.body, "there is no such session") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := owner.get(t, "/console/me"); a.status != http.StatusOK {
		t.Errorf("signed out by another: %d", a.status)
	}
	second := enter(t, s, "picker@example.com")
	for _, x := range sessions("picker@example.com")[1:] {
		picker.post(t, "/console/me/sessions/end", url.Values{"session": {x.ID}})
	}
	if a := second.get(t, "/console/me"); !strings.HasPrefix(a.at, "/console/signin") {
		t.Errorf("still signed in at %s", a.at)
	}
	if a := picker.get(t, "/console/me"); a.status != http.StatusOK || strings.HasPrefix(a.at, "/console/signin") {
		t.Errorf("signed out: %s", a.at)
	}
}

// TestPasskeyDoor holds what the door answers without a passkey: a question for the script, and no way in.
func TestPasskeyDoor(t *testing.T) {
	t.Parallel()
	s := company(t, 3)
	p := visitor(s)
	if a := p.get(t, "/console/signin"); strings.Contains(a.body, "data-passkey") {
		t.Error("offered where a browser refuses it: the name is another")
	}
	a := p.post(t, "/console/signin/ask", url.Values{})
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" || !strings.Contains(a.body, `"rpId":"localhost"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, answer := range []string{"", "{}", strings.Repeat("x", 1<<17)} {
		if a := p.post(t, "/console/signin/passkey", url.Values{"ceremony": {"x"}, "answer": {answer}}); a.status != http.StatusUnauthorized {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := p.post(t, "/console/signin/ask", url.Values{}, "Sec-Fetch-Site", "cross-site"); a.status != http.StatusForbidden {
		t.Errorf("from another site: %d", a.status)
	}
}
