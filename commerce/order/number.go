package order

import (
	"context"
	"strings"
	"sync"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// numbers keeps order numbers of each prefix ready, so that import need not ask while it writes. A block left over at the end is a gap, which is allowed.
type numbers struct {
	mu    sync.Mutex
	ready map[string][]string
}

const numberBlock = 256

// channelCodes are the two letters of a channel in an order number.
var channelCodes = map[string]string{
	"shopify": "SH", "daraz": "DZ", "amazon": "AM", "noon": "NN", "temu": "TM",
	"alibaba": "AB", "aliexpress": "AE", "ownsite": "WS", "demo": "DM",
}

// prefixOf is what the numbers of a country and channel begin with: PK-DZ.
func prefixOf(country, channel string) string {
	code, ok := channelCodes[channel]
	if !ok {
		code = strings.ToUpper(channel)
		if len(code) > 2 {
			code = code[:2]
		}
	}
	if country == "" {
		country = "XX"
	}
	return country + "-" + code
}

// Stock makes sure that at least n numbers of a prefix are ready. Call it before the transaction that imports.
func (s *Service) Stock(ctx context.Context, country, channel string, n int) error {
	prefix := prefixOf(country, channel)
	s.numbers.mu.Lock()
	have := len(s.numbers.ready[prefix])
	s.numbers.mu.Unlock()
	if have >= n {
		return nil
	}
	block, err := s.need.Numbers(ctx, prefix, max(n-have, numberBlock))
	if err != nil {
		return err
	}
	s.numbers.mu.Lock()
	defer s.numbers.mu.Unlock()
	if s.numbers.ready == nil {
		s.numbers.ready = map[string][]string{}
	}
	s.numbers.ready[prefix] = append(s.numbers.ready[prefix], block...)
	return nil
}

// number takes the next number. A transaction that is repeated takes another: gaps are allowed.
// Fault: Unavailable (channel.NoNumbers) when none are ready, as when others took them meanwhile.
func (s *Service) number(country, kind string) (string, error) {
	prefix := prefixOf(country, kind)
	s.numbers.mu.Lock()
	defer s.numbers.mu.Unlock()
	ready := s.numbers.ready[prefix]
	if len(ready) == 0 {
		return "", fault.New(fault.Unavailable, "no order numbers are ready for %s", prefix).WithCode(channel.NoNumbers)
	}
	s.numbers.ready[prefix] = ready[1:]
	return ready[0], nil
}
