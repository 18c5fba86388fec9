package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// KeyExport allows keys to be taken out for a while; each use is in the audit log.
type KeyExport struct {
	ID        string    `json:"id"`
	What      string    `json:"what" enum:"personal_keys"`
	Reason    string    `json:"reason"`
	AskedBy   string    `json:"asked_by"`
	AllowedBy string    `json:"allowed_by,omitempty" doc:"The second person, where the policy wants one"`
	AllowedAt time.Time `json:"allowed_at"`
	ExpiresAt time.Time `json:"expires_at"`
	UsedAt    time.Time `json:"used_at,omitzero" doc:"The last time"`
	Version   int64     `json:"version"`
}

const exportColumns = `id, what, reason, asked_by, allowed_by, allowed_at, expires_at, used_at, version`

func scanExport(s db.Scanner) (e KeyExport, err error) {
	err = s.Scan(&e.ID, &e.What, &e.Reason, &e.AskedBy, db.Text(&e.AllowedBy), db.Time(&e.AllowedAt), db.Time(&e.ExpiresAt), db.Time(&e.UsedAt), &e.Version)
	return e, err
}

type exportAsk struct {
	Write
	Body struct {
		What   string `json:"what,omitempty" enum:"personal_keys" default:"personal_keys"`
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
		Hours  int    `json:"hours,omitempty" minimum:"1" maximum:"744" default:"24" doc:"How long it is allowed, such as for a month of nightly backups"`
	}
}

type exportUse struct {
	Write
	Body struct {
		What string `json:"what,omitempty" enum:"personal_keys" default:"personal_keys"`
	}
}

// exportRoutes allow keys to be taken out: by one person, or by two where the policy says so (second_person.key_export).
func (s *Server) exportRoutes() {
	const tag = "key-exports"
	show := func(tx *db.Tx, id string) (KeyExport, error) {
		return db.One(tx, scanExport, `select `+exportColumns+` from key_exports where id = $1`, id)
	}
	read(s, route{path: "/key-exports", id: "list-key-exports", title: "When keys were allowed to be taken out", tag: tag, scope: access.Admin, text: "Newest first."}, func(tx *db.Tx, in *Paging) (Page[KeyExport], error) {
		all, err := db.All(tx, scanExport, `select `+exportColumns+` from key_exports where ($1 = '' or id < $1) order by id desc limit $2`, in.After, in.Limit+1)
		return page(all, in.Limit, func(e KeyExport) string { return e.ID }), err
	})
	write(s, route{
		path: "/key-exports", id: "allow-key-export", title: "Allow keys to be taken out with backups", tag: tag, scope: access.Admin, status: http.StatusCreated,
		text: "Where the rule second_person.key_export says so, a second person has to confirm it first.",
	}, func(ctx context.Context, c *call, in *exportAsk) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			id := db.ID()
			c.about(id)
			return s.allowExport(tx, c, id, in.Body.What, in.Body.Reason, time.Duration(in.Body.Hours)*time.Hour)
		})
	}, show)
	write(s, route{
		path: "/key-exports/use", id: "use-key-export", title: "Take keys out now", tag: tag, scope: access.Admin,
		text: "Uses what was allowed and has not expired. Where one person is enough, that is this one. 403 where it takes two and nothing is allowed.",
	}, func(ctx context.Context, c *call, in *exportUse) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return s.useExport(tx, c, in.Body.What) })
	}, show)
}

func (s *Server) allowExport(tx *db.Tx, c *call, id, what, reason string, long time.Duration) error {
	asked, by := c.actor, ""
	if a := approvedIn(tx.Context()); a != nil {
		asked, by = a.asked, a.by
	} else if err := s.second(tx, "key_export"); err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into key_exports (id, what, reason, asked_by, allowed_by, allowed_at, expires_at, version) values ($1, $2, $3, $4, $5, $6, $7, 1)`,
		id, what, reason, asked, orNull(by), tx.Now.UnixMicro(), tx.Now.Add(long).UnixMicro()); err != nil {
		return err
	}
	return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "key_export.allow", SubjectKind: "key_export", Subject: id, RequestID: c.request, Detail: map[string]any{"what": what, "reason": reason, "asked_by": asked, "hours": int(long / time.Hour)}})
}

func (s *Server) useExport(tx *db.Tx, c *call, what string) error {
	now := tx.Now.UnixMicro()
	found, err := db.All(tx, scanExport, `select `+exportColumns+` from key_exports where what = $1 and expires_at > $2 order by id desc limit 1`+tx.Lock(), what, now)
	if err != nil {
		return err
	}
	wanted := s.second(tx, "key_export")
	if wanted != nil && fault.CodeOf(wanted) != SecondPerson {
		return wanted
	}
	switch {
	// What one person allowed before the rule was made does not count under it.
	case len(found) > 0 && (wanted == nil || found[0].AllowedBy != ""):
		c.about(found[0].ID)
	case wanted != nil:
		return fault.New(fault.Forbidden, "keys leave only when two people allow it: one asks for it in the console or with POST %s/key-exports, another confirms, then this works", s.Base).WithCode("two_people")
	default:
		id := db.ID()
		c.about(id)
		if err := s.allowExport(tx, c, id, what, "a backup", time.Hour); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`update key_exports set used_at = $2, version = version + 1 where id = $1`, c.claim.resource, now); err != nil {
		return err
	}
	return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "key_export.use", SubjectKind: "key_export", Subject: c.claim.resource, RequestID: c.request, Detail: map[string]string{"what": what}})
}

// second asks the policy of the whole business whether an act takes two people.
func (s *Server) second(tx *db.Tx, rule string) error {
	if s.Second == nil {
		return nil
	}
	return s.Second(tx, rule)
}
