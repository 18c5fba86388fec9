package api

import (
	"context"
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
	Position    int64           `json:"position,omitempty" doc:"In the chain; missing until it is linked, less than a second after it was written"`
}

type actList struct {
	Paging
	Actor       string    `query:"actor" maxLength:"200"`
	Action      string    `query:"action" maxLength:"100"`
	SubjectKind string    `query:"subject_kind" maxLength:"100"`
	Subject     string    `query:"subject" maxLength:"200"`
	RequestID   string    `query:"request_id" maxLength:"100"`
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
		rows, err := s.Audit.List(tx, audit.Filter{Actor: in.Actor, Action: in.Action, SubjectKind: in.SubjectKind, Subject: in.Subject, RequestID: in.RequestID, Since: in.From, Until: in.Until}, before, in.Limit+1)
		var all []Act
		for _, r := range rows {
			all = append(all, Act{r.N, r.At, r.Actor, r.Action, r.SubjectKind, r.Subject, r.Purpose, r.Detail, r.RequestID, r.Genuine, r.Position})
		}
		return page(all, in.Limit, func(a Act) string { return strconv.FormatInt(a.N, 10) }), err
	})
	ask(s, route{path: "/audit/verify", id: "verify-audit", slow: true, title: "Prove that nobody changed the audit log", tag: "audit", scope: access.Admin, text: "Walks through the whole chain and names the first row that was changed, taken away, put in or moved. Heads that were noted down elsewhere are compared as well."}, func(ctx context.Context, in *headsAsked) (audit.Report, error) {
		known, err := in.known()
		if err != nil {
			return audit.Report{}, err
		}
		return s.Audit.Verify(ctx, s.DB, known...)
	})
	read(s, route{path: "/audit/chain", id: "export-audit", title: "The audit log as a chain, for keeping elsewhere", tag: "audit", scope: access.Admin, text: "Oldest first, with what each link is made of: the chain can be followed without a key. Rows that are not linked yet are not in it."}, func(tx *db.Tx, in *chainAsked) (Page[audit.Exported], error) {
		rows, err := s.Audit.Chain(tx, in.After, in.Limit+1)
		all := make([]audit.Exported, len(rows))
		for i, r := range rows {
			all[i] = r.Export()
		}
		return page(all, in.Limit, func(e audit.Exported) string { return strconv.FormatInt(e.Position, 10) }), err
	})
}

type chainAsked struct {
	After int64 `query:"after" minimum:"0" doc:"Position of the last row that is held already"`
	Limit int   `query:"limit" minimum:"1" maximum:"500" default:"500"`
}

type headsAsked struct {
	Heads []string `query:"head" maxItems:"20" doc:"position:link, as verify or an export said it before"`
}

// known reads heads that were noted down.
func (in headsAsked) known() ([]audit.Head, error) {
	var all []audit.Head
	for _, text := range in.Heads {
		h, err := audit.ParseHead(text)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}
