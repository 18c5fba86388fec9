package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// LegalEntity is a company that sells.
type LegalEntity struct {
	ID            string         `json:"id"`
	Code          string         `json:"code"` // the word people use; stays
	Name          string         `json:"name"`
	Country       string         `json:"country"`  // ISO 3166-1
	Currency      string         `json:"currency"` // of its books, ISO 4217
	Registrations []Registration `json:"registrations"`
	Version       int64          `json:"version"`
	CreatedAt     time.Time      `json:"created_at"`
	UpdatedAt     time.Time      `json:"updated_at"`
}

// Registration is a number a tax office gave.
type Registration struct {
	Country string `json:"country"`
	Kind    string `json:"kind"` // ntn, strn, trn, ust_id, oss, …
	Number  string `json:"number"`
	From    string `json:"from,omitempty"` // YYYY-MM-DD
	To      string `json:"to,omitempty"`
}

const entityColumns = `id, code, name, country, currency, registrations, version, created_at, updated_at`

func scanEntity(s db.Scanner) (e LegalEntity, err error) {
	err = s.Scan(&e.ID, &e.Code, &e.Name, &e.Country, &e.Currency, db.JSON(&e.Registrations), &e.Version, db.Time(&e.CreatedAt), db.Time(&e.UpdatedAt))
	return e, err
}

// Entity reads legal entities by id, or all of them, ordered by code. Unknown ids are left out.
func (s *Service) Entity(tx *db.Tx, ids ...string) ([]LegalEntity, error) {
	if len(ids) == 0 {
		return db.All(tx, scanEntity, `select `+entityColumns+` from legal_entities order by code`)
	}
	return db.All(tx, scanEntity, `select `+entityColumns+` from legal_entities where id in (select key from json_each($1)) order by code`,
		db.Keys(unique(ids)))
}

// EntityByCode finds a legal entity. Fault: NotFound.
func (s *Service) EntityByCode(tx *db.Tx, code string) (LegalEntity, error) {
	e, err := db.One(tx, scanEntity, `select `+entityColumns+` from legal_entities where code = $1`, code)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no legal entity %q", code)
	}
	return e, err
}

// EntityIDs finds legal entities by code; unknown ones are left out.
func (s *Service) EntityIDs(tx *db.Tx, codes []string) (map[string]string, error) {
	all := map[string]string{}
	if len(codes) == 0 {
		return all, nil
	}
	tx.SendQuery(`select code, id from legal_entities where code in (select key from json_each($1))`, func(row db.Scanner) error {
		var code, id string
		err := row.Scan(&code, &id)
		all[code] = id
		return err
	}, db.Keys(unique(codes)))
	return all, tx.Flush()
}

// SaveEntity adds a legal entity (without an id) or changes the one with this id and version, and answers it as stored.
// Faults: Invalid for a missing code or name, an unknown country or currency; Conflict when it was changed meanwhile or the code is taken.
func (s *Service) SaveEntity(ctx context.Context, e LegalEntity, actor string) (saved LegalEntity, err error) {
	if err := e.check(); err != nil {
		return e, err
	}
	text, err := json.Marshal(e.Registrations)
	if err != nil {
		return e, err
	}
	if e.Registrations == nil {
		text = []byte("[]")
	}
	err = s.need.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if saved, err = saveEntity(tx, e, string(text)); err != nil {
			return err
		}
		action := "entity.change"
		if e.ID == "" {
			action = "entity.add"
		}
		return s.need.Audit(tx, audit.Entry{
			Actor: actor, Action: action, SubjectKind: "legal_entity", Subject: saved.ID, Detail: map[string]any{"code": saved.Code, "version": saved.Version},
		})
	})
	return saved, err
}

func saveEntity(tx *db.Tx, e LegalEntity, registrations string) (LegalEntity, error) {
	now := tx.Now.UnixMicro()
	if e.ID == "" {
		saved, err := db.One(tx, scanEntity, `insert into legal_entities (`+entityColumns+`) values ($1, $2, $3, $4, $5, $6, 1, $7, $7)
			on conflict (code) do nothing returning `+entityColumns, db.ID(), e.Code, e.Name, e.Country, e.Currency, registrations, now)
		if fault.Is(err, fault.NotFound) {
			err = fault.New(fault.Conflict, "there is a legal entity %q already", e.Code).WithCode("exists")
		}
		return saved, err
	}
	saved, err := db.One(tx, scanEntity, `update legal_entities set name = $3, country = $4, currency = $5, registrations = $6, updated_at = $7,
		version = version + 1 where id = $1 and version = $2 returning `+entityColumns, e.ID, e.Version, e.Name, e.Country, e.Currency, registrations, now)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Conflict, "somebody else changed the legal entity first, or it is gone").WithCode("version")
	}
	return saved, err
}

func (e LegalEntity) check() error {
	switch {
	case e.Code == "":
		return fault.Field("code", "is missing")
	case e.Name == "":
		return fault.Field("name", "is missing")
	case len(e.Country) != 2:
		return fault.Field("country", "%q is not a country of two letters", e.Country)
	case !money.Valid(e.Currency):
		return fault.Field("currency", "%q is not an ISO 4217 currency", e.Currency)
	}
	for i, r := range e.Registrations {
		if err := r.check(fmt.Sprintf("registrations[%d].", i)); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what is too long to be a registration, and dates that are none.
func (r Registration) check(at string) error {
	const longest = 100
	for name, text := range map[string]string{"kind": r.Kind, "number": r.Number} {
		if len(text) > longest {
			return fault.Field(at+name, "is longer than %d", longest)
		}
	}
	if r.Country != "" && len(r.Country) != 2 {
		return fault.Field(at+"country", "is not a country of two letters")
	}
	for name, day := range map[string]string{"from": r.From, "to": r.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return fault.Field(at+name, "is not a day as 2026-01-31")
		}
	}
	return nil
}

func unique(ids []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
