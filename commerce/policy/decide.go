package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
	"github.com/govalues/decimal"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Facts are what an expression may look at, by name: money.Amount, int64, int, bool and string. Amounts are decimals in major units, so all of
// one expression must be in one currency.
type Facts map[string]any

// Answer is what an expression gave.
type Answer struct {
	Row   Row
	value any
}

// Decide evaluates the expression of a name in force at an instant, where data alone is not enough: "goods >= 3000 ? 0 : 200". Numbers are
// whole numbers or dec("0.5"); + - * and comparisons work on amounts exactly, also as add, sub, mul, least and most. There is no division and
// no fraction that is not exact. Faults: NotFound when there is no such rule; Invalid for facts in two currencies or an expression that
// does not fit its facts.
func (s *Service) Decide(tx *db.Tx, country, subdivision, name string, at time.Time, facts Facts) (Answer, error) {
	row, err := s.Value(tx, country, fullCode(country, subdivision), name, at)
	if err != nil {
		return Answer{}, err
	}
	if row.Unit != Expr {
		return Answer{}, fault.New(fault.Invalid, "the rule %s is a value, no expression", name)
	}
	env, err := facts.env()
	if err != nil {
		return Answer{}, err
	}
	program, err := s.compile(row.Value, env)
	if err != nil {
		return Answer{}, err
	}
	value, err := expr.Run(program, env)
	if err != nil {
		return Answer{}, notFitting(row.Name, err)
	}
	return Answer{row, value}, nil
}

// Bool is the answer yes or no. Fault: Invalid when it is neither.
func (a Answer) Bool() (bool, error) {
	yes, ok := a.value.(bool)
	if !ok {
		return false, fault.New(fault.Invalid, "the rule %s does not answer yes or no", a.Row.Name)
	}
	return yes, nil
}

// Amount is the answer as money. Fault: Invalid when it is none, or has more digits than the currency.
func (a Answer) Amount(currency string) (money.Amount, error) {
	switch v := a.value.(type) {
	case decimal.Decimal:
		return money.Parse(v.String(), currency)
	case int:
		return money.Parse(fmt.Sprint(v), currency)
	}
	return money.Amount{}, fault.New(fault.Invalid, "the rule %s does not answer an amount", a.Row.Name)
}

// Text is the answer in words. Fault: Invalid when it is not text.
func (a Answer) Text() (string, error) {
	text, ok := a.value.(string)
	if !ok {
		return "", fault.New(fault.Invalid, "the rule %s does not answer text", a.Row.Name)
	}
	return text, nil
}

func (f Facts) env() (map[string]any, error) {
	env, currency := map[string]any{}, ""
	for name, v := range f {
		switch v := v.(type) {
		case money.Amount:
			if currency != "" && v.Currency != currency {
				return nil, fault.New(fault.Invalid, "facts in %s and %s cannot be compared", currency, v.Currency)
			}
			currency = v.Currency
			d, err := decimal.Parse(v.Decimal())
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "an amount is too large for a rule")
			}
			env[name] = d
		case int64:
			env[name] = int(v)
		case int, bool, string:
			env[name] = v
		default:
			return nil, fault.New(fault.Internal, "a rule cannot look at a %T", v)
		}
	}
	return env, nil
}

// compile makes a program for facts of these names and types, once.
func (s *Service) compile(text string, env map[string]any) (*vm.Program, error) {
	types := make([]string, 0, len(env))
	for name, v := range env {
		types = append(types, fmt.Sprintf("%s %T", name, v))
	}
	slices.Sort(types)
	key := text + "\x00" + strings.Join(types, ",")
	if known, ok := s.programs.Load(key); ok {
		return known.(*vm.Program), nil
	}
	if err := checkExpression(text); err != nil {
		return nil, err
	}
	program, err := expr.Compile(text, append(words(), expr.Env(env))...)
	if err != nil {
		return nil, notFitting(text, err)
	}
	s.programs.Store(key, program)
	return program, nil
}

func notFitting(what string, err error) error {
	return fault.Wrap(fault.Invalid, err, "the rule "+what+" does not fit the facts it is given")
}

const maxNodes = 200

// words is the language: exact arithmetic, comparisons, and nothing that loops.
func words() []expr.Option {
	options := []expr.Option{expr.DisableAllBuiltins(), expr.MaxNodes(maxNodes), expr.Function("dec", func(p ...any) (any, error) {
		return decimal.Parse(p[0].(string))
	}, new(func(string) decimal.Decimal))}
	arithmetic := map[string]func(a, b decimal.Decimal) (decimal.Decimal, error){
		"add": decimal.Decimal.Add, "sub": decimal.Decimal.Sub, "mul": decimal.Decimal.Mul,
		"least": func(a, b decimal.Decimal) (decimal.Decimal, error) { return a.Min(b), nil },
		"most":  func(a, b decimal.Decimal) (decimal.Decimal, error) { return a.Max(b), nil },
	}
	for name, fn := range arithmetic {
		options = append(options, function(name, fn, new(func(a, b decimal.Decimal) decimal.Decimal), new(func(decimal.Decimal, int) decimal.Decimal), new(func(int, decimal.Decimal) decimal.Decimal)))
	}
	compare := map[string]func(c int) bool{
		"less": func(c int) bool { return c < 0 }, "atMost": func(c int) bool { return c <= 0 }, "more": func(c int) bool { return c > 0 },
		"atLeast": func(c int) bool { return c >= 0 }, "equal": func(c int) bool { return c == 0 }, "unequal": func(c int) bool { return c != 0 },
	}
	for name, fn := range compare {
		options = append(options, function(name, func(a, b decimal.Decimal) (bool, error) { return fn(a.Cmp(b)), nil },
			new(func(a, b decimal.Decimal) bool), new(func(decimal.Decimal, int) bool), new(func(int, decimal.Decimal) bool)))
	}
	for operator, name := range map[string]string{
		"+": "add", "-": "sub", "*": "mul", "<": "less", "<=": "atMost", ">": "more", ">=": "atLeast", "==": "equal", "!=": "unequal",
	} {
		options = append(options, expr.Operator(operator, name))
	}
	return options
}

// function makes a function of two numbers, each an amount or a whole number.
func function[T any](name string, fn func(a, b decimal.Decimal) (T, error), types ...any) expr.Option {
	return expr.Function(name, func(p ...any) (any, error) {
		a, err := number(p[0])
		if err != nil {
			return nil, err
		}
		b, err := number(p[1])
		if err != nil {
			return nil, err
		}
		return fn(a, b)
	}, types...)
}

func number(v any) (decimal.Decimal, error) {
	if n, ok := v.(int); ok {
		return decimal.New(int64(n), 0)
	}
	return v.(decimal.Decimal), nil
}

// checkExpression refuses what would not be exact, and what is no expression.
func checkExpression(text string) error {
	if len(text) > 2000 {
		return fault.Field("value", "the expression is too long")
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return fault.Field("value", "this is no expression: %s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	v := &exactness{}
	ast.Walk(&tree.Node, v)
	return v.err
}

// exactness finds what is not exact on money.
type exactness struct{ err error }

// Visit implements ast.Visitor.
func (v *exactness) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.FloatNode:
		v.refuse("write dec(\"%v\") instead of %v: a fraction must be exact", n.Value, n.Value)
	case *ast.BinaryNode:
		if n.Operator == "/" || n.Operator == "**" || n.Operator == "^" || n.Operator == ".." || n.Operator == "matches" {
			v.refuse("%q is not allowed in a rule", n.Operator)
		}
	case *ast.BuiltinNode:
		v.refuse("%s is not allowed in a rule", n.Name)
	}
}

func (v *exactness) refuse(format string, args ...any) {
	if v.err == nil {
		v.err = fault.Field("value", format, args...)
	}
}
