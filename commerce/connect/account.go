package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// State is whether an account works.
type State string

const (
	Active       State = "active"
	Paused       State = "paused"       // a person stopped it: intake goes on, nothing is read or told
	Unauthorized State = "unauthorized" // the partner refuses our credentials: intake goes on, the rest waits
	ClosedDown   State = "closed"
)

// Account is one shop at one channel.
type Account struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Channel     string             `json:"channel"`
	Country     string             `json:"country"`
	Currency    string             `json:"currency"`
	Zone        string             `json:"zone"`
	Residency   string             `json:"residency" doc:"The residency zone that keeps what is personal of its orders, and the messages they came by"`
	LegalEntity string             `json:"legal_entity_id"`
	ShopID      string             `json:"shop_id"`
	App         string             `json:"app,omitempty"`
	Mode        channel.Mode       `json:"mode"`
	State       State              `json:"state"`
	Cause       string             `json:"state_cause,omitempty"`
	CutOver     time.Time          `json:"cutover_at,omitzero"`
	OpenOrders  channel.OpenOrders `json:"open_orders"`
	Settings    map[string]string  `json:"settings"`
	CreatedAt   time.Time          `json:"created_at"`
	UpdatedAt   time.Time          `json:"updated_at"`
	Version     int64              `json:"version"`
}

// owner is the account's name in the vault.
func (a Account) owner() string { return "account:" + a.ID }

// brief is what import needs to know of it.
func (a Account) brief() channel.Account {
	return channel.Account{
		ID: a.ID, Name: a.Name, Channel: a.Channel, Country: a.Country, Currency: a.Currency, Zone: a.Zone, LegalEntity: a.LegalEntity,
		Mode: a.Mode, CutOver: a.CutOver, OpenOrders: a.OpenOrders, Settings: a.Settings,
	}
}

const accountColumns = `a.id, a.name, a.channel, a.country, a.currency, a.zone, a.legal_entity_id, a.shop_id, a.app, a.mode, a.state, a.state_cause, a.cutover_at, a.open_orders,
	a.settings, a.created_at, a.updated_at, a.version, a.residency`

func scanAccount(row db.Scanner) (Account, error) {
	var a Account
	err := row.Scan(&a.ID, &a.Name, &a.Channel, &a.Country, &a.Currency, &a.Zone, &a.LegalEntity, &a.ShopID, &a.App, &a.Mode, &a.State, db.Text(&a.Cause),
		db.Time(&a.CutOver), &a.OpenOrders, db.JSON(&a.Settings), db.Time(&a.CreatedAt), db.Time(&a.UpdatedAt), &a.Version, &a.Residency)
	return a, err
}

// Accounts lists all accounts by name.
func (s *Service) Accounts(tx *db.Tx) ([]Account, error) {
	return db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a order by a.name`)
}

// Account reads one by id or name. fault.NotFound when there is none.
func (s *Service) Account(tx *db.Tx, ref string) (Account, error) {
	a, err := db.One(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id = $1 or a.name = $1`, ref)
	if fault.Is(err, fault.NotFound) {
		return a, fault.New(fault.NotFound, "there is no account %q", ref)
	}
	return a, err
}

// Adding is a new account, with its secrets in clear; they go to the vault and nowhere else.
type Adding struct {
	Name        string
	Channel     string
	Country     string
	Currency    string
	Zone        string
	Residency   string // default: what Needs.ZoneFor says
	LegalEntity string
	App         string
	Settings    map[string]string
	Secrets     map[string]string
	Mode        channel.Mode // default shadow
	OpenOrders  channel.OpenOrders
	Actor       string
	SkipCheck   bool // do not ask the partner whose shop it is; the shop id is then the account's name
}

// Add checks the settings, asks the partner whose shop this is, and keeps the account. A second account of one shop is refused (fault.Conflict, duplicate_shop).
func (s *Service) Add(ctx context.Context, in Adding) (Account, error) {
	kind, ok := s.kinds[in.Channel]
	if !ok {
		return Account{}, fault.Field("channel", "%q is not a channel this version knows", in.Channel)
	}
	if err := checkAdding(kind, &in); err != nil {
		return Account{}, err
	}
	acc := Account{
		ID: db.ID(), Name: in.Name, Channel: in.Channel, Country: in.Country, Currency: in.Currency, Zone: in.Zone, LegalEntity: in.LegalEntity, App: in.App,
		Mode: in.Mode, State: Active, OpenOrders: in.OpenOrders, Settings: in.Settings, Version: 1,
	}
	acc.ShopID = acc.Name
	if err := s.reside(ctx, &acc, in.Residency); err != nil {
		return Account{}, err
	}
	var tokens channel.TokenSet
	if !in.SkipCheck {
		shop, made, err := s.identify(ctx, kind, acc, in.Secrets)
		if err != nil {
			return Account{}, err
		}
		acc.takeShop(shop)
		tokens = made
		if len(tokens.Scopes) == 0 {
			tokens.Scopes = shop.Scopes
		}
	}
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.insert(tx, kind, acc, in); err != nil {
			return err
		}
		return s.putTokens(tx, acc, tokens)
	})
	if err != nil {
		return Account{}, err
	}
	return s.load(ctx, acc.ID)
}

// reside decides in which residency zone an account is kept: where a person says, else where its country's rule says. This process must be allowed there.
func (s *Service) reside(ctx context.Context, acc *Account, wanted string) (err error) {
	acc.Residency = wanted
	if wanted == "" && s.need.ZoneFor != nil {
		if acc.Residency, err = s.need.ZoneFor(ctx, *acc); err != nil {
			return err
		}
	}
	if acc.Residency == "" {
		acc.Residency = vault.MainZone
	}
	if err := s.movable(*acc, acc.Residency); err != nil {
		return err
	}
	_, err = s.at(acc.Residency)
	return err
}

func (a *Account) takeShop(shop channel.Shop) {
	if shop.ID != "" {
		a.ShopID = shop.ID
	}
	if a.Currency == "" {
		a.Currency = shop.Currency
	}
	if a.Zone == "" {
		a.Zone = shop.Zone
	}
}

// checkAdding fills defaults and checks every setting against the adapter's own list.
func checkAdding(kind channel.Kind, in *Adding) error {
	if strings.TrimSpace(in.Name) == "" {
		return fault.Field("name", "an account needs a name, such as pk-shop")
	}
	if len(in.Country) != 2 {
		return fault.Field("country", "must be an ISO 3166-1 code such as PK, is %q", in.Country)
	}
	if len(kind.Countries) > 0 && !slices.Contains(kind.Countries, in.Country) {
		return fault.Field("country", "%s does not sell in %s", kind.Title, in.Country)
	}
	if in.Mode == "" {
		in.Mode = channel.Shadow
	}
	if in.OpenOrders == "" {
		in.OpenOrders = channel.OpenUnshipped
	}
	settings := map[string]string{}
	known := map[string]bool{}
	for _, st := range kind.Settings {
		known[st.Name] = true
		v, given := in.Settings[st.Name]
		if st.Secret {
			v, given = in.Secrets[st.Name]
		}
		if !given || v == "" {
			v = st.Default
		}
		if err := checkSetting(st, v); err != nil {
			return err
		}
		if !st.Secret && v != "" {
			settings[st.Name] = v
		}
	}
	for name, v := range in.Settings {
		switch {
		case known[name], common[name]:
			settings[name] = v
		default:
			return fault.Field("settings."+name, "%s has no such setting", kind.Title)
		}
	}
	for name := range in.Secrets {
		if !known[name] {
			return fault.Field("secrets."+name, "%s has no such secret", kind.Title)
		}
	}
	in.Settings = settings
	return nil
}

// common are the settings every account has, whatever its channel.
var common = map[string]bool{
	"import_test": true, "import_pos": true, "poll_seconds": true, "price_limit_percent": true, "cod_presumed": true, "acknowledge": true, "unpaid_hours": true,
	"courier": true, "courier_service": true, "exchange": true, "token_warn_days": true,
}

func checkSetting(st channel.Setting, v string) error {
	at := "settings." + st.Name
	if st.Secret {
		at = "secrets." + st.Name
	}
	switch {
	case v == "" && st.Required:
		return fault.Field(at, "is needed: %s", st.Help)
	case v == "":
		return nil
	case len(st.Options) > 0 && !slices.Contains(st.Options, v):
		return fault.Field(at, "must be one of %s", strings.Join(st.Options, ", "))
	case st.Check != nil:
		if err := st.Check(v); err != nil {
			return fault.Field(at, "%s", fault.Message(err))
		}
	}
	return nil
}

func (s *Service) insert(tx *db.Tx, kind channel.Kind, acc Account, in Adding) error {
	if _, err := tx.Exec(`insert into sales_channels (kind, title, created_at) values ($1, $2, $3) on conflict do nothing`, kind.Name, kind.Title, db.Micros(tx.Now)); err != nil {
		return err
	}
	if acc.Residency != vault.MainZone {
		if err := db.Require(tx, knowZones); err != nil {
			return err
		}
	}
	settings, err := json.Marshal(acc.Settings)
	if err != nil {
		return fmt.Errorf("settings of %s: %w", acc.Name, err)
	}
	taken, err := db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.name = $1 or (a.channel = $2 and a.shop_id = $3)`, acc.Name, acc.Channel, acc.ShopID)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		if taken[0].Name == acc.Name {
			return fault.New(fault.Conflict, "there is an account named %q already", acc.Name).WithCode("name_taken")
		}
		return fault.New(fault.Conflict, "this shop is the account %q already: one shop, one account", taken[0].Name).WithCode("duplicate_shop")
	}
	_, err = tx.Exec(`insert into channel_accounts (id, name, channel, country, currency, zone, legal_entity_id, shop_id, app, mode, state, open_orders, settings, created_at, updated_at, version, residency)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, 1, $15)`,
		acc.ID, acc.Name, acc.Channel, acc.Country, acc.Currency, acc.Zone, acc.LegalEntity, acc.ShopID, acc.App, string(acc.Mode), string(acc.State), string(acc.OpenOrders),
		string(settings), db.Micros(tx.Now), acc.Residency)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into account_health (account_id) values ($1)`, acc.ID); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Secrets)) { // credentials are locked in key order
		secret := in.Secrets[name]
		if secret == "" {
			continue
		}
		if err := s.need.Secrets.Put(tx, acc.owner(), name, []byte(secret), time.Time{}); err != nil {
			return err
		}
	}
	return s.need.Audit.Write(tx, audit.Entry{Actor: in.Actor, Action: "account.add", SubjectKind: "account", Subject: acc.ID, Detail: map[string]string{"name": acc.Name, "channel": acc.Channel}})
}

// Pause stops reading and telling; what arrives is still stored and imported. Resume ends it.
func (s *Service) Pause(ctx context.Context, ref, actor, why string) error {
	return s.setState(ctx, ref, Paused, why, actor)
}

// Resume lets a paused or unauthorized account work again, and closes the case of one that was refused: refused again, it opens again.
func (s *Service) Resume(ctx context.Context, ref, actor string) error {
	return s.setState(ctx, ref, Active, "", actor)
}

func (s *Service) setState(ctx context.Context, ref string, to State, why, actor string) error {
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		acc, err := s.Account(tx, ref)
		if err != nil || acc.State == to {
			return err
		}
		if to == Active {
			if err := s.restored(tx, acc.ID, actor, "a person lets it work again"); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`update channel_accounts set state = $2, state_cause = $3, updated_at = $4, version = version + 1 where id = $1`, acc.ID, string(to), orNull(why), db.Micros(tx.Now))
		if err != nil {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "account." + string(to), SubjectKind: "account", Subject: acc.ID, Detail: map[string]string{"why": why}})
	})
	s.forget()
	return err
}
