package policy_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// each runs f on both engines with the known data in place.
func each(t *testing.T, f func(t *testing.T, d *db.DB, s *policy.Service)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(d)
		if err := s.Seed(context.Background()); err != nil {
			t.Fatal(err)
		}
		f(t, d, s)
	}, dbtest.Config{Now: func() time.Time { return now }})
}

func service(d *db.DB) *policy.Service {
	return policy.New(policy.Needs{DB: d, Audit: func(*db.Tx, ...audit.Entry) error { return nil }})
}

func rules(t *testing.T, d *db.DB, s *policy.Service, country, subdivision string, at time.Time) (r policy.Rules) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		r, err = s.Rules(tx, country, subdivision, at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func refused(t *testing.T, want fault.Kind, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("want %s, got %v", want, err)
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	all, err := policy.Known()
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"documented", "seen in code", "inferred", "background", "setting"}
	seen := map[string]bool{}
	for _, r := range all {
		if r.Source == "" || !slices.Contains(words, r.Confidence) {
			t.Errorf("%s %s %s: source %q, confidence %q", r.Country, r.Subdivision, r.Name, r.Source, r.Confidence)
		}
		seen[r.Country] = true
		if r.Name == "currency" && !money.Valid(r.Value) {
			t.Errorf("%s has no currency %q", r.Country, r.Value)
		}
	}
	for _, c := range []string{"PK", "AE", "QA", "OM", "SA", "MY", "SG", "BD", "LK", "NP", "DE", "GB", "CA", "US"} {
		if !seen[c] {
			t.Errorf("nothing is known of %s", c)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	t.Run("are complete for Pakistan, the Emirates and Germany", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
			want := map[string][]any{
				"PK": {"PKR", channel.TaxInclusive, "Sales tax", "18%", "Asia/Karachi", int64(100), []time.Weekday{time.Sunday}, []string{"name", "phone", "line1", "city"}},
				"AE": {"AED", channel.TaxInclusive, "VAT", "5%", "Asia/Dubai", int64(25), []time.Weekday{time.Saturday, time.Sunday}, []string{"name", "phone", "line1", "city|province"}},
				"DE": {"EUR", channel.TaxInclusive, "USt", "19%", "Europe/Berlin", int64(0), []time.Weekday{time.Sunday}, []string{"name", "line1", "city", "postcode"}},
			}
			for country, w := range want {
				r := rules(t, d, s, country, "", now)
				same(t, w, []any{r.Currency, r.TaxMode, r.TaxName, r.Rate.Percent(), r.Zone, r.CashStep, r.Weekend, r.AddressNeeds})
				same(t, []any{48 * time.Hour, 15 * time.Minute, time.Hour, money.HalfUp, "line", channel.Seller},
					[]any{r.UnpaidExpiry, r.UnheardHalf, r.UnheardNone, r.RoundMode, r.RoundLevel, r.Remitter})
				for name, because := range r.Because {
					if because.Source == "" || because.Confidence == "" {
						t.Errorf("%s %s says not where it comes from", country, name)
					}
				}
			}
			same(t, int64(14), rules(t, d, s, "DE", "", now).ReturnDays)
		})
	})
	t.Run("are those of the day, in the country's own zone", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
			at := func(country, instant string) string {
				when, err := time.Parse(time.RFC3339, instant)
				if err != nil {
					t.Fatal(err)
				}
				return rules(t, d, s, country, "", when).Rate.Percent()
			}
			same(t, "16%", at("DE", "2020-08-01T00:00:00+02:00"))
			same(t, "19%", at("DE", "2021-01-01T00:00:00+01:00"))
			same(t, "16%", at("DE", "2020-12-31T23:59:59+01:00"))
			same(t, "5%", at("SA", "2020-06-30T23:59:59+03:00"))
			same(t, "15%", at("SA", "2020-07-01T00:00:00+03:00"))
			same(t, "8%", at("SG", "2023-06-01T00:00:00+08:00"))
		})
	})
	t.Run("of a part of a country come before the country's", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
			same(t, "14%", rules(t, d, s, "CA", "NS", now).Rate.Percent())
			same(t, "14.975%", rules(t, d, s, "CA", "CA-QC", now).Rate.Percent())
			same(t, "5%", rules(t, d, s, "CA", "AB", now).Rate.Percent())
			same(t, []time.Weekday{time.Friday, time.Saturday, time.Sunday}, rules(t, d, s, "AE", "AE-SH", now).Weekend)
		})
	})
	t.Run("of a country nobody wrote down are the defaults", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
			r := rules(t, d, s, "ZZ", "", now)
			same(t, []any{"", 48 * time.Hour, []string{"name", "line1", "city"}}, []any{r.Currency, r.UnpaidExpiry, r.AddressNeeds})
		})
	})
	t.Run("that a person set stay, and others see them", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
			ctx := context.Background()
			row := policy.Row{Country: "PK", Name: "tax_rate", Value: "0.19", Unit: policy.Decimal, From: now.Add(-time.Hour), Source: "Finance Act 2027", Confidence: "documented"}
			if err := s.Set(ctx, row, "key:1"); err != nil {
				t.Fatal(err)
			}
			if err := s.Seed(ctx); err != nil {
				t.Fatal(err)
			}
			same(t, "19%", rules(t, d, s, "PK", "", now).Rate.Percent())
			same(t, "18%", rules(t, d, s, "PK", "", now.Add(-2*time.Hour)).Rate.Percent())
			same(t, "19%", rules(t, d, service(d), "PK", "", now).Rate.Percent())
			row.Value = "a lot"
			refused(t, fault.Invalid, s.Set(ctx, row, "key:1"))
			row.Value, row.Source = "0.2", ""
			refused(t, fault.Invalid, s.Set(ctx, row, "key:1"))
		})
	})
}

func TestRulesOfAnotherProcess(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB, ...dbtest.Config) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name+" are seen within seconds", func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock(now)
			d := open(t, dbtest.Config{Now: clock.Now})
			here, there := service(d), service(d)
			if err := here.Seed(context.Background()); err != nil {
				t.Fatal(err)
			}
			rules(t, d, there, "PK", "", now)
			row := policy.Row{Country: "PK", Name: "unpaid_expiry", Value: "24h", Unit: policy.Duration, From: now.Add(-time.Hour), Source: "the owner", Confidence: "setting"}
			if err := here.Set(context.Background(), row, "key:1"); err != nil {
				t.Fatal(err)
			}
			clock.Advance(6 * time.Second)
			same(t, 24*time.Hour, rules(t, d, there, "PK", "", now).UnpaidExpiry)
		})
	}
}

func TestCashRound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
		for _, c := range []struct {
			country, way string
			minor        int64
			want, diff   int64
		}{
			{"PK", "cod", 12350, 12400, 50},
			{"PK", "cod", 12349, 12300, -49},
			{"PK", "card", 12349, 12349, 0},
			{"AE", "cash", 1013, 1025, 12},
			{"DE", "cash", 1013, 1013, 0},
			{"MY", "cod", 1013, 1013, 0},
			{"MY", "cash", 1013, 1015, 2},
		} {
			r := rules(t, d, s, c.country, "", now)
			got, diff, err := r.CashRound(money.Of(c.minor, r.Currency), c.way)
			if err != nil || got.Minor != c.want || diff.Minor != c.diff {
				t.Errorf("%+v: got %s, difference %s, %v", c, got, diff, err)
			}
		}
	})
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	full := channel.Address{Name: "A B", Phone: "03001234567", Line1: "12 Mall Road", City: "Lahore", Postcode: "54000", Country: "PK"}
	with := func(change func(a *channel.Address)) channel.Address {
		a := full
		change(&a)
		return a
	}
	each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
		for _, c := range []struct {
			name, country string
			a             channel.Address
			want          []string
		}{
			{"a full one", "PK", full, nil},
			{"no postcode in Pakistan", "PK", with(func(a *channel.Address) { a.Postcode = "" }), nil},
			{"a strange postcode in Pakistan", "PK", with(func(a *channel.Address) { a.Postcode = "Lahore" }), nil},
			{"no phone and no city", "PK", with(func(a *channel.Address) { a.Phone, a.City = " ", "" }), []string{"phone", "city"}},
			{"an emirate will do", "AE", with(func(a *channel.Address) { a.City, a.Province, a.Postcode = "", "Dubai", "" }), nil},
			{"neither city nor emirate", "AE", with(func(a *channel.Address) { a.City = "" }), []string{"city|province"}},
			{"Germany needs a postcode", "DE", with(func(a *channel.Address) { a.Postcode, a.Phone = "", "" }), []string{"postcode"}},
			{"a German postcode has five digits", "DE", with(func(a *channel.Address) { a.Postcode = "1234" }), []string{"postcode"}},
			{"leading zeros count", "DE", with(func(a *channel.Address) { a.Postcode = "01067" }), nil},
			{"a British one in any case", "GB", with(func(a *channel.Address) { a.Postcode = "sw1a 1aa" }), nil},
			{"what the channel masks is not missing", "PK", channel.Address{City: "Lahore", Country: "PK", Masked: true}, nil},
			{"no country", "", full, []string{"country"}},
		} {
			got, err := s.CheckAddress(context.Background(), c.country, c.a)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ *db.DB, s *policy.Service) {
		ctx := context.Background()
		first, err := s.Numbers(ctx, "PK-DZ", 2)
		if err != nil {
			t.Fatal(err)
		}
		same(t, []string{"PK-DZ-000001", "PK-DZ-000002"}, first)
		var mu sync.Mutex
		seen := map[string]bool{}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					got, err := s.Numbers(ctx, "PK-DZ", 7)
					mu.Lock()
					if err != nil {
						t.Error(err)
					}
					for _, n := range got {
						if seen[n] {
							t.Errorf("%s was given twice", n)
						}
						seen[n] = true
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if !seen[fmt.Sprintf("PK-DZ-%06d", 2+8*5*7)] {
			t.Error("numbers are missing though nobody failed")
		}
		_, err = s.Numbers(ctx, "", 1)
		refused(t, fault.Invalid, err)
	})
}

func TestEnding(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
		ctx := context.Background()
		for prefix, n := range map[string]int{"PK-DZ": 12, "PK-SH": 2345} {
			if _, err := s.Numbers(ctx, prefix, n); err != nil {
				t.Fatal(err)
			}
		}
		for digits, want := range map[string][]string{
			"012":     {"PK-DZ-000012", "PK-SH-002012", "PK-SH-001012", "PK-SH-000012"},
			"2345":    {"PK-SH-002345"},
			"2346":    nil,
			"0012":    {"PK-DZ-000012", "PK-SH-000012"},
			"0000012": nil,
			"12":      nil,
			"0x12":    nil,
		} {
			err := d.Read(ctx, func(tx *db.Tx) error {
				got, err := s.Ending(tx, digits)
				same(t, want, got)
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", digits, err)
			}
		}
	})
}

func TestEntity(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
		ctx := context.Background()
		pk := policy.LegalEntity{Code: "PK1", Name: "Openclaw Retail (Pvt) Ltd", Country: "PK", Currency: "PKR", Registrations: []policy.Registration{{Country: "PK", Kind: "ntn", Number: "1234567-8"}}}
		saved, err := s.SaveEntity(ctx, pk, "key:1")
		if err != nil || saved.Version != 1 || saved.ID == "" {
			t.Fatal(saved, err)
		}
		_, err = s.SaveEntity(ctx, pk, "key:1")
		refused(t, fault.Conflict, err)
		changed := saved
		changed.Name = "Openclaw Retail Ltd"
		changed, err = s.SaveEntity(ctx, changed, "key:1")
		if err != nil || changed.Version != 2 {
			t.Fatal(changed, err)
		}
		_, err = s.SaveEntity(ctx, saved, "key:1")
		refused(t, fault.Conflict, err)
		pk.Code, pk.Currency = "PK2", "RUPEE"
		_, err = s.SaveEntity(ctx, pk, "key:1")
		refused(t, fault.Invalid, err)
		err = d.Read(ctx, func(tx *db.Tx) error {
			all, err := s.Entity(tx)
			same(t, []policy.LegalEntity{changed}, all)
			if one, err := s.EntityByCode(tx, "PK1"); err != nil || one.ID != saved.ID {
				t.Error(one, err)
			}
			ids, err2 := s.EntityIDs(tx, []string{"PK1", "XX", "PK1"})
			same(t, map[string]string{"PK1": saved.ID}, ids)
			_, none := s.EntityByCode(tx, "XX")
			refused(t, fault.NotFound, none)
			return errors.Join(err, err2)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, d *db.DB, s *policy.Service, name string, facts policy.Facts) (a policy.Answer, err error) {
		t.Helper()
		err = d.Read(context.Background(), func(tx *db.Tx) (err error) {
			a, err = s.Decide(tx, "PK", "", name, now, facts)
			return err
		})
		return a, err
	}
	set := func(t *testing.T, s *policy.Service, name, value string) error {
		t.Helper()
		return s.Set(context.Background(), policy.Row{Country: "PK", Name: name, Value: value, Unit: policy.Expr, From: now.Add(-time.Hour), Source: "the shop", Confidence: "setting"}, "key:1")
	}
	each(t, func(t *testing.T, d *db.DB, s *policy.Service) {
		for name, text := range map[string]string{
			"shipping": `goods >= 3000 ? 0 : most(dec("150.5"), goods * dec("0.1"))`, "free": `goods + tax > dec("2999.99") && city != "Gwadar"`, "carrier": `weight > 2000 ? "heavy" : "light"`,
		} {
			if err := set(t, s, name, text); err != nil {
				t.Fatal(name, err)
			}
		}
		for minor, want := range map[int64]string{300000: "PKR 0.00", 299999: "!", 100000: "PKR 150.50", 200000: "PKR 200.00"} {
			got, err := ask(t, d, s, "shipping", policy.Facts{"goods": money.Of(minor, "PKR")})
			if err != nil {
				t.Fatal(err)
			}
			if fee, err := got.Amount("PKR"); err == nil && fee.String() != want && fee.Decimal() != want[4:] || err != nil && want != "!" {
				t.Errorf("%d: want %s, got %s, %v", minor, want, fee, err)
			}
		}
		got, err := ask(t, d, s, "free", policy.Facts{"goods": money.Of(250000, "PKR"), "tax": money.Of(50000, "PKR"), "city": "Lahore"})
		if yes, bad := got.Bool(); err != nil || bad != nil || !yes {
			t.Error(yes, bad, err)
		}
		got, err = ask(t, d, s, "carrier", policy.Facts{"weight": int64(1999)})
		if text, bad := got.Text(); err != nil || bad != nil || text != "light" {
			t.Error(text, bad, err)
		}
		_, err = ask(t, d, s, "free", policy.Facts{"goods": money.Of(1, "PKR"), "tax": money.Of(1, "AED"), "city": ""})
		refused(t, fault.Invalid, err)
		_, err = ask(t, d, s, "free", policy.Facts{"goods": money.Of(1, "PKR")})
		refused(t, fault.Invalid, err)
		_, err = ask(t, d, s, "nothing", nil)
		refused(t, fault.NotFound, err)
		for _, text := range []string{"goods / 2", "goods * 0.5", "2 ** 3", "filter([1], # > 0)", "goods >", "1..1000000", `"a" matches "(a+)+"`} {
			if err := set(t, s, "bad", text); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s is taken: %v", text, err)
			}
		}
	})
}
