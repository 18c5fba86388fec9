package policy

import (
	"fmt"
	"strings"

	"github.com/openclaw-pos/commerce/platform/db"
)

// maxEnding is how many numbers of one prefix are thought of: three digits among five million.
const maxEnding = 5000

// Ending lists the numbers given out so far whose last digits are these, of every prefix, the newest of each first: people read a long number from its end.
// Which of them are used nobody here knows. Fewer than three digits, or other signs, give none.
func (s *Service) Ending(tx *db.Tx, digits string) ([]string, error) {
	if len(digits) < 3 || len(digits) > 12 || strings.Trim(digits, "0123456789") != "" {
		return nil, nil
	}
	type block struct {
		prefix string
		next   int64
	}
	blocks, err := db.All(tx, func(row db.Scanner) (b block, err error) { return b, row.Scan(&b.prefix, &b.next) }, `select prefix, next from number_blocks order by prefix`)
	if err != nil {
		return nil, err
	}
	end, step := int64(0), int64(1)
	for _, d := range digits {
		end, step = end*10+int64(d-'0'), step*10
	}
	var all []string
	for _, b := range blocks {
		if b.next <= end {
			continue
		}
		n := end + (b.next-1-end)/step*step
		for range maxEnding {
			if number := fmt.Sprintf("%06d", n); strings.HasSuffix(number, digits) {
				all = append(all, b.prefix+"-"+number)
			}
			if n -= step; n < 0 {
				break
			}
		}
	}
	return all, nil
}
