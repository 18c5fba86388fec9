package policy

import (
	"testing"

	"github.com/expr-lang/expr"
	"github.com/govalues/decimal"
)

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{`goods >= 3000 ? 0 : 200`, `most(dec("150.5"), goods * dec("0.1"))`, `goods / 2`, `1.5`, `filter([1], # > 0)`, `dec("x")`, `goods - -1`, `city matches "a"`} {
		f.Add(seed)
	}
	s := New(Needs{})
	f.Fuzz(func(t *testing.T, text string) {
		env := map[string]any{"goods": decimal.MustParse("2999.99"), "city": "Lahore", "weight": 3}
		program, err := s.compile(text, env)
		if err != nil {
			return
		}
		value, err := expr.Run(program, env)
		if _, float := value.(float64); err == nil && float {
			t.Errorf("%q gives the float %v", text, value)
		}
	})
}
