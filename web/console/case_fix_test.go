package console

import (
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// TestFixes holds that a case of every cause offers something to do here, and nothing that nobody may.
func TestFixes(t *testing.T) {
	t.Parallel()
	c := &Console{table: map[string]route{}}
	for _, r := range c.routes() {
		c.table[r.name] = r
	}
	owner := &visit{Console: c, who: access.CLI("owner")}
	nobody := &visit{Console: c}
	for _, cause := range exception.Causes {
		var kinds []string
		for _, kind := range strings.Fields("order inbox listing tell job refund account shipment location return subscription consumer level payment privacy") {
			row := caseRow{Cause: cause, SKU: "6", Code: "7", Row: exception.Row{ID: "1", Cause: cause.Name, State: exception.Open, SubjectKind: kind, Subject: "2", Order: "3", Account: "4", Location: "5"}}
			if len(owner.fixes(row)) > 0 {
				kinds = append(kinds, kind)
			}
			if len(nobody.fixes(row)) > 0 {
				t.Errorf("%s offers something to who may do nothing", cause.Name)
			}
		}
		if len(kinds) == 0 {
			t.Errorf("%s offers nothing to do", cause.Name)
		}
	}
	for name, d := range deeds {
		if _, ok := access.RightOf(d.need); !ok {
			t.Errorf("%s needs %s, which there is not", name, d.need)
		}
	}
}
