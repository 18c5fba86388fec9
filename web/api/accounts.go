package api

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// ChannelKind is a kind of channel and what an account of it needs.
type ChannelKind struct {
	Name       string           `json:"name"`
	Title      string           `json:"title"`
	Docs       string           `json:"docs,omitempty"`
	Countries  []string         `json:"countries" doc:"Empty: any"`
	Settings   []ChannelSetting `json:"settings"`
	Unverified []string         `json:"unverified" doc:"What only our simulator could be asked"`
}

// ChannelSetting is one value an account needs.
type ChannelSetting struct {
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Help       string   `json:"help"`
	Default    string   `json:"default,omitempty"`
	Required   bool     `json:"required"`
	Secret     bool     `json:"secret"`
	Options    []string `json:"options,omitempty"`
	Unverified string   `json:"unverified,omitempty"`
}

// AccountHealth says how an account fares.
type AccountHealth struct {
	LastWebhook      time.Time         `json:"last_webhook_at,omitzero"`
	LastPoll         time.Time         `json:"last_poll_at,omitzero"`
	LastPollOK       time.Time         `json:"last_poll_ok_at,omitzero"`
	LastCallOK       time.Time         `json:"last_call_ok_at,omitzero"`
	LastError        string            `json:"last_error,omitempty"`
	LastErrorKind    string            `json:"last_error_kind,omitempty"`
	LastErrorAt      time.Time         `json:"last_error_at,omitzero"`
	TokenExpires     time.Time         `json:"token_expires_at,omitzero"`
	RefreshExpires   time.Time         `json:"refresh_expires_at,omitzero"`
	Refreshed        time.Time         `json:"refreshed_at,omitzero" doc:"When the token was last got or renewed"`
	RefreshError     string            `json:"refresh_error,omitempty" doc:"Why it could not be renewed the last time; missing when it could"`
	RefreshErrorAt   time.Time         `json:"refresh_error_at,omitzero"`
	RefreshFailures  int64             `json:"refresh_failures" doc:"In a row"`
	AccessEnds       time.Time         `json:"access_ends_at,omitzero" doc:"Access is lost then unless a person does something; missing while it renews itself"`
	AccessEndsWhy    string            `json:"access_ends_why,omitempty" enum:"refresh_failing,not_renewable,refresh_ends"`
	Scopes           []string          `json:"scopes,omitempty" doc:"That the partner granted, where it says so"`
	Missing          []channel.Scope   `json:"missing_scopes,omitempty" doc:"Rights that we need and were not granted"`
	AskedAgain       time.Time         `json:"asked_again_at,omitzero" doc:"When a partner that refused our credentials is asked again"`
	APIVersion       string            `json:"api_version,omitempty"`
	APIVersionEnds   time.Time         `json:"api_version_ends,omitzero"`
	Subscribed       time.Time         `json:"subscribed_at,omitzero"`
	SubscriptionNote string            `json:"subscription_note,omitempty"`
	Reconciled       time.Time         `json:"reconciled_at,omitzero"`
	ReconcileNote    string            `json:"reconcile_note,omitempty"`
	ZoneNote         string            `json:"zone_note,omitempty" doc:"Why the account's residency zone cannot be asked"`
	Waiting          int64             `json:"waiting" doc:"Messages stored and not yet imported"`
	Stuck            int64             `json:"stuck" doc:"Messages that wait for a person"`
	Tells            map[string]int64  `json:"tells" doc:"What the channel is still to be told, by state"`
	Places           map[string]string `json:"locations" doc:"The partner's location of each of ours"`
}

// Account is an account with its health.
type Account struct {
	connect.Account
	Health AccountHealth `json:"health"`
}

// Shop is what the partner says about an account.
type Shop struct {
	ID       string `json:"shop_id"`
	Name     string `json:"name"`
	Country  string `json:"country,omitempty"`
	Currency string `json:"currency,omitempty"`
	Zone     string `json:"zone,omitempty"`
	// Locations are the places that the partner knows as ours.
	Locations []ShopLocation `json:"locations,omitempty"`
}

// ShopLocation is a place at the partner; external_id is what one of our locations is mapped to.
type ShopLocation struct {
	External string `json:"external_id"`
	Name     string `json:"name"`
	City     string `json:"city,omitempty"`
	Country  string `json:"country,omitempty"`
	Active   bool   `json:"active"`
}

type accountAdd struct {
	Write
	Body struct {
		Name        string            `json:"name" minLength:"1" maxLength:"60" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._-]*$" doc:"What people call it, such as pk-shop; also in its webhook address"`
		Channel     string            `json:"channel" maxLength:"40"`
		Country     string            `json:"country" pattern:"^[A-Z]{2}$"`
		Currency    string            `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"Default: what the partner says, else the country's"`
		Zone        string            `json:"zone,omitempty" maxLength:"60" doc:"IANA; default: what the partner says, else the country's"`
		LegalEntity string            `json:"legal_entity" maxLength:"100" doc:"Id or code of the company that sells; may be missing where there is one for the country" required:"false"`
		Residency   string            `json:"residency,omitempty" maxLength:"40" doc:"Residency zone; default: what the rule residency of its country says, else main"`
		App         string            `json:"app,omitempty" maxLength:"100" doc:"Where one app serves several shops: its name"`
		Settings    map[string]string `json:"settings,omitempty"`
		Secrets     map[string]string `json:"secrets,omitempty" doc:"Go to the vault and are never shown again"`
		Mode        string            `json:"mode,omitempty" enum:"shadow,intake,live" default:"shadow"`
		OpenOrders  string            `json:"open_orders,omitempty" maxLength:"40"`
		SkipCheck   bool              `json:"skip_check,omitempty" doc:"Do not ask the partner whose shop it is"`
	}
}

type accountMode struct {
	Action
	Body struct {
		Mode       string    `json:"mode" enum:"shadow,intake,live"`
		CutOver    time.Time `json:"cutover_at,omitempty"`
		OpenOrders string    `json:"open_orders,omitempty" maxLength:"40"`
		Accept     bool      `json:"accept_differences,omitempty" doc:"Go live though the diff shows differences"`
	}
}

type accountPause struct {
	Action
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type accountOnly struct{ Action }

type accountRun struct {
	Write
	One
	Body struct {
		What string `json:"what,omitempty" enum:"orders,listings,returns,reconcile" default:"orders"`
	}
}

func (in accountRun) resource() string { return in.ID }

type accountPlace struct {
	Write
	ID       string `path:"id" maxLength:"200"`
	Location string `path:"location" maxLength:"100"`
	Body     struct {
		External string `json:"external_id" minLength:"1" maxLength:"200" doc:"The partner's location"`
	}
}

func (in accountPlace) resource() string { return in.ID }

// Pulled says what was read.
type Pulled struct {
	Account string `json:"account_id"`
	What    string `json:"what"`
	Read    int    `json:"read"`
}

func (s *Server) accountRoutes() {
	if s.Connect == nil {
		return
	}
	const tag = "accounts"
	ask(s, route{path: "/channels", id: "list-channels", title: "Kinds of channels and what an account of each needs", tag: tag}, func(context.Context, *struct{}) (Page[ChannelKind], error) {
		p := Page[ChannelKind]{Items: []ChannelKind{}}
		for _, k := range s.Connect.Kinds() {
			p.Items = append(p.Items, kindView(k))
		}
		return p, nil
	})
	read(s, route{path: "/accounts", id: "list-accounts", title: "List accounts", tag: tag}, func(tx *db.Tx, _ *struct{}) (Page[connect.Account], error) {
		all, err := s.Connect.Accounts(tx)
		if err == nil {
			all, err = access.Seen(tx, access.Accounts, all, func(a connect.Account) string { return a.ID })
		}
		return Page[connect.Account]{Items: orEmpty(all)}, err
	})
	read(s, route{path: "/accounts/{id}", id: "get-account", title: "Read an account and its health", tag: tag, text: "By id or name."}, func(tx *db.Tx, in *One) (Account, error) { return s.showAccount(tx, in.ID) })
	read(s, route{path: "/accounts/{id}/health", id: "account-health", title: "How an account fares", tag: tag}, func(tx *db.Tx, in *One) (AccountHealth, error) {
		a, err := s.showAccount(tx, in.ID)
		return a.Health, err
	})
	ask(s, route{path: "/accounts/{id}/diff", id: "diff-account", slow: true, title: "Compare what the channel has with what we have", tag: tag, text: "Reads the account's orders and stock at the partner: it may take a while."},
		func(ctx context.Context, in *One) (connect.Diff, error) { return s.Connect.Diff(ctx, in.ID) })
	ask(s, route{method: http.MethodPost, path: "/accounts/{id}/check", id: "check-account", slow: true, title: "Ask the partner whose shop the account is", tag: tag}, func(ctx context.Context, in *One) (Shop, error) {
		shop, err := s.Connect.Check(ctx, in.ID)
		out := Shop{ID: shop.ID, Name: shop.Name, Country: shop.Country, Currency: shop.Currency, Zone: shop.Zone}
		for _, l := range shop.Locations {
			out.Locations = append(out.Locations, ShopLocation{l.External, l.Name, l.City, l.Country, l.Active})
		}
		return out, err
	})
	s.accountActions(tag)
}

func (s *Server) accountActions(tag string) {
	write(s, route{
		path: "/accounts", id: "add-account", title: "Add an account", tag: tag, scope: "admin", status: http.StatusCreated, outside: true,
		text: "Checks the settings, asks the partner whose shop it is, and keeps the account. A second account of one shop is refused.",
	}, s.addAccount, s.showAccount)
	write(s, route{
		path: "/accounts/{id}/mode", id: "set-account-mode", title: "Change how much of an account is ours", tag: tag, scope: "admin", outside: true,
		text: "shadow reads and compares, intake also fulfils, live also tells the channel. Going live is refused while the diff shows differences nobody has accepted.",
	},
		func(ctx context.Context, c *call, in *accountMode) error {
			if err := s.accountAt(ctx, in.ID, c.version); err != nil {
				return err
			}
			_, err := s.Connect.SetMode(ctx, connect.Switching{Account: in.ID, Mode: channel.Mode(in.Body.Mode), CutOver: in.Body.CutOver, OpenOrders: channel.OpenOrders(in.Body.OpenOrders), Accept: in.Body.Accept, Actor: c.actor})
			return err
		}, s.showAccount)
	write(s, route{path: "/accounts/{id}/pause", id: "pause-account", title: "Stop reading and telling", tag: tag, scope: "admin", text: "What arrives is still stored and imported."},
		func(ctx context.Context, c *call, in *accountPause) error {
			if err := s.accountAt(ctx, in.ID, c.version); err != nil {
				return err
			}
			return s.Connect.Pause(ctx, in.ID, c.actor, in.Body.Reason)
		}, s.showAccount)
	write(s, route{path: "/accounts/{id}/resume", id: "resume-account", title: "Let a paused or unauthorized account work again", tag: tag, scope: "admin"}, func(ctx context.Context, c *call, in *accountOnly) error {
		if err := s.accountAt(ctx, in.ID, c.version); err != nil {
			return err
		}
		return s.Connect.Resume(ctx, in.ID, c.actor)
	}, s.showAccount)
	write(s, route{path: "/accounts/{id}/pull", id: "pull-account", title: "Read from the channel now", tag: tag, outside: true, text: "What was read is stored; it becomes orders, listings or returns right after."},
		func(ctx context.Context, _ *call, in *accountRun) error { return s.pull(ctx, in) },
		s.showAccount)
	write(s, route{method: http.MethodPut, path: "/accounts/{id}/locations/{location}", id: "map-account-location", title: "Say which of the partner's locations one of ours is", tag: tag, scope: "admin"},
		func(ctx context.Context, _ *call, in *accountPlace) error { return s.mapLocation(ctx, in) }, s.showAccount)
}

// mapLocation takes our location by code or id.
func (s *Server) mapLocation(ctx context.Context, in *accountPlace) error {
	id := in.Location
	if s.Inventory != nil {
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			id, err = s.location(tx, "location", in.Location)
			return err
		}); err != nil {
			return err
		}
	}
	return s.Connect.MapLocation(ctx, in.ID, id, in.Body.External)
}

func (s *Server) pull(ctx context.Context, in *accountRun) error {
	var acc connect.Account
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		acc, err = s.Connect.Account(tx, in.ID)
		return err
	})
	if err != nil {
		return err
	}
	switch in.Body.What {
	case "listings":
		_, err = s.Connect.PullListings(ctx, acc.ID)
	case "returns":
		_, err = s.Connect.PollReturns(ctx, acc.ID)
	case "reconcile":
		_, err = s.Connect.Reconcile(ctx, acc.ID)
	default:
		if _, err = s.Connect.Poll(ctx, acc.ID); err == nil {
			err = s.importAll(ctx)
		}
	}
	return err
}

// importAll imports what is stored, until nothing is left to take; the workers of serve do the same meanwhile.
func (s *Server) importAll(ctx context.Context) error {
	for {
		n, err := s.Connect.ImportOnce(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

func (s *Server) addAccount(ctx context.Context, c *call, in *accountAdd) error {
	b := in.Body
	entity, err := s.entity(ctx, b.LegalEntity, b.Country)
	if err != nil {
		return err
	}
	usual, err := s.usual(ctx, b.Country)
	if err != nil {
		return err
	}
	if b.SkipCheck || b.Channel == "ownsite" { // nobody else is asked, so nobody else can say it
		b.Currency, b.Zone = or(b.Currency, usual.Currency), or(b.Zone, usual.Zone)
	}
	if b.Zone != "" {
		if _, err := time.LoadLocation(b.Zone); err != nil {
			return fault.Field("zone", "%q is no time zone of the IANA database", b.Zone)
		}
	}
	if b.Channel == "ownsite" {
		b.Settings = maps.Clone(b.Settings)
		for name, v := range map[string]string{"currency": b.Currency, "zone": b.Zone} {
			if b.Settings[name] == "" && v != "" {
				if b.Settings == nil {
					b.Settings = map[string]string{}
				}
				b.Settings[name] = v
			}
		}
	}
	acc, err := s.Connect.Add(ctx, connect.Adding{
		Name: b.Name, Channel: b.Channel, Country: b.Country, Currency: b.Currency, Zone: b.Zone, LegalEntity: entity, Residency: b.Residency, App: b.App, Settings: b.Settings,
		Secrets: b.Secrets, Mode: channel.Mode(b.Mode), OpenOrders: channel.OpenOrders(b.OpenOrders), Actor: c.actor, SkipCheck: b.SkipCheck,
	})
	c.about(acc.ID)
	return err
}

// usual are the rules of a country, of which currency and time zone are taken where nobody says another; a country nobody wrote down has neither.
func (s *Server) usual(ctx context.Context, country string) (r policy.Rules, err error) {
	if s.Policy == nil {
		return r, nil
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = s.Policy.Rules(tx, country, "", tx.Now)
		return err
	})
	return r, err
}

// entity finds the company that sells: as named, or the only one of the country.
func (s *Server) entity(ctx context.Context, ref, country string) (id string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := s.Policy.Entity(tx)
		if err != nil {
			return err
		}
		var of []string
		for _, e := range all {
			if ref != "" && (e.ID == ref || e.Code == ref) {
				id = e.ID
				return nil
			}
			if e.Country == country {
				of = append(of, e.ID)
			}
		}
		switch {
		case ref != "":
			return fault.Field("legal_entity", "there is no legal entity %q", ref)
		case len(of) == 1:
			id = of[0]
			return nil
		}
		return fault.Field("legal_entity", "say which company sells: %d are registered in %s", len(of), country)
	})
	return id, err
}

func (s *Server) accountAt(ctx context.Context, ref string, seen int64) error {
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		a, err := s.Connect.Account(tx, ref)
		if err != nil {
			return err
		}
		return sameVersion(seen, a.Version)
	})
}

func kindView(k channel.Kind) ChannelKind {
	v := ChannelKind{Name: k.Name, Title: k.Title, Docs: k.Docs, Countries: orEmpty(k.Countries), Settings: []ChannelSetting{}, Unverified: orEmpty(k.Unverified)}
	for _, st := range k.Settings {
		v.Settings = append(v.Settings, ChannelSetting{Name: st.Name, Title: st.Title, Help: st.Help, Default: st.Default, Required: st.Required, Secret: st.Secret, Options: st.Options, Unverified: st.Unverified})
	}
	return v
}

func (s *Server) showAccount(tx *db.Tx, ref string) (Account, error) {
	a, err := s.Connect.Account(tx, ref)
	if err != nil {
		return Account{}, err
	}
	c, err := s.Connect.Condition(tx, a.ID)
	if err != nil {
		return Account{}, err
	}
	v := Account{Account: a, Health: AccountHealth{
		LastWebhook: c.LastWebhook, LastPoll: c.LastPoll, LastPollOK: c.LastPollOK, LastCallOK: c.LastCallOK, LastError: c.LastError, LastErrorKind: c.LastErrorKind,
		LastErrorAt: c.LastErrorAt, TokenExpires: c.TokenExpires, RefreshExpires: c.RefreshExpires, APIVersion: c.APIVersion, APIVersionEnds: c.APIVersionEnds,
		Refreshed: c.Refreshed, RefreshError: c.RefreshError, RefreshErrorAt: c.RefreshErrorAt, RefreshFailures: c.RefreshFailures, AccessEnds: c.AccessEnds, AccessEndsWhy: c.AccessEndsWhy,
		Scopes: c.Scopes, Missing: c.Missing, AskedAgain: c.AskedAgain,
		Subscribed: c.Subscribed, SubscriptionNote: c.SubscriptionNote, Reconciled: c.Reconciled, ReconcileNote: c.ReconcileNote, ZoneNote: c.ZoneNote, Waiting: c.Waiting, Stuck: c.Stuck, Tells: c.Tells,
	}}
	v.Health.Places, err = s.Connect.Places(tx, a.ID)
	return v, err
}
