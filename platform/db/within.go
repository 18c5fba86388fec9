package db

import "context"

// Narrow is the condition that rows of a kind, of the table called so in the statement, may be seen: "" when all may. Its arguments are
// appended to those of the statement.
type Narrow func(rows, table string, args []any) (condition string, more []any)

type narrowKey struct{}

// Narrowed returns a context in whose transactions lists show only some rows, see Within.
func Narrowed(ctx context.Context, n Narrow) context.Context {
	return context.WithValue(ctx, narrowKey{}, n)
}

// Within is what every list for people adds to its condition: which rows whoever asks may see, " and (…)", or "" for all. rows names a kind
// of package access.
func (tx *Tx) Within(rows, table string, args []any) (condition string, more []any) {
	n, _ := tx.ctx.Value(narrowKey{}).(Narrow)
	if n == nil {
		return "", args
	}
	condition, more = n(rows, table, args)
	if condition != "" {
		condition = " and " + condition
	}
	return condition, more
}
