package api

import (
	"context"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Diagnosis says whether everything is in order.
type Diagnosis struct {
	Healthy bool    `json:"healthy"`
	Checks  []Check `json:"checks"`
}

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	State  string `json:"state" enum:"ok,look,bad" doc:"look: somebody should; bad: it does not work"`
	Detail string `json:"detail"`
}

func (d *Diagnosis) add(name string, bad, look bool, format string, args ...any) {
	c := Check{Name: name, State: "ok", Detail: fmt.Sprintf(format, args...)}
	switch {
	case bad:
		c.State, d.Healthy = "bad", false
	case look:
		c.State = "look"
	}
	d.Checks = append(d.Checks, c)
}

func (s *Server) doctorRoutes() {
	ask(s, route{path: "/doctor", id: "doctor", slow: true, title: "Whether everything is in order", tag: "health", scope: access.Admin, text: "Proves the stock's books: it reads a lot."}, func(ctx context.Context, _ *struct{}) (Diagnosis, error) {
		return s.diagnose(ctx)
	})
}

func (s *Server) diagnose(ctx context.Context) (Diagnosis, error) {
	d := Diagnosis{Healthy: true}
	current, latest, err := s.DB.Version(ctx)
	d.add("database", err != nil || current != latest, false, "%s, schema %d of %d", s.DB.Engine(), current, latest)
	d.add("clock", s.DB.Skewed(), false, "within two seconds of the database's: %v", !s.DB.Skewed())
	if s.Vault != nil {
		d.add("vault", false, false, "open with the key %s", s.Vault.Fingerprint())
	}
	zones, err := s.zoneStates(ctx)
	if err != nil {
		return d, err
	}
	for _, z := range zones {
		d.add("zone "+z.Name, z.State == "down", z.State != "ok" || z.Note != "", "%s, %d accounts are kept there, %d messages wait to be imported %s", z.State, z.Accounts, z.Waiting, z.Note)
	}
	q, now, err := s.queues(ctx)
	if err != nil {
		return d, err
	}
	say := func(check, name, form string) {
		d.add(check, false, q[name].age(now) > tooOld, form, q[name].Waiting)
	}
	say("intake", queueInbox, "%d messages wait to be imported")
	say("events", queueEvents, "%d wait for their place")
	say("channels", queueTells, "%d things to tell")
	say("webhooks", queueDeliveries, "%d to send")
	d.add("jobs", false, q[queueDead].Waiting > 0, "%d due, %d given up or unknown", q[queueJobs].Waiting, q[queueDead].Waiting)
	if disk, known := s.DB.Disk(); known {
		d.add("disk", false, disk.Low(), "%d MiB free of %d", disk.Free>>20, disk.Total>>20)
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		counts, err := exception.Counts(tx)
		if err != nil {
			return err
		}
		open := int64(0)
		for _, c := range counts {
			open += c.Open
			if c.Cause == exception.Restored {
				d.add("restored", false, true, "made of a backup; what was done after it was taken is not known here: compare with couriers, payment providers and shelves, then resolve the case")
			}
		}
		d.add("exceptions", false, open > 0, "%d cases need a person", open)
		if s.Privacy != nil {
			if err := s.erasures(tx, &d); err != nil {
				return err
			}
		}
		if s.Audit != nil {
			chain, err := audit.Stand(tx)
			if err != nil {
				return err
			}
			d.add("audit", false, !chain.Oldest.IsZero() && now.Sub(chain.Oldest) > tooOld, "chained up to %d, %d rows wait; audit verify proves it", chain.Head.Position, chain.Unlinked)
		}
		all, err := outbox.Progresses(tx, s.Consumers)
		for _, p := range all {
			d.add("consumer "+p.Consumer, false, p.Parked > 0, "%d behind, %d parked", p.Behind, p.Parked)
		}
		if err != nil || s.Connect == nil {
			return err
		}
		accounts, err := s.Connect.Accounts(tx)
		for _, a := range accounts {
			d.add("account "+a.Name, a.State == connect.Unauthorized, a.State != connect.Active, "%s, %s %s", a.Mode, a.State, a.Cause)
		}
		return err
	})
	if err != nil || s.Inventory == nil {
		return d, err
	}
	return d, s.books(ctx, &d)
}

// scrubLate is how long what was destroyed may be on the disk after the disk was last scrubbed: it is done daily.
const scrubLate = 26 * time.Hour

// erasures says whether what was destroyed has left the disk, and how far back the database's own log goes, which may still hold it.
func (s *Server) erasures(tx *db.Tx, d *Diagnosis) error {
	now, err := s.Privacy.Scrub(tx)
	if err != nil {
		return err
	}
	due, err := s.Privacy.ScrubDue(tx, 365*24*time.Hour)
	if err != nil {
		return err
	}
	text := "destroyed keys were never taken off the disk"
	if !now.At.IsZero() {
		text = "destroyed keys were taken off the disk " + now.At.Format(time.RFC3339)
	}
	if now.Left > 0 {
		text += fmt.Sprintf("; %d are left, since another session of the database may still see them: end what has been open since before %s", now.Left, now.TriedAt.Format(time.RFC3339))
	}
	switch {
	case s.DB.Engine() == db.SQLite:
	case now.OldestLog.IsZero():
		text += "; how old the oldest write-ahead log is, is told to members of pg_monitor only"
	default:
		text += "; the oldest write-ahead log was of " + now.OldestLog.Format(time.RFC3339)
	}
	d.add("erasures", false, now.Left > 0 || due && !now.At.IsZero() && tx.Now.Sub(now.At) > scrubLate, "%s", text)
	return nil
}

// books proves that stock adds up.
func (s *Server) books(ctx context.Context, d *Diagnosis) error {
	var wrong []string
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		wrong, err = s.Inventory.Verify(tx)
		return err
	})
	if fault.Is(err, fault.Unavailable) {
		d.add("stock", false, true, "there is too much of it to be proven in one go")
		return nil
	}
	if err != nil {
		return err
	}
	d.add("stock", len(wrong) > 0, false, "the books add up")
	if len(wrong) > 0 {
		d.Checks[len(d.Checks)-1].Detail = fmt.Sprintf("%d places do not add up, the first: %s", len(wrong), wrong[0])
	}
	return nil
}
