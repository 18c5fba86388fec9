package api

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Act is what somebody did, as the audit log has it.
type Act struct {
	N           int64           `json:"n" doc:"Position in the log"`
	At          time.Time       `json:"at"`
	Actor       string          `json:"actor" doc:"user:…, key:…, cli:…, system:…"`
	Action      string          `json:"action"`
	SubjectKind string          `json:"subject_kind"`
	Subject     string          `json:"subject"`
	Purpose     string          `json:"purpose,omitempty" doc:"Why personal data was read"`
	Detail      json.RawMessage `json:"detail"`
	RequestID   string          `json:"request_id,omitempty"`
	Genuine     bool            `json:"genuine" doc:"Nobody changed the row since it was written"`
}

type actList struct {
	Paging
	Actor       string    `query:"actor" maxLength:"200"`
	Action      string    `query:"action" maxLength:"100"`
	SubjectKind string    `query:"subject_kind" maxLength:"100"`
	Subject     string    `query:"subject" maxLength:"200"`
	From        time.Time `query:"from" doc:"At or after, RFC 3339 with its zone"`
	Until       time.Time `query:"until" doc:"Before"`
}

func (s *Server) auditRoutes() {
	read(s, route{path: "/audit", id: "list-audit", title: "Who did what", tag: "audit", scope: access.Admin, text: "Newest first: acts of people, privileged acts, and every reading of personal data."}, func(tx *db.Tx, in *actList) (Page[Act], error) {
		var before int64
		if in.After != "" {
			var err error
			if before, err = strconv.ParseInt(in.After, 10, 64); err != nil || before < 1 {
				return Page[Act]{}, fault.Field("after", "is no cursor of this list")
			}
		}
		rows, err := s.Audit.List(tx, audit.Filter{Actor: in.Actor, Action: in.Action, SubjectKind: in.SubjectKind, Subject: in.Subject, Since: in.From, Until: in.Until}, before, in.Limit+1)
		var all []Act
		for _, r := range rows {
			all = append(all, Act{r.N, r.At, r.Actor, r.Action, r.SubjectKind, r.Subject, r.Purpose, r.Detail, r.RequestID, r.Genuine})
		}
		return page(all, in.Limit, func(a Act) string { return strconv.FormatInt(a.N, 10) }), err
	})
}
