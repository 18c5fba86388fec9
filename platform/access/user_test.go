package access_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

const password = "correct horse battery staple"

var cheap = access.UserOptions{Cost: access.Cost{Memory: 64, Passes: 1, Threads: 1}, Issuer: "Shop"}

// people are the users of a world.
type people struct {
	world
	*access.Users
}

func eachPeople(t *testing.T, f func(t *testing.T, p people)) {
	t.Helper()
	setup(t, func(t *testing.T, w world) {
		u, err := access.OpenUsers(t.Context(), w.db, w.vault, w.log, cheap)
		if err != nil {
			t.Fatal(err)
		}
		f(t, people{w, u})
	})
}

func (p people) add(t *testing.T, email string, grants ...access.Grant) access.User {
	t.Helper()
	u, _, err := p.Add(t.Context(), amina, access.NewUser{Email: email, Name: "Somebody", Password: password, Grants: grants})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func try(email, pass, address string) access.Attempt {
	return access.Attempt{Email: email, Password: pass, Address: address, Agent: "Browser/1"}
}

func (p people) in(t *testing.T, a access.Attempt) access.SignedIn {
	t.Helper()
	in, err := p.SignIn(t.Context(), a)
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	return in
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	t.Run("who knows the password is let in, with their rights as of now", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			u := p.add(t, "Bilal@Example.com", access.Grant{Role: access.Picker, Area: access.Area{Locations: []string{"lhe"}}})
			in := p.in(t, try(" bilal@example.COM ", password, "203.0.113.7"))
			s, err := p.SessionOf(t.Context(), in.Token.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			if s.Caller.Actor() != "user:"+u.ID || !s.Caller.Has("orders.read") || s.Caller.Has("orders.cancel") || s.Caller.Can("orders.read", access.Area{}) {
				t.Errorf("caller: %+v", s.Caller)
			}
			if !access.SameForm(s, in.Session.CSRF) || access.SameForm(s, "") || access.SameForm(access.Session{}, "") || access.SameForm(s, in.Session.ID) {
				t.Error("what forms carry does not fit")
			}
			if _, err := p.Change(t.Context(), amina, u.ID, u.Version, access.Change{Grants: &[]access.Grant{{Role: access.Auditor}}}); err != nil {
				t.Fatal(err)
			}
			if s, err = p.SessionOf(t.Context(), in.Token.Reveal()); err != nil || s.Caller.Has("fulfillment.work") || !s.Caller.Has("audit.read") {
				t.Errorf("after the change: %+v, %v", s.Caller, err)
			}
		})
	})
	t.Run("who does not is told nothing", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			off := p.add(t, "off@example.com")
			no := false
			if _, err := p.Change(t.Context(), amina, off.ID, 0, access.Change{Enabled: &no}); err != nil {
				t.Fatal(err)
			}
			invited, _, err := p.Add(t.Context(), amina, access.NewUser{Email: "new@example.com"})
			if err != nil || invited.State != access.Invited {
				t.Fatal(invited, err)
			}
			var said []string
			for i, a := range []access.Attempt{
				try("bilal@example.com", password+"x", ""), try("nobody@example.com", password, ""), try("off@example.com", password, ""), try("new@example.com", "", ""),
				try("", "", ""), try("bilal@example.com", strings.Repeat("x", 5000), ""), try("bilal@example.com\x00", password, ""), try("bilal@example.com", "\xff", ""),
			} {
				a.Address = fmt.Sprintf("198.51.100.%d", i)
				_, err := p.SignIn(t.Context(), a)
				if fault.CodeOf(err) != "sign_in" {
					t.Errorf("%q: %v", a.Email, err)
				}
				said = append(said, fmt.Sprint(err))
			}
			for _, s := range said {
				if s != said[0] {
					t.Errorf("%q and %q differ", s, said[0])
				}
			}
		})
	})
	t.Run("neither password nor token is in the database in clear", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			u := p.add(t, "bilal@example.com")
			in := p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			invite, _, err := p.Reset(t.Context(), amina, u.ID)
			if err != nil {
				t.Fatal(err)
			}
			var all string
			for _, q := range []string{`select password from users`, `select token_hash from user_sessions`, `select token_hash from user_tokens`, `select bucket from sign_in_tries`, `select detail from audit_log`} {
				if err := p.db.Read(t.Context(), func(tx *db.Tx) error {
					found, err := db.All(tx, func(s db.Scanner) (v string, err error) { err = s.Scan(db.Text(&v)); return v, err }, q)
					all += strings.Join(found, "\n")
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			for _, secret := range []string{password, in.Token.Reveal(), in.Device.Reveal(), invite.Reveal(), "bilal@example.com"} {
				if strings.Contains(all, secret) {
					t.Errorf("%s… is stored in clear", secret[:4])
				}
			}
			if !strings.Contains(all, "$argon2id$v=19$m=64,t=1,p=1$") {
				t.Errorf("the password is kept as %s", all)
			}
			if said := fmt.Sprintf("%v %+v %#v", in, in, in); strings.Contains(said, in.Token.Reveal()) || strings.Contains(said, in.Device.Reveal()) {
				t.Error("printing says a secret")
			}
		})
	})
	t.Run("a hash made at another cost is made again", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			dearer, err := access.OpenUsers(t.Context(), p.db, p.vault, p.log, access.UserOptions{Cost: access.Cost{Memory: 128, Passes: 2, Threads: 1}})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := dearer.SignIn(t.Context(), try("bilal@example.com", password, "203.0.113.7")); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.db.Read(t.Context(), func(tx *db.Tx) error {
				hash, err := db.One(tx, func(s db.Scanner) (v string, err error) { err = s.Scan(&v); return v, err }, `select password from users`)
				if !strings.HasPrefix(hash, "$argon2id$v=19$m=128,t=2,p=1$") {
					t.Errorf("kept as %s", hash)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestTries(t *testing.T) {
	t.Parallel()
	t.Run("one who guesses waits longer and longer", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			var waits []time.Duration
			for range 12 {
				_, err := p.SignIn(t.Context(), try("bilal@example.com", "guess", "203.0.113.7"))
				if fault.Is(err, fault.Throttled) {
					waits = append(waits, fault.After(err))
					p.clock.Advance(fault.After(err))
				}
			}
			if len(waits) < 3 || waits[len(waits)-1] <= waits[0] {
				t.Errorf("the waits are %v", waits)
			}
			if _, err := p.SignIn(t.Context(), try("bilal@example.com", "guess", "203.0.113.7")); err == nil {
				t.Error("let in")
			}
			p.clock.Advance(20 * time.Minute)
			p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			p.in(t, try("bilal@example.com", password, "203.0.113.7")) // the right password clears the count
		})
	})
	t.Run("many at once count like one after the other", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			var looked atomic.Int64
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					_, err := p.SignIn(context.Background(), try("bilal@example.com", "guess", "203.0.113.7"))
					if fault.CodeOf(err) == "sign_in" {
						looked.Add(1)
					} else if !fault.Is(err, fault.Throttled) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := looked.Load(); n > 5 {
				t.Errorf("%d passwords were looked at", n)
			}
		})
	})
	t.Run("nobody is locked out by what others try", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			p.add(t, "sana@example.com")
			known := p.in(t, try("bilal@example.com", password, "203.0.113.7")).Device.Reveal()
			for i := range 400 { // an attacker with many addresses, the victim's own network among them
				a := try("bilal@example.com", "guess", fmt.Sprintf("198.51.%d.%d", i/100, i%100))
				if i%2 == 0 {
					a.Address = "203.0.113.7"
				}
				_, _ = p.SignIn(t.Context(), a)
			}
			mine := try("bilal@example.com", password, "203.0.113.7")
			if _, err := p.SignIn(t.Context(), mine); !fault.Is(err, fault.Throttled) {
				t.Errorf("a stranger in the attacked network: %v", err)
			}
			mine.Device = known
			p.in(t, mine)
			p.in(t, try("sana@example.com", password, "192.0.2.1")) // and others are not touched
			foreign := try("sana@example.com", password, "203.0.113.7")
			foreign.Device = known
			if in, err := p.SignIn(t.Context(), foreign); err == nil && in.Session.User.Email != "sana@example.com" {
				t.Error("a device of one person opened another's")
			}
		})
	})
	t.Run("a device is known until the password changes, and only by who gave it out", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			first := p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			if err := p.ChangePassword(t.Context(), first.Session, access.Attempt{Password: "wrong", Address: "203.0.113.7"}, "another long password"); fault.CodeOf(err) != "sign_in" {
				t.Errorf("changed with a wrong password: %v", err)
			}
			if err := p.ChangePassword(t.Context(), first.Session, access.Attempt{Password: password, Address: "203.0.113.7"}, "another long password"); err != nil {
				t.Fatal(err)
			}
			if _, err := p.SessionOf(t.Context(), first.Token.Reveal()); err != nil {
				t.Errorf("the session that changed it ended: %v", err)
			}
			for _, device := range []string{first.Device.Reveal(), first.Device.Reveal() + "x", "ocd_", "ocd_" + strings.Repeat("a", 22) + "_00"} {
				for range 8 {
					_, _ = p.SignIn(t.Context(), access.Attempt{Email: "bilal@example.com", Password: "guess", Address: "198.51.100.1", Device: device})
				}
			}
			_, err := p.SignIn(t.Context(), access.Attempt{Email: "bilal@example.com", Password: "another long password", Address: "198.51.100.1", Device: first.Device.Reveal()})
			if !fault.Is(err, fault.Throttled) {
				t.Errorf("an old device has a count of its own: %v", err)
			}
		})
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	t.Run("are listed, and end when they are ended", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			u := p.add(t, "bilal@example.com")
			phone, desk := p.in(t, try("bilal@example.com", password, "203.0.113.7")), p.in(t, try("bilal@example.com", password, "2001:db8::1"))
			if got := p.sessions(t, u.ID); len(got) != 2 || got[0].Address != "203.0.113.7" || got[1].Address != "2001:db8::/64" || got[0].Agent != "Browser/1" {
				t.Fatalf("sessions: %+v", got)
			}
			for range 2 {
				if _, err := p.EndSession(t.Context(), amina, phone.Session.ID); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := p.SessionOf(t.Context(), phone.Token.Reveal()); fault.CodeOf(err) != "session" {
				t.Errorf("it goes on: %v", err)
			}
			if _, err := p.SessionOf(t.Context(), desk.Token.Reveal()); err != nil {
				t.Error(err)
			}
			for range 2 {
				if err := p.SignOut(t.Context(), desk.Token.Reveal()); err != nil {
					t.Fatal(err)
				}
			}
			if got := p.sessions(t, ""); len(got) != 0 {
				t.Errorf("sessions: %+v", got)
			}
			if _, err := p.EndSession(t.Context(), amina, "none"); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			for _, bad := range []string{"", "ocs_", desk.Token.Reveal() + "x", "ocs_" + strings.Repeat("0", 43)} {
				if _, err := p.SessionOf(t.Context(), bad); fault.CodeOf(err) != "session" {
					t.Errorf("%q: %v", bad, err)
				}
			}
		})
	})
	t.Run("end by themselves when they are not used, and after two weeks in any case", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			in := p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			for hours := 0; ; hours += 11 {
				_, err := p.SessionOf(t.Context(), in.Token.Reveal())
				if hours >= 14*24 {
					if fault.CodeOf(err) != "session" {
						t.Errorf("after %d hours: %v", hours, err)
					}
					break
				}
				if err != nil {
					t.Fatalf("after %d hours: %v", hours, err)
				}
				p.clock.Advance(11 * time.Hour)
			}
			idle := p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			p.clock.Advance(12 * time.Hour)
			if _, err := p.SessionOf(t.Context(), idle.Token.Reveal()); fault.CodeOf(err) != "session" {
				t.Errorf("not used for half a day: %v", err)
			}
			p.clock.Advance(60 * 24 * time.Hour)
			if err := p.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"user_sessions", "sign_in_tries"} {
				if n := p.count(t, table); n != 0 {
					t.Errorf("%d rows of %s are kept", n, table)
				}
			}
		})
	})
	t.Run("end when somebody is disabled, or sets another password", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			u := p.add(t, "bilal@example.com")
			in := p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			no, yes := false, true
			if _, err := p.Change(t.Context(), amina, u.ID, 0, access.Change{Enabled: &no}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Change(t.Context(), amina, u.ID, 0, access.Change{Enabled: &yes}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.SessionOf(t.Context(), in.Token.Reveal()); fault.CodeOf(err) != "session" {
				t.Errorf("after being disabled: %v", err)
			}
			in = p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			token, _, err := p.Reset(t.Context(), amina, u.ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Accept(t.Context(), token.Reveal(), "another long password"); err != nil {
				t.Fatal(err)
			}
			if _, err := p.SessionOf(t.Context(), in.Token.Reveal()); fault.CodeOf(err) != "session" {
				t.Errorf("after a new password: %v", err)
			}
			if _, err := p.Accept(t.Context(), token.Reveal(), "a third long password"); fault.CodeOf(err) != "token" {
				t.Errorf("a token works twice: %v", err)
			}
			p.in(t, try("bilal@example.com", "another long password", "203.0.113.8"))
		})
	})
}

func (p people) sessions(t *testing.T, user string) (all []access.Session) {
	t.Helper()
	if err := p.db.Read(t.Context(), func(tx *db.Tx) (err error) { all, err = access.Sessions(tx, user, "", 0); return err }); err != nil {
		t.Fatal(err)
	}
	return all
}

func (p people) count(t *testing.T, table string) (n int64) {
	t.Helper()
	if err := p.db.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`select count(*) from ` + table).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// code is what an authenticator app shows, by RFC 6238 as it is written there.
func code(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(at.Unix()/30))
	mac := hmac.New(sha1.New, key)
	mac.Write(step[:])
	sum := mac.Sum(nil)
	o := sum[19] & 0xf
	n := (uint32(sum[o])&0x7f)<<24 | uint32(sum[o+1])<<16 | uint32(sum[o+2])<<8 | uint32(sum[o+3])
	return fmt.Sprintf("%06d", n%1_000_000)
}

func TestTOTP(t *testing.T) {
	t.Parallel()
	eachPeople(t, func(t *testing.T, p people) {
		u := p.add(t, "bilal@example.com")
		if err := p.Confirm(t.Context(), u.ID, "000000"); !fault.Is(err, fault.Conflict) {
			t.Errorf("confirmed nothing: %v", err)
		}
		e, err := p.Enrol(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(e.Address.Reveal())
		if err != nil || at.Scheme != "otpauth" || at.Query().Get("secret") != e.Secret.Reveal() || at.Query().Get("issuer") != "Shop" {
			t.Errorf("address %v, %v", at, err)
		}
		p.in(t, try("bilal@example.com", password, "203.0.113.7")) // not in use yet
		if err := p.Confirm(t.Context(), u.ID, "12"); !fault.Is(err, fault.Invalid) {
			t.Errorf("confirmed with a wrong code: %v", err)
		}
		if err := p.Confirm(t.Context(), u.ID, code(t, e.Secret.Reveal(), p.clock.Now())); err != nil {
			t.Fatal(err)
		}
		ask := func(c string) error {
			a := try("bilal@example.com", password, "203.0.113.7")
			a.Code = c
			_, err := p.SignIn(t.Context(), a)
			return err
		}
		for range 20 { // a right password without a code is no wrong try
			if err := ask(""); fault.CodeOf(err) != "code_needed" {
				t.Fatalf("without a code: %v", err)
			}
		}
		if err := ask(code(t, e.Secret.Reveal(), p.clock.Now())); fault.CodeOf(err) != "sign_in" {
			t.Errorf("the code that confirmed works again: %v", err)
		}
		p.clock.Advance(30 * time.Second)
		now := code(t, e.Secret.Reveal(), p.clock.Now())
		if err := ask(now[:3] + " " + now[3:]); err != nil {
			t.Errorf("the code of now: %v", err)
		}
		if err := ask(now); fault.CodeOf(err) != "sign_in" {
			t.Errorf("a code works twice: %v", err)
		}
		if err := ask(code(t, e.Secret.Reveal(), p.clock.Now().Add(30*time.Second))); err != nil {
			t.Errorf("a clock half a minute ahead: %v", err)
		}
		p.clock.Advance(5 * time.Minute)
		if err := ask(code(t, e.Secret.Reveal(), p.clock.Now().Add(-time.Minute))); fault.CodeOf(err) != "sign_in" {
			t.Errorf("a code a minute old: %v", err)
		}
		var won atomic.Int64
		var wg sync.WaitGroup
		fresh := code(t, e.Secret.Reveal(), p.clock.Now())
		for range 4 {
			wg.Go(func() {
				a := try("bilal@example.com", password, "203.0.113.9")
				a.Code = fresh
				if _, err := p.SignIn(context.Background(), a); err == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("one code let %d in", won.Load())
		}
		for range 2 {
			if err := p.Unenrol(t.Context(), amina, u.ID); err != nil {
				t.Fatal(err)
			}
		}
		p.clock.Advance(time.Hour)
		if err := ask(""); err != nil {
			t.Errorf("without codes again: %v", err)
		}
	})
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	owner := func(token string, i int) access.NewOwner {
		return access.NewOwner{Token: token, Email: fmt.Sprintf("owner%d@example.com", i), Name: "Owner", Password: password}
	}
	t.Run("of many who come at once with the token one becomes the owner", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			var tokens []string
			for range 2 { // two processes that start
				token, err := p.FirstRun(t.Context())
				if err != nil || token.IsZero() {
					t.Fatal(err)
				}
				tokens = append(tokens, token.Reveal())
			}
			if needs, err := p.NeedsSetup(t.Context()); err != nil || !needs {
				t.Errorf("needs %v, %v", needs, err)
			}
			for _, bad := range []string{"", "oct_" + strings.Repeat("a", 43), tokens[0][:20]} {
				if _, err := p.SetUp(t.Context(), owner(bad, 99)); fault.CodeOf(err) != "token" {
					t.Errorf("%q: %v", bad, err)
				}
			}
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					_, err := p.SetUp(context.Background(), owner(tokens[i%2], i))
					if err == nil {
						won.Add(1)
					} else if c := fault.CodeOf(err); c != "token" && c != "set_up" {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || p.count(t, "users") != 1 {
				t.Errorf("%d owners were made, %d people are there", won.Load(), p.count(t, "users"))
			}
			if token, err := p.FirstRun(t.Context()); err != nil || !token.IsZero() {
				t.Errorf("another token: %v", err)
			}
			if needs, err := p.NeedsSetup(t.Context()); err != nil || needs {
				t.Errorf("needs %v, %v", needs, err)
			}
			for _, tok := range tokens {
				if _, err := p.SetUp(t.Context(), owner(tok, 50)); err == nil {
					t.Error("a token works after the set-up")
				}
			}
		})
	})
	t.Run("a token ends after a day, and when an owner was made in another way", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			token, err := p.FirstRun(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.clock.Advance(24 * time.Hour)
			if _, err := p.SetUp(t.Context(), owner(token.Reveal(), 1)); fault.CodeOf(err) != "token" {
				t.Errorf("a day later: %v", err)
			}
			if token, err = p.FirstRun(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.add(t, "picker@example.com", access.Grant{Role: access.Picker})
			if needs, _ := p.NeedsSetup(t.Context()); !needs {
				t.Error("a picker is no owner")
			}
			p.add(t, "boss@example.com", access.Grant{Role: access.Owner})
			if _, err := p.SetUp(t.Context(), owner(token.Reveal(), 1)); err == nil {
				t.Error("there are two first owners")
			}
		})
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	t.Run("refuses what makes no sense", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			p.add(t, "bilal@example.com")
			for name, n := range map[string]access.NewUser{
				"no address": {Email: "", Password: password}, "no real address": {Email: "bilal", Password: password}, "two in one": {Email: "Bilal <b@example.com>", Password: password},
				"short": {Email: "a@example.com", Password: "short"}, "few characters": {Email: "a@example.com", Password: "aaaaaaaaaaaaaaaa"}, "the address": {Email: "bilalkhan@example.com", Password: "xx-BilalKhan-2026"},
				"no such role": {Email: "a@example.com", Grants: []access.Grant{{Role: "king"}}}, "no such country": {Email: "a@example.com", Grants: []access.Grant{{Role: access.Picker, Area: access.Area{Countries: []string{"pk"}}}}},
				"an empty name": {Email: "a@example.com", Grants: []access.Grant{{Role: access.Picker, Area: access.Area{Locations: []string{""}}}}},
			} {
				if _, _, err := p.Add(t.Context(), amina, n); !fault.Is(err, fault.Invalid) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, _, err := p.Add(t.Context(), amina, access.NewUser{Email: "BILAL@example.com", Password: password}); !fault.Is(err, fault.Conflict) {
				t.Errorf("the same address again: %v", err)
			}
		})
	})
	t.Run("nobody gives, or takes from who has, more rights than they have", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			pk := access.Area{Countries: []string{"PK"}}
			boss := p.add(t, "boss@example.com", access.Grant{Role: access.Owner})
			small := access.User{ID: "u", Grants: []access.Grant{{Role: access.Owner, Area: pk}}}.Caller()
			for _, g := range []access.Grant{{Role: access.Owner}, {Role: access.Picker}, {Role: access.Picker, Area: access.Area{Countries: []string{"PK", "AE"}}}, {Role: access.Picker, Area: access.Area{Locations: []string{"lhe"}}}} {
				if _, _, err := p.Add(t.Context(), small, access.NewUser{Email: "a@example.com", Grants: []access.Grant{g}}); fault.CodeOf(err) != "more_than_own" {
					t.Errorf("%+v: %v", g, err)
				}
			}
			if _, _, err := p.Add(t.Context(), small, access.NewUser{Email: "a@example.com", Grants: []access.Grant{{Role: access.Picker, Area: access.Area{Countries: []string{"PK"}, Locations: []string{"lhe"}}}}}); err != nil {
				t.Error(err)
			}
			no := false
			if _, err := p.Change(t.Context(), small, boss.ID, 0, access.Change{Enabled: &no}); fault.CodeOf(err) != "more_than_own" {
				t.Errorf("an owner of a country disables the owner: %v", err)
			}
			if _, _, err := p.Reset(t.Context(), small, boss.ID); fault.CodeOf(err) != "more_than_own" {
				t.Errorf("an owner of a country resets the owner: %v", err)
			}
			integrator := access.User{ID: "i", Grants: []access.Grant{{Role: access.Integrator}}}.Caller()
			if _, _, err := p.Make(t.Context(), integrator, access.NewKey{Name: "x", Scopes: []access.Scope{access.Write}}); fault.CodeOf(err) != "more_than_own" {
				t.Errorf("an integrator makes a key that refunds: %v", err)
			}
			if _, _, err := p.Make(t.Context(), integrator, access.NewKey{Name: "x", Scopes: []access.Scope{access.Read, access.Hooks}, Area: pk}); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("the last owner stays, whoever takes them away at once", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			a, b := p.add(t, "a@example.com", access.Grant{Role: access.Owner}), p.add(t, "b@example.com", access.Grant{Role: access.Owner})
			var kept atomic.Int64
			var wg sync.WaitGroup
			for _, id := range []string{a.ID, b.ID} {
				wg.Go(func() {
					_, err := p.Change(context.Background(), amina, id, 0, access.Change{Grants: &[]access.Grant{{Role: access.Auditor}}})
					if fault.CodeOf(err) == "last_owner" {
						kept.Add(1)
					} else if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if kept.Load() != 1 {
				t.Errorf("%d owners were kept", kept.Load())
			}
		})
	})
	t.Run("a change as of an old version is refused, and acts are written down", func(t *testing.T) {
		t.Parallel()
		eachPeople(t, func(t *testing.T, p people) {
			u := p.add(t, "bilal@example.com")
			name := "Bilal"
			if _, err := p.Change(t.Context(), amina, u.ID, u.Version, access.Change{Name: &name}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Change(t.Context(), amina, u.ID, u.Version, access.Change{Name: &name}); fault.CodeOf(err) != "version" {
				t.Errorf("as of an old version: %v", err)
			}
			_, _ = p.SignIn(t.Context(), try("bilal@example.com", "guess", "203.0.113.7"))
			p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			var got []string
			if err := p.db.Read(t.Context(), func(tx *db.Tx) error {
				rows, err := p.log.List(tx, audit.Filter{Subject: u.ID}, 0, 0)
				for _, r := range rows {
					got = append(got, r.Action)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"sign_in", "sign_in.refused", "user.change", "user.add"}, got); diff != "" {
				t.Errorf("written down (-want +got):\n%s", diff)
			}
		})
	})
}
