package app

import "github.com/openclaw-pos/commerce/platform/db"

// Behind counts the events that consumers have yet to take, the parked ones left out.
func (a *App) Behind(tx *db.Tx) (int64, error) {
	var sum int64
	for _, c := range a.consumers {
		n, err := db.One(tx, func(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) }, `select count(*) from event_cursors c join events e on e.shard = c.shard and e.position > c.position
			where c.consumer = $1 and ((cast($2 as text) = '{}' and ($3 = false or e.contract)) or e.type in (select key from json_each($2)))`, c.Name, db.Keys(c.Types), c.Contracts)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
