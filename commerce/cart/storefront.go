package cart

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Storefront is one web shop: a country, a currency, the languages it speaks, and an account of channel ownsite that its orders come in through.
type Storefront struct {
	ID         string     `json:"id"`
	Code       string     `json:"code"` // as in its address
	Account    string     `json:"account_id"`
	Name       string     `json:"name"`
	Country    string     `json:"country"`  // ISO 3166-1
	Currency   string     `json:"currency"` // ISO 4217
	Language   string     `json:"language"` // the default
	Languages  []string   `json:"languages"`
	PriceList  string     `json:"price_list,omitempty"` // a name for people; prices are found by country, currency and account
	Payments   []Method   `json:"payment_methods"`
	Deliveries []Delivery `json:"deliveries"`
	Active     bool       `json:"active"`
	Version    int64      `json:"version"`
}

// Method is a way to pay that a storefront offers.
type Method struct {
	Provider string                `json:"provider"` // a gateway: cod, demo
	Method   channel.PaymentMethod `json:"method"`
	Title    string                `json:"title"`
	Titles   map[string]string     `json:"titles,omitempty"` // by language
}

// Delivery is a way to be sent the goods that a storefront offers.
type Delivery struct {
	Code     string            `json:"code"`
	Name     string            `json:"name"`
	Names    map[string]string `json:"names,omitempty"` // by language
	Price    money.Amount      `json:"price"`           // in the storefront's tax mode
	FreeOver *money.Amount     `json:"free_over,omitempty"`
	Days     int64             `json:"days,omitempty"` // promised days until it is there; 0 promises none
}

// In is the delivery's name in a language.
func (d Delivery) In(language string) string { return cmp.Or(d.Names[language], d.Name) }

// In is the method's title in a language.
func (m Method) In(language string) string { return cmp.Or(m.Titles[language], m.Title) }

const storefrontColumns = `s.id, s.code, s.account_id, s.name, s.country, s.currency, s.language, s.languages, s.price_list, s.payment_methods, s.shipping, s.active, s.version`

func scanStorefront(row db.Scanner) (Storefront, error) {
	var s Storefront
	err := row.Scan(&s.ID, &s.Code, &s.Account, &s.Name, &s.Country, &s.Currency, &s.Language, db.JSON(&s.Languages), &s.PriceList, db.JSON(&s.Payments),
		db.JSON(&s.Deliveries), &s.Active, &s.Version)
	return s, err
}

// Storefronts lists all by code.
func (s *Service) Storefronts(tx *db.Tx) ([]Storefront, error) {
	return db.All(tx, scanStorefront, `select `+storefrontColumns+` from storefronts s order by s.code`)
}

// Storefront reads one that is open to buyers. Fault: NotFound for an unknown code, and for one that is switched off.
func (s *Service) Storefront(ctx context.Context, code string) (Storefront, error) {
	var one Storefront
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		one, err = db.One(tx, scanStorefront, `select `+storefrontColumns+` from storefronts s where s.code = $1 and s.active`, code)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return one, fault.New(fault.NotFound, "there is no such shop").WithCode("no_storefront")
	}
	return one, err
}

// StorefrontBy reads one by id or code, also one that is switched off. Fault: NotFound.
func (s *Service) StorefrontBy(tx *db.Tx, ref string) (Storefront, error) {
	one, err := db.One(tx, scanStorefront, `select `+storefrontColumns+` from storefronts s where s.id = $1 or s.code = $1`, ref)
	if fault.Is(err, fault.NotFound) {
		return one, fault.New(fault.NotFound, "there is no storefront %q", ref)
	}
	return one, err
}

func byID(tx *db.Tx, id string) (Storefront, error) {
	return db.One(tx, scanStorefront, `select `+storefrontColumns+` from storefronts s where s.id = $1`, id)
}

var codeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// SaveStorefront adds a storefront (without an id) or changes the one with this id and version, and answers it as stored.
// Faults: Invalid naming the field, Conflict when it was changed meanwhile or the code is taken.
func (s *Service) SaveStorefront(ctx context.Context, one Storefront, actor string) (Storefront, error) {
	if err := one.check(); err != nil {
		return Storefront{}, err
	}
	languages, methods, shipping, err := one.texts()
	if err != nil {
		return Storefront{}, err
	}
	var out Storefront
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		id := one.ID
		if id == "" {
			id = db.ID()
		}
		n, err := tx.Exec(`insert into storefronts (id, code, account_id, name, country, currency, language, languages, price_list, payment_methods, shipping, active, version)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)
			on conflict (id) do update set code = excluded.code, account_id = excluded.account_id, name = excluded.name, country = excluded.country, currency = excluded.currency,
				language = excluded.language, languages = excluded.languages, price_list = excluded.price_list, payment_methods = excluded.payment_methods,
				shipping = excluded.shipping, active = excluded.active, version = storefronts.version + 1 where storefronts.version = $13`,
			id, one.Code, one.Account, one.Name, one.Country, one.Currency, one.Language, languages, one.PriceList, methods, shipping, one.Active, one.Version)
		switch {
		case db.IsUnique(err):
			return fault.New(fault.Conflict, "the code %q is taken", one.Code).WithCode("code_taken")
		case err != nil:
			return err
		case n == 0:
			return stale()
		}
		if out, err = byID(tx, id); err != nil {
			return err
		}
		return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "storefront.save", SubjectKind: "storefront", Subject: id, Detail: map[string]string{"code": one.Code}})
	})
	return out, err
}

func stale() error {
	return fault.New(fault.Conflict, "somebody changed it meanwhile: read it again").WithCode("stale")
}

func (s *Storefront) texts() (languages, methods, shipping string, err error) {
	for _, one := range []struct {
		to *string
		v  any
	}{{&languages, s.Languages}, {&methods, s.Payments}, {&shipping, s.Deliveries}} {
		text, err := json.Marshal(one.v)
		if err != nil {
			return "", "", "", fault.Wrap(fault.Invalid, err, "the storefront cannot be written")
		}
		*one.to = string(text)
	}
	return languages, methods, shipping, nil
}

func (s *Storefront) check() error {
	switch {
	case !codeForm.MatchString(s.Code):
		return fault.Field("code", "must be small letters, digits and dashes, at most 32")
	case s.Account == "":
		return fault.Field("account_id", "is missing")
	case len(s.Country) != 2:
		return fault.Field("country", "is no country of two letters")
	case !money.Valid(s.Currency):
		return fault.Field("currency", "is not a currency of ISO 4217")
	case s.Language == "":
		return fault.Field("language", "is missing")
	case len(s.Payments) == 0:
		return fault.Field("payment_methods", "at least one is needed")
	case len(s.Deliveries) == 0:
		return fault.Field("deliveries", "at least one is needed")
	}
	if !slices.Contains(s.Languages, s.Language) {
		s.Languages = append([]string{s.Language}, s.Languages...)
	}
	seen := map[string]bool{}
	for i, m := range s.Payments {
		if m.Provider == "" || m.Method == "" || seen["pay "+m.Provider] {
			return fault.Field(fmt.Sprintf("payment_methods[%d].provider", i), "is missing or stands twice")
		}
		seen["pay "+m.Provider] = true
	}
	for i, d := range s.Deliveries {
		at := fmt.Sprintf("deliveries[%d]", i)
		switch {
		case d.Code == "" || seen[d.Code]:
			return fault.Field(at+".code", "is missing or stands twice")
		case d.Price.Currency != s.Currency || d.Price.Sign() < 0:
			return fault.Field(at+".price", "must be an amount of %s, not below zero", s.Currency)
		case d.FreeOver != nil && d.FreeOver.Currency != s.Currency:
			return fault.Field(at+".free_over", "must be an amount of %s", s.Currency)
		}
		seen[d.Code] = true
	}
	return nil
}

func (s Storefront) delivery(code string) (Delivery, bool) {
	i := slices.IndexFunc(s.Deliveries, func(d Delivery) bool { return d.Code == code })
	if i < 0 {
		return Delivery{}, false
	}
	return s.Deliveries[i], true
}

func (s Storefront) method(provider string) (Method, bool) {
	i := slices.IndexFunc(s.Payments, func(m Method) bool { return m.Provider == provider })
	if i < 0 {
		return Method{}, false
	}
	return s.Payments[i], true
}

// language is the one asked for when the storefront speaks it, else its own.
func (s Storefront) language(wanted string) string {
	if slices.Contains(s.Languages, wanted) {
		return wanted
	}
	return s.Language
}
