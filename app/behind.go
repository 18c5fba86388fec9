package app

import "github.com/openclaw-pos/commerce/platform/db"

// Behind counts the events that consumers have yet to take, the parked ones left out.
func (a *App) Behind(tx *db.Tx) (int64, error) {
	var sum int64
	for _, c := range a.consumers {
		of, args := ``, []any{c.Name}
		switch {
		case len(c.Types) > 0:
			of, args = ` and e.type in (select key from json_each($2))`, append(args, db.Keys(c.Types))
		case c.Contracts:
			of = ` and e.contract`
		}
		n, err := db.One(tx, func(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) },
			`select count(*) from event_cursors c join events e on e.shard = c.shard and e.position > c.position where c.consumer = $1`+of, args...)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
