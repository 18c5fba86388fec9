package event_test

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
)

func TestZone_is_the_same_each_time_and_UTC_where_nobody_knows_it(t *testing.T) {
	t.Parallel()
	karachi := event.Zone("Asia/Karachi")
	at := time.Date(2026, 11, 11, 20, 0, 0, 0, time.UTC)
	if got := at.In(karachi).Format(time.RFC3339); got != "2026-11-12T01:00:00+05:00" || event.Zone("Asia/Karachi") != karachi {
		t.Errorf("Karachi says %s", got)
	}
	for _, name := range []string{"", "Nowhere/Land"} {
		if event.Zone(name) != time.UTC {
			t.Errorf("%q is %v", name, event.Zone(name))
		}
	}
}
