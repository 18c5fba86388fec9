package console

import (
	"testing"

	"github.com/openclaw-pos/commerce/platform/access"
)

// TestRoutes holds that every route names a permission there is, and that only the door is open to everybody.
func TestRoutes(t *testing.T) {
	t.Parallel()
	open := map[string]bool{"signin": true, "signin.do": true, "setup": true, "setup.do": true, "accept": true, "accept.do": true, "signout": true, "prefs": true, "signin.ask": true, "signin.passkey": true}
	for _, r := range (&Console{}).routes() {
		if r.need == "" {
			if !open[r.name] {
				t.Errorf("%s is open to everybody", r.name)
			}
			continue
		}
		if r.need == self { // holds whose it is by the session, see TestMe
			continue
		}
		right, ok := access.RightOf(r.need)
		if !ok {
			t.Errorf("%s needs %s, which there is not", r.name, r.need)
		}
		own := map[string]bool{"view.save": true, "view.do": true} // what somebody keeps for oneself
		if r.method == post && right.Scope == access.Read && !own[r.name] {
			t.Errorf("%s changes something and needs only %s", r.name, r.need)
		}
	}
}
