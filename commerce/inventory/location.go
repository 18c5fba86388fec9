package inventory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// The kinds of location. Goods at a channel are the channel's to send; an online branch sells but keeps no goods.
const (
	Branch    = "branch"
	Warehouse = "warehouse"
	AtChannel = "channel"
	Online    = "online"
)

// Location is a branch, a warehouse, or a place of goods at a channel.
type Location struct {
	ID            string    `json:"id"`
	Code          string    `json:"code"`
	Name          string    `json:"name"`
	Kind          string    `json:"kind"`
	LegalEntity   string    `json:"legal_entity_id"`
	Country       string    `json:"country"` // ISO 3166-1
	Province      string    `json:"province"`
	City          string    `json:"city"`
	Zone          string    `json:"zone"`           // IANA
	ClosingMinute int64     `json:"closing_minute"` // of the local day: what happens before it belongs to the business day before
	Priority      int64     `json:"priority"`       // smaller is preferred
	Fulfils       bool      `json:"fulfils"`        // sends orders
	Active        bool      `json:"active"`
	Account       string    `json:"account_id,omitempty"` // of goods at a channel
	HeardAt       time.Time `json:"heard_at,omitzero"`    // last sign of life; zero for places that need give none
	Weight        int64     `json:"weight"`               // percent of its stock that counts in promises, as last told
	Version       int64     `json:"version"`
}

const locationColumns = `id, code, name, kind, legal_entity_id, country, province, city, zone, closing_minute, priority, fulfils, active,
	account_id, heard_at, weight, version`

func scanLocation(s db.Scanner) (l Location, err error) {
	err = s.Scan(&l.ID, &l.Code, &l.Name, &l.Kind, &l.LegalEntity, &l.Country, &l.Province, &l.City, &l.Zone, &l.ClosingMinute, &l.Priority,
		&l.Fulfils, &l.Active, db.Text(&l.Account), db.Time(&l.HeardAt), &l.Weight, &l.Version)
	return l, err
}

// Locations reads locations by id, or all of them, ordered by code. Unknown ids are left out.
func (s *Service) Locations(tx *db.Tx, ids ...string) ([]Location, error) {
	if len(ids) == 0 {
		return db.All(tx, scanLocation, `select `+locationColumns+` from locations order by code`)
	}
	return db.All(tx, scanLocation, `select `+locationColumns+` from locations where id in (select key from json_each($1)) order by code`,
		db.Keys(distinct(ids)))
}

// LocationByCode finds a location by the code people use. Fault: NotFound.
func (s *Service) LocationByCode(tx *db.Tx, code string) (Location, error) {
	l, err := db.One(tx, scanLocation, `select `+locationColumns+` from locations where code = $1`, code)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no location %q", code)
	}
	return l, err
}

// SaveLocations adds locations and updates those whose code is known, as the POS core gives them; ids, the sign of life and the weight of
// known ones stay. It answers the ids at the same index. Faults: Invalid for a kind or zone that does not exist, or a code given twice.
func (s *Service) SaveLocations(tx *db.Tx, all []Location) ([]string, error) {
	batch := db.NewBatch(1)
	for i, l := range all {
		if err := l.check(i); err != nil {
			return nil, err
		}
		batch.Add(l.Code, cmp.Or(l.ID, db.ID()), l.Name, l.Kind, l.LegalEntity, l.Country, l.Province, l.City, l.Zone, l.ClosingMinute,
			l.Priority, l.Fulfils, l.Active, null(l.Account), db.Micros(l.HeardAt))
	}
	ids := map[string]string{}
	tx.SendQuery(`insert into locations (id, code, name, kind, legal_entity_id, country, province, city, zone, closing_minute, priority, fulfils,
			active, account_id, heard_at, weight, version)
		select r.i, r.k, r.n, r.t, r.e, r.c, r.p, r.y, r.z, r.m, r.o, r.f, r.a, r.x, r.h, 100, 1
		from rows(k text, i text, n text, t text, e text, c text, p text, y text, z text, m bigint, o bigint, f boolean, a boolean, x text, h bigint)
		where true on conflict (code) do update set name = excluded.name, kind = excluded.kind, legal_entity_id = excluded.legal_entity_id,
			country = excluded.country, province = excluded.province, city = excluded.city, zone = excluded.zone,
			closing_minute = excluded.closing_minute, priority = excluded.priority, fulfils = excluded.fulfils, active = excluded.active,
			account_id = excluded.account_id, version = locations.version + 1
		returning code, id`, func(row db.Scanner) error {
		var code, id string
		err := row.Scan(&code, &id)
		ids[code] = id
		return err
	}, batch)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = ids[l.Code]
	}
	return out, nil
}

func (l Location) check(i int) error {
	switch l.Kind {
	case Branch, Warehouse, AtChannel, Online:
	default:
		return fault.Field(fieldOf("locations", i)+".kind", "%q is not branch, warehouse, channel or online", l.Kind)
	}
	if l.Code == "" || l.LegalEntity == "" || len(l.Country) != 2 {
		return fault.Field(fieldOf("locations", i), "a location needs a code, a legal entity and a country of two letters")
	}
	if l.ClosingMinute < 0 || l.ClosingMinute >= 24*60 {
		return fault.Field(fieldOf("locations", i)+".closing_minute", "must be a minute of the day")
	}
	if _, err := zone(l.Zone); err != nil {
		return fault.Field(fieldOf("locations", i)+".zone", "%q is not a time zone", l.Zone)
	}
	return nil
}

// Route is where an order comes from and goes to.
type Route struct {
	LegalEntity string // "" = any
	Account     string
	Country     string // ship-to, ISO 3166-1
	Province    string
	City        string
}

// Place is a location as sourcing sees it.
type Place struct {
	LocationID  string `json:"location_id"`
	Code        string `json:"code"`
	Country     string `json:"country"`
	LegalEntity string `json:"legal_entity_id"`
	Kind        string `json:"kind"`
	Priority    int64  `json:"priority"`
	Fulfils     bool   `json:"fulfils"`
	SameCountry bool   `json:"same_country"`
	SameCity    bool   `json:"same_city"`
	Weight      int64  `json:"weight"`
}

// Ranked lists, per route, the locations that may fulfil it, best first: of the seller's legal entity, switched on and fulfilling; in the
// country of the ship-to before others, then by priority, then nearer ones (same city, same province), then by code.
func (s *Service) Ranked(tx *db.Tx, routes []Route) ([][]Place, error) {
	all, err := db.All(tx, scanLocation, `select `+locationColumns+` from locations where active and fulfils and kind in ('branch', 'warehouse')
		order by code`)
	if err != nil {
		return nil, err
	}
	known := map[Route][]Place{}
	out := make([][]Place, len(routes))
	for i, r := range routes {
		if _, ok := known[r]; !ok {
			known[r] = r.rank(all)
		}
		out[i] = known[r]
	}
	return out, nil
}

func (r Route) rank(all []Location) []Place {
	var fit []Location
	for _, l := range all {
		if r.LegalEntity == "" || l.LegalEntity == r.LegalEntity {
			fit = append(fit, l)
		}
	}
	slices.SortStableFunc(fit, func(a, b Location) int {
		return cmp.Or(
			first(a.Country == r.Country, b.Country == r.Country),
			cmp.Compare(a.Priority, b.Priority),
			first(same(a.City, r.City), same(b.City, r.City)),
			first(same(a.Province, r.Province), same(b.Province, r.Province)),
		)
	})
	places := make([]Place, len(fit))
	for i, l := range fit {
		places[i] = Place{
			LocationID: l.ID, Code: l.Code, Country: l.Country, LegalEntity: l.LegalEntity, Kind: l.Kind, Priority: l.Priority, Fulfils: l.Fulfils,
			SameCountry: l.Country == r.Country, SameCity: same(l.City, r.City), Weight: l.Weight,
		}
	}
	return places
}

// first sorts what is true before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func same(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

func distinct(ids []string) []string {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}
