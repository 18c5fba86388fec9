package returns

import (
	"context"
	"strings"
	"sync"
)

// numbers keeps return numbers of each country ready, so that nobody has to ask while a transaction is open. What is left over at the end is a gap, which is allowed.
type numbers struct {
	mu    sync.Mutex
	ready map[string][]string
}

const numberBlock = 64

func prefixOf(country string) string {
	if country == "" {
		country = "XX"
	}
	return country + "-RMA"
}

// Stock makes sure that at least n return numbers of a country are ready. Call it before a transaction that takes returns of a channel.
func (s *Service) Stock(ctx context.Context, country string, n int) error {
	prefix := prefixOf(country)
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

// number takes the next number. What a channel or a courier tells is never refused for want of one: then the end of the return's own id serves, which is as unique.
func (s *Service) number(country, id string) string {
	prefix := prefixOf(country)
	s.numbers.mu.Lock()
	defer s.numbers.mu.Unlock()
	ready := s.numbers.ready[prefix]
	if len(ready) == 0 {
		return prefix + "-" + strings.ToUpper(id[len(id)-12:])
	}
	s.numbers.ready[prefix] = ready[1:]
	return ready[0]
}
