package console

import (
	"encoding/json"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// caseExport gives out as a file what is kept of the buyer whose wish a case is about. Who reads it is written down, and the case closes when nothing is missing.
func caseExport(v *visit) error {
	c, err := v.caseAt(v.id())
	if err != nil {
		return err
	}
	if c.State != exception.Open || c.SubjectKind != "privacy" {
		return fault.New(fault.Conflict, "nobody wishes to know what is kept: this case is closed, or about something else")
	}
	var kept json.RawMessage
	ask := map[string]string{"request": c.Subject, "purpose": "the buyer's wish, passed on by the channel"}
	if err := v.Do(v.r.Context(), v.who, post, "/personal/export", "", ask, &kept); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="kept-`+c.ID+`.json"`)
	_, err = v.w.Write(kept)
	return err
}
