package console

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// says is one text of a case's detail; "" when there is none.
func (c caseRow) says(name string) string {
	var m map[string]any
	if json.Unmarshal(c.Detail, &m) != nil {
		return ""
	}
	text, _ := m[name].(string)
	return text
}

// external is the order that a case is about where it is not ours, as its channel calls it.
func (c caseRow) external() string {
	if c.SubjectKind == "channel_order" {
		_, external, _ := strings.Cut(c.Subject, ":")
		return external
	}
	return c.says("external")
}

// undecided are the returns of cases that nobody has approved or declined yet, by case.
func (v *visit) undecided(tx *db.Tx, rows []exception.Row) (map[string]bool, error) {
	out := map[string]bool{}
	for _, r := range rows {
		if r.Cause != exception.ReturnWaiting {
			continue
		}
		rma, err := v.Returns.Get(tx, r.Subject)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		out[r.ID] = rma.Decision == "requested"
	}
	return out, nil
}

// itemsOf are the SKUs of the items that cases are about, by case.
func (v *visit) itemsOf(tx *db.Tx, rows []exception.Row) (map[string]string, error) {
	variants := map[string]string{}
	for _, r := range rows {
		if id := (caseRow{Row: r}).says("variant_id"); id != "" {
			variants[r.ID] = id
		}
	}
	if len(variants) == 0 {
		return nil, nil
	}
	known, err := v.Catalog.ByID(tx, slices.Compact(slices.Sorted(maps.Values(variants))))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for id, variant := range variants {
		out[id] = known[variant].SKU
	}
	return out, nil
}
