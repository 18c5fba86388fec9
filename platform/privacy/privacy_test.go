package privacy_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// A channel's person and address are ours by a conversion of Go's: whoever changes one must change the other.
var (
	_ = privacy.Person(channel.Person{})
	_ = privacy.Address(channel.Address{})
	_ = channel.Person(privacy.Person{})
	_ = channel.Address(privacy.Address{})
)

type world struct {
	*privacy.Store
	db  *db.DB
	log *audit.Log
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, w world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, setup(t, d)) })
}

func setup(t testing.TB, d *db.DB) world {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "key")
	if err := vault.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(ctx, d, vault.Options{KeyFile: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	s, err := privacy.Open(ctx, d, v, log, privacy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return world{s, d, log}
}

func (w world) write(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := w.db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (w world) seal(t testing.TB, r privacy.Record) privacy.SealedRecord {
	t.Helper()
	sealed, err := w.SealRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func (w world) save(t *testing.T, records ...privacy.SealedRecord) {
	t.Helper()
	w.write(t, func(tx *db.Tx) error { return w.SaveRecords(tx, records...) })
}

func (w world) count(t *testing.T, table string) (n int) {
	t.Helper()
	if err := w.db.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`select count(*) from ` + table).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func record() privacy.Record {
	return privacy.Record{
		Account: "a1", External: "1001", Note: "ring the bell twice",
		Person: privacy.Person{Name: "Muhammad Khan", Email: "M.Khan@Example.com", Phone: "0300 1234547"},
		ShipTo: privacy.Address{Name: "Muhammad Khan", Line1: "House 12, Street 4", District: "DHA", City: "Lahore", Province: "Punjab", Postcode: "54000", Country: "PK"},
	}
}

var why = privacy.Reading{Actor: "cli:amina", Purpose: "print label", RequestID: "q1"}

func TestSeal(t *testing.T) {
	t.Parallel()
	t.Run("what_was_sealed_opens_with_its_key_and_nowhere_else", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			payload := []byte(strings.Repeat(`{"name":"canary Khan"}`, 100))
			raw, err := w.SealRaw(payload, "inbox/1")
			if err != nil {
				t.Fatal(err)
			}
			plain, err := w.Seal(payload, "inbox/2")
			if err != nil {
				t.Fatal(err)
			}
			if len(raw.Box) > len(payload)/4 || bytes.Contains(plain.Box, []byte("canary")) {
				t.Errorf("%d bytes raw, %d plain, of %d", len(raw.Box), len(plain.Box), len(payload))
			}
			for range 2 {
				w.write(t, func(tx *db.Tx) error { return w.Write(tx, []privacy.Sealed{raw, plain}) })
			}
			keys := w.keys(t, raw.KeyID, plain.KeyID)
			for name, open := range map[string]func() ([]byte, error){
				"raw":   func() ([]byte, error) { return keys.OpenRaw(raw.KeyID, raw.Box, "inbox/1") },
				"plain": func() ([]byte, error) { return keys.Open(plain.KeyID, plain.Box, "inbox/2") },
			} {
				if got, err := open(); err != nil || !bytes.Equal(got, payload) {
					t.Errorf("%s: %.40q, %v", name, got, err)
				}
			}
			changed := bytes.Clone(plain.Box)
			changed[len(changed)/2] ^= 1
			for name, open := range map[string]func() ([]byte, error){
				"another place": func() ([]byte, error) { return keys.Open(plain.KeyID, plain.Box, "inbox/1") },
				"another key":   func() ([]byte, error) { return keys.Open(raw.KeyID, plain.Box, "inbox/2") },
				"changed":       func() ([]byte, error) { return keys.Open(plain.KeyID, changed, "inbox/2") },
				"cut":           func() ([]byte, error) { return keys.Open(plain.KeyID, plain.Box[:5], "inbox/2") },
				"empty":         func() ([]byte, error) { return keys.OpenRaw(plain.KeyID, nil, "inbox/2") },
			} {
				if got, err := open(); err == nil || fault.CodeOf(err) == privacy.Erased {
					t.Errorf("%s: %.40q, %v", name, got, err)
				}
			}
		})
	})
	t.Run("a_destroyed_key_erases", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			sealed, err := w.SealRaw([]byte("payload"), "inbox/1")
			if err != nil {
				t.Fatal(err)
			}
			w.write(t, func(tx *db.Tx) error { return w.Write(tx, []privacy.Sealed{sealed}) })
			w.write(t, func(tx *db.Tx) error { return w.Destroy(tx, []string{sealed.KeyID}) })
			if _, err := w.keys(t, sealed.KeyID).OpenRaw(sealed.KeyID, sealed.Box, "inbox/1"); fault.CodeOf(err) != privacy.Erased {
				t.Errorf("opened: %v", err)
			}
		})
	})
	t.Run("a_wrapped_key_moved_to_another_row_does_not_open", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			a, _ := w.Seal([]byte("payload"), "inbox/1")
			b, _ := w.Seal([]byte("payload"), "inbox/1")
			a.KeyID, b.KeyID = b.KeyID, a.KeyID
			w.write(t, func(tx *db.Tx) error { return w.Write(tx, []privacy.Sealed{a, b}) })
			if _, err := w.keys(t, a.KeyID).Open(a.KeyID, a.Box, "inbox/1"); err == nil {
				t.Error("opened")
			}
		})
	})
}

// A stored payload that unfolds to more than any payload is refused, not unfolded.
func TestBomb(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		var packed bytes.Buffer
		z, err := zstd.NewWriter(&packed)
		if err != nil {
			t.Fatal(err)
		}
		some := make([]byte, 1<<20)
		for range 257 {
			if _, err := z.Write(some); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		bomb, err := w.Seal(packed.Bytes(), "inbox/1")
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, func(tx *db.Tx) error { return w.Write(tx, []privacy.Sealed{bomb}) })
		if plain, err := w.keys(t, bomb.KeyID).OpenRaw(bomb.KeyID, bomb.Box, "inbox/1"); err == nil {
			t.Errorf("%d bytes unfolded to %d", packed.Len(), len(plain))
		}
	})
}

func (w world) keys(t *testing.T, ids ...string) (keys privacy.Keys) {
	t.Helper()
	if err := w.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		keys, err = w.Keys(tx, ids)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestSaveRecords(t *testing.T) {
	t.Parallel()
	t.Run("the_same_record_is_stored_once_whoever_seals_it", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			other := record()
			other.Note = "another note"
			a, b, c := w.seal(t, record()), w.seal(t, record()), w.seal(t, other)
			if a.ID != b.ID || a.ID == c.ID || a.KeyID == b.KeyID {
				t.Fatalf("ids %s, %s, %s", a.ID, b.ID, c.ID)
			}
			w.save(t, a, b, c)
			w.save(t, b)
			w.save(t, c, a)
			if records, keys := w.count(t, "personal_records"), w.count(t, "personal_keys"); records != 2 || keys != 2 {
				t.Errorf("%d records, %d keys", records, keys)
			}
			got, err := w.Read(t.Context(), a.ID, why)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(record(), got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("many_who_save_the_same_at_once_agree", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					var all []privacy.SealedRecord
					for i := range 10 {
						r := record()
						r.External = fmt.Sprint(i)
						all = append(all, w.seal(t, r))
					}
					if err := w.db.Write(t.Context(), func(tx *db.Tx) error { return w.SaveRecords(tx, all...) }); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if records, keys := w.count(t, "personal_records"), w.count(t, "personal_keys"); records != 10 || keys != 10 {
				t.Errorf("%d records, %d keys", records, keys)
			}
			if _, err := w.Read(t.Context(), w.seal(t, func() privacy.Record { r := record(); r.External = "7"; return r }()).ID, why); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("nothing_personal_is_in_clear_in_the_database", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			w.save(t, w.seal(t, record()))
			err := w.db.Read(t.Context(), func(tx *db.Tx) error {
				var all []string
				for _, text := range []string{
					`select coalesce(phone_hash, '') || ' ' || coalesce(email_hash, '') || ' ' || content_hash || ' ' || id || ' ' || key_id from personal_records`,
				} {
					var s string
					if err := tx.QueryRow(text).Scan(&s); err != nil {
						return err
					}
					all = append(all, s)
				}
				var box []byte
				if err := tx.QueryRow(`select sealed from personal_records`).Scan(&box); err != nil {
					return err
				}
				for _, word := range []string{"Khan", "0300", "1234547", "House", "Example", "example", "bell"} {
					if strings.Contains(strings.Join(all, "\n"), word) || bytes.Contains(box, []byte(word)) {
						t.Errorf("%s is in clear", word)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	t.Run("each_reading_is_in_the_audit_log", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			sealed := w.seal(t, record())
			w.save(t, sealed)
			if _, err := w.Read(t.Context(), sealed.ID, why); err != nil {
				t.Fatal(err)
			}
			var rows []audit.Row
			if err := w.db.Read(t.Context(), func(tx *db.Tx) (err error) {
				rows, err = w.log.List(tx, audit.Filter{Action: "personal.read"}, 0, 0)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if len(rows) != 1 || rows[0].Subject != sealed.ID || rows[0].Actor != "cli:amina" || rows[0].Purpose != "print label" ||
				rows[0].RequestID != "q1" || string(rows[0].Detail) != `{"account":"a1","external":"1001"}` || !rows[0].Genuine {
				t.Errorf("audit: %+v", rows)
			}
		})
	})
	t.Run("nobody_reads_without_a_purpose", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			sealed := w.seal(t, record())
			w.save(t, sealed)
			for _, r := range []privacy.Reading{{}, {Actor: "cli:amina"}, {Purpose: "print label"}} {
				if _, err := w.Read(t.Context(), sealed.ID, r); !fault.Is(err, fault.Invalid) {
					t.Errorf("%+v: %v", r, err)
				}
			}
		})
	})
	t.Run("many_are_read_at_once_and_missing_ones_left_out", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w world) {
			second := record()
			second.External = "1002"
			a, b := w.seal(t, record()), w.seal(t, second)
			w.save(t, a, b)
			got, err := w.ReadAll(t.Context(), []string{a.ID, "nobody", b.ID, a.ID}, why)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]privacy.Record{a.ID: record(), b.ID: second}, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if _, err := w.Read(t.Context(), "nobody", why); !fault.Is(err, fault.NotFound) {
				t.Errorf("nobody: %v", err)
			}
		})
	})
}

// random are ids, hashes and addresses in memory, in which any four digits may stand by chance.
var random = regexp.MustCompile(`0x[0-9a-f]+|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{64}\b`)

// TestNothingLeaks greps everything said about a record, in errors included, for what is in it.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		var said bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		hear := func(values ...any) {
			for _, v := range values {
				fmt.Fprintf(&said, "%v %+v %#v %s\n", v, v, v, v)
				log.Info("message", "value", v)
			}
		}
		r := record()
		sealed := w.seal(t, r)
		w.save(t, sealed)
		_, noPurpose := w.Read(t.Context(), sealed.ID, privacy.Reading{})
		_, nobody := w.Read(t.Context(), "nobody", why)
		keys := w.keys(t, sealed.KeyID)
		_, elsewhere := keys.Open(sealed.KeyID, sealed.Box, "elsewhere")
		_, badPhone := func() ([]privacy.Match, error) { return w.FindPhone(nil, "Muhammad Khan 0300****547", "PK", 1) }()
		_, badEmail := func() ([]privacy.Match, error) { return w.FindEmail(nil, "Muhammad Khan", 1) }()
		hear(r, &r, r.Person, r.ShipTo, []privacy.Record{r}, map[string]privacy.Record{"a": r}, sealed.ID, sealed.PhoneHash, noPurpose, nobody, elsewhere, badPhone, badEmail)
		text := random.ReplaceAllString(said.String(), "#")
		for _, word := range []string{"Muhammad", "Khan", "0300", "1234547", "House", "Street", "DHA", "xample", "bell"} {
			if strings.Contains(text, word) {
				t.Errorf("%s was said:\n%s", word, text)
			}
		}
	})
}

func TestFind(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		masked := record()
		masked.External, masked.Person.Phone, masked.Person.Email = "1002", "92********47", "m***@example.com"
		masked.ShipTo.Phone = "+92-300-1234547"
		nobody := privacy.Record{Account: "a1", External: "1003", Note: "x"}
		first := w.seal(t, record())
		w.save(t, first, w.seal(t, masked), w.seal(t, nobody))
		find := func(fn func(tx *db.Tx) ([]privacy.Match, error)) (externals []string, err error) {
			err = w.db.Read(t.Context(), func(tx *db.Tx) error {
				all, err := fn(tx)
				for _, m := range all {
					externals = append(externals, m.External)
				}
				return err
			})
			return externals, err
		}
		for _, tt := range []struct {
			phone, country, email string
			want                  []string
		}{
			{phone: "0300 1234547", country: "PK", want: []string{"1001", "1002"}},
			{phone: "0092 300 1234547", country: "PK", want: []string{"1001", "1002"}},
			{phone: "+923001234547", want: []string{"1001", "1002"}},
			{phone: "0300 1234548", country: "PK"},
			{email: " m.khan@EXAMPLE.com ", want: []string{"1001"}},
			{email: "other@example.com"},
		} {
			got, err := find(func(tx *db.Tx) ([]privacy.Match, error) {
				if tt.email != "" {
					return w.FindEmail(tx, tt.email, 10)
				}
				return w.FindPhone(tx, tt.phone, tt.country, 10)
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 2 && got[0] > got[1] {
				got[0], got[1] = got[1], got[0]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", tt, diff)
			}
		}
		for _, fn := range []func(tx *db.Tx) ([]privacy.Match, error){
			func(tx *db.Tx) ([]privacy.Match, error) { return w.FindPhone(tx, "92****47", "PK", 10) },
			func(tx *db.Tx) ([]privacy.Match, error) { return w.FindEmail(tx, "nobody", 10) },
		} {
			if _, err := find(fn); !fault.Is(err, fault.Invalid) {
				t.Errorf("found: %v", err)
			}
		}
	})
}

func TestErase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		sealed, other := w.seal(t, record()), w.seal(t, privacy.Record{Account: "a1", External: "1002", Note: "stays"})
		w.save(t, sealed, other)
		for range 2 {
			w.write(t, func(tx *db.Tx) error { return w.Erase(tx, []string{sealed.ID}) })
		}
		// Neither the same content nor another brings it back.
		changed := record()
		changed.Note = "changed since"
		again := w.seal(t, changed)
		w.save(t, sealed, w.seal(t, record()), again)
		for _, id := range []string{sealed.ID, again.ID} {
			if _, err := w.Read(t.Context(), id, why); fault.CodeOf(err) != privacy.Erased {
				t.Errorf("read after erasing: %v", err)
			}
		}
		if _, err := w.Read(t.Context(), other.ID, why); err != nil {
			t.Error(err)
		}
		if n := w.count(t, "personal_keys"); n != 1 {
			t.Errorf("%d keys are left, want 1", n)
		}
		if err := w.db.Read(t.Context(), func(tx *db.Tx) error {
			all, err := w.FindPhone(tx, "0300 1234547", "PK", 10)
			if len(all) > 0 {
				t.Errorf("found after erasing: %+v", all)
			}
			if err != nil {
				return err
			}
			gone, err := w.ErasedOrders(tx, "a1", []string{"1001", "1002", "1003"})
			if diff := cmp.Diff(map[string]bool{"1001": true}, gone); diff != "" {
				t.Errorf("erased orders (-want +got):\n%s", diff)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestZones(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		path := filepath.Join(t.TempDir(), "key")
		if err := vault.CreateKeyFile(path); err != nil {
			t.Fatal(err)
		}
		d := dbtest.SQLite(t)
		v, err := vault.Open(ctx, d, vault.Options{KeyFile: path})
		if err != nil {
			t.Fatal(err)
		}
		log, err := audit.New(ctx, v)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, zone := range []string{"main", "eu"} {
			s, err := privacy.Open(ctx, d, v, log, privacy.Options{Zone: zone})
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := s.SealRecord(record())
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, sealed.ID, sealed.PhoneHash, sealed.ZoneKey)
		}
		if ids[0] == ids[3] || ids[1] == ids[4] || ids[2] == ids[5] {
			t.Errorf("two zones share a key: %v", ids)
		}
		_ = w
	})
}

func TestContentKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		a, err := w.ContentKey()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := w.ContentKey()
		if len(a) != 32 || !bytes.Equal(a, b) {
			t.Errorf("keys %x and %x", a, b)
		}
	})
}

func TestIsZero(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		r    privacy.Record
		want bool
	}{
		{privacy.Record{Account: "a", External: "b", ShipTo: privacy.Address{City: "Lahore", Country: "PK", Masked: true}}, true},
		{record(), false},
		{privacy.Record{Note: "x"}, false},
		{privacy.Record{BillTo: privacy.Address{District: "x"}}, false},
	} {
		if got := tt.r.IsZero(); got != tt.want {
			t.Errorf("%+v: %v", tt.r, got)
		}
	}
}

// BenchmarkSeal measures what import does for one order: its raw payload and its personal record.
func BenchmarkSeal(b *testing.B) {
	w := setup(b, dbtest.SQLite(b))
	var lines []string
	for i := range 14 {
		lines = append(lines, fmt.Sprintf(`{"id":%d,"sku":"SHIRT-%03d","title":"Cotton shirt, blue","price":"1999.00","taxes":[{"rate":"0.18","amount":"%d.82"}],"at":"%s"}`,
			8100+i*7919, i*37%100, i*359, time.UnixMilli(1_700_000_000_000+int64(i)*7_919_333).UTC().Format(time.RFC3339Nano)))
	}
	payload := []byte(`{"order":{"customer":{"name":"Muhammad Khan"},"lines":[` + strings.Join(lines, ",") + `]}}`)
	for len(payload) < 3000 {
		payload = append(payload, fmt.Sprintf("%x", len(payload)*7919)...)
	}
	b.Run("plain_3KB", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.Seal(payload, "inbox/1"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw_3KB", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.SealRaw(payload, "inbox/1"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("record", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.SealRecord(record()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
