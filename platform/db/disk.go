package db

import "path/filepath"

// Disk is the room on the disk of a database file, in bytes.
type Disk struct{ Free, Total uint64 }

// Low reports whether it is nearly full: less than 1 GiB is free, or on a small disk less than a twentieth.
func (d Disk) Low() bool { return d.Free < min(1<<30, d.Total/20) }

// Disk tells the room around the database file. False on PostgreSQL, whose disk is its own machine's affair, and where the system does not say.
func (d *DB) Disk() (Disk, bool) {
	l, is := d.engine.(*lite)
	if !is {
		return Disk{}, false
	}
	free, total, ok := room(filepath.Dir(l.path))
	return Disk{free, total}, ok
}
