package audit_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestActing(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, d *db.DB, l *audit.Log, _ *dbtest.Clock) {
		own := audit.Entry{Actor: "key:1", Action: "order.cancel", SubjectKind: "order", Subject: "o1"}
		silent := func(*db.Tx) error { return nil }
		speaks := func(tx *db.Tx) error { return l.Write(tx, own) }
		undone := errors.New("undone")
		for _, tt := range []struct {
			name string
			txs  []func(tx *db.Tx) error
			want []string
		}{
			{"what says nothing is written down all the same", []func(tx *db.Tx) error{silent}, []string{"order.hold r"}},
			{"what says something is not said twice", []func(tx *db.Tx) error{speaks}, []string{"order.cancel r"}},
			{"several transactions are one act", []func(tx *db.Tx) error{silent, silent, silent}, []string{"order.hold r"}},
			{"what is undone leaves nothing, and its repeat something", []func(tx *db.Tx) error{
				func(tx *db.Tx) error { return errors.Join(speaks(tx), undone) }, silent,
			}, []string{"order.hold r"}},
			{"an act that failed leaves nothing", []func(tx *db.Tx) error{func(*db.Tx) error { return undone }}, nil},
		} {
			exec(t, d, `delete from audit_log`)
			along := 0
			ctx := l.Acting(t.Context(), func() audit.Entry {
				return audit.Entry{Actor: "key:1", Action: "order.hold", SubjectKind: "order", Subject: "o1", RequestID: "r"}
			}, func(*db.Tx) error { along++; return nil })
			kept := 0
			for _, fn := range tt.txs {
				err := d.Write(ctx, fn)
				if err == nil {
					kept++
				} else if !errors.Is(err, undone) {
					t.Fatal(err)
				}
			}
			var got []string
			for _, r := range list(t, d, l, audit.Filter{}, 0, 0) {
				got = append(got, r.Action+" "+r.RequestID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
			if along < kept {
				t.Errorf("%s: what goes along ran %d times of %d", tt.name, along, kept)
			}
		}
	})
}
