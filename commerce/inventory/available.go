package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
)

// AvailQuery asks what may be promised.
type AvailQuery struct {
	Account     string // its buffer is held back; "" = none
	LegalEntity string // whose locations; "" = any
	Country     string // whose locations; "" = any
	Variants    []string
	Locations   []string // only these, as an account maps them; empty = all that fulfil
}

// Explained is a promise with its arithmetic: every term that made the number.
type Explained struct {
	Variant   string `json:"variant_id"`
	Promise   int64  `json:"promise"`   // max(0, available − buffer)
	Available int64  `json:"available"` // what the locations count for together; for a kit, the least of what its parts make
	Buffer    int64  `json:"buffer"`
	Terms     []Term `json:"terms,omitempty"`
	Kit       []Made `json:"kit,omitempty"`
}

// Term is one location's part of a promise.
type Term struct {
	Location  string    `json:"location_id"`
	Code      string    `json:"code"`
	OnHand    int64     `json:"on_hand"`
	Reserved  int64     `json:"reserved"`
	Safety    int64     `json:"safety"`
	Available int64     `json:"available"`            // max(0, on hand − reserved − safety)
	Weight    int64     `json:"weight"`               // percent that counts: less for a branch that has not been heard of
	HeardAt   time.Time `json:"heard_at,omitzero"`    // zero for places that need give no sign of life
	Counts    int64     `json:"counts"`               // available × weight, rounded down
	Quiet     string    `json:"unheard_for,omitzero"` // how long, when it weighs less
}

// Made is how many kits one part makes.
type Made struct {
	event.Part
	Available int64  `json:"available"`
	Kits      int64  `json:"kits"`
	Terms     []Term `json:"terms"`
}

// Available says what may be promised of each variant, with the arithmetic. Variants nobody ever had are promised 0. Nothing is reserved:
// what is shown is no promise until it is.
func (s *Service) Available(tx *db.Tx, q AvailQuery) (map[string]Explained, error) {
	kits, err := s.need.Parts(tx, q.Variants)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, v := range q.Variants {
		wanted[v] = true
		for _, p := range kits[v] {
			wanted[p.Variant] = true
		}
	}
	terms, err := s.terms(tx, q, slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		return nil, err
	}
	buffers, err := s.buffers(tx, q.Account, q.Variants)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Explained, len(q.Variants))
	for _, v := range q.Variants {
		e := Explained{Variant: v, Buffer: buffers[v]}
		if parts, ok := kits[v]; ok {
			e.Kit, e.Available = made(parts, terms)
		} else {
			e.Terms, e.Available = terms[v], sum(terms[v])
		}
		e.Promise = max(0, e.Available-e.Buffer)
		out[v] = e
	}
	return out, nil
}

// Explain is Available for one variant.
func (s *Service) Explain(tx *db.Tx, variant string, q AvailQuery) (Explained, error) {
	q.Variants = []string{variant}
	all, err := s.Available(tx, q)
	return all[variant], err
}

func sum(terms []Term) (n int64) {
	for _, t := range terms {
		n += t.Counts
	}
	return n
}

// made is what the parts of a kit make; the scarcest decides.
func made(parts []event.Part, terms map[string][]Term) (all []Made, kits int64) {
	for i, p := range parts {
		m := Made{Part: p, Available: sum(terms[p.Variant]), Terms: terms[p.Variant]}
		m.Kits = m.Available / max(1, p.Quantity)
		if i == 0 || m.Kits < kits {
			kits = m.Kits
		}
		all = append(all, m)
	}
	return all, kits
}

// terms reads what each location has of the variants.
func (s *Service) terms(tx *db.Tx, q AvailQuery, variants []string) (map[string][]Term, error) {
	places, err := s.promising(tx, q)
	if err != nil {
		return nil, err
	}
	out := map[string][]Term{}
	tx.SendQuery(`select variant_id, location_id, on_hand, reserved, safety from stock_levels
		where variant_id in (select key from json_each($1)) and condition = 'sellable' order by variant_id`, func(row db.Scanner) error {
		var variant string
		var t Term
		err := row.Scan(&variant, &t.Location, &t.OnHand, &t.Reserved, &t.Safety)
		if p, ok := places[t.Location]; ok {
			out[variant] = append(out[variant], p.term(t, tx.Now))
		}
		return err
	}, db.Keys(variants))
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	for _, terms := range out {
		slices.SortFunc(terms, func(a, b Term) int { return strings.Compare(a.Code, b.Code) })
	}
	return out, nil
}

func (p place) term(t Term, now time.Time) Term {
	t.Code, t.HeardAt, t.Weight = p.Code, p.HeardAt, p.weight
	t.Available = max(0, t.OnHand-t.Reserved-t.Safety)
	t.Counts = t.Available * t.Weight / 100
	if t.Weight < 100 {
		t.Quiet = now.Sub(p.HeardAt).Truncate(time.Minute).String()
	}
	return t
}

// place is a location and what its stock weighs now.
type place struct {
	Location
	weight int64
}

// promising finds the locations whose stock a query counts.
func (s *Service) promising(tx *db.Tx, q AvailQuery) (map[string]place, error) {
	all, err := s.Locations(tx, q.Locations...)
	if err != nil {
		return nil, err
	}
	out := map[string]place{}
	weigh := s.weigher(tx)
	for _, l := range all {
		sells := l.Active && l.Fulfils && (l.Kind == Branch || l.Kind == Warehouse)
		if !sells || q.Country != "" && l.Country != q.Country || q.LegalEntity != "" && l.LegalEntity != q.LegalEntity {
			continue
		}
		weight, err := weigh(l)
		if err != nil {
			return nil, err
		}
		out[l.ID] = place{l, weight}
	}
	return out, nil
}

// buffers reads what an account is shown less: the variant's own buffer, else the account's.
func (s *Service) buffers(tx *db.Tx, account string, variants []string) (map[string]int64, error) {
	out := map[string]int64{}
	if account == "" {
		return out, nil
	}
	own := map[string]int64{}
	tx.SendQuery(`select variant_id, quantity from channel_buffers
		where account_id = $1 and (variant_id = '' or variant_id in (select key from json_each($2)))`, func(row db.Scanner) error {
		var variant string
		var n int64
		err := row.Scan(&variant, &n)
		own[variant] = n
		return err
	}, account, db.Keys(distinct(variants)))
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	for _, v := range variants {
		n, ok := own[v]
		if !ok {
			n = own[""]
		}
		out[v] = n
	}
	return out, nil
}

// String is the arithmetic as a person reads it, a line per term.
func (e Explained) String() string {
	var b strings.Builder
	for _, t := range e.Terms {
		fmt.Fprintf(&b, "%s\n", t)
	}
	for _, m := range e.Kit {
		for _, t := range m.Terms {
			fmt.Fprintf(&b, "%s  %s\n", m.SKU, t)
		}
		fmt.Fprintf(&b, "%s  %d available, %d in a kit: enough for %d kits\n", m.SKU, m.Available, m.Quantity, m.Kits)
	}
	fmt.Fprintf(&b, "%d available − %d held back for the channel = %d promised\n", e.Available, e.Buffer, e.Promise)
	return b.String()
}

// String is the location's arithmetic.
func (t Term) String() string {
	s := fmt.Sprintf("%s: %d on hand − %d reserved − %d safety = %d", t.Code, t.OnHand, t.Reserved, t.Safety, t.Available)
	if t.Weight < 100 {
		s += fmt.Sprintf(", not heard of for %s, counts %d %% = %d", t.Quiet, t.Weight, t.Counts)
	}
	return s
}
