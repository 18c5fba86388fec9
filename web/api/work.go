package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

// Job is work that is done later, or was given up.
type Job struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	Key        string          `json:"key,omitempty"`
	Account    string          `json:"account_id,omitempty"`
	Payload    json.RawMessage `json:"payload"`
	State      string          `json:"state" doc:"due, running, dead (given up), unknown (its effect may have happened)"`
	RunAt      time.Time       `json:"run_at"`
	Attempts   int             `json:"attempts"`
	LastError  string          `json:"last_error,omitempty"`
	LastKind   string          `json:"last_error_kind,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	FinishedAt time.Time       `json:"finished_at,omitzero"`
}

func jobView(r jobs.Row) Job {
	return Job{
		ID: r.ID, Kind: r.Kind, Key: r.Key, Account: r.Account, Payload: r.Payload, State: r.State, RunAt: r.RunAt, Attempts: r.Attempts, LastError: r.LastError, LastKind: r.LastKind,
		CreatedAt: r.CreatedAt, FinishedAt: r.FinishedAt,
	}
}

type jobList struct {
	Paging
	State   string `query:"state" enum:"due,running,dead,unknown" default:"dead"`
	Kind    string `query:"kind" maxLength:"100"`
	Account string `query:"account" maxLength:"100"`
}

type jobReplay struct {
	Write
	One
	Body struct {
		Payload json.RawMessage `json:"payload,omitempty" doc:"Another payload; missing keeps it"`
	}
}

func (in jobReplay) resource() string { return in.ID }

type jobSettle struct {
	Write
	One
	Body struct {
		Happened bool `json:"happened" doc:"Whether the effect has happened: if not it is tried now"`
	}
}

func (in jobSettle) resource() string { return in.ID }

type tableImport struct {
	Write
	What    string `path:"what" enum:"products,prices,costs,stock"`
	DryRun  bool   `query:"dry_run" doc:"Say what would happen, row by row, and keep nothing"`
	RawBody []byte `contentType:"text/csv"`
}

func (s *Server) workRoutes() {
	const tag = "dead"
	read(s, route{path: "/jobs", id: "list-jobs", title: "Work that was given up, or waits", tag: tag}, func(tx *db.Tx, in *jobList) (Page[Job], error) {
		rows, err := jobs.List(tx, jobs.Filter{State: in.State, Kind: in.Kind, Account: in.Account}, in.After, in.Limit+1)
		var all []Job
		for _, r := range rows {
			all = append(all, jobView(r))
		}
		return page(all, in.Limit, func(j Job) string { return j.ID }), err
	})
	read(s, route{path: "/jobs/{id}", id: "get-job", title: "Read a job", tag: tag, text: "One that is done is no more."}, func(tx *db.Tx, in *One) (Job, error) {
		r, err := jobs.Get(tx, in.ID)
		return jobView(r), err
	})
	write(s, route{path: "/jobs/{id}/replay", id: "replay-job", title: "Try a job now", tag: tag, status: http.StatusAccepted}, func(ctx context.Context, _ *call, in *jobReplay) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return jobs.Replay(tx, in.ID, in.Body.Payload) })
	}, showDone)
	write(s, route{path: "/jobs/{id}/settle", id: "settle-job", title: "Say whether an effect whose outcome is unknown has happened", tag: tag}, func(ctx context.Context, _ *call, in *jobSettle) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return jobs.Settle(tx, in.ID, in.Body.Happened) })
	}, showDone)
	write(s, route{path: "/jobs/{id}/discard", id: "discard-job", title: "Give a job up for good", tag: tag, text: "Its effect stays undone; its case closes."}, func(ctx context.Context, c *call, in *oneWrite) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			if err := jobs.Discard(tx, in.ID); err != nil {
				return err
			}
			return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "job.discard", SubjectKind: "job", Subject: in.ID, RequestID: c.request})
		})
	}, showDone)
	s.entityRoutes()
	if s.Inventory == nil || s.Catalog == nil {
		return
	}
	ask(s, route{
		method: http.MethodPost, path: "/imports/{what}", id: "import-table", slow: true, title: "Import a table (CSV)", tag: "imports", scope: access.Write, media: "text/csv",
		text: "products, prices, costs or stock. A row with a problem is left out and named in the answer; the others are imported. The same file again changes nothing.",
	},
		func(ctx context.Context, in *tableImport) (sheet.Report, error) { return s.importTable(ctx, in) })
}

func (s *Server) importTable(ctx context.Context, in *tableImport) (sheet.Report, error) {
	who, _ := access.From(ctx)
	if len(in.RawBody) == 0 {
		return sheet.Report{}, fault.New(fault.Invalid, "the table is missing: send it as text/csv")
	}
	body := bytes.NewReader(in.RawBody)
	if in.What == "stock" {
		return s.Inventory.Import(ctx, body, who.Actor(), in.DryRun)
	}
	if s.Import == nil {
		return sheet.Report{}, fault.New(fault.NotFound, "this program imports no %s", in.What)
	}
	return s.Import(ctx, in.What, body, who.Actor(), in.DryRun)
}

type entitySave struct {
	Write
	Body struct {
		Code          string                `json:"code" minLength:"1" maxLength:"40"`
		Name          string                `json:"name" minLength:"1" maxLength:"200"`
		Country       string                `json:"country" pattern:"^[A-Z]{2}$"`
		Currency      string                `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"Of its books; default the country's"`
		Registrations []policy.Registration `json:"registrations,omitempty" maxItems:"50"`
	}
}

func (s *Server) entityRoutes() {
	if s.Policy == nil {
		return
	}
	const tag = "legal entities"
	read(s, route{path: "/legal-entities", id: "list-legal-entities", title: "Companies that sell", tag: tag}, func(tx *db.Tx, _ *struct{}) (Page[policy.LegalEntity], error) {
		all, err := s.Policy.Entity(tx)
		if err == nil {
			all, err = access.Seen(tx, access.Entities, all, func(e policy.LegalEntity) string { return e.ID })
		}
		return Page[policy.LegalEntity]{Items: orEmpty(all)}, err
	})
	write(s, route{path: "/legal-entities", id: "add-legal-entity", title: "Add a company that sells", tag: tag, scope: access.Admin, status: http.StatusCreated, outside: true}, func(ctx context.Context, c *call, in *entitySave) error {
		usual, err := s.usual(ctx, in.Body.Country)
		if err != nil {
			return err
		}
		e, err := s.Policy.SaveEntity(ctx, policy.LegalEntity{Code: in.Body.Code, Name: in.Body.Name, Country: in.Body.Country, Currency: or(in.Body.Currency, usual.Currency), Registrations: in.Body.Registrations}, c.actor)
		c.about(e.ID)
		return err
	}, func(tx *db.Tx, id string) (policy.LegalEntity, error) {
		found, err := s.Policy.Entity(tx, id)
		if err != nil || len(found) == 0 {
			return policy.LegalEntity{}, err
		}
		return found[0], nil
	})
}
