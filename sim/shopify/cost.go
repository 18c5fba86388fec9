package shopify

import (
	"math"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// maxCost is the cost no single query may exceed.
const maxCost = 1000

// scale is how the cost of one member grows with the page size. Shopify only says "sized by the first and last arguments"; a page of 250 of
// cost 2 has been seen at 24, which this curve meets. https://community.shopify.dev/t/23101
func scale(n int) float64 {
	if n <= 0 {
		return 0
	}
	return math.Ceil(2 * math.Log(float64(n)+1))
}

// requested is the cost of a selection before anything is known of the answer: objects 1, connections scaled, mutations 10, scalars nothing.
func requested(set ast.SelectionSet, vars map[string]any, mutation bool) float64 {
	total := 0.0
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			total += requestedField(s, vars, mutation)
		case *ast.InlineFragment:
			total += requested(s.SelectionSet, vars, mutation)
		case *ast.FragmentSpread:
			total += requested(s.Definition.SelectionSet, vars, mutation)
		}
	}
	return total
}

func requestedField(f *ast.Field, vars map[string]any, mutation bool) float64 {
	if len(f.SelectionSet) == 0 {
		return 0
	}
	inner := requested(f.SelectionSet, vars, false)
	switch {
	case mutation:
		return 10 + inner
	case isConnection(f.Definition.Type):
		n, ok := args(f.ArgumentMap(vars)).number("first")
		if !ok {
			n, _ = args(f.ArgumentMap(vars)).number("last")
		}
		return scale(n) * max(1, inner)
	case f.Name == "nodes" || f.Name == "edges":
		return 1 + inner
	case f.Name == "node" && strings.HasSuffix(f.ObjectDefinition.Name, "Edge"), f.Name == "pageInfo":
		return inner
	}
	return 1 + inner
}

func isConnection(t *ast.Type) bool { return strings.HasSuffix(t.NamedType, "Connection") }

// objectCost is what one object adds to the cost of an answer.
func objectCost(f *ast.Field, _ map[string]any, obj object) float64 {
	typ := obj.typeName()
	switch {
	case strings.HasSuffix(typ, "Connection"), strings.HasSuffix(typ, "Edge"), typ == "PageInfo":
		return 0
	case f.Name == "nodes" || f.Name == "node":
		return 0.1 // members of a page cost less than objects of their own, see scale
	}
	return 0.5
}

// bucket is the leaky bucket of one app at one shop, in points.
type bucket struct {
	size, rate float64
	level      float64 // points available
	at         time.Time
}

func (b *bucket) refill(now time.Time) {
	if b.at.IsZero() {
		b.level = b.size
	} else if now.After(b.at) {
		b.level = min(b.size, b.level+now.Sub(b.at).Seconds()*b.rate)
	}
	b.at = now
}

func (b *bucket) status() kv {
	return kv{"maximumAvailable": b.size, "currentlyAvailable": math.Floor(b.level), "restoreRate": b.rate}
}
