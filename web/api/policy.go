package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type policyList struct {
	Country string `query:"country" maxLength:"2" doc:"ISO 3166-1; empty: every rule there is"`
}

type policySet struct {
	Write
	Body struct {
		Country     string    `json:"country,omitempty" maxLength:"2" doc:"ISO 3166-1; empty: every country"`
		Subdivision string    `json:"subdivision,omitempty" maxLength:"10"`
		Name        string    `json:"name" minLength:"1" maxLength:"100" example:"second_person.refund"`
		Value       string    `json:"value" maxLength:"2000" example:"amount > 50000"`
		Unit        string    `json:"unit" enum:"text,list,rate,mode,minor,minutes,days,years,duration,date,regexp,expr"`
		From        time.Time `json:"effective_from,omitempty" doc:"Default: now"`
		Source      string    `json:"source" minLength:"1" maxLength:"500" doc:"Where this is from"`
	}
}

func (policySet) resource() string { return "policy" }

func (s *Server) policyRoutes() {
	if s.Policy == nil {
		return
	}
	const tag = "policy"
	read(s, route{path: "/policy", id: "list-policy", title: "The rules of a country, dated and with their source", tag: tag}, func(tx *db.Tx, in *policyList) (Page[policy.Row], error) {
		all, err := s.Policy.Rows(tx, strings.ToUpper(in.Country))
		return Page[policy.Row]{Items: all}, err
	})
	write(s, route{path: "/policy", method: http.MethodPut, id: "set-policy", title: "Set a rule from an instant on", tag: tag, scope: access.Admin, text: "Rules that were in force before stay: what was decided by them stands.\n\nThe rules second_person.refund and second_person.payout say what takes two people: expressions over amount, " +
		"which is all that we have given back on the order (or paid out) with this one, refunded, which is what was before it, and currency. So amount > 50000 is no limit that several refunds pass under, and amount - refunded > 50000 looks at each alone."}, func(ctx context.Context, c *call, in *policySet) error {
		b := in.Body
		if b.From.IsZero() {
			b.From = s.DB.Now()
		}
		if err := s.loosens(ctx, b.Name); err != nil {
			return err
		}
		return s.Policy.Set(ctx, policy.Row{
			Country: strings.ToUpper(b.Country), Subdivision: strings.ToUpper(b.Subdivision), Name: b.Name, Value: b.Value, Unit: policy.Unit(b.Unit), From: b.From, Source: b.Source, Confidence: "setting",
		}, c.actor)
	}, func(tx *db.Tx, _ string) (Page[policy.Row], error) {
		all, err := s.Policy.Rows(tx, "")
		return Page[policy.Row]{Items: all}, err
	})
}

// loosens refuses one person alone to change what takes two: a rule that stands is changed as it says itself, by two. Making the first one takes nobody else.
func (s *Server) loosens(ctx context.Context, name string) error {
	if !strings.HasPrefix(name, "second_person.") || Approved(ctx) {
		return nil
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := s.Policy.Rows(tx, "")
		if err != nil || !slices.ContainsFunc(rows, func(r policy.Row) bool { return r.Name == name }) {
			return err
		}
		return fault.New(fault.Refused, "changing what takes a second person takes one").WithCode(SecondPerson)
	})
}
