package db_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestDisk(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		disk, known := d.Disk()
		if known != (d.Engine() == db.SQLite) {
			t.Errorf("%s: %+v, %v", d.Engine(), disk, known)
		}
		if known && (disk.Free == 0 || disk.Free > disk.Total) {
			t.Errorf("%+v", disk)
		}
	})
	for free, low := range map[uint64]bool{0: true, 900 << 20: true, 2 << 30: false} {
		if got := (db.Disk{Free: free, Total: 500 << 30}).Low(); got != low {
			t.Errorf("%d of 500 GiB: %v", free, got)
		}
	}
	if (db.Disk{Free: 300 << 20, Total: 4 << 30}).Low() {
		t.Error("a small disk is not low with a fourteenth of it free")
	}
}
