package policy

import (
	"context"
	"fmt"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Numbers allocates the next n numbers of a prefix, "PK-DZ-000123" and on, in a transaction of its own: no two calls get the same, and those
// nobody uses stay gaps. Fault: Invalid for an empty prefix or an n outside 1…100000.
func (s *Service) Numbers(ctx context.Context, prefix string, n int) ([]string, error) {
	if prefix == "" || n < 1 || n > 100_000 {
		return nil, fault.New(fault.Invalid, "numbers need a prefix and a count of 1 to 100000")
	}
	var next int64
	err := s.need.DB.Write(db.Along(ctx, nil), func(tx *db.Tx) (err error) {
		next, err = db.One(tx, func(row db.Scanner) (v int64, err error) { return v, row.Scan(&v) },
			`insert into number_blocks (prefix, next) values ($1, $2)
			on conflict (prefix) do update set next = number_blocks.next + $3 returning next`, prefix, int64(n)+1, int64(n))
		return err
	})
	if err != nil {
		return nil, err
	}
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("%s-%06d", prefix, next-int64(n)+int64(i))
	}
	return numbers, nil
}
