package channel

import "context"

type repeatableKey struct{}

// Repeatable marks a context whose requests change nothing at the partner, or nothing more when they arrive twice, though their method
// says otherwise, such as a GraphQL query sent by POST. The shared client may then repeat them; without the mark it repeats only GET and HEAD.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

// IsRepeatable reports whether a context was marked by Repeatable.
func IsRepeatable(ctx context.Context) bool { return ctx.Value(repeatableKey{}) != nil }
