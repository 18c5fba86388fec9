package embedded

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/pos"
)

// Memory is a pos.Store for tests. Its fields are set before it is used.
type Memory struct {
	Units []pos.OrgUnit
	Stock []pos.Item
	List  []pos.Price
	Rules []pos.TaxRule

	mu    sync.Mutex
	moves []pos.Movement
	docs  map[string]pos.Document
}

// OrgUnits implements pos.Store.
func (m *Memory) OrgUnits(context.Context) ([]pos.OrgUnit, error) { return m.Units, nil }

// Prices implements pos.Store.
func (m *Memory) Prices(context.Context) ([]pos.Price, error) { return m.List, nil }

// TaxRules implements pos.Store.
func (m *Memory) TaxRules(context.Context) ([]pos.TaxRule, error) { return m.Rules, nil }

// Items implements pos.Store: on hand is what was there plus what moved.
func (m *Memory) Items(context.Context) ([]pos.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := append([]pos.Item(nil), m.Stock...)
	for i := range out {
		for _, mv := range m.moves {
			if mv.SKU == out[i].SKU && mv.Branch == out[i].Branch {
				out[i].OnHand += mv.Delta
			}
		}
	}
	return out, nil
}

// Movements implements pos.Store.
func (m *Memory) Movements(_ context.Context, since pos.Mark, limit int) ([]pos.Movement, pos.Mark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := 0
	if since != "" {
		var err error
		if at, err = strconv.Atoi(string(since)); err != nil || at < 0 || at > len(m.moves) {
			return nil, "", fault.Field("since", "is no mark of this store")
		}
	}
	rows := m.moves[at:min(len(m.moves), at+limit)]
	return append([]pos.Movement(nil), rows...), pos.Mark(strconv.Itoa(at + len(rows))), nil
}

// Move lets stock change in the store, as a till or a count does.
func (m *Memory) Move(mv pos.Movement) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moves = append(m.moves, mv)
}

// Keep implements pos.Store.
func (m *Memory) Keep(_ context.Context, d pos.Document) (*pos.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs == nil {
		m.docs = map[string]pos.Document{}
	}
	if there, ok := m.docs[d.ID]; ok {
		return &there, nil
	}
	if d.Kind == "movement" {
		var mv pos.Movement
		if err := json.Unmarshal(d.Body, &mv); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the movement cannot be read")
		}
		m.moves = append(m.moves, mv)
	}
	m.docs[d.ID] = d
	return nil, nil
}

// Documents counts what was posted, by kind.
func (m *Memory) Documents() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := map[string]int{}
	for _, d := range m.docs {
		n[d.Kind]++
	}
	return n
}
