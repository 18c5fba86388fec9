package embedded_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/pos"
	"github.com/openclaw-pos/commerce/pos/embedded"
	"github.com/openclaw-pos/commerce/pos/postest"
)

// bench is a store in memory: the embedded core is as good as its store.
type bench struct{ embedded.Memory }

func (b *bench) Account() postest.Account {
	kind := embedded.Kind(&b.Memory)
	return postest.Account{Kind: &kind}
}

func (b *bench) Seed(_ testing.TB, s postest.Seeds) {
	b.Units, b.Stock, b.List, b.Rules = s.Units, s.Items, s.Prices, s.Rules
}
func (b *bench) Move(_ testing.TB, m pos.Movement)  { b.Memory.Move(m) }
func (b *bench) Posted(testing.TB) map[string]int   { return b.Documents() }
func (b *bench) Fault(testing.TB, string, int, int) {}

func TestConformance(t *testing.T) {
	postest.Run(t, postest.Suite{
		Kind: embedded.Kind(&embedded.Memory{}), Bench: func(testing.TB) postest.Bench { return &bench{} },
		Faults: []string{}, // there is no wire to break
	})
}
