package connect

import "github.com/openclaw-pos/commerce/platform/db"

// Backlog counts, by account, the messages that are stored and not yet imported, up to so many in all: what is more is a pile, whatever its number.
func (s *Service) Backlog(tx *db.Tx, most int) (map[string]int64, error) {
	seen, args := tx.Within("inbox", "i", []any{most})
	type pile struct {
		account string
		n       int64
	}
	all, err := db.All(tx, func(row db.Scanner) (p pile, err error) { return p, row.Scan(&p.account, &p.n) },
		`select w.account_id, count(*) from (select i.account_id from inbox i where i.state = 'stored'`+seen+` limit $1) w group by w.account_id`, args...)
	out := map[string]int64{}
	for _, p := range all {
		out[p.account] = p.n
	}
	return out, err
}
